# A folder stands where the down script would be written: nothing is written at all.
mkdir -p migrations/0001_a.down.sql
echo '[project]' >pgrail.conf
$PGRAIL new a
status=$?
ls migrations
exit $status
