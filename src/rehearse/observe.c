/* observe.c: what one statement did: locks from the second session (exact inside a transaction, else sampled), catalogue and
 * scan counters from the worker's own, which alone sees what is not committed yet. */
#include "rehearse/inside.h"
#include "sql_files.gen.h"

#define PATIENCE_MS 20000

static int64_t number(const char *cell) { return cell != NULL ? (int64_t)strtoll(cell, NULL, 10) : 0; }

enum pr_code pr_scans_read(struct pr_pg *pg, struct pr_arena *a, struct pr_scans *out, struct pr_err *e) {
    static const struct pr_pg_stmt scans = {
        .name = "scans of the transaction", .sql = pr_sql_rehearse_scans, .shape = PR_ROWS, .n_cols = 4, .timeout_ms = PATIENCE_MS};
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(pg, &scans, NULL, a, &rows, e));
    out->n = (size_t)rows.n_rows;
    out->items = PR_NEW_ARRAY(a, struct pr_scan, out->n);
    for (int i = 0; i < rows.n_rows; i++)
        out->items[i] = (struct pr_scan){number(PR_CELL(&rows, i, 0)), number(PR_CELL(&rows, i, 1)), number(PR_CELL(&rows, i, 2)),
                                         number(PR_CELL(&rows, i, 3))};
    return PR_OK;
}

enum pr_code pr_wal_position(struct pr_pg *watch, struct pr_arena *a, int64_t *out, struct pr_err *e) {
    static const struct pr_pg_stmt position = {
        .name = "WAL position", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = PATIENCE_MS,
        .sql = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint"};
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_pg_query(watch, &position, NULL, a, &row, e));
    *out = number(PR_CELL(&row, 0, 0));
    return PR_OK;
}

int64_t pr_wal_of_work(const struct pr_rig *rig, int64_t from, int64_t to, int64_t since_mono_us) {
    const int64_t own = to - from - pr_foreground_wal(rig->beside, since_mono_us);
    return own > 0 ? own : 0;
}

static struct pr_span *open_span(struct pr_spans *s, int64_t oid, enum pr_lock mode) {
    for (size_t i = s->n; i-- > 0;)
        if (s->items[i].oid == oid && s->items[i].mode == mode && s->items[i].to_us < 0) return &s->items[i];
    return NULL;
}

static bool is_held(const struct pr_pg_rows *rows, const struct pr_span *span) {
    for (int i = 0; i < rows->n_rows; i++)
        if (number(PR_CELL(rows, i, 0)) == span->oid && pr_lock_from_server(PR_CELL(rows, i, 1)) == span->mode) return true;
    return false;
}

enum pr_code pr_locks_look(struct pr_rig *rig, int64_t now_us, bool exact, struct pr_err *e) {
    static const struct pr_pg_stmt locks = {
        .name = "locks", .sql = pr_sql_rehearse_locks, .n_params = 1, .shape = PR_ROWS, .n_cols = 3, .timeout_ms = PATIENCE_MS};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    struct pr_pg_rows rows = {0};
    struct pr_spans *spans = &rig->run->spans;
    PR_TRY(e, pr_pg_query(rig->watch, &locks, &rig->worker_pid, a, &rows, e));
    rig->stirred = false;
    for (int i = 0; i < rows.n_rows; i++) {
        const int64_t oid = number(PR_CELL(&rows, i, 0));
        const enum pr_lock mode = pr_lock_from_server(PR_CELL(&rows, i, 1));
        struct pr_span *span = open_span(spans, oid, mode);
        if (!pr_eq(PR_CELL(&rows, i, 2), "t") || (span != NULL && (span->exact || !exact))) continue;
        if (span == NULL) {
            span = PR_PUSH(rig->a, spans->items, spans->n, spans->cap);
            *span = (struct pr_span){.oid = oid, .from_us = rig->last_sample_us, .to_us = -1, .mode = mode, .stmt = rig->now->stmt->index};
            if (mode > PR_SHARE_UPDATE_EXCLUSIVE) rig->stirred = true;
        }
        span->exact = exact;
    }
    for (size_t i = 0; i < spans->n; i++) {
        if (spans->items[i].to_us >= 0 || is_held(&rows, &spans->items[i])) continue;
        spans->items[i].to_us = now_us;
        if (spans->items[i].mode > PR_SHARE_UPDATE_EXCLUSIVE) rig->stirred = true;
    }
    rig->last_sample_us = now_us;
    return PR_OK;
}

void pr_locks_release_all(struct pr_rig *rig, int64_t now_us) {
    for (size_t i = 0; i < rig->run->spans.n; i++)
        if (rig->run->spans.items[i].to_us < 0) rig->run->spans.items[i].to_us = now_us;
    pr_canaries_end(rig);
}

static struct pr_seen_effect *effect_on(struct pr_rig *rig, const struct pr_place *place) {
    struct pr_seen_stmt *s = rig->now;
    for (size_t i = 0; i < s->n_effects; i++)
        if (s->effects[i].oid == place->oid) return &s->effects[i];
    struct pr_seen_effect *f = PR_PUSH(rig->a, s->effects, s->n_effects, s->cap);
    *f = (struct pr_seen_effect){.oid = place->oid, .schema = pr_dup(rig->a, place->schema), .name = pr_dup(rig->a, place->name), .kind = place->kind,
                                 .existed = pr_place_find(&rig->run->before, place->oid) != NULL};
    return f;
}

static void name_span(const struct pr_rig *rig, const struct pr_places *before, struct pr_span *span) {
    const struct pr_places *from = &rig->places;
    const struct pr_place *place = pr_place_find(from, span->oid);
    if (place == NULL) place = pr_place_find(from = before, span->oid);
    if (place == NULL) return;                  /* a heap that lived within the statement alone */
    const struct pr_place *table = pr_place_table(from, place);
    span->schema = pr_dup(rig->a, place->schema);
    span->name = pr_dup(rig->a, place->name);
    span->kind = place->kind;
    span->table_schema = pr_dup(rig->a, table->schema);
    span->table = pr_dup(rig->a, table->name);
    span->existed = pr_place_find(&rig->run->before, span->oid) != NULL;
}

static void lock_effects(struct pr_rig *rig, const struct pr_places *before, size_t spans_before) {
    struct pr_spans *spans = &rig->run->spans;
    for (size_t i = spans_before; i < spans->n; i++) {
        struct pr_span *span = &spans->items[i];
        name_span(rig, before, span);
        const bool index = span->kind == 'i' || span->kind == 'I';
        if (span->name == NULL || span->kind == 't' || pr_starts(span->schema, "pg_toast")) continue;
        if (index && (!span->existed || span->mode < PR_SHARE_UPDATE_EXCLUSIVE)) continue;
        const struct pr_place *place = pr_place_find(&rig->places, span->oid);
        struct pr_seen_effect *f = effect_on(rig, place != NULL ? place : pr_place_find(before, span->oid));
        if (span->mode > f->lock) f->lock = span->mode;
    }
    for (size_t i = 0; i < rig->now->n_effects; i++)
        for (size_t j = 0; j < spans->n; j++)
            if (spans->items[j].oid == rig->now->effects[i].oid && (spans->items[j].to_us < 0 || j >= spans_before) &&
                spans->items[j].mode > rig->now->effects[i].held)
                rig->now->effects[i].held = spans->items[j].mode;
}

static bool is_table(char kind) { return strchr("rpmfvSc", kind) != NULL; }

static void changed_effects(struct pr_rig *rig, const struct pr_places *before) {
    const bool truncates = pr_eq(rig->now->tag, "TRUNCATE TABLE");
    for (size_t i = 0; i < rig->places.n; i++) {
        const struct pr_place *now = &rig->places.items[i], *was = pr_place_find(before, now->oid);
        const struct pr_place *table = pr_place_table(&rig->places, now);
        if (was == NULL && is_table(now->kind)) effect_on(rig, now)->created = true;
        const bool index = now->kind == 'i' || now->kind == 'I';
        if (was == NULL && index && !pr_starts(now->schema, "pg_toast") && pr_place_find(before, table->oid) != NULL)
            effect_on(rig, table)->index_builds++;
        if (was == NULL || was->filenode == now->filenode || now->filenode == 0 || truncates) continue;
        if (now->kind == 'r' || now->kind == 'm') effect_on(rig, now)->rewrite = true;
        if (now->kind == 'i' && !pr_starts(now->schema, "pg_toast")) effect_on(rig, table)->index_builds++;
    }
    for (size_t i = 0; i < before->n; i++) {
        const struct pr_place *was = &before->items[i];
        if (pr_place_find(&rig->places, was->oid) != NULL || was->kind == 't' || pr_starts(was->schema, "pg_toast")) continue;
        if (pr_place_named(&rig->places, was->schema, was->name) != NULL) continue;       /* made anew: counted as a build */
        effect_on(rig, was)->dropped = true;
    }
}

static void scan_effects(struct pr_rig *rig, const struct pr_places *before, const struct pr_scans *was, const struct pr_scans *is) {
    for (size_t i = 0; i < is->n; i++) {
        struct pr_scan d = is->items[i];
        for (size_t j = 0; j < was->n; j++)
            if (was->items[j].oid == d.oid) {
                d.scans -= was->items[j].scans;
                d.written -= was->items[j].written;
            }
        const struct pr_place *place = pr_place_find(before, d.oid);
        if (place == NULL || place->kind == 't' || (d.scans <= 0 && d.written <= 0)) continue;
        struct pr_seen_effect *f = effect_on(rig, place);
        f->scan = d.scans > 0;
        f->rows_written = d.written;
    }
}

static int64_t own_bytes(const struct pr_places *p, int64_t oid) {
    const struct pr_place *place = pr_place_find(p, oid);
    return place != NULL ? place->bytes : 0;
}

static int stronger_first(const void *x, const void *y) {
    const struct pr_seen_effect *a = x, *b = y;
    if (a->lock != b->lock) return a->lock > b->lock ? -1 : 1;
    return strcmp(a->name, b->name);
}

void pr_observe_effects(struct pr_rig *rig, const struct pr_places *before, const struct pr_scans *was,
                        const struct pr_scans *is, size_t spans_before) {
    lock_effects(rig, before, spans_before);
    changed_effects(rig, before);
    scan_effects(rig, before, was, is);
    for (size_t i = 0; i < rig->now->n_effects; i++) {
        struct pr_seen_effect *f = &rig->now->effects[i];
        const bool index = f->kind == 'i' || f->kind == 'I';
        f->bytes_before = index ? own_bytes(before, f->oid) : pr_place_total(before, f->oid);
        f->bytes_after = index ? own_bytes(&rig->places, f->oid) : pr_place_total(&rig->places, f->oid);
    }
    if (rig->now->n_effects > 1) qsort(rig->now->effects, rig->now->n_effects, sizeof *rig->now->effects, stronger_first);
}
