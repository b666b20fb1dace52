# What pgrail does by itself, another runner does not.
printf 'CREATE INDEX CONCURRENTLY IF NOT EXISTS a_idx ON a (b);\nDROP INDEX c_idx;\n\\i more.sql\n' >change.sql
$PGRAIL check change.sql
$PGRAIL check change.sql --runner psql --fail-on warning
