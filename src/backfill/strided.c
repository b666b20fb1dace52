/* strided.c: the rows of a range a few for each page and transaction. What a commit leaves dead on a page makes room there for the
 * next few, so that new versions stay on their page: indexes and heap hardly grow, and WAL is nearly halved. */
#include "backfill/engine.h"

#include "backfill/keys.h"

/* The rows of the first pass leave their page, which is full; the room that they leave goes from pass to pass, and new versions, which are
 * longer, eat it up. So a pass may be large in the beginning, as long as little room is left over in the end. Measured on rows that grow by
 * an eighth, 41 on a page: 14 passes where two rows each need 21, a sixth less time, and the heap grows as much. Beside another worker,
 * whose snapshot keeps what the last pass left dead, more rows leave then: two it is. */
#define SHARE_OF_A_PAGE 8                       /* a pass takes so much of the rows that are left of the page, rounded up, … */
#define ROWS_OF_A_PAGE 2                        /* … and so many at least: 1 costs commits */

struct place { int64_t block; uint32_t at; };               /* at: index in the order of the key */

static int by_block(const void *l, const void *r) {
    const struct place *a = l, *b = r;
    return a->block != b->block ? (a->block < b->block ? -1 : 1) : a->at < b->at ? -1 : 1;
}

/* From a ctid, "(17,3)". */
static enum pr_code block_of(const char *ctid, int64_t *out, struct pr_err *e) {
    char digits[24] = "";
    const size_t n = strcspn(ctid, ",");
    if (ctid[0] != '(' || n < 2 || n > sizeof digits) return PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill: %s is no place of a row", ctid);
    memcpy(digits, ctid + 1, n - 1);
    return pr_parse_i64(digits, 0, INT64_MAX, out, e);
}

static size_t of_pass(size_t left, bool alone) {
    const size_t share = (left + SHARE_OF_A_PAGE - 1) / SHARE_OF_A_PAGE, most = alone && share > ROWS_OF_A_PAGE ? share : ROWS_OF_A_PAGE;
    return left < most ? left : most;
}

/* Deals the n rows of a page out to passes; the number of them. */
static uint32_t deal(const struct place *of_page, size_t n, bool alone, uint32_t *pass) {
    uint32_t passes = 0;
    for (size_t done = 0; done < n; passes++) {
        const size_t end = done + of_pass(n - done, alone);
        while (done < end) pass[of_page[done++].at] = passes;
    }
    return passes;
}

/* Which pass every row belongs to, in the order of the key. passes: their number. */
static enum pr_code passes_of(const struct pr_pg_rows *r, bool alone, struct pr_arena *a, uint32_t **out, size_t *passes, struct pr_err *e) {
    const size_t n = (size_t)r->n_rows;
    struct place *places = PR_NEW_ARRAY(a, struct place, n + 1);
    uint32_t *pass = PR_NEW_ARRAY(a, uint32_t, n + 1);
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        PR_TRY(e, block_of(PR_CELL(r, i, r->n_cols - 1), &places[i].block, e));
        places[i].at = (uint32_t)i;
        sorted = sorted && (i == 0 || places[i - 1].block <= places[i].block);
    }
    if (!sorted) qsort(places, n, sizeof places[0], by_block);
    *passes = 0;
    for (size_t i = 0, end = 0; i < n; i = end) {
        while (end < n && places[end].block == places[i].block) end++;
        const size_t dealt = deal(&places[i], end - i, alone, pass);
        if (dealt > *passes) *passes = dealt;
    }
    *out = pass;
    return PR_OK;
}

/* The rows in the order in which they are to be written: pass by pass, within a pass by key. */
static uint32_t *in_passes(const uint32_t *pass, size_t n, size_t passes, struct pr_arena *a) {
    uint32_t *order = PR_NEW_ARRAY(a, uint32_t, n + 1), *next = PR_NEW_ARRAY(a, uint32_t, passes + 1);
    for (size_t i = 0; i < n; i++) next[pass[i] + 1]++;
    for (size_t i = 1; i < passes; i++) next[i] += next[i - 1];
    for (size_t i = 0; i < n; i++) order[next[pass[i]]++] = (uint32_t)i;
    return order;
}

static enum pr_code read_rows(struct pr_bf_engine *x, const struct pr_bf_walk *walk, const struct pr_bf_span *span, struct pr_arena *a, struct pr_pg_rows *out,
                              struct pr_err *e) {
    const char **params = PR_NEW_ARRAY(a, const char *, 2 * walk->n_keys);
    const char *const *from = span->at != NULL ? span->at : span->lower;
    int n = 0;
    for (size_t i = 0; from != NULL && i < walk->n_keys; i++) params[n++] = from[i];
    for (size_t i = 0; i < walk->n_keys; i++) params[n++] = span->upper[i];
    const struct pr_pg_stmt q = {.name = "backfill: rows of a range", .sql = from == NULL ? walk->rows.first : walk->rows.next, .n_params = n,
                                 .shape = PR_ROWS, .n_cols = (int)walk->n_keys + 1};
    return pr_pg_query(x->pg, &q, params, a, out, e);
}

struct passing {
    struct pr_bf_engine *x;
    const struct pr_bf_walk *walk;
    struct pr_bf_span *span;
    struct pr_arena *a;                          /* of the range */
    struct pr_pg_rows rows;
    const uint32_t *pass;                        /* of each row, as they came */
    const uint32_t *order;                       /* rows as they are to be written */
    struct pr_bf_skips *skips;
};

static const char *const *key_of(const struct passing *p, size_t at) { return &PR_CELL(&p->rows, at, 0); }

/* The piece of n rows from i on, its arrays in a. */
static struct pr_bf_piece piece_of(const struct passing *p, size_t i, size_t n, struct pr_arena *a) {
    const size_t n_keys = p->walk->n_keys;
    const char **params = PR_NEW_ARRAY(a, const char *, n_keys), **items = PR_NEW_ARRAY(a, const char *, n);
    for (size_t k = 0; k < n_keys; k++) {
        for (size_t j = 0; j < n; j++) items[j] = key_of(p, p->order[i + j])[k];
        params[k] = pr_bf_array(a, items, n);
    }
    return (struct pr_bf_piece){.walk = p->walk, .span = p->span, .from = key_of(p, p->order[i]), .to = key_of(p, p->order[i + n - 1]),
                                .sql = p->walk->some, .params = params, .n_params = (int)n_keys, .rows = (int64_t)n, .list = true};
}

static void skip(struct passing *p, size_t i) {
    const size_t at = p->order[i];
    *PR_PUSH(p->a, p->skips->items, p->skips->n, p->skips->room) =
        (struct pr_bf_skip){.at = at, .before = at == 0 ? NULL : key_of(p, at - 1), .key = key_of(p, at)};
}

static int by_place(const void *l, const void *r) {
    const struct pr_bf_skip *a = l, *b = r;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* How many rows from i on: to the end of the pass, and not more than the batch may have. */
static size_t window(const struct passing *p, size_t i, int64_t limit) {
    size_t n = 1;
    while (i + n < (size_t)p->rows.n_rows && p->pass[p->order[i + n]] == p->pass[p->order[i]] && (int64_t)n < limit) n++;
    return n;
}

/* One window until it is done, left for the sweep, or set aside row by row; *i moves behind it. */
static enum pr_code work_window(struct passing *p, size_t *i, struct pr_err *e) {
    int64_t limit = p->x->limit, retries = 0;
    for (;;) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
        const size_t n = window(p, *i, limit);
        struct pr_bf_piece piece = piece_of(p, *i, n, a);
        enum pr_bf_outcome outcome = PR_BF_DID;
        piece.retries = retries;
        PR_TRY(e, pr_bf_run_piece(p->x, &piece, &outcome, e));
        retries = piece.retries;
        const bool left = outcome == PR_BF_CONTENDED && (n == 1 || retries > PR_BF_TRIES);
        if (outcome == PR_BF_BAD_ROW && n == 1) {
            PR_TRY(e, pr_bf_set_aside(p->x, &piece, e));
            skip(p, *i);
        }
        if (outcome == PR_BF_DID || left || (outcome == PR_BF_BAD_ROW && n == 1)) {
            *i += n;
            return PR_OK;
        }
        limit = (int64_t)n / 2;
    }
}

enum pr_code pr_bf_strided(struct pr_bf_engine *x, const struct pr_bf_walk *walk, struct pr_bf_span *span, struct pr_arena *a, struct pr_bf_skips *skips,
                           bool *stop, struct pr_err *e) {
    struct passing p = {.x = x, .walk = walk, .span = span, .a = a, .skips = skips};
    uint32_t *pass = NULL;
    size_t passes = 0;
    PR_TRY(e, read_rows(x, walk, span, a, &p.rows, e));
    PR_TRY(e, passes_of(&p.rows, atomic_load(&x->board->workers) == 1, a, &pass, &passes, e));
    p.pass = pass;
    p.order = in_passes(pass, (size_t)p.rows.n_rows, passes, a);
    for (size_t i = 0; i < (size_t)p.rows.n_rows;) {
        PR_TRY(e, pr_bf_between(x, stop, e));
        if (*stop) return PR_OK;
        PR_TRY(e, work_window(&p, &i, e));
        span->begun = true;
    }
    if (skips->n > 1) qsort(skips->items, skips->n, sizeof skips->items[0], by_place);
    span->begun = true;
    return PR_OK;
}
