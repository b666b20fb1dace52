/* run.c: one side of a migration, statement by statement, as its runner would send it. What can stand in a transaction is run
 * in one, also where the runner would not open one: just before its COMMIT every lock of it can be read exactly. */
#include "rehearse/inside.h"

#define PATIENCE_MS 60000

struct step {                      /* what is needed before and after one statement */
    struct pr_places before;
    struct pr_scans was, is;
    size_t spans_before;
    bool wrap;                     /* our own BEGIN and COMMIT round it */
};

/* A long script must not keep a picture of the catalogue for each statement: the last two are enough. */
static enum pr_code look_at_places(struct pr_rig *rig, struct pr_err *e) {
    const int next = 1 - rig->turn;
    pr_arena_free(rig->turns[next]);
    rig->turns[next] = pr_arena_new(PR_CAP_ARENA);
    PR_TRY(e, pr_places_read(rig->worker, rig->turns[next], &rig->places, e));
    rig->turn = next;
    return PR_OK;
}

static enum pr_code begin(struct pr_rig *rig, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(rig->worker, "begin", "BEGIN", PATIENCE_MS, e));
    rig->in_tx = true;
    return PR_OK;
}

/* The end of a transaction gives every lock back; the commit itself takes time while they are held. */
static enum pr_code end_tx(struct pr_rig *rig, const char *word, int64_t *took_us, struct pr_err *e) {
    const int64_t start = pr_mono_us();
    const enum pr_code code = pr_pg_do(rig->worker, "commit", word, 0, e);
    *took_us = pr_mono_us() - start;
    rig->clock_us += *took_us;
    rig->in_tx = false;
    pr_locks_release_all(rig, rig->clock_us);
    return code;
}

static void note_failure(struct pr_rig *rig, const struct pr_pg_done *done, const struct pr_err *err) {
    struct pr_seen_stmt *s = rig->now;
    s->failed = true;
    s->sqlstate = pr_dup(rig->a, err->sqlstate);
    s->problem = pr_printable(rig->a, pr_starts(err->msg, "statement: ") ? err->msg + strlen("statement: ") : err->msg, 600);
    s->hint = err->hint[0] != '\0' ? pr_printable(rig->a, err->hint, 600) : NULL;
    s->problem_line = s->stmt->line;
    if (done == NULL || done->error_position <= 0) return;
    size_t at = 0;                              /* the position counts characters, not bytes */
    for (int left = done->error_position - 1; left > 0 && s->stmt->text[at] != '\0'; at++)
        if ((s->stmt->text[at + 1] & 0xC0) != 0x80) left--;
    int line = 1, col = 1;
    pr_line_col(s->stmt->text, at, &line, &col);
    s->problem_line = s->stmt->line + line - 1;
    s->problem_col = col;
}

static const char *cannot_send(const struct pr_stmt *s) {
    switch (s->unjudged) {
    case PR_PSQL_COMMAND: return "a command of psql, which no server understands";
    case PR_COPY_DATA: return "COPY data within the script, which only psql sends";
    case PR_TEMPLATE: return "a template, which must be filled in first";
    case PR_JUDGED:
    case PR_DYNAMIC:
    case PR_UNPARSED: return NULL;
    }
    PR_BUG("no such kind");
}

/* Inside a transaction: exact locks by the second session, then what the worker alone can see. */
static enum pr_code look_inside(struct pr_rig *rig, struct step *step, struct pr_err *e) {
    PR_TRY(e, pr_locks_look(rig, rig->clock_us, true, e));
    rig->now->exact = true;
    bool strong = false;
    for (size_t i = 0; i < rig->run->spans.n; i++)
        strong = strong || (rig->run->spans.items[i].to_us < 0 && pr_lock_blocks_writers(rig->run->spans.items[i].mode));
    if (strong) PR_TRY(e, pr_canaries_knock_all(rig, e));
    PR_TRY(e, pr_scans_read(rig->worker, rig->a, &step->is, e));
    return look_at_places(rig, e);
}

static enum pr_code send(struct pr_rig *rig, struct pr_pg_done *done, struct pr_err *e) {
    const struct pr_pg_watch watch = {.interval_ms = (int)rig->r->sample_ms, .tick = pr_sample_tick, .ctx = rig};
    rig->last_sample_us = rig->last_knock_us = rig->last_progress_us = rig->now->start_us = rig->clock_us;
    rig->stirred = false;
    const enum pr_code code = pr_pg_run(rig->worker, rig->now->stmt->text, &watch, rig->a, done, e);
    pr_progress(rig->r->talk, NULL);
    rig->clock_us += done->elapsed_us;
    rig->now->elapsed_us = done->elapsed_us;
    rig->now->rows = done->rows;
    rig->now->tag = done->tag != NULL && done->tag[0] != '\0' ? done->tag : rig->now->stmt->tag;
    rig->now->notices = done->notices;
    rig->now->n_notices = done->n_notices;
    return code;
}

static enum pr_code succeed(struct pr_rig *rig, struct step *step, struct pr_err *e) {
    struct pr_seen_stmt *s = rig->now;
    if (rig->in_tx) {
        PR_TRY(e, look_inside(rig, step, e));
    } else {
        pr_locks_release_all(rig, rig->clock_us);
        PR_TRY(e, look_at_places(rig, e));
    }
    pr_observe_effects(rig, &step->before, &step->was, &step->is, step->spans_before);
    if (!step->wrap) return PR_OK;
    struct pr_err failed = {0};
    const enum pr_code code = end_tx(rig, "COMMIT", &s->commit_us, &failed);
    s->elapsed_us += s->commit_us;
    if (code == PR_ERR_DB) note_failure(rig, NULL, &failed);
    else if (code != PR_OK) *e = failed;
    return code == PR_ERR_DB ? PR_OK : code;
}

/* A failed statement takes its transaction with it. */
static enum pr_code fail(struct pr_rig *rig, struct step *step, const struct pr_pg_done *done, const struct pr_err *why,
                         struct pr_err *e) {
    note_failure(rig, done, why);
    rig->places = step->before;
    pr_observe_effects(rig, &step->before, &step->was, &step->was, step->spans_before);
    if (!rig->in_tx) {
        pr_locks_release_all(rig, rig->clock_us);
        return PR_OK;
    }
    int64_t took_us = 0;
    return end_tx(rig, "ROLLBACK", &took_us, e);
}

/* 25001: not in a transaction block; 2D000: a procedure or DO block that commits. Then the runner's way: by itself. */
static bool wants_no_tx(const struct step *step, const struct pr_err *why) {
    return step->wrap && (pr_eq(why->sqlstate, "25001") || pr_eq(why->sqlstate, "2D000"));
}

/* While the statement ran, a lock stood that stops writers: then a foreground wrote next to nothing either. */
static bool writers_stood(const struct pr_rig *rig) {
    for (size_t i = 0; i < rig->run->spans.n; i++) {
        const struct pr_span *s = &rig->run->spans.items[i];
        const bool there = s->to_us < 0 || s->to_us > rig->now->start_us;
        if (there && pr_lock_blocks_writers(s->mode) && pr_place_find(&rig->run->before, s->oid) != NULL) return true;
    }
    return false;
}

static enum pr_code run_one(struct pr_rig *rig, bool wrap, struct pr_err *e) {
    struct step step = {.before = rig->places, .spans_before = rig->run->spans.n, .wrap = wrap};
    struct pr_pg_done done = {0};
    struct pr_err why = {0};
    int64_t wal_from = 0, wal_to = 0;
    const int64_t since = pr_mono_us();
    if (wrap) PR_TRY(e, pr_scans_read(rig->worker, rig->a, &step.was, e));
    else if (rig->in_tx && rig->now > rig->run->stmts) PR_TRY(e, pr_scans_read(rig->worker, rig->a, &step.was, e));
    if (wrap) PR_TRY(e, begin(rig, e));
    rig->now->in_tx = rig->in_tx;
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &wal_from, e));
    enum pr_code code = send(rig, &done, &why);
    if (code == PR_ERR_DB && wants_no_tx(&step, &why)) {
        int64_t took_us = 0;
        PR_TRY(e, end_tx(rig, "ROLLBACK", &took_us, e));
        step.wrap = rig->now->in_tx = false;
        code = send(rig, &done, &why);
    }
    rig->now->ran = true;
    if (code == PR_OK) code = succeed(rig, &step, &why);
    else if (code == PR_ERR_DB) code = fail(rig, &step, &done, &why, &why);
    if (code != PR_OK) {
        *e = why;
        return code;
    }
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &wal_to, e));
    const bool stood = writers_stood(rig);
    rig->now->wal_bytes = stood ? wal_to - wal_from : pr_wal_of_work(rig, wal_from, wal_to, since);
    if (stood) rig->stood_us += pr_mono_us() - since;
    return PR_OK;
}

/* The script's own BEGIN and COMMIT go as they come. */
static enum pr_code run_tx_word(struct pr_rig *rig, enum pr_tx_word word, struct pr_err *e) {
    struct pr_seen_stmt *s = rig->now;
    struct pr_err why = {0};
    s->ran = true;
    s->start_us = rig->clock_us;
    s->tag = s->stmt->tag;
    s->in_tx = true;
    s->rows = -1;
    enum pr_code code = PR_OK;
    if (word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) {
        code = end_tx(rig, s->stmt->text, &s->elapsed_us, &why);
        if (code == PR_OK) code = look_at_places(rig, &why);
    } else {
        code = pr_pg_do(rig->worker, "statement", s->stmt->text, PATIENCE_MS, &why);
        if (code == PR_OK && word == PR_TX_BEGIN) rig->in_tx = true;
    }
    if (code == PR_ERR_DB) note_failure(rig, NULL, &why);
    else if (code != PR_OK) *e = why;
    return code == PR_ERR_DB ? PR_OK : code;
}

static enum pr_code run_stmt(struct pr_rig *rig, struct pr_err *e) {
    struct pr_seen_stmt *s = rig->now;
    const char *cannot = cannot_send(s->stmt);
    if (cannot != NULL) {
        s->failed = true;
        s->tag = s->stmt->tag;
        s->sqlstate = "";
        s->problem = pr_fmt(rig->a, "cannot be rehearsed: %s", cannot);
        s->hint = "let the migration hold SQL alone";
        s->problem_line = s->stmt->line;
        return PR_OK;
    }
    const enum pr_tx_word word = s->stmt->node != NULL ? pr_stmt_tx_word(s->stmt) : PR_TX_NONE;
    if (word == PR_TX_BEGIN || word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) return run_tx_word(rig, word, e);
    const bool outside = s->stmt->node != NULL && pr_stmt_outside_tx(s->stmt);
    return run_one(rig, !rig->in_tx && !outside, e);
}

static bool committed_something(const struct pr_seen_run *run) {
    for (size_t i = 0; i < run->n; i++)
        if (run->stmts[i].ran && !run->stmts[i].failed && (pr_side_tx(run->side) == PR_TX_EACH || pr_eq(run->stmts[i].tag, "COMMIT"))) return true;
    return false;
}

/* What is open at the end: our own transaction is committed, one that the script forgot is lost with its session. */
static enum pr_code finish(struct pr_rig *rig, struct pr_err *e) {
    struct pr_seen_run *run = rig->run;
    struct pr_err why = {0};
    enum pr_code code = PR_OK;
    if (rig->in_tx) code = end_tx(rig, pr_side_tx(run->side) == PR_TX_ONE && run->ok ? "COMMIT" : "ROLLBACK", &run->commit_us, &why);
    if (code == PR_ERR_DB && run->n > 0) {
        rig->now = &run->stmts[run->n - 1];     /* a deferred constraint: it was checked by the commit */
        note_failure(rig, NULL, &why);
        run->ok = false;
    } else if (code != PR_OK) {
        *e = why;
        return code;
    }
    run->left_half = !run->ok && committed_something(run);
    run->elapsed_us = rig->clock_us;
    for (size_t i = 0; i < run->n; i++) run->statements_us += run->stmts[i].elapsed_us;
    return PR_OK;
}

enum pr_code pr_run_side(struct pr_rig *rig, struct pr_seen_run *run, struct pr_err *e) {
    int64_t wal_from = 0, wal_to = 0;
    const int64_t since = pr_mono_us();
    rig->run = run;
    run->ok = true;
    run->n = run->script->n;
    run->stmts = PR_NEW_ARRAY(rig->a, struct pr_seen_stmt, run->n);
    PR_TRY(e, look_at_places(rig, e));
    PR_TRY(e, pr_places_read(rig->worker, rig->a, &run->before, e));
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &wal_from, e));
    if (pr_side_tx(run->side) == PR_TX_ONE) PR_TRY(e, begin(rig, e));
    for (size_t i = 0; i < run->n; i++) {
        rig->now = &run->stmts[i];
        rig->now->stmt = &run->script->stmts[i];
        rig->now->rows = -1;
        if (!run->ok) continue;
        pr_tell_before(rig, rig->now);
        PR_TRY(e, run_stmt(rig, e));
        if (rig->now->failed) run->ok = false;
        pr_tell_stmt(rig, rig->now);
        if (!rig->in_tx) pr_tell_locks(rig);
    }
    const bool was_open = rig->in_tx;
    PR_TRY(e, finish(rig, e));
    if (was_open) pr_tell_locks(rig);
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &wal_to, e));
    run->wal_bytes = pr_wal_of_work(rig, wal_from, wal_to, since + rig->stood_us);
    return PR_OK;
}
