/* inside.h: what the files of rehearse/ share, and nobody else sees. Times are microseconds of the run's own clock: it goes
 * on while statements and commits of the script run, and stands still while we look around between them. Every function that
 * returns enum pr_code: Errors DB, CONNECT, TIMEOUT of pg.h, INTERRUPTED when the person stops, and those it names. */
#ifndef PR_REHEARSE_INSIDE_H
#define PR_REHEARSE_INSIDE_H

#include "catalog/effect.h"
#include "proc/proc.h"
#include "rehearse/rehearse.h"
#include "rehearse/seen.h"
#include "rehearse/workload.h"

/* ---- clone.c, dump.c: the copy ---- */
struct pr_copy {
    struct pr_pg *maint;           /* on another database of the server that has the clone */
    struct pr_cluster *cluster;    /* with a dump */
    struct pr_pg_where where;      /* of the clone */
    const char *kind;              /* "template" or "dump" */
    const char *clone;             /* its database, NULL until it is there */
    const char *source;            /* database that was cloned, or the dump's file */
    const char *settings;          /* JSON array of "name=value": ALTER DATABASE … SET of the source */
    int64_t source_bytes, took_us;
    const struct pr_pg_ident *ident;   /* of the server that has the clone, as maint sees it */
};
enum pr_code pr_copy_open(const struct pr_rehearse *r, const struct pr_pg_ident *target, int target_major, struct pr_arena *a,
                          struct pr_copy *out, struct pr_err *e);
enum pr_code pr_copy_from_dump(const struct pr_rehearse *r, int target_major, struct pr_arena *a, struct pr_copy *out,
                               struct pr_err *e);
/* Drops the clone or the cluster; says so. A failure is said and left to the next sweep. */
void pr_copy_done(struct pr_copy *c);

/* A watch that only listens to Ctrl-C: for long statements of our own. ctx is a pr_rehearse. */
enum pr_code pr_listen(void *ctx, int64_t elapsed_us, struct pr_err *e);
/* One statement of our own that may take long, stoppable. */
enum pr_code pr_do_long(const struct pr_rehearse *r, struct pr_pg *pg, const char *sql, struct pr_arena *a, struct pr_err *e);

/* ---- rig.c: the three sessions on the copy ---- */
struct pr_rig {
    const struct pr_rehearse *r;
    struct pr_arena *a;
    struct pr_pg *worker, *watch, *canary;         /* watch and canary are never in a transaction */
    const char *worker_pid;
    struct pr_seen_run *run;
    struct pr_seen_stmt *now;
    struct pr_places places;       /* as the worker saw them last; in one of two arenas that take turns */
    struct pr_arena *turns[2]; int turn;
    int64_t clock_us;              /* of the run; a running statement adds its elapsed time */
    int64_t last_sample_us, last_progress_us, last_knock_us;
    size_t next_canary, told_spans;
    bool in_tx, stirred;           /* stirred: the set of locks changed at the last sample */
    struct pr_foreground *beside;  /* NULL = none */
    int64_t stood_us;              /* so long, by the monotonic clock, statements ran while writers stood still */
};
struct pr_session { const char *time_zone; const char *search_path; };     /* production's; NULL = the copy's own */
enum pr_code pr_rig_open(const struct pr_rehearse *r, const struct pr_copy *copy, const struct pr_session *s,
                         struct pr_arena *a, struct pr_rig *out, struct pr_err *e);
void pr_rig_done(struct pr_rig *rig);
/* One session on the copy, with production's settings. */
enum pr_code pr_copy_session(const struct pr_copy *copy, const struct pr_session *s, const char *app, struct pr_arena *a,
                             struct pr_pg **out, struct pr_err *e);

/* ---- run.c ---- */
/* Runs one side as its runner would. A statement that fails is no error here: run->ok tells. */
enum pr_code pr_run_side(struct pr_rig *rig, struct pr_seen_run *run, struct pr_err *e);

/* ---- fill.c ---- */
/* Sessions that are not ours: what ours have of the original and of production becomes the copy's own. */
enum pr_code pr_copy_settle(const struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *s, struct pr_err *e);
/* Runs a backfill as a backfill runs; like pr_run_side, what does not work is no error here. */
enum pr_code pr_run_fill(struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *s, struct pr_filled *out, bool *filled, struct pr_err *e);

/* ---- sample.c ---- */
enum pr_code pr_sample_tick(void *rig, int64_t elapsed_us, struct pr_err *e);
/* Canaries for the tables that a script touches. */
void pr_canaries_make(struct pr_rig *rig, const struct pr_facts *facts, const struct pr_script *s);
/* Every canary knocks once, at the end of a statement in a transaction. */
enum pr_code pr_canaries_knock_all(struct pr_rig *rig, struct pr_err *e);
void pr_canaries_end(struct pr_rig *rig);          /* nothing is held any more */

/* ---- observe.c ---- */
struct pr_scans { struct pr_scan { int64_t oid, scans, read, written; } *items; size_t n; };
enum pr_code pr_scans_read(struct pr_pg *pg, struct pr_arena *a, struct pr_scans *out, struct pr_err *e);
enum pr_code pr_wal_position(struct pr_pg *watch, struct pr_arena *a, int64_t *out, struct pr_err *e);
/* Bytes between two positions that are the work's own; since: when the first was read. */
int64_t pr_wal_of_work(const struct pr_rig *rig, int64_t from, int64_t to, int64_t since_mono_us);
/* Locks of the worker now, as spans; closes those that are gone. exact: at the end of a statement. */
enum pr_code pr_locks_look(struct pr_rig *rig, int64_t now_us, bool exact, struct pr_err *e);
void pr_locks_release_all(struct pr_rig *rig, int64_t now_us);
/* Fills the statement's effects from both catalogues and both counters. */
void pr_observe_effects(struct pr_rig *rig, const struct pr_places *before, const struct pr_scans *was,
                        const struct pr_scans *is, size_t spans_before);

/* ---- compare.c, forecast.c, parity.c, verdict.c, stages.c ---- */
struct pr_compared { int stmt; const char *schema, *name, *predicted, *observed, *text; bool same; };

struct pr_parity_item { const char *what, *production, *staging, *mend; bool same, matters; };
struct pr_parity_rel {
    const char *schema, *name;
    int64_t rows, staging_rows, bytes, staging_bytes;
    bool missing, same;            /* missing on staging; same fingerprint */
    const char **delta; size_t n_delta;            /* production → staging */
};
struct pr_parity {
    bool known;
    const char *why;               /* not known */
    struct pr_parity_item *items; size_t n_items, cap;
    struct pr_parity_rel *rels; size_t n_rels;
};

struct pr_stop {                   /* how long others stand still at a table */
    const char *schema, *name;
    int64_t writers_us, readers_us;                /* here, by granted modes */
    int64_t writers_low_us, writers_high_us, readers_low_us, readers_high_us;     /* forecast */
    int64_t writers_canary_us, readers_canary_us;  /* -1 = no canary was refused */
    enum pr_lock lock;
};
struct pr_forecast_stmt { int64_t low_us, high_us; bool scaled; };
struct pr_forecast {
    bool known;
    struct pr_forecast_stmt *stmts; size_t n_stmts;
    struct pr_stop *stops; size_t n_stops;
    int64_t low_us, high_us, wal_bytes, ratio_permille;
    int64_t heap_bytes, index_bytes;               /* by which a backfill lets them grow */
};

struct pr_reason { const char *code, *text, *mend; };

struct pr_rehearsed {              /* all that the document tells */
    const struct pr_rehearse *r;
    struct pr_copy copy;
    struct pr_pg *target;          /* closed when its facts are read */
    const struct pr_pg_ident *target_ident, *staging_ident;
    const char *target_why;        /* why there is no target */
    struct pr_session session;
    struct pr_facts *target_facts, *facts;         /* facts: of the copy before the run */
    struct pr_judged judged;
    bool is_judged;
    json_t *review, *down_review;  /* NULL = there is no such side; the document shares them */
    struct pr_script up, down;
    struct pr_parity parity;
    struct pr_seen_run runs[3]; size_t n_runs;
    struct pr_lines lines[4];      /* before, after up, after down, after up again */
    int n_lines;
    struct pr_assertion *assertions; size_t n_assertions;
    const char **delta, **lost, **unequal; size_t n_delta, n_lost, n_unequal;
    bool down_verified, again_verified;
    const char *loss_note;         /* "-- loses: …" of the down file */
    struct pr_compared *compared; size_t n_compared, compared_cap;
    struct pr_forecast forecast;
    struct pr_filled filled;       /* with r->fill, when it ran to its end */
    bool is_filled;
    struct pr_foreground foreground;
    struct pr_reason *reasons; size_t n_reasons, reasons_cap;
    struct pr_reason *notes; size_t n_notes, notes_cap;
    int64_t started_wall_us, elapsed_us, database_before, database_after;
};

enum pr_code pr_parity_read(struct pr_rehearsed *all, struct pr_pg *copy, struct pr_arena *a, struct pr_err *e);
void pr_compare(struct pr_rehearsed *all, struct pr_arena *a);
void pr_forecast_make(struct pr_rehearsed *all, struct pr_arena *a);
void pr_verdict_make(struct pr_rehearsed *all, struct pr_arena *a);
/* The nearest real name to the one that a failed statement got wrong, or NULL. */
const char *pr_nearest_name(const struct pr_facts *f, const struct pr_stmt *s, const char *sqlstate, struct pr_arena *a);

/* ---- document.c, transcript.c, svg.c ---- */
json_t *pr_filled_json(const struct pr_rehearsed *all);      /* fill.c */
json_t *pr_rehearsal_document(const struct pr_rehearsed *all, struct pr_arena *a);
void pr_tell_before(const struct pr_rig *rig, const struct pr_seen_stmt *s);
void pr_tell_stmt(const struct pr_rig *rig, const struct pr_seen_stmt *s);
void pr_tell_locks(struct pr_rig *rig);
const char *pr_stop_words(enum pr_lock mode, int64_t held_us, struct pr_arena *a);  /* "writers stopped 1.98 s, readers went on" */
void pr_html_text(struct pr_buf *out, const char *text);     /* escaped */
void pr_svg_timeline(const json_t *run, struct pr_buf *out, struct pr_arena *a);

#endif
