printf '[project]\n[environment production]\nenv = PRODUCTION_URL\n' >pgrail.conf
$PGRAIL orphan invoice_items
echo "status $?"
$PGRAIL orphans invoice_items --limits 3
