/* backfill.h: one plain UPDATE, DELETE or INSERT … SELECT over a whole table, taken apart into transactions that hurt nobody; or a DELETE
 * whose rows are kept: WITH gone AS (DELETE … RETURNING …) INSERT INTO … SELECT … FROM gone.
 * This half reads the file and cuts the statement; nothing here runs it.
 *
 * A statement becomes one walk for each table that holds rows (a plain table, or every leaf of a partitioned one). A walk goes
 * through the table in the order of its key. Its SQL texts are made from the statement's tree and printed; never from its text.
 * Parameters are text, NULL never; casts to the key's types stand in the SQL. Keys come back as text as well.
 *
 *     edge    where a range ends: the key `limit` rows further on
 *     batch   the statement within a range: condition AND key > lower AND key <= upper
 *     rows    the keys of a range with their blocks, for page-strided passes
 *     some    the statement for the keys of a list: by index scan, so that pages are pruned and updates stay HOT
 *     sweep   like batch, but rows that a pass has done already are left alone
 *
 * Exactness: a batch and its journal row commit together. `sweep` may be run any number of times; `batch` and `some` of one
 * range, or of one row, once. The condition stands in all of them: rows that the application has taken out of it stay as they are. */
#ifndef PR_BACKFILL_BACKFILL_H
#define PR_BACKFILL_BACKFILL_H

#include "backfill/settings.h"
#include "catalog/catalog.h"
#include "project/project.h"

enum pr_bf_kind { PR_BF_UPDATE, PR_BF_DELETE, PR_BF_INSERT, PR_BF_KIND_COUNT };
enum pr_bf_way { PR_BF_AUTO, PR_BF_STRIDED, PR_BF_KEY, PR_BF_BLOCKS, PR_BF_WAY_COUNT };
const char *pr_bf_kind_name(enum pr_bf_kind k);             /* "UPDATE", "DELETE", "INSERT" */
const char *pr_bf_way_name(enum pr_bf_way w);               /* "auto", "strided", "key", "blocks": as in the header */

/* --- the file: file.c --- */
struct pr_bf_verify { const char *sql; int line; };         /* a query that must give no row, or one row `true` */
struct pr_bf_compare { const char *was, *is; int line; };   /* expressions over the table's rows that must be equal */

struct pr_bf_file {
    const char *path;              /* as shown */
    const char *id, *version, *name;       /* "0249_vat", "0249", "vat"; version NULL: no number in the file's name */
    const char *text; size_t len; const char *sha256;
    const char *rationale, *author;        /* or NULL */
    struct pr_bf_tuning tuning;    /* vacuum_rows: PR_BF_AS_IS = chosen with the way */
    enum pr_bf_way way;            /* PR_BF_AUTO = chosen */
    bool triggers_fire;            /* `triggers: fire`: that triggers and cascades write to other tables is meant */
    const char *const *keys; size_t n_keys;                 /* 0 = chosen */
    struct pr_bf_verify *verify; size_t n_verify;
    struct pr_bf_compare *compare; size_t n_compare;
    struct pr_script script;       /* exactly one statement, parsed; pr_bf_file_done frees it */
    const struct pr_stmt *stmt;
};

/* Reads NNNN_name.backfill.sql; what the header leaves out has its default. Trees of expressions and verify queries are tried
 * against the grammar. path NULL-safe in messages: `shown` is what they name. text must live as long as a.
 * out     in a, but for the tree: pr_bf_file_done. Errors BAD_INPUT (header: with line, what was expected, nearest key; not one
 *         statement of those three), PARSE (the grammar refuses it), NO_FILE. */
PR_NODISCARD enum pr_code pr_bf_file_read(const char *path, const char *root, struct pr_arena *a, struct pr_bf_file *out, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_file_parse(const char *shown, const char *text, size_t len, struct pr_arena *a, struct pr_bf_file *out,
                                           struct pr_err *e);
void pr_bf_file_done(struct pr_bf_file *f);                 /* for PR_CLEANUP; a zeroed one is fine */

/* The keys of the header, for docs and completion: name, form, default, meaning. */
struct pr_bf_setting { const char *key, *form, *fallback, *help; };
const struct pr_bf_setting *pr_bf_settings(size_t *n);

/* --- the cut: cut.c --- */
struct pr_bf_key {
    const char *name;              /* column; "block" for PR_BF_BLOCKS, whose key is the block's number */
    const char *type;              /* format_type, as in the casts */
};

/* A text within a range of keys. first: no lower bound, $1…$n is the upper one. next: $1…$n lower (left out), $n+1…$2n upper (taken). */
struct pr_bf_range { const char *first, *next; };

/* Old against new, from the header or, when that names none, from the SET clause. */
struct pr_bf_compared {
    const char *was, *is;          /* for people */
    bool derived;
    struct pr_bf_range rows;       /* and the limit → keys of rows in which they differ */
};

struct pr_bf_walk {
    enum pr_bf_way way;
    const char *why_way;           /* one line for people */
    const char *schema, *table;    /* that is walked; an UPDATE's or DELETE's target, an INSERT's source */
    const char *full;              /* the same, quoted where it must be */
    const char *index;             /* behind the key; NULL for PR_BF_BLOCKS */
    int64_t est_rows, est_pages;   /* of the heap */
    struct pr_bf_key *keys; size_t n_keys;                  /* at least one */

    struct pr_bf_range edge;       /* here first takes $1 = limit; next $1…$n lower, $n+1 = limit (rows; > 0).
                                    * → n keys of the last of them, their number (bigint); no row at the end of the table */
    const char *last;              /* → n keys of the last row of all; no row when empty: how far it is at most */
    struct pr_bf_range batch;      /* → the command's own number of rows */
    struct pr_bf_range rows;       /* → n keys and the ctid of every row in the range, in the order of the key, whether or
                                    * not the condition holds. NULL for PR_BF_BLOCKS */
    const char *some;              /* $1…$n: an array literal for each key column ({…} of text, equally long). NULL for PR_BF_BLOCKS */
    struct pr_bf_range sweep;      /* NULL when a second run over a row would change it again: never strided then */
    bool converges;                /* the condition leaves out rows that are done */

    /* Verification, each within a range. NULL where it says nothing. */
    struct pr_bf_range left;       /* → count(*) of rows that the condition still holds for */
    struct pr_bf_range wrong_rows; /* UPDATE: and one parameter more, the limit → keys of rows that it was for and that do not have the
                                    * new values, in order */
    struct pr_bf_range tally;      /* → all that is counted, in one query: rows left, rows without their new values (both NULL where
                                    * nothing can be said), and of each pair of compare: count(was), count(is), sum(was), sum(is) (text;
                                    * NULL when no numbers), rows in which they differ */
    struct pr_bf_compared *compare;
    size_t n_compare;
};

struct pr_bf_cut {
    enum pr_bf_kind kind;
    const char *statement;         /* as PostgreSQL prints it */
    const char *target;            /* that is written, quoted in full */
    const char *keeper;            /* table that takes what is deleted, quoted in full; NULL = none. Then batch, sweep and some give one row:
                                    * rows that went, rows that arrived */
    const char *const *changed; size_t n_changed;           /* columns that an UPDATE sets */
    struct pr_bf_walk *walks; size_t n_walks;               /* at least one; leaves in the order of their names */
    const char *const *notes; size_t n_notes;               /* for people: "now() is each batch's own time", … */
};

/* What the facts do not hold and the choice of the way wants: one for each column of a table that a unique index begins with. */
struct pr_bf_look {
    const char *schema, *table;
    const char *column;            /* NULL: no unique index */
    int correlation_permille;      /* of the column's order with that of the rows, 0 to 1000 (its amount); -1 = not known */
    int64_t rows_per_page;         /* 0 = not known */
    bool rls_active;               /* row-level security applies to this role */
    const char *rule;              /* that rewrites what is done to the table, or NULL */
};

/* Cuts the statement for the catalog as it is. looks may be NULL (n 0): then nothing is known of the order of the rows, and
 * strided passes are taken only when asked for. triggers, policies and generated columns are read from the facts, which must
 * hold what pr_facts_wants(script) names.
 * out     in a; borrows f. Errors REFUSED (why it cannot be cut; the hint says what would make it possible), BAD_INPUT (the
 *         header names a key or a way that the table has not got), NOT_GROUNDED (a relation that the facts do not have), BUG. */
PR_NODISCARD enum pr_code pr_bf_cut(const struct pr_bf_file *f, const struct pr_facts *facts, const struct pr_bf_look *looks, size_t n_looks,
                                    struct pr_arena *a, struct pr_bf_cut *out, struct pr_err *e);

/* Reads facts and looks from the live catalog, cuts, and has the server read every text (PREPARE): wrong types show here. Not inside
 * a transaction. facts (may be NULL) gets what was read.
 * out     in a; borrows f. Errors as pr_bf_cut, and DB, TIMEOUT, CONNECT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_bf_cut_live(const struct pr_bf_file *f, struct pr_pg *pg, struct pr_arena *a, struct pr_bf_cut *out,
                                         struct pr_facts **facts, struct pr_err *e);

#endif
