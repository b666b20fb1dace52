"""What servers did with the bad examples of a rule, as kept in docs/rules/measured/RULE.json: written by `./dev measure`, held against
every server by test_rules.py, shown by `pgrail rules RULE` and on the rule's page. Equal versions share a line."""
import json
import os
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/rules/measured"
WRITING = os.environ.get("PGRAIL_MEASURE") == "1"


def path_of(rule):
    return FOLDER / f"{rule}.json"


def load(rule):
    """{sql: {major: what was seen}}; empty when nothing was measured."""
    if not path_of(rule).exists():
        return {}
    doc = json.loads(path_of(rule).read_text(encoding="utf-8"))
    return {b["sql"]: {v: {k: x for k, x in s.items() if k != "versions"} for s in b["seen"] for v in s["versions"]} for b in doc["bad"]}


def save(rule, bad, known):
    """bad: the rule's examples, in their order."""
    def line(seen, versions):
        return "      " + json.dumps({"versions": versions, **seen}, ensure_ascii=False)

    def example(sql):
        groups = []
        for major in sorted(known[sql]):
            same = next((g for g in groups if g[0] == known[sql][major]), None)
            if same is None:
                groups.append((known[sql][major], [major]))
            else:
                same[1].append(major)
        return "    {\"sql\": " + json.dumps(sql, ensure_ascii=False) + ", \"seen\": [\n" + ",\n".join(line(*g) for g in groups) + "\n    ]}"

    FOLDER.mkdir(parents=True, exist_ok=True)
    text = "{\n  \"rule\": " + json.dumps(rule) + ",\n  \"bad\": [\n" + ",\n".join(example(s) for s in bad if s in known) + "\n  ]\n}\n"
    path_of(rule).write_text(text, encoding="utf-8")


def record(seen):
    """Of an observation, what is kept."""
    return {"lock": seen.lock, "rewrites": seen.rewrites, "scans": seen.scans, "builds": seen.builds, "fails": seen.sqlstate, "answer": seen.answer}


def add(rule, bad, major, seen):
    """Writes what this version did with each example, in their order; examples that are no more go."""
    known = {sql: v for sql, v in load(rule).items() if sql in bad}
    for sql, s in zip(bad, seen):
        known.setdefault(sql, {})[major] = s
    save(rule, bad, known)


def disagreement(rule, bad, major, seen):
    """Why what is kept is not what this version did now, or None."""
    known = load(rule)
    for sql, s in zip(bad, seen):
        kept = known.get(sql, {}).get(major)
        if kept is None:
            return f"nothing was measured on {major} of: {sql}; run: ./dev measure {rule}"
        if kept != s:
            return f"{major} did {s}, measured was {kept}, of: {sql}; run: ./dev measure {rule}"
    return None
