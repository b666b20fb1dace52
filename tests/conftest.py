"""Fixtures of all tests. What they hand out is described where it is defined, in tests/lib.

server    each supported version in turn (PGRAIL_TEST_MAJORS limits them): Server
pg15      one server, for tests to which the version does not matter: Server
make_db   make_db(server=…) → Db, dropped after the test
db        a fresh database on the test's `server`, else on pg15: Db
pgbouncer pgbouncer(server, pool_mode="transaction") → Bouncer, stopped after the test
pgrail    pgrail("check", "--json", env={…}, cwd=…, input=…) → Result(status, out, err, json)
project   a Project: environment(), migration(), write(), pgrail(), pty()
pty       pty(argv, env={…}, cwd=…) → Pty, for other programs"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import runs, servers  # noqa: E402


@pytest.fixture(scope="session")
def pool():
    p = servers.Pool()
    yield p
    p.close()


@pytest.fixture(scope="session", params=servers.majors(), ids=lambda m: f"pg{m}")
def server(request, pool):
    return pool.get(request.param)


@pytest.fixture(scope="session")
def pg15(pool):
    return pool.get(15 if 15 in servers.majors() else servers.majors()[0])


@pytest.fixture
def make_db(request):
    made = []

    def make(server=None, name=None, template="template0"):
        server = server or request.getfixturevalue("server" if "server" in request.fixturenames else "pg15")
        made.append(server.new_db(name, template))
        return made[-1]

    yield make
    for d in reversed(made):
        d.drop()


@pytest.fixture
def db(make_db):
    return make_db()


@pytest.fixture
def pgbouncer():
    made = []

    def make(server, pool_mode="transaction", settings=()):
        made.append(servers.Bouncer(server, pool_mode, settings))
        return made[-1]

    yield make
    for b in made:
        b.close()


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def pgrail(home):
    return lambda *args, **more: runs.run(args, home, **more)


@pytest.fixture
def project(tmp_path, home):
    return runs.Project(tmp_path / "project", home)


@pytest.fixture
def pty(home):
    made = []

    def make(argv, env=None, cwd=None):
        made.append(runs.Pty(argv, runs.environment(home, env), cwd or home))
        return made[-1]

    yield make
    for p in made:
        p.close()
