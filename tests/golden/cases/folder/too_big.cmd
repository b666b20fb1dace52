mkdir migrations
echo '[project]' >pgrail.conf
truncate -s 65M migrations/0001_a.up.sql
$PGRAIL check --all
