/* part.c: how a relation is read: a sample, or the whole in ranges of a key or of blocks, each a short transaction. */
#include "profile/impl.h"

#define PART_ROWS 20000
#define MOST_CELLS 4000000          /* rows × columns that a sample aims at, at most */
#define FEWEST_ROWS 500
#define LOCK_WAIT "2s"

static bool is_readable(const struct pr_profile_run *p, const char *col) {
    const struct pr_data_col *c = pr_profile_col(p, col);
    return c != NULL && c->readable;
}

/* An index whose order is that of <, > and ORDER BY in pg_catalog, over columns that are never null. */
static bool is_usable(const struct pr_profile_run *p, const struct pr_idx *x) {
    if (!x->unique || !x->valid || !x->ready || !x->live || x->is_partial || x->has_expressions || !x->default_order || x->n_cols == 0) return false;
    if (!pr_eq(x->method, "btree")) return false;
    for (size_t i = 0; i < x->n_cols; i++) {
        const struct pr_col *c = pr_find_col(p->ask->rel, x->cols[i]);
        if (c == NULL || !c->not_null || !c->not_null_valid || !pr_eq(c->type_schema, "pg_catalog") || !is_readable(p, c->name)) return false;
    }
    return true;
}

static void choose_key(struct pr_profile_run *p) {
    const struct pr_rel *r = p->ask->rel;
    const struct pr_idx *best = NULL;
    for (size_t i = 0; i < r->n_idxs; i++)
        if (is_usable(p, &r->idxs[i]) && (best == NULL || r->idxs[i].primary || (!best->primary && r->idxs[i].n_cols < best->n_cols))) best = &r->idxs[i];
    if (best == NULL) return;
    struct pr_buf list = {.a = p->a};
    p->key = PR_NEW_ARRAY(p->a, const struct pr_col *, best->n_cols);
    for (size_t i = 0; i < best->n_cols; i++) {
        p->key[p->n_key++] = pr_find_col(r, best->cols[i]);
        pr_addf(&list, "%st.%s", i > 0 ? ", " : "", pr_quote_ident(p->a, best->cols[i]));
    }
    p->key_list = pr_buf_text(&list);
}

/* A key of numbers, times or uuids names its row and says nothing else; a text is row data. */
static bool is_plain_key(const struct pr_profile_run *p) {
    static const char *const plain[] = {"int2", "int4", "int8", "numeric", "oid", "uuid", "date", "timestamp", "timestamptz", "time", "bool"};
    for (size_t i = 0; i < p->n_key; i++) {
        const struct pr_data_col *c = pr_profile_col(p, p->key[i]->name);
        bool found = false;
        for (size_t k = 0; k < PR_COUNT(plain); k++) found = found || pr_eq(c->bare, plain[k]);
        if (!found) return false;
    }
    return p->n_key > 0;
}

static void choose_row_name(struct pr_profile_run *p) {
    const char kind = p->ask->rel->kind;
    struct pr_buf name = {.a = p->a}, form = {.a = p->a};
    if (is_plain_key(p)) {
        for (size_t i = 0; i < p->n_key; i++) {
            pr_addf(&name, "%st.%s::text", i > 0 ? " || ', ' || " : "", pr_quote_ident(p->a, p->key[i]->name));
            pr_addf(&form, "%s%s", i > 0 ? ", " : "", p->key[i]->name);
        }
        p->row_name = pr_buf_text(&name);
        p->row_form = pr_buf_text(&form);
    } else if (strchr("rmp", kind) != NULL && p->whole_select) {
        const bool many = kind == 'p' || p->ask->rel->n_partitions > 0;
        p->row_name = many ? "t.tableoid::regclass::text || ' ' || t.ctid::text" : "t.ctid::text";
        p->row_form = "ctid";
    }
}

static const char *percent(struct pr_arena *a, int64_t part, int64_t whole) {
    const int64_t millionths = pr_scale(part, 100000000, whole);
    const int64_t most = millionths > 100000000 ? 100000000 : millionths < 1 ? 1 : millionths;
    return pr_fmt(a, "%" PRId64 ".%06" PRId64, most / 1000000, most % 1000000);
}

static void choose_way(struct pr_profile_run *p) {
    const struct pr_rel *r = p->ask->rel;
    const bool stored = strchr("rmp", r->kind) != NULL, tree = r->kind == 'p' || r->n_partitions > 0;
    if (stored && !p->ask->whole && r->rows > p->aimed) {
        p->way = PR_WAY_SAMPLE;
        p->percent = percent(p->a, p->aimed, r->rows);
    } else if (stored && p->n_key > 0 && (r->kind == 'p' || !tree)) {
        p->way = PR_WAY_KEY;
    } else if (stored && !tree && p->version >= 140000 && p->whole_select) {
        p->way = PR_WAY_BLOCKS;
        p->part_blocks = r->rows > 0 ? pr_scale(r->pages, p->part_rows, r->rows) : 1;
        if (p->part_blocks < 1) p->part_blocks = 1;
    } else {
        p->way = PR_WAY_ONE;
        p->why_one = !stored ? pr_fmt(p->a, "a %s has no key", pr_rel_kind_name(r->kind)) : "it has no key that parts could be cut by";
    }
}

enum pr_code pr_parts_choose(struct pr_profile_run *p, struct pr_err *e) {
    static const struct pr_pg_stmt path = {.name = "profile: search path", .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = 10000,
                                           .sql = "SELECT pg_catalog.current_setting('search_path'), pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'"};
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_pg_query(p->pg, &path, NULL, p->a, &row, e));
    p->own_path = PR_CELL(&row, 0, 0);
    p->no_encoding = pr_eq(PR_CELL(&row, 0, 1), "t");
    const int64_t wide = (int64_t)(p->n_cols > 0 ? p->n_cols : 1), most = MOST_CELLS / wide;
    p->aimed = p->ask->rows < most ? p->ask->rows : most;
    p->part_rows = MOST_CELLS / 2 / wide < PART_ROWS ? MOST_CELLS / 2 / wide : PART_ROWS;
    if (p->aimed < FEWEST_ROWS) p->aimed = FEWEST_ROWS < p->ask->rows ? FEWEST_ROWS : p->ask->rows;
    if (p->part_rows < FEWEST_ROWS) p->part_rows = FEWEST_ROWS;
    choose_key(p);
    choose_row_name(p);
    choose_way(p);
    return PR_OK;
}

/* --- transactions -------------------------------------------------------------------------------------------------- */

static int64_t left_ms(const struct pr_profile_run *p) {
    const int64_t left = (p->deadline_us - pr_mono_us()) / 1000;
    return left > 0 ? left : 0;
}

bool pr_profile_out_of_time(const struct pr_profile_run *p, const struct pr_err *e) {
    return e->code == PR_ERR_TIMEOUT || (e->code == PR_ERR_DB && pr_eq(e->sqlstate, "57014") && left_ms(p) == 0);
}

enum pr_code pr_profile_ask_rows(struct pr_profile_run *p, const char *what, const char *sql, int n_cols, struct pr_arena *a,
                                 struct pr_pg_rows *out, struct pr_err *e) {
    const int64_t left = left_ms(p);
    if (left == 0) return PR_FAIL(e, PR_ERR_TIMEOUT, "%s: out of time", what);
    const struct pr_pg_stmt q = {.name = what, .sql = sql, .shape = PR_ROWS, .n_cols = n_cols, .timeout_ms = (int)left};
    return pr_pg_query(p->pg, &q, NULL, a, out, e);
}

enum pr_code pr_parts_begin(struct pr_profile_run *p, struct pr_err *e) {
    static const struct pr_pg_stmt settings = {
        .name = "profile: settings", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 5, .timeout_ms = 10000,
        .sql = "SELECT pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', '" LOCK_WAIT "', true), "
               "pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('jit', 'off', true), "
               "pg_catalog.set_config('max_parallel_workers_per_gather', '0', true)"};
    const int64_t left = left_ms(p);
    if (left == 0) return PR_FAIL(e, PR_ERR_TIMEOUT, "profile: out of time");
    PR_TRY(e, pr_pg_do(p->pg, "profile: begin", "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", 10000, e));
    return pr_pg_query(p->pg, &settings, (const char *const[]){pr_fmt(p->a, "%" PRId64, left + 1000)}, p->a, NULL, e);
}

enum pr_code pr_parts_end(struct pr_profile_run *p, struct pr_err *e) { return pr_pg_do(p->pg, "profile: commit", "COMMIT", 10000, e); }

void pr_parts_abort(struct pr_profile_run *p) {
    struct pr_err ignored = {0};                /* the first error is the one to report; a lost link needs no rollback */
    if (pr_pg_do(p->pg, "profile: rollback", "ROLLBACK", 10000, &ignored) != PR_OK) p->at_end = true;
}

/* --- parts --------------------------------------------------------------------------------------------------------- */

static struct pr_data_part *add_part(struct pr_profile_run *p) { return PR_PUSH(p->a, p->parts, p->n_parts, p->cap_parts); }

/* The key of the last row of the next part, as a list of literals; NULL when there are fewer rows. */
static enum pr_code upper_end(struct pr_profile_run *p, const char **out, struct pr_err *e) {
    struct pr_buf sql = {.a = p->a}, list = {.a = p->a};
    pr_add(&sql, "SELECT ");
    for (size_t i = 0; i < p->n_key; i++) pr_addf(&sql, "%st.%s::text", i > 0 ? ", " : "", pr_quote_ident(p->a, p->key[i]->name));
    pr_addf(&sql, " FROM %s AS t", p->table);
    if (p->last_key != NULL) pr_addf(&sql, " WHERE ROW(%s) > ROW(%s)", p->key_list, p->last_key);
    pr_addf(&sql, " ORDER BY %s OFFSET %" PRId64 " LIMIT 1", p->key_list, p->part_rows - 1);
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: next part", pr_buf_text(&sql), (int)p->n_key, p->a, &row, e));
    *out = NULL;
    if (row.n_rows == 0) return PR_OK;
    for (size_t i = 0; i < p->n_key; i++)
        pr_addf(&list, "%s%s::%s", i > 0 ? ", " : "", pr_quote_literal(p->a, PR_CELL(&row, 0, i)), p->key[i]->type);
    *out = pr_buf_text(&list);
    return PR_OK;
}

static enum pr_code next_by_key(struct pr_profile_run *p, struct pr_err *e) {
    const char *hi = NULL;
    PR_TRY(e, upper_end(p, &hi, e));
    struct pr_data_part *part = add_part(p);
    if (p->last_key != NULL) part->lo = pr_fmt(p->a, "ROW(%s) > ROW(%s)", p->key_list, p->last_key);
    if (hi != NULL) part->hi = pr_fmt(p->a, "ROW(%s) <= ROW(%s)", p->key_list, hi);
    p->last_key = hi;
    p->at_end = hi == NULL;
    return PR_OK;
}

static void next_by_blocks(struct pr_profile_run *p) {
    struct pr_data_part *part = add_part(p);
    const int64_t end = p->block + p->part_blocks;
    part->lo = pr_fmt(p->a, "t.ctid >= '(%" PRId64 ",0)'::tid", p->block);
    if (end < p->ask->rel->pages) part->hi = pr_fmt(p->a, "t.ctid < '(%" PRId64 ",0)'::tid", end);
    p->block = end;
    p->at_end = part->hi == NULL;
}

enum pr_code pr_parts_next(struct pr_profile_run *p, bool *more, struct pr_err *e) {
    *more = !p->at_end;
    if (p->at_end) return PR_OK;
    switch (p->way) {
    case PR_WAY_KEY: return next_by_key(p, e);
    case PR_WAY_BLOCKS: next_by_blocks(p); return PR_OK;
    case PR_WAY_SAMPLE:
    case PR_WAY_ONE:
        (void)add_part(p);
        p->at_end = true;
        return PR_OK;
    }
    PR_BUG("no such way");
}

const char *pr_all_from(const struct pr_profile_run *p, struct pr_arena *a) {
    if (p->way != PR_WAY_SAMPLE) return pr_fmt(a, "FROM %s AS t", p->table);
    return pr_fmt(a, "FROM %s AS t TABLESAMPLE %s (%s) REPEATABLE (%" PRId64 ")", p->table, p->ask->bernoulli ? "BERNOULLI" : "SYSTEM",
                  p->percent, p->ask->seed);
}

const char *pr_part_from_if(const struct pr_profile_run *p, size_t part, const char *cond, struct pr_arena *a) {
    const struct pr_data_part *d = &p->parts[part];
    const char *const conds[] = {d->lo, d->hi, cond};
    struct pr_buf b = {.a = a};
    pr_add(&b, pr_all_from(p, a));
    bool any = false;
    for (size_t i = 0; i < PR_COUNT(conds); i++) {
        if (conds[i] == NULL) continue;
        pr_addf(&b, " %s (%s)", any ? "AND" : "WHERE", conds[i]);
        any = true;
    }
    return pr_buf_text(&b);
}

const char *pr_part_from(const struct pr_profile_run *p, size_t part, struct pr_arena *a) { return pr_part_from_if(p, part, NULL, a); }

enum pr_code pr_parts_keys(struct pr_profile_run *p, const struct pr_places *places, const char *cond, json_t *out, struct pr_err *e) {
    for (size_t i = 0; i < places->n && p->row_name != NULL && json_array_size(out) < PR_MOST_KEYS; i++) {
        struct pr_pg_rows rows = {0};
        const char *order = p->key_list != NULL ? pr_fmt(p->a, " ORDER BY %s", p->key_list) : "";
        const char *sql = pr_fmt(p->a, "SELECT %s %s%s LIMIT %zu", p->row_name, pr_part_from_if(p, places->part[i], cond, p->a), order,
                                 PR_MOST_KEYS - json_array_size(out));
        PR_TRY(e, pr_profile_ask_rows(p, "profile: keys", sql, 1, p->a, &rows, e));
        for (int k = 0; k < rows.n_rows; k++) pr_push_str(out, PR_CELL(&rows, k, 0));
    }
    return PR_OK;
}
