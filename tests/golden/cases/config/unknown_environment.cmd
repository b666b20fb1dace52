printf '[environment production]\nservice = app\n[environment staging]\nservice = app_staging\n' >pgrail.conf
$PGRAIL doctor --env stagign
