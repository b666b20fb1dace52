"""What a folder's first files leave behind is what its later ones find: each file is applied on a real server, and what the server
accepts, `check --all` must not foretell to fail. The files are reduced from what real folders do."""
import pathlib

from lib.runs import Project

FOLDER = pathlib.Path(__file__).parent / "carried_folder"
FILES = sorted(FOLDER.glob("*.up.sql"))


def judged(tmp_path, major, files):
    project = Project(tmp_path / "project", tmp_path / "home")
    for name, text in files.items():
        project.write(f"migrations/{name}", text)
    done = project.pgrail("check", "--all", "--up-only", "--json", "--pg-version", major)
    return done.json["findings"]


def failures(findings):
    return [f"{f['path']}:{f['line']} {f['title']}" for f in findings
            if f["rule"] == "predicted-failure" and f["level"] == "error" or f["rule"].startswith("unknown-")]


def test_what_the_server_accepts_is_not_foretold_to_fail(make_db, server, tmp_path):
    db = make_db(server)
    for f in FILES:
        db.sql(f.read_text())
    assert failures(judged(tmp_path, server.major, {f.name: f.read_text() for f in FILES})) == []


def test_what_is_gone_is_still_missed(tmp_path):
    files = {f.name: f.read_text() for f in FILES}
    files["0006_too_late.up.sql"] = "SELECT * FROM posts;\nDROP TABLE t;\nCREATE VIEW v1 AS SELECT 1 AS one;\n"
    found = failures(judged(tmp_path, 18, files))
    assert len(found) == 3 and all("0006_too_late" in f for f in found)
    assert "there is no posts" in found[0] and "v3 depends on it" in found[1] + found[2] and "already exists" in found[1] + found[2]


MAKES = """CREATE FUNCTION make(t text, n int DEFAULT 2) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('CREATE TABLE %s_%s (a int)', t, n); END $$;
"""
GRANTS = """CREATE TABLE t (a int);
DO $$ DECLARE r text := 'public'; BEGIN EXECUTE 'GRANT SELECT ON t TO ' || r; END $$;
"""


def test_what_is_put_together_when_it_runs_may_have_made_it(make_db, server, tmp_path):
    """A function of an earlier file, called in a later one."""
    files = {"0001_a.up.sql": MAKES, "0002_b.up.sql": "SELECT make('x');\n", "0003_c.up.sql": "ALTER TABLE x_2 ADD COLUMN b int;\nCREATE INDEX ON x_2 (b);\n"}
    db = make_db(server)
    for text in files.values():
        db.sql(text)
    assert failures(judged(tmp_path / "made", server.major, files)) == []
    never_called = {**files, "0002_b.up.sql": "SELECT 1;\n"}
    assert len(failures(judged(tmp_path / "uncalled", server.major, never_called))) == 2


def test_what_cannot_make_a_relation_hides_none(server, tmp_path):
    found = failures(judged(tmp_path, server.major, {"0001_a.up.sql": GRANTS, "0002_b.up.sql": "ALTER TABLE nothere ADD COLUMN b int;\n"}))
    assert len(found) == 1 and "there is no nothere" in found[0]


def test_functions_of_the_run_are_replaced_and_dropped(server, tmp_path):
    files = {"0001_a.up.sql": MAKES, "0002_b.up.sql": "DROP FUNCTION make(text, int);\nCREATE FUNCTION make(t text) RETURNS void LANGUAGE sql AS 'SELECT 1';\n",
             "0003_c.up.sql": "SELECT make('x');\n", "0004_d.up.sql": "ALTER TABLE x_2 ADD COLUMN b int;\n"}
    assert len(failures(judged(tmp_path, server.major, files))) == 1
