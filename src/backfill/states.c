/* states.c: the life of a job as a table of edges, and the one function through which every change of state goes. */
#include "backfill/job.h"

#include "project/backfills.h"

const struct pr_bf_edge pr_bf_edges[] = {
    {PR_BF_PLANNED, PR_BF_EV_START, PR_BF_RUNNING, "the gates are passed; workers may begin"},
    {PR_BF_PLANNED, PR_BF_EV_ABANDON, PR_BF_ABANDONED, "nothing was touched, and nothing will be"},

    {PR_BF_RUNNING, PR_BF_EV_JOIN, PR_BF_RUNNING, "another pgrail takes part, or an earlier start died without a word"},
    {PR_BF_RUNNING, PR_BF_EV_PAUSE, PR_BF_PAUSED, "a person asked: workers finish their batch and wait"},
    {PR_BF_RUNNING, PR_BF_EV_STOP, PR_BF_STOPPED, "a person or a signal asked: workers finish their batch and leave"},
    {PR_BF_RUNNING, PR_BF_EV_FAIL, PR_BF_FAILED, "a batch failed for a reason that stays"},
    {PR_BF_RUNNING, PR_BF_EV_WALKED, PR_BF_CHECKING, "every range is done"},

    {PR_BF_PAUSED, PR_BF_EV_JOIN, PR_BF_PAUSED, "another pgrail waits as well"},
    {PR_BF_PAUSED, PR_BF_EV_RESUME, PR_BF_RUNNING, "a person asked"},
    {PR_BF_PAUSED, PR_BF_EV_STOP, PR_BF_STOPPED, "a person or a signal asked"},
    {PR_BF_PAUSED, PR_BF_EV_FAIL, PR_BF_FAILED, "a batch that was still under way failed"},

    {PR_BF_STOPPED, PR_BF_EV_START, PR_BF_RUNNING, "a new start goes on where the journal says"},
    {PR_BF_STOPPED, PR_BF_EV_ABANDON, PR_BF_ABANDONED, "what was done stays; nobody goes on"},
    {PR_BF_FAILED, PR_BF_EV_START, PR_BF_RUNNING, "a new start tries again where it failed"},
    {PR_BF_FAILED, PR_BF_EV_ABANDON, PR_BF_ABANDONED, "what was done stays; nobody goes on"},

    {PR_BF_CHECKING, PR_BF_EV_JOIN, PR_BF_CHECKING, "an earlier start died while it counted: counted again"},
    {PR_BF_CHECKING, PR_BF_EV_LEFT_OVER, PR_BF_RUNNING, "rows came back meanwhile: one more round, by sweeps"},
    {PR_BF_CHECKING, PR_BF_EV_PROVEN, PR_BF_DONE, "nothing is left, and what the file wants verified holds"},
    {PR_BF_CHECKING, PR_BF_EV_UNPROVEN, PR_BF_FAILED, "every row was visited, and the result is not what it should be"},
    {PR_BF_CHECKING, PR_BF_EV_STOP, PR_BF_STOPPED, "a person or a signal asked"},
    {PR_BF_CHECKING, PR_BF_EV_FAIL, PR_BF_FAILED, "it could not be counted"},
};
const size_t pr_n_bf_edges = PR_COUNT(pr_bf_edges);

static const char *const state_names[] = {
    [PR_BF_PLANNED] = "planned",   [PR_BF_RUNNING] = "running", [PR_BF_PAUSED] = "paused", [PR_BF_STOPPED] = "stopped",
    [PR_BF_CHECKING] = "checking", [PR_BF_FAILED] = "failed",   [PR_BF_DONE] = "done",     [PR_BF_ABANDONED] = "abandoned",
};
static_assert(PR_COUNT(state_names) == PR_BF_STATE_COUNT, "every state has a name");

static const char *const event_names[] = {
    [PR_BF_EV_START] = "start",         [PR_BF_EV_JOIN] = "join",     [PR_BF_EV_PAUSE] = "pause",   [PR_BF_EV_RESUME] = "resume",
    [PR_BF_EV_STOP] = "stop",           [PR_BF_EV_FAIL] = "fail",     [PR_BF_EV_WALKED] = "walked", [PR_BF_EV_LEFT_OVER] = "left-over",
    [PR_BF_EV_PROVEN] = "proven",       [PR_BF_EV_UNPROVEN] = "unproven", [PR_BF_EV_ABANDON] = "abandon",
};
static_assert(PR_COUNT(event_names) == PR_BF_EVENT_COUNT, "every event has a name");

const char *pr_bf_state_name(enum pr_bf_state s) {
    PR_ASSERT(s >= 0 && s < PR_BF_STATE_COUNT);
    return state_names[s];
}

const char *pr_bf_event_name(enum pr_bf_event ev) {
    PR_ASSERT(ev >= 0 && ev < PR_BF_EVENT_COUNT);
    return event_names[ev];
}

enum pr_bf_state pr_bf_state_from(const char *name) {
    for (size_t i = 0; i < PR_COUNT(state_names); i++)
        if (pr_eq(state_names[i], name)) return (enum pr_bf_state)i;
    return PR_BF_STATE_COUNT;
}

bool pr_bf_state_ended(enum pr_bf_state s) { return s == PR_BF_DONE || s == PR_BF_ABANDONED; }

enum pr_code pr_bf_step(enum pr_bf_state *state, enum pr_bf_event ev, const char *note, pr_bf_journal_fn *journal, void *ctx, struct pr_err *e) {
    for (size_t i = 0; i < pr_n_bf_edges; i++) {
        const struct pr_bf_edge *edge = &pr_bf_edges[i];
        if (edge->from != *state || edge->on != ev) continue;
        PR_TRY(e, journal(ctx, edge, note, e));
        *state = edge->to;
        return PR_OK;
    }
    return PR_FAIL(e, PR_ERR_REFUSED, "a backfill that is %s knows no %s", pr_bf_state_name(*state), pr_bf_event_name(ev));
}

enum pr_code pr_bf_journal_undone(struct pr_pg *pg, const struct pr_bf_job *job, struct pr_arena *a, bool *out, struct pr_err *e) {
    struct pr_bf_job other = {0};
    bool found = false;
    PR_TRY(e, pr_bf_journal_find(pg, pr_backfill_other(a, job->name), a, &other, &found, e));
    *out = found && other.state == PR_BF_DONE && other.id > job->id;
    return PR_OK;
}
