/* names.h: names as a person types them, and what to say when there is none of that name. */
#ifndef PR_OPS_NAMES_H
#define PR_OPS_NAMES_H

#include "catalog/catalog.h"
#include "ops/ops.h"

/* One identifier at *s as SQL reads it, up to a dot, a colon or the end: folded to lower case unless quoted, or left as it is with
 * fold false. Moves *s behind it. NULL when there is none, or when something else follows the closing quote. */
const char *pr_typed_part(struct pr_arena *a, const char **s, bool fold);

/* "schema.name" or "name". Errors USAGE. */
PR_NODISCARD enum pr_code pr_typed_relation(struct pr_arena *a, const char *text, struct pr_want *out, struct pr_err *e);

/* The error for a relation that facts do not have, with the nearest that there are, as they can be typed. Errors BAD_INPUT, always. */
enum pr_code pr_no_relation(struct pr_arena *a, const struct pr_facts *f, const char *environment, const struct pr_want *w, struct pr_err *e);

/* The same for a column of r. Errors BAD_INPUT, always. */
enum pr_code pr_no_column(struct pr_arena *a, const struct pr_rel *r, const char *name, struct pr_err *e);

#endif
