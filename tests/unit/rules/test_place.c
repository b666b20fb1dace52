/* Where a finding is: columns in characters and in UTF-16 units, the part of a long line, and a fingerprint that survives moves. */
#include <setjmp.h>

#include "judged.h"

#include <cmocka.h>

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)

static const struct pr_finding *drop_in(struct pr_arena *a, const char *sql) {
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .tx = PR_TX_EACH});
    const struct pr_finding *f = found(&d, "drop-table");
    if (f == NULL) fail_msg("%s: not found", sql);
    return f;
}

static void columns_count_characters_and_utf16_units(void **state) {
    (void)state;
    ARENA(a);
    const struct { const char *sql; int col, col16; } cases[] = {
        {"DROP TABLE drafts;", 12, 12},
        {"/* ä */ DROP TABLE drafts;", 20, 20},
        {"/* 漢 */ DROP TABLE drafts;", 20, 20},
        {"/* 😀 */ DROP TABLE drafts;", 20, 21},
        {"SELECT '😀😀';\n  /* 😀 */\tDROP TABLE drafts;", 22, 23},
        {"\xEF\xBB\xBF" "DROP TABLE drafts;", 12, 12},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_finding *f = drop_in(a, cases[i].sql);
        if (f->col != cases[i].col || f->col16 != cases[i].col16)
            fail_msg("%s: column %d (%d UTF-16), expected %d (%d)", cases[i].sql, f->col, f->col16, cases[i].col, cases[i].col16);
        assert_int_equal(f->width, 6);
        assert_int_equal(f->source_col, 1);
    }
}

static void width_counts_units_too(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_finding *f = drop_in(a, "DROP TABLE \"x😀漢\";");
    assert_int_equal(f->width, 5);
    assert_int_equal(f->width16, 6);
}

/* Findings out of order (an ignore above, found last) and places far along one line: the same as counted from its start. */
static void places_do_not_depend_on_the_way_there(void **state) {
    (void)state;
    ARENA(a);
    struct pr_buf b = {.a = a};
    for (int i = 0; i < 300; i++) pr_addf(&b, "/* é😀 */ DROP TABLE t%d; %s", i, i % 40 == 39 ? "\n-- pgrail:ignore drop-column why\n" : "");
    const char *sql = pr_buf_text(&b);
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .tx = PR_TX_EACH});
    assert_true(d.findings.n > 300);
    for (size_t i = 0; i < d.findings.n; i++) {
        const struct pr_finding *f = &d.findings.items[i];
        int line = 0, col = 0, units = 1;
        pr_line_col(sql, f->offset, &line, &col);
        for (size_t k = f->offset; k > 0 && sql[k - 1] != '\n'; k--) {
            const unsigned char c = (unsigned char)sql[k - 1];
            units += (c & 0xC0) == 0x80 ? 0 : c >= 0xF0 ? 2 : 1;
        }
        assert_int_equal(f->line, line);
        assert_int_equal(f->col, col);
        assert_int_equal(f->col16, units);
    }
}

static void of_a_long_line_the_part_round_the_place_is_shown(void **state) {
    (void)state;
    ARENA(a);
    struct pr_buf b = {.a = a};
    for (int i = 0; i < 400; i++) pr_add(&b, "SELECT 'ü';");
    pr_add(&b, "DROP TABLE drafts; SELECT 2");
    const struct pr_finding *f = drop_in(a, pr_buf_text(&b));
    assert_int_equal(f->col, 400 * 11 + 12);
    const char *s = f->source;
    for (int i = f->source_col; i < f->col; i++)
        for (s++; ((unsigned char)*s & 0xC0) == 0x80; s++) {}
    assert_true(pr_starts(s, "drafts; SELECT 2"));
    assert_true(strlen(f->source) <= 500);
}

static const char *fingerprint(struct pr_arena *a, const char *sql) { return drop_in(a, sql)->fingerprint; }

static void a_fingerprint_survives_what_does_not_matter(void **state) {
    (void)state;
    ARENA(a);
    const char *first = fingerprint(a, "DROP TABLE drafts;");
    assert_int_equal(strlen(first), 32);
    assert_string_equal(fingerprint(a, "\n\n-- why\nSELECT 1;\n  DROP   TABLE\n\tdrafts;"), first);
    assert_string_equal(fingerprint(a, "\r\nDROP TABLE drafts ; SELECT 2"), first);
    assert_string_not_equal(fingerprint(a, "DROP TABLE draft;"), first);
    assert_string_not_equal(fingerprint(a, "DROP TABLE drafts CASCADE;"), first);
}

static void equal_findings_have_fingerprints_of_their_own(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_judged d = judged(a, (struct ask){.sql = "DROP TABLE d; DROP TABLE d; DROP TABLE d, d;", .tx = PR_TX_EACH});
    const struct pr_judged down = judged(a, (struct ask){.sql = "DROP TABLE d;", .tx = PR_TX_EACH, .is_down = true});
    assert_true(d.findings.n >= 3);
    for (size_t i = 0; i < d.findings.n; i++) {
        for (size_t k = 0; k < i; k++) assert_string_not_equal(d.findings.items[i].fingerprint, d.findings.items[k].fingerprint);
        for (size_t k = 0; k < down.findings.n; k++)
            assert_string_not_equal(d.findings.items[i].fingerprint, down.findings.items[k].fingerprint);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_count_characters_and_utf16_units),
        cmocka_unit_test(width_counts_units_too),
        cmocka_unit_test(places_do_not_depend_on_the_way_there),
        cmocka_unit_test(of_a_long_line_the_part_round_the_place_is_shown),
        cmocka_unit_test(a_fingerprint_survives_what_does_not_matter),
        cmocka_unit_test(equal_findings_have_fingerprints_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
