"""What the gates know of C: texts without comments and strings, functions, and where files are."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def sources(*suffixes):
    """Files of src with these endings, sorted."""
    return sorted(p for p in SRC.rglob("*") if p.suffix in suffixes and p.is_file())


def name(path):
    return str(path.relative_to(ROOT))


def module(path):
    """src/<module>/…; 'main' for a file directly in src."""
    parts = path.relative_to(SRC).parts
    return parts[0] if len(parts) > 1 else "main"


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code(text):
    """Same length and lines, but comments, strings and preprocessor lines are blanks."""
    return PREPROCESSOR.sub(blank, TOKEN.sub(blank, text))


def without_comments(text):
    return TOKEN.sub(lambda m: blank(m) if m.group(0)[0] == "/" else m.group(0), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(path):
    """(line, 'own/header.h') of each include."""
    text = without_comments(path.read_text(encoding="utf-8"))
    return [(line_of(text, m.start()), m.group(2)) for m in INCLUDE.finditer(text)]


def head_name(head):
    """Name of the function that this declaration head is about, or None."""
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
    head = re.sub(r"\b[A-Z][A-Z0-9_]*\s*\([^()]*\)", " ", head)
    if "=" in head.split("(")[0] or re.search(r"\btypedef\b", head):
        return None
    m = re.search(r"\b([A-Za-z_]\w*)\s*\(", head)
    return m.group(1) if m and m.group(1) not in ("if", "for", "while", "switch") else None


def functions(text):
    """(name, static?, first line, last line, body) of each function definition."""
    bare = code(text)
    depth, start, out = 0, 0, []
    for m in re.finditer(r"[{};]", bare):
        c, at = m.group(0), m.start()
        if c == "{":
            if depth == 0:
                head, opened = bare[start:at], at
            depth += 1
        elif c == "}":
            depth = max(depth - 1, 0)
            if depth == 0:
                fn = head_name(head)
                if fn and not head.rstrip().endswith("="):
                    first = line_of(bare, start + len(head) - len(head.lstrip()))
                    out.append((fn, bool(re.search(r"\bstatic\b", head)), first, line_of(bare, at), bare[opened:at]))
                    start = at + 1
                elif bare[at + 1:].lstrip()[:1] != ";":
                    start = at + 1
        elif depth == 0:
            start = at + 1
    return out


def finish(gate, problems, mend):
    """Prints problems and how to mend them; the process ends."""
    for p in problems:
        print(p)
    if problems:
        print(f"{gate}: {len(problems)} to mend. {mend}")
    else:
        print(f"{gate}: ok")
    sys.exit(1 if problems else 0)
