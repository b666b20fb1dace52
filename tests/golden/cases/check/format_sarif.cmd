# SARIF 2.1.0: the rules that found something, and a result for each finding; paths are counted from the root of the repository.
mkdir -p .git billing/migrations && cd billing
printf '[project]\nmigrations = migrations\n' >pgrail.conf
printf -- '-- pgrail:ignore drop-table\nDROP TABLE drafts;\n' >migrations/0001_drafts.up.sql
$PGRAIL check --up-only --format sarif
