/* fill.c: a backfill on the copy. Its own sessions and transactions do the work; what is seen is what was there before and after, and what
 * they tell. No batch holds a lock that stops a reader or a writer of other rows, so there is no timeline of locks. */
#include "rehearse/inside.h"

#define PATIENCE_MS 20000

enum pr_code pr_copy_settle(const struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *s, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    json_t *settings PR_CLEANUP(pr_json_freep) = copy->settings != NULL ? json_loads(copy->settings, 0, NULL) : NULL;
    const size_t n = json_array_size(settings);
    const char **names = PR_NEW_ARRAY(rig->a, const char *, n + 2);
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++) {
        const char *pair = json_string_value(json_array_get(settings, i)), *eq = pair != NULL ? strchr(pair, '=') : NULL;
        if (eq != NULL) names[n_names++] = pr_dupn(rig->a, pair, (size_t)(eq - pair));
    }
    if (s->time_zone != NULL) names[n_names++] = "TimeZone";
    if (s->search_path != NULL) names[n_names++] = "search_path";
    PR_TRY(e, pr_pg_identity(rig->worker, &id, e));
    for (size_t i = 0; i < n_names; i++) {
        const char *sql = pr_fmt(rig->a, "ALTER DATABASE %s SET %s FROM CURRENT", pr_quote_ident(rig->a, id->database), pr_quote_ident(rig->a, names[i]));
        PR_TRY(e, pr_pg_do(rig->worker, "setting of the copy", sql, PATIENCE_MS, e));
    }
    return PR_OK;
}

static bool is_verdict(enum pr_code code) {
    return code == PR_ERR_DB || code == PR_ERR_REFUSED || code == PR_ERR_BAD_INPUT || code == PR_ERR_ABORTED;
}

static void note_failure(struct pr_rig *rig, const struct pr_err *why) {
    struct pr_seen_stmt *s = rig->now;
    s->failed = true;
    s->sqlstate = pr_dup(rig->a, why->sqlstate);
    s->problem = pr_printable(rig->a, why->msg, 600);
    s->hint = why->hint[0] != '\0' ? pr_printable(rig->a, why->hint, 600) : NULL;
    s->problem_line = s->stmt->line;
    rig->run->ok = false;
}

static void tell(const struct pr_rig *rig, const struct pr_filled *f) {
    const struct pr_talk *t = rig->r->talk;
    struct pr_arena *a = rig->a;
    const char *changed = pr_plural(a, f->changed, "row"), *took = pr_human_us(a, f->walk_us), *batches = pr_plural(a, f->batches, "transaction");
    if (f->whole) pr_say(t, PR_LINE_FACT, "%s changed of %s visited in %s, %s", changed, pr_human_count(a, f->read), took, batches);
    else pr_say(t, PR_LINE_FACT, "%s changed of %s visited in %s, %s: %" PRId64 "%% of about %s rows", changed, pr_human_count(a, f->read), took, batches,
                pr_scale(f->read, 100, f->rows), pr_human_count(a, f->rows));
    if (f->updates > 0) pr_say(t, PR_LINE_FACT, "%" PRId64 "%% of the new rows stayed on their page (HOT)", pr_scale(f->hot_updates, 100, f->updates));
    if (f->rejects > 0) pr_say(t, PR_LINE_WARN, "%s set aside: a cast or a constraint refuses them", pr_plural(a, f->rejects, "row"));
    if (f->left > f->rejects) pr_say(t, PR_LINE_WARN, "%s left that the condition still holds for", pr_plural(a, f->left - f->rejects, "row"));
}

static enum pr_code observe(struct pr_rig *rig, const struct pr_filled *f, struct pr_err *e) {
    const struct pr_scans none = {0};
    struct pr_scans is = {.items = PR_NEW_ARRAY(rig->a, struct pr_scan, f->n_tables), .n = f->n_tables};
    const struct pr_places before = rig->run->before;
    for (size_t i = 0; i < f->n_tables; i++) is.items[i] = (struct pr_scan){.oid = f->tables[i].oid, .scans = f->tables[i].walked ? 1 : 0, .written = f->tables[i].changed};
    PR_TRY(e, pr_places_read(rig->worker, rig->a, &rig->places, e));
    pr_observe_effects(rig, &before, &none, &is, 0);
    return PR_OK;
}

static void walk_begins(void *ctx) { pr_foreground_begin(ctx); }

static enum pr_code walk_ends(void *ctx, struct pr_err *e) { return pr_foreground_end(ctx, e); }

static enum pr_code run_it(struct pr_rig *rig, const struct pr_copy *copy, struct pr_filled *out, bool *filled, struct pr_err *e) {
    struct pr_seen_stmt *s = rig->now;
    int64_t from = 0, to = 0;
    struct pr_err why = {0};
    const int64_t since = pr_mono_us();
    const struct pr_fill_place place = {.where = copy->where, .began = rig->beside != NULL ? walk_begins : NULL, .ended = rig->beside != NULL ? walk_ends : NULL,
                                        .ctx = rig->beside};
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &from, e));
    const enum pr_code code = rig->r->fill(rig->r->fill_ctx, &place, rig->a, out, &why);
    pr_progress(rig->r->talk, NULL);
    s->ran = true;
    if (code != PR_OK && !is_verdict(code)) {
        *e = why;
        return code;
    }
    PR_TRY(e, pr_wal_position(rig->watch, rig->a, &to, e));
    s->wal_bytes = rig->run->wal_bytes = pr_wal_of_work(rig, from, to, since);
    *filled = code == PR_OK;
    if (code != PR_OK) note_failure(rig, &why);
    s->elapsed_us = out->walk_us;
    s->rows = *filled ? out->changed : -1;
    return *filled ? observe(rig, out, e) : PR_OK;
}

enum pr_code pr_run_fill(struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *session, struct pr_filled *out, bool *filled, struct pr_err *e) {
    struct pr_seen_run *run = rig->run;
    *filled = false;
    run->ok = true;
    run->n = run->script->n;
    run->stmts = PR_NEW_ARRAY(rig->a, struct pr_seen_stmt, run->n);
    rig->now = &run->stmts[0];
    *rig->now = (struct pr_seen_stmt){.stmt = &run->script->stmts[0], .rows = -1, .tag = run->script->stmts[0].tag};
    PR_TRY(e, pr_copy_settle(rig, copy, session, e));
    PR_TRY(e, pr_places_read(rig->worker, rig->a, &run->before, e));
    pr_tell_before(rig, rig->now);
    PR_TRY(e, run_it(rig, copy, out, filled, e));
    run->elapsed_us = run->statements_us = rig->now->elapsed_us;
    pr_tell_stmt(rig, rig->now);
    if (*filled) tell(rig, out);
    return PR_OK;
}

json_t *pr_filled_json(const struct pr_rehearsed *all) {
    const struct pr_filled *f = &all->filled;
    json_t *o = json_object();
    pr_set_str(o, "way", f->way);
    pr_set_str(o, "why", f->why_way);
    pr_set_bool(o, "whole", f->whole);
    pr_set_int(o, "rows", f->rows);
    pr_set_int(o, "read", f->read);
    pr_set_int(o, "changed", f->changed);
    pr_set_int(o, "batches", f->batches);
    pr_set_int(o, "rejected", f->rejects);
    pr_set_int(o, "walk_us", f->walk_us);
    pr_set_int(o, "heap_bytes_before", f->heap_before);
    pr_set_int(o, "heap_bytes_after", f->heap_after);
    pr_set_int(o, "index_bytes_before", f->indexes_before);
    pr_set_int(o, "index_bytes_after", f->indexes_after);
    pr_set_int(o, "updates", f->updates);
    pr_set_int(o, "hot_updates", f->hot_updates);
    pr_set(o, "left", f->left >= 0 ? json_integer(f->left) : json_null());
    pr_set_int(o, "forecast_heap_bytes", all->forecast.heap_bytes);
    pr_set_int(o, "forecast_index_bytes", all->forecast.index_bytes);
    return o;
}
