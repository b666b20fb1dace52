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
# For all of a file, for some rules of several, and within a statement.
cat >more.sql <<'SQL'
-- pgrail:ignore-file drop-table the module goes away
DROP TABLE a;
-- pgrail:ignore truncate,drop-column it is empty
TRUNCATE b;
ALTER TABLE c
    -- pgrail:ignore drop-column nobody reads it
    DROP COLUMN x,
    DROP COLUMN y;
-- pgrail:ignore-line drop-table no such mark
DROP TABLE d;
SQL
$PGRAIL check more.sql
