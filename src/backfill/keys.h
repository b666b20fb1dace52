/* keys.h: keys of rows as they travel: n texts, and arrays of texts as PostgreSQL writes them. */
#ifndef PR_BACKFILL_KEYS_H
#define PR_BACKFILL_KEYS_H

#include "base/base.h"

/* Items as an array literal, each quoted; NULL when items is NULL. */
const char *pr_bf_array(struct pr_arena *a, const char *const *items, size_t n);
/* Every stride-th of n items, from the first on: a column of rows that lie one behind the other. */
const char *pr_bf_array_strided(struct pr_arena *a, const char *const *items, size_t n, size_t stride);

/* Back from an array literal of one dimension without nulls; out gets exactly n items, or NULL when text is NULL.
 * Errors DB_SHAPE. */
PR_NODISCARD enum pr_code pr_bf_array_read(struct pr_arena *a, const char *text, size_t n, const char *const **out, struct pr_err *e);

#endif
