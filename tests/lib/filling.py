"""A backfill on its way in a project of its own: starting it, asking its journal, holding the two against each other."""
import json
import subprocess

import jsonschema

from lib.runs import BIN, ROOT, WRAP, environment
from lib.servers import await_that

NAME = "0001_fill"
PATH = f"migrations/{NAME}.backfill.sql"
COUNTER = "-- way: key\n-- batch: 100\n-- target: 5ms\n{more}UPDATE t SET n = n + 1;\n"
FILL = "-- way: strided\n{more}UPDATE t SET twice = id * 2 WHERE twice IS NULL;\n"


def valid(r):
    """A document is as its published schema says."""
    if r.out.startswith("{") and r.json["schema"] != "pgrail.error/1":
        with open(f"{ROOT}/docs/schema/{r.json['schema'].removeprefix('pgrail.').removesuffix('/1')}.json", encoding="utf-8") as f:
            jsonschema.validate(r.json, json.load(f), jsonschema.Draft202012Validator)
    return r


class Site:
    """A project with one unprotected environment, a table t of so many rows, and a backfill."""

    def __init__(self, project, db, rows=20000):
        self.project, self.db, self.started = project, db, []
        project.environment("dev", db)
        db.sql(f"""CREATE TABLE t (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0, twice bigint, note text DEFAULT repeat('x', 60));
                   INSERT INTO t (id) SELECT g FROM generate_series(1, {rows}) AS g; ANALYZE t""")

    def file(self, text=COUNTER, more=""):
        self.project.write(PATH, text.format(more=more))

    def argv(self, *args):
        return ["backfill", PATH, "--env", "dev", *args]

    def run(self, *args, **more):
        return valid(self.project.pgrail(*self.argv(*args), timeout=120, **more))

    def start(self, *args, env=None):
        p = subprocess.Popen([*WRAP, BIN, *self.argv(*args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                cwd=self.project.folder, env=environment(self.project.home, {**self.project.env, **(env or {})}), start_new_session=True)
        self.started.append(p)
        return p

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
                p.communicate()

    def ctl(self, *args):
        return valid(self.project.pgrail("backfill-ctl", *args, "--env", "dev", "--json", timeout=60))

    def done(self):
        """Rows of finished batches, by the journal; 0 before there is one."""
        if not self.db.value("SELECT to_regclass('pgrail.backfill_reject') IS NOT NULL"):
            return 0
        return int(self.db.value("SELECT coalesce(sum(changed), 0) FROM pgrail.backfill_batch"))

    def state(self):
        rows = self.db.sql("SELECT state FROM pgrail.backfill_job ORDER BY id DESC LIMIT 1") if self.db.value(
            "SELECT to_regclass('pgrail.backfill_reject') IS NOT NULL") else []
        return rows[0][0] if rows else None

    def await_rows(self, n):
        return await_that(lambda: self.done() >= n and self.done(), f"{n} rows by the journal")

    def once(self, rows=20000, state="done"):
        """Every row was written exactly once, and the journal says the same, range by range."""
        assert self.db.sql("SELECT n, count(*) FROM t GROUP BY n ORDER BY n") == [(1, rows)]
        assert self.done() == rows
        assert self.db.value("SELECT sum(changed) FROM pgrail.backfill_range") == rows
        assert self.db.value("SELECT count(*) FROM pgrail.backfill_range WHERE state <> 'done'") == 0
        assert self.state() == state

    def events(self):
        return [r[0] for r in self.db.sql("SELECT event FROM pgrail.backfill_event ORDER BY id")]

    def workers(self):
        return [r[0] for r in self.db.sql("SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'pgrail/backfill worker%%'", self.db.name)]
