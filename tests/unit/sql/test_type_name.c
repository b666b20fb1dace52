#include "sql/sql.h"

#include <setjmp.h>

#include <cmocka.h>

/* What stands behind COLUMN: on a command line goes into a CAST: it must be one type, whatever else the text tries to be. */
static void test_types(void **state) {
    (void)state;
    static const char *const types[] = {"integer", "numeric(5,2)", "int[]", "integer[3]", "app.mood", "\"Odd Type\"", "character varying(20)", "timestamp(3) with time zone",
                                        "interval year to month", "double precision", "bit varying(3)", "int -- a comment", "int /* a comment */"};
    static const char *const others[] = {"", " ", "int;", "int; DROP TABLE t", "int)", "int) FROM t", "int, 1", "int FROM t", "int AS x", "int::text", "int x",
                                         "(int)", "1", "'a'", "int COLLATE \"C\"", "setof int", "int WHERE true", "int UNION SELECT 1", "int /* open", "int + 1",
                                         "int IS NULL", "int LIMIT 1", "int ORDER BY 1", "int FOR UPDATE", "int INTO t", "int[", "int = 1", "(SELECT 1)", "t.c%TYPE"};
    struct pr_arena *a = pr_arena_new(1 << 22);
    for (size_t i = 0; i < PR_COUNT(types); i++) {
        struct pr_err e = {0};
        if (pr_type_check(types[i], a, &e) != PR_OK) fail_msg("%s: %s", types[i], e.msg);
    }
    for (size_t i = 0; i < PR_COUNT(others); i++) {
        struct pr_err e = {0};
        if (pr_type_check(others[i], a, &e) != PR_ERR_USAGE) fail_msg("%s is taken for a type", others[i]);
    }
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
