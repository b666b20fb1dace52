"""orphans --archive of more rows than max_inline_rows: the migration, its backfill and the way back, the whole way on real servers. At any moment
each row is in exactly one of the two tables."""
import json
import os
import pathlib
import signal
import subprocess

import jsonschema
import pytest

from lib.few import server  # noqa: F401
from lib.filling import valid
from lib.runs import BIN, ROOT, WRAP, environment
from lib.servers import await_that

SCHEMA = json.loads((pathlib.Path(ROOT) / "docs/schema/orphans.json").read_text(encoding="utf-8"))
HEADER = "-- batch: 100\n-- target: 5ms\n"


class Move:
    """A table whose orphans go into another one."""

    def __init__(self, project, db, table, archive, inline="10"):
        self.project, self.db, self.table, self.archive = project, db, table, archive
        project.environment("production", db)
        project.policy["max_inline_rows"] = inline
        project.write_conf()

    def write(self, *args):
        r = self.project.pgrail("orphans", self.table, "--archive", self.archive, "--json", *args)
        assert r.status == 0, r
        jsonschema.validate(r.json, SCHEMA, jsonschema.Draft202012Validator)
        self.doc = r.json["archive"]
        return self.doc

    def run(self, *args, **more):
        return valid(self.project.pgrail(*args, "--env", "production", timeout=120, **more))

    def header(self, text):
        self.project.write(self.doc["backfill"], text + self.project.read(self.doc["backfill"]))

    def forward(self):
        self.run("apply", self.doc["migration"]).ok()
        return self.run("backfill", self.doc["backfill"]).ok()

    def states(self):
        return {b["id"]: b["state"] for b in self.run("status", "--json").json["backfills"]}

    def clean(self):
        """check has nothing to say of the backfills."""
        r = self.project.pgrail("check", "--env", "production", "--json")
        return [f for f in r.json["findings"] if f["rule"] in ("bad-backfill", "bad-file-name", "duplicate-version", "syntax")]


# Composite key, two references (MATCH FULL and an inferred one beside), a generated column, an identity column, quoted names.
FAMILY = """
    CREATE SCHEMA "Old"; CREATE TABLE "Big Parents" (tenant integer, id bigint, PRIMARY KEY (tenant, id)); CREATE TABLE owners (id bigint PRIMARY KEY);
    CREATE TABLE "Children" (tenant integer, no text COLLATE "C", "Id" bigint GENERATED ALWAYS AS IDENTITY, parent bigint, owner_id bigint,
        twice bigint GENERATED ALWAYS AS (parent * 2) STORED, note text DEFAULT repeat('x', 40), PRIMARY KEY (tenant, no));
    INSERT INTO "Big Parents" SELECT t, i FROM generate_series(1, 3) t, generate_series(1, 100) i; INSERT INTO owners SELECT generate_series(1, 50);
    INSERT INTO "Children" (tenant, no, parent, owner_id) SELECT 1 + i % 3, 'n' || i, 1 + i % 130, 1 + i % 70 FROM generate_series(1, 6000) i;
    ALTER TABLE "Children" ADD CONSTRAINT "to Big" FOREIGN KEY (tenant, parent) REFERENCES "Big Parents" NOT VALID, ADD FOREIGN KEY (owner_id) REFERENCES owners NOT VALID;
    ANALYZE"""
LOST = '(parent > 100 OR owner_id > 50)'
STATE = 'SELECT md5(string_agg(c::text, \',\' ORDER BY tenant, no)), count(*) FROM "Children" AS c'


@pytest.fixture
def family(project, db):
    db.sql(FAMILY)
    return Move(project, db, '"Children"', '"Old"."Lost Children"')


def test_there_and_back(family, make_db):
    db, project, staging = family.db, family.project, make_db()
    staging.sql(FAMILY)
    project.environment("staging", staging)
    lost, before = db.value(f'SELECT count(*) FROM "Children" WHERE {LOST}'), db.sql(STATE)
    doc = family.write()
    assert (doc["rows"] >= lost, doc["moves_rows"]) == (True, False) and lost > 1000
    assert doc["backfill"] == "migrations/0001_archive_children_orphans.backfill.sql" and doc["backfill_down"] == "migrations/0001_archive_children_orphans.down.backfill.sql"
    up = project.read(doc["up"])
    assert "DELETE" not in up and 'CREATE TABLE "Old"."Lost Children" (LIKE public."Children", PRIMARY KEY (tenant, no));' in up
    assert doc["warnings"][-1].endswith("are more than max_inline_rows (10): the migration makes the table alone, and its backfill moves them")
    assert family.clean() == []
    assert family.states() == {"0001_archive_children_orphans": "pending", "0001_archive_children_orphans.down": "in reserve"}
    family.run("ground", doc["migration"]).ok()
    family.run("rehearse", doc["migration"], "--json").ok()
    family.run("apply", doc["migration"]).ok()
    project.pgrail("apply", doc["migration"], "--env", "staging").ok()
    family.run("ground", doc["backfill"]).ok()
    r = family.run("rehearse", doc["backfill"], "--json").ok()
    assert r.json["backfill"]["changed"] == lost and r.json["backfill"]["left"] == 0 and db.sql(STATE) == before, r.json["backfill"]
    r = family.run("backfill", doc["backfill"], "--json").ok()
    assert (r.json["progress"]["changed"], r.json["left"], [w["key"] for w in r.json["walks"]]) == (lost, 0, [["tenant", "no"]])
    assert db.sql(f'SELECT (SELECT count(*) FROM "Old"."Lost Children"), (SELECT count(*) FROM "Children" WHERE {LOST})') == [(lost, 0)]
    assert db.value('SELECT count(*) FROM "Old"."Lost Children" AS l JOIN "Children" AS c USING (tenant, no)') == 0
    assert db.value('SELECT count(*) FROM "Old"."Lost Children" WHERE twice IS DISTINCT FROM parent * 2 OR "Id" IS NULL') == 0
    assert family.states() == {"0001_archive_children_orphans": "done", "0001_archive_children_orphans.down": "in reserve"}
    family.run("verify", doc["migration"]).ok()
    assert project.pgrail("orphans", '"Children"', "--json").json["counts"]["orphans"] == 0
    words = project.pgrail("rollback", doc["migration"], "--explain", "--json").ok().json["rollback_words"]
    assert words.endswith(f"Rows that its backfill has moved go back before: pgrail backfill {doc['backfill_down']} --env production"), words
    # The down script does not take the rows with it, and says who brings them back.
    r = family.run("rollback", doc["migration"])
    assert r.status != 0 and 'still holds rows of public."Children"' in r.out + r.err, r
    assert "pgrail backfill migrations/*_archive_children_orphans.down.backfill.sql" in project.read(doc["down"])
    # Foreign keys refuse them: the file says what is to be done before and after.
    r = family.run("backfill", doc["backfill_down"])
    assert r.status == 4 and "foreign key" in r.err, r
    back = project.read(doc["backfill_down"])
    statements = [line.removeprefix("--").strip() for line in back.splitlines() if line.startswith("--     ALTER TABLE")]
    assert [s.split()[3] for s in statements] == ["DROP", "DROP", "ADD", "ADD"], statements
    for s in statements[:2]:
        db.sql(s)
    family.run("backfill", doc["backfill_down"]).ok()
    for s in statements[2:]:
        db.sql(s)
    assert db.sql(STATE) == before and db.value('SELECT count(*) FROM "Old"."Lost Children"') == 0
    assert family.states() == {"0001_archive_children_orphans": "pending", "0001_archive_children_orphans.down": "done"}
    # What was undone may be done once more; and the empty table goes.
    family.run("backfill", doc["backfill"]).ok()
    assert db.value('SELECT count(*) FROM "Old"."Lost Children"') == lost
    assert family.states() == {"0001_archive_children_orphans": "done", "0001_archive_children_orphans.down": "in reserve"}
    for s in statements[:2]:
        db.sql(s)
    family.run("backfill", doc["backfill_down"]).ok()
    family.run("rollback", doc["migration"]).ok()
    assert db.sql(STATE) == before and db.value("SELECT to_regclass('\"Old\".\"Lost Children\"') IS NULL")


def test_killed_in_the_middle_each_row_is_in_one_table(family):
    db, doc = family.db, family.write("--declared")
    lost = db.value(f'SELECT count(*) FROM "Children" WHERE {LOST}')
    both = 'SELECT count(*), count(DISTINCT (tenant, no)) FROM (SELECT tenant, no FROM "Children" UNION ALL SELECT tenant, no FROM "Old"."Lost Children") AS u'
    family.header(HEADER + "-- pause: 40ms\n-- workers: 2\n")
    family.run("apply", doc["migration"]).ok()
    done = "SELECT CASE WHEN to_regclass('pgrail.backfill_reject') IS NULL THEN 0 ELSE 1 END"
    p = subprocess.Popen([*WRAP, BIN, "backfill", doc["backfill"], "--env", "production"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         cwd=family.project.folder, env=environment(family.project.home, family.project.env), start_new_session=True)
    try:
        await_that(lambda: db.value(done), "the journal is there")
        await_that(lambda: db.value("SELECT coalesce(sum(changed), 0) FROM pgrail.backfill_batch") > 300, "it is on its way")
        assert db.sql(both) == [(6000, 6000)]
        mended = db.sql(f'UPDATE "Children" SET parent = 1, owner_id = 1 WHERE (tenant, no) IN (SELECT tenant, no FROM "Children" WHERE {LOST} ORDER BY tenant DESC, no DESC LIMIT 3) RETURNING no')
    finally:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait(60)
    await_that(lambda: db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrail/backfill%%' AND datname = current_database()") == 0, "nobody is left")
    assert db.sql(both) == [(6000, 6000)]
    r = family.run("backfill", doc["backfill_down"])        # there and back at once would never end
    assert r.status == 3 and "which goes the other way, is running" in r.err and "backfill-ctl abandon" in r.err, r
    family.run("backfill", doc["backfill"], "--pause", "0").ok()
    assert db.sql(both) == [(6000, 6000)]
    moved = db.value('SELECT count(*) FROM "Old"."Lost Children"')
    assert moved == lost - len(mended) == db.value("SELECT sum(changed) FROM pgrail.backfill_batch")
    assert db.value(f'SELECT count(*) FROM "Children" WHERE {LOST}') == 0


def simple(db, key="PRIMARY KEY (id)"):
    db.sql(f"""CREATE TABLE parents (id bigint PRIMARY KEY); INSERT INTO parents SELECT generate_series(1, 10);
        CREATE TABLE children (id bigint NOT NULL, parent_id bigint, note text{', ' + key if key else ''});
        INSERT INTO children SELECT i, 1 + i % 20 FROM generate_series(1, 900) AS i""")


def test_partitions_and_a_guess(project, db):
    """An inferred reference that was named; every leaf is gone through, of whatever column order."""
    db.sql("""
        CREATE TABLE parents (id bigint PRIMARY KEY); INSERT INTO parents SELECT generate_series(1, 10);
        CREATE TABLE children (id bigint, parent_id bigint, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE c_1 PARTITION OF children FOR VALUES FROM (0) TO (500); CREATE TABLE c_2 (note text, parent_id bigint, id bigint NOT NULL);
        ALTER TABLE children ATTACH PARTITION c_2 FOR VALUES FROM (500) TO (10000);
        INSERT INTO children SELECT i, 1 + i % 20, 'n' || i FROM generate_series(1, 900) AS i; ANALYZE""")
    move = Move(project, db, "children", "children_lost")
    doc = move.write("--key", "parent_id")
    assert "children_lost (LIKE public.children, PRIMARY KEY (id))" in project.read(doc["up"])
    r = move.forward()
    assert "public.c_1" in r.out and "public.c_2" in r.out
    assert db.sql("SELECT count(*), min(parent_id), count(*) FILTER (WHERE note = 'n' || id) FROM children_lost") == [(450, 11, 450)]
    move.run("backfill", doc["backfill_down"]).ok()
    assert db.sql("SELECT count(*), count(*) FILTER (WHERE parent_id = 1 + id % 20 AND note = 'n' || id) FROM children") == [(900, 900)]


def test_without_a_key(project, db):
    """By its pages, from 14 on; before that nothing says how far a batch goes."""
    simple(db, key=None)
    move = Move(project, db, "children", "lost")
    if db.major < 14:
        r = project.pgrail("orphans", "children", "--key", "parent_id", "--archive", "lost")
        assert r.status == 3 and "450 rows are more than max_inline_rows (10), and no backfill can move them: public.children has no primary key" in r.err, r
        assert "CREATE UNIQUE INDEX CONCURRENTLY" in r.err and list(pathlib.Path(project.folder, "migrations").iterdir()) == []
        return
    doc = move.write("--key", "parent_id")
    assert "-- way: blocks\n" in project.read(doc["backfill"]) and "PRIMARY KEY" not in project.read(doc["up"])
    move.forward()
    assert db.sql("SELECT (SELECT count(*) FROM lost), (SELECT count(*) FROM children), (SELECT count(*) FROM children WHERE parent_id > 10)") == [(450, 450, 0)]
    move.run("backfill", doc["backfill_down"]).ok()
    assert db.value("SELECT count(DISTINCT id) FROM children") == 900


def test_a_table_that_refers_to_itself(project, db):
    db.sql("""CREATE TABLE nodes (id bigint PRIMARY KEY, parent_id bigint); INSERT INTO nodes SELECT i, i + 500 FROM generate_series(1, 900) AS i;
        ALTER TABLE nodes ADD FOREIGN KEY (parent_id) REFERENCES nodes NOT VALID""")
    Move(project, db, "nodes", "lost")
    r = project.pgrail("orphans", "nodes", "--archive", "lost")
    assert r.status == 3 and "no backfill can move them: the condition reads public.nodes itself" in r.err, r
    assert list(pathlib.Path(project.folder, "migrations").iterdir()) == []


def test_triggers_that_write_elsewhere(project, db):
    """A person says whether that is meant: until then check and backfill refuse it."""
    simple(db)
    db.sql("""CREATE TABLE log (id bigint); CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (OLD.id); RETURN NULL; END';
        CREATE TRIGGER log AFTER DELETE ON children FOR EACH ROW EXECUTE FUNCTION log()""")
    move = Move(project, db, "children", "lost")
    doc = move.write("--key", "parent_id")
    assert any("refuses it until its header has the line \"-- triggers: fire\": trigger log writes public.log" in w for w in doc["warnings"]), doc["warnings"]
    assert [f["rule"] for f in move.clean()] == ["bad-backfill"]
    move.run("apply", doc["migration"]).ok()
    assert move.run("backfill", doc["backfill"]).status == 3
    move.header("-- triggers: fire\n")
    move.run("backfill", doc["backfill"]).ok()
    assert db.sql("SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM lost)") == [(450, 450)]


def test_in_the_folder_of_another_runner(project, db):
    """Its runner would take the file for a migration: it lies beside."""
    simple(db)
    project.write("migrations/0001_first.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n")
    move = Move(project, db, "children", "lost")
    doc = move.write("--key", "parent_id")
    assert doc["backfill"] == "backfills/0002_archive_children_orphans.backfill.sql" and doc["backfill_down"].startswith("backfills/")
    assert move.clean() == []
