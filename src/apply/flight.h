/* flight.h: what the files of apply/ share and nobody else sees: one run on its way, from the first connection to the
 * record. Functions return enum pr_code with the Errors of the calls they make, unless said. */
#ifndef PR_APPLY_FLIGHT_H
#define PR_APPLY_FLIGHT_H

#include "apply/apply.h"
#include "apply/fault.h"
#include "catalog/effect.h"

#define PR_TICK_MS 500                          /* of the watch; 7.1: 0.6 ms of work at 350 sessions */
#define PR_CROWD 5                              /* sessions that wait behind us at once */
#define PR_BILL_TRY_MS 5000                     /* session time that waiting for a lock may cost others, per attempt */
#define PR_BILL_RUN_MS 20000                    /* session time that holding locks may cost others */
#define PR_LAG_BYTES ((int64_t)1 << 30)         /* how far a standby may fall behind because of us */
#define PR_CONCURRENT_WAIT_MS 600000            /* a CONCURRENTLY statement may wait for one other session so long */

struct pr_flight {
    const struct pr_apply *ask;
    struct pr_arena *a;
    struct pr_ledger *ledger;
    struct pr_pg *worker;                       /* runs the migration, holds the advisory lock */
    struct pr_pg *watch;                        /* autocommit, never in a transaction: a snapshot of ours would stop our own CIC */
    struct pr_pg *guard;                        /* behind a pooler: holds the locks in an open transaction; else NULL */
    struct pr_pg_ident ident;                   /* of the target; strings in a */
    const struct pr_side *side;
    const char *direction;                      /* "up" or "down" */
    struct pr_script script;
    struct pr_facts *facts;                     /* live, of what the side touches */
    struct pr_run_footprint footprint;
    struct pr_judged judged;                    /* findings of the side on the live facts */
    struct pr_history_row *history; size_t n_history;
    struct pr_grounding grounding; bool has_grounding;
    struct pr_rehearsal rehearsal; bool has_rehearsal;
    struct pr_approval *approvals; size_t n_approvals;      /* that stand, one per signer */
    struct pr_situation situation;
    struct pr_run_row row; bool opened;         /* the journal */
    enum pr_run_state state;
    bool after_person;                          /* an earlier start ended with a person's work: the catalogue outweighs the journal */
    size_t first_step;                          /* statements before it are in effect since an earlier start */
    size_t sent;                                /* statements that this start sent at least once */
    struct pr_lines before; bool has_before;    /* of the whole schema, before the first statement of this start */
    int64_t started_us, bill_ms;
    const char *saved_lock_timeout;             /* of the script's session, while a CONCURRENTLY runs */
    json_t *doc;
};

/* ---- flight.c */
/* Reads and judges the side, without a server. Errors BAD_INPUT, REFUSED (no such side, not runnable), STORE. */
PR_NODISCARD enum pr_code pr_flight_open(struct pr_flight *f, const struct pr_apply *ask, struct pr_arena *a, struct pr_err *e);
void pr_flight_done(struct pr_flight *f);                   /* for PR_CLEANUP */
/* Journals and moves; note may be NULL. Errors STORE. */
PR_NODISCARD enum pr_code pr_flight_step(struct pr_flight *f, enum pr_run_event ev, const char *note, struct pr_err *e);
/* Statements that stand or fall together: the whole script, one statement, or BEGIN … COMMIT. */
struct pr_unit { size_t from, to; };
size_t pr_flight_units(const struct pr_flight *f, struct pr_unit **out);
const char *pr_flight_command(const struct pr_flight *f);   /* "pgrail apply 0247_x --env production" */
void pr_note_left(struct pr_flight *f, const char *what, const char *command);

/* ---- apply.c */
/* Puts the run into the ledger, planned; nothing when it is there already. Errors STORE. */
PR_NODISCARD enum pr_code pr_run_open(struct pr_flight *f, struct pr_err *e);
/* Marks f->approvals used. Errors NOT_APPROVED, STORE. */
PR_NODISCARD enum pr_code pr_run_use_approvals(struct pr_flight *f, struct pr_err *e);

/* ---- connect.c */
PR_NODISCARD enum pr_code pr_flight_connect(struct pr_flight *f, struct pr_err *e);
/* Opens new sessions after one was lost. Errors CONNECT. */
PR_NODISCARD enum pr_code pr_flight_reconnect(struct pr_flight *f, struct pr_err *e);
/* Nobody else applies to this database: an advisory lock of the worker's session; behind a pooler one of a transaction held
 * open on a connection of its own. Errors BUSY (who and since when), DB. holder gets the pid that has it. */
PR_NODISCARD enum pr_code pr_flight_lock(struct pr_flight *f, int64_t *holder, struct pr_err *e);
/* The row lock behind a pooler; pgrail.lock must be there. Errors BUSY, DB. */
PR_NODISCARD enum pr_code pr_flight_lock_row(struct pr_flight *f, struct pr_err *e);
/* Refuses what cannot be relied on behind a pooler in transaction mode. Errors REFUSED. */
PR_NODISCARD enum pr_code pr_flight_pool_check(const struct pr_flight *f, struct pr_err *e);
/* The worker's settings: those of the run, and the rehearsed TimeZone and search_path. local: for the open transaction. */
PR_NODISCARD enum pr_code pr_flight_settings(struct pr_flight *f, bool local, struct pr_err *e);
/* Lifts and restores the timeouts round a CONCURRENTLY statement. */
PR_NODISCARD enum pr_code pr_flight_lift_timeouts(struct pr_flight *f, struct pr_err *e);
PR_NODISCARD enum pr_code pr_flight_restore_timeouts(struct pr_flight *f, struct pr_err *e);
/* Puts pid and backend_start of the worker's backend into f->row. */
PR_NODISCARD enum pr_code pr_flight_backend(struct pr_flight *f, struct pr_err *e);

/* ---- others.c: sessions of other people */
struct pr_other {
    int64_t pid;                                /* 0 = a prepared transaction */
    const char *user, *app, *state, *mode, *relation;
    int64_t age_ms;                             /* of its transaction */
};
/* Who holds a lock on the relation that conflicts with `lock`, oldest first. */
PR_NODISCARD enum pr_code pr_others_holding(struct pr_flight *f, const char *schema, const char *name, enum pr_lock lock,
                                            struct pr_other **out, size_t *n, struct pr_err *e);
/* Whose snapshot a CONCURRENTLY statement would wait for at its end, oldest first. */
PR_NODISCARD enum pr_code pr_others_snapshots(struct pr_flight *f, struct pr_other **out, size_t *n, struct pr_err *e);
/* Everybody who stands in the way of statement i now and has for longer than limit_ms. */
PR_NODISCARD enum pr_code pr_others_in_the_way(struct pr_flight *f, size_t i, int64_t limit_ms, struct pr_other **out,
                                               size_t *n, struct pr_err *e);
const char *pr_other_words(struct pr_arena *a, const struct pr_other *o);
json_t *pr_other_json(const struct pr_other *o);
/* Is the session still there; `running` also says whether a statement runs in it. backend_start as in the journal. */
PR_NODISCARD enum pr_code pr_backend_alive(struct pr_flight *f, int64_t pid, const char *backend_start, bool *alive,
                                           struct pr_err *e);

/* ---- watch.c: the second connection's look at a statement */
struct pr_eye {
    struct pr_flight *f;
    size_t stmt;
    bool concurrent, cleaning;
    bool gave_way;                              /* stopped while waiting for a lock: nothing happened, may be tried again */
    int64_t last_us, try_bill_ms, wait_since_us, blocked_since_us, lag_at_start, stop_after_us;
    int lost;                                   /* looks in a row that had no answer */
    const char *waits_for;
};
struct pr_pg_watch pr_eye_watch(struct pr_eye *eye);

/* ---- view.c: what a rehearsal's document says; all of them give -1, NULL or 0 where it says nothing */
int64_t pr_view_statement_us(const struct pr_flight *f, size_t i);
int64_t pr_view_rows(const struct pr_flight *f, const char *schema, const char *name);
const char *pr_view_setting(const struct pr_flight *f, const char *key);
size_t pr_view_delta(const struct pr_flight *f, const char ***out, bool *known);
/* Expected duration of statement i here, and how long it stops others: a range in microseconds. */
struct pr_forecast { int64_t low_us, high_us; bool known; const char *why; };
struct pr_forecast pr_view_forecast(const struct pr_flight *f, size_t i);
/* What the rehearsal expects others to feel here, table by table; NULL when it says nothing. Borrowed. */
const json_t *pr_view_stops(const struct pr_flight *f);

/* ---- preflight.c, approvals.c, seam.c */
/* Everything that must be so; fills f->situation and the document's "preflight". Errors those of pr_may_apply. */
PR_NODISCARD enum pr_code pr_preflight(struct pr_flight *f, struct pr_err *e);
void pr_check_line(struct pr_flight *f, const char *state, const char *what, const char *found);
PR_NODISCARD enum pr_code pr_preflight_approvals(struct pr_flight *f, struct pr_err *e);
const char *pr_approval_mark(struct pr_arena *a, const struct pr_approval *p);      /* what the target's history keeps of it */
/* The page and the typed YES. Errors REFUSED, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_seam(struct pr_flight *f, struct pr_err *e);

/* ---- execute.c, clean.c, prove.c, resume.c */
/* Sends every statement from f->first_step on; leaves f->state VERIFYING, or where it failed. */
PR_NODISCARD enum pr_code pr_execute(struct pr_flight *f, struct pr_err *e);
/* Before a concurrent statement: remembers what is invalid and whether its index is there, in f->row.detail. */
PR_NODISCARD enum pr_code pr_clean_remember(struct pr_flight *f, size_t i, struct pr_err *e);
/* Drops the invalid index that statement i of this run left, and nothing else. dropped may be NULL.
 * Errors NEEDS_PERSON: it could not be dropped. */
PR_NODISCARD enum pr_code pr_clean_index(struct pr_flight *f, size_t i, bool *dropped, struct pr_err *e);

/* Inside the transaction, before COMMIT. Errors UNPROVEN. */
PR_NODISCARD enum pr_code pr_prove_inside(struct pr_flight *f, struct pr_err *e);
/* From outside: assertions, delta, history row (written here unless it is there), then PROVEN. Errors UNPROVEN. */
PR_NODISCARD enum pr_code pr_prove_and_record(struct pr_flight *f, struct pr_err *e);
PR_NODISCARD enum pr_code pr_record(struct pr_flight *f, struct pr_pg *pg, struct pr_err *e);

/* Settles what an earlier start of this migration left: f->state DONE (adopted), PLANNED (with f->first_step), or as it was
 * when there is none. Errors NEEDS_PERSON, BUSY, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_resume(struct pr_flight *f, struct pr_err *e);
/* After a lost session of this very start: waits for the backend's end and decides from the catalogue. */
PR_NODISCARD enum pr_code pr_settle(struct pr_flight *f, struct pr_err *e);
/* How the units stand now: how many of the first ones hold wholly. Errors NEEDS_PERSON with what is mixed. */
PR_NODISCARD enum pr_code pr_probe(struct pr_flight *f, size_t *n_hold, size_t *n_units, struct pr_err *e);
/* The same for another run, in words, without changing anything: for status. */
const char *pr_run_words(const struct pr_run_row *r, const char *env, bool backend_alive, bool client_alive, struct pr_arena *a);
bool pr_client_alive(const struct pr_run_row *r);           /* the pgrail process that wrote it, on this machine */
json_t *pr_client_self(void);

#endif
