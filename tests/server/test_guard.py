"""What an agent with the same files might try to get a statement into a protected environment: unapproved, unrehearsed, with other
bytes, twice, or without a person at the terminal. And passwords, which must appear in no output."""
import glob
import os
import shutil

import pytest

from lib.applying import COLUMN, INDEX, UNCOLUMN, UNINDEX, Kit, history, index_state, key_of

REFUSED = 3
EVIL = "DROP TABLE items;\n"


@pytest.fixture
def kit(project, make_db):
    return Kit(project, make_db)


@pytest.fixture
def ready(kit):
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.ready("1")
    return kit


def unharmed(kit, *args, status=(REFUSED,), env=None):
    """pgrail ARGS is refused, and production is as it was."""
    r = kit.run(*(args or ("apply", "1", "--env", "production")), env=env)
    assert r.status in status, r
    assert history(kit.production) == [] and index_state(kit.production) is None and kit.production.value("SELECT count(*) FROM items") == 5000
    return r


def now(kit):
    return int(kit.production.value("SELECT extract(epoch FROM now())::bigint"))


# ---- other bytes

@pytest.mark.parametrize("change", [
    lambda t: EVIL, lambda t: t + EVIL, lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t + "-- a comment\n", lambda t: t + "\n",
    lambda t: t.replace("(invoice)", "(note)"), lambda t: "/* */" + t])
def test_changed_after_approval(ready, change):
    path = "migrations/0001_idx.up.sql"
    ready.project.write(path, change(ready.project.read(path)))
    unharmed(ready)


def test_a_link_to_other_bytes_and_another_down(ready):
    folder = ready.project.folder
    ready.project.write("elsewhere.sql", EVIL)
    whole = f"{folder}/migrations/0001_idx.up.sql"
    shutil.move(whole, f"{folder}/kept.sql")
    os.symlink(f"{folder}/elsewhere.sql", whole)
    unharmed(ready)
    os.unlink(whole)
    shutil.move(f"{folder}/kept.sql", whole)
    ready.project.write("migrations/0001_idx.down.sql", EVIL)
    unharmed(ready)


def test_swapped_while_the_person_reads(ready):
    """What runs is what was read, hashed and shown, not what the file says at the time of the YES."""
    p = ready.seam("apply", "1", "--env", "production")
    p.expect("Type YES to run this on production: ")
    ready.project.write("migrations/0001_idx.up.sql", EVIL)
    p.send("YES\n")
    p.wait()
    assert p.status == 0, p.plain()
    assert index_state(ready.production) is True and ready.production.value("SELECT count(*) FROM items") == 5000


def test_same_bytes_under_another_name_direction_environment(ready):
    text = ready.project.read("migrations/0001_idx.up.sql")
    ready.project.write("migrations/0002_copy.up.sql", text)
    ready.project.write("migrations/0002_copy.down.sql", UNINDEX)
    unharmed(ready, "apply", "2", "--env", "production")
    unharmed(ready, "rollback", "1", "--env", "production")


# ---- time

def test_a_clock_for_tests_revives_nothing(kit):
    kit.conf(approval_max_age="1min", rehearsal_max_age="1min")
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    early = str(now(kit) - 7200)
    kit.run("ground", "1", "--env", "production").ok()
    kit.run("rehearse", "1", "--env", "production", env={"PGRAIL_TEST_NOW": early}).ok()
    r = kit.run("approve", "1", "--env", "production", "--key", f"{kit.project.folder}/keys/mara", env={"PGRAIL_TEST_NOW": early})
    assert r.status == REFUSED and "too old" in r.err, r
    unharmed(kit, env={"PGRAIL_TEST_NOW": early})


def test_what_is_dated_in_the_future_is_not_fresh(kit):
    late = {"PGRAIL_TEST_NOW": str(now(kit) + 86400 * 3000)}
    kit.project.migration(1, "idx", INDEX, UNINDEX)
    kit.run("ground", "1", "--env", "production").ok()
    kit.run("rehearse", "1", "--env", "production").ok()
    kit.run("approve", "1", "--env", "production", "--key", f"{kit.project.folder}/keys/mara", env=late)
    unharmed(kit)
    kit.run("rehearse", "1", "--env", "production", env=late)
    unharmed(kit)


@pytest.mark.parametrize("key", ["APPROVERS", "APPROVALS", "APPROVAL_MAX_AGE", "REHEARSAL_MAX_AGE", "GROUNDING_MAX_AGE"])
def test_the_policy_is_not_loosened_by_a_variable(ready, key):
    r = unharmed(ready, status=(2,), env={f"PGRAIL_POLICY_{key}": "365d"})
    assert "read from pgrail.conf alone" in r.err


def test_protection_is_not_loosened_by_a_variable(ready):
    assert "read from pgrail.conf alone" in unharmed(ready, status=(2,), env={"PGRAIL_ENVIRONMENT_PRODUCTION_PROTECTED": "no"}).err


# ---- twice

def test_an_old_copy_of_the_ledger_does_not_revive_an_approval(ready):
    state = f"{ready.project.home}/state/pgrail"
    ready.approve("1", down=True).ok()
    shutil.copytree(state, f"{ready.project.home}/kept")
    assert ready.apply("1").status == 0
    assert ready.apply("1", verb="rollback").status == 0
    shutil.rmtree(state)
    shutil.copytree(f"{ready.project.home}/kept", state)
    r = ready.run("apply", "1", "--env", "production")
    assert r.status == REFUSED and "used already, says the history" in r.out, r
    assert history(ready.production) == [("0001_idx", "up"), ("0001_idx", "down")]


# ---- what the person sees

def test_nothing_hides_at_the_seam_or_in_approve(kit):
    kit.settings["lock_attempts"] = "2"
    far = "/* " + "." * 3000 + " */"
    text = f"ALTER TABLE items {far} ADD COLUMN far_away int; -- \x1b[2J\x1b[8m\u202e\rnothing\n"
    kit.project.migration(1, "far", text, "ALTER TABLE items DROP COLUMN far_away;\n")
    kit.run("ground", "1", "--env", "production").ok()
    kit.run("rehearse", "1", "--env", "production").ok()
    shown = kit.approve("1").ok()
    assert "ADD COLUMN far_away int" in shown.out
    for c in ("\x1b", "\u202e", "\r"):
        assert c not in shown.out
    p = kit.apply("1", "no")
    assert "ADD COLUMN far_away int" in "".join(p.plain().split("\n")), p.plain()[-3000:]
    assert "\x1b[2J" not in p.output and "\x1b[8m" not in p.output and "\u202e" not in p.output
    assert history(kit.production) == []


def test_what_is_signed_is_shown_with_json_too(ready):
    signed = ready.run("approve", "1", "--env", "production", "--key", key_of(ready.project, "mara"), "--json").ok()
    assert signed.json["schema"] == "pgrail.approve/1"
    up = ready.project.read("migrations/0001_idx.up.sql")
    assert all(line in signed.err for line in up.splitlines())


def test_a_file_name_steers_no_terminal(kit):
    kit.project.write("migrations/0001_\x1b[2Jx.up.sql", INDEX)
    for args in (("check",), ("status", "--env", "production"), ("ground", "1", "--env", "production"), ("approve", "1", "--env", "production")):
        r = kit.run(*args)
        assert "\x1b" not in r.out + r.err, args
        assert r.status == 2 and "characters that cannot be seen" in r.err, r


def test_the_same_database_under_a_name_without_protection_is_said(ready):
    assert ready.apply("1").status == 0
    ready.project.migration(2, "vat", COLUMN, UNCOLUMN)
    r = ready.run("apply", "2", "--env", "dev").ok()
    assert "0001_idx ran here with an approval: this is a protected environment's database, or a copy of one; dev is not protected" in r.out


def test_settings_that_the_connection_brings_are_said(ready):
    p = ready.seam("apply", "1", "--env", "production", env={"PGOPTIONS": "-c session_replication_role=replica"})
    p.expect("Type YES to run this on production: ")
    p.send("no\n")
    p.wait()
    assert "brings along: session_replication_role = replica" in p.plain()
    p = ready.seam("apply", "1", "--env", "production")
    p.expect("Type YES to run this on production: ")
    p.send("no\n")
    p.wait()
    assert "brings along" not in p.plain()


# ---- a script that steers its session

@pytest.mark.parametrize("script", [
    "COMMIT;\n" + EVIL, "ALTER TABLE items ADD COLUMN a int;\nCOMMIT;\nDROP TABLE items;\n", "\\! touch owned\nALTER TABLE items ADD COLUMN a int;\n",
    "DO $$ BEGIN COMMIT; DROP TABLE items; END $$;\n"])
def test_a_script_is_not_approved_by_being_odd(kit, script):
    kit.project.migration(1, "odd", script, "SELECT 1;\n")
    kit.run("ground", "1", "--env", "production")
    kit.run("rehearse", "1", "--env", "production")
    unharmed(kit, status=(2, REFUSED))
    assert not glob.glob(f"{kit.project.folder}/owned")


# ---- passwords

CANARY = "c4n4ry-s3cr3t"


def test_a_password_appears_nowhere(kit):
    for d in (kit.production, kit.staging):
        sep = "&" if "?" in d.url else "?"
        kit.env["PRODUCTION_URL" if d is kit.production else "STAGING_URL"] = f"{d.url}{sep}password={CANARY}"
    kit.project.migration(1, "vat", COLUMN, UNCOLUMN)
    said = []
    for args in (("doctor",), ("doctor", "--json"), ("check",), ("ground", "1", "--env", "production"), ("ground", "items", "--env", "production", "--json"),
                 ("rehearse", "1", "--env", "production", "--json"), ("rehearse", "1", "--env", "production"), ("status", "--env", "production", "--json"),
                 ("query", "SELECT current_user", "--env", "production", "--json"), ("query", "SELECT nonsense", "--env", "production"),
                 ("approve", "1", "--env", "production", "--key", f"{kit.project.folder}/keys/mara"), ("verify", "1", "--env", "production", "--json"),
                 ("apply", "1", "--env", "production", "--json")):
        r = kit.run(*args)
        said.append(r.out + r.err)
    with open(f"{kit.project.home}/passfile", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(f"*:*:*:*:{CANARY}\n")
    with open(f"{kit.project.home}/services", "w", encoding="utf-8") as f:
        f.write(f"[shop]\nhost=127.0.0.1\nport=1\nuser=u\npassword={CANARY}\n")
    files = {"PGPASSFILE": f"{kit.project.home}/passfile", "PGSERVICEFILE": f"{kit.project.home}/services"}
    for args in (("status", "--env", "production", "--json"), ("doctor",), ("query", "SELECT 1", "--env", "production")):
        for url in ("service=shop", kit.production.url):
            r = kit.run(*args, env={**files, "PRODUCTION_URL": url})
            said.append(r.out + r.err)
    for name in ("passfile", "services"):
        os.unlink(f"{kit.project.home}/{name}")
    p = kit.apply("1")
    assert p.status == 0, p.plain()
    said.append(p.output)
    for bad in ("postgresql://u:{}@127.0.0.1:1/x", "postgresql://u:{}@nowhere.invalid/x", "host=/nowhere user=u password={}", "postgresql://u:a/{}@h/x",
                "host=h passwrd={}", "postgresql://u:{}@h:port/x"):
        r = kit.run("status", "--env", "production", env={"PRODUCTION_URL": bad.format(CANARY)})
        assert r.status != 0
        said.append(r.out + r.err)
    assert CANARY not in "".join(said)
    for folder in (kit.project.home, kit.project.folder):
        for path, _, files in os.walk(folder):
            for name in files:
                with open(os.path.join(path, name), "rb") as f:
                    assert CANARY.encode() not in f.read(), f"{path}/{name}"


def test_a_secret_of_a_migration_is_not_repeated(kit):
    """Only who signs it and who answers at the seam sees it, for they must see these bytes: no log, page, document or ledger has it."""
    role = "pgrail_guard_role"
    up, down = f"CREATE ROLE {role} LOGIN PASSWORD '{CANARY}';\nALTER TABLE items ADD COLUMN z int;\n", f"ALTER TABLE items DROP COLUMN z;\nDROP ROLE {role};\n"
    kit.project.migration(1, "role", up, down)
    try:
        said = []
        for args in (("ground", "1", "--env", "production"), ("check", "1", "--footprint"), ("check", "1", "--json"), ("rehearse", "1", "--env", "production", "--force"),
                     ("status", "--env", "production", "--json")):
            r = kit.run(*args)
            said.append(r.out + r.err)
        assert "up, statement 1 of 2" in said[3] and CANARY not in "".join(said)
        for path, _, files in os.walk(f"{kit.project.folder}/.pgrail"):
            for name in files:
                with open(os.path.join(path, name), "rb") as f:
                    assert CANARY.encode() not in f.read(), f"{path}/{name}"
    finally:
        for d in (kit.production, kit.staging):
            d.sql(f"DROP ROLE IF EXISTS {role}")
