/* execute.c: the statements, one after the other, on the worker; every one of them journalled, watched, and judged by its
 * SQLSTATE when it fails. */
#include <poll.h>

#include "apply/flight.h"
#include "crypt/crypt.h"

#define OURS 10000                              /* ms */
#define COMMIT_MS 600000                        /* deferred constraints may have work at COMMIT */

static json_t *statement_doc(const struct pr_flight *f, size_t i) { return json_array_get(pr_get(f->doc, "statements"), i); }

static void tell_result(struct pr_flight *f, size_t i, const struct pr_pg_done *done) {
    json_t *o = statement_doc(f, i);
    pr_set_str(o, "state", done->finished ? "done" : "failed");
    pr_set_int(o, "elapsed_us", done->elapsed_us);
    pr_set_int(o, "rows", done->rows);
    json_t *notices = pr_set_array(o, "notices");
    for (size_t k = 0; k < done->n_notices; k++) pr_push_str(notices, done->notices[k]);
    for (size_t k = 0; k < done->n_notices; k++) pr_say(f->ask->talk, PR_LINE_FACT, "%s", done->notices[k]);
    if (!done->finished) return;
    const int64_t rehearsed = pr_view_statement_us(f, i);
    pr_say(f->ask->talk, PR_LINE_GOOD, "%s in %s%s%s%s", done->tag, pr_human_us(f->a, done->elapsed_us),
           rehearsed >= 0 ? " (rehearsal: " : "", rehearsed >= 0 ? pr_human_us(f->a, rehearsed) : "", rehearsed >= 0 ? ")" : "");
}

/* Sends statement i. A statement that finished counts as done, also when a watch stopped it too late: *late keeps that. */
static enum pr_code send(struct pr_flight *f, size_t i, struct pr_eye *eye, enum pr_code *late, struct pr_err *e) {
    const struct pr_stmt *s = &f->script.stmts[i];
    f->row.step = (int64_t)i;
    f->row.step_sha256 = pr_sha256_text(f->a, s->text);
    pr_set_int(f->row.detail, "sent", (int64_t)i + 1);
    if (f->sent <= i) f->sent = i + 1;
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_START_STEP, s->tag, e));
    json_t *o = statement_doc(f, i);
    pr_set_int(o, "attempts", pr_get_int(o, "attempts") + 1);
    pr_say(f->ask->talk, PR_LINE_STEP, "statement %zu of %zu", i + 1, f->script.n);
    pr_say_code(f->ask->talk, f->a, pr_stmt_shown(s, f->a), 40);
    const struct pr_pg_watch watch = pr_eye_watch(eye);
    struct pr_pg_done done = {0};
    const enum pr_code code = pr_pg_run(f->worker, s->text, &watch, f->a, &done, e);
    pr_progress(f->ask->talk, NULL);
    pr_fault("answered");
    tell_result(f, i, &done);
    if (!done.finished) return code == PR_OK ? PR_ERR_BUG : pr_prefix(e, "%s:%d", f->side->path, s->line + f->side->first_line - 1);
    if (pr_stmt_tx_word(s) == PR_TX_COMMIT && pr_eq(done.tag, "ROLLBACK"))
        return PR_FAIL(e, PR_ERR_DB, "%s:%d: COMMIT rolled back", f->side->path, s->line + f->side->first_line - 1);
    *late = code;
    pr_set_int(f->row.detail, "done", (int64_t)i + 1);
    return pr_flight_step(f, PR_RUN_EV_STEP_DONE, done.tag, e);
}

static void sleep_ms(const struct pr_flight *f, int64_t ms) {
    const int64_t until = pr_mono_us() + ms * 1000;
    for (int64_t left = ms; left > 0 && !pr_interrupted(f->ask->talk); left = (until - pr_mono_us()) / 1000)
        (void)poll(NULL, 0, (int)(left < 100 ? left : 100));
}

/* One second doubling up to retry_max, each between half and one and a half of it, so that two of us do not march in step. */
static enum pr_code back_off(const struct pr_flight *f, int64_t attempt, const char *why, struct pr_err *e) {
    const int64_t most = f->ask->config->retry_max_ms;
    int64_t base = 1000;
    for (int64_t i = 1; i < attempt && base < most; i++) base *= 2;
    if (base > most) base = most;
    const int64_t ms = base * (500 + pr_mono_us() % 1000) / 1000;
    pr_say(f->ask->talk, PR_LINE_WARN, "attempt %" PRId64 " of %" PRId64 ": %s; again in %s", attempt, f->ask->config->lock_attempts, why,
           pr_human_us(f->a, ms * 1000));
    sleep_ms(f, ms);
    if (!pr_interrupted(f->ask->talk)) return PR_OK;
    return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted between two attempts");
}

/* A look before queueing: whoever is in the way already for longer than we would wait. Costs them nothing. */
static enum pr_code look_ahead(struct pr_flight *f, size_t from, size_t to, struct pr_err *e) {
    for (size_t i = from; i < to; i++) {
        struct pr_other *list = NULL;
        size_t n = 0;
        PR_TRY(e, pr_others_in_the_way(f, i, f->ask->config->lock_timeout_ms, &list, &n, e));
        for (size_t k = 0; k < n; k++) pr_say(f->ask->talk, PR_LINE_WARN, "in the way: %s", pr_other_words(f->a, &list[k]));
        if (n > 0) return PR_FAIL(e, PR_ERR_BUSY, "in the way: %s", pr_other_words(f->a, &list[0]));
    }
    return PR_OK;
}

/* Only what says "not now" is tried again, by SQLSTATE: lock_not_available, deadlock_detected, and our own giving way. */
static bool worth_another_try(enum pr_code code, const struct pr_err *e, const struct pr_eye *eye) {
    if (code == PR_ERR_BUSY) return true;
    if (code != PR_ERR_DB) return false;
    return pr_eq(e->sqlstate, "55P03") || pr_eq(e->sqlstate, "40P01") || (eye->gave_way && pr_eq(e->sqlstate, "57014"));
}

static enum pr_code gave_up(const struct pr_flight *f, struct pr_err *e) {
    char why[sizeof e->msg];
    (void)snprintf(why, sizeof why, "%s", e->msg);
    (void)PR_FAIL(e, PR_ERR_RETRIES, "gave up after %s: %s", pr_plural(f->a, f->ask->config->lock_attempts, "attempt"), why);
    return pr_hint(e, "end that session or choose a quieter time, then: %s", pr_flight_command(f));
}

/* A blocking statement may not take much longer than was expected of it; ten seconds are always granted. */
static struct pr_eye eye_for(struct pr_flight *f, size_t i) {
    const bool concurrent = pr_stmt_concurrent(&f->script.stmts[i]);
    const struct pr_forecast fc = pr_view_forecast(f, i);
    int64_t most = 0;
    if (fc.known && !concurrent) most = fc.high_us * 2 < 10000000 ? 10000000 : fc.high_us * 2;
    return (struct pr_eye){.f = f, .stmt = i, .concurrent = concurrent, .stop_after_us = most};
}

static enum pr_code commit(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_COMMIT, NULL, e));
    struct pr_pg_done done = {0};
    const enum pr_code code = pr_pg_run(f->worker, "COMMIT", NULL, f->a, &done, e);
    if (code != PR_OK) return code;
    if (!pr_eq(done.tag, "COMMIT")) return PR_FAIL(e, PR_ERR_DB, "the server rolled back instead of committing");
    pr_fault("committed");
    return pr_flight_step(f, PR_RUN_EV_VERIFY, NULL, e);
}

/* All statements, the proof and the history row, in one transaction: it is all there or nothing is. */
static enum pr_code run_transaction(struct pr_flight *f, struct pr_eye *eye, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(f->worker, "begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", OURS, e));
    PR_TRY(e, pr_flight_settings(f, true, e));
    PR_TRY(e, pr_flight_backend(f, e));
    enum pr_code late = PR_OK;
    for (size_t i = 0; i < f->script.n && late == PR_OK; i++) {
        *eye = eye_for(f, i);
        PR_TRY(e, send(f, i, eye, &late, e));
    }
    if (late != PR_OK) return late;
    if (pr_interrupted(f->ask->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted before COMMIT");
    PR_TRY(e, pr_prove_inside(f, e));
    PR_TRY(e, pr_record(f, f->worker, e));
    return commit(f, e);
}

static enum pr_code execute_one(struct pr_flight *f, struct pr_err *e) {
    for (int64_t attempt = 1;; attempt++) {
        struct pr_eye eye = {0};
        enum pr_code code = look_ahead(f, 0, f->script.n, e);
        const bool began = code == PR_OK;
        if (began) code = run_transaction(f, &eye, e);
        if (code == PR_OK) return PR_OK;
        if (code == PR_ERR_CONNECT || f->state == PR_RUN_COMMITTING) return code;
        struct pr_err back = {0};
        if (began && pr_pg_do(f->worker, "rollback", "ROLLBACK", OURS, &back) != PR_OK) {
            *e = back;
            return e->code;
        }
        if (!worth_another_try(code, e, &eye)) return code;
        if (f->state == PR_RUN_RUNNING) PR_TRY(e, pr_flight_step(f, PR_RUN_EV_ROLLED_BACK, NULL, e));
        pr_set_int(f->row.detail, "done", 0);
        if (attempt >= f->ask->config->lock_attempts) return gave_up(f, e);
        PR_TRY(e, back_off(f, attempt, e->msg, e));
    }
}

static enum pr_code concurrent_once(struct pr_flight *f, size_t i, enum pr_code *late, struct pr_err *e) {
    PR_TRY(e, pr_clean_remember(f, i, e));
    PR_TRY(e, pr_flight_lift_timeouts(f, e));
    struct pr_eye eye = eye_for(f, i);
    const enum pr_code code = send(f, i, &eye, late, e);
    if (code != PR_OK) return code;
    struct pr_err after = {0};
    if (pr_flight_restore_timeouts(f, &after) == PR_OK) return PR_OK;
    *e = after;
    return e->code;
}

/* One statement of a script that runs outside one transaction. Inside BEGIN … COMMIT of its own nothing is tried again: the
 * statements before it would be missing. */
static enum pr_code run_each(struct pr_flight *f, size_t i, bool in_own_tx, enum pr_code *late, struct pr_err *e) {
    const bool concurrent = pr_stmt_concurrent(&f->script.stmts[i]);
    for (int64_t attempt = 1;; attempt++) {
        struct pr_eye eye = eye_for(f, i);
        enum pr_code code = look_ahead(f, i, i + 1, e);
        const bool waits = code == PR_ERR_BUSY;
        if (code == PR_OK && concurrent) return concurrent_once(f, i, late, e);
        if (code == PR_OK) code = send(f, i, &eye, late, e);
        if (code == PR_OK) return PR_OK;
        if ((in_own_tx && !waits) || !worth_another_try(code, e, &eye)) return code;
        if (f->state == PR_RUN_RUNNING) PR_TRY(e, pr_flight_step(f, PR_RUN_EV_ROLLED_BACK, NULL, e));
        if (attempt >= f->ask->config->lock_attempts) return gave_up(f, e);
        PR_TRY(e, back_off(f, attempt, e->msg, e));
    }
}

/* A new session knows nothing of the settings that the script made before the place where we go on. */
static enum pr_code replay_settings(struct pr_flight *f, struct pr_err *e) {
    for (size_t i = 0; i < f->first_step; i++) {
        const struct pr_stmt *s = &f->script.stmts[i];
        struct pr_pg_done done = {0};
        if (!pr_eq(s->tag, "SET") && !pr_eq(s->tag, "RESET")) continue;
        PR_TRY(e, pr_pg_run(f->worker, s->text, NULL, f->a, &done, e));
    }
    return PR_OK;
}

static enum pr_code execute_each(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_flight_settings(f, false, e));
    PR_TRY(e, pr_flight_backend(f, e));
    PR_TRY(e, replay_settings(f, e));
    bool in_own_tx = false;
    enum pr_code late = PR_OK;
    for (size_t i = f->first_step; i < f->script.n; i++) {
        if (late != PR_OK) return late;
        if (pr_interrupted(f->ask->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted before statement %zu", i + 1);
        PR_TRY(e, run_each(f, i, in_own_tx, &late, e));
        const enum pr_tx_word word = pr_stmt_tx_word(&f->script.stmts[i]);
        if (word == PR_TX_BEGIN) in_own_tx = true;
        if (word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) in_own_tx = false;
    }
    if (late != PR_OK) pr_say(f->ask->talk, PR_LINE_WARN, "%s; but the last statement had finished", e->msg);
    return pr_flight_step(f, PR_RUN_EV_VERIFY, NULL, e);
}

static void list_statements(struct pr_flight *f) {
    if (pr_get(f->doc, "statements") != NULL) return;
    json_t *list = pr_set_array(f->doc, "statements");
    for (size_t i = 0; i < f->script.n; i++) {
        const struct pr_stmt *s = &f->script.stmts[i];
        json_t *o = pr_push_object(list);
        pr_set_int(o, "index", (int64_t)i);
        pr_set_int(o, "line", s->line + f->side->first_line - 1);
        pr_set_str(o, "tag", s->tag);
        pr_set_str(o, "sql", pr_stmt_shown(s, f->a));
        pr_set_str(o, "state", i < f->first_step ? "earlier" : "not run");
        pr_set_int(o, "attempts", 0);
    }
}

enum pr_code pr_execute(struct pr_flight *f, struct pr_err *e) {
    list_statements(f);
    return pr_side_tx(f->side) == PR_TX_ONE ? execute_one(f, e) : execute_each(f, e);
}
