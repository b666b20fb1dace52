/* throttle.h: what makes a backfill wait. Any reason holds it; the reason is said, and goes when the cause is well gone. */
#ifndef PR_BACKFILL_THROTTLE_H
#define PR_BACKFILL_THROTTLE_H

#include "backfill/engine.h"

#define PR_BF_OLD_SNAPSHOT_MS 10000             /* an older one keeps dead rows alive: strided passes would not pay */

struct pr_bf_throttle {
    struct { int64_t us, lsn; } marks[256]; size_t n_marks, next_mark;     /* where the WAL was when: the age of what a standby has */
    int64_t last_us, last_lsn, debt;             /* bytes of WAL above what max-wal allows until now */
    int64_t standbys;                            /* the most that were there since they are watched */
    int64_t checkpoints, checkpoints_us;
    int64_t commit_us, calm_us;                  /* of a small commit: smoothed, and the least that was seen; 0 = not yet known */
    int64_t slow_since_us;
    int64_t waited_for_us;                       /* others for us, summed up over looks */
    bool lagging, crowded, slow, behind, retaining;         /* what held at the last look: it must be well gone */
    bool lag_blind_said, active_blind_said, by_key;
};

struct pr_bf_watched {
    struct pr_pg *pg;                            /* a connection of its own, outside a transaction */
    struct pr_bf_board *board;
    const struct pr_bf_cut *cut;
    const struct pr_bf_job *job;
    const struct pr_talk *talk;
};

/* topic: the setting that it is about, a literal; text: for people. Both NULL: go on. */
struct pr_bf_reason { const char *topic, *text; };

/* One look. why: text in a. Also tells workers to yield when somebody waits for them, cancels a batch for which somebody has waited over a
 * second, and sets board->by_key. Says what changed. Errors DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_bf_throttle_look(struct pr_bf_throttle *t, const struct pr_bf_watched *w, struct pr_arena *a, struct pr_bf_reason *why,
                                              struct pr_err *e);

#endif
