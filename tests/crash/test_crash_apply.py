"""kill -9 at every named fault point of a run, then status, then the same command again. Whatever the moment: the database is as
before or as after, never between; the history agrees with it; nothing is done twice; and at the end nothing is unfinished."""
import ast
import re
import signal

import pytest

from lib.applying import COLUMN, INDEX, UNCOLUMN, UNINDEX, Held, Kit, await_gone, await_query, await_waiting, backend_of, history, index_state
from lib.runs import ROOT
from lib.servers import await_that

KILLED, PERSON = 128 + signal.SIGKILL, 9
SLOW_COLUMN = COLUMN + "SELECT pg_sleep(1.5);\n"
TWO = INDEX + "CREATE UNIQUE INDEX CONCURRENTLY items_note_key ON items (note);\n"
UNTWO = "DROP INDEX CONCURRENTLY IF EXISTS items_note_key;\nDROP INDEX CONCURRENTLY IF EXISTS items_invoice_idx;\n"
UNIQUE, UNUNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY items_note_key ON items (note);\n", "DROP INDEX CONCURRENTLY items_note_key;\n"
OTHER_THING = "CREATE INDEX CONCURRENTLY IF NOT EXISTS items_invoice_idx ON items (invoice);\n"

def points():
    with open(f"{ROOT}/src/apply/fault.c", encoding="utf-8") as f:
        return re.findall(r'^    \{"([a-z-]+)", "', f.read(), re.M)


@pytest.fixture
def kit(project, make_db):
    return Kit(project, make_db)


def killed(kit, point, *args, verb="apply"):
    r = kit.run(verb, "1", "--env", "dev", *args, env={"PGRAIL_FAULT": point})
    assert r.status == KILLED, f"{point} was not reached: {r.status}\n{r.out}{r.err}"


def settled(kit, migration, direction="up"):
    assert kit.status("dev")["unfinished"] == []
    assert history(kit.production) == [(migration, direction)]
    assert kit.state(migration, "dev") == ("applied" if direction == "up" else "pending")
    assert kit.status("dev")["invalid_indexes"] == []
    assert backend_of(kit.production) is None


def finish(kit, migration):
    """The next apply ends well; when the dead one had come to its end already, it says so."""
    ended = kit.status("dev")["unfinished"] == [] and kit.state(migration, "dev") == "applied"
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == (3 if ended else 0), r.out + r.err
    settled(kit, migration)
    return r.json


# ---- a script in one transaction

@pytest.mark.parametrize("point", ["opened", "approval-used", "confirm", "start-step", "sending", "answered", "step-done", "commit", "committed", "verify",
                                   "recorded", "proven"])
def test_one_transaction(kit, point):
    kit.project.migration(1, "vat", SLOW_COLUMN, UNCOLUMN)
    killed(kit, point)
    await_gone(kit.production)
    has_table = kit.production.value("SELECT to_regclass('vat_rates') IS NOT NULL")
    has_column = kit.production.value("SELECT count(*) = 1 FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'vat'")
    assert has_table == has_column == (history(kit.production) != [])
    assert has_table == (point in ("committed", "verify", "recorded", "proven"))
    words = [u["words"] for u in kit.status("dev")["unfinished"]]
    assert (words == []) == (point == "proven")
    made = kit.production.value("SELECT to_regclass('vat_rates')::oid")
    finish(kit, "0001_vat")
    assert made in (None, kit.production.value("SELECT to_regclass('vat_rates')::oid")), "nothing twice"


def test_an_attempt_that_was_rolled_back(kit):
    kit.settings.update(lock_timeout="1500ms", lock_attempts="20", retry_max="100ms")
    kit.conf()
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    with Held(kit.production) as held:
        p = kit.start("apply", "1", "--env", "dev", env={"PGRAIL_FAULT": "rolled-back"})
        await_query(kit.production, "", "pgrail/apply watch")
        held.connection.execute("SELECT count(*) FROM items")
        out = p.communicate(timeout=60)[0]
        assert p.returncode == -signal.SIGKILL, out
    await_gone(kit.production)
    finish(kit, "0001_vat")


def test_a_lost_session(kit):
    kit.project.migration(1, "vat", COLUMN + "SELECT pg_sleep(20);\n", UNCOLUMN)
    p = kit.start("apply", "1", "--env", "dev", env={"PGRAIL_FAULT": "lost"})
    kit.production.sql("SELECT pg_terminate_backend(%s)", await_query(kit.production, "pg_sleep(20)"))
    out = p.communicate(timeout=60)[0]
    assert p.returncode == -signal.SIGKILL, out
    assert kit.status("dev")["unfinished"][0]["state"] == "unknown"
    assert history(kit.production) == []
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)               # other bytes: what is open must be settled with its own
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == PERSON and "changed since its run" in r.json["error"]["message"], r.out
    kit.project.migration(1, "vat", COLUMN + "SELECT pg_sleep(20);\n", UNCOLUMN)
    killed(kit, "probe-not-done")
    kit.run("rollback", "1", "--env", "dev")
    assert history(kit.production) == []


# ---- CONCURRENTLY

@pytest.mark.parametrize("point", ["opened", "confirm", "start-step", "answered", "step-done", "verify", "recorded", "proven"])
def test_concurrent_index(kit, point):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    killed(kit, point)
    await_gone(kit.production)
    built = point in ("answered", "step-done", "verify", "recorded", "proven")
    assert index_state(kit.production) is (True if built else None)
    assert (history(kit.production) != []) == (point in ("recorded", "proven"))
    made = kit.production.value("SELECT to_regclass('items_invoice_idx')::oid")
    said = finish(kit, "0001_idx")
    assert index_state(kit.production) is True
    if built:
        assert made == kit.production.value("SELECT to_regclass('items_invoice_idx')::oid"), "nothing twice"
        assert point == "proven" or said["resumed"] == "adopted"


def test_in_the_middle_and_the_server_goes_on(server, project, make_db):
    kit = Kit(project, make_db, lock_timeout="10min")
    project.migration(1, "idx", INDEX, UNINDEX)
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ") as held:
        killed(kit, "sending")
        assert index_state(kit.production) is False and history(kit.production) == []
        s = kit.status("dev")["unfinished"][0]
        assert s["backend_alive"] and not s["process_alive"]
        assert "the server goes on" in s["words"] and "pgrail apply 0001_idx" in s["words"] and "being built" in s["left"]
        p = kit.start("apply", "1", "--env", "dev")
        for line in p.stdout:
            if "attached" in line:
                break
        assert kit.production.value("SELECT count(*) FROM pg_stat_progress_create_index") == 1, "no second build"
        held.done()
        rest = p.stdout.read()
    assert p.wait(60) == 0, rest
    p.stdout.close()
    assert "adopted" in rest and index_state(kit.production) is True
    settled(kit, "0001_idx")


def test_in_the_middle_and_the_server_dies_too(server, project, make_db):
    kit = Kit(project, make_db, lock_timeout="10min")
    project.migration(1, "idx", INDEX, UNINDEX)
    with Held(kit.production, "SELECT count(*) FROM items", isolation="REPEATABLE READ"):
        killed(kit, "sending")
        kit.production.sql("SELECT pg_terminate_backend(%s)", backend_of(kit.production))
        await_gone(kit.production)
    assert index_state(kit.production) is False and history(kit.production) == []
    s = kit.status("dev")["unfinished"][0]
    assert not s["backend_alive"] and "built by nobody" in s["left"] and "finish or clean up" in s["words"]
    said = kit.run("apply", "1", "--env", "dev", "--json").ok().json
    assert said["resumed"] == "again" and index_state(kit.production) is True
    settled(kit, "0001_idx")


@pytest.mark.parametrize("point", ["step-failed", "dropped", "cleaned"])
def test_cleaning(kit, point):
    kit.production.sql("UPDATE items SET note = 'same' WHERE id < 3")
    kit.project.migration(1, "uniq", UNIQUE, UNUNIQUE)
    killed(kit, point)
    await_gone(kit.production)
    assert index_state(kit.production, "items_note_key") is (False if point == "step-failed" else None)
    assert history(kit.production) == []
    r = kit.run("apply", "1", "--env", "dev", "--json")              # the duplicates are still there
    assert r.status == 4 and index_state(kit.production, "items_note_key") is None, r.out
    kit.production.sql("UPDATE items SET note = 'other' WHERE id = 1")
    kit.run("apply", "1", "--env", "dev").ok()
    settled(kit, "0001_uniq")


def test_what_cannot_be_cleaned(kit):
    kit.production.sql("""UPDATE items SET note = 'same' WHERE id < 3;
        CREATE FUNCTION never() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
        CREATE EVENT TRIGGER never ON ddl_command_start WHEN TAG IN ('DROP INDEX') EXECUTE FUNCTION never()""")
    kit.project.migration(1, "uniq", UNIQUE, UNUNIQUE)
    killed(kit, "clean-failed")
    assert index_state(kit.production, "items_note_key") is False
    assert kit.state("0001_uniq", "dev") == "needs person"
    r = kit.run("apply", "1", "--env", "dev", "--json")
    assert r.status == PERSON and "DROP INDEX CONCURRENTLY" in r.json["error"]["hint"], r.out
    kit.production.sql("DROP EVENT TRIGGER never; UPDATE items SET note = 'other' WHERE id = 1")
    kit.run("apply", "1", "--env", "dev").ok()
    assert index_state(kit.production, "items_note_key") is True
    settled(kit, "0001_uniq")


# ---- in part

def stopped(kit):
    kit.production.sql("UPDATE items SET note = 'same' WHERE id < 3")
    kit.project.migration(1, "two", TWO, UNTWO)


@pytest.mark.parametrize("point, again", [("cleaned-part", None), (None, "look-again"), (None, "probe-part")])
def test_in_part(kit, point, again):
    stopped(kit)
    if point:
        killed(kit, point)
    else:
        assert kit.run("apply", "1", "--env", "dev").status == PERSON
    assert index_state(kit.production) is True and index_state(kit.production, "items_note_key") is None
    assert "stopped after 1 of 2" in kit.status("dev")["unfinished"][0]["words"]
    kit.production.sql("UPDATE items SET note = 'other' WHERE id = 1")
    made = kit.production.value("SELECT 'items_invoice_idx'::regclass::oid")
    if again:
        killed(kit, again)
        assert history(kit.production) == []
    finish(kit, "0001_two")
    assert kit.production.value("SELECT 'items_invoice_idx'::regclass::oid") == made, "nothing twice"


def test_undone(kit):
    stopped(kit)
    assert kit.run("apply", "1", "--env", "dev").status == PERSON
    killed(kit, "undone", verb="rollback")
    assert index_state(kit.production) is None
    settled(kit, "0001_two", "down")


# ---- what the second start finds

@pytest.mark.parametrize("first, second", [("answered", "probe-done"), ("start-step", "probe-not-done")])
def test_dies_twice(kit, first, second):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    killed(kit, first)
    await_gone(kit.production)
    killed(kit, second)
    await_gone(kit.production)
    finish(kit, "0001_idx")


def test_unproven(kit):
    kit.production.sql("CREATE INDEX items_invoice_idx ON items (note)")
    kit.project.migration(1, "idx", OTHER_THING, UNINDEX)
    killed(kit, "unproven")
    assert kit.state("0001_idx", "dev") == "needs person" and history(kit.production) == []
    kit.production.sql("DROP INDEX items_invoice_idx")
    kit.run("apply", "1", "--env", "dev").ok()
    settled(kit, "0001_idx")


@pytest.mark.parametrize("killed_there", [True, False])
@pytest.mark.parametrize("mend", ["CREATE INDEX items_invoice_idx ON items (invoice)", "SELECT 1"])
def test_neither_before_nor_after(kit, killed_there, mend):
    kit.project.migration(1, "two", TWO, UNTWO)
    killed(kit, "step-done")
    await_gone(kit.production)
    kit.production.sql("DROP INDEX items_invoice_idx")                # somebody meddles
    if killed_there:
        killed(kit, "probe-mixed")
    else:
        r = kit.run("apply", "1", "--env", "dev", "--json")
        assert r.status == PERSON and "no longer so" in r.json["error"]["message"], r.out
    assert kit.state("0001_two", "dev") == "needs person" and history(kit.production) == []
    kit.production.sql(mend)                                          # wholly in, or wholly out
    finish(kit, "0001_two")


# ---- at the seam of a protected environment

def seam_killed(kit, point, answer, verb="apply"):
    p = kit.apply("1", answer, verb=verb, env={"PGRAIL_FAULT": point})
    assert p.status == KILLED, p.plain()


def test_no_is_no(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    seam_killed(kit, "refuse", "no")
    assert kit.status()["unfinished"] == [] and history(kit.production) == []
    assert kit.apply("1").status == 0


@pytest.mark.parametrize("point", ["approval-used", "confirm"])
def test_an_approval_is_for_the_run_that_used_it(kit, point):
    """Used up and dead before the first statement: the same run may go on with it, asking again; nothing else may."""
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    seam_killed(kit, point, "YES")
    assert history(kit.production) == [] and index_state(kit.production) is None
    assert kit.run("apply", "1", "--env", "production").status == 3     # no terminal: asked again
    assert kit.status()["unfinished"] == []
    r = kit.run("apply", "1", "--env", "production", "--json")          # that run has ended: the approval with it
    assert r.status == 3 and r.json["error"]["code"] == "NOT_APPROVED", r.out


def test_goes_on_with_its_approval(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    seam_killed(kit, "start-step", "YES")
    await_gone(kit.production)
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    assert kit.production.value("SELECT approved_by FROM pgrail.history") == "mara"


def test_adopting_asks_nobody(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    seam_killed(kit, "answered", "YES")
    await_gone(kit.production)
    assert kit.run("apply", "1", "--env", "production", "--json").ok().json["resumed"] == "adopted"
    assert history(kit.production) == [("0001_idx", "up")]


def test_no_to_the_rest(kit):
    kit.project.migration(1, "two", TWO, UNTWO)
    kit.ready("1")
    seam_killed(kit, "step-done", "YES")
    await_gone(kit.production)
    seam_killed(kit, "put-off", "no")
    assert kit.status()["unfinished"][0]["state"] == "stopped"
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    assert "statements 1 to 1 are in effect" in p.plain()
    assert history(kit.production) == [("0001_two", "up")]


def test_every_point_is_walked():
    """Each test asserts that the points that it names were reached; here none may be missing."""
    with open(__file__, encoding="utf-8") as f:
        named = {n.value for n in ast.walk(ast.parse(f.read())) if isinstance(n, ast.Constant)}
    assert len(points()) > 20 and [p for p in points() if p not in named] == []
