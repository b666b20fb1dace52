/* orphans_archive.h: between the two files of orphans --archive. */
#ifndef PR_OPS_ORPHANS_ARCHIVE_H
#define PR_OPS_ORPHANS_ARCHIVE_H

#include "ops/orphans.h"

struct pr_archive {
    struct pr_orphans_op *o;
    struct pr_arena *a;
    const struct pr_rel *child;
    const char *child_name, *name;                          /* qualified and quoted */
    const char *migration;                                  /* its name, without a number */
    const struct pr_ref **refs; size_t n_refs;              /* whose orphans go */
    int64_t rows;
    bool inline_rows;
    json_t *warned;
    const char *table, *there, *back;                       /* of pr_archive_plan: CREATE TABLE, the backfills' texts; back NULL = none can be made */
};

/* --- orphans_archive.c --- */
void pr_archive_warn(struct pr_archive *x, const char *text);
const char *pr_archive_columns(const struct pr_archive *x, const char *before, bool generated);
const char *pr_archive_condition(const struct pr_archive *x);
const char *pr_archive_rationale(const struct pr_archive *x);
bool pr_archive_held(const struct pr_ref *r);               /* the foreign key refuses its orphans when they come back */
bool pr_archive_overrides(const struct pr_rel *r);          /* an INSERT that names all columns needs OVERRIDING SYSTEM VALUE */

/* --- orphans_move.c: more rows than a migration should move --- */
/* The table, and the two backfills, tried against the cutter in the world that the migration leaves. Errors REFUSED (no backfill can move
 * them, and why), DB, TIMEOUT, CONNECT, BUG. */
PR_NODISCARD enum pr_code pr_archive_plan(struct pr_archive *x, struct pr_err *e);
const char *pr_archive_down(const struct pr_archive *x);    /* the down script: it refuses while rows are in the table */
/* Writes the backfills of a migration whose files are there, and puts them into the document. Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_archive_write(const struct pr_archive *x, const struct pr_folder *f, const struct pr_migration *m, const char *up, json_t *doc,
                                           struct pr_err *e);

#endif
