/* apply.h: what the operations apply and rollback share. */
#ifndef PR_OPS_APPLY_H
#define PR_OPS_APPLY_H

#include "apply/apply.h"
#include "ops/ops.h"

/* Runs one side and hands its document over. Errors those of pr_apply_run, CONFIG, NO_FILE. */
PR_NODISCARD enum pr_code pr_ops_apply(struct pr_call *c, const char *migration, const char *env, bool down, struct pr_err *e);

/* The document "pgrail.apply/1" for a terminal. */
void pr_ops_apply_render(const json_t *doc, const struct pr_render *r);

#endif
