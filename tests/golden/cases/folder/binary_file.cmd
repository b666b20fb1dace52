mkdir migrations
echo '[project]' >pgrail.conf
printf '\177ELF\002\001\001\000\000' >migrations/0001_a.up.sql
$PGRAIL check --all
