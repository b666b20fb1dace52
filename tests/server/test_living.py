"""Living with check on a real project: conventions found in the live schema, what a baseline may and may not hide, exit statuses."""
import json
import pathlib

import jsonschema
import pytest

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs/schema"


def valid(doc, name):
    jsonschema.validate(doc, json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))
    return doc


def tables(n):
    return "".join(f"""CREATE TABLE things_{i} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, done boolean NOT NULL DEFAULT false,
        parent_id bigint, created_at timestamptz, words tsvector, CONSTRAINT fk_things_{i}_root FOREIGN KEY (parent_id) REFERENCES root (id) ON DELETE CASCADE);
        CREATE INDEX idx_things_{i}_name ON things_{i} (name); CREATE INDEX idx_things_{i}_parent ON things_{i} (parent_id);
        CREATE INDEX idx_things_{i}_words ON things_{i} USING gin (words);""" for i in range(n))


@pytest.fixture
def found(pgrail, db, tmp_path):
    """A schema with habits, and what init made of it: the result and pgrail.conf's text."""
    folder = tmp_path / "new"
    folder.mkdir()
    db.sql("""CREATE TABLE root (id bigint PRIMARY KEY, created_at timestamptz);
        CREATE TABLE "Odd" (id int PRIMARY KEY, created_at timestamp, "x\n[environment production]\nprotected = no\n;" text);
        CREATE TABLE joins (a bigint, b bigint, PRIMARY KEY (a, b));
        CREATE SCHEMA pgrail; CREATE TABLE pgrail.history (id int PRIMARY KEY)""")
    db.sql(tables(12))

    def run(*args, cwd=str(folder), env=None):
        return pgrail(*args, cwd=cwd, env={"DATABASE_URL": db.url, **(env or {})})

    return run, run("init", "--production-env", "DATABASE_URL"), folder / "pgrail.conf"


def test_init_proposes_what_the_live_schema_follows(found):
    _, result, conf = found
    assert result.status == 0, result.err
    text = conf.read_text(encoding="utf-8")
    section = text[text.index("[conventions]"):]
    for line in ["; 13 of 14 keys are bigint\nkey_type = bigint", "; 13 of 14 points in time are timestamptz\ntimestamp_type = timestamptz", "\nnames = snake_case",
                 "; of 14 tables have: created_at 14\ncolumns = created_at", "; 36 of 36 indexes are named so\nindex_name = idx_{table}_*",
                 "; 12 of 12 foreign keys are named so\nforeign_key_name = fk_{table}_{ref_table}",
                 "; 12 of 12 foreign keys say what happens ON DELETE\nforeign_key_on_delete = yes", "; 12 of 12 booleans are NOT NULL with a default\nboolean_default = yes",
                 "; 12 of 12 tsvector columns have a GIN index\ngin_index = tsvector", "\nredundant_index = yes", "; unique_name = "]:
        assert line in section, (line, section)
    assert "key_type = bigint: 13 of 14 keys are bigint" in result.out
    assert text.count("[environment production]") == 1 and "protected = yes" in text


def test_what_init_proposes_is_what_check_judges_by(found):
    run, _, conf = found
    conf.parent.joinpath("x.sql").write_text('CREATE TABLE news (id int PRIMARY KEY, read boolean);\nCREATE INDEX news_read ON news (read);\n', encoding="utf-8")
    doc = valid(run("check", "x.sql", "--offline", "--json").json, "check")
    assert {f["rule"] for f in doc["findings"]} == {"convention-key-type", "convention-columns", "convention-boolean-default", "convention-index-name"}
    assert "the key news.id is integer, keys here are bigint" in [f["title"] for f in doc["findings"]]
    with conf.open("a", encoding="utf-8") as f:
        f.write("\n[rules *.sql]\nconvention = off\n")
    assert run("check", "x.sql", "--offline", "--json").json["findings"] == []


def test_init_without_a_server_says_so_and_goes_on(pgrail, tmp_path):
    result = pgrail("init", "--production-env", "DATABASE_URL", cwd=str(tmp_path), env={"DATABASE_URL": f"postgresql://u@/d?host={tmp_path}"})
    assert result.status == 0 and "conventions, for the schema could not be read" in result.out
    assert "; key_type = bigint" in (tmp_path / "pgrail.conf").read_text(encoding="utf-8")


@pytest.fixture
def shop(project, db):
    db.sql("CREATE TABLE invoices (id bigint PRIMARY KEY, total int); INSERT INTO invoices SELECT i, i FROM generate_series(1, 1000) i; ANALYZE")
    project.migration(1, "drop", "DROP TABLE invoices;\n", "CREATE TABLE invoices (id bigint PRIMARY KEY, total int);\n")
    return project.environment("production", db)


def test_a_baseline_hides_findings_and_never_a_missing_grounding(shop):
    refused = shop.pgrail("check", "1", "--baseline", "kept.json", "--write-baseline", "--json")
    assert refused.status == 3 and not refused.json["grounded"] and refused.json["counts"]["accepted"] > 0
    valid(refused.json, "check")
    valid(json.loads(pathlib.Path(shop.folder, "kept.json").read_text(encoding="utf-8")), "baseline")
    shop.pgrail("ground", "1").ok()
    doc = shop.pgrail("check", "1", "--baseline", "kept.json", "--json").ok().json
    assert doc["findings"] == [] and doc["baseline"] == {"path": "kept.json", "written": False}
    assert shop.pgrail("check", "1").status == 1


@pytest.mark.parametrize("level, statuses", [("note", (0, 0, 1)), ("warning", (0, 1, 1)), ("error", (1, 1, 1)), ("off", (0, 0, 0))])
def test_fail_on(shop, level, statuses):
    """The exit status for --fail-on error, warning and note; a missing grounding (3) outweighs all of them."""
    shop.sections.append(f"[rules]\n* = off\ndrop-table = {level}")
    shop.write_conf()
    assert [shop.pgrail("check", "1", "--fail-on", f).status for f in ("error", "warning", "note")] == [3, 3, 3]
    shop.pgrail("ground", "1").ok()
    assert tuple(shop.pgrail("check", "1", "--fail-on", f, "--up-only").status for f in ("error", "warning", "note")) == statuses
    assert shop.pgrail("check", "1").status == (1 if level == "error" else 0)


def test_a_file_that_is_renewed_keeps_what_this_run_did_not_look_at(shop):
    shop.migration(2, "more", "DROP TABLE more;\n", "CREATE TABLE more (a int);\n")
    kept = pathlib.Path(shop.folder, "kept.json")
    entries = lambda: [(e["path"], e["rule"]) for e in json.loads(kept.read_text(encoding="utf-8"))["findings"]]
    shop.pgrail("check", "1", "2", "--offline", "--baseline", "kept.json", "--write-baseline").ok()
    both = entries()
    assert both == sorted(both) and {p for p, _ in both} >= {"migrations/0001_drop.up.sql", "migrations/0002_more.up.sql"}
    shop.write("migrations/0002_more.up.sql", "CREATE TABLE more (a int);\n")
    assert shop.pgrail("check", "1", "--offline", "--baseline", "kept.json", "--json").ok().json["findings"] == []
    shop.pgrail("check", "2", "--offline", "--baseline", "kept.json", "--write-baseline").ok()
    assert "migrations/0001_drop.up.sql" in {p for p, _ in entries()} and "migrations/0002_more.up.sql" not in {p for p, _ in entries()}
