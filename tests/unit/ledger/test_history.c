/* test_history.c: what the target remembers, on every server that is there. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "proc/proc.h"

struct world { struct pr_arena *a; struct pr_pg *pg; const char *conninfo; struct pr_err e; };

static struct pr_pg *connect_as(struct world *w, const char *user) {
    struct pr_pg *pg = NULL;
    const char *conninfo = user == NULL ? w->conninfo : pr_fmt(w->a, "%s user=%s", w->conninfo, user);
    if (pr_pg_open(&(struct pr_pg_where){.conninfo = conninfo, .app = "pgrail/test", .timeout_ms = 10000}, &pg, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return pg;
}

static void run(struct world *w, const char *sql) {
    if (pr_pg_do(w->pg, "test", sql, 10000, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

static size_t rows_of(struct world *w, struct pr_history_row **rows) {
    size_t n = 0;
    if (pr_history_read(w->pg, w->a, rows, &n, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return n;
}

static void records(struct world *w) {
    struct pr_history_row *rows = NULL;
    assert_int_equal(rows_of(w, &rows), 0);                    /* no schema yet, and reading does not make one */
    for (int i = 0; i < 2; i++)
        if (pr_history_ensure(w->pg, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    struct pr_history_row row = {.version = "0001", .migration = "0001_a", .sha256 = "aa", .direction = "up", .approved_by = "mara, o'neil",
                                 .pgrail_version = "0.1.0", .elapsed_us = 41000000000, .up_sha256 = "u", .down_sha256 = NULL, .run_id = "r1",
                                 .applied_at = "2026-11-21T11:00:00Z"};
    for (int i = 0; i < 2; i++)                                /* recorded again after a crash: still once */
        if (pr_history_add(w->pg, &row, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    row.direction = "down";
    row.run_id = "r2";
    row.applied_at = NULL;
    if (pr_history_add(w->pg, &row, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    assert_int_equal(rows_of(w, &rows), 2);
    assert_string_equal(rows[0].applied_at, "2026-11-21T11:00:00Z");
    assert_string_equal(rows[0].applied_by, "postgres");
    assert_string_equal(rows[0].approved_by, "mara, o'neil");
    assert_null(rows[0].down_sha256);
    assert_int_equal(rows[0].elapsed_us, 41000000000);
    assert_null(pr_history_applied(rows, 2, "0001"));
    assert_ptr_equal(pr_history_applied(rows, 1, "0001"), &rows[0]);
    row.direction = "sideways";
    row.run_id = "r3";
    assert_int_equal(pr_history_add(w->pg, &row, &w->e), PR_ERR_DB);
}

/* Under a session that is not friendly: other search_path, date style and time zone. */
static void is_not_led_astray(struct world *w) {
    struct pr_history_row *rows = NULL;
    run(w, "CREATE SCHEMA evil");
    run(w, "CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$");
    run(w, "SET search_path = evil, pg_catalog");
    run(w, "SET TimeZone = 'Pacific/Auckland'");
    run(w, "SET DateStyle = 'SQL, DMY'");
    assert_int_equal(rows_of(w, &rows), 2);
    assert_string_equal(rows[0].applied_at, "2026-11-21T11:00:00Z");
    const struct pr_history_row row = {.version = "2", .migration = "2_b", .sha256 = "b", .direction = "up", .pgrail_version = "x", .run_id = "r9"};
    assert_int_equal(pr_history_add(w->pg, &row, &w->e), PR_OK);
    assert_int_equal(rows_of(w, &rows), 3);
    assert_false(pr_starts(rows[2].applied_at, "1970"));
    run(w, "RESET ALL");
}

static void says_what_a_role_lacks(struct world *w) {
    run(w, "CREATE ROLE poor LOGIN");
    run(w, "DROP SCHEMA pgrail CASCADE");
    struct pr_pg *poor PR_CLEANUP(pr_pg_closep) = connect_as(w, "poor");
    assert_int_equal(pr_history_ensure(poor, &w->e), PR_ERR_DB);
    assert_string_equal(w->e.sqlstate, "42501");
    assert_string_equal(w->e.hint, "GRANT CREATE ON DATABASE postgres TO poor");
    run(w, "GRANT CREATE ON DATABASE postgres TO poor");
    if (pr_history_ensure(poor, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

static void on_every_server(void **state) {
    struct world w = {.a = pr_arena_new((size_t)64 << 20)};
    struct pr_server *servers = NULL;
    const size_t n = pr_servers(w.a, &servers);
    int seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (servers[i].major < 13 || servers[i].major > 18 || (i > 0 && servers[i].major == servers[i - 1].major)) continue;
        struct pr_cluster *c = NULL;
        if (pr_cluster_open(&(struct pr_cluster_want){.bindir = servers[i].bindir, .purpose = "unit"}, &c, &w.e) != PR_OK) fail_msg("%s", w.e.msg);
        w.conninfo = pr_cluster_conninfo(c);
        w.pg = connect_as(&w, NULL);
        records(&w);
        is_not_led_astray(&w);
        says_what_a_role_lacks(&w);
        pr_pg_close(w.pg);
        pr_cluster_close(c);
        seen++;
    }
    pr_arena_free(w.a);
    assert_true(seen > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_every_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
