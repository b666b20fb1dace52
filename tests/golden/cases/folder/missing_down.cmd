mkdir migrations
echo '[project]' >pgrail.conf
echo 'SELECT 1;' >migrations/0001_a.up.sql
$PGRAIL check --all
