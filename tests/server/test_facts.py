"""Facts read from real catalogs of each version: what they say, that they follow the published schema, and what moves a fingerprint."""
import json
import pathlib

import jsonschema
import psycopg
import pytest
from lib.servers import await_that

ROOT = pathlib.Path(__file__).parents[2]
RICH = (ROOT / "tests/server/facts_schema.sql").read_text(encoding="utf-8")
INVOICES = (ROOT / "examples/invoices/schema.sql").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "docs/schema/facts.json").read_text(encoding="utf-8"))
LINES = [(ROOT / f"src/catalog/schema_{part}.sql").read_text(encoding="utf-8") for part in ("relations", "objects")]


@pytest.fixture
def facts(project, server, db):
    """facts() reads every relation of `db` into a saved document and returns it by relation; so on every version."""
    project.environment("production", db)
    seen = []

    def read():
        project.pgrail("ground", "--all", "--save", "out/facts.json", "--json").ok()
        doc = json.loads(project.read("out/facts.json"))
        if not seen:                                        # it takes a while
            jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
        seen.append(doc)
        return doc, {f"{r['schema']}.{r['name']}": r for r in doc["relations"]}
    return read


def by_name(items):
    return {i["name"]: i for i in items}


def schema_lines(db):
    """The lines of the whole schema, by the statements that pgrail itself runs; they stand alone in any client."""
    with db.connect() as c:
        c.execute("SET search_path = pg_catalog, pg_temp")
        return sorted(line for sql in LINES for (line,) in c.execute(sql).fetchall())


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_columns(db, facts):
    db.sql(RICH)
    doc, rels = facts()
    cols = by_name(rels["app.parents"]["columns"])
    assert [c["name"] for c in rels["app.parents"]["columns"]] == ["id", "code", "feel", "size", "label", "made", "net", "gross"]
    assert [c["position"] for c in rels["app.parents"]["columns"]] == list(range(1, 9))
    assert rels["app.parents"]["dropped_cols"] == 1
    assert cols["id"]["identity"] == "a" and cols["id"]["not_null"] and not cols["id"]["has_default"]
    assert cols["code"]["type"] == "character varying(12)" and cols["code"]["collation"] == "pg_catalog.C"
    assert cols["code"]["comment"] == "Printed on paper."
    assert cols["feel"]["enum_values"] == ["sad", "ok", "it's \"fine\""] and cols["feel"]["default_sql"] == "'ok'::app.mood"
    assert cols["size"]["base_type"] == "integer" and cols["size"]["domain_constrained"]
    assert cols["label"]["base_type"] == "character varying(20)" and not cols["label"]["domain_constrained"]
    assert cols["made"]["has_default"] and cols["made"]["default_sql"] == "app.stamp()"
    assert cols["gross"]["generated"] == "s" and not cols["gross"]["has_default"] and "119" in cols["gross"]["default_sql"]
    assert by_name(rels["Odd Schema.Odd \"Table\""]["columns"]).keys() == {"Odd Column", "select"}
    types = by_name(doc["types"])
    assert types["mood"]["used_by"] == ["app.parent_counts.feel", "app.parents.feel"]
    assert types["small_positive"]["kind"] == "d" and types["small_positive"]["base_type"] == "app.positive"
    functions = by_name(doc["functions"])
    assert functions["stamp"]["volatility"] == "v" and functions["stamp"]["body"] == "SELECT clock_timestamp()"


def test_constraints_and_indexes(db, facts):
    db.sql(RICH)
    _, rels = facts()
    cons = by_name(k for k in rels["app.parents"]["constraints"] if k["type"] != "n")
    assert not cons["net_small"]["validated"] and cons["parents_net_check"]["validated"]
    assert cons["parents_net_check"]["cols"] == ["net"]
    assert cons["parents_code_key"]["deferrable"] and cons["parents_code_key"]["index"] == "parents_code_key"
    inbound = cons["children_parent_id_fkey"]
    assert inbound["inbound"] and inbound["cols"] == ["id"] and inbound["ref_cols"] == ["parent_id"]
    assert (inbound["ref_schema"], inbound["ref_table"], inbound["index"]) == ("app", "children", "parents_pkey")
    outbound = by_name(rels["app.children"]["constraints"])["children_parent_id_fkey"]
    assert not outbound["inbound"] and outbound["ref_table"] == "parents" and outbound["cols"] == ["parent_id"]
    index = by_name(rels["app.parents"]["indexes"])["parents_expr"]
    assert index["cols"][1:] == ["(net + 1)", "id"] and index["cols"][0].startswith("(lower(")
    assert index["mentions"] == ["id", "code", "feel", "label", "net"]
    assert index["has_expressions"] and index["is_partial"] and not index["default_order"] and index["bytes"] > 0
    assert by_name(rels["app.parents"]["indexes"])["parents_pkey"]["constraint"] == "parents_pkey"
    # the helpers that the server makes for each partition are no constraints of anybody's
    assert [k["name"] for k in rels["app.readings"]["constraints"] if k["type"] == "f"] == ["readings_event_id_event_at_fkey"]
    assert [k["name"] for k in rels["app.events"]["constraints"] if k["inbound"]] == ["readings_event_id_event_at_fkey"]
    assert not [k for k in rels["app.events_2025"]["constraints"] if k["inbound"]]


def test_what_hangs_on_a_relation(db, facts):
    db.sql(RICH)
    _, rels = facts()
    parents = rels["app.parents"]
    trigger = parents["triggers"][0]
    assert trigger["mentions"] == ["code", "net"] and not trigger["enabled"] and trigger["function"] == "app.touch"
    assert parents["policies"][0]["mentions"] == ["net"] and parents["row_security"] and not parents["force_row_security"]
    deps = {(d["kind"], d["name"]): d["mentions"] for d in parents["dependants"]}
    assert deps[("view", "parent_view")] == ["code", "id", "net"]
    assert deps[("materialized view", "parent_counts")] == ["feel"]
    assert deps[("generated column", "gross")] == ["net"]
    assert deps[("column", "children.extra")] == []
    assert deps[("statistics", "parents_stat")] == ["code", "net"]
    assert deps[("sequence", "parents_id_seq")] == ["id"]
    kinds = {d["kind"] for d in rels["app.children"]["dependants"]}
    assert {"publication", "rule", "sequence"} <= kinds and rels["app.children"]["published"] and not parents["published"]
    assert parents["replica_identity"] == "f" and parents["options"] == "autovacuum_enabled=false, fillfactor=80"
    assert parents["acl"] == "PUBLIC:SELECT, PUBLIC:UPDATE(label)" and rels["app.children"]["acl"] == "-postgres:DELETE"
    assert rels["app.animals"]["acl"] is None
    assert "FROM app.parents" in rels["app.parent_view"]["view_def"]


def test_partitions(db, facts):
    db.sql(RICH)

    def is_trusted():
        """What was written may be counted after an ANALYZE that saw it."""
        db.sql("ANALYZE app.events")
        return facts()[1]["app.events"]["rows_trusted"]
    await_that(is_trusted, "the counters know of ANALYZE")
    _, rels = facts()
    events, rest = rels["app.events"], rels["app.events_rest"]
    assert events["kind"] == "p" and events["partition_key"] == "RANGE (at)" and events["partitions"] == ["app.events_2025", "app.events_rest"]
    assert rest["is_default_partition"] and rest["partition_bound"] == "DEFAULT" and rest["partition_of"] == "events"
    assert events["rows"] == 1000 and events["rows_trusted"] and events["total_bytes"] >= rest["total_bytes"] > 0
    assert rels["app.animals"]["partitions"] == ["app.dogs"] and rels["app.dogs"]["partition_of"] is None


def test_what_came_with_later_versions(db, facts):
    """BEGIN ATOMIC and compression since 14, virtual columns, NOT VALID not-null and NOT ENFORCED since 18."""
    db.sql("CREATE TABLE t (a integer, b integer, c text); CREATE TABLE u (t_id integer); ALTER TABLE t ADD PRIMARY KEY (a)")
    if db.major >= 14:
        db.sql("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(b) FROM t; END")
    if db.major >= 18:
        db.sql("ALTER TABLE t ADD CONSTRAINT c_there NOT NULL c NOT VALID; ALTER TABLE t ADD COLUMN d integer GENERATED ALWAYS AS (b * 2);"
               "ALTER TABLE u ADD CONSTRAINT u_fk FOREIGN KEY (t_id) REFERENCES t NOT ENFORCED")
    doc, rels = facts()
    cols = by_name(rels["public.t"]["columns"])
    deps = {(d["kind"], d["name"]): d["mentions"] for d in rels["public.t"]["dependants"]}
    assert deps.get(("function", "f")) == (["b"] if db.major >= 14 else None)
    assert [f["name"] for f in doc["functions"] if f["body"] and "BEGIN ATOMIC" in f["body"]] == (["f"] if db.major >= 14 else [])
    assert cols["c"]["not_null"] == (db.major >= 18) and cols["c"]["not_null_valid"] == (db.major < 18)
    assert cols.get("d", {}).get("generated") == ("v" if db.major >= 18 else None)
    assert [k["enforced"] for k in rels["public.u"]["constraints"] if k["type"] == "f"] == ([False] if db.major >= 18 else [])
    assert any("NOT VALID" in line or "not valid" in line for line in schema_lines(db)) == (db.major >= 18)


def test_rows_and_whether_they_can_be_trusted(db, facts):
    db.sql("CREATE TABLE empty (a integer); CREATE TABLE t (a integer) WITH (autovacuum_enabled = false);"
           "INSERT INTO t SELECT generate_series(1, 20000)")
    _, rels = facts()
    assert (rels["public.empty"]["rows"], rels["public.empty"]["rows_trusted"]) == (0, True)
    assert not rels["public.t"]["rows_trusted"] and 10000 < rels["public.t"]["rows"] < 40000, "never analyzed: a guess, and said so"
    assert rels["public.t"]["last_analyze"] is None
    db.sql("ANALYZE t")
    await_that(lambda: facts()[1]["public.t"]["last_analyze"] is not None, "the counters know of ANALYZE")
    await_that(lambda: (db.sql("ANALYZE t"), facts()[1]["public.t"]["rows_trusted"])[1], "the counters know of all that was written before")
    assert facts()[1]["public.t"]["rows"] == 20000
    db.sql("INSERT INTO t SELECT generate_series(1, 10000)")
    _, rels = facts()
    assert not rels["public.t"]["rows_trusted"] and abs(rels["public.t"]["rows"] - 30000) < 500, "scaled to the present size"
    db.sql("ANALYZE t; UPDATE t SET a = a WHERE a <= 5000")
    await_that(lambda: db.value("SELECT pg_stat_get_mod_since_analyze('t'::regclass)") >= 5000, "the counters know of UPDATE")
    assert not facts()[1]["public.t"]["rows_trusted"]


def test_invalid_index(db, facts):
    db.sql("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.sql("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)")
    _, rels = facts()
    index = rels["public.t"]["indexes"][0]
    assert (index["valid"], index["ready"], index["live"]) == (False, False, True)


def test_fingerprint_is_the_same_on_every_version(pg15, db, make_db, facts, project):
    """Of a schema without views: their text is the one thing that each version prints in its own way."""
    other = make_db(server=pg15, name="of15")
    for d in (db, other):
        d.sql(INVOICES)
        d.sql("DROP VIEW open_invoices")
    doc, _ = facts()
    project.environment("other", other)
    project.pgrail("ground", "--all", "--env", "other", "--save", "other.json").ok()
    assert json.loads(project.read("other.json"))["fingerprint"] == doc["fingerprint"]


NO_SHAPE = [
    "INSERT INTO app.animals SELECT 'x' FROM generate_series(1, 1000); ANALYZE app.animals",
    "REINDEX TABLE app.parents",
    "VACUUM FULL app.children",
    "ALTER TABLE app.animals ADD COLUMN x text; ALTER TABLE app.animals DROP COLUMN x",
    "GRANT SELECT ON app.animals TO PUBLIC; REVOKE SELECT ON app.animals FROM PUBLIC",
    "DROP INDEX app.parents_expr; CREATE INDEX parents_expr ON app.parents (lower(code), (net + 1), id DESC) INCLUDE (label) WHERE feel IS NOT NULL",
    "ALTER TABLE app.parents RESET (fillfactor); ALTER TABLE app.parents SET (fillfactor = 80)",
    "ALTER TABLE app.children ALTER at TYPE timestamp; ALTER TABLE app.children ALTER at TYPE date",
    "SELECT nextval('app.children_id_seq')",
]
SHAPE = {
    "app.parents": [
        "COMMENT ON TABLE app.parents IS 'another'", "ALTER TABLE app.parents ALTER made DROP DEFAULT", "ALTER TABLE app.parents ALTER net SET NOT NULL",
        "ALTER TABLE app.parents VALIDATE CONSTRAINT net_small", "DROP INDEX app.parents_expr", "ALTER TABLE app.parents ENABLE TRIGGER parents_touch",
        "DROP POLICY parents_own ON app.parents", "ALTER TABLE app.parents FORCE ROW LEVEL SECURITY", "ALTER TABLE app.parents REPLICA IDENTITY DEFAULT",
        "ALTER TABLE app.parents SET (fillfactor = 90)", "GRANT INSERT ON app.parents TO PUBLIC", "GRANT SELECT (net) ON app.parents TO PUBLIC",
        "CREATE VIEW app.another AS SELECT net FROM app.parents", "ALTER TYPE app.mood ADD VALUE 'new'",
        "CREATE TABLE app.more (p bigint REFERENCES app.parents)",
    ],
    "app.events": ["CREATE TABLE app.events_2026 PARTITION OF app.events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"],
    "app.readings": ["ALTER TABLE app.readings ALTER event_id TYPE integer"],
    "app.animals": ["ALTER TABLE app.animals RENAME name TO title", "ALTER TABLE app.animals SET UNLOGGED"],
}


def test_what_moves_a_fingerprint(db, facts):
    """One database: a statement that is no shape moves nothing; each of the others moves its relation."""
    db.sql(RICH)
    doc, rels = facts()
    lines = schema_lines(db)
    for sql in NO_SHAPE:
        for part in sql.split("; "):
            db.sql(part)
        again, moved = facts()
        assert {n: r["fingerprint"] for n, r in moved.items()} == {n: r["fingerprint"] for n, r in rels.items()}, sql
        assert again["fingerprint"] == doc["fingerprint"], sql
        assert schema_lines(db) == lines, sql
    for relation, statements in SHAPE.items():
        for sql in statements:
            before, before_lines = rels, lines
            db.sql(sql)
            _, rels = facts()
            lines = schema_lines(db)
            assert rels[relation]["fingerprint"] != before[relation]["fingerprint"], sql
            assert lines != before_lines, sql


UP_DOWN = [  # down gives back what was there
    ("ALTER TABLE app.animals ADD COLUMN x text", "ALTER TABLE app.animals DROP COLUMN x"),
    ("CREATE INDEX i ON app.animals (name)", "DROP INDEX app.i"),
    ("ALTER TABLE app.dogs ADD CONSTRAINT k CHECK (barks)", "ALTER TABLE app.dogs DROP CONSTRAINT k"),
    ("ALTER TABLE app.animals ALTER name SET STATISTICS 500", "ALTER TABLE app.animals ALTER name SET STATISTICS -1"),
    ("GRANT SELECT (name) ON app.animals TO PUBLIC", "REVOKE SELECT (name) ON app.animals FROM PUBLIC"),
    ("CREATE TABLE app.fresh (id serial PRIMARY KEY)", "DROP TABLE app.fresh"),
    ("CREATE TYPE app.fresh AS ENUM ('a')", "DROP TYPE app.fresh"),
    ("CREATE FUNCTION app.fresh() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION app.fresh()"),
    ("CREATE SCHEMA fresh", "DROP SCHEMA fresh"),
    ("CREATE PUBLICATION fresh FOR TABLE app.dogs", "DROP PUBLICATION fresh"),
    ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC"),
]
UP_DOWN_LOSES = [  # down looks right, and something is lost
    ("ALTER TABLE app.parents DROP COLUMN label", "ALTER TABLE app.parents ADD COLUMN label app.label", ["column app.parents.label"]),
    ("ALTER TABLE app.parents DROP CONSTRAINT parents_net_check", "ALTER TABLE app.parents ADD CONSTRAINT parents_net_check CHECK (net > 0)", ["parents_net_check"]),
    ("DROP TABLE app.children", "CREATE TABLE app.children (id serial PRIMARY KEY, parent_id bigint, extra app.parents, at date NOT NULL)",
     ["publication pub", "rule children_rule", "children_parent_id_fkey", "grant on"]),
]


def test_lines_of_the_whole_schema(server, db):
    db.sql(RICH)
    start = schema_lines(db)
    assert len(start) == len(set(start)) > 80
    assert not any("pg_toast" in line or "RI_Constraint" in line for line in start)
    for up, down in UP_DOWN:
        db.sql(up)
        assert schema_lines(db) != start, up
        db.sql(down)
        assert schema_lines(db) == start, up
    for up, down, lost in UP_DOWN_LOSES:
        before = schema_lines(db)
        db.sql(up)
        db.sql(down)
        gone = set(before) - set(schema_lines(db))
        for what in lost:
            assert any(what in line for line in gone), (up, what, gone)


def test_own_schema_and_extensions_are_no_part(server, db):
    start = schema_lines(db)
    db.sql("CREATE SCHEMA pgrail; CREATE TABLE pgrail.history (id integer PRIMARY KEY); CREATE FUNCTION pgrail.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    assert schema_lines(db) == start


def test_behind_an_exclusive_lock_it_gives_up(pg15, make_db, project):
    db = make_db(server=pg15)
    db.sql("CREATE TABLE t (a integer)")
    project.environment("production", db)
    with db.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        result = project.pgrail("ground", "t")
        assert result.status == 4 and "ACCESS EXCLUSIVE" in result.err, (result.status, result.err)
