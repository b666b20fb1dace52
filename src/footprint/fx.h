/* fx.h: how the files of footprint/ work together on one statement. Includes sql/nodes.h first, as every file here does. */
#ifndef PR_FOOTPRINT_FX_H
#define PR_FOOTPRINT_FX_H

#include "sql/nodes.h"

#include "footprint/world.h"

/* A node as what its tag says that it is. */
#define FX_NODE(type, node) ((const type *)(const void *)(node))

struct fx_type;

/* One statement being predicted. */
struct fx {
    struct pr_world *w;
    struct pr_arena *a;            /* the world's */
    struct pr_arena *o;            /* of the footprint: nothing of it may go into the world */
    const struct pr_stmt *s;
    struct pr_footprint *out;
    size_t cap_effects, cap_lost;
    const struct w_rel **touched;  /* relation of each effect, same index; NULL for an index */
    size_t cap_touched;
    const char *const *ctes; size_t n_ctes;                /* WITH queries round a statement that stands in WITH itself */
    bool may;                      /* what is added now happens only if there are rows */
    bool outer_tx;                 /* a transaction was open before the statement, or before the body that it stands in */
    bool stop;                     /* a certain failure: what would follow is not predicted */
};

/* --- effects (fx.c) --- */
/* The relation of a name: known, or a stub of the kind given. NULL when facts say that there is none; then, unless missing_ok,
 * 42P01 is predicted. */
struct w_rel *fx_rel(struct fx *x, const RangeVar *rv, char kind, bool missing_ok);
struct w_rel *fx_rel_named(struct fx *x, const char *schema, const char *name, char kind, bool missing_ok);
/* Where a new relation of that name goes: W_TEMP for a temporary one; NULL when facts do not say. */
const char *fx_new_schema(struct fx *x, const RangeVar *rv);
/* A dotted name as a list of String nodes: its last two parts. */
void fx_parts(const List *names, const char **schema, const char **name);
/* Each adds to the effect on r, which it makes when there is none; the strongest lock wins. */
struct pr_effect *fx_lock(struct fx *x, const struct w_rel *r, enum pr_lock lock);
struct pr_effect *fx_lock_index(struct fx *x, const struct w_rel *table, const char *index, enum pr_lock lock);
void fx_scan(struct fx *x, const struct w_rel *r);
void fx_build(struct fx *x, const struct w_rel *r, int n);
void fx_rewrite(struct fx *x, const struct w_rel *r);      /* heap and every index */
void fx_created(struct fx *x, const struct w_rel *r);
PR_FORMAT(3, 4) void fx_why(struct fx *x, const struct w_rel *r, const char *fmt, ...);
void fx_main(struct fx *x, const struct w_rel *r);         /* the relation that the statement is about */
void fx_lose(struct fx *x, const char *kind, const char *name, bool silent);
/* A predicted failure: a certain one is kept before an uncertain one, the first before the next. */
PR_FORMAT(4, 5) void fx_fail(struct fx *x, const char *sqlstate, bool certain, const char *fmt, ...);
/* 55006: rows of r were written in this transaction under a deferred constraint. */
void fx_pending(struct fx *x, const struct w_rel *r);
void fx_guess(struct fx *x);                               /* facts are missing for what decides */
void fx_finish(struct fx *x);                              /* sorts, fills sizes */
int fx_live_indexes(const struct w_rel *r);
bool fx_has_rows(const struct w_rel *r, bool *sure);

/* r, then (inh) all below it: partitions and inheritance children. At most FX_FAMILY of them. */
enum { FX_FAMILY = 100000 };
size_t fx_family(struct fx *x, struct w_rel *r, bool inh, struct w_rel ***out);
/* AS on the tables that a query reads; scans where it reads without an index. */
void fx_reads(struct fx *x, const void *query, bool work);
void fx_analyses(struct fx *x, const void *query, const RangeVar *target, bool planned);
void fx_lock_view(struct fx *x, const struct w_rel *view, enum pr_lock lock);         /* and what it reads */
/* Records in the tables that a new view reads that it depends on them. */
void fx_depend_on_read(struct fx *x, const struct w_rel *view, const void *query);
void fx_mentions(struct fx *x, struct w_rel *r, const char *kind, const struct w_rel *of, const void *expr);
/* Drops a relation with what hangs on it; cascade or not. As seen from DROP TABLE, DROP VIEW, DROP SCHEMA … */
void fx_drop_rel(struct fx *x, struct w_rel *r, bool cascade, int depth);
void fx_drop_fk(struct fx *x, struct w_rel *r, const struct pr_con *fk);
/* Foreign keys of other tables that stand on an index of r: gone with it, or 2BP01. */
void fx_drop_standing(struct fx *x, struct w_rel *r, const char *index, bool cascade);
void fx_drop_view_of(struct fx *x, const struct pr_dep *d, int depth);
bool fx_dep_alive(const struct fx *x, const struct pr_rel *of, const struct pr_dep *d);
/* The sequences that columns of r own; col NULL = every column. Gives back how many. */
int fx_lock_owned(struct fx *x, const struct w_rel *r, const char *col, enum pr_lock lock);
bool fx_inherited(const struct fx *x, const struct w_rel *r, const char *col);
/* The partition that takes a row with this key value; NULL when none does or it cannot be told. */
struct w_rel *fx_route(struct fx *x, const struct w_rel *parent, const char *value);
bool fx_in_partition_key(struct fx *x, const struct w_rel *r, const char *col);
struct fx_use { struct w_rel *r; const char *col; };                    /* col NULL: a table made OF the type */
/* The columns and typed tables of an enum, domain or composite type, as the world is now. */
size_t fx_type_uses(struct fx *x, const struct w_type *t, struct fx_use **out);
struct w_rel *fx_composite(struct fx *x, const struct w_type *t);       /* the relation behind a composite type */
bool fx_is_view_dep(const struct pr_dep *d);

/* What is written (keys.c): whose keys are to be looked at, whether rows go, and whether at least one row is certain to be there. */
struct fx_written { bool outbound, inbound, going, rows; const InsertStmt *insert; };
void fx_keys_looked_up(struct fx *x, const struct w_rel *r, const struct fx_written *by);

/* --- expressions (expr.c) --- */
enum fx_volatility { FX_STEADY, FX_VOLATILE, FX_UNKNOWN };
enum fx_volatility fx_builtin(const char *name);           /* FX_UNKNOWN: not a built-in function */
bool fx_volatile(struct fx *x, const void *expr, const char **what);   /* `what` names the function */
bool fx_is_null(const void *expr);
bool fx_is_null_text(const char *default_sql);             /* no default, or one that says NULL */
bool fx_names_column(const void *expr, const char *col);
size_t fx_columns(const void *expr, struct pr_arena *a, const char ***out);
/* nextval('x') that runs: locks the sequence. */
void fx_sequences(struct fx *x, const void *expr);
/* The same in a default that is only stored. */
void fx_stored_sequences(struct fx *x, const void *expr);
const char *fx_bare_column(const void *expr);              /* name, when the expression is nothing but a column */
/* Columns that an expression proves to be not null: "c IS NOT NULL" at its top AND level. Calls back for each. */
void fx_proven(const void *expr, void (*hit)(void *ctx, const char *col), void *ctx);
/* Parses text of the catalog ("CHECK ((a > 0))", "(a > 0)") and calls back with the expression; false when unreadable. */
bool fx_with_expr(struct fx *x, const char *text, void (*use)(void *ctx, const Node *expr), void *ctx);
bool fx_text_names_column(struct fx *x, const char *text, const char *col);
bool fx_proves_not_null(struct fx *x, const struct w_rel *r, const char *col, const char **by);
const char *fx_str(struct fx *x, const char *s);           /* into the arena */
/* set_config('search_path', …): as SET. */
void fx_steered(struct fx *x, const void *expr);
/* A text constant, through casts; NULL when the expression is something else. */
const char *fx_text_constant(const void *expr);
const char *fx_constant(struct fx *x, const void *expr);   /* a number as well */
/* 22P02 when the constant is no value of the enum. */
void fx_enum_value(struct fx *x, const struct fx_type *type, const void *expr);

/* --- types (types.c) --- */
struct fx_type {
    const char *schema, *name;     /* internal name: int4, varchar, timestamptz; or the user's */
    bool array, serial;
    int mod1, mod2;                /* -1 = none */
    const struct w_type *user;     /* enum, domain or composite that is known */
    bool known;                    /* built-in, or user != NULL */
};
struct fx_type fx_type_of_node(struct fx *x, const TypeName *t);
struct fx_type fx_type_of_text(struct fx *x, const char *format_type, const char *schema);
const char *fx_type_text(struct fx *x, const struct fx_type *t);       /* as format_type prints it */
enum fx_change { FX_SAME, FX_FREE, FX_REWRITE, FX_UNSURE };
/* What the heap suffers; indexes = plain indexes on the column must be built anew although the heap stays. */
enum fx_change fx_type_change(struct fx *x, const struct fx_type *from, const struct fx_type *to, bool *indexes);
bool fx_lossy(const struct fx_type *from, const struct fx_type *to);
bool fx_castable(const struct fx_type *from, const struct fx_type *to);   /* by assignment; true when not known */
struct fx_type fx_base_type(struct fx *x, const struct fx_type *t);      /* of a domain, as far as it is known */
bool fx_is_number(const struct fx_type *t);
bool fx_is_string(const struct fx_type *t);
bool fx_fk_comparable(const struct fx_type *a, const struct fx_type *b);

/* --- the ALTER TABLE machine (alter_table.c) --- */
struct fx_at {
    struct fx *x;
    struct w_rel *r;               /* member of the family that is worked on */
    struct w_rel *root;
    const AlterTableStmt *st;
    const AlterTableCmd *cmd;
    bool rewrite, verify;          /* of r, as phase 3 will find it */
    bool refs_free;                /* columns were added: a foreign key over nulls is not looked up */
};
/* Of SET and RESET (…): the strongest lock that one of the options asks for; 22023 for one that nothing of the
 * server's own has (an access method of an extension may: then it is not certain). */
enum pr_lock fx_option_lock(const List *options);
void fx_options_exist(struct fx *x, const List *options, bool certain);
/* Columns and constraints, per member of the family. */
void fx_add_column(struct fx_at *t);
void fx_drop_column(struct fx_at *t);
void fx_alter_type(struct fx_at *t);
void fx_set_not_null(struct fx_at *t);
void fx_add_constraint(struct fx_at *t);
void fx_drop_constraint(struct fx_at *t);
void fx_validate_constraint(struct fx_at *t);
void fx_attach(struct fx_at *t);
void fx_detach(struct fx_at *t);
void fx_inherit(struct fx_at *t);
void fx_no_inherit(struct fx_at *t);
/* One inline or table constraint; col NULL = table constraint. new_col: 0 no, 1 column without value, 2 with a default. */
void fx_constraint(struct fx_at *t, const Constraint *c, const char *col, int new_col);
/* Does a key over these columns contain the partition key of r? Predicts 0A000 where it does not. */
bool fx_key_covers(struct fx *x, const struct w_rel *r, const char *const *cols, size_t n);
void fx_verify(struct fx_at *t, const char *why);          /* phase 3 reads every row of t->r */
/* table_columns_label within 63 bytes, as the server shortens it; columns and label may be NULL. */
const char *fx_object_name(struct fx *x, const char *table, const char *columns, const char *label);
const char *fx_free_name(struct fx *x, const struct w_rel *r, const char *columns, const char *label);
const char *fx_con_name(struct fx *x, const struct w_rel *r, const Constraint *c, const char *col);
void fx_add_fk_record(struct fx *x, struct w_rel *r, const Constraint *c, const char *col, const char *name, bool valid);

#endif
