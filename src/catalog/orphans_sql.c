/* orphans_sql.c: SQL of the search for orphans, put together from what the server said of the tables. */
#include "catalog/orphans_impl.h"

static const char *quoted(struct pr_arena *a, const json_t *o, const char *key) { return pr_quote_ident(a, pr_get_str(o, key)); }

const char *pr_ref_from(struct pr_arena *a, const struct pr_ref *r) {
    struct pr_buf b = {.a = a};
    pr_addf(&b, "%s (", pr_qualified(a, r->schema, r->table));
    for (size_t i = 0; i < r->n_cols; i++) pr_addf(&b, "%s%s", i > 0 ? ", " : "", pr_quote_ident(a, r->cols[i]));
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

const char *pr_ref_to(struct pr_arena *a, const struct pr_ref *r) {
    struct pr_buf b = {.a = a};
    pr_add(&b, pr_qualified(a, r->ref_schema, r->ref_table));
    for (size_t i = 0; i < r->n_cols && r->ref_cols != NULL; i++) pr_addf(&b, "%s%s", i > 0 ? ", " : " (", pr_quote_ident(a, r->ref_cols[i]));
    if (r->ref_cols != NULL) pr_add(&b, ")");
    return pr_buf_text(&b);
}

/* MATCH SIMPLE: a row with any null refers to nothing and is right. MATCH FULL: only one that is null throughout is. A period is right when
 * those of the rows that it refers to cover it together: as the server's own check asks. */
const char *pr_ref_condition(struct pr_arena *a, const struct pr_ref *r, const char *alias) {
    struct pr_buf b = {.a = a};
    if (r->match_full && r->n_cols > 1) pr_add(&b, "NOT (");
    for (size_t i = 0; i < r->n_cols; i++)
        pr_addf(&b, "%s%s.%s %s", i > 0 ? " AND " : "", alias, pr_quote_ident(a, r->cols[i]), r->match_full && r->n_cols > 1 ? "IS NULL" : "IS NOT NULL");
    if (r->match_full && r->n_cols > 1) pr_add(&b, ")");
    pr_addf(&b, " AND NOT EXISTS (SELECT FROM %s AS there WHERE ", pr_qualified(a, r->ref_schema, r->ref_table));
    const size_t last = r->n_cols - 1;
    for (size_t i = 0; i < r->n_cols; i++)
        pr_addf(&b, "%sthere.%s %s %s.%s", i > 0 ? " AND " : "", pr_quote_ident(a, r->ref_cols[i]), r->period && i == last ? "&&" : "=", alias, pr_quote_ident(a, r->cols[i]));
    if (r->period) pr_addf(&b, " HAVING %s.%s <@ range_agg(there.%s)", alias, pr_quote_ident(a, r->cols[last]), pr_quote_ident(a, r->ref_cols[last]));
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

struct writing { struct pr_arena *a; struct pr_buf b; const struct pr_resolved *r; const struct pr_stretch *s; const json_t *cols, *key; size_t n_cols, n_key; };

static struct writing writing(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s) {
    struct writing w = {.a = a, .b = {.a = a}, .r = r, .s = s, .cols = r != NULL ? pr_get(r->doc, "columns") : NULL, .key = pr_get(s->leaf, "key")};
    w.n_cols = json_array_size(w.cols);
    w.n_key = json_array_size(w.key);
    return w;
}

static const char *leaf_name(const struct writing *w) { return pr_qualified(w->a, pr_get_str(w->s->leaf, "schema"), pr_get_str(w->s->leaf, "table")); }

static void names(struct writing *w, const char *alias, const json_t *list, const char *key, const char *after) {
    for (size_t i = 0; i < json_array_size(list); i++)
        pr_addf(&w->b, "%s%s%s%s", i > 0 ? ", " : "", alias, quoted(w->a, json_array_get(list, i), key), after);
}

/* "(t.a, t.b) > ($1::bigint, $2::text)" */
static void bound(struct writing *w, const char *op, size_t from) {
    pr_add(&w->b, "(");
    names(w, "t.", w->key, "name", "");
    pr_addf(&w->b, ") %s (", op);
    for (size_t i = 0; i < w->n_key; i++) pr_addf(&w->b, "%s$%zu::%s", i > 0 ? ", " : "", from + i, pr_get_str(json_array_get(w->key, i), "type"));
    pr_add(&w->b, ")");
}

/* TID ranges are read as such from 14 on. Before, each place is named; a page holds no more rows than its bytes by those of the smallest one. */
static void where(struct writing *w) {
    const struct pr_stretch *s = w->s;
    if (s->sample) {
        pr_add(&w->b, "true");
    } else if (w->n_key > 0) {
        if (s->after) bound(w, ">", 1);
        if (s->up_to) {
            if (s->after) pr_add(&w->b, " AND ");
            bound(w, "<=", s->after ? w->n_key + 1 : 1);
        }
        if (!s->after && !s->up_to) pr_add(&w->b, "true");
    } else if (s->version_num >= 140000) {
        pr_addf(&w->b, "t.ctid >= '(%" PRId64 ",0)'::tid AND t.ctid < '(%" PRId64 ",0)'::tid", s->block, s->end_block);
    } else {
        pr_addf(&w->b, "t.ctid = ANY (ARRAY(SELECT format('(%%s,%%s)', b, i)::tid FROM generate_series(%" PRId64 "::bigint, %" PRId64
                ") AS b, generate_series(1, current_setting('block_size')::int / 28) AS i))", s->block, s->end_block - 1);
    }
}

/* MATCH SIMPLE and MATCH FULL: see pr_ref_condition. */
static void refers(struct writing *w, const char *alias) {
    const bool full = w->r->ref->match_full && w->n_cols > 1;
    for (size_t i = 0; i < w->n_cols; i++) pr_addf(&w->b, "%s%s.f%zu IS NOT NULL", i == 0 ? "" : full ? " OR " : " AND ", alias, i + 1);
}

/* LIMIT keeps the server from reading the other table as a whole for each stretch: every key is looked up by the index. */
static void lookup(struct writing *w, const char *alias) {
    const struct pr_ref *ref = w->r->ref;
    if (ref->all_lost) {
        pr_add(&w->b, " CROSS JOIN (SELECT NULL::boolean AS there) AS l");
        return;
    }
    pr_addf(&w->b, " LEFT JOIN LATERAL (SELECT true AS there FROM %s%s AS p WHERE ", pr_get_bool(w->r->doc, "only") ? "ONLY " : "", pr_qualified(w->a, ref->ref_schema, ref->ref_table));
    for (size_t i = 0; i < w->n_cols; i++) {
        const json_t *c = json_array_get(w->cols, i);
        pr_addf(&w->b, "%sp.%s %s %s.f%zu%s%s", i > 0 ? " AND " : "", quoted(w->a, c, "ref_name"), pr_get_str(c, "operator"), alias, i + 1, pr_get_str(c, "cast"),
                pr_get_str(c, "collate"));
    }
    const json_t *last = json_array_get(w->cols, w->n_cols - 1);
    if (ref->period) pr_addf(&w->b, " HAVING %s.f%zu <@ range_agg(p.%s)) AS l ON true", alias, w->n_cols, quoted(w->a, last, "ref_name"));
    else pr_add(&w->b, " LIMIT 1) AS l ON true");
}

/* Columns that refer, as f1, f2 … */
static void referring(struct writing *w) {
    for (size_t i = 0; i < w->n_cols; i++) pr_addf(&w->b, "%st.%s AS f%zu", i > 0 ? ", " : "", quoted(w->a, json_array_get(w->cols, i), "name"), i + 1);
}

static void numbered(struct writing *w, const char *prefix, size_t n, const char *after) {
    for (size_t i = 0; i < n; i++) pr_addf(&w->b, "%s%s%zu%s", i > 0 ? ", " : "", prefix, i + 1, after);
}

const char *pr_orphan_bound_sql(struct pr_arena *a, const struct pr_stretch *s) {
    struct writing w = writing(a, NULL, s);
    pr_add(&w.b, "SELECT ");
    names(&w, "t.", w.key, "name", "::text");
    pr_addf(&w.b, " FROM ONLY %s AS t WHERE ", leaf_name(&w));
    where(&w);
    pr_add(&w.b, " ORDER BY ");
    names(&w, "t.", w.key, "name", "");
    pr_addf(&w.b, " OFFSET %d LIMIT 1", PR_ORPHAN_ROWS - 1);
    return pr_buf_text(&w.b);
}

const char *pr_orphan_count_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s) {
    struct writing w = writing(a, r, s);
    const char *age = pr_get_str(r->doc, "age");
    pr_add(&w.b, "WITH part AS (\n    SELECT ");
    referring(&w);
    pr_addf(&w.b, ", %s%s AS at FROM ONLY %s AS t", age != NULL ? "t." : "", age != NULL ? pr_quote_ident(a, age) : "NULL::date", leaf_name(&w));
    if (s->sample) {
        const int64_t blocks = pr_get_int(s->leaf, "blocks");
        pr_addf(&w.b, " TABLESAMPLE SYSTEM (%.6f) REPEATABLE (0)", blocks > PR_ORPHAN_BLOCKS ? 100.0 * PR_ORPHAN_BLOCKS / (double)blocks : 100.0);
    }
    pr_add(&w.b, " WHERE ");
    where(&w);
    if (s->sample) pr_addf(&w.b, " LIMIT %d", PR_ORPHAN_SAMPLE);
    pr_add(&w.b, "\n),\nkeys AS (\n    SELECT ");
    numbered(&w, "f", w.n_cols, "");
    pr_add(&w.b, ", count(*) AS n, min(at) AS oldest, max(at) AS newest FROM part GROUP BY ");
    numbered(&w, "f", w.n_cols, "");
    pr_add(&w.b, "\n),\nseen AS (\n    SELECT k.*, (");
    refers(&w, "k");
    pr_add(&w.b, ") AS refers, l.there FROM keys AS k");
    lookup(&w, "k");
    pr_add(&w.b, "\n)\nSELECT coalesce(sum(n), 0), count(*) FILTER (WHERE refers), coalesce(sum(n) FILTER (WHERE refers AND there IS NULL), 0),\n"
                 "       min(oldest) FILTER (WHERE refers AND there IS NULL)::text, max(newest) FILTER (WHERE refers AND there IS NULL)::text,\n"
                 "       json_agg(json_build_array(");
    numbered(&w, "f", w.n_cols, "::text");
    pr_add(&w.b, ")) FILTER (WHERE refers AND there IS NULL)::text\nFROM seen");
    return pr_buf_text(&w.b);
}

const char *pr_orphan_first_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s, size_t n) {
    struct writing w = writing(a, r, s);
    const size_t n_key = w.n_key > 0 ? w.n_key : 1;
    pr_add(&w.b, "SELECT json_agg(json_build_array(json_build_array(");
    numbered(&w, "k", n_key, "::text");
    pr_add(&w.b, "), json_build_array(");
    numbered(&w, "f", w.n_cols, "::text");
    pr_add(&w.b, ")) ORDER BY ");
    numbered(&w, "k", n_key, "");
    pr_add(&w.b, ")::text FROM (\n    SELECT c.* FROM (SELECT ");
    for (size_t i = 0; i < w.n_key; i++) pr_addf(&w.b, "t.%s AS k%zu, ", quoted(a, json_array_get(w.key, i), "name"), i + 1);
    if (w.n_key == 0) pr_add(&w.b, "t.ctid AS k1, ");
    referring(&w);
    pr_addf(&w.b, " FROM ONLY %s AS t WHERE ", leaf_name(&w));
    where(&w);
    pr_add(&w.b, ") AS c");
    lookup(&w, "c");
    pr_add(&w.b, " WHERE (");
    refers(&w, "c");
    pr_add(&w.b, ") AND l.there IS NULL ORDER BY ");
    numbered(&w, "c.k", n_key, "");
    pr_addf(&w.b, " LIMIT %zu\n) AS o", n);
    return pr_buf_text(&w.b);
}
