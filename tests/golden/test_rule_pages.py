"""The pages of the rules: one for each thing that check can find, an index that leads to each, and what was measured on every version that
a rule is about. Nothing here names a rule: a new one is held to the same."""
import json
import pathlib
import re
import subprocess

import jsonschema
import pytest
from lib import measured, runs

MAJORS = range(13, 19)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([runs.BIN, "help", "--pages", str(folder)], check=True)
    return {p.stem: p.read_text(encoding="utf-8") for p in (folder / "rules").glob("*.md")}


@pytest.fixture(scope="module")
def document():
    return json.loads(subprocess.run([runs.BIN, "rules", "--json"], check=True, capture_output=True).stdout)


def about(rule):
    """A rule about early minor versions can be tried on no server of today."""
    return [] if rule.get("version_to") else [v for v in MAJORS if (rule["pg_from"] or 0) <= v <= (rule["pg_to"] or 99)]


def test_everything_that_can_be_found_has_a_page_and_the_index_leads_to_it(pages, document):
    ids = [r["rule"] for key in ("rules", "notes", "folder") for r in document[key]]
    assert sorted(ids + ["index"]) == sorted(pages)
    links = re.findall(r"\]\(([a-z0-9-]+)\.md\)", pages["index"])
    assert sorted(links) == sorted(ids)
    families = re.findall(r"^## (.*)$", pages["index"], re.M)
    assert len(families) == len(set(families)) and {r["family"] for r in document["rules"]} < set(families)


def test_the_document_is_as_published(document, tmp_path):
    with open(f"{runs.ROOT}/docs/schema/rules.json", encoding="utf-8") as f:
        schema = jsonschema.Draft202012Validator(json.load(f))
    schema.validate(document)
    (tmp_path / "pgrail.conf").write_text("[rules]\nloss = warning\nversion-gap = off\n[rules db/old/*]\n* = off\n")
    done = subprocess.run([runs.BIN, "rules", "--json"], check=True, capture_output=True, cwd=tmp_path)
    schema.validate(json.loads(done.stdout))
    assert any(r["off"] for r in json.loads(done.stdout)["folder"] if "set" in r)


def test_a_page_says_what_the_rule_says(pages, document):
    for r in document["rules"]:
        page = pages[r["rule"]]
        assert page.startswith(f"# {r['rule']}\n\n{r['title']}.\n") and r["why"] in page and r["safe_way"] in page
        for sql in [r["setup"], *r["bad"], *r["good"]]:
            assert all(f"    {line.strip()}\n" in page for line in sql.split("\n") if line.strip()), (r["rule"], sql)
        rows = re.findall(r"^\| `` .* `` \| ([0-9, to]+) \| (.+) \|$", page, re.M)
        assert (rows and (r["claim"]["lock"] is None or any(r["claim"]["lock"] in did for _, did in rows))) or not about(r), r["rule"]


def test_each_rule_was_measured_on_each_version_that_it_is_about(document):
    unmeasured = [(r["rule"], sql) for r in document["rules"] for sql in r["bad"] if sorted(measured.load(r["rule"]).get(sql, {})) != about(r)]
    assert unmeasured == [], "run: ./dev measure RULE"


def test_nothing_is_kept_of_what_is_no_more(document):
    known = {r["rule"]: r["bad"] for r in document["rules"]}
    stale = [p.name for p in measured.FOLDER.glob("*.json") if p.stem not in known or set(measured.load(p.stem)) - set(known[p.stem])]
    assert stale == [], "remove the file, or run: ./dev measure RULE"


def test_the_program_carries_what_was_measured(document):
    for r in (r for r in document["rules"] if about(r)):
        doc = json.loads((measured.FOLDER / f"{r['rule']}.json").read_text(encoding="utf-8"))
        assert r["measured"] == doc["bad"], "run: ./dev build"


def test_another_behaviour_is_a_disagreement(tmp_path, monkeypatch):
    """The comparison is no rubber stamp: each single change of what a server did is said, and so is what was never measured."""
    monkeypatch.setattr(measured, "FOLDER", pathlib.Path(tmp_path))
    did = {"lock": "SHARE", "rewrites": False, "scans": False, "builds": True, "fails": None, "answer": None}
    measured.add("a-rule", ["SELECT 1", "SELECT 2"], 15, [did, did])
    measured.add("a-rule", ["SELECT 1", "SELECT 2"], 18, [did, {**did, "lock": "EXCLUSIVE"}])
    assert measured.disagreement("a-rule", ["SELECT 1", "SELECT 2"], 15, [did, did]) is None
    for key, value in {"lock": None, "rewrites": True, "scans": True, "builds": False, "fails": "25001", "answer": "t"}.items():
        assert "./dev measure a-rule" in measured.disagreement("a-rule", ["SELECT 1"], 15, [{**did, key: value}])
    assert measured.disagreement("a-rule", ["SELECT 2"], 18, [did]) is not None
    assert measured.disagreement("a-rule", ["SELECT 1"], 16, [did]) is not None
    assert measured.disagreement("a-rule", ["SELECT 3"], 15, [did]) is not None
    measured.add("a-rule", ["SELECT 2"], 15, [did])
    assert list(measured.load("a-rule")) == ["SELECT 2"]
