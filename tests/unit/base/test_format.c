/* test_format.c: what we format ourselves is byte for byte what libc writes, whatever the room; the rest is left to libc. */
#include "base/base.h"

#include <limits.h>
#include <setjmp.h>

#include <cmocka.h>

PR_FORMAT(3, 4) static size_t ours(char *to, size_t room, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const size_t once = pr_vformat(to, room, fmt, ap), twice = pr_vformat(to, room, fmt, ap);      /* ap is as it was */
    va_end(ap);
    assert_int_equal(once, twice);
    return once;
}

/* In every room, from none to more than enough; behind it nothing is written. */
#define assert_as_libc(...)                                                                                                          \
    do {                                                                                                                             \
        char want[200], got[sizeof want];                                                                                            \
        for (size_t room = 0; room <= 100; room++) {                                                                                 \
            memset(want, '#', sizeof want);                                                                                          \
            memset(got, '#', sizeof got);                                                                                            \
            const int n = snprintf(want, room, __VA_ARGS__);                                                                         \
            assert_int_equal(n, ours(got, room, __VA_ARGS__));                                                                       \
            assert_memory_equal(want, got, sizeof want);                                                                             \
        }                                                                                                                            \
    } while (0)

static void test_as_libc(void **state) {
    static const char text[] = "a text of thirty-seven bytes, or so: é";
    assert_as_libc("%s", "");
    assert_as_libc("no conversion at all");
    assert_as_libc("%s.%s", "public", "invoice_items");
    assert_as_libc("%s%s%s", text, "", text);
    assert_as_libc("100%% of %c%c", 'x', '%');
    assert_as_libc("%d %d %d %d %d", 0, 7, -7, INT_MAX, INT_MIN);
    assert_as_libc("%" PRId64 "|%" PRId64 "|%" PRId64, INT64_MAX, INT64_MIN, INT64_C(-1));
    assert_as_libc("%zu/%zu/%zu", (size_t)0, (size_t)10, SIZE_MAX);
    assert_as_libc("[%.*s][%.*s][%.*s]", 3, text, 0, text, 500, text);
    assert_as_libc("[%*s][%*s][%*s][%*s]", 0, "", 5, "ab", 2, "abc", 70, "");
    assert_as_libc("%.*s", 2, "ab\0c");
}

/* What comes before it was written already. */
static void test_the_rest_is_libc_s(void **state) {
    assert_as_libc("%s: %5d", "five", 42);
    assert_as_libc("%s %02X %04x %u", "hex", 10U, 300U, UINT_MAX);
    assert_as_libc("%-6s|%6s|%.3s", "ab", "ab", "abcdef");
    assert_as_libc("%s %*s %.*s", "negative", -4, "a", -1, "abc");
    assert_as_libc("%s %" PRIu64 " %4" PRId64 " %lx", "long", UINT64_MAX, INT64_C(12), 255UL);
    assert_as_libc("%.*d %*d", 4, 7, 4, 7);
    assert_as_libc("%zx %ld %li", (size_t)255, 1L, 2L);
}

static void test_no_text_is_named(void **state) {
    const char *volatile none = NULL;
    char got[16];
    assert_int_equal(ours(got, sizeof got, "%s", none), 6);
    assert_string_equal(got, "(null)");
}

static void test_builders(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 24);
    char *wide = pr_alloc(a, 3001);
    memset(wide, 'w', 3000);
    assert_string_equal(pr_fmt(a, "%s", wide), wide);
    assert_string_equal(pr_fmt(a, "%3000s|%s", "", wide) + 3001, wide);      /* longer than a first try, and libc's */
    struct pr_buf b = {.a = a, .cap = 7000};
    for (int i = 0; i < 2; i++) pr_addf(&b, "%s%d", wide, i);
    assert_int_equal(b.len, 6002);
    pr_addf(&b, "%s", wide);
    assert_true(b.over);
    assert_int_equal(strlen(pr_buf_text(&b)), 6002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_libc),
        cmocka_unit_test(test_the_rest_is_libc_s),
        cmocka_unit_test(test_no_text_is_named),
        cmocka_unit_test(test_builders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
