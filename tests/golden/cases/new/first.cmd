echo '[project]' >pgrail.conf
$PGRAIL new 'Index unpaid items' --author 'A Person <a@example.com>' --rationale 'the dunning page takes 9 s' \
    --up-sql 'CREATE INDEX CONCURRENTLY i ON t (x);' --down-sql 'DROP INDEX CONCURRENTLY i;'
head -n 20 migrations/*
