"""Running the pgrail binary: to its end (run), or on a terminal of its own (Pty)."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass

from lib.servers import CLEAN

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("PGRAIL_BIN", os.path.join(ROOT, "build/out/pgrail")))
WRAP = os.environ.get("PGRAIL_WRAP", "").split()


def unit(name, **env):
    """Runs a unit test program, as unit("pg/test_statements", PGRAIL_TEST_CONNINFO=…): the same tests on another server."""
    program = os.path.join(os.path.dirname(BIN), "tests", "unit_" + name.replace("/", "_"))
    done = subprocess.run([*WRAP, program], env={**CLEAN, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}:\n{done.stdout}{done.stderr}"


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def ok(self):
        assert self.status == 0, f"status {self.status}\n{self.out}\n{self.err}"
        return self


def environment(home, more=None):
    """Nothing of the user's own: no PG* variables, no home, no colour."""
    env = {k: v for k, v in CLEAN.items() if not k.startswith("XDG_")}
    env.update(HOME=home, XDG_STATE_HOME=f"{home}/state", XDG_CONFIG_HOME=f"{home}/config", XDG_CACHE_HOME=f"{home}/cache",
               NO_COLOR="1", LC_ALL="C.UTF-8", TZ="UTC", TERM="xterm-256color")
    env.update(more or {})
    return {k: v for k, v in env.items() if v is not None}


def run(args, home, env=None, cwd=None, input=None, timeout=300):
    """pgrail ARGS in a session of its own (so without a terminal); returns a Result."""
    p = subprocess.Popen([*WRAP, BIN, *map(str, args)], stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd or home, env=environment(home, env),
                         start_new_session=True)
    try:
        out, err = p.communicate(input.encode() if isinstance(input, str) else input, timeout)
    except BaseException:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        raise
    return Result(p.returncode if p.returncode >= 0 else 128 - p.returncode, out.decode(), err.decode())


class Pty:
    """A program on a terminal of its own. expect() awaits a text (or a compiled pattern) in what it has printed since the
    last match; send() types; wait() returns the exit status. plain() is all output without escape sequences."""

    def __init__(self, argv, env, cwd, rows=40, columns=120):
        self.output, self.seen, self.status = "", 0, None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(argv[0], argv, {**env, "LINES": str(rows), "COLUMNS": str(columns)})
            finally:
                os._exit(127)                              # else this child would go on with the tests, and so would each of its own
        import fcntl, struct, termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = b""

    def read(self, seconds):
        """Takes in what comes within so many seconds; False at the end of the output."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.bytes += data
        self.output = self.bytes.decode(errors="replace").replace("\r\n", "\n")
        return data != b""

    def expect(self, what, timeout=60):
        deadline = time.monotonic() + timeout
        pattern = what if hasattr(what, "search") else re.compile(re.escape(what))
        more = True
        while not (m := pattern.search(self.output, self.seen)):
            assert more, f"ended without {what!r}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {what!r} within {timeout} s:\n{self.output}"
            more = self.read(0.2)
        self.seen = m.end()
        return m

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, timeout=60):
        deadline = time.monotonic() + timeout
        while self.read(0.2):
            assert time.monotonic() < deadline, f"still running after {timeout} s:\n{self.output}"
        self.close(kill=False)
        return self.status

    def plain(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.output)

    def close(self, kill=True):
        if self.status is not None:
            return
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.status = code if code >= 0 else 128 - code


class Project:
    """A folder with pgrail.conf and migrations. Environments are named by variables (PRODUCTION_URL), as a team would."""

    def __init__(self, folder, home):
        self.folder, self.home, self.env, self.sections, self.policy = str(folder), str(home), {}, [], {}
        os.makedirs(f"{self.folder}/migrations", exist_ok=True)
        self.write_conf()

    def environment(self, name, db, protected=False, **keys):
        """db has .url (a Db), or is a URL."""
        variable = f"{name.upper()}_URL"
        self.env[variable] = getattr(db, "url", db)
        lines = [f"[environment {name}]", f"env = {variable}", f"protected = {'yes' if protected else 'no'}"]
        self.sections.append("\n".join(lines + [f"{k} = {v}" for k, v in keys.items()]))
        self.write_conf()
        return self

    def write_conf(self):
        policy = ["[policy]\n" + "\n".join(f"{k} = {v}" for k, v in self.policy.items())] if self.policy else []
        self.write("pgrail.conf", "\n".join(["[project]\nmigrations = migrations", *self.sections, *policy]) + "\n")

    def write(self, path, text):
        whole = f"{self.folder}/{path}"
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return whole

    def read(self, path):
        with open(f"{self.folder}/{path}", encoding="utf-8") as f:
            return f.read()

    def migration(self, version, name, up, down=None):
        """Writes migrations/NNNN_name.up.sql and .down.sql; returns the up file's path, relative to the project."""
        path = f"migrations/{version:04d}_{name}"
        self.write(f"{path}.up.sql", up)
        if down is not None:
            self.write(f"{path}.down.sql", down)
        return f"{path}.up.sql"

    def pgrail(self, *args, env=None, **more):
        return run(args, self.home, env={**self.env, **(env or {})}, cwd=self.folder, **more)

    def pty(self, *args, env=None):
        """pgrail on a terminal, for the seam."""
        return Pty([*WRAP, BIN, *map(str, args)], environment(self.home, {**self.env, **(env or {})}), self.folder)
