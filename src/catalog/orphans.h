/* orphans.h: references from a table to another, declared or inferred, and the rows in which they lead nowhere. Nothing here
 * writes, and nothing holds a snapshot or a lock for longer than one chunk of rows. */
#ifndef PR_CATALOG_ORPHANS_H
#define PR_CATALOG_ORPHANS_H

#include "catalog/catalog.h"

enum pr_ref_basis {
    PR_REF_DECLARED,               /* a foreign key of the catalog */
    PR_REF_INFERRED,               /* by names, types and values: never certain */
    PR_REF_ASKED                   /* by a statement that is to run */
};

/* Columns of a table that refer to columns of another. */
struct pr_ref {
    enum pr_ref_basis basis;
    const char *constraint;        /* of a declared one; NULL otherwise */
    const char *def;               /* its pg_get_constraintdef; NULL otherwise */
    const char *schema, *table, *ref_schema, *ref_table;
    const char *const *cols, *const *ref_cols; size_t n_cols;
    bool validated, enforced, match_full;
    bool triggers_off;             /* somebody disabled the triggers that hold a declared one */
    bool period;                   /* a temporal key (PERIOD, from 18 on): the last column is a period, which those of the other side must cover */
    bool rows_change;              /* statements that run before it write these rows: what was counted may be mended by then */
    bool all_lost;                 /* count every row that refers: the other table is to go */
    int confidence;                /* 0 to 100; 100 when declared */
    const char *const *why; size_t n_why;  /* of an inferred one, in words */
};

/* Declared foreign keys of these tables (n 0: of all), those of partitions only where the partitioned table has none of them.
 * Not validated ones first, then by name. out in a. Errors DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_refs_declared(struct pr_pg *pg, const struct pr_want *tables, size_t n, struct pr_arena *a, struct pr_ref **out,
                                           size_t *n_out, struct pr_err *e);

/* References that no foreign key declares, by the names of columns and tables (invoice_id → invoices.id), where the types agree and
 * a unique index stands on the other side. From facts alone; f must be whole. tables as above, found in f. out in a, likely ones first. */
size_t pr_refs_inferred(const struct pr_facts *f, const struct pr_want *tables, size_t n, struct pr_arena *a, struct pr_ref **out);

/* Holds inferred references against a sample of values, at most 1,000 rows each; changes their confidence and why, and sorts them. Those
 * that the sample speaks against are taken out. What cannot be read stays as it is. Errors TIMEOUT, CONNECT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_refs_weigh(struct pr_pg *pg, const struct pr_facts *f, struct pr_ref *refs, size_t *n, int64_t until_us, struct pr_arena *a,
                                        struct pr_err *e);

struct pr_orphan { const char *const *key, *const *missing; };     /* texts of its own key and of what it refers to; NULL = null */

struct pr_orphans {
    const struct pr_ref *ref;
    const char *unread;            /* why nothing could be counted; NULL = it was */
    const char *stopped;           /* why it was not read to its end; NULL = it was: the counts are exact */
    bool by_blocks;                /* read in the order of its pages: it has no key */
    int64_t read, estimate;        /* rows read, of about so many */
    int64_t rows;                  /* orphans among them */
    int64_t missing;               /* different keys that they refer to */
    bool missing_more;             /* more than PR_CAP_MISSING: no longer told apart */
    const char *const *key_cols; size_t n_key_cols;        /* of the first ones; "ctid" when there is no key */
    struct pr_orphan *first; size_t n_first;
    const char *age_col, *oldest, *newest;                 /* of the orphans; NULL = no column that tells, or none has a value */
    int64_t elapsed_us;
};
#define PR_CAP_MISSING 100000
#define PR_CAP_FIRST_ORPHANS 10000

struct pr_orphan_search {
    int64_t until_us;              /* pr_mono_us() at which to stop; what was counted by then is a lower bound */
    size_t first;                  /* keys to give back */
    bool stop_at_first;            /* one chunk with orphans is enough */
    const struct pr_talk *talk;    /* for Ctrl-C and progress; may be NULL */
};

/* Counts the rows of each reference that lead nowhere. Reads each table in chunks by its key, every row once, in read-only transactions of
 * one chunk each; a partitioned table partition by partition. What cannot be read is told in `unread` or `stopped` and does not stop the
 * others. Not to be called inside a transaction. out: n results, in a. Errors CONNECT, INTERRUPTED, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_orphans_find(struct pr_pg *pg, const struct pr_ref *refs, size_t n, const struct pr_orphan_search *how,
                                          struct pr_arena *a, struct pr_orphans **out, struct pr_err *e);

/* A table that is to be dropped, or one of its columns. */
struct pr_dropped { const char *schema, *table, *column; /* NULL = the table */ };

/* Before a script runs: counts the orphans of these references and, where tables or columns go, the rows that refer to them, by foreign keys or as
 * it seems by their names; within timeout_ms (0 = does nothing), the counts are lower bounds where that is not enough. Goes into f->orphans; refs
 * must live as long. Errors as pr_orphans_find and pr_facts_read. */
PR_NODISCARD enum pr_code pr_facts_orphans(struct pr_pg *pg, const struct pr_ref *refs, size_t n, const struct pr_dropped *dropped, size_t n_dropped,
                                           int64_t timeout_ms, const struct pr_talk *talk, struct pr_arena *a, struct pr_facts *f, struct pr_err *e);

/* The same columns refer to the same ones. */
bool pr_ref_same(const struct pr_ref *x, const struct pr_ref *y);

/* "schema.table (a, b)", quoted as SQL wants it. */
const char *pr_ref_from(struct pr_arena *a, const struct pr_ref *r);
const char *pr_ref_to(struct pr_arena *a, const struct pr_ref *r);
/* Condition under which a row with this alias refers to nothing, as SQL that can be run; plain names and =. */
const char *pr_ref_condition(struct pr_arena *a, const struct pr_ref *r, const char *alias);

#endif
