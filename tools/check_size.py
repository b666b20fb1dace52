#!/usr/bin/python3
"""Functions of at most 100 lines and complexity 25, .c of at most 600 lines, .h of at most 200.

Complexity: 1 + if, for, while, foreach, &&, ||, ?:, and one per switch (a switch over an enum lists every case by rule)."""
import re

from ctext import finish, functions, name, sources

LINES = {".c": 600, ".h": 200}
FUNCTION, COMPLEXITY = 100, 25
BRANCH = re.compile(r"\b(?:if|for|while|switch|foreach|for_each\w*|json_(?:array|object)_foreach\w*)\b|&&|\|\||\?")


def judge(path):
    text = path.read_text(encoding="utf-8")
    n = text.count("\n")
    if n > LINES[path.suffix]:
        yield f"{name(path)}: {n} lines; at most {LINES[path.suffix]}"
    for fn, _, first, last, body in functions(text):
        if last - first + 1 > FUNCTION:
            yield f"{name(path)}:{first}: {fn} has {last - first + 1} lines; at most {FUNCTION}"
        branches = 1 + len(BRANCH.findall(body))
        if branches > COMPLEXITY:
            yield f"{name(path)}:{first}: {fn} has complexity {branches}; at most {COMPLEXITY}"


finish("size", [p for f in sources(".c", ".h") for p in judge(f)],
       "Cut the function into named steps, turn the ladder into a table, or give the file's second subject a file of its own.")
