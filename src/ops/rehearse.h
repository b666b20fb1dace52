/* rehearse.h: what the files of the rehearse operation share. */
#ifndef PR_OPS_REHEARSE_H
#define PR_OPS_REHEARSE_H

#include "ops/ops.h"
#include "rehearse/rehearse.h"

/* What the options say of a foreground; 0 = not given: then the environment's, or a default. */
struct pr_ops_workload { const struct pr_environment *environment; struct pr_list files; int64_t rate, clients, alone_ms; };

/* Reads the scripts, refuses what pgrail does not let pgbench do, and finds pgbench. out->n stays 0 where none is wanted.
 * Errors USAGE, NO_FILE, BAD_INPUT (not SQL), REFUSED (runs programs, or is more than reads and writes of rows), PROC (no pgbench). */
PR_NODISCARD enum pr_code pr_ops_workload_read(const struct pr_ops_workload *ask, struct pr_arena *a, struct pr_workload *out, struct pr_err *e);

#endif
