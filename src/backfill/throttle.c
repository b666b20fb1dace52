#include "backfill/throttle.h"

#include "sql_files.gen.h"

#define LOOK_MS 10000
#define WAITED_MS 1000                          /* so long may somebody wait for a batch before it is cancelled for them */

struct seen {
    int64_t lsn, standby_lsn, standbys, unseen, blocked, blocker, old_ms;
    bool has_standby;
    const char *standby, *old;
};

static int64_t number(const char *cell) { return cell == NULL ? 0 : (int64_t)strtoll(cell, NULL, 10); }

static const char *our_pids(const struct pr_bf_board *board, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) {
        const int64_t pid = atomic_load(&board->slots[i].backend_pid);
        if (pid > 0) pr_addf(&b, "%s%" PRId64, b.len == 0 ? "" : ",", pid);
    }
    return pr_fmt(a, "{%s}", pr_buf_text(&b));
}

static enum pr_code look(struct pr_pg *pg, const struct pr_bf_board *board, struct pr_arena *a, struct seen *s, struct pr_err *e) {
    static const struct pr_pg_stmt q = {
        .name = "backfill watch", .sql = pr_sql_backfill_watch, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 9, .timeout_ms = LOOK_MS};
    const char *const params[] = {our_pids(board, a)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &q, params, a, &r, e));
    *s = (struct seen){.lsn = number(PR_CELL(&r, 0, 0)), .standby_lsn = number(PR_CELL(&r, 0, 1)), .has_standby = PR_CELL(&r, 0, 1) != NULL,
                       .standby = PR_CELL(&r, 0, 2), .standbys = number(PR_CELL(&r, 0, 3)), .unseen = number(PR_CELL(&r, 0, 4)),
                       .blocked = number(PR_CELL(&r, 0, 5)), .blocker = number(PR_CELL(&r, 0, 6)), .old = PR_CELL(&r, 0, 7), .old_ms = number(PR_CELL(&r, 0, 8))};
    return PR_OK;
}

/* ---- standbys: how old is what the slowest has replayed. Measured by our own marks: the server's replay_lag stands still when the
 * standby does. */

static int64_t age_of(const struct pr_bf_throttle *t, int64_t lsn, int64_t now) {
    int64_t oldest = now;
    for (size_t i = 0; i < t->n_marks; i++)
        if (t->marks[i].lsn > lsn && t->marks[i].us < oldest) oldest = t->marks[i].us;
    return (now - oldest) / 1000;
}

static void mark(struct pr_bf_throttle *t, int64_t lsn, int64_t now) {
    t->marks[t->next_mark].us = now;
    t->marks[t->next_mark].lsn = lsn;
    t->next_mark = (t->next_mark + 1) % PR_COUNT(t->marks);
    if (t->n_marks < PR_COUNT(t->marks)) t->n_marks++;
}

static const char *of_lag(struct pr_bf_throttle *t, const struct seen *s, const struct pr_bf_tuning *tuning, const struct pr_talk *talk, int64_t now,
                          struct pr_arena *a) {
    if (tuning->max_lag_ms <= 0) return NULL;
    if (s->unseen > 0 && !t->blind_said) {
        t->blind_said = true;
        pr_say(talk, PR_LINE_WARN, "this role does not see how far standbys are: GRANT pg_monitor to it, else max-lag does nothing");
    }
    if (s->standbys < t->n_standbys) pr_say(talk, PR_LINE_WARN, "a standby is gone: %" PRId64 " of %" PRId64 " are left", s->standbys, t->n_standbys);
    t->n_standbys = s->standbys;
    mark(t, s->lsn, now);
    if (!s->has_standby) return NULL;
    const int64_t age = age_of(t, s->standby_lsn, now);
    t->lagging = age > (t->lagging ? tuning->max_lag_ms / 2 : tuning->max_lag_ms);
    if (!t->lagging) return NULL;
    return pr_fmt(a, "standby %s is %s behind, at most %s (max-lag)", pr_printable(a, s->standby, 80), pr_human_us(a, age * 1000),
                  pr_human_us(a, tuning->max_lag_ms * 1000));
}

/* ---- WAL: what was written above the rate must be waited for */

static const char *of_wal(struct pr_bf_throttle *t, const struct seen *s, const struct pr_bf_tuning *tuning, int64_t now, struct pr_arena *a) {
    const int64_t wrote = t->last_us == 0 ? 0 : s->lsn - t->last_lsn, since = t->last_us == 0 ? 0 : now - t->last_us;
    t->last_us = now;
    t->last_lsn = s->lsn;
    if (tuning->max_wal_bytes_s <= 0) return NULL;
    t->debt += wrote - pr_scale(tuning->max_wal_bytes_s, since, 1000000);
    if (t->debt < -tuning->max_wal_bytes_s) t->debt = -tuning->max_wal_bytes_s;              /* a second of calm may be made up for */
    if (t->debt <= 0) return NULL;
    return pr_fmt(a, "the server wrote more WAL than %s a second (max-wal)", pr_human_bytes(a, tuning->max_wal_bytes_s));
}

/* ---- others who wait for us: the batch in question ends within its time; should it not, it is cancelled, and tried smaller */

static enum pr_code give_way(struct pr_bf_throttle *t, const struct seen *s, struct pr_pg *pg, struct pr_bf_board *board, int64_t since_us, struct pr_arena *a,
                             struct pr_err *e) {
    static const struct pr_pg_stmt cancel = {
        .name = "backfill: cancel a batch", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS,
        .sql = "SELECT pg_catalog.pg_cancel_backend($1::integer)"};
    if (s->blocked == 0) {
        t->waited_for_us = 0;
        return PR_OK;
    }
    atomic_fetch_add(&board->yields, 1);
    t->waited_for_us += since_us;
    if (t->waited_for_us < WAITED_MS * 1000) return PR_OK;
    t->waited_for_us = 0;
    const char *const params[] = {pr_fmt(a, "%" PRId64, s->blocker)};
    return pr_pg_query(pg, &cancel, params, a, NULL, e);
}

static void heed_snapshots(struct pr_bf_throttle *t, const struct seen *s, struct pr_bf_board *board, const struct pr_talk *talk, struct pr_arena *a) {
    const bool old = s->old != NULL && s->old_ms > PR_BF_OLD_SNAPSHOT_MS;
    if (old == t->by_key) return;
    t->by_key = old;
    atomic_store(&board->by_key, old);
    if (old)
        pr_say(talk, PR_LINE_WARN, "%s has a snapshot %s old: dead rows stay, passes over pages do not pay; going on by key", pr_printable(a, s->old, 120),
               pr_human_us(a, s->old_ms * 1000));
    else pr_say(talk, PR_LINE_FACT, "no old snapshot any more: passes over pages again");
}

/* Checkpoints that WAL forces cost twice: each begins a new round of full pages. Slower is not cheaper, so this is said, not heeded. */
static enum pr_code heed_checkpoints(struct pr_bf_throttle *t, struct pr_pg *pg, const struct pr_talk *talk, int64_t now, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt old = {
        .name = "checkpoints", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS, .sql = "SELECT checkpoints_req FROM pg_catalog.pg_stat_bgwriter"};
    static const struct pr_pg_stmt since_17 = {
        .name = "checkpoints", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS, .sql = "SELECT num_requested FROM pg_catalog.pg_stat_checkpointer"};
    const struct pr_pg_ident *id = NULL;
    struct pr_pg_rows r = {0};
    if (t->checkpoints_us != 0 && now - t->checkpoints_us < 30000000) return PR_OK;
    PR_TRY(e, pr_pg_identity(pg, &id, e));
    PR_TRY(e, pr_pg_query(pg, id->version_num >= 170000 ? &since_17 : &old, NULL, a, &r, e));
    const int64_t n = number(PR_CELL(&r, 0, 0)), more = t->checkpoints_us == 0 ? 0 : n - t->checkpoints;
    t->checkpoints_us = now;
    t->checkpoints = n;
    if (more >= 2)
        pr_say(talk, PR_LINE_WARN, "%s within half a minute, forced by the amount of WAL: max_wal_size is small for this pace", pr_plural(a, more, "checkpoint"));
    return PR_OK;
}

enum pr_code pr_bf_throttle_look(struct pr_bf_throttle *t, struct pr_pg *pg, struct pr_bf_board *board, const struct pr_bf_tuning *tuning,
                                 const struct pr_talk *talk, struct pr_arena *a, const char **why, struct pr_err *e) {
    struct seen s = {0};
    PR_TRY(e, look(pg, board, a, &s, e));
    const int64_t now = pr_mono_us(), since = t->last_us == 0 ? 0 : now - t->last_us;
    PR_TRY(e, give_way(t, &s, pg, board, since, a, e));
    PR_TRY(e, heed_checkpoints(t, pg, talk, now, a, e));
    heed_snapshots(t, &s, board, talk, a);
    const char *lag = of_lag(t, &s, tuning, talk, now, a), *wal = of_wal(t, &s, tuning, now, a);
    *why = lag != NULL ? lag : wal;
    return PR_OK;
}
