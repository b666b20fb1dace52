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
