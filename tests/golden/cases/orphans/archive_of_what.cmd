printf '[project]\n[environment production]\nenv = PRODUCTION_URL\n' >pgrail.conf
$PGRAIL orphans --archive kept
