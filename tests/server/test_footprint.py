"""The footprint engine against the servers: every statement of footprint_statements.txt is predicted from the live facts, then
run in a transaction that is rolled back, and what the server did must be what was said: the lock on every relation, what was
rewritten, read and built, and the SQLSTATE where it failed."""
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from lib.footprint import Before, Observed, Probe, cut, differences, lock_awaited, said

HERE = os.path.dirname(os.path.abspath(__file__))


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


def new_probe(db):
    return Probe(db.url, search_path="s")


def observe(probe, sql):
    """Runs sql in a transaction; what the server did, then rolled back."""
    probe.must("BEGIN")
    before = Before(probe)
    seen = Observed(probe, before, probe.run(sql))
    probe.must("ROLLBACK")
    return seen


@pytest.fixture(scope="module")
def ground(server):
    db = server.new_db()
    conn = psycopg.connect(db.url, autocommit=True)
    conn.execute("DO $$ BEGIN CREATE ROLE migr_other; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    conn.execute(schema())
    conn.close()
    yield db
    db.drop()


def audit(server, ground):
    """(id, sql, differences) of every statement of this server's version."""
    version = int(ground.sql("SHOW server_version_num")[0][0])             # a minor release may lock more
    probe, results, prepared = new_probe(ground), [], []
    for i, (name, sql, setup) in enumerate(statements(server.major)):
        if i % 50 == 49:
            ground.vacuum_catalogs()
        if setup:
            prepared.append((name, sql, setup, probe.predict(f"{setup}; {sql}", version, kept=True)[-1]))
            continue
        results.append((name, sql, differences(probe.predict(sql, version, kept=True)[-1], observe(probe, sql))))
    probe.close()
    ground.vacuum_catalogs()
    with ThreadPoolExecutor(3) as pool:
        return results + list(pool.map(lambda job: prepared_audit(server, ground, version, *job), prepared))


def prepared_audit(server, ground, version, name, sql, setup, through_world):
    """After setup, in a database of its own: what the facts say, and what the world said."""
    db = server.new_db(f"footprint_{name}", ground.name)
    try:
        probe = new_probe(db)
        for part in cut(probe, setup):
            probe.must(part)
        seen = observe(probe, sql)
        from_facts = probe.predict(sql, version)[-1]
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


# What fails there, each in a database of its own; the statement before may fail as well.
OUTSIDE_FAILS = [
    (13, "", "CREATE INDEX CONCURRENTLY ix ON part (k)", "0A000"),
    (13, "", "DROP INDEX CONCURRENTLY p_x CASCADE", "0A000"),
    (13, "", "DROP INDEX CONCURRENTLY p_x, p_t", "0A000"),
    (13, "", "DROP INDEX CONCURRENTLY p_uq", "2BP01"),
    (13, "", "DROP INDEX CONCURRENTLY part_v", "0A000"),
    (14, "", "ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY", "55000"),
    (13, "CREATE UNIQUE INDEX CONCURRENTLY bad ON p (v)", "ALTER TABLE p ADD CONSTRAINT bad UNIQUE USING INDEX bad", "55000"),
    (13, "CREATE UNIQUE INDEX CONCURRENTLY bad ON p (v)", "CREATE UNIQUE INDEX CONCURRENTLY bad ON p (v)", "42P07"),
]


@pytest.mark.parametrize("since, first, sql, sqlstate", OUTSIDE_FAILS, ids=[s for _, _, s, _ in OUTSIDE_FAILS])
def test_failure_outside_a_transaction(server, ground, since, first, sql, sqlstate):
    if server.major < since:
        sqlstate = "42601"
    db = server.new_db("footprint_fails", ground.name)
    try:
        probe = new_probe(db)
        if first:
            probe.run(first)
        answer = probe.predict(sql, server.major * 10000, tx=False)[-1]
        assert (answer["fails"]["sqlstate"], answer["fails"]["certain"]) == (sqlstate, True)
        assert probe.run(sql).sqlstate == sqlstate
        probe.close()
    finally:
        db.drop()


@pytest.mark.parametrize("since, sql, table", OUTSIDE, ids=[s for _, s, _ in OUTSIDE])
def test_lock_of_what_runs_outside_a_transaction(server, ground, since, sql, table):
    probe, version = new_probe(ground), server.major * 10000
    answer, inside = probe.predict(sql, version, tx=False)[-1], probe.predict(sql, version)[-1]
    if server.major < since:
        assert answer["fails"]["sqlstate"] == "42601"
        probe.close()
        return
    assert inside["fails"]["sqlstate"] == "25001" and answer["fails"] is None or answer["fails"]["certain"] is False
    assert answer["outside_transaction"]
    mode, _ = lock_awaited(probe, ground.connect(), f"s.{table}", sql, cancel=True)
    probe.close()
    assert said(answer)["locks"][f"s.{table}"] == mode
