"""Words of the terminal, held byte for byte. A case is cases/AREA/NAME.cmd, a sh script, and NAME.out, what it prints.

The script runs in a folder of its own (as $ROOT, which is also $HOME; state goes to $ROOT/.state), with the binary as $PGRAIL, at a fixed
time (2026-11-21 11:00 UTC), and in an environment of its own: nothing of the developer's leaks in. If there is a folder NAME.files, the
script finds a copy of it. NAME.out holds standard output, standard error and the status of the last command; the folder's path is
written as $ROOT. After a wanted change of words: BLESS=1 python3 -m pytest tests/golden/test_golden.py, then read the diff."""
import difflib
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*/*.cmd"))
BIN = os.environ.get("PGRAIL_BIN", str(HERE.parents[1] / "build/out/pgrail"))
NOW = "1795258800"
COMMAND = f"{os.environ.get('PGRAIL_WRAP', '')} {BIN}".strip()              # valgrind, when the developer asks for it


def environment(root):
    """All that a case sees. Sanitizers' options pass, so that the same cases serve the sanitized build."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "PGRAIL_SERVERS", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
    env.update(PGRAIL=COMMAND, ROOT=root, HOME=root, XDG_STATE_HOME=f"{root}/.state", TMPDIR=root, PGRAIL_TEST_NOW=NOW, LC_ALL="C.UTF-8", TZ="UTC",
               GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1", GIT_CEILING_DIRECTORIES=root)
    return env


def played(case, root):
    files = case.with_suffix(".files")
    if files.is_dir():
        shutil.copytree(files, root, dirs_exist_ok=True)
    done = subprocess.run(["/bin/sh", str(case)], cwd=root, env=environment(root), capture_output=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=120)
    out = b"--- stdout\n" + done.stdout + b"--- stderr\n" + done.stderr + b"--- status %d\n" % done.returncode
    return out.replace(root.encode(), b"$ROOT")


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.parent.name}/{c.stem}")
def test_case(case, tmp_path):
    got = played(case, str(tmp_path.resolve()))
    held = case.with_suffix(".out")
    if os.environ.get("BLESS") == "1":
        held.write_bytes(got)
    want = held.read_bytes() if held.exists() else b""
    assert got == want, "\n" + "\n".join(difflib.unified_diff(want.decode(errors="replace").splitlines(), got.decode(errors="replace").splitlines(),
                                                              "held", "printed", lineterm=""))


def test_no_output_without_its_case():
    assert [o.name for o in (HERE / "cases").glob("*/*.out") if not o.with_suffix(".cmd").exists()] == []


def test_no_case_knows_a_machine():
    """A path of this machine in what is held would make the case true here alone."""
    assert [o.name for o in (HERE / "cases").glob("*/*.out") if b"/tmp/" in o.read_bytes() or str(HERE.parents[1]).encode() in o.read_bytes()] == []
