/* run.h: a backfill as a person starts it, and the hands on one that runs. Schemas "pgrail.backfill/1", "pgrail.backfill-ctl/1". */
#ifndef PR_BACKFILL_RUN_H
#define PR_BACKFILL_RUN_H

#include "backfill/job.h"

struct pr_backfill {
    const struct pr_config *config;
    const struct pr_environment *environment;
    const struct pr_bf_file *file;
    const struct pr_migration *migration;  /* the same file as what is grounded, rehearsed and approved */
    struct pr_bf_tuning wish;              /* PR_BF_AS_IS: as the journal, or for a new job the file, says */
    const char *command;                   /* as typed, for the seam */
    const struct pr_talk *talk;
};

/* Begins the job of this file, goes on with it, or takes part in it; until it is done, stopped or failed. doc is set on most failures too
 * (else NULL). Errors those of pr_bf_cut_live and of the gates, BUSY, CONNECT, DB (a batch failed), ABORTED (too many rows to set
 * aside), INTERRUPTED (stopped, by a signal or by backfill-ctl; the next start goes on), UNPROVEN, PROC. */
PR_NODISCARD enum pr_code pr_backfill_run(const struct pr_backfill *ask, struct pr_arena *a, json_t **doc, struct pr_err *e);

/* A trial on a disposable copy: walked and written as a backfill is, without gates, record and proof; what is in the copy's journal of the
 * same backfill is given up. */
struct pr_bf_trial {
    const struct pr_bf_file *file;
    struct pr_pg_where where;              /* of the copy */
    int64_t share;                         /* of the rows, in percent: it stops as soon as so many are done; 100 = all */
    void (*began)(void *ctx);              /* when the walk begins, and when it has ended; NULL = nobody wants to know. With ended, others */
    enum pr_code (*ended)(void *ctx, struct pr_err *e);        /* wrote meanwhile: rows that came back are walked once more, as in earnest */
    void *ctx;
    const struct pr_talk *talk;
};
struct pr_bf_trial_table { int64_t oid, changed; bool walked; };            /* that is walked, that is written, or both */
struct pr_bf_tried {
    const char *way, *why_way;             /* of the first walk */
    struct pr_bf_trial_table *tables; size_t n_tables;
    bool whole;                            /* every row was visited */
    int64_t rows, read, changed, batches, rejects;                          /* rows: of all, by the catalog's estimate; read: visited */
    int64_t walk_us;
    int64_t heap_before, heap_after, indexes_before, indexes_after;         /* bytes, of the tables that are walked */
    int64_t updates, hot_updates;
    int64_t left;                          /* that the condition still holds for; -1 = it does not tell, or not every row was visited */
};
/* Errors those of pr_bf_cut_live, DB (a batch failed), ABORTED, INTERRUPTED, CONNECT, TIMEOUT, PROC. */
PR_NODISCARD enum pr_code pr_backfill_try(const struct pr_bf_trial *t, struct pr_arena *a, struct pr_bf_tried *out, struct pr_err *e);

/* Jobs of a target, newest first, each with its settings and how far it is: an array; empty when there is no journal. Reads only.
 * Errors DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_backfill_jobs(struct pr_pg *pg, bool ended, struct pr_arena *a, json_t **list, struct pr_err *e);

/* name: of a job that has not ended, its id, or NULL for the only one. action: "show", "pause", "resume", "stop", "abandon" or "set" (wish).
 * Errors REFUSED (no such job, or not in that state), DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_backfill_ctl(struct pr_pg *pg, const char *name, const char *action, const struct pr_bf_tuning *wish, struct pr_arena *a,
                                          json_t **doc, struct pr_err *e);

#endif
