#!/usr/bin/python3
"""Every error code that the source can return is named by some test. Codes that nothing returns yet are listed."""
import re

from ctext import ROOT, SRC, finish, sources, without_comments

table = SRC / "base" / "err.def"
codes = re.findall(r"^PR_E\((\w+)", table.read_text(encoding="utf-8"), re.M) if table.is_file() else []
used = set(re.findall(r"\bPR_(?:ERR_)?([A-Z0-9_]+)\b", "\n".join(without_comments(p.read_text(encoding="utf-8")) for p in sources(".c"))))
tests = [p for p in (ROOT / "tests").rglob("*") if p.is_file() and p.suffix not in (".pyc", ".build") and "corpus" not in p.parts]
tested = set(re.findall(r"(?:PR_ERR_|PR_)?([A-Z0-9_]{2,})\b", "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in tests)))
idle = [c for c in codes if c not in used]
if idle:
    print("errors: no source returns yet:", ", ".join(idle))
finish("errors", [f"src/base/err.def: {c} is returned by the source and named by no test" for c in codes if c in used and c not in tested]
       if any(p.suffix in (".c", ".py", ".out") for p in tests) else [],
       "Write a test that provokes it and names it (PR_ERR_X in C, \"X\" in a golden file or Python test).")
