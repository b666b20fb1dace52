printf '[policy]\nmax_inlin_rows = 5\n' >pgrail.conf
$PGRAIL doctor
