# Annotations: a line each, whatever the names hold, and a last line for who reads the log.
mkdir .git
printf 'DROP TABLE "50%%,a:b";\nCREATE INDEX i ON t (a);\n' >'a,b.sql'
$PGRAIL check a,b.sql --format github
