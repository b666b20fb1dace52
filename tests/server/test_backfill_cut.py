"""The SQL that a backfill is cut into runs on every version, and a walk with it, in the steps of the engine, changes every row exactly
once: `hits` counts the changes of each row by a trigger."""
import re

import pytest
from lib.backfill import Probe, array, edges, literal, ranged, run, some, strided, walk, whole

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
