/* tell.c: what a backfill says about itself: settings, sizes, progress. */
#include "backfill/drive.h"

const char *pr_bf_tuning_words(struct pr_arena *a, const struct pr_bf_tuning *t) {
    struct pr_buf b = {.a = a};
    pr_addf(&b, "%s, batches of %s rows at first, towards %s each", pr_plural(a, t->workers, "worker"), pr_human_count(a, t->batch),
            pr_human_us(a, t->target_ms * 1000));
    if (t->pause_ms > 0) pr_addf(&b, ", pauses of %s", pr_human_us(a, t->pause_ms * 1000));
    if (t->gentle != 0) pr_add(&b, ", gentle");
    if (t->max_lag_ms > 0) pr_addf(&b, ", standbys at most %s behind", pr_human_us(a, t->max_lag_ms * 1000));
    if (t->max_wal_bytes_s > 0) pr_addf(&b, ", WAL at most %s a second", pr_human_bytes(a, t->max_wal_bytes_s));
    if (t->max_active > 0) pr_addf(&b, ", at most %s", pr_plural(a, t->max_active, "other active session"));
    if (t->max_latency_ms > 0) pr_addf(&b, ", commits of at most %s", pr_human_us(a, t->max_latency_ms * 1000));
    if (t->max_unarchived_bytes > 0) pr_addf(&b, ", at most %s to be archived", pr_human_bytes(a, t->max_unarchived_bytes));
    if (t->max_retained_bytes > 0) pr_addf(&b, ", at most %s held back by slots", pr_human_bytes(a, t->max_retained_bytes));
    if (t->ignore_wraparound != 0) pr_add(&b, ", beside a vacuum to prevent wraparound");
    if (t->max_rejects > 0) pr_addf(&b, ", at most %s set aside", pr_plural(a, t->max_rejects, "row"));
    if (t->vacuum_rows > 0) pr_addf(&b, ", a vacuum every %s rows", pr_human_count(a, t->vacuum_rows));
    if (t->async_commit != 0) pr_add(&b, ", commits not waited for");
    return pr_buf_text(&b);
}

json_t *pr_bf_progress_json(const struct pr_bf_progress *p) {
    json_t *o = json_object();
    pr_set_int(o, "ranges", p->ranges);
    pr_set_int(o, "ranges_done", p->ranges_done);
    pr_set_int(o, "ranges_waiting", p->ranges_waiting);
    pr_set_int(o, "read", p->read);
    pr_set_int(o, "changed", p->changed);
    pr_set_int(o, "rejected", p->rejects);
    pr_set_int(o, "batches", p->batches);
    pr_set_int(o, "retries", p->retries);
    pr_set_int(o, "batch_us", p->elapsed_us);
    pr_set_int(o, "workers_alive", p->workers_alive);
    return o;
}

enum pr_code pr_bf_sizes(struct pr_pg *pg, const struct pr_bf_cut *cut, struct pr_bf_size *out, struct pr_err *e) {
    static const struct pr_pg_stmt q = {
        .name = "backfill: sizes", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 4, .timeout_ms = 30000,
        .sql = "SELECT pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_indexes_size(c.oid), coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0),"
               " coalesce(pg_catalog.pg_stat_get_tuples_hot_updated(c.oid), 0) FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.regclass"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    struct pr_bf_size sum = {0};
    for (size_t i = 0; i < cut->n_walks; i++) {
        int64_t *const to[] = {&sum.heap, &sum.indexes, &sum.updated, &sum.hot};
        const char *const params[] = {cut->walks[i].full};
        struct pr_pg_rows r = {0};
        PR_TRY(e, pr_pg_query(pg, &q, params, a, &r, e));
        for (int k = 0; k < 4; k++) {
            int64_t n = 0;
            PR_TRY(e, pr_parse_i64(PR_CELL(&r, 0, k), 0, INT64_MAX, &n, e));
            *to[k] = pr_sat_add(*to[k], n);
        }
    }
    *out = sum;
    return PR_OK;
}

void pr_bf_show_progress(struct pr_bf_drive *d) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const int64_t elapsed = pr_mono_us() - d->started_us;
    int64_t here = 0, limit = 0;
    for (size_t i = 0; i < PR_BF_MAX_WORKERS; i++) {
        here += atomic_load(&d->board->slots[i].read);
        if (d->crew[i].alive && limit == 0) limit = atomic_load(&d->board->slots[i].limit);
    }
    struct pr_buf b = {.a = a};
    if (d->held != NULL) pr_addf(&b, "waiting: %s", d->held);
    else if (d->job.state == PR_BF_PAUSED) pr_add(&b, "paused");
    else pr_addf(&b, "%s rows/s", pr_human_count(a, pr_scale(here, 1000000, elapsed)));
    if (d->progress.ranges_waiting > 0) pr_addf(&b, ", %s contended, for later", pr_plural(a, d->progress.ranges_waiting, "range"));
    if (d->progress.rejects > 0) pr_addf(&b, ", %s set aside", pr_plural(a, d->progress.rejects, "row"));
    const struct pr_progress p = {.what = pr_fmt(a, "backfill %s", d->job.name), .phase = pr_buf_text(&b), .done = d->progress.read,
                                  .total = d->progress.read > d->job.rows_total ? d->progress.read : d->job.rows_total, .unit = "rows", .elapsed_us = elapsed};
    pr_progress(d->ask->talk, &p);
}
