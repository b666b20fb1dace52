/* backfill.h: what the operations about backfills share. */
#ifndef PR_OPS_BACKFILL_H
#define PR_OPS_BACKFILL_H

#include "backfill/run.h"
#include "ops/ops.h"

/* One job, as pr_backfill_jobs gives it, for a terminal. */
void pr_ops_backfill_job(const json_t *job, const struct pr_render *r);

#endif
