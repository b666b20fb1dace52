"""Text that is no clean SQL, given to check without a server: what can be judged is judged, what cannot is named with its line, and what
is no text at all is refused with the way out. Never a crash (which would be a status of 128 and more)."""
import pytest
from lib import runs

DROP = "DROP TABLE kept;\n"
LOSES = "dropping table kept loses its data"


def judged(tmp_path, text):
    path = tmp_path / "x.sql"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return runs.run(["check", "--offline", "--json", str(path)], home=str(tmp_path))


def lines(result, rule):
    return [f["line"] for f in result.json["findings"] if f["rule"] == rule]


HALVES = {"string": "INSERT INTO t VALUES ('half", "dollar quote": "DO $$ BEGIN NULL;", "comment": "/* never closed\nSELECT 1;",
          "identifier": 'SELECT "half', "statement": "ALTER TABLE t ADD COLUMN", "parenthesis": "CREATE TABLE t (a int,"}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_half_a_file(tmp_path, half):
    result = judged(tmp_path, DROP + half)
    assert result.status == 1, result.err
    assert (lines(result, "drop-table"), lines(result, "not-judged")) == ([1], [2])


FOREIGN = {"wrong word": ("CREATE TABEL x (a int);\n", 'syntax error at or near "TABEL"'), "braces": ("DROP TABLE {{ name }};\n", "template"),
           "block": ("{% if x %} SELECT 1;\n", "template"), "dollar": ("DROP TABLE ${NAME};\n", "template"), "erb": ("SELECT <%= x %>;\n", "template"),
           "python": ("INSERT INTO t VALUES (%(x)s);\n", "template"), "variable": ("DELETE FROM t WHERE id = :id;\n", "psql command"),
           "include": ("\\i other.sql\n", "psql command"), "set": ("\\set x 1\n", "psql command"), "copy": ("\\copy t FROM 'x.csv'\n", "psql command")}


@pytest.mark.parametrize("text,says", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_sql_in_the_middle(tmp_path, text, says):
    result = judged(tmp_path, DROP + text + DROP)
    assert result.status == 1, result.err
    assert (lines(result, "drop-table"), lines(result, "not-judged")) == ([1, 3], [2])
    assert says in next(f["title"] for f in result.json["findings"] if f["rule"] == "not-judged")


def test_gexec_ends_its_statement(tmp_path):
    result = judged(tmp_path, "SELECT 'DROP TABLE t' \\gexec\n" + DROP)
    assert (lines(result, "drop-table"), lines(result, "not-judged")) == ([2], [1])


def test_rows_for_copy(tmp_path):
    """Rows are no statements, whatever is in them."""
    result = judged(tmp_path, "COPY t FROM stdin;\n1\tDROP TABLE x;\n2\tit's; $$\n\\.\n" + DROP)
    assert (lines(result, "drop-table"), lines(result, "not-judged")) == ([5], [2])


@pytest.mark.parametrize("text", [DROP.encode().replace(b"\n", b"\r\n") * 2, b"\xef\xbb\xbf" + DROP.encode() * 2], ids=["crlf", "bom"])
def test_line_ends_and_mark(tmp_path, text):
    result = judged(tmp_path, text)
    found = [(f["line"], f["col"]) for f in result.json["findings"]]
    assert found == [(1, 12), (2, 12)] and result.json["findings"][0]["title"] == LOSES


@pytest.mark.parametrize("text,says", [("-- caf\u00e9\n".encode("latin-1"), "iconv -f WINDOWS-1252"), (DROP.encode("utf-16"), "iconv -f UTF-16"),
                                       (DROP.encode("utf-16-be"), "NUL byte"), (b"SELECT 1;\0 DROP TABLE t;", "NUL byte")],
                         ids=["latin-1", "utf-16", "utf-16-be without mark", "nul"])
def test_other_encodings_are_refused(tmp_path, text, says):
    result = judged(tmp_path, text)
    assert result.status == 2 and says in result.err, result.err


DEEP = {"parentheses": "SELECT " + "(" * 20000 + "1" + ")" * 20000, "not": "SELECT " + "NOT " * 20000 + "true",
        "case": "SELECT " + "CASE WHEN true THEN " * 20000 + "1" + " END" * 20000, "subqueries": "SELECT * FROM " + "(SELECT * FROM " * 20000 + "t" + ") x" * 20000,
        "arrays": "SELECT " + "ARRAY[" * 20000 + "1" + "]" * 20000, "union": "SELECT 1" + " UNION ALL SELECT 1" * 9999, "sum": "SELECT 1" + " + 1" * 20000}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_too_deep(tmp_path, text):
    result = judged(tmp_path, text + ";\n" + DROP)
    assert result.status == 1, result.err
    assert (lines(result, "drop-table"), lines(result, "not-judged")) == ([2], [1])


def test_many_statements(tmp_path):
    result = judged(tmp_path, "SELECT 1;\n" * 100000 + DROP)
    assert lines(result, "drop-table") == [100001] and result.json["migrations"][0]["up"]["statements"] == 100001


def test_too_many_statements(tmp_path):
    result = judged(tmp_path, ";SELECT 1" * 200001)
    assert result.status == 2 and "more than 200000 statements" in result.err


def test_too_many_findings(tmp_path):
    """What is left out is counted."""
    result = judged(tmp_path, "".join(f"DROP TABLE t{i};\n" for i in range(20010)))
    assert result.status == 1 and len(result.json["findings"]) == 20000 and result.json["counts"]["left_out"] == 10
