#!/usr/bin/python3
"""Each foreign library is included in one module alone."""
import re

from ctext import SRC, finish, includes, module, name, sources

NODES = {"sql", "footprint", "rules", "backfill"}
HOMES = [                                         # header, modules that may include it
    (r"libpq-fe\.h|libpq/libpq-fs\.h|pg_config\.h", {"pg"}),
    (r"sql/nodes\.h", NODES),
    (r"(pg_query.*|postgres.*|c|fmgr|miscadmin|varatt)\.h", NODES),
    (r"(nodes|parser|utils|access|lib|mb|commands|storage|catalog/pg_\w*|port|common|datatype)/.*\.h", NODES),
    (r"sqlite3.*\.h", {"store"}),
    (r"nettle/.*", {"crypt"}),
    (r"ini\.h", {"project"}),
    (r"jansson\.h", {"base"}),
    (r"(pty|utmp|spawn|sys/wait|sys/prctl)\.h", {"proc"}),
    (r"(curl/.*|microhttpd)\.h|curl/.*", {"net"}),
]


def judge(path):
    for line, header in includes(path):
        own = (SRC / header).is_file()
        for pattern, homes in HOMES:
            if re.fullmatch(pattern, header) and (not own or pattern.startswith("sql/")) and module(path) not in homes:
                yield f"{name(path)}:{line}: {header} belongs to {', '.join(sorted(homes))} alone"


finish("foreign", [p for f in sources(".c", ".h") for p in judge(f)],
       "Ask the module that owns the library for a function (jansson comes with base/base.h).")
