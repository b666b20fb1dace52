#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

static int setup(void **state) {
    *state = pr_arena_new((size_t)64 << 20);
    return 0;
}

static int teardown(void **state) {
    pr_arena_free(*state);
    return 0;
}

static void codes_have_classes(void **state) {
    static const int classes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 70};
    for (int c = 0; c < PR_CODE_COUNT; c++) {
        const struct pr_code_info *i = pr_code_info((enum pr_code)c);
        bool known = false;
        for (size_t k = 0; k < PR_COUNT(classes); k++) known |= i->exit_status == classes[k];
        assert_true(known);
        assert_non_null(i->name);
        assert_non_null(i->text);
        for (int d = 0; d < c; d++) assert_string_not_equal(pr_code_info((enum pr_code)d)->name, i->name);
    }
}

/* Exit statuses are an interface: scripts and CI jobs look at them. */
static void exit_statuses_stay(void **state) {
    static const struct { enum pr_code code; int status; } table[] = {
        {PR_OK, 0},           {PR_ERR_FINDINGS, 1},   {PR_ERR_REHEARSAL_FAILED, 1}, {PR_ERR_DRIFT, 1},   {PR_ERR_USAGE, 2},
        {PR_ERR_CONFIG, 2},   {PR_ERR_NOT_GROUNDED, 3}, {PR_ERR_NOT_APPROVED, 3},   {PR_ERR_DB, 4},      {PR_ERR_CONNECT, 5},
        {PR_ERR_TIMEOUT, 6},  {PR_ERR_RETRIES, 6},    {PR_ERR_ABORTED, 7},          {PR_ERR_INTERRUPTED, 8}, {PR_ERR_NEEDS_PERSON, 9},
        {PR_ERR_BUG, 70},
    };
    for (size_t i = 0; i < PR_COUNT(table); i++) assert_int_equal(pr_code_info(table[i].code)->exit_status, table[i].status);
}

struct heard { char text[256]; };

static void hear(void *ctx, enum pr_line kind, const char *text) {
    struct heard *h = ctx;
    assert_int_equal(kind, PR_LINE_CODE);
    const size_t n = strlen(h->text);
    (void)snprintf(h->text + n, sizeof h->text - n, "[%s]", text);
}

static void code_is_said_line_by_line(void **state) {
    struct heard h = {""};
    const struct pr_talk t = {.ctx = &h, .line = hear};
    pr_say_code(&t, *state, "SELECT 1\r\n\n  FROM \033t\nWHERE", 3);
    assert_string_equal(h.text, "[SELECT 1][][  FROM \\x1Bt][…]");
    h.text[0] = '\0';
    pr_say_code(&t, *state, "a\nb", 0);
    assert_string_equal(h.text, "[a][b]");
}

static void an_error_keeps_message_hint_and_place(void **state) {
    struct pr_err e = {0};
    assert_int_equal(PR_FAIL(&e, PR_ERR_STALE, "the table %s moved", "t"), PR_ERR_STALE);
    assert_int_equal(pr_hint(&e, "pgrail ground %d", 247), PR_ERR_STALE);
    assert_int_equal(pr_prefix(&e, "migrations/%s", "x.sql"), PR_ERR_STALE);
    assert_string_equal(e.msg, "migrations/x.sql: the table t moved");
    assert_string_equal(e.hint, "pgrail ground 247");
    assert_string_equal(e.where, __func__);
}

static void a_long_message_is_cut_not_overrun(void **state) {
    char *longer = pr_alloc(*state, 5000);
    memset(longer, 'x', 4999);
    struct pr_err e = {0};
    (void)PR_FAIL(&e, PR_ERR_DB, "%s", longer);
    for (int i = 0; i < 5; i++) (void)pr_prefix(&e, "%s", longer);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
}

static void arena_grows_and_keeps(void **state) {
    int *items = NULL;
    size_t n = 0, cap = 0;
    for (int i = 0; i < 10000; i++) *PR_PUSH(*state, items, n, cap) = i;
    for (int i = 0; i < 10000; i++) assert_int_equal(items[i], i);
    const char *zero = pr_alloc(*state, 100000);
    for (size_t i = 0; i < 100000; i++) assert_int_equal(zero[i], 0);
}

/* A thousand times more than the arena may hold, a thing at a time. */
static void what_is_given_back_is_handed_out_again(void **state) {
    static const size_t sizes[] = {8, 100, 2048, (size_t)1 << 20};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    (void)state;
    for (size_t i = 0; i < PR_COUNT(sizes); i++)
        for (size_t given = 0; given < (size_t)8 << 20; given += sizes[i]) {
            char *p = pr_alloc(a, sizes[i]);
            assert_true(p[0] == 0 && p[sizes[i] - 1] == 0);
            memset(p, 'x', sizes[i]);
            pr_alloc_back(a, p, sizes[i]);
        }
    const char *kept = pr_dup(a, "kept");
    pr_alloc_back(a, pr_alloc(a, 3000), 3000);             /* neither small nor large: it goes with the arena */
    assert_string_equal(kept, "kept");
}

static void text_is_built_up_to_its_cap(void **state) {
    struct pr_buf b = {.a = *state, .cap = 10};
    pr_add(&b, "12345");
    pr_addf(&b, "%d", 67890);
    assert_false(b.over);
    pr_add(&b, "x");
    assert_true(b.over);
    assert_string_equal(pr_buf_text(&b), "1234567890");
    struct pr_buf empty = {.a = *state};
    assert_string_equal(pr_buf_text(&empty), "");
}

static void text_is_split_and_trimmed(void **state) {
    const char **items = NULL;
    assert_int_equal(pr_split(*state, " a, b ,,c", ',', &items), 4);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b");
    assert_string_equal(items[2], "");
    assert_string_equal(items[3], "c");
}

static void bad_utf8_and_nul_are_named(void **state) {
    static const struct { const char *bytes; size_t n; const char *says; } bad[] = {
        {"a\nb\xff", 4, "x.sql: line 2: not UTF-8 at byte 3 (0xFF)"},
        {"a\xc0\xaf", 3, "x.sql: line 1: not UTF-8 at byte 1 (0xC0)"},           /* overlong slash */
        {"\xed\xa0\x80", 3, "x.sql: line 1: not UTF-8 at byte 0 (0xED)"},         /* surrogate */
        {"\xf4\x90\x80\x80", 4, "x.sql: line 1: not UTF-8 at byte 0 (0xF4)"},     /* above U+10FFFF */
        {"ab\xe2\x82", 4, "x.sql: line 1: not UTF-8 at byte 2 (0xE2)"},           /* cut off */
        {"a\0b", 3, "x.sql: line 1: a NUL byte at byte 1, which would hide what follows it"},
    };
    struct pr_err e = {0};
    for (size_t i = 0; i < PR_COUNT(bad); i++) {
        assert_int_equal(pr_check_utf8("x.sql", bad[i].bytes, bad[i].n, &e), PR_ERR_BAD_INPUT);
        assert_string_equal(e.msg, bad[i].says);
    }
    assert_int_equal(pr_check_utf8("x", "grün €  \xf0\x9f\x90\x98", strlen("grün €  \xf0\x9f\x90\x98"), &e), PR_OK);
}

static void hidden_characters_are_shown(void **state) {
    assert_string_equal(pr_printable(*state, "a\033[31mb\u202ec\u200bd€", 100), "a\\x1B[31mb\\u{202E}c\\u{200B}d€");
    assert_string_equal(pr_printable(*state, "abcdef", 3), "abc…");
    assert_string_equal(pr_printable(*state, "abc", 3), "abc");
}

static void numbers_are_parsed_whole_or_not(void **state) {
    int64_t v = 7;
    struct pr_err e = {0};
    assert_int_equal(pr_parse_i64("42", 0, 99, &v, &e), PR_OK);
    assert_int_equal(v, 42);
    static const char *const bad[] = {"", "x", "4x", " 4", "4 ", "100", "-1", "99999999999999999999", "0x10"};
    for (size_t i = 0; i < PR_COUNT(bad); i++) assert_int_equal(pr_parse_i64(bad[i], 0, 99, &v, &e), PR_ERR_USAGE);
    assert_int_equal(pr_parse_i64(NULL, 0, 99, &v, &e), PR_ERR_USAGE);
    assert_int_equal(v, 42);
}

static void durations_have_units(void **state) {
    static const struct { const char *text; int64_t ms; } good[] = {
        {"250", 250}, {"250ms", 250}, {"5s", 5000}, {"5 s", 5000}, {"10min", 600000}, {"24h", 86400000}, {"7d", 604800000},
    };
    struct pr_err e = {0};
    for (size_t i = 0; i < PR_COUNT(good); i++) {
        int64_t ms = 0;
        assert_int_equal(pr_parse_duration(good[i].text, 0, INT64_MAX, &ms, &e), PR_OK);
        assert_int_equal(ms, good[i].ms);
    }
    int64_t ms = 0;
    assert_int_equal(pr_parse_duration("5 parsecs", 0, INT64_MAX, &ms, &e), PR_ERR_USAGE);
    assert_int_equal(pr_parse_duration("9223372036854775807d", 0, INT64_MAX, &ms, &e), PR_ERR_USAGE);
    assert_int_equal(pr_parse_duration("2h", 0, 3600000, &ms, &e), PR_ERR_USAGE);
}

static void sums_saturate(void **state) {
    assert_int_equal(pr_sat_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(pr_sat_add(INT64_MIN, -1), INT64_MIN);
    assert_int_equal(pr_sat_mul(INT64_MAX, -2), INT64_MIN);
    assert_int_equal(pr_scale(INT64_MAX / 2, 3, 1), INT64_MAX);
    assert_int_equal(pr_scale(10, 3, 4), 7);
    assert_int_equal(pr_scale(10, 3, 0), 10);
}

static void people_read_amounts(void **state) {
    assert_string_equal(pr_human_bytes(*state, 512), "512 B");
    assert_string_equal(pr_human_bytes(*state, 1932735283), "1.8 GB");
    assert_string_equal(pr_human_bytes(*state, 492 * 1024 * 1024), "492 MB");
    assert_string_equal(pr_human_bytes(*state, -2048), "-2.0 kB");
    assert_string_equal(pr_human_count(*state, 2400000), "2,400,000");
    assert_string_equal(pr_human_count(*state, -1234), "-1,234");
    assert_string_equal(pr_human_count(*state, 999), "999");
    assert_string_equal(pr_plural(*state, 1, "migration"), "1 migration");
    assert_string_equal(pr_plural(*state, 2400, "index"), "2,400 indexes");
    assert_string_equal(pr_plural(*state, 0, "baseline entry"), "0 baseline entries");
    assert_string_equal(pr_human_us(*state, 400), "0.4 ms");
    assert_string_equal(pr_human_us(*state, 41000), "41 ms");
    assert_string_equal(pr_human_us(*state, 1980000), "1.98 s");
    assert_string_equal(pr_human_us(*state, 192000000), "3 min 12 s");
    assert_string_equal(pr_human_us(*state, 8000000000), "2 h 13 min");
}

static void times_go_there_and_back(void **state) {
    int64_t us = 0;
    struct pr_err e = {0};
    assert_int_equal(pr_parse_iso_time("2026-11-21T14:03:07Z", &us, &e), PR_OK);
    assert_string_equal(pr_iso_time(*state, us), "2026-11-21T14:03:07Z");
    assert_int_equal(pr_parse_iso_time("2026-11-21", &us, &e), PR_ERR_BAD_INPUT);
    assert_int_equal(pr_parse_iso_time("2026-11-21T14:03:07Zx", &us, &e), PR_ERR_BAD_INPUT);
}

static void names_are_quoted_when_they_must_be(void **state) {
    assert_string_equal(pr_quote_ident(*state, "invoice_items"), "invoice_items");
    assert_string_equal(pr_quote_ident(*state, "order"), "\"order\"");
    assert_string_equal(pr_quote_ident(*state, "Foo"), "\"Foo\"");
    assert_string_equal(pr_quote_ident(*state, "a\"b"), "\"a\"\"b\"");
    assert_string_equal(pr_quote_ident(*state, ""), "\"\"");
    assert_string_equal(pr_quote_ident(*state, "1a"), "\"1a\"");
    assert_string_equal(pr_qualified(*state, "public", "user"), "public.\"user\"");
    assert_string_equal(pr_quote_literal(*state, "it's"), "'it''s'");
    assert_string_equal(pr_quote_literal(*state, "a\\'b"), "E'a\\\\''b'");
}

static void columns_are_those_of_a_terminal(void **state) {
    (void)state;
    const struct { const char *text; int columns; } cases[] = {{"", 0}, {"a b", 3}, {"größe", 5}, {"漢字", 4}, {"x😀", 3}, {"e\u0301t", 2}, {"…", 1}};
    for (size_t i = 0; i < PR_COUNT(cases); i++) assert_int_equal(pr_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
    assert_int_equal(pr_columns("漢字", 3), 2);
}

static void the_nearest_name_is_near(void **state) {
    static const char *const names[] = {"migrations", "layout", "approvals", "max_inline_rows"};
    assert_string_equal(pr_nearest("migratoins", names, PR_COUNT(names)), "migrations");
    assert_string_equal(pr_nearest("max_inlne_row", names, PR_COUNT(names)), "max_inline_rows");
    assert_null(pr_nearest("zebra", names, PR_COUNT(names)));
    assert_int_equal(pr_distance("ab", "ba"), 1);
    assert_int_equal(pr_distance("", "abc"), 3);
}

static void a_map_grows_and_finds_all(void **state) {
    struct pr_map m = {.a = *state};
    enum { MANY = 5000 };
    assert_null(pr_map_get(&m, NULL, "nothing"));
    for (int i = 0; i < MANY; i++) *pr_map_at(&m, i % 2 == 0 ? "even" : NULL, pr_fmt(*state, "name_%d", i)) = pr_fmt(*state, "%d", i);
    for (int i = 0; i < MANY; i++)
        assert_string_equal(pr_map_get(&m, i % 2 == 0 ? "even" : NULL, pr_fmt(*state, "name_%d", i)), pr_fmt(*state, "%d", i));
    assert_null(pr_map_get(&m, NULL, "name_0"));            /* a space of its own */
    assert_null(pr_map_get(&m, "", "name_1"));
    *pr_map_at(&m, "even", "name_0") = NULL;
    assert_null(pr_map_get(&m, "even", "name_0"));
    assert_int_equal(m.n, MANY);
    assert_true(m.room <= 4 * (size_t)MANY);
}

static void documents_keep_the_order_of_keys(void **state) {
    json_t *j PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(j, "z", "1");
    pr_set_int(j, "a", 2);
    pr_set_str(j, "none", NULL);
    assert_string_equal(pr_json_text(*state, j, false), "{\"z\":\"1\",\"a\":2,\"none\":null}");
    json_t *bad = NULL;
    struct pr_err e = {0};
    assert_int_equal(pr_json_parse("facts.json", "{\"a\":1,}", 8, &bad, &e), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(e.msg, "facts.json:1:"));
    assert_null(bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_classes), cmocka_unit_test(exit_statuses_stay), cmocka_unit_test(code_is_said_line_by_line),
              cmocka_unit_test(an_error_keeps_message_hint_and_place),
        cmocka_unit_test(a_long_message_is_cut_not_overrun), cmocka_unit_test(arena_grows_and_keeps),
        cmocka_unit_test(text_is_built_up_to_its_cap), cmocka_unit_test(text_is_split_and_trimmed),
        cmocka_unit_test(bad_utf8_and_nul_are_named), cmocka_unit_test(hidden_characters_are_shown),
        cmocka_unit_test(numbers_are_parsed_whole_or_not), cmocka_unit_test(durations_have_units),
        cmocka_unit_test(sums_saturate),             cmocka_unit_test(people_read_amounts),
        cmocka_unit_test(times_go_there_and_back),   cmocka_unit_test(names_are_quoted_when_they_must_be),
        cmocka_unit_test(columns_are_those_of_a_terminal),
        cmocka_unit_test(the_nearest_name_is_near),  cmocka_unit_test(documents_keep_the_order_of_keys),
        cmocka_unit_test(a_map_grows_and_finds_all), cmocka_unit_test(what_is_given_back_is_handed_out_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
