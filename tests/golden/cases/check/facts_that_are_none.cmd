printf 'DROP TABLE a;\n' >a.sql
$PGRAIL check a.sql --facts nowhere.json
echo "status $?"
printf '{"schema": "something else"}' >f.json
$PGRAIL check a.sql --facts f.json
