/* apply.h: the guarded run on a target, up or down. A state machine with a journal (run.c): the edge is durable before the
 * state changes; after any death of ours the next start decides from the catalogue, not from the journal. */
#ifndef PR_APPLY_APPLY_H
#define PR_APPLY_APPLY_H

#include "ledger/ledger.h"
#include "policy/policy.h"
#include "project/project.h"
#include "rules/rules.h"

struct pr_apply {
    const struct pr_config *config;
    const struct pr_environment *environment;
    const struct pr_migration *migration;
    bool down;                             /* rollback: run the down side */
    const char *command;                   /* as typed, for the seam: "pgrail apply 0247 --env production" */
    const struct pr_talk *talk;
};

/* Preflight, seam (protected environments), run, verification, record. doc gets schema "pgrail.apply/1" (new reference),
 * also on most failures, with what was done and what was not.
 * Errors REFUSED, NOT_GROUNDED, STALE, NOT_REHEARSED, NOT_APPROVED, BUSY, CONNECT, DB, RETRIES, TIMEOUT, ABORTED, INTERRUPTED,
 *        UNPROVEN, NEEDS_PERSON. */
PR_NODISCARD enum pr_code pr_apply_run(const struct pr_apply *p, struct pr_arena *a, json_t **doc, struct pr_err *e);

/* What stands where: every migration of the folder with its state on the environment (applied, pending, changed, failed,
 * running, interrupted), unfinished runs and what they left. Schema "pgrail.status/1". Errors CONNECT, DB, STORE. */
PR_NODISCARD enum pr_code pr_apply_status(const struct pr_config *c, const struct pr_environment *env,
                                          const struct pr_folder *f, struct pr_arena *a, json_t **doc, struct pr_err *e);

/* The run's states and events; the table draws docs/apply-states and is walked whole by tests/unit/apply. */
enum pr_run_state { PR_RUN_PLANNED, PR_RUN_CONFIRMED, PR_RUN_RUNNING, PR_RUN_VERIFYING, PR_RUN_DONE, PR_RUN_FAILED,
                    PR_RUN_CLEANING, PR_RUN_UNKNOWN, PR_RUN_NEEDS_PERSON, PR_RUN_STATE_COUNT };
enum pr_run_event { PR_RUN_EV_CONFIRM, PR_RUN_EV_REFUSE, PR_RUN_EV_START_STEP, PR_RUN_EV_STEP_DONE, PR_RUN_EV_STEP_FAILED,
                    PR_RUN_EV_LOST, PR_RUN_EV_VERIFY, PR_RUN_EV_PROVEN, PR_RUN_EV_UNPROVEN, PR_RUN_EV_CLEANED,
                    PR_RUN_EV_CLEAN_FAILED, PR_RUN_EV_PROBE_DONE, PR_RUN_EV_PROBE_NOT_DONE, PR_RUN_EV_PROBE_MIXED,
                    PR_RUN_EVENT_COUNT };
struct pr_run_edge { enum pr_run_state from; enum pr_run_event on; enum pr_run_state to; const char *why; };
extern const struct pr_run_edge pr_run_edges[];
extern const size_t pr_n_run_edges;
const char *pr_run_state_name(enum pr_run_state s);
const char *pr_run_event_name(enum pr_run_event ev);

#endif
