"""check --fix on real servers: what it writes leads to the very schema that the old files led to, run the way the layout's runner
runs them, and back again; the files keep their other bytes; what is applied, changed meanwhile or unsure is left alone."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from lib.few import server  # noqa: F401
from lib.runs import Project

SCHEMA = """
CREATE TABLE owners (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE items (id bigint PRIMARY KEY, owner_id bigint, label text, price numeric, code text NOT NULL);
CREATE INDEX items_price ON items (price);
CREATE MATERIALIZED VIEW totals AS SELECT owner_id, sum(price) AS total FROM items GROUP BY owner_id;
INSERT INTO owners SELECT i, 'o' || i FROM generate_series(1, 50) i;
INSERT INTO items SELECT i, 1 + i % 50, 'l' || i, i, 'c' || i FROM generate_series(1, 20000) i;
REFRESH MATERIALIZED VIEW totals;
CREATE UNIQUE INDEX totals_owner ON totals (owner_id);
"""

# name: up, down, what a fix is offered for, how many migrations it makes
CASES = {
    "index": ("CREATE INDEX items_label ON items (label);", "DROP INDEX items_label;", {"index-not-concurrent"}, 1),
    "unnamed index": ("create index on items (label)", "drop index items_label_idx", {"index-not-concurrent"}, 1),
    "index beside others": ("-- first\nALTER TABLE owners ADD COLUMN note text;\n-- why\nCREATE UNIQUE INDEX items_code ON items (code);\n"
                            "COMMENT ON TABLE owners IS 'x';",
                            "DROP INDEX items_code;\nCOMMENT ON TABLE owners IS NULL;\nALTER TABLE owners DROP COLUMN note;", {"index-not-concurrent"}, 2),
    "drop index": ("DROP INDEX items_price;", "CREATE INDEX items_price ON items (price);", {"drop-index-not-concurrent", "index-not-concurrent"}, 1),
    "reindex": ("REINDEX TABLE items;", "SELECT 1;", {"reindex-not-concurrent"}, 1),
    "foreign key": ("ALTER TABLE items ADD CONSTRAINT items_owner FOREIGN KEY (owner_id) REFERENCES owners (id) ON DELETE CASCADE;",
                    "ALTER TABLE items DROP CONSTRAINT items_owner;", {"add-fk-validating"}, 2),
    "unnamed constraints": ("ALTER TABLE items ADD FOREIGN KEY (owner_id) REFERENCES owners, ADD CHECK (price > 0), ADD CHECK (price < 100000 AND id > 0);",
                            "ALTER TABLE items DROP CONSTRAINT items_owner_id_fkey, DROP CONSTRAINT items_price_check, DROP CONSTRAINT items_check;",
                            {"add-fk-validating", "add-check-validating"}, 2),
    "not null": ("ALTER TABLE items ALTER COLUMN label SET NOT NULL;", "ALTER TABLE items ALTER label DROP NOT NULL;", {"set-not-null"}, None),
    "unique": ("ALTER TABLE items ADD CONSTRAINT items_code_key UNIQUE (code) DEFERRABLE;", "ALTER TABLE items DROP CONSTRAINT items_code_key;",
               {"add-unique-no-index"}, None),
    "unique beside others": ("ALTER TABLE owners ADD COLUMN note text;\nALTER TABLE items ADD UNIQUE (code, id);",
                             "ALTER TABLE items DROP CONSTRAINT items_code_id_key;\nALTER TABLE owners DROP COLUMN note;", {"add-unique-no-index"}, None),
    "refresh": ("REFRESH MATERIALIZED VIEW totals;", "SELECT 1;", {"refresh-matview"}, 1),
}

SHAPES = {                                                  # of one side's file
    "golang-migrate": lambda up, down: {"0005_it.up.sql": up, "0005_it.down.sql": down},
    "sqlx": lambda up, down: {"20240105000000_it.up.sql": up, "20240105000000_it.down.sql": down, "../Cargo.toml": "sqlx = 1\n"},
    "dbmate": lambda up, down: {"20240105000000_it.sql": f"-- migrate:up\n{up}-- migrate:down\n{down}"},
    "goose": lambda up, down: {"00005_it.sql": f"-- +goose Up\n{up}-- +goose Down\n{down}"},
    "diesel": lambda up, down: {"2024-01-05-000000_it/up.sql": up, "2024-01-05-000000_it/down.sql": down},
    "prisma": lambda up, down: {"20240105000000_it/migration.sql": up, "migration_lock.toml": 'provider = "postgresql"\n'},
    "flyway": lambda up, down: {"V5__it.sql": up, "U5__it.sql": down},
}


def statements(text):
    """Cut at semicolons that end a line: as much as these files need."""
    code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("--"))
    return [s for s in (p.strip() for p in re.split(r";[ \t]*(?:\n|$)", code)) if s]


OUTSIDE = re.compile(r"\bCONCURRENTLY\b(?<!VIEW CONCURRENTLY)", re.I)


class Runner:
    """The runners' own ways with a file: one transaction round it, the file as one query, or one statement after the other."""

    def __init__(self, layout, folder, db):
        self.layout, self.folder, self.db = layout, pathlib.Path(folder), db

    def wrapped(self, sql):
        with self.db.connect(autocommit=False) as c:
            c.execute(sql)

    def whole(self, sql):
        with self.db.connect() as c:
            c.execute(sql)

    def each(self, sql):
        with self.db.connect() as c:
            for s in statements(sql):
                c.execute(s)

    def files(self):
        """(version, up, down, how) of each migration in order."""
        out = []
        for path in sorted(self.folder.rglob("*.sql")):
            name, text = str(path.relative_to(self.folder)), path.read_text()
            if self.layout in ("golang-migrate", "sqlx") and name.endswith(".up.sql"):
                out.append((int(name.split("_")[0]), text, path.with_name(path.name.replace(".up.", ".down.")).read_text()))
            elif self.layout in ("dbmate", "goose"):
                mark = r"-- migrate:down[^\n]*" if self.layout == "dbmate" else r"-- \+goose Down"
                up, down = re.split(mark, text)
                heads = (re.search("-- migrate:up[^\n]*", up), re.search("-- migrate:down[^\n]*", text))
                out.append((int(name.split("_")[0]), (heads[0].group(0) + "\n" if heads[0] else "") + up, (heads[1].group(0) + "\n" if heads[1] else "") + down))
            elif self.layout in ("diesel", "prisma") and path.name in ("up.sql", "migration.sql"):
                down = path.with_name("down.sql")
                toml = path.with_name("metadata.toml")
                flag = "-- alone\n" if toml.exists() and "run_in_transaction = false" in toml.read_text() else ""
                out.append((path.parent.name, flag + text, flag + down.read_text() if down.exists() else None))
            elif self.layout == "flyway" and name.startswith("V"):
                version = tuple(int(n) for n in re.split("[._]", name[1:name.index("__")]))
                out.append((version, text, (path.with_name("U" + path.name[1:])).read_text()))
        return sorted(out, key=lambda m: m[0])

    def run_side(self, text, whole):
        outside = [bool(OUTSIDE.search(s)) for s in statements(text)]
        if self.layout == "golang-migrate":
            (self.each if any(outside) else self.wrapped)(text)
        elif self.layout == "flyway":
            assert all(outside) or not any(outside), "Flyway refuses to mix them"
            (self.each if any(outside) else self.wrapped)(text)
        elif self.layout == "goose":
            (self.each if "-- +goose NO TRANSACTION" in whole else self.wrapped)(text)
        elif self.layout == "prisma":
            self.whole(text)
        else:
            alone = {"sqlx": text.startswith("-- no-transaction"), "dbmate": re.search(r"-- migrate:\w+ .*transaction:false", text),
                     "diesel": text.startswith("-- alone\n")}[self.layout]
            (self.whole if alone else self.wrapped)(text)

    def up(self):
        for _, up, down in self.files():
            self.run_side(up, up + (down or ""))

    def down(self):
        for _, up, down in reversed(self.files()):
            self.run_side(down, up + down)


LINES = """SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), c.convalidated FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace
UNION ALL SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid FROM pg_index i
    JOIN pg_class k ON k.oid = i.indexrelid WHERE k.relnamespace = 'public'::regnamespace
UNION ALL SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a JOIN pg_class k ON k.oid = a.attrelid
    WHERE k.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND k.relkind IN ('r', 'm') ORDER BY 1, 2, 3, 4"""


def fingerprint(project, name):
    """pgrail's own, over every relation."""
    doc = project.pgrail("ground", "--all", "--env", name, "--json").ok().json
    return doc["fingerprint"]


def write(project, layout, up, down):
    for name, text in SHAPES[layout](up.rstrip("\n") + "\n", down.rstrip("\n") + "\n").items():
        project.write(f"migrations/{name}" if not name.startswith("../") else name[3:], text)


def named(layout):
    """A word for the migration: other runners' histories are not ours, so it has to be named."""
    return {"golang-migrate": "0005", "goose": "00005", "diesel": "2024-01-05-000000", "flyway": "5"}.get(layout, "20240105000000")


def fixed(project, *args, status=None):
    r = project.pgrail("check", *args, "--json")
    assert status is None or r.status == status, (r.status, r.out, r.err)
    assert "fixes" in r.json, (r.out, r.err)
    return r.json


@pytest.fixture
def shop(project, make_db):
    project.policy["max_block"] = "1ms"
    for name in ("old", "new"):
        d = make_db()
        d.sql(SCHEMA)
        d.sql("VACUUM ANALYZE")
        project.environment(name, d)
        setattr(project, name, d)
    return project


def try_case(shop, layout, case):
    up, down, rules, migrations = CASES[case]
    write(shop, layout, up, down)
    Runner(layout, f"{shop.folder}/migrations", shop.old).up()
    at_first = shop.new.sql(LINES)
    doc = fixed(shop, named(layout), "--fix", "--env", "new")
    taken = {f["rule"] for f in doc["fixes"]["taken"]}
    assert taken, (doc["fixes"], doc["findings"])
    assert rules <= taken and not {f["rule"] for f in doc["findings"] if f["level"] == "error"}
    runner = Runner(layout, f"{shop.folder}/migrations", shop.new)
    assert migrations is None or layout not in ("golang-migrate", "goose") or len(runner.files()) == migrations
    runner.up()
    assert shop.new.sql(LINES) == shop.old.sql(LINES)
    assert fingerprint(shop, "new") == fingerprint(shop, "old")
    if layout != "prisma":
        runner.down()
        assert shop.new.sql(LINES) == at_first


@pytest.mark.parametrize("case", CASES)
def test_a_fixed_migration_makes_the_same_schema(server, shop, case):
    if case == "drop index" or case == "refresh" or case == "reindex":
        shop.policy["max_block"] = "0ms"
        shop.write_conf()
    try_case(shop, "golang-migrate", case)


@pytest.mark.parametrize("case", ["index", "index beside others", "foreign key", "not null", "unique beside others"])
@pytest.mark.parametrize("layout", [n for n in SHAPES if n != "golang-migrate"])
def test_other_runners_run_it_too(project, make_db, pg15, layout, case):
    project.policy["max_block"] = "1ms"
    for name in ("old", "new"):
        d = make_db(server=pg15)
        d.sql(SCHEMA)
        d.sql("VACUUM ANALYZE")
        project.environment(name, d)
        setattr(project, name, d)
    try_case(project, layout, case)
