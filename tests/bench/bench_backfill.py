#!/usr/bin/python3
"""bench_backfill.py [--rows N] [--major N] [--only NAME,…] [--svg FILE]: three columns out of JSONB on the example's 2,400,000 invoice lines.

Each way runs on a fresh copy of the loaded database, on one private server with fsync on and autovacuum as it is by default, and its
result is held against the statement. Peers: one UPDATE; a row-by-row loop (on a share, the rest by rule of three); a SKIP LOCKED loop
(timed at five points of its way, the whole is the area under them); batches that touch rows for a trigger to fill. Then pgbench, with a
point read and a single-row UPDATE 200 times a second, beside it; beside `--gentle` in turns, at work and paused, so that both are felt at
the same time on the same pages. Whatever else the machine does only adds time, so of the ways whose time
is a goal the faster of two runs counts, and of latencies the lower 99th percentile of two; `cpu` is the processor time that server and pgrail took for the walk, and `others` the share of
the machine that somebody else had meanwhile.

Goals stand beside the figures, and the exit status is 1 when one is missed. They are meant for the 2,400,000 rows."""
import argparse
import glob
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import picture  # noqa: E402
from lib import runs, servers  # noqa: E402

servers.Kept.place = "/tmp"
EXAMPLE = os.path.join(runs.ROOT, "examples", "invoices")
COLUMNS = {"vat_rate": "rate", "vat_amount": "amount", "net_amount": "net"}
SETS = ", ".join(f"{c} = (vat_data ->> '{k}')::numeric" for c, k in COLUMNS.items())
EMPTY = " AND ".join(f"{c} IS NULL" for c in COLUMNS) + " AND vat_data <> '{}'"
UPDATE = f"UPDATE invoice_items SET {SETS} WHERE {EMPTY}"
WRONG = "SELECT count(*) FROM invoice_items WHERE vat_data <> '{}' AND (" + " OR ".join(
    f"{c} IS DISTINCT FROM round((vat_data ->> '{k}')::numeric, 2)" for c, k in COLUMNS.items()) + ")"
# 25 of the example's odd lines hold no number of the column's type; no way could fill them, so they lose it before.
MEND = r"UPDATE invoice_items SET vat_data = vat_data - 'rate' WHERE vat_data ->> 'rate' !~ '^[0-9]{1,3}(\.[0-9]+)?$'"
SERVER = ["autovacuum_naptime = 1min", "fsync = on", "synchronous_commit = on", "full_page_writes = on", "wal_level = replica", "shared_buffers = 2GB",
          "max_wal_size = 16GB", "checkpoint_timeout = 15min"]
SHARE, ROW_BATCH, TOUCHED, SKIP_BATCH, SKIP_TIMED = 100_000, 500, 1_000, 1_000, 20
CLIENTS, RATE, IDLE_S, WARM_S = 8, 200, 30, 3
TURNS, TURN_S, SETTLE_S = 8, 10, 1
PERCENTILES = (50, 95, 99, 99.9)
QUIET = 0.1                                             # of the machine that others may have


@dataclass
class Run:
    """seconds: of the walk, which of a peer is all; whole: of pgrail's command with its proof. Growth in shares of what was there."""
    name: str
    seconds: float = 0.0
    whole: float = 0.0
    heap: float = None
    indexes: float = None
    wal: float = None
    rss: float = None
    cpu: float = 0.0               # seconds of ours, the server's with them; of pgrail those of the walk
    others: float = 0.0
    reckoned: bool = False
    spans: dict = field(default_factory=dict)       # what latencies are told of: name to [(from, to), …]
    latencies: dict = field(default_factory=dict)
    said: str = ""


class Cpu:
    """Processor time since it was made: ours and our server's in seconds, everybody else's as a share of the machine."""

    def __init__(self, server):
        self.server, self.at = server, time.monotonic()
        self.busy, self.ours = self.all_busy(), self.all_ours([])

    @staticmethod
    def all_busy():
        with open("/proc/stat", encoding="ascii") as f:
            t = [int(x) for x in f.readline().split()[1:]]
        return (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) / os.sysconf("SC_CLK_TCK")

    def all_ours(self, running):
        """running: processes of ours that nobody has waited for."""
        ticks = 0
        for pid, waited in [(self.server.pid, True), *((c, False) for c in children(self.server.pid)), *((r, True) for r in running)]:
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                    t = [int(x) for x in f.read().rpartition(")")[2].split()[11:15]]
            except OSError:
                continue
            ticks += sum(t if waited else t[:2])
        return ticks / os.sysconf("SC_CLK_TCK") + sum(os.times()[:4])

    def since(self, running=()):
        return self.all_ours(running) - self.ours

    def others(self):
        """Their share of the machine."""
        return max(0.0, self.all_busy() - self.busy - self.since()) / ((time.monotonic() - self.at) * os.cpu_count())


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(c) for c in f.read().split()]
    except OSError:
        return []


def peak_kb(pid):
    """The most memory that a process had at once; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Bench:
    def __init__(self, server, home, rows):
        self.server, self.home, self.rows, self.cpu = server, home, rows, None
        self.project = runs.Project(f"{home}/project", home).environment("bench", server.url("bench_run"))
        self.file = "migrations/0249_vat.backfill.sql"
        self.project.write(self.file, f"-- rationale: fills the columns of 0248\n-- author: bench\n{UPDATE};\n")

    def load(self, template, rows):
        psql = ["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", self.server.conninfo(template)]
        self.admin(f'CREATE DATABASE "{template}"')
        subprocess.run([*psql, "-f", f"{EXAMPLE}/schema.sql", "-f", f"{EXAMPLE}/load.sql"], check=True,
                       env={**os.environ, "PGOPTIONS": f"-c invoices.items={rows}"})
        with self.server.connect(template) as c:
            c.execute(MEND)
            c.execute("VACUUM (FREEZE, ANALYZE)")
            with open(f"{EXAMPLE}/migrations/0248_vat_expand.up.sql", encoding="utf-8") as f:
                c.execute(f.read())

    def admin(self, *statements):
        with self.server.connect() as c:
            for s in statements:
                c.execute(s)

    def fresh(self, template="bench_loaded"):
        how = " STRATEGY FILE_COPY" if self.server.major >= 15 else ""
        self.admin("DROP DATABASE IF EXISTS bench_run WITH (FORCE)", f"CREATE DATABASE bench_run TEMPLATE {template}{how}", "CHECKPOINT")

    def connect(self):
        return self.server.connect("bench_run")

    def state(self):
        with self.connect() as c:
            return c.execute("SELECT pg_relation_size('invoice_items'), pg_indexes_size('invoice_items'), "
                             "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()

    def measure(self, name, way, template="bench_loaded"):
        """way(self) fills seconds and, when it did only a share of the rows, gives how many."""
        self.fresh(template)
        run, before = Run(name), self.state()
        self.cpu = Cpu(self.server)
        rows = self.rows if template == "bench_loaded" else self.rows // 4
        start = time.monotonic()
        done = way(self, run)
        run.seconds = run.seconds or time.monotonic() - start
        run.cpu, run.others, after = run.cpu or self.cpu.since(), self.cpu.others(), self.state()
        if done is None:
            with self.connect() as c:
                wrong = c.execute(WRONG).fetchone()[0]
            assert wrong == 0, f"{name}: {wrong} rows are wrong"
        if run.wal is None:
            grown = rows / (done or rows)
            run.heap, run.indexes = ((after[i] - before[i]) / before[i] * grown for i in (0, 1))
            run.wal = float(after[2] - before[2]) / (done or rows)
        return run


# ---- peers

def one_update(b, run):
    with b.connect() as c:
        start = time.monotonic()
        c.execute(UPDATE)
        run.seconds = time.monotonic() - start


def row_by_row(b, run):
    """As a program does it: 500 rows read, each computed and written by itself, a commit."""
    share, last = min(SHARE, b.rows), 0
    write = "UPDATE invoice_items SET vat_rate = %s, vat_amount = %s, net_amount = %s WHERE id = %s"
    with b.connect() as c:
        start = time.monotonic()
        while last < share:
            with c.transaction():
                for last, data in c.execute("SELECT id, vat_data FROM invoice_items WHERE id > %s ORDER BY id LIMIT %s", (last, ROW_BATCH)).fetchall():
                    if data:
                        c.execute(write, [None if data.get(k) is None else Decimal(str(data[k])) for k in COLUMNS.values()] + [last])
        run.seconds = (time.monotonic() - start) * b.rows / last
    run.reckoned, run.said = True, f"{last:,} rows measured"
    return last


def skip_locked(b, run):
    """Every batch reads all that is done already before it finds its rows. Five points of the way are reached by plain UPDATEs and a vacuum
    (the loop itself would leave more behind), there 20 batches are timed; in between the time is taken to grow evenly."""
    loop = (f"WITH c AS (SELECT id FROM invoice_items WHERE {EMPTY} ORDER BY id LIMIT {SKIP_BATCH} FOR UPDATE SKIP LOCKED) "
            f"UPDATE invoice_items AS i SET {SETS} FROM c WHERE c.id = i.id")
    each, wal, done = [], 0, 0
    with b.connect() as c:
        for quarter in range(5):
            to = min(b.rows * quarter // 4, b.rows - 2 * SKIP_TIMED * SKIP_BATCH)
            c.execute(f"{UPDATE} AND id <= {to}")
            c.execute("VACUUM (ANALYZE) invoice_items")
            before, start = b.state()[2], time.monotonic()
            done += sum(c.execute(loop).rowcount for _ in range(SKIP_TIMED))
            each.append((time.monotonic() - start) / SKIP_TIMED)
            wal += float(b.state()[2] - before)
    run.seconds = sum((x + y) / 2 for x, y in zip(each, each[1:])) / 4 * b.rows / SKIP_BATCH
    run.wal, run.reckoned = wal / done, True
    run.said = f"{done:,} rows measured; a batch took " + ", ".join(f"{1000 * t:.0f}" for t in each) + " ms at 0, 25, 50, 75, 100% of its way"
    return done


def trigger_touch(b, run):
    """The columns are filled by the trigger that keeps them in step; a batch only touches its rows."""
    with b.connect() as c:
        c.execute(f"""CREATE FUNCTION vat_split() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            {' '.join(f"NEW.{col} := (NEW.vat_data ->> '{k}')::numeric;" for col, k in COLUMNS.items())} RETURN NEW; END $$;
            CREATE TRIGGER vat_split BEFORE INSERT OR UPDATE ON invoice_items FOR EACH ROW EXECUTE FUNCTION vat_split()""")
        start, last = time.monotonic(), 0
        while last is not None:
            last = c.execute("WITH batch AS (SELECT id FROM invoice_items WHERE id > %s ORDER BY id LIMIT %s FOR NO KEY UPDATE), "
                             "touched AS (UPDATE invoice_items AS i SET id = i.id FROM batch WHERE batch.id = i.id RETURNING i.id) "
                             "SELECT max(id) FROM touched", (last, TOUCHED)).fetchone()[0]
        run.seconds = time.monotonic() - start


# ---- pgrail

def pgrail(*options):
    def way(b, run):
        argv = [*runs.WRAP, runs.BIN, "backfill", b.file, "--env", "bench", "--json", *options]
        out, peak, used = f"{b.home}/pgrail.json", 0, []
        with open(out, "wb") as f, open(f"{b.home}/pgrail.err", "wb") as err:
            start = time.monotonic()
            p = subprocess.Popen(argv, cwd=b.project.folder, env=runs.environment(b.home, b.project.env), stdin=subprocess.DEVNULL,
                                 stdout=f, stderr=err, start_new_session=True)
            try:
                while p.poll() is None:
                    peak = max(peak, *(peak_kb(pid) for pid in (p.pid, *children(p.pid))))
                    if not used or time.time() - used[-1][0] > 0.2:
                        used.append((time.time(), b.cpu.since((p.pid, *children(p.pid)))))
                    time.sleep(0.02)
            finally:
                if p.poll() is None:
                    p.terminate()
                    p.wait()
        run.whole, run.rss = time.monotonic() - start, peak / 1024
        with open(out, encoding="utf-8") as f, open(f"{b.home}/pgrail.err", encoding="utf-8") as err:
            text = f.read()
            assert p.returncode == 0, f"pgrail {' '.join(options)}: status {p.returncode}\n{err.read()}{text}"
        doc = json.loads(text)
        run.said = f"{doc['walks'][0]['way']}; {100 * doc['hot_updates'] / max(1, doc['updates']):.0f}% HOT; {doc['progress']['batches']:,} transactions"
        start, end = walked(b)
        run.seconds, run.cpu = end - start, next(cpu for at, cpu in used if at >= end or at == used[-1][0])
    return way


def has_begun(b):
    with b.connect() as c:
        there = c.execute("SELECT to_regclass('pgrail.backfill_batch') IS NOT NULL").fetchone()[0]
        return there and c.execute("SELECT EXISTS (SELECT FROM pgrail.backfill_batch)").fetchone()[0]


def in_turns(b, run):
    """Gentle, at work and paused in turns, from the first batch on; stopped before its end."""
    def ctl(word):
        assert not (r := b.project.pgrail("backfill-ctl", word, "--env", "bench")).status, r.err
    argv = [*runs.WRAP, runs.BIN, "backfill", b.file, "--env", "bench", "--gentle"]
    p = subprocess.Popen(argv, cwd=b.project.folder, env=runs.environment(b.home, b.project.env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        servers.await_that(lambda: has_begun(b), "the first batch")
        run.spans = {"at work": [], "paused": []}
        for turn in range(2 * TURNS):
            start = time.time()
            time.sleep(TURN_S)
            run.spans["paused" if turn % 2 else "at work"].append((start, time.time()))
            assert p.poll() is None, "it ended before its turns: more --rows"
            ctl("resume" if turn % 2 else "pause")
            time.sleep(SETTLE_S)
        ctl("stop")
        p.wait(60)
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
    run.seconds = TURNS * TURN_S
    with b.connect() as c:
        return int(c.execute("SELECT sum(changed) FROM pgrail.backfill_batch").fetchone()[0])


def walked(b):
    """From when to when by the journal: the command without its way to the start, and without its proof."""
    with b.connect() as c:
        return c.execute("SELECT extract(epoch FROM min(at) FILTER (WHERE event = 'start'))::float8, "
                         "extract(epoch FROM max(at) FILTER (WHERE event = 'walked'))::float8 FROM pgrail.backfill_event").fetchone()


# ---- beside a foreground

SCRIPT = """\\set read random(1, {rows})
\\set write random(1, {rows})
SELECT description, quantity, unit_price_cents FROM invoice_items WHERE id = :read;
UPDATE invoice_items SET paid_at = now() WHERE id = :write;
"""


def pgbench_of(server):
    for folder in (server.bindir, *servers.bindirs().values()):
        if os.access(f"{folder}/pgbench", os.X_OK):
            return f"{folder}/pgbench"
    found = shutil.which("pgbench")
    assert found, "no pgbench: it comes with Debian's postgresql-15"
    return found


def beside(way):
    """Latencies from the moment at which a transaction was due, of those that were due while the walk ran, and while the rest ran."""
    def both(b, run):
        log, script = f"{b.home}/latency", f"{b.home}/foreground.sql"
        for old in glob.glob(f"{log}.*"):
            os.unlink(old)
        with open(script, "w", encoding="utf-8") as f:
            f.write(SCRIPT.format(rows=b.rows))
        p = subprocess.Popen([pgbench_of(b.server), "-n", "-M", "prepared", "-c", str(CLIENTS), "-R", str(RATE), "-T", "3600", "-f", script, "-l",
                              f"--log-prefix={log}", "-h", b.server.host, "-p", str(b.server.port), "-U", "postgres", "bench_run"],
                             cwd=b.home, env=servers.CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            time.sleep(WARM_S)
            start = time.time()
            done = way(b, run)
            end = time.time()
            assert p.poll() is None, "pgbench ended before its time"
            b.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench'")   # it writes its log and ends
            p.wait(60)
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
        due = []
        for name in glob.glob(f"{log}.*"):
            with open(name, encoding="ascii") as f:
                for t in (line.split() for line in f):
                    due.append((int(t[4]) + int(t[5]) / 1e6 - int(t[2]) / 1e6, int(t[2]) / 1000))
        run.spans = run.spans or {**({"walk": [walked(b)]} if run.whole else {}), "whole": [(start, end)]}
        for name, spans in run.spans.items():
            run.latencies[name] = sorted(ms for at, ms in due if any(low <= at < high for low, high in spans))
        return done
    return both


def idle(_b, run):
    time.sleep(IDLE_S)
    run.seconds = IDLE_S
    return 0                                            # rows that it filled


def percentile(ordered, p):
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


# ---- what is run, and what is said

PEERS = {"update": ("one UPDATE", one_update), "rows": ("row by row, batches of 500", row_by_row),
         "skip-locked": ("SKIP LOCKED loop of 1,000", skip_locked), "trigger": ("touched for a trigger, 1,000", trigger_touch)}
OURS = {"pgrail": ("pgrail backfill", pgrail()), "pgrail-2": ("pgrail backfill --workers 2", pgrail("--workers", "2")),
        "gentle": ("pgrail backfill --gentle", pgrail("--gentle"))}
TWICE = ("update", "pgrail", "pgrail-2")
OTHERS = ("memory", "foreground")


def seconds(s):
    return f"{s:.1f} s" if s < 120 else f"{s / 60:.1f} min"


def line(run, update):
    whole = seconds(run.whole) if run.whole else "-"
    ratio = f"{run.seconds / update.seconds:.2f}" if update else "-"
    growth = [f"{100 * g:+.0f}%" if g is not None else "-" for g in (run.heap, run.indexes)]
    print(f"{run.name:<28} {'~' if run.reckoned else ' '}{seconds(run.seconds):>9} {ratio:>7} {whole:>9} {run.cpu:>7.1f} s {growth[0]:>7} {growth[1]:>7} {run.wal:>7.0f} B "
          f"{f'{run.rss:.1f} MB' if run.rss else '-':>8} {100 * run.others:>5.0f}%  {run.said}", flush=True)


def head(server, rows):
    with open("/proc/meminfo", encoding="ascii") as f:
        ram = int(f.readline().split()[1]) / 1048576
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        cpu = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "processor")
    with server.connect() as c:
        version = c.execute("SHOW server_version").fetchone()[0]
    print(f"{rows:,} rows; {os.cpu_count()} cores ({cpu}), {ram:.0f} GiB RAM, fdatasync {1000 * fdatasync(server.folder):.1f} ms; PostgreSQL {version}: {', '.join(SERVER)}")
    print("pgrail with its default settings: no limit of WAL, one worker where no other number stands\n")


def fdatasync(folder):
    took = []
    with tempfile.TemporaryFile(dir=folder) as f:
        for _ in range(100):
            f.seek(0)
            f.write(bytes(8192))
            f.flush()
            start = time.monotonic()
            os.fdatasync(f.fileno())
            took.append(time.monotonic() - start)
    return statistics.median(took)


def ways(b, wanted):
    """The runs of peers and of pgrail, the faster one of two."""
    best, order = {}, [n for n in (*PEERS, *OURS) if n in wanted]
    print(f"{'':<28} {'time':>10} {'ratio':>7} {'+ proof':>9} {'cpu':>9} {'heap':>7} {'indexes':>7} {'WAL/row':>9} {'peak':>8} {'others':>6}")
    for turn in range(2):
        for name in order:
            if turn == 1 and name not in TWICE:
                continue
            run = b.measure(*{**PEERS, **OURS}[name])
            line(run, run if name == "update" else best.get("update"))
            if name not in best or run.seconds < best[name].seconds:
                best[name] = run
    return best


def memory(b, best):
    """Peak memory of a walk, and of one over a quarter of the rows."""
    quarter = b.measure("pgrail backfill, a quarter", pgrail(), "bench_quarter")
    line(quarter, None)
    best["quarter"] = quarter


def worst(run, p):
    return max(percentile(ms, p) for ms in run.latencies.values())


def foreground(b, best):
    print(f"\n{f'pgbench, {CLIENTS} clients, {RATE}/s: ms':<48} {'transactions':>12}" + "".join(f"{f'p{p}':>9}" for p in PERCENTILES) + f"{'others':>9}")
    three = (("idle", "alone", idle), ("beside", "beside pgrail backfill", pgrail()), ("beside-gentle", "beside it with --gentle", in_turns))
    for key, name, way in three * 2:
        run = b.measure(name, beside(way))
        if key not in best or worst(run, 99) < worst(best[key], 99):
            best[key] = run
        for span, ms in run.latencies.items():
            took = f" ({seconds(run.seconds if span == 'walk' else run.whole or run.seconds)})"
            what = name + (f", {span}" if len(run.latencies) > 1 else "") + took
            print(f"{what:<48} {len(ms):>12,}" + "".join(f"{percentile(ms, p):>9.2f}" for p in PERCENTILES) + f"{100 * run.others:>8.0f}%", flush=True)


def goals(best):
    """(what, figure, relation, limit or None, form) of what was run."""
    def has(*names):
        return all(n in best for n in names)
    one, us, two, gentle = (best.get(n) for n in ("update", "pgrail", "pgrail-2", "gentle"))
    if has("update", "pgrail"):
        yield "time of the walk, one worker, to one UPDATE", us.seconds / one.seconds, "<=", 1.15, "{:.2f}"
        yield "WAL a row, to one UPDATE", us.wal / one.wal, "<=", 0.65, "{:.2f}"
        yield "index growth, to one UPDATE", us.indexes / one.indexes, "<=", 0.10, "{:.2f}"
        yield "processor time of the walk, to one UPDATE", us.cpu / one.cpu, "", None, "{:.2f}"
    if has("pgrail"):
        yield "heap growth", 100 * us.heap, "<=", 20, "{:.1f}%"
    if has("update", "pgrail-2"):
        yield "time of the walk, two workers, to one UPDATE", two.seconds / one.seconds, "<=", 0.75, "{:.2f}"
    if has("rows", "pgrail"):
        yield "times faster than row by row", best["rows"].seconds / us.seconds, ">=", 10, "{:.1f}"
    if has("skip-locked", "pgrail"):
        yield "times faster than the SKIP LOCKED loop", best["skip-locked"].seconds / us.seconds, ">=", 40, "{:.1f}"
    if has("skip-locked", "pgrail-2"):
        yield "the same with two workers", best["skip-locked"].seconds / two.seconds, ">=", 40, "{:.1f}"
    peaks = [r.rss for r in (us, two, gentle, best.get("quarter")) if r]
    if peaks:
        yield "peak memory of a process, MB", max(peaks), "<=", 30, "{:.1f}"
    if has("pgrail", "quarter"):
        yield "peak memory, to that of a quarter of the rows", us.rss / best["quarter"].rss, "<=", 1.1, "{:.2f}"
    if has("beside"):
        yield "99th percentile of the foreground, ms", worst(best["beside"], 99), "<=", 15, "{:.1f}"
        yield "the same with --gentle, to it paused", percentile(best["beside-gentle"].latencies["at work"], 99) / percentile(best["beside-gentle"].latencies["paused"], 99), "<=", 2, "{:.2f}"


def verdict(best):
    missed, others = 0, max((r.others for r in best.values()), default=0)
    if others > QUIET:
        print(f"\nOthers had up to {100 * others:.0f}% of the machine: times and latencies say little, the rest holds.")
    print(f"\n{'':<48} {'figure':>9}  {'goal':<9}")
    for what, figure, relation, limit, form in goals(best):
        if limit is None:
            print(f"{what:<48} {form.format(figure):>9}")
            continue
        reached = figure <= limit if relation == "<=" else figure >= limit
        missed += not reached
        print(f"{what:<48} {form.format(figure):>9}  {relation} {limit:<6g} {'reached' if reached else 'MISSED'}")
    return 1 if missed else 0


def arguments():
    names = [*PEERS, *OURS, *OTHERS]
    p = argparse.ArgumentParser(prog="./dev bench backfill", description="Backfills, beside what people do instead.")
    p.add_argument("--rows", type=int, default=2_400_000, help="lines of the example (default: 2400000)")
    p.add_argument("--major", type=int, default=15, help="PostgreSQL version (default: 15)")
    p.add_argument("--only", default=",".join(names), help="of " + ",".join(names))
    p.add_argument("--svg", help="file for the picture")
    given = p.parse_args()
    given.only = given.only.split(",")
    unknown = [n for n in given.only if n not in names]
    if unknown or given.rows < 80_000:
        p.error(f"no {unknown[0]}; there are: {', '.join(names)}" if unknown else "fewer than 80,000 rows say nothing")
    return given


def bars(best):
    """What the picture shows, in its order."""
    return [picture.Bar(best[n].name, best[n].seconds, best[n].heap, best[n].indexes, best[n].wal, n in OURS, best[n].reckoned)
            for n in ("update", "rows", "skip-locked", "trigger", "pgrail", "pgrail-2", "gentle") if n in best]


def main(given):
    server = None
    with tempfile.TemporaryDirectory(prefix="pgrail-bench-") as home:
        try:
            server = servers.Server(given.major, servers.bindirs()[given.major], SERVER)
            head(server, given.rows)
            b = Bench(server, home, given.rows)
            b.load("bench_loaded", given.rows)
            best = ways(b, given.only)
            if "memory" in given.only:
                b.load("bench_quarter", given.rows // 4)
                memory(b, best)
            if "foreground" in given.only:
                foreground(b, best)
            if given.svg and best:
                picture.write(given.svg, bars(best), f"Three columns out of JSONB, {given.rows:,} rows, PostgreSQL {given.major}")
            return verdict(best)
        finally:
            if server is not None:
                server.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)        # so that all is cleaned up as after Ctrl-C
    try:
        sys.exit(main(arguments()))
    except KeyboardInterrupt:
        sys.exit(130)
