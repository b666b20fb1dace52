/* Which relations a script touches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"

static void wants_of_a_script(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    static const char sql[] = "CREATE TABLE fresh (id int REFERENCES old (id));\nALTER TABLE fresh ADD COLUMN b int;\n"
                              "ALTER TABLE app.t ADD COLUMN b int;\nUPDATE app.t SET b = 1;\nCREATE INDEX t_b ON app.t (b);\nDROP INDEX other_idx;\nnonsense;";
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    assert_int_equal(pr_script_parse(sql, strlen(sql), a, &s, &e), PR_OK);
    struct pr_want *wants = NULL;
    assert_int_equal(pr_facts_wants(&s, a, &wants), 3);
    assert_string_equal(wants[0].name, "old");
    assert_string_equal(wants[1].schema, "app");
    assert_string_equal(wants[1].name, "t");
    assert_string_equal(wants[2].name, "other_idx");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wants_of_a_script)};
    return cmocka_run_group_tests_name("wants", tests, NULL, NULL);
}
