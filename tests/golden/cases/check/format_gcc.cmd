# Seen from the working folder, so that an editor finds them.
mkdir -p migrations below
printf '[project]\nmigrations = migrations\n' >pgrail.conf
printf 'DROP TABLE drafts;\nCREATE INDEX i ON t (a);\n' >migrations/0001_drafts.up.sql
cd below && $PGRAIL check 0001 --format gcc
