/* drive.c: the parent of the workers. It reads nothing of the tables: it forks, looks at what may hold the work up, hears what a
 * person says through the journal or by a signal, and tells how far it is. */
#include "backfill/drive.h"

#include "proc/proc.h"

#define TURN_MS 50
#define READ_US 300000                          /* the job's row: what a person asks is heard within so long */
#define LOOK_US 250000
#define SAY_US 30000000
#define NOTE_US 5000000                         /* a reason is written down again so often */
#define HELD_LONG_US 5000000
#define PROGRESS_US 1000000
#define LEAVE_US 5000000                        /* a batch that has not ended after so long is cancelled and rolled back */
#define LOST_US 120000000                       /* how long a server may be gone before we give up */
#define DEATHS 20
#define OURS_MS 10000

/* Rows of a range. Passes through long ones are worth a transaction each (600,000 rows: 436 of them in ranges of 40,000, 245 in ranges of
 * 80,000; with 120,000 a worker takes a third more memory); a small table has ranges for several workers. */
#define CHUNK_MOST 80000
#define CHUNK_LEAST 20000

static int64_t chunk_of(int64_t rows) { return rows / 8 > CHUNK_MOST ? CHUNK_MOST : rows / 8 < CHUNK_LEAST ? CHUNK_LEAST : rows / 8; }

struct work { struct pr_bf_crew crew; size_t number; };

static int work(void *ctx, const volatile sig_atomic_t *told) {
    const struct work *w = ctx;
    return pr_bf_work(&w->crew, w->number, told);
}

static enum pr_code start_worker(struct pr_bf_drive *d, size_t number, struct pr_err *e) {
    struct pr_bf_slot *slot = &d->board->slots[number];
    struct work w = {.number = number, .crew = {.cut = &d->cut, .where = d->where, .job = d->job.id, .chunk = chunk_of(d->job.rows_total),
                                                .system_id = d->ident.system_id, .tx_pooled = d->ident.tx_pooled, .board = d->board}};
    w.crew.where.app = pr_fmt(d->a, "pgrail/backfill worker %zu", number + 1);
    slot->err = (struct pr_err){0};
    atomic_store(&slot->backend_pid, 0);
    PR_TRY(e, pr_child_start(&(struct pr_child_work){.run = work, .ctx = &w}, &d->crew[number].pid, e));
    d->crew[number].alive = true;
    return PR_OK;
}

static size_t n_alive(const struct pr_bf_drive *d) {
    size_t n = 0;
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) n += d->crew[i].alive;
    return n;
}

static void leave(struct pr_bf_drive *d) {
    atomic_store(&d->board->gate, PR_BF_LEAVE);
    if (!d->leaving) d->told_us = pr_mono_us();
    d->leaving = true;
}

/* ---- workers that ended */

/* A killed worker, and one whose server went away, are replaced: at once, then ever later. */
static void replace_later(struct pr_bf_drive *d, size_t i, const struct pr_err *why) {
    struct pr_bf_process *w = &d->crew[i];
    const int64_t wait_us = w->deaths == 0 ? 0 : w->deaths > 5 ? 5000000 : INT64_C(100000) << w->deaths;
    w->not_before_us = pr_mono_us() + wait_us;
    if (w->deaths++ == 0) pr_say(d->ask->talk, PR_LINE_WARN, "worker %zu ended: %s; its range goes to another", i + 1, why->msg[0] != '\0' ? pr_printable(d->a, why->msg, 300) : "killed");
}

static void fail_with(struct pr_bf_drive *d, const struct pr_err *why) {
    if (d->failure.code == PR_OK) d->failure = *why;
    leave(d);
}

static void bury(struct pr_bf_drive *d, size_t i, int status) {
    struct pr_bf_slot *slot = &d->board->slots[i];
    const struct pr_err *why = &slot->err;
    d->crew[i].alive = false;
    d->crew[i].left_behind = status == 0 ? 0 : atomic_load(&slot->backend_pid);
    atomic_store(&slot->backend_pid, 0);
    const int64_t now = pr_mono_us();
    if (status == 0) {
        d->crew[i].walked = !d->leaving && (int64_t)i < d->job.tuning.workers;
        return;
    }
    if (d->leaving) return;
    const bool lost = status >= 126 || why->code == PR_ERR_CONNECT || why->code == PR_ERR_TIMEOUT || why->code == PR_OK || why->code == PR_ERR_INTERRUPTED;
    if (!lost) {
        fail_with(d, why);
        return;
    }
    if (d->crew[i].deaths < DEATHS && now - d->last_done_us < LOST_US) {
        replace_later(d, i, why);
        return;
    }
    struct pr_err gone = {0};
    (void)PR_FAIL(&gone, PR_ERR_CONNECT, "workers end again and again: %s", why->msg[0] != '\0' ? why->msg : "killed");
    fail_with(d, &gone);
}

static void reap(struct pr_bf_drive *d) {
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) {
        int status = 0;
        if (d->crew[i].alive && pr_child_ended(d->crew[i].pid, &status)) bury(d, i, status);
    }
}

/* What a dead worker held, its server would hold until it misses it: half a minute, when the link went silent. */
static enum pr_code dismiss(struct pr_bf_drive *d, struct pr_err *e) {
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) {
        if (d->crew[i].left_behind == 0) continue;
        PR_TRY(e, pr_bf_worker_dismiss(d->pg, d->job.id, d->crew[i].left_behind, e));
        d->crew[i].left_behind = 0;
    }
    return PR_OK;
}

static bool all_walked(const struct pr_bf_drive *d) {
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++)
        if (d->crew[i].walked) return true;
    return false;
}

static enum pr_code man(struct pr_bf_drive *d, struct pr_err *e) {
    if (d->leaving || all_walked(d)) return PR_OK;
    for (size_t i = 0; (int64_t)i < d->job.tuning.workers && i < PR_BF_MAX_WORKERS; i++)
        if (!d->crew[i].alive && pr_mono_us() >= d->crew[i].not_before_us) PR_TRY(e, start_worker(d, i, e));
    return PR_OK;
}

/* ---- what a person, the server or another pgrail says */

static void take_tuning(struct pr_bf_drive *d, const struct pr_bf_tuning *t) {
    atomic_store(&d->board->workers, t->workers);
    atomic_store(&d->board->batch, t->batch);
    atomic_store(&d->board->target_ms, t->target_ms);
    atomic_store(&d->board->pause_ms, t->pause_ms);
    atomic_store(&d->board->max_rejects, t->max_rejects);
    atomic_store(&d->board->vacuum_rows, t->vacuum_rows);
    atomic_store(&d->board->async_commit, t->async_commit != 0);
    atomic_store(&d->board->gentle, t->gentle != 0);
}

static enum pr_code read_job(struct pr_bf_drive *d, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    struct pr_bf_job now = {0};
    PR_TRY(e, pr_bf_journal_read(d->pg, d->job.id, a, &now, e));
    if (now.state != d->job.state) pr_say(d->ask->talk, PR_LINE_STEP, "the backfill is %s now%s%s", pr_bf_state_name(now.state), now.note == NULL ? "" : ": ", now.note == NULL ? "" : pr_printable(a, now.note, 300));
    if (!pr_eq(pr_bf_tuning_words(a, &now.tuning), pr_bf_tuning_words(a, &d->job.tuning)))
        pr_say(d->ask->talk, PR_LINE_STEP, "settings now: %s", pr_bf_tuning_words(a, &now.tuning));
    d->job.state = now.state;
    d->job.tuning = now.tuning;
    take_tuning(d, &now.tuning);
    const bool goes_on = now.state == PR_BF_RUNNING || now.state == PR_BF_PAUSED;
    if (!goes_on && !d->leaving) leave(d);
    return PR_OK;
}

/* A budget of WAL lets go and holds again every moment: one reason is said now and then. */
static void say_held(struct pr_bf_drive *d, const struct pr_bf_reason *why, int64_t now) {
    if (why->topic == NULL) {
        if (now - d->held_us > HELD_LONG_US) pr_say(d->ask->talk, PR_LINE_FACT, "going on after %s", pr_human_us(d->a, now - d->held_us));
        return;
    }
    if (pr_eq(why->topic, d->said_topic) && now - d->said_us < SAY_US) return;
    pr_say(d->ask->talk, PR_LINE_WARN, "waiting: %s", why->text);
    d->said_topic = why->topic;
    d->said_us = now;
}

static enum pr_code hold_or_go(struct pr_bf_drive *d, const struct pr_bf_reason *why, struct pr_err *e) {
    const bool changed = !pr_eq(why->topic, d->held_topic);
    const int64_t now = pr_mono_us();
    const bool again = why->text != NULL && now - d->noted_us > NOTE_US;        /* "13 GB" now; or somebody who joined has wiped it out */
    if (changed) say_held(d, why, now);
    if (changed && (why->topic == NULL || d->held_topic == NULL)) d->held_us = now;
    if (changed || again) {
        PR_TRY(e, pr_bf_journal_held(d->pg, d->job.id, why->text, e));
        (void)snprintf(d->held_room, sizeof d->held_room, "%s", why->text == NULL ? "" : why->text);
        d->held = why->text == NULL ? NULL : d->held_room;
        d->held_topic = why->topic;
        d->noted_us = now;
    }
    return PR_OK;
}

/* When it is time for one. */
static enum pr_code look(struct pr_bf_drive *d, struct pr_err *e) {
    const int64_t now = pr_mono_us();
    const struct pr_bf_watched w = {.pg = d->pg, .board = d->board, .cut = &d->cut, .job = &d->job, .talk = d->ask->talk};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    struct pr_bf_reason why = {0};
    if (now - d->looked_us < (d->job.tuning.max_wal_bytes_s > 0 ? LOOK_US / 5 : LOOK_US)) return PR_OK;
    d->looked_us = now;
    PR_TRY(e, pr_bf_throttle_look(&d->throttle, &w, a, &why, e));
    return hold_or_go(d, &why, e);
}

enum pr_code pr_bf_wait_while_held(struct pr_bf_drive *d, struct pr_err *e) {
    for (;;) {
        if (pr_interrupted(d->ask->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted while the result was looked at");
        const enum pr_code code = look(d, e);
        if (code != PR_OK && code != PR_ERR_TIMEOUT) return code;            /* a busy server; the next look may do better */
        if (d->held == NULL) return PR_OK;
        pr_bf_nap(TURN_MS);
    }
}

static enum pr_code look_round(struct pr_bf_drive *d, struct pr_err *e) {
    const int64_t now = pr_mono_us();
    if (now - d->read_us >= READ_US) {
        d->read_us = now;
        PR_TRY(e, read_job(d, e));
    }
    PR_TRY(e, look(d, e));
    if (!d->leaving) atomic_store(&d->board->gate, d->held != NULL || d->job.state == PR_BF_PAUSED ? PR_BF_HOLD : PR_BF_GO);
    if (now - d->progress_us >= PROGRESS_US) {
        d->progress_us = now;
        PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
        pr_bf_show_progress(d);
    }
    return PR_OK;
}

/* Other pgrails may be at the same job: Ctrl-C here is then no order to them. */
static enum pr_code heed_signal(struct pr_bf_drive *d, struct pr_err *e) {
    if (!pr_interrupted(d->ask->talk) || d->signalled) return PR_OK;
    d->signalled = true;
    const size_t ours = n_alive(d);
    pr_say(d->ask->talk, PR_LINE_STEP, "interrupted: workers finish their batch; once more ends them at once");
    PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
    if (d->progress.workers_alive <= (int64_t)ours) PR_TRY(e, pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_STOP, "a signal", e));
    leave(d);
    return PR_OK;
}

/* Batches that do not end by themselves are cancelled by their own worker, which rolls back. */
static void hurry(struct pr_bf_drive *d) {
    const bool at_once = pr_interrupted_twice(d->ask->talk);
    const int64_t since = pr_mono_us() - d->told_us;
    if (!d->leaving || (!at_once && since < LEAVE_US)) return;
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++)
        if (d->crew[i].alive) (since > 3 * LEAVE_US ? pr_child_kill : pr_child_tell)(d->crew[i].pid);
}

enum pr_code pr_bf_parent_session(struct pr_pg *pg, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_identity(pg, &id, e));
    if (id->tx_pooled) return PR_OK;
    PR_TRY(e, pr_pg_do(pg, "session settings",
                    "SELECT pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('jit', 'off', false), pg_catalog.set_config('tcp_keepalives_idle', '10', false),"
                    " pg_catalog.set_config('tcp_keepalives_interval', '5', false), pg_catalog.set_config('tcp_keepalives_count', '3', false),"
                    " pg_catalog.set_config('tcp_user_timeout', '30000', false), pg_catalog.set_config('synchronous_commit',"
                    " replace(pg_catalog.current_setting('synchronous_commit'), 'off', 'on'), false)", OURS_MS, e));
    return id->version_num < 140000 ? PR_OK : pr_pg_do(pg, "session settings", "SET client_connection_check_interval = 2000", OURS_MS, e);
}

/* Our own old session may still be there, behind a link that went silent. */
static enum pr_code take_place(struct pr_bf_drive *d, const struct pr_pg_ident *id, struct pr_err *e) {
    static const struct pr_pg_stmt end = {
        .name = "backfill: end of the lost session", .n_params = 2, .shape = PR_MAYBE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
        .sql = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1::integer AND backend_start = $2::timestamptz"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const lost[] = {pr_fmt(a, "%d", d->ident.pid), d->ident.backend_start};
    PR_TRY(e, pr_bf_parent_session(d->pg, e));
    if (!id->pooled) PR_TRY(e, pr_pg_query(d->pg, &end, lost, a, NULL, e));
    d->ident.pid = id->pid;
    d->ident.backend_start = pr_dup(d->a, id->backend_start);
    return PR_OK;
}

static enum pr_code reach_again(struct pr_bf_drive *d, bool *is_it, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_open(&d->where, &d->pg, e));
    PR_TRY(e, pr_pg_identity(d->pg, &id, e));
    *is_it = !id->in_recovery && pr_eq(id->system_id, d->ident.system_id);
    return *is_it ? take_place(d, id, e) : PR_OK;
}

static enum pr_code reconnect(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_err why = *e;
    const int64_t until = pr_mono_us() + LOST_US;
    pr_say(d->ask->talk, PR_LINE_WARN, "%s; trying to reach the server again", pr_printable(d->a, why.msg, 300));
    pr_pg_close(d->pg);
    d->pg = NULL;
    while (pr_mono_us() < until && !pr_interrupted(d->ask->talk)) {
        bool is_it = false;
        pr_bf_nap(250);
        reap(d);
        if (reach_again(d, &is_it, e) == PR_OK && is_it) {
            pr_say(d->ask->talk, PR_LINE_GOOD, "the server answers again");
            return PR_OK;
        }
        pr_pg_close(d->pg);
        d->pg = NULL;
    }
    leave(d);
    *e = why;
    return e->code;
}

static void stop_when_enough(struct pr_bf_drive *d) {
    int64_t read = 0;
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) read += atomic_load(&d->board->slots[i].read);
    if (d->enough == 0 || read < d->enough || d->leaving) return;
    d->had_enough = true;
    leave(d);
}

static enum pr_code turn(struct pr_bf_drive *d, struct pr_err *e) {
    int64_t done = 0;
    PR_TRY(e, heed_signal(d, e));
    reap(d);
    PR_TRY(e, dismiss(d, e));
    PR_TRY(e, man(d, e));
    PR_TRY(e, look_round(d, e));
    stop_when_enough(d);
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) done += atomic_load(&d->board->slots[i].batches);
    if (done != d->seen_batches || d->held != NULL || d->job.state == PR_BF_PAUSED) d->last_done_us = pr_mono_us();
    if (done != d->seen_batches)
        for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) d->crew[i].deaths = 0;
    d->seen_batches = done;
    return PR_OK;
}

static void end_all(struct pr_bf_drive *d) {
    leave(d);
    while (n_alive(d) > 0) {
        hurry(d);
        pr_bf_nap(TURN_MS / 5);
        reap(d);
    }
}

enum pr_code pr_bf_drive(struct pr_bf_drive *d, bool *walked, struct pr_err *e) {
    enum pr_code code = PR_OK;
    *walked = false;
    take_tuning(d, &d->job.tuning);
    atomic_store(&d->board->gate, d->job.state == PR_BF_PAUSED ? PR_BF_HOLD : PR_BF_GO);
    d->last_done_us = pr_mono_us();
    d->leaving = false;
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) d->crew[i] = (struct pr_bf_process){0};
    /* A pause that comes as the last range ends is a pause all the same: the look at the result reads the whole table. */
    while (code == PR_OK && !d->leaving && (d->job.state == PR_BF_PAUSED || !(all_walked(d) && n_alive(d) == 0))) {
        code = turn(d, e);
        if (code == PR_ERR_CONNECT) code = reconnect(d, e);
        if (code == PR_ERR_TIMEOUT) code = PR_OK;            /* a busy server; the next look may do better */
        if (!d->leaving) pr_bf_nap(all_walked(d) && d->job.state != PR_BF_PAUSED ? 1 : TURN_MS);
    }
    *walked = code == PR_OK && !d->leaving;
    end_all(d);
    struct pr_err of_dismissal = {0};
    if (d->pg != NULL && dismiss(d, &of_dismissal) != PR_OK && code == PR_OK) pr_say(d->ask->talk, PR_LINE_WARN, "%s", pr_printable(d->a, of_dismissal.msg, 300));
    pr_progress(d->ask->talk, NULL);
    PR_TRY(e, code);
    if (d->failure.code == PR_OK) return PR_OK;
    *e = d->failure;
    return e->code;
}
