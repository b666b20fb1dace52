/* orphans.h: the references whose orphans decide how a script's statements end. From trees and facts alone: who has a server looks the rows
 * up (pr_facts_orphans) before the rules are asked. */
#ifndef PR_RULES_ORPHANS_H
#define PR_RULES_ORPHANS_H

#include "catalog/orphans.h"
#include "rules/rules.h"

/* Zeroed but for a; scripts are added in the order in which they run, with what stands in the bodies that they run. */
struct pr_orphan_asks {
    struct pr_arena *a;
    struct pr_ref *refs; size_t n, cap;                     /* foreign keys that are added or validated, and those that a drop cuts */
    struct pr_dropped *dropped; size_t n_dropped, cap_dropped;
    struct pr_want *written; size_t n_written, cap_written; /* by statements before */
    bool wild;                     /* something ran that may have written anything */
};
void pr_orphan_asks_add(struct pr_orphan_asks *k, const struct pr_script *s, const struct pr_facts *f);

/* "11 rows of public.invoice_items (invoice_id) refer to rows of public.invoices that are not there", with "at least" where it is so. */
const char *pr_orphan_words(struct pr_arena *a, const struct pr_orphans *o);
/* What is known of rows that refer to a table that goes (column NULL), or lose the column by which they refer; "" when there are none. */
const char *pr_orphan_losses(struct pr_arena *a, const struct pr_facts *f, const struct pr_rel *r, const char *column);

#endif
