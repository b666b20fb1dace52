/* document.c: the document of a rehearsal, schema "pgrail.rehearsal/1" (docs/schema/rehearsal.json). Times are microseconds,
 * sizes bytes; places in time count from the start of their run. */
#include "rehearse/inside.h"

static void set_strings(json_t *object, const char *key, const char *const *items, size_t n) {
    json_t *array = pr_set_array(object, key);
    for (size_t i = 0; i < n; i++) pr_push_str(array, items[i]);
}

static void set_reasons(json_t *object, const char *key, const struct pr_reason *items, size_t n) {
    json_t *array = pr_set_array(object, key);
    for (size_t i = 0; i < n; i++) {
        json_t *one = pr_push_object(array);
        pr_set_str(one, "code", items[i].code);
        pr_set_str(one, "text", items[i].text);
        pr_set_str(one, "mend", items[i].mend);
    }
}

static void set_head(json_t *doc, const struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_migration *m = all->r->migration;
    pr_set_str(doc, "schema", "pgrail.rehearsal/1");
    json_t *migration = pr_set_object(doc, "migration");
    pr_set_str(migration, "id", m->id);
    pr_set_str(migration, "version", m->version);
    pr_set_str(migration, "sha256", m->sha256);
    pr_set_str(migration, "up", m->up.path);
    pr_set_str(migration, "down", m->down.path);
    pr_set_str(migration, "up_sha256", pr_side_sha256(&m->up, a));
    pr_set_str(migration, "down_sha256", pr_side_sha256(&m->down, a));
    pr_set_str(migration, "rationale", m->rationale);
    pr_set_str(migration, "author", m->author);
    pr_set_str(doc, "environment", all->r->target != NULL ? all->r->target->name : NULL);
    pr_set_str(doc, "started_at", pr_iso_time(a, all->started_wall_us));
    pr_set_int(doc, "elapsed_us", all->elapsed_us);
    pr_set_int(doc, "sample_ms", all->r->sample_ms);
    pr_set_bool(doc, "forced", all->r->force);
    json_t *verdict = pr_set_object(doc, "verdict");
    pr_set_bool(verdict, "ready", all->n_reasons == 0);
    set_reasons(verdict, "reasons", all->reasons, all->n_reasons);
    set_reasons(verdict, "notes", all->notes, all->n_notes);
}

static void set_server(json_t *doc, const char *key, const struct pr_pg_ident *id) {
    if (id == NULL) {
        pr_set(doc, key, json_null());
        return;
    }
    json_t *server = pr_set_object(doc, key);
    pr_set_str(server, "address", id->address);
    pr_set_str(server, "database", id->database);
    pr_set_str(server, "user", id->user);
    pr_set_str(server, "version", id->version);
    pr_set_int(server, "version_num", id->version_num);
    pr_set_str(server, "system_id", id->system_id);
}

static void set_copy(json_t *doc, const struct pr_rehearsed *all) {
    json_t *copy = pr_set_object(doc, "copy");
    pr_set_str(copy, "kind", all->copy.kind);
    pr_set_str(copy, "of", all->copy.source);
    pr_set_str(copy, "environment", all->r->dump == NULL && all->r->staging != NULL ? all->r->staging->name : NULL);
    pr_set_int(copy, "made_us", all->copy.took_us);
    pr_set_int(copy, "bytes_before", all->database_before);
    pr_set_int(copy, "bytes_after", all->database_after);
    pr_set_str(copy, "fingerprint", all->facts != NULL ? all->facts->fingerprint : NULL);
    pr_set_str(copy, "time_zone", all->session.time_zone);
    pr_set_str(copy, "search_path", all->session.search_path);
    set_server(copy, "server", all->staging_ident);
}

static void set_parity(json_t *doc, const struct pr_rehearsed *all) {
    const struct pr_parity *p = &all->parity;
    json_t *parity = pr_set_object(doc, "parity");
    pr_set_bool(parity, "known", p->known);
    pr_set_str(parity, "why", p->known ? NULL : p->why);
    json_t *items = pr_set_array(parity, "items");
    for (size_t i = 0; i < p->n_items; i++) {
        json_t *item = pr_push_object(items);
        pr_set_str(item, "what", p->items[i].what);
        pr_set_str(item, "production", p->items[i].production);
        pr_set_str(item, "staging", p->items[i].staging);
        pr_set_bool(item, "same", p->items[i].same);
        pr_set_bool(item, "matters", p->items[i].matters);
    }
    json_t *rels = pr_set_array(parity, "relations");
    for (size_t i = 0; i < p->n_rels; i++) {
        json_t *rel = pr_push_object(rels);
        pr_set_str(rel, "schema", p->rels[i].schema);
        pr_set_str(rel, "name", p->rels[i].name);
        pr_set_int(rel, "rows", p->rels[i].rows);
        pr_set_int(rel, "staging_rows", p->rels[i].staging_rows);
        pr_set_int(rel, "bytes", p->rels[i].bytes);
        pr_set_int(rel, "staging_bytes", p->rels[i].staging_bytes);
        pr_set_bool(rel, "same_shape", p->rels[i].same && !p->rels[i].missing);
        set_strings(rel, "delta", p->rels[i].delta, p->rels[i].n_delta);
    }
}

static void set_effects(json_t *stmt, const struct pr_seen_stmt *s) {
    json_t *effects = pr_set_array(stmt, "effects");
    for (size_t i = 0; i < s->n_effects; i++) {
        const struct pr_seen_effect *f = &s->effects[i];
        json_t *one = pr_push_object(effects);
        const char kind[2] = {f->kind, '\0'};
        pr_set_str(one, "schema", f->schema);
        pr_set_str(one, "name", f->name);
        pr_set_str(one, "kind", kind);
        pr_set_str(one, "lock", pr_lock_name(f->lock));
        pr_set_bool(one, "rewrite", f->rewrite);
        pr_set_bool(one, "scan", f->scan);
        pr_set_int(one, "index_builds", f->index_builds);
        pr_set_bool(one, "created", f->created);
        pr_set_bool(one, "dropped", f->dropped);
        pr_set_bool(one, "existed", f->existed);
        pr_set_int(one, "bytes_before", f->bytes_before);
        pr_set_int(one, "bytes_after", f->bytes_after);
        pr_set_int(one, "rows_written", f->rows_written);
    }
}

static void set_statement(json_t *array, const struct pr_seen_run *run, const struct pr_seen_stmt *s, const struct pr_forecast_stmt *f) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    json_t *stmt = pr_push_object(array);
    pr_set_int(stmt, "index", s->stmt->index);
    pr_set_int(stmt, "line", run->side->first_line + s->stmt->line - 1);
    pr_set_str(stmt, "sql", pr_stmt_shown(s->stmt, a));
    pr_set_str(stmt, "tag", s->tag != NULL ? s->tag : s->stmt->tag);
    pr_set_str(stmt, "outcome", s->failed ? "failed" : s->ran ? "ok" : "not run");
    pr_set_int(stmt, "start_us", s->start_us);
    pr_set_int(stmt, "elapsed_us", s->elapsed_us);
    pr_set_int(stmt, "rows", s->rows);
    pr_set_int(stmt, "wal_bytes", s->wal_bytes);
    pr_set_bool(stmt, "in_transaction", s->in_tx);
    pr_set_str(stmt, "locks", s->exact ? "exact" : "sampled");
    pr_set_int(stmt, "samples", s->samples);
    if (f != NULL) {
        pr_set_int(stmt, "forecast_low_us", f->low_us);
        pr_set_int(stmt, "forecast_high_us", f->high_us);
        pr_set_bool(stmt, "forecast_scaled", f->scaled);
    }
    set_effects(stmt, s);
    set_strings(stmt, "notices", s->notices, s->n_notices);
    if (!s->failed) return;
    json_t *failure = pr_set_object(stmt, "failure");
    pr_set_str(failure, "sqlstate", s->sqlstate);
    pr_set_str(failure, "message", s->problem);
    pr_set_str(failure, "hint", s->hint);
    pr_set_str(failure, "nearest", s->nearest);
    pr_set_int(failure, "line", run->side->first_line + s->problem_line - 1);
    pr_set_int(failure, "column", s->problem_col);
}

static bool worth_drawing(const struct pr_span *s) {
    if ((s->kind == 'i' || s->kind == 'I') && s->mode < PR_SHARE_UPDATE_EXCLUSIVE) return false;
    return s->name != NULL && s->kind != 't' && !pr_starts(s->schema, "pg_toast") && s->mode >= PR_ROW_EXCLUSIVE && s->to_us >= 0;
}

static void set_timeline(json_t *out, const struct pr_seen_run *run) {
    json_t *locks = pr_set_array(out, "locks");
    for (size_t i = 0; i < run->spans.n; i++) {
        const struct pr_span *s = &run->spans.items[i];
        if (!worth_drawing(s)) continue;
        const char kind[2] = {s->kind, '\0'};
        json_t *span = pr_push_object(locks);
        pr_set_str(span, "schema", s->schema);
        pr_set_str(span, "name", s->name);
        pr_set_str(span, "kind", kind);
        pr_set_str(span, "table_schema", s->table_schema);
        pr_set_str(span, "table", s->table);
        pr_set_str(span, "mode", pr_lock_name(s->mode));
        pr_set_int(span, "from_us", s->from_us);
        pr_set_int(span, "to_us", s->to_us);
        pr_set_int(span, "statement", s->stmt);
        pr_set_bool(span, "exact", s->exact);
        pr_set_bool(span, "existed", s->existed);
        pr_set_bool(span, "blocks_writers", s->existed && pr_lock_blocks_writers(s->mode));
        pr_set_bool(span, "blocks_readers", s->existed && pr_lock_blocks_readers(s->mode));
    }
    json_t *canaries = pr_set_array(out, "canaries");
    for (size_t i = 0; i < run->n_canaries; i++) {
        const struct pr_canary *c = &run->canaries[i];
        json_t *one = pr_push_object(canaries);
        pr_set_str(one, "schema", c->schema);
        pr_set_str(one, "name", c->name);
        pr_set_str(one, "role", c->writer ? "writer" : "reader");
        pr_set_int(one, "knocks", c->knocks);
        pr_set_int(one, "refused", c->refused);
        pr_set_int(one, "longest_us", c->longest_us > 0 ? c->longest_us : 0);
        pr_set_int(one, "longest_from_us", c->longest_from_us);
    }
}

static void set_run(json_t *array, const struct pr_seen_run *run, const struct pr_forecast *f, bool is_fill) {
    json_t *out = pr_push_object(array);
    pr_set_str(out, "direction", run->direction);
    pr_set_str(out, "file", run->side->path);
    pr_set_str(out, "transactions", is_fill ? "small pieces, a transaction each" : pr_tx_mode_name(pr_side_tx(run->side)));
    pr_set_bool(out, "ok", run->ok);
    pr_set_bool(out, "left_half", run->left_half);
    pr_set_str(out, "cleaned", run->left);
    pr_set_int(out, "elapsed_us", run->elapsed_us);
    pr_set_int(out, "statements_us", run->statements_us);
    pr_set_int(out, "commit_us", run->commit_us);
    pr_set_int(out, "wal_bytes", run->wal_bytes);
    json_t *statements = pr_set_array(out, "statements");
    for (size_t i = 0; i < run->n; i++)
        set_statement(statements, run, &run->stmts[i], f != NULL && f->known && i < f->n_stmts ? &f->stmts[i] : NULL);
    set_timeline(out, run);
}

static void set_verification(json_t *doc, const struct pr_rehearsed *all) {
    json_t *v = pr_set_object(doc, "verification");
    bool holds = all->n_lines > 1;
    for (size_t i = 0; i < all->n_assertions; i++) holds = holds && all->assertions[i].holds;
    pr_set_bool(v, "holds", holds);
    pr_set(v, "assertions", pr_assertions_json(all->assertions, all->n_assertions));
    set_strings(v, "delta", all->delta, all->n_delta);
    pr_set_str(v, "fingerprint_before", all->n_lines > 0 ? all->lines[0].fingerprint : NULL);
    pr_set_str(v, "fingerprint_after", all->n_lines > 1 ? all->lines[1].fingerprint : NULL);
    json_t *back = pr_set_object(doc, "down");
    pr_set_bool(back, "there", all->down.n > 0);
    pr_set_bool(back, "ran", all->down_verified);
    pr_set_bool(back, "restores", all->down_verified && all->n_lost == 0);
    pr_set_str(back, "loses", all->loss_note);
    set_strings(back, "differences", all->lost, all->n_lost);
    json_t *again = pr_set_object(doc, "up_again");
    pr_set_bool(again, "ran", all->again_verified);
    pr_set_bool(again, "same", all->again_verified && all->n_unequal == 0);
    set_strings(again, "differences", all->unequal, all->n_unequal);
}

static void set_compared(json_t *doc, const struct pr_rehearsed *all) {
    json_t *array = pr_set_array(doc, "predicted");
    for (size_t i = 0; i < all->n_compared; i++) {
        const struct pr_compared *c = &all->compared[i];
        json_t *one = pr_push_object(array);
        pr_set_int(one, "statement", c->stmt);
        pr_set_str(one, "schema", c->schema);
        pr_set_str(one, "name", c->name);
        pr_set_str(one, "predicted", c->predicted);
        pr_set_str(one, "observed", c->observed);
        pr_set_bool(one, "same", c->same);
    }
}

static void set_forecast(json_t *doc, const struct pr_rehearsed *all) {
    const struct pr_forecast *f = &all->forecast;
    json_t *out = pr_set_object(doc, "forecast");
    pr_set_bool(out, "known", f->known);
    pr_set_int(out, "low_us", f->low_us);
    pr_set_int(out, "high_us", f->high_us);
    pr_set_int(out, "wal_bytes", f->wal_bytes);
    pr_set_int(out, "ratio_permille", f->ratio_permille);
    json_t *stops = pr_set_array(out, "stops");
    for (size_t i = 0; i < f->n_stops; i++) {
        const struct pr_stop *s = &f->stops[i];
        json_t *one = pr_push_object(stops);
        pr_set_str(one, "schema", s->schema);
        pr_set_str(one, "name", s->name);
        pr_set_str(one, "lock", pr_lock_name(s->lock));
        pr_set_int(one, "writers_us", s->writers_us);
        pr_set_int(one, "readers_us", s->readers_us);
        pr_set_int(one, "writers_low_us", s->writers_low_us);
        pr_set_int(one, "writers_high_us", s->writers_high_us);
        pr_set_int(one, "readers_low_us", s->readers_low_us);
        pr_set_int(one, "readers_high_us", s->readers_high_us);
        pr_set_int(one, "writers_canary_us", s->writers_canary_us);
        pr_set_int(one, "readers_canary_us", s->readers_canary_us);
    }
}

/* What approve goes by: it has no connection of its own. */
static void set_reviews(json_t *doc, const struct pr_rehearsed *all) {
    json_t *o = pr_set_object(doc, "review");
    pr_set(o, "up", all->review != NULL ? json_incref(all->review) : json_null());
    pr_set(o, "down", all->down_review != NULL ? json_incref(all->down_review) : json_null());
}

static void set_findings(json_t *doc, const struct pr_rehearsed *all) {
    json_t *array = pr_set_array(doc, "findings");
    for (size_t i = 0; all->is_judged && i < all->judged.findings.n; i++)
        (void)json_array_append_new(array, pr_finding_json(&all->judged.findings.items[i], NULL));
}

json_t *pr_rehearsal_document(const struct pr_rehearsed *all, struct pr_arena *a) {
    json_t *doc = json_object();
    set_head(doc, all, a);
    set_server(doc, "target", all->target_ident);
    set_copy(doc, all);
    set_parity(doc, all);
    json_t *runs = pr_set_array(doc, "runs");
    for (size_t i = 0; i < all->n_runs; i++) set_run(runs, &all->runs[i], i == 0 ? &all->forecast : NULL, all->r->fill != NULL);
    if (all->is_filled) pr_set(doc, "backfill", pr_filled_json(all));
    if (all->foreground.over) pr_set(doc, "workload", pr_foreground_json(&all->foreground));
    set_verification(doc, all);
    set_compared(doc, all);
    set_forecast(doc, all);
    set_findings(doc, all);
    set_reviews(doc, all);
    return doc;
}
