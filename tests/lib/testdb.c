/* testdb.c: see testdb.h. */
#include "testdb.h"

#include <setjmp.h>

#include <cmocka.h>

int testdb_up(void **state) {
    struct testdb *t = calloc(1, sizeof *t);
    PR_ASSERT(t != NULL);
    t->a = pr_arena_new(PR_CAP_ARENA);
    static const char *const settings[] = {"max_connections = 40", "shared_buffers = 32MB", NULL};
    t->conninfo = getenv("PGRAIL_TEST_CONNINFO");
    enum pr_code code = PR_OK;
    if (t->conninfo == NULL)
        code = pr_cluster_open(&(struct pr_cluster_want){.purpose = "unit", .settings = settings}, &t->cluster, &t->e);
    if (code == PR_OK) {
        if (t->cluster != NULL) t->conninfo = pr_cluster_conninfo(t->cluster);
        const struct pr_pg_where where = {.conninfo = t->conninfo, .app = "pgrail/test", .timeout_ms = 10000};
        code = pr_pg_open(&where, &t->pg, &t->e);
    }
    if (code != PR_OK) (void)fprintf(stderr, "no server for this test: %s\n", t->e.msg);
    *state = t;
    return code == PR_OK ? 0 : -1;
}

int testdb_down(void **state) {
    struct testdb *t = *state;
    pr_pg_close(t->pg);
    pr_cluster_close(t->cluster);
    pr_arena_free(t->a);
    free(t);
    return 0;
}

int testdb_clear(void **state) {
    struct testdb *t = *state;
    t->e = (struct pr_err){0};
    return pr_pg_do(t->pg, "rollback", "ROLLBACK", 10000, &t->e) == PR_OK ? 0 : -1;
}

struct pr_pg *testdb_open(struct testdb *t, const char *conninfo) {
    struct pr_pg *pg = NULL;
    const struct pr_pg_where where = {.conninfo = conninfo, .app = "pgrail/test", .timeout_ms = 10000};
    if (pr_pg_open(&where, &pg, &t->e) != PR_OK) fail_msg("%s", t->e.msg);
    return pg;
}

const char *testdb_value(struct testdb *t, struct pr_pg *pg, const char *sql) {
    const struct pr_pg_stmt any = {.name = "test", .sql = sql, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = 30000};
    const struct pr_pg_stmt none = {.name = "test", .sql = sql, .shape = PR_NO_ROWS, .timeout_ms = 30000};
    struct pr_pg_rows r = {0};
    const bool rows = pr_starts(sql, "SELECT") || pr_starts(sql, "SHOW");
    if (pr_pg_query(pg != NULL ? pg : t->pg, rows ? &any : &none, NULL, t->a, &r, &t->e) != PR_OK) fail_msg("%s", t->e.msg);
    return r.n_rows > 0 && rows ? PR_CELL(&r, 0, 0) : NULL;
}
