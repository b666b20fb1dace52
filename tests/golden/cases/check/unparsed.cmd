# What the grammar does not accept is named, and the rest is judged. (Which grammar is built in differs from machine to machine.)
printf 'ALTER TABLE invoices FORM x;\nDROP TABLE drafts;\nCOPY a FROM stdin;\n1\t2\n\\.\n' >change.sql
$PGRAIL check change.sql | sed 's/PostgreSQL 1[578]/PostgreSQL NN/'
