-- What test_footprint.py runs its statements against: 2000 rows where rows matter, 7 indexes on p, an expression index on q,
-- a partitioned table with and without a default partition, keys both ways, views, types, and one of everything else.
CREATE SCHEMA s;
SET search_path = s;
CREATE TYPE en AS ENUM ('a', 'b', 'c');
CREATE DOMAIN dom AS int;
CREATE DOMAIN domc AS int CHECK (VALUE > -100000);
CREATE TYPE comp AS (a int, b text);
CREATE SEQUENCE sq;
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION fn_stable() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION fn_inlined() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 + 1';
CREATE FUNCTION fn_volatile() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';

CREATE TABLE r (id bigint PRIMARY KEY, name text);
INSERT INTO r SELECT i, 'r' || i FROM generate_series(1, 2000) AS i;

CREATE TABLE p (
    id bigint, x int, y int, v varchar(10), t text, c char(5), n numeric(10, 2), ts timestamp, tz timestamptz,
    ts3 timestamp(3), iv interval(3), tm time(3), j json, jb jsonb, ip cidr, vb varbit(4), b bit(4), d dom, e en, ct text,
    nn int NOT NULL, r_id bigint, i8 bigint, va varchar(5)[], gen int GENERATED ALWAYS AS (x + 1) STORED,
    CONSTRAINT p_pkey PRIMARY KEY (id), CONSTRAINT p_uq UNIQUE (nn),
    CONSTRAINT p_nn_chk CHECK (y IS NOT NULL), CONSTRAINT p_and_chk CHECK (tz IS NOT NULL AND y > -100), CONSTRAINT p_n_chk CHECK (n > 0)
);
INSERT INTO p (id, x, y, v, t, c, n, ts, tz, ts3, iv, tm, j, jb, ip, vb, b, d, e, ct, nn, r_id, i8, va)
SELECT i, i, i, 'v', 't', 'c', i, '2020-01-01', '2020-01-01', '2020-01-01', '1 h', '10:00', '{}', '{}', '10.0.0.0/8', '1010', '1010', i,
       'a', 'a', i, i, i, '{a}'
FROM generate_series(1, 2000) AS i;
CREATE UNIQUE INDEX p_idn ON p (y);
CREATE INDEX p_x ON p (x);
CREATE INDEX p_t ON p (t);
CREATE INDEX p_r_id ON p (r_id);
CREATE INDEX p_e ON p (e);
ALTER TABLE p ADD CONSTRAINT p_nv_chk CHECK (r_id IS NOT NULL) NOT VALID;
ALTER TABLE p ADD CONSTRAINT p_fk_nv FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID;
CREATE TRIGGER p_tr AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION trg();
CREATE POLICY pol ON p USING (true);
CREATE STATISTICS st ON x, nn FROM p;
CREATE VIEW vw AS SELECT id, x, v FROM p;
CREATE MATERIALIZED VIEW mv AS SELECT id, x FROM p;
CREATE UNIQUE INDEX mv_id ON mv (id);
CREATE MATERIALIZED VIEW mv7 AS SELECT id FROM r;

CREATE TABLE q (id int, x int, v varchar(10), w varchar(10), k varchar(10));
INSERT INTO q SELECT i, i, 'v', 'w', 'k' || i FROM generate_series(1, 2000) AS i;
CREATE UNIQUE INDEX qe ON q ((x + 0));
CREATE UNIQUE INDEX qp ON q (id) WHERE id > 0;
CREATE UNIQUE INDEX qd ON q (id DESC);
CREATE INDEX q_v ON q (v);

CREATE TABLE fk1 (id int PRIMARY KEY, r_id bigint REFERENCES r (id));
INSERT INTO fk1 SELECT i, i FROM generate_series(1, 2000) AS i;

CREATE TABLE part (k int, v int, rid bigint) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (100) TO (200);
CREATE TABLE partd PARTITION OF part DEFAULT;
CREATE INDEX part_v ON part (v);
INSERT INTO part SELECT i % 200, i, i FROM generate_series(1, 2000) AS i;
INSERT INTO part SELECT 1000 + i, i, i FROM generate_series(1, 100) AS i;
CREATE TABLE newp (k int, v int NOT NULL, rid bigint);
INSERT INTO newp SELECT 200 + i % 100, i, i FROM generate_series(1, 1000) AS i;
CREATE TABLE newpc (k int, v int, rid bigint, CONSTRAINT newpc_chk CHECK (k IS NOT NULL AND k >= 300 AND k < 400));
INSERT INTO newpc SELECT 300 + i % 100, i, i FROM generate_series(1, 1000) AS i;
CREATE TABLE part_nd (k int, v int) PARTITION BY RANGE (k);
CREATE TABLE pnd1 PARTITION OF part_nd FOR VALUES FROM (0) TO (100);
CREATE TABLE pnd_new (k int, v int, CONSTRAINT pnd_chk CHECK (k IS NOT NULL AND k >= 300 AND k < 400));
INSERT INTO pnd_new SELECT 300 + i % 100, i FROM generate_series(1, 1000) AS i;
CREATE TABLE pnd_nullable (k int, v int, CONSTRAINT pndn_chk CHECK (k >= 300 AND k < 400));
INSERT INTO pnd_nullable SELECT 300 + i % 100, i FROM generate_series(1, 1000) AS i;
INSERT INTO part_nd SELECT i % 100, i FROM generate_series(1, 1000) AS i;

CREATE TABLE ul (id int, v text);
INSERT INTO ul SELECT i, 'x' FROM generate_series(1, 2000) AS i;
CREATE RULE p_rule AS ON UPDATE TO ul DO NOTHING;
CREATE UNLOGGED TABLE unl (id int);
INSERT INTO unl SELECT generate_series(1, 2000);
CREATE TABLE seqt (id serial PRIMARY KEY, v int);
INSERT INTO seqt (v) SELECT generate_series(1, 2000);
CREATE TABLE idt (id int GENERATED ALWAYS AS IDENTITY, v int);
INSERT INTO idt (v) SELECT generate_series(1, 2000);
CREATE TABLE parent (id int, v int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE child2 (id int, v int);
INSERT INTO parent SELECT i, i FROM generate_series(1, 1000) AS i;
INSERT INTO child SELECT i, i FROM generate_series(1, 1000) AS i;
CREATE TABLE ctyped OF comp;
CREATE TABLE typed_src (a int, b text);
CREATE TABLE uses_dom (d dom);
INSERT INTO uses_dom SELECT generate_series(1, 2000);
CREATE TABLE trgd (id int, a int, b int);
INSERT INTO trgd SELECT i, i, i FROM generate_series(1, 2000) AS i;
CREATE TRIGGER trgd_a AFTER UPDATE OF a ON trgd FOR EACH ROW EXECUTE FUNCTION trg();
CREATE POLICY trgd_b ON trgd USING (b > 0);
CREATE INDEX trgd_ab ON trgd (a, b);
CREATE TABLE lst (region text, v int) PARTITION BY LIST (region);
CREATE TABLE lst_eu PARTITION OF lst FOR VALUES IN ('eu');
INSERT INTO lst SELECT 'eu', i FROM generate_series(1, 1000) AS i;
CREATE PUBLICATION pubx FOR TABLE r;
ANALYZE;
