/* spans.c: the ranges of the journal: handing them out, noting what was done in them, putting them back. */
#include "backfill/job.h"

#include "backfill/keys.h"
#include "sql_files.gen.h"

enum { OURS_MS = 30000 };

static const char *num(struct pr_arena *a, int64_t n) { return pr_fmt(a, "%" PRId64, n); }
static const char *flag(bool yes) { return yes ? "true" : "false"; }

static const struct pr_bf_walk *walk_of(const struct pr_bf_cut *cut, const char *full) {
    for (size_t i = 0; i < cut->n_walks; i++)
        if (pr_eq(cut->walks[i].full, full)) return &cut->walks[i];
    return NULL;
}

static enum pr_code unknown_walk(const char *full, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_STALE, "the journal has ranges of %s, which the statement does not walk any more", full);
    return pr_hint(e, "a partition was dropped or renamed meanwhile: abandon this job and start anew: pgrail backfill-ctl abandon");
}

static enum pr_code read_span(const struct pr_pg_rows *r, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_bf_span *out, struct pr_err *e) {
    struct pr_bf_span s = {.walk = PR_CELL(r, 0, 1), .begun = pr_eq(PR_CELL(r, 0, 6), "t")};
    const struct pr_bf_walk *w = walk_of(cut, s.walk);
    if (w == NULL) return unknown_walk(s.walk, e);
    PR_TRY(e, pr_parse_i64(PR_CELL(r, 0, 0), 0, INT64_MAX, &s.id, e));
    PR_TRY(e, pr_bf_array_read(a, PR_CELL(r, 0, 2), w->n_keys, &s.lower, e));
    PR_TRY(e, pr_bf_array_read(a, PR_CELL(r, 0, 3), w->n_keys, &s.upper, e));
    PR_TRY(e, pr_bf_array_read(a, PR_CELL(r, 0, 4), w->n_keys, &s.at, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(r, 0, 5), INT64_MIN, INT64_MAX, &s.n, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(r, 0, 7), INT64_MIN, INT64_MAX, &s.tries, e));
    *out = s;
    return PR_OK;
}

static enum pr_code take_open(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_cut *cut, struct pr_arena *a, struct pr_bf_span *out,
                              bool *took, struct pr_err *e) {
    static const struct pr_pg_stmt take = {
        .name = "backfill journal: take a range", .sql = pr_sql_backfill_take, .n_params = 2, .shape = PR_MAYBE_ROW, .n_cols = 8, .timeout_ms = OURS_MS};
    const char *const params[] = {num(a, w->job), num(a, w->id)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &take, params, a, &r, e));
    *took = r.n_rows == 1;
    return *took ? read_span(&r, cut, a, out, e) : PR_OK;
}

/* ---- a new range, cut off a rest that nobody else is cutting at this moment */

static const struct pr_pg_stmt lock_rest = {
    .name = "backfill journal: rest", .n_params = 1, .shape = PR_MAYBE_ROW, .n_cols = 4, .timeout_ms = OURS_MS,
    .sql = "SELECT id, walk, lower, begun FROM pgrail.backfill_range WHERE job = $1::bigint AND rest AND state <> 'done' ORDER BY id LIMIT 1"
           " FOR UPDATE SKIP LOCKED"};
static const struct pr_pg_stmt end_rest = {
    .name = "backfill journal: end of a table", .n_params = 1, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
    .sql = "UPDATE pgrail.backfill_range SET state = 'done' WHERE id = $1::bigint"};
static const struct pr_pg_stmt cut_rest = {
    .name = "backfill journal: new range", .n_params = 5, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
    .sql = "WITH r AS (UPDATE pgrail.backfill_range SET lower = $4::text[] WHERE id = $1::bigint RETURNING job, walk, begun)"
           " INSERT INTO pgrail.backfill_range (job, walk, lower, upper, n, rows, begun, state, worker)"
           " SELECT job, walk, $3::text[], $4::text[], $5::bigint, CASE WHEN begun THEN 0 ELSE $5::bigint END, begun, 'taken', $2::bigint FROM r"
           " RETURNING id"};
static const struct pr_pg_stmt anything = {
    .name = "backfill journal: what is left", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS_MS,
    .sql = "SELECT EXISTS (SELECT FROM pgrail.backfill_range WHERE job = $1::bigint AND state <> 'done')"};

/* The key `limit` rows behind lower; NULL at the end of the table. */
static enum pr_code next_edge(struct pr_pg *pg, const struct pr_bf_walk *walk, const char *const *lower, int64_t limit, struct pr_arena *a,
                              const char *const **upper, int64_t *n, struct pr_err *e) {
    const char **params = PR_NEW_ARRAY(a, const char *, walk->n_keys + 1);
    const size_t n_lower = lower == NULL ? 0 : walk->n_keys;
    for (size_t i = 0; i < n_lower; i++) params[i] = lower[i];
    params[n_lower] = num(a, limit);
    const struct pr_pg_stmt edge = {.name = "backfill: next range", .sql = lower == NULL ? walk->edge.first : walk->edge.next,
                                    .n_params = (int)n_lower + 1, .shape = PR_MAYBE_ROW, .n_cols = (int)walk->n_keys + 1};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &edge, params, a, &r, e));
    *upper = NULL;
    if (r.n_rows == 0) return PR_OK;
    *upper = r.cells;
    return pr_parse_i64(PR_CELL(&r, 0, r.n_cols - 1), 0, INT64_MAX, n, e);
}

/* Fewer rows than asked for: behind them was nothing. What comes there later is new, counted at the end and then swept; to go after it would be to
 * walk for ever where an application makes rows faster than a pause is short. */
static bool at_the_end(const struct pr_bf_walk *walk, const struct pr_bf_span *s, int64_t chunk) {
    return walk->way != PR_BF_BLOCKS && walk->converges && walk->left.first != NULL && s->n < chunk;
}

struct cutting { struct pr_pg *pg; const struct pr_bf_worker *w; const struct pr_bf_cut *cut; int64_t chunk; struct pr_arena *a; };

static enum pr_code cut_one(const struct cutting *c, struct pr_bf_span *out, enum pr_bf_take *how, struct pr_err *e) {
    const char *const job[] = {num(c->a, c->w->job)};
    struct pr_pg_rows r = {0}, made = {0};
    *how = PR_BF_NONE;
    PR_TRY(e, pr_pg_query(c->pg, &lock_rest, job, c->a, &r, e));
    if (r.n_rows == 0) return PR_OK;
    const struct pr_bf_walk *walk = walk_of(c->cut, PR_CELL(&r, 0, 1));
    if (walk == NULL) return unknown_walk(PR_CELL(&r, 0, 1), e);
    struct pr_bf_span s = {.walk = walk->full, .begun = pr_eq(PR_CELL(&r, 0, 3), "t")};
    PR_TRY(e, pr_bf_array_read(c->a, PR_CELL(&r, 0, 2), walk->n_keys, &s.lower, e));
    PR_TRY(e, next_edge(c->pg, walk, s.lower, c->chunk, c->a, &s.upper, &s.n, e));
    *how = PR_BF_WAIT;                           /* something changed: look again */
    if (s.upper == NULL) return pr_pg_query(c->pg, &end_rest, (const char *const[]){PR_CELL(&r, 0, 0)}, c->a, NULL, e);
    const char *const params[] = {PR_CELL(&r, 0, 0), num(c->a, c->w->id), pr_bf_array(c->a, s.lower, walk->n_keys),
                                  pr_bf_array(c->a, s.upper, walk->n_keys), num(c->a, s.n)};
    PR_TRY(e, pr_pg_query(c->pg, &cut_rest, params, c->a, &made, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&made, 0, 0), 0, INT64_MAX, &s.id, e));
    if (at_the_end(walk, &s, c->chunk)) PR_TRY(e, pr_pg_query(c->pg, &end_rest, (const char *const[]){PR_CELL(&r, 0, 0)}, c->a, NULL, e));
    *out = s;
    *how = PR_BF_TOOK;
    return PR_OK;
}

static enum pr_code take_new(const struct cutting *c, struct pr_bf_span *out, enum pr_bf_take *how, struct pr_err *e) {
    struct pr_err ignored = {0};
    PR_TRY(e, pr_pg_do(c->pg, "backfill: begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", OURS_MS, e));
    enum pr_code code = cut_one(c, out, how, e);
    if (code == PR_OK) code = pr_pg_do(c->pg, "backfill: commit", "COMMIT", OURS_MS, e);
    if (code == PR_OK || pr_pg_do(c->pg, "rollback", "ROLLBACK", OURS_MS, &ignored) == PR_OK) return code;
    return e->code = PR_ERR_CONNECT;             /* a session that cannot roll back is good for nothing */
}

enum pr_code pr_bf_span_take(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_cut *cut, int64_t chunk, struct pr_arena *a,
                             struct pr_bf_span *out, enum pr_bf_take *how, struct pr_err *e) {
    const struct cutting c = {.pg = pg, .w = w, .cut = cut, .chunk = chunk, .a = a};
    bool took = false;
    *how = PR_BF_TOOK;
    PR_TRY(e, take_open(pg, w, cut, a, out, &took, e));
    if (took) return PR_OK;
    PR_TRY(e, take_new(&c, out, how, e));
    if (*how != PR_BF_NONE) return PR_OK;
    struct pr_pg_rows r = {0};
    const char *const params[] = {num(a, w->job)};
    PR_TRY(e, pr_pg_query(pg, &anything, params, a, &r, e));
    if (pr_eq(PR_CELL(&r, 0, 0), "t")) *how = PR_BF_WAIT;
    return PR_OK;
}

/* ---- what became of it */

static enum pr_code not_ours(struct pr_err *e) { return PR_FAIL(e, PR_ERR_BUSY, "another worker took this range over"); }

enum pr_code pr_bf_batch_note(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_batch_row *row, size_t n_keys, struct pr_arena *a,
                              struct pr_bf_noted *out, struct pr_err *e) {
    static const struct pr_pg_stmt note = {
        .name = "backfill journal: batch", .sql = pr_sql_backfill_note, .n_params = 14, .shape = PR_MAYBE_ROW, .n_cols = 3, .timeout_ms = OURS_MS, .often = true};
    const char *const params[] = {
        num(a, row->span->id), num(a, w->id), pr_bf_array(a, row->from, n_keys), pr_bf_array(a, row->to, n_keys), flag(row->moves_at), flag(row->begins),
        flag(row->ends), num(a, row->read), num(a, row->changed), num(a, row->retries), row->lsn, num(a, row->elapsed_us), row->sqlstate,
        num(a, row->rows)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &note, params, a, &r, e));
    if (r.n_rows == 0) return not_ours(e);
    *out = (struct pr_bf_noted){.lsn = PR_CELL(&r, 0, 2)};
    return pr_parse_i64(PR_CELL(&r, 0, 1), 0, INT64_MAX, &out->rejects, e);
}

enum pr_code pr_bf_span_split(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_span *span, const char *const *to, bool ends, int64_t n,
                              int64_t delay_ms, size_t n_keys, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt split = {
        .name = "backfill journal: put back", .sql = pr_sql_backfill_split, .n_params = 7, .shape = PR_MAYBE_ROW, .n_cols = 1, .timeout_ms = OURS_MS};
    const char *const *from = span->at != NULL ? span->at : span->lower;
    const char *const params[] = {num(a, span->id), num(a, w->id), pr_bf_array(a, to, n_keys), pr_bf_array(a, from, n_keys), num(a, n), flag(ends), num(a, delay_ms)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &split, params, a, &r, e));
    return r.n_rows == 1 ? PR_OK : not_ours(e);
}

enum pr_code pr_bf_span_back(struct pr_pg *pg, const struct pr_bf_worker *w, const struct pr_bf_span *span, struct pr_err *e) {
    static const struct pr_pg_stmt back = {
        .name = "backfill journal: give back", .n_params = 2, .shape = PR_NO_ROWS, .timeout_ms = OURS_MS,
        .sql = "UPDATE pgrail.backfill_range SET state = 'open', worker = NULL WHERE id = $1::bigint AND worker = $2::bigint AND state = 'taken'"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *const params[] = {num(a, span->id), num(a, w->id)};
    return pr_pg_query(pg, &back, params, a, NULL, e);
}
