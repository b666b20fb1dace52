"""query: the ways round a read-only guard, one by one, with an owner's and a superuser's rights: no effect, and a clear refusal.

What is refused comes as status 3 (pgrail) or 4 (the server); what is harmless because it is rolled back may be answered."""
import pytest

from lib.servers import await_that

SCHEMA = """CREATE TABLE t (id int PRIMARY KEY, x int);
INSERT INTO t SELECT g, g FROM generate_series(1, 10) AS g;
CREATE SEQUENCE s;
CREATE TABLE effects (what text);
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO effects VALUES ('volatile'); RETURN 1; END $$;
CREATE FUNCTION definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO effects VALUES ('definer'); RETURN 1; END $$;
CREATE FUNCTION unlocks() RETURNS int LANGUAGE plpgsql AS $$
BEGIN PERFORM set_config('transaction_read_only', 'off', false); INSERT INTO effects VALUES ('unlocks'); RETURN 1; END $$;
CREATE FUNCTION composite(t) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO effects VALUES ('attribute'); RETURN 1; END $$;
CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN 1; END $$;
CREATE FUNCTION op(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO effects VALUES ('operator'); RETURN 1; END $$;
CREATE OPERATOR ### (FUNCTION = op, LEFTARG = int, RIGHTARG = int);
CREATE VIEW v AS SELECT writes() AS w;"""

LEAVING = [
    "COMMIT", "ROLLBACK", "END", "COMMIT AND CHAIN", "ABORT", "BEGIN READ WRITE", "START TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE",
    "SET transaction_read_only = off", "SET default_transaction_read_only = off", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "COMMIT; INSERT INTO effects VALUES ('x')", "SELECT 1; COMMIT; INSERT INTO effects VALUES ('x')", "SELECT 1; INSERT INTO effects VALUES ('x')",
    "SET TRANSACTION READ WRITE; INSERT INTO effects VALUES ('x')", "SELECT 1\\; INSERT INTO effects VALUES ('x')",
    "SELECT 1 -- hidden\r; INSERT INTO effects VALUES ('x')", "SELECT 1 /* /* */ */; INSERT INTO effects VALUES ('x')",
    "SELECT 1; FETCH ALL FROM pgrail; INSERT INTO effects VALUES ('x')", "SAVEPOINT a", "PREPARE TRANSACTION 'x'", "DISCARD ALL", "RESET ALL",
    "ALTER ROLE CURRENT_USER SET default_transaction_read_only = off", "UPDATE pg_settings SET setting = 'off' WHERE name = 'transaction_read_only'",
]
WRITING = [
    "INSERT INTO effects VALUES ('x')", "UPDATE t SET x = 0", "DELETE FROM t", "TRUNCATE t", "SELECT * INTO copied FROM t", "CREATE TABLE copied AS TABLE t",
    "MERGE INTO t USING t AS o ON t.id = o.id WHEN MATCHED THEN DELETE", "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "WITH a AS (SELECT 1), b AS (INSERT INTO effects VALUES ('x') RETURNING 1) SELECT * FROM b", "PREPARE p AS DELETE FROM t", "EXECUTE p",
    "EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN ANALYZE CREATE TABLE copied AS TABLE t", "EXPLAIN ANALYZE SELECT * INTO copied FROM t",
    "EXPLAIN ANALYZE CREATE MATERIALIZED VIEW copied AS TABLE t", "EXPLAIN ANALYZE CREATE TEMP TABLE copied AS TABLE t", "EXPLAIN SELECT 1",
    "COPY t TO STDOUT", "COPY (DELETE FROM t RETURNING *) TO STDOUT", "COPY t TO '/tmp/pgrail_guard_copy'", "COPY t TO PROGRAM 'touch /tmp/pgrail_guard_copy'",
    "COPY t FROM PROGRAM 'echo 1'", "DO $$ BEGIN DELETE FROM t; END $$", "DO $$ BEGIN COMMIT; END $$", "CALL p()", "REINDEX TABLE t", "CLUSTER t USING t_pkey",
    "VACUUM FULL t", "ANALYZE t", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR KEY SHARE", "NOTIFY c", "LISTEN c",
    "CHECKPOINT", "LOAD 'plpgsql'", "ALTER SYSTEM SET work_mem = '5MB'", "SET ROLE postgres", "RESET ROLE", "SET SESSION AUTHORIZATION DEFAULT", "SHOW work_mem",
    "GRANT ALL ON t TO PUBLIC", "DECLARE c CURSOR WITH HOLD FOR TABLE t", "\\! touch /tmp/pgrail_guard_copy", "\\copy t to program 'touch /tmp/pgrail_guard_copy'",
]
BY_FUNCTION = [
    "SELECT writes()", "SELECT definer()", "SELECT unlocks()", "SELECT t.composite FROM t", "SELECT commits()", "SELECT 1 ### 2", "TABLE v", "VALUES (writes())",
    "SELECT * FROM ROWS FROM (writes())", "SELECT 1 LIMIT writes()", "SELECT count(*) FILTER (WHERE writes() > 0) FROM t", "SELECT x FROM t ORDER BY writes()",
    "((SELECT writes()))", "SELECT (SELECT definer())", "SELECT * FROM t, LATERAL (SELECT writes()) AS w",
]
DENIED = [
    "nextval('s')", "setval('s', 99)", "set_config('transaction_read_only', 'off', false)", "set_config('statement_timeout', '0', false)", "lo_create(0)",
    "lo_from_bytea(0, 'x')", "lo_put(1, 0, 'x')", "lo_import('/etc/hostname')", "lo_export(1, '/tmp/pgrail_guard_copy')", "lowrite(1, 'x')",
    "pg_logical_emit_message(false, 'pgrail', 'out')", "pg_notify('c', 'x')", "pg_advisory_lock(1)", "pg_try_advisory_lock(1)", "pg_export_snapshot()",
    "pg_terminate_backend(pid) FROM pg_stat_activity", "pg_cancel_backend(pid) FROM pg_stat_activity", "pg_switch_wal()", "pg_reload_conf()",
    "pg_rotate_logfile()", "pg_create_restore_point('x')", "pg_create_physical_replication_slot('pgrail_x', true)", "pg_read_file('/etc/hostname')",
    "pg_read_binary_file('/etc/hostname')", "pg_ls_dir('/')", "pg_stat_file('/etc/hostname')", "pg_stat_reset()", "txid_current()", "pg_current_xact_id()",
    "query_to_xml('SELECT 1', true, true, '')", "table_to_xml('t', true, true, '')", "* FROM ts_stat('SELECT ''a''::tsvector')",
    "ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')", "dblink_exec('dbname=x', 'DROP TABLE t')", "pg_import_system_collations('public')",
    "pg_promote()", "brin_summarize_new_values('t_pkey')", "pg_log_backend_memory_contexts(1)",
]
SPELLINGS = [
    "SELECT pg_catalog.nextval('s')", "SELECT NEXTVAL('s')", "SELECT \"nextval\"('s')", "SELECT U&\"\\006eextval\"('s')", "SELECT U&\"!006eextval\" UESCAPE '!' ('s')",
    "SELECT pg_catalog /* a */ . /* b */ nextval ('s')", "SELECT 1 LIMIT nextval('s')", "VALUES (nextval('s'))", "SELECT * FROM nextval('s')",
    "SELECT * FROM ROWS FROM (nextval('s'))", "WITH a AS MATERIALIZED (SELECT nextval('s') AS n) SELECT n FROM a", "SELECT (SELECT nextval('s'))",
    "SELECT count(*) FILTER (WHERE nextval('s') > 0) FROM t", "SELECT x FROM t ORDER BY nextval('s')", "SELECT x FROM t GROUP BY x HAVING nextval('s') > 0",
    "SELECT CASE WHEN true THEN nextval('s') END", "SELECT ARRAY[nextval('s')]", "SELECT x FROM t WHERE x IN (SELECT nextval('s'))", "SELECT ROW(nextval('s'))",
    "SELECT sum(x) OVER (ORDER BY nextval('s')) FROM t", "SELECT nextval('s')::text", "SELECT COALESCE(NULL, nextval('s'))", "SELECT (nextval('s')) UNION ALL SELECT 1",
    "SELECT * FROM t TABLESAMPLE bernoulli (nextval('s'))", "SELECT * FROM t JOIN t AS u ON nextval('s') > 0", "SELECT DISTINCT ON (nextval('s')) x FROM t",
    "SELECT * FROM t, LATERAL (SELECT nextval('s')) AS n", "SELECT GREATEST(1, nextval('s'))", "SELECT json_build_object('n', nextval('s'))",
]


@pytest.fixture
def guarded(project, db):
    db.sql(SCHEMA)
    project.environment("production", db)
    return project


def picture(db):
    """All that an attack could have changed."""
    return db.sql("""SELECT (SELECT array_agg(e)::text FROM effects AS e), (SELECT sum(x) FROM t), (SELECT (is_called, last_value)::text FROM s),
                            (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_replication_slots),
                            (SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM pg_db_role_setting),
                            (SELECT relfilenode FROM pg_class WHERE relname = 't_pkey'), (SELECT reltuples FROM pg_class WHERE relname = 't'),
                            to_regclass('copied') IS NULL""")


def test_no_effect(server, guarded, db):
    before = picture(db)
    for sql in LEAVING + WRITING + BY_FUNCTION:
        r = guarded.pgrail("query", sql)
        assert r.status == 4 and "pgrail: " in r.err, f"{sql}: {r}"
        assert picture(db) == before, sql
    for sql in [f"SELECT {d}" for d in DENIED] + SPELLINGS:
        r = guarded.pgrail("query", sql)
        assert r.status == 3 and "() " in r.err and "hint: " in r.err, f"{sql}: {r}"
        assert picture(db) == before, sql


def test_what_is_not_denied_is_answered(guarded):
    """The table must not stand in the way of ordinary questions."""
    for sql in ("SELECT currval_is FROM (SELECT 'nextval(''s'')' AS currval_is) AS x", "SELECT 'pg_terminate_backend(1)'", "SELECT lower('A'), now(), current_setting('work_mem')",
                "SELECT 1 /* nextval('s') */", "SELECT x AS nextval FROM t"):
        guarded.pgrail("query", sql).ok()


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(600)", "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b",
                                 "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r"])
def test_time_is_ours(guarded, db, sql):
    r = guarded.pgrail("query", sql, "--timeout", "300ms")
    assert r.status == 6 and "took longer than 300 ms" in r.err, r
    await_that(lambda: db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgrail%%' AND datname = %s", db.name) == 0, "no session left")


def test_a_function_that_lifts_the_timeout_is_stopped_all_the_same(guarded, db):
    db.sql("CREATE FUNCTION forever() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('statement_timeout', '0', false); PERFORM pg_sleep(600); RETURN 1; END $$")
    r = guarded.pgrail("query", "SELECT forever()", "--timeout", "300ms")
    assert r.status == 6, r


@pytest.mark.parametrize("options", ["-c default_transaction_read_only=off", "-c standard_conforming_strings=off", "-c statement_timeout=0 -c search_path=evil"])
def test_settings_of_the_connection_loosen_nothing(guarded, db, options):
    before = picture(db)
    for sql in ("INSERT INTO effects VALUES ('x')", "SELECT writes()", "SELECT 'a\\' , ' , writes() --'", "SELECT public.unlocks()"):
        guarded.pgrail("query", sql, env={"PGOPTIONS": options})
        assert picture(db) == before, sql
    assert guarded.pgrail("query", "SELECT pg_sleep(600)", "--timeout", "300ms", env={"PGOPTIONS": options}).status == 6
