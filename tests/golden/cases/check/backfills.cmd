# Backfills are judged with the folder: their header, their statement, and whether it can be taken apart in the world that their
# migration leaves. They are no migrations.
mkdir migrations
echo '[project]' >pgrail.conf
cat >migrations/0001_t.up.sql <<X
CREATE TABLE t (id bigint PRIMARY KEY, a int);
CREATE TABLE nokey (a int);
X
echo 'DROP TABLE t; DROP TABLE nokey;' >migrations/0001_t.down.sql
echo 'ALTER TABLE t ADD COLUMN b int;' >migrations/0002_b.up.sql
echo 'ALTER TABLE t DROP COLUMN b;' >migrations/0002_b.down.sql
printf -- '-- rationale: b for the old rows\n-- batch: 2000\nUPDATE t SET b = a WHERE b IS NULL;\n' >migrations/0002_b.backfill.sql
$PGRAIL check --all
printf -- '-- bacth: 2000\n' | cat - migrations/0002_b.backfill.sql >x && mv x migrations/0002_b.backfill.sql
printf -- '-- target: 3 days\nDELETE FROM t;\n' >migrations/0003_time.backfill.sql
printf -- '-- nothing\n\nSELECT 1;\n' >migrations/0004_select.backfill.sql
printf -- 'UPDATE t SET b = 1;\nDELETE FROM t;\n' >migrations/0005_two.backfill.sql
printf -- 'UPDATE nokey SET a = 1;\n' >migrations/0006_key.backfill.sql
printf -- '-- compare: a + 1\nUPDATE t SET b = 1;\n' >migrations/0007_compare.backfill.sql
printf -- '-- verify: DELETE FROM t\nUPDATE t SET b = 1;\n' >migrations/0008_verify.backfill.sql
printf -- 'UPDATE t SET c = 1;\n' >migrations/0009_column.backfill.sql
printf -- 'UPDAET t SET c = 1;\n' >migrations/0010_syntax.backfill.sql
$PGRAIL check --all
$PGRAIL check migrations/0003_time.backfill.sql
cp migrations/0006_key.backfill.sql beside.backfill.sql
$PGRAIL check beside.backfill.sql
