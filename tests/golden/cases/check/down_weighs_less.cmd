# What undoing loses is a note; what fails in a down script fails.
printf '[project]\nmigrations = migrations\n' >pgrail.conf
mkdir migrations
printf 'CREATE TABLE notes (id bigint);\n' >migrations/0001_notes.up.sql
printf 'BEGIN;\nDROP TABLE notes;\nVACUUM other;\nCOMMIT;\n' >migrations/0001_notes.down.sql
$PGRAIL check
