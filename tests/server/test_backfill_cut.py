"""The SQL that a backfill is cut into runs on every version, and a walk with it, in the steps of the engine, changes every row exactly
once: `hits` counts the changes of each row by a trigger."""
import re

import pytest
from lib.backfill import Probe, array, edges, literal, pairs, ranged, run, some, strided, walk, whole, wrong
from lib.few import server  # noqa: F401

ROWS = 700
# Name, definition of the key's columns, the key, and SQL that makes the key of row i. Orders that surprise: collations, descending
# indexes, negative and endless values, quoted names, values with quotes and blanks in them.
KEYS = {
    "bigint": ("id bigint", "id", "i"),
    "composite": ("a integer, b text, c date", "a, b, c", "i % 7, 'k' || i % 13, date '2020-01-01' + i"),
    "uuid": ("id uuid", "id", "md5(i::text)::uuid"),
    "text": ("id text", "id", "chr(65 + i % 26) || CASE i % 3 WHEN 0 THEN '''' WHEN 1 THEN '\"\\' ELSE ' {,} ' END || i"),
    "text_c": ('id text COLLATE "C"', "id", "CASE i % 2 WHEN 0 THEN 'a' ELSE 'Z' END || i"),
    "varchar": ("id varchar(20)", "id", "'é' || i"),
    "char": ("id char(8)", "id", "i::text"),
    "numeric": ("id numeric", "id", "CASE i WHEN 1 THEN 'NaN' ELSE (i - 350) / 7.0 END"),
    "scaled": ("id numeric(12,4)", "id", "(i - 350) / 8.0"),
    "timestamptz": ("id timestamptz(3)", "id", "CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE timestamptz '2020-03-29 00:00+00' + i * interval '13 min 0.123 s' END"),
    "timestamp": ("id timestamp", "id", "timestamp '2020-01-01' + i * interval '1.000001 s'"),
    "double": ("id double precision", "id", "sqrt(i)"),
    "interval": ("id interval day to second(3)", "id", "i * interval '1.5 s'"),
    "inet": ("id inet", "id", "inet '10.0.0.0' + i"),
    "bytea": ("id bytea", "id", "decode(md5(i::text), 'hex')"),
    "bit": ("id bit(12)", "id", "i::bit(12)"),
    "enum_and_int": ("mood mood, id integer", "mood, id", "(CASE i % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'Quite ok' ELSE 'ok' END)::mood, i"),
    "domain": ("id positive", "id", "i"),
    "quoted": ('"Order" integer, "a ""b" text', '"Order", "a ""b"', "i, 'x'"),
}


def make(db, name="t", cols="id bigint", key="id", values="i", more="", index=None):
    """A table of ROWS rows in no order, with src, dst and hits; the key is primary or the index given."""
    db.sql(f"""
        CREATE TABLE {name} ({cols}, src integer, dst integer, hits integer NOT NULL DEFAULT 0, filler text DEFAULT repeat('x', 40) {more});
        INSERT INTO {name} ({key}, src) SELECT {values}, i FROM (SELECT i FROM generate_series(1, {ROWS}) AS i ORDER BY i) AS s;
        {index or f'ALTER TABLE {name} ADD PRIMARY KEY ({key})'};
        CREATE TRIGGER hit BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION hit();
        ANALYZE {name}""")


@pytest.fixture
def world(server, db):
    db.sql("""CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.hits := OLD.hits + 1; RETURN NEW; END';
              CREATE TYPE mood AS ENUM ('sad', 'ok', 'Quite ok'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0)""")
    probe = Probe(db.url)
    yield db, probe
    probe.close()


@pytest.mark.parametrize("kind", KEYS)
def test_every_row_once(world, kind):
    db, probe = world
    make(db, "t", *KEYS[kind])
    cut = probe.cut("-- way: key\nUPDATE t SET dst = src * 2 WHERE dst IS NULL AND src > 5")
    w = cut["walks"][0]
    with db.connect() as conn:
        assert walk(conn, w, 37) == ROWS - 5
        assert db.sql("SELECT count(*), count(*) FILTER (WHERE dst = src * 2), max(hits), sum(hits) FROM t") == [(ROWS, ROWS - 5, 1, ROWS - 5)]
        # The keys of a list; and all ranges again: nobody is changed twice.
        db.sql("UPDATE t SET dst = NULL WHERE src % 10 = 1")
        keys = [r[:-1] for lower, upper in edges(conn, w, 50) for r in ranged(conn, w["rows"], lower, upper)[0]]
        assert len(keys) == ROWS and len(set(keys)) == ROWS
        assert [list(k) for k in keys] == [list(k) for k in keys_in_order(conn, w)]
        assert sum(some(conn, w, keys[i:i + 60]) for i in range(0, ROWS, 60)) == db.value("SELECT count(*) FROM t WHERE src % 10 = 1 AND src > 5")
        assert walk(conn, w, 100) == 0
        assert db.sql("SELECT min(hits), max(hits) FROM t WHERE src % 10 = 1 AND src > 5") == [(3, 3)]
        assert run(conn, w["last"])[0][0] == keys[-1]


def keys_in_order(conn, w):
    cols = ", ".join('"' + k.replace('"', '""') + '"' for k in w["keys"])
    return conn.execute(f"SELECT {', '.join(c + '::text' for c in cols.split(', '))} FROM {w['full']} AS x ORDER BY {', '.join('x.' + c for c in cols.split(', '))}").fetchall()


@pytest.mark.parametrize("kind", ["bigint", "composite", "uuid", "text"])
def test_strided_passes_then_sweep(world, kind):
    """Rows that the application adds or takes out of the condition while passes run end as it wants them; the sweep meets nobody again."""
    db, probe = world
    make(db, "t", *KEYS[kind])
    w = probe.cut("-- way: strided\nUPDATE t SET dst = src * 2, filler = 'y' WHERE src > 5")["walks"][0]
    assert w["way"] == "strided" and not w["converges"]
    with db.connect() as conn:
        assert strided(conn, w, 300) == (ROWS - 5, 0)
        assert db.sql("SELECT count(*) FILTER (WHERE dst = src * 2 AND filler = 'y'), max(hits), sum(hits) FROM t") == [(ROWS - 5, 1, ROWS - 5)]
        db.sql("UPDATE t SET dst = 0 WHERE src IN (10, 400)")
        assert strided(conn, w, 90)[1] == 0
        lower, upper = next(edges(conn, w, 10**6))
        db.sql("UPDATE t SET dst = 0, hits = 0 WHERE src IN (10, 400)")
        assert ranged(conn, w["sweep"], lower, upper)[1] == 2
        assert ranged(conn, w["sweep"], lower, upper)[1] == 0


def test_batches_go_by_the_index(world):
    """Ranges and lists of a big table are read by its key, whatever the statistics say of the condition."""
    db, probe = world
    db.sql("""CREATE TABLE big (a integer, b integer, v integer, w integer, PRIMARY KEY (a, b));
              INSERT INTO big SELECT i / 100, i % 100, i FROM generate_series(0, 99999) AS i; ANALYZE big;
              CREATE UNIQUE INDEX down ON big (b DESC, a DESC)""")
    for key in ("a, b", "b, a"):
        w = probe.cut(f"-- key: {key}\nUPDATE big SET w = v WHERE w IS NULL")["walks"][0]
        with db.connect() as conn:
            for sql, params in [(w["batch"]["next"], "'10', '0', '12', '0'"), (w["rows"]["next"], "'10', '0', '12', '0'"), (w["edge"]["next"], "'10', '0', '50'"),
                                (w["some"], ", ".join(literal(array([str(i % 90) for i in range(n, n + 50)])) for n in range(2)))]:
                conn.execute("PREPARE q AS " + sql)
                plan = "\n".join(r[0] for r in conn.execute(f"EXPLAIN EXECUTE q({params})"))
                conn.execute("DEALLOCATE q")
                assert "Seq Scan" not in plan and re.search("Index (Only )?Scan (using|on) (big_pkey|down)", plan), plan


# --- kinds of statements and tables -------------------------------------------------------------------------------------------

def test_delete_with_a_join(world):
    db, probe = world
    make(db)
    db.sql("CREATE TABLE gone (src integer); INSERT INTO gone SELECT i FROM generate_series(3, 900, 3) AS i")
    cut = probe.cut("DELETE FROM t AS x USING gone AS g WHERE g.src = x.src AND x.id > 30")
    w = cut["walks"][0]
    with db.connect() as conn:
        left = db.value("SELECT count(*) FROM t WHERE src % 3 = 0 AND id > 30")
        assert w["way"] == "key" and whole(conn, w, w["left"]) == left
        assert walk(conn, w, 41) == left and whole(conn, w, w["left"]) == 0
        assert db.value("SELECT count(*) FROM t") == ROWS - left


def test_update_from_another_table(world):
    db, probe = world
    make(db)
    db.sql("CREATE TABLE o (id integer PRIMARY KEY, src integer, dst integer); INSERT INTO o SELECT i, i, i * 3 FROM generate_series(1, 600) AS i")
    w = probe.cut("UPDATE t SET dst = o.dst, filler = NULL FROM o WHERE o.src = t.src AND t.dst IS NULL")["walks"][0]
    with db.connect() as conn:
        assert whole(conn, w, w["left"]) == 600 and wrong(conn, w) == 600
        assert walk(conn, w, 41) == 600
        assert whole(conn, w, w["left"]) == 0 and wrong(conn, w) == 0
        db.sql("UPDATE t SET dst = -1 WHERE src IN (7, 8, 650)")
        assert wrong(conn, w) == 2
        assert run(conn, w["wrong_rows"]["first"], "100000", "5")[0] == [("7",), ("8",)]
        assert run(conn, w["wrong_rows"]["next"], "7", "100000", "1")[0] == [("8",)]
        by = pairs(conn, w)
        assert by["dst"] == (600, 600, str(3 * 600 * 601 // 2), str(3 * 600 * 601 // 2 - 45 - 2), 2)
        assert by["filler"][0] == 0 and by["filler"][4] == 0
    assert db.value("SELECT max(hits) FROM t") == 2


@pytest.mark.parametrize("how", ["not exists", "left join", "on conflict"])
def test_insert_select_may_be_run_again(world, how):
    db, probe = world
    make(db)
    db.sql("CREATE TABLE copy (id bigint PRIMARY KEY, v integer); INSERT INTO copy VALUES (5, 0); CREATE TABLE mul (n integer)")
    sql = {"not exists": "INSERT INTO copy (id, v) SELECT t.id, t.src FROM t WHERE NOT EXISTS (SELECT 1 FROM copy AS c WHERE c.id = t.id) AND src > 1",
           "left join": "INSERT INTO copy SELECT t.id, t.src FROM t LEFT JOIN copy AS c ON c.id = t.id WHERE c.id IS NULL AND src > 1",
           "on conflict": "INSERT INTO copy (id, v) SELECT t.id, t.src FROM t WHERE src > 1 ON CONFLICT (id) DO NOTHING"}[how]
    cut = probe.cut(sql)
    w = cut["walks"][0]
    assert w["full"] == "public.t" and cut["target"] == "public.copy" and "run again" in " ".join(cut["notes"])
    with db.connect() as conn:
        assert walk(conn, w, 50) == ROWS - 2
        assert sum(ranged(conn, w["sweep"], lower, upper)[1] for lower, upper in edges(conn, w, 80)) == 0
        if how != "on conflict":
            assert whole(conn, w, w["left"]) == 0
    assert db.sql("SELECT count(*), sum(v) FROM copy") == [(ROWS - 1, ROWS * (ROWS + 1) // 2 - 1 - 5)]


def test_plain_insert_leans_on_the_journal(world):
    db, probe = world
    make(db)
    db.sql("CREATE TABLE copy (id bigint, token uuid)")
    cut = probe.cut("INSERT INTO copy SELECT id, md5(random()::text)::uuid FROM t")
    w = cut["walks"][0]
    assert w["sweep"]["next"] is None and "journal" in " ".join(cut["notes"])
    with db.connect() as conn:
        assert walk(conn, w, 99) == ROWS
    assert db.sql("SELECT count(*), count(DISTINCT id) FROM copy") == [(ROWS, ROWS)]


def test_a_walk_for_each_leaf(world):
    db, probe = world
    db.sql("""CREATE SCHEMA "App";
        CREATE TABLE "App".part (id integer, at date, src integer, dst integer, hits integer DEFAULT 0, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
        CREATE TABLE "App".p1 PARTITION OF "App".part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE "App"."P 2" PARTITION OF "App".part FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY HASH (id);
        CREATE TABLE p3 (hits integer DEFAULT 0, at date NOT NULL, dst integer, src integer, id integer NOT NULL);
        ALTER TABLE "App"."P 2" ATTACH PARTITION p3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE p4 PARTITION OF "App"."P 2" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO "App".part (id, at, src) SELECT i, date '2020-01-01' + i, i FROM generate_series(1, 700) AS i;
        CREATE TRIGGER hit BEFORE UPDATE ON "App".part FOR EACH ROW EXECUTE FUNCTION hit(); ANALYZE""")
    cut = probe.cut('UPDATE "App".part SET dst = "App".part.src + part.id WHERE "App".part.dst IS NULL AND EXISTS (SELECT 1 FROM "App".part AS p WHERE p.id = part.src)')
    assert [w["full"] for w in cut["walks"]] == ['"App".p1', "public.p3", "public.p4"]
    with db.connect() as conn:
        assert sum(walk(conn, w, 30) for w in cut["walks"]) == 700
        assert sum(whole(conn, w, w["left"]) + wrong(conn, w) for w in cut["walks"]) == 0
    assert db.sql('SELECT count(*), min(hits), max(hits) FROM "App".part WHERE dst = 2 * id') == [(700, 1, 1)]
    assert "decides in which partition" in probe.refused('UPDATE "App".part SET at = at + 1')["error"]
    assert len(probe.cut("DELETE FROM p3 WHERE dst > 0")["walks"]) == 1


def test_inheritance(world):
    db, probe = world
    db.sql("""CREATE TABLE mother (id integer PRIMARY KEY, v integer); CREATE TABLE child (w integer, PRIMARY KEY (id)) INHERITS (mother);
        INSERT INTO mother SELECT i FROM generate_series(1, 50) AS i; INSERT INTO child SELECT i FROM generate_series(1, 70) AS i""")
    both, alone = probe.cut("UPDATE mother SET v = id WHERE v IS NULL"), probe.cut("UPDATE ONLY mother SET v = 0")
    assert [w["full"] for w in both["walks"]] == ["public.child", "public.mother"] and [w["full"] for w in alone["walks"]] == ["public.mother"]
    with db.connect() as conn:
        assert [walk(conn, w, 20) for w in both["walks"]] == [70, 50]
        assert walk(conn, alone["walks"][0], 20) == 50


def test_blocks_when_asked(world):
    db, probe = world
    make(db, index="SELECT 1")
    text = "-- way: blocks\nUPDATE t SET dst = src * 2 WHERE dst IS NULL"
    if db.major < 14:
        assert "PostgreSQL 14" in probe.refused(text)["error"]
        return
    w = probe.cut(text)["walks"][0]
    with db.connect() as conn:
        assert walk(conn, w, 60) == ROWS and whole(conn, w, w["left"]) == 0
        conn.execute("PREPARE q AS " + w["batch"]["next"])
        assert "Tid Range Scan" in "\n".join(r[0] for r in conn.execute("EXPLAIN EXECUTE q('1', '3')"))
    assert db.sql("SELECT min(hits), max(hits) FROM t") == [(1, 1)]
    assert "way: blocks" in probe.refused("UPDATE t SET dst = src * 2 WHERE dst IS NULL")["hint"]
    assert "twice" in probe.refused("-- way: blocks\nUPDATE t SET dst = dst + 1")["error"]


def test_types_whose_equality_says_little(world):
    """json has none, citext-like collations forget the case, numeric(5,2) rounds: the sweep compares what is stored."""
    db, probe = world
    db.sql("""CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)""") if icu(db) else None
    loose = "COLLATE loose" if icu(db) else ""
    make(db, more=f", j json, n numeric(5,2), s text {loose}, p point, c char(6)")
    w = probe.cut("-- way: strided\nUPDATE t SET j = json_build_object('a', src), n = src / 7.0, s = upper(filler), p = point(src, 1), c = src::text")["walks"][0]
    with db.connect() as conn:
        assert strided(conn, w, 200) == (ROWS, 0)
        assert wrong(conn, w) == 0
        assert [p[4] for p in pairs(conn, w).values()] == [0] * 5
        db.sql("UPDATE t SET s = lower(s) WHERE id = 9")
        assert wrong(conn, w) == 1


def icu(db):
    return db.value("SELECT count(*) FROM pg_collation WHERE collprovider = 'i'") > 0


# --- ways ------------------------------------------------------------------------------------------------------------------

def test_the_way_is_chosen(world):
    db, probe = world
    make(db)
    make(db, "mixed", values="(i * 7919) % 701")
    make(db, "wide", cols="id bigint, fat text", key="id, fat", values="i, (SELECT string_agg(md5(i::text || k), '') FROM generate_series(1, 55) AS k)", index="ALTER TABLE wide ADD PRIMARY KEY (id)")
    db.sql("CREATE INDEX t_src ON t (src) WHERE hits > 100; CREATE TABLE fresh AS SELECT 1 AS id; ALTER TABLE fresh ADD PRIMARY KEY (id), ADD v int")
    ways = {
        "UPDATE t SET dst = src WHERE dst IS NULL": ("strided", "HOT"),
        "UPDATE t SET dst = dst + 1": ("key", "journal"),
        "UPDATE t SET dst = dst + 1, filler = 'done' WHERE filler = 'open'": ("strided", "HOT"),
        "UPDATE t SET dst = random() WHERE dst IS NULL": ("strided", "HOT"),
        "UPDATE t SET dst = random()": ("key", "journal"),
        "UPDATE t SET filler = now()::text": ("key", "journal"),
        "UPDATE t SET src = 3": ("key", "index t_src"),
        "UPDATE mixed SET dst = src": ("key", "another order"),
        "UPDATE wide SET dst = src": ("key", "wide"),
        "UPDATE fresh SET v = 1": ("key", "not known"),
        "-- way: strided\nUPDATE fresh SET v = 1": ("strided", "asked"),
        "DELETE FROM t WHERE dst = 1": ("key", "leave no versions"),
    }
    for sql, (way, why) in ways.items():
        w = probe.cut(sql)["walks"][0]
        assert (w["way"], why in w["why"]) == (way, True), (sql, w["way"], w["why"])


def test_the_key_is_chosen(world):
    db, probe = world
    make(db)
    db.sql("""CREATE UNIQUE INDEX by_src ON t (src); CREATE UNIQUE INDEX part ON t (src) WHERE src > 0; CREATE UNIQUE INDEX expr ON t ((src + 1));
        CREATE TABLE u (a integer NOT NULL, b integer NOT NULL, c integer, v integer, UNIQUE (c), m money NOT NULL UNIQUE);
        CREATE UNIQUE INDEX mix ON u (a, b DESC); CREATE UNIQUE INDEX pattern ON u ((a::text) text_pattern_ops)""")
    assert probe.cut("UPDATE t SET dst = 1")["walks"][0]["index"] == "t_pkey"
    said = probe.refused("UPDATE u SET v = 1")
    assert "no primary key and no unique index over NOT NULL" in said["error"] and "CREATE UNIQUE INDEX CONCURRENTLY" in said["hint"]
    db.sql("CREATE UNIQUE INDEX down ON u (b DESC, a DESC)")
    assert probe.cut("UPDATE u SET v = 1")["walks"][0]["keys"] == ["b", "a"]
    said = probe.refused("UPDATE u SET v = 1, a = a + 1")
    assert "no primary key" in said["error"]
    for header, what in [("src", "may hold nulls"), ("id, src", "no unique index on (id, src)"), ("sorc", "no column sorc"), ("filler", "no unique index")]:
        said = probe.refused(f"-- key: {header}\nUPDATE t SET dst = 1")
        assert said["code"] == "BAD_INPUT" and what in said["error"], said
    db.sql("ALTER TABLE t ALTER src SET NOT NULL")
    assert probe.cut("-- key: SRC\nUPDATE t SET dst = 1")["walks"][0]["index"] == "by_src"
    assert probe.cut("UPDATE t SET id = -id, dst = 2")["walks"][0]["index"] == "by_src"
    assert "holds id, which changes" in probe.refused("-- key: id\nUPDATE t SET id = -id")["error"]


# --- refused -----------------------------------------------------------------------------------------------------------------

REFUSED = """
    CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer, g integer GENERATED ALWAYS AS (a + 1) STORED, n integer GENERATED ALWAYS AS IDENTITY);
    CREATE TABLE o (id integer PRIMARY KEY, t_id integer REFERENCES t ON DELETE CASCADE, a integer);
    CREATE TABLE log (what text);
    CREATE TABLE nokey (a integer);
    CREATE VIEW v AS SELECT * FROM t; CREATE VIEW vv AS SELECT a, id FROM v; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
    CREATE TABLE ruled (id integer PRIMARY KEY, a integer); CREATE RULE quiet AS ON UPDATE TO ruled DO ALSO INSERT INTO log VALUES ('x');
    CREATE TABLE logged (id integer PRIMARY KEY, a integer, b integer);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.a > 3 THEN INSERT INTO public.log VALUES (TG_OP); END IF; RETURN NULL; END';
    CREATE TRIGGER note AFTER UPDATE OF a ON logged FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TABLE dark (id integer PRIMARY KEY, a integer);
    CREATE FUNCTION dark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END';
    CREATE TRIGGER dark BEFORE UPDATE ON dark FOR EACH ROW EXECUTE FUNCTION dark('SELECT 1');
    CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(a) FROM t';
    CREATE FUNCTION dice() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 4; END';
    CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE SERVER far FOREIGN DATA WRAPPER none; CREATE FOREIGN TABLE f (id integer) SERVER far"""

# Statement, what the error says, what the hint says.
NO = [
    ("UPDATE nokey SET a = 1", "no primary key", "CREATE UNIQUE INDEX CONCURRENTLY"),
    ("UPDATE t SET a = 1 WHERE random() < 0.1", "random(), which is volatile", "store its result"),
    ("DELETE FROM t WHERE a = dice()", "dice(), which is volatile", "STABLE"),
    ("UPDATE t SET a = 1 FROM (SELECT id FROM o TABLESAMPLE system (1)) AS s WHERE s.id = t.id", "TABLESAMPLE", "condition"),
    ("UPDATE t SET a = 1 RETURNING id", "RETURNING", "leave it out"),
    ("DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY id LIMIT 100)", "LIMIT", "with the key"),
    ("DELETE FROM t WHERE id IN (SELECT id FROM t FOR UPDATE SKIP LOCKED)", "SKIP LOCKED", "condition"),
    ("DELETE FROM t AS x USING t AS y WHERE x.a = y.a AND x.id < y.id", "earlier batches have deleted", "USING"),
    ("UPDATE t SET a = y.a FROM t AS y WHERE y.id = t.id + 1", "a is read in other rows", "old values"),
    ("UPDATE t SET a = (SELECT y.a FROM t AS y WHERE y.id = t.id - 1)", "a is read in other rows", "old values"),
    ("UPDATE t SET a = (SELECT v.a FROM v WHERE v.id = t.id - 1)", "a is read in other rows", "old values"),
    ("UPDATE t SET a = 1 WHERE EXISTS (SELECT * FROM vv WHERE vv.a = t.b)", "a is read in other rows", "old values"),
    ("UPDATE t SET b = s.n FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM t) AS s WHERE s.id = t.id", "gathers rows", "with the key"),
    ("UPDATE t SET b = (SELECT max(id) FROM t)", "gathers rows", "with the key"),
    ("UPDATE t SET b = total()", "total() reads public.t", "store its result"),
    ("UPDATE t SET id = id + 1", "holds id, which changes", "CREATE UNIQUE INDEX"),
    ("UPDATE t SET g = 1", "is generated", "columns that it is made of"),
    ("UPDATE t SET n = 1", "GENERATED ALWAYS AS IDENTITY", "BY DEFAULT"),
    ("UPDATE t SET aa = 1", "has no column aa", "a"),
    ("UPDATE t SET a = 'x'", "does not accept it", "correct"),
    ("UPDATE t SET a = nosuch", "nosuch", "correct"),
    ("UPDATE v SET a = 1", "is a view", "table behind it"),
    ("DELETE FROM m", "is a materialized view", "table behind it"),
    ("DELETE FROM f", "is a foreign table", "on the server"),
    ("UPDATE ruled SET a = 1", "rule quiet", "trigger"),
    ("UPDATE logged SET a = 1", "trigger note writes public.log", "triggers: fire"),
    ("UPDATE dark SET a = 1", "trigger dark runs SQL that it puts together", "triggers: fire"),
    ("DELETE FROM t WHERE a = 1", "ON DELETE CASCADE) changes rows of public.o", "triggers: fire"),
    ("WITH gone AS (DELETE FROM o RETURNING id) UPDATE t SET a = 1 FROM gone WHERE gone.id = t.id", "WITH writes rows", "of its own"),
    ("WITH RECURSIVE r AS (SELECT 1 AS id UNION SELECT id + 1 FROM r WHERE id < 5) UPDATE t SET a = 1 FROM r WHERE r.id = t.id", "WITH RECURSIVE", "table first"),
    ("-- way: strided\nUPDATE t SET a = a + 1", "would change them again", "condition"),
    ("-- way: strided\nDELETE FROM o", "strided passes are for UPDATE", "leave"),
    ("UPDATE nothere SET a = 1", "does not exist", "pgrail ground"),
    ("INSERT INTO log VALUES ('x')", "written out", "migration"),
    ("INSERT INTO log SELECT 'x'", "written out", "migration"),
    ("INSERT INTO log SELECT a::text FROM t ORDER BY id", "ORDER BY", "leave it out"),
    ("INSERT INTO log SELECT a::text FROM t LIMIT 3", "LIMIT", "condition"),
    ("INSERT INTO log SELECT a::text FROM t UNION ALL SELECT 'x'", "written out", ""),
    ("INSERT INTO log SELECT count(*)::text FROM t", "aggregates", "subquery"),
    ("INSERT INTO log SELECT DISTINCT a::text FROM t", "aggregates", "subquery"),
    ("INSERT INTO log SELECT s.a::text FROM (SELECT a FROM t) AS s", "no table", "first"),
    ("INSERT INTO log SELECT t.a::text FROM o RIGHT JOIN t ON t.id = o.t_id", "out of this join", "LEFT JOIN"),
    ("INSERT INTO o SELECT id + 1000 FROM o", "read and written", "another table"),
    ("INSERT INTO o (id) SELECT t.id FROM t JOIN o ON o.t_id = t.id", "which it writes", "NOT EXISTS"),
]


def test_refused_with_the_reason_and_the_way_out(world):
    db, probe = world
    db.sql("CREATE FOREIGN DATA WRAPPER none"), db.sql(REFUSED)
    assert probe.otherwise_said(NO) == []
    for fine in ["UPDATE logged SET b = 1", "-- triggers: fire\nUPDATE logged SET a = 1", "-- triggers: fire\nUPDATE dark SET a = 1",
                 "-- triggers: fire\nDELETE FROM t", "UPDATE t SET b = y.a FROM t AS y WHERE y.id = t.id + 1",
                 "UPDATE o SET a = t.a FROM t WHERE t.id = o.t_id", "UPDATE t SET a = (SELECT sum(a) FROM o WHERE o.t_id = t.id)",
                 "UPDATE t SET (a, b) = (SELECT o.id, o.a FROM o WHERE o.id = t.id)", "UPDATE t SET (a, b) = (1, b + 1)", "UPDATE t SET a = DEFAULT",
                 "WITH s AS (SELECT id, a FROM o) UPDATE t SET a = s.a FROM s WHERE s.id = t.id", "DELETE FROM o WHERE t_id IN (SELECT id FROM t)",
                 "UPDATE t SET a = 1 WHERE b < extract(epoch FROM now())", "INSERT INTO log SELECT a::text FROM t ON CONFLICT DO NOTHING"]:
        probe.cut(fine)


def test_row_level_security(world):
    db, probe = world
    make(db)
    db.sql("""CREATE ROLE rls_owner; CREATE ROLE rls_other; ALTER TABLE t OWNER TO rls_owner; GRANT ALL ON t TO rls_other; ALTER TABLE t ENABLE ROW LEVEL SECURITY""") \
        if not db.sql("SELECT 1 FROM pg_roles WHERE rolname = 'rls_owner'") else \
        db.sql("ALTER TABLE t OWNER TO rls_owner; GRANT ALL ON t TO rls_other; ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    text = "UPDATE t SET dst = 1"
    probe.cut(text)
    other, owner = Probe(db.url, role="rls_other"), Probe(db.url, role="rls_owner")
    said = other.refused(text)
    assert "row-level security of public.t hides rows from rls_other" in said["error"] and "BYPASSRLS" in said["hint"] and "owner" in said["hint"]
    owner.cut(text)
    db.sql("ALTER TABLE t FORCE ROW LEVEL SECURITY")
    assert "hides rows" in owner.refused(text)["error"]
    other.close(), owner.close()


def test_privileges_are_asked_for_beforehand(world):
    """Those of the parent table do not do: a partition is written by its own name."""
    db, probe = world
    db.sql("""CREATE TABLE part (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id); CREATE TABLE low PARTITION OF part FOR VALUES FROM (0) TO (10);
        CREATE TABLE high PARTITION OF part FOR VALUES FROM (10) TO (99); INSERT INTO part SELECT i FROM generate_series(1, 50) AS i;
        DO $$ BEGIN CREATE ROLE filler; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT ALL ON part, low TO filler""")
    filler = Probe(db.url, role="filler")
    said = filler.refused("UPDATE part SET v = id WHERE v IS NULL")
    assert "permission denied for table high" in said["error"] and "grant" in said["hint"]
    db.sql("GRANT SELECT, UPDATE ON high TO filler")
    assert len(filler.cut("UPDATE part SET v = id WHERE v IS NULL")["walks"]) == 2
    filler.close()
    db.sql("DROP OWNED BY filler")


# --- proof -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("chunk", [3, 1000])
def test_the_proof_finds_what_is_left_and_what_is_wrong(world, chunk):
    """In chunks of any size: counts, sums past what a bigint holds, the first keys of rows that are wrong."""
    db, probe = world
    make(db, more=", big numeric")
    db.sql("UPDATE t SET big = 9223372036854775807")
    text = "-- verify: SELECT 1 FROM t WHERE dst < 0\n-- verify: SELECT count(*) = 700 FROM t\nUPDATE t SET dst = src * 2, big = 9223372036854775807 WHERE dst IS NULL AND src > 5"
    before = probe.prove(text, chunk)
    assert (before["ok"], before["rows"], before["left"], before["wrong"]) == (False, ROWS, ROWS - 5, ROWS - 5)
    assert before["wrong_rows"] == [{"table": "public.t", "key": [str(i)]} for i in (6, 7, 8)]
    with db.connect() as conn:
        walk(conn, probe.cut(text)["walks"][0], 100)
    done = probe.prove(text, chunk)
    assert (done["ok"], done["left"], done["wrong"], done["wrong_rows"]) == (True, 0, 0, [])
    assert [v["ok"] for v in done["verify"]] == [True, True]
    src, big = done["compare"]
    assert src["was_count"] == src["is_count"] == ROWS - 5 and src["was_sum"] == src["is_sum"] == str(ROWS * (ROWS + 1) - 30) and src["differ"] == 0
    assert big["is_sum"] == str(9223372036854775807 * (ROWS - 5))
    db.sql("UPDATE t SET dst = -1 WHERE id IN (50, 60)")
    broken = probe.prove(text, chunk)
    assert (broken["ok"], broken["left"], broken["wrong"]) == (False, 0, 2) and [r["key"] for r in broken["wrong_rows"]] == [["50"], ["60"]]
    assert broken["compare"][0]["differ"] == 2 and [r["key"] for r in broken["compare"][0]["rows"]] == [["50"], ["60"]]
    assert [v["ok"] for v in broken["verify"]] == [False, True] and broken["verify"][0]["said"] in ("one row", "rows")
    other = probe.prove("-- compare: src * 2 = dst\nUPDATE t SET dst = dst + 1", chunk)
    assert (other["left"], other["wrong"], other["compare"][0]["differ"]) == (None, None, 7) and not other["compare"][0]["derived"]


def test_the_proof_computes_nothing_for_rows_that_were_not_meant(world):
    """The new value of a row that the condition leaves out may not even exist; floats are added up as they are printed."""
    db, probe = world
    make(db, more=", word text, r real")
    db.sql("UPDATE t SET word = CASE WHEN src % 7 = 0 THEN 'n/a' ELSE src::text END")
    text = "UPDATE t SET dst = word::integer, r = word::real / 10 WHERE word ~ '^[0-9]+$' AND dst IS NULL"
    meant = ROWS - ROWS // 7
    before = probe.prove(text, 100)
    assert (before["ok"], before["left"], before["wrong"]) == (False, meant, meant)
    with db.connect() as conn:
        walk(conn, probe.cut(text)["walks"][0], 100)
    done = probe.prove(text, 100)
    assert (done["ok"], done["left"], done["wrong"]) == (True, 0, 0)
    dst, r = done["compare"]
    of_words = sum(i for i in range(1, ROWS + 1) if i % 7)
    assert (dst["was_count"], dst["is_sum"]) == (meant, str(of_words)) and float(r["is_sum"]) == of_words / 10 and r["was_sum"] == r["is_sum"]
