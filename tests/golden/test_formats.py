"""The answers of check for programs, held against what those programs publish: SARIF's and JUnit's schemas, GitHub's and GitLab's documented
forms, and our own schema of the document. One project with names made to break them serves all."""
import json
import os
import re
import subprocess
import urllib.parse

import jsonschema
import pytest
from lib import runs
from lib.runs import Project
from lxml import etree

ROOT = runs.ROOT
SCHEMAS = f"{ROOT}/build/deps/schemas"
HOSTILE = "m/0003 a,b:c%d ü漢😀.sql"
LONG = "SELECT 'ü';" * 400 + "DROP TABLE far_away;"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return str(tmp_path / "home")


@pytest.fixture
def project(tmp_path, home):
    p = Project(tmp_path / "repo" / "services" / "billing", home)
    (tmp_path / "repo" / ".git").mkdir()
    p.migration(1, "clean", "CREATE TABLE notes (id bigint PRIMARY KEY);\n", "DROP TABLE notes;\n")
    p.migration(2, "index", "CREATE INDEX a ON items (label);\n-- pgrail:ignore drop-table\nDROP TABLE drafts;\nDROP TABLE drafts;\n")
    p.write(HOSTILE, '/* 😀 */ DROP TABLE "x,y:%0A漢😀<&>\n::error::\x01\x1b[31m]]>";\nALTER TABLE a FORM b;\n')
    p.write("m/0004_long.sql", LONG + "\n")
    return p


def check(project, *args, cwd=None, **more):
    r = runs.run(["check", *args], project.home, cwd=cwd or project.folder, **more)
    assert r.status in (0, 1), r.err
    return r.out


FILES = ("migrations", HOSTILE, "m/0004_long.sql")


def document(project, *args):
    return json.loads(check(project, *FILES, *args, "--json"))


def test_the_document_is_as_published(project):
    with open(f"{ROOT}/docs/schema/check.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    for args in ([], ["--offline"], ["--footprint"], ["--up-only", "--runner", "psql"]):
        doc = document(project, *args)
        jsonschema.Draft202012Validator(schema).validate(doc)
        assert doc["findings"]
    jsonschema.Draft202012Validator(schema).validate(json.loads(check(project, "--all", "--json")))
    assert open_objects(schema) == []


def open_objects(form, path="$"):
    """Where a schema says object and would take any key."""
    if isinstance(form, list):
        return [w for i, f in enumerate(form) for w in open_objects(f, f"{path}[{i}]")]
    if not isinstance(form, dict):
        return []
    mine = [path] if "object" in form.get("type", []) and form.get("additionalProperties") is not False else []
    return mine + [w for k, f in form.items() for w in open_objects(f, f"{path}.{k}")]


def test_json_has_two_names(project):
    assert check(project, *FILES, "--json") == check(project, *FILES, "--format", "json") == check(project, *FILES, "--format=json")


def sarif(project, **more):
    return json.loads(check(project, *FILES, "--format", "sarif", **more))


def test_sarif_is_as_published(project):
    with open(f"{SCHEMAS}/sarif-2.1.0.json", encoding="utf-8") as f:
        schema = json.load(f)
    log = sarif(project)
    jsonschema.Draft4Validator(schema).validate(log)
    [run] = log["runs"]
    findings = document(project)["findings"]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [(f["rule"], f["level"]) for f in findings]
    rules = run["tool"]["driver"]["rules"]
    assert len({r["id"] for r in rules}) == len(rules) == len({f["rule"] for f in findings})
    for r in run["results"]:
        assert rules[r["ruleIndex"]]["id"] == r["ruleId"]
    for rule in rules:
        assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
        assert "helpUri" not in rule or urllib.parse.urlsplit(rule["helpUri"]).scheme == "https"


def test_sarif_shows_what_is_suppressed_and_why(project):
    """All results of a run say whether they are suppressed, as the standard wants; none that is counts as a failure."""
    project.migration(2, "index", "-- pgrail:ignore drop-table,missing-lock-timeout moved to the archive in 0001\nDROP TABLE drafts;\nDROP TABLE drafts;\n")
    project.write("m/0004_long.sql", "DROP TABLE far_away;\n")
    base = f"{project.folder}/baseline.json"
    args = ("migrations", "m/0004_long.sql", "--up-only")
    before = json.loads(check(project, *args, "--json"))
    assert [f["line"] for f in before["findings"] if f["rule"] == "drop-table"] == [3, 1]
    [hidden] = [f for f in before["suppressed"] if f["rule"] == "drop-table"]
    assert hidden["line"] == 2 and hidden["suppression"] == {"by": "ignore", "reason": "moved to the archive in 0001"}
    assert before["counts"]["ignored"] == len(before["suppressed"])
    check(project, *args, "--baseline", base, "--write-baseline")
    with open(f"{SCHEMAS}/sarif-2.1.0.json", encoding="utf-8") as f:
        schema = json.load(f)
    log = json.loads(check(project, *args, "--baseline", base, "--format", "sarif"))
    jsonschema.Draft4Validator(schema).validate(log)
    results = log["runs"][0]["results"]
    assert all(len(r["suppressions"]) == 1 for r in results)
    told = {(r["ruleId"], r["locations"][0]["physicalLocation"]["region"]["startLine"]): r["suppressions"][0] for r in results if "0002" in str(r["locations"])}
    assert told["drop-table", 2] == {"kind": "inSource", "justification": "moved to the archive in 0001"}
    assert told["drop-table", 3] == {"kind": "external", "justification": f"accepted by the baseline {base}"}
    assert len({r["partialFingerprints"]["pgrailFinding/v1"] for r in results}) == len(results)
    whole = runs.run(["check", *args, "--baseline", base, "--format", "sarif"], project.home, cwd=project.folder)
    assert whole.status == 0
    assert all(r["suppressions"] == [] for r in json.loads(check(project, "m/0004_long.sql", "--format", "sarif"))["runs"][0]["results"])


def read_region(project, result):
    """What a viewer would mark: the region's text, cut by UTF-16 code units as columnKind says."""
    place = result["locations"][0]["physicalLocation"]
    path = urllib.parse.unquote(place["artifactLocation"]["uri"])
    with open(os.path.join(project.folder, "../..", path), encoding="utf-8", newline="\n") as f:
        line = f.read().split("\n")[place["region"]["startLine"] - 1].encode("utf-16-le")
    region = place["region"]
    assert region["startLine"] == region["endLine"]
    return line[2 * (region["startColumn"] - 1):2 * (region["endColumn"] - 1)].decode("utf-16-le")


def test_sarif_regions_mark_the_place(project):
    [run] = sarif(project)["runs"]
    assert run["columnKind"] == "utf16CodeUnits"
    marked = [read_region(project, r) for r in run["results"] if "startColumn" in r["locations"][0]["physicalLocation"]["region"]]
    assert marked.count("drafts") == 2 and "items" in marked and "far_away" in marked and '"x,y:%0A漢😀<&>' in marked


def fingerprints(project):
    return [r["partialFingerprints"]["pgrailFinding/v1"] for r in sarif(project)["runs"][0]["results"]]


def test_fingerprints_are_their_own_and_survive_moved_lines(project):
    before = fingerprints(project)
    assert len(set(before)) == len(before) > 5
    path = f"{project.folder}/migrations/0002_index.up.sql"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    project.write("migrations/0002_index.up.sql", "-- why\n\nSELECT 1;\n" + text.replace("INDEX a ON", "INDEX a\n    ON"))
    assert fingerprints(project) == before
    project.write("migrations/0002_index.up.sql", text.replace("INDEX a ON", "INDEX b ON"))
    assert len(set(before) - set(fingerprints(project))) == 1


def test_github_annotations_cannot_be_forged(project):
    lines = check(project, *FILES, "--format", "github").splitlines()
    findings = document(project)["findings"]
    assert len(lines) == len(findings) + 1 and lines[-1].startswith("4 migrations judged")
    levels = {"note": "notice", "warning": "warning", "error": "error"}
    for line, f in zip(lines, findings):
        command, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()
        assert command == levels[f["level"]]
        pairs = dict(p.split("=", 1) for p in properties.split(","))
        assert urllib.parse.unquote(pairs["file"]) == "services/billing/" + f["path"]
        assert int(pairs["line"]) == f["line"] and pairs["title"] == f"pgrail {f['rule']}"
        assert "col" not in f or (int(pairs["col"]), int(pairs["endColumn"])) == (f["col"], f["col"] + f["width"])
        assert not re.search(r"[\x00-\x1f]", line)
        said = re.sub(r"%(25|0A|0D)", lambda m: chr(int(m[1], 16)), message)
        assert f.get("what", "")[:60] in said


def test_gitlab_reports_are_as_documented(project):
    report = json.loads(check(project, *FILES, "--format", "gitlab"))
    findings = document(project)["findings"]
    assert [i["check_name"] for i in report] == [f["rule"] for f in findings]
    assert len({i["fingerprint"] for i in report}) == len(report)
    for issue, f in zip(report, findings):
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"} and issue["description"]
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"] == "services/billing/" + f["path"]
        assert issue["location"]["lines"]["begin"] == f["line"]


def test_junit_is_as_published(project):
    xml = etree.fromstring(check(project, *FILES, "--format", "junit").encode())
    etree.XMLSchema(etree.parse(f"{SCHEMAS}/jenkins-junit.xsd")).assertValid(xml)
    findings = document(project)["findings"]
    cases = xml.findall(".//testcase")
    assert len(cases) == int(xml.get("tests")) == len(findings) + 1                    # 0001's up script has none: a case that passes
    assert len(xml.findall(".//failure")) == int(xml.get("failures")) == sum(f["level"] == "error" for f in findings)
    suites = {s.get("name"): s for s in xml.findall("testsuite")}
    assert "services/billing/" + HOSTILE in suites and len(suites) == 5
    for s in suites.values():
        assert (int(s.get("tests")), int(s.get("failures"))) == (len(s.findall("testcase")), len(s.findall(".//failure")))
    [failure] = [f for f in suites["services/billing/" + HOSTILE].iter("failure") if f.get("type") == "drop-table"]
    assert "]]>" in failure.text and "漢😀<&>" in failure.get("message")


def test_what_fails_the_run_fails_the_case(project):
    at = {level: etree.fromstring(check(project, *FILES, "--format", "junit", "--fail-on", level).encode()).get("failures")
          for level in ("error", "warning", "note")}
    findings = document(project)["findings"]
    assert int(at["error"]) < int(at["warning"]) < int(at["note"]) == len(findings)


def test_gcc_lines_lead_to_the_place(project):
    findings = document(project)["findings"]
    for cwd, prefix in ((project.folder, ""), (f"{project.folder}/m", "../")):
        lines = check(project, "--all" if cwd is None else f"{project.folder}/migrations", "--format", "gcc", cwd=cwd).splitlines()
        for line in lines:
            path, at, col, level, rule = re.fullmatch(r"(.+):(\d+):(\d+): (error|warning|note): .* \[([a-z-]+)\]", line).groups()
            assert path.startswith(prefix + "migrations/") and os.path.isfile(os.path.join(cwd, path))
            assert any((f["rule"], f["level"], f["line"], f.get("col", 1)) == (rule, level, int(at), int(col)) for f in findings)
        assert len(lines) == sum(f["path"].startswith("migrations/") for f in findings)


def test_a_compiler_pattern_reads_gcc_lines(project):
    """Hostile names keep the form too: one line for each finding."""
    lines = check(project, *FILES, "--format", "gcc").splitlines()
    assert len(lines) == len(document(project)["findings"])
    assert all(re.search(r":\d+:\d+: (error|warning|note): ", line) for line in lines)


def test_several_reports_in_one_run(project):
    out = check(project, *FILES, "--report", "sarif=a.sarif", "--report", "junit=a.xml", "--report", "json=a.json", "--report=text=a.txt")
    assert "migrations judged" in out
    assert json.loads(project.read("a.sarif")) == sarif(project)
    assert json.loads(project.read("a.json")) == document(project)
    assert etree.fromstring(project.read("a.xml").encode()).tag == "testsuites"
    assert project.read("a.txt") == out


def test_a_report_that_cannot_be_written_is_said_and_the_answer_is_there(project):
    r = runs.run(["check", *FILES, "--report", "sarif=nowhere/a.sarif"], project.home, cwd=project.folder)
    assert r.status == 2 and "migrations judged" in r.out and "nowhere" in r.err


def test_a_device_is_not_replaced_by_a_report(project):
    r = runs.run(["check", *FILES, "--report", "sarif=/dev/null"], project.home, cwd=project.folder)
    assert r.status == 2 and "is not a file" in r.err and subprocess.run(["test", "-c", "/dev/null"], check=False).returncode == 0


def test_nothing_found_is_a_report_too(project):
    clean = f"{project.folder}/migrations/0001_clean.up.sql"
    assert sarif_results(project, clean) == [] and json.loads(check(project, clean, "--up-only", "--format", "gitlab")) == []
    xml = etree.fromstring(check(project, clean, "--up-only", "--format", "junit").encode())
    etree.XMLSchema(etree.parse(f"{SCHEMAS}/jenkins-junit.xsd")).assertValid(xml)
    assert (xml.get("tests"), xml.get("failures")) == ("1", "0")


def sarif_results(project, path):
    return json.loads(check(project, path, "--up-only", "--format", "sarif"))["runs"][0]["results"]
