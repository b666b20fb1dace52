CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE DOMAIN shop.amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE shop.customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, joined timestamptz DEFAULT now());
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.customers (id) ON DELETE CASCADE,
    state shop.state NOT NULL DEFAULT 'new',
    total shop.amount,
    note varchar(20),
    CONSTRAINT paid_has_total CHECK (state <> 'paid' OR total IS NOT NULL)
);
CREATE INDEX ON shop.orders (customer_id);
INSERT INTO shop.customers (email) SELECT 'c' || g || '@example.org' FROM generate_series(1, 300) AS g;
INSERT INTO shop.orders (customer_id, total, note) SELECT g, g, 'note ' || g FROM generate_series(1, 300) AS g;
CREATE VIEW shop.open_orders AS SELECT o.id, c.email FROM shop.orders AS o JOIN shop.customers AS c ON c.id = o.customer_id WHERE o.state = 'new';
CREATE MATERIALIZED VIEW shop.totals AS SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE TABLE shop.log (at timestamptz NOT NULL, line text) PARTITION BY RANGE (at);
CREATE TABLE shop.log_2024 PARTITION OF shop.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.log_rest PARTITION OF shop.log DEFAULT;
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'seen'; RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
