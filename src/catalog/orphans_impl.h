/* orphans_impl.h: what the files of the search for orphans share. */
#ifndef PR_CATALOG_ORPHANS_IMPL_H
#define PR_CATALOG_ORPHANS_IMPL_H

#include "catalog/orphans.h"

#define PR_ORPHAN_ROWS 20000       /* of a chunk */
#define PR_ORPHAN_BLOCKS 256
#define PR_ORPHAN_SAMPLE 1000

/* A reference as the server resolved it; all texts are JSON's or the arena's. */
struct pr_resolved {
    const struct pr_ref *ref;
    const json_t *doc;             /* one object of orphans_resolve.sql */
};

/* Which rows of a leaf one statement reads. */
struct pr_stretch {
    const json_t *leaf;
    bool after;                    /* behind the key in $1 … */
    bool sample;
    int64_t block, end_block;      /* of a leaf without a key */
    size_t first;                  /* keys of orphans to give back */
    int version_num;
};

/* The one statement that reads a stretch and looks up what it refers to. Gives one row of eight columns: rows read; last key (JSON array of
 * texts); different keys referred to; orphans; oldest; newest; first ones (JSON array of [key, missing]); missing keys (JSON array). */
const char *pr_orphan_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s);

/* Its resolution. A problem or a table that cannot be read is no error: *why says it, and the doc is NULL. The caller frees *out.
 * Errors CONNECT, INTERRUPTED, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_orphan_resolve(struct pr_pg *pg, const struct pr_ref *ref, int timeout_ms, struct pr_arena *a, json_t **out, const char **why,
                                            struct pr_err *e);

/* Runs one statement of the search in a read-only transaction of its own with our limits. What is wrong with the table or the time alone
 * is no error: *why says it. Errors CONNECT, INTERRUPTED, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_orphan_ask(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *const *params, struct pr_arena *a,
                                        struct pr_pg_rows *out, const char **why, struct pr_err *e);

/* Milliseconds left until then, at least 0; at most an hour. */
int pr_orphan_left_ms(int64_t until_us);

#endif
