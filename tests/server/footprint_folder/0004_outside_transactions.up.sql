CREATE INDEX CONCURRENTLY purchases_shipped ON shop.purchases (shipped_at);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS customers_joined_key ON shop.customers (joined, id);
REINDEX INDEX CONCURRENTLY shop.purchases_shipped;
DROP INDEX CONCURRENTLY shop.purchases_shipped;
VACUUM shop.customers;
REFRESH MATERIALIZED VIEW shop.totals;
