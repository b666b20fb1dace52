/* What statements name. The statements of the lock matrix (every kind that ordinary migrations have), and queries where names need
 * care. Each is written out with its tag, its relations and its columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <strings.h>

#include <cmocka.h>

#include "sql/sql.h"

/* names: role kind name, ? = IF EXISTS. columns: + = created. grammar: the oldest that reads it; an older one must say so. */
struct example {
    const char *sql, *tag, *names, *columns;
    int grammar;
};

static const struct example examples[] = {
#include "examples.inc"
};

static const char *names_of(const struct pr_stmt *s, struct pr_arena *a) {
    static const char *const roles[] = {"target", "created", "referenced", "read"};
    static const char *const kinds[] = {"relation", "index", "sequence", "view", "type", "function", "other"};
    struct pr_name *list = NULL;
    struct pr_buf b = {.a = a};
    const size_t n = pr_stmt_names(s, a, &list);
    for (size_t i = 0; i < n; i++) {
        pr_addf(&b, "%s%s %s %s%s", i > 0 ? ", " : "", roles[list[i].role], kinds[list[i].kind],
                pr_qualified(a, list[i].schema, list[i].name), list[i].missing_ok ? "?" : "");
    }
    return pr_buf_text(&b);
}

static const char *columns_of(const struct pr_stmt *s, struct pr_arena *a) {
    struct pr_column_name *list = NULL;
    struct pr_buf b = {.a = a};
    const size_t n = pr_stmt_columns(s, a, &list);
    for (size_t i = 0; i < n; i++) {
        pr_addf(&b, "%s%s%s.%s%s", i > 0 ? " " : "", list[i].created ? "+" : "",
                pr_qualified(a, list[i].schema, list[i].relation), list[i].column, list[i].missing_ok ? "?" : "");
        /* The place is the name, or where a qualified name starts. */
        const char *at = s->text + (list[i].offset - s->offset);
        assert_true(list[i].offset >= s->offset && list[i].offset < s->offset + s->len);
        const bool here = strncasecmp(at, list[i].column, strlen(list[i].column)) == 0;
        assert_true(here || strchr(at, '.') != NULL);
    }
    return pr_buf_text(&b);
}

static void test_examples(void **state) {
    struct pr_err e = {0};
    for (size_t i = 0; i < PR_COUNT(examples); i++) {
        const struct example *x = &examples[i];
        struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
        struct pr_script s = {0};
        assert_int_equal(pr_script_parse(x->sql, strlen(x->sql), a, &s, &e), PR_OK);
        assert_int_equal(s.n, 1);
        if (x->grammar > pr_grammar_major()) {
            assert_int_equal(s.n_unjudged, 1);
        } else {
            assert_string_equal(s.stmts[0].tag, x->tag);
            assert_string_equal(names_of(&s.stmts[0], a), x->names);
            assert_string_equal(columns_of(&s.stmts[0], a), x->columns);
        }
        pr_script_done(&s);
        pr_arena_free(a);
    }
}

/* Names are places too: the same in a script with a byte-order mark, a comment and a broken statement before. */
static void test_places(void **state) {
    static const char text[] = "\xEF\xBB\xBF-- c\nSELEC;\nDROP TABLE IF EXISTS a.\"B c\", d;";
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_script s = {0};
    struct pr_err e = {0};
    struct pr_name *list = NULL;
    assert_int_equal(pr_script_parse(text, strlen(text), a, &s, &e), PR_OK);
    assert_int_equal(pr_stmt_names(&s.stmts[1], a, &list), 2);
    assert_memory_equal(text + list[0].offset, "a.\"B c\"", 7);
    assert_string_equal(list[0].name, "B c");
    assert_memory_equal(text + list[1].offset, "d;", 2);
    assert_int_equal(pr_stmt_names(&s.stmts[0], a, &list), 0);
    pr_script_done(&s);
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples), cmocka_unit_test(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
