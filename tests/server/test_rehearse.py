"""pgrail rehearse on real servers: the copy and its end, exact locks, proof, the way back, the verdict (REHEARSAL_FAILED is status 1),
the document and the page."""
import json
import os
import pathlib
import re
import signal
import subprocess

import jsonschema
import pytest

from lib import runs, servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/rehearsal.json").read_text(encoding="utf-8"))
TABLES = """
CREATE TABLE invoices (id bigint PRIMARY KEY, gross_total_cents bigint NOT NULL, note text, paid_at timestamptz);
CREATE TABLE items (id bigint PRIMARY KEY, invoice_id bigint REFERENCES invoices, label varchar(20), line int NOT NULL);
CREATE INDEX items_line_idx ON items (line);
INSERT INTO invoices SELECT i, i * 7, 'x', NULL FROM generate_series(1, 2000) i;
INSERT INTO items SELECT i, 1 + i % 2000, 'x', i FROM generate_series(1, {rows}) i;
"""


def fill(db, rows=20000):
    db.sql(TABLES.format(rows=rows))
    db.sql("ANALYZE")
    return db


@pytest.fixture
def shop(project, make_db, server):
    """Production and staging alike, on each version."""
    return project.environment("production", fill(make_db()), protected=True).environment("staging", fill(make_db()))


@pytest.fixture
def shop15(project, make_db, pg15):
    project.server = pg15
    return project.environment("production", fill(make_db(pg15)), protected=True).environment("staging", fill(make_db(pg15)))


def clones(server):
    with server.connect() as c:
        return [r[0] for r in c.execute("SELECT datname FROM pg_database WHERE datname LIKE 'pgrail_clone_%'")]


def rehearse(project, version=1, *args, status=None):
    number = f"{version:04d}"
    project.pgrail("ground", number).ok()
    r = project.pgrail("rehearse", number, "--json", *args)
    assert r.out and "error" not in r.json, (r.out, r.err)
    doc = r.json
    jsonschema.validate(doc, SCHEMA)
    wanted = status if status is not None else 0 if doc["verdict"]["ready"] else 1
    assert r.status == wanted, (r.status, doc["verdict"], r.err)
    return doc


def codes(doc):
    return {x["code"] for x in doc["verdict"]["reasons"]}


def effect(doc, stmt, name, run=0):
    [f] = [f for f in doc["runs"][run]["statements"][stmt]["effects"] if f["name"] == name]
    return f


def same(doc):
    assert doc["predicted"] and all(p["same"] for p in doc["predicted"]), doc["predicted"]


def test_concurrent_index_stops_nobody(shop, server):
    shop.migration(1, "index", "CREATE INDEX CONCURRENTLY items_label_idx ON items (label);\n", "DROP INDEX CONCURRENTLY items_label_idx;\n")
    doc = rehearse(shop, status=0)
    assert doc["verdict"]["ready"] and not doc["forecast"]["stops"]
    assert effect(doc, 0, "items")["index_builds"] == 1
    assert [r["direction"] for r in doc["runs"]] == ["up", "down", "up again"]
    assert doc["down"]["restores"] and doc["up_again"]["same"] and doc["verification"]["holds"]
    assert any("items_label_idx" in line for line in doc["verification"]["delta"])
    assert doc["parity"]["known"] and doc["target"]["version_num"] // 10000 == server.major
    assert clones(server) == []


def test_every_lock_of_a_transaction_is_read_exactly(shop):
    shop.migration(1, "many", """
ALTER TABLE items ALTER COLUMN line TYPE bigint;
ALTER TABLE invoices ADD CONSTRAINT positive CHECK (gross_total_cents > 0);
CREATE TABLE extra (id bigint PRIMARY KEY, invoice_id bigint REFERENCES invoices);
UPDATE items SET label = 'y' WHERE id <= 100;
""", """
DROP TABLE extra;
ALTER TABLE invoices DROP CONSTRAINT positive;
ALTER TABLE items ALTER COLUMN line TYPE integer;
""")
    doc = rehearse(shop, 1, "--force")
    rewrite = effect(doc, 0, "items")
    assert (rewrite["lock"], rewrite["rewrite"], rewrite["index_builds"]) == ("ACCESS EXCLUSIVE", True, 2)
    scan = effect(doc, 1, "invoices")
    assert (scan["lock"], scan["rewrite"], scan["scan"]) == ("ACCESS EXCLUSIVE", False, True)
    assert effect(doc, 2, "extra")["created"]
    written = effect(doc, 3, "items")
    assert (written["lock"], written["rows_written"]) == ("ROW EXCLUSIVE", 100)
    up = doc["runs"][0]
    assert all(s["locks"] == "exact" and s["in_transaction"] for s in up["statements"]) and up["transactions"] == "one transaction"
    [items] = [s for s in doc["forecast"]["stops"] if s["name"] == "items"]
    assert items["readers_us"] >= sum(s["elapsed_us"] for s in up["statements"][1:])       # held until COMMIT
    same(doc)
    assert doc["down"]["restores"] and doc["up_again"]["same"]


def test_statements_of_their_own_give_their_locks_back(shop):
    shop.migration(1, "own", "CREATE INDEX CONCURRENTLY a ON items (label);\nCREATE INDEX b ON invoices (note);\nVACUUM invoices;\n",
                   "DROP INDEX a;\nDROP INDEX b;\n")
    doc = rehearse(shop, 1, "--force")
    up = doc["runs"][0]
    assert [s["locks"] for s in up["statements"]] == ["sampled", "exact", "sampled"]
    share = [k for k in up["locks"] if k["mode"] == "SHARE"]
    assert share and all(k["name"] == "invoices" and k["statement"] == 1 and k["blocks_writers"] and not k["blocks_readers"] for k in share)
    assert doc["runs"][0]["ok"] and doc["down"]["restores"]


def test_own_transactions_of_the_script(shop15):
    shop15.migration(1, "own", "BEGIN;\nALTER TABLE items ADD COLUMN a int;\nALTER TABLE items ADD COLUMN b int;\nCOMMIT;\n"
                               "CREATE INDEX CONCURRENTLY c ON items (label);\n", "DROP INDEX c;\nALTER TABLE items DROP COLUMN a, DROP COLUMN b;\n")
    doc = rehearse(shop15, 1, "--force")
    up = doc["runs"][0]
    assert up["ok"] and [s["outcome"] for s in up["statements"]] == ["ok"] * 5
    exclusive = [k for k in up["locks"] if k["mode"] == "ACCESS EXCLUSIVE" and k["name"] == "items"]
    commit = up["statements"][3]
    assert [k["to_us"] for k in exclusive] == [commit["start_us"] + commit["elapsed_us"]]


def test_procedure_that_commits_runs_by_itself(shop15):
    shop15.migration(1, "do", "CREATE INDEX CONCURRENTLY c ON items (label);\n"
                              "DO $$ BEGIN UPDATE items SET label = 'z' WHERE id = 1; COMMIT; END $$;\n")
    up = rehearse(shop15, 1, "--force")["runs"][0]
    assert [(s["outcome"], s["locks"]) for s in up["statements"]] == [("ok", "sampled"), ("ok", "sampled")]


def test_writers_stopped_too_long(shop):
    shop.policy["max_block"] = "1ms"
    shop.write_conf()
    shop.migration(1, "index", "CREATE INDEX items_label_idx ON items (label, id);\n", "DROP INDEX items_label_idx;\n")
    shop.pgrail("ground", "0001").ok()
    refused = shop.pgrail("rehearse", "0001")
    assert refused.status == 3 and "index-not-concurrent" in refused.err and "--force" in refused.err
    doc = rehearse(shop, 1, "--force", status=1)
    assert {"writers-blocked", "check-error"} <= codes(doc) and "readers-blocked" not in codes(doc)
    [stop] = doc["forecast"]["stops"]
    assert stop["lock"] == "SHARE" and stop["writers_us"] > 0 and stop["readers_us"] == 0
    assert stop["writers_low_us"] <= stop["writers_high_us"]
    assert all(r["mend"] for r in doc["verdict"]["reasons"])
    same(doc)


def test_wrong_column(shop15):
    shop15.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON invoices (note);\nALTER TABLE invoices ALTER COLUMN total_cents SET NOT NULL;\n")
    r = shop15.pgrail("ground", "0001")                      # a migration that names what is not there cannot be grounded
    assert r.status == 1
    assert shop15.pgrail("rehearse", "0001", "--force").status == 3


def test_failure_says_where_and_what_is_left(shop):
    shop.migration(1, "fails", "CREATE INDEX CONCURRENTLY i ON items (label);\nCREATE UNIQUE INDEX CONCURRENTLY u ON items (label);\n"
                               "CREATE INDEX CONCURRENTLY j ON items (invoice_id);\n", "DROP INDEX i, u, j;\n")
    doc = rehearse(shop, 1, "--force", status=1)
    assert {"statement-failed", "left-half"} <= codes(doc)
    up = doc["runs"][0]
    assert [s["outcome"] for s in up["statements"]] == ["ok", "failed", "not run"] and len(doc["runs"]) == 1
    failure = up["statements"][1]["failure"]
    assert failure["sqlstate"] == "23505" and failure["line"] == 3       # below the line that ground wrote
    assert "invalid index" in up["cleaned"] and "public.u" in up["cleaned"]


def test_down_that_loses(shop):
    shop.migration(1, "gone", "ALTER TABLE invoices DROP COLUMN note;\n", "ALTER TABLE invoices ADD COLUMN note text;\n")
    doc = rehearse(shop, 1, "--force", status=1)
    assert "down-differs" in codes(doc) and not doc["down"]["restores"] and doc["down"]["differences"]
    shop.migration(2, "gone", "ALTER TABLE invoices DROP COLUMN note;\n",
                   "-- loses: the notes, and the place of the column\nALTER TABLE invoices ADD COLUMN note text;\n")
    doc = rehearse(shop, 2, "--force")
    assert "down-differs" not in codes(doc) and doc["down"]["loses"] == "the notes, and the place of the column"


def test_staging_that_is_not_like_production(project, make_db, server):
    production, staging = fill(make_db(), 200000), make_db()
    fill(staging, 100)
    staging.sql("ALTER TABLE items ADD COLUMN extra int")
    project.environment("production", production).environment("staging", staging)
    project.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n", "DROP INDEX CONCURRENTLY i;\n")
    doc = rehearse(project, status=1)
    assert "parity-schema" in codes(doc)
    [rel] = [r for r in doc["parity"]["relations"] if r["name"] == "items"]
    assert not rel["same_shape"] and any("extra" in line for line in rel["delta"])
    staging.sql("ALTER TABLE items DROP COLUMN extra")
    doc = rehearse(project, status=1)
    assert codes(doc) == {"parity-rows"}
    assert doc["forecast"]["ratio_permille"] > 100000


def test_production_unreachable(shop15):
    shop15.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
    shop15.pgrail("ground", "0001").ok()
    away = {"PRODUCTION_URL": "postgresql:///x?host=/nonexistent&connect_timeout=1"}
    r = shop15.pgrail("rehearse", "0001", "--json", env=away)
    assert r.status == 1, r.err
    assert codes(r.json) == {"parity-unknown"} and not r.json["forecast"]["known"] and r.json["target"] is None


def test_production_itself_is_never_rehearsed_on(project, make_db, pg15):
    db = fill(make_db(pg15))
    project.environment("production", db).environment("staging", db)
    project.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
    project.pgrail("ground", "0001").ok()
    r = project.pgrail("rehearse", "0001")
    assert r.status == 3 and "the very database" in r.err and "--dump" in r.err


def test_staging_in_use(project, make_db, pg15):
    staging = fill(make_db(pg15))
    project.environment("production", fill(make_db(pg15))).environment("staging", staging)
    project.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
    project.pgrail("ground", "0001").ok()
    with staging.connect(application_name="nightly import") as c:
        pid = c.info.backend_pid
        r = project.pgrail("rehearse", "0001")
    assert r.status == 3 and "nightly import" in r.err and str(pid) in r.err and "--dump FILE" in r.err
    assert clones(pg15) == []


def test_clones_of_the_dead_are_swept(shop15):
    server = shop15.server
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = subprocess.run(["sha256sum"], input=os.uname().nodename.encode(), capture_output=True, check=True).stdout.decode()[:6]
    names = [f"pgrail_clone_{0x60000000:08x}{os.getpid():08x}{host}00",      # older than a day
             f"pgrail_clone_{0xfff00000:08x}{dead.pid:08x}{host}00",         # its maker is dead
             f"pgrail_clone_{0xfff00000:08x}{os.getpid():08x}{host}00"]      # its maker lives
    with server.connect() as c:
        for name in names:
            c.execute(f"CREATE DATABASE {name}")
    try:
        shop15.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
        rehearse(shop15)
        assert clones(server) == names[2:]
    finally:
        with server.connect() as c:
            for name in names:
                c.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(shop15, sig):
    server = shop15.server
    shop15.migration(1, "slow", "CREATE INDEX CONCURRENTLY i ON items (label);\nSELECT pg_sleep(600);\n")
    shop15.pgrail("ground", "0001").ok()
    p = subprocess.Popen([runs.BIN, "rehearse", "0001"], cwd=shop15.folder, env=runs.environment(shop15.home, shop15.env),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def sleeping():
        with server.connect() as c:
            return c.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' "
                             "AND application_name = 'pgrail/rehearse'").fetchone()

    servers.await_that(sleeping, "the slow statement runs")
    p.send_signal(sig)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 8, (out, err)
    assert "interrupted" in err.decode()
    assert clones(server) == []


@pytest.mark.parametrize("form", ["custom", "plain", "directory", "tar"])
def test_dump(project, make_db, pg15, tmp_path, form):
    production = fill(make_db(pg15))
    dump = tmp_path / "dump"
    subprocess.run(["pg_dump", f"-F{form[0]}", "-f", str(dump), production.conninfo], check=True)
    project.environment("production", production)
    project.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n", "DROP INDEX CONCURRENTLY i;\n")
    doc = rehearse(project, 1, "--dump", str(dump), status=0)
    assert doc["copy"]["kind"] == "dump" and all(r["same_shape"] for r in doc["parity"]["relations"])
    assert doc["copy"]["server"]["version_num"] // 10000 == 15


def test_dump_that_is_none(shop15, tmp_path):
    shop15.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
    shop15.pgrail("ground", "0001").ok()
    assert shop15.pgrail("rehearse", "0001", "--dump", "nowhere").status == 2
    (tmp_path / "bad.sql").write_text("CREATE TABLE t (a int);\nnonsense;\n")
    r = shop15.pgrail("rehearse", "0001", "--dump", str(tmp_path / "bad.sql"))
    assert r.status == 2 and "nonsense" in r.err


def test_what_no_server_understands(shop15):
    shop15.migration(1, "psql", "CREATE INDEX CONCURRENTLY i ON items (label);\n\\i other.sql\n")
    r = shop15.pgrail("ground", "0001")
    r = shop15.pgrail("rehearse", "0001", "--force", "--json")
    if r.status == 1:
        assert "statement-failed" in codes(r.json)


def test_not_grounded_and_stale(shop15):
    shop15.migration(1, "index", "CREATE INDEX CONCURRENTLY i ON items (label);\n")
    r = shop15.pgrail("rehearse", "0001")
    assert r.status == 3 and "not grounded" in r.err and "pgrail ground 0001" in r.err
    shop15.pgrail("ground", "0001").ok()
    production = shop15.env["PRODUCTION_URL"]
    import psycopg
    with psycopg.connect(production, autocommit=True) as c:
        c.execute("ALTER TABLE items ADD COLUMN moved int")
    r = shop15.pgrail("rehearse", "0001")
    assert r.status == 3 and "moved since the grounding" in r.err


def test_settings_and_zone_of_production_rule(project, make_db, pg15):
    """timestamptz to timestamp is a rewrite in Berlin and none in UTC: what counts is production's zone."""
    def make(zone):
        db = make_db(pg15)
        db.sql(f"ALTER DATABASE {db.name} SET timezone = '{zone}'")
        db.sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz); INSERT INTO t SELECT i, now() FROM generate_series(1, 5000) i; ANALYZE")
        return db

    project.environment("production", make("Europe/Berlin")).environment("staging", make("UTC"))
    project.migration(1, "at", "ALTER TABLE t ALTER COLUMN at TYPE timestamp;\n", "ALTER TABLE t ALTER COLUMN at TYPE timestamptz;\n")
    doc = rehearse(project, 1, "--force")
    assert doc["copy"]["time_zone"] == "Europe/Berlin" and effect(doc, 0, "t")["rewrite"]


def test_the_page_stands_alone(shop15):
    shop15.migration(1, "index", "-- rationale: <script>alert(1)</script> & \"quotes\"\nCREATE INDEX \"i<b>\" ON items (label);\n", "DROP INDEX \"i<b>\";\n")
    doc = rehearse(shop15, 1, "--force")
    page = pathlib.Path(doc["page"]).read_text(encoding="utf-8")
    assert doc["page"] == f"{shop15.folder}/.pgrail/rehearsals/0001_index.html"
    assert "<script" not in page and "&lt;script&gt;" in page and "i&lt;b&gt;" in page
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?:", page)
    assert "<svg" in page and "prefers-color-scheme" in page and "@media print" in page
    other = f"{shop15.folder}/other.html"
    assert rehearse(shop15, 1, "--force", "--html", other)["page"] == other and os.path.exists(other)


def test_transcript_reads_like_a_careful_operator(shop15):
    shop15.migration(1, "index", "CREATE INDEX items_label_idx ON items (label);\n", "DROP INDEX items_label_idx;\n")
    shop15.pgrail("ground", "0001").ok()
    out = shop15.pgrail("rehearse", "0001").ok().out
    for line in ("PostgreSQL 15", "its catalog is read, nothing else", "cloning", "20,000 rows", "CREATE INDEX items_label_idx ON items (label)",
                 "SHARE on table public.items, held", "readers went on", "after down the schema is as before", "READY", "page: "):
        assert line in out, (line, out)


def test_success_that_did_nothing_is_found(project, make_db, server):
    """CREATE INDEX IF NOT EXISTS over an invalid leftover: the server says CREATE INDEX, and there is no index."""
    for name in ("production", "staging"):
        db = fill(make_db())
        db.sql("CREATE INDEX items_label_idx ON items (label)")
        db.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_label_idx'::regclass")
        project.environment(name, db)
    project.migration(1, "index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS items_label_idx ON items (label);\n",
                      "DROP INDEX CONCURRENTLY items_label_idx;\n")
    doc = rehearse(project, 1, "--force", status=1)
    assert "not-verified" in codes(doc) and not doc["verification"]["holds"]
    assert doc["runs"][0]["ok"] and any("already exists, skipping" in n for n in doc["runs"][0]["statements"][0]["notices"])


@pytest.mark.parametrize("protected, next_step", [(True, "pgrail approve 0001_note --env production"), (False, "pgrail apply 0001_note --env production")])
def test_mends_and_next_steps_name_the_environment(project, make_db, pg15, protected, next_step):
    """With several environments a command without --env would only ask which; an unprotected one needs no approval."""
    project.server = pg15
    project.environment("production", fill(make_db(pg15)), protected=protected).environment("staging", fill(make_db(pg15)))
    project.migration(1, "note", "CREATE INDEX i ON items (label);\n", "DROP INDEX i;\n")
    assert "hint: pgrail ground 0001_note --env production" in project.pgrail("approve", "1", "--env", "production").err
    project.pgrail("ground", "1").ok()
    r = project.pgrail("rehearse", "1")
    assert r.status == 0, (r.out, r.err)
    assert f"   next: {next_step}\n" in r.out
