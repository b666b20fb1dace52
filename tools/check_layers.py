#!/usr/bin/python3
"""A layer may include what lies below it, its own module, and nothing else (docs: architecture)."""
from ctext import SRC, finish, includes, module, name, sources

LAYERS = [                                        # top first
    ("main", ["main"]),
    ("face", ["face", "cli", "mcp", "hook", "broker", "console"]),
    ("ops", ["ops"]),
    ("work", ["rehearse", "apply", "backfill", "plan", "demo"]),
    ("judge", ["footprint", "rules", "policy"]),
    ("know", ["catalog", "profile", "project", "ledger"]),
    ("adapt", ["sql", "pg", "store", "proc", "net", "crypt"]),
    ("base", ["base"]),
]
# Within one layer: who may include whom. The faces share src/face; adapters and work never include each other.
NEIGHBOURS = {
    "profile": ["catalog"],
    "rules": ["footprint"],
    "policy": ["footprint", "rules"],
    "backfill": ["apply"],                        # the gates of every change, apply/gates.h
    "cli": ["face"], "mcp": ["face"], "hook": ["face"], "broker": ["face"], "console": ["face"],
}
RANK = {m: i for i, (_, mods) in enumerate(LAYERS) for m in mods}


def judge(path):
    me = module(path)
    if me not in RANK:
        yield f"{name(path)}: module {me} has no layer; add it to LAYERS in tools/check_layers.py"
        return
    for line, header in includes(path):
        if not (SRC / header).is_file():
            if (path.parent / header).is_file():
                yield f'{name(path)}:{line}: includes "{header}"; write it with its module: "{me}/{header}"'
            continue
        other = header.split("/")[0] if "/" in header else "main"
        if other == me or RANK.get(other, -1) > RANK[me] or other in NEIGHBOURS.get(me, []):
            continue
        yield f"{name(path)}:{line}: {me} ({LAYERS[RANK[me]][0]}) may not include {header} ({LAYERS[RANK[other]][0] if other in RANK else 'no layer'})"


finish("layers", [p for f in sources(".c", ".h") for p in judge(f)],
       "Move the code to the layer that needs it, or pass what is needed as an argument.")
