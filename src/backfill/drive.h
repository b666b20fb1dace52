/* drive.h: between run.c, drive.c and tell.c: one start of a backfill on its way. */
#ifndef PR_BACKFILL_DRIVE_H
#define PR_BACKFILL_DRIVE_H

#include "backfill/engine.h"
#include "backfill/run.h"
#include "backfill/throttle.h"

struct pr_bf_process { int64_t pid, not_before_us, left_behind; int deaths; bool alive, walked; };       /* left_behind: a session of a dead one */

struct pr_bf_drive {
    const struct pr_backfill *ask;
    struct pr_arena *a;
    struct pr_pg *pg;                       /* the parent's own: journal, looks; never in a transaction */
    struct pr_pg_where where;
    struct pr_pg_ident ident;               /* of the session that pg was first, or is again; strings in a */
    struct pr_bf_cut cut;
    struct pr_bf_job job;
    struct pr_gates *gates;                 /* passed; its end in ledger and history is outstanding */
    struct pr_bf_board *board;
    struct pr_bf_throttle throttle;
    struct pr_bf_process crew[PR_BF_MAX_WORKERS];
    struct pr_bf_progress progress;
    struct pr_err failure;                  /* of the first worker that ended so; code PR_OK = none */
    const char *held;                       /* why workers wait, or NULL; in held_room */
    char held_room[400];
    const char *held_topic, *said_topic;    /* as a reason has it */
    int64_t held_us, said_us, noted_us;
    int64_t started_us, read_us, looked_us, progress_us, last_done_us, seen_batches;
    int64_t told_us;                        /* workers were told to leave; 0 = not */
    struct pr_bf_worker looker;             /* who looks at the result, as others see it; id 0 = nobody of us */
    int64_t looker_us;                      /* when it was heard of */
    bool leaving, signalled;
    bool waits;                             /* for another pgrail's look: what ends us is no end to the job */
    int64_t enough;                         /* rows after which a trial has seen enough; 0 = never */
    bool had_enough;
    json_t *doc;
};

/* drive.c: forks workers, steers them, until all is walked or they have left. Errors as pr_backfill_run. */
PR_NODISCARD enum pr_code pr_bf_drive(struct pr_bf_drive *d, bool *walked, struct pr_err *e);
/* Between two chunks of the proof: waits while there is a reason to. Errors DB, CONNECT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_bf_wait_while_held(struct pr_bf_drive *d, struct pr_err *e);
/* What the parent's own session needs: no timeout of the role's, states that are on the disk, and an end when its link is gone. Errors DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_parent_session(struct pr_pg *pg, struct pr_err *e);

/* run.c: settings of a new job, and the estimate of its rows. */
struct pr_bf_tuning pr_bf_tuning_of(const struct pr_bf_file *f, const struct pr_bf_cut *cut);
int64_t pr_bf_est_rows(const struct pr_bf_cut *cut);

/* tell.c: settings and sizes, for people and for the document. */
json_t *pr_bf_progress_json(const struct pr_bf_progress *p);
const char *pr_bf_tuning_words(struct pr_arena *a, const struct pr_bf_tuning *t);
struct pr_bf_size { int64_t heap, indexes, updated, hot; };
/* Of all walked tables together. updated and hot: of the server's statistics. Errors DB, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_sizes(struct pr_pg *pg, const struct pr_bf_cut *cut, struct pr_bf_size *out, struct pr_err *e);
/* How far it is, on the bar or as a line. */
void pr_bf_show_progress(struct pr_bf_drive *d);

#endif
