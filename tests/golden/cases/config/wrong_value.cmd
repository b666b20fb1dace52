printf '[project]\nmigrations = m\n\n[policy]\nrehearsal_max_age = a day\n' >pgrail.conf
$PGRAIL doctor
