printf 'SELECT 1;\n' >a.sql
$PGRAIL check a.sql --runner flywya
echo "status $?"
$PGRAIL check a.sql --fail-on never
echo "status $?"
$PGRAIL check a.sql --facts f.json --offline
echo "status $?"
printf '[project]\n' >pgrail.conf
$PGRAIL check a.sql --all
