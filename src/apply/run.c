/* run.c: the life of a run as a table of edges, and the one function through which every change of state goes. */
#include "apply/apply.h"
#include "apply/fault.h"

const struct pr_run_edge pr_run_edges[] = {
    {PR_RUN_PLANNED, PR_RUN_EV_CONFIRM, PR_RUN_CONFIRMED, "YES was typed, or no seam is needed; the approval is used up"},
    {PR_RUN_PLANNED, PR_RUN_EV_REFUSE, PR_RUN_FAILED, "nobody said YES: nothing was run"},
    {PR_RUN_PLANNED, PR_RUN_EV_PUT_OFF, PR_RUN_STOPPED, "nobody said YES to the rest; what an earlier start did stays"},
    {PR_RUN_PLANNED, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "we died before the first statement of this start"},

    {PR_RUN_CONFIRMED, PR_RUN_EV_START_STEP, PR_RUN_RUNNING, "session and statement are on disk; it may be sent"},
    {PR_RUN_CONFIRMED, PR_RUN_EV_COMMIT, PR_RUN_COMMITTING, "every statement is done and proven inside; COMMIT may be sent"},
    {PR_RUN_CONFIRMED, PR_RUN_EV_VERIFY, PR_RUN_VERIFYING, "every statement is done"},
    {PR_RUN_CONFIRMED, PR_RUN_EV_STEP_FAILED, PR_RUN_CLEANING, "gave up between two statements"},
    {PR_RUN_CONFIRMED, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "we died, or the session did, between two statements"},

    {PR_RUN_RUNNING, PR_RUN_EV_STEP_DONE, PR_RUN_CONFIRMED, "the server reported success"},
    {PR_RUN_RUNNING, PR_RUN_EV_ROLLED_BACK, PR_RUN_CONFIRMED, "a lock was not to be had; nothing changed, it may be tried again"},
    {PR_RUN_RUNNING, PR_RUN_EV_STEP_FAILED, PR_RUN_CLEANING, "the server refused, a watch stopped it, or Ctrl-C"},
    {PR_RUN_RUNNING, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "the answer never came"},

    {PR_RUN_COMMITTING, PR_RUN_EV_VERIFY, PR_RUN_VERIFYING, "the server confirmed the commit"},
    {PR_RUN_COMMITTING, PR_RUN_EV_STEP_FAILED, PR_RUN_CLEANING, "the server refused the commit and rolled back"},
    {PR_RUN_COMMITTING, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "the answer to COMMIT never came"},

    {PR_RUN_VERIFYING, PR_RUN_EV_PROVEN, PR_RUN_DONE, "every assertion holds and the history row is written"},
    {PR_RUN_VERIFYING, PR_RUN_EV_UNPROVEN, PR_RUN_NEEDS_PERSON, "it ran, and the effect is not what it should be"},
    {PR_RUN_VERIFYING, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "we died, or the session did, before the proof was recorded"},

    {PR_RUN_CLEANING, PR_RUN_EV_CLEANED, PR_RUN_FAILED, "nothing of it is left"},
    {PR_RUN_CLEANING, PR_RUN_EV_CLEANED_PART, PR_RUN_STOPPED, "earlier statements are in effect and whole"},
    {PR_RUN_CLEANING, PR_RUN_EV_CLEAN_FAILED, PR_RUN_NEEDS_PERSON, "what it left could not be removed"},
    {PR_RUN_CLEANING, PR_RUN_EV_LOST, PR_RUN_UNKNOWN, "we died, or the session did, while cleaning"},

    {PR_RUN_STOPPED, PR_RUN_EV_LOOK_AGAIN, PR_RUN_UNKNOWN, "a new start: the catalogue says what is done"},
    {PR_RUN_STOPPED, PR_RUN_EV_UNDONE, PR_RUN_FAILED, "the other direction was run and proven"},
    {PR_RUN_NEEDS_PERSON, PR_RUN_EV_LOOK_AGAIN, PR_RUN_UNKNOWN, "a person may have mended it: the catalogue says"},
    {PR_RUN_NEEDS_PERSON, PR_RUN_EV_UNDONE, PR_RUN_FAILED, "the other direction was run and proven"},

    {PR_RUN_UNKNOWN, PR_RUN_EV_PROBE_DONE, PR_RUN_VERIFYING, "the catalogue shows all of it"},
    {PR_RUN_UNKNOWN, PR_RUN_EV_PROBE_NOT_DONE, PR_RUN_PLANNED, "the catalogue shows none of it: as if never started"},
    {PR_RUN_UNKNOWN, PR_RUN_EV_PROBE_PART, PR_RUN_PLANNED, "the first statements are whole, the rest is not there"},
    {PR_RUN_UNKNOWN, PR_RUN_EV_PROBE_MIXED, PR_RUN_NEEDS_PERSON, "neither before nor after"},
    {PR_RUN_UNKNOWN, PR_RUN_EV_UNDONE, PR_RUN_FAILED, "the other direction was run and proven"},
};
const size_t pr_n_run_edges = PR_COUNT(pr_run_edges);

static const char *const state_names[] = {
    [PR_RUN_PLANNED] = "planned",   [PR_RUN_CONFIRMED] = "confirmed", [PR_RUN_RUNNING] = "running",
    [PR_RUN_COMMITTING] = "committing", [PR_RUN_VERIFYING] = "verifying", [PR_RUN_CLEANING] = "cleaning",
    [PR_RUN_UNKNOWN] = "unknown",   [PR_RUN_STOPPED] = "stopped",     [PR_RUN_NEEDS_PERSON] = "needs-person",
    [PR_RUN_DONE] = "done",         [PR_RUN_FAILED] = "failed",
};
static_assert(PR_COUNT(state_names) == PR_RUN_STATE_COUNT, "every state has a name");

static const char *const event_names[] = {
    [PR_RUN_EV_CONFIRM] = "confirm",           [PR_RUN_EV_REFUSE] = "refuse",
    [PR_RUN_EV_PUT_OFF] = "put-off",           [PR_RUN_EV_START_STEP] = "start-step",
    [PR_RUN_EV_STEP_DONE] = "step-done",       [PR_RUN_EV_ROLLED_BACK] = "rolled-back",
    [PR_RUN_EV_COMMIT] = "commit",             [PR_RUN_EV_STEP_FAILED] = "step-failed",
    [PR_RUN_EV_LOST] = "lost",                 [PR_RUN_EV_VERIFY] = "verify",
    [PR_RUN_EV_PROVEN] = "proven",             [PR_RUN_EV_UNPROVEN] = "unproven",
    [PR_RUN_EV_CLEANED] = "cleaned",           [PR_RUN_EV_CLEANED_PART] = "cleaned-part",
    [PR_RUN_EV_CLEAN_FAILED] = "clean-failed", [PR_RUN_EV_LOOK_AGAIN] = "look-again",
    [PR_RUN_EV_PROBE_DONE] = "probe-done",     [PR_RUN_EV_PROBE_NOT_DONE] = "probe-not-done",
    [PR_RUN_EV_PROBE_PART] = "probe-part",     [PR_RUN_EV_PROBE_MIXED] = "probe-mixed",
    [PR_RUN_EV_UNDONE] = "undone",
};
static_assert(PR_COUNT(event_names) == PR_RUN_EVENT_COUNT, "every event has a name");

const char *pr_run_state_name(enum pr_run_state s) {
    PR_ASSERT(s >= 0 && s < PR_RUN_STATE_COUNT);
    return state_names[s];
}

const char *pr_run_event_name(enum pr_run_event ev) {
    PR_ASSERT(ev >= 0 && ev < PR_RUN_EVENT_COUNT);
    return event_names[ev];
}

enum pr_run_state pr_run_state_from(const char *name) {
    for (size_t i = 0; i < PR_COUNT(state_names); i++)
        if (pr_eq(state_names[i], name)) return (enum pr_run_state)i;
    return PR_RUN_STATE_COUNT;
}

enum pr_code pr_run_step(enum pr_run_state *state, enum pr_run_event ev, const char *note, pr_run_journal_fn *journal,
                         void *ctx, struct pr_err *e) {
    for (size_t i = 0; i < pr_n_run_edges; i++) {
        const struct pr_run_edge *edge = &pr_run_edges[i];
        if (edge->from != *state || edge->on != ev) continue;
        PR_TRY(e, journal(ctx, edge, note, e));
        *state = edge->to;
        pr_fault(event_names[ev]);
        return PR_OK;
    }
    return PR_FAIL(e, PR_ERR_REFUSED, "a run that is %s knows no %s", pr_run_state_name(*state), pr_run_event_name(ev));
}
