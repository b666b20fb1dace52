printf '[project]\nlayout = golang-migrat\n' >pgrail.conf
$PGRAIL check --all
