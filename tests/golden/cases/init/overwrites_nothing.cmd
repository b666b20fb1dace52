echo '; mine' >pgrail.conf
$PGRAIL init --production-service app
status=$?
cat pgrail.conf
exit $status
