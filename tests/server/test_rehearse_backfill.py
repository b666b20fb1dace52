"""pgrail rehearse of a backfill on real servers: on the copy it runs as it will run, in batches, whole or a share; the forecast is of all rows."""
import json
import pathlib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/rehearsal.json").read_text(encoding="utf-8"))
PATH = "migrations/0001_fill.backfill.sql"
FILL = "UPDATE t SET twice = id * 2 WHERE twice IS NULL;\n"
TABLE = """CREATE TABLE t (id bigint PRIMARY KEY, word text NOT NULL, twice bigint, note text DEFAULT repeat('x', 60));
           INSERT INTO t (id, word) SELECT g, g::text FROM generate_series(1, {rows}) AS g; ANALYZE t"""


class Shop:
    """Production with twice the rows of staging, and a backfill."""

    def __init__(self, project, make_db, server, rows=20000, table=TABLE):
        self.project, self.server = project, server
        self.production, self.staging = make_db(server), make_db(server)
        project.environment("production", self.production, protected=True).environment("staging", self.staging)
        self.production.sql(table.format(rows=2 * rows))
        self.staging.sql(table.format(rows=rows))

    def rehearse(self, text, *args):
        """The document, which is as its published schema says."""
        self.project.write(PATH, text)
        self.project.pgrail("ground", PATH).ok()
        r = self.project.pgrail("rehearse", PATH, "--json", *args)
        assert r.out and "error" not in r.json, (r.out, r.err)
        jsonschema.validate(r.json, SCHEMA)
        assert r.status == (0 if r.json["verdict"]["ready"] else 1), (r.status, r.json["verdict"], r.err)
        with self.server.connect() as c:
            assert c.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'pgrail_clone_%'").fetchone() == (0,)
        return r.json

    def untouched(self):
        for db in (self.production, self.staging):
            assert db.value("SELECT count(*) FROM t WHERE twice IS NOT NULL") == 0
            assert db.value("SELECT to_regclass('pgrail.backfill_job') IS NULL")


@pytest.fixture
def shop(project, make_db, server):
    return Shop(project, make_db, server)


@pytest.fixture
def shop15(project, make_db, pg15):
    return Shop(project, make_db, pg15)


def effects(doc):
    return {f["name"]: f for f in doc["runs"][0]["statements"][0]["effects"]}


def test_runs_in_batches_and_tells_what_production_may_expect(shop):
    doc = shop.rehearse("-- batch: 1000\n-- target: 5ms\n-- way: strided\n" + FILL)
    b, forecast, [stmt] = doc["backfill"], doc["forecast"], doc["runs"][0]["statements"]
    assert doc["verdict"]["ready"], doc["verdict"]
    assert b["way"] == "strided" and b["whole"] and b["left"] == 0
    assert b["rows"] == b["read"] == b["changed"] == stmt["rows"] == effects(doc)["t"]["rows_written"] == 20000
    assert b["batches"] > 5 and (b["updates"] == 0 or b["hot_updates"] > b["updates"] / 2)         # the server may not have counted them yet
    assert stmt["outcome"] == "ok" and stmt["forecast_scaled"] and not forecast["stops"] and not doc["predicted"]
    assert doc["verification"]["delta"] == []                                            # the journal in the copy is none of the schema
    ratio = forecast["ratio_permille"]
    assert 1900 < ratio < 2100 and forecast["known"]
    assert forecast["low_us"] == stmt["forecast_low_us"] == b["walk_us"] * ratio // 1000
    assert forecast["wal_bytes"] == doc["runs"][0]["wal_bytes"] * ratio // 1000 > 0
    assert b["forecast_heap_bytes"] == (b["heap_bytes_after"] - b["heap_bytes_before"]) * ratio // 1000
    shop.untouched()


def test_a_share_stands_for_the_whole(shop):
    doc = shop.rehearse("-- way: key\n-- batch: 1000\n-- pause: 300ms\n" + FILL, "--share", "10%")
    b = doc["backfill"]
    assert not b["whole"] and 2000 <= b["read"] == b["changed"] < b["rows"] == 20000 and b["left"] is None
    assert doc["forecast"]["low_us"] == b["walk_us"] * (doc["forecast"]["ratio_permille"] * b["rows"] // b["read"]) // 1000
    assert "share" in {n["code"] for n in doc["verdict"]["notes"]} and doc["verdict"]["ready"]
    shop.untouched()


def test_transcript_and_answer(shop15):
    shop15.project.write(PATH, FILL)
    shop15.project.pgrail("ground", PATH).ok()
    r = shop15.project.pgrail("rehearse", PATH).ok()
    assert "20,000 rows changed of 20,000 visited in " in r.out
    assert "   as a backfill: " in r.out and "; heap +" in r.out and "; WAL in production " in r.out
    assert "   next: pgrail approve 0001_fill.backfill --env production\n" in r.out


def test_a_row_that_cannot_be_cast(shop15):
    shop15.staging.sql("UPDATE t SET word = 'seven' WHERE id = 7")
    text = "UPDATE t SET twice = word::bigint * 2 WHERE twice IS NULL;\n"
    doc = shop15.rehearse(text)
    failure = doc["runs"][0]["statements"][0]["failure"]
    assert failure["sqlstate"] == "22P02" and "max-rejects" in failure["hint"]
    assert [r["code"] for r in doc["verdict"]["reasons"]] == ["statement-failed"] and "backfill" not in doc
    doc = shop15.rehearse("-- max-rejects: 3\n" + text)
    assert doc["backfill"]["rejected"] == doc["backfill"]["left"] == 1 and doc["verdict"]["ready"]
    assert "set-aside" in {n["code"] for n in doc["verdict"]["notes"]}


def test_rows_that_stay_in_the_condition(shop15):
    doc = shop15.rehearse("UPDATE t SET twice = nullif(id, 7) WHERE twice IS NULL;\n")
    assert [r["code"] for r in doc["verdict"]["reasons"]] == ["rows-left"] and doc["backfill"]["left"] == 1


def test_what_cannot_be_cut_is_told(shop15):
    shop15.production.sql("ALTER TABLE t DROP CONSTRAINT t_pkey")
    shop15.staging.sql("ALTER TABLE t DROP CONSTRAINT t_pkey")
    doc = shop15.rehearse("-- key: id\n" + FILL)
    assert doc["runs"][0]["statements"][0]["outcome"] == "failed" and "statement-failed" in {r["code"] for r in doc["verdict"]["reasons"]}
    shop15.untouched()


def test_partitions_and_inserts(project, make_db, pg15):
    shop = Shop(project, make_db, pg15, rows=4000, table="""
        CREATE TABLE t (id bigint, k integer, twice bigint, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
        CREATE TABLE t_0 PARTITION OF t FOR VALUES IN (0); CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE copied (id bigint PRIMARY KEY);
        INSERT INTO t SELECT g, (g % 4 = 0)::int FROM generate_series(1, {rows}) AS g; ANALYZE""")
    seen = effects(shop.rehearse(FILL))
    assert {n: seen[n]["rows_written"] for n in ("t_0", "t_1")} == {"t_0": 3000, "t_1": 1000}
    seen = effects(shop.rehearse("INSERT INTO copied SELECT id FROM t ON CONFLICT DO NOTHING;\n"))
    assert seen["copied"]["rows_written"] == 4000 and seen["t_0"]["rows_written"] == 0
    shop.untouched()


def test_settings_of_the_database_rule_on_the_copy(project, make_db, pg15):
    """A clone has none of them: its sessions get them, those of the workers with them."""
    shop = Shop(project, make_db, pg15, table="CREATE SCHEMA app; SET search_path = app;" + TABLE + """;
        CREATE FUNCTION app.doubled(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'""")
    for db in (shop.production, shop.staging):
        db.sql(f'ALTER DATABASE "{db.name}" SET search_path = app, public')
    doc = shop.rehearse("UPDATE t SET twice = doubled(id) WHERE twice IS NULL;\n")
    assert doc["verdict"]["ready"] and doc["backfill"]["changed"] == 20000, doc["verdict"]


def test_a_job_that_the_copy_came_with(shop15):
    """Staging has it unended: the rehearsal has its own, and staging's is left alone."""
    shop15.staging.sql("UPDATE t SET word = 'seven' WHERE id = 7")
    shop15.project.write(PATH, "UPDATE t SET twice = word::bigint * 2 WHERE twice IS NULL;\n")
    assert shop15.project.pgrail("backfill", PATH, "--env", "staging").status != 0
    shop15.staging.sql("UPDATE t SET twice = NULL")
    doc = shop15.rehearse(FILL)
    assert doc["verdict"]["ready"] and doc["backfill"]["changed"] == 20000
    assert shop15.staging.sql("SELECT state FROM pgrail.backfill_job") == [("failed",)]


@pytest.mark.parametrize("share", ["0%", "101", "ten"])
def test_a_share_that_is_none(shop15, share):
    shop15.project.write(PATH, FILL)
    r = shop15.project.pgrail("rehearse", PATH, "--share", share)
    assert r.status == 2 and "it must be 1% to 100%" in r.err


def test_a_share_of_what_is_no_backfill(shop15):
    shop15.project.migration(2, "note", "CREATE INDEX i ON t (word);\n")
    r = shop15.project.pgrail("rehearse", "2", "--share", "10%")
    assert r.status == 2 and "is no backfill" in r.err
