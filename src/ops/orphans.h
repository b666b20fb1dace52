/* orphans.h: what the files of the orphans operation share. */
#ifndef PR_OPS_ORPHANS_H
#define PR_OPS_ORPHANS_H

#include "catalog/orphans.h"
#include "ops/ops.h"

struct pr_orphans_op {
    struct pr_call *c;
    struct pr_context x;
    struct pr_facts *facts;
    struct pr_want table;          /* with --archive */
    bool key_named;                /* --key: an inferred reference is meant */
    const struct pr_ref *refs; size_t n_refs;
    const struct pr_orphans *found;                         /* one for each of refs */
    json_t *doc;
};

/* Writes the migration that moves the orphans that were found into a new table of that name, and puts it into the document. Errors USAGE,
 * BAD_INPUT, REFUSED (there are none, or they cannot be moved without harm), NO_FILE. */
PR_NODISCARD enum pr_code pr_orphans_archive(struct pr_orphans_op *o, const char *table, struct pr_err *e);

/* The document of the orphans operation for a terminal. */
void pr_orphans_render(const json_t *doc, const struct pr_render *r);

#endif
