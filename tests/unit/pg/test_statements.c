/* test_statements.c: our statements and the user's, on a real server: shapes, deadlines, watches, cancels, bounds. */
#include "testdb.h"

#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

static const struct pr_pg_stmt two_columns = {
    .name = "pair", .sql = "SELECT $1::int + 1, $2::text", .n_params = 2, .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = 10000};

static void test_params_nulls_and_utf8(void **state) {
    struct testdb *t = *state;
    struct pr_pg_rows r = {0};
    assert_int_equal(pr_pg_query(t->pg, &two_columns, (const char *const[]){"41", "grüße 'x'"}, t->a, &r, &t->e), PR_OK);
    assert_string_equal(PR_CELL(&r, 0, 0), "42");
    assert_string_equal(PR_CELL(&r, 0, 1), "grüße 'x'");
    assert_int_equal(pr_pg_query(t->pg, &two_columns, (const char *const[]){"1", NULL}, t->a, &r, &t->e), PR_OK);
    assert_null(PR_CELL(&r, 0, 1));
}

static void test_shapes(void **state) {
    struct testdb *t = *state;
    static const struct { enum pr_shape shape; int n_cols; const char *sql; enum pr_code code; } cases[] = {
        {PR_ONE_ROW, 1, "SELECT 1", PR_OK},
        {PR_ONE_ROW, 1, "SELECT 1 WHERE false", PR_ERR_DB_SHAPE},
        {PR_ONE_ROW, 1, "SELECT generate_series(1, 2)", PR_ERR_DB_SHAPE},
        {PR_ONE_ROW, 2, "SELECT 1", PR_ERR_DB_SHAPE},
        {PR_MAYBE_ROW, 1, "SELECT 1 WHERE false", PR_OK},
        {PR_MAYBE_ROW, 1, "SELECT generate_series(1, 2)", PR_ERR_DB_SHAPE},
        {PR_ROWS, 1, "SELECT generate_series(1, 2)", PR_OK},
        {PR_ROWS, 1, "SELECT 1 WHERE false", PR_OK},
        {PR_ROWS, 1, "SELECT 1, 2", PR_ERR_DB_SHAPE},
        {PR_NO_ROWS, 0, "SET work_mem = '4MB'", PR_OK},
        {PR_NO_ROWS, 0, "SELECT 1", PR_ERR_DB_SHAPE},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_pg_stmt q = {
            .name = "case", .sql = cases[i].sql, .shape = cases[i].shape, .n_cols = cases[i].n_cols, .timeout_ms = 10000};
        struct pr_pg_rows r = {.n_rows = 99};
        assert_int_equal(pr_pg_query(t->pg, &q, NULL, t->a, &r, &t->e), cases[i].code);
        if (cases[i].code != PR_OK) assert_int_equal(r.n_rows, 99);     /* untouched on failure */
    }
}

static void test_deadline_leaves_a_usable_session(void **state) {
    struct testdb *t = *state;
    assert_int_equal(pr_pg_do(t->pg, "nap", "SELECT pg_sleep(600)", 100, &t->e), PR_ERR_TIMEOUT);
    assert_non_null(strstr(t->e.msg, "nap"));
    assert_string_equal(testdb_value(t, NULL, "SELECT 'still here'"), "still here");
}

static void test_errors_name_statement_and_state(void **state) {
    struct testdb *t = *state;
    assert_int_equal(pr_pg_do(t->pg, "sums", "SELECT 1/0", 10000, &t->e), PR_ERR_DB);
    assert_string_equal(t->e.sqlstate, "22012");
    assert_string_equal(t->e.msg, "sums: division by zero");
}

static void test_values_stay_out_of_errors(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE TEMP TABLE secrets (a text PRIMARY KEY, b int CHECK (b > 0))");
    (void)testdb_value(t, NULL, "INSERT INTO secrets VALUES ('hunter2', 1)");
    static const char *const bad[] = {
        "INSERT INTO secrets VALUES ('hunter2', 2)", "INSERT INTO secrets VALUES ('hunter2x', -1)",
        "SELECT a::int FROM secrets", "SELECT a::timestamptz FROM secrets", "SELECT ('1' || repeat('9', 30))::int4",
        "ALTER TABLE secrets ALTER COLUMN a TYPE int USING a::int", "SELECT a::uuid FROM secrets", "SELECT a::json FROM secrets",
    };
    for (size_t i = 0; i < PR_COUNT(bad); i++) {
        assert_int_equal(pr_pg_do(t->pg, "x", bad[i], 10000, &t->e), PR_ERR_DB);
        assert_null(strstr(t->e.msg, "hunter2"));
        assert_null(strstr(t->e.msg, "999"));
        assert_null(strstr(t->e.hint, "hunter2"));
    }
}

static void test_one_statement_alone(void **state) {
    struct testdb *t = *state;
    assert_int_equal(pr_pg_do(t->pg, "x", "SELECT 1; SELECT 2", 10000, &t->e), PR_ERR_DB);
    assert_string_equal(t->e.sqlstate, "42601");
}

struct watch { int ticks; int64_t stop_after_us; };

static enum pr_code tick(void *ctx, int64_t elapsed_us, struct pr_err *e) {
    struct watch *w = ctx;
    w->ticks++;
    if (elapsed_us < w->stop_after_us) return PR_OK;
    return PR_FAIL(e, PR_ERR_ABORTED, "the watch says stop");
}

static struct pr_pg_done ran(struct testdb *t, const char *sql, enum pr_code code) {
    struct pr_pg_done done = {0};
    assert_int_equal(pr_pg_run(t->pg, sql, NULL, t->a, &done, &t->e), code);
    assert_true(done.finished == (code == PR_OK));
    return done;
}

static void test_run_tells_tag_and_rows(void **state) {
    struct testdb *t = *state;
    static const struct { const char *sql, *tag; int64_t rows; } cases[] = {
        {"CREATE TEMP TABLE r (a int)", "CREATE TABLE", -1}, {"INSERT INTO r SELECT generate_series(1, 1000)", "INSERT", 1000},
        {"UPDATE r SET a = a + 1 WHERE a <= 10", "UPDATE", 10}, {"DELETE FROM r WHERE a > 500", "DELETE", 500},
        {"SELECT * FROM r", "SELECT", 500}, {"CREATE INDEX ON r (a)", "CREATE INDEX", -1}, {"COPY r TO STDOUT", "COPY", 500},
        {"ANALYZE r", "ANALYZE", -1}, {"BEGIN", "BEGIN", -1}, {"ROLLBACK", "ROLLBACK", -1}, {"-- nothing", "", -1},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_pg_done done = ran(t, cases[i].sql, PR_OK);
        assert_string_equal(done.tag, cases[i].tag);
        assert_int_equal(done.rows, cases[i].rows);
        assert_true(done.elapsed_us > 0);
    }
}

static void test_run_on_failure(void **state) {
    struct testdb *t = *state;
    const struct pr_pg_done done = ran(t, "SELECT 1 FROM no_such_table", PR_ERR_DB);
    assert_string_equal(t->e.sqlstate, "42P01");
    assert_int_equal(done.error_position, 15);
    assert_int_equal(done.rows, -1);
    (void)ran(t, "COPY pg_class FROM STDIN", PR_ERR_DB);
    (void)ran(t, "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000) g(i) WHERE 1 / (15000 - i) < 5) TO STDOUT", PR_ERR_DB);
    assert_string_equal(testdb_value(t, NULL, "SELECT 'still here'"), "still here");
}

static void test_notices_in_order_and_capped(void **state) {
    struct testdb *t = *state;
    struct pr_pg_done done = ran(t, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two%', chr(27); END $$", PR_OK);
    assert_int_equal(done.n_notices, 2);
    assert_string_equal(done.notices[0], "NOTICE: one");
    assert_true(pr_starts(done.notices[1], "WARNING: two"));
    assert_null(strchr(done.notices[1], 27));
    done = ran(t, "DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE '%', repeat('x', 5000); END LOOP; END $$", PR_OK);
    assert_int_equal(done.n_notices, 200);
    assert_true(strlen(done.notices[199]) < 1100);
    done = ran(t, "DO $$ BEGIN RAISE NOTICE 'before'; RAISE EXCEPTION 'after'; END $$", PR_ERR_DB);
    assert_string_equal(done.notices[0], "NOTICE: before");
}

static void test_watch_ticks_and_stops(void **state) {
    struct testdb *t = *state;
    struct watch w = {.stop_after_us = 200000};
    const struct pr_pg_watch watch = {.interval_ms = 10, .tick = tick, .ctx = &w};
    struct pr_pg_done done = {0};
    assert_int_equal(pr_pg_run(t->pg, "SELECT pg_sleep(600)", &watch, t->a, &done, &t->e), PR_ERR_ABORTED);
    assert_string_equal(t->e.msg, "the watch says stop");
    assert_false(done.finished);
    assert_true(w.ticks > 1);
    assert_true(done.elapsed_us >= 200000);
    assert_string_equal(testdb_value(t, NULL, "SELECT 'still here'"), "still here");
}

/* A statement that a cancel does not reach has done its work, and the caller must know. */
static void test_watch_that_comes_too_late(void **state) {
    struct testdb *t = *state;
    struct watch w = {.stop_after_us = 0};
    const struct pr_pg_watch watch = {.interval_ms = 50, .tick = tick, .ctx = &w};
    struct pr_pg_done done = {0};
    const char *deaf = "DO $$ BEGIN CREATE TEMP TABLE deaf (a int); PERFORM pg_sleep(1); "
                       "EXCEPTION WHEN query_canceled THEN CREATE TEMP TABLE deaf (a int); END $$";
    assert_int_equal(pr_pg_run(t->pg, deaf, &watch, t->a, &done, &t->e), PR_ERR_ABORTED);
    assert_true(done.finished);
    assert_string_equal(testdb_value(t, NULL, "SELECT to_regclass('deaf') IS NOT NULL"), "t");
}

static void do_nothing(int sig) {
}

static void test_signal_calls_the_watch_at_once(void **state) {
    struct testdb *t = *state;
    struct watch w = {.stop_after_us = 0};
    const struct pr_pg_watch watch = {.interval_ms = 3600000, .tick = tick, .ctx = &w};
    struct pr_pg_done done = {0};
    (void)signal(SIGALRM, do_nothing);
    (void)ualarm(100000, 0);
    assert_int_equal(pr_pg_run(t->pg, "SELECT pg_sleep(600)", &watch, t->a, &done, &t->e), PR_ERR_ABORTED);
    assert_int_equal(w.ticks, 1);
}

static void test_lost_link(void **state) {
    struct testdb *t = *state;
    struct pr_pg *pg = testdb_open(t, t->conninfo);
    struct pr_pg_done done = {0};
    const char *die = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)";
    assert_int_equal(pr_pg_run(pg, die, NULL, t->a, &done, &t->e), PR_ERR_CONNECT);
    assert_string_equal(t->e.sqlstate, "57P01");
    assert_false(done.finished);
    assert_int_equal(pr_pg_do(pg, "again", "SELECT 1", 10000, &t->e), PR_ERR_CONNECT);
    pr_pg_close(pg);
}

static enum pr_code read_it(struct testdb *t, const char *sql, struct pr_pg_table *out) {
    const struct pr_pg_read q = {.sql = sql, .max_rows = 250, .max_bytes = 1000000, .timeout_ms = 20000};
    t->e = (struct pr_err){0};
    return pr_pg_read(t->pg, &q, t->a, out, &t->e);
}

static void test_read_rows_columns_types(void **state) {
    struct testdb *t = *state;
    struct pr_pg_table out = {0};
    assert_int_equal(read_it(t, "SELECT i AS n, i::numeric(9,2) AS amount, NULL::text[] FROM generate_series(1, 3) i;", &out), PR_OK);
    assert_int_equal(out.rows.n_rows, 3);
    assert_int_equal(out.rows.n_cols, 3);
    assert_false(out.truncated);
    assert_string_equal(out.columns[1], "amount");
    assert_string_equal(out.types[0], "integer");
    assert_string_equal(out.types[1], "numeric(9,2)");
    assert_string_equal(out.types[2], "text[]");
    assert_string_equal(PR_CELL(&out.rows, 2, 1), "3.00");
    assert_null(PR_CELL(&out.rows, 2, 2));
}

static void test_read_bounds(void **state) {
    struct testdb *t = *state;
    static const struct { const char *sql; int rows; bool truncated; } cases[] = {
        {"SELECT generate_series(1, 249)", 249, false}, {"SELECT generate_series(1, 250)", 250, false},
        {"SELECT generate_series(1, 251)", 250, true}, {"SELECT generate_series(1, 100000000)", 250, true},
        {"SELECT 1 WHERE false", 0, false}, {"SELECT", 1, false},
        {"SELECT repeat('x', 100000) FROM generate_series(1, 10)", 10, false},
        {"SELECT repeat('x', 100000) FROM generate_series(1, 11)", 10, true}, {"SELECT repeat('x', 2000000)", 0, true},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_pg_table out = {0};
        assert_int_equal(read_it(t, cases[i].sql, &out), PR_OK);
        assert_int_equal(out.rows.n_rows, cases[i].rows);
        assert_true(out.truncated == cases[i].truncated);
    }
}

/* The wrapper's allow-list is the server's grammar. */
static void test_read_takes_queries_alone(void **state) {
    struct testdb *t = *state;
    static const char *const good[] = {"SELECT 1", "VALUES (1), (2)", "TABLE pg_class", "WITH a AS (SELECT 1) SELECT * FROM a",
                                       "(SELECT 1) UNION ALL SELECT 2", "SELECT 1 -- done", "SELECT 1 ;"};
    static const char *const bad[] = {
        "EXPLAIN SELECT 1", "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "SHOW work_mem", "COMMIT", "BEGIN READ WRITE",
        "SET TRANSACTION READ WRITE", "COMMIT AND CHAIN", "SET work_mem = 1", "INSERT INTO t VALUES (1)", "DELETE FROM t",
        "COPY pg_class TO STDOUT", "DO $$ BEGIN END $$", "CALL x()", "NOTIFY x", "LISTEN x", "LOCK TABLE pg_class", "VACUUM",
        "ANALYZE", "REINDEX DATABASE postgres", "CLUSTER", "DISCARD ALL", "PREPARE p AS SELECT 1", "EXECUTE p",
        "DECLARE c CURSOR FOR SELECT 1", "SELECT 1 INTO x", "CREATE TABLE x AS SELECT 1", "RESET ALL", "CHECKPOINT", "",
        "/* open", "SELECT 1; COMMIT", "WITH d AS (DELETE FROM pg_class RETURNING 1) SELECT * FROM d",
        "SELECT * FROM pg_class FOR UPDATE", "SELECT $1",
    };
    struct pr_pg_table out = {0};
    for (size_t i = 0; i < PR_COUNT(good); i++) assert_int_equal(read_it(t, good[i], &out), PR_OK);
    for (size_t i = 0; i < PR_COUNT(bad); i++) {
        if (read_it(t, bad[i], &out) != PR_ERR_DB) fail_msg("went through: %s", bad[i]);
        assert_true(t->e.sqlstate[0] != '\0');
    }
    assert_string_equal(testdb_value(t, NULL, "SELECT to_regclass('x') IS NULL"), "t");
}

static void test_read_leaves_no_trace(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE TABLE kept (a int)");
    (void)testdb_value(t, NULL, "CREATE FUNCTION sneak() RETURNS int LANGUAGE plpgsql AS "
                                "$$ BEGIN INSERT INTO kept VALUES (1); RETURN 1; END $$");
    struct pr_pg_table out = {0};
    assert_int_equal(read_it(t, "SELECT sneak()", &out), PR_ERR_DB);
    assert_string_equal(t->e.sqlstate, "25006");
    assert_int_equal(read_it(t, "SELECT set_config('work_mem', '77MB', false)", &out), PR_OK);
    assert_string_not_equal(testdb_value(t, NULL, "SHOW work_mem"), "77MB");
    assert_int_equal(read_it(t, "SELECT set_config('transaction_read_only', 'off', false)", &out), PR_ERR_DB);
    assert_string_equal(testdb_value(t, NULL, "SELECT count(*) FROM kept"), "0");
    assert_int_equal(ran(t, "BEGIN", PR_OK).n_notices, 0);      /* "there is already a transaction in progress" */
}

static void test_read_error_position_is_the_users(void **state) {
    struct testdb *t = *state;
    struct pr_pg_table out = {0};
    assert_int_equal(read_it(t, "SELECT 'äöü', nope FROM pg_class", &out), PR_ERR_DB);
    assert_int_equal(out.error_position, 15);
    assert_string_equal(t->e.sqlstate, "42703");
}

static void test_read_deadline_holds_against_its_own_query(void **state) {
    struct testdb *t = *state;
    static const char *const slow[] = {
        "SELECT pg_sleep(600)", "SELECT set_config('statement_timeout', '0', false), pg_sleep(600)",
        "SELECT count(*) FROM generate_series(1, 100000000000)"};
    for (size_t i = 0; i < PR_COUNT(slow); i++) {
        struct pr_pg_table out = {0};
        const struct pr_pg_read q = {.sql = slow[i], .max_rows = 1, .max_bytes = 1000, .timeout_ms = 150};
        assert_int_equal(pr_pg_read(t->pg, &q, t->a, &out, &t->e), PR_ERR_TIMEOUT);
    }
    assert_string_equal(testdb_value(t, NULL, "SHOW statement_timeout"), "0");
}

static void test_read_search_path_and_length(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE SCHEMA elsewhere");
    (void)testdb_value(t, NULL, "CREATE TABLE elsewhere.only_here AS SELECT 5 AS five");
    struct pr_pg_table out = {0};
    struct pr_pg_read q = {.sql = "TABLE only_here", .max_rows = 9, .max_bytes = 1000, .timeout_ms = 10000};
    assert_int_equal(pr_pg_read(t->pg, &q, t->a, &out, &t->e), PR_ERR_DB);
    q.search_path = "elsewhere, public";
    assert_int_equal(pr_pg_read(t->pg, &q, t->a, &out, &t->e), PR_OK);
    assert_string_equal(PR_CELL(&out.rows, 0, 0), "5");
    char *longer = pr_alloc(t->a, (64 << 10) + 2);
    memset(longer, ' ', (64 << 10) + 1);
    q.sql = longer;
    assert_int_equal(pr_pg_read(t->pg, &q, t->a, &out, &t->e), PR_ERR_BAD_INPUT);
}

/* The server checks what it sends against our encoding, even where its own knows no letters: text is UTF-8. */
static void test_bytes_of_an_ascii_database(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    struct pr_pg *pg = NULL;
    const struct pr_pg_where where = {.conninfo = t->conninfo, .dbname = "bytes", .timeout_ms = 10000};
    assert_int_equal(pr_pg_open(&where, &pg, &t->e), PR_OK);
    assert_int_equal(pr_pg_do(pg, "bytes", "SELECT 'a' || chr(255) || 'b'", 10000, &t->e), PR_ERR_DB);
    assert_string_equal(t->e.sqlstate, "22021");
    assert_string_equal(testdb_value(t, pg, "SELECT 'grün'"), "grün");
    pr_pg_close(pg);
    (void)testdb_value(t, NULL, "DROP DATABASE bytes");
}

#define T(name) cmocka_unit_test_setup(name, testdb_clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_params_nulls_and_utf8), T(test_shapes), T(test_deadline_leaves_a_usable_session),
        T(test_errors_name_statement_and_state), T(test_values_stay_out_of_errors), T(test_one_statement_alone),
        T(test_run_tells_tag_and_rows), T(test_run_on_failure), T(test_notices_in_order_and_capped),
        T(test_watch_ticks_and_stops), T(test_watch_that_comes_too_late), T(test_signal_calls_the_watch_at_once),
        T(test_lost_link), T(test_read_rows_columns_types), T(test_read_bounds), T(test_read_takes_queries_alone),
        T(test_read_leaves_no_trace), T(test_read_error_position_is_the_users),
        T(test_read_deadline_holds_against_its_own_query), T(test_read_search_path_and_length),
        T(test_bytes_of_an_ascii_database),
    };
    return cmocka_run_group_tests(tests, testdb_up, testdb_down);
}
