"""tools/footprint_audit on our own folders: whatever their statements do on each server was foretold, from the facts before each
statement and through the world from those before each migration."""
import os
import subprocess

import pytest

from lib.audit import audit
from lib.runs import ROOT
from lib.servers import CLEAN

FOLDERS = {"invoices": (f"{ROOT}/examples/invoices/migrations", f"{ROOT}/examples/invoices/schema.sql"),
           "nasty": (f"{ROOT}/tests/server/footprint_folder", None)}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("whole", [False, True], ids=["named", "whole"])
def test_nothing_on_our_folders_differs(server, name, whole):
    folder, before = FOLDERS[name]
    if before is not None:
        with open(before, encoding="utf-8") as f:
            before = f.read()
    result = audit(server, folder, whole=whole, before=before)
    wrong = [f"{s.place}: {s.outcome}: {s.sql}\n    {s.message}\n    " + "\n    ".join([*s.from_facts, "through the world:", *s.through_world])
             for s in result.statements if s.outcome not in ("agrees", "left out") or s.through_world]
    assert not wrong, "\n".join(wrong)
    assert result.count("agrees") >= result.migrations


def test_tool_prints_the_difference_and_its_share(server, tmp_path):
    """A statement that cannot be run is counted apart; what the server did otherwise would be a difference and end with 1."""
    (tmp_path / "1.sql").write_text("CREATE TABLE t (a int);\nCREATE EXTENSION no_such_extension;\nDO $$ BEGIN EXECUTE (SELECT 'SELECT ' || count(*) FROM pg_class); END $$;\n")
    done = subprocess.run([f"{ROOT}/tools/footprint_audit", "--pg", str(server.major), str(tmp_path)], env=CLEAN, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.sql:2: could not run: CREATE EXTENSION no_such_extension" in done.stdout
    assert "1.sql:3: not judged: DO" in done.stdout
    assert "plain files, 1 migrations, 3 statements: 1 agree, 0 differ (100.00 %)" in done.stdout
    assert "1 CREATE EXTENSION" in done.stdout
