"""apply, rollback, verify and status on real servers: the whole way, and every refusal."""
import os
import re
import signal
import sqlite3

import pytest

from lib.applying import (COLUMN, INDEX, UNCOLUMN, UNINDEX, Held, Kit, await_gone, await_query, await_waiting, backend_of, history, index_state,
                          key_of)
from lib.servers import await_that

REFUSED, DB, CONNECT, RETRIES, ABORTED, INTERRUPTED, PERSON = 3, 4, 5, 6, 7, 8, 9


@pytest.fixture
def kit(project, make_db):
    return Kit(project, make_db)


def ledger(kit):
    return sqlite3.connect(f"{kit.project.home}/state/pgrail/ledger.db")


# ---- the whole way, on every version

def test_concurrent_index_the_whole_way(server, project, make_db):
    kit = Kit(project, make_db)
    project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    page = p.plain()
    for said in ("Apply 0001_idx on production", "CREATE INDEX CONCURRENTLY items_invoice_idx", "took", "in rehearsal", "approved by", "mara",
                 "stops itself at", "nobody: readers and writers go on", "5,000 rows", "pgrail rollback 0001_idx", "proven and recorded"):
        assert said in page, f"{said!r} is not in\n{page}"
    assert index_state(kit.production) is True
    assert history(kit.production) == [("0001_idx", "up")]
    assert kit.production.value("SELECT approved_by FROM pgrail.history") == "mara"
    assert kit.state("0001_idx") == "applied"
    assert kit.run("verify", "1", "--env", "production").status == 0
    assert kit.approve("1", down=True).status == 0
    p = kit.apply("1", verb="rollback")
    assert p.status == 0, p.plain()
    assert index_state(kit.production) is None
    assert history(kit.production) == [("0001_idx", "up"), ("0001_idx", "down")]
    assert kit.state("0001_idx") == "pending"
    assert kit.run("verify", "1", "--env", "production").status == 1


def test_one_transaction_the_whole_way(server, project, make_db):
    kit = Kit(project, make_db)
    project.migration(1, "vat", COLUMN, UNCOLUMN)
    kit.ready("1", down=True)
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    assert "exactly as in the rehearsal" in p.plain()
    assert kit.production.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'vat'") == 1
    p = kit.apply("1", verb="rollback")
    assert p.status == 0, p.plain()
    assert kit.production.value("SELECT to_regclass('vat_rates') IS NULL")
    assert history(kit.production) == [("0001_vat", "up"), ("0001_vat", "down")]


def test_unprotected_needs_neither_approval_nor_seam(server, project, make_db):
    kit = Kit(project, make_db)
    project.migration(1, "vat", COLUMN, UNCOLUMN)
    r = kit.run("apply", "1", "--env", "dev", "--json").ok()
    assert r.json["outcome"] == "applied" and r.json["verification"]["proven"] and r.json["recorded"]
    assert [s["state"] for s in r.json["statements"]] == ["done", "done"]
    assert history(kit.production) == [("0001_vat", "up")]
    r = kit.run("rollback", "1", "--env", "dev", "--json").ok()
    assert r.json["outcome"] == "rolled back"


# ---- refusals: REFUSED, NOT_GROUNDED, STALE, NOT_REHEARSED, NOT_APPROVED

def refused(kit, code, *words, verb="apply"):
    r = kit.run(verb, "1", "--env", "production", "--json")
    assert r.status == REFUSED, r.out + r.err
    assert r.json["error"]["code"] == code, r.out
    for w in words:
        assert w in r.out, f"{w!r} is not in\n{r.out}"
    assert history(kit.production) == []
    assert kit.production.value("SELECT to_regnamespace('pgrail') IS NULL"), "nothing may be written before the yes"
    return r.json


def test_each_step_is_needed(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    assert "pgrail ground" in refused(kit, "NOT_GROUNDED")["error"]["hint"]
    kit.run("ground", "1", "--env", "production").ok()
    assert "pgrail rehearse" in refused(kit, "NOT_REHEARSED")["error"]["hint"]
    kit.run("rehearse", "1", "--env", "production").ok()
    assert "pgrail approve" in refused(kit, "NOT_APPROVED")["error"]["hint"]
    kit.approve("1").ok()
    r = kit.run("apply", "1", "--env", "production", input="YES\n")
    assert r.status == REFUSED and "terminal" in r.err      # a pipe is no person
    assert history(kit.production) == []
    assert kit.apply("1").status == 0


def test_stale_grounding(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    kit.production.sql("ALTER TABLE items ADD COLUMN somebody_elses int")
    refused(kit, "STALE", "items")


def test_other_bytes(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    text = kit.project.read("migrations/0001_idx.up.sql")
    kit.project.write("migrations/0001_idx.up.sql", text + "-- one more comment\n")
    refused(kit, "NOT_REHEARSED", "changed")


def test_expired_approval(kit):
    kit.conf(approval_max_age="1min")
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    later = str(int(kit.production.value("SELECT extract(epoch FROM now())::bigint")) + 120)
    r = kit.run("apply", "1", "--env", "production", "--json", env={"PGRAIL_TEST_NOW": later})
    assert r.status == REFUSED and r.json["error"]["code"] == "NOT_APPROVED", r.out


def test_old_rehearsal(kit):
    kit.conf(rehearsal_max_age="1h")
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    later = str(int(kit.production.value("SELECT extract(epoch FROM now())::bigint")) + 7200)
    r = kit.run("apply", "1", "--env", "production", "--json", env={"PGRAIL_TEST_NOW": later})
    assert r.status == REFUSED and r.json["error"]["code"] == "STALE", r.out


@pytest.mark.parametrize("column, change", [
    ("signature", "replace(signature, substr(signature, 100, 8), 'AAAAAAAA')"),
    ("statement", "replace(statement, 'direction: up', 'direction: up ')"),
])
def test_forged_approval(kit, column, change):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    with ledger(kit) as c:
        assert c.execute(f"UPDATE approval SET {column} = {change}").rowcount == 1
    refused(kit, "NOT_APPROVED")


def test_a_rehearsal_that_was_made_to_pass(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    with ledger(kit) as c:
        c.execute("UPDATE rehearsal SET doc = replace(doc, '\"staging_rows\":5000', '\"staging_rows\":9000')")
    refused(kit, "NOT_REHEARSED", "not the one that was written")


LOSSY = "-- author: Mara Lind <mara@example.org>\n-- pgrail:ignore drop-column nobody reads it\nALTER TABLE items DROP COLUMN note;\n"


def test_what_loses_data_is_approved_by_another_person_who_types_its_name(server, project, make_db):
    kit = Kit(project, make_db, approvers=("mara@example.org", "jo@example.org"))
    project.migration(1, "lossy", LOSSY, "ALTER TABLE items ADD COLUMN note text;\n")
    kit.run("ground", "1", "--env", "production").ok()
    kit.run("rehearse", "1", "--env", "production").ok()
    own = kit.approve("1", "mara@example.org")
    assert own.status == REFUSED and "mara@example.org wrote 0001_lossy, and data is lost: items.note (line 4)" in own.out, own.out
    wrong = kit.approve("1", "jo@example.org", types="items")
    assert wrong.status == REFUSED and "not confirmed: items.note was expected" in wrong.out, wrong.out
    assert "ALTER TABLE items DROP COLUMN note" in wrong.out and "review: mandatory" in wrong.out      # all is seen before the question
    piped = kit.run("approve", "1", "--env", "production", "--key", key_of(project, "jo@example.org"), input="items.note\n")
    assert piped.status == REFUSED and "terminal" in piped.err, piped.err
    assert ledger(kit).execute("SELECT count(*) FROM approval").fetchone() == (0,)
    kit.approve("1", "jo@example.org").ok()
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    assert kit.production.value("SELECT approved_by FROM pgrail.history") == "jo@example.org"


def test_an_author_who_approved_what_turned_mandatory_is_refused(kit):
    kit.approvers("mara@example.org", "jo@example.org")
    kit.project.migration(1, "lossy", LOSSY, "ALTER TABLE items ADD COLUMN note text;\n")
    conf = kit.project.read("pgrail.conf")
    kit.project.write("pgrail.conf", conf + "[review]\nloss = thorough\n")
    kit.ready("1", who=("mara@example.org",))
    kit.project.write("pgrail.conf", conf)
    refused(kit, "NOT_APPROVED", "mara@example.org wrote the migration, and data is lost: items.note: another person must approve")
    kit.approve("1", "jo@example.org").ok()
    assert kit.apply("1").status == 0


def test_signer_who_is_no_approver_any_more(kit):
    kit.approvers("mara", "jo")
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1", who=("jo",))
    kit.approvers("mara")
    refused(kit, "NOT_APPROVED", "jo")


def test_two_persons_are_two_persons(kit):
    kit.approvers("mara", "jo")
    kit.conf(approvals="2")
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1", who=("mara", "mara"))
    refused(kit, "NOT_APPROVED", "1 of 2")
    kit.approve("1", "jo").ok()
    assert kit.apply("1").status == 0
    assert kit.production.value("SELECT approved_by FROM pgrail.history") in ("mara, jo", "jo, mara")


def test_an_approval_counts_once(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    assert kit.apply("1").status == 0
    kit.approve("1", down=True).ok()
    assert kit.apply("1", verb="rollback").status == 0
    r = kit.run("apply", "1", "--env", "production", "--json")
    assert r.status == REFUSED and r.json["error"]["code"] == "NOT_APPROVED", r.out


def test_approval_for_another_database(kit, make_db):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    kit.env["PRODUCTION_URL"] = kit.staging.url
    r = kit.run("apply", "1", "--env", "production", "--json")
    assert r.status == REFUSED and r.json["error"]["code"] in ("STALE", "NOT_APPROVED"), r.out


@pytest.mark.parametrize("answer", ["yes", "YES ", "Y", "", "no"])
def test_anything_but_yes_is_no(kit, answer):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    p = kit.apply("1", answer)
    assert p.status == REFUSED, p.plain()
    assert index_state(kit.production) is None and history(kit.production) == []
    assert kit.status()["unfinished"] == []
    assert kit.apply("1").status == 0               # the approval was not used up


def test_ctrl_c_at_the_seam(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    p = kit.seam("apply", "1", "--env", "production")
    p.expect("Type YES")
    p.send("\x03")
    assert p.wait() == INTERRUPTED
    assert kit.status()["unfinished"] == [] and history(kit.production) == []


def test_applied_twice_and_changed_after(kit):
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    kit.run("apply", "1", "--env", "dev").ok()
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == REFUSED and r.json["error"]["code"] == "REFUSED"
    kit.project.write("migrations/0001_vat.up.sql", COLUMN + "-- edited\n")
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == REFUSED and "changed after" in r.json["error"]["message"]
    s = kit.run("status", "--env", "dev", "--json")
    assert s.status == 1 and s.json["migrations"][0]["state"] == "changed"      # DRIFT
    v = kit.run("verify", "1", "--env", "dev", "--json")
    assert v.status == 1 and [c["holds"] for c in v.json["checks"]].count(False) == 1     # UNPROVEN


def test_a_repeatable_migration_is_run_again_when_it_changed(kit):
    kit.project.write("migrations/V1__items.sql", "ALTER TABLE items ADD COLUMN vat int;\n")
    kit.project.write("migrations/R__paid.sql", "CREATE OR REPLACE VIEW paid AS SELECT id FROM items WHERE paid_at IS NOT NULL;\n")
    which = next(m["id"] for m in kit.status("dev")["migrations"] if "paid" in m["id"])
    kit.run("apply", which, "--env", "dev").ok()
    assert kit.run("apply", which, "--env", "dev").status == REFUSED
    kit.project.write("migrations/R__paid.sql", "CREATE OR REPLACE VIEW paid AS SELECT id FROM items WHERE paid_at > '2020-01-01';\n")
    kit.run("apply", which, "--env", "dev").ok()
    assert "2020" in kit.production.value("SELECT pg_get_viewdef('paid')")


def test_nothing_to_roll_back(kit):
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    r = kit.run("rollback", "1", "--env", "dev", "--json")
    assert r.status == REFUSED and "not applied" in r.json["error"]["message"]


def test_no_down_script(kit):
    kit.project.migration(1, "vat", COLUMN)
    kit.run("apply", "1", "--env", "dev").ok()
    r = kit.run("rollback", "1", "--env", "dev", "--json")
    assert r.status == REFUSED and "roll forward" in r.json["error"]["hint"]


@pytest.mark.parametrize("up, down, kind", [
    (COLUMN, UNCOLUMN, "redeploy"),
    (INDEX, UNINDEX, "down"),
    ("ALTER TABLE items DROP COLUMN note;\n", "ALTER TABLE items ADD COLUMN note text;\n", "restore"),
    (INDEX, None, "forward"),
])
def test_kinds_of_rollback(kit, up, down, kind):
    kit.project.migration(1, "x", up, down)
    assert kit.run("rollback", "1", "--env", "dev", "--explain", "--json").ok().json["rollback_kind"] == kind


# ---- others in the way

def test_busy(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.project.migration(2, "vat", COLUMN, UNCOLUMN)
    kit.settings.update(lock_timeout="10min")
    kit.conf()
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ"):
        p = kit.start("apply", "1", "--env", "dev")
        await_waiting(kit.production)
        other = kit.run("apply", "1", "--env", "dev", "--json")
        assert other.status == RETRIES and other.json["error"]["code"] == "BUSY", other.out
        assert kit.state("0001_idx", "dev") == "running"
        s = kit.status("dev")["unfinished"][0]
        assert s["process_alive"] and s["backend_alive"]
    assert p.wait(60) == 0, p.stdout.read()
    p.stdout.close()


def test_busy_from_another_machine(kit, tmp_path):
    """Another ledger: only the lock in the database keeps the two apart."""
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.settings.update(lock_timeout="10min")
    kit.conf()
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ"):
        p = kit.start("apply", "1", "--env", "dev")
        pid = await_waiting(kit.production)
        other = kit.run("apply", "1", "--env", "dev", "--json", env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")})
        assert other.status == RETRIES and f"session {pid}" in other.json["error"]["message"], other.out
    assert p.wait(60) == 0, p.stdout.read()
    p.stdout.close()


def test_somebody_who_was_there_before(kit):
    """Seen before queueing: nobody waits behind us, and after the attempts it gives up."""
    kit.settings.update(lock_timeout="100ms", lock_attempts="2", retry_max="50ms")
    kit.conf()
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    with Held(kit.production, "SELECT count(*) FROM items") as held:
        await_that(lambda: kit.production.value("SELECT now() - xact_start > '200ms' FROM pg_stat_activity WHERE pid = %s", held.pid), "it is old")
        r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == RETRIES and r.json["error"]["code"] == "RETRIES", r.out
    assert str(held.pid) in r.out
    assert history(kit.production) == [] and kit.status("dev")["unfinished"] == []


def test_lock_timeout_is_tried_again(kit):
    kit.settings.update(lock_timeout="1500ms", lock_attempts="20", retry_max="100ms")
    kit.conf()
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    held = Held(kit.production)
    p = kit.start("apply", "1", "--env", "dev")
    await_query(kit.production, "", "pgrail/apply watch")
    held.connection.execute("SELECT count(*) FROM items")
    for line in p.stdout:
        if "attempt 1 of 20" in line:
            break
    held.done()
    rest = p.stdout.read()
    assert p.wait(60) == 0, rest
    p.stdout.close()
    assert history(kit.production) == [("0001_vat", "up")]


def test_concurrently_does_not_begin_behind_an_old_snapshot(kit):
    kit.settings.update(lock_timeout="100ms", lock_attempts="2", retry_max="50ms")
    kit.conf()
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    with Held(kit.production, "SELECT 1", isolation="REPEATABLE READ") as held:
        await_that(lambda: kit.production.value("SELECT now() - xact_start > '200ms' FROM pg_stat_activity WHERE pid = %s", held.pid), "it is old")
        r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == RETRIES and "snapshot" in r.out, r.out
    assert index_state(kit.production) is None


# ---- stopped

SLEEPS = "ALTER TABLE items ADD COLUMN vat int;\nSELECT pg_sleep(60);\n"


def test_the_watch_stops_what_others_wait_for(server, project, make_db):
    kit = Kit(project, make_db)
    project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    p = kit.start("apply", "1", "--env", "dev", "--json")
    await_query(kit.production, "pg_sleep(60)")
    with kit.production.connect() as c:                     # a reader that is made to wait
        c.execute("SELECT count(*) FROM items")             # comes back when ours was stopped
    out = p.communicate(timeout=60)[0]
    assert p.returncode == ABORTED, out
    assert "ABORTED" in out and "nothing was changed" in out
    assert kit.production.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'vat'") == 0
    assert kit.status("dev")["unfinished"] == []


def test_a_plain_role_sees_who_waits_too(server, project, make_db):
    """The migrator is no superuser and no member of pg_monitor, the application another role: the usual case in production."""
    kit = Kit(project, make_db)
    kit.production.sql(f"""DO $$ BEGIN CREATE ROLE migrator LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT CREATE ON DATABASE {kit.production.name} TO migrator; GRANT CREATE, USAGE ON SCHEMA public TO migrator; ALTER TABLE items OWNER TO migrator""")
    kit.env["DEV_URL"] = server.url(kit.production.name, "migrator")
    project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    project.migration(2, "idx", INDEX, UNINDEX)
    p = kit.start("apply", "1", "--env", "dev", "--json")
    await_query(kit.production, "pg_sleep(60)")
    with kit.production.connect() as c:
        c.execute("SELECT count(*) FROM items")
    out = p.communicate(timeout=60)[0]
    assert p.returncode == ABORTED, out
    r = kit.run("apply", "2", "--env", "dev", "--json").ok()
    assert any(c["what"] == "sight" and "pg_read_all_stats" in c["found"] for c in r.json["preflight"])
    assert kit.production.value("SELECT applied_by FROM pgrail.history") == "migrator"
    kit.run("rollback", "2", "--env", "dev").ok()


def test_ctrl_c_in_a_transaction(kit):
    kit.project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    p = kit.seam("apply", "1", "--env", "dev")
    await_query(kit.production, "pg_sleep(60)")
    p.send("\x03")
    assert p.wait() == INTERRUPTED, p.plain()
    assert "nothing was changed" in p.plain()
    assert backend_of(kit.production) is None
    assert kit.production.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'vat'") == 0


def test_ctrl_c_in_a_concurrent_index(server, project, make_db):
    kit = Kit(project, make_db, lock_timeout="10min")
    project.migration(1, "idx", INDEX, UNINDEX)
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ"):
        p = kit.seam("apply", "1", "--env", "dev")
        await_waiting(kit.production)
        assert index_state(kit.production) is False
        p.send("\x03")
        p.expect("removing what it left")
    assert p.wait() == INTERRUPTED, p.plain()
    assert index_state(kit.production) is None
    assert history(kit.production) == [] and kit.status("dev")["unfinished"] == []


def test_an_invalid_index_of_others_is_left_alone(kit):
    kit.production.sql("UPDATE items SET invoice = 1; CREATE TABLE other (a int); INSERT INTO other VALUES (1), (1)")
    with pytest.raises(Exception):
        kit.production.sql("CREATE UNIQUE INDEX CONCURRENTLY other_a_idx ON other (a)")
    assert index_state(kit.production, "other_a_idx") is False
    kit.project.migration(1, "uniq", "CREATE UNIQUE INDEX CONCURRENTLY items_invoice_key ON items (invoice);\n", "DROP INDEX CONCURRENTLY items_invoice_key;\n")
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == DB and r.json["error"]["sqlstate"] == "23505", r.out
    assert index_state(kit.production, "items_invoice_key") is None, "ours is dropped"
    assert index_state(kit.production, "other_a_idx") is False, "theirs stays"
    assert kit.status("dev")["invalid_indexes"][0]["index"] == "public.other_a_idx"


def test_an_invalid_index_in_the_way(kit):
    kit.production.sql("UPDATE items SET invoice = 1")
    with pytest.raises(Exception):
        kit.production.sql("CREATE UNIQUE INDEX CONCURRENTLY items_invoice_idx ON items (invoice)")
    kit.project.migration(1, "idx", INDEX.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"), UNINDEX)
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == PERSON and "DROP INDEX CONCURRENTLY" in r.json["error"]["hint"], r.out


def test_cut_connection_in_a_transaction(kit):
    kit.project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    p = kit.start("apply", "1", "--env", "dev", "--json")
    pid = await_query(kit.production, "pg_sleep(60)")
    kit.production.sql("SELECT pg_terminate_backend(%s)", pid)
    out = p.communicate(timeout=60)[0]
    assert p.returncode == CONNECT and "nothing was changed" in out, out
    assert history(kit.production) == [] and kit.status("dev")["unfinished"] == []


def test_cut_connection_in_a_concurrent_index(kit):
    kit.settings.update(lock_timeout="10min")
    kit.conf()
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ") as held:
        p = kit.start("apply", "1", "--env", "dev", "--json")
        pid = await_waiting(kit.production)
        kit.production.sql("SELECT pg_terminate_backend(%s)", pid)
        await_that(lambda: (b := backend_of(kit.production)) is not None and b != pid, "a new session")
        held.done()
    out = p.communicate(timeout=60)[0]
    assert p.returncode == CONNECT and "nothing was changed" in out, out
    assert index_state(kit.production) is None and kit.status("dev")["unfinished"] == []


def test_a_lost_watch_stops_the_statement(kit):
    kit.project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    p = kit.start("apply", "1", "--env", "dev", "--json")
    await_query(kit.production, "pg_sleep(60)")
    kit.production.sql("SELECT pg_terminate_backend(%s)", backend_of(kit.production, "pgrail/apply watch"))
    out = p.communicate(timeout=60)[0]
    assert p.returncode == ABORTED, out
    assert history(kit.production) == []


# ---- without a transaction, in part

TWO = "CREATE INDEX CONCURRENTLY items_invoice_idx ON items (invoice);\nCREATE UNIQUE INDEX CONCURRENTLY items_note_key ON items (note);\n"
UNTWO = "DROP INDEX CONCURRENTLY IF EXISTS items_note_key;\nDROP INDEX CONCURRENTLY IF EXISTS items_invoice_idx;\n"


def test_stopped_in_the_middle_goes_on(kit):
    kit.production.sql("UPDATE items SET note = 'same' WHERE id < 3")
    kit.project.migration(1, "two", TWO, UNTWO)
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == PERSON and r.json["outcome"] == "in part", r.out
    assert index_state(kit.production) is True and index_state(kit.production, "items_note_key") is None
    assert history(kit.production) == []
    unfinished = kit.status("dev")["unfinished"]
    assert unfinished[0]["state"] == "stopped" and "pgrail apply 0001_two" in unfinished[0]["words"]
    made = kit.production.value("SELECT 'items_invoice_idx'::regclass::oid")
    kit.production.sql("UPDATE items SET note = 'other' WHERE id = 1")
    r = kit.run("apply", "1", "--env", "dev", "--json").ok()
    assert r.json["resumed"] == "continued" and [s["state"] for s in r.json["statements"]] == ["earlier", "done"]
    assert kit.production.value("SELECT 'items_invoice_idx'::regclass::oid") == made, "nothing twice"
    assert history(kit.production) == [("0001_two", "up")] and kit.status("dev")["unfinished"] == []


def test_stopped_in_the_middle_is_undone(kit):
    kit.production.sql("UPDATE items SET note = 'same' WHERE id < 3")
    kit.project.migration(1, "two", TWO, UNTWO)
    assert kit.run("apply", "1", "--env", "dev").status == PERSON
    kit.run("rollback", "1", "--env", "dev").ok()
    assert index_state(kit.production) is None
    assert kit.status("dev")["unfinished"] == [] and kit.state("0001_two", "dev") == "pending"


def test_another_migration_waits_for_the_unfinished_one(kit):
    kit.production.sql("UPDATE items SET note = 'same' WHERE id < 3")
    kit.project.migration(1, "two", TWO, UNTWO)
    kit.project.migration(2, "vat", COLUMN, UNCOLUMN)
    assert kit.run("apply", "1", "--env", "dev").status == PERSON
    r = kit.run("apply", "2", "--env", "dev", "--json")
    assert r.status == REFUSED and "0001_two" in r.json["error"]["hint"], r.out


def test_unproven_is_rolled_back(kit):
    """IF NOT EXISTS over something else of that name: the statement succeeds, the effect is not there."""
    kit.production.sql("CREATE INDEX items_invoice_idx ON items (note)")
    kit.project.migration(1, "idx", "CREATE INDEX IF NOT EXISTS items_invoice_idx ON items (invoice);\n", "DROP INDEX items_invoice_idx;\n")
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == 1 and r.json["error"]["code"] == "UNPROVEN", r.out
    assert history(kit.production) == [] and kit.status("dev")["unfinished"] == []


def test_unproven_without_a_transaction_needs_a_person(kit):
    kit.production.sql("CREATE INDEX items_invoice_idx ON items (note)")
    kit.project.migration(1, "idx", "CREATE INDEX CONCURRENTLY IF NOT EXISTS items_invoice_idx ON items (invoice);\n", UNINDEX)
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == PERSON and r.json["error"]["code"] == "NEEDS_PERSON", r.out
    assert history(kit.production) == []
    assert kit.state("0001_idx", "dev") == "needs person"
    kit.production.sql("DROP INDEX items_invoice_idx; CREATE INDEX items_invoice_idx ON items (invoice)")      # mended by hand
    r = kit.run("apply", "1", "--env", "dev", "--json").ok()
    assert r.json["resumed"] == "adopted" and history(kit.production) == [("0001_idx", "up")]


def test_its_own_transactions(kit):
    kit.project.migration(1, "own", "BEGIN;\nALTER TABLE items ADD COLUMN a int;\nCREATE TABLE b (x int);\nCOMMIT;\nCREATE INDEX CONCURRENTLY items_a_idx ON items (a);\n",
                          "DROP INDEX items_a_idx;\nDROP TABLE b;\nALTER TABLE items DROP COLUMN a;\n")
    kit.run("apply", "1", "--env", "dev", "--json").ok()
    assert index_state(kit.production, "items_a_idx") is True


# ---- behind PgBouncer in transaction mode

def test_one_transaction_behind_pgbouncer(pg15, project, make_db, pgbouncer):
    kit = Kit(project, make_db)
    bouncer = pgbouncer(pg15)
    kit.env["DEV_URL"] = bouncer.url(kit.production.name)
    project.migration(1, "vat", COLUMN, UNCOLUMN)
    r = kit.run("apply", "1", "--env", "dev", "--json").ok()
    assert any(c["what"] == "pooler" and "transaction mode" in c["found"] for c in r.json["preflight"])
    assert history(kit.production) == [("0001_vat", "up")]
    with bouncer.connect(kit.production.name) as c:          # nothing of ours stays on the server connection
        assert c.execute("SHOW lock_timeout").fetchone()[0] == "0"
        assert c.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()[0] == 0


def test_concurrently_is_refused_behind_pgbouncer(pg15, project, make_db, pgbouncer):
    kit = Kit(project, make_db)
    kit.env["DEV_URL"] = pgbouncer(pg15).url(kit.production.name)
    project.migration(1, "idx", INDEX, UNINDEX)
    project.migration(2, "set", "SET search_path = public;\n" + COLUMN, UNCOLUMN)
    project.migration(3, "locked", "SELECT pg_advisory_lock(7);\n" + COLUMN, UNCOLUMN)
    project.migration(4, "scratch", "CREATE TEMP TABLE scratch AS SELECT 1 AS a;\n" + COLUMN, UNCOLUMN)
    for which in ("1", "2", "3", "4"):
        found = {f["rule"]: f["level"] for f in kit.run("check", which, "--env", "dev", "--json").json["findings"]}
        assert found.get("pooler-session-settings") == ("error" if which != "1" else None)
        r = kit.run("apply", which, "--env", "dev", "--json")
        assert r.status == REFUSED and "connect directly" in r.json["error"]["hint"], r.out
    assert index_state(kit.production) is None
    project.migration(5, "tidy", "CREATE TEMP TABLE scratch AS SELECT 1 AS a;\nDROP TABLE scratch;\n" + COLUMN, UNCOLUMN)
    kit.run("apply", "5", "--env", "dev", "--json").ok()


@pytest.mark.parametrize("first, second", [("bouncer", "direct"), ("direct", "bouncer"), ("bouncer", "bouncer")])
def test_busy_through_pgbouncer_too(pg15, project, make_db, pgbouncer, tmp_path, first, second):
    kit = Kit(project, make_db)
    urls = {"bouncer": pgbouncer(pg15).url(kit.production.name), "direct": kit.production.url}
    project.migration(1, "slow", SLEEPS, "ALTER TABLE items DROP COLUMN vat;\n")
    p = kit.start("apply", "1", "--env", "dev", "--json", env={"DEV_URL": urls[first]})
    pid = await_that(lambda: (r := kit.production.sql("SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()", "%pg_sleep(60)%")) and r[0][0], "it sleeps")
    r = kit.run("apply", "1", "--env", "dev", "--json", env={"DEV_URL": urls[second], "XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    assert r.status == RETRIES and r.json["error"]["code"] == "BUSY", r.out
    os.kill(p.pid, signal.SIGINT)
    out = p.communicate(timeout=60)[0]
    assert p.returncode == INTERRUPTED, out
    assert kit.production.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active'", pid) == 0
