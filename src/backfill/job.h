/* job.h: a backfill on its way: its journal in the target database (schema pgrail), the state that it is in, and what a worker
 * does with it. Whatever dies, the journal is what the next start goes by: a batch and its row commit together, or neither does.
 * Several pgrails on several machines may be at one job; ranges are handed out by row locks that skip what is locked. */
#ifndef PR_BACKFILL_JOB_H
#define PR_BACKFILL_JOB_H

#include "backfill/backfill.h"
#include "pg/pg.h"

enum pr_bf_state {
    PR_BF_PLANNED,                 /* in the journal; nothing was touched */
    PR_BF_RUNNING,                 /* workers may take ranges */
    PR_BF_PAUSED,                  /* workers stand between two batches and wait */
    PR_BF_STOPPED,                 /* workers leave; the next start goes on */
    PR_BF_CHECKING,                /* every range is done; what is left is counted */
    PR_BF_FAILED,                  /* a batch failed and trying again does not mend it; the next start goes on there */
    PR_BF_DONE, PR_BF_ABANDONED,   /* the two ends */
    PR_BF_STATE_COUNT
};
enum pr_bf_event {
    PR_BF_EV_START, PR_BF_EV_JOIN, PR_BF_EV_PAUSE, PR_BF_EV_RESUME, PR_BF_EV_STOP, PR_BF_EV_FAIL, PR_BF_EV_WALKED, PR_BF_EV_LEFT_OVER,
    PR_BF_EV_PROVEN, PR_BF_EV_UNPROVEN, PR_BF_EV_ABANDON, PR_BF_EVENT_COUNT
};
struct pr_bf_edge { enum pr_bf_state from; enum pr_bf_event on; enum pr_bf_state to; const char *why; };
extern const struct pr_bf_edge pr_bf_edges[];
extern const size_t pr_n_bf_edges;
const char *pr_bf_state_name(enum pr_bf_state s);
const char *pr_bf_event_name(enum pr_bf_event ev);
enum pr_bf_state pr_bf_state_from(const char *name);        /* PR_BF_STATE_COUNT when it is none */
bool pr_bf_state_ended(enum pr_bf_state s);                 /* done or abandoned */

/* The one step function: finds the edge, journals it, then moves *state. A journal that fails moves nothing. Errors REFUSED (no such
 * edge), or what the journal returned. */
typedef enum pr_code pr_bf_journal_fn(void *ctx, const struct pr_bf_edge *edge, const char *note, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_step(enum pr_bf_state *state, enum pr_bf_event ev, const char *note, pr_bf_journal_fn *journal, void *ctx,
                                     struct pr_err *e);

struct pr_bf_job {
    int64_t id;
    const char *name, *sha256, *statement, *target, *state_name;
    enum pr_bf_state state;
    struct pr_bf_tuning tuning;    /* what may be changed while it runs */
    int64_t rows_total;            /* estimate at the start */
    const char *created_at, *created_by, *changed_at, *note, *held;     /* held: why it waits now, or NULL */
    int64_t starts;
};

/* ---- journal.c: the only place with SQL about pgrail.backfill_*. Errors DB, TIMEOUT, CONNECT, INTERRUPTED, unless said. Rows live in a. */
/* Creates the tables when they are absent; schema pgrail is the ledger's to make. */
PR_NODISCARD enum pr_code pr_bf_journal_ensure(struct pr_pg *pg, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_journal_there(struct pr_pg *pg, struct pr_arena *a, bool *out, struct pr_err *e);
/* The newest job of that name. */
PR_NODISCARD enum pr_code pr_bf_journal_find(struct pr_pg *pg, const char *name, struct pr_arena *a, struct pr_bf_job *out, bool *found, struct pr_err *e);
/* Was what this job did undone since: is the newest job of its way back, or of what it is the way back of, done and newer? (states.c) */
PR_NODISCARD enum pr_code pr_bf_journal_undone(struct pr_pg *pg, const struct pr_bf_job *job, struct pr_arena *a, bool *out, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_journal_read(struct pr_pg *pg, int64_t job, struct pr_arena *a, struct pr_bf_job *out, struct pr_err *e);
/* All jobs that have not ended, and with them the ended ones when `ended`; newest first, at most 100. None when the tables are absent. */
PR_NODISCARD enum pr_code pr_bf_journal_list(struct pr_pg *pg, bool ended, struct pr_arena *a, struct pr_bf_job **out, size_t *n, struct pr_err *e);
/* Puts a planned job and one open rest for each walk into the journal, in one statement. BUSY: there is an unended one of the name. */
PR_NODISCARD enum pr_code pr_bf_journal_open(struct pr_pg *pg, struct pr_bf_job *job, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_err *e);
/* Moves the job, durable before job->state changes. BUSY: somebody else moved it meanwhile; job->state is then what it is now. */
PR_NODISCARD enum pr_code pr_bf_journal_step(struct pr_pg *pg, struct pr_bf_job *job, enum pr_bf_event ev, const char *note, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_journal_tune(struct pr_pg *pg, int64_t job, const struct pr_bf_tuning *t, const char *note, struct pr_err *e);
/* A commit as small as they come, for its time. */
PR_NODISCARD enum pr_code pr_bf_journal_probe(struct pr_pg *pg, int64_t job, struct pr_err *e);
PR_NODISCARD enum pr_code pr_bf_journal_held(struct pr_pg *pg, int64_t job, const char *why, struct pr_err *e);

/* How far it is. read counts every row of the ranges that were walked, changed those that the statement wrote. */
struct pr_bf_progress {
    int64_t ranges, ranges_done, ranges_waiting;            /* waiting: contended, to be tried again later */
    int64_t read, changed, rejects, batches, retries, wal_bytes;
    int64_t workers_alive;
    int64_t elapsed_us;            /* of all batches together */
};
/* Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_journal_progress(struct pr_pg *pg, int64_t job, struct pr_bf_progress *out, struct pr_err *e);
/* The same, less: of one walk. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_journal_changed(struct pr_pg *pg, int64_t job, const char *walk, int64_t *out, struct pr_err *e);
struct pr_bf_reject { const char *walk, *sqlstate; const char *key; };  /* key: as an array literal */
/* The first ones that were set aside. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_journal_rejects(struct pr_pg *pg, int64_t job, int64_t limit, struct pr_arena *a, struct pr_bf_reject **out, size_t *n,
                                                struct pr_err *e);

/* A worker's entry: who it is, so that others can tell whether it lives. */
struct pr_bf_worker { int64_t job, id; int64_t backend_pid; bool tx_pooled; int version_num; };
/* Comes (id and backend_pid are set), lives, goes. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_worker_enter(struct pr_pg *pg, struct pr_bf_worker *w, struct pr_err *e);
/* Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_worker_beat(struct pr_pg *pg, const struct pr_bf_worker *w, struct pr_err *e);
/* Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_worker_leave(struct pr_pg *pg, const struct pr_bf_worker *w, struct pr_err *e);
/* Ends the session that a dead worker of that backend left, if it is still there: its range and its row locks are free then. Behind a
 * pooler the session is somebody else's by now, and stays. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_worker_dismiss(struct pr_pg *pg, int64_t job, int64_t backend_pid, struct pr_err *e);

/* A range of keys (lower, upper], lower NULL = from the beginning. at: all up to it is done; NULL = nothing yet. Keys are arrays of
 * n_keys texts; n is an estimate of the rows behind at. */
struct pr_bf_span {
    int64_t id;
    const char *walk;              /* full name of the walked table */
    const char *const *lower, *const *upper, *const *at;
    int64_t n;
    bool begun;                    /* strided passes have touched it: only a sweep may go over it */
    int64_t tries;                 /* how often it was put back */
};
enum pr_bf_take { PR_BF_TOOK, PR_BF_WAIT, PR_BF_NONE };     /* WAIT: others have what is left, or it is not yet due */
/* The next range of this worker: one that is open and due, one whose worker is dead, or a new one cut off a rest by walk->edge.
 * walks in the order of the cut; chunk: rows of a new range. Errors DB, CONNECT, STALE (the journal knows a table that is not walked). */
PR_NODISCARD enum pr_code pr_bf_span_take(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_cut *cut, int64_t chunk, struct pr_arena *a,
                                          struct pr_bf_span *out, enum pr_bf_take *how, struct pr_err *e);
/* What a transaction did. */
struct pr_bf_batch_row {
    const struct pr_bf_span *span;
    const char *const *from, *const *to;                    /* keys that the batch covers (from is left out) */
    bool moves_at, begins;         /* at = to; begun = true */
    bool ends;                     /* the range is done */
    int64_t rows, read, changed, retries, elapsed_us;       /* rows: covered; read: of them those not counted before */
    const char *lsn;               /* where the WAL was after the worker's batch before this; NULL = not known */
    const char *sqlstate;          /* with it: `to` is set aside */
};
struct pr_bf_noted {
    int64_t rejects;               /* rows that are set aside, this one not counted; with sqlstate alone */
    const char *lsn;
};
/* Within the batch's transaction: the journal row, and how far the range is now.
 * Errors BUSY: the range is no longer ours (the caller rolls back). DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_batch_note(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_batch_row *row, size_t n_keys, struct pr_arena *a,
                                           struct pr_bf_noted *out, struct pr_err *e);
/* Puts (span->at, to] aside as a range of its own, due after delay_ms, and moves at behind it; ends: nothing of the span is left.
 * Errors BUSY, DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_span_split(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_span *span, const char *const *to, bool ends,
                                           int64_t n, int64_t delay_ms, size_t n_keys, struct pr_arena *a, struct pr_err *e);
/* Gives the range back as it is, for whoever comes next. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_span_back(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_span *span, struct pr_err *e);
/* Another round over everything, by sweeps: what the application has put back meanwhile. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_journal_again(struct pr_pg *pg, int64_t job, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_err *e);

#endif
