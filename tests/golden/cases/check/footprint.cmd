# What is predicted for each statement.
printf 'ALTER TABLE invoices ADD COLUMN vat_rate numeric(5,2);\nALTER TABLE invoices ALTER COLUMN id TYPE bigint;\nUPDATE invoices SET vat_rate = 19 WHERE id = 1;\n' >change.sql
$PGRAIL check change.sql --footprint
