/* impl.h: between the files that read and cut a statement; nobody else includes it. After "sql/nodes.h". */
#ifndef PR_BACKFILL_IMPL_H
#define PR_BACKFILL_IMPL_H

#include "backfill/backfill.h"
#include "footprint/footprint.h"

/* As pr_cast, of a tree that is our own and may be changed. */
#define bf_mut(type, n) ((type *)(uintptr_t)pr_cast(type, n))

/* One item of a SET clause. expr NULL: DEFAULT, part of a value, or one of several columns that a subquery gives. */
struct bf_set { const char *col; Node *expr; };

struct bf_text { struct pr_script script; struct bf_text *next; };      /* parsed SQL of ours, kept until the cut is made */

/* A cut in the making. The tree is its own: it is changed while texts are made of it, and put back. */
struct bf {
    struct pr_arena *a;
    const struct pr_bf_file *f;
    const struct pr_facts *facts;
    const struct pr_bf_look *looks; size_t n_looks;
    struct pr_world *world;
    struct bf_text *texts;
    struct pr_bf_cut *out;
    size_t cap_notes, cap_walks;

    const struct pr_stmt *stmt;    /* of a script of its own */
    Node *node;                    /* its tree; where deleted rows are kept, the DELETE's alone */
    Node *whole;                   /* what is printed for a batch: the same, or what counts the rows that went and those that are kept */
    enum pr_bf_kind kind;
    RangeVar *target, *walked;     /* written; gone through: the same, but for an INSERT */
    const struct pr_rel *written, *root;                    /* their facts */
    const char *alias;             /* by which the statement calls the rows that are gone through */
    SelectStmt *select;            /* of an INSERT */
    InsertStmt *keeps;             /* that takes the deleted rows; NULL = nothing does */
    const struct pr_rel *keeper;   /* the facts of its table */
    List **from;                   /* FROM or USING beside the walked table; of an INSERT all of it */
    Node **where;
    WithClause *with;

    struct bf_set *sets; size_t n_sets, cap_sets;
    const char **changed; size_t n_changed, cap_changed;
    bool reads_changed;            /* a new value is made of a column that changes */
    bool moves;                    /* a new value is another one each time: volatile, or the time */
    bool comparable;               /* each new value can be compared with the column */
    enum { BF_STAYS, BF_LEAVES, BF_LEAVES_SURELY } leaves;  /* do rows that are done leave the condition? */
    bool anti_join;                /* of an INSERT: rows that are there already are left out */
};

/* --- tree.c --- */
/* Does WITH write? */
bool bf_writes(const WithClause *with);
/* An expression as PostgreSQL prints it. Errors BUG. */
PR_NODISCARD enum pr_code bf_expression(const void *expr, struct pr_arena *a, const char **out, struct pr_err *e);
/* A statement printed, read again and compared: what comes out says what the tree says. Errors BUG. */
PR_NODISCARD enum pr_code bf_print(struct bf *b, const void *node, const char **out, struct pr_err *e);
/* One statement of ours as a tree that lives as long as b. Errors BUG. */
PR_NODISCARD enum pr_code bf_parse(struct bf *b, const char *sql, Node **out, struct pr_err *e);
/* The condition of "SELECT WHERE …". Errors BUG. */
PR_NODISCARD enum pr_code bf_condition(struct bf *b, const char *condition, Node **out, struct pr_err *e);
Node *bf_and(struct bf *b, Node *x, Node *y);               /* either may be NULL */
Node *bf_or(struct bf *b, Node **items, size_t n);
/* The parts that AND holds together at the top; a NULL condition has none. */
size_t bf_conjuncts(struct bf *b, Node *where, Node ***out);
PR_FORMAT(2, 3) void bf_note(struct bf *b, const char *fmt, ...);
const char *bf_id(const struct bf *b, const char *name);
const char *bf_column(const struct bf *b, const char *col); /* alias.column */
const char *bf_list(const struct bf *b, const char *const *items, size_t n);            /* "a, b" */
void bf_done(struct bf *b);                                 /* the trees of ours */

/* --- refs.c: whose columns a statement reads --- */
enum bf_whose { BF_OWN, BF_SELF, BF_OTHER };                /* of the row itself, of other rows of the written table, of other tables */
bool bf_is_written(const struct bf *b, const RangeVar *rv); /* the written table, what is above and below it, a view that reads it */
/* Is one of the columns read in node (of the row itself, or of other rows of its table)? */
bool bf_reads(struct bf *b, const void *node, const char *const *cols, size_t n, enum bf_whose whose);
/* The written table where it stands once more in node; NULL when it does not. */
const RangeVar *bf_again(struct bf *b, const void *node);

/* --- kept.c --- */
/* WITH gone AS (DELETE … RETURNING columns) INSERT INTO … SELECT columns FROM gone: the deleted rows are kept. Errors REFUSED, NOT_GROUNDED, BUG. */
bool bf_is_kept(const InsertStmt *s);                       /* it is meant so */
PR_NODISCARD enum pr_code bf_take_kept(struct bf *b, InsertStmt *s, struct pr_err *e);

/* --- shape.c --- */
/* The facts of a table that is named; refuses what has no rows of its own. Errors REFUSED, NOT_GROUNDED. */
PR_NODISCARD enum pr_code bf_relation(struct bf *b, const RangeVar *rv, const struct pr_rel **out, struct pr_err *e);
/* A DELETE as what is taken apart. Errors REFUSED, NOT_GROUNDED. */
PR_NODISCARD enum pr_code bf_take_delete(struct bf *b, DeleteStmt *s, struct pr_err *e);
PR_NODISCARD enum pr_code bf_refuse(struct pr_err *e, const char *what, const char *hint);      /* always REFUSED */
/* What the statement is and which tables it is about; refuses what no facts could make possible. Errors REFUSED, NOT_GROUNDED. */
PR_NODISCARD enum pr_code bf_take_apart(struct bf *b, struct pr_err *e);
/* What becomes of rows that are done: fills reads_changed to leaves. */
void bf_learn(struct bf *b);
/* Can the new value of a column be compared as text only? */
bool bf_as_text(const struct pr_col *c);

/* --- safe.c: what the facts forbid. Errors REFUSED --- */
PR_NODISCARD enum pr_code bf_safe(struct bf *b, struct pr_err *e);
PR_NODISCARD enum pr_code bf_stays_put(const struct bf *b, const struct pr_rel *parent, struct pr_err *e);
/* --- fires.c: triggers, cascades and functions that write elsewhere. Errors REFUSED --- */
PR_NODISCARD enum pr_code bf_fires(struct bf *b, struct pr_err *e);
PR_NODISCARD enum pr_code bf_functions(struct bf *b, struct pr_err *e);

/* --- way.c --- */
/* Fills key and way of a walk over member. Errors REFUSED, BAD_INPUT. */
PR_NODISCARD enum pr_code bf_way(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e);

/* May a row be met twice? */
bool bf_repeatable(const struct bf *b);                     /* shape.c */

/* --- texts.c: the SQL of a walk, when its key is chosen. Errors BUG --- */
PR_NODISCARD enum pr_code bf_texts(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e);
/* A range of keys as a condition; lower: with a lower bound. */
const char *bf_bounds(struct bf *b, const struct pr_bf_walk *w, bool lower);
const char *bf_key_texts(struct bf *b, const struct pr_bf_walk *w);
const char *bf_key_order(struct bf *b, const struct pr_bf_walk *w, const char *direction);
const char *bf_from(struct bf *b, const struct pr_rel *member);         /* the member, by the name that the statement's columns have */
/* "column IS DISTINCT FROM its new value": of one column, or of any. Errors BUG. */
PR_NODISCARD enum pr_code bf_differs_in(struct bf *b, const struct pr_rel *member, size_t i, Node **out, struct pr_err *e);
PR_NODISCARD enum pr_code bf_differs(struct bf *b, const struct pr_rel *member, Node **out, struct pr_err *e);

/* --- proof.c: what shows that it is whole. Errors BUG --- */
/* The new values can be computed again and compared, whatever has been done since. */
bool bf_steady(const struct bf *b);
PR_NODISCARD enum pr_code bf_proofs(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e);

#endif
