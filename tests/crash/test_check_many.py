"""A folder is judged by as many processes as there are processors. Nobody can tell from the answer: it is that of one process byte for byte,
whatever becomes of the children, and none of them is left behind."""
import os
import signal
import subprocess

import pytest

from lib import runs
from lib.servers import await_that, children_of, lives

ALL = sorted(os.sched_getaffinity(0))
STATEMENTS = ["CREATE TABLE made_{n} (id bigint PRIMARY KEY, total numeric(12, 2) NOT NULL, of_user int REFERENCES users (id));",
              "CREATE INDEX made_{n}_total ON orders (total);", "ALTER TABLE orders ADD COLUMN c{n} int NOT NULL;", "DROP TABLE old_{n};",
              "-- pgrail:ignore drop-table nobody reads it\nDROP TABLE older_{n};", "UPDATE orders SET total = {n};", "ALTER TABLE orders FROB {n};",
              "DO $$ BEGIN ALTER TABLE orders ALTER COLUMN c{n} TYPE bigint; END $$;", "CREATE ROLE r{n} PASSWORD 'secret {n}'; SELECT 1;",
              "INSERT INTO orders VALUES ({n}), ({n} + 1);", "COMMENT ON TABLE orders IS 'größer als {n} €'; DROP TABLE müll_{n};"]


def text(number, statements):
    return "\n".join(STATEMENTS[(number + i) % len(STATEMENTS)].format(n=f"{number}_{i}") for i in range(statements)) + "\n"


def folder(tmp_path, files, statements, layout="pairs"):
    made = tmp_path / "m"
    made.mkdir()
    for i in range(1, files + 1):
        up, down = text(i, statements), f"DROP TABLE made_{i};\nALTER TABLE orders DROP COLUMN c{i};\n"
        if layout == "goose":
            (made / f"{i:05d}_step.sql").write_text(f"-- +goose Up\n{up}-- +goose Down\n{down}", encoding="utf-8")
        else:
            (made / f"{i:05d}_step.up.sql").write_text(up, encoding="utf-8")
            (made / f"{i:05d}_step.down.sql").write_text(down, encoding="utf-8")
    return tmp_path


def started(tmp_path, *args, processors=ALL):
    return subprocess.Popen([*runs.WRAP, runs.BIN, "check", "--offline", "m", *args], cwd=tmp_path, env=runs.environment(str(tmp_path)), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, processors))


def answer(p):
    try:
        out, err = p.communicate(timeout=300)
    finally:
        p.kill()
    return p.returncode, out, err


def state(pid):
    """The letter that the kernel gives a process ("R", "S", "T"), and the ticks that it has worked; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[11])


def is_left(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


def working_children(p):
    """Those that have judged for a while, once every one that there can be has; [] when it was over before."""
    def seen():
        found = [c for c in children_of(p.pid) if (state(c) or ("Z", 0))[1] > 0]
        return p.poll() is not None or (len(found) == min(len(ALL), 8) - 1 and (found or [0]))
    all_of_them = await_that(seen, "the children work")
    return [c for c in all_of_them if c != 0] if isinstance(all_of_them, list) else []


@pytest.mark.parametrize("layout", ["pairs", "goose"])
@pytest.mark.parametrize("how", [[], ["--json"], ["--up-only"], ["--format", "sarif"]], ids=lambda how: " ".join(how) or "text")
def test_the_answer_is_that_of_one_process(tmp_path, how, layout):
    folder(tmp_path, 150, 40, layout)
    one, many = (answer(started(tmp_path, *how, processors=some)) for some in (ALL[:1], ALL))
    assert one[0] == 1 and len(one[1]) > 100_000 and not one[2]
    assert many == one


def test_what_cannot_be_judged_is_refused_in_the_same_words(tmp_path):
    folder(tmp_path, 60, 200)
    for number in (20, 40):
        (tmp_path / f"m/{number:05d}_step.up.sql").write_text("-- " + "x" * (17 << 20), encoding="utf-8")
    one, many = (answer(started(tmp_path, processors=some)) for some in (ALL[:1], ALL))
    assert one[0] == 2 and one[1] == b"" and b"m/00020_step.up.sql" in one[2]
    assert many == one


@pytest.mark.parametrize("which", ["one", "all"])
def test_a_child_that_is_killed_loses_no_finding(tmp_path, which):
    folder(tmp_path, 40, 3000)
    want = answer(started(tmp_path, processors=ALL[:1]))
    for _ in range(20):                                     # a child that is stopped between two files holds none: then nobody waits for it
        p = started(tmp_path)
        children = working_children(p)
        stopped = children[:1] if which == "one" else children
        for child in stopped:
            os.kill(child, signal.SIGSTOP)
        await_that(lambda: p.poll() is not None or all((state(c) or "-")[0] in "TZ-" for c in stopped), "they stand still")
        await_that(lambda: p.poll() is not None or state(p.pid)[0] == "S", "it waits for the child, or does without it")
        waited = p.poll() is None
        for child in stopped if waited else []:
            os.kill(child, signal.SIGKILL)
        assert answer(p) == want
        assert not is_left(p.pid)
        if waited or len(ALL) == 1:
            return
    raise AssertionError("no child was killed in the middle of its work")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_them(tmp_path, how):
    folder(tmp_path, 40, 3000)
    p = started(tmp_path)
    assert len(working_children(p)) == min(len(ALL), 8) - 1
    os.killpg(p.pid, how)                                   # as a terminal does: to all of the group
    status, out, err = answer(p)
    assert (status, out, err) == (8, b"", b"pgrail: interrupted\n")
    assert not is_left(p.pid)


def test_the_children_of_one_that_was_killed_end(tmp_path):
    folder(tmp_path, 40, 3000)
    p = started(tmp_path)
    children = working_children(p)
    assert len(children) == min(len(ALL), 8) - 1
    for child in children[:1]:
        os.kill(child, signal.SIGSTOP)                      # not even one that stands still stays
    p.kill()
    p.communicate(timeout=60)
    await_that(lambda: not any(lives(c) for c in children), "the children have ended")
