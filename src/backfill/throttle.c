#include "backfill/throttle.h"

#include "backfill/keys.h"
#include "sql_files.gen.h"

#define LOOK_MS 10000
#define WAITED_MS 1000                          /* so long may somebody wait for a batch before it is cancelled for them */
#define CALM_FACTOR 2                           /* gentle: a small commit may take so many times what it takes when it is calm */
#define NOT_OURS_US 3000000                     /* when they are slow for so long without us, gentle goes on: that is calm now */
#define CALM_LEAST_US 5000                      /* but below this nobody minds */

struct seen {
    int64_t lsn, standby_lsn, standbys, standbys_unseen, blocked, blocker, old_ms, active, active_unseen, unarchived, retained;
    bool has_standby, failing, losing;
    const char *standby, *old, *failed, *slot, *freezing;
};

/* What one look goes by. */
struct look {
    struct pr_bf_throttle *t;
    const struct pr_bf_watched *w;
    const struct pr_bf_tuning *tuning;
    struct seen s;
    int64_t now, since_us;                       /* since the last look; 0 at the first */
    struct pr_arena *a;
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

static const char *our_tables(const struct pr_bf_cut *cut, struct pr_arena *a) {
    const char **names = PR_NEW_ARRAY(a, const char *, cut->n_walks);
    for (size_t i = 0; i < cut->n_walks; i++) names[i] = cut->walks[i].full;
    return pr_bf_array(a, names, cut->n_walks);
}

static enum pr_code see(struct look *l, struct pr_err *e) {
    enum { LSN, STANDBY_LSN, STANDBY, STANDBYS, STANDBYS_UNSEEN, BLOCKED, BLOCKER, OLD, OLD_MS, ACTIVE, ACTIVE_UNSEEN, FAILING, FAILED, UNARCHIVED, SLOT,
           RETAINED, LOSING, FREEZING, COLS };
    static const struct pr_pg_stmt q = {
        .name = "backfill watch", .sql = pr_sql_backfill_watch, .n_params = 2, .shape = PR_ONE_ROW, .n_cols = COLS, .timeout_ms = LOOK_MS, .often = true};
    const char *const params[] = {our_pids(l->w->board, l->a), our_tables(l->w->cut, l->a)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(l->w->pg, &q, params, l->a, &r, e));
    const char *const *c = r.cells;
    l->s = (struct seen){
        .lsn = number(c[LSN]), .standby_lsn = number(c[STANDBY_LSN]), .has_standby = c[STANDBY_LSN] != NULL, .standby = c[STANDBY], .standbys = number(c[STANDBYS]),
        .standbys_unseen = number(c[STANDBYS_UNSEEN]), .blocked = number(c[BLOCKED]), .blocker = number(c[BLOCKER]), .old = c[OLD], .old_ms = number(c[OLD_MS]),
        .active = number(c[ACTIVE]), .active_unseen = number(c[ACTIVE_UNSEEN]), .failing = pr_eq(c[FAILING], "t"), .failed = c[FAILED],
        .unarchived = number(c[UNARCHIVED]), .slot = c[SLOT], .retained = number(c[RETAINED]), .losing = pr_eq(c[LOSING], "t"), .freezing = c[FREEZING]};
    return PR_OK;
}

/* Above the limit, and then until three quarters of it. */
static bool over(bool was, int64_t value, int64_t limit) { return value > (was ? limit - limit / 4 : limit); }

/* What is hidden from this role does nothing: that is said once. */
static void say_blind(const struct look *l, bool *said, int64_t hidden, const char *what, const char *setting) {
    if (hidden == 0 || *said) return;
    *said = true;
    pr_say(l->w->talk, PR_LINE_WARN, "this role does not see %s: GRANT pg_monitor to it, else %s does nothing", what, setting);
}

/* ---- standbys: how old is what the slowest has replayed. Measured by our own marks: the server's replay_lag stands still when the
 * standby does. One that was there and is not is behind by no one knows how much. */

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

static const char *of_lag(const struct look *l) {
    struct pr_bf_throttle *t = l->t;
    const struct seen *s = &l->s;
    const int64_t limit = l->tuning->max_lag_ms;
    if (limit <= 0 || s->standbys > t->standbys) t->standbys = s->standbys;
    mark(t, s->lsn, l->now);
    if (limit <= 0) return NULL;
    say_blind(l, &t->lag_blind_said, s->standbys_unseen, "how far standbys are", "max-lag");
    if (s->standbys < t->standbys) return pr_fmt(l->a, "a standby is gone, %" PRId64 " of %" PRId64 " are there", s->standbys, t->standbys);
    if (!s->has_standby) return NULL;
    const int64_t age = age_of(t, s->standby_lsn, l->now);
    t->lagging = age > (t->lagging ? limit / 2 : limit);
    if (!t->lagging) return NULL;
    return pr_fmt(l->a, "standby %s is %s behind, at most %s", pr_printable(l->a, s->standby, 80), pr_human_us(l->a, age * 1000), pr_human_us(l->a, limit * 1000));
}

/* ---- WAL: what was written above the rate must be waited for; what nobody has fetched yet fills the disk */

static const char *of_wal(const struct look *l) {
    struct pr_bf_throttle *t = l->t;
    const int64_t limit = l->tuning->max_wal_bytes_s, wrote = l->since_us == 0 ? 0 : l->s.lsn - t->last_lsn;
    t->last_lsn = l->s.lsn;
    if (limit <= 0) t->debt = 0;
    if (limit <= 0) return NULL;
    t->debt += wrote - pr_scale(limit, l->since_us, 1000000);
    if (t->debt < -limit) t->debt = -limit;      /* a second of calm may be made up for */
    return t->debt <= 0 ? NULL : pr_fmt(l->a, "the server wrote more WAL than %s a second", pr_human_bytes(l->a, limit));
}

static const char *of_archive(const struct look *l) {
    const int64_t limit = l->tuning->max_unarchived_bytes;
    l->t->behind = limit > 0 && over(l->t->behind, l->s.unarchived, limit);
    if (limit > 0 && l->s.failing) return pr_fmt(l->a, "archiving of WAL fails, last that of %s", pr_printable(l->a, l->s.failed, 60));
    if (!l->t->behind) return NULL;
    return pr_fmt(l->a, "%s of WAL are not archived yet, at most %s", pr_human_bytes(l->a, l->s.unarchived), pr_human_bytes(l->a, limit));
}

static const char *of_slots(const struct look *l) {
    const int64_t limit = l->tuning->max_retained_bytes;
    l->t->retaining = limit > 0 && over(l->t->retaining, l->s.retained, limit);
    const char *slot = l->s.slot == NULL ? NULL : pr_printable(l->a, l->s.slot, 80);
    if (limit > 0 && l->s.losing) return pr_fmt(l->a, "replication slot %s is about to lose WAL that it needs", slot);
    if (!l->t->retaining) return NULL;
    return pr_fmt(l->a, "replication slot %s holds back %s of WAL, at most %s", slot, pr_human_bytes(l->a, l->s.retained), pr_human_bytes(l->a, limit));
}

/* ---- the foreground */

static const char *of_sessions(const struct look *l) {
    const int64_t limit = l->tuning->max_active;
    if (limit > 0) say_blind(l, &l->t->active_blind_said, l->s.active_unseen, "what other sessions do", "max-active");
    l->t->crowded = limit > 0 && over(l->t->crowded, l->s.active, limit);
    return !l->t->crowded ? NULL : pr_fmt(l->a, "%s at work, at most %" PRId64, pr_plural(l->a, l->s.active, "other session"), limit);
}

static const char *of_commits(const struct look *l) {
    struct pr_bf_throttle *t = l->t;
    const int64_t calm = t->calm_us * CALM_FACTOR, own = calm > CALM_LEAST_US ? calm : CALM_LEAST_US;
    const int64_t limit = l->tuning->max_latency_ms > 0 ? l->tuning->max_latency_ms * 1000 : l->tuning->gentle != 0 ? own : 0;
    const bool was = t->slow;
    t->slow = limit > 0 && over(t->slow, t->commit_us, limit);
    if (t->slow && !was) t->slow_since_us = l->now;
    if (t->slow && l->tuning->max_latency_ms == 0 && l->now - t->slow_since_us > NOT_OURS_US) {
        t->calm_us = t->commit_us;               /* we have stood still for so long: it is not our doing, and how it is now */
        t->slow = false;
    }
    return !t->slow ? NULL : pr_fmt(l->a, "a small commit takes %s, at most %s", pr_human_us(l->a, t->commit_us), pr_human_us(l->a, limit));
}

/* What an application's smallest write would feel, where the disk, or a synchronous standby, is shared with us. */
static enum pr_code probe(struct look *l, struct pr_err *e) {
    struct pr_bf_throttle *t = l->t;
    if (l->tuning->max_latency_ms <= 0 && l->tuning->gentle == 0) {
        t->commit_us = 0;
        return PR_OK;
    }
    const int64_t start = pr_mono_us();
    PR_TRY(e, pr_bf_journal_probe(l->w->pg, l->w->job->id, e));
    const int64_t took = pr_mono_us() - start;
    t->commit_us = t->commit_us == 0 ? took : (t->commit_us * 6 + took * 4) / 10;
    if (t->calm_us == 0 || took < t->calm_us) t->calm_us = took;
    return PR_OK;
}

static const char *of_freezing(const struct look *l) {
    if (l->tuning->ignore_wraparound != 0 || l->s.freezing == NULL) return NULL;
    return pr_fmt(l->a, "a vacuum of %s to prevent wraparound comes first", pr_printable(l->a, l->s.freezing, 120));
}

/* ---- others who wait for us: the batch in question ends within its time; should it not, it is cancelled, and tried smaller */

static enum pr_code give_way(const struct look *l, struct pr_err *e) {
    static const struct pr_pg_stmt cancel = {
        .name = "backfill: cancel a batch", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS,
        .sql = "SELECT pg_catalog.pg_cancel_backend($1::integer)"};
    struct pr_bf_throttle *t = l->t;
    if (l->s.blocked == 0) {
        t->waited_for_us = 0;
        return PR_OK;
    }
    atomic_fetch_add(&l->w->board->yields, 1);
    t->waited_for_us += l->since_us;
    if (t->waited_for_us < WAITED_MS * 1000) return PR_OK;
    t->waited_for_us = 0;
    const char *const params[] = {pr_fmt(l->a, "%" PRId64, l->s.blocker)};
    return pr_pg_query(l->w->pg, &cancel, params, l->a, NULL, e);
}

static void heed_snapshots(const struct look *l) {
    const struct seen *s = &l->s;
    const bool old = s->old != NULL && s->old_ms > PR_BF_OLD_SNAPSHOT_MS;
    if (old == l->t->by_key) return;
    l->t->by_key = old;
    atomic_store(&l->w->board->by_key, old);
    if (old)
        pr_say(l->w->talk, PR_LINE_WARN, "%s has a snapshot %s old: dead rows stay, passes over pages do not pay; going on by key", pr_printable(l->a, s->old, 120),
               pr_human_us(l->a, s->old_ms * 1000));
    else pr_say(l->w->talk, PR_LINE_FACT, "no old snapshot any more: passes over pages again");
}

/* Checkpoints that WAL forces cost twice: each begins a new round of full pages. Slower is not cheaper, so this is said, not heeded. */
static enum pr_code heed_checkpoints(const struct look *l, struct pr_err *e) {
    static const struct pr_pg_stmt old = {
        .name = "checkpoints", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS, .sql = "SELECT checkpoints_req FROM pg_catalog.pg_stat_bgwriter"};
    static const struct pr_pg_stmt since_17 = {
        .name = "checkpoints", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = LOOK_MS, .sql = "SELECT num_requested FROM pg_catalog.pg_stat_checkpointer"};
    const struct pr_pg_ident *id = NULL;
    struct pr_pg_rows r = {0};
    struct pr_bf_throttle *t = l->t;
    const int64_t now = l->now;
    if (t->checkpoints_us != 0 && now - t->checkpoints_us < 30000000) return PR_OK;
    PR_TRY(e, pr_pg_identity(l->w->pg, &id, e));
    PR_TRY(e, pr_pg_query(l->w->pg, id->version_num >= 170000 ? &since_17 : &old, NULL, l->a, &r, e));
    const int64_t n = number(PR_CELL(&r, 0, 0)), more = t->checkpoints_us == 0 ? 0 : n - t->checkpoints;
    t->checkpoints_us = now;
    t->checkpoints = n;
    if (more >= 2)
        pr_say(l->w->talk, PR_LINE_WARN, "%s within half a minute, forced by the amount of WAL: max_wal_size is small for this pace", pr_plural(l->a, more, "checkpoint"));
    return PR_OK;
}

/* All are asked at every look, for most remember what they saw; the first that holds is told. */
static const struct { const char *topic; const char *(*of)(const struct look *l); } reasons[] = {
    {"ignore-wraparound", of_freezing}, {"max-unarchived", of_archive}, {"max-retained", of_slots}, {"max-lag", of_lag},
    {"max-active", of_sessions},        {"max-latency", of_commits},     {"max-wal", of_wal},
};

enum pr_code pr_bf_throttle_look(struct pr_bf_throttle *t, const struct pr_bf_watched *w, struct pr_arena *a, struct pr_bf_reason *why, struct pr_err *e) {
    struct look l = {.t = t, .w = w, .tuning = &w->job->tuning, .a = a};
    struct pr_bf_reason first = {0};
    PR_TRY(e, see(&l, e));
    PR_TRY(e, probe(&l, e));
    l.now = pr_mono_us();
    l.since_us = t->last_us == 0 ? 0 : l.now - t->last_us;
    PR_TRY(e, give_way(&l, e));
    PR_TRY(e, heed_checkpoints(&l, e));
    heed_snapshots(&l);
    for (size_t i = 0; i < PR_COUNT(reasons); i++) {
        const char *text = reasons[i].of(&l);
        if (text != NULL && first.topic == NULL) first = (struct pr_bf_reason){.topic = reasons[i].topic, .text = pr_fmt(a, "%s (%s)", text, reasons[i].topic)};
    }
    t->last_us = l.now;
    *why = first;
    return PR_OK;
}
