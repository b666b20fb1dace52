"""orphans: rows that refer to rows that are not there, on every version; what is read, what is guessed, what is written."""
import json
import pathlib

import jsonschema
import psycopg
import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/orphans.json").read_text(encoding="utf-8"))
INVOICES = (ROOT / "examples/invoices/schema.sql").read_text(encoding="utf-8")
LOAD = (ROOT / "examples/invoices/load.sql").read_text(encoding="utf-8")


@pytest.fixture
def live(project, server, db):
    """live(*args, status=0) → the document, held against its schema."""
    project.environment("production", db)

    def orphans(*args, status=0, user=None):
        env = {"PRODUCTION_URL": server.url(db.name, user)} if user else None
        result = project.pgrail("orphans", *args, "--json", env=env)
        assert result.status == status, result
        doc = result.json
        jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
        return doc
    return orphans


def only(doc):
    assert len(doc["references"]) == 1, doc["references"]
    return doc["references"][0]


def of(doc, table, *columns):
    found = [r for r in doc["references"] if r["table"] == table and tuple(r["columns"]) == columns]
    assert len(found) == 1, doc["references"]
    return found[0]


def pair(db, child="bigint", parent="bigint", more=""):
    """parents 1 to 100, children 1 to 300 of which three (100, 200, 300) refer to 1100, 1200, 1200, without a foreign key."""
    db.sql(f"""CREATE TABLE parents (id {parent} PRIMARY KEY); CREATE TABLE children (id bigint PRIMARY KEY, parent_id {child}{more});
        INSERT INTO parents SELECT i FROM generate_series(1, 100) i;
        INSERT INTO children (id, parent_id) SELECT i, CASE i WHEN 100 THEN 1100 WHEN 200 THEN 1200 WHEN 300 THEN 1200 ELSE 1 + i % 100 END FROM generate_series(1, 300) i;
        ANALYZE""")


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_invoices(project, db, live):
    db.sql(INVOICES)
    db.sql("SET invoices.scale = 'small';" + LOAD)
    doc = live("invoice_items", status=1)
    r = only(doc)
    assert (r["constraint"], r["state"], r["orphans"], r["missing"], r["exact"], r["walk"]) == ("invoice_items_invoice_id_fkey", "not valid", 11, 4, True, "key")
    assert r["read"] == db.value("SELECT count(*) FROM invoice_items") and r["key_columns"] == ["id"]
    want = db.sql("SELECT id, invoice_id, created_at FROM invoice_items AS i WHERE NOT EXISTS (SELECT FROM invoices WHERE id = i.invoice_id) ORDER BY id")
    assert [(f["key"], f["missing"]) for f in r["first"]] == [([str(i)], [str(m)]) for i, m, _ in want[:10]]
    assert r["age_column"] == "created_at" and r["oldest"].startswith(str(min(w[2] for w in want))[:19]) and r["newest"].startswith(str(max(w[2] for w in want))[:19])
    assert db.value(f"SELECT count(*) FROM invoice_items AS o WHERE {r['condition']}") == 11
    text = project.pgrail("orphans", "invoice_items").out
    assert "11 rows refer to 4 keys that public.invoices (id) does not have" in text, text
    whole = live("--all", status=1)
    assert [r["orphans"] for r in whole["references"]] == [11, 0, 0] and whole["valid_left_out"] == 0
    assert live("payments")["valid_left_out"] == 1
    assert len(only(live("invoice_items", "--limit", "100", status=1))["first"]) == 11
    assert only(live("invoice_items", "--limit", "0", status=1))["first"] == []
