# Mostly the same command given twice.
echo '[project]' >pgrail.conf
$PGRAIL new add_flag >first.txt
$PGRAIL new add_flag
