"""A DELETE whose rows are kept: WITH gone AS (DELETE … RETURNING …) INSERT INTO … SELECT … FROM gone. Each row is in exactly one of the two
tables at any moment, whatever happens; a form that could lose one is refused, with the reason."""
import os
import signal

import pytest

from lib.backfill import Probe, edges, ranged, whole
from lib.few import server  # noqa: F401
from lib.filling import Site
from lib.servers import await_that

ABORTED = 7
TABLE = """CREATE TABLE t (id integer PRIMARY KEY, a integer, note text); CREATE TABLE kept (LIKE t, PRIMARY KEY (id));
    INSERT INTO t SELECT i, i % 10, 'n' || i FROM generate_series(1, 700) AS i; ANALYZE"""
KEEP = "WITH gone AS (DELETE FROM t AS o WHERE o.a < 3 RETURNING o.id, o.a, o.note) INSERT INTO kept (id, a, note) SELECT id, a, note FROM gone"


@pytest.fixture
def world(server, db):
    db.sql(TABLE)
    probe = Probe(db.url)
    yield db, probe
    probe.close()


def test_batches_take_and_keep(world):
    """In each batch as many rows arrive as go; one that is mended on the way stays."""
    db, probe = world
    cut = probe.cut(KEEP)
    w = cut["walks"][0]
    assert (cut["kind"], cut["target"], w["way"], w["full"]) == ("DELETE", "public.t", "key", "public.t") and cut["notes"] == []
    with db.connect() as conn:
        assert whole(conn, w, w["left"]) == 210
        db.sql("UPDATE t SET a = 9 WHERE id IN (1, 2, 691)")
        moved = [ranged(conn, w["batch"], lower, upper)[0] for lower, upper in edges(conn, w, 50)]
        assert all(len(rows) == 1 and rows[0][0] == rows[0][1] for rows in moved) and sum(rows[0][0] for rows in moved) == 207
        assert whole(conn, w, w["left"]) == 0
        db.sql("UPDATE t SET a = 0 WHERE id = 1")
        assert sum(ranged(conn, w["sweep"], lower, upper)[0][0][0] for lower, upper in edges(conn, w, 300)) == 1
    assert db.sql("SELECT count(*), count(*) FILTER (WHERE note = 'n' || id), sum(a) FROM kept") == [(208, 208, 70 + 2 * 70 - 4)]
    assert db.value("SELECT count(*) FROM t") == 492


FINE = [
    "WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING *) INSERT INTO kept SELECT * FROM gone",
    "WITH gone AS (DELETE FROM public.t WHERE public.t.a < 3 RETURNING t.id, a) INSERT INTO public.kept (id, a) SELECT g.id, g.a FROM gone AS g",
    "WITH gone (x, y) AS (DELETE FROM t WHERE a < 3 RETURNING id, a) INSERT INTO kept (id, a) SELECT x, y FROM gone",
    "WITH pgrail_kept AS (DELETE FROM t WHERE a < 3 RETURNING id, a) INSERT INTO kept (id, a) SELECT id, a FROM pgrail_kept",
    "WITH \"Odd \"\"one\" AS (DELETE FROM t WHERE a < 3 RETURNING id) INSERT INTO log (id, why, at) SELECT id, 'orphan'::text, now() FROM \"Odd \"\"one\"",
    "WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING id) INSERT INTO log (n, id, at) OVERRIDING SYSTEM VALUE SELECT id, id, CURRENT_TIMESTAMP FROM gone",
    "WITH gone AS (DELETE FROM t WHERE a < 3 AND NOT EXISTS (SELECT FROM log WHERE log.id = t.id) RETURNING *) INSERT INTO kept SELECT * FROM gone",
    "WITH t AS (DELETE FROM t WHERE a < 3 RETURNING *) INSERT INTO kept SELECT * FROM t",
]


@pytest.mark.parametrize("sql", FINE)
def test_forms_that_are_taken(world, sql):
    db, probe = world
    db.sql("CREATE TABLE log (n integer GENERATED ALWAYS AS IDENTITY, id integer, why text, at timestamptz)")
    w = probe.cut(sql)["walks"][0]
    with db.connect() as conn:
        moved = [ranged(conn, w["batch"], lower, upper)[0][0] for lower, upper in edges(conn, w, 99)]
    assert sum(m[0] for m in moved) == sum(m[1] for m in moved) == 210
    assert db.sql("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM kept) + (SELECT count(*) FROM log)") == [(490, 210)]


GONE = "WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING id, a) INSERT INTO kept (id, a) "
NO = [
    (GONE + "SELECT id, a FROM gone ON CONFLICT DO NOTHING", "ON CONFLICT would leave out rows", "its row stays"),
    (GONE + "SELECT id, a FROM gone RETURNING id", "RETURNING of the INSERT", "leave it out"),
    (GONE + "SELECT id, a FROM gone WHERE a > 1", "would be gone, and kept nowhere", "into the DELETE"),
    (GONE + "SELECT id, a FROM gone LIMIT 5", "would be gone, and kept nowhere", "into the DELETE"),
    (GONE + "SELECT id, a FROM gone OFFSET 5", "would be gone, and kept nowhere", "into the DELETE"),
    (GONE + "SELECT DISTINCT id, a FROM gone", "puts deleted rows together", "the form is"),
    (GONE + "SELECT max(id), a FROM gone GROUP BY a", "puts deleted rows together", "the form is"),
    (GONE + "SELECT max(id), 1 FROM gone", "more than columns, constants and the time", "the form is"),
    (GONE + "SELECT generate_series(1, id), a FROM gone", "more than columns, constants and the time", "the form is"),
    (GONE + "SELECT id, a + 1 FROM gone", "more than columns, constants and the time", "the form is"),
    (GONE + "SELECT id, a FROM gone ORDER BY id", "neither an order nor locks", "the form is"),
    (GONE + "SELECT id, a FROM gone UNION ALL SELECT 1, 2", "reads something else", "the form is"),
    (GONE + "SELECT gone.id, gone.a FROM gone JOIN log ON log.id = gone.id", "reads something else", "the form is"),
    (GONE + "SELECT gone.id, gone.a FROM gone, log", "reads something else", "the form is"),
    (GONE + "SELECT id, a FROM public.gone", "reads something else", "the form is"),
    (GONE + "SELECT id, a FROM log", "reads something else", "the form is"),
    (GONE + "VALUES (1, 2)", "reads something else", "the form is"),
    ("WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING id) INSERT INTO kept DEFAULT VALUES", "does not read the deleted rows", "the form is"),
    ("WITH gone AS (DELETE FROM t WHERE a < 3) INSERT INTO kept (id) SELECT 1 FROM gone", "gives no rows to keep", "the form is"),
    ("WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING id, a * 2 AS a) INSERT INTO kept (id, a) SELECT id, a FROM gone", "more than plain columns", "as it is"),
    ("WITH gone AS (DELETE FROM t USING log WHERE log.id = t.id RETURNING t.id) INSERT INTO kept (id) SELECT id FROM gone", "joins other tables", "EXISTS"),
    ("WITH gone AS (DELETE FROM t RETURNING id), more AS (DELETE FROM log RETURNING id) INSERT INTO kept (id) SELECT id FROM gone", "WITH writes rows", "RETURNING a, b"),
    ("WITH s AS (SELECT 1), gone AS (DELETE FROM t RETURNING id) INSERT INTO kept (id) SELECT id FROM gone", "WITH writes rows", "RETURNING a, b"),
    ("WITH gone AS (UPDATE t SET a = 1 RETURNING id) INSERT INTO kept (id) SELECT id FROM gone", "WITH writes rows", "RETURNING a, b"),
    ("WITH gone AS (DELETE FROM t RETURNING id) DELETE FROM kept USING gone WHERE gone.id = kept.id", "WITH writes rows", "RETURNING a, b"),
    ("WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING *) INSERT INTO t SELECT * FROM gone", "which is the same table", "another table"),
    ("WITH gone AS (DELETE FROM parts WHERE a < 3 RETURNING id, a) INSERT INTO parts_2 SELECT id, a FROM gone", "which is the same table", "another table"),
    ("WITH gone AS (DELETE FROM parts WHERE a < 3 RETURNING *) INSERT INTO kept (id, a) SELECT * FROM gone", "in the order of each partition", "name the columns"),
    ("WITH gone AS (DELETE FROM t WHERE id NOT IN (SELECT id FROM kept) RETURNING *) INSERT INTO kept SELECT * FROM gone", "reads public.kept, into which the rows go", "without it"),
    ("WITH gone AS (DELETE FROM t WHERE id NOT IN (SELECT id FROM seen) RETURNING *) INSERT INTO kept SELECT * FROM gone", "reads public.kept, into which the rows go", "without it"),
    ("WITH gone AS (DELETE FROM t WHERE a < (SELECT avg(a) FROM t) RETURNING *) INSERT INTO kept SELECT * FROM gone", "gathers rows", "with the key"),
    ("WITH gone AS (DELETE FROM t AS x WHERE EXISTS (SELECT FROM t AS y WHERE y.id = x.a) RETURNING *) INSERT INTO kept SELECT * FROM gone", "earlier batches have deleted", "USING"),
    ("WITH gone AS (DELETE FROM t WHERE random() < 0.5 RETURNING *) INSERT INTO kept SELECT * FROM gone", "random(), which is volatile", "store its result"),
    ("WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO seen (id) SELECT id FROM gone", "is a view", "table behind it"),
    ("WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO nowhere (id) SELECT id FROM gone", "does not exist", "pgrail ground"),
    ("WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO told (id) SELECT id FROM gone", "trigger tell writes public.log", "triggers: fire"),
    ("WITH gone AS (DELETE FROM t RETURNING id, note) INSERT INTO kept (id, a) SELECT id, note FROM gone", "does not accept it", "correct"),
    ("WITH gone AS (DELETE FROM nokey RETURNING a) INSERT INTO log (id) SELECT a FROM gone", "no primary key", "CREATE UNIQUE INDEX"),
    ("-- way: strided\n" + KEEP, "strided passes are for UPDATE", "leave"),
]


def test_refused_with_the_reason_and_the_way_out(world):
    db, probe = world
    db.sql("""CREATE TABLE log (id integer); CREATE VIEW seen AS SELECT id FROM kept; CREATE TABLE nokey (a integer); CREATE TABLE told (id integer);
        CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NULL; END';
        CREATE TRIGGER tell AFTER INSERT ON told FOR EACH ROW EXECUTE FUNCTION tell();
        CREATE TABLE parts (id integer PRIMARY KEY, a integer) PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (999)""")
    assert probe.otherwise_said(NO) == []
    assert db.sql("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM kept)") == [(700, 0)]


def test_what_is_not_kept_is_said(world):
    db, probe = world
    assert probe.cut("WITH gone AS (DELETE FROM t WHERE a < 3 RETURNING id) INSERT INTO kept (id) SELECT id FROM gone")["notes"] == [
        "column a of public.t is not kept: RETURNING does not give it", "column note of public.t is not kept: RETURNING does not give it"]


def test_partitions_of_both_tables(world):
    db, probe = world
    db.sql("""CREATE TABLE parts (id integer, a integer, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE odd (a integer, id integer NOT NULL); ALTER TABLE parts ATTACH PARTITION odd FOR VALUES FROM (0) TO (100);
        CREATE TABLE even PARTITION OF parts FOR VALUES FROM (100) TO (999) PARTITION BY HASH (id); CREATE TABLE even_0 PARTITION OF even FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        INSERT INTO parts SELECT i, i % 10 FROM generate_series(1, 300) AS i;
        CREATE TABLE old (a integer, id integer) PARTITION BY LIST (a); CREATE TABLE old_0 PARTITION OF old FOR VALUES IN (0); CREATE TABLE old_x PARTITION OF old DEFAULT""")
    cut = probe.cut("WITH gone AS (DELETE FROM parts AS o WHERE o.a < 3 RETURNING o.id, o.a) INSERT INTO old (id, a) SELECT id, a FROM gone")
    assert [w["full"] for w in cut["walks"]] == ["public.even_0", "public.odd"]
    with db.connect() as conn:
        for w in cut["walks"]:
            for lower, upper in edges(conn, w, 40):
                (went, came), = ranged(conn, w["batch"], lower, upper)[0]
                assert went == came
    assert db.sql("SELECT count(*), sum(a), count(*) FILTER (WHERE id % 10 = a) FROM old") == [(90, 90, 90)]


# --- runs ----------------------------------------------------------------------------------------------------------------------

RUN = "{more}WITH gone AS (DELETE FROM t AS o WHERE o.id % 3 = 0 RETURNING o.id, o.n, o.note)\nINSERT INTO kept (id, n, note) SELECT id, n, note FROM gone;\n"
ALL = "SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t UNION ALL SELECT id FROM kept) AS u"


@pytest.fixture
def site(project, db):
    s = Site(project, db, rows=20000)
    db.sql("CREATE TABLE kept (LIKE t, PRIMARY KEY (id))")
    s.file(RUN)
    yield s
    s.close()


def test_the_whole_way(server, site):
    r = site.run("--json").ok()
    assert (r.json["state"], r.json["left"], r.json["progress"]["changed"]) == ("done", 0, 6666)
    assert site.db.sql("SELECT (SELECT count(*) FROM t WHERE id % 3 = 0), (SELECT count(*) FROM kept WHERE id % 3 = 0), (SELECT count(*) FROM kept)") == [(0, 6666, 6666)]
    assert site.db.value("SELECT target FROM pgrail.backfill_job") == "public.t"


def test_it_says_that_all_arrived(site):
    assert "6,666 rows went and arrived in public.kept: counted in each transaction" in site.run().ok().out


def test_rows_that_a_trigger_leaves_out_go_nowhere(site):
    """The batch in which they would be lost is not committed."""
    site.db.sql("""CREATE FUNCTION choosy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 9999 THEN RETURN NULL; END IF; RETURN NEW; END';
        CREATE TRIGGER choosy BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION choosy()""")
    site.file(RUN, more="-- batch: 100\n-- target: 5ms\n")
    r = site.run()
    assert r.status == ABORTED and "arrived in public.kept: nothing of it was committed" in r.err and "one of them leaves rows out" in r.err, r
    assert site.db.sql(ALL) == [(20000, 20000)] and site.db.value("SELECT count(*) FROM t WHERE id = 9999") == 1 and site.state() == "failed"
    assert 0 < site.done() == site.db.value("SELECT count(*) FROM kept") < 6666
    site.db.sql("DROP TRIGGER choosy ON kept")
    site.run().ok()
    assert site.db.sql(ALL) == [(20000, 20000)] and site.db.value("SELECT count(*) FROM kept") == 6666


def test_a_row_that_does_not_fit_stays(site):
    """There is one with its key already: the row is set aside, and both are where they were."""
    site.db.sql("INSERT INTO kept (id, n, note) VALUES (300, 1, 'mine')")
    r = site.run()
    assert r.status == 4 and "kept_pkey" in r.err and "max-rejects" in r.err, r
    site.run("--max-rejects", "5").ok()
    assert site.db.sql("SELECT id FROM t WHERE id % 3 = 0") == [(300,)] and site.db.value("SELECT note FROM kept WHERE id = 300") == "mine"
    assert site.db.value("SELECT count(*) FROM kept") == 6666


@pytest.mark.parametrize("victim", ["pgrail", "session"])
def test_killed_in_the_middle_it_goes_on(site, victim):
    site.file(RUN, more="-- batch: 200\n-- target: 5ms\n-- pause: 40ms\n-- workers: 2\n")
    p = site.start()
    site.await_rows(1000)
    assert site.db.sql(ALL) == [(20000, 20000)]             # one statement, one snapshot
    if victim == "pgrail":
        os.killpg(p.pid, signal.SIGKILL)
        p.wait(60)
        await_that(lambda: not site.workers(), "the server has noticed")
        assert site.db.sql(ALL) == [(20000, 20000)] and 0 < site.db.value("SELECT count(*) FROM kept") == site.done() < 6666
        site.run("--pause", "0").ok()
    else:
        site.db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgrail/backfill worker%' AND datname = current_database()")
        out, _ = p.communicate(timeout=120)
        assert p.returncode == 0, out
    assert site.db.sql(ALL) == [(20000, 20000)] and site.state() == "done"
    assert site.done() == 6666 == site.db.value("SELECT count(*) FROM kept") and site.db.value("SELECT count(*) FROM t WHERE id % 3 = 0") == 0


def test_a_rehearsal_knows_both_tables(project, site, make_db):
    staging = make_db(template=site.db.name)
    project.environment("staging", staging)
    project.pgrail("ground", "migrations/0001_fill.backfill.sql", "--env", "dev").ok()
    r = project.pgrail("rehearse", "migrations/0001_fill.backfill.sql", "--env", "dev", "--json")
    assert r.status in (0, 1) and "error" not in r.json, r
    effects = {f["name"]: f for f in r.json["runs"][0]["statements"][0]["effects"]}
    assert r.json["backfill"]["changed"] == 6666 == effects["t"]["rows_written"] == effects["kept"]["rows_written"], (effects, r.json["backfill"])
