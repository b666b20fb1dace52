"""ground: what it shows, what it records, and which names it finds to be wrong."""
import json
import pathlib
import sqlite3

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/ground.json").read_text(encoding="utf-8"))
INVOICES = (ROOT / "examples/invoices/schema.sql").read_text(encoding="utf-8")


@pytest.fixture
def invoices(project, db):
    db.sql(INVOICES)
    project.environment("production", db)
    return project


def ledger(project, sql):
    with sqlite3.connect(f"{project.home}/state/pgrail/ledger.db") as c:
        return c.execute(sql).fetchall()


def unknown(result):
    return {(u["kind"], u["relation"], u["name"]): u for u in result.json["unknown"]}


def test_a_relation_as_text(invoices):
    out = invoices.pgrail("ground", "invoices").ok().out
    for line in ["table public.invoices", "    gross_total_cents  bigint                    not null", "primary key btree (id)",
                 "CHECK ((gross_total_cents = (net_total_cents + vat_total_cents)))", "one of draft, open, paid, void",
                 "public.invoice_items  (invoice_id) refers to (id), by invoice_items_invoice_id_fkey  NOT VALIDATED",
                 "view public.open_invoices (", "invoices_touch_updated_at: CREATE TRIGGER", "environment production: database"]:
        assert line in out, out
    assert not [line for line in out.split("\n") if line != line.rstrip()]


def test_a_relation_as_json(invoices):
    doc = invoices.pgrail("ground", "public.invoices", "customers", "--json").ok().json
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    assert doc["data_trust"] == "untrusted" and doc["migration"] is None and doc["recorded"]
    assert [r["name"] for r in doc["relations"]] == ["customers", "invoices"]
    assert [r["name"] for r in doc["partners"]] == ["invoice_items", "open_invoices", "payments"]      # views too: what reads them is behind
    again = invoices.pgrail("ground", "invoices", "customers", "--json").ok().json
    assert again["fingerprint"] == doc["fingerprint"] and again["grounding_id"] > doc["grounding_id"]


def test_an_index_and_a_sequence_stand_for_their_table(invoices):
    assert invoices.pgrail("ground", "invoices_pkey", "--json").ok().json["relations"][0]["name"] == "invoices"
    names = [r["name"] for r in invoices.pgrail("ground", "payments_id_seq", "--json").ok().json["relations"]]
    assert names == ["payments_id_seq"]


def test_search_path_decides(invoices, db):
    db.sql("CREATE SCHEMA app; CREATE TABLE app.invoices (other integer)")
    assert invoices.pgrail("ground", "invoices", "--json").json["relations"][0]["schema"] == "public"
    db.sql(f'ALTER DATABASE "{db.name}" SET search_path = app, public')
    assert invoices.pgrail("ground", "invoices", "--json").json["relations"][0]["schema"] == "app"
    assert invoices.pgrail("ground", "public.invoices", "--json").json["relations"][0]["schema"] == "public"


def test_names_are_read_as_sql_reads_them(invoices, db):
    db.sql('CREATE TABLE "Odd.Name" (a integer)')
    assert invoices.pgrail("ground", "INVOICES", "--json").ok().json["relations"][0]["name"] == "invoices"
    assert invoices.pgrail("ground", '"Odd.Name"', "--json").ok().json["relations"][0]["name"] == "Odd.Name"
    assert invoices.pgrail("ground", 'public."Odd.Name"', "--json").ok().json["relations"][0]["name"] == "Odd.Name"
    for odd in ["a.b.c", "", ".", 'x"y"z.', '"']:
        assert invoices.pgrail("ground", odd).status == 2, odd


@pytest.mark.parametrize("wrong, nearest", [("invoicez", "public.invoices"), ("invoice_lines", "public.invoice_items"), ("clients", "public.customers")])
def test_an_unknown_relation_names_the_nearest(invoices, wrong, nearest):
    result = invoices.pgrail("ground", wrong)
    assert result.status == 2 and f"has no relation {wrong}" in result.err and f"nearest: {nearest}" in result.err
    assert "_seq" not in result.err


def test_a_nearest_name_can_be_typed_as_it_is_shown(invoices, db):
    db.sql('CREATE SCHEMA sales; CREATE TABLE sales."Order Items" (a integer)')
    for wrong in ["Order Items", "sales.Order Items"]:
        result = invoices.pgrail("ground", wrong)
        assert result.status == 2 and 'hint: nearest: sales."Order Items"' in result.err, result.err
    assert invoices.pgrail("ground", 'sales."Order Items"').status == 0


def test_usage(invoices):
    assert invoices.pgrail("ground").status == 2
    assert invoices.pgrail("ground", "--all", "invoices").status == 2
    assert invoices.pgrail("ground", "invoices", "--env", "nowhere").status == 2
    result = invoices.pgrail("ground", "0999")
    assert result.status == 2 and "0999" in result.err


def test_a_migration_is_recorded_and_says_so(invoices):
    path = invoices.migration(247, "unpaid", "-- rationale: r\n\nCREATE INDEX CONCURRENTLY i ON invoice_items (invoice_id) WHERE paid_at IS NULL;\n", "DROP INDEX i;\n")
    doc = invoices.pgrail("ground", "0247", "--json").ok().json
    assert [r["name"] for r in doc["relations"]] == ["invoice_items"] and doc["recorded"] and doc["noted"]
    assert f"-- grounding: {doc['fingerprint']} at {doc['taken_at']} on production\n" in invoices.read(path)
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    rows = ledger(invoices, "SELECT environment, migration, fingerprint, relations FROM grounding")
    assert rows[0][:3] == ("production", "0247_unpaid", doc["fingerprint"])
    assert json.loads(rows[0][3]).keys() == {"public.invoice_items", "public.invoices"}


def test_grounding_again_leaves_the_bytes_alone(invoices, db):
    """An approval binds them. When the shape moved, the line says the new one, and the recorded identity stays that of the rest."""
    path = invoices.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n")
    first = invoices.pgrail("ground", "0001", "--json").ok().json
    was = invoices.read(path)
    again = invoices.pgrail("ground", path, "--json").ok().json
    assert not again["noted"] and invoices.read(path) == was and again["recorded"]
    db.sql("ALTER TABLE invoices ADD COLUMN other text")
    third = invoices.pgrail("ground", "0001", "--json").ok().json
    assert third["noted"] and third["fingerprint"] != first["fingerprint"] and first["fingerprint"] not in invoices.read(path)
    assert len({sha for (sha,) in ledger(invoices, "SELECT sha256 FROM grounding")}) == 1


def test_an_applied_migration_keeps_its_bytes(invoices, db):
    path = invoices.migration(1, "note", "ALTER TABLE invoices ADD COLUMN note text;\n")
    db.sql((ROOT / "src/ledger/history_ensure.sql").read_text(encoding="utf-8"))
    db.sql("INSERT INTO pgrail.history (version, migration, sha256, direction, pgrail_version, elapsed_us, run_id) "
           "VALUES ('0001', '0001_note', 'x', 'up', '0', 1, 'r')")
    was = invoices.read(path)
    result = invoices.pgrail("ground", "0001", "--json").ok().json
    assert not result["noted"] and "applied" in result["noted_why"] and invoices.read(path) == was


def test_the_column_that_does_not_exist(invoices):
    path = invoices.migration(249, "total", "-- rationale: r\n\nCREATE INDEX CONCURRENTLY i\n    ON invoices (total_amount);\n")
    was = invoices.read(path)
    result = invoices.pgrail("ground", "0249")
    assert result.status == 1 and "line 4: public.invoices has no column total_amount" in result.out
    assert "nearest: gross_total_cents (bigint, not null)" in result.out and "0249_total is not grounded" in result.out
    doc = invoices.pgrail("ground", "0249", "--json").json
    assert doc["unknown"][0]["nearest"][0]["name"] == "gross_total_cents" and not doc["recorded"]
    assert invoices.read(path) == was and ledger(invoices, "SELECT * FROM grounding") == []


UNKNOWN = """
ALTER TABLE invocies ADD COLUMN a text;
ALTER TABLE IF EXISTS nowhere ADD COLUMN a text;
ALTER TABLE invoices DROP COLUMN IF EXISTS nothing, DROP COLUMN amount;
DROP INDEX invoices_number_keys;
DROP INDEX IF EXISTS no_such_index;
UPDATE public.invoices SET modified_at = now() WHERE id = 1;
CREATE TABLE fresh (id bigint PRIMARY KEY, invoice_id bigint REFERENCES invoices (invoice_no));
ALTER TABLE fresh ADD COLUMN more text;
UPDATE fresh SET more = 'x';
CREATE INDEX fresh_more ON fresh (more);
DROP INDEX fresh_more;
ALTER TABLE invoices ADD COLUMN fine text, ADD CHECK (fine <> '');
UPDATE invoices SET fine = 'x';
ALTER TABLE invoices RENAME COLUMN fine TO finer;
UPDATE invoices SET finer = 'y';
"""


def test_names_of_a_whole_script(invoices):
    invoices.migration(1, "many", UNKNOWN.lstrip())
    result = invoices.pgrail("ground", "0001", "--json")
    assert result.status == 1
    names = unknown(result)
    jsonschema.validate(result.json, SCHEMA, jsonschema.Draft202012Validator)
    assert set(names) == {("relation", None, "invocies"), ("column", "public.invoices", "amount"), ("index", None, "invoices_number_keys"),
                          ("column", "public.invoices", "modified_at"), ("column", "public.invoices", "invoice_no")}
    assert names[("relation", None, "invocies")]["nearest"][0]["name"] == "public.invoices"
    assert names[("column", "public.invoices", "amount")]["line"] == 3
    assert names[("column", "public.invoices", "modified_at")]["nearest"][0]["name"] == "updated_at"
    assert names[("column", "public.invoices", "invoice_no")]["nearest"][0]["name"] == "number"
    assert names[("index", None, "invoices_number_keys")]["nearest"][0]["name"] == "invoices_number_key"


def test_a_migration_that_touches_nothing(invoices):
    invoices.migration(1, "fresh", "CREATE TABLE fresh (id bigint PRIMARY KEY);\n")
    doc = invoices.pgrail("ground", "0001", "--json").ok().json
    assert doc["relations"] == [] and doc["partners"] == [] and doc["recorded"]


def test_text_of_the_database_cannot_steer_the_terminal(invoices, db):
    db.sql("COMMENT ON TABLE invoices IS E'red \\x1b[31m and \\x01g'; COMMENT ON COLUMN invoices.number IS E'bell \\x07 \\u202e'")
    out = invoices.pgrail("ground", "invoices").ok().out
    assert not [c for c in out if ord(c) < 32 and c != "\n"] and "\u202e" not in out and "\\x1B[31m" in out


def test_a_role_that_may_only_look(invoices, db, server):
    """No superuser, no grants on the tables: catalogs are for all."""
    db.sql("DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN")
    invoices.environment("staging", server.url(db.name, "looker"))
    doc = invoices.pgrail("ground", "invoices", "--env", "staging", "--json").ok().json
    assert len(doc["relations"][0]["columns"]) == 13 and doc["relations"][0]["total_bytes"] > 0
