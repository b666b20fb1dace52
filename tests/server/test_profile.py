"""profile: what the data look like, held against what plain SQL says of them; and that no row data come out."""
import json
import pathlib
import re
import signal
import subprocess

import jsonschema
import pytest
from lib.few import server  # noqa: F401
from lib.runs import BIN, WRAP, environment
from lib.servers import await_that

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/profile.json").read_text(encoding="utf-8"))


def profile(project, *args, status=0):
    result = project.pgrail("profile", *args, "--json")
    assert result.status == status, result.err + result.out
    doc = result.json
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    return doc


def column(doc, name):
    return next(c for c in doc["columns"] if c["name"] == name)


def paths(doc, name):
    return {p["path"]: p for p in column(doc, name)["json"]["paths"]}


def questions(doc):
    ids = [q["id"] for q in doc["questions"]]
    assert len(ids) == len(set(ids))
    return {q["id"]: q for q in doc["questions"]}


def tally(items, key="pattern"):
    return {i[key]: i["n"] for i in items}


@pytest.fixture
def shop(project, server, db):
    return project.environment("production", db)


@pytest.fixture(scope="module")
def loaded(server):
    """The small invoices, loaded once for each version."""
    made = server.new_db(f"profile_invoices_{server.major}")
    with made.connect() as c:
        c.execute("SET invoices.scale = 'small'")
        for name in ("schema", "load"):
            c.execute((ROOT / f"examples/invoices/{name}.sql").read_text(encoding="utf-8"))
    yield made
    made.drop()


@pytest.fixture
def invoices(project, loaded):
    return project.environment("production", loaded)


# --- the invoices example -------------------------------------------------------------------------------------------------


def test_json_keys_are_counted_as_sql_counts_them(invoices, loaded):
    doc = profile(invoices, "invoice_items", "vat_data")
    assert doc["read"]["whole"] and doc["read"]["by"] == "key ranges" and doc["read"]["rows"] == 24000 and doc["read"]["complete"]
    assert column(doc, "vat_data")["nulls"] == loaded.value("SELECT count(*) FROM invoice_items WHERE vat_data IS NULL") > 0
    found = paths(doc, "vat_data")
    objects = loaded.value("SELECT count(*) FROM invoice_items WHERE jsonb_typeof(vat_data) = 'object'")
    for key in ("rate", "amount", "net", "country"):
        types = dict(loaded.sql("SELECT jsonb_typeof(vat_data -> %s), count(*) FROM invoice_items WHERE vat_data ? %s GROUP BY 1", key, key))
        got = found[f"vat_data.{key}"]
        assert got["types"] == types and got["lacking"] == objects - sum(types.values()), key
    numeric = loaded.value("SELECT count(*) FROM invoice_items WHERE jsonb_typeof(vat_data->'rate') = 'string' AND vat_data->>'rate' ~ '^[0-9.]+$'")
    assert found["vat_data.rate"]["numeric_text"] == numeric < found["vat_data.rate"]["types"]["string"]
    low, high = loaded.sql("SELECT min((vat_data->>'rate')::numeric)::text, max((vat_data->>'rate')::numeric)::text FROM invoice_items "
                           "WHERE jsonb_typeof(vat_data->'rate') = 'number'")[0]
    assert float(found["vat_data.rate"]["min"]) == float(low) and float(found["vat_data.rate"]["max"]) == float(high)


def test_questions_have_counts_and_keys_of_rows_that_show_them(invoices, loaded):
    found = questions(profile(invoices, "invoice_items", "vat_data"))
    for key in ("rate", "amount", "net"):
        lack = [str(r[0]) for r in loaded.sql("SELECT id FROM invoice_items WHERE vat_data IS NOT NULL AND NOT vat_data ? %s ORDER BY id", key)]
        q = found[f"missing-key:vat_data.{key}"]
        assert (q["n"], q["keys"]) == (len(lack), lack[:5])
        text = [str(r[0]) for r in loaded.sql("SELECT id FROM invoice_items WHERE jsonb_typeof(vat_data -> %s) = 'string' ORDER BY id", key)]
        q = found[f"mixed-type:vat_data.{key}:string"]
        assert (q["n"], q["keys"]) == (len(text), text[:5]) and "convert" in q["choices"]


def test_a_cast_of_a_key(invoices, loaded):
    doc = profile(invoices, "invoice_items", "id", "--cast", "vat_data.rate:numeric(5,2)", "--cast", "vat_data.rate:integer")
    as_numeric, as_integer = doc["casts"]
    bad = [str(r[0]) for r in loaded.sql("SELECT id FROM invoice_items WHERE vat_data->>'rate' !~ '^[0-9]+([.][0-9]+)?$' ORDER BY id")]
    assert as_numeric["nulls"] == loaded.value("SELECT count(*) FROM invoice_items WHERE vat_data->>'rate' IS NULL")
    assert as_numeric["failures"] == [{"sqlstate": "22P02", "why": "not written as one", "n": len(bad), "keys": bad[:5]}] and as_numeric["losses"] == []
    assert as_numeric["fine"] == 24000 - as_numeric["nulls"] - len(bad) and as_numeric["failing"] == len(bad)
    not_integer = loaded.value(r"SELECT count(*) FROM invoice_items WHERE vat_data->>'rate' !~ '^\d+$'")
    assert tally(as_integer["failures"], "sqlstate") == {"22P02": not_integer}
    assert questions(doc)["cast-fails:vat_data.rate:numeric(5,2):22P02"]["keys"] == bad[:5]


def test_columns_of_many_kinds(invoices, loaded):
    doc = profile(invoices, "invoices")
    status = column(doc, "status")
    assert tally(status["labels"], "label") == dict(loaded.sql("SELECT status::text, count(*) FROM invoices GROUP BY 1"))
    number = column(doc, "number")
    assert tally(number["patterns"]) == {"A+-9{4}-9{6}": 1800} and number["length"] == {"unit": "characters", "min": 15, "max": 15, "sum": 27000, "of": 1800}
    days = column(doc, "issued_on")
    assert [days["min"], days["max"]] == [str(d) for d in loaded.sql("SELECT min(issued_on), max(issued_on) FROM invoices")[0]]
    d, once, most = loaded.sql("SELECT count(*), count(*) FILTER (WHERE n = 1), max(n) FROM (SELECT count(*) AS n FROM invoices GROUP BY issued_on) AS s")[0]
    assert days["distinct"] == {"how": "counted", "n": d, "once": once, "most_frequent": most}
    assert column(doc, "id")["distinct"] == {"how": "unique index"}
    paid = column(doc, "paid_at")
    assert paid["nulls"] == loaded.value("SELECT count(*) FROM invoices WHERE paid_at IS NULL")


def test_a_sample_says_so_and_is_the_same_again(invoices):
    first, second = (profile(invoices, "invoice_items", "--rows", "2000", "--seed", "7") for _ in range(2))
    read = first["read"]
    assert (read["whole"], read["by"], read["method"], read["seed"], read["aimed"]) == (False, "sample", "system", 7, 2000)
    assert 500 < read["rows"] < 8000 and any("--whole" in n for n in first["notes"])
    assert first["columns"] == second["columns"] and first["read"]["rows"] == second["read"]["rows"]
    assert column(first, "description")["distinct"]["how"] == "estimate" and column(first, "id")["distinct"]["how"] == "unique index"
    assert 200 < column(first, "description")["distinct"]["n"] < 3500
    few = profile(invoices, "invoice_items", "--rows", "100", "--seed", "3")
    assert few["read"]["rows"] > 0 or any("met no rows" in n for n in few["notes"])
    single = profile(invoices, "invoice_items", "quantity", "--rows", "2000", "--method", "bernoulli")
    assert single["read"]["method"] == "bernoulli" and 1500 < single["read"]["rows"] < 2500
    assert profile(invoices, "invoice_items", "quantity", "--rows", "2000", "--whole")["read"]["rows"] == 24000


def test_different_values_of_a_sample_wherever_they_lie(project, db):
    """Whole pages bring neighbours along: lines with their invoice, a day with its rows, numbers strewn about, few and many of them."""
    project.environment("production", db)
    db.sql("""CREATE TABLE lines (id bigint PRIMARY KEY, invoice_id integer, day date, strewn integer, few integer, own integer, filler text DEFAULT repeat('x', 40));
        INSERT INTO lines SELECT i, i / 8, date '2020-01-01' + (i / 500)::integer, hashint8(i) % 20000, hashint8(i) % 50, i FROM generate_series(0, 199999) AS i; ANALYZE lines""")
    for seed in ("1", "2", "3"):
        doc = profile(project, "lines", "--rows", "6000", "--seed", seed)
        for name in ("invoice_id", "day", "strewn", "few", "own"):
            true, d = db.value(f"SELECT count(DISTINCT {name}) FROM lines"), column(doc, name)["distinct"]
            assert d["how"] == "estimate" and true * 0.6 < d["n"] < true * 1.6, (seed, name, true, d)


def test_parts_add_up_to_the_whole(invoices, loaded):
    """Parts of 20,000 rows: two of them. A view is read in one statement; the figures are the same."""
    loaded.sql("DROP VIEW IF EXISTS items_seen; CREATE VIEW items_seen AS SELECT * FROM invoice_items")
    parts, one = profile(invoices, "invoice_items", "--cast", "vat_data.rate:numeric(5,2)"), profile(invoices, "items_seen", "--cast", "vat_data.rate:numeric(5,2)")
    assert parts["read"]["parts"] == 2 and one["read"]["by"] == "one statement" and one["rows_named_by"] is None
    for a, b in zip(parts["columns"], one["columns"]):
        if a["distinct"]["how"] == "unique index" if "distinct" in a else False:
            a, b = ({k: v for k, v in c.items() if k != "distinct"} for c in (a, b))
        assert a == b
    for a, b in zip(parts["casts"], one["casts"]):
        assert {**a, "failures": tally(a["failures"], "sqlstate")} == {**b, "failures": tally(b["failures"], "sqlstate")}


# --- casts ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def odd(shop, db):
    db.sql("""
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN present AS numeric NOT NULL;
CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE TABLE odd (id integer PRIMARY KEY, code text, amount numeric, ratio float8, at timestamptz, local timestamp, doc json);
INSERT INTO odd (id, code) VALUES (1, '12'), (2, '007'), (3, ' 42 '), (4, 'n/a'), (5, '99999999999'), (6, '-1'), (7, ''), (8, NULL), (9, '1.5'),
    (10, '2020-02-30'), (11, '2020-02-03 04:05:06+02'), (12, '2020-02-03'), (13, 'happy'), (14, '12:00'), (15, '1e400');
UPDATE odd SET amount = (ARRAY[1.005, 'NaN', -3, 1000, 5]::numeric[])[id % 5 + 1], ratio = (ARRAY[0.5, 'Infinity', 'NaN', 3, 1e300]::float8[])[id % 5 + 1],
    at = '2020-01-01 10:00+00'::timestamptz + id * interval '90 minutes', local = '2020-01-01'::timestamp + (id % 2) * interval '1 hour',
    doc = CASE WHEN id = 3 THEN '{"a": "\\u0000"}' ELSE '{"a": "1"}' END::json;
""")
    return shop


def truth(db, type_name, source="code"):
    """Each value by itself, as the server casts it: SQLSTATE to ids, and the ids of those that go through."""
    failed, fine = {}, []
    with db.connect() as c:
        for (i,) in c.execute(f"SELECT id FROM odd WHERE ({source}) IS NOT NULL ORDER BY id").fetchall():
            try:
                c.execute(f"SELECT CAST({source} AS {type_name}) FROM odd WHERE id = {i}")
                fine.append(str(i))
            except Exception as e:  # noqa: BLE001
                failed.setdefault(e.sqlstate, []).append(str(i))
    return failed, fine


@pytest.mark.parametrize("type_name", ["integer", "numeric(5,2)", "bigint", "float8", "date", "timestamptz", "boolean", "uuid", "positive", "present", "app.mood",
                                       "varchar(3)", "jsonb", "time", "integer[]", "numeric /* a comment */", "int -- a comment"])
def test_every_failing_value_is_found(odd, db, type_name):
    failed, fine = truth(db, type_name + "\n")
    cast = profile(odd, "odd", "id", "--cast", f"code:{type_name}")["casts"][0]
    assert {f["sqlstate"]: (f["n"], f["keys"]) for f in cast["failures"]} == {s: (len(ids), ids[:5]) for s, ids in failed.items()}
    assert (cast["fine"], cast["nulls"], cast["failing"]) == (len(fine), 1, sum(map(len, failed.values())))


@pytest.mark.parametrize("source, type_name, losses", [
    ("code", "integer", {"leading zeros": ["2"]}), ("code", "varchar(3)", {"cut off": ["3", "5", "10", "11", "12"]}),
    ("code", "timestamp", {"time zone dropped": ["11"]}), ("amount", "numeric(5,2)", {"rounded": ["5", "10", "15"]}),
    ("amount", "bigint", {"rounded": ["5", "10", "15"]}), ("ratio", "integer", {"rounded": ["5", "10", "15"]}), ("amount", "float8", {}),
    ("at", "timestamp", {"time zone of the session": ["1", "2", "3", "4", "5"]}), ("local", "date", {"time of day dropped": ["1", "3", "5", "7", "9"]}),
    ("id", "smallint", {}), ("id", "text", {}), ("doc.a", "text", {})])
def test_losses(odd, source, type_name, losses):
    cast = profile(odd, "odd", "id", "--cast", f"{source}:{type_name}")["casts"][0]
    assert {l["kind"]: l["keys"] for l in cast["losses"]} == losses


def test_a_document_that_no_text_can_hold(odd):
    doc = profile(odd, "odd", "doc", "--cast", "doc.a:integer")
    assert column(doc, "doc")["json"]["not_walked"] == "22P05" and column(doc, "doc")["json"]["paths"] == []
    assert [(f["sqlstate"], f["n"], f["keys"]) for f in doc["casts"][0]["failures"]] == [("22P05", 1, ["3"])]
    assert "a document holds what text cannot hold (22P05)" in odd.pgrail("profile", "odd", "doc").ok().out


@pytest.mark.parametrize("args, words", [
    (["--cast", "at:bytea"], "cannot cast type timestamp with time zone to bytea"), (["--cast", "code:moood"], 'type "moood" does not exist'),
    (["--cast", "code:numeric(1,2,3)"], "type modifier")])
def test_a_cast_that_cannot_be(odd, args, words):
    result = odd.pgrail("profile", "odd", *args)
    assert result.status == 4 and words in result.err, result.err


# --- splits, patterns, numbers ------------------------------------------------------------------------------------------------


def test_splits(shop, db):
    db.sql("CREATE TABLE people (id integer PRIMARY KEY, name text, path text, doc jsonb)")
    names = ["Anna Schmidt", "Cher", "  Ludwig  van Beethoven ", "", None, " ", "A B", "Jo\tNo"]
    for i, n in enumerate(names):
        db.sql("INSERT INTO people VALUES (%s, %s, %s, %s)", i, n, ["a/b", "/b", "a", "a/b/c", "", "a/", None, "aa/bbb"][i], json.dumps({"n": n}))
    doc = profile(shop, "people", "id", "--split", "name", "--split", "doc.n")
    first = doc["splits"][0]
    assert {k: first[k] for k in ("rows", "nulls", "empty", "none", "one", "several", "longest_first", "longest_second")} == {
        "rows": 8, "nulls": 1, "empty": 2, "none": 1, "one": 3, "several": 1, "longest_first": 6, "longest_second": 13}
    assert {k: v for k, v in doc["splits"][1].items() if k != "value"} == {k: v for k, v in first.items() if k != "value"}
    assert questions(doc)["split-none:name:first-space"]["keys"] == ["1"] and questions(doc)["split-several:name:first-space"]["keys"] == ["2"]
    last = profile(shop, "people", "id", "--split", "name", "--by", "last-space")["splits"][0]
    assert (last["longest_first"], last["longest_second"]) == (11, 9)
    slash = profile(shop, "people", "id", "--split", "path", "--by", "slash")
    assert {k: slash["splits"][0][k] for k in ("nulls", "empty", "none", "one", "several", "empty_part", "longest_first", "longest_second")} == {
        "nulls": 1, "empty": 1, "none": 1, "one": 4, "several": 1, "empty_part": 2, "longest_first": 2, "longest_second": 3}
    assert questions(slash)["split-empty-part:path:slash"]["keys"] == ["1", "5"]


def test_numbers_times_texts(shop, db):
    db.sql("""CREATE TABLE t (id bigint PRIMARY KEY, n numeric, f float8, d date, at timestamptz, iv interval, b boolean, a integer[], by bytea, w text, c char(4), big text);
INSERT INTO t VALUES (1, 0, 'NaN', 'infinity', 'infinity', '1 day', true, '{}', '', ' x', 'ab', repeat('y', 70000)),
 (2, -1.5, '-Infinity', '2999-01-01', now() + interval '1 day', '2 h', false, '{1,2}', 'abc', '12', NULL, 'z'), (3, 'NaN', 0.5, '2020-01-01', '2020-01-01', NULL, true, NULL, NULL, '', 'abcd', NULL)""")
    doc = profile(shop, "t")
    n, f, d, at = (column(doc, c) for c in ("n", "f", "d", "at"))
    assert (n["zero"], n["negative"], n["fraction"], n["nan"], n["min"], n["max"]) == (1, 1, 1, 1, "-1.5", "0")
    assert (f["nan"], f["infinite"], f["min"], f["max"]) == (1, 1, "0.5", "0.5")
    assert (d["infinite"], d["future"], d["min"], d["max"]) == (1, 1, "2020-01-01", "2999-01-01") and (at["infinite"], at["future"]) == (1, 1)
    assert (column(doc, "b")["true"], column(doc, "b")["false"]) == (2, 1) and (column(doc, "iv")["min"], column(doc, "iv")["max"]) == ("02:00:00", "1 day")
    assert column(doc, "a")["length"] == {"unit": "elements", "min": 0, "max": 2, "sum": 2, "of": 2} and column(doc, "a")["empty"] == 1
    assert column(doc, "by")["length"] == {"unit": "bytes", "min": 0, "max": 3, "sum": 3, "of": 2} and "patterns" not in column(doc, "by")
    w = column(doc, "w")
    assert (w["empty"], w["padded"], w["numeric_text"]) == (1, 1, 1) and tally(w["patterns"]) == {" a": 1, "9{2}": 1, "": 1}
    assert column(doc, "big")["too_big"] == 1 and column(doc, "big")["length"]["max"] == 1 and tally(column(doc, "big")["patterns"]) == {"a+…": 1, "a": 1}
    assert set(questions(doc)) >= {"not-a-number:n", "not-a-number:f", "infinite:f", "infinite:d", "infinite:at", "padded:w"}
    assert questions(doc)["infinite:d"]["keys"] == ["1"] and questions(doc)["padded:w"]["keys"] == ["1"]


# --- no row data ----------------------------------------------------------------------------------------------------------------


def test_no_row_data_come_out(shop, db):
    """Canaries in every kind of column and in the keys of JSON: none may be in any output, good or bad."""
    db.sql("""CREATE TABLE secret (mail text PRIMARY KEY, v varchar, c char(30), j jsonb, js json, a text[], by bytea, x xml, u name);
INSERT INTO secret SELECT 'canary' || g || '@leak.example', 'canary' || g, 'canary' || g, jsonb_build_object('canary' || g || '@leak.example', 'canary', 'ok', 'canary'),
  json_build_object('canary key ' || g % 3, 'canary'), ARRAY['canary'], 'canary', NULL, 'canary' FROM generate_series(1, 300) AS g""")
    args = ["secret", "--cast", "v:integer", "--cast", "mail:date", "--cast", "j.ok:numeric(3,1)", "--cast", "v:varchar(3)", "--split", "v", "--by", "at"]
    for result in (shop.pgrail("profile", *args), shop.pgrail("profile", *args, "--json"), shop.pgrail("profile", *args, "--debug", "--rows", "100")):
        assert result.status == 0, result.err
        assert "canary" not in (result.out + result.err).lower()
    doc = profile(shop, *args)
    assert doc["rows_named_by"] == "ctid" and re.fullmatch(r"\(\d+,\d+\)", doc["casts"][0]["failures"][0]["keys"][0])
    assert paths(doc, "j")["j"]["different_keys"] == 300 and paths(doc, "j")["j.ok"]["n"] == 300
    assert tally(paths(doc, "j")["j"]["key_patterns"]) == {"a+9@a+.a+": 9, "a+9{2}@a+.a+": 90, "a+9{3}@a+.a+": 201}
    assert set(paths(doc, "js")) == {"js", "js.a+ a+ 9"}


def test_data_cannot_steer_the_terminal(shop, db):
    db.sql("""CREATE TABLE "ev\x1bil" (id int PRIMARY KEY, "co\x1b[2Jl" text, j jsonb); INSERT INTO "ev\x1bil" VALUES (1, E'\\x1b[2J\\u202e\\x01b', '{"\\u001b[2J": 1}')""")
    out = shop.pgrail("profile", '"ev\x1bil"').ok().out
    assert not [c for c in out if ord(c) < 32 and c != "\n"] and "\u202e" not in out


def test_keys_that_are_written_otherwise(shop, db):
    """Control characters and quotes in keys: children find their parents."""
    db.sql("""CREATE TABLE k (id int PRIMARY KEY, j jsonb); INSERT INTO k VALUES (1, '{"\\u001b[2J": {"x": 1}, "q\\"\\\\": {"y": 1}}'), (2, '{"\\u001b[2J": {}}')""")
    found = paths(profile(shop, "k"), "j")
    assert {p: (v["n"], v["lacking"]) for p, v in found.items()} == {
        "j": (2, None), "j.*[9A": (2, 0), "j.*[9A.x": (1, 1), 'j.a"\\': (1, 1), 'j.a"\\.y': (1, 0)}


def test_a_database_without_an_encoding(project, server):
    with server.connect() as c:
        c.execute("DROP DATABASE IF EXISTS profile_ascii")
        c.execute("CREATE DATABASE profile_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    with server.connect("profile_ascii") as c:
        c.execute("""CREATE TABLE t (id int PRIMARY KEY, v text, j jsonb); INSERT INTO t VALUES (1, E'M\\xfcller', '{"a": 1}'), (2, 'x', E'{"\\xfc": 1}')""")
    project.environment("production", server.url("profile_ascii"))
    doc = profile(project, "t", "--cast", "v:integer")
    assert tally(column(doc, "v")["patterns"]) == {"A?a+": 1, "a": 1} and doc["casts"][0]["failing"] == 2
    assert column(doc, "j")["json"]["not_walked"] == "22021"
    with server.connect() as c:
        c.execute("DROP DATABASE profile_ascii WITH (FORCE)")


# --- what a relation may be -----------------------------------------------------------------------------------------------------


def test_an_empty_table(shop, db):
    db.sql("CREATE TABLE nothing (a integer, b text, c jsonb); CREATE TABLE no_columns ()")
    doc = profile(shop, "nothing", "--cast", "b:integer", "--split", "b")
    assert doc["read"]["rows"] == 0 and doc["read"]["complete"] and doc["questions"] == [] and [c["rows"] for c in doc["columns"]] == [0, 0, 0]
    assert "no rows" in shop.pgrail("profile", "nothing").ok().out
    assert profile(shop, "no_columns")["columns"] == []


def test_partitions_and_keys_of_several_columns(shop, db):
    db.sql("""CREATE TABLE parted (year int, n uuid, v text, PRIMARY KEY (year, n)) PARTITION BY RANGE (year);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (2000) TO (2020); CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (2020) TO (2040);
INSERT INTO parted SELECT 2000 + g % 40, md5(g::text)::uuid, CASE WHEN g % 1000 = 0 THEN 'x' ELSE g::text END FROM generate_series(1, 45000) AS g; ANALYZE parted""")
    doc = profile(shop, "parted", "--cast", "v:integer")
    assert doc["read"]["by"] == "key ranges" and doc["read"]["parts"] == 3 and doc["read"]["rows"] == 45000
    assert (doc["casts"][0]["failing"], doc["casts"][0]["fine"]) == (45, 44955)
    first = [f"{y}, {n}" for y, n in db.sql("SELECT year, n FROM parted WHERE v = 'x' ORDER BY year, n LIMIT 5")]
    assert doc["casts"][0]["failures"][0]["keys"] == first and doc["rows_named_by"] == "year, n"
    sample = profile(shop, "parted", "--rows", "5000")
    assert sample["read"]["by"] == "sample" and 1000 < sample["read"]["rows"] < 20000
    db.sql("CREATE TABLE loose (k int, v text) PARTITION BY LIST (k); CREATE TABLE loose_1 PARTITION OF loose DEFAULT; INSERT INTO loose VALUES (1, 'x')")
    loose = profile(shop, "loose", "--cast", "v:integer")
    assert loose["read"]["by"] == "one statement" and loose["casts"][0]["failures"][0]["keys"] == ["loose_1 (0,1)"]


def test_a_table_without_a_key(shop, db, server):
    db.sql("CREATE TABLE keyless AS SELECT g AS n, CASE WHEN g IN (5, 44444) THEN 'x' ELSE g::text END AS v FROM generate_series(1, 50000) AS g; ANALYZE keyless")
    doc = profile(shop, "keyless", "--cast", "v:integer")
    assert doc["read"]["by"] == ("block ranges" if server.major >= 14 else "one statement") and doc["read"]["rows"] == 50000
    assert doc["casts"][0]["failures"][0]["keys"] == [r[0] for r in db.sql("SELECT ctid::text FROM keyless WHERE v = 'x' ORDER BY ctid")]
    assert column(doc, "n")["min"] == "1" and column(doc, "n")["max"] == "50000" and column(doc, "n")["distinct"]["n"] == 50000


def test_keys_in_their_own_order(shop, db):
    """A text key in a language's order, a key with both directions: parts neither skip nor repeat a row."""
    db.sql("""CREATE TABLE words (w text COLLATE "C", k text PRIMARY KEY, d int, n int NOT NULL UNIQUE);
INSERT INTO words SELECT chr(65 + g % 58) || g, CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || '-' || g, g, -g FROM generate_series(1, 45000) AS g; ANALYZE words""")
    doc = profile(shop, "words")
    assert doc["read"]["rows"] == 45000 and doc["read"]["parts"] == 3 and column(doc, "d")["distinct"]["n"] == 45000
    assert (column(doc, "d")["min"], column(doc, "d")["max"]) == ("1", "45000")


def test_views_and_foreign_kinds(shop, db):
    db.sql("""CREATE TABLE base (id int PRIMARY KEY, j jsonb); INSERT INTO base VALUES (1, '{"a": 1}'), (2, '{}');
CREATE VIEW seen AS SELECT * FROM base; CREATE MATERIALIZED VIEW kept AS SELECT * FROM base; CREATE SEQUENCE seq""")
    for name, by in (("seen", "one statement"), ("kept", "block ranges")):
        doc = profile(shop, name)
        assert doc["read"]["rows"] == 2 and paths(doc, "j")["j.a"]["lacking"] == 1, name
        assert doc["read"]["by"] in (by, "one statement")
    result = shop.pgrail("profile", "seq")
    assert result.status == 2 and "has no rows to profile" in result.err


def test_wide_tables(shop, db):
    db.sql("CREATE TABLE wide (" + ", ".join(f"c{i} {['integer', 'text', 'jsonb', 'boolean'][i % 4]}" for i in range(1600)) + ")")
    db.sql("INSERT INTO wide (c0, c1, c2, c1597) SELECT g, 'x' || g, '{\"a\": 1}', 'y' FROM generate_series(1, 50) AS g; ANALYZE wide")
    doc = profile(shop, "wide")
    assert len(doc["columns"]) == 1600 and doc["read"]["complete"]
    assert column(doc, "c0")["max"] == "50" and tally(column(doc, "c1597")["patterns"]) == {"a": 50} and column(doc, "c1599")["nulls"] == 50


def test_names(shop, db):
    db.sql('CREATE SCHEMA "Odd.Schema"; CREATE TABLE "Odd.Schema"."Ta""ble" ("Co""l.umn" jsonb, "select" text); INSERT INTO "Odd.Schema"."Ta""ble" VALUES (\'{"K.ey": {"x y": "1"}}\', \'1 2\')')
    doc = profile(shop, '"Odd.Schema"."Ta""ble"', "--cast", '"Co""l.umn"."K.ey"."x y":integer', "--split", '"select"')
    assert doc["casts"][0]["fine"] == 1 and doc["splits"][0]["one"] == 1
    db.sql("CREATE TABLE invoices (id int, gross_total_cents bigint)")
    for args, words in ((["invoicez"], "nearest: public.invoices"), (["invoices", "total_amount"], "nearest: gross_total_cents (bigint"),
                        (["invoices", "--cast", "idd:int"], "has no column idd"), (["invoices", "--split", "id.x"], "id is integer, which has no keys"),
                        (["invoices", "a.b"], "expected a column"), (["invoices", "--cast", "id:int); DROP TABLE invoices"], "not the name of a type")):
        result = shop.pgrail("profile", *args)
        assert result.status == 2 and words in result.err, (args, result.err)
    assert db.value("SELECT count(*) FROM invoices") == 0


# --- rights, locks, time ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(project, db, server):
    role = f"reader_{db.name}"
    db.sql(f"CREATE ROLE {role} LOGIN")
    project.environment("production", server.url(db.name, role))
    yield project, role
    db.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_columns_that_the_role_may_not_read(reader, db):
    project, role = reader
    db.sql(f"CREATE TABLE staff (id int PRIMARY KEY, name text, salary int); INSERT INTO staff VALUES (1, 'x', 4711); GRANT SELECT (name) ON staff TO {role}")
    doc = profile(project, "staff", "--cast", "name:integer")
    assert [c["readable"] for c in doc["columns"]] == [False, True, False] and "4711" not in json.dumps(doc)
    assert doc["casts"][0]["failures"][0]["n"] == 1 and doc["casts"][0]["failures"][0]["keys"] == [] and doc["rows_named_by"] is None
    for args in (["staff", "salary"], ["staff", "--cast", "salary:text"], ["staff", "--split", "salary"]):
        result = project.pgrail("profile", *args)
        assert result.status == 4 and "may not read" in result.err, result.err
    db.sql(f"REVOKE ALL ON staff FROM {role}")
    result = project.pgrail("profile", "staff")
    assert result.status == 4 and "may not read any column of public.staff" in result.err and "hint: GRANT SELECT" in result.err


def test_a_role_that_may_not_use_plpgsql(reader, db):
    project, role = reader
    db.sql(f"CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x'); GRANT SELECT ON t TO {role}; REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
    result = project.pgrail("profile", "t", "--cast", "v:integer")
    assert result.status == 4 and "hint: values that fail are found by a DO block" in result.err, result.err
    assert profile(project, "t", "--cast", "v:text")["casts"][0]["fine"] == 1


def test_row_security_is_told(reader, db):
    project, role = reader
    db.sql(f"CREATE TABLE rows_of (id int PRIMARY KEY, who text); INSERT INTO rows_of VALUES (1, 'a'), (2, 'b'); ALTER TABLE rows_of ENABLE ROW LEVEL SECURITY;"
           f"CREATE POLICY mine ON rows_of USING (who = 'a'); GRANT SELECT ON rows_of TO {role}")
    doc = profile(project, "rows_of")
    assert doc["read"]["rows"] == 1 and any("row security" in n for n in doc["notes"])


def test_nothing_is_written_and_nothing_left(shop, db):
    db.sql("""CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 100) AS g;
CREATE TYPE pair AS (a int, b int); CREATE FUNCTION to_pair(text) RETURNS pair LANGUAGE plpgsql AS $$BEGIN DELETE FROM t; RETURN ROW(1, 2); END$$;
CREATE CAST (text AS pair) WITH FUNCTION to_pair(text)""")
    before = db.value("SELECT txid_snapshot_xmax(txid_current_snapshot())")
    cast = profile(shop, "t", "--cast", "v:pair")["casts"][0]
    assert tally(cast["failures"], "sqlstate") == {"25006": 100} and db.value("SELECT count(*) FROM t") == 100
    assert db.value("SELECT txid_snapshot_xmax(txid_current_snapshot())") == before     # no transaction id was used up
    assert db.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == 1


def test_a_lock_is_not_waited_for_long(shop, db):
    db.sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    with db.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        result = shop.pgrail("profile", "t")
    assert result.status == 4 and "55P03" in result.err and "ACCESS EXCLUSIVE" in result.err


def test_out_of_time(shop, db):
    """Of a relation in parts, what was read until then is told, with the status of a time-out; before anything was read it is an error."""
    db.sql("""CREATE TABLE slow (id int PRIMARY KEY, v int); INSERT INTO slow SELECT g, g FROM generate_series(1, 45000) AS g; ANALYZE slow;
CREATE FUNCTION lazy(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN IF i = 44000 THEN PERFORM pg_sleep(600); END IF; RETURN i; END$$;
CREATE TYPE later AS (i int); CREATE FUNCTION to_later(i int) RETURNS later LANGUAGE sql AS 'SELECT ROW(lazy(i))::later'; CREATE CAST (int AS later) WITH FUNCTION to_later(int)""")
    result = shop.pgrail("profile", "slow", "--cast", "v:later", "--timeout", "6s", "--json")
    assert result.status == 6, result.err
    doc = result.json
    jsonschema.validate(doc, SCHEMA, jsonschema.Draft202012Validator)
    assert not doc["read"]["complete"] and doc["read"]["stopped_at"] == "casts" and doc["casts"][0]["rows"] == 40000 and doc["casts"][0]["fine"] == 40000
    assert any("out of time" in n for n in doc["notes"])
    db.sql("CREATE VIEW sleeps AS SELECT pg_sleep(600)::text AS x")
    result = shop.pgrail("profile", "sleeps", "--timeout", "300ms")
    assert result.status == 6 and "raise --timeout" in result.err
    assert db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgrail/profile'") == 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(shop, db, stop):
    db.sql("CREATE VIEW sleeps AS SELECT pg_sleep(600)::text AS x")
    with subprocess.Popen([*WRAP, BIN, "profile", "sleeps"], cwd=shop.folder, env=environment(shop.home, shop.env), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as p:
        try:
            running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgrail/profile' AND wait_event = 'PgSleep'"
            await_that(lambda: p.poll() is not None or db.value(running) == 1, "it reads")
            assert p.poll() is None, p.communicate()
            p.send_signal(stop)
            out, err = p.communicate(timeout=60)
        finally:
            p.kill()
    assert (p.returncode, out) == (8, "") and "interrupted" in err
    await_that(lambda: db.value(running) == 0, "nothing of it is left on the server")


def test_behind_a_pooler_nothing_of_it_stays_in_the_session(project, db, server, pgbouncer):
    bouncer = pgbouncer(server, settings=["max_client_conn = 20", "default_pool_size = 1"])
    db.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x'), (2, '2')")
    project.environment("production", f"postgresql://postgres@/{db.name}?host={bouncer.host}&port={bouncer.port}")
    show = "SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('transaction_read_only')"
    with bouncer.connect(db.name) as c:
        before = c.execute(show).fetchall()
    assert profile(project, "t", "--cast", "v:integer")["casts"][0]["failing"] == 1
    with bouncer.connect(db.name) as c:
        assert c.execute(show).fetchall() == before


# --- words --------------------------------------------------------------------------------------------------------------------------


def test_the_text_of_a_small_table(shop, db):
    """Held word for word, with the time it took left out."""
    db.sql("""CREATE TYPE level AS ENUM ('low', 'high', 'never');
CREATE TABLE people (id integer PRIMARY KEY, full_name text, born date, level level, score numeric(6,2), doc jsonb);
INSERT INTO people SELECT g, CASE WHEN g % 10 = 0 THEN 'Cher' WHEN g % 11 = 0 THEN ' Anna  Maria Huber ' ELSE 'Anna Schmidt' END, '2000-01-01'::date + g,
  (ARRAY['low', 'high']::level[])[1 + g % 2], g / 4.0, CASE WHEN g % 20 = 0 THEN '{"rate": "n/a"}' WHEN g % 25 = 0 THEN '{}' WHEN g % 7 = 0 THEN '{"rate": "7"}' ELSE '{"rate": 19.5}' END::jsonb
  FROM generate_series(1, 100) AS g""")
    result = shop.pgrail("profile", "people", "--cast", "doc.rate:numeric(4,2)", "--split", "full_name").ok()
    lines = result.out.split("\n")
    lines[1] = lines[1].split("; read in")[0]
    assert "\n".join(lines) == (ROOT / "tests/server/profile_people.txt").read_text(encoding="utf-8")
