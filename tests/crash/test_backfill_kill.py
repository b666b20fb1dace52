"""A backfill survives anything: kill -9 of pgrail, of a worker, of the whole server, a link that is reset or goes silent, at random
moments; then the same command until it is done. Every row is right and was written exactly once, the journal agrees with the table batch
by batch, and nothing is left running.

PGRAIL_ROUNDS=50 for fifty of each kind, PGRAIL_SEED for other moments; a round tells what it did (pytest -rP)."""
import os
import random
import signal
import time

import pytest

from lib.applying import history
from lib.filling import PATH, Site
from lib.link import Link
from lib.servers import Server, await_that, bindirs, children_of, majors

ROUNDS, SEED = int(os.environ.get("PGRAIL_ROUNDS", "3")), int(os.environ.get("PGRAIL_SEED", "4"))
REFUSED, CONNECT, BUSY = 3, 5, 6
STARTS = 6                                                       # more are a failure

# How a second run over a row would show: a counter; a trigger that counts; a second copy; and a row that is moved is in one of two tables.
STATEMENTS = {
    "count": ("-- way: key\n{header}UPDATE t SET n = n + 1;\n", ""),
    "fill": ("-- way: strided\n{header}UPDATE t SET twice = id * 2 WHERE twice IS NULL;\n",
             "CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := OLD.n + 1; RETURN NEW; END';"
             " CREATE TRIGGER hit BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION hit()"),
    "keep": ("-- way: key\n{header}WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO copy SELECT id FROM gone;\n", "CREATE TABLE copy (id bigint NOT NULL)"),
    "copy": ("-- way: key\n{header}INSERT INTO copy SELECT id FROM t;\n", "CREATE TABLE copy (id bigint NOT NULL)"),
}
SMALL, LARGE = 6000, 50000                                       # one range; two, so that two workers have work


class Round:
    """One backfill with its plan: what, with how many workers, and the moment at which something happens to it."""

    def __init__(self, kind, number, project, db):
        self.kind, self.rng = kind, random.Random(f"{kind} {SEED} {number}")
        self.statement = self.rng.choice(sorted(STATEMENTS))
        self.rows, self.workers = self.rng.choice([(SMALL, 1), (SMALL, 1), (LARGE, 1), (LARGE, 2)])
        self.site, self.told = Site(project, db, rows=self.rows), []
        text, more = STATEMENTS[self.statement]
        # What was set up is on the disk, whatever is killed then; what a backfill commits, in half of the rounds, is not.
        db.sql(f"SET synchronous_commit = on; {more}; ALTER DATABASE \"{db.name}\" SET synchronous_commit = {self.rng.choice(['on', 'off'])}")
        batch, target, pause = (100, 5, 4) if self.rows == SMALL else (1500, 15, 2)
        self.site.project.write(PATH, text.format(header=f"-- batch: {batch}\n-- target: {target}ms\n-- pause: {pause}ms\n-- workers: {self.workers}\n"))
        self.tell(f"{kind} {number}, seed {SEED}: {self.statement} of {self.rows} rows, {self.workers} workers")

    def tell(self, what):
        self.told.append(what)
        print(what)

    def until(self, p):
        """Waits for the next moment, unless p ends before it; then it is told how far things are."""
        moment = self.rng.choice(["connected", "journal", "checking"] + ["rows"] * 9)
        rows = self.rng.randrange(1, self.rows)
        looks = {"connected": "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pgrail/%%')",
                 "journal": "SELECT EXISTS (SELECT FROM pgrail.backfill_job)",
                 "rows": f"SELECT coalesce(sum(changed), 0) >= {rows} FROM pgrail.backfill_batch",
                 "checking": "SELECT EXISTS (SELECT FROM pgrail.backfill_job WHERE state IN ('checking', 'done'))"}
        with self.site.db.connect() as c:
            def there():
                return moment == "connected" or c.execute("SELECT to_regclass('pgrail.backfill_reject') IS NOT NULL").fetchone()[0]
            while p.poll() is None and not (there() and c.execute(looks[moment]).fetchone()[0]):
                time.sleep(0.0005)
            for _ in range(self.rng.randrange(8)):               # somewhere within what it does then
                c.execute("SELECT 1")
        self.tell(f"at {moment} {rows if moment == 'rows' else ''}{'' if p.poll() is None else ', over by then'}")

    def finish(self, p=None):
        """Until it is done, by the same command. p: one that still runs and ought to bring it to its end by itself, if it can."""
        if p is not None:
            out = p.communicate(timeout=150)[0]
            self.tell(f"that pgrail ended with {p.returncode}{'' if p.returncode == 0 else chr(10) + out}")
            assert p.returncode in (0, CONNECT, BUSY), out
        for start in range(STARTS):
            if start > 0 or p is None or p.returncode != 0:
                r = self.site.run("--pause", "0")
                self.tell(f"start again: {r.status}")
                if r.status == REFUSED and "is done" in r.err:
                    break
                assert r.status in (0, CONNECT, BUSY), r.out + r.err
                if r.status != 0:
                    continue
            break
        self.holds()

    # ---- what must be so in the end

    def holds(self):
        db = self.site.db
        assert self.site.state() == "done"
        assert history(db) == [("0001_fill.backfill", "up")]
        assert self.site.project.pgrail("status", "--env", "dev").status == 0
        self.rows_are_right()
        self.journal_agrees()
        self.key_space_is_covered()
        # Behind a silent link, a session that asked for nothing yet may stand idle until the server's own keepalives miss its client.
        idle = "state <> 'idle'" if self.kind == "silence" else "true"
        await_that(lambda: not db.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                                      f" AND backend_type = 'client backend' AND {idle}"), "nothing of ours on the server")
        assert db.value("SELECT count(*) FROM pg_prepared_xacts") == 0

    def rows_are_right(self):
        db, once = self.site.db, [(1, self.rows)]
        if self.statement == "keep":
            assert db.value("SELECT count(*) FROM t") == 0
        if self.statement in ("copy", "keep"):
            assert db.sql("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM copy") == [(self.rows, self.rows, 1, self.rows)]
        else:
            assert db.sql("SELECT n, count(*) FROM t GROUP BY n") == once
        assert db.value("SELECT count(*) FROM t WHERE twice IS DISTINCT FROM CASE WHEN %s THEN id * 2 END", self.statement == "fill") == 0

    def journal_agrees(self):
        """In numbers, and row by row: each was written by the transaction whose batch has its key."""
        db = self.site.db
        for table in ("batch", "range"):
            assert db.value(f"SELECT sum(changed) FROM pgrail.backfill_{table}") == self.rows, table
        assert db.value("SELECT sum(read) FROM pgrail.backfill_range") == self.rows
        assert db.value("SELECT count(*) - count(DISTINCT xid) FROM pgrail.backfill_batch") == 0
        written = "copy" if self.statement in ("copy", "keep") else "t"
        by_key = "" if self.statement == "fill" else " AND w.id > coalesce(b.lower[1]::bigint, 0) AND w.id <= b.upper[1]::bigint"
        assert db.value(f"SELECT count(*) FROM {written} w JOIN pgrail.backfill_batch b ON b.xid::text = w.xmin::text{by_key}") == self.rows
        if self.statement != "fill":
            self.in_one_row("pgrail.backfill_batch")

    def key_space_is_covered(self):
        db = self.site.db
        assert db.value("SELECT count(*) FROM pgrail.backfill_range WHERE state <> 'done'") == 0
        self.in_one_row("pgrail.backfill_range", "NOT rest AND tries = 0")
        # What was contended became a range of its own, and lies within one of those.
        assert db.value("SELECT count(*) FROM pgrail.backfill_range p WHERE tries > 0 AND NOT EXISTS (SELECT FROM pgrail.backfill_range r"
                        " WHERE r.tries = 0 AND coalesce(r.lower[1]::bigint, 0) <= coalesce(p.lower[1]::bigint, 0) AND p.upper[1]::bigint <= r.upper[1]::bigint)") == 0

    def in_one_row(self, table, condition="true"):
        """The intervals follow one upon the other, from before the first key to the last."""
        pieces = self.site.db.sql(f"SELECT lower[1]::bigint, upper[1]::bigint FROM {table} WHERE {condition} ORDER BY upper[1]::bigint")
        assert [p[0] for p in pieces] == [None, *(p[1] for p in pieces[:-1])], pieces
        assert pieces[-1][1] == self.rows


@pytest.fixture
def new_round(project, make_db):
    made = []

    def make(kind, number, server=None):
        made.append(Round(kind, number, project, make_db(server)))
        return made[-1]

    yield make
    for r in made:
        r.site.close()


@pytest.fixture(scope="module")
def own():
    """A server that may be killed, on TCP too."""
    major = 15 if 15 in majors() else majors()[0]
    server = Server(major, bindirs()[major], tcp=True)
    yield server
    server.close()


@pytest.fixture
def link(own):
    made = Link(own)
    yield made
    made.close()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_of_pgrail(new_round, number):
    """The parent alone, or its workers with it; once, or again and again."""
    r = new_round("pgrail", number)
    for _ in range(r.rng.choice([1, 1, 2, 3])):
        p = r.site.start()
        r.until(p)
        together = r.rng.random() < 0.5
        if p.poll() is None:
            (os.killpg if together else os.kill)(p.pid, signal.SIGKILL)
        p.communicate()
        if r.rng.random() < 0.5:
            await_that(lambda: not r.site.workers(), "its workers gone")
    r.finish()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_of_a_worker(new_round, number):
    r = new_round("worker", number)
    p = r.site.start()
    for _ in range(r.rng.choice([1, 2, 3])):
        r.until(p)
        workers = await_that(lambda: p.poll() is not None or children_of(p.pid), "a worker")
        if workers is not True:
            os.kill(r.rng.choice(workers), signal.SIGKILL)
    r.finish(p)
    assert p.returncode == 0


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_of_the_server(own, new_round, number):
    r = new_round("server", number, own)
    p = r.site.start()
    r.until(p)
    own.kill()
    own.again()
    r.finish(p)


@pytest.mark.parametrize("how", ["reset", "silence"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_cut_of_the_link(own, link, new_round, number, how):
    r = new_round(how, number, own)
    r.site.project.env["DEV_URL"] = link.url(r.site.db.name)
    p = r.site.start()
    r.until(p)
    link.refuse(r.rng.choice([0, 0, 1, 5]))
    r.tell(f"{link.cut(how)} connections cut")
    r.finish(p)
