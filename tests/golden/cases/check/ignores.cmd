# A reason is required, a date ends it, and one that hides nothing is itself a finding.
cat >drops.sql <<'SQL'
-- pgrail:ignore drop-table nobody reads it since March
DROP TABLE a;
-- pgrail:ignore drop-table
DROP TABLE b;
-- pgrail:ignore drop-table until 2026-11-20 nobody reads it
DROP TABLE c;
-- pgrail:ignore drop-tabel nobody reads it
DROP TABLE d;
SQL
$PGRAIL check drops.sql
