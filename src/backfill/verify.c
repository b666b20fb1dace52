/* verify.c: asks along the key whether a backfill is whole, chunk by chunk. */
#include "backfill/verify.h"

enum { MAX_PARAMS = 70, SUMS = 200 };

/* Sums are numeric: the server adds them up, some at a time. */
struct sum { const char *parts[SUMS]; size_t n; };
struct pair { int64_t was, is, differ; struct sum was_sum, is_sum; json_t *rows; };

struct proof {
    const struct pr_bf_proving *how;
    const struct pr_bf_cut *c;
    struct pr_arena *a;
    struct pr_arena *chunk;        /* of what one chunk brings */
    json_t *doc, *wrong_rows;
    int64_t rows, left, wrong;
    bool knows_left, knows_wrong;
    bool left_only;
    struct pair *pairs;
};

/* A text within a range; lower NULL = from the beginning. */
struct range { const char *const *lower, *const *upper; size_t n; };

static enum pr_code ask(struct proof *p, const char *name, const char *sql, const char *const *params, int n_params, int n_cols, struct pr_pg_rows *out, struct pr_err *e) {
    const struct pr_pg_stmt q = {.name = name, .sql = sql, .n_params = n_params, .shape = PR_ROWS, .n_cols = n_cols, .timeout_ms = p->how->timeout_ms};
    return pr_pg_query(p->how->pg, &q, params, p->chunk, out, e);
}

/* limit < 0: the text takes none. */
static enum pr_code ask_range(struct proof *p, const char *name, const struct pr_bf_range *texts, const struct range *r, int64_t limit, int n_cols,
                              struct pr_pg_rows *out, struct pr_err *e) {
    const char *params[MAX_PARAMS];
    int n = 0;
    PR_ASSERT(2 * r->n + 1 <= MAX_PARAMS);
    for (size_t i = 0; r->lower != NULL && i < r->n; i++) params[n++] = r->lower[i];
    for (size_t i = 0; i < r->n; i++) params[n++] = r->upper[i];
    if (limit >= 0) params[n++] = pr_fmt(p->chunk, "%" PRId64, limit);
    return ask(p, name, r->lower != NULL ? texts->next : texts->first, params, n, n_cols, out, e);
}

static enum pr_code number(const char *text, int64_t *into, struct pr_err *e) {
    int64_t v = 0;
    PR_TRY(e, pr_parse_i64(text != NULL ? text : "0", 0, INT64_MAX, &v, e));
    *into = pr_sat_add(*into, v);
    return PR_OK;
}

/* Keys of rows that are wrong, as long as there is room. */
static enum pr_code note_rows(struct proof *p, const struct pr_bf_walk *w, const char *name, const struct pr_bf_range *texts, const struct range *r, json_t *into,
                              struct pr_err *e) {
    const int64_t room = p->how->first - (int64_t)json_array_size(into);
    struct pr_pg_rows rows = {0};
    if (room <= 0) return PR_OK;
    PR_TRY(e, ask_range(p, name, texts, r, room, (int)w->n_keys, &rows, e));
    for (int i = 0; i < rows.n_rows; i++) {
        json_t *o = pr_push_object(into);
        pr_set_str(o, "table", w->full);
        json_t *key = pr_set_array(o, "key");
        for (int k = 0; k < rows.n_cols; k++) pr_push_str(key, PR_CELL(&rows, i, k));
    }
    return PR_OK;
}

/* --- sums --- */

static enum pr_code fold(struct proof *p, struct sum *s, struct pr_err *e) {
    struct pr_buf list = {.a = p->chunk};
    struct pr_pg_rows rows = {0};
    if (s->n <= 1) return PR_OK;
    for (size_t i = 0; i < s->n; i++) pr_addf(&list, "%s%s", i > 0 ? "," : "{", s->parts[i]);
    pr_add(&list, "}");
    PR_TRY(e, ask(p, "backfill: sums", "SELECT sum(x)::text FROM unnest($1::numeric[]) AS x", (const char *const[]){pr_buf_text(&list)}, 1, 1, &rows, e));
    s->parts[0] = pr_dup(p->a, rows.n_rows == 1 ? PR_CELL(&rows, 0, 0) : NULL);
    s->n = 1;
    return PR_OK;
}

static enum pr_code add(struct proof *p, struct sum *s, const char *part, struct pr_err *e) {
    if (part == NULL) return PR_OK;
    if (s->n == SUMS) PR_TRY(e, fold(p, s, e));
    s->parts[s->n++] = pr_dup(p->a, part);
    return PR_OK;
}

/* What the tally says of a pair. */
static enum pr_code compare(struct proof *p, const struct pr_bf_walk *w, size_t i, const char *const *said, const struct range *r, struct pr_err *e) {
    struct pair *x = &p->pairs[i];
    const int64_t before = x->differ;
    PR_TRY(e, number(said[0], &x->was, e));
    PR_TRY(e, number(said[1], &x->is, e));
    PR_TRY(e, add(p, &x->was_sum, said[2], e));
    PR_TRY(e, add(p, &x->is_sum, said[3], e));
    PR_TRY(e, number(said[4], &x->differ, e));
    return x->differ > before ? note_rows(p, w, "backfill: rows that differ", &w->compare[i].rows, r, x->rows, e) : PR_OK;
}

/* --- one walk --- */

static enum pr_code judge(struct proof *p, const struct pr_bf_walk *w, const struct range *r, struct pr_err *e) {
    const int64_t before = p->wrong;
    const struct pr_bf_range *texts = p->left_only ? &w->left : &w->tally;
    const int n_cols = p->left_only ? 1 : 2 + 5 * (int)w->n_compare;
    struct pr_pg_rows rows = {0};
    p->knows_left = p->knows_left || w->left.next != NULL;
    p->knows_wrong = p->knows_wrong || w->wrong_rows.next != NULL;
    if (texts->next == NULL) return PR_OK;
    PR_TRY(e, ask_range(p, "backfill: proof", texts, r, -1, n_cols, &rows, e));
    if (rows.n_rows != 1) return PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill: proof: got %d rows", rows.n_rows);
    PR_TRY(e, number(PR_CELL(&rows, 0, 0), &p->left, e));
    if (p->left_only) return PR_OK;
    PR_TRY(e, number(PR_CELL(&rows, 0, 1), &p->wrong, e));
    if (p->wrong > before) PR_TRY(e, note_rows(p, w, "backfill: rows without their new values", &w->wrong_rows, r, p->wrong_rows, e));
    for (size_t i = 0; i < w->n_compare; i++) PR_TRY(e, compare(p, w, i, &PR_CELL(&rows, 0, 2 + 5 * i), r, e));
    return PR_OK;
}

static enum pr_code edge(struct proof *p, const struct pr_bf_walk *w, const char *const *lower, struct pr_pg_rows *out, struct pr_err *e) {
    const char *params[MAX_PARAMS];
    int n = 0;
    for (size_t i = 0; lower != NULL && i < w->n_keys; i++) params[n++] = lower[i];
    params[n++] = pr_fmt(p->chunk, "%" PRId64, p->how->chunk);
    return ask(p, "backfill: edge", lower != NULL ? w->edge.next : w->edge.first, params, n, (int)w->n_keys + 1, out, e);
}

static enum pr_code walk(struct proof *p, const struct pr_bf_walk *w, struct pr_err *e) {
    struct pr_arena *here PR_CLEANUP(pr_arena_freep) = NULL, *before PR_CLEANUP(pr_arena_freep) = NULL;      /* of this chunk, of the one before it */
    const char *const *lower = NULL;
    for (;;) {
        if (p->how->pause != NULL) PR_TRY(e, p->how->pause(p->how->ctx, p->rows, e));
        here = p->chunk = pr_arena_new(PR_CAP_ARENA);
        struct pr_pg_rows end = {0};
        PR_TRY(e, edge(p, w, lower, &end, e));
        if (end.n_rows == 0) return PR_OK;
        const struct range r = {.lower = lower, .upper = end.cells, .n = w->n_keys};
        PR_TRY(e, judge(p, w, &r, e));
        PR_TRY(e, number(end.cells[w->n_keys], &p->rows, e));
        lower = end.cells;
        pr_arena_free(before);
        before = here;
        here = NULL;
    }
}

/* --- the header's queries, the document --- */

static enum pr_code ask_header(struct proof *p, const struct pr_bf_verify *v, json_t *list, bool *ok, struct pr_err *e) {
    const struct pr_pg_read q = {.sql = v->sql, .max_rows = 1, .max_bytes = 1 << 16, .timeout_ms = p->how->timeout_ms};
    struct pr_pg_table t = {0};
    if (pr_pg_read(p->how->pg, &q, p->a, &t, e) != PR_OK) return pr_prefix(e, "verify in line %d", v->line);
    const bool none = t.rows.n_rows == 0, truth = t.rows.n_rows == 1 && !t.truncated && t.rows.n_cols == 1 && pr_eq(PR_CELL(&t.rows, 0, 0), "t");
    json_t *o = pr_push_object(list);
    pr_set_int(o, "line", v->line);
    pr_set_bool(o, "ok", none || truth);
    pr_set_str(o, "said", none ? "no row" : truth ? "true" : t.truncated ? "rows" : "one row");     /* never what stands in them */
    *ok = *ok && (none || truth);
    return PR_OK;
}

static enum pr_code put_pairs(struct proof *p, bool *ok, struct pr_err *e) {
    json_t *list = pr_set_array(p->doc, "compare");
    const struct pr_bf_walk *w = &p->c->walks[0];
    p->chunk = p->a;
    for (size_t i = 0; i < w->n_compare; i++) {
        struct pair *x = &p->pairs[i];
        json_t *o = pr_push_object(list);
        PR_TRY(e, fold(p, &x->was_sum, e));
        PR_TRY(e, fold(p, &x->is_sum, e));
        pr_set_str(o, "was", w->compare[i].was);
        pr_set_str(o, "is", w->compare[i].is);
        pr_set_bool(o, "derived", w->compare[i].derived);
        pr_set_int(o, "was_count", x->was);
        pr_set_int(o, "is_count", x->is);
        pr_set_str(o, "was_sum", x->was_sum.n > 0 ? x->was_sum.parts[0] : NULL);
        pr_set_str(o, "is_sum", x->is_sum.n > 0 ? x->is_sum.parts[0] : NULL);
        pr_set_int(o, "differ", x->differ);
        pr_set(o, "rows", json_incref(x->rows));
        *ok = *ok && x->differ == 0;
    }
    return PR_OK;
}

static void close_proof(struct proof *p) {
    for (size_t i = 0; p->pairs != NULL && i < p->c->walks[0].n_compare; i++) json_decref(p->pairs[i].rows);
    json_decref(p->doc);
    json_decref(p->wrong_rows);
}

static void put_count(json_t *o, const char *key, bool known, int64_t n) {
    if (known) pr_set_int(o, key, n);
    else pr_set(o, key, json_null());
}

enum pr_code pr_bf_prove(const struct pr_bf_proving *how, const struct pr_bf_file *f, const struct pr_bf_cut *c, struct pr_arena *a, json_t **out, struct pr_err *e) {
    PR_ASSERT(how->chunk > 0 && c->n_walks > 0);
    struct proof p PR_CLEANUP(close_proof) = {.how = how, .c = c, .a = a, .doc = json_object(), .wrong_rows = json_array()};
    bool ok = true;
    p.pairs = PR_NEW_ARRAY(a, struct pair, c->walks[0].n_compare + 1);
    for (size_t i = 0; i < c->walks[0].n_compare; i++) p.pairs[i].rows = json_array();
    for (size_t i = 0; i < c->n_walks; i++) PR_TRY(e, walk(&p, &c->walks[i], e));
    ok = p.knows_wrong ? p.wrong == 0 : p.left == 0;
    pr_set_str(p.doc, "schema", "pgrail.backfill-proof/1");
    pr_set_int(p.doc, "rows", p.rows);
    put_count(p.doc, "left", p.knows_left, p.left);
    put_count(p.doc, "wrong", p.knows_wrong, p.wrong);
    pr_set(p.doc, "wrong_rows", json_incref(p.wrong_rows));
    PR_TRY(e, put_pairs(&p, &ok, e));
    json_t *verify = pr_set_array(p.doc, "verify");
    for (size_t i = 0; i < f->n_verify; i++) PR_TRY(e, ask_header(&p, &f->verify[i], verify, &ok, e));
    pr_set_bool(p.doc, "ok", ok);
    *out = p.doc;
    p.doc = NULL;
    return PR_OK;
}

enum pr_code pr_bf_count_left(const struct pr_bf_proving *how, const struct pr_bf_cut *c, struct pr_arena *a, int64_t *out, struct pr_err *e) {
    struct proof p = {.how = how, .c = c, .a = a, .left_only = true};
    for (size_t i = 0; i < c->n_walks; i++)
        if (!c->walks[i].converges || c->walks[i].left.first == NULL) {
            *out = -1;
            return PR_OK;
        }
    for (size_t i = 0; i < c->n_walks; i++) PR_TRY(e, walk(&p, &c->walks[i], e));
    *out = p.left;
    return PR_OK;
}
