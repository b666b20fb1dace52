-- One of each thing that facts must see, for PostgreSQL 13 to 18. Read by test_facts.py.
CREATE SCHEMA app;
CREATE SCHEMA "Odd Schema";
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'it''s "fine"');
CREATE TYPE app.pair AS (a integer, b text);
CREATE DOMAIN app.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN app.small_positive AS app.positive;
CREATE DOMAIN app.label AS varchar(20);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION app.stamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

CREATE TABLE app.parents (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code  varchar(12) COLLATE "C" NOT NULL UNIQUE DEFERRABLE,
    feel  app.mood DEFAULT 'ok',
    size  app.small_positive,
    label app.label,
    gone  text,
    made  timestamptz NOT NULL DEFAULT app.stamp(),
    net   integer,
    gross integer GENERATED ALWAYS AS (net * 119 / 100) STORED,
    CHECK (net >= 0)
) WITH (fillfactor = 80, autovacuum_enabled = false);
ALTER TABLE app.parents DROP COLUMN gone;
ALTER TABLE app.parents ADD CONSTRAINT net_small CHECK (net < 1000000) NOT VALID;
COMMENT ON TABLE app.parents IS 'A table with a comment.';
COMMENT ON COLUMN app.parents.code IS 'Printed on paper.';
CREATE INDEX parents_expr ON app.parents (lower(code), (net + 1), id DESC) INCLUDE (label) WHERE feel IS NOT NULL;
CREATE STATISTICS app.parents_stat ON code, net FROM app.parents;
CREATE TRIGGER parents_touch BEFORE UPDATE OF code ON app.parents
    FOR EACH ROW WHEN (OLD.net IS DISTINCT FROM NEW.net) EXECUTE FUNCTION app.touch();
ALTER TABLE app.parents DISABLE TRIGGER parents_touch;
ALTER TABLE app.parents ENABLE ROW LEVEL SECURITY;
CREATE POLICY parents_own ON app.parents FOR SELECT USING (net > 0);
ALTER TABLE app.parents REPLICA IDENTITY FULL;

CREATE TABLE app.children (
    id        serial PRIMARY KEY,
    parent_id bigint REFERENCES app.parents (id) ON DELETE CASCADE,
    extra     app.parents,
    at        date NOT NULL
);
CREATE VIEW app.parent_view AS SELECT id, code FROM app.parents WHERE net > 0;
CREATE MATERIALIZED VIEW app.parent_counts AS SELECT feel, count(*) AS n FROM app.parents GROUP BY feel;
CREATE RULE children_rule AS ON DELETE TO app.children WHERE OLD.id < 0 DO INSTEAD NOTHING;

CREATE TABLE app.events (id bigint NOT NULL, at date NOT NULL, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.events_2025 PARTITION OF app.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE TABLE app.readings (event_id bigint, event_at date, FOREIGN KEY (event_id, event_at) REFERENCES app.events (id, at));
CREATE TABLE app.animals (name text);
CREATE TABLE app.dogs (barks boolean) INHERITS (app.animals);

CREATE TABLE "Odd Schema"."Odd ""Table""" ("Odd Column" integer, "select" text);
CREATE TABLE public.parents (other integer);
CREATE PUBLICATION pub FOR TABLE app.children;
GRANT SELECT ON app.parents TO PUBLIC;
GRANT UPDATE (label) ON app.parents TO PUBLIC;
REVOKE DELETE ON app.children FROM postgres;

INSERT INTO app.parents (code, net) SELECT 'c' || n, n FROM generate_series(1, 500) AS n;
INSERT INTO app.children (parent_id, at) SELECT n, '2025-01-01' FROM generate_series(1, 400) AS n;
INSERT INTO app.events SELECT n, date '2025-06-01' + n % 300, 'x' FROM generate_series(1, 1000) AS n;
