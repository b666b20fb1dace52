"""pgrail check with a live database, with a facts file, and with none: levels from real numbers, real names, what is pending, grounding."""
import json
import pathlib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCHEMA = """
CREATE TABLE invoices (id bigint PRIMARY KEY, gross_total_cents bigint NOT NULL, currency text, paid_at timestamptz);
CREATE TABLE items (id bigint PRIMARY KEY, invoice_id bigint, label varchar(20));
CREATE TABLE empty (a int);
INSERT INTO invoices SELECT i, i * 7, 'EUR', NULL FROM generate_series(1, 3000) i;
INSERT INTO items SELECT i, 1 + i % 3000, 'x' FROM generate_series(1, 60000) i;
"""


@pytest.fixture
def shop(project, db):
    db.sql(SCHEMA)
    db.sql("ANALYZE")
    return project.environment("production", db, protected=True)


def check(project, *args, status=None):
    r = project.pgrail("check", *args, "--json")
    assert status is None or r.status == status, (r.status, r.out, r.err)
    return r.json


def found(doc, rule):
    return [f for f in doc["findings"] if f["rule"] == rule]


def test_a_wrong_name_is_refused_with_the_right_one(shop):
    shop.migration(1, "total", "CREATE INDEX CONCURRENTLY invoices_total_idx ON invoices (total_amount);\n")
    [f] = found(check(shop), "unknown-column")
    assert f["level"] == "error" and "gross_total_cents" in f["title"] and "bigint" in f["what"]
    assert f["safe_sql"] == "CREATE INDEX CONCURRENTLY invoices_total_idx ON invoices (gross_total_cents);"
    assert (f["line"], f["source"][f["col"] - 1:][:f["width"]]) == (1, "total_amount")


def test_a_wrong_table_is_refused_with_the_right_one(shop):
    shop.migration(1, "note", "ALTER TABLE invoice ADD COLUMN note text;\n")
    [f] = found(check(shop), "unknown-relation")
    assert "invoices" in f["what"]


def test_level_follows_the_live_size(shop):
    up = "CREATE INDEX a ON items (label);\nCREATE INDEX b ON invoices (currency);\nCREATE INDEX c ON empty (a);\n"
    shop.migration(1, "indexes", up)
    by_line = {f["line"]: f for f in found(check(shop), "index-not-concurrent")}
    assert set(by_line) == {1, 2}                           # nobody is hurt by an index on an empty table
    assert by_line[1]["level"] == by_line[2]["level"] == "note" and "60,000 rows" in by_line[1]["what"]
    shop.policy["max_block"] = "30ms"
    shop.write_conf()
    by_line = {f["line"]: f for f in found(check(shop), "index-not-concurrent")}
    assert by_line[1]["level"] == "error" and by_line[2]["level"] == "note"


def test_widening_is_free_and_narrowing_is_not(shop):
    shop.migration(1, "label", "ALTER TABLE items ALTER label TYPE varchar(40);\nALTER TABLE items ALTER label TYPE varchar(10);\n")
    assert [f["line"] for f in found(check(shop), "alter-type-rewrite")] == [2]


def test_without_a_server_worst_cases_are_warnings_and_the_way_to_facts_is_said(shop):
    shop.migration(1, "index", "CREATE INDEX a ON items (label);\n")
    doc = check(shop, "--offline", status=0)
    [f] = found(doc, "index-not-concurrent")
    assert f["level"] == "warning" and f["unknown_size"] and "size not known" in f["what"]
    assert "pgrail ground --save" in doc["facts"]["hint"] and doc["facts"]["source"] == "none"
    assert check(shop, "--offline", "--fail-on", "warning", status=1)["failed"]


def test_an_unreachable_server_says_how_to_go_on(shop):
    shop.migration(1, "index", "CREATE INDEX a ON items (label);\n")
    r = shop.pgrail("check", env={"PRODUCTION_URL": "postgresql://postgres@/x?host=/nonexistent"})
    assert r.status == 5 and "hint:" in r.err


def test_ddl_on_what_was_not_grounded_is_refused(shop):
    shop.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\nUPDATE items SET label = 'y' WHERE id = 3;\nCREATE TABLE n (a int);\n")
    doc = check(shop, status=3)
    assert doc["not_grounded"] == [{"migration": "0001_note", "relation": "public.invoices", "state": "missing",
                                    "mend": "pgrail ground 0001_note --env production"}]
    assert "pgrail ground 0001_note" in shop.pgrail("check").out
    check(shop, "--offline", status=0)                      # without a database there is nothing to be grounded on


def test_a_file_outside_the_folder_is_held_to_the_same(shop):
    shop.write("elsewhere/change.sql", "ALTER TABLE invoices ADD COLUMN note text;\n")
    doc = check(shop, "elsewhere/change.sql", status=3)
    assert [g["relation"] for g in doc["not_grounded"]] == ["public.invoices"]


def history(db, version, sha256, direction="up"):
    db.sql((ROOT / "src/ledger/history_ensure.sql").read_text())
    db.sql("INSERT INTO pgrail.history (version, migration, sha256, direction, pgrail_version, elapsed_us, run_id) "
           "VALUES (%s, %s, %s, %s, '0', 1, gen_random_uuid()::text)", version, f"{version}_x", sha256, direction)


def test_what_is_applied_is_not_judged_again_and_must_not_change(shop, db):
    shop.migration(1, "first", "DROP TABLE empty;\n")
    shop.migration(2, "second", "DROP TABLE items;\n")
    doc = check(shop, "--offline")
    sha = {m["version"]: m["sha256"] for m in doc["migrations"]}
    assert len(sha) == 2
    history(db, "0001", sha["0001"])
    assert [m["version"] for m in check(shop)["migrations"]] == ["0002"]
    shop.migration(1, "first", "DROP TABLE empty; -- changed\n")
    doc = check(shop, status=3)
    [f] = found(doc, "changed-after-apply")
    assert f["level"] == "error" and doc["failed"]
    history(db, "0001", sha["0001"], "down")
    assert [m["version"] for m in check(shop)["migrations"]] == ["0001", "0002"]


def test_what_is_pending_and_older_than_what_is_applied_is_told(shop, db):
    shop.migration(1, "first", "CREATE TABLE a (x int);\n")
    shop.migration(2, "late", "CREATE TABLE b (x int);\n")
    shop.migration(3, "third", "CREATE TABLE c (x int);\n")
    shop.migration(4, "next", "CREATE TABLE d (x int);\n")
    sha = {m["version"]: m["sha256"] for m in check(shop, "--offline")["migrations"]}
    for version in ("0001", "0003"):
        history(db, version, sha[version])
    [f] = found(check(shop), "migration-order")
    assert f["path"] == "migrations/0002_late.up.sql" and f["level"] == "warning"
    assert f["title"].startswith("0002_late is not applied on ") and f["title"].endswith(", and 0003_third, which comes after it, is")
    history(db, "0002", sha["0002"])
    assert not found(check(shop), "migration-order")


def test_pending_migrations_know_what_those_before_them_did(shop):
    shop.migration(1, "table", "CREATE TABLE notes (id bigint);\n", "DROP TABLE notes;\n")
    shop.migration(2, "column", "ALTER TABLE notes ADD COLUMN invoice bigint;\nCREATE INDEX ON notes (invoice);\n")
    doc = check(shop)
    assert not found(doc, "unknown-relation") and not found(doc, "unknown-column")
    assert [f["level"] for f in found(doc, "drop-table")] == ["note"]


def test_all_judges_the_folder_from_nothing(shop):
    shop.migration(1, "table", "CREATE TABLE notes (id bigint);\n")
    shop.migration(2, "index", "CREATE INDEX ON notes (id);\nCREATE INDEX ON notes (nothing);\nALTER TABLE items ADD x int;\n")
    doc = check(shop, "--all")
    assert doc["facts"]["source"] == "nothing" and doc["environment"] is None
    assert {f["level"] for f in found(doc, "index-not-concurrent")} == {"warning"}          # rows came since, nobody knows how many
    assert len(found(doc, "unknown-column")) == 1
    assert len(found(doc, "unknown-relation")) == 1


def test_footprint_is_shown(shop):
    shop.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n")
    doc = check(shop, "--footprint")
    [s] = doc["migrations"][0]["up"]["footprint"]
    assert s["predicted"]["effects"][0]["lock"] == "ACCESS EXCLUSIVE"
    assert "ACCESS EXCLUSIVE" in shop.pgrail("check", "--footprint").out


def test_document_is_as_published(shop):
    """Every key of a document is in docs/schema/check.json, and every key that it calls required is there."""
    schema = json.loads((ROOT / "docs/schema/check.json").read_text())
    shop.migration(1, "mess", "DROP TABLE items;\nALTER TABLE invoices FORM x;\n\\i x\n", "DROP TABLE nothing;\n")
    shop.migration(3, "gap", "ALTER TABLE invoices ADD COLUMN a int;\n")

    for args in ([], ["--offline"], ["--all"], ["--footprint"]):
        doc = check(shop, *args)
        assert doc["findings"] and doc["migrations"]
        jsonschema.Draft202012Validator(schema).validate(doc)


def test_grounding_lets_it_pass_until_the_world_moves(shop, db):
    shop.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n", "ALTER TABLE invoices DROP COLUMN note;\n")
    check(shop, status=3)
    shop.pgrail("ground", "0001", "--env", "production").ok()
    assert check(shop, status=0)["not_grounded"] == []
    db.sql("INSERT INTO invoices VALUES (0, 0)")
    check(shop, status=0)                                   # rows are not shape
    db.sql("ALTER TABLE invoices ADD COLUMN somebody_elses int")
    doc = check(shop, status=3)
    assert [(g["relation"], g["state"]) for g in doc["not_grounded"]] == [("public.invoices", "stale")]
    assert "moved since it was grounded" in shop.pgrail("check").out
    shop.pgrail("ground", "0001", "--env", "production").ok()
    check(shop, status=0)


def test_a_facts_file_serves_without_a_server(shop):
    shop.migration(1, "index", "CREATE INDEX a ON items (label);\nCREATE INDEX b ON items (lable);\n")
    shop.pgrail("ground", "items", "--env", "production", "--save", "facts.json").ok()
    shop.env["PRODUCTION_URL"] = "postgresql://postgres@/x?host=/nonexistent"
    doc = check(shop, "--facts", "facts.json", status=1)
    assert doc["facts"]["source"] == "file" and "60,000 rows" in found(doc, "index-not-concurrent")[0]["what"]
    assert "label" in found(doc, "unknown-column")[0]["title"]
    shop.migration(2, "other", "ALTER TABLE invoices ADD COLUMN note text;\n")
    doc = check(shop, "--facts", "facts.json", status=3)
    assert [(g["migration"], g["relation"], g["state"]) for g in doc["not_grounded"]] == [("0002_other", "public.invoices", "missing")] \
        or [(g["migration"], g["relation"], g["state"]) for g in doc["not_grounded"]] == [("0002_other", "invoices", "missing")]


def test_what_goes_out_together_is_nobodys_yet(shop):
    """What an earlier pending migration makes is empty and unused; in a whole history it has rows by then, and so has what a down script undoes."""
    shop.migration(1, "orders", "CREATE TABLE orders (id bigint PRIMARY KEY, note text, old int);\nCREATE VIEW noted AS SELECT note FROM orders;\n",
                   "DROP VIEW noted;\nDROP TABLE orders;\n")
    shop.migration(2, "orders_note", "CREATE INDEX orders_note ON orders (note);\nALTER TABLE orders DROP COLUMN old;\nDROP TABLE orders CASCADE;\n"
                                     "CREATE INDEX a ON items (label);\n", "DROP INDEX a;\n")
    doc = check(shop, "--up-only")
    assert [(f["rule"], f["line"]) for f in doc["findings"]] == [("index-not-concurrent", 4)]
    assert found(check(shop), "drop-table")                                         # 1's down script
    whole = {(f["rule"], f["line"]) for f in check(shop, "--all", "--up-only")["findings"]}
    assert {("index-not-concurrent", 1), ("drop-column", 2), ("drop-table", 3), ("drop-cascade", 3)} <= whole
