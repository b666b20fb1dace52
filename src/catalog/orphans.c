/* orphans.c: the search. A table is walked along its key in chunks; of each chunk the different keys that it refers to are looked up by
 * the other side's index. So no row is read twice (but for those in chunks from which the first orphans are shown), the server's memory holds one
 * chunk, which takes some tens of milliseconds, and between two of them neither a snapshot nor a lock is held: vacuum and DDL of others go
 * on. The price: rows that come behind the walk while it goes on are not seen. One anti-join of the whole tables takes about as long, but
 * holds its snapshot to its end, tells nothing when it is stopped, and spills to disk what does not fit. */
#include "catalog/orphans_impl.h"
#include "sql_files.gen.h"

#define LOCK_WAIT "1s"
#define HOUR_MS (60 * 60 * 1000)

int pr_orphan_left_ms(int64_t until_us) {
    const int64_t left = (until_us - pr_mono_us()) / 1000;
    return left <= 0 ? 0 : left > HOUR_MS ? HOUR_MS : (int)left;
}

/* --- one statement ------------------------------------------------------------------------------------------------ */

/* What a person can do about it is in the words; NULL: it is an error of its own. */
static const char *about_the_table(const struct pr_err *e, struct pr_arena *a) {
    if (e->code == PR_ERR_TIMEOUT || pr_eq(e->sqlstate, "57014")) return "the time was up";
    if (e->code != PR_ERR_DB) return NULL;
    if (pr_eq(e->sqlstate, "55P03")) return "somebody holds a lock on it that keeps readers out";
    const char *colon = strstr(e->msg, ": ");               /* behind the name of the statement */
    return pr_dup(a, colon != NULL ? colon + 2 : e->msg);
}

enum pr_code pr_orphan_begin(struct pr_pg *pg, int timeout_ms, struct pr_arena *a, struct pr_err *e) {
    /* Row security would hide rows and so make orphans of others: with it off the server refuses instead. Disabled node types get a price
     * that would make the server compile every statement. */
    static const struct pr_pg_stmt settings = {
        .name = "orphans settings", .shape = PR_ONE_ROW, .n_cols = 9, .n_params = 1, .timeout_ms = 10000,
        .sql = "SELECT set_config('search_path', 'pg_catalog, pg_temp', true), set_config('row_security', 'off', true),"
               " set_config('statement_timeout', $1, true), set_config('lock_timeout', '" LOCK_WAIT "', true),"
               " set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true),"
               " set_config('max_parallel_workers_per_gather', '0', true), set_config('TimeZone', 'UTC', true)"};
    const char *limit = pr_fmt(a, "%d", timeout_ms);
    PR_TRY(e, pr_pg_do(pg, "orphans begin", "BEGIN READ ONLY", 10000, e));
    return pr_pg_query(pg, &settings, &limit, a, NULL, e);
}

enum pr_code pr_orphan_end(struct pr_pg *pg, enum pr_code code, struct pr_arena *a, const char **why, struct pr_err *e) {
    *why = NULL;
    if (code == PR_OK) return pr_pg_do(pg, "orphans commit", "COMMIT", 10000, e);
    if (code == PR_ERR_CONNECT) return code;
    struct pr_err second = {0};
    if (pr_pg_do(pg, "orphans rollback", "ROLLBACK", 10000, &second) != PR_OK) return code;
    *why = about_the_table(e, a);
    return *why != NULL ? PR_OK : code;
}

enum pr_code pr_orphan_ask(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *const *params, struct pr_arena *a, struct pr_pg_rows *out,
                           const char **why, struct pr_err *e) {
    enum pr_code code = pr_orphan_begin(pg, q->timeout_ms, a, e);
    if (code == PR_OK) code = pr_pg_query(pg, q, params, a, out, e);
    return pr_orphan_end(pg, code, a, why, e);
}

static json_t *texts_of(const char *const *items, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) pr_push_str(list, items[i]);
    return list;
}

static const char *asked(const struct pr_ref *r, struct pr_arena *a) {
    json_t *list PR_CLEANUP(pr_json_freep) = json_array();
    json_t *o = pr_push_object(list);
    pr_set_str(o, "schema", r->schema);
    pr_set_str(o, "table", r->table);
    pr_set_str(o, "ref_schema", r->ref_schema);
    pr_set_str(o, "ref_table", r->ref_table);
    pr_set(o, "cols", texts_of(r->cols, r->n_cols));
    pr_set(o, "ref_cols", texts_of(r->ref_cols, r->ref_cols != NULL ? r->n_cols : 0));
    pr_set_bool(o, "all_lost", r->all_lost);
    pr_set_bool(o, "period", r->period);
    return pr_json_text(a, list, false);
}

enum pr_code pr_orphan_resolve(struct pr_pg *pg, const struct pr_ref *ref, int timeout_ms, struct pr_arena *a, json_t **out, const char **why, struct pr_err *e) {
    const struct pr_pg_stmt q = {.name = "orphans tables", .sql = pr_sql_orphans_resolve, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = timeout_ms};
    const char *param = asked(ref, a);
    struct pr_pg_rows rows;
    PR_TRY(e, pr_orphan_ask(pg, &q, &param, a, &rows, why, e));
    if (*why != NULL) return PR_OK;
    json_t *list PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_json_parse(q.name, PR_CELL(&rows, 0, 0), strlen(PR_CELL(&rows, 0, 0)), &list, e));
    json_t *doc = json_array_get(list, 0);
    const char *problem = pr_get_str(doc, "problem");
    if (problem != NULL) *why = pr_dup(a, problem);
    else *out = json_incref(doc);
    return PR_OK;
}

/* --- one reference ------------------------------------------------------------------------------------------------ */

struct search {
    struct pr_pg *pg;
    const struct pr_orphan_search *how;
    struct pr_arena *a;
    struct pr_err *e;
    int version_num;
    struct pr_resolved r;
    struct pr_orphans *out;
    struct pr_map missing;
    size_t cap_first;
    const char **bounds;           /* keys: behind the first n_key of them, up to the n_key after those */
};

static const char *const *texts_from(struct pr_arena *a, const json_t *list) {
    const char **out = PR_NEW_ARRAY(a, const char *, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) out[i] = pr_dup(a, json_string_value(json_array_get(list, i)));
    return out;
}

static void keep_first(struct search *s, const json_t *list) {
    size_t i = 0;
    json_t *pair = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, pair) {
        if (s->out->n_first >= s->how->first) return;
        struct pr_orphan *o = PR_PUSH(s->a, s->out->first, s->out->n_first, s->cap_first);
        *o = (struct pr_orphan){.key = texts_from(s->a, json_array_get(pair, 0)), .missing = texts_from(s->a, json_array_get(pair, 1))};
    }
}

/* The same key may be missing in several chunks. */
static void keep_missing(struct search *s, struct pr_arena *scratch, const json_t *list) {
    size_t i = 0;
    json_t *key = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, key) {
        if (s->missing.n >= PR_CAP_MISSING) {
            s->out->missing_more = true;
            return;
        }
        const char *text = pr_json_text(scratch, key, false);
        if (pr_map_get(&s->missing, NULL, text) != NULL) continue;
        *pr_map_at(&s->missing, NULL, pr_dup(s->a, text)) = s->out;
        s->out->missing++;
    }
}

/* Times of one column as ISO texts in UTC: the texts follow each other as the times do. */
static void keep_age(struct search *s, const char *oldest, const char *newest) {
    if (oldest == NULL) return;
    if (s->out->oldest == NULL || strcmp(oldest, s->out->oldest) < 0) s->out->oldest = pr_dup(s->a, oldest);
    if (s->out->newest == NULL || strcmp(newest, s->out->newest) > 0) s->out->newest = pr_dup(s->a, newest);
}

static enum pr_code parse_cell(struct search *s, const char *text, json_t **out) {
    if (text == NULL) return PR_OK;
    return pr_json_parse("orphans", text, strlen(text), out, s->e);
}

static size_t n_key(const struct pr_stretch *st) { return json_array_size(pr_get(st->leaf, "key")); }

static const char *const *params_of(const struct search *s, const struct pr_stretch *st) { return s->bounds + (st->after ? 0 : n_key(st)); }
static int n_params_of(const struct pr_stretch *st) { return (int)(n_key(st) * ((st->after ? 1u : 0u) + (st->up_to ? 1u : 0u))); }

/* Where the next chunk ends, from the index; up_to stays false when it is the last one. */
static enum pr_code find_bound(struct search *s, struct pr_arena *a, struct pr_stretch *st, int left) {
    const size_t n = n_key(st);
    st->up_to = false;
    if (n == 0) return PR_OK;
    const struct pr_pg_stmt q = {.name = "orphans chunk", .sql = pr_orphan_bound_sql(a, st), .n_params = n_params_of(st), .shape = PR_MAYBE_ROW, .n_cols = (int)n, .timeout_ms = left};
    struct pr_pg_rows rows;
    PR_TRY(s->e, pr_pg_query(s->pg, &q, params_of(s, st), a, &rows, s->e));
    st->up_to = rows.n_rows == 1;
    for (size_t i = 0; i < n && st->up_to; i++) s->bounds[n + i] = pr_dup(s->a, PR_CELL(&rows, 0, i));
    return PR_OK;
}

static enum pr_code find_first(struct search *s, struct pr_arena *a, const struct pr_stretch *st, int left) {
    const size_t wanted = s->how->first - s->out->n_first;
    const struct pr_pg_stmt q = {.name = "orphans first ones", .sql = pr_orphan_first_sql(a, &s->r, st, wanted), .n_params = n_params_of(st), .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = left};
    struct pr_pg_rows rows;
    json_t *first PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(s->e, pr_pg_query(s->pg, &q, params_of(s, st), a, &rows, s->e));
    PR_TRY(s->e, parse_cell(s, PR_CELL(&rows, 0, 0), &first));
    keep_first(s, first);
    return PR_OK;
}

static enum pr_code count(struct search *s, struct pr_arena *a, const struct pr_stretch *st, int left) {
    const struct pr_pg_stmt q = {.name = "orphans", .sql = pr_orphan_count_sql(a, &s->r, st), .n_params = n_params_of(st), .shape = PR_ONE_ROW, .n_cols = PR_ORPHAN_COUNTED, .timeout_ms = left};
    struct pr_pg_rows rows;
    json_t *missing PR_CLEANUP(pr_json_freep) = NULL;
    int64_t read = 0, lost = 0;
    PR_TRY(s->e, pr_pg_query(s->pg, &q, params_of(s, st), a, &rows, s->e));
    PR_TRY(s->e, pr_parse_i64(PR_CELL(&rows, 0, 0), 0, INT64_MAX, &read, s->e));
    PR_TRY(s->e, pr_parse_i64(PR_CELL(&rows, 0, 2), 0, INT64_MAX, &lost, s->e));
    PR_TRY(s->e, parse_cell(s, PR_CELL(&rows, 0, 5), &missing));
    s->out->read += read;
    s->out->rows += lost;
    keep_missing(s, a, missing);
    keep_age(s, PR_CELL(&rows, 0, 3), PR_CELL(&rows, 0, 4));
    return lost > 0 && s->out->n_first < s->how->first ? find_first(s, a, st, left) : PR_OK;
}

/* One chunk in one transaction; its answers live in an arena of their own. */
static enum pr_code chunk(struct search *s, struct pr_stretch *st) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)256 << 20);
    const int left = pr_orphan_left_ms(s->how->until_us);
    const char *why = NULL;
    if (left == 0) {
        s->out->stopped = "the time was up";
        return PR_OK;
    }
    enum pr_code code = pr_orphan_begin(s->pg, left, a, s->e);
    if (code == PR_OK) code = find_bound(s, a, st, left);
    if (code == PR_OK) code = count(s, a, st, left);
    PR_TRY(s->e, pr_orphan_end(s->pg, code, a, &why, s->e));
    if (why == NULL) return PR_OK;
    if (s->out->read == 0 && !pr_eq(why, "the time was up")) s->out->unread = pr_dup(s->a, why);
    else s->out->stopped = pr_dup(s->a, why);
    return PR_OK;
}

static bool done_with(const struct search *s) { return s->out->unread != NULL || s->out->stopped != NULL || (s->how->stop_at_first && s->out->rows > 0); }

static void tell(const struct search *s) {
    if (s->how->talk == NULL) return;
    pr_progress(s->how->talk, &(struct pr_progress){.what = pr_fmt(s->a, "looking for orphans in %s", pr_ref_from(s->a, s->r.ref)), .done = s->out->read,
                                                    .total = s->out->estimate > s->out->read ? s->out->estimate : 0, .unit = "rows"});
}

static enum pr_code walk_leaf(struct search *s, const json_t *leaf) {
    struct pr_stretch st = {.leaf = leaf, .version_num = s->version_num, .end_block = PR_ORPHAN_BLOCKS};
    const size_t n = n_key(&st);
    const int64_t blocks = pr_get_int(leaf, "blocks");
    s->bounds = PR_NEW_ARRAY(s->a, const char *, 2 * n + 1);
    for (;;) {
        if (s->how->talk != NULL && pr_interrupted(s->how->talk)) return PR_FAIL(s->e, PR_ERR_INTERRUPTED, "interrupted");
        if (n == 0 && st.block >= blocks) return PR_OK;
        PR_TRY(s->e, chunk(s, &st));
        tell(s);
        if (done_with(s) || (n > 0 && !st.up_to)) return PR_OK;
        for (size_t i = 0; i < n; i++) s->bounds[i] = s->bounds[n + i];
        st.after = n > 0;
        st.up_to = false;
        st.block = st.end_block;
        st.end_block += PR_ORPHAN_BLOCKS;
    }
}

static void name_key(struct search *s, const json_t *leaf) {
    const json_t *key = pr_get(leaf, "key");
    const size_t n = json_array_size(key);
    const char **names = PR_NEW_ARRAY(s->a, const char *, n + 1);
    names[0] = "ctid";
    for (size_t i = 0; i < n; i++) names[i] = pr_dup(s->a, pr_get_str(json_array_get(key, i), "name"));
    s->out->key_cols = names;
    s->out->n_key_cols = n > 0 ? n : 1;
    s->out->by_blocks = n == 0;
}

static enum pr_code walk(struct search *s) {
    const json_t *leaves = pr_get(s->r.doc, "leaves");
    size_t i = 0;
    json_t *leaf = NULL;
    s->out->age_col = pr_dup(s->a, pr_get_str(s->r.doc, "age"));
    json_array_foreach(leaves, i, leaf) s->out->estimate = pr_sat_add(s->out->estimate, pr_get_int(leaf, "rows"));
    json_array_foreach(leaves, i, leaf) {
        if (done_with(s)) return PR_OK;
        name_key(s, leaf);
        if (pr_get_bool(leaf, "foreign")) s->out->stopped = pr_fmt(s->a, "partition %s lies on another server", pr_qualified(s->a, pr_get_str(leaf, "schema"), pr_get_str(leaf, "table")));
        else PR_TRY(s->e, walk_leaf(s, leaf));
    }
    return PR_OK;
}

static enum pr_code search_one(struct search *s) {
    const int64_t began = pr_mono_us();
    const int left = pr_orphan_left_ms(s->how->until_us);
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    const char *why = NULL;
    if (left == 0) s->out->stopped = "the time was up";
    else PR_TRY(s->e, pr_orphan_resolve(s->pg, s->r.ref, left, s->a, &doc, &why, s->e));
    s->out->unread = why;
    s->r.doc = doc;
    enum pr_code code = PR_OK;
    if (doc != NULL) code = walk(s);
    s->r.doc = NULL;
    if (s->out->oldest == NULL) s->out->age_col = NULL;
    s->out->elapsed_us = pr_mono_us() - began;
    return code;
}

enum pr_code pr_orphans_find(struct pr_pg *pg, const struct pr_ref *refs, size_t n, const struct pr_orphan_search *how, struct pr_arena *a,
                             struct pr_orphans **out, struct pr_err *e) {
    const struct pr_pg_ident *who = NULL;
    PR_TRY(e, pr_pg_identity(pg, &who, e));
    struct pr_orphans *list = PR_NEW_ARRAY(a, struct pr_orphans, n);
    for (size_t i = 0; i < n; i++) {
        list[i].ref = &refs[i];
        struct search s = {.pg = pg, .how = how, .a = a, .e = e, .version_num = who->version_num, .r = {.ref = &refs[i]}, .out = &list[i], .missing = {.a = a}};
        PR_TRY(e, search_one(&s));
    }
    if (how->talk != NULL) pr_progress(how->talk, NULL);
    *out = list;
    return PR_OK;
}

/* --- before a script ----------------------------------------------------------------------------------------------- */

static bool same_names(const char *const *a, const char *const *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!pr_eq(a[i], b[i])) return false;
    return true;
}

bool pr_ref_same(const struct pr_ref *x, const struct pr_ref *y) {
    return pr_eq(x->schema, y->schema) && pr_eq(x->table, y->table) && pr_eq(x->ref_schema, y->ref_schema) && pr_eq(x->ref_table, y->ref_table) &&
           x->n_cols == y->n_cols && x->all_lost == y->all_lost && same_names(x->cols, y->cols, x->n_cols) && same_names(x->ref_cols, y->ref_cols, x->n_cols);
}

/* A guess that nothing but a name stands for would frighten people for nothing. */
#define LIKELY 80
#define MOST_RELATIONS 2000        /* of a database whose facts are read whole for a drop */

static bool goes(const struct pr_dropped *d, const char *schema, const char *table) { return pr_eq(d->schema, schema) && pr_eq(d->table, table); }

static bool is_cut(struct pr_ref *r, const struct pr_dropped *dropped, size_t n) {
    bool cut = false, child_goes = false;
    for (size_t i = 0; i < n; i++) {
        const struct pr_dropped *d = &dropped[i];
        if (goes(d, r->schema, r->table) && d->column == NULL) child_goes = true;
        if (goes(d, r->schema, r->table) && d->column != NULL && pr_mentions(r->cols, r->n_cols, d->column)) cut = true;
        if (goes(d, r->ref_schema, r->ref_table) && (d->column == NULL || pr_mentions(r->ref_cols, r->n_cols, d->column))) cut = r->all_lost = true;
    }
    return cut && !child_goes;
}

static enum pr_code guessed(struct pr_pg *pg, const struct pr_dropped *dropped, size_t n_dropped, int64_t until_us, struct pr_arena *a, struct pr_ref **out, size_t *n_out,
                            struct pr_err *e) {
    struct pr_facts *whole = NULL;
    struct pr_ref *all = NULL;
    size_t n = 0, kept = 0;
    PR_TRY(e, pr_facts_read(pg, NULL, 0, a, &whole, e));
    const size_t n_all = pr_refs_inferred(whole, NULL, 0, a, &all);
    for (size_t i = 0; i < n_all; i++) {
        struct pr_ref r = all[i];
        if (is_cut(&r, dropped, n_dropped)) all[n++] = all[i];
    }
    PR_TRY(e, pr_refs_weigh(pg, whole, all, &n, until_us, a, e));
    for (size_t i = 0; i < n; i++)
        if (all[i].confidence >= LIKELY && is_cut(&all[i], dropped, n_dropped)) all[kept++] = all[i];
    *out = all;
    *n_out = kept;
    return PR_OK;
}

enum pr_code pr_facts_orphans(struct pr_pg *pg, const struct pr_ref *refs, size_t n, const struct pr_dropped *dropped, size_t n_dropped, int64_t timeout_ms,
                              const struct pr_talk *talk, struct pr_arena *a, struct pr_facts *f, struct pr_err *e) {
    if (timeout_ms == 0 || n + n_dropped == 0) return PR_OK;
    const struct pr_orphan_search how = {.until_us = pr_mono_us() + timeout_ms * 1000, .talk = talk};
    struct pr_ref *more = NULL;
    size_t n_more = 0;
    if (n_dropped > 0 && f->n_all_relations <= MOST_RELATIONS) PR_TRY(e, guessed(pg, dropped, n_dropped, how.until_us, a, &more, &n_more, e));
    struct pr_ref *all = PR_NEW_ARRAY(a, struct pr_ref, n + n_more + 1);
    for (size_t i = 0; i < n + n_more; i++) all[i] = i < n ? refs[i] : more[i - n];
    struct pr_orphans *found = NULL;
    PR_TRY(e, pr_orphans_find(pg, all, n + n_more, &how, a, &found, e));
    f->orphans = found;
    f->n_orphans = n + n_more;
    return PR_OK;
}
