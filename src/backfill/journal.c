/* journal.c: pgrail.backfill_* in the target: jobs, their states and settings, who is at them, how far they are. */
#include "backfill/job.h"

#include <unistd.h>

#include "backfill/keys.h"
#include "sql_files.gen.h"

enum { OURS_MS = 30000, PROBE_MS = 5000 };

static const char *num(struct pr_arena *a, int64_t n) { return pr_fmt(a, "%" PRId64, n); }

static enum pr_code cell_int(const struct pr_pg_rows *r, int row, int col, int64_t *out, struct pr_err *e) {
    const char *cell = PR_CELL(r, row, col);
    if (cell == NULL) return PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill journal: a number is null");
    return pr_parse_i64(cell, INT64_MIN, INT64_MAX, out, e);
}

enum pr_code pr_bf_journal_there(struct pr_pg *pg, struct pr_arena *a, bool *out, struct pr_err *e) {
    static const struct pr_pg_stmt there = {
        .name = "backfill journal: is it there", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
        .sql = "SELECT pg_catalog.to_regclass('pgrail.backfill_reject') IS NOT NULL"};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &there, NULL, a, &r, e));
    *out = pr_eq(PR_CELL(&r, 0, 0), "t");
    return PR_OK;
}

enum pr_code pr_bf_journal_ensure(struct pr_pg *pg, struct pr_err *e) {
    static const struct pr_pg_stmt ensure = {.name = "backfill journal: create it", .sql = pr_sql_backfill_ensure, .timeout_ms = OURS_MS};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    bool yes = false;
    PR_TRY(e, pr_bf_journal_there(pg, a, &yes, e));
    if (yes || pr_pg_query(pg, &ensure, NULL, a, NULL, e) == PR_OK) return PR_OK;
    const struct pr_pg_ident *id = NULL;
    struct pr_err ignored = {0};
    if (!pr_eq(e->sqlstate, "42501") || pr_pg_identity(pg, &id, &ignored) != PR_OK) return e->code;
    return pr_hint(e, "GRANT CREATE, USAGE ON SCHEMA pgrail TO %s", pr_quote_ident(a, id->user));
}

/* ---- jobs */

enum { JOB_COLS = 14 };
static const struct pr_pg_stmt jobs = {
    .name = "backfill journal: jobs", .sql = pr_sql_backfill_jobs, .n_params = 3, .shape = PR_ROWS, .n_cols = JOB_COLS, .timeout_ms = OURS_MS};

static enum pr_code take_job(const struct pr_pg_rows *r, int i, struct pr_bf_job *out, struct pr_err *e) {
    struct pr_bf_job j = {
        .name = PR_CELL(r, i, 1), .sha256 = PR_CELL(r, i, 2), .statement = PR_CELL(r, i, 3), .target = PR_CELL(r, i, 4), .state_name = PR_CELL(r, i, 5),
        .state = pr_bf_state_from(PR_CELL(r, i, 5)), .note = PR_CELL(r, i, 9), .held = PR_CELL(r, i, 10), .created_at = PR_CELL(r, i, 11),
        .created_by = PR_CELL(r, i, 12), .changed_at = PR_CELL(r, i, 13)};
    struct { int col; int64_t *to; } numbers[] = {{0, &j.id}, {7, &j.rows_total}, {8, &j.starts}};
    for (size_t k = 0; k < PR_COUNT(numbers); k++) PR_TRY(e, cell_int(r, i, numbers[k].col, numbers[k].to, e));
    PR_TRY(e, pr_bf_tuning_read(PR_CELL(r, i, 6), &j.tuning, e));
    if (j.state == PR_BF_STATE_COUNT) {
        (void)PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill journal: job %" PRId64 " is in a state that this pgrail does not know", j.id);
        return pr_hint(e, "a newer pgrail wrote it: use that one");
    }
    *out = j;
    return PR_OK;
}

enum pr_code pr_bf_journal_find(struct pr_pg *pg, const char *name, struct pr_arena *a, struct pr_bf_job *out, bool *found, struct pr_err *e) {
    const char *const params[] = {NULL, name, "true"};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &jobs, params, a, &r, e));
    if (r.n_rows > 0) PR_TRY(e, take_job(&r, 0, out, e));
    *found = r.n_rows > 0;
    return PR_OK;
}

enum pr_code pr_bf_journal_read(struct pr_pg *pg, int64_t job, struct pr_arena *a, struct pr_bf_job *out, struct pr_err *e) {
    const char *const params[] = {num(a, job), NULL, "true"};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &jobs, params, a, &r, e));
    if (r.n_rows == 1) return take_job(&r, 0, out, e);
    return PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill journal: job %" PRId64 " is not in it", job);
}

enum pr_code pr_bf_journal_list(struct pr_pg *pg, bool ended, struct pr_arena *a, struct pr_bf_job **out, size_t *n, struct pr_err *e) {
    const char *const params[] = {NULL, NULL, ended ? "true" : "false"};
    struct pr_pg_rows r = {0};
    bool yes = false;
    PR_TRY(e, pr_bf_journal_there(pg, a, &yes, e));
    if (yes) PR_TRY(e, pr_pg_query(pg, &jobs, params, a, &r, e));
    struct pr_bf_job *list = PR_NEW_ARRAY(a, struct pr_bf_job, (size_t)r.n_rows);
    for (int i = 0; i < r.n_rows; i++) PR_TRY(e, take_job(&r, i, &list[i], e));
    *out = list;
    *n = (size_t)r.n_rows;
    return PR_OK;
}

static const char *flag(bool yes) { return yes ? "true" : "false"; }

static const char *settings_text(const struct pr_bf_tuning *t, struct pr_arena *a) {
    json_t *o PR_CLEANUP(pr_json_freep) = pr_bf_tuning_json(t);
    return pr_json_text(a, o, false);
}

enum pr_code pr_bf_journal_open(struct pr_pg *pg, struct pr_bf_job *job, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt open = {
        .name = "backfill journal: new job", .sql = pr_sql_backfill_open, .n_params = 7, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS_MS};
    const char **walks = PR_NEW_ARRAY(a, const char *, cut->n_walks);
    for (size_t i = 0; i < cut->n_walks; i++) walks[i] = cut->walks[i].full;
    const char *const params[] = {job->name, job->sha256, job->statement, job->target, settings_text(&job->tuning, a), num(a, job->rows_total),
                                  pr_bf_array(a, walks, cut->n_walks)};
    struct pr_pg_rows r = {0};
    if (pr_pg_query(pg, &open, params, a, &r, e) != PR_OK) {
        if (!pr_eq(e->sqlstate, "23505")) return e->code;
        return PR_FAIL(e, PR_ERR_BUSY, "somebody else began a backfill %s at this moment", job->name);
    }
    job->state = PR_BF_PLANNED;
    return cell_int(&r, 0, 0, &job->id, e);
}

struct stepping { struct pr_pg *pg; struct pr_bf_job *job; };

static enum pr_code journal_step(void *ctx, const struct pr_bf_edge *edge, const char *note, struct pr_err *e) {
    static const struct pr_pg_stmt step = {
        .name = "backfill journal: state", .sql = pr_sql_backfill_step, .n_params = 5, .shape = PR_MAYBE_ROW, .n_cols = 1, .timeout_ms = OURS_MS};
    struct stepping *s = ctx;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, s->job->id), pr_bf_state_name(edge->from), pr_bf_state_name(edge->to), pr_bf_event_name(edge->on), note};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(s->pg, &step, params, a, &r, e));
    if (r.n_rows == 1) return PR_OK;
    struct pr_bf_job now = {0};
    PR_TRY(e, pr_bf_journal_read(s->pg, s->job->id, a, &now, e));
    s->job->state = now.state;
    return PR_FAIL(e, PR_ERR_BUSY, "the backfill %s is %s now: somebody else moved it", s->job->name, pr_bf_state_name(now.state));
}

enum pr_code pr_bf_journal_step(struct pr_pg *pg, struct pr_bf_job *job, enum pr_bf_event ev, const char *note, struct pr_err *e) {
    struct stepping s = {.pg = pg, .job = job};
    return pr_bf_step(&job->state, ev, note, journal_step, &s, e);
}

enum pr_code pr_bf_journal_tune(struct pr_pg *pg, int64_t job, const struct pr_bf_tuning *t, const char *note, struct pr_err *e) {
    static const struct pr_pg_stmt tune = {
        .name = "backfill journal: settings", .sql = pr_sql_backfill_tune, .n_params = 3, .shape = PR_MAYBE_ROW, .n_cols = 1, .timeout_ms = OURS_MS};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job), settings_text(t, a), note};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &tune, params, a, &r, e));
    return r.n_rows == 1 ? PR_OK : PR_FAIL(e, PR_ERR_REFUSED, "the backfill has ended: nothing of it can be set any more");
}

enum pr_code pr_bf_journal_probe(struct pr_pg *pg, int64_t job, struct pr_err *e) {
    static const struct pr_pg_stmt probe = {
        .name = "backfill journal: a small commit", .n_params = 1, .shape = PR_NO_ROWS, .timeout_ms = PROBE_MS,
        .sql = "UPDATE pgrail.backfill_job SET held = held WHERE id = $1::bigint"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job)};
    return pr_pg_query(pg, &probe, params, a, NULL, e);
}

enum pr_code pr_bf_journal_held(struct pr_pg *pg, int64_t job, const char *why, struct pr_err *e) {
    static const struct pr_pg_stmt held = {
        .name = "backfill journal: why it waits", .n_params = 2, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
        .sql = "UPDATE pgrail.backfill_job SET held = $2 WHERE id = $1::bigint AND held IS DISTINCT FROM $2"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job), why};
    return pr_pg_query(pg, &held, params, a, NULL, e);
}

enum pr_code pr_bf_journal_progress(struct pr_pg *pg, int64_t job, struct pr_bf_progress *out, struct pr_err *e) {
    static const struct pr_pg_stmt progress = {
        .name = "backfill journal: progress", .sql = pr_sql_backfill_progress, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 11, .timeout_ms = OURS_MS, .often = true};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job)};
    struct pr_pg_rows r = {0};
    struct pr_bf_progress p = {0};
    int64_t *const to[] = {&p.ranges, &p.ranges_done, &p.ranges_waiting, &p.read, &p.changed, &p.batches, &p.retries, &p.wal_bytes, &p.elapsed_us,
                           &p.rejects, &p.workers_alive};
    PR_TRY(e, pr_pg_query(pg, &progress, params, a, &r, e));
    for (int i = 0; i < (int)PR_COUNT(to); i++) PR_TRY(e, cell_int(&r, 0, i, to[i], e));
    *out = p;
    return PR_OK;
}

enum pr_code pr_bf_journal_changed(struct pr_pg *pg, int64_t job, const char *walk, int64_t *out, struct pr_err *e) {
    static const struct pr_pg_stmt changed = {
        .name = "backfill journal: changed rows", .n_params = 2, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
        .sql = "SELECT coalesce(sum(changed), 0) FROM pgrail.backfill_range WHERE job = $1::bigint AND walk = $2"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job), walk};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &changed, params, a, &r, e));
    return cell_int(&r, 0, 0, out, e);
}

enum pr_code pr_bf_journal_rejects(struct pr_pg *pg, int64_t job, int64_t limit, struct pr_arena *a, struct pr_bf_reject **out, size_t *n,
                                   struct pr_err *e) {
    static const struct pr_pg_stmt rejects = {
        .name = "backfill journal: rejects", .n_params = 2, .shape = PR_ROWS, .n_cols = 3, .timeout_ms = OURS_MS,
        .sql = "SELECT walk, sqlstate, key FROM pgrail.backfill_reject WHERE job = $1::bigint ORDER BY at, walk, key LIMIT $2::bigint"};
    const char *const params[] = {num(a, job), num(a, limit)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &rejects, params, a, &r, e));
    struct pr_bf_reject *list = PR_NEW_ARRAY(a, struct pr_bf_reject, (size_t)r.n_rows);
    for (int i = 0; i < r.n_rows; i++) list[i] = (struct pr_bf_reject){.walk = PR_CELL(&r, i, 0), .sqlstate = PR_CELL(&r, i, 1), .key = PR_CELL(&r, i, 2)};
    *out = list;
    *n = (size_t)r.n_rows;
    return PR_OK;
}

enum pr_code pr_bf_journal_again(struct pr_pg *pg, int64_t job, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt again = {
        .name = "backfill journal: another round", .n_params = 2, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
        .sql = "INSERT INTO pgrail.backfill_range (job, walk, rest, begun) SELECT $1::bigint, w, true, true FROM pg_catalog.unnest($2::text[]) AS w"};
    const char **walks = PR_NEW_ARRAY(a, const char *, cut->n_walks);
    size_t n = 0;
    for (size_t i = 0; i < cut->n_walks; i++)
        if (cut->walks[i].sweep.first != NULL) walks[n++] = cut->walks[i].full;
    const char *const params[] = {num(a, job), pr_bf_array(a, walks, n)};
    return pr_pg_query(pg, &again, params, a, NULL, e);
}

/* ---- workers */

enum pr_code pr_bf_worker_enter(struct pr_pg *pg, struct pr_bf_worker *w, struct pr_err *e) {
    static const struct pr_pg_stmt enter = {
        .name = "backfill journal: worker", .n_params = 3, .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = OURS_MS,
        .sql = "INSERT INTO pgrail.backfill_worker (job, host, backend_pid, backend_start, pooled) SELECT $1::bigint, $2, pg_catalog.pg_backend_pid(),"
               " (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()), $3::boolean RETURNING id, backend_pid"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    const char *const params[] = {num(a, w->job), host, flag(w->tx_pooled)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &enter, params, a, &r, e));
    PR_TRY(e, cell_int(&r, 0, 0, &w->id, e));
    return cell_int(&r, 0, 1, &w->backend_pid, e);
}

static enum pr_code mark_worker(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_pg_stmt *q, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, w->id)};
    return pr_pg_query(pg, q, params, a, NULL, e);
}

enum pr_code pr_bf_worker_beat(struct pr_pg *pg, const struct pr_bf_worker *w, struct pr_err *e) {
    static const struct pr_pg_stmt beat = {
        .name = "backfill journal: worker", .n_params = 1, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
        .sql = "UPDATE pgrail.backfill_worker SET seen_at = pg_catalog.clock_timestamp() WHERE id = $1::bigint"};
    return mark_worker(pg, w, &beat, e);
}

enum pr_code pr_bf_worker_leave(struct pr_pg *pg, const struct pr_bf_worker *w, struct pr_err *e) {
    static const struct pr_pg_stmt leave = {
        .name = "backfill journal: worker", .n_params = 1, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
        .sql = "UPDATE pgrail.backfill_worker SET left_at = pg_catalog.clock_timestamp() WHERE id = $1::bigint"};
    return mark_worker(pg, w, &leave, e);
}

enum pr_code pr_bf_worker_dismiss(struct pr_pg *pg, int64_t job, int64_t backend_pid, struct pr_err *e) {
    static const struct pr_pg_stmt dismiss = {
        .name = "backfill journal: session of a dead worker", .n_params = 2, .shape = PR_MAYBE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
        .sql = "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pgrail.backfill_worker w"
               " JOIN pg_catalog.pg_stat_activity a ON a.pid = w.backend_pid AND a.backend_start = w.backend_start"
               " WHERE w.job = $1::bigint AND w.backend_pid = $2::integer AND NOT w.pooled"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, job), num(a, backend_pid)};
    return pr_pg_query(pg, &dismiss, params, a, NULL, e);
}
