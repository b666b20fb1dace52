/* watch.c: what the second connection looks at while a statement runs, and when it stops it (limits in flight.h). On
 * production nothing samples pg_locks: pg_blocking_pids and pg_stat_activity twice a second cost less than a millisecond. */
#include "apply/flight.h"

#define LOOK_MS 2000
#define LOST_LOOKS 3

/* Who waits is read from pg_locks: pg_stat_activity hides it from a role that is no member of pg_read_all_stats, and the
 * application is another role than ours. When it began to wait is told since 14. */
#define LOOK_AT(since) \
    "WITH waiting AS (SELECT l.pid, min(" since ") AS since FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.pid <> $1::int4 GROUP BY l.pid)," \
    " blocked AS (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - since) * 1000)::bigint AS ms FROM waiting" \
    "  WHERE $1::int4 = ANY (pg_catalog.pg_blocking_pids(pid)))," \
    " w AS (SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = $1::int4 AND NOT granted) AS waits)" \
    " SELECT (SELECT waits FROM w), (SELECT count(*) FROM blocked), (SELECT coalesce(max(ms), 0) FROM blocked)," \
    " (SELECT count(*) FROM blocked WHERE ms >= 200)," \
    " CASE WHEN (SELECT waits FROM w) THEN pg_catalog.array_to_string(pg_catalog.pg_blocking_pids($1::int4), ', ') END," \
    " (SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn))::bigint FROM pg_catalog.pg_stat_replication)"

static const struct pr_pg_stmt look_14 = {
    .name = "watch", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 6, .timeout_ms = LOOK_MS, .sql = LOOK_AT("l.waitstart"),
};
static const struct pr_pg_stmt look_13 = {
    .name = "watch", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 6, .timeout_ms = LOOK_MS, .sql = LOOK_AT("NULL::timestamptz"),
};

struct seen {
    bool waits;                    /* our statement waits for a lock */
    int64_t blocked, longest_ms, crowd, lag;
    const char *by;                /* for whom */
};

static int64_t number(const char *cell) { return cell == NULL ? 0 : (int64_t)strtoll(cell, NULL, 10); }

static enum pr_code look(struct pr_eye *eye, struct pr_arena *a, struct seen *s, struct pr_err *e) {
    const char *const params[] = {pr_fmt(a, "%" PRId64, eye->f->row.backend_pid)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(eye->f->watch, eye->f->ident.version_num >= 140000 ? &look_14 : &look_13, params, a, &r, e));
    *s = (struct seen){.waits = pr_eq(PR_CELL(&r, 0, 0), "t"), .blocked = number(PR_CELL(&r, 0, 1)),
                       .longest_ms = number(PR_CELL(&r, 0, 2)), .crowd = number(PR_CELL(&r, 0, 3)),
                       .by = PR_CELL(&r, 0, 4), .lag = number(PR_CELL(&r, 0, 5))};
    return PR_OK;
}

/* Where the server does not tell since when others wait, it is counted from when we first saw somebody wait. */
static void count_from_here(struct pr_eye *eye, struct seen *s, int64_t now) {
    if (s->blocked == 0) eye->blocked_since_us = 0;
    else if (eye->blocked_since_us == 0) eye->blocked_since_us = now;
    if (eye->f->ident.version_num >= 140000 || s->blocked == 0) return;
    s->longest_ms = (now - eye->blocked_since_us) / 1000;
    s->crowd = s->longest_ms >= 200 ? s->blocked : 0;
}

static const struct pr_pg_stmt index_progress = {
    .name = "progress", .n_params = 1, .shape = PR_MAYBE_ROW, .n_cols = 6, .timeout_ms = LOOK_MS,
    .sql = "SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total, current_locker_pid"
           " FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1::int4",
};

/* Progress is worth a look, never an error. */
static void show_progress(struct pr_eye *eye, struct pr_arena *a, int64_t elapsed_us) {
    struct pr_progress p = {.what = pr_printable(a, eye->f->script.stmts[eye->stmt].tag, 80), .elapsed_us = elapsed_us};
    const char *const params[] = {pr_fmt(a, "%" PRId64, eye->f->row.backend_pid)};
    struct pr_pg_rows r = {0};
    struct pr_err ignored = {0};
    if (eye->cleaning) p.what = "dropping the invalid index";
    if (pr_pg_query(eye->f->watch, &index_progress, params, a, &r, &ignored) == PR_OK && r.n_rows == 1) {
        p.phase = PR_CELL(&r, 0, 0);
        const bool tuples = number(PR_CELL(&r, 0, 4)) > 0;
        p.done = number(PR_CELL(&r, 0, tuples ? 3 : 1));
        p.total = number(PR_CELL(&r, 0, tuples ? 4 : 2));
        p.unit = tuples ? "rows" : "blocks";
    }
    pr_progress(eye->f->ask->talk, &p);
}

/* Waiting for the lock itself: nothing is held yet, so giving way costs nothing and may be tried again. */
static enum pr_code judge_waiting(struct pr_eye *eye, const struct seen *s, struct pr_err *e) {
    const int64_t longest = eye->f->ask->config->max_block_ms;
    if (eye->concurrent) {
        if (eye->wait_since_us == 0) eye->wait_since_us = pr_mono_us();
        if (!pr_eq(eye->waits_for, s->by) && s->by != NULL && s->by[0] != '\0') {
            eye->waits_for = pr_dup(eye->f->a, s->by);
            pr_say(eye->f->ask->talk, PR_LINE_WARN, "waits for session %s to end its transaction", s->by);
        }
        if (pr_mono_us() - eye->wait_since_us < (int64_t)PR_CONCURRENT_WAIT_MS * 1000) return PR_OK;
        return PR_FAIL(e, PR_ERR_ABORTED, "waited over %d min for session %s", PR_CONCURRENT_WAIT_MS / 60000, s->by == NULL ? "?" : s->by);
    }
    if (s->blocked == 0 || (eye->try_bill_ms < PR_BILL_TRY_MS && s->longest_ms < longest)) return PR_OK;
    eye->gave_way = true;
    return PR_FAIL(e, PR_ERR_BUSY, "gave way: %" PRId64 " sessions queued behind us for %" PRId64 " ms, while session %s holds the lock",
                   s->blocked, s->longest_ms, s->by == NULL ? "?" : s->by);
}

static enum pr_code judge_holding(struct pr_eye *eye, const struct seen *s, struct pr_err *e) {
    const int64_t longest = eye->f->ask->config->max_block_ms;
    eye->wait_since_us = 0;
    if (s->crowd >= PR_CROWD)
        return PR_FAIL(e, PR_ERR_ABORTED, "%" PRId64 " sessions wait for us, the limit is %d", s->crowd, PR_CROWD);
    if (s->blocked > 0 && s->longest_ms > longest)
        return PR_FAIL(e, PR_ERR_ABORTED, "a session has waited %" PRId64 " ms for us, the limit is %" PRId64 " ms (max_block)", s->longest_ms, longest);
    if (eye->f->bill_ms >= PR_BILL_RUN_MS)
        return PR_FAIL(e, PR_ERR_ABORTED, "others have waited %" PRId64 " ms for us in all, the limit is %d ms", eye->f->bill_ms, PR_BILL_RUN_MS);
    if (s->lag > PR_LAG_BYTES && s->lag > eye->lag_at_start)
        return PR_FAIL(e, PR_ERR_ABORTED, "a standby is %" PRId64 " MB behind, the limit is %" PRId64 " MB", s->lag >> 20, PR_LAG_BYTES >> 20);
    return PR_OK;
}

/* Without a watch no lock may be held: three looks without an answer, or a lost connection, stop the statement. */
static enum pr_code blind(struct pr_eye *eye, const struct pr_err *why, struct pr_err *e) {
    if (why->code != PR_ERR_CONNECT && ++eye->lost < LOST_LOOKS) return PR_OK;
    return PR_FAIL(e, PR_ERR_ABORTED, "the watch connection gives no answer (%s)", why->msg);
}

static enum pr_code tick(void *ctx, int64_t elapsed_us, struct pr_err *e) {
    struct pr_eye *eye = ctx;
    pr_fault("sending");
    if (pr_interrupted(eye->f->ask->talk) && !eye->cleaning) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 22);
    struct seen s = {0};
    struct pr_err why = {0};
    if (look(eye, a, &s, &why) != PR_OK) return blind(eye, &why, e);
    eye->lost = 0;
    const int64_t now = pr_mono_us(), since = eye->last_us == 0 ? elapsed_us : now - eye->last_us;
    if (eye->last_us == 0) eye->lag_at_start = s.lag;
    eye->last_us = now;
    count_from_here(eye, &s, now);
    const int64_t bill = pr_sat_mul(s.blocked, since / 1000);
    if (s.waits) eye->try_bill_ms = pr_sat_add(eye->try_bill_ms, bill);
    else eye->f->bill_ms = pr_sat_add(eye->f->bill_ms, bill);
    show_progress(eye, a, elapsed_us);
    if (eye->stop_after_us > 0 && elapsed_us > eye->stop_after_us)
        return PR_FAIL(e, PR_ERR_ABORTED, "still at it after %s, longer than was to be expected", pr_human_us(a, elapsed_us));
    return s.waits ? judge_waiting(eye, &s, e) : judge_holding(eye, &s, e);
}

struct pr_pg_watch pr_eye_watch(struct pr_eye *eye) {
    return (struct pr_pg_watch){.interval_ms = PR_TICK_MS, .tick = tick, .ctx = eye};
}
