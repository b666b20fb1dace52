printf '[rules]\nindex-not-concurrent = shout\n' >pgrail.conf
$PGRAIL doctor
