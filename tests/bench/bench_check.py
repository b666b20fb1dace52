#!/usr/bin/python3
"""bench_check.py [runs]: what judging costs, beside squawk (npm, its native binary) on the same files in the same run, taking turns.

1. A folder of 700 migrations, one process each: the ratio, which should be 5 or more.
2. One file of 1, 2, 4, 8 and 10 MB: seconds and peak memory. Time must double when the input doubles; beyond 2.6 this fails. squawk takes
   the first of them only: its time grows with the square of the file.

The files are made here, the same ones every time. Whatever else the machine does only adds time, so the fastest of the runs counts, and
growth is that of the processor's time."""
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from lib import runs  # noqa: E402

SQUAWK = "squawk-cli@2.66.0"
MB = 1 << 20
FILES = 700
SUPERLINEAR = 2.6
NOUNS = ("account invoice order payment customer shipment product price ledger entry tenant member session token event audit task project note file image "
         "address carrier parcel refund coupon review rating message thread device sensor reading alert rule policy grant role team plan usage quota").split()
COLUMNS = [("name", "text NOT NULL"), ("email", "varchar(320)"), ("state", "text NOT NULL DEFAULT 'new'"), ("amount_cents", "bigint NOT NULL DEFAULT 0"),
           ("currency", "char(3)"), ("created_at", "timestamptz NOT NULL DEFAULT now()"), ("updated_at", "timestamptz"), ("deleted_at", "timestamptz"),
           ("payload", "jsonb"), ("position", "integer"), ("external_id", "uuid"), ("quantity", "numeric(12, 3) CHECK (quantity >= 0)"),
           ("is_active", "boolean NOT NULL DEFAULT true"), ("comment", "text"), ("due_on", "date")]


class Schema:
    """Migrations as a team writes them: tables come, then change, with rows moved in between. `old` tables are not made here."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.tables, self.n = [], 0
        self.old = [f"{noun}s" for noun in NOUNS]

    def some(self):
        r = self.r
        return r.choice(self.tables) if self.tables and r.random() < 0.8 else r.choice(self.old)

    def column(self):
        return self.r.choice(COLUMNS)

    def create(self):
        self.n += 1
        name = f"{self.r.choice(NOUNS)}_{self.r.choice(NOUNS)}_{self.n}"
        cols = self.r.sample(COLUMNS, self.r.randint(3, 10))
        lines = ["    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"] + [f"    {c} {t}" for c, t in cols]
        if self.tables and self.r.random() < 0.6:
            lines.append(f"    parent_id bigint REFERENCES {self.r.choice(self.tables)} (id) ON DELETE CASCADE")
        self.tables.append(name)
        return f"-- {name}: kept since release {self.n}\nCREATE TABLE {name} (\n" + ",\n".join(lines) + "\n);\n"

    def index(self):
        t, (c, _) = self.some(), self.column()
        self.n += 1
        how = " CONCURRENTLY" if self.r.random() < 0.2 else ""
        where = f" WHERE {c} IS NOT NULL" if self.r.random() < 0.2 else ""
        return f"CREATE INDEX{how} {t}_{c}_{self.n}_idx ON {t} ({c}){where};\n"

    def alter(self):
        t, (c, kind) = self.some(), self.column()
        self.n += 1
        plain = kind.split(" CHECK")[0]
        return self.r.choice([
            f"ALTER TABLE {t} ADD COLUMN {c}_{self.n} {plain};\n",
            f"ALTER TABLE {t}\n    ADD COLUMN {c}_{self.n} integer,\n    ALTER COLUMN {c} DROP NOT NULL;\n",
            f"ALTER TABLE {t} ADD CONSTRAINT {t}_{self.n}_check CHECK (length({c}::text) < 1000) NOT VALID;\n",
            f"ALTER TABLE {t} VALIDATE CONSTRAINT {t}_{self.n}_check;\n",
            f"ALTER TABLE {t} ALTER COLUMN {c} SET DEFAULT NULL;\n",
            f"ALTER TABLE {t} ALTER COLUMN {c} TYPE text;\n",
            f"ALTER TABLE {t} DROP COLUMN IF EXISTS {c};\n",
            f"ALTER TABLE {t} ALTER COLUMN {c} SET NOT NULL;\n"])

    def update(self):
        t, (c, _) = self.some(), self.column()
        return self.r.choice([
            f"UPDATE {t} SET {c} = coalesce({c}, NULL) WHERE id BETWEEN {self.n} AND {self.n + 999} AND {c} IS NULL;\n",
            f"UPDATE {t} AS x SET {c} = y.{c} FROM {self.some()} AS y WHERE y.id = x.id AND x.{c} IS DISTINCT FROM y.{c};\n",
            f"DELETE FROM {t} WHERE {c} IS NULL AND id < {self.n};\n"])

    def insert(self):
        t, r = self.some(), self.r
        rows = ",\n".join(f"    ({r.randint(1, 10**9)}, 'row {r.randint(1, 10**6)} of {t}', '2026-01-{r.randint(1, 28):02d}', {r.random():.4f})"
                          for _ in range(r.randint(1, 6)))
        return f"INSERT INTO {t} (id, name, created_at, quantity) VALUES\n{rows}\nON CONFLICT DO NOTHING;\n"

    def statement(self):
        return self.r.choices([self.create, self.index, self.alter, self.update, self.insert], weights=[20, 20, 30, 10, 20])[0]()

    def text(self, size):
        parts, have = [], 0
        while have < size:
            parts.append(self.statement())
            have += len(parts[-1])
        return "\n".join(parts)


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def folder(path):
    """Migrations with their down scripts, in one flat folder."""
    os.makedirs(path)
    s, files = Schema(7), []
    for i in range(1, FILES + 1):
        up = "\n".join(s.statement() for _ in range(s.r.randint(1, 12)))
        files.append(write(f"{path}/{i:04d}_change.up.sql", up))
        files.append(write(f"{path}/{i:04d}_change.down.sql", f"DROP INDEX IF EXISTS {s.some()}_{i}_idx;\nALTER TABLE {s.some()} DROP COLUMN IF EXISTS c{i};\n"))
    return files


def squawk():
    """The native binary out of squawk's npm package, brought once into build/npm-squawk."""
    home = f"{runs.ROOT}/build/npm-squawk"
    arch = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    binary = f"{home}/node_modules/@squawk-cli/linux-{arch}/bin/squawk"
    if not os.path.exists(binary):
        os.makedirs(home, exist_ok=True)
        write(f"{home}/package.json", '{"private":true}\n')
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-save", "--no-fund", "--no-audit", "--loglevel=error", "--prefix", home, SQUAWK], check=True)
    return binary


class Cost:
    """Seconds and peak memory (MB) of the fastest of several runs of a command, whose findings are no failure."""

    def __init__(self):
        self.seconds, self.cpu, self.mb = float("inf"), float("inf"), 0.0

    def run(self, argv, cwd):
        with open(os.devnull, "w", encoding="utf-8") as null:
            start = time.monotonic()
            p = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=null, stderr=null, env=runs.environment(cwd))
            _, status, usage = os.wait4(p.pid, 0)
            took = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        assert p.returncode in (0, 1), f"{argv[:3]}: status {p.returncode}"
        self.seconds, self.cpu = min(self.seconds, took), min(self.cpu, usage.ru_utime + usage.ru_stime)
        self.mb = max(self.mb, usage.ru_maxrss / 1024)


def turns(n, home, **commands):
    costs = {name: Cost() for name in commands}
    for turn in range(n):
        for name in sorted(commands, reverse=turn % 2 == 1):
            costs[name].run(commands[name], home)
    return costs


def line(what, ours, theirs=None):
    peer = f"{theirs.seconds:>8.3f} s {theirs.mb:>6.0f} MB {theirs.seconds / ours.seconds:>7.1f}" if theirs else ""
    print(f"{what:<22} {ours.seconds:>8.3f} s {ours.cpu:>8.3f} s {ours.mb:>6.0f} MB {peer}", flush=True)


def main(n):
    home = tempfile.mkdtemp(prefix="pgrail-bench-")
    peer = squawk()
    try:
        print(f"{'fastest of ' + str(n):<22} {'pgrail':>10} {'its cpu':>10} {'peak':>9} {'squawk':>10} {'peak':>9} {'ratio':>7}")
        files = folder(f"{home}/m")
        found = turns(n, home, pgrail=[runs.BIN, "check", "--offline", "m"], squawk=[peer, *files])
        line(f"folder, {len(files)} files", found["pgrail"], found["squawk"])
        cpu = {}
        for mb in (1, 2, 4, 8, 10):
            path = write(f"{home}/{mb}.sql", Schema(1).text(mb * MB))
            ours = turns(n, home, pgrail=[runs.BIN, "check", "--offline", path])["pgrail"]
            line(f"one file of {mb} MB", ours, turns(1, home, squawk=[peer, path])["squawk"] if mb == 1 else None)
            cpu[mb] = ours.cpu
        grown = {mb: cpu[mb] / cpu[mb // 2] for mb in (2, 4, 8)}
        print("double the input, times:", ", ".join(f"{mb} MB {g:.2f}" for mb, g in grown.items()))
        return 1 if max(grown.values()) > SUPERLINEAR else 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
