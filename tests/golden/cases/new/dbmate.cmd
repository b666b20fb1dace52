mkdir migrations
echo '[project]' >pgrail.conf
printf -- '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\n' >migrations/20240101000000_a.sql
$PGRAIL new b --author me --rationale r --up-sql 'CREATE INDEX CONCURRENTLY i ON t (x);'
cat migrations/*_b.sql
