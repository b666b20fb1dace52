"""A `server` for suites whose SQL is plain: the oldest, the newest and Debian's own version stand for those between.

    from lib.few import server      takes the place of the one of conftest.py in that file"""
import pytest

from lib import servers


def few():
    have = servers.majors()
    return sorted({have[0], have[-1], *(m for m in have if m == 15)})


@pytest.fixture(scope="session", params=few(), ids=lambda m: f"pg{m}")
def server(request, pool):
    return pool.get(request.param)
