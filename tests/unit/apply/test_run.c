/* The run's state machine: all state × event pairs, the legal lives as sequences (the pairs cannot see a missing row), a journal
 * that fails, and the fault points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apply/apply.h"
#include "apply/fault.h"

struct book { int entries; bool fails; enum pr_run_state to; };

static enum pr_code write_down(void *ctx, const struct pr_run_edge *edge, const char *note, struct pr_err *e) {
    struct book *b = ctx;
    if (b->fails) return PR_FAIL(e, PR_ERR_STORE, "disk full");
    b->entries++;
    b->to = edge->to;
    return PR_OK;
}

static const struct pr_run_edge *edge_of(enum pr_run_state s, enum pr_run_event ev) {
    const struct pr_run_edge *found = NULL;
    for (size_t i = 0; i < pr_n_run_edges; i++) {
        if (pr_run_edges[i].from != s || pr_run_edges[i].on != ev) continue;
        assert_null(found);                              /* no two rows share a pair */
        found = &pr_run_edges[i];
    }
    return found;
}

static void all_pairs(void **state) {
    for (int s = 0; s < PR_RUN_STATE_COUNT; s++)
        for (int ev = 0; ev < PR_RUN_EVENT_COUNT; ev++) {
            const struct pr_run_edge *edge = edge_of((enum pr_run_state)s, (enum pr_run_event)ev);
            struct book b = {0};
            struct pr_err e = {0};
            enum pr_run_state now = (enum pr_run_state)s;
            const enum pr_code code = pr_run_step(&now, (enum pr_run_event)ev, NULL, write_down, &b, &e);
            assert_int_equal(code, edge != NULL ? PR_OK : PR_ERR_REFUSED);
            assert_int_equal(now, edge != NULL ? (int)edge->to : s);
            assert_int_equal(b.entries, edge != NULL ? 1 : 0);
            if (edge != NULL) assert_true(edge->why[0] != '\0');
        }
}

static void a_failing_journal_moves_nothing(void **state) {
    for (size_t i = 0; i < pr_n_run_edges; i++) {
        struct book b = {.fails = true};
        struct pr_err e = {0};
        enum pr_run_state now = pr_run_edges[i].from;
        assert_int_equal(pr_run_step(&now, pr_run_edges[i].on, NULL, write_down, &b, &e), PR_ERR_STORE);
        assert_int_equal(now, pr_run_edges[i].from);
    }
}

#define EV(x) PR_RUN_EV_##x
#define END PR_RUN_EVENT_COUNT
static const struct life { const char *name; enum pr_run_event events[16]; enum pr_run_state end; } lives[] = {
    {"one transaction", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(START_STEP), EV(STEP_DONE), EV(COMMIT), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"each by itself", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"no at the seam", {EV(REFUSE), END}, PR_RUN_FAILED},
    {"lock, again, done", {EV(CONFIRM), EV(START_STEP), EV(ROLLED_BACK), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"gave up waiting", {EV(CONFIRM), EV(STEP_FAILED), EV(CLEANED), END}, PR_RUN_FAILED},
    {"aborted by the watch", {EV(CONFIRM), EV(START_STEP), EV(STEP_FAILED), EV(CLEANED), END}, PR_RUN_FAILED},
    {"second statement failed", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(START_STEP), EV(STEP_FAILED), EV(CLEANED_PART), END}, PR_RUN_STOPPED},
    {"commit refused", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(COMMIT), EV(STEP_FAILED), EV(CLEANED), END}, PR_RUN_FAILED},
    {"could not clean", {EV(CONFIRM), EV(START_STEP), EV(STEP_FAILED), EV(CLEAN_FAILED), END}, PR_RUN_NEEDS_PERSON},
    {"ran and is not so", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(UNPROVEN), END}, PR_RUN_NEEDS_PERSON},
    {"died before anything", {EV(LOST), EV(PROBE_NOT_DONE), EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"died in a statement that finished", {EV(CONFIRM), EV(START_STEP), EV(LOST), EV(PROBE_DONE), EV(PROVEN), END}, PR_RUN_DONE},
    {"died in a statement that did not", {EV(CONFIRM), EV(START_STEP), EV(LOST), EV(PROBE_NOT_DONE), EV(REFUSE), END}, PR_RUN_FAILED},
    {"died at COMMIT", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(COMMIT), EV(LOST), EV(PROBE_DONE), EV(PROVEN), END}, PR_RUN_DONE},
    {"died while verifying", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(LOST), EV(PROBE_DONE), EV(PROVEN), END}, PR_RUN_DONE},
    {"died while cleaning", {EV(CONFIRM), EV(START_STEP), EV(STEP_FAILED), EV(LOST), EV(PROBE_NOT_DONE), EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"died in the middle, goes on", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(START_STEP), EV(LOST), EV(PROBE_PART), EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"died in the middle, no to the rest", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(LOST), EV(PROBE_PART), EV(PUT_OFF), END}, PR_RUN_STOPPED},
    {"half of a statement, mended by hand", {EV(CONFIRM), EV(START_STEP), EV(LOST), EV(PROBE_MIXED), EV(LOOK_AGAIN), EV(PROBE_DONE), EV(PROVEN), END}, PR_RUN_DONE},
    {"half of it, undone", {EV(CONFIRM), EV(START_STEP), EV(LOST), EV(PROBE_MIXED), EV(UNDONE), END}, PR_RUN_FAILED},
    {"stopped, goes on", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(START_STEP), EV(STEP_FAILED), EV(CLEANED_PART), EV(LOOK_AGAIN), EV(PROBE_PART), EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(VERIFY), EV(PROVEN), END}, PR_RUN_DONE},
    {"stopped, undone", {EV(CONFIRM), EV(START_STEP), EV(STEP_DONE), EV(START_STEP), EV(STEP_FAILED), EV(CLEANED_PART), EV(UNDONE), END}, PR_RUN_FAILED},
};

static void legal_lives(void **state) {
    for (size_t i = 0; i < PR_COUNT(lives); i++) {
        enum pr_run_state now = PR_RUN_PLANNED;
        struct book b = {0};
        for (size_t k = 0; lives[i].events[k] != END; k++) {
            struct pr_err e = {0};
            if (pr_run_step(&now, lives[i].events[k], NULL, write_down, &b, &e) != PR_OK)
                fail_msg("%s: %s", lives[i].name, e.msg);
        }
        if (now != lives[i].end) fail_msg("%s ends %s", lives[i].name, pr_run_state_name(now));
    }
}

/* Wherever we can die, the next start must know what to do; and the two ends are ends. */
static void every_state_can_be_settled(void **state) {
    for (int s = 0; s < PR_RUN_STATE_COUNT; s++) {
        const bool end = s == PR_RUN_DONE || s == PR_RUN_FAILED;
        const bool rests = s == PR_RUN_STOPPED || s == PR_RUN_NEEDS_PERSON || s == PR_RUN_UNKNOWN;
        int out = 0;
        for (int ev = 0; ev < PR_RUN_EVENT_COUNT; ev++) out += edge_of((enum pr_run_state)s, (enum pr_run_event)ev) != NULL;
        assert_int_equal(out == 0, end);
        if (!end && !rests) assert_non_null(edge_of((enum pr_run_state)s, PR_RUN_EV_LOST));
    }
}

static void every_event_is_used_and_is_a_fault_point(void **state) {
    for (int ev = 0; ev < PR_RUN_EVENT_COUNT; ev++) {
        const char *name = pr_run_event_name((enum pr_run_event)ev);
        bool used = false, point = false;
        for (size_t i = 0; i < pr_n_run_edges; i++) used = used || pr_run_edges[i].on == (enum pr_run_event)ev;
        for (size_t i = 0; i < pr_n_fault_points; i++) point = point || pr_eq(pr_fault_points[i].name, name);
        if (!used) fail_msg("no edge is on %s", name);
        if (!point) fail_msg("%s is no fault point", name);
    }
}

static void names_go_both_ways(void **state) {
    for (int s = 0; s < PR_RUN_STATE_COUNT; s++) assert_int_equal(pr_run_state_from(pr_run_state_name((enum pr_run_state)s)), s);
    assert_int_equal(pr_run_state_from("dead"), PR_RUN_STATE_COUNT);
    assert_int_equal(pr_run_state_from(NULL), PR_RUN_STATE_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs),
        cmocka_unit_test(a_failing_journal_moves_nothing),
        cmocka_unit_test(legal_lives),
        cmocka_unit_test(every_state_can_be_settled),
        cmocka_unit_test(every_event_is_used_and_is_a_fault_point),
        cmocka_unit_test(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
