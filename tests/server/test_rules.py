"""Every rule's proof on every version: its setup is run, the facts are read live, what is bad must be found and what is good must
not be; then what is bad is really run, and what the rule claims (lock, rewrite, scan, index build, failure, an answer afterwards)
is held against what the server did. A claim that is not so fails here; so does docs/rules/measured when a server does something else
than what is written there (./dev measure writes it anew).

Oracle: the server's own DEBUG1 messages, pg_locks of our own backend, relfilenodes, pg_stat_xact_user_tables."""
import contextlib
import json
import re
import subprocess
import threading

import psycopg
import pytest

from lib import measured
from lib.runs import BIN, Project
from lib.servers import Bouncer, await_that, majors


def all_rules():
    return json.loads(subprocess.run([BIN, "rules", "--json"], capture_output=True, text=True, check=True).stdout)["rules"]


RULES = all_rules()
LOCKS = ["AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
         "ExclusiveLock", "AccessExclusiveLock"]


def lock_name(mode):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


RESET = """DO $$ DECLARE s name; BEGIN
    FOR s IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', s); END LOOP;
    FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', s);
    END LOOP;
    CREATE SCHEMA public;
    GRANT ALL ON SCHEMA public TO PUBLIC;
END $$"""


def emptied(server):
    """One database for each server, emptied: creating one for each of some hundred proofs takes longer than the proofs."""
    if not hasattr(server, "proofs"):
        server.proofs = server.new_db("proofs")
        with server.connect() as c:                         # somewhere to move a table to
            c.execute("SET allow_in_place_tablespaces = on")
            c.execute("CREATE TABLESPACE pgrail_proof_space LOCATION ''")
    db = server.proofs
    for (gid,) in db.sql("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
        db.sql(f"ROLLBACK PREPARED '{gid}'")
    db.sql(RESET)
    db.vacuum_catalogs()
    return db


@contextlib.contextmanager
def around(rule, server):
    """What a proof needs beside its setup: a standby that listens, for the rule about standbys; PgBouncer, for that about poolers. Gives
    the server that check goes to."""
    if rule["rule"] == "pooler-session-settings":
        bouncer = Bouncer(server)
        try:
            yield bouncer
        finally:
            bouncer.close()
        return
    if rule["rule"] != "standby-conflict":
        yield server
        return
    with psycopg.connect(server.conninfo() + " replication=true", autocommit=True) as standby:
        system = standby.pgconn.exec_(b"IDENTIFY_SYSTEM")
        standby.pgconn.exec_(b"START_REPLICATION " + system.get_value(0, 2))
        count = "SELECT count(*) FROM pg_stat_replication"
        with server.connect() as c:
            await_that(lambda: c.execute(count).fetchone()[0] == 1, "a standby listens")
        try:
            yield server
        finally:
            standby.pgconn.finish()
            with server.connect() as c:
                await_that(lambda: c.execute(count).fetchone()[0] == 0, "the standby is gone")


class Seen:
    """What the server did to one relation."""

    def __init__(self):
        self.lock = self.sqlstate = self.answer = None
        self.rewrites = self.scans = self.builds = False


def oid_of(cur, name):
    return cur.execute("SELECT to_regclass(%s)::oid", [name]).fetchone()[0]


def cell_text(value):
    return {True: "t", False: "f"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def listen(conn, notices):
    conn.add_notice_handler(lambda d: notices.append(d.message_primary))
    conn.execute("SET client_min_messages = debug1; SET lc_messages = 'C'")


def filenode(cur, oid):
    return cur.execute("SELECT pg_relation_filenode(%s)", [oid]).fetchone()[0]


def read_work(seen, notices, name):
    table = f'"{name}"'
    seen.builds = any(re.search(rf"building index .* on table {table}", n) for n in notices)
    seen.scans = any(f"verifying table {table}" in n or "validating foreign key constraint" in n for n in notices)


def run_in_tx(db, sql, claim):
    """The script in one transaction, looked at before it ends, and rolled back."""
    seen, notices = Seen(), []
    with db.connect(autocommit=False) as conn:
        listen(conn, notices)
        conn.commit()
        cur = conn.cursor()
        oid = oid_of(cur, claim["on"])
        before = filenode(cur, oid) if oid else None
        notices.clear()
        try:
            cur.execute(sql)
            while cur.nextset():
                pass
        except psycopg.Error as e:
            seen.sqlstate = e.sqlstate
            conn.rollback()
            return seen
        read_work(seen, notices, claim["on"])
        held = {m for (m,) in cur.execute("SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = %s", [oid]).fetchall()}
        seen.lock = next((lock_name(m) for m in reversed(LOCKS) if m in held), None)
        seen.rewrites = before is not None and filenode(cur, oid) not in (None, before)
        read = cur.execute("SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_xact_user_tables WHERE relid = %s", [oid]).fetchone()[0]
        seen.scans = seen.scans or read > 0
        if claim["query"]:
            seen.answer = cell_text(cur.execute(claim["query"]).fetchone()[0])
        conn.rollback()
        conn.execute("SELECT pg_advisory_unlock_all()")     # these outlive the transaction, and for a moment the connection too
    return seen


def lock_wanted(db, sql, oid):
    """A statement that ends its own transaction: somebody who reads the table makes it wait, and it shows what it waits for."""
    with db.connect(autocommit=False) as reader, db.connect() as worker, db.connect() as watcher:
        reader.execute(f"LOCK TABLE {reader.execute('SELECT %s::regclass::text', [oid]).fetchone()[0]} IN ACCESS SHARE MODE")
        pid = worker.info.backend_pid
        thread = threading.Thread(target=worker.execute, args=[sql])
        thread.start()
        try:
            query = "SELECT mode FROM pg_locks WHERE pid = %s AND relation = %s AND NOT granted"
            mode = await_that(lambda: watcher.execute(query, [pid, oid]).fetchone(), f"{sql} waits for its lock")[0]
        finally:
            reader.rollback()
            thread.join()
    return lock_name(mode)


def run_alone(db, sql, claim):
    """Outside a transaction."""
    seen, notices = Seen(), []
    with db.connect() as conn:
        oid = oid_of(conn.cursor(), claim["on"])
        if claim["lock"]:
            seen.lock = lock_wanted(db, sql, oid)
        listen(conn, notices)
        before = filenode(conn.cursor(), oid)
        notices.clear()
        try:
            for statement in sql.split("; "):
                conn.execute(statement)
        except psycopg.Error as e:
            seen.sqlstate = e.sqlstate
            return seen
        read_work(seen, notices, claim["on"])
        seen.rewrites = filenode(conn.cursor(), oid) != before
        if claim["query"]:
            seen.answer = cell_text(conn.execute(claim["query"]).fetchone()[0])
    return seen


def untrue(claim, seen):
    """What of the claim is not so, as sentences."""
    if claim["fails"] or seen.sqlstate:
        return [] if claim["fails"] == seen.sqlstate else [f"claims failure {claim['fails']}, the server said {seen.sqlstate}"]
    wrong = []
    if claim["lock"] and claim["lock"] != seen.lock:
        wrong.append(f"claims {claim['lock']}, the server held {seen.lock}")
    work = claim["lock"] is not None or claim["rewrites"] or claim["scans"] or claim["builds"]
    if work and claim["rewrites"] != seen.rewrites:
        wrong.append(f"claims rewrites={claim['rewrites']}, the server rewrote: {seen.rewrites}")
    if work and not seen.rewrites and claim["builds"] != seen.builds:        # a rewrite builds and reads by itself
        wrong.append(f"claims builds={claim['builds']}, the server built an index: {seen.builds}")
    if work and not seen.rewrites and not seen.builds and claim["scans"] != seen.scans:
        wrong.append(f"claims scans={claim['scans']}, the server read all rows: {seen.scans}")
    if claim["query"] and claim["answer"] != seen.answer:
        wrong.append(f"claims that {claim['query']} gives {claim['answer']}, it gave {seen.answer}")
    return wrong


def judge(project, rule, scripts):
    """Indexes of the scripts in which check finds the rule, with live facts."""
    files = []
    if rule["conventions"]:
        project.sections.append(f"[conventions]\n{rule['conventions']}")
        project.write_conf()
    for i, sql in enumerate(scripts):
        text = f"BEGIN;\nCOMMIT;\n{sql};\n" if rule["own_tx"] else f"BEGIN;\n{sql};\nCOMMIT;\n"
        project.write(f"examples/{i}.sql", text)
        files.append(f"examples/{i}.sql")
    result = project.pgrail("check", *files, "--env", "live", "--runner", rule["runner"], "--json")
    assert result.status in (0, 1, 3), result.err
    assert result.json["facts"]["source"] == "live"
    return {int(re.search(r"(\d+)\.sql", f["path"]).group(1)) for f in result.json["findings"] if f["rule"] == rule["rule"]}


def in_range(rule, server):
    with server.connect() as conn:
        version = conn.info.server_version
    return (rule["pg_from"] or 0) <= server.major <= (rule["pg_to"] or 99) and version <= (rule["version_to"] or version)


def counted(db, rule):
    """Counters of the server arrive a moment after the session that they are about has ended."""
    if rule["rule"] == "drop-used-index":
        await_that(lambda: db.value("SELECT min(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 't_a'") > 0, "the scan is counted")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r["rule"])
def test_proof(rule, server, tmp_path, home):
    if not in_range(rule, server):
        return                                              # the rule is not about this version: judged nowhere, so not proven here
    db = emptied(server)
    db.sql(rule["setup"])
    counted(db, rule)
    with around(rule, server) as door:
        prove(rule, db, Project(tmp_path / "project", home).environment("live", door.url(db.name)))


def prove(rule, db, project):
    found = judge(project, rule, rule["bad"] + rule["good"])
    n = len(rule["bad"])
    missed = [rule["bad"][i] for i in range(n) if i not in found]
    wronged = [rule["good"][i - n] for i in found if i >= n]
    assert not missed, f"bad, and not found: {missed}"
    assert not wronged, f"good, and found: {wronged}"
    run, did = run_alone if rule["own_tx"] else run_in_tx, []
    for sql in rule["bad"]:
        seen = run(db, sql, rule["claim"])
        assert not untrue(rule["claim"], seen), f"{sql}: {untrue(rule['claim'], seen)}"
        did.append(measured.record(seen))
    if measured.WRITING:
        measured.add(rule["rule"], rule["bad"], db.server.major, did)
    else:
        assert not (why := measured.disagreement(rule["rule"], rule["bad"], db.server.major, did)), why


def mutations(claim):
    """Claims that are not so, one change each."""
    if claim["fails"]:
        return [{**claim, "fails": "99999"}, {**claim, "fails": None}]
    out = [{**claim, "fails": "23502"}]
    if claim["lock"]:
        out.append({**claim, "lock": "SHARE" if claim["lock"] != "SHARE" else "ACCESS EXCLUSIVE"})
        out.append({**claim, "rewrites": not claim["rewrites"]})
        if not claim["rewrites"]:
            out.append({**claim, "builds": not claim["builds"]})
        if not claim["rewrites"] and not claim["builds"]:
            out.append({**claim, "scans": not claim["scans"]})
    if claim["query"]:
        out.append({**claim, "answer": "something else"})
    return out


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r["rule"])
def test_a_wrong_claim_is_seen(rule, pool):
    """The oracle is no rubber stamp: each single change of each claim is contradicted by the same run."""
    about = [s for s in map(pool.get, sorted(majors(), key=lambda m: abs(m - 15))) if in_range(rule, s)]
    if not about:
        return                                              # about servers that nobody should run any more
    db = emptied(about[0])
    db.sql(rule["setup"])
    claim = rule["claim"]
    with around(rule, db.server):
        seen = (run_alone if rule["own_tx"] else run_in_tx)(db, rule["bad"][0], claim)
    assert not untrue(claim, seen), untrue(claim, seen)
    for wrong in mutations(claim):
        assert untrue(wrong, seen), f"not contradicted: {wrong}"
