/* forecast.c: how long others stand still, here by granted modes, and in production as a range. Work that goes over rows grows
 * with rows or pages, whichever grew more; cold caches make it three times as long, load once and a half (docs: rehearse). */
#include "rehearse/inside.h"

#define COLD_TIMES_LOAD_PERMILLE 4500

static int64_t ratio_permille(int64_t there, int64_t here) { return here > 0 && there > 0 ? pr_scale(there, 1000, here) : 0; }

static int64_t relation_ratio(const struct pr_parity *p, const char *schema, const char *name) {
    for (size_t i = 0; i < p->n_rels; i++) {
        const struct pr_parity_rel *rel = &p->rels[i];
        if (!pr_eq(rel->name, name) || !pr_eq(rel->schema, schema) || rel->missing) continue;
        const int64_t rows = ratio_permille(rel->rows, rel->staging_rows), bytes = ratio_permille(rel->bytes, rel->staging_bytes);
        return rows > bytes ? rows : bytes;
    }
    return 0;
}

/* What a share of the rows took is so much more for all of them. */
static int64_t of_share(const struct pr_rehearsed *all, int64_t permille) {
    const struct pr_filled *f = &all->filled;
    return f->read > 0 && f->rows > f->read ? pr_scale(permille, f->rows, f->read) : permille;
}

static struct pr_forecast_stmt forecast_stmt(const struct pr_rehearsed *all, const struct pr_seen_stmt *s) {
    int64_t ratio = 0;
    for (size_t i = 0; i < s->n_effects; i++) {
        const struct pr_seen_effect *f = &s->effects[i];
        if (!f->rewrite && !f->scan && f->index_builds == 0 && f->rows_written == 0) continue;
        const int64_t own = relation_ratio(&all->parity, f->schema, f->name);
        if (own > ratio) ratio = own;
    }
    struct pr_forecast_stmt out = {.scaled = ratio > 0, .low_us = pr_scale(s->elapsed_us, of_share(all, ratio > 0 ? ratio : 1000), 1000)};
    out.high_us = pr_scale(out.low_us, COLD_TIMES_LOAD_PERMILLE, 1000);
    return out;
}

/* The part of [from, to] that statements ran in grows as they do; what is between them stays. */
static void forecast_hold(const struct pr_rehearsed *all, int64_t from, int64_t to, int64_t *low, int64_t *high) {
    const struct pr_seen_run *run = &all->runs[0];
    int64_t rest = to - from, sum = 0;
    for (size_t i = 0; i < run->n; i++) {
        const struct pr_seen_stmt *s = &run->stmts[i];
        const int64_t begin = s->start_us > from ? s->start_us : from;
        const int64_t stmt_end = s->start_us + s->elapsed_us, end = stmt_end < to ? stmt_end : to;
        if (!s->ran || end <= begin || s->elapsed_us <= 0) continue;
        sum = pr_sat_add(sum, pr_scale(all->forecast.stmts[i].low_us, end - begin, s->elapsed_us));
        rest -= end - begin;
    }
    *low = pr_sat_add(sum, rest > 0 ? rest : 0);
    *high = pr_scale(*low, COLD_TIMES_LOAD_PERMILLE, 1000);
}

struct interval { int64_t from, to; };

static int by_start(const void *x, const void *y) {
    const struct interval *a = x, *b = y;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* Longest stretch without a free moment on one table (its indexes count: planning needs them). */
static struct interval longest(const struct pr_spans *spans, const char *schema, const char *name,
                               bool (*blocks)(enum pr_lock), struct pr_arena *a) {
    struct interval *all = PR_NEW_ARRAY(a, struct interval, spans->n), best = {0}, now = {.from = -1};
    size_t n = 0;
    for (size_t i = 0; i < spans->n; i++) {
        const struct pr_span *s = &spans->items[i];
        if (s->existed && s->to_us >= 0 && blocks(s->mode) && pr_eq(s->table, name) && pr_eq(s->table_schema, schema))
            all[n++] = (struct interval){s->from_us, s->to_us};
    }
    if (n > 1) qsort(all, n, sizeof *all, by_start);
    for (size_t i = 0; i < n; i++) {
        if (now.from >= 0 && all[i].from <= now.to) {
            if (all[i].to > now.to) now.to = all[i].to;
        } else {
            now = all[i];
        }
        if (now.to - now.from > best.to - best.from) best = now;
    }
    return best;
}

static int64_t canary(const struct pr_seen_run *run, const char *schema, const char *name, bool writer) {
    for (size_t i = 0; i < run->n_canaries; i++) {
        const struct pr_canary *c = &run->canaries[i];
        if (c->writer == writer && pr_eq(c->name, name) && pr_eq(c->schema, schema)) return c->refused > 0 ? c->longest_us : -1;
    }
    return -1;
}

static bool is_new_table(const struct pr_forecast *f, const struct pr_span *s) {
    if (!s->existed || s->table == NULL || !pr_lock_blocks_writers(s->mode) || pr_starts(s->table_schema, "pg_toast")) return false;
    for (size_t i = 0; i < f->n_stops; i++)
        if (pr_eq(f->stops[i].name, s->table) && pr_eq(f->stops[i].schema, s->table_schema)) return false;
    return true;
}

static void add_stop(struct pr_rehearsed *all, const struct pr_span *span, struct pr_arena *a) {
    const struct pr_seen_run *run = &all->runs[0];
    struct pr_stop *stop = &all->forecast.stops[all->forecast.n_stops++];
    *stop = (struct pr_stop){.schema = span->table_schema, .name = span->table};
    const struct interval w = longest(&run->spans, stop->schema, stop->name, pr_lock_blocks_writers, a);
    const struct interval r = longest(&run->spans, stop->schema, stop->name, pr_lock_blocks_readers, a);
    stop->writers_us = w.to - w.from;
    stop->readers_us = r.to - r.from;
    forecast_hold(all, w.from, w.to, &stop->writers_low_us, &stop->writers_high_us);
    forecast_hold(all, r.from, r.to, &stop->readers_low_us, &stop->readers_high_us);
    stop->writers_canary_us = canary(run, stop->schema, stop->name, true);
    stop->readers_canary_us = canary(run, stop->schema, stop->name, false);
    for (size_t i = 0; i < run->spans.n; i++) {
        const struct pr_span *s = &run->spans.items[i];
        if (s->existed && pr_eq(s->table, stop->name) && pr_eq(s->table_schema, stop->schema) && s->mode > stop->lock) stop->lock = s->mode;
    }
}

static int longer_first(const void *x, const void *y) {
    const struct pr_stop *a = x, *b = y;
    return a->writers_us > b->writers_us ? -1 : a->writers_us < b->writers_us;
}

static int64_t grown(int64_t before, int64_t after, int64_t permille) { return after > before ? pr_scale(after - before, permille, 1000) : 0; }

void pr_forecast_make(struct pr_rehearsed *all, struct pr_arena *a) {
    struct pr_forecast *f = &all->forecast;
    *f = (struct pr_forecast){0};
    if (all->n_runs == 0) return;
    const struct pr_seen_run *run = &all->runs[0];
    f->known = all->parity.known && run->ok;
    f->stmts = PR_NEW_ARRAY(a, struct pr_forecast_stmt, run->n);
    f->n_stmts = run->n;
    for (size_t i = 0; i < run->n; i++) {
        f->stmts[i] = forecast_stmt(all, &run->stmts[i]);
        f->low_us = pr_sat_add(f->low_us, f->stmts[i].low_us);
        f->high_us = pr_sat_add(f->high_us, f->stmts[i].high_us);
        for (size_t j = 0; j < run->stmts[i].n_effects; j++) {
            const int64_t own = relation_ratio(&all->parity, run->stmts[i].effects[j].schema, run->stmts[i].effects[j].name);
            if (own > f->ratio_permille) f->ratio_permille = own;
        }
    }
    const int64_t times = of_share(all, f->ratio_permille > 0 ? f->ratio_permille : 1000);
    f->wal_bytes = pr_scale(run->wal_bytes, times, 1000);
    f->heap_bytes = grown(all->filled.heap_before, all->filled.heap_after, times);
    f->index_bytes = grown(all->filled.indexes_before, all->filled.indexes_after, times);
    f->stops = PR_NEW_ARRAY(a, struct pr_stop, run->spans.n);
    for (size_t i = 0; i < run->spans.n; i++)
        if (is_new_table(f, &run->spans.items[i])) add_stop(all, &run->spans.items[i], a);
    if (f->n_stops > 1) qsort(f->stops, f->n_stops, sizeof *f->stops, longer_first);
}
