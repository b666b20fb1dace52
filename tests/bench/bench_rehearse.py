#!/usr/bin/python3
"""bench_rehearse.py [runs]: what watching costs: the same script by psql and by pgrail rehearse, each on a fresh clone of the example with
2,400,000 rows, taking turns. Compared are the statements alone: psql's \\timing against the statement times of the rehearsal's
first up. Whatever else the machine does only adds time, so the ratio that counts is that of the fastest runs; that of the medians
stands beside it. The goal is 1.05."""
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from lib import runs, servers  # noqa: E402

servers.Kept.place = "/tmp"
EXAMPLE = os.path.join(runs.ROOT, "examples", "invoices")
SCRIPTS = {
    "index_concurrently": "CREATE INDEX CONCURRENTLY invoice_items_unpaid_idx ON invoice_items (invoice_id) WHERE paid_at IS NULL;\n"
                          "CREATE INDEX CONCURRENTLY invoice_items_created_idx ON invoice_items (created_at);\n",
    "index": "CREATE INDEX invoice_items_created_idx ON invoice_items (created_at, invoice_id);\n",
    "rewrite": "ALTER TABLE invoice_items ALTER COLUMN line_number TYPE bigint;\n",
    "check": "ALTER TABLE invoice_items ADD CONSTRAINT invoice_items_quantity_check CHECK (quantity > 0) NOT VALID;\n"
             "ALTER TABLE invoice_items VALIDATE CONSTRAINT invoice_items_quantity_check;\n",
}


def load(server, db):
    psql = ["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", server.conninfo(db.name)]
    subprocess.run([*psql, "-f", f"{EXAMPLE}/schema.sql", "-f", f"{EXAMPLE}/load.sql"], check=True)
    with db.connect() as c:
        c.execute("VACUUM")
        c.execute("CHECKPOINT")


def by_psql(server, template, script):
    """Milliseconds of the statements, as psql counts them."""
    with server.connect() as c:
        c.execute(f'CREATE DATABASE bench_psql TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        done = subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", server.conninfo("bench_psql"), "-c", "\\timing on", "-f", script],
                              check=True, capture_output=True, text=True)
        return sum(float(ms) for ms in re.findall(r"^Time: ([0-9.]+) ms", done.stdout, re.M))
    finally:
        with server.connect() as c:
            c.execute("DROP DATABASE bench_psql WITH (FORCE)")


def by_pgrail(project, version):
    got = project.pgrail("rehearse", version, "--force", "--json", timeout=600)
    assert got.status in (0, 1), got.err
    first = got.json["runs"][0]
    assert first["ok"], got.out
    return sum(s["elapsed_us"] for s in first["statements"]) / 1000


def line(name, t):
    print(f"{name:<20} {t[0]:>7.0f} ms {t[1]:>7.0f} ms {t[1] / t[0]:>7.3f} {t[3] / t[2]:>8.3f}", flush=True)


def main(n):
    pool = servers.Pool()
    try:
        server = pool.get(15)
        with server.connect() as c:                     # room for the table, as a real server has
            c.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
            c.execute("SELECT pg_reload_conf()")
        production, staging = server.new_db("bench_production"), server.new_db("bench_staging")
        load(server, production)
        load(server, staging)
        home = tempfile.mkdtemp(prefix="pgrail-bench-")
        project = runs.Project(f"{home}/project", home).environment("production", production).environment("staging", staging)
        print(f"{'fastest of ' + str(n):<20} {'psql':>10} {'pgrail':>10} {'ratio':>7} {'medians':>8}")
        total = [0.0, 0.0, 0.0, 0.0]
        for i, (name, sql) in enumerate(SCRIPTS.items(), 1):
            script = project.write(f"migrations/{i:04d}_{name}.up.sql", sql)
            project.pgrail("ground", f"{i:04d}", timeout=600).ok()
            psql, ours = [], []
            for turn in range(n):
                if turn % 2:
                    ours.append(by_pgrail(project, f"{i:04d}"))
                psql.append(by_psql(server, staging.name, script))
                if not turn % 2:
                    ours.append(by_pgrail(project, f"{i:04d}"))
            found = [min(psql), min(ours), statistics.median(psql), statistics.median(ours)]
            total = [t + f for t, f in zip(total, found)]
            line(name, found)
        line("all", total)
    finally:
        pool.close()


main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
