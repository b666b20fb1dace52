"""What hurts is said: every statement of footprint_statements.txt that rewrites, reads or builds an index while writers or readers
wait, as the server itself shows it, gets a blocking finding of warning or more when its tables are big; what does not gets none; and no change of
type that is only metadata is called a rewrite."""
import json
import re

import psycopg

from lib.footprint import ORDER
from lib.runs import Project
from test_footprint import HERE, ground, new_probe, observe, statements  # noqa: F401

TIMES = 50000                                               # 2000 rows stand for 100 million
# The table of lock facts that the checks were made from; what follows it in the file are further forms.
LAST_OF_THE_TABLE = "rename-column-in-view"
FREE_TYPE_CHANGES = [
    "type-varchar-wider", "type-varchar-text", "type-text-varchar-nolen", "type-numeric-wider-prec", "type-numeric-unconstrained",
    "type-ts-tz-utc", "type-tz-ts-utc", "type-ts3-ts", "type-iv3-iv", "type-tm3-tm", "type-cidr-inet", "type-varbit-wider",
    "type-domain-base"]


def of_the_table():
    ids = []
    with open(f"{HERE}/footprint_statements.txt", encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                ids.append(line.split("\t")[0])
                if ids[-1] == LAST_OF_THE_TABLE:
                    return set(ids)
    raise AssertionError(f"{LAST_OF_THE_TABLE} is not in the file")


def is_heavy(sql, seen):
    """Work that grows with a table, under a lock on that table that stops writers. WITH NO DATA empties: that takes no time."""
    if seen.sqlstate or re.match(r"(insert|update|delete|create table \S+ as)\b|.*with no data", sql, re.I):
        return False
    worked = seen.rewrite | seen.scan | {name for name in seen.names.values() if name.split(".", 1)[1] in seen.builds}
    return any(ORDER.index(seen.locks.get(name, "none")) >= ORDER.index("SHARE") for name in worked - seen.empty)


def grow(value):
    """Facts as they would be with bigger tables."""
    if isinstance(value, list):
        return [grow(v) for v in value]
    if not isinstance(value, dict):
        return value
    out = {k: grow(v) for k, v in value.items()}
    if "rows_trusted" in out and out.get("rows", 0) > 0:
        out["rows_trusted"] = True
    for key in ("rows", "pages", "table_bytes", "index_bytes", "total_bytes", "live_rows"):
        if isinstance(out.get(key), int) and out[key] > 0:
            out[key] *= TIMES
    return out


class Big:
    """A project whose facts are those of db, made big."""

    def __init__(self, folder, home, db):
        options = "-c search_path=s -c timezone=UTC"
        self.project = Project(folder, home).environment("live", f"{db.url}&options={options.replace(' ', '%20').replace('=', '%3D')}")
        self.project.pgrail("ground", "--all", "--env", "live", "--save", "facts.json").ok()
        facts = grow(json.loads(self.project.read("facts.json")))
        self.project.write("facts.json", json.dumps(facts))

    def findings(self, scripts):
        """{key: findings} of {key: text}, each judged by itself."""
        keys = list(scripts)
        for i, key in enumerate(keys):
            self.project.write(f"s/{i:04d}.sql", f"BEGIN;\n{scripts[key]};\nCOMMIT;\n")
        result = self.project.pgrail("check", *[f"s/{i:04d}.sql" for i in range(len(keys))], "--facts", "facts.json", "--json")
        assert result.status in (0, 1, 3), result.err
        out = {key: [] for key in keys}
        for f in result.json["findings"]:
            out[keys[int(re.search(r"(\d+)\.sql", f["path"]).group(1))]].append(f)
        return out


def judged(server, ground, tmp_path, home):  # noqa: F811
    """[(id, sql, is it heavy, what the server did, findings)] of every statement that can run in a transaction."""
    plain, prepared = {}, {}
    table = of_the_table()
    for name, sql, setup in statements(server.major):
        if not setup:
            plain[name] = sql
        elif name in table:
            prepared[name] = (sql, setup)
    probe = new_probe(ground)
    seen = {name: observe(probe, sql) for name, sql in plain.items()}
    probe.close()
    found = Big(tmp_path / "plain", home, ground).findings(plain)
    out = [(name, sql, is_heavy(sql, seen[name]), seen[name], found[name]) for name, sql in plain.items()]
    for name, (sql, setup) in prepared.items():
        db = server.new_db(f"heavy_{name}", ground.name)
        try:
            settings = "; ".join(s for s in setup.split(";") if s.strip().lower().startswith("set "))
            with psycopg.connect(db.url, autocommit=True) as conn:
                conn.execute(f"SET search_path = s; {setup}; ANALYZE")
            probe = new_probe(db)
            if settings:
                probe.must(settings)
            did = observe(probe, sql)
            probe.close()
            text = f"{settings}; {sql}" if settings else sql
            out.append((name, sql, is_heavy(sql, did), did, Big(tmp_path / name, home, db).findings({name: text})[name]))
        finally:
            db.drop()
    return out


def tells(sql, finding):
    """That others wait. TRUNCATE has a new file too, and nobody waits for that: its finding is the loss."""
    family = "loss" if sql.lower().startswith("truncate") else "blocking"
    return finding["family"] == family and finding["level"] in ("warning", "error")


def test_what_is_heavy_is_flagged_and_what_is_light_is_not(server, ground, tmp_path, home):  # noqa: F811
    results = judged(server, ground, tmp_path, home)
    table = of_the_table()
    heavy = [(name, sql, found) for name, sql, is_it, _, found in results if is_it]
    silent = [f"{name}: {sql}" for name, sql, found in heavy if not any(tells(sql, f) for f in found)]
    of_table = [name for name, _, _ in heavy if name in table]
    print(f"pg{server.major}: {len(of_table)} heavy statements of the table, {len(heavy)} of all; {len(heavy) - len(silent)} flagged")
    assert len(of_table) >= 70
    assert not silent, f"{len(silent)} of {len(heavy)} heavy statements are not flagged\n" + "\n".join(silent)
    loud = [f"{name}: {sql}: {f['rule']}: {f['title']}" for name, sql, is_it, seen, found in results for f in found
            if not is_it and seen.sqlstate is None and f["family"] == "blocking" and f["level"] != "note"
            and f["rule"] != "lock-table"]                   # to stop others until COMMIT is all that it does
    assert not loud, f"{len(loud)} findings on statements that block nobody for long\n" + "\n".join(loud)
    free = {name: (seen, found) for name, _, _, seen, found in results if name in FREE_TYPE_CHANGES}
    assert set(free) == set(FREE_TYPE_CHANGES)
    for name, (seen, found) in free.items():
        assert not seen.rewrite and seen.sqlstate is None, name
        assert not any(f["rule"] == "alter-type-rewrite" or "rewrite" in f["title"] for f in found), (name, found)
