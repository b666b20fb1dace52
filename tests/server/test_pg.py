"""The statements of src/pg on every version: the unit test's program, on the servers of this session."""
from lib.runs import unit


def test_statements(db, server):
    unit("pg/test_statements", PGRAIL_TEST_CONNINFO=db.conninfo)
