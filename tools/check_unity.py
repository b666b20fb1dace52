#!/usr/bin/python3
"""Every function of src is static, or declared in a header: nothing is exported by accident."""
import re

from ctext import code, finish, functions, name, sources

FREE = {"main"}
FREE_FILES = {"src/sql/isoc23.c", "src/pg/libpq.c"}      # define names of the C library and of libpq
declared = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", "\n".join(code(h.read_text(encoding="utf-8")) for h in sources(".h"))))
finish("unity", [f"{name(p)}:{first}: {fn} is neither static nor in a header"
                 for p in sources(".c") if name(p) not in FREE_FILES
                 for fn, static, first, _, _ in functions(p.read_text(encoding="utf-8"))
                 if not static and fn not in declared and fn not in FREE],
       "Make it static, or declare and describe it in the module's header.")
