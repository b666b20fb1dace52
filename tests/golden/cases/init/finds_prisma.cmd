mkdir -p prisma/migrations/20240101000000_init
echo 'provider = "postgresql"' >prisma/migrations/migration_lock.toml
echo 'CREATE TABLE t (id bigint PRIMARY KEY);' >prisma/migrations/20240101000000_init/migration.sql
touch prisma/schema.prisma package.json
$PGRAIL init --production-env DATABASE_URL | sed -n '1,/^$/p'
grep '^migrations' pgrail.conf
