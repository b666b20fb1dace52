#include "ops/names.h"

#include <setjmp.h>

#include <cmocka.h>

/* Names on a command line are read as SQL reads them. */
static void test_relations(void **state) {
    (void)state;
    static const struct { const char *text, *schema, *name; } cases[] = {
        {"invoices", NULL, "invoices"}, {"INVOICES", NULL, "invoices"}, {"App.Orders", "app", "orders"}, {"\"Odd.Name\"", NULL, "Odd.Name"},
        {"app.\"O\"\"K\"", "app", "O\"K"}, {"\"a:b\"", NULL, "a:b"}, {"\xc3\x84rger", NULL, "\xc3\x84rger"}};
    static const char *const wrong[] = {"", ".", "a.", ".a", "a.b.c", "\"", "\"\"", "x\"y\"z.", "\"a\"b", "a:b"};
    struct pr_arena *a = pr_arena_new(1 << 20);
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_want w = {0};
        struct pr_err e = {0};
        assert_int_equal(pr_typed_relation(a, cases[i].text, &w, &e), PR_OK);
        assert_true(pr_eq(w.schema, cases[i].schema));
        assert_string_equal(w.name, cases[i].name);
    }
    for (size_t i = 0; i < PR_COUNT(wrong); i++) {
        struct pr_want w = {0};
        struct pr_err e = {0};
        if (pr_typed_relation(a, wrong[i], &w, &e) != PR_ERR_USAGE) fail_msg("%s is taken for a relation", wrong[i]);
    }
    pr_arena_free(a);
}

/* Keys of JSON keep their case; a colon and a dot end a part unless they are quoted. */
static void test_parts(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(1 << 20);
    const char *s = "Vat.Rate.\"x.y:z\":numeric(5,2)";
    assert_string_equal(pr_typed_part(a, &s, true), "vat");
    s++;
    assert_string_equal(pr_typed_part(a, &s, false), "Rate");
    s++;
    assert_string_equal(pr_typed_part(a, &s, false), "x.y:z");
    assert_string_equal(s, ":numeric(5,2)");
    s = ":int";
    assert_null(pr_typed_part(a, &s, true));
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_relations), cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
