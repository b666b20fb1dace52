"""What check shows on a real terminal: the underline lies under the place whatever stands before it, nothing but SQL is wider than the
terminal, and what was said once is not said two hundred times."""
import re
import unicodedata

import pytest
from lib import runs
from lib.runs import Project


@pytest.fixture
def project(tmp_path):
    (tmp_path / "home").mkdir()
    return Project(tmp_path / "p", tmp_path / "home")


def shown(project, columns, *args, color=False):
    env = runs.environment(project.home, None if color else {"NO_COLOR": "1"})
    if color:
        env.pop("NO_COLOR")
    t = runs.Pty([*runs.WRAP, runs.BIN, "check", *args], env, project.folder, columns=columns)
    t.wait()
    return t.output if color else t.plain()


def width(text):
    """Columns of a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def underlined(out):
    """(what stands over the marks) of each excerpt, cut by columns."""
    lines, found = out.splitlines(), []
    for line, marks in zip(lines, lines[1:]):
        if not re.fullmatch(r" +\| +\^+", marks):
            continue
        begin, end = marks.index("^"), len(marks)
        taken, at = "", 0
        for c in line:
            if begin <= at < end:
                taken += c
            at += width(c)
        found.append(taken)
    return found


PLACES = ["plain", "größe", "漢字", "😀x", "e\u0301t", "\u202edrop", "ende"]


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize("before", ["", "\t", "\t \t/* 漢😀 */\t", "/* e\u0301 \x01 */ ", "SELECT '漢ü\t';" * 40])
def test_the_underline_is_under_the_place(project, columns, before):
    project.write("a.sql", "".join(f'{before}DROP TABLE "{p}"; SELECT 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21;\n' for p in PLACES))
    assert underlined(shown(project, columns, "a.sql")) == ['"' + p.replace("\u202e", "\\u{202E}") + '"' for p in PLACES]


@pytest.mark.parametrize("columns", [60, 100])
def test_only_sql_is_wider_than_the_terminal(project, columns):
    project.write("a.sql", "CREATE INDEX i ON t (a);\nALTER TABLE t ALTER COLUMN c SET NOT NULL;\n/* " + "漢" * 300 + " */ DROP TABLE d;\n")
    lines = shown(project, columns, "a.sql").splitlines()
    assert [l for l in lines if width(l) > columns and not l.startswith(" " * 8)] == []


def test_colour_is_for_terminals_and_changes_no_word(project):
    project.write("a.sql", "DROP TABLE d;\n")
    painted = shown(project, 80, "a.sql", color=True)
    assert "\x1b[31;1merror\x1b[0m" in painted and "\x1b[31;1m^\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == shown(project, 80, "a.sql")


def test_two_hundred_findings_say_each_reason_once(project):
    for n in (1, 2):
        project.write(f"{n}.sql", "".join(f"CREATE INDEX i{i} ON t{i} (a);\n" for i in range(100)))
    out = shown(project, 200, "1.sql", "2.sql")
    assert out.count("Instead: CREATE INDEX CONCURRENTLY") == 1 and out.count("size not known") == 100
    assert re.findall(r"^\d\.sql  .*", out, re.M) == ["1.sql  100 warnings", "2.sql  100 warnings"]
    assert re.search(r"^ +200  warning +index-not-concurrent +CREATE INDEX without", out, re.M)
    assert out.splitlines()[-3].startswith("2 migrations judged: 0 errors, 200 warnings")
