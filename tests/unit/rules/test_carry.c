/* test_carry.c: a carried answer is the answer, also when the one that it was carried from is gone, and lies in its room alone; a room that
 * is too small takes nothing. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

#include "rules/carry.h"
#include "rules/review.h"
#include "unit/rules/judged.h"

static const char all_kinds[] =
    "CREATE INDEX i ON t (a);\nCREATE INDEX j ON t (b);\nALTER TABLE t ADD COLUMN c int NOT NULL;\nDROP TABLE u;\nUPDATE t SET a = 1;\n"
    "ALTER TABLE v ALTER COLUMN d TYPE bigint;\nALTER TABLE t FROB;\n-- pgrail:ignore drop-table nobody has it\nDROP TABLE w;\nDROP TABLE x; -- pgrail:ignore truncate why\n"
    "CREATE ROLE r PASSWORD 'abc';\n";

static struct pr_room room_of(struct pr_arena *a, size_t size) { return (struct pr_room){.bytes = pr_alloc(a, size), .size = size}; }

/* A judge that is done has forgotten its script. */
static struct pr_judged judged_here(struct pr_arena *a, const char *sql, bool is_down) {
    struct pr_judged d = judged(a, (struct ask){.sql = sql, .is_down = is_down, .lean = true});
    d.script = (struct pr_script){.n = 12, .n_unjudged = 3};
    return d;
}

/* A room of just these bytes, so that one more is seen by AddressSanitizer. */
static const struct pr_judged *carried_into(struct pr_arena *rooms, size_t size, const char *sql, bool is_down, struct pr_room *room) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    const struct pr_side side = {.path = "m/0001_x.up.sql"};
    const struct pr_judged d = judged_here(a, sql, is_down);
    *room = room_of(rooms, size);
    return pr_judged_carry(&d, &side, room);
}

static void assert_same_text(const char *x, const char *y) {
    if (!pr_eq(x, y)) fail_msg("%s, carried: %s", x != NULL ? x : "NULL", y != NULL ? y : "NULL");
}

static void assert_same_findings(const struct pr_findings *x, const struct pr_findings *y) {
    assert_int_equal(x->n, y->n);
    assert_int_equal(x->left_out, y->left_out);
    for (size_t i = 0; i < x->n; i++) {
        struct pr_finding was = x->items[i], is = y->items[i];
        const char **texts[][2] = {{&was.rule, &is.rule}, {&was.family, &is.family}, {&was.path, &is.path}, {&was.source, &is.source}, {&was.fingerprint, &is.fingerprint},
                                   {&was.title, &is.title}, {&was.what, &is.what}, {&was.safe_way, &is.safe_way}, {&was.safe_sql, &is.safe_sql}, {&was.ignored, &is.ignored}};
        for (size_t t = 0; t < PR_COUNT(texts); t++) {
            assert_same_text(*texts[t][0], *texts[t][1]);
            *texts[t][0] = *texts[t][1] = NULL;
        }
        assert_null(is.fix);
        was.fix = NULL;
        assert_memory_equal(&was, &is, sizeof was);         /* numbers, and what a later field will be */
    }
}

static void assert_same(const struct pr_judged *was, const struct pr_judged *is) {
    assert_same_findings(&was->findings, &is->findings);
    assert_same_findings(&was->hidden, &is->hidden);
    assert_memory_equal(was->counts, is->counts, sizeof was->counts);
    assert_int_equal(was->script.n, is->script.n);
    assert_int_equal(was->script.n_unjudged, is->script.n_unjudged);
    json_t *before PR_CLEANUP(pr_json_freep) = pr_review_json(&was->review), *after PR_CLEANUP(pr_json_freep) = pr_review_json(&is->review);
    assert_true(json_equal(before, after));
    assert_null(is->after);
}

static void assert_carries(const char *sql, bool is_down) {
    struct pr_arena *rooms PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    const struct pr_judged want = judged_here(rooms, sql, is_down);
    struct pr_room room = {0};
    const struct pr_judged *is = carried_into(rooms, 1 << 20, sql, is_down, &room);
    assert_non_null(is);
    assert_same(&want, is);
    const size_t needs = room.used;
    for (size_t size = 0; size <= needs; size += size + 64 < needs ? 61 : 1) {
        is = carried_into(rooms, size, sql, is_down, &room);
        if (size < needs) assert_null(is);
        else assert_same(&want, is);
        assert_int_equal(room.used, size < needs ? 0 : needs);
    }
}

static void test_up_and_down(void **state) {
    assert_carries(all_kinds, false);
    assert_carries(all_kinds, true);
}

static void test_nothing_found(void **state) {
    assert_carries("", false);
    assert_carries("SELECT 1", false);
}

static void test_it_is_of_all_kinds(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    const struct pr_judged d = judged_here(a, all_kinds, false);
    assert_int_equal(d.hidden.n, 1);
    assert_true(d.findings.n > 8 && d.review.of != NULL);
    assert_non_null(found(&d, "not-judged"));
    assert_non_null(found(&d, "ignore-hides-nothing"));
}

/* One behind the other, as of the files of a folder. */
static void test_several_in_one_room(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    const struct pr_side side = {.path = "m/0001_x.up.sql"};
    const struct pr_judged want[] = {judged_here(a, all_kinds, false), judged_here(a, "DROP TABLE a", true)};
    struct pr_room room = room_of(a, 1 << 20);
    const struct pr_judged *is[4] = {0};
    for (size_t i = 0; i < PR_COUNT(is); i++) is[i] = pr_judged_carry(&want[i % 2], &side, &room);
    for (size_t i = 0; i < PR_COUNT(is); i++) assert_same(&want[i % 2], is[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_it_is_of_all_kinds),
        cmocka_unit_test(test_several_in_one_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
