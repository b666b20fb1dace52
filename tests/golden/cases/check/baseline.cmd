# Findings of old files are accepted by a file; a line that moves revives none, a statement that changes does, and entries that
# nothing meets any more are told, so that the file shrinks.
mkdir migrations
echo '[project]' >pgrail.conf
printf 'DROP TABLE a;\nDROP TABLE b;\n' >migrations/0001_drops.up.sql
echo 'CREATE TABLE a (i int); CREATE TABLE b (i int);' >migrations/0001_drops.down.sql
$PGRAIL check --offline --baseline base.json
$PGRAIL check --offline --write-baseline
$PGRAIL check --offline --baseline kept/base.json --write-baseline
cat kept/base.json
echo '-- moved: one line more, and other blanks
DROP   TABLE a;

DROP TABLE b;' >migrations/0001_drops.up.sql
echo '--- moved'
$PGRAIL check --offline --baseline kept/base.json
echo '--- mended in part, and one more'
printf 'DROP TABLE b;\nDROP TABLE c;\n' >migrations/0001_drops.up.sql
$PGRAIL check --offline --baseline kept/base.json
echo '--- a note fails where it is asked to'
printf 'DROP TABLE b;\n' >migrations/0001_drops.up.sql
$PGRAIL check --offline --baseline kept/base.json >out; echo $?
$PGRAIL check --offline --baseline kept/base.json --fail-on note >out; echo $?
echo '--- from the settings, and renewed'
printf '[project]\nbaseline = kept/base.json\n' >pgrail.conf
$PGRAIL check --offline --write-baseline
grep -c fingerprint kept/base.json
$PGRAIL check --offline
echo '{"schema": "other"}' >kept/base.json
$PGRAIL check --offline
