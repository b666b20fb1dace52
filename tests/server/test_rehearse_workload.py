"""pgrail rehearse --workload on real servers: a foreground of the real pgbench, on the copy alone, by itself and then beside up. How long anything took is
nothing that these tests judge."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import jsonschema
import pytest

from lib import runs, servers
from lib.few import server  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/rehearsal.json").read_text(encoding="utf-8"))
ROWS, RATE = 20000, 100
TABLE = f"""CREATE TABLE t (id bigint PRIMARY KEY, word text NOT NULL, twice bigint, note text);
            INSERT INTO t (id, word) SELECT g, g::text FROM generate_series(1, {ROWS}) AS g; ANALYZE t"""
PATH = "migrations/0001_fill.backfill.sql"
FILL = "-- way: key\n-- batch: 1000\n-- pause: 50ms\nUPDATE t SET twice = id * 2 WHERE twice IS NULL;\n"
POINTS = f"""-- point reads and updates
\\set id random(1, {ROWS})
\\set other \\
    random(1, {ROWS})
SELECT word FROM t WHERE id = :id;
UPDATE t SET note = 'w: x' WHERE id = :other;
"""
QUICK = ("--rate", RATE, "--clients", 2)


class Shop:
    def __init__(self, project, make_db, server):
        self.project, self.server = project, server
        self.production, self.staging = make_db(server), make_db(server)
        project.environment("production", self.production, protected=True).environment("staging", self.staging)
        self.production.sql(TABLE)
        self.staging.sql(TABLE)

    def pgrail(self, *args, script=POINTS, **more):
        self.project.write("foreground.sql", script)
        return self.project.pgrail(*args, "--workload", "foreground.sql", **more)

    def rehearse(self, what, *args, script=POINTS, alone="500ms"):
        """The document, which is as its published schema says, of a rehearsal that left nothing."""
        self.project.pgrail("ground", what).ok()
        r = self.pgrail("rehearse", what, "--json", *QUICK, "--alone", alone, *args, script=script)
        assert r.out and "error" not in r.json, (r.out, r.err)
        jsonschema.validate(r.json, SCHEMA)
        assert r.status == (0 if r.json["verdict"]["ready"] else 1), (r.status, r.json["verdict"], r.err)
        self.nothing_is_left()
        return r.json

    def nothing_is_left(self):
        with self.server.connect() as c:
            assert c.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'pgrail_clone_%'").fetchone() == (0,)
            assert c.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrail/workload'").fetchone() == (0,)
        for db in (self.production, self.staging):
            assert db.value("SELECT count(*) FROM t WHERE note IS NOT NULL") == 0


@pytest.fixture
def shop(project, make_db, server):
    return Shop(project, make_db, server)


@pytest.fixture
def shop15(project, make_db, pg15):
    return Shop(project, make_db, pg15)


def codes(doc):
    return {r["code"] for r in doc["verdict"]["reasons"]}


def in_order(felt):
    assert felt["transactions"] > 0 and 0 < felt["p50_us"] <= felt["p95_us"] <= felt["p99_us"] <= felt["max_us"]
    assert felt["transactions"] < 3 * RATE * felt["elapsed_us"] / 1e6 + 30, "the rate is a limit"


def test_a_backfill_beside_a_foreground(shop):
    shop.project.write(PATH, FILL)
    doc = shop.rehearse(PATH)
    w, b = doc["workload"], doc["backfill"]
    assert doc["verdict"]["ready"], doc["verdict"]
    assert b["whole"] and b["left"] == 0 and b["read"] == b["changed"] == ROWS               # the foreground's rows are not counted with them
    in_order(w["alone"])
    in_order(w["beside"])
    assert w["rate"] == RATE and w["clients"] == 2 and w["program"].startswith("pgbench 1") and [s["name"] for s in w["scripts"]] == ["foreground.sql"]
    assert w["beside"]["failed"] == w["clients_that_gave_up"] == w["undone_us"] == 0 and w["failure"] is None
    assert w["text"].startswith(f"foreground.sql at {RATE}/s: 99th percentile ") and " beside the backfill, longest " in w["text"]
    series = w["series"]
    assert len(series["slices"]) > 5 and 0 < series["work_from_us"] < series["work_to_us"]
    assert [s["from_us"] for s in series["slices"]] == [i * series["slice_us"] for i in range(len(series["slices"]))]
    assert sum(s["transactions"] for s in series["slices"]) >= w["alone"]["transactions"]
    assert w["wal_bytes_a_second"] > 0 and doc["runs"][0]["wal_bytes"] > 0
    page = pathlib.Path(doc["page"]).read_text(encoding="utf-8")
    assert "The workload beside it" in page and page.count("<polyline") == 3 and w["text"] in page


def test_rows_that_the_foreground_wrote_are_no_failure(shop15):
    """It takes rows back into the condition behind the walk, and makes new ones: one more round, as in earnest."""
    for db in (shop15.production, shop15.staging):
        db.sql("CREATE SEQUENCE extra INCREMENT -1")
    shop15.project.write(PATH, FILL)
    shop15.project.pgrail("ground", PATH).ok()
    r = shop15.pgrail("rehearse", PATH, *QUICK, "--alone", "500ms", script=f"\\set id random(1, {ROWS})\nBEGIN;\nUPDATE t SET twice = NULL WHERE id = :id;\n"
                      "INSERT INTO t (id, word) VALUES (nextval('extra'), 'new');\nEND;\n").ok()
    assert "came back or came new while it ran: once more over those" in r.out and "READY" in r.out
    assert "   workload: foreground.sql at 100/s: 99th percentile " in r.out
    shop15.nothing_is_left()


def test_a_walk_ends_though_rows_come_behind_its_end(shop15):
    """A pause is longer than the time between two new rows: who goes after each is never done."""
    for db in (shop15.production, shop15.staging):
        db.sql(f"CREATE SEQUENCE extra START {ROWS + 1}")
    shop15.project.write(PATH, FILL)
    doc = shop15.rehearse(PATH, script="INSERT INTO t (id, word) VALUES (nextval('extra'), 'new');\n")
    assert doc["verdict"]["ready"], doc["verdict"]
    assert doc["backfill"]["left"] == 0 and ROWS <= doc["backfill"]["read"] < ROWS + 3 * RATE * doc["backfill"]["walk_us"] / 1e6 + 30


def test_a_condition_that_stays_is_one_beside_a_foreground_too(shop15):
    shop15.project.write(PATH, "UPDATE t SET twice = nullif(id, 7) WHERE twice IS NULL;\n")
    doc = shop15.rehearse(PATH)
    assert codes(doc) == {"rows-left"} and doc["backfill"]["left"] == 1


def test_a_share(shop15):
    shop15.project.write(PATH, FILL)
    doc = shop15.rehearse(PATH, "--share", "20%")
    in_order(doc["workload"]["beside"])
    assert not doc["backfill"]["whole"] and doc["backfill"]["left"] is None and doc["verdict"]["ready"]


def test_a_migration_there_and_back(shop):
    """Fingerprints are of the schema alone; the foreground has gone before the way back."""
    shop.project.migration(2, "later", "ALTER TABLE t ADD COLUMN later int;\nSELECT pg_sleep(0.3);\n", "ALTER TABLE t DROP COLUMN later;\n")
    doc = shop.rehearse("0002", "--force")
    in_order(doc["workload"]["alone"])
    assert doc["workload"]["beside"]["transactions"] > 0 and "beside up" in doc["workload"]["text"]
    assert doc["runs"][0]["ok"] and doc["down"]["restores"] and doc["up_again"]["same"] and len(doc["runs"]) == 3
    assert doc["workload"]["clients_that_gave_up"] == 0 and "workload-failed" not in codes(doc)


def test_who_asks_for_what_the_migration_takes_away(shop15):
    shop15.project.migration(2, "drop", "ALTER TABLE t DROP COLUMN note;\n", "ALTER TABLE t ADD COLUMN note text;\n")
    doc = shop15.rehearse("0002", "--force")
    w = doc["workload"]
    assert "workload-failed" in codes(doc) and not doc["verdict"]["ready"]
    assert w["clients_that_gave_up"] == 2 and 'column "note"' in w["failure"] and "gave up" in w["text"]
    assert doc["runs"][0]["ok"] and doc["verification"]["holds"]                             # it says so of the queries, not of the migration


def test_a_foreground_that_stands_still_for_too_long(shop15):
    """What was due while a lock was held is felt, though it could begin only afterwards."""
    shop15.project.policy["max_block"] = "100ms"
    shop15.project.write_conf()
    shop15.project.migration(2, "lock", "BEGIN;\nLOCK TABLE t IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(1.5);\nCOMMIT;\n")
    doc = shop15.rehearse("0002", "--force")
    w = doc["workload"]
    assert {"workload-slow", "readers-blocked"} <= codes(doc) and w["beside"]["max_us"] > 1_000_000
    assert w["beside"]["transactions"] > 2 * 20                                              # far more than the two that hung in it
    assert w["undone_us"] == 0


def test_a_rate_that_the_copy_cannot_do(shop15):
    shop15.project.write(PATH, FILL)
    doc = shop15.rehearse(PATH, alone="3s", script="SELECT pg_sleep(0.2) FROM t WHERE id = 1;\n")
    assert doc["workload"]["late_alone_us"] > 1_000_000 and "workload-rate" in {n["code"] for n in doc["verdict"]["notes"]}


def test_several_scripts_by_weight(shop15):
    shop15.project.write(PATH, FILL)
    shop15.project.write("other/foreground.sql", "SELECT count(*) FROM t WHERE id < 10;\n")
    doc = shop15.rehearse(PATH, "--workload", "other/foreground.sql@3")
    assert [(s["name"], s["weight"]) for s in doc["workload"]["scripts"]] == [("foreground.sql", 3), ("2-foreground.sql", 1)]
    in_order(doc["workload"]["beside"])


def test_beside_a_dump(shop15, tmp_path):
    dump = tmp_path / "dump"
    subprocess.run(["pg_dump", "-Fc", "-f", str(dump), shop15.staging.conninfo], check=True)
    shop15.project.write(PATH, FILL)
    doc = shop15.rehearse(PATH, "--dump", str(dump))
    in_order(doc["workload"]["beside"])


WRONG = [("SELECT nosuch FROM t WHERE id = 1;\n", 2, 'column "nosuch" does not exist'), ("SELECT 1 FROM nowhere;\n", 2, 'relation "nowhere" does not exist'),
         ("\\set id random(1,\nSELECT 1;\n", 2, "workload: pgbench: foreground.sql:1: "), ("SELECT 1 / 0;\n", 2, "division by zero"),
         ("\\set idd 1\nSELECT :id;\n", 2, "foreground.sql:2: the variable id is never set"), ("SELECT '{\"a\":true}'::jsonb;\n", 2, "foreground.sql:1: pgbench takes the word behind a colon"), ("SELEC 1;\n", 2, "foreground.sql:1: syntax error"), ("-- nothing\n", 2, "there is no statement in it"),
         ("\\shell touch {made}\nSELECT 1;\n", 3, "foreground.sql:1: \\shell runs a program"), ("SELECT 1;\n  \\SetShell x touch {made}\n", 3, "foreground.sql:2: \\setshell runs a program"),
         ("SELECT 1 \\ \\\n shell touch {made}\n", 3, "foreground.sql:1: \\shell runs a program"), ("SELECT '\n\\shell touch {made}\n';\n", 3, "foreground.sql:2: \\shell runs"),
         ("SELECT 1;\nDROP TABLE t;\n", 3, "foreground.sql:2: DROP TABLE is more than a foreground does"), ("COPY t TO PROGRAM 'touch {made}';\n", 3, "COPY is more"),
         ("\\set x 1\nSELECT pg_read_file('PG_VERSION');\n", 3, "foreground.sql:2: pg_read_file() reads a file of the server"),
         ("SELECT 'DROP TABLE t' AS q \\gset\nSELECT :q; DROP DATABASE postgres;\n", 3, "foreground.sql:2: DROP DATABASE is more")]


@pytest.mark.parametrize("script, status, words", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_a_script_is_said_before_the_work(shop15, tmp_path, script, status, words):
    made = tmp_path / "made"
    shop15.project.write(PATH, FILL)
    shop15.project.pgrail("ground", PATH).ok()
    r = shop15.pgrail("rehearse", PATH, *QUICK, "--alone", "500ms", script=script.replace("{made}", str(made)))
    assert r.status == status and words in r.err and r.err.startswith("pgrail: "), (r.status, r.out, r.err)
    assert "rows changed" not in r.out and not made.exists()
    shop15.nothing_is_left()


def test_a_complaint_tells_no_row(shop15):
    shop15.project.write(PATH, FILL)
    shop15.project.pgrail("ground", PATH).ok()
    r = shop15.pgrail("rehearse", PATH, *QUICK, "--alone", "500ms", script="INSERT INTO t (id, word) VALUES (7, 'canary');\n")
    assert r.status == 2 and "duplicate key value violates unique constraint" in r.err
    assert "(7)" not in r.out + r.err and "canary" not in r.out + r.err


def test_the_workload_of_an_environment(shop15):
    shop15.project.sections[0] += "\nworkload = db/foreground.sql\nworkload_rate = 50"
    shop15.project.write_conf()
    shop15.project.write("db/foreground.sql", POINTS)
    shop15.project.write(PATH, FILL)
    shop15.project.pgrail("ground", PATH).ok()
    doc = shop15.project.pgrail("rehearse", PATH, "--alone", "300ms", "--json").ok().json
    assert doc["workload"]["rate"] == 50 and doc["workload"]["clients"] == 8
    assert "workload" not in shop15.project.pgrail("rehearse", PATH, "--workload", "none", "--json").ok().json


def test_what_goes_with_a_workload_alone(shop15):
    shop15.project.write(PATH, FILL)
    for option in ("--rate", "--clients", "--alone"):
        r = shop15.project.pgrail("rehearse", PATH, option, "1000")
        assert r.status == 2 and f"{option} is of use with --workload alone" in r.err
    assert shop15.project.pgrail("rehearse", PATH, "--workload", "nowhere.sql").status == 2


def test_without_pgbench(shop15):
    shop15.project.write(PATH, FILL)
    r = shop15.pgrail("rehearse", PATH, env={"PGRAIL_PGBENCH": "/nowhere/pgbench"})
    assert r.status == 4 and "/nowhere/pgbench: no such program, and --workload needs it" in r.err and "apt install postgresql" in r.err
    r = shop15.pgrail("rehearse", PATH, env={"PGRAIL_PGBENCH": shutil.which("true")})
    assert r.status == 4 and "it is no pgbench" in r.err


def workloads(server):
    with server.connect() as c:
        return c.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrail/workload'").fetchone()[0]


def pgbench_of(pid):
    """The child of pgrail that is pgbench."""
    for child in servers.children_of(pid):
        with open(f"/proc/{child}/cmdline", "rb") as f:
            words = f.read().decode().split("\0")
        if os.path.basename(words[0]) == "pgbench" and "-R" in words:
            return child, words
    return None


@pytest.fixture
def folder():
    """That a server's user may enter, as pgrail wants it of TMPDIR."""
    path = tempfile.mkdtemp(prefix="pgrailtest-workload-", dir="/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def started(shop15, folder):
    """A rehearsal whose foreground has been begun, with a password in its connection string: (process, pgbench's pid, its command line)."""
    shop15.project.write(PATH, FILL)
    shop15.project.write("foreground.sql", POINTS)
    shop15.project.pgrail("ground", PATH).ok()
    shop15.project.env["STAGING_URL"] = shop15.staging.url.replace("postgres@", "postgres:canary-secret@")
    p = subprocess.Popen([runs.BIN, "rehearse", PATH, "--workload", "foreground.sql", "--clients", "2", "--alone", "10min"], cwd=shop15.project.folder,
                         env=runs.environment(shop15.project.home, {**shop15.project.env, "TMPDIR": folder}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        servers.await_that(lambda: p.poll() is not None or workloads(shop15.server) == 2, "the foreground runs")
        assert p.poll() is None, p.communicate()
        yield p, *pgbench_of(p.pid)
    finally:
        p.kill()
        p.communicate()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_neither_pgbench_nor_copy(started, shop15, folder, sig):
    p, pgbench, _ = started
    p.send_signal(sig)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 8 and "interrupted" in err, (p.returncode, out, err)
    assert not servers.lives(pgbench) and os.listdir(folder) == []
    servers.await_that(lambda: workloads(shop15.server) == 0, "its sessions are gone")
    shop15.nothing_is_left()


def test_pgbench_dies_with_a_killed_pgrail(started, shop15, folder):
    p, pgbench, _ = started
    p.kill()
    p.communicate()
    servers.await_that(lambda: not servers.lives(pgbench), "pgbench is gone")
    servers.await_that(lambda: workloads(shop15.server) == 0, "its sessions are gone")
    assert len(os.listdir(folder)) == 1
    shop15.project.env["TMPDIR"] = folder
    doc = shop15.rehearse(PATH)                                          # the next one sweeps what is left
    assert doc["verdict"]["ready"] and os.listdir(folder) == []


def test_no_password_stands_on_the_command_line(started):
    _, pgbench, words = started
    assert "canary-secret" not in " ".join(words)
    with open(f"/proc/{pgbench}/environ", "rb") as f:
        assert b"\0PGPASSWORD=canary-secret\0" in b"\0" + f.read()
