/* engine.c: the life of a worker: take a range, walk it in batches, take the next. What is contended is put aside as a range of its
 * own, so that it comes back later and is never forgotten; what is left when we die is in the journal. */
#include "backfill/engine.h"

#include "backfill/keys.h"

#define WAIT_MS 50
#define LOCKED_OUT_MS 2000
#define PUT_BACK_MS 250
#define PUT_BACK_MOST_MS 30000

static enum pr_code connect(struct pr_bf_engine *x, struct pr_err *e) {
    struct pr_pg_where where = x->crew->where;
    const struct pr_pg_ident *id = NULL;
    where.interrupted = x->told;
    PR_TRY(e, pr_pg_open(&where, &x->pg, e));
    PR_TRY(e, pr_pg_identity(x->pg, &id, e));
    if (id->in_recovery) return PR_FAIL(e, PR_ERR_CONNECT, "%s is a standby now", id->address);
    if (x->crew->system_id != NULL && !pr_eq(x->crew->system_id, id->system_id)) return PR_FAIL(e, PR_ERR_REFUSED, "another cluster answers now at %s", id->address);
    x->me = (struct pr_bf_worker){.job = x->crew->job, .tx_pooled = x->crew->tx_pooled, .version_num = id->version_num};
    if (!x->me.tx_pooled) PR_TRY(e, pr_bf_session(x, false, e));
    PR_TRY(e, pr_bf_worker_enter(x->pg, &x->me, e));
    atomic_store(&x->slot->backend_pid, x->me.backend_pid);
    x->beat_us = pr_mono_us();
    return PR_OK;
}

/* ---- where the next batch ends */

static bool same_key(const char *const *l, const char *const *r, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!pr_eq(l[i], r[i])) return false;
    return true;
}

static const char *const *done_to(const struct pr_bf_span *span) { return span->at != NULL ? span->at : span->lower; }

/* Blocks are numbers: their share is reckoned. */
static enum pr_code block_edge(const struct pr_bf_span *span, const char *const *goal, int64_t limit, struct pr_arena *a, const char *const **to,
                               struct pr_err *e) {
    int64_t from = -1, upper = 0;
    const char *const *done = done_to(span);
    if (done != NULL) PR_TRY(e, pr_parse_i64(done[0], -1, INT64_MAX, &from, e));
    PR_TRY(e, pr_parse_i64(goal[0], 0, INT64_MAX, &upper, e));
    const int64_t share = pr_scale(upper - from, limit, span->n > 0 ? span->n : 1), next = from + (share < 1 ? 1 : share);
    const char **key = PR_NEW_ARRAY(a, const char *, 1);
    key[0] = pr_fmt(a, "%" PRId64, next);
    *to = next >= upper ? goal : (const char *const *)key;
    return PR_OK;
}

/* The key `limit` rows behind what is done, never beyond the goal, whatever was deleted in front of it meanwhile. */
static enum pr_code next_to(struct pr_bf_engine *x, const struct pr_bf_walk *walk, const struct pr_bf_span *span, const char *const *goal, int64_t limit,
                            struct pr_arena *a, const char *const **to, struct pr_err *e) {
    const char *const *from = done_to(span);
    *to = goal;
    if (limit >= span->n && limit > 1) return PR_OK;
    if (walk->rows.first == NULL) return block_edge(span, goal, limit, a, to, e);
    struct pr_buf b = {.a = a};
    const char **params = PR_NEW_ARRAY(a, const char *, 2 * walk->n_keys);
    int n = 0;
    for (size_t i = 0; from != NULL && i < walk->n_keys; i++) params[n++] = from[i];
    for (size_t i = 0; i < walk->n_keys; i++) params[n++] = goal[i];
    pr_add(&b, "SELECT");
    for (size_t i = 0; i < walk->n_keys; i++) pr_addf(&b, "%s k%zu", i == 0 ? "" : ",", i);
    pr_addf(&b, " FROM (%s) AS r (", from == NULL ? walk->rows.first : walk->rows.next);
    for (size_t i = 0; i < walk->n_keys; i++) pr_addf(&b, "k%zu, ", i);
    pr_addf(&b, "b) OFFSET %" PRId64 " LIMIT 1", limit - 1);
    const struct pr_pg_stmt q = {.name = "backfill: end of a batch", .sql = pr_buf_text(&b), .n_params = n, .shape = PR_MAYBE_ROW, .n_cols = (int)walk->n_keys};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(x->pg, &q, params, a, &r, e));
    if (r.n_rows == 1) *to = r.cells;
    return PR_OK;
}

/* ---- a range by key */

static struct pr_bf_piece range_piece(const struct pr_bf_walk *walk, struct pr_bf_span *span, const char *const *to, int64_t limit, struct pr_arena *a) {
    const struct pr_bf_range *text = span->begun ? &walk->sweep : &walk->batch;
    const char *const *from = done_to(span);
    const char **params = PR_NEW_ARRAY(a, const char *, 2 * walk->n_keys);
    int n = 0;
    for (size_t i = 0; from != NULL && i < walk->n_keys; i++) params[n++] = from[i];
    for (size_t i = 0; i < walk->n_keys; i++) params[n++] = to[i];
    return (struct pr_bf_piece){.walk = walk, .span = span, .from = from, .to = to, .sql = from == NULL ? text->first : text->next, .params = params,
                                .n_params = n, .rows = limit < span->n ? limit : span->n, .ends = same_key(to, span->upper, walk->n_keys),
                                .swept = span->begun};
}

/* at = to. Keys of the span live in its arena, those of a batch do not. */
static void move_at(struct pr_bf_span *span, const char *const *to, int64_t rows, size_t n_keys, struct pr_arena *a) {
    const char **key = PR_NEW_ARRAY(a, const char *, n_keys);
    for (size_t i = 0; i < n_keys; i++) key[i] = pr_dup(a, to[i]);
    span->at = key;
    span->n = span->n > rows ? span->n - rows : 1;
}

static int64_t delay_of(const struct pr_bf_span *span) {
    const int64_t tries = span->tries > 10 ? 10 : span->tries, ms = (int64_t)PUT_BACK_MS << tries;
    return ms > PUT_BACK_MOST_MS ? PUT_BACK_MOST_MS : ms;
}

/* The table itself is locked, or a cancel hit our own reading: nothing of it can be done anywhere, so nothing is put aside. */
static enum pr_code wait_for_table(struct pr_bf_engine *x, bool *stop, struct pr_err *e) {
    const int64_t until = pr_mono_us() + LOCKED_OUT_MS * 1000;
    atomic_fetch_add(&x->slot->contended, 1);
    while (pr_mono_us() < until) {
        PR_TRY(e, pr_bf_between(x, stop, e));
        if (*stop) return PR_OK;
        pr_bf_nap(WAIT_MS);
    }
    return PR_OK;
}

struct stretch { const char *const *goal; int64_t limit, retries; bool over; };      /* of one range, up to a key of it */

static enum pr_code one_batch(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_bf_span *span, struct stretch *s, struct pr_arena *keep,
                              bool *stop, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)16 << 20);
    const char *const *to = NULL;
    enum pr_bf_outcome outcome = PR_BF_DID;
    if (next_to(x, walk, span, s->goal, s->limit, a, &to, e) != PR_OK) return pr_bf_is_contention(e) ? wait_for_table(x, stop, e) : e->code;
    struct pr_bf_piece p = range_piece(walk, span, to, s->limit, a);
    p.retries = s->retries;
    PR_TRY(e, pr_bf_run_piece(x, &p, &outcome, e));
    if (outcome == PR_BF_BAD_ROW && s->limit == 1) {
        PR_TRY(e, pr_bf_set_aside(x, &p, e));
        outcome = PR_BF_DID;
    }
    if (outcome == PR_BF_CONTENDED && (p.retries > PR_BF_TRIES || s->limit == 1)) {
        PR_TRY(e, pr_bf_span_split(x->pg, &x->me, span, to, p.ends, p.rows, delay_of(span), walk->n_keys, a, e));
        outcome = PR_BF_DID;
    }
    if (outcome != PR_BF_DID) {
        s->retries = p.retries;
        s->limit = p.rows > 1 ? p.rows / 2 : 1;
        return PR_OK;
    }
    s->retries = 0;
    s->over = same_key(to, s->goal, walk->n_keys);
    s->limit = s->limit * 2 < x->limit ? s->limit * 2 : x->limit;
    move_at(span, to, p.rows, walk->n_keys, keep);
    return PR_OK;
}

static enum pr_code by_key(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_bf_span *span, const char *const *goal, int64_t limit,
                           struct pr_arena *a, bool *stop, struct pr_err *e) {
    struct stretch s = {.goal = goal, .limit = limit};
    while (!s.over) {
        PR_TRY(e, pr_bf_between(x, stop, e));
        if (*stop) return PR_OK;
        PR_TRY(e, one_batch(x, walk, span, &s, a, stop, e));
        if (*stop) return PR_OK;
    }
    return PR_OK;
}

/* After the passes: everything that they left, in one statement as a rule, for almost nothing is left. Rows that were set aside are
 * stepped over, else they would fail again. */
static enum pr_code sweep(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_bf_span *span, const struct pr_bf_skips *skips, struct pr_arena *a,
                          bool *stop, struct pr_err *e) {
    for (size_t i = 0; i < skips->n; i++) {
        const struct pr_bf_skip *k = &skips->items[i];
        const char *const *done = done_to(span);
        enum pr_bf_outcome outcome = PR_BF_CONTENDED;
        if (k->before != NULL && (done == NULL || !same_key(k->before, done, walk->n_keys))) PR_TRY(e, by_key(x, walk, span, k->before, span->n + 1, a, stop, e));
        if (*stop) return PR_OK;
        struct pr_bf_piece over = {.walk = walk, .span = span, .from = done_to(span), .to = k->key, .swept = true,
                                   .ends = same_key(k->key, span->upper, walk->n_keys)};
        while (outcome != PR_BF_DID) PR_TRY(e, pr_bf_run_piece(x, &over, &outcome, e));
        if (over.ends) return PR_OK;
        move_at(span, k->key, 0, walk->n_keys, a);
    }
    return by_key(x, walk, span, span->upper, span->n + 1, a, stop, e);
}

static const struct pr_bf_walk *walk_of(const struct pr_bf_engine *x, const char *full) {
    for (size_t i = 0; i < x->crew->cut->n_walks; i++)
        if (pr_eq(x->crew->cut->walks[i].full, full)) return &x->crew->cut->walks[i];
    PR_BUG("a range of a table that is not walked");
}

static enum pr_code walk_span(struct pr_bf_engine *x, struct pr_bf_span *span, struct pr_arena *a, bool *stop, struct pr_err *e) {
    const struct pr_bf_walk *walk = walk_of(x, span->walk);
    struct pr_bf_skips skips = {0};
    const bool strided = walk->way == PR_BF_STRIDED && walk->sweep.first != NULL && !span->begun && span->at == NULL && span->tries == 0 &&
                         !atomic_load(&x->board->by_key);
    if (!strided) return by_key(x, walk, span, span->upper, x->limit, a, stop, e);
    const enum pr_code code = pr_bf_strided(x, walk, span, a, &skips, stop, e);
    if (code != PR_OK && pr_bf_is_contention(e)) {           /* of reading its rows: the table is locked */
        PR_TRY(e, wait_for_table(x, stop, e));
        return *stop ? PR_OK : by_key(x, walk, span, span->upper, x->limit, a, stop, e);
    }
    PR_TRY(e, code);
    return *stop ? PR_OK : sweep(x, walk, span, &skips, a, stop, e);
}

/* ---- vacuum, when so much was changed that its room is worth having */

static enum pr_code vacuum(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_err *e) {
    const int64_t every = atomic_load(&x->board->vacuum_rows);
    int64_t since = atomic_load(&x->board->since_vacuum);
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    if (every <= 0 || since < every || !atomic_compare_exchange_strong(&x->board->since_vacuum, &since, 0)) return PR_OK;
    const char *sql = pr_fmt(a, "VACUUM (SKIP_LOCKED, INDEX_CLEANUP OFF, TRUNCATE OFF, PARALLEL 0) %s", walk->full);
    if (pr_pg_do(x->pg, "vacuum", sql, 0, e) == PR_OK || e->code == PR_ERR_DB) return PR_OK;      /* a comfort, not a duty */
    return e->code;
}

/* ---- the loop */

static enum pr_code one_range(struct pr_bf_engine *x, bool *over, bool *stop, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)256 << 20);
    struct pr_bf_span span = {0};
    enum pr_bf_take how = PR_BF_NONE;
    const enum pr_code took = pr_bf_span_take(x->pg, &x->me, x->crew->cut, x->crew->chunk, a, &span, &how, e);
    if (took != PR_OK) return pr_bf_is_contention(e) ? wait_for_table(x, stop, e) : took;
    *over = how == PR_BF_NONE;
    if (how == PR_BF_WAIT) pr_bf_nap(WAIT_MS);
    if (how != PR_BF_TOOK) return PR_OK;
    const enum pr_code code = walk_span(x, &span, a, stop, e);
    if (code == PR_ERR_BUSY) return PR_OK;                   /* taken over by another: it is in good hands */
    if (code == PR_OK && *stop) return pr_bf_span_back(x->pg, &x->me, &span, e);
    PR_TRY(e, code);                                         /* the range is free once this worker has left */
    return vacuum(x, walk_of(x, span.walk), e);
}

static enum pr_code live(struct pr_bf_engine *x, struct pr_err *e) {
    bool over = false, stop = false;
    PR_TRY(e, connect(x, e));
    while (!over && !stop) {
        PR_TRY(e, pr_bf_between(x, &stop, e));
        if (!stop) PR_TRY(e, one_range(x, &over, &stop, e));
    }
    return pr_bf_worker_leave(x->pg, &x->me, e);
}

int pr_bf_work(const struct pr_bf_crew *crew, size_t number, const volatile sig_atomic_t *told) {
    struct pr_bf_engine x = {.crew = crew, .board = crew->board, .slot = &crew->board->slots[number], .number = number, .told = told,
                             .limit = atomic_load(&crew->board->batch), .yields_seen = atomic_load(&crew->board->yields)};
    struct pr_err err = {0};
    const enum pr_code code = live(&x, &err);
    struct pr_err of_leaving = {0};
    const bool can_say = code != PR_OK && code != PR_ERR_CONNECT && code != PR_ERR_INTERRUPTED && x.me.id > 0;
    if (can_say && pr_bf_worker_leave(x.pg, &x.me, &of_leaving) != PR_OK) pr_err_frame(&err, "leaving");
    x.slot->err = code == PR_OK ? (struct pr_err){0} : err;
    pr_pg_close(x.pg);
    return code == PR_OK ? 0 : pr_code_info(code)->exit_status;
}
