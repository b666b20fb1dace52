"""Ctrl-C ends the commands that only look: at once, with one clean line and the exit status of an interruption, and nothing of them
is left waiting on the server. Each is made to wait by a lock that another session holds."""
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from lib.runs import BIN, WRAP, environment
from lib.servers import await_that

UP = "ALTER TABLE invoices ADD COLUMN note text;\n"


@pytest.fixture
def shop(project, db):
    db.sql("CREATE TABLE invoices (id bigint PRIMARY KEY); CREATE SCHEMA pgrail")
    db.sql((pathlib.Path(__file__).resolve().parents[2] / "src/ledger/history_ensure.sql").read_text(encoding="utf-8"))
    project.migration(1, "note", UP, "ALTER TABLE invoices DROP COLUMN note;\n")
    return project.environment("production", db)


def started(project, *args):
    return subprocess.Popen([*WRAP, BIN, *args], cwd=project.folder, env=environment(project.home, project.env), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def stopped(p, how):
    try:
        p.send_signal(how)
        return p.communicate(timeout=60)
    finally:
        p.kill()


WAITS = [(["ground", "0001"], "invoices"), (["ground", "--all"], "invoices"), (["check"], "pgrail.history"), (["check", "0001"], "invoices"),
         (["status"], "pgrail.history"), (["verify", "0001"], "pgrail.history")]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("args, lock", WAITS, ids=[" ".join(a) for a, _ in WAITS])
def test_a_signal_ends_a_command_that_waits_for_a_lock(shop, db, args, lock, how):
    waiting = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
               f"AND application_name = 'pgrail/{args[0]}'")
    with db.connect() as watcher, db.connect(autocommit=False) as holder:
        waits = lambda: watcher.execute(waiting).fetchone()[0]
        waits()                                             # before the lock: it needs the catalogue itself
        holder.execute(f"LOCK TABLE {lock} IN ACCESS EXCLUSIVE MODE")
        with started(shop, *args) as p:
            try:
                await_that(lambda: p.poll() is not None or waits() == 1, f"{args} waits")
                assert p.poll() is None, p.communicate()
                out, err = stopped(p, how)
            finally:
                p.kill()
        assert p.returncode == 8 and err.startswith("pgrail: ") and "interrupted" in err and err.count("\n") == 1, (p.returncode, out, err)
        assert out == ""
        await_that(lambda: waits() == 0, "nothing of it waits on the server")


@pytest.mark.parametrize("args", [["status"], ["check"], ["ground", "0001"], ["verify", "0001"], ["doctor"], ["query", "SELECT 1"]], ids=lambda a: a[0])
def test_a_signal_ends_a_connection_that_nobody_answers(project, tmp_path, args):
    project.migration(1, "note", UP, "ALTER TABLE invoices DROP COLUMN note;\n")
    path = str(tmp_path / ".s.PGSQL.5432")
    came = threading.Event()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        clients = []

        def accept():
            clients.append(silent.accept()[0])
            came.set()

        threading.Thread(target=accept, daemon=True).start()
        project.environment("production", f"postgresql://u@/d?host={tmp_path}")
        with started(project, *args) as p:
            try:
                assert came.wait(60), "nobody connected"
                _, err = stopped(p, signal.SIGINT)
            finally:
                p.kill()
                for c in clients:
                    c.close()
    assert p.returncode == 8 and "interrupted" in err and err.count("\n") == 1, (p.returncode, err)
