/* gates.h: what stands in front of every change of an environment: preflight, seam, approvals, the journal of runs, the record. For
 * work that runs in its own way once it is let through. */
#ifndef PR_APPLY_GATES_H
#define PR_APPLY_GATES_H

#include "apply/apply.h"

struct pr_gates;

/* Looks at everything that must be so, on connections of its own, shows the page and waits for YES where the environment is protected,
 * uses the approvals up and opens the run in the ledger (detail "backfill": it does not keep others from being applied). An unended run
 * of the same bytes goes on with the approvals that it was given. ask->manner says how it will run. doc gets "preflight" and the rest.
 * Errors those of pr_may_apply, REFUSED, INTERRUPTED, CONNECT, DB, STORE. */
PR_NODISCARD enum pr_code pr_gates_pass(const struct pr_apply *ask, struct pr_arena *a, json_t *doc, struct pr_gates **out, struct pr_err *e);

/* The run is done: a row in pgrail.history, unless one that took part has written it, and the end in the ledger. job: text that all who took
 * part agree on, so that of two who record it at once one does. Errors DB, CONNECT, STORE. */
PR_NODISCARD enum pr_code pr_gates_done(struct pr_gates *g, struct pr_pg *pg, const char *job, struct pr_err *e);
/* It was stopped, or failed; what is done stays, the next start goes on. Errors STORE. */
PR_NODISCARD enum pr_code pr_gates_stopped(struct pr_gates *g, const char *why, struct pr_err *e);
void pr_gates_freep(struct pr_gates **g);                   /* NULL is fine; for PR_CLEANUP */

#endif
