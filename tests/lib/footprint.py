"""What the footprint engine says of a statement, held against what a server does. One session of footprint_probe.c does both:

    probe = Probe(db.url)
    before = Before(probe)                  relations, counters and locks as they are
    ran = probe.run(sql)
    seen = Observed(probe, before, ran)     in the same transaction: what the server did
    differences(probe.predict(sql, version)[-1], seen)     [] when what was foretold is what happened"""
import json
import os
import re
import select
import subprocess
from collections import defaultdict, namedtuple

from lib import runs
from lib.servers import await_that

PROBE = os.path.join(os.path.dirname(runs.BIN), "tests", "footprint_probe")
MODES = {"AccessShareLock": "ACCESS SHARE", "RowShareLock": "ROW SHARE", "RowExclusiveLock": "ROW EXCLUSIVE",
         "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE", "ShareLock": "SHARE",
         "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE", "ExclusiveLock": "EXCLUSIVE",
         "AccessExclusiveLock": "ACCESS EXCLUSIVE"}
ORDER = ["none", *MODES.values()]
# SQLSTATEs that rows decide: predicted as possible, never as certain, and the server may find nothing wrong.
BY_ROWS = {"23502", "23503", "23505", "23514", "22000"}
# The server must say what it does, and do it alone and in the planner's best known way.
SETTINGS = {"lc_messages": "C", "timezone": "UTC", "client_min_messages": "debug1", "max_parallel_workers_per_gather": "0",
            "max_parallel_maintenance_workers": "0", "jit": "off"}

RELATIONS = """SELECT c.oid, CASE WHEN n.oid = pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END, c.relname, c.relkind, pg_relation_filenode(c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE (n.nspname !~ '^pg_' OR n.oid = pg_my_temp_schema()) AND n.nspname <> 'information_schema' AND c.relkind <> 't'"""
LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384"
READ = "SELECT relid, seq_tup_read FROM pg_stat_xact_user_tables"
SIZES = "SELECT c.oid, pg_relation_size(c.oid) FROM pg_class AS c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm')"
FEW_BYTES = 64 << 10            # how a table of a few pages is read is the planner's whim

Ran = namedtuple("Ran", "sqlstate message notices rows")
Relation = namedtuple("Relation", "schema name kind node")


class Probe:
    """One session; settings as in SETTINGS, those given on top."""

    def __init__(self, url, **settings):
        options = " ".join(f"-c {k}={v}" for k, v in {**SETTINGS, **settings}.items())
        self.process = subprocess.Popen([PROBE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PGOPTIONS": options})
        self.pid = int(self.query("SELECT pg_backend_pid()", 1)[0][0])

    def send(self, do, **job):
        self.process.stdin.write(json.dumps({"do": do, **job}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        said = json.loads(self.process.stdout.readline())
        assert "error" not in said, f"{said['error']} ({said['where']})"
        return said

    def ask(self, do, **job):
        self.send(do, **job)
        return self.answer()

    def predict(self, sql, version, tx=True, facts=True, whole=True, inside=False, kept=False):
        """The footprint of each statement of a script. kept: by the facts as they were the first time."""
        return self.ask("predict", sql=sql, version=version, tx=tx, facts=facts, whole=whole, inside=inside, kept=kept)["footprints"]

    def query(self, sql, cols):
        return self.ask("query", sql=sql, cols=cols)["rows"]

    def run(self, sql):
        return Ran(**self.ask("run", sql=sql))

    def must(self, sql):
        ran = self.run(sql)
        assert ran.sqlstate is None, f"{ran.message}: {sql}"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


def cut(probe, sql):
    return [s["sql"] for s in probe.ask("cut", sql=sql)["statements"]]


def lock_awaited(probe, other, table, sql, cancel=False):
    """Runs what stands in no transaction while `other` (a psycopg connection, closed here) holds SHARE UPDATE EXCLUSIVE on the
    table: the mode that it then waits for, and how it ended. None: it did not wait."""
    with other:
        other.execute(f"BEGIN; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        probe.send("run", sql=sql)
        mode = []
        def waits():
            mode.extend(other.execute("SELECT mode FROM pg_locks WHERE pid = %s AND relation = %s::regclass AND NOT granted",
                                      (probe.pid, table)).fetchall())
            return mode or select.select([probe.process.stdout], [], [], 0)[0]
        await_that(waits, "the statement waits, or ends")
        if mode and cancel:
            other.execute("SELECT pg_cancel_backend(%s)", (probe.pid,))
            ran = Ran(**probe.answer())
        other.execute("ROLLBACK")
        if not (mode and cancel):
            ran = Ran(**probe.answer())
    return (MODES[mode[0][0]] if mode else None), ran


class Before:
    def __init__(self, probe):
        self.relations = {oid: Relation(*rest) for oid, *rest in probe.query(RELATIONS, 5)}
        self.read = dict(probe.query(READ, 2))
        self.locks = {tuple(r) for r in probe.query(LOCKS, 2)}
        self.sizes = {oid: int(n) for oid, n in probe.query(SIZES, 2)}


class Observed:
    """Locks, rewritten, read and built relations, by name; SQLSTATE. Relations that were not there before are nobody's."""

    def __init__(self, probe, before, ran, inside=True):
        self.sqlstate, self.message, self.inside, self.wrote_nothing = ran.sqlstate, ran.message, inside, ran.rows == 0
        self.names = {oid: f"{r.schema}.{r.name}" for oid, r in before.relations.items()}
        self.locks, self.indexes, self.held = {}, {}, defaultdict(set)
        self.rewrite, self.scan, self.builds, self.verified, self.keys_read = set(), set(), defaultdict(int), set(), False
        self.empty = {self.names[o] for o, size in before.sizes.items() if o in self.names and size == 0}
        self.small = {self.names[o] for o, size in before.sizes.items() if o in self.names and size <= FEW_BYTES}
        if ran.sqlstate is None:
            self.look(probe, before)
        for text in ran.notices:
            self.listen(text)

    def look(self, probe, before):
        for oid, mode in before.locks:
            self.held[self.names.get(oid)].add(MODES[mode])
        for oid, mode in (probe.query(LOCKS, 2) if self.inside else []):
            if (oid, mode) in before.locks or oid not in self.names:
                continue
            into = self.indexes if before.relations[oid].kind in "iI" else self.locks
            if ORDER.index(MODES[mode]) > ORDER.index(into.get(self.names[oid], "none")):
                into[self.names[oid]] = MODES[mode]
        now = {oid: Relation(*rest) for oid, *rest in probe.query(RELATIONS, 5)}
        self.rewrite = {self.names[oid] for oid, was in before.relations.items()
                        if oid in now and was.kind in "rm" and now[oid].node != was.node}
        self.scan = {self.names[oid] for oid, n in probe.query(READ, 2)
                     if oid in self.names and int(n) > int(before.read.get(oid, 0))}

    def unread(self, answer, strict):
        """Tables in which there was nothing to read, and those of keys that nobody had to look up."""
        if not strict:
            return self.empty | self.small
        if self.keys_read and f"{answer['schema']}.{answer['relation']}" in self.empty:
            return set(self.names.values())
        return self.empty

    def listen(self, text):
        """The server's own words; they name tables without their schema."""
        m = re.match(r'DEBUG1?: +(building index|verifying table|rewriting table|validating foreign key)(.*)', text)
        if m is None:
            return
        if m[1] == "building index":
            table = re.search(r' on table "([^"]+)"', m[2])[1]
            if not table.startswith("pg_toast"):
                self.builds[table] += 1
        elif m[1] == "validating foreign key":
            self.keys_read = True
        else:
            self.verified.add(re.search(r'"([^"]+)"', m[2])[1])


def said(answer, names=()):
    """A prediction in the form of Observed. Relations that the statement creates have no lock to compare; one whose schema is
    not known is looked for in names."""
    out = {"locks": {}, "indexes": {}, "least": {}, "maybe": set(), "rewrite": set(), "scan": set(), "builds": defaultdict(int), "verified": set()}
    for e in answer["effects"]:
        name = f"{e['schema']}.{e['name']}"
        if e["schema"] is None:
            name = next((n for n in names if n.split(".", 1)[1] == e["name"]), e["name"])
        if not e["created"] and e["lock"] != "none":
            out["indexes" if e["kind"] in ("i", "I") else "locks"][name] = e["lock"]
            out["least"][name] = e["at_least"]
        if e["maybe"]:
            out["maybe"] |= {name, e["name"]}
        if e["rewrite"] and not e["created"]:
            out["rewrite"].add(name)
        if e["scan"] and e["rows"] != 0 and not e["created"] and not e["dropped"]:     # nothing to read in an empty table
            out["scan"].add(name)
            if e["rewrite"] or not e["index_builds"]:
                out["verified"].add(e["name"])
        if e["index_builds"]:
            out["builds"][e["name"]] += e["index_builds"]
    return out


def failures(answer, seen, strict=True):
    """Whether the statement failed, and what was wrong in what was foretold of it. A failure that is only possible, because rows
    or a condition decide, need not come."""
    fails = answer["fails"]
    if seen.sqlstate is not None:
        if fails is None:
            return True, [f"failed with {seen.sqlstate}, not foretold ({seen.message})"]
        if fails["sqlstate"] == seen.sqlstate or (fails["sqlstate"] == "22000" and seen.sqlstate.startswith("22")):
            return True, []
        return True, [f"failed with {seen.sqlstate} ({seen.message}), foretold {fails['sqlstate']} ({fails['why']})"]
    if fails is not None and (fails["certain"] or (strict and fails["sqlstate"] not in BY_ROWS)):
        return False, [f"succeeded, foretold to fail with {fails['sqlstate']} ({fails['why']})"]
    return False, []


def within(pre, name, was, held):
    """What rows or a condition of a body decide was foretold as a span: from what is taken in any case (unless it was held before)
    to the strongest."""
    most = pre["locks"].get(name) or pre["indexes"].get(name, "none")
    least = pre["least"].get(name, "none")
    return (least in held or ORDER.index(least) <= ORDER.index(was)) and ORDER.index(was) <= ORDER.index(most)


def lock_differences(pre, seen, main, strict):
    """A mode that the transaction held before shows no second time, and ACCESS SHARE need not be taken behind a stronger one (15.20 looks
    first). Where no row was written no key was looked up and no number drawn."""
    out = []
    for name in sorted({*pre["locks"], *seen.locks}) if seen.inside else ():
        foretold, was = pre["locks"].get(name, "none"), seen.locks.get(name, "none")
        held = foretold in seen.held[name] or (foretold == "ACCESS SHARE" and seen.held[name])
        again = held and ORDER.index(was) < ORDER.index(foretold)
        partner = foretold in ("ROW SHARE", "ROW EXCLUSIVE") and not name.endswith(f".{main}")
        no_key = seen.wrote_nothing and partner and was in ("none", "ACCESS SHARE")
        if foretold != was and not again and not no_key and (strict or not within(pre, name, was, seen.held[name])):
            out.append(f"{name}: foretold {foretold}, was {was}")
    for name, foretold in pre["indexes"].items() if seen.inside else ():
        was = seen.indexes.get(name, "none")
        if foretold != was and foretold not in seen.held[name] and (strict or not within(pre, name, was, seen.held[name])):
            out.append(f"index {name}: foretold {foretold}, was {was}")
    return out


def differences(answer, seen, strict=True, tag=""):
    """strict: tables are large and analyzed, so that the planner's choice is known as well; and every condition holds."""
    failed, out = failures(answer, seen, strict)
    if failed or out:
        return out
    pre = said(answer, seen.names.values())
    out = lock_differences(pre, seen, answer["relation"], strict)
    maybe = set() if strict else pre["maybe"]
    for key in ("rewrite", "scan"):
        foretold, was = pre[key], getattr(seen, key)
        if key == "scan":
            foretold, was = foretold - seen.unread(answer, strict), was - (set() if strict else seen.small)
        foretold = foretold - (maybe - was)
        out += [f"{key} of {n}: {'foretold' if n in foretold else 'not foretold'}, was{'' if n in was else ' not'}"
                for n in sorted(foretold ^ was)]
    for name in sorted({*pre["builds"], *seen.builds}):
        if pre["builds"][name] != seen.builds[name] and not (name in maybe and seen.builds[name] < pre["builds"][name]):
            out.append(f"index builds on {name}: foretold {pre['builds'][name]}, were {seen.builds[name]}")
    if tag == "ALTER TABLE" and not seen.keys_read:        # says what it reads, of tables without rows too
        foretold = {e["name"] for e in answer["effects"] if e["scan"]}
        out += [f"scan of {n}: not foretold, was" for n in sorted(seen.verified - foretold)]
        out += [f"scan of {n}: foretold, was not" for n in sorted(pre["verified"] - seen.verified - maybe)]
    if answer["unjudged"]:
        out.append("not judged")
    return out
