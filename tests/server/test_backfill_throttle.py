"""What makes a backfill wait, made to happen on real servers: each reason is said and stands in the journal, nothing is written while it
holds, and when the cause is gone the backfill goes on by itself and every row is written once."""
import os
import threading

import psycopg
import pytest

from lib.filling import PATH, Site
from lib.servers import Server, Standby, await_that, bindirs, majors

SLOW = "-- way: key\n-- batch: 100\n-- target: 5ms\n-- pause: {pause}ms\n{more}UPDATE t SET n = n + 1;\n"
SETTINGS = ["fsync = on", "synchronous_commit = on", "archive_mode = on", "archive_command = 'while test -e hold; do sleep 0.02; done; test ! -e fail'",
            "autovacuum_naptime = 1s", "commit_siblings = 0", "max_wal_size = 2GB"]
ROWS = 6000


@pytest.fixture(scope="module", params=majors(), ids=lambda m: f"pg{m}")
def busy(request):
    """A server of this module's own, whose settings are changed."""
    server = Server(request.param, bindirs()[request.param], SETTINGS)
    yield server
    server.close()


@pytest.fixture(scope="module")
def busy15():
    server = Server(15, bindirs()[15], SETTINGS)
    yield server
    server.close()


@pytest.fixture
def waiting(project, make_db):
    """waiting(server, header lines) → a Wait, begun only with start(). pause: long enough to do something to it, until it ends."""
    made = []

    def make(server, more="", user="postgres", pause=5):
        made.append(Wait(Site(project, make_db(server), rows=ROWS), more, user, pause))
        return made[-1]

    yield make
    for w in made:
        w.site.close()


class Wait:
    def __init__(self, site, more, user, pause):
        self.site, self.db, self.server, self.pause = site, site.db, site.db.server, pause
        site.project.write(PATH, SLOW.format(more=more, pause=pause))
        if user != "postgres":
            site.project.env["DEV_URL"] = self.server.url(self.db.name, user)

    def start(self):
        self.p = self.site.start()
        return self

    def held(self):
        if not self.db.value("SELECT to_regclass('pgrail.backfill_reject') IS NOT NULL"):
            return ""
        rows = self.db.sql("SELECT held FROM pgrail.backfill_job")
        return rows and rows[0][0] or ""

    def holds(self, what):
        """Until it waits for that; then it stands still."""
        try:
            await_that(lambda: what in self.held() or self.p.poll() is not None, f"waiting: {what}")
        except AssertionError:
            self.p.kill()
            raise AssertionError(f"{self.held()}; {self.site.done()} rows; {self.p.stdout.read()}") from None
        assert self.p.poll() is None, self.p.stdout.read()
        await_that(lambda: not self.db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrail/backfill worker%%' AND state <> 'idle'"), "workers idle")
        done = self.site.done()
        assert what in self.held() and self.site.done() == done < ROWS, self.held()
        return self

    def ends(self, *said):
        if self.pause > 5:
            self.site.ctl("set", "--pause", "0").ok()
        out = self.p.communicate(timeout=120)[0]
        assert self.p.returncode == 0, out
        for s in said:
            assert s in out, out
        self.site.once(ROWS)
        assert self.held() == ""
        return out

    def set(self, *settings):
        """Settings of the whole server, counted at once."""
        for s in settings:
            self.db.sql(f"ALTER SYSTEM {s}")
        self.db.sql("SELECT pg_reload_conf()")

    def switch_wal(self, n=1):
        """n segments of WAL come to an end."""
        for _ in range(n):
            self.db.sql("CREATE TABLE IF NOT EXISTS noise (n integer)")
            self.db.sql("INSERT INTO noise VALUES (1); SELECT pg_switch_wal()")

    def archived(self):
        self.switch_wal()
        await_that(lambda: self.db.value("SELECT last_archived_wal IS NOT NULL AND coalesce(last_failed_time < last_archived_time, true) FROM pg_stat_archiver"), "archived")


class Flag:
    """A file in the server's data folder, which its archive_command looks at."""

    def __init__(self, server, name):
        self.path = f"{server.folder}/data/{name}"

    def __enter__(self):
        with open(self.path, "w", encoding="utf-8"):
            return self

    def __exit__(self, *_):
        if os.path.exists(self.path):
            os.remove(self.path)


def test_archiving_that_fails(busy, waiting):
    w = waiting(busy)
    w.archived()
    with Flag(busy, "fail"):
        w.switch_wal()
        await_that(lambda: w.db.value("SELECT last_failed_time > last_archived_time FROM pg_stat_archiver"), "a failure")
        w.start().holds("archiving of WAL fails, last that of 0000")
    w.archived()
    w.ends("waiting: archiving of WAL fails", "(max-unarchived)")


def test_archiving_that_is_behind(busy, waiting):
    w = waiting(busy, "-- max-unarchived: 20MB\n")
    w.archived()
    with Flag(busy, "hold"):
        w.switch_wal(3)
        w.start().holds("of WAL are not archived yet, at most 20.0 MB (max-unarchived)")
    w.ends("are not archived yet")


def test_a_slot_that_nobody_reads(busy, waiting):
    w = waiting(busy, "-- max-retained: 20MB\n")
    w.db.sql("SELECT pg_create_physical_replication_slot('forgotten', true)")
    w.switch_wal(3)
    w.start().holds("replication slot forgotten holds back")
    w.db.sql("SELECT pg_drop_replication_slot('forgotten')")
    w.ends("MB of WAL, at most 20.0 MB (max-retained)")


def test_a_slot_that_loses_wal(busy, waiting):
    w = waiting(busy)
    w.set("SET max_slot_wal_keep_size = '16MB'")
    w.db.sql("SELECT pg_create_physical_replication_slot('late', true)")
    w.switch_wal(4)
    assert w.db.value("SELECT wal_status FROM pg_replication_slots") == "unreserved"
    w.start().holds("replication slot late is about to lose WAL")
    w.db.sql("SELECT pg_drop_replication_slot('late')")
    w.set("RESET max_slot_wal_keep_size")
    w.ends("(max-retained)")


def test_other_sessions_at_work(busy, waiting):
    """Those that only stand in a transaction are none."""
    w = waiting(busy, "-- max-active: 2\n", pause=400)
    idle = [w.db.connect(autocommit=False) for _ in range(5)]
    for c in idle:
        c.execute("SELECT 1")
    working = [w.db.connect() for _ in range(3)]
    w.start().site.await_rows(200)
    assert w.held() == ""
    threads = [threading.Thread(target=sleep_in, args=(c,)) for c in working]
    for t in threads:
        t.start()
    w.holds("3 other sessions at work, at most 2 (max-active)")
    for c in working[:2]:
        c.cancel()
    w.ends("other sessions at work, at most 2 (max-active)")                             # a look of ours may have been the fourth
    working[2].cancel()
    for t in threads:
        t.join()
    for c in idle + working:
        c.close()


def sleep_in(connection):
    try:
        connection.execute("SELECT pg_sleep(600)")
    except psycopg.errors.QueryCanceled:
        pass


def test_commits_that_are_slow(busy, waiting):
    w = waiting(busy, "-- max-latency: 40ms\n")
    w.set("SET commit_delay = 90000")
    w.start().holds("at most 40 ms (max-latency)")
    w.set("RESET commit_delay")
    w.ends("waiting: a small commit takes")


def test_gentle_goes_by_commits(busy15, waiting):
    w = waiting(busy15, "-- gentle: yes\n", pause=400).start()
    w.site.await_rows(300)
    w.set("SET commit_delay = 100000")
    await_that(lambda: "a small commit takes" in w.held(), "waiting")
    await_that(lambda: w.held() == "", "going on: what is slow without us is no reason to wait for ever")
    w.set("RESET commit_delay")
    w.ends("waiting: a small commit takes", "(max-latency)")


@pytest.mark.parametrize("workers", [1, 2])
def test_gentle_rests(busy15, waiting, workers):
    """At least 24 times as long as a batch took, and that for each worker; once less because a batch may begin late on its way to the server."""
    w = waiting(busy15, f"-- gentle: yes\n-- workers: {workers}\n").start()
    w.ends()
    rests = w.db.sql("""SELECT extract(epoch FROM next - started_at) * 1e6 - elapsed_us, elapsed_us FROM
                        (SELECT *, lead(started_at) OVER (PARTITION BY worker ORDER BY started_at) AS next FROM pgrail.backfill_batch) AS b WHERE next IS NOT NULL""")
    assert len(rests) >= 8
    assert [(rest, took) for rest, took in rests if rest < (24 * workers - 1) * took - 1000] == []


def to_be_frozen(w):
    """An autovacuum to prevent wraparound on t, of the slow kind."""
    w.db.sql("""CREATE TABLE burn (n integer); ALTER TABLE t SET (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
                DO $$ BEGIN FOR i IN 1 .. 101000 LOOP BEGIN INSERT INTO burn VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$""")
    await_that(lambda: w.db.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: % public.t (to prevent wraparound)'"), "an autovacuum to prevent wraparound")


def test_a_vacuum_to_prevent_wraparound(busy, waiting):
    w = waiting(busy)
    to_be_frozen(w)
    w.start().holds("a vacuum of public.t to prevent wraparound comes first (ignore-wraparound)")
    w.site.ctl("set", "--ignore-wraparound", "yes").ok()
    w.ends("waiting: a vacuum of public.t", "settings now")


def test_what_a_plain_role_sees(busy15, waiting):
    """Not what others do; but that a table is older than it may become, and that somebody vacuums it."""
    w = waiting(busy15, "-- max-active: 2\n", user="plain")
    w.db.sql(f"CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE \"{w.db.name}\" TO plain; ALTER TABLE t OWNER TO plain")
    to_be_frozen(w)
    w.start().holds("to prevent wraparound comes first")
    w.site.ctl("set", "--ignore-wraparound", "yes").ok()
    w.ends("does not see what other sessions do: GRANT pg_monitor")


def test_standbys(busy15, waiting):
    """One that falls behind, and one that goes away."""
    w = waiting(busy15, "-- max-lag: 1s\n", pause=400)
    standby = Standby(busy15)
    try:
        await_that(lambda: w.db.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"), "streaming")
        w.start().site.await_rows(200)
        with standby.connect() as c:
            c.execute("SELECT pg_wal_replay_pause()")
            w.holds("behind, at most 1.00 s (max-lag)")
            c.execute("SELECT pg_wal_replay_resume()")
        await_that(lambda: w.held() == "", "going on")
        standby.kill()
        w.holds("a standby is gone, 0 of 1 are there (max-lag)")
        standby.again()
        w.ends("waiting: standby")
    finally:
        standby.close()


def test_a_standby_that_will_not_come_back(busy15, waiting):
    w = waiting(busy15, "-- max-lag: 10s\n", pause=400)
    standby = Standby(busy15)
    try:
        await_that(lambda: w.db.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"), "streaming")
        w.start().site.await_rows(200)
    finally:
        standby.close()
    w.holds("a standby is gone")
    w.site.ctl("set", "--max-lag", "0").ok()
    await_that(lambda: w.held() == "", "going on without it")
    w.site.ctl("set", "--max-lag", "10s").ok()                                           # from now on those that are there count
    w.ends()


def test_the_first_reason_is_said_and_then_the_other(busy15, waiting):
    w = waiting(busy15, "-- max-retained: 20MB\n-- max-latency: 40ms\n")
    w.db.sql("SELECT pg_create_physical_replication_slot('forgotten', true)")
    w.switch_wal(3)
    w.set("SET commit_delay = 90000")
    w.start().holds("forgotten")
    w.db.sql("SELECT pg_drop_replication_slot('forgotten')")
    w.holds("a small commit takes")
    w.set("RESET commit_delay")
    w.ends("waiting: replication slot forgotten", "waiting: a small commit takes")
