"""The README's first use is run as written, and what it says is printed is printed: line by line, in order, numbers and times aside."""
import os
import re
import subprocess

import pytest
from lib import runs
from lib.servers import CLEAN

ROOT = runs.ROOT


def blocks():
    """(kind, text) of the fenced blocks of the first use."""
    with open(f"{ROOT}/README.md", encoding="utf-8") as f:
        section = f.read().split("## A first use")[1].split("\n## ")[0]
    return re.findall(r"```(\w+)\n(.*?)```", section, re.S)


def shape(line):
    """A line without what differs from run to run: digests, times, sizes and counts."""
    line = re.sub(r"[0-9a-f]{16,}", "HEX", line.strip())
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", line))


@pytest.fixture
def shop(make_db, pg15):
    production = make_db()
    for part in ("schema", "load"):
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", production.url, "-f", f"{ROOT}/examples/invoices/{part}.sql"], check=True,
                       stdout=subprocess.DEVNULL, env={**CLEAN, "PGOPTIONS": "-c invoices.scale=small"})
    return production, make_db(template=production.name)


def commands(text):
    """Commands of a block; a backslash at the end of a line goes on with the next."""
    return [c for c in re.split(r"(?<!\\)\n", text) if c.strip()]


def run(command, env, folder):
    if command.startswith("pgrail apply"):
        terminal = runs.Pty(["bash", "-c", command], env, folder)
        terminal.expect("Type YES to run this on production:")
        terminal.send("YES\n")
        assert terminal.wait() == 0, terminal.plain()
        return terminal.plain()
    done = subprocess.run(["bash", "-c", command], env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_first_use_of_the_readme(shop, tmp_path, home):
    tools, folder = tmp_path / "bin", tmp_path / "shop"
    tools.mkdir(), folder.mkdir()
    os.symlink(runs.BIN, tools / "pgrail")
    env = runs.environment(home, {"PRODUCTION_URL": shop[0].url, "STAGING_URL": shop[1].url, "PATH": f"{tools}:{os.environ['PATH']}"})
    printed, told = [], 0
    for kind, text in blocks():
        if kind == "sh":
            printed = [shape(line) for c in commands(text) for line in run(c, env, str(folder)).splitlines()]
            continue
        at = 0
        for line in text.splitlines():
            assert shape(line) in printed[at:], f"not printed (here): {line}"
            at = printed.index(shape(line), at) + 1
            told += 1
    assert told > 20
