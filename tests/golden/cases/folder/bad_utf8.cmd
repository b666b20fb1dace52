mkdir migrations
echo '[project]' >pgrail.conf
printf "SELECT 1;\nSELECT 'caf\351';\n" >migrations/0001_a.up.sql
$PGRAIL check --all
