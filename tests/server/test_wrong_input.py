"""Wrong input that needs a server, or its absence: each a clear error, the right exit status, a next step, and nothing lost."""
import pathlib

import pytest
from lib.servers import await_that

SECRET = "s3cret-canary"


@pytest.fixture
def invoices(project, db):
    """A project on a database with one table, and one migration."""
    db.sql("CREATE TABLE invoices (id bigint PRIMARY KEY, gross_total_cents bigint NOT NULL)")
    project.environment("production", db)
    project.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n", "ALTER TABLE invoices DROP COLUMN note;\n")
    return project


def refused(result, status, says):
    assert result.status == status, (result.out, result.err)
    assert says in result.err
    assert "hint: " in result.err
    return result


def test_no_config(pgrail, tmp_path):
    refused(pgrail("status", cwd=str(tmp_path)), 2, "no pgrail.conf here or in a folder above")


def test_unknown_environment_names_the_known_ones(invoices):
    result = refused(invoices.pgrail("status", "--env", "prodution"), 2, "prodution")
    assert "production" in result.err


def test_environment_variable_that_is_not_set(invoices):
    result = refused(invoices.pgrail("status", env={"PRODUCTION_URL": None}), 2, "PRODUCTION_URL")
    assert "invoices" not in result.err


def test_unreachable_server(invoices, tmp_path):
    nowhere = f"host={tmp_path} port=5432 user=postgres dbname=app password={SECRET}"
    result = refused(invoices.pgrail("status", env={"PRODUCTION_URL": nowhere}), 5, "environment production")
    assert SECRET not in result.err + result.out


def test_without_libpq_only_what_connects_is_refused(invoices, tmp_path):
    (tmp_path / "libpq.so.5").write_text("no library")
    without = {"LD_LIBRARY_PATH": str(tmp_path)}
    result = refused(invoices.pgrail("status", env=without), 2, "PostgreSQL's client library cannot be loaded: ")
    assert "hint: apt-get install libpq5\n" in result.err
    assert len(invoices.pgrail("check", "--offline", "--json", env=without).json["migrations"]) == 1


def test_wrong_password(invoices, pg15, db):
    """A real SCRAM refusal; the password that was tried appears nowhere."""
    db.sql(f"CREATE ROLE pat LOGIN PASSWORD '{SECRET}'")
    hba = pathlib.Path(pg15.folder, "data", "pg_hba.conf")
    was = hba.read_text(encoding="utf-8")
    hba.write_text("local all pat scram-sha-256\n" + was, encoding="utf-8")
    try:
        db.sql("SELECT pg_reload_conf()")
        await_that(lambda: db.value("SELECT count(*) FROM pg_hba_file_rules WHERE user_name = '{pat}'") == 1, "the rule is read")
        url = f"{db.conninfo.replace('user=postgres', 'user=pat')} password=not-{SECRET}"
        result = refused(invoices.pgrail("status", "--debug", env={"PRODUCTION_URL": url}), 5, "password authentication failed")
        assert SECRET not in result.err + result.out
    finally:
        hba.write_text(was, encoding="utf-8")
        db.sql("SELECT pg_reload_conf()")
        db.sql("DROP ROLE pat")


def test_a_database_that_is_not_there(invoices, pg15):
    refused(invoices.pgrail("status", env={"PRODUCTION_URL": pg15.url("no_such_database")}), 5, "no_such_database")


@pytest.mark.parametrize("content,says", [
    (b"\x7fELF\x02\x01\x01\x00\x00\x00\xff\xfe", "0001_note.up.sql"),
    (b"ALTER TABLE invoices\x00 ADD COLUMN note text;", "a NUL byte"),
    ("ALTER TABLE invoices ADD COLUMN größe text;".encode("latin-1"), "not UTF-8"),
], ids=["binary", "nul", "latin-1"])
def test_a_file_that_is_no_text(invoices, content, says):
    path = invoices.write("migrations/0001_note.up.sql", content)
    result = refused(invoices.pgrail("check"), 2, says)
    assert "0001_note.up.sql" in result.err
    assert pathlib.Path(path).read_bytes() == content


def test_a_file_of_50_megabytes(invoices):
    """Read, judged or refused: never a crash, and never without an answer."""
    row = "INSERT INTO invoices VALUES (1, 2);\n"
    invoices.write("migrations/0001_note.up.sql", row * (50 * 1024 * 1024 // len(row)))
    result = invoices.pgrail("check", "0001", "--offline")
    assert result.status in (0, 1, 2), (result.status, result.err[-2000:])
    assert result.out or "hint: " in result.err


def test_a_file_above_the_cap_is_refused(invoices):
    invoices.write("migrations/0001_note.up.sql", b"-" * (65 * 1024 * 1024))
    refused(invoices.pgrail("check", "0001", "--offline"), 2, "more than the 64.0 MB that pgrail reads")


def test_an_empty_folder(project, db):
    project.environment("production", db)
    result = project.pgrail("check")
    assert result.status == 0 and "pgrail new" in result.out + result.err


def test_a_migration_that_is_not_there_names_the_nearest(invoices):
    result = refused(invoices.pgrail("check", "0001_nota"), 2, "0001_nota")
    assert "0001_note" in result.err


def test_a_missing_down_is_said(invoices):
    invoices.migration(2, "more", "ALTER TABLE invoices ADD COLUMN more text;\n")
    result = invoices.pgrail("check", "--offline", "--json")
    assert any(f["rule"] == "down-missing" for f in result.json["findings"]), result.out


def test_a_file_that_changed_after_it_was_applied(project, db):
    db.sql("CREATE TABLE invoices (id bigint PRIMARY KEY)")
    project.environment("dev", db)
    path = project.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n", "ALTER TABLE invoices DROP COLUMN note;\n")
    project.pgrail("apply", "0001", "--env", "dev").ok()
    project.write(path, "ALTER TABLE invoices ADD COLUMN note varchar(20);\n")
    status = project.pgrail("status", "--env", "dev")
    assert status.status == 1 and "changed" in status.out
    refused(project.pgrail("apply", "0001", "--env", "dev"), 3, "0001_note")


def test_the_rehearsal_of_another_file_does_not_count(invoices, db, make_db):
    invoices.environment("staging", make_db(template=db.name)).environment("guarded", db, protected=True)
    invoices.policy["approvers"] = "approvers"
    invoices.write("approvers", "")
    invoices.write_conf()
    invoices.pgrail("ground", "0001", "--env", "guarded").ok()
    invoices.pgrail("rehearse", "0001", "--env", "guarded", "--staging", "staging").ok()
    text = invoices.read("migrations/0001_note.up.sql")
    invoices.write("migrations/0001_note.up.sql", text.replace("note text", "note varchar(20)"))
    refused(invoices.pgrail("apply", "0001", "--env", "guarded"), 3, "rehears")


@pytest.mark.parametrize("how, says", [("garbage", "file is not a database"), ("in the way", "the folder cannot be made")])
def test_a_ledger_that_cannot_be_opened(invoices, tmp_path, how, says):
    """Every command that needs it says the mend, and doctor does not call it well."""
    state = tmp_path / "elsewhere"
    if how == "garbage":
        (state / "pgrail").mkdir(parents=True)
        (state / "pgrail/ledger.db").write_text("no database at all, but long enough to be looked at\n" * 20, encoding="utf-8")
    else:
        state.write_text("a file", encoding="utf-8")
    refused(invoices.pgrail("status", env={"XDG_STATE_HOME": str(state)}), 4, says)
    seen = invoices.pgrail("doctor", "--json", env={"XDG_STATE_HOME": str(state)})
    ledger = [c for c in seen.json["checks"] if c["what"] == "ledger"][0]
    assert seen.status == 1 and ledger["state"] == "bad" and ledger["mend"]


def test_the_header_says_what_ground_says_of_it(invoices):
    path = pathlib.Path(invoices.folder, "migrations/0001_note.up.sql")
    before = path.read_bytes()
    invoices.pgrail("ground", "invoices").ok()                             # the ledger is there
    path.parent.chmod(0o555)
    try:
        done = invoices.pgrail("ground", "1")
    finally:
        path.parent.chmod(0o755)
    if path.read_bytes() == before:                                         # root writes where nobody may
        assert done.status == 2 and "no line in its header: " in done.out and "hint: " in done.err
    else:
        assert "and its header says so" in done.ok().out


def test_a_file_that_is_no_sql_cannot_be_verified(invoices):
    invoices.write("notes.txt", "remember the milk\n")
    result = refused(invoices.pgrail("verify", "./notes.txt"), 2, "notes.txt:1: no statement of it is SQL that PostgreSQL")
    assert "pgrail status" in result.err and "proven" not in result.out
    invoices.write("empty.sql", "-- nothing yet\n")
    assert "empty.sql holds no statement: there is nothing to prove" in invoices.pgrail("verify", "empty.sql").err


def test_an_empty_name_cannot_be_grounded(invoices):
    refused(invoices.pgrail("ground", ""), 2, "an empty name cannot be grounded")


def test_rollback_of_an_empty_script_says_so(invoices):
    invoices.migration(2, "nothing", "-- to come\n", "-- to come\n")
    invoices.migration(3, "one_way", "CREATE TABLE more (a int);\n", "-- stays\n")
    assert "the up script holds no statement" in invoices.pgrail("rollback", "2", "--explain").ok().out
    assert "roll forward: the down script holds no statement" in invoices.pgrail("rollback", "3", "--explain").ok().out


def test_status_ends_no_line_in_blanks(invoices):
    out = invoices.pgrail("status").ok().out
    assert "0001_note" in out and not [line for line in out.splitlines() if line != line.rstrip()]
