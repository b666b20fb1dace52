"""DML over max_inline_rows: check points to a backfill, --fix moves it into one, or says why it stays. What comes out is judged clean."""
import pytest

SCHEMA = """
CREATE TABLE items (id bigint PRIMARY KEY, doc jsonb, note text); CREATE TABLE nokey (a integer); CREATE TABLE small (id integer PRIMARY KEY, a integer);
INSERT INTO items SELECT i, '{"rate": 7}' FROM generate_series(1, 60000) AS i; INSERT INTO nokey SELECT i FROM generate_series(1, 60000) AS i;
INSERT INTO small SELECT i FROM generate_series(1, 10) AS i; ANALYZE"""
HEAD = "-- rationale: the rate stands in the document\n-- author: Ann\n-- grounding: none yet\n"
UPDATE = "UPDATE items SET rate = (doc ->> 'rate')::numeric\n WHERE rate IS NULL"


@pytest.fixture
def shop(project, db):
    db.sql(SCHEMA)
    return project.environment("production", db)


def big(doc):
    return [f for f in doc["findings"] if f["rule"] == "big-dml"]


def test_it_moves(shop):
    up = HEAD + f"ALTER TABLE items ADD COLUMN rate numeric;\n\n  {UPDATE} ; \nCREATE INDEX CONCURRENTLY small_a ON small (a);\n"
    shop.migration(1, "rate", up, "DROP INDEX small_a;\nALTER TABLE items DROP COLUMN rate;\n")
    before = shop.pgrail("check", "--json").json
    assert len(big(before)) == 1 and "pgrail backfill" in big(before)[0]["safe_way"]
    shown = shop.pgrail("check", "--diff")
    assert "+++ b/migrations/0001_rate.backfill.sql" in shown.out and "+-- rationale: the rate stands" in shown.out
    done = shop.pgrail("check", "--fix", "--json").json
    [taken] = [t for t in done["fixes"]["taken"] if t["rule"] == "big-dml"]
    assert taken["what"] == "move the UPDATE into migrations/0001_rate.backfill.sql" and "end of pgrail backfill" in taken["assumes"]
    assert shop.read("migrations/0001_rate.backfill.sql") == f"-- rationale: the rate stands in the document\n-- author: Ann\n{UPDATE};\n"
    assert shop.read("migrations/0001_rate.up.sql") == HEAD + "ALTER TABLE items ADD COLUMN rate numeric;\n\nCREATE INDEX CONCURRENTLY small_a ON small (a);\n"
    after = shop.pgrail("check", "--json").json
    assert big(after) == [] and [f for f in after["findings"] if f["rule"] == "bad-backfill"] == []


# The up script, and why the statement stays.
STAYS = [
    (f"ALTER TABLE items ADD COLUMN rate numeric;\n{UPDATE};\nALTER TABLE items ALTER COLUMN rate SET NOT NULL;\n", "ALTER TABLE in line 4 comes after it"),
    (f"ALTER TABLE items ADD COLUMN rate numeric;\n{UPDATE};\nDO $$ BEGIN PERFORM 1; END $$;\n", "DO in line 4 comes after it"),
    ("UPDATE items SET note = 'x';\n", "it is all that 0001_x does"),
    ("BEGIN;\nUPDATE items SET note = 'x';\nCOMMIT;\n", "it is all that 0001_x does"),
    ("CREATE TABLE n (a int);\nUPDATE nokey SET a = 1;\n", "no primary key"),
    ("CREATE TABLE n (a int);\nUPDATE items SET id = id + 1;\n", "holds id, which changes"),
    ("CREATE TABLE n (a int);\nDO $$ BEGIN UPDATE items SET note = 'x'; END $$;\n", None),
]


@pytest.mark.parametrize("up, why", STAYS)
def test_it_stays(shop, up, why):
    shop.migration(1, "x", up, "SELECT 1;\n")
    doc = shop.pgrail("check", "--fix", "--json").json
    left = [f["why"] for f in doc["fixes"]["left"] if f["rule"] == "big-dml"]
    assert big(doc) and [f["rule"] for f in doc["fixes"]["taken"] if f["rule"] == "big-dml"] == []
    assert why is None or (len(left) == 1 and why in left[0]), left
    assert shop.read("migrations/0001_x.up.sql") == up


def test_one_of_two_moves(shop):
    shop.migration(1, "two", "CREATE TABLE n (a int);\nUPDATE items SET note = 'x' WHERE note IS NULL;\nDELETE FROM nokey;\n", "DROP TABLE n;\n")
    doc = shop.pgrail("check", "--fix", "--json").json
    assert [t["what"] for t in doc["fixes"]["taken"] if t["rule"] == "big-dml"] == ["move the UPDATE into migrations/0001_two.backfill.sql"]
    assert [t["why"] for t in doc["fixes"]["left"] if t["rule"] == "big-dml"] == ["other fixes of this file come first: check --fix again moves it"]
    doc = shop.pgrail("check", "--fix", "--json").json
    assert "has a backfill already (migrations/0001_two.backfill.sql)" in doc["fixes"]["left"][0]["why"]
    assert shop.read("migrations/0001_two.up.sql") == "CREATE TABLE n (a int);\nDELETE FROM nokey;\n"
    assert "0001_two.backfill.sql, after 0001_two" in shop.pgrail("status").out
