$PGRAIL check
echo "status $?"
$PGRAIL check 0247
echo "status $?"
$PGRAIL check nowhere.sql
