"""A folder of migrations, from nothing, on a real server: each statement as its runner would run it, and what it did held against
two predictions: from the facts read just before it, and through the world from the facts read before its migration (what
`pgrail check` says). `footprint_audit` prints it; the tests ask that nothing differs.

    verdict = audit(server, folder)
    verdict.statements    one Statement each, with .outcome: agrees, differs, failed, unjudged, left out"""
import os
from dataclasses import dataclass, field

from lib.footprint import Before, Observed, Probe, differences, failures, lock_awaited

# What an empty database of ours lacks and the team's has: extensions, roles, functions and types of extensions; and what then
# is missing because of it. A statement that fails so, and was not foretold to, could not be run: it says nothing about us.
LACKING = {"58P01", "42704", "42883", "42P01", "42703", "3F000", "0A000", "22023", "42501", "55000", "2BP01", "F0000", "P0001"}

TEMPORARY = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'v', 'S'))"


@dataclass
class Statement:
    place: str
    sql: str
    tag: str
    outcome: str = "agrees"
    from_facts: list = field(default_factory=list)
    through_world: list = field(default_factory=list)
    message: str = ""


@dataclass
class Migration:
    path: str
    line: int
    tx: str
    sql: str


@dataclass
class Audit:
    layout: str = ""
    migrations: int = 0
    statements: list = field(default_factory=list)

    def count(self, outcome):
        return sum(s.outcome == outcome for s in self.statements)


def read_folder(probe, path, layout=None):
    """Any layout that pgrail reads; else every .sql file of the folder in the order of names, as pgrail itself would run it."""
    if os.path.isfile(path):
        return "one file", [plain(probe, path, os.path.basename(path))]
    try:
        f = probe.ask("folder", path=os.path.abspath(path), layout=layout)
        if f["migrations"]:
            return f["layout"], [Migration(m["path"], m["line"], m["tx"], m["sql"]) for m in f["migrations"]]
    except AssertionError:
        if layout:
            raise
    names = sorted(n for n in os.listdir(path) if n.endswith(".sql") and not n.endswith(".down.sql"))
    return "plain files", [plain(probe, f"{path}/{n}", n) for n in names]


def plain(probe, path, name):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return Migration(name, 1, probe.ask("cut", sql=text)["tx"], text)


class Runner:
    """Runs one migration, in a session of its own."""

    def __init__(self, db, m, out, whole, settings):
        self.db, self.m, self.out, self.whole = db, m, out, whole
        self.version = int(db.sql("SHOW server_version_num")[0][0])
        self.settings = settings
        self.probe = Probe(db.url, **settings)
        self.statements = self.probe.ask("cut", sql=m.sql)["statements"]
        self.one = m.tx == "one transaction"
        self.open = False
        self.done = []                    # what has succeeded since the transaction was opened
        self.set = ""                     # settings that no catalog has

    def go(self):
        world = self.probe.predict(self.m.sql, self.version, tx=self.one, whole=self.whole)
        if self.one:
            self.begin()
        for i, s in enumerate(self.statements):
            record = Statement(f"{self.m.path}:{self.m.line + s['line'] - 1}", s["sql"], s["tag"])
            self.step(s, record, world[i])
            self.out.statements.append(record)
        if self.open:
            self.probe.run("COMMIT")
        self.probe.close()

    def begin(self):
        self.probe.must("BEGIN")
        self.open, self.done = True, []

    def step(self, s, record, world):
        if not s["judged"]:
            record.outcome, record.message = "left out", "does not parse, or is not SQL of the server"
            return
        if s["tag"] == "SET" and s["sql"].lower().startswith("set transaction") and self.open:
            record.outcome, record.message = "left out", "must come before any query, and the audit has asked some"
            return
        if s["word"]:
            record.outcome, record.message = "left out", "steers the transaction"
            self.steer(s)
            return
        facts = self.probe.predict(self.set + s["sql"], self.version, tx=self.open, whole=self.whole, inside=self.open)[-1]
        if s["tag"] == "SET" and "check_function_bodies" in s["sql"].lower():
            self.set = s["sql"] + ";\n"
        if self.probe.query(TEMPORARY, 1) == [["t"]]:
            facts = world                  # other sessions' facts have no temporary tables
        if s["outside"] and not self.open:
            seen = self.outside(s["sql"], facts)
        else:
            seen = self.inside(s["sql"])
        self.judge(record, facts, world, seen)

    def steer(self, s):
        """As the server takes it: BEGIN in a transaction warns, and COMMIT ends the runner's as well."""
        ran = self.probe.run(s["sql"])
        if s["word"] == "begin" and not self.open:
            self.open, self.done = True, []
        elif s["word"] in ("commit", "rollback"):
            self.open = False
        elif ran.sqlstate is None:
            self.done.append(s["sql"])

    def inside(self, sql):
        alone = not self.open
        if alone:
            self.probe.must("BEGIN")
        self.probe.must("SET client_min_messages = debug1")
        before = Before(self.probe)
        ran = self.probe.run(sql)
        seen = Observed(self.probe, before, ran)
        if alone:
            ended = self.probe.run("COMMIT" if ran.sqlstate is None else "ROLLBACK")
            if ended.sqlstate is not None:
                seen.sqlstate, seen.message = ended.sqlstate, ended.message
        elif ran.sqlstate is None:
            self.done.append(sql)
        else:
            self.replay()
        return seen

    def replay(self):
        """Of a transaction that failed: what had succeeded in it, once more, so that the rest can be looked at."""
        self.probe.must("ROLLBACK")
        self.probe.must("BEGIN")
        for sql in self.done:
            self.probe.must(sql)

    def outside(self, sql, answer):
        before = Before(self.probe)
        parts = [x for x in (answer["schema"], answer["relation"]) if x] if answer["relation"] else []
        table = ".".join('"' + x.replace('"', '""') + '"' for x in parts)
        if table and self.probe.query(f"SELECT to_regclass('{table}') IS NOT NULL", 1) == [["t"]]:
            mode, ran = lock_awaited(self.probe, self.db.connect(), table, sql)
        else:
            mode, ran = None, self.probe.run(sql)
        seen = Observed(self.probe, before, ran, inside=False)
        foretold = next((e["lock"] for e in answer["effects"] if e["name"] == answer["relation"]), None)
        if mode is not None and mode != foretold:
            seen.other = [f"{table}: foretold {foretold}, waited for {mode}"]
        return seen

    def judge(self, record, facts, world, seen):
        other = getattr(seen, "other", [])
        record.from_facts = differences(facts, seen, strict=False, tag=record.tag) + other
        record.through_world = differences(world, seen, strict=False, tag=record.tag) + other
        record.message = seen.message or ""
        failed, wrong = failures(facts, seen, strict=False)
        if failed and wrong and not failures(world, seen, strict=False)[1]:
            record.from_facts = []         # what the transaction did before is not in the facts: enum values, deferred checks
        if facts["unjudged"]:
            record.outcome = "unjudged"    # nothing was said of it
        elif failed and record.from_facts and seen.sqlstate in LACKING and facts["fails"] is None:
            record.outcome = "failed"
        elif record.from_facts:
            record.outcome = "differs"


def audit(server, path, layout=None, whole=False, before=None, settings=None):
    """before: SQL that makes what the team's database has from elsewhere."""
    db = server.new_db()
    out = Audit()
    try:
        if before:
            db.sql(before)
        probe = Probe(db.url)
        out.layout, migrations = read_folder(probe, path, layout)
        probe.close()
        out.migrations = len(migrations)
        for m in migrations:
            Runner(db, m, out, whole, settings or {}).go()
    finally:
        db.drop()
    return out
