"""Temporal foreign keys (PERIOD, PostgreSQL 18): a row is an orphan when the periods of the rows that it refers to do not cover its own together.
What is one is held against the server's own check, row by row."""
import json
import pathlib
import random

import jsonschema
import psycopg
import pytest

from lib.runs import ROOT
from lib.servers import majors

pytestmark = pytest.mark.usefixtures("server")
SCHEMA = json.loads((pathlib.Path(ROOT) / "docs/schema/orphans.json").read_text(encoding="utf-8"))
TABLES = """CREATE TABLE parents (id int4range, valid_at {type}, PRIMARY KEY (id, valid_at WITHOUT OVERLAPS));
    CREATE TABLE children (no integer PRIMARY KEY, parent int4range, valid_at {type}, note text);
    CREATE TABLE checked (no integer PRIMARY KEY, parent int4range, valid_at {type}, FOREIGN KEY (parent, PERIOD valid_at) REFERENCES parents (id, PERIOD valid_at));"""
KEY = "FOREIGN KEY (parent, PERIOD valid_at) REFERENCES parents (id, PERIOD valid_at)"
LATE = f"ALTER TABLE children ADD CONSTRAINT covered {KEY} NOT VALID"


@pytest.fixture(scope="session", params=[m for m in majors() if m >= 18], ids=lambda m: f"pg{m}")
def server(request, pool):
    return pool.get(request.param)


def refused(db):
    """Rows that the server itself does not let in."""
    out = set()
    with db.connect() as c:
        for no, parent, at in c.execute("SELECT no, parent::text, valid_at::text FROM children").fetchall():
            try:
                c.execute("INSERT INTO checked VALUES (%s, %s, %s)", (no, parent, at))
            except psycopg.errors.ForeignKeyViolation:
                out.add(no)
    return out


def look(project, *args, status=1):
    r = project.pgrail("orphans", *args, "--json")
    assert r.status == status, r
    jsonschema.validate(r.json, SCHEMA, jsonschema.Draft202012Validator)
    return r.json


def keys(ref):
    return {int(f["key"][0]) for f in ref["first"]}


@pytest.fixture
def written(project, db):
    """By hand: covered by one, by two that touch, by a gap, before the first, of an id that is missing, nulls, nothing, for ever."""
    project.environment("production", db)
    db.sql(TABLES.format(type="daterange") + """
        INSERT INTO parents VALUES ('[1,2)', '[2020-01-01,2020-07-01)'), ('[1,2)', '[2020-07-01,2021-01-01)'), ('[1,2)', '[2022-01-01,2023-01-01)'), ('[2,3)', '[2020-01-01,)');
        INSERT INTO children (no, parent, valid_at) VALUES (1, '[1,2)', '[2020-02-01,2020-03-01)'), (2, '[1,2)', '[2020-02-01,2020-12-01)'), (3, '[1,2)', '[2020-11-01,2022-02-01)'),
            (4, '[1,2)', '[2019-12-31,2020-02-01)'), (5, '[7,8)', '[2020-02-01,2020-03-01)'), (6, NULL, '[1999-01-01,2020-03-01)'), (7, '[7,8)', NULL),
            (8, '[1,2)', 'empty'), (9, '[1,2)', '[2022-02-01,)'), (10, '[2,3)', '[2022-02-01,)');""" + LATE)
    return db


def test_rows_that_are_not_covered(project, written):
    db = written
    (r,) = look(project, "children")["references"]
    assert (r["period"], r["unread"], r["exact"], r["state"]) == (True, None, True, "not valid")
    assert keys(r) == refused(db) == {3, 4, 5, 8, 9} and r["orphans"] == 5 == r["missing"]
    assert {no for (no,) in db.sql(f"SELECT no FROM {r['table']} AS o WHERE {r['condition']}")} == keys(r)
    text = project.pgrail("orphans", "children").out
    assert "5 rows refer to 5 periods that public.parents (id, valid_at) does not cover" in text, text


@pytest.mark.parametrize("type, more", [("daterange", ""), ("datemultirange", "::datemultirange"), ("tstzrange", "")])
def test_as_the_server_says(project, db, type, more):
    project.environment("production", db)
    db.sql(TABLES.format(type=type))
    rng, days = random.Random(18), "(date '2020-01-01' + {})"
    wide = "tstzrange({}::timestamptz, {}::timestamptz)" if type == "tstzrange" else "daterange({}, {})"
    for i in range(8):
        at = 0
        while at < 200:
            a = at + rng.choice([0, 0, 1, 5])
            at = a + rng.randrange(3, 60)
            db.sql(f"INSERT INTO parents VALUES ('[{i},{i + 1})', {wide.format(days.format(a), days.format(at))}{more})")
    rows = []
    for no in range(400):
        a, n = rng.randrange(-5, 200), rng.randrange(1, 80)
        to = "NULL" if no % 40 == 0 else days.format(a + n)
        rows.append(f"({no}, '[{rng.randrange(9)},{{}})', {wide.format(days.format(a), to)}{more})")
    rows = [r.replace("{}", str(int(r.split("'[")[1].split(",")[0]) + 1)) for r in rows]
    db.sql("INSERT INTO children (no, parent, valid_at) VALUES " + ", ".join(rows))
    db.sql(LATE)
    (r,) = look(project, "children", "--limit", "1000")["references"]
    assert keys(r) == refused(db) and 100 < r["orphans"] == len(keys(r)) < 400


def test_archived_in_a_migration_and_back(project, written):
    db = written
    before = db.sql("SELECT * FROM children ORDER BY no"), db.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'covered'")
    doc = look(project, "children", "--archive", "lost", status=0)["archive"]
    assert "refer to periods that rows of public.parents do not cover" in project.read(doc["up"])
    project.pgrail("apply", doc["migration"], "--env", "production").ok()
    assert {no for (no,) in db.sql("SELECT no FROM lost")} == {3, 4, 5, 8, 9} and db.value("SELECT count(*) FROM children") == 5
    db.sql("ALTER TABLE children VALIDATE CONSTRAINT covered")
    db.sql("ALTER TABLE children DROP CONSTRAINT covered"), db.sql(LATE)
    project.pgrail("rollback", doc["migration"], "--env", "production").ok()
    assert (db.sql("SELECT * FROM children ORDER BY no"), db.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'covered'")) == before


def test_archived_by_a_backfill(project, written):
    project.policy["max_inline_rows"] = "2"
    project.write_conf()
    doc = look(project, "children", "--archive", "lost", status=0)["archive"]
    project.pgrail("apply", doc["migration"], "--env", "production").ok()
    project.pgrail("backfill", doc["backfill"], "--env", "production").ok()
    assert {no for (no,) in written.sql("SELECT no FROM lost")} == {3, 4, 5, 8, 9} and written.value("SELECT count(*) FROM children") == 5
    written.sql("ALTER TABLE children VALIDATE CONSTRAINT covered")


def test_check_counts_before_it_is_validated_or_added(project, written):
    project.migration(1, "validate", "ALTER TABLE children VALIDATE CONSTRAINT covered;", "SELECT 1;")
    project.migration(2, "again", f"ALTER TABLE children ADD CONSTRAINT again {KEY};", "ALTER TABLE children DROP CONSTRAINT again;")
    words = "5 rows of public.children (parent, valid_at) refer to periods that rows of public.parents do not cover"
    for version in ("0001", "0002"):
        r = project.pgrail("check", version, "--env", "production", "--json")
        (f,) = [f for f in r.json["findings"] if f["rule"] == "orphan-rows"]
        assert f["level"] == "error" and "will fail with 23503" in f["title"] and f["title"].endswith(words), f


def test_a_drop_counts_who_refers(project, written):
    project.migration(1, "drop", "DROP TABLE parents CASCADE;", "SELECT 1;")
    r = project.pgrail("check", "0001", "--env", "production", "--json")
    (f,) = [f for f in r.json["findings"] if f["rule"] == "drop-table"]
    assert "8 rows of public.children (parent, valid_at) refer to it, by foreign key covered" in f["what"], f["what"]
