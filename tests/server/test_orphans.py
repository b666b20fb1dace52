"""orphans: rows that refer to rows that are not there, on every version; what is read, what is guessed, what is written."""
import json
import pathlib

import jsonschema
import psycopg  # noqa: F401
import pytest
from lib.few import server  # noqa: F401
from lib.servers import await_that

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


def test_rows_are_read_once_and_by_index(project, db, live):
    """The server's own counters: no sequential scan of either table, and each row of the child fetched once."""
    db.sql("""CREATE TABLE parents (id bigint PRIMARY KEY); CREATE TABLE children (id bigint PRIMARY KEY, parent_id bigint, note text DEFAULT repeat('x', 100));
        INSERT INTO parents SELECT generate_series(1, 50000); INSERT INTO children SELECT i, 1 + i % 50000 FROM generate_series(1, 70001) i;
        ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    for statement in ["CHECKPOINT", "VACUUM ANALYZE", "SELECT pg_stat_reset()"]:     # where vacuum has been, a chunk's end is found in the index alone
        db.sql(statement)
    r = only(live("children"))
    assert (r["read"], r["orphans"], r["exact"]) == (70001, 0, True)
    with db.connect() as c:                                 # counters of a session are there when it has ended
        if db.major >= 15:
            c.execute("SELECT pg_stat_force_next_flush()")
    counts = "SELECT relname, seq_scan, idx_tup_fetch FROM pg_stat_user_tables ORDER BY relname"
    await_that(lambda: db.sql(counts)[0][2] >= 70001, "the counters have come")
    (_, children_scans, fetched), (_, parents_scans, _) = db.sql(counts)
    assert (children_scans, parents_scans) == (0, 0) and fetched == 70001


def test_without_a_key(db, live):
    """Read by its pages; more than one chunk of them."""
    db.sql("""CREATE TABLE parents (id bigint PRIMARY KEY); CREATE TABLE children (parent_id bigint, note text);
        INSERT INTO parents SELECT generate_series(1, 100);
        INSERT INTO children SELECT CASE WHEN i % 1000 = 0 THEN 1000 + i ELSE 1 + i % 100 END, repeat('x', 600) FROM generate_series(1, 9000) i; ANALYZE""")
    r = only(live("children"))
    assert (r["walk"], r["key_columns"], r["read"], r["orphans"], r["missing"], r["exact"]) == ("blocks", ["ctid"], 9000, 9, 9, True)
    assert db.sql("SELECT parent_id::text FROM children WHERE ctid = %s::tid", r["first"][0]["key"][0])[0][0] == r["first"][0]["missing"][0]


def test_chunks_meet_end_to_end(db, live):
    """Composite, texts, several chunks, with orphans on both sides of a seam."""
    db.sql("""CREATE TABLE parents (id bigint PRIMARY KEY);
        CREATE TABLE children ("Odd Tenant" uuid NOT NULL, "no." text COLLATE "C" NOT NULL, parent_id int, PRIMARY KEY ("Odd Tenant", "no."));
        INSERT INTO parents SELECT generate_series(1, 10);
        INSERT INTO children SELECT md5((i % 3)::text)::uuid, 'a' || i, CASE WHEN n BETWEEN 19999 AND 20002 OR n = 40001 THEN -n ELSE 1 + i % 10 END
            FROM (SELECT i, row_number() OVER (ORDER BY md5((i % 3)::text)::uuid, ('a' || i) COLLATE "C") AS n FROM generate_series(1, 40001) i) s; ANALYZE""")
    r = only(live("children"))
    assert (r["read"], r["orphans"], r["missing"], r["key_columns"]) == (40001, 5, 5, ["Odd Tenant", "no."])
    assert [f["missing"] for f in r["first"]] == [["-19999"], ["-20000"], ["-20001"], ["-20002"], ["-40001"]]


@pytest.mark.parametrize("child, parent", [("integer", "bigint"), ("bigint", "integer"), ("smallint", "bigint"), ("varchar(20)", "text"), ("text", "varchar(30)"),
                                           ("numeric", "numeric"), ("dom", "bigint"), ("bigint", "dom"), ("uuid", "uuid"), ("mood", "mood")])
def test_types(db, live, child, parent):
    db.sql("CREATE DOMAIN base AS bigint; CREATE DOMAIN dom AS base; CREATE TYPE mood AS ENUM ('1', '2', '3')")
    cast = {"uuid": "md5({})::uuid"}.get(child, "({})::text::" + child)
    other = {"uuid": "md5({})::uuid"}.get(parent, "({})::text::" + parent)
    db.sql(f"""CREATE TABLE parents (id {parent} PRIMARY KEY); CREATE TABLE children (id bigint PRIMARY KEY, parent_id {child});
        INSERT INTO parents SELECT {other.format("i::text")} FROM generate_series(1, 2) i; INSERT INTO children SELECT i, {cast.format("i::text")} FROM generate_series(1, 3) i;
        ALTER TABLE children ADD CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    r = only(live("children", status=1))
    assert (r["orphans"], r["missing"], r["first"][0]["key"], r["unread"]) == (1, 1, ["3"], None)
    db.sql("ALTER TABLE children DROP CONSTRAINT fk")
    r = only(live("children"))
    assert (r["basis"], r["orphans"]) == ("inferred", 1)


@pytest.mark.parametrize("match, orphans", [("SIMPLE", {"3": ["2", "9"]}), ("FULL", {"3": ["2", "9"], "4": ["1", None], "5": [None, "7"]})])
def test_composite_keys_and_nulls(db, live, match, orphans):
    db.sql(f"""CREATE SCHEMA "Odd ""Name"; CREATE TABLE "Odd ""Name"."Parents Here" ("Tenant" int, "select" bigint, UNIQUE ("select", "Tenant"));
        CREATE TABLE "Odd ""Name"."a.b" ("Id" int PRIMARY KEY, "Te" int, "p""id" int);
        INSERT INTO "Odd ""Name"."Parents Here" VALUES (1, 7), (2, 8);
        INSERT INTO "Odd ""Name"."a.b" VALUES (1, 1, 7), (2, 2, 8), (3, 2, 9), (4, 1, NULL), (5, NULL, 7), (6, NULL, NULL);
        ALTER TABLE "Odd ""Name"."a.b" ADD CONSTRAINT "f k" FOREIGN KEY ("Te", "p""id") REFERENCES "Odd ""Name"."Parents Here" ("Tenant", "select") MATCH {match} NOT VALID""")
    r = only(live('"Odd ""Name"."a.b"', status=1))
    assert {f["key"][0]: f["missing"] for f in r["first"]} == orphans and r["orphans"] == len(orphans) == r["missing"]
    assert db.value(f"SELECT count(*) FROM {r['table']} AS o WHERE {r['condition']}") == len(orphans)


def test_partitions(db, live):
    """Each partition along its own key; one that lies elsewhere leaves a lower bound; a partition's name means the whole."""
    db.sql("""CREATE TABLE parents (id bigint, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE parents_a PARTITION OF parents FOR VALUES IN ('a'); CREATE TABLE parents_b PARTITION OF parents FOR VALUES IN ('b');
        CREATE TABLE children (id bigint, region text, parent_id bigint) PARTITION BY LIST (region);
        CREATE TABLE children_a PARTITION OF children FOR VALUES IN ('a') PARTITION BY HASH (id);
        CREATE TABLE children_a0 PARTITION OF children_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE children_a1 PARTITION OF children_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE children_b PARTITION OF children (PRIMARY KEY (id)) FOR VALUES IN ('b');
        INSERT INTO parents SELECT i, 'a' FROM generate_series(1, 10) i; INSERT INTO parents SELECT i, 'b' FROM generate_series(1, 10) i;
        INSERT INTO children SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, CASE WHEN i IN (50, 51) THEN 99 ELSE 1 + i % 10 END FROM generate_series(1, 100) i; ANALYZE""")
    doc = live("children_a1")
    r = only(doc)
    assert (r["table"], r["columns"], r["ref_columns"]) == ("public.children", ["parent_id", "region"], ["id", "region"])
    assert (r["read"], r["orphans"], r["missing"], r["exact"]) == (100, 2, 2, True)
    assert {tuple(f["missing"]) for f in r["first"]} == {("99", "a"), ("99", "b")}
    db.sql("""CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
        CREATE FOREIGN TABLE children_c PARTITION OF children FOR VALUES IN ('c') SERVER far""")
    r = only(live("children", status=6))
    assert (r["orphans"], r["exact"], r["stopped"]) == (2, False, "partition public.children_c lies on another server")


def test_itself(db, live):
    db.sql("""CREATE TABLE nodes (id int PRIMARY KEY, parent_id int); INSERT INTO nodes VALUES (1, NULL), (2, 1), (3, 2), (4, 99);
        ALTER TABLE nodes ADD FOREIGN KEY (parent_id) REFERENCES nodes NOT VALID""")
    r = only(live("nodes", status=1))
    assert (r["orphans"], r["first"]) == (1, [{"key": ["4"], "missing": ["99"]}])
    db.sql("ALTER TABLE nodes DROP CONSTRAINT nodes_parent_id_fkey")
    assert only(live())["why"][0] == "parent_id means another row of the same table"


def test_children_by_inheritance_are_no_rows_of_the_table(db, live):
    pair(db)
    db.sql("""CREATE TABLE grandchildren (PRIMARY KEY (id)) INHERITS (children); INSERT INTO grandchildren VALUES (1, 7777);
        ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    assert only(live("children", status=1))["orphans"] == 3


def test_a_valid_key_that_was_got_round(db, live):
    pair(db)
    db.sql("DELETE FROM children WHERE parent_id > 100; ALTER TABLE children ADD CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES parents")
    with db.connect() as c:
        c.execute("SET session_replication_role = replica")
        c.execute("DELETE FROM parents WHERE id = 5")
    doc = live("children")
    assert doc["references"] == [] and doc["valid_left_out"] == 1
    r = only(live("children", "--all", status=1))
    assert (r["state"], r["missing"]) == ("valid", 1) and r["orphans"] == db.value("SELECT count(*) FROM children WHERE parent_id = 5") > 0
    db.sql("ALTER TABLE children DISABLE TRIGGER ALL")
    assert only(live("children", status=1))["state"] == "triggers off"
    if db.major >= 18:
        db.sql("ALTER TABLE children DROP CONSTRAINT fk; ALTER TABLE children ADD CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES parents NOT ENFORCED")
        assert only(live("children", status=1))["state"] == "not enforced"


@pytest.mark.parametrize("child, column, parent, key, least", [
    ("lines", "invoice_id", "invoices", "id", 90), ("lines", "invoiceId", "invoices", "id", 90), ("lines", "invoiceid", "invoices", "id", 90),
    ("lines", "invoice", "invoices", "id", None), ("lines", "fk_invoice", "invoices", "id", 90), ("lines", "id_invoice", "invoices", "id", 90),
    ("lines", "last_invoice_id", "invoices", "id", 80), ("lines", "company_id", "companies", "id", 90), ("lines", "box_id", "boxes", "id", 90),
    ("lines", "status_id", "statuses", "id", 90), ("lines", "person_id", "people", "id", 90), ("lines", "invoice_id", "tbl_invoice", "id", 90),
    ("lines", "invoice_id", "billing_invoices", "id", 80), ("lines", "invoice_number", "invoices", "number", 90), ("lines", "invoice_no", "invoices", "invoice_no", 90),
    ("lines", "InvoiceId", "Invoices", "Id", 90), ("lines", "order_item_id", "order_items", "id", 90), ("lines", "paid", "payments", "id", None),
    ("lines", "grid", "gr", "id", None), ("lines", "id", "invoices", "id", None), ("lines", "quantity", "invoices", "id", None), ("nodes", "root_id", "nodes", "id", 75)])
def test_names(db, live, child, column, parent, key, least):
    if db.major != 15 and column != "invoice_id":
        return                                              # names are the same everywhere
    db.sql(f'CREATE TABLE "{parent}" ("{key}" bigint PRIMARY KEY); INSERT INTO "{parent}" SELECT generate_series(1, 50)')
    if child != parent:
        db.sql(f'CREATE TABLE "{child}" (line_key bigint PRIMARY KEY)')
    db.sql(f'ALTER TABLE "{child}" ADD COLUMN "{column}" bigint')
    db.sql(f'INSERT INTO "{child}" SELECT i + 1000, 1 + i % 50 FROM generate_series(1, 100) i')
    refs = live(child)["references"]
    if least is None:
        assert refs == []
        return
    assert len(refs) == 1 and refs[0]["columns"] == [column] and refs[0]["ref_columns"] == [key] and refs[0]["confidence"] >= least, refs
    assert refs[0]["confidence"] <= 99 and "are there" in refs[0]["why"][-1]


def test_what_speaks_against_a_guess(db, live):
    db.sql("""CREATE TABLE owners (id bigint PRIMARY KEY); CREATE TABLE notes (id bigint PRIMARY KEY, owner_id bigint, owner_type text, first_owner_id bigint, owner_uuid uuid);
        CREATE TABLE others (id bigint PRIMARY KEY, owner_id bigint); INSERT INTO owners SELECT generate_series(1, 100);
        INSERT INTO notes SELECT i, 1 + i % 100, 'x', 100000 + i FROM generate_series(1, 500) i; ANALYZE""")
    doc = live()
    polymorphic, empty = of(doc, "public.notes", "owner_id"), of(doc, "public.others", "owner_id")
    assert "a column beside it says which table is meant" in polymorphic["why"] and polymorphic["confidence_word"] != "high"
    assert empty["why"][-1] == "there is no value to compare" and empty["confidence"] == 70
    assert {r["columns"][0] for r in doc["references"]} == {"owner_id"}         # none of first_owner_id is there, and owner_uuid is no number


def test_what_is_no_table(project, db, live):
    doc = live()
    assert doc["references"] == []                          # a database without any
    assert "no foreign key is in doubt" in project.pgrail("orphans").ok().out
    pair(db)
    db.sql("""CREATE VIEW v AS SELECT * FROM children; CREATE MATERIALIZED VIEW m AS SELECT * FROM children; CREATE FOREIGN DATA WRAPPER nowhere;
        CREATE SERVER far FOREIGN DATA WRAPPER nowhere; CREATE FOREIGN TABLE f (id bigint, parent_id bigint) SERVER far""")
    assert [r["table"] for r in live()["references"]] == ["public.children"]
    for name, kind in [("v", "view"), ("m", "materialized view"), ("f", "foreign table")]:
        r = project.pgrail("orphans", name)
        assert r.status == 2 and f"public.{name} is a {kind}: only tables hold rows that refer to others" in r.err, r


def test_names_on_the_command_line(project, db):
    project.environment("production", db)
    pair(db)
    db.sql("CREATE SCHEMA app; CREATE TABLE app.hidden (id int)")
    r = project.pgrail("orphans", "childern")
    assert r.status == 2 and "environment production has no relation childern" in r.err and "nearest: public.children" in r.err
    assert "nearest: app.hidden" in project.pgrail("orphans", "hidden").err
    assert project.pgrail("orphans", "children", "--key", "nothing").status == 2
    assert project.pgrail("orphans", "--archive", "x").status == 2
    assert project.pgrail("orphans", "").status == 2


def test_what_may_not_be_read(project, db, live, server):
    pair(db)
    db.sql("""CREATE TABLE open_children (id int PRIMARY KEY, parent_id bigint); INSERT INTO open_children VALUES (1, 5), (2, 5555);
        ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID;
        ALTER TABLE open_children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    db.sql("DROP ROLE IF EXISTS pgrail_orphans_reader; CREATE ROLE pgrail_orphans_reader LOGIN; GRANT SELECT ON parents, open_children TO pgrail_orphans_reader")
    try:
        doc = live(status=4, user="pgrail_orphans_reader")
        assert of(doc, "public.children", "parent_id")["unread"] == "permission denied for table children"
        assert of(doc, "public.open_children", "parent_id")["orphans"] == 1 and doc["counts"]["unread"] == 1
        db.sql("GRANT SELECT (id, parent_id) ON children TO pgrail_orphans_reader")
        assert live(status=1, user="pgrail_orphans_reader")["counts"]["orphans"] == 4
        db.sql("ALTER TABLE parents ENABLE ROW LEVEL SECURITY")                 # hidden parents must not make orphans
        doc = live(status=4, user="pgrail_orphans_reader")
        assert all("row-level security" in r["unread"] for r in doc["references"])
    finally:
        db.sql("DROP OWNED BY pgrail_orphans_reader; DROP ROLE pgrail_orphans_reader")


def test_a_lock_in_the_way(db, live):
    pair(db)
    db.sql("""CREATE TABLE open_children (id int PRIMARY KEY, parent_id bigint); ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID;
        ALTER TABLE open_children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    with db.connect(autocommit=False) as c:
        c.execute("LOCK TABLE children IN ACCESS EXCLUSIVE MODE")
        doc = live("--declared", "open_children")
        assert of(doc, "public.open_children", "parent_id")["exact"]
        c.rollback()
        c.execute("LOCK TABLE parents IN ACCESS EXCLUSIVE MODE")
        c.rollback()
    assert live(status=1)["counts"]["orphans"] == 3


def test_the_time_is_up(db, live):
    pair(db)
    db.sql("ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID")
    r = only(live("children", "--timeout", "1ms", status=6))
    assert not r["exact"] and r["stopped"] == "the time was up" and r["orphans"] == 0


def test_age(db, live):
    pair(db, more=", happened text DEFAULT 'x', updated_at timestamptz DEFAULT '2020-01-01 00:00+02', \"createdAt\" timestamp DEFAULT '2021-05-06 07:08:09'")
    r = only(live("children"))
    assert (r["age_column"], r["oldest"], r["newest"]) == ("createdAt", "2021-05-06 07:08:09", "2021-05-06 07:08:09")
    db.sql('ALTER TABLE children DROP COLUMN "createdAt"')
    assert only(live("children"))["oldest"] == "2019-12-31 22:00:00+00"
    db.sql("ALTER TABLE children DROP COLUMN updated_at")
    assert only(live("children"))["age_column"] is None


def test_nothing_but_keys_is_told(project, db):
    project.environment("production", db)
    pair(db, more=", note text DEFAULT 'canary-4711'")
    for more in ([], ["--json"]):
        r = project.pgrail("orphans", *more)
        assert "1100" in r.out and "canary" not in r.out + r.err


def psql(db, script):
    with db.connect(autocommit=False) as c:
        c.execute(script)
        c.commit()


def test_archive_and_back(project, db, live):
    """What the two scripts do, run as they stand: the rows are gone and kept, the key can be validated; then all is as it was."""
    db.sql(INVOICES)
    db.sql("SET invoices.scale = 'small';" + LOAD)
    state = "SELECT md5(string_agg(i::text, ',' ORDER BY id)), count(*) FROM invoice_items AS i"
    key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'invoice_items_invoice_id_fkey'"
    before = db.sql(state), db.value(key)
    doc = live("invoice_items", "--archive", "invoice_items_orphans")
    assert (doc["archive"]["rows"], doc["archive"]["moves_rows"], doc["archive"]["table"], doc["archive"]["warnings"]) == (11, True, "public.invoice_items_orphans", [])
    up, down = project.read(doc["archive"]["up"]), project.read(doc["archive"]["down"])
    assert "-- rationale: 11 rows of public.invoice_items refer to rows of public.invoices that are not there" in up
    psql(db, up)
    assert db.value("SELECT count(*) FROM invoice_items_orphans") == 11 and db.sql(state)[0][1] == before[0][0][1] - 11
    assert live("invoice_items", status=0)["counts"]["orphans"] == 0
    psql(db, "ALTER TABLE invoice_items VALIDATE CONSTRAINT invoice_items_invoice_id_fkey; ALTER TABLE invoice_items ALTER CONSTRAINT invoice_items_invoice_id_fkey NOT DEFERRABLE")
    psql(db, down)
    assert (db.sql(state), db.value(key)) == before
    assert db.value("SELECT to_regclass('invoice_items_orphans')") is None


def test_archive_of_odd_tables(project, db, live):
    """Generated and identity columns, two keys at once, quoted names, a schema of its own, a deferrable key beside."""
    db.sql("""CREATE SCHEMA "Old"; CREATE TABLE "Big Parents" (id bigint PRIMARY KEY); CREATE TABLE parents (id bigint PRIMARY KEY); CREATE TABLE firm (id int PRIMARY KEY);
        CREATE TABLE "Children" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Big" bigint, parent_id bigint, twice bigint GENERATED ALWAYS AS (parent_id * 2) STORED,
            firm_id int REFERENCES firm DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO "Big Parents" VALUES (1); INSERT INTO parents VALUES (1); INSERT INTO firm VALUES (1);
        INSERT INTO "Children" ("Big", parent_id, firm_id) VALUES (1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, NULL), (NULL, NULL, NULL)""")
    db.sql("""ALTER TABLE "Children" ADD CONSTRAINT "to Big" FOREIGN KEY ("Big") REFERENCES "Big Parents" NOT VALID, ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID""")
    before = db.sql('SELECT * FROM "Children" ORDER BY id')
    doc = live('"Children"', "--archive", '"Old"."Lost Children"')
    psql(db, project.read(doc["archive"]["up"]))
    assert [r[0] for r in db.sql('SELECT id FROM "Children" ORDER BY id')] == [1, 5]
    assert db.sql('SELECT id, twice FROM "Old"."Lost Children" ORDER BY id') == [(2, 2), (3, 4), (4, 4)]
    psql(db, project.read(doc["archive"]["down"]))
    assert db.sql('SELECT * FROM "Children" ORDER BY id') == before
    assert db.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == 2


def test_archive_refuses(project, db, live):
    pair(db)
    project.policy["max_inline_rows"] = "2"
    project.write_conf()

    def refused(status, words, *args):
        r = project.pgrail("orphans", "children", *args)
        assert r.status == status and words in r.err and list(pathlib.Path(project.folder, "migrations").iterdir()) == [], r
    refused(3, "public.children has no orphans to archive\nhint: an inferred reference is a guess: name its columns with --key when it is right", "--archive", "kept")
    refused(2, "public.parents is there already", "--key", "parent_id", "--archive", "parents")
    db.sql("ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents NOT VALID")
    refused(3, "are not all counted: the time was up", "--timeout", "1ms", "--declared", "--archive", "kept")
    db.sql("CREATE TABLE toys (child bigint CONSTRAINT of_child REFERENCES children ON DELETE CASCADE)")
    refused(3, "foreign key of_child of public.toys would change rows there when ours are deleted", "--archive", "kept")
    db.sql("DROP TABLE toys; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER seen AFTER DELETE ON children FOR EACH ROW EXECUTE FUNCTION f()")
    doc = live("children", "--archive", "kept")
    assert not doc["archive"]["moves_rows"] and "DELETE" not in project.read(doc["archive"]["up"])
    assert doc["archive"]["warnings"] == ["trigger seen of public.children runs when rows are taken out or put back",
                                          "3 rows are more than max_inline_rows (2): the migration makes the table alone, and its backfill moves them"]


def findings(project, rule, *args):
    r = project.pgrail("check", *args, "--env", "production", "--json")
    assert r.status in (0, 1, 3), r
    return [f for f in r.json["findings"] if f["rule"] == rule]


def test_check_counts_before_a_constraint(project, db):
    """Unasked: a key that cannot be valid is an error with the number, one that is only added NOT VALID a warning, one whose rows are written first too."""
    project.environment("production", db)
    pair(db)
    db.sql("CREATE TABLE kept (LIKE children); ALTER TABLE children ADD CONSTRAINT late FOREIGN KEY (parent_id) REFERENCES parents NOT VALID")
    project.migration(1, "validate", "ALTER TABLE children VALIDATE CONSTRAINT late;")
    project.migration(2, "add", "ALTER TABLE children ADD CONSTRAINT again FOREIGN KEY (parent_id) REFERENCES parents (id) NOT VALID;")
    project.migration(3, "mend", "DELETE FROM children WHERE parent_id > 100;")
    project.migration(4, "after", "ALTER TABLE children VALIDATE CONSTRAINT late;")
    project.migration(5, "good", "ALTER TABLE kept ADD CONSTRAINT good FOREIGN KEY (parent_id) REFERENCES parents;")
    words = "3 rows of public.children (parent_id) refer to rows of public.parents that are not there"
    (f,) = findings(project, "orphan-rows", "0001")
    assert f["level"] == "error" and f["title"] == f"VALIDATE CONSTRAINT late will fail with 23503: {words}"
    assert "pgrail orphans public.children --key parent_id --env production" in f["safe_way"]
    (f,) = findings(project, "orphan-rows", "0002")
    assert f["level"] == "warning" and f["title"].endswith(words)
    (f,) = findings(project, "orphan-rows", "0003", "0004")
    assert f["level"] == "warning" and "may fail with 23503" in f["title"] and "a statement before this one writes the rows" in f["what"]
    assert findings(project, "orphan-rows", "0005") == []
    project.policy["orphans_timeout"] = "0"
    project.write_conf()
    assert findings(project, "orphan-rows", "0001") == []


def test_check_counts_before_a_drop(project, db):
    """Who refers to what goes, by a foreign key and by a name alone; and what the column that goes still told."""
    project.environment("production", db)
    pair(db)
    db.sql("CREATE TABLE notes (id int PRIMARY KEY, parent_id bigint CONSTRAINT noted REFERENCES parents); INSERT INTO notes VALUES (1, 5), (2, NULL)")
    project.migration(1, "drop_parents", "DROP TABLE parents CASCADE;")
    project.migration(2, "drop_column", "ALTER TABLE children DROP COLUMN parent_id;")
    (f,) = findings(project, "drop-table", "0001")
    assert "1 row of public.notes (parent_id) refers to it, by foreign key noted, and will then refer to nothing." in f["what"]
    assert "300 rows of public.children (parent_id) refer to it, as it seems by its name and values" in f["what"]
    (f,) = findings(project, "drop-column", "0002")
    assert "3 rows of public.children (parent_id) refer to rows of public.parents that are not there, and afterwards nobody can tell" in f["what"]


def test_check_counts_what_stands_in_a_body(project, db):
    """A DO runs: what it validates or drops is counted as if it stood in the file; in a branch it may run; in a function it does not."""
    project.environment("production", db)
    pair(db)
    db.sql("ALTER TABLE children ADD CONSTRAINT late FOREIGN KEY (parent_id) REFERENCES parents NOT VALID")
    validate, words = "ALTER TABLE children VALIDATE CONSTRAINT late;", "3 rows of public.children (parent_id) refer to rows of public.parents that are not there"
    project.migration(1, "plain", f"DO $$ BEGIN {validate} END $$;")
    project.migration(2, "branch", f"DO $$ BEGIN IF current_setting('x.y', true) = '1' THEN {validate} END IF; END $$;")
    project.migration(3, "executed", f"DO $$ BEGIN EXECUTE '{validate.rstrip(';')}'; END $$;")
    project.migration(4, "drop", "DO $$ BEGIN ALTER TABLE children DROP COLUMN parent_id; END $$;")
    project.migration(5, "later", f"CREATE FUNCTION later() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {validate} END $$;")
    project.migration(6, "written", f"DO $$ BEGIN DELETE FROM children WHERE parent_id > 100; {validate} END $$;")
    for version, level, will in [("0001", "error", "will"), ("0002", "warning", "may"), ("0003", "error", "will"), ("0006", "warning", "may")]:
        (f,) = findings(project, "orphan-rows", version)
        assert (f["level"], f["title"]) == (level, f"VALIDATE CONSTRAINT late {will} fail with 23503: {words}"), f
    (f,) = findings(project, "drop-column", "0004")
    assert words + ", and afterwards nobody can tell" in f["what"]
    assert findings(project, "orphan-rows", "0005") == []


def test_apply_counts_first(project, db):
    project.environment("production", db)
    pair(db)
    db.sql("ALTER TABLE children ADD CONSTRAINT late FOREIGN KEY (parent_id) REFERENCES parents NOT VALID")
    project.migration(1, "validate", "ALTER TABLE children VALIDATE CONSTRAINT late;", "SELECT 1;")
    r = project.pgrail("apply", "0001", "--env", "production")
    assert r.status != 0 and "orphans: 3 rows of public.children (parent_id) refer to rows of public.parents that are not there" in r.out + r.err, r
