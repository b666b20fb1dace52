/* effect.h: what must be true after a statement, from its tree, held against the live catalog: the second oracle beside the
 * schema delta. A "successful" no-op fails here (CREATE INDEX IF NOT EXISTS over an invalid leftover). */
#ifndef PR_CATALOG_EFFECT_H
#define PR_CATALOG_EFFECT_H

#include "catalog/catalog.h"

struct pr_assertion {
    int stmt;                      /* index in the script */
    const char *claim;             /* "index public.invoice_items_unpaid_idx on invoice_items is valid, ready and live" */
    bool holds;
    const char *found;             /* what the catalog says instead, or a fact worth printing: "18 MB" */
};

/* Evaluates the assertions of every statement of a script, in order; those that a later statement of the same script undoes
 * are left out. out in a. Errors DB, TIMEOUT. */
PR_NODISCARD enum pr_code pr_effects_verify(struct pr_pg *pg, const struct pr_script *s, struct pr_arena *a,
                                            struct pr_assertion **out, size_t *n, struct pr_err *e);

/* Array of {statement, claim, holds, found}; the caller owns it. */
json_t *pr_assertions_json(const struct pr_assertion *list, size_t n);

#endif
