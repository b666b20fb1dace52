/* The settings of a backfill: texts of every form, wishes over what is, and the journal's document there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backfill/settings.h"

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)

static const struct pr_bf_tunable *named(const char *key) {
    for (size_t i = 0; i < pr_n_bf_tunables; i++)
        if (pr_eq(pr_bf_tunables[i].key, key)) return &pr_bf_tunables[i];
    return NULL;
}

static const struct { const char *key, *text; int64_t value; } good[] = {
    {"workers", "32", 32}, {"pause", "250ms", 250}, {"pause", "20", 20}, {"max-lag", "1d", 86400000}, {"max-wal", "50MB/s", 50 << 20}, {"max-wal", "8 kB/s", 8192},
    {"max-wal", "5000", 5000}, {"max-wal", "2GB", INT64_C(2) << 30}, {"vacuum", "auto", PR_BF_AS_IS}, {"vacuum", "0", 0}, {"gentle", "yes", 1}, {"gentle", "0", 0},
};
static const struct { const char *key, *text; } bad[] = {
    {"workers", "0"}, {"workers", "33"}, {"workers", "two"}, {"workers", ""}, {"pause", "2h"}, {"pause", "-1"}, {"max-wal", "fast"}, {"max-wal", "1MB/min"},
    {"max-wal", "9999999999999999GB"}, {"max-wal", "/s"}, {"batch", "auto"}, {"gentle", "rather"}, {"vacuum", "-5"},
};

static void reads_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < PR_COUNT(good); i++) {
        struct pr_err e = {0};
        int64_t v = 7;
        if (pr_bf_value(named(good[i].key), good[i].text, &v, &e) != PR_OK || v != good[i].value) fail_msg("%s %s: %" PRId64 " %s", good[i].key, good[i].text, v, e.msg);
    }
    for (size_t i = 0; i < PR_COUNT(bad); i++) {
        struct pr_err e = {0};
        int64_t v = 7;
        if (pr_bf_value(named(bad[i].key), bad[i].text, &v, &e) != PR_ERR_USAGE || v != 7) fail_msg("%s %s: %" PRId64, bad[i].key, bad[i].text, v);
        assert_non_null(strstr(e.msg, named(bad[i].key)->expected));
    }
}

static void a_wish_changes_what_it_names(void **state) {
    (void)state;
    struct pr_bf_tuning t = pr_bf_tuning_fallback(), wish = {0};
    struct pr_err e = {0};
    assert_int_equal(t.batch, 5000);
    assert_true(t.vacuum_rows == PR_BF_AS_IS);
    assert_int_equal(pr_bf_wish_read(&(struct pr_bf_texts){.pause_ms = "1s", .gentle = "yes"}, &wish, &e), PR_OK);
    t.workers = 3;
    pr_bf_wish_apply(&wish, &t);
    assert_int_equal(t.pause_ms, 1000);
    assert_int_equal(t.gentle, 1);
    assert_int_equal(t.workers, 3);
    assert_int_equal(t.batch, 5000);
    assert_int_equal(pr_bf_wish_read(&(struct pr_bf_texts){.batch = "5"}, &wish, &e), PR_ERR_USAGE);
    assert_string_equal(e.msg, "--batch: expected 100 to 100000, got \"5\"");
    assert_int_equal(wish.pause_ms, 1000);                 /* untouched */
}

static void the_journal_gives_back_what_it_was_given(void **state) {
    (void)state;
    ARENA(a);
    struct pr_bf_tuning t = {0}, back = {0};
    struct pr_err e = {0};
    for (size_t i = 0; i < pr_n_bf_tunables; i++) *pr_bf_tuning_at(&t, i) = pr_bf_tunables[i].most - (pr_bf_tunables[i].form == PR_BF_FLAG ? 0 : (int64_t)i);
    json_t *o PR_CLEANUP(pr_json_freep) = pr_bf_tuning_json(&t);
    assert_true(json_is_true(json_object_get(o, "gentle")));
    assert_int_equal(pr_bf_tuning_read(pr_json_text(a, o, false), &back, &e), PR_OK);
    assert_memory_equal(&t, &back, sizeof t);
    /* Of another version, or touched by hand: what is absent has its default, what is beyond its range is brought back. */
    assert_int_equal(pr_bf_tuning_read("{\"workers\": 1000, \"batch\": 200, \"later\": 5}", &back, &e), PR_OK);
    assert_int_equal(back.workers, 32);
    assert_int_equal(back.batch, 200);
    assert_int_equal(back.target_ms, 50);
    assert_int_equal(back.vacuum_rows, 0);
    assert_int_not_equal(pr_bf_tuning_read("{", &back, &e), PR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_texts),
        cmocka_unit_test(a_wish_changes_what_it_names),
        cmocka_unit_test(the_journal_gives_back_what_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
