"""A project in which migrations can go the whole way: production and staging, approvers with real keys, small limits.

    kit = Kit(project, make_db)              two databases with the table items, production protected
    kit.ready("1")                           ground, rehearse, approve as a person would
    kit.apply("1")                           on a terminal, types YES; returns Pty, finished, with .status
A Held keeps a session open that is in the way of others."""
import json
import os
import re
import subprocess

import jsonschema

from lib.runs import BIN, ROOT, WRAP, Result, environment
from lib.servers import await_that

ITEMS = """CREATE TABLE items (id bigint PRIMARY KEY, invoice int NOT NULL, paid_at timestamptz, note text);
INSERT INTO items SELECT g, g / 10, CASE WHEN g % 9 = 0 THEN NULL ELSE now() END, 'line ' || g FROM generate_series(1, 5000) g;
ANALYZE items"""
INDEX = "CREATE INDEX CONCURRENTLY items_invoice_idx ON items (invoice);\n"
UNINDEX = "DROP INDEX CONCURRENTLY items_invoice_idx;\n"
COLUMN = "ALTER TABLE items ADD COLUMN vat numeric(5, 2);\nCREATE TABLE vat_rates (code text PRIMARY KEY, rate numeric(5, 2) NOT NULL);\n"
UNCOLUMN = "DROP TABLE vat_rates;\nALTER TABLE items DROP COLUMN vat;\n"
ASKED = re.compile(r"Type (.+?) to approve: ")


def key_of(project, name):
    """A throwaway SSH key; returns its path."""
    path = f"{project.folder}/keys/{name}"
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    return path


class Kit:
    def __init__(self, project, make_db=None, production=None, staging=None, approvers=("mara",), **apply):
        self.project, self.settings = project, {"lock_timeout": "2s", "lock_attempts": "3", "retry_max": "200ms", **apply}
        self.policy = {}
        if make_db is not None:
            self.production, self.staging = make_db(), make_db()
            for d in (self.production, self.staging):
                d.sql(ITEMS)
            production, staging = self.production.url, self.staging.url
        self.env = {"PRODUCTION_URL": production, "STAGING_URL": staging or production, "DEV_URL": production}
        self.approvers(*approvers)
        self.conf()

    def approvers(self, *names):
        lines = []
        for n in names:
            with open(key_of(self.project, n) + ".pub", encoding="utf-8") as f:
                kind, key = f.read().split()[:2]
            lines.append(f'{n} namespaces="pgrail" {kind} {key}\n')
        self.project.write("approvers", "".join(lines))

    def conf(self, **policy):
        self.policy.update(policy)
        sections = ["[project]", "migrations = migrations", "[apply]", *(f"{k} = {v}" for k, v in self.settings.items()),
                    "[policy]", "approvers = approvers", *(f"{k} = {v}" for k, v in self.policy.items())]
        for name, protected in (("production", "yes"), ("staging", "no"), ("dev", "no")):
            sections += [f"[environment {name}]", f"env = {name.upper()}_URL", f"protected = {protected}"]
        self.project.write("pgrail.conf", "\n".join(sections) + "\n")

    def run(self, *args, env=None, **more):
        """pgrail ARGS; its document, if it gives one, is held against its published schema."""
        r = self.project.pgrail(*args, env={**self.env, **(env or {})}, **more)
        name = {"apply": "apply", "rollback": "apply", "status": "status", "verify": "verify"}.get(args[0])
        if "--json" in args and name and r.out and r.json["schema"] != "pgrail.error/1":
            with open(f"{ROOT}/docs/schema/{name}.json", encoding="utf-8") as f:
                jsonschema.validate(r.json, json.load(f), jsonschema.Draft202012Validator)
        return r

    def status(self, env="production"):
        return self.run("status", "--env", env, "--json").json

    def state(self, migration, env="production"):
        return {m["id"]: m["state"] for m in self.status(env)["migrations"]}[migration]

    def approve(self, what, who="mara", down=False, types=None):
        """On a terminal of its own; what a mandatory review asks for is typed, or `types` in its place."""
        p = self.seam("approve", what, "--env", "production", "--key", key_of(self.project, who), *(["--down"] if down else []))
        asked = None
        while p.read(0.2) and not asked:
            asked = ASKED.search(p.output)
        if asked:
            p.send((types or asked[1]) + "\n")
        return Result(p.wait(), p.plain(), "")

    def ready(self, what, who=("mara",), down=False):
        self.run("ground", what, "--env", "production").ok()
        self.run("rehearse", what, "--env", "production").ok()
        for name in who:
            self.approve(what, name).ok()
            if down:
                self.approve(what, name, down=True).ok()

    def seam(self, *args, env=None):
        """pgrail on a terminal of its own, not yet answered."""
        self.project.env.update(self.env)
        return self.project.pty(*args, env=env)

    def apply(self, what, answer="YES", verb="apply", env=None):
        p = self.seam(verb, what, "--env", "production", env=env)
        p.expect("Type YES to run this on production: ")
        p.send(answer + "\n")
        p.wait()
        return p

    def start(self, *args, env=None):
        """pgrail in the background, its output in pipes."""
        return subprocess.Popen([*WRAP, BIN, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                cwd=self.project.folder, env=environment(self.project.home, {**self.env, **(env or {})}), start_new_session=True)


class Held:
    """A session of somebody else with a transaction open: Held(db, "SELECT …"); ended by done() or at the end of a with block."""

    def __init__(self, db, *statements, isolation="READ COMMITTED"):
        self.connection = db.connect()
        self.connection.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        for s in statements:
            self.connection.execute(s)
        self.pid = self.connection.info.backend_pid

    def done(self):
        if not self.connection.closed:
            self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done()


def backend_of(db, app="pgrail/apply"):
    """pid of the session of that application_name, or None."""
    rows = db.sql("SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = %s", app, db.name)
    return rows[0][0] if rows else None


def await_waiting(db, app="pgrail/apply"):
    """Until that session waits for a lock; returns its pid."""
    def look():
        rows = db.sql("SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = %s AND wait_event_type = 'Lock'", app, db.name)
        return rows[0][0] if rows else None
    return await_that(look, f"{app} waiting for a lock")


def await_query(db, text, app="pgrail/apply"):
    """Until that session runs a statement with this text; returns its pid."""
    def look():
        rows = db.sql("SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = %s AND state = 'active' AND query LIKE %s", app,
                      db.name, f"%{text}%")
        return rows[0][0] if rows else None
    return await_that(look, f"{app} running {text}")


def await_gone(db, app="pgrail/apply"):
    await_that(lambda: backend_of(db, app) is None, f"{app} gone")


def history(db):
    """(migration, direction) of each row, in order."""
    if not db.value("SELECT to_regclass('pgrail.history') IS NOT NULL"):
        return []
    return db.sql("SELECT migration, direction FROM pgrail.history ORDER BY id")


def index_state(db, name="items_invoice_idx"):
    """None: not there; else whether it is valid."""
    rows = db.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", name)
    return rows[0][0] if rows else None
