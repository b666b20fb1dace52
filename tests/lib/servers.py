"""Real PostgreSQL servers for the tests: one per major version and session, on Unix sockets alone, run by an unprivileged user."""
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psycopg

SUPPORTED = [13, 14, 15, 16, 17, 18]
ROOT_OF_TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEEPER = os.path.join(ROOT_OF_TESTS, "lib", "keeper.py")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("PG") or k.startswith("PGRAIL_")}


def majors():
    """The versions that tests run on; PGRAIL_TEST_MAJORS="15 18" limits them while one works on something."""
    wanted = os.environ.get("PGRAIL_TEST_MAJORS", "")
    return [int(m) for m in re.split(r"[ ,]+", wanted.strip()) if m] or SUPPORTED


def bindirs():
    """Major version to bin folder. A supported version that is not there is a failure of its tests, not a skip."""
    found = {}
    candidates = os.environ.get("PGRAIL_SERVERS", "").split(":") + [f"/usr/lib/postgresql/{m}/bin" for m in SUPPORTED]
    for folder in candidates:
        if folder and os.access(f"{folder}/postgres", os.X_OK):
            said = subprocess.run([f"{folder}/postgres", "--version"], capture_output=True, text=True, check=True).stdout
            found.setdefault(int(re.search(r"\) (\d+)", said).group(1)), folder)
    return found


def unprivileged():
    """uid and gid that servers run as: our own, or when we are root those of postgres."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    user = pwd.getpwnam("postgres")
    return user.pw_uid, user.pw_gid


def await_that(condition, what, seconds=60):
    """Waits until condition() is true; there is no other waiting in the tests."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return value


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        return [int(c) for c in f.read().split()]


def lives(pid):
    """Neither gone nor a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def place():
    """Where clusters lie: in memory when there is plenty. Thousands of databases come and go, and ext4 looks long for inodes that were
    not given back just now: half of the time of a whole run."""
    with open("/proc/mounts", encoding="utf-8") as f:
        in_memory = any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in f)
    with open("/proc/meminfo", encoding="utf-8") as f:
        available = int(re.search(r"MemAvailable: +(\d+) kB", f.read()).group(1)) << 10
    room = os.statvfs("/dev/shm") if in_memory else None
    return "/dev/shm" if in_memory and min(available, room.f_bavail * room.f_frsize) > 6 << 30 else "/tmp"


class Kept:
    """A server process in a private folder, under a keeper that outlives us just long enough to stop it."""
    place = place()                                                    # benches say "/tmp": what they measure has a disk
    around = ()                                                        # words before the keeper's own

    def __init__(self, purpose):
        self.uid, self.gid = unprivileged()
        self.folder = tempfile.mkdtemp(prefix=f"pgrailtest-{purpose}-", dir=self.place)
        os.chown(self.folder, self.uid, self.gid)
        self.keeper = None

    def as_user(self, argv):
        drop = {"user": self.uid, "group": self.gid, "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run(argv, capture_output=True, text=True, cwd=self.folder, env=CLEAN, **drop)
        assert done.returncode == 0, f"{argv[0]}: {done.stderr}"

    def start(self, argv):
        self.keeper = subprocess.Popen(
            [*self.around, sys.executable, KEEPER, self.folder, str(self.uid), str(self.gid), *argv], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=CLEAN, start_new_session=True)
        self.pid = int(self.keeper.stdout.readline())

    def again(self):
        """Starts it anew after it has ended."""
        self.keeper.stdin.write(b"again\n")
        self.keeper.stdin.flush()
        self.pid = int(self.keeper.stdout.readline())

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def close(self):
        if self.keeper is not None:
            self.keeper.stdin.close()
            self.keeper.wait()
            self.keeper.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Server(Kept):
    """host, port and major; connect(), new_db(). Superuser postgres, trust, fsync off. tcp: on 127.0.0.1 as well."""
    port = 5432

    def __init__(self, major, bindir, settings=(), tcp=False):
        super().__init__(f"pg{major}")
        self.major, self.bindir, self.host = major, bindir, self.folder
        if tcp:
            self.port = free_port()
        self.numbers = 0
        data = f"{self.folder}/data"
        self.as_user([f"{bindir}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        with open(f"{data}/postgresql.conf", "a", encoding="utf-8") as f:
            f.write(f"listen_addresses = '{'127.0.0.1' if tcp else ''}'\nunix_socket_directories = '{self.folder}'\nport = {self.port}\n"
                    "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 60\n"
                    "shared_buffers = 32MB\nmax_wal_size = 256MB\nmax_prepared_transactions = 5\nwal_level = logical\ntimezone = 'UTC'\n"
                    "autovacuum_naptime = 1d\n")     # nobody else uses up a transaction id, holds a snapshot, sets the visibility map
            f.writelines(f"{s}\n" for s in settings)
        self.boot()

    def boot(self):
        self.start([f"{self.bindir}/postgres", "-D", f"{self.folder}/data"])
        await_that(self.is_ready, f"PostgreSQL {self.major} ready")

    def is_ready(self):
        assert os.path.exists(f"/proc/{self.pid}"), f"PostgreSQL {self.major} did not start: {self.log()}"
        try:
            with open(f"{self.folder}/data/postmaster.pid", encoding="utf-8") as f:
                lines = f.read().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self.pid) and len(lines) >= 8 and lines[7].startswith("ready")

    def kill(self):
        """kill -9 of the postmaster and of all its children; again() starts it anew."""
        os.kill(self.pid, signal.SIGSTOP)                              # it has no more children while we count them
        children = children_of(self.pid)
        for pid in [self.pid, *children]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        await_that(lambda: not any(lives(pid) for pid in [self.pid, *children]), "server gone")

    def again(self):
        super().again()
        await_that(self.is_ready, f"PostgreSQL {self.major} ready again")

    def conninfo(self, dbname="postgres", user="postgres"):
        return f"host={self.host} port={self.port} user={user} dbname={dbname}"

    def url(self, dbname="postgres", user="postgres"):
        return f"postgresql://{user}@/{dbname}?host={self.host}&port={self.port}"

    def connect(self, dbname="postgres", user="postgres", autocommit=True, **more):
        return psycopg.connect(self.conninfo(dbname, user), autocommit=autocommit, **more)

    def new_db(self, name=None, template="template0"):
        self.numbers += 1
        return Db(self, name or f"t{self.numbers}", template)


class Cramped(Server):
    """A server with a file system of so many MB, on which tablespace cramped lies: what is full there is full nowhere else."""

    def __init__(self, major, bindir, megabytes):
        self.megabytes = megabytes
        super().__init__(major, bindir)
        with self.connect() as c:
            c.execute(f"CREATE TABLESPACE cramped LOCATION '{self.folder}/cramped'")

    def boot(self):
        """In a mount namespace of its own; who is not root makes one in which they are, and becomes themselves again in it."""
        root = os.getuid() == 0
        owner = (self.uid, self.gid) if root else (0, 0)
        mount = f'mkdir "$0" && mount -t tmpfs -o size={self.megabytes}m,mode=700,uid={owner[0]},gid={owner[1]} none "$0" && exec "$@"'
        self.around = ("unshare", "--mount", *(() if root else ("--user", "--map-root-user")), "sh", "-c", mount, f"{self.folder}/cramped",
                       *(() if root else ("unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")))
        super().boot()


class Standby(Server):
    """A hot standby of a server that has pg_basebackup (Debian's)."""

    def __init__(self, primary):
        Kept.__init__(self, f"standby{primary.major}")
        self.major, self.bindir, self.host, self.numbers = primary.major, primary.bindir, self.folder, 0
        self.as_user([f"{self.bindir}/pg_basebackup", "-D", f"{self.folder}/data", "-R", "-h", primary.host, "-p", str(primary.port), "-U", "postgres", "-c", "fast",
                      "--no-sync"])
        with open(f"{self.folder}/data/postgresql.conf", "a", encoding="utf-8") as f:
            f.write(f"unix_socket_directories = '{self.folder}'\narchive_mode = off\nwal_retrieve_retry_interval = 100ms\n")
        self.boot()


class Db:
    """A database of one test. sql() runs a script or one statement with parameters, in autocommit, and returns the last rows."""

    def __init__(self, server, name, template):
        self.server, self.name, self.major = server, name, server.major
        self.conninfo, self.url = server.conninfo(name), server.url(name)
        with server.connect() as c:
            c.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            c.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def connect(self, user="postgres", autocommit=True, **more):
        return self.server.connect(self.name, user, autocommit, **more)

    def sql(self, text, *params):
        with self.connect() as c:
            cur = c.execute(text, params or None)
            while cur.nextset():
                pass
            return cur.fetchall() if cur.description else []

    def value(self, text, *params):
        return self.sql(text, *params)[0][0]

    def vacuum_catalogs(self):
        """What tests make and take away by the hundred stays in the catalogs as dead rows, and each read is slower than the one before."""
        self.sql("VACUUM pg_class, pg_attribute, pg_depend, pg_shdepend, pg_type, pg_constraint, pg_index, pg_inherits, pg_proc, pg_rewrite, pg_trigger")

    def drop(self):
        with self.server.connect() as c:
            c.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


class Bouncer(Kept):
    """The real PgBouncer in front of a server, on a Unix socket. url(dbname) as of Server."""
    port = 6432

    def __init__(self, server, pool_mode="transaction", settings=()):
        super().__init__("bouncer")
        self.host, self.major = self.folder, server.major
        with open(f"{self.folder}/users", "w", encoding="utf-8") as f:
            f.write('"postgres" ""\n')
        with open(f"{self.folder}/ini", "w", encoding="utf-8") as f:
            f.write(f"[databases]\n* = host={server.host} port={server.port}\n[pgbouncer]\nlisten_port = {self.port}\n"
                    f"unix_socket_dir = {self.folder}\nauth_type = trust\nauth_file = {self.folder}/users\n"
                    f"pool_mode = {pool_mode}\ndefault_pool_size = 5\nadmin_users = postgres\n")
            f.writelines(f"{s}\n" for s in settings)
        for name in ("users", "ini"):
            os.chown(f"{self.folder}/{name}", self.uid, self.gid)
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program, "pgbouncer is not installed: run ./dev setup"
        self.start([program, f"{self.folder}/ini"])
        await_that(self.is_ready, "PgBouncer ready")

    conninfo, url, connect = Server.conninfo, Server.url, Server.connect

    def is_ready(self):
        assert os.path.exists(f"/proc/{self.pid}"), f"PgBouncer did not start: {self.log()}"
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(f"{self.folder}/.s.PGSQL.{self.port}") == 0


class Pool:
    """Each version booted once per session, when first asked for."""

    def __init__(self):
        self.bindirs, self.running = bindirs(), {}

    def get(self, major):
        assert major in self.bindirs, f"no PostgreSQL {major} here: run ./dev servers (PGRAIL_SERVERS names them)"
        if major not in self.running:
            self.running[major] = Server(major, self.bindirs[major])
        return self.running[major]

    def close(self):
        for s in self.running.values():
            s.close()
        self.running.clear()
