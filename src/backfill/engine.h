/* engine.h: one worker of a backfill, and the board over which the process that started it steers it. */
#ifndef PR_BACKFILL_ENGINE_H
#define PR_BACKFILL_ENGINE_H

#include <stdatomic.h>

#include "backfill/job.h"

#define PR_BF_MAX_WORKERS 32
#define PR_BF_LOCK_MS 200                       /* below deadlock_timeout, so that never the application is the victim */
#define PR_BF_SMALLEST 100                      /* rows of a batch that adapts to its time */
#define PR_BF_LARGEST 100000
#define PR_BF_TRIES 3                           /* at a contended batch, before it is put aside for later */

enum pr_bf_gate { PR_BF_GO, PR_BF_HOLD, PR_BF_LEAVE };

/* What one worker tells; err is read after it has ended. */
struct pr_bf_slot {
    _Atomic int64_t backend_pid, read, changed, batches, contended, rejected, limit, last_us;
    struct pr_err err;
};

/* In memory that parent and workers share. */
struct pr_bf_board {
    _Atomic int gate;                           /* enum pr_bf_gate */
    _Atomic int64_t workers;                    /* so many are wanted: a worker whose number is not below it leaves */
    _Atomic int64_t batch, target_ms, pause_ms, max_rejects, vacuum_rows;
    _Atomic bool async_commit, gentle;
    _Atomic bool by_key;                        /* an old snapshot: strided passes would not pay */
    _Atomic int64_t yields;                     /* counted up when somebody waits for one of us */
    _Atomic int64_t since_vacuum;               /* rows changed */
    struct pr_bf_slot slots[PR_BF_MAX_WORKERS];
};
/* Errors PROC. */
PR_NODISCARD enum pr_code pr_bf_board_new(struct pr_bf_board **out, struct pr_err *e);
void pr_bf_board_freep(struct pr_bf_board **b);

struct pr_bf_crew {                             /* what all workers of this process share; made before they start */
    const struct pr_bf_cut *cut;
    struct pr_pg_where where;
    int64_t job;
    int64_t chunk;                              /* rows of a range */
    const char *settings;                       /* of the migration's session: "SET …"-able pairs are in where; NULL = none */
    const char *system_id;                      /* of the target as it was approved; NULL = not known */
    bool tx_pooled;
    struct pr_bf_board *board;
};

/* ---- engine.c: the life of a worker, in its own process. Returns its exit status; the error stands in its slot. */
int pr_bf_work(const struct pr_bf_crew *crew, size_t number, const volatile sig_atomic_t *told);

/* ---- between engine.c, batch.c and strided.c */
struct pr_bf_engine {
    const struct pr_bf_crew *crew;
    struct pr_bf_board *board;
    struct pr_bf_slot *slot;
    size_t number;
    const volatile sig_atomic_t *told;
    struct pr_pg *pg;
    struct pr_bf_worker me;
    int64_t limit;                              /* rows of the next batch */
    int64_t rate;                               /* rows a second, smoothed; 0 = not yet known */
    int64_t yields_seen, beat_us;
    int64_t rest_us;                            /* how long the last batch took: what gentle goes by */
    char lsn[32];
    bool locked_out;                            /* the table itself is locked: nothing is split, only waited */
};

/* One batch: a range of keys, or a list of them. */
struct pr_bf_piece {
    const struct pr_bf_walk *walk;
    struct pr_bf_span *span;
    const char *const *from, *const *to;        /* keys; from NULL = from the beginning */
    const char *sql;                            /* NULL: nothing is run, it is only noted (a row that is set aside) */
    const char *const *params; int n_params;
    int64_t rows;                               /* that it covers */
    bool list, ends;
    bool swept;                                 /* its rows were counted by passes */
    int64_t retries;
    const char *sqlstate;                       /* set aside for it */
};
enum pr_bf_outcome { PR_BF_DID, PR_BF_CONTENDED, PR_BF_BAD_ROW };
/* Runs a piece and its journal row in one transaction. DID, or rolled back: CONTENDED (a lock, a deadlock, a cancel), BAD_ROW (a cast or
 * a constraint; e holds the server's words). Errors whatever ends the worker. */
PR_NODISCARD enum pr_code pr_bf_run_piece(struct pr_bf_engine *x, struct pr_bf_piece *p, enum pr_bf_outcome *out, struct pr_err *e);
/* Whether a failure is one that a later or smaller try mends. */
bool pr_bf_is_contention(const struct pr_err *e);
/* Between two batches: pauses, waits while held, tells that we live. stop: leave now, the range goes back. */
PR_NODISCARD enum pr_code pr_bf_between(struct pr_bf_engine *x, bool *stop, struct pr_err *e);
void pr_bf_nap(int64_t ms);
/* Sets aside the row that a piece of one row is about, after its failure in e. Errors: e itself, when no more may be set aside. */
PR_NODISCARD enum pr_code pr_bf_set_aside(struct pr_bf_engine *x, struct pr_bf_piece *p, struct pr_err *e);
/* Before the first statement of a session, and behind a pooler of a transaction. */
PR_NODISCARD enum pr_code pr_bf_session(struct pr_bf_engine *x, bool local, struct pr_err *e);

/* ---- strided.c: passes over the pages of a range. What is contended is left for the sweep; skips gets the rows that were set aside,
 * in the order of the key. Errors those of pr_bf_run_piece; DB when the rows cannot be read (a table lock among them). */
struct pr_bf_skip { size_t at; const char *const *before, *const *key; };             /* before: the key in front of it, or NULL */
struct pr_bf_skips { struct pr_bf_skip *items; size_t n, room; };
PR_NODISCARD enum pr_code pr_bf_strided(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_bf_span *span, struct pr_arena *a,
                                        struct pr_bf_skips *skips, bool *stop, struct pr_err *e);

#endif
