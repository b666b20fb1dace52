/* How a text is cut and parsed: places, comments, what is not SQL, what is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/sql.h"

struct fixture {
    struct pr_arena *a;
    struct pr_script s;
    struct pr_err e;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->a = pr_arena_new(PR_CAP_ARENA);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    pr_script_done(&f->s);
    pr_arena_free(f->a);
    free(f);
    return 0;
}

static const struct pr_script *parse_n(struct fixture *f, const char *text, size_t len) {
    pr_script_done(&f->s);
    assert_int_equal(pr_script_parse(text, len, f->a, &f->s, &f->e), PR_OK);
    return &f->s;
}
static const struct pr_script *parse(struct fixture *f, const char *text) { return parse_n(f, text, strlen(text)); }

static void test_places(void **state) {
    struct fixture *f = *state;
    const char *text = "\n-- first\nCREATE TABLE t (\n  a int\n)  ; -- trails\n\n  SELECT 'é;', 2 ;\nSELECT 3";
    const struct pr_script *s = parse(f, text);
    assert_int_equal(s->n, 3);
    assert_int_equal(s->n_unjudged, 0);
    assert_string_equal(s->stmts[0].text, "CREATE TABLE t (\n  a int\n)");
    assert_int_equal(s->stmts[0].line, 3);
    assert_int_equal(s->stmts[0].end_line, 5);
    assert_string_equal(s->stmts[0].comment, "first");
    assert_string_equal(s->stmts[1].text, "SELECT 'é;', 2");
    assert_int_equal(s->stmts[1].line, 7);
    assert_null(s->stmts[1].comment);
    assert_string_equal(s->stmts[2].text, "SELECT 3");
    assert_int_equal(s->stmts[2].line, 8);
    for (size_t i = 0; i < s->n; i++) {
        assert_int_equal(s->stmts[i].index, i);
        assert_memory_equal(text + s->stmts[i].offset, s->stmts[i].text, s->stmts[i].len);
    }
}

static void test_broken_in_the_middle(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "SELECT 1;\n\nSELECT 'ü' FORM t x;\nDROP TABLE t;");
    assert_int_equal(s->n, 3);
    assert_int_equal(s->n_unjudged, 1);
    assert_non_null(s->stmts[0].node);
    assert_null(s->stmts[1].node);
    assert_int_equal(s->stmts[1].unjudged, PR_UNPARSED);
    assert_string_equal(s->stmts[1].tag, "?");
    assert_string_equal(s->stmts[1].problem, "syntax error at or near \"t\"");
    assert_int_equal(s->stmts[1].problem_line, 3);
    assert_int_equal(s->stmts[1].problem_col, 17);
    assert_string_equal(s->stmts[2].tag, "DROP TABLE");
    assert_int_equal(s->stmts[2].line, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_in_the_middle, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
