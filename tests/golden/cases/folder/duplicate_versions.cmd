mkdir migrations
echo '[project]' >pgrail.conf
for name in 0001_a 1_b; do
    echo 'SELECT 1;' >migrations/$name.up.sql
    echo 'SELECT 2;' >migrations/$name.down.sql
done
$PGRAIL check --all
