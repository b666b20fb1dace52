"""examples/ci as written: the shell steps are taken out of the YAML and run in a repository with a good and a bad branch; the hooks are
installed as their first lines say, and git commits or refuses."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml
from lib import runs
from lxml import etree

CI = pathlib.Path(runs.ROOT) / "examples/ci"
GOOD = "CREATE TABLE drafts (id bigint PRIMARY KEY);\n"
BAD = "ALTER TABLE notes DROP COLUMN body;\n"


class Repo:
    def __init__(self, folder, home):
        self.folder, self.home = folder, home
        self.tools = folder.parent / "bin"
        self.tools.mkdir()
        os.symlink(runs.BIN, self.tools / "pgrail")
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("pgrail.conf", "[project]\nmigrations = migrations\n")
        self.migration(1, "notes", "CREATE TABLE notes (id bigint PRIMARY KEY, body text);\n", "DROP TABLE notes;\n")
        self.commit("first").check_returncode()

    def env(self, **more):
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "a"), ("EMAIL", "a@example.org"))}
        return runs.environment(self.home, {"PATH": f"{self.tools}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null", "PRE_COMMIT_HOME": f"{self.home}/pre-commit",
                                            **who, **more})

    def run(self, *argv, **more):
        return subprocess.run(argv, cwd=self.folder, env=self.env(**more), capture_output=True, text=True, check=False)

    def git(self, *args):
        done = self.run("git", *args)
        done.check_returncode()
        return done.stdout.strip()

    def write(self, path, text):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def migration(self, number, name, up, down):
        self.write(f"migrations/{number:04d}_{name}.up.sql", up)
        self.write(f"migrations/{number:04d}_{name}.down.sql", down)

    def commit(self, message):
        self.git("add", "--all")
        return self.run("git", "commit", "-q", "-m", message)

    def branch(self, up, down):
        """A branch as CI has it checked out: the target is known as origin/main alone."""
        self.git("update-ref", "refs/remotes/origin/main", "main")
        self.git("checkout", "-q", "-b", "work")
        self.migration(2, "work", up, down)
        assert self.commit("work").returncode == 0
        self.git("branch", "-q", "-D", "main")


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "home").mkdir()
    return Repo(tmp_path / "repo", str(tmp_path / "home"))


def document(name):
    return yaml.safe_load((CI / name).read_text(encoding="utf-8"))


def github(repo):
    """The steps with shell, as a runner would run them; returns the last one's end."""
    steps = [s for job in document("github.yml")["jobs"].values() for s in job["steps"]]
    for step in (s for s in steps if "run" in s):
        done = repo.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"], GITHUB_BASE_REF="main", GITHUB_ACTIONS="true", CI="true")
        if done.returncode != 0:
            break
    [upload] = [s for s in steps if s.get("uses", "").startswith("github/codeql-action/upload-sarif@")]
    assert "always()" in upload["if"]
    log = json.loads((repo.folder / upload["with"]["sarif_file"]).read_text(encoding="utf-8"))
    return done, log["runs"][0]["results"]


def test_the_github_workflow_passes_a_good_branch(repo):
    repo.branch(GOOD, "DROP TABLE drafts;\n")
    done, results = github(repo)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {r["level"] for r in results} <= {"note"} and "::error" not in done.stdout


def test_the_github_workflow_refuses_a_bad_branch(repo):
    repo.branch(BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    done, results = github(repo)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^::error file=migrations/0002_work\.up\.sql,line=1,.*title=pgrail drop-column::", done.stdout, re.M)
    assert "0001" not in done.stdout and "drop-column" in [r["ruleId"] for r in results]


def test_the_line_of_the_readme_does_what_it_says(repo):
    with open(f"{runs.ROOT}/README.md", encoding="utf-8") as f:
        [block] = re.findall(r"```sh\n(.*?)```", f.read().split("## In CI")[1].split("\n## ")[0], re.S)
    repo.branch(BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    done = repo.run("sh", "-ec", block)
    assert done.returncode == 1 and "::error file=migrations/0002_work.up.sql" in done.stdout and (repo.folder / "pgrail.sarif").is_file()


def gitlab(repo):
    job = document("gitlab.yml")["migrations"]
    done = repo.run("sh", "-e", "-c", "\n".join(job["script"]), CI="true", CI_MERGE_REQUEST_DIFF_BASE_SHA=repo.git("rev-parse", "origin/main"))
    reports = job["artifacts"]["reports"]
    assert job["artifacts"]["when"] == "always"
    return done, json.loads((repo.folder / reports["codequality"]).read_text()), etree.parse(str(repo.folder / reports["junit"]))


def test_the_gitlab_job_passes_a_good_branch(repo):
    repo.branch(GOOD, "DROP TABLE drafts;\n")
    done, quality, junit = gitlab(repo)
    assert done.returncode == 0 and {i["severity"] for i in quality} <= {"info"} and junit.getroot().get("failures") == "0"


def test_the_gitlab_job_refuses_a_bad_branch(repo):
    repo.branch(BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    done, quality, junit = gitlab(repo)
    assert done.returncode == 1 and "drop-column" in [i["check_name"] for i in quality]
    assert {i["location"]["path"] for i in quality} == {"migrations/0002_work.up.sql"} and int(junit.getroot().get("failures")) > 0


def install_hook(repo):
    """By the command that the hook's own head gives."""
    command = re.search(r": (cp examples/ci/pre-commit .*)$", (CI / "pre-commit").read_text(), re.M)[1]
    shutil.copytree(CI, repo.folder / "examples/ci")
    (repo.folder / ".git/hooks").mkdir(exist_ok=True)
    repo.run("sh", "-ec", command).check_returncode()
    (repo.folder / ".gitignore").write_text("examples\n")


def install_framework(repo):
    shutil.copy(CI / "pre-commit-config.yaml", repo.folder / ".pre-commit-config.yaml")
    repo.commit("hooks").check_returncode()
    repo.run("pre-commit", "install").check_returncode()


@pytest.mark.parametrize("install", [install_hook, install_framework])
def test_a_hook_refuses_a_commit_with_a_bad_migration(repo, install):
    install(repo)
    repo.migration(2, "good", GOOD, "DROP TABLE drafts;\n")
    good = repo.commit("good")
    assert good.returncode == 0, good.stdout + good.stderr
    before = repo.git("rev-parse", "HEAD")
    repo.migration(3, "bad", BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    bad = repo.commit("bad")
    said = bad.stdout + bad.stderr
    assert bad.returncode != 0 and "migrations/0003_bad.up.sql" in said and "[drop-column]" in said and "0001" not in said
    assert repo.git("rev-parse", "HEAD") == before


@pytest.mark.parametrize("install", [install_hook, install_framework])
def test_a_hook_judges_what_is_staged(repo, install):
    install(repo)
    repo.migration(2, "drafts", GOOD, "DROP TABLE drafts;\n")
    repo.git("add", "--all")
    repo.migration(2, "drafts", BAD, "DROP TABLE drafts;\n")           # in the folder, and not staged
    assert (done := repo.run("git", "commit", "-q", "-m", "good")).returncode == 0, done.stdout + done.stderr
    repo.git("add", "--all")
    repo.migration(2, "drafts", GOOD, "DROP TABLE drafts;\n")
    assert repo.run("git", "commit", "-q", "-m", "bad").returncode != 0
    assert (repo.folder / "migrations/0002_drafts.up.sql").read_text() == GOOD


def test_a_commit_of_named_files_is_judged_by_these(repo):
    """git commit FILE makes an index of its own for the hook."""
    install_hook(repo)
    repo.migration(2, "drafts", GOOD, "DROP TABLE drafts;\n")
    repo.migration(3, "bad", BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    repo.git("add", "--all")
    done = repo.run("git", "commit", "-q", "-m", "good", "--", "migrations/0002_drafts.up.sql", "migrations/0002_drafts.down.sql")
    assert done.returncode == 0, done.stderr
    assert repo.run("git", "commit", "-q", "-m", "bad", "--", "migrations/0003_bad.up.sql").returncode != 0


def test_the_hook_judges_the_first_commit_and_lets_others_pass(repo):
    install_hook(repo)
    repo.write("notes.txt", "no SQL\n")
    assert repo.commit("text").returncode == 0
    repo.git("checkout", "-q", "--orphan", "fresh")
    repo.migration(2, "bad", BAD, "ALTER TABLE notes ADD COLUMN body text;\n")
    assert repo.commit("all").returncode != 0
