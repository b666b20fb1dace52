# Several answers of one run, and what is wrong with how they are asked for.
printf 'SELECT 1;\n' >a.sql
$PGRAIL check a.sql --report sarif=a.sarif --report gitlab=a.json
ls a.sarif a.json
$PGRAIL check a.sql --report sarfi=a.sarif
echo "status $?"
$PGRAIL check a.sql --report a.sarif
echo "status $?"
$PGRAIL check a.sql --report gcc=a.out --report gitlab=a.out
echo "status $?"
$PGRAIL check a.sql --format sarfi
echo "status $?"
$PGRAIL check a.sql --json --format gcc
echo "status $?"
$PGRAIL check a.sql --report sarif=nowhere/a.sarif
