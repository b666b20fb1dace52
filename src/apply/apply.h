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
    const char *manner;                    /* gates.h: how it runs instead of statement by statement, in a line; NULL = apply's own way */
    const struct pr_talk *talk;
};

/* Preflight, seam (protected environments), run, verification, record. An earlier run of this migration that died is settled
 * first, from the catalogue. doc gets schema "pgrail.apply/1" (new reference), also on most failures (else NULL), with what
 * was done and what was not.
 * Errors REFUSED, NOT_GROUNDED, STALE, NOT_REHEARSED, NOT_APPROVED, BUSY, CONNECT, DB, RETRIES, TIMEOUT, ABORTED, INTERRUPTED,
 *        UNPROVEN (rolled back), NEEDS_PERSON. */
PR_NODISCARD enum pr_code pr_apply_run(const struct pr_apply *p, struct pr_arena *a, json_t **doc, struct pr_err *e);

/* What stands where: every migration of the folder with its state on the environment (applied, pending, changed, failed,
 * running, interrupted), unfinished runs and what they left. Schema "pgrail.status/1". Reads only. Errors CONNECT, DB, STORE,
 * INTERRUPTED. */
PR_NODISCARD enum pr_code pr_apply_status(const struct pr_config *c, const struct pr_environment *env,
                                          const struct pr_folder *f, const struct pr_talk *talk, struct pr_arena *a, json_t **doc,
                                          struct pr_err *e);

/* Whether a migration's effect is there and whole: its assertions, the history row, the checksum. Schema "pgrail.verify/1";
 * "proven" in it says the answer. Reads only. Errors CONNECT, DB, TIMEOUT, BAD_INPUT,
 * PARSE (an up side that is not SQL: it can bring about nothing), INTERRUPTED. */
PR_NODISCARD enum pr_code pr_apply_verify(const struct pr_config *c, const struct pr_environment *env,
                                          const struct pr_migration *m, const struct pr_talk *talk, struct pr_arena *a, json_t **doc,
                                          struct pr_err *e);

/* What kind of rollback a down is, from what the two sides do (facts may be NULL). */
enum pr_rollback_kind { PR_ROLLBACK_REDEPLOY, PR_ROLLBACK_DOWN, PR_ROLLBACK_FORWARD, PR_ROLLBACK_RESTORE };
struct pr_rollback { enum pr_rollback_kind kind; const char *words; };      /* words: two or three sentences for a person */
/* Errors BAD_INPUT: a side cannot be read at all. */
PR_NODISCARD enum pr_code pr_rollback_judge(const struct pr_migration *m, const struct pr_facts *facts, struct pr_arena *a,
                                            struct pr_rollback *out, struct pr_err *e);
const char *pr_rollback_name(enum pr_rollback_kind k);     /* "redeploy", "down", "forward", "restore" */

/* The run's states and events; the table draws docs/apply-states and is walked whole by tests/unit/apply. */
enum pr_run_state {
    PR_RUN_PLANNED,                /* judged; nobody has said yes */
    PR_RUN_CONFIRMED,              /* may send; no statement is under way */
    PR_RUN_RUNNING,                /* a statement is with the server */
    PR_RUN_COMMITTING,             /* COMMIT is with the server */
    PR_RUN_VERIFYING,              /* all is done; proof and record are outstanding */
    PR_RUN_CLEANING,               /* failed or stopped: rolling back, dropping what it left */
    PR_RUN_UNKNOWN,                /* the answer never came, or we died: the catalogue decides */
    PR_RUN_STOPPED,                /* some statements are in effect, the next apply goes on behind them */
    PR_RUN_NEEDS_PERSON,           /* neither before nor after: a person decides */
    PR_RUN_DONE, PR_RUN_FAILED,    /* the two ends: recorded, or nothing of it is there */
    PR_RUN_STATE_COUNT
};
enum pr_run_event {
    PR_RUN_EV_CONFIRM, PR_RUN_EV_REFUSE, PR_RUN_EV_PUT_OFF, PR_RUN_EV_START_STEP, PR_RUN_EV_STEP_DONE, PR_RUN_EV_ROLLED_BACK,
    PR_RUN_EV_COMMIT, PR_RUN_EV_STEP_FAILED, PR_RUN_EV_LOST, PR_RUN_EV_VERIFY, PR_RUN_EV_PROVEN, PR_RUN_EV_UNPROVEN,
    PR_RUN_EV_CLEANED, PR_RUN_EV_CLEANED_PART, PR_RUN_EV_CLEAN_FAILED, PR_RUN_EV_LOOK_AGAIN, PR_RUN_EV_PROBE_DONE,
    PR_RUN_EV_PROBE_NOT_DONE, PR_RUN_EV_PROBE_PART, PR_RUN_EV_PROBE_MIXED, PR_RUN_EV_UNDONE, PR_RUN_EVENT_COUNT
};
struct pr_run_edge { enum pr_run_state from; enum pr_run_event on; enum pr_run_state to; const char *why; };
extern const struct pr_run_edge pr_run_edges[];
extern const size_t pr_n_run_edges;
const char *pr_run_state_name(enum pr_run_state s);
const char *pr_run_event_name(enum pr_run_event ev);
/* From a name of the journal; PR_RUN_STATE_COUNT when it is none. */
enum pr_run_state pr_run_state_from(const char *name);

/* The one step function: finds the edge, journals it, then moves *state. A journal that fails moves nothing.
 * Errors REFUSED (no such edge), or what the journal returned. */
typedef enum pr_code pr_run_journal_fn(void *ctx, const struct pr_run_edge *edge, const char *note, struct pr_err *e);
PR_NODISCARD enum pr_code pr_run_step(enum pr_run_state *state, enum pr_run_event ev, const char *note,
                                      pr_run_journal_fn *journal, void *ctx, struct pr_err *e);

#endif
