/* query_guard.h: what a query may not call. */
#ifndef PR_OPS_QUERY_GUARD_H
#define PR_OPS_QUERY_GUARD_H

#include "base/base.h"

/* Errors REFUSED: the query calls by name a function whose effect no rollback takes back, or that reaches others. */
PR_NODISCARD enum pr_code pr_query_guard(struct pr_arena *a, const char *sql, struct pr_err *e);

#endif
