# What stands behind the NUL would not be judged, and would run.
mkdir migrations
echo '[project]' >pgrail.conf
printf 'SELECT 1;\n\000DROP TABLE t;\n' >migrations/0001_a.up.sql
$PGRAIL check --all
