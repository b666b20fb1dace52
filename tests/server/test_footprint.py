"""The footprint engine against the servers: every statement of footprint_statements.txt is predicted from the live facts, then
run in a transaction that is rolled back, and what the server did must be what was said: the lock on every relation, what was
rewritten, read and built, and the SQLSTATE where it failed."""
import json
import os
import re
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from lib import runs
from lib.servers import await_that

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.path.join(os.path.dirname(runs.BIN), "tests", "footprint_probe")
MODES = {"AccessShareLock": "ACCESS SHARE", "RowShareLock": "ROW SHARE", "RowExclusiveLock": "ROW EXCLUSIVE",
         "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE", "ShareLock": "SHARE",
         "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE", "ExclusiveLock": "EXCLUSIVE",
         "AccessExclusiveLock": "ACCESS EXCLUSIVE"}
ORDER = list(MODES.values())
# SQLSTATEs that rows decide: predicted as possible, never as certain, and the server may find nothing wrong.
BY_ROWS = {"23502", "23503", "23505", "23514", "22000"}
RELATIONS = """SELECT c.oid, c.relname, c.relkind, c.relfilenode FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE n.nspname IN ('s', 'public')"""
LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted"
READ = "SELECT relid, relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname IN ('s', 'public')"


def statements(major):
    with open(f"{HERE}/footprint_statements.txt", encoding="utf-8") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            name, versions, sql, *setup = line.rstrip("\n").split("\t")
            first, _, last = versions.partition("-")
            if int(first) <= major <= int(last or first):
                yield name, sql, setup[0] if setup else ""


def schema():
    with open(f"{HERE}/footprint_schema.sql", encoding="utf-8") as f:
        return f.read()


def session(db):
    c = psycopg.connect(db.url, autocommit=True)
    c.execute("SET search_path = s; SET lc_messages = 'C'; SET timezone = 'UTC'; SET max_parallel_workers_per_gather = 0;"
              " SET max_parallel_maintenance_workers = 0")
    return c


class Probe:
    def __init__(self, db):
        self.db = db
        self.process = subprocess.Popen([PROBE, f"{db.url}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PGOPTIONS": "-c search_path=s -c timezone=UTC"})

    def ask(self, sql, version, tx=True, facts=True):
        self.process.stdin.write(json.dumps({"sql": sql, "tx": tx, "facts": facts, "version": version}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{answer['error']} ({answer['where']}): {sql}"
        return answer

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def observe(conn, sql):
    """Runs sql in a transaction; what the server did, then rolled back."""
    notices = []
    handler = lambda d: notices.append(d.message_primary)  # noqa: E731
    seen = {"locks": {}, "indexes": {}, "rewrite": set(), "scan": set(), "builds": defaultdict(int), "sqlstate": None}
    before = {oid: (name, kind, node) for oid, name, kind, node in conn.execute(RELATIONS)}
    conn.add_notice_handler(handler)
    conn.execute("BEGIN; SET LOCAL client_min_messages = debug1")
    read = {oid: n for oid, _, n in conn.execute(READ)}    # counters of transactions before, not sent off yet
    try:
        conn.execute(sql)
        conn.execute("SET LOCAL client_min_messages = warning")
        for oid, mode in conn.execute(LOCKS):
            if oid in before:
                name, kind, _ = before[oid]
                into = seen["indexes"] if kind in ("i", "I") else seen["locks"]
                mode = MODES[mode]
                if name not in into or ORDER.index(mode) > ORDER.index(into[name]):
                    into[name] = mode
        for oid, name, kind, node in conn.execute(RELATIONS):
            if oid in before and before[oid][2] != node and kind in ("r", "m"):
                seen["rewrite"].add(before[oid][0])
        seen["scan"] = {before[oid][0] for oid, _, n in conn.execute(READ) if oid in before and n > read.get(oid, 0)}
    except psycopg.Error as e:
        seen["sqlstate"] = e.sqlstate
    finally:
        conn.execute("ROLLBACK")
        conn.remove_notice_handler(handler)
    for text in notices:
        m = re.match(r'building index "([^"]+)" on table "([^"]+)"', text)
        if m and not m[2].startswith("pg_toast"):
            seen["builds"][m[2]] += 1
    return seen


def said(answer):
    """A prediction in the form of observe(). Relations that the statement creates have no lock to compare."""
    out = {"locks": {}, "indexes": {}, "rewrite": set(), "scan": set(), "builds": defaultdict(int)}
    for e in answer["effects"]:
        index = e["kind"] in ("i", "I")
        if not e["created"] and e["lock"] != "none":
            out["indexes" if index else "locks"][e["name"]] = e["lock"]
        if e["rewrite"]:
            out["rewrite"].add(e["name"])
        if e["scan"] and e["rows"] != 0 and not e["created"] and not e["dropped"]:     # nothing to read in an empty table
            out["scan"].add(e["name"])
        if e["index_builds"]:
            out["builds"][e["name"]] += e["index_builds"]
    return out


def differences(answer, seen):
    fails = answer["fails"]
    if seen["sqlstate"] is not None:
        if fails is None:
            return [f"failed with {seen['sqlstate']}, not foretold"]
        if fails["sqlstate"] == seen["sqlstate"] or (fails["sqlstate"] == "22000" and seen["sqlstate"].startswith("22")):
            return []
        return [f"failed with {seen['sqlstate']}, foretold {fails['sqlstate']} ({fails['why']})"]
    if fails is not None and (fails["certain"] or fails["sqlstate"] not in BY_ROWS):
        return [f"succeeded, foretold to fail with {fails['sqlstate']} ({fails['why']})"]
    out = []
    pre = said(answer)
    for key in ("locks", "rewrite", "scan", "builds"):
        if pre[key] != seen[key]:
            out.append(f"{key}: foretold {less(pre[key], seen[key])}, was {less(seen[key], pre[key])}")
    for name, lock in pre["indexes"].items():
        if seen["indexes"].get(name, "none") != lock:
            out.append(f"index {name}: foretold {lock}, was {seen['indexes'].get(name, 'none')}")
    if answer["unjudged"]:
        out.append("not judged")
    return out


def less(a, b):
    """What a has and b has not."""
    return {k: v for k, v in sorted(a.items()) if b.get(k) != v} if isinstance(a, dict) else sorted(a - b)


@pytest.fixture(scope="module")
def ground(server):
    db = server.new_db()
    conn = psycopg.connect(db.url, autocommit=True)
    conn.execute("DO $$ BEGIN CREATE ROLE migr_other; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    conn.execute(schema())
    # A vacuum in the middle would set the visibility map, and a scan foretold of a table become one of its index alone.
    conn.execute("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND oid >= 16384 LOOP "
                 "EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', t); END LOOP; END $$")
    conn.close()
    yield db
    db.drop()


def audit(server, ground):
    """(id, sql, differences) of every statement of this server's version."""
    version = server.major * 10000
    plain, probe, results, prepared = session(ground), Probe(ground), [], []
    for name, sql, setup in statements(server.major):
        if setup:
            prepared.append((name, sql, setup, probe.ask(f"{setup}; {sql}", version)))
            continue
        results.append((name, sql, differences(probe.ask(sql, version), observe(plain, sql))))
    plain.close()
    probe.close()
    with ThreadPoolExecutor(3) as pool:
        return results + list(pool.map(lambda job: prepared_audit(server, ground, version, *job), prepared))


def prepared_audit(server, ground, version, name, sql, setup, through_world):
    """After setup, in a database of its own: what the facts say, and what the world said."""
    db = server.new_db(f"footprint_{name}", ground.name)
    try:
        conn = session(db)
        conn.execute(setup)
        seen = observe(conn, sql)
        conn.close()
        probe = Probe(db)
        settings = "; ".join(s for s in setup.split(";") if s.strip().lower().startswith("set "))
        from_facts = probe.ask(f"{settings}; {sql}" if settings else sql, version)
        probe.close()
    finally:
        db.drop()
    diff = [f"from facts: {d}" for d in differences(from_facts, seen)]
    return name, sql, diff + [f"through the world: {d}" for d in differences(through_world, seen)]


def test_every_statement_does_what_was_foretold(server, ground):
    results = audit(server, ground)
    wrong = [f"{name}: {sql}\n    " + "\n    ".join(diff) for name, sql, diff in results if diff]
    print(f"footprint pg{server.major}: {len(results) - len(wrong)} of {len(results)} agree")
    assert not wrong, f"{len(wrong)} of {len(results)} differ\n" + "\n".join(wrong)


# What cannot run in a transaction: somebody else holds SHARE UPDATE EXCLUSIVE on the table, and the lock that the statement then
# waits for must be the one that was foretold.
OUTSIDE = [
    (13, "CREATE INDEX CONCURRENTLY ix ON p (y)", "p"),
    (13, "CREATE UNIQUE INDEX CONCURRENTLY ix ON p (y)", "p"),
    (13, "DROP INDEX CONCURRENTLY p_x", "p"),
    (13, "REINDEX INDEX CONCURRENTLY p_x", "p"),
    (13, "REINDEX TABLE CONCURRENTLY p", "p"),
    (14, "ALTER TABLE part_nd DETACH PARTITION pnd1 CONCURRENTLY", "part_nd"),
    (13, "VACUUM p", "p"),
    (13, "VACUUM (ANALYZE) p", "p"),
    (13, "VACUUM FULL p", "p"),
    (13, "VACUUM (FULL, ANALYZE) p", "p"),
]
WAITS = """SELECT mode FROM pg_locks WHERE pid = %s AND relation = %s::regclass AND NOT granted"""


@pytest.mark.parametrize("since, sql, table", OUTSIDE, ids=[s for _, s, _ in OUTSIDE])
def test_lock_of_what_runs_outside_a_transaction(server, ground, since, sql, table):
    if server.major < since:
        probe = Probe(ground)
        assert probe.ask(sql, server.major * 10000, tx=False)["fails"]["sqlstate"] == "42601"
        probe.close()
        return
    probe = Probe(ground)
    answer = probe.ask(sql, server.major * 10000, tx=False)
    inside = probe.ask(sql, server.major * 10000, tx=True)
    probe.close()
    assert inside["fails"]["sqlstate"] == "25001" and answer["fails"] is None or answer["fails"]["certain"] is False
    assert answer["outside_transaction"]
    holder, watcher = session(ground), session(ground)
    holder.execute(f"BEGIN; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    runner = subprocess.Popen(["psql", ground.url, "-Atqc", "SELECT pg_backend_pid()", "-c", "SET search_path = s", "-c",
                               "SET lock_timeout = '60s'", "-c", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid = int(runner.stdout.readline())
    try:
        waits = []
        await_that(lambda: waits.extend(watcher.execute(WAITS, (pid, f"s.{table}")).fetchall()) or waits, "the statement waits")
    finally:
        watcher.execute("SELECT pg_cancel_backend(%s)", (pid,))
        runner.communicate(timeout=60)
        holder.execute("ROLLBACK")
        holder.close()
        watcher.close()
    assert said(answer)["locks"][table] == MODES[waits[0][0]]
