-- As dumps do it: the path is emptied and every name qualified; then a path of the file's own.
SELECT pg_catalog.set_config('search_path', '', false);
ALTER TABLE shop.orders ADD COLUMN shipped_at timestamptz;
SET search_path = shop;
ALTER TABLE orders ADD COLUMN ref uuid DEFAULT gen_random_uuid();
ALTER TABLE orders ALTER COLUMN note TYPE text;
CREATE INDEX orders_ref ON orders (ref);
DROP INDEX IF EXISTS orders_never_there;
DROP TABLE IF EXISTS never_there;
ALTER TABLE orders RENAME COLUMN note TO remark;
ALTER TABLE orders RENAME TO purchases;
ALTER TABLE purchases ALTER COLUMN shipped_at SET NOT NULL;
SELECT email FROM open_orders;
