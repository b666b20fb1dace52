"""Backfills on real servers: the whole run, every death, contention, other hands on it. A counter column proves that each row was
written exactly once, and the journal is held against it."""
import os
import re
import signal
import subprocess

import pytest

from lib.applying import INDEX, UNINDEX, Kit, history
from lib.filling import COUNTER, FILL, PATH, Site, valid
from lib.runs import BIN, WRAP, environment
from lib.servers import CLEAN, Cramped, Server, await_that, bindirs, children_of

REFUSED, DB, CONNECT, INTERRUPTED = 3, 4, 5, 8


@pytest.fixture
def new_site(project, make_db):
    """new_site(db=…, rows=…) → Site; what it started is gone after the test."""
    made = []

    def make(db=None, **more):
        made.append(Site(project, db or make_db(), **more))
        return made[-1]

    yield make
    for s in made:
        s.close()


@pytest.fixture
def site(new_site):
    s = new_site()
    s.file()
    return s


@pytest.fixture
def slow(site):
    """So slow that there is time to do something to it: some 30 transactions with a pause each."""
    site.file(more="-- pause: 60ms\n")
    return site


# ---- whole runs, on every version

def test_by_key_every_row_once(server, new_site):
    site = new_site()
    site.file()
    r = site.run("--json").ok()
    site.once()
    assert r.json["state"] == "done" and r.json["walks"][0]["way"] == "key"
    assert r.json["progress"]["changed"] == r.json["progress"]["read"] == 20000
    assert site.events() == ["start", "walked", "proven"]
    again = site.run()
    assert again.status == REFUSED and "is done" in again.err
    site.once()
    status = valid(site.project.pgrail("status", "--env", "dev", "--json").ok()).json
    assert [(b["state"], b["changed_at"] is not None) for b in status["backfills"]] == [("done", True)] and status["backfill_jobs"] == []


def test_what_cannot_be_computed_again_is_not_said_to_agree(new_site):
    site = new_site(rows=300)
    site.file()
    out = site.run().ok().out
    assert "not compared" in out and "agree" not in out
    assert "backfill.sql  done" in site.project.pgrail("status", "--env", "dev").ok().out
    site.file(FILL)                                         # other bytes: what was done was something else
    assert "backfill.sql  pending" in site.project.pgrail("status", "--env", "dev").ok().out


def test_what_runs_for_each_batch_is_planned_once(new_site):
    """By the log of the server; behind a pooler of transactions it cannot be, see test_behind_pgbouncer."""
    site = new_site(rows=3000)
    site.db.sql(f'ALTER DATABASE "{site.db.name}" SET log_min_duration_statement = 0')
    site.file()
    before = len(site.db.server.log())
    site.run().ok()
    log = site.db.server.log()[before:]
    batches = site.db.value("SELECT count(*) FROM pgrail.backfill_batch")
    ran = re.findall(r"execute (\S+): (?:PREPARE \S+ AS )?-- A batch", log)
    assert ran.count("<unnamed>") == 1 and ran.count(ran[-1]) == batches > 10, "prepared by the first, which says it without parameters"


def test_status_knows_a_backfill_behind_a_hundred_newer_ones(new_site):
    site = new_site(rows=300)
    site.file()
    site.run().ok()
    site.db.sql("""INSERT INTO pgrail.backfill_job (name, sha256, statement, target, state, settings, rows_total)
                   SELECT 'other' || i, sha256, statement, target, state, settings, rows_total FROM pgrail.backfill_job, generate_series(1, 120) i""")
    assert "backfill.sql  done" in site.project.pgrail("status", "--env", "dev").ok().out


def test_strided_stays_hot(server, new_site, make_db):
    site = new_site()
    site.file(FILL)
    r = site.run("--json").ok()
    assert r.json["walks"][0]["way"] == "strided" and r.json["left"] == 0
    assert site.db.value("SELECT count(*) FROM t WHERE twice IS DISTINCT FROM id * 2") == 0
    assert site.done() == 20000                                                          # nothing twice, by the journal
    assert r.json["progress"]["batches"] < 30                                            # two rows of a page in each of them would take 40
    # 1 and 1.2, but for what somebody's snapshot keeps
    assert r.json["index_bytes_after"] < r.json["index_bytes_before"] * 1.4
    assert r.json["heap_bytes_after"] < r.json["heap_bytes_before"] * 1.5
    plain = make_db()
    plain.sql("CREATE TABLE t (id bigint PRIMARY KEY, twice bigint, note text DEFAULT repeat('x', 60)); INSERT INTO t (id) SELECT g FROM generate_series(1, 20000) AS g;"
              "UPDATE t SET twice = id * 2")
    assert plain.value("SELECT pg_indexes_size('t')") > r.json["index_bytes_after"] * 1.3  # what one UPDATE does


def test_old_and_new_are_compared(server, new_site):
    site = new_site(rows=3000)
    site.file("-- verify: SELECT id FROM t WHERE twice <> id * 2\n-- compare: id * 2 = twice\nUPDATE t SET twice = id * 2 WHERE twice IS NULL;\n")
    r = site.run("--json").ok()
    proof = r.json["proof"]
    assert proof["ok"] and proof["rows"] == 3000 and proof["wrong"] == 0 and proof["verify"] == [{"line": 1, "ok": True, "said": "no row"}]
    assert [(c["was_count"], c["is_count"], c["was_sum"], c["is_sum"], c["differ"]) for c in proof["compare"]] == [(3000, 3000, "9003000", "9003000", 0)]


@pytest.mark.parametrize("line", ["verify: SELECT id FROM t WHERE n = 7", "compare: n = 7 - n"])
def test_a_line_of_the_header_that_does_not_hold(new_site, line):
    site = new_site(rows=3000)
    site.db.sql("UPDATE t SET n = 7 WHERE id = 42")
    site.file(f"-- way: key\n-- {line}\nUPDATE t SET twice = id * 2 WHERE twice IS NULL;\n")
    r = site.run()
    assert r.status == 1 and "line 2 of the header does not hold" in r.err and "mend" in r.err
    assert site.state() == "failed" and site.db.value("SELECT count(*) FROM t WHERE twice IS NULL") == 0


def test_two_workers_every_row_once(server, new_site):
    site = new_site(rows=150000)
    site.file("-- way: key\n-- workers: 2\nUPDATE t SET n = n + 1;\n")
    site.run().ok()
    site.once(150000)
    assert site.db.value("SELECT count(DISTINCT worker) FROM pgrail.backfill_batch") == 2


def test_delete(site):
    site.file("DELETE FROM t WHERE id % 3 = 0;\n")
    r = site.run("--json").ok()
    assert site.db.value("SELECT count(*) FROM t WHERE id % 3 = 0") == 0 and site.db.value("SELECT count(*) FROM t") == 13334
    assert r.json["progress"]["changed"] == 6666


def test_partitions(project, db):
    project.environment("dev", db)
    db.sql("""CREATE TABLE t (id bigint, k integer, n integer NOT NULL DEFAULT 0, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
              CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t_2 PARTITION OF t FOR VALUES IN (2);
              INSERT INTO t SELECT g, 1 + g % 2 FROM generate_series(1, 9000) AS g; ANALYZE t""")
    project.write(PATH, COUNTER.format(more="-- workers: 2\n"))
    project.pgrail("backfill", PATH, "--env", "dev", timeout=120).ok()
    assert db.sql("SELECT n, count(*) FROM t GROUP BY n") == [(1, 9000)]
    assert db.sql("SELECT walk, sum(changed) FROM pgrail.backfill_range GROUP BY walk ORDER BY walk") == [("public.t_1", 4500), ("public.t_2", 4500)]


# ---- deaths

def test_kill_of_pgrail(server, new_site):
    site = new_site()
    site.file(more="-- pause: 60ms\n")
    for rows in (1500, 5000):
        p = site.start()
        site.await_rows(rows)
        p.kill()
        p.wait()
        await_that(lambda: not site.workers(), "its worker gone")
        assert site.state() == "running" and site.done() < 20000
        assert site.ctl("show").ok().json["progress"]["workers_alive"] == 0
        assert "nobody is at it" in site.project.pgrail("status", "--env", "dev").out
    site.ctl("set", "--pause", "0").ok()
    site.run().ok()
    site.once()
    assert site.events()[:3] == ["start", "join", "tune"]


def test_death_before_the_history(site):
    """The last thing that is written is the line in the history: who dies in front of it has it written by the next start."""
    site.run().ok()
    [(recorded,)] = site.db.sql("DELETE FROM pgrail.history RETURNING run_id")
    r = site.run()
    assert r.status == 0 and "its line in the history was missing" in r.out, r.out + r.err
    assert history(site.db) == [("0001_fill.backfill", "up")]
    assert site.db.sql("SELECT run_id FROM pgrail.history") == [(recorded,)]    # of two who write it at once one does: it is unique
    site.once()
    assert site.run().status == REFUSED and history(site.db) == [("0001_fill.backfill", "up")]


def test_kill_of_a_worker(slow):
    p = slow.start()
    for rows in (500, 2500):
        slow.await_rows(rows)
        for worker in children_of(p.pid):
            os.kill(worker, signal.SIGKILL)
    slow.ctl("set", "--pause", "0").ok()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    assert "its range goes to another" in out
    slow.once()


def test_terminated_backend(slow):
    p = slow.start()
    slow.await_rows(1000)
    for pid in slow.workers():
        slow.db.sql("SELECT pg_terminate_backend(%s)", pid)
    slow.ctl("set", "--pause", "0").ok()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    slow.once()


def test_strided_killed_and_swept(new_site, db):
    site = new_site(db)
    db.sql("ALTER TABLE t ADD COLUMN hits integer NOT NULL DEFAULT 0; CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS"
           " 'BEGIN NEW.hits := OLD.hits + 1; RETURN NEW; END'; CREATE TRIGGER hit BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION hit()")
    site.file(FILL, more="-- pause: 60ms\n-- batch: 100\n-- target: 5ms\n")
    p = site.start()
    site.await_rows(3000)
    p.kill()
    p.wait()
    await_that(lambda: not site.workers(), "its worker gone")
    site.run("--pause", "0").ok()
    assert db.sql("SELECT hits, count(*) FROM t GROUP BY hits") == [(1, 20000)]
    assert site.done() == 20000 and db.value("SELECT sum(read) FROM pgrail.backfill_range") == 20000


def test_server_restart(new_site):
    """The server dies at once and comes back: the same pgrail finishes."""
    major = 15
    server = Server(major, bindirs()[major])
    try:
        site = new_site(server.new_db())
        site.file(more="-- pause: 60ms\n")
        p = site.start()
        site.await_rows(1500)
        pg_ctl = [f"{server.bindir}/pg_ctl", "-D", f"{server.folder}/data", "-w", "-m", "immediate"]
        server.as_user([*pg_ctl, "stop"])
        subprocess.run([*pg_ctl, "-l", f"{server.folder}/log2", "start"], check=True, cwd=server.folder, env=CLEAN, user=server.uid, group=server.gid, extra_groups=[],
                       stdout=subprocess.DEVNULL)
        site.ctl("set", "--pause", "0").ok()
        out = p.communicate(timeout=120)[0]
        assert p.returncode == 0, out
        site.once()
        server.as_user([*pg_ctl, "stop"])
    finally:
        server.close()


# ---- others at the same rows

def test_contended_rows_come_later(site):
    with site.db.connect(autocommit=False) as other:
        other.execute("UPDATE t SET note = 'held' WHERE id IN (5000, 5001, 12000)")
        p = site.start()
        site.await_rows(19000)                                                           # all but what is around those
        assert site.db.value("SELECT count(*) FROM t WHERE n = 1 AND id IN (5000, 5001, 12000)") == 0
        assert site.db.value("SELECT count(*) FROM pgrail.backfill_range WHERE tries > 0") > 0
        assert p.poll() is None
        other.commit()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    site.once()
    assert site.db.value("SELECT count(*) FROM t WHERE note = 'held' AND n = 1") == 3


def test_contended_rows_strided(site):
    site.file(FILL)
    with site.db.connect(autocommit=False) as other:
        other.execute("UPDATE t SET note = 'held' WHERE id IN (100, 15000)")
        p = site.start()
        site.await_rows(18000)
        other.commit()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    assert site.db.value("SELECT count(*) FROM t WHERE twice IS DISTINCT FROM id * 2") == 0 and site.done() == 20000
    assert site.db.value("SELECT count(*) FROM t WHERE note = 'held'") == 2


def test_the_application_is_never_the_deadlock_victim(site):
    site.db.sql("ALTER TABLE t ADD COLUMN app integer DEFAULT 0")
    site.file("-- way: key\n-- batch: 2000\nUPDATE t SET n = n + 1;\n")
    with site.db.connect(autocommit=False) as other:
        other.execute("UPDATE t SET app = 1 WHERE id = 20000")
        p = site.start()
        site.await_rows(10000)
        for i in range(300, 20000, 700):                                                 # crosswise through what is being filled
            other.execute("UPDATE t SET app = 1 WHERE id = %s", (20000 - i,))
        other.commit()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    site.once()


def test_rows_changed_deleted_and_new(new_site, db):
    """The condition decides: what the application filled stays, what it deleted is gone, what is new is filled as well."""
    site = new_site(db, rows=60000)                         # in ranges of 20,000
    site.file(FILL, more="-- pause: 40ms\n-- batch: 100\n-- target: 5ms\n")
    p = site.start()
    site.await_rows(42000)
    db.sql("UPDATE t SET twice = -1 WHERE id IN (SELECT id FROM t WHERE twice IS NULL ORDER BY id DESC LIMIT 50)")
    db.sql("DELETE FROM t WHERE id IN (SELECT id FROM t WHERE twice IS NULL ORDER BY id DESC LIMIT 70)")
    db.sql("INSERT INTO t (id) SELECT g FROM generate_series(-500, 0) AS g")             # in front, where everything is done
    site.ctl("set", "--pause", "0").ok()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    assert "came back or came new" in out
    assert db.value("SELECT count(*) FROM t WHERE twice IS NULL") == 0 and db.value("SELECT count(*) FROM t WHERE twice = -1") == 50
    assert db.value("SELECT count(*) FROM t WHERE twice <> id * 2") == 50 and db.value("SELECT count(*) FROM t") == 60431


@pytest.mark.parametrize("way", ["key", "strided"])
def test_rows_locked_here_and_there(new_site, db, way):
    """Locks that come and go all the time, by two workers' rows: nothing is forgotten, nothing done twice."""
    site = new_site(db, rows=50000)
    site.db.sql("CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := OLD.n + 1; RETURN NEW; END'; CREATE TRIGGER hit BEFORE UPDATE OF twice ON t"
                " FOR EACH ROW EXECUTE FUNCTION hit()")
    site.file(f"-- way: {way}\n-- workers: 2\n-- batch: 500\n-- target: 5ms\nUPDATE t SET twice = id * 2 WHERE twice IS NULL;\n")
    with db.connect(autocommit=False) as held, db.connect(autocommit=False) as moving:
        held.execute("SELECT FROM t WHERE id IN (1, 25000, 50000) FOR UPDATE")
        p, at = site.start(), 7
        while p.poll() is None and site.done() < 49000:
            at = at * 7919 % 50000
            moving.execute("SELECT FROM t WHERE id = %s FOR UPDATE", (at,))
            db.value("SELECT pg_sleep(0.05)")
            moving.commit()
        assert p.poll() is None and db.value("SELECT count(*) FROM t WHERE n = 1 AND id IN (1, 25000, 50000)") == 0
        await_that(lambda: db.value("SELECT count(*) FROM pgrail.backfill_range WHERE tries > 0 AND state <> 'done'"), "put back for later")
        held.commit()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    site.once(50000)


def test_by_blocks(server, make_db, project):
    """A table without a key: its blocks are the ranges; killed in between, and the condition makes it right."""
    db = make_db()
    project.environment("dev", db)
    db.sql("CREATE TABLE t (id bigint, n integer NOT NULL DEFAULT 0, twice bigint, note text DEFAULT repeat('x', 60));"
           " INSERT INTO t (id) SELECT g FROM generate_series(1, 20000) AS g; DELETE FROM t WHERE id BETWEEN 4000 AND 6000; ANALYZE t;"
           "CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := OLD.n + 1; RETURN NEW; END'; CREATE TRIGGER hit BEFORE UPDATE ON t"
           " FOR EACH ROW EXECUTE FUNCTION hit()")
    project.write(PATH, "-- way: blocks\n-- batch: 100\n-- target: 5ms\n-- pause: 30ms\n-- workers: 2\nUPDATE t SET twice = id * 2 WHERE twice IS NULL;\n")
    if server.major == 13:                                                               # it has no scan of a range of blocks
        r = project.pgrail("backfill", PATH, "--env", "dev")
        assert r.status == REFUSED and "needs PostgreSQL 14" in r.err
        return
    p = subprocess.Popen([*WRAP, BIN, "backfill", PATH, "--env", "dev"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         cwd=project.folder, env=environment(project.home, project.env), start_new_session=True)
    await_that(lambda: p.poll() is not None or db.value("SELECT count(*) FROM t WHERE n = 1") > 1000, "some rows")
    assert p.poll() is None, p.stdout.read()
    os.killpg(p.pid, signal.SIGKILL)
    p.communicate()
    r = project.pgrail("backfill", PATH, "--env", "dev", "--pause", "0", "--json", timeout=120).ok()
    assert r.json["walks"][0]["way"] == "blocks" and r.json["left"] == 0
    assert db.sql("SELECT n, count(*), count(*) FILTER (WHERE twice = id * 2) FROM t GROUP BY n") == [(1, 17999, 17999)]
    assert db.value("SELECT sum(changed) FROM pgrail.backfill_batch") == 17999


def test_table_lock_is_waited_for(slow):
    """Somebody takes the whole table: nothing is put aside, it waits and goes on."""
    p = slow.start()
    slow.await_rows(300)
    with slow.db.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        done = slow.done()
        await_that(lambda: slow.db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", slow.db.name) == 1, "it waits")
        await_that(lambda: not slow.db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", slow.db.name), "it gave up waiting")
        assert slow.done() == done
        other.commit()
    slow.ctl("set", "--pause", "0").ok()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    slow.once()


# ---- other hands

def test_pause_resume_tune_stop_from_elsewhere(slow):
    p = slow.start()
    slow.await_rows(500)
    slow.ctl("pause").ok()
    assert slow.state() == "paused"
    await_that(lambda: slow.db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'pgrail/backfill worker%%' AND state = 'idle'",
                                     slow.db.name) == 1, "worker idle")
    assert slow.ctl("pause").status == REFUSED
    assert ": paused since" in slow.project.pgrail("status", "--env", "dev").out
    assert valid(slow.project.pgrail("status", "--env", "dev", "--json")).json["backfill_jobs"][0]["state"] == "paused"
    slow.ctl("set", "--workers", "3", "--batch", "150").ok()
    await_that(lambda: len(slow.workers()) == 3, "three workers")
    slow.ctl("resume").ok()
    before = slow.done()
    slow.await_rows(before + 500)
    slow.ctl("set", "--workers", "1").ok()
    await_that(lambda: len(slow.workers()) == 1, "one worker")
    slow.ctl("stop").ok()
    out = p.communicate(timeout=60)[0]
    assert p.returncode == INTERRUPTED, out
    assert "stopped" in out and slow.state() == "stopped" and slow.done() < 20000
    slow.run("--pause", "0").ok()
    slow.once()
    assert slow.events() == ["start", "pause", "tune", "resume", "tune", "stop", "tune", "start", "walked", "proven"]


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_clean(slow, sig):
    p = slow.start()
    slow.await_rows(500)
    os.kill(p.pid, sig)
    out = p.communicate(timeout=60)[0]
    assert p.returncode == INTERRUPTED, out
    assert "pgrail backfill" in out and slow.state() == "stopped" and not slow.workers()
    assert slow.db.value("SELECT count(*) FROM t WHERE n = 1") == slow.done()
    slow.run("--pause", "0").ok()
    slow.once()


def test_second_signal_rolls_back_at_once(new_site, db):
    site = new_site(db)
    db.sql("CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';"
           " CREATE TRIGGER nap BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 500) EXECUTE FUNCTION nap()")
    site.file("-- way: key\n-- batch: 1000\nUPDATE t SET n = n + 1;\n")
    p = site.start()
    await_that(lambda: db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'", db.name) == 1, "it sleeps")
    os.kill(p.pid, signal.SIGINT)
    await_that(lambda: site.state() == "stopped", "journalled")
    os.kill(p.pid, signal.SIGINT)
    out = p.communicate(timeout=30)[0]
    assert p.returncode == INTERRUPTED, out
    await_that(lambda: not site.workers(), "worker gone")
    assert db.value("SELECT count(*) FROM t WHERE n = 1") == site.done() == 0


def test_two_machines_at_one_job(new_site, db, tmp_path):
    site = new_site(db, rows=120000)
    site.file(more="-- pause: 5ms\n")
    p = site.start()
    site.await_rows(500)
    site.ctl("pause").ok()                                                               # else the first might be through before the second has come
    q = site.start("--pause", "0", env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    await_that(lambda: db.value("SELECT count(*) FROM pgrail.backfill_worker WHERE left_at IS NULL") == 2, "both are there")
    site.ctl("resume").ok()
    outs = [x.communicate(timeout=120)[0] for x in (p, q)]
    assert (p.returncode, q.returncode) == (0, 0), outs
    assert sum("not compared" in o for o in outs) == 1                                   # one of them looked at the result
    assert history(db) == [("0001_fill.backfill", "up")]
    site.once(120000)
    assert db.value("SELECT count(DISTINCT worker) FROM pgrail.backfill_batch") == 2


def test_a_look_at_the_result_is_taken_over(new_site, db, tmp_path):
    """Who joined waits while the other looks, and looks itself when that one dies."""
    site = new_site(db)
    db.sql("CREATE TABLE slept (n integer)")
    site.file(more="-- pause: 20ms\n-- verify: SELECT 1 FROM (SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM slept) THEN 0 ELSE 600 END)::text AS s OFFSET 0) AS x WHERE s = 'no'\n")
    p = site.start()
    site.await_rows(500)
    q = site.start("--pause", "0", env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'"
    await_that(lambda: db.value(asleep, db.name) == 1, "one of them looks")
    await_that(lambda: db.value("SELECT count(*) FROM pgrail.backfill_worker WHERE left_at IS NULL") == 1, "the other's workers gone")
    assert site.state() == "checking" and p.poll() is None and q.poll() is None
    db.sql("INSERT INTO slept VALUES (1)")
    looker = db.value("SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'", db.name)
    dies, other = (p, q) if db.value("SELECT min(backend_start) = (SELECT backend_start FROM pg_stat_activity WHERE pid = %s) FROM pg_stat_activity"
                                     " WHERE datname = %s AND application_name = 'pgrail/backfill'", looker, db.name) else (q, p)
    dies.kill()
    dies.communicate()
    out = other.communicate(timeout=60)[0]
    assert other.returncode == 0 and "another pgrail looks at the result" in out, out
    assert history(db) == [("0001_fill.backfill", "up")]
    site.once()


def test_a_pause_as_the_last_range_ends(slow):
    """The look at the result reads the whole table: it waits like everything else."""
    p = slow.start()
    slow.await_rows(300)
    slow.db.sql("CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE pgrail.backfill_job SET state = ''paused'' WHERE state = ''running''; RETURN NULL; END';"
                " CREATE TRIGGER hush AFTER UPDATE ON pgrail.backfill_worker FOR EACH ROW WHEN (NEW.left_at IS NOT NULL) EXECUTE FUNCTION hush()")
    slow.ctl("set", "--pause", "0").ok()
    await_that(lambda: slow.state() == "paused", "paused at the end")
    assert slow.done() == 20000 and p.poll() is None
    slow.db.sql("DROP TRIGGER hush ON pgrail.backfill_worker")
    slow.ctl("resume").ok()
    out = p.communicate(timeout=60)[0]
    assert p.returncode == 0, out
    slow.once()


def test_other_bytes_are_refused_until_given_up(slow):
    p = slow.start()
    slow.await_rows(300)
    os.kill(p.pid, signal.SIGINT)
    p.communicate(timeout=60)
    slow.file(more="-- pause: 1ms\n")
    r = slow.run()
    assert r.status == REFUSED and "other bytes" in r.err and "backfill-ctl abandon" in r.err
    slow.ctl("abandon").ok()
    assert slow.state() == "abandoned"
    slow.run().ok()
    assert slow.db.value("SELECT count(*) FROM t WHERE n NOT IN (1, 2)") == 0             # the new job walks all of it anew


# ---- rows that will not

BAD = "-- way: {way}\n-- batch: 1000\n{more}UPDATE t SET twice = note::bigint WHERE twice IS NULL;\n"


@pytest.mark.parametrize("way", ["key", "strided"])
def test_rejects_are_set_aside(new_site, db, way):
    site = new_site(db)
    db.sql("UPDATE t SET note = id::text; UPDATE t SET note = 'kept secret' WHERE id IN (1, 777, 778, 20000)")
    db.sql("VACUUM FULL t")
    site.project.write(PATH, BAD.format(way=way, more="-- max-rejects: 4\n"))
    r = site.run("--json").ok()
    assert db.sql("SELECT key[1]::int, sqlstate FROM pgrail.backfill_reject ORDER BY 1") == [(1, "22P02"), (777, "22P02"), (778, "22P02"), (20000, "22P02")]
    assert db.value("SELECT count(*) FROM t WHERE twice IS DISTINCT FROM id") == 4
    assert r.json["progress"]["rejected"] == 4 and r.json["left"] == 4 and len(r.json["rejects"]) == 4
    assert "secret" not in r.out + r.err


def test_too_many_rejects_fail_the_job(new_site, db):
    site = new_site(db)
    db.sql("UPDATE t SET note = id::text; UPDATE t SET note = 'kept secret' WHERE id % 100 = 0")
    site.project.write(PATH, BAD.format(way="key", more="-- max-rejects: 3\n"))
    r = site.run()
    assert r.status != 0 and "max-rejects" in r.err and site.state() == "failed"
    assert db.value("SELECT count(*) FROM pgrail.backfill_reject") == 3
    assert "secret" not in r.out + r.err
    db.sql("UPDATE t SET note = id::text WHERE note = 'kept secret'")
    site.run().ok()                                                                      # mended: it goes on where it failed


def test_a_bad_row_fails_without_rejects(new_site, db):
    site = new_site(db)
    db.sql("UPDATE t SET note = id::text; UPDATE t SET note = 'kept secret' WHERE id = 15000")
    site.project.write(PATH, BAD.format(way="key", more=""))
    r = site.run()
    assert r.status == DB and "22P02" in r.err and "max-rejects" in r.err and "secret" not in r.out + r.err
    assert site.state() == "failed" and site.done() == db.value("SELECT count(*) FROM t WHERE twice IS NOT NULL") > 0


# ---- surroundings

def test_statement_timeout_of_the_role_does_not_count(server, new_site):
    site = new_site()
    db = site.db
    db.sql(f"ALTER DATABASE \"{db.name}\" SET statement_timeout = '400ms'; ALTER DATABASE \"{db.name}\" SET lock_timeout = '1ms';"
           f" ALTER DATABASE \"{db.name}\" SET default_transaction_isolation = 'serializable'")
    db.sql("SET statement_timeout = 0; CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END';"
           " CREATE TRIGGER nap BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id % 5000 = 0) EXECUTE FUNCTION nap()")
    site.file()
    site.run().ok()
    site.once()


def test_the_disk_is_full(new_site):
    """Of the whole database, so that the journal finds no room either, but in what its pages have left."""
    server = Cramped(15, bindirs()[15], megabytes=48)
    try:
        db = server.new_db()
        with server.connect() as c:
            c.execute(f'ALTER DATABASE "{db.name}" SET TABLESPACE cramped')
        site = new_site(db, rows=60000)
        site.file()
        room = 45_000_000 - db.value("SELECT pg_database_size(current_database())")
        db.sql(f"CREATE TABLE ballast AS SELECT repeat('x', 900) AS x FROM generate_series(1, {room} / 1000)")
        r = site.run()
        assert r.status == DB and "No space left on device (SQLSTATE 53100)" in r.err and "hint: make room" in r.err
        assert site.state() == "failed" and 0 < site.done() == db.value("SELECT count(*) FROM t WHERE n = 1") < 60000
        db.sql("DROP TABLE ballast")
        site.run().ok()
        site.once(60000)
    finally:
        server.close()


def test_behind_pgbouncer(pg15, new_site, make_db, pgbouncer):
    db = make_db(pg15)
    site = new_site(db)
    site.file(more="-- workers: 2\n")
    site.project.env["DEV_URL"] = pgbouncer(pg15).url(db.name)
    site.run().ok()
    site.once()


def test_old_snapshot_degrades_to_key(new_site, db):
    site = new_site(db)
    with db.connect(autocommit=False) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM t")
        await_that(lambda: db.value("SELECT clock_timestamp() - xact_start > interval '10.5 s' FROM pg_stat_activity WHERE pid = %s", other.info.backend_pid), "an old snapshot")
        site.file(FILL)
        r = site.run()
        assert r.status == 0 and "going on by key" in r.out, r.out + r.err


def test_wal_budget_holds_it(new_site):
    site = new_site(rows=60000)
    site.file("-- way: key\n-- max-wal: 3MB/s\n-- batch: 500\nUPDATE t SET n = n + 1;\n")
    r = site.run().ok()
    assert "waiting: the server wrote more WAL" in r.out
    site.once(60000)


# ---- the same gates as apply's

FILE = "migrations/0001_shift.backfill.sql"
SHIFT = "-- rationale: numbers of the old shop begin at a million\n-- batch: 100\n{more}UPDATE items SET invoice = invoice + 1000000 WHERE invoice < 1000000;\n"


@pytest.fixture
def kit(project, make_db):
    k = Kit(project, make_db)
    k.project.write(FILE, SHIFT.format(more=""))
    return k


def shifted(db):
    return db.value("SELECT count(*) FROM items WHERE invoice >= 1000000")


def answer(kit, text):
    p = kit.seam("backfill", FILE, "--env", "production")
    p.expect("Type YES to run this on production: ")
    p.send(text + "\n")
    return p


def test_protected_goes_the_whole_way(server, project, make_db):
    kit = Kit(project, make_db)
    kit.project.write(FILE, SHIFT.format(more=""))
    for command in ("ground", "rehearse", "approve"):
        r = kit.run("backfill", FILE, "--env", "production")
        assert r.status == REFUSED and f"pgrail {command} {FILE} --env production" in r.err, r.out + r.err
        if command == "approve":
            kit.approve(FILE).ok()
        else:
            kit.run(command, FILE, "--env", "production").ok()
    r = kit.run("backfill", FILE, "--env", "production")
    assert r.status == REFUSED and "needs a person" in r.err                           # there is no terminal
    assert shifted(kit.production) == 0
    p = answer(kit, "YES")
    assert p.wait() == 0, p.plain()
    for said in ("Backfill 0001_shift.backfill on production", "batches of 100 rows at first", "mara"):
        assert said in p.plain(), p.plain()
    assert shifted(kit.production) == 5000 and shifted(kit.staging) == 0
    assert history(kit.production) == [("0001_shift.backfill", "up")]
    assert kit.production.value("SELECT approved_by FROM pgrail.history") == "mara"
    again = kit.run("backfill", FILE, "--env", "production")
    assert again.status == REFUSED and "is done" in again.err


def test_protected_no_is_no(kit):
    kit.ready(FILE)
    p = answer(kit, "yes")
    assert p.wait() == REFUSED, p.plain()
    assert shifted(kit.production) == 0 and not kit.production.value("SELECT to_regclass('pgrail.backfill_job') IS NOT NULL")
    p = answer(kit, "YES")                                                               # the approval was not used up
    assert p.wait() == 0, p.plain()
    assert shifted(kit.production) == 5000


def test_protected_goes_on_with_its_approval(kit):
    kit.project.write(FILE, SHIFT.format(more="-- pause: 100ms\n-- target: 5ms\n"))
    kit.ready(FILE)
    p = answer(kit, "YES")
    await_that(lambda: shifted(kit.production) > 300, "some rows")
    p.close()                                                                            # killed
    assert 0 < shifted(kit.production) < 5000
    p = answer(kit, "YES")
    assert p.wait() == 0, p.plain()
    assert shifted(kit.production) == 5000 and history(kit.production) == [("0001_shift.backfill", "up")]


def test_protected_other_bytes_need_another_approval(kit):
    kit.ready(FILE)
    kit.project.write(FILE, SHIFT.format(more="-- batch: 200\n").replace("-- batch: 100\n", ""))
    r = kit.run("backfill", FILE, "--env", "production")
    assert r.status == REFUSED and shifted(kit.production) == 0


def test_apply_sends_it_to_backfill(kit):
    r = kit.run("apply", FILE, "--env", "dev")
    assert r.status == REFUSED and f"pgrail backfill {FILE} --env dev" in r.err
    assert shifted(kit.production) == 0


def test_a_folder_leaves_it_out(kit):
    kit.project.migration(1, "shift", INDEX, UNINDEX)
    kit.run("backfill", FILE, "--env", "dev").ok()
    assert [(m["id"], m["state"]) for m in kit.status("dev")["migrations"]] == [("0001_shift", "pending")]
    assert kit.run("status", "--env", "dev").status == 0                                 # its row in the history belongs to a file
    assert "bad-file-name" not in kit.run("check", "--json").out


def test_a_migration_is_applied_while_it_runs(kit):
    """A backfill takes hours: it keeps nobody from anything."""
    kit.project.write(FILE, SHIFT.format(more="-- pause: 100ms\n-- target: 5ms\n"))
    p = kit.start("backfill", FILE, "--env", "dev")
    await_that(lambda: shifted(kit.production) > 300, "some rows")
    kit.project.migration(2, "note", "ALTER TABLE items ADD COLUMN more text;\n", "ALTER TABLE items DROP COLUMN more;\n")
    kit.run("apply", "2", "--env", "dev").ok()
    kit.run("backfill-ctl", "set", "--pause", "0", "--env", "dev").ok()
    out = p.communicate(timeout=120)[0]
    assert p.returncode == 0, out
    assert shifted(kit.production) == 5000
