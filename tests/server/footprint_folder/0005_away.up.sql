TRUNCATE shop.customers CASCADE;
ALTER TABLE shop.purchases DROP COLUMN total CASCADE;
ALTER TABLE shop.customers ALTER COLUMN id TYPE int;
ALTER TABLE shop.log DETACH PARTITION shop.log_2024;
DROP TABLE shop.log_2024, shop.log;
DROP FUNCTION shop.stamp() CASCADE;
DROP SCHEMA shop CASCADE;
