/* Patterns tell the form of a text and nothing of what it says. */
#include "profile/profile.h"

#include <setjmp.h>

#include <cmocka.h>

static const char *mask(struct pr_arena *a, const char *text) { return pr_profile_mask(a, text); }

static void test_classes(void **state) {
    (void)state;
    static const struct { const char *text, *pattern; } cases[] = {
        {"", ""}, {"x", "a"}, {"X", "A"}, {"ab", "a+"}, {"AB", "A+"}, {"7", "9"}, {"2024", "9{4}"}, {"Anna Schmidt", "Aa+ Aa+"},
        {"A-1234", "A-9{4}"}, {"INV-2021-000123", "A+-9{4}-9{6}"}, {"  x \t y", " a a"}, {"alice@example.com", "a+@a+.a+"},
        {"(0)", "(9)"}, {"--", "--"}, {"McDonald", "AaAa+"}, {"Böhm", "Aa+"}, {"ÄRGER", "A+"}, {"Ångström", "Aa+"}, {"Жук", "Aa+"},
        {"李小龍", "x+"}, {"5 €", "9 *"}, {"\x1b[2J", "*[9A"}, {"a\xe2\x80\x8b" "b", "a*a"}, {"\xc3", "*"}};
    struct pr_arena *a = pr_arena_new(1 << 20);
    for (size_t i = 0; i < PR_COUNT(cases); i++) assert_string_equal(mask(a, cases[i].text), cases[i].pattern);
    pr_arena_free(a);
}

static void test_length(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(1 << 20);
    char text[200] = "";
    memset(text, '.', 64);
    text[64] = '\0';
    assert_string_equal(mask(a, text), text);
    memset(text, 'x', 150);
    text[150] = '\0';
    assert_string_equal(mask(a, text), "a+…");
    pr_arena_free(a);
}

/* Two texts of the same form are the same, and no letter or digit but those of the classes is left. */
static void test_nothing_is_left(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(1 << 20);
    assert_string_equal(mask(a, "Maria Huber, 4711"), mask(a, "Jonas Brandt, 9999"));
    for (int c = 1; c < 256; c++) {
        const char text[2] = {(char)c, '\0'};
        const char *pattern = mask(a, text);
        assert_non_null(strpbrk(pattern, c < 128 && c > ' ' && c < 127 ? " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aA9" : " *aAx"));
        assert_int_equal(strlen(pattern), 1);
    }
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_length), cmocka_unit_test(test_nothing_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
