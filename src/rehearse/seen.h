/* seen.h: what was seen of one side's run. Times are microseconds of the run's own clock: it goes on while statements and commits
 * of the script run, and stands still while we look around between them. Errors of what can fail: those of pg.h. */
#ifndef PR_REHEARSE_SEEN_H
#define PR_REHEARSE_SEEN_H

#include "footprint/footprint.h"

/* ---- snapshot.c: the relations of the copy, as one session sees them ---- */
struct pr_place {
    int64_t oid, filenode, owner_oid, bytes;       /* owner_oid: table of an index or of a TOAST table; 0 = none */
    const char *schema, *name;
    char kind;
};
struct pr_places { struct pr_place *items; size_t n; };     /* by oid */
enum pr_code pr_places_read(struct pr_pg *pg, struct pr_arena *a, struct pr_places *out, struct pr_err *e);
const struct pr_place *pr_place_find(const struct pr_places *p, int64_t oid);
/* The table that a relation belongs to: itself, or the table of an index or TOAST table. */
const struct pr_place *pr_place_table(const struct pr_places *p, const struct pr_place *of);
const struct pr_place *pr_place_named(const struct pr_places *p, const char *schema, const char *name);
/* Table, its indexes and TOAST: bytes. */
int64_t pr_place_total(const struct pr_places *p, int64_t table_oid);
int64_t pr_place_indexes(const struct pr_places *p, int64_t table_oid);

/* ---- what was seen ---- */
struct pr_span {                   /* one mode of one relation, held without a break */
    int64_t oid, from_us, to_us;   /* to_us -1: still held */
    enum pr_lock mode;
    int stmt;                      /* that took it */
    bool exact;                    /* read at the end of the statement, not only sampled */
    bool existed;                  /* the relation was there before the run: others may want it */
    const char *schema, *name;     /* of the relation; filled when the run is over */
    char kind;
    const char *table_schema, *table;  /* whose readers and writers feel it: the table of an index, else itself */
};
struct pr_spans { struct pr_span *items; size_t n, cap; };

struct pr_canary {                 /* one reader or writer that knocks */
    const char *schema, *name, *sql;
    bool writer;
    int64_t last_ok_us, blocked_from_us;           /* blocked_from_us -1 = not blocked now */
    int64_t longest_us, longest_from_us;           /* longest_us -1 = never blocked */
    int knocks, refused;
};

struct pr_seen_effect {            /* of one statement on one table */
    int64_t oid;
    const char *schema, *name;
    char kind;
    enum pr_lock lock;             /* strongest newly taken by the statement; NONE = held already, or not caught */
    enum pr_lock held;             /* strongest held at its end */
    bool rewrite, scan, created, dropped, existed;
    int index_builds;
    int64_t bytes_before, bytes_after;             /* table, indexes and TOAST */
    int64_t rows_written;
};

struct pr_seen_stmt {
    const struct pr_stmt *stmt;
    bool ran, failed, in_tx, exact;                /* exact: locks were read at its end, inside its transaction */
    int64_t start_us, elapsed_us, commit_us, rows, wal_bytes;
    int samples;
    struct pr_seen_effect *effects; size_t n_effects, cap;
    const char *tag, *sqlstate, *problem, *hint, *nearest;
    int problem_line, problem_col;
    const char *const *notices; size_t n_notices;
};

struct pr_seen_run {               /* of one side */
    const char *direction;         /* "up", "down", "up again" */
    const struct pr_side *side;
    const struct pr_script *script;
    struct pr_seen_stmt *stmts; size_t n;
    struct pr_spans spans;
    struct pr_canary *canaries; size_t n_canaries;
    int64_t elapsed_us, statements_us, wal_bytes, commit_us;
    bool ok, left_half;            /* left_half: failed after something had been committed */
    const char *left;              /* what a failed statement left and we removed, or NULL */
    struct pr_places before;       /* relations that were there: others may want them */
};

#endif
