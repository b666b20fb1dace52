mkdir migrations
echo '[project]' >pgrail.conf
$PGRAIL check --all
