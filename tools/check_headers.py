#!/usr/bin/python3
"""Every public function has a comment: above it, beside it, or above its group (lines without a blank between them).
One that returns enum pr_code names its errors there, or the comment that opens the file does for all: the word Errors."""
import re

from ctext import TOKEN, code, finish, head_name, line_of, name, sources


SELF = {"src/base/err.h"}                         # makes the errors, returns the code it was given


def paragraphs(text):
    """(first offset, end) of runs without blank lines; blanks inside comments and braces do not count."""
    shape = TOKEN.sub(lambda m: "_" * len(m.group(0)), text)
    depth, start = 0, 0
    for m in re.finditer(r"[{}]|\n[ \t]*(?=\n)", shape):
        if m.group(0) == "{":
            depth += 1
        elif m.group(0) == "}":
            depth = max(depth - 1, 0)
        elif depth == 0:
            yield start, m.start()
            start = m.end()
    yield start, len(shape)


def comments_in(text, first, end):
    return " ".join(m.group(0) for m in TOKEN.finditer(text, first, end) if m.group(0)[0] == "/")


def judge(path):
    text = path.read_text(encoding="utf-8")
    bare = code(text)
    general = "Errors" in comments_in(text, 0, text.find("*/") + 2) or name(path) in SELF
    for first, end in paragraphs(text):
        comments = comments_in(text, first, end)
        flat = bare[first:end]
        while re.search(r"\{[^{}]*\}", flat):
            flat = re.sub(r"\{[^{}]*\}", " ", flat)
        for statement in flat.split(";"):
            fn = head_name(statement)
            if fn is None or re.search(r"\(\s*\*", statement.split(")")[0]):
                continue
            line = line_of(text, bare.find(fn, first, end))
            if not comments:
                yield f"{name(path)}:{line}: {fn} has no comment: what it does, units, who owns what"
            elif re.search(r"\benum\s+pr_code\s+" + fn + r"\b", statement) and not general and "Errors" not in comments:
                yield f"{name(path)}:{line}: {fn} can fail; its comment names no Errors"


finish("headers", [p for f in sources(".h") for p in judge(f)],
       "Write the comment in the header: one sentence, then out, Errors (codes and when), Source where it helps.")
