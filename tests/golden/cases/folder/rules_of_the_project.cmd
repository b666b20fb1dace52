# A level that the project sets is read, used, and let go of.
mkdir migrations
printf '[rules]\ndrop-table = off\n' >pgrail.conf
echo 'SELECT 1;' >migrations/0001_a.up.sql
echo 'SELECT 2;' >migrations/0001_a.down.sql
$PGRAIL check --all
