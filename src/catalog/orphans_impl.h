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

/* Which rows of a leaf are read: those behind the key in $1 … up to the one in the parameters after it, or its pages. */
struct pr_stretch {
    const json_t *leaf;
    bool after;                    /* there is a lower bound */
    bool up_to;                    /* there is an upper bound */
    bool sample;
    int64_t block, end_block;      /* of a leaf without a key */
    int version_num;
};

/* The key of the last row of the next chunk behind $1 …, as one column for each; no row when there are fewer rows than a chunk has. */
const char *pr_orphan_bound_sql(struct pr_arena *a, const struct pr_stretch *s);

/* Looks up what a stretch refers to. Gives one row: rows read; different keys referred to; orphans; oldest; newest; missing keys (JSON array of
 * arrays, NULL when there are none). */
#define PR_ORPHAN_COUNTED 6
const char *pr_orphan_count_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s);

/* The first orphans of a stretch, as a JSON array of [key, missing]. */
const char *pr_orphan_first_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s, size_t n);

/* Its resolution. A problem or a table that cannot be read is no error: *why says it, and the doc is NULL. The caller frees *out.
 * Errors CONNECT, INTERRUPTED, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_orphan_resolve(struct pr_pg *pg, const struct pr_ref *ref, int timeout_ms, struct pr_arena *a, json_t **out, const char **why,
                                            struct pr_err *e);

/* A read-only transaction with our limits, for one chunk. It is ended with pr_orphan_end, which takes the code of what was done in it: when
 * the table or the time alone was at fault, *why says so and the code is PR_OK. Errors CONNECT, INTERRUPTED, DB, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_orphan_begin(struct pr_pg *pg, int timeout_ms, struct pr_arena *a, struct pr_err *e);
PR_NODISCARD enum pr_code pr_orphan_end(struct pr_pg *pg, enum pr_code code, struct pr_arena *a, const char **why, struct pr_err *e);
/* Both round one statement. */
PR_NODISCARD enum pr_code pr_orphan_ask(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *const *params, struct pr_arena *a,
                                        struct pr_pg_rows *out, const char **why, struct pr_err *e);

/* Milliseconds left until then, at least 0; at most an hour. */
int pr_orphan_left_ms(int64_t until_us);

#endif
