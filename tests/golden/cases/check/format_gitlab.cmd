printf 'DROP TABLE drafts;\nCREATE INDEX i ON t (a);\n' >a.sql
$PGRAIL check a.sql --format gitlab
