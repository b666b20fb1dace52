# What is wrong with a migration as a whole is told when it is named, and nothing about the others; a file beside the folder too.
mkdir migrations
echo '[project]' >pgrail.conf
echo '-- to come' >migrations/0001_empty.up.sql
echo 'CREATE TABLE t (i int);' >migrations/0002_table.up.sql
echo 'DROP TABLE t;' >migrations/0002_table.down.sql
$PGRAIL check 1 --offline
$PGRAIL check migrations/0002_table.up.sql migrations/0002_table.down.sql --offline
echo '-- nothing' >beside.sql
$PGRAIL check beside.sql --offline
printf '[rules]\nfolder = note\ndown-missing = off\n' >pgrail.conf
$PGRAIL check 1 --offline
