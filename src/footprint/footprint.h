/* footprint.h: what a statement does to others. Predicted from its tree, the facts (live, from a file, or none) and the
 * server version; later held against what the server did.
 * Source  docs of each lock mode: https://www.postgresql.org/docs/current/explicit-locking.html; every entry of the table is
 *         proven on servers 13 to 18 by tests/server/test_footprint.py. */
#ifndef PR_FOOTPRINT_FOOTPRINT_H
#define PR_FOOTPRINT_FOOTPRINT_H

#include "catalog/catalog.h"
#include "project/project.h"

enum pr_lock {                     /* in the server's order of strength */
    PR_LOCK_NONE, PR_ACCESS_SHARE, PR_ROW_SHARE, PR_ROW_EXCLUSIVE, PR_SHARE_UPDATE_EXCLUSIVE, PR_SHARE,
    PR_SHARE_ROW_EXCLUSIVE, PR_EXCLUSIVE, PR_ACCESS_EXCLUSIVE, PR_LOCK_COUNT
};
const char *pr_lock_name(enum pr_lock l);                   /* "ACCESS EXCLUSIVE"; "none" */
enum pr_lock pr_lock_from_server(const char *mode);         /* "AccessExclusiveLock" */
bool pr_lock_conflicts(enum pr_lock a, enum pr_lock b);
bool pr_lock_blocks_writers(enum pr_lock l);                /* conflicts with ROW EXCLUSIVE */
bool pr_lock_blocks_readers(enum pr_lock l);                /* conflicts with ACCESS SHARE */

struct pr_effect {                 /* on one relation */
    const char *schema, *name;     /* schema as resolved; NULL when facts do not say */
    char kind;                     /* relkind, 0 = unknown */
    enum pr_lock lock;             /* the strongest that it may take */
    enum pr_lock at_least;         /* weaker than lock where rows or a condition of a body decide: what it takes in any case */
    bool rewrite, scan;
    int index_builds;
    bool maybe;                    /* some of this work is done only if rows or a condition of a body ask for it */
    bool created, dropped;         /* by this statement: nobody else's yet, or no more */
    bool own;                      /* created earlier in this run: nobody waits for it */
    int64_t rows, bytes;           /* that the work goes over; -1 = not known */
    int64_t total_bytes;           /* of table with indexes; -1 = not known */
    const char *why;               /* "the default is volatile: clock_timestamp()" */
};

struct pr_loss { const char *what, *kind; bool silent; };   /* "index a_b_idx", "index"; silent: without NOTICE or CASCADE */

struct pr_footprint {
    int stmt;                      /* index in its script */
    struct pr_effect *effects; size_t n;                   /* strongest first, the main relation first among equals */
    const char *main_schema, *main_name;                   /* relation that the statement is about, or NULL */
    bool concurrent, outside_tx;
    bool dml; int64_t dml_rows;    /* rows written by DML as estimated; -1 = not known */
    struct pr_loss *lost; size_t n_lost;                   /* dropped or invalidated with it */
    bool loses_data;               /* drop of table or column, truncate, lossy type */
    const char *fails_sqlstate, *fails_why;                /* predicted failure, or NULL */
    bool certain_fail;             /* false: only if rows say so */
    bool unjudged;                 /* no tree, or a statement that the engine does not know */
    bool guessed;                  /* facts were missing for something that decides; worst case taken */
};

/* The world as the next statement will find it: facts plus what earlier statements did. */
struct pr_world;
struct pr_world *pr_world_new(const struct pr_facts *facts, int version_num, struct pr_arena *a);  /* facts NULL = none */
/* For the finders of catalog.h, which ask the world as it is then; NULL when there were no facts. */
const struct pr_facts *pr_world_facts(const struct pr_world *w);
/* All that is known now, as facts of their own; NULL when there were none. O(everything). */
struct pr_facts *pr_world_whole(struct pr_world *w);
/* A world that begins as `under` is, and moves on alone. under may move on too, as long as it only repeats what this one has done. O(1). */
struct pr_world *pr_world_over(const struct pr_world *under, struct pr_arena *a);
/* What the next migration of the same run finds: its session begins anew, and nobody uses yet what the run has made. */
void pr_world_next(struct pr_world *w);
/* What a later deployment finds: nothing is new any more, and what this run made is of unknown size. */
void pr_world_settle(struct pr_world *w);
bool pr_world_created(const struct pr_world *w, const char *schema, const char *name);  /* in this run */
/* For who has one world alone and asks after each statement: pr_world_created tells what was so before the last one from now on.
 * Footprints come to lie in an arena of their own (NULL = in the world's). Only of a world that is bare: without facts, and over no other. */
void pr_world_look_back(struct pr_world *w, struct pr_arena *footprints);
bool pr_world_is_bare(const struct pr_world *w);
void pr_world_begin(struct pr_world *w, enum pr_tx_mode tx);           /* as its runner does it before a script's first statement, */
void pr_world_end(struct pr_world *w);                                 /* and after its last */
/* Something ran whose text is put together when it runs, and which may have made relations: one that is not known may be there. */
bool pr_world_unseen(const struct pr_world *w);
int pr_world_version(const struct pr_world *w);
/* Does an expression (a Node *) call what is volatile, or what is not known? `what` gets the call: "random()". */
bool pr_world_volatile(const struct pr_world *w, const void *expr, struct pr_arena *a, const char **what);
/* A type name of a statement (TypeName *) as format_type prints it, in the world's arena; NULL for one that is not known. */
const char *pr_world_type(const struct pr_world *w, const void *type_name);

/* Predicts one statement of a flat script in the world as it is, then moves the world on. A DO or CALL alone does nothing: its
 * statements follow it. out in the world's arena. */
void pr_footprint_step(struct pr_world *w, const struct pr_stmt *s, struct pr_footprint *out);

/* A whole side of a migration, as its runner will run it: locks held on within one transaction are in `held`. */
struct pr_run_footprint {
    struct pr_footprint *stmts; size_t n;
    enum pr_tx_mode tx;
    const struct pr_script *script;
};
void pr_footprint_script(struct pr_world *w, const struct pr_script *s, enum pr_tx_mode tx, struct pr_arena *a,
                         struct pr_run_footprint *out);
/* pr_script_flat with the functions of the facts (NULL = none) as known. */
void pr_footprint_open(const struct pr_script *s, const struct pr_facts *facts, struct pr_arena *a, struct pr_script *flat);
/* The same of a flat script, a footprint for each of its statements; and those of the script that it was made
 * of, where what a body does is told of the statement that runs it. out->script is the script given. */
void pr_footprint_flat(struct pr_world *w, const struct pr_script *flat, enum pr_tx_mode tx, struct pr_arena *a,
                       struct pr_run_footprint *out);
void pr_footprint_fold(const struct pr_run_footprint *flat, const struct pr_script *s, struct pr_arena *a, struct pr_run_footprint *out);

/* Document of one footprint; new reference, never NULL. Amounts that are not known are null. */
json_t *pr_footprint_json(const struct pr_footprint *f);

/* How long the work of an effect takes, from rates (microseconds per million rows or per GiB) and sizes: low and high, in
 * microseconds; false when the size is not known. Rates NULL = careful defaults. Source of defaults: rehearse.md section 5. */
struct pr_rates { int64_t scan_us_per_mrow, index_us_per_mrow, rewrite_us_per_mrow; };
bool pr_effect_duration(const struct pr_effect *f, const struct pr_rates *rates, int64_t *low_us, int64_t *high_us);

#endif
