/* testdb.h: a real server for a unit test program, as cmocka's group set-up and tear-down: one throwaway cluster of the newest
 * version, one session, an arena. Gone at the end, also after a crash. With PGRAIL_TEST_CONNINFO, that server instead: so
 * tests/server runs the same program on every version. */
#ifndef PR_TESTDB_H
#define PR_TESTDB_H

#include "base/base.h"
#include "pg/pg.h"
#include "proc/proc.h"

struct testdb {
    struct pr_arena *a;
    struct pr_cluster *cluster;    /* NULL with PGRAIL_TEST_CONNINFO */
    const char *conninfo;
    struct pr_pg *pg;              /* superuser, in the database of conninfo */
    struct pr_err e;
};

int testdb_up(void **state);
int testdb_down(void **state);
int testdb_clear(void **state);    /* a test's set-up: an open transaction is rolled back, e is emptied */

/* Another session; fails the test when it cannot be had. Close it with pr_pg_close. */
struct pr_pg *testdb_open(struct testdb *t, const char *conninfo);

/* One statement that must succeed; its first cell or NULL. In a session of the caller's, or with NULL in t->pg. */
const char *testdb_value(struct testdb *t, struct pr_pg *pg, const char *sql);

#endif
