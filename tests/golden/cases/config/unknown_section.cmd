printf '[enviroment production]\nservice = app\n' >pgrail.conf
$PGRAIL doctor
