echo '[project]' >pgrail.conf
$PGRAIL new ../../etc/passwd
