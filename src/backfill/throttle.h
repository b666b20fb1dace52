/* throttle.h: what makes a backfill wait. Any reason holds it; the reason is said, and goes when the cause is well gone. */
#ifndef PR_BACKFILL_THROTTLE_H
#define PR_BACKFILL_THROTTLE_H

#include "backfill/engine.h"

#define PR_BF_OLD_SNAPSHOT_MS 10000             /* an older one keeps dead rows alive: strided passes would not pay */

struct pr_bf_throttle {
    struct { int64_t us, lsn; } marks[256]; size_t n_marks, next_mark;     /* where the WAL was when: the age of what a standby has */
    int64_t last_us, last_lsn, debt;             /* bytes of WAL above what max-wal allows until now */
    int64_t n_standbys, checkpoints, checkpoints_us;
    bool lagging, blind_said, gone_said, first_done, by_key;
    int64_t waited_for_us;                       /* others for us, summed up over looks */
};

/* One look, on a connection of its own. why: NULL = go on, else the reason, in a. Also tells workers to yield when somebody waits for
 * them, cancels a batch for which somebody has waited over a second, and sets board->by_key. Says what changed. Errors DB, TIMEOUT,
 * CONNECT. */
PR_NODISCARD enum pr_code pr_bf_throttle_look(struct pr_bf_throttle *t, struct pr_pg *pg, struct pr_bf_board *board, const struct pr_bf_tuning *tuning,
                                              const struct pr_talk *talk, struct pr_arena *a, const char **why, struct pr_err *e);

#endif
