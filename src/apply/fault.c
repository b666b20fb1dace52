#include "apply/fault.h"

#include <signal.h>

const struct pr_fault_point pr_fault_points[] = {
    {"opened", "the run is in the journal, nothing else has happened"},
    {"confirm", "the yes is durable, no statement was sent"},
    {"refuse", "the no is durable"},
    {"put-off", "the no to the rest is durable"},
    {"approval-used", "the approval is marked used, the yes is not yet durable"},
    {"start-step", "session and statement are durable, the statement was not sent"},
    {"sending", "the statement runs on the server: at the watch's first look"},
    {"answered", "the server answered, the journal does not know"},
    {"step-done", "the journal knows that the statement is done"},
    {"rolled-back", "an attempt was rolled back and will be tried again"},
    {"commit", "the journal says that COMMIT will be sent; it was not"},
    {"committed", "the server confirmed COMMIT, the journal does not know"},
    {"step-failed", "the journal knows of the failure, nothing is cleaned yet"},
    {"lost", "the journal says that the outcome is not known"},
    {"verify", "all is done, nothing is proven"},
    {"recorded", "the history row is there, the journal does not know"},
    {"proven", "the end is durable, the answer was not given"},
    {"unproven", "the journal says that a person is needed"},
    {"dropped", "an invalid index of ours was dropped, the journal does not know"},
    {"cleaned", "the failure is clean and durable"},
    {"cleaned-part", "the failure is clean, earlier statements stay"},
    {"clean-failed", "the journal says that cleaning failed"},
    {"look-again", "a new start looks at what an earlier one left"},
    {"probe-done", "the catalogue shows all of it"},
    {"probe-not-done", "the catalogue shows none of it"},
    {"probe-part", "the catalogue shows the first part of it"},
    {"probe-mixed", "the catalogue shows neither before nor after"},
    {"undone", "the other direction closed a run"},
};
const size_t pr_n_fault_points = PR_COUNT(pr_fault_points);

static bool is_point(const char *name) {
    for (size_t i = 0; i < pr_n_fault_points; i++)
        if (pr_eq(pr_fault_points[i].name, name)) return true;
    return false;
}

void pr_fault(const char *point) {
    PR_ASSERT(is_point(point));
    const char *wanted = getenv("PGRAIL_FAULT");
    if (wanted == NULL || !pr_eq(wanted, point)) return;
    (void)raise(SIGKILL);
}
