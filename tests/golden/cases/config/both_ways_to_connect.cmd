printf '[environment production]\nservice = app\nenv = DATABASE_URL\n' >pgrail.conf
$PGRAIL doctor
