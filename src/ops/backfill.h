/* backfill.h: what the operations about backfills share. */
#ifndef PR_OPS_BACKFILL_H
#define PR_OPS_BACKFILL_H

#include "backfill/run.h"
#include "ops/ops.h"

/* What stands for the value of a setting in help. */
#define PR_OPS_WORD_NUMBER "N"
#define PR_OPS_WORD_TIME "DURATION"
#define PR_OPS_WORD_RATE "BYTES/S"
#define PR_OPS_WORD_SIZE "BYTES"
#define PR_OPS_WORD_FLAG "yes|no"

/* One job, as pr_backfill_jobs gives it, for a terminal. */
void pr_ops_backfill_job(const json_t *job, const struct pr_render *r);

#endif
