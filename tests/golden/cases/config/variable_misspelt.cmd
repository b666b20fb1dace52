printf '[environment production]\nservice = app\n' >pgrail.conf
PGRAIL_POLICY_MAX_INLIN_ROWS=3 $PGRAIL doctor
