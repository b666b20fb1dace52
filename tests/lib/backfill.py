"""Backfills cut by pgrail, and walks with the SQL that came out, step by step as the engine takes them.

    probe = Probe(db.url)
    cut = probe.cut("UPDATE t SET b = a")       the cut; probe.refused(…) the error of one that is none
    walk(conn, cut["walks"][0], limit=7)        runs the whole table through; gives the number of rows changed"""
import json
import os
import subprocess
from collections import defaultdict

from lib import runs

PROBE = os.path.join(os.path.dirname(runs.BIN), "tests", "backfill_probe")


class Probe:
    def __init__(self, url, **settings):
        options = " ".join(f"-c {k}={v}" for k, v in {"lc_messages": "C", **settings}.items())
        self.process = subprocess.Popen([PROBE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PGOPTIONS": options})

    def ask(self, text, name="0001_x.backfill.sql", prove=0):
        self.process.stdin.write(json.dumps({"name": name, "text": text, "prove": prove}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def otherwise_said(self, cases):
        """Of (sql, error, hint) those that are not refused in these words, with what is said of them."""
        said = [(sql, error, hint, self.ask(sql)) for sql, error, hint in cases]
        return [(sql, s.get("error", s), s.get("hint")) for sql, error, hint, s in said
                if "error" not in s or error not in s["error"] or hint not in s["hint"]]

    def cut(self, text):
        said = self.ask(text)
        assert "error" not in said, f"{said['error']} ({said['hint']}): {text}"
        return said

    def refused(self, text):
        said = self.ask(text)
        assert "error" in said, f"not refused: {text}"
        return said

    def prove(self, text, chunk):
        said = self.ask(text, prove=chunk)
        assert "error" not in said, f"{said['error']} ({said['hint']}): {text}"
        return said["proof"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()


def literal(text):
    return "'" + str(text).replace("'", "''") + "'"


def run(conn, sql, *params):
    """One text with its parameters, as text. Gives (rows, number of rows that a command changed)."""
    conn.execute("PREPARE q AS " + sql)
    try:
        cur = conn.execute("EXECUTE q" + (f"({', '.join(literal(p) for p in params)})" if params else ""))
        return (cur.fetchall() if cur.description else []), cur.rowcount
    finally:
        conn.execute("DEALLOCATE q")


def ranged(conn, texts, lower, upper, *more):
    """A text within a range of keys, each a tuple; lower None = from the beginning."""
    return run(conn, texts["first"], *upper, *more) if lower is None else run(conn, texts["next"], *lower, *upper, *more)


def edges(conn, w, limit):
    """(lower, upper) of every range of at most `limit` rows."""
    n, lower = len(w["keys"]), None
    while True:
        rows, _ = run(conn, w["edge"]["first"], limit) if lower is None else run(conn, w["edge"]["next"], *lower, limit)
        if not rows:
            return
        assert 0 < rows[0][n] <= limit or w["way"] == "blocks"
        yield lower, rows[0][:n]
        lower = rows[0][:n]


def array(values):
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


def some(conn, w, keys):
    return run(conn, w["some"], *(array(k[i] for k in keys) for i in range(len(w["keys"]))))[1]


def strided(conn, w, limit):
    """Two rows of each page of a chunk at a time, then the sweep. Gives rows changed by passes and by sweeps."""
    passes, swept, n = 0, 0, len(w["keys"])
    for lower, upper in edges(conn, w, limit):
        pages = defaultdict(list)
        for row in ranged(conn, w["rows"], lower, upper)[0]:
            pages[row[n].split(",")[0]].append(row[:n])
        while pages:
            passes += some(conn, w, [k for rows in pages.values() for k in rows[:2]])
            pages = {p: rows[2:] for p, rows in pages.items() if len(rows) > 2}
        swept += ranged(conn, w["sweep"], lower, upper)[1]
    return passes, swept


def walk(conn, w, limit):
    """The whole table, in ranges. Gives the number of rows changed."""
    return sum(ranged(conn, w["batch"], lower, upper)[1] for lower, upper in edges(conn, w, limit))


def whole(conn, w, texts, limit=10**9, at=0):
    """A count over the whole table: of `left`, or of a column of `tally`."""
    return sum(ranged(conn, texts, lower, upper)[0][0][at] for lower, upper in edges(conn, w, limit))


def wrong(conn, w):
    """Rows that lack their new values, as the tally counts them."""
    return whole(conn, w, w["tally"], at=1)


def pairs(conn, w):
    """Of each column that is compared what the tally says, in one query over the table."""
    (lower, upper), = edges(conn, w, 10**9)
    said = ranged(conn, w["tally"], lower, upper)[0][0][2:]
    return {c["is"]: said[5 * i:5 * i + 5] for i, c in enumerate(w["compare"])}
