/* A job's state machine: all state × event pairs, the legal lives as sequences (the pairs cannot see a missing row), a journal that
 * fails; and keys as array literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backfill/job.h"
#include "backfill/keys.h"

struct book { int entries; bool fails; };

static enum pr_code write_down(void *ctx, const struct pr_bf_edge *edge, const char *note, struct pr_err *e) {
    struct book *b = ctx;
    if (b->fails) return PR_FAIL(e, PR_ERR_DB, "disk full");
    b->entries++;
    return PR_OK;
}

static const struct pr_bf_edge *edge_of(enum pr_bf_state s, enum pr_bf_event ev) {
    const struct pr_bf_edge *found = NULL;
    for (size_t i = 0; i < pr_n_bf_edges; i++) {
        if (pr_bf_edges[i].from != s || pr_bf_edges[i].on != ev) continue;
        assert_null(found);                              /* no two rows share a pair */
        found = &pr_bf_edges[i];
    }
    return found;
}

static void all_pairs(void **state) {
    for (int s = 0; s < PR_BF_STATE_COUNT; s++)
        for (int ev = 0; ev < PR_BF_EVENT_COUNT; ev++) {
            const struct pr_bf_edge *edge = edge_of((enum pr_bf_state)s, (enum pr_bf_event)ev);
            struct book b = {0};
            struct pr_err e = {0};
            enum pr_bf_state now = (enum pr_bf_state)s;
            const enum pr_code code = pr_bf_step(&now, (enum pr_bf_event)ev, NULL, write_down, &b, &e);
            assert_int_equal(code, edge != NULL ? PR_OK : PR_ERR_REFUSED);
            assert_int_equal(now, edge != NULL ? (int)edge->to : s);
            assert_int_equal(b.entries, edge != NULL ? 1 : 0);
            assert_false(edge != NULL && pr_bf_state_ended((enum pr_bf_state)s));
        }
}

static void a_failing_journal_moves_nothing(void **state) {
    for (size_t i = 0; i < pr_n_bf_edges; i++) {
        struct book b = {.fails = true};
        struct pr_err e = {0};
        enum pr_bf_state now = pr_bf_edges[i].from;
        assert_int_equal(pr_bf_step(&now, pr_bf_edges[i].on, NULL, write_down, &b, &e), PR_ERR_DB);
        assert_int_equal(now, pr_bf_edges[i].from);
    }
}

#define EV(x) PR_BF_EV_##x
#define END PR_BF_EVENT_COUNT
static const struct life { const char *name; enum pr_bf_event events[12]; enum pr_bf_state end; } lives[] = {
    {"at one go", {EV(START), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"paused", {EV(START), EV(PAUSE), EV(JOIN), EV(RESUME), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"stopped while paused", {EV(START), EV(PAUSE), EV(STOP), EV(START), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"died and taken up", {EV(START), EV(JOIN), EV(JOIN), EV(WALKED), EV(JOIN), EV(PROVEN), END}, PR_BF_DONE},
    {"rows came back", {EV(START), EV(WALKED), EV(LEFT_OVER), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"failed, mended", {EV(START), EV(FAIL), EV(START), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"failed, given up", {EV(START), EV(FAIL), EV(ABANDON), END}, PR_BF_ABANDONED},
    {"unproven, and again", {EV(START), EV(WALKED), EV(UNPROVEN), EV(START), EV(WALKED), EV(PROVEN), END}, PR_BF_DONE},
    {"never begun", {EV(ABANDON), END}, PR_BF_ABANDONED},
};

static void legal_lives(void **state) {
    for (size_t i = 0; i < PR_COUNT(lives); i++) {
        struct book b = {0};
        struct pr_err e = {0};
        enum pr_bf_state now = PR_BF_PLANNED;
        for (const enum pr_bf_event *ev = lives[i].events; *ev != END; ev++)
            if (pr_bf_step(&now, *ev, NULL, write_down, &b, &e) != PR_OK) fail_msg("%s: %s", lives[i].name, e.msg);
        assert_int_equal(now, lives[i].end);
    }
}

static void names_there_and_back(void **state) {
    for (int s = 0; s < PR_BF_STATE_COUNT; s++) assert_int_equal(pr_bf_state_from(pr_bf_state_name((enum pr_bf_state)s)), s);
    assert_int_equal(pr_bf_state_from("nonsense"), PR_BF_STATE_COUNT);
}

static void keys_there_and_back(void **state) {
    static const char *const odd[] = {"1", "", "a\"b\\c", "x,y}", " ü ", "NULL"};
    struct pr_arena *a = pr_arena_new((size_t)1 << 20);
    struct pr_err e = {0};
    const char *const *back = NULL;
    const char *text = pr_bf_array(a, odd, PR_COUNT(odd));
    assert_string_equal(text, "{\"1\",\"\",\"a\\\"b\\\\c\",\"x,y}\",\" ü \",\"NULL\"}");
    assert_int_equal(pr_bf_array_read(a, text, PR_COUNT(odd), &back, &e), PR_OK);
    for (size_t i = 0; i < PR_COUNT(odd); i++) assert_string_equal(back[i], odd[i]);
    assert_int_equal(pr_bf_array_read(a, "{1,2026-11-21}", 2, &back, &e), PR_OK);          /* as the server writes plain ones */
    assert_string_equal(back[1], "2026-11-21");
    assert_int_equal(pr_bf_array_read(a, NULL, 2, &back, &e), PR_OK);
    assert_null(back);
    static const char *const wrong[] = {"", "{", "{1}", "{1,2,3}", "1,2", "{\"1,2}", "{1,2}x"};
    for (size_t i = 0; i < PR_COUNT(wrong); i++) assert_int_equal(pr_bf_array_read(a, wrong[i], 2, &back, &e), PR_ERR_DB_SHAPE);
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs), cmocka_unit_test(a_failing_journal_moves_nothing), cmocka_unit_test(legal_lives),
        cmocka_unit_test(names_there_and_back), cmocka_unit_test(keys_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
