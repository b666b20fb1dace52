# What guards production is not switched off by a variable that nobody reviews.
printf '[environment production]\nservice = app\nprotected = yes\n' >pgrail.conf
PGRAIL_ENVIRONMENT_PRODUCTION_PROTECTED=no $PGRAIL doctor
