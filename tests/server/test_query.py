"""query: one read-only statement, bounded; errors that name what was meant."""
import json
import pathlib
import signal
import subprocess

import jsonschema
import pytest
from lib.runs import BIN, WRAP, environment
from lib.servers import await_that

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/query.json").read_text(encoding="utf-8"))
INVOICES = (ROOT / "examples/invoices/schema.sql").read_text(encoding="utf-8")


@pytest.fixture
def invoices(project, db):
    db.sql(INVOICES)
    db.sql("INSERT INTO customers (name, email, country) SELECT 'c' || n, n || '@x.example', 'DE' FROM generate_series(1, 250) AS n")
    project.environment("production", db)
    return project


def test_rows_as_a_table(invoices):
    out = invoices.pgrail("query", "SELECT id, name, vat_number FROM customers ORDER BY id LIMIT 2").ok().out.split("\n")
    assert out[:3] == ["id  name  vat_number", " 1  c1    NULL", " 2  c2    NULL"]
    assert out[3].startswith("2 rows in ")


def test_rows_as_json(invoices):
    doc = invoices.pgrail("query", "SELECT id, name, vat_number FROM customers ORDER BY id LIMIT 1", "--json").ok().json
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    assert doc["columns"] == [{"name": "id", "type": "bigint"}, {"name": "name", "type": "text"}, {"name": "vat_number", "type": "text"}]
    assert doc["rows"] == [["1", "c1", None]] and doc["row_count"] == 1 and not doc["truncated"]
    assert doc["data_trust"] == "untrusted" and doc["schema"] == "pgrail.query/1"


def test_limits(invoices):
    doc = invoices.pgrail("query", "TABLE customers", "--json").ok().json
    assert doc["row_count"] == 100 and doc["truncated"]
    doc = invoices.pgrail("query", "TABLE customers", "--max-rows", "250", "--json").ok().json
    assert doc["row_count"] == 250 and not doc["truncated"]
    doc = invoices.pgrail("query", "SELECT repeat('x', 100) FROM customers", "--max-bytes", "1000", "--json").ok().json
    assert doc["row_count"] == 10 and doc["truncated"]
    assert "there are more" in invoices.pgrail("query", "TABLE customers").ok().out
    assert invoices.pgrail("query", "SELECT pg_sleep(60)", "--timeout", "200ms").status == 6


def test_usage(invoices):
    assert invoices.pgrail("query").status == 2
    assert invoices.pgrail("query", "SELECT 1", "--file", "x.sql").status == 2
    assert invoices.pgrail("query", "--file", "nowhere.sql").status == 2
    assert invoices.pgrail("query", "SELECT 1", "--max-rows", "0").status == 2
    invoices.write("q.sql", "-- a comment\nSELECT count(*) FROM customers\n")
    assert invoices.pgrail("query", "--file", "q.sql", "--json").ok().json["rows"] == [["250"]]


@pytest.mark.parametrize("sql", [
    "DELETE FROM customers", "UPDATE customers SET name = 'x'", "CREATE TABLE x ()", "DROP TABLE payments", "SELECT 1; SELECT 2", "COMMIT", "BEGIN READ WRITE",
    "SELECT 1; COMMIT; DELETE FROM payments", "WITH gone AS (DELETE FROM customers RETURNING 1) SELECT * FROM gone", "SELECT * FROM customers FOR UPDATE",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "COPY customers TO STDOUT", "SET statement_timeout = 0", "DO $$ BEGIN END $$", "VACUUM", "", "nonsense"])
def test_only_plain_queries(invoices, db, sql):
    before = db.value("SELECT count(*) FROM customers"), db.value("SELECT count(*) FROM pg_class")
    result = invoices.pgrail("query", sql)
    assert result.status == 4 and "only one plain query: writes go through a migration: pgrail new" in result.err, result
    assert (db.value("SELECT count(*) FROM customers"), db.value("SELECT count(*) FROM pg_class")) == before


@pytest.mark.parametrize("sql, offending, nearest", [
    ("SELECT total_amount FROM invoices", "total_amount", "public.invoices.gross_total_cents (bigint, not null)"),
    ("SELECT i.totalAmount FROM invoices AS i", "totalamount", "public.invoices.gross_total_cents"),
    ("SELECT i.id\nFROM invoices AS i JOIN customers AS c ON c.id = i.customer_id\nWHERE c.mail = 'x'", "mail", "public.customers.email"),
    ("SELECT invoices.mail FROM invoices, customers", "mail", None),
    ('SELECT "emial" FROM customers', "emial", "public.customers.email"),
    ("SELECT 'ä', total_amount FROM invoices", "total_amount", "public.invoices.gross_total_cents"),
    ("SELECT qty FROM invoice_items", "qty", "public.invoice_items.quantity"),
    ("SELECT * FROM invoice", "invoice", "public.invoices"),
    ("SELECT * FROM app.invoices", "invoices", "public.invoices"),
    ("SELECT * FROM \"Bills\"", "Bills", "public.invoices"),
])
def test_the_nearest_name(invoices, sql, offending, nearest):
    result = invoices.pgrail("query", sql)
    assert result.status == 4
    assert (f"nearest: {nearest}" in result.err) == (nearest is not None), result.err
    doc = invoices.pgrail("query", sql, "--json").json
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    assert doc["offending"] == offending and doc["error"]["sqlstate"] in ("42703", "42P01")
    assert bool(doc["did_you_mean"]) == (nearest is not None)


def test_where_it_is(invoices):
    doc = invoices.pgrail("query", "SELECT 'ä',\n  total_amount FROM invoices", "--json").json
    assert (doc["line"], doc["column"]) == (2, 3)


def test_data_cannot_steer_the_terminal(invoices, db):
    db.sql("UPDATE customers SET name = E'\\x1b[2J\\x01b\\u202e\\n' WHERE id = 1")
    out = invoices.pgrail("query", "SELECT name FROM customers WHERE id = 1").ok().out
    assert not [c for c in out if ord(c) < 32 and c != "\n"] and "\u202e" not in out and len(out.split("\n")) == 4


def test_no_rows_and_no_columns(invoices):
    assert invoices.pgrail("query", "SELECT id FROM invoices").ok().out.startswith("id\n0 rows in ")
    assert invoices.pgrail("query", "SELECT FROM customers LIMIT 2").ok().out.startswith("2 rows in ")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_query(invoices, db, stop):
    command = [*WRAP, BIN, "query", "SELECT pg_sleep(600)", "--timeout", "1h"]
    with subprocess.Popen(command, cwd=invoices.folder, env=environment(invoices.home, invoices.env), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as p:
        try:
            running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgrail/query' AND wait_event = 'PgSleep'"
            await_that(lambda: db.value(running) == 1, "the query runs")
            p.send_signal(stop)
            out, err = p.communicate(timeout=60)
        finally:
            p.kill()
    assert (p.returncode, out) == (8, "") and "interrupted; the query was cancelled" in err
    await_that(lambda: db.value(running) == 0, "nothing of it is left on the server")
