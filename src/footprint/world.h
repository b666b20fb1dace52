/* world.h: the shadow catalog behind pr_world: facts, copied where a statement changes them. Inside footprint/ alone. */
#ifndef PR_FOOTPRINT_WORLD_H
#define PR_FOOTPRINT_WORLD_H

#include "footprint/footprint.h"

/* What the last statement took from a relation: see world_back.c. Kept until the next one. */
struct w_was { bool gone; const char *schema, *name; };
struct w_names_was { const char **items; size_t n; };

/* A relation as the next statement finds it. Arrays inside r belong to the facts until the first change (`mine`). There may be a hundred
 * thousand of them: what is rare stands behind a pointer. */
struct w_rel {
    struct pr_rel r;
    bool own;                      /* created in this run: nobody else has it yet */
    bool complete;                 /* its whole shape is known: from facts, or created in this run */
    bool gone;                     /* dropped, or an old name */
    bool empty;                    /* certainly without rows */
    bool listed;                   /* by w_all */
    bool until_commit;             /* ON COMMIT DROP */
    bool nulls;                    /* pr_col.all_null holds: no row was written since it was noted */
    unsigned mine;                 /* W_COLS | … : array already copied */
    unsigned cap_cols, cap_cons, cap_idxs, cap_trgs, cap_deps, cap_parts;
    int born, changed, idxs_changed;                       /* statements (w->step) that made it, took its name, touched its indexes; 0 = none */
    struct w_proof *proofs;        /* what CHECK constraints of this run prove; newest first */
    const struct w_was *was;       /* before `changed` */
    const struct w_names_was *was_idxs;                    /* before `idxs_changed` */
    int64_t pending_tx;            /* rows written in that transaction under deferred constraints; 0 = none */
    int64_t pending_checks;        /* w->checks as it was then */
};
#define W_TEMP "pg_temp"               /* schema of temporary relations */
enum { W_COLS = 1, W_CONS = 2, W_IDXS = 4, W_TRGS = 8, W_PARTS = 16 };

/* CHECK constraint `con` says "col IS NOT NULL" at its top AND level. */
struct w_proof { const char *con, *col; struct w_proof *next; };

/* A value added to an enum, and in which transaction: unsafe to use before that one has ended. */
struct w_value { const char *type, *value; int64_t tx; bool type_is_new; struct w_value *next; };
struct w_type { struct pr_typ t; bool own, gone; int64_t tx; struct w_type *next; };

/* Things by (schema, name), and those that have a schema by name alone, newest first. What no longer has its name is cut out when it is
 * met. */
struct w_named { void *what; int64_t stamp; struct w_named *next; };
struct w_names { struct pr_map exact, qualified; };

/* A world lies on facts, or on another world that it must not change: what is below is taken over when it is first asked for. */
struct pr_world {
    struct pr_arena *a;
    const struct pr_facts *base;   /* NULL = none */
    const struct pr_world *under;  /* NULL = base itself is below */
    struct pr_facts now;           /* for pr_world_facts: its finder asks this world; its functions are those of now */
    size_t cap_fns;
    bool own_fns;                  /* now.fns is no longer the list of the facts */
    bool unseen;                   /* something ran whose text is put together when it runs, and which may have made relations */
    struct pr_finder finder;
    int version;
    struct w_names rels, idxs, types;                      /* w_rel; the w_rel that has the index; w_type */
    struct pr_map taken, taken_types;                      /* (schema, name) as they are below */
    struct pr_map gone, gone_names;                        /* (schema, name), and the name alone, that a drop or rename has left: w_rel */
    struct pr_map parents;         /* (NULL, "schema.name" of a child): w_rel of each parent */
    int64_t stamp;
    bool has_temp, until_commit;   /* W_TEMP holds relations; some of them are ON COMMIT DROP */
    bool aged;                     /* what is taken over from below has grown old */
    bool all;                      /* everything below is taken */
    struct w_rel **list; size_t n, cap;                    /* live and gone, in order of arrival: ask w_all */
    struct w_type *type_list;
    struct w_value *values;
    const char *const *path; size_t n_path;                /* search_path as steered by the script */
    const char *time_zone;
    bool bodies_unread;            /* SET check_function_bodies = off */
    bool in_tx;                    /* the runner or the script holds a transaction open */
    int64_t tx;                    /* counts transactions */
    int step;                      /* counts statements */
    bool back;                     /* pr_world_created tells what was so before the last of them */
    struct pr_arena *out;          /* of footprints; NULL = a */
    int64_t checks;                /* counts SET CONSTRAINTS ALL IMMEDIATE: what was due before is checked */
};

/* Time has passed: rows may have come, and it is nobody's own any more. */
void w_grow_old(struct w_rel *r);
/* Finds a live relation; schema NULL goes through the temporary ones, then the search path. NULL when not known. */
struct w_rel *w_find(const struct pr_world *w, const char *schema, const char *name);
/* True when facts are there and say that no such relation exists. */
bool w_absent(const struct pr_world *w, const char *schema, const char *name);
/* The one that was put in later, of equal ones a; NULL is none. */
const struct w_named *w_newer(const struct w_named *a, const struct w_named *b);
/* A relation that is only known by name: facts do not have it. */
struct w_rel *w_stub(struct pr_world *w, const char *schema, const char *name, char kind);
/* A new relation of this run. Schema NULL = first of the search path. */
struct w_rel *w_create(struct pr_world *w, const char *schema, const char *name, char kind);
void w_drop(struct pr_world *w, struct w_rel *r);
void w_rename(struct pr_world *w, struct w_rel *r, const char *schema, const char *name);
/* The relation that had this name before it was renamed in this run; NULL when none had. schema NULL = any. */
struct w_rel *w_renamed(const struct pr_world *w, const char *schema, const char *name);
/* Drops the temporary relations: of the session, or those that its transaction alone was to have. */
void w_drop_temp(struct pr_world *w, bool of_transaction);
/* True when a relation of that name was dropped or renamed in this run. */
bool w_was(const struct pr_world *w, const char *schema, const char *name);
/* Every relation, gone ones too, in order: those of the facts first. Takes all of them over: only for statements about all. */
struct w_rel *const *w_all(struct pr_world *w, size_t *n);
/* "schema.name" as in pr_rel.partitions. */
struct w_rel *w_find_full(const struct pr_world *w, const char *full);
const char *w_full(struct pr_world *w, const struct w_rel *r);
const char *w_default_schema(const struct pr_world *w);    /* NULL when facts do not say */

/* Must be told of every name that an index of r gets. */
void w_note_index(struct pr_world *w, struct w_rel *r, const char *name);
/* The table that has the index, which goes to *idx; NULL when not known. */
struct w_rel *w_find_index(const struct pr_world *w, const char *schema, const char *name, struct pr_idx **idx);

/* True when facts are there and say that no such index exists. */
bool w_index_absent(const struct pr_world *w, const char *schema, const char *name);

/* Changes, each on a copy. Names live as long as the world: callers pass arena text. */
struct pr_col *w_col(struct pr_world *w, struct w_rel *r, const char *name);           /* to write to; NULL when absent */
void w_expect_cols(struct pr_world *w, struct w_rel *r, size_t n);                     /* room for n columns at once */
void w_own_cons(struct pr_world *w, struct w_rel *r);                                  /* from then on r.cons may be written to */
struct pr_con *w_con(struct pr_world *w, struct w_rel *r, const char *name);
struct pr_idx *w_idx(struct pr_world *w, struct w_rel *r, const char *name);
struct pr_col *w_add_col(struct pr_world *w, struct w_rel *r, const char *name, const char *type);
struct pr_con *w_add_con(struct pr_world *w, struct w_rel *r, const char *name, char type);
struct pr_idx *w_add_idx(struct pr_world *w, struct w_rel *r, const char *name);
struct pr_trg *w_add_trg(struct pr_world *w, struct w_rel *r, const char *name);
void w_add_dep(struct pr_world *w, struct w_rel *r, const char *kind, const struct w_rel *of,
               const char *const *mentions, size_t n);
void w_add_partition(struct pr_world *w, struct w_rel *parent, struct w_rel *child);
/* Before a relation loses its name, and before its indexes are touched. */
void w_remember(const struct pr_world *w, struct w_rel *r);
void w_remember_idxs(const struct pr_world *w, struct w_rel *r);
/* As pr_world_created, before the last statement. */
bool w_had_created(const struct pr_world *w, const char *schema, const char *name);
/* Between the files of the world: a parent's list and the map of parents agree. */
void w_note_child(struct pr_world *w, struct w_rel *parent, const char *full);
void w_rename_child(struct pr_world *w, const char *full, const struct w_rel *child);
/* A parent of r, by partition or inheritance, that has the column. */
bool w_inherits(const struct pr_world *w, const struct w_rel *r, const char *col);
void w_cut_partition(struct pr_world *w, struct w_rel *parent, const struct w_rel *child);
void w_cut_col(struct pr_world *w, struct w_rel *r, const char *name);
void w_cut_con(struct pr_world *w, struct w_rel *r, const char *name);
void w_cut_idx(struct pr_world *w, struct w_rel *r, const char *name);
void w_cut_trg(struct pr_world *w, struct w_rel *r, const char *name);
void w_prove(struct pr_world *w, struct w_rel *r, const char *con, const char *col);
void w_note_null(struct w_rel *r, struct pr_col *c);                                   /* c was added to r without a value */
bool w_all_null(const struct w_rel *r, const char *col);
/* The other side of a foreign key's own record. */
void w_cut_partner(struct pr_world *w, const struct w_rel *r, const struct pr_con *fk);
void w_rename_partner(struct pr_world *w, const struct w_rel *r, const struct pr_con *fk, const char *name);
/* Of all relations: what says that this view or materialized view reads them. */
void w_cut_deps(struct pr_world *w, const struct w_rel *view);
/* The index, and what the constraints say that lean on it, those of other tables' foreign keys included. */
void w_rename_idx(struct pr_world *w, struct w_rel *r, const char *old, const char *name);

/* Functions; without facts nothing is kept. Texts of fn live as long as the world. */
void w_add_fn(struct pr_world *w, const struct pr_fn *fn);
void w_drop_fn(struct pr_world *w, const char *schema, const char *name);

/* Enums, domains and composite types: of the facts and of this run. NULL when not known. */
const struct w_type *w_find_type(const struct pr_world *w, const char *schema, const char *name);
void w_rename_type(struct pr_world *w, struct w_type *t, const char *name);
/* A new type of this run. */
struct w_type *w_add_type(struct pr_world *w, const char *schema, const char *name, char kind);

/* Transactions: a new one starts (values added before it are safe). */
void w_begin(struct pr_world *w);
void w_end(struct pr_world *w);

#endif
