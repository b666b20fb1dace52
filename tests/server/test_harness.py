"""The tests' own tools: servers come up, are what they say, and are gone afterwards."""
import os
import re
import signal
import subprocess
import sys

from lib.servers import ROOT_OF_TESTS, await_that


def test_every_supported_version(server):
    with server.connect() as c:
        assert c.info.server_version // 10000 == server.major
        assert os.stat(f"/proc/{server.pid}").st_uid != 0
        assert c.execute("SHOW listen_addresses").fetchone()[0] == ""


def test_a_database_of_its_own(db):
    assert db.value("SELECT current_database()") == db.name
    assert db.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a FROM t ORDER BY a") == [(1,), (2,)]


def test_two_databases(make_db):
    assert make_db().name != make_db().name


def test_bouncer(pgbouncer, pg15):
    b = pgbouncer(pg15)
    with b.connect() as c:
        assert c.execute("SELECT pg_backend_pid()").fetchone()[0] != c.info.backend_pid


def test_what_stops_a_server_reaches_it_whatever_is_ignored_here(pgbouncer, pg15):
    """A shell has SIGQUIT ignored in its background jobs; PgBouncer inherits that."""
    was = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        b = pgbouncer(pg15)
    finally:
        signal.signal(signal.SIGQUIT, was)
    with open(f"/proc/{b.pid}/status", encoding="utf-8") as f:
        ignored = int(re.search(r"SigIgn:\s+(\w+)", f.read()).group(1), 16)
    assert not ignored >> (signal.SIGQUIT - 1) & 1


def test_pty(pty):
    p = pty(["sh", "-c", "test -t 0 || exit 1; printf 'who? '; read a; echo \"hello $a\"; exit 7"])
    p.expect("who? ")
    p.send("Ada\n")
    p.expect(re.compile(r"hello (\w+)"))
    assert p.wait() == 7


def test_servers_go_when_the_tests_are_killed(tmp_path):
    script = "from lib.servers import *; import sys; s = Pool().get(15); print(s.pid, s.folder, flush=True); sys.stdin.read()"
    p = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT_OF_TESTS, text=True)
    pid, folder = p.stdout.readline().split()
    assert os.path.exists(f"/proc/{pid}") and os.path.exists(folder)
    p.send_signal(signal.SIGKILL)
    p.communicate()
    await_that(lambda: not os.path.exists(f"/proc/{pid}") and not os.path.exists(folder), "server and folder gone")


def test_pgrail_runs_without_anything_of_the_users(pgrail, project, db):
    assert "pgrail" in pgrail("--version").ok().out
    project.environment("staging", db)
    assert project.env["STAGING_URL"] == db.url
    r = project.pgrail("doctor", "--json")
    assert "staging" in r.out, f"status {r.status}\n{r.out}\n{r.err}"
    assert pgrail("--no-such-flag").status == 2


def test_pgrail_on_a_terminal(project, db):
    project.environment("staging", db)
    p = project.pty("doctor")
    p.wait()
    assert "staging" in p.plain()
