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

/* MATCH SIMPLE: a row with any null refers to nothing and is right. MATCH FULL: only one that is null throughout is. */
const char *pr_ref_condition(struct pr_arena *a, const struct pr_ref *r, const char *alias) {
    struct pr_buf b = {.a = a};
    if (r->match_full && r->n_cols > 1) pr_add(&b, "NOT (");
    for (size_t i = 0; i < r->n_cols; i++)
        pr_addf(&b, "%s%s.%s %s", i > 0 ? " AND " : "", alias, pr_quote_ident(a, r->cols[i]), r->match_full && r->n_cols > 1 ? "IS NULL" : "IS NOT NULL");
    if (r->match_full && r->n_cols > 1) pr_add(&b, ")");
    pr_addf(&b, " AND NOT EXISTS (SELECT FROM %s AS there WHERE ", pr_qualified(a, r->ref_schema, r->ref_table));
    for (size_t i = 0; i < r->n_cols; i++)
        pr_addf(&b, "%sthere.%s = %s.%s", i > 0 ? " AND " : "", pr_quote_ident(a, r->ref_cols[i]), alias, pr_quote_ident(a, r->cols[i]));
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

struct writing { struct pr_arena *a; struct pr_buf b; const struct pr_resolved *r; const struct pr_stretch *s; const json_t *cols, *key; size_t n_cols, n_key; };

/* "k1::text, k2::text" */
static void texts(struct writing *w, char letter, size_t n) {
    for (size_t i = 0; i < n; i++) pr_addf(&w->b, "%s%c%zu::text", i > 0 ? ", " : "", letter, i + 1);
}

static void names(struct writing *w, size_t n) {
    for (size_t i = 0; i < n; i++) pr_addf(&w->b, "%sf%zu", i > 0 ? ", " : "", i + 1);
}

static void key_names(struct writing *w, const char *alias) {
    for (size_t i = 0; i < w->n_key; i++) pr_addf(&w->b, "%s%s%s", i > 0 ? ", " : "", alias, quoted(w->a, json_array_get(w->key, i), "name"));
}

static void where(struct writing *w) {
    const struct pr_stretch *s = w->s;
    if (s->sample) return;
    if (w->n_key == 0 && s->version_num >= 140000)
        pr_addf(&w->b, " WHERE t.ctid >= '(%" PRId64 ",0)'::tid AND t.ctid < '(%" PRId64 ",0)'::tid", s->block, s->end_block);
    else if (w->n_key == 0)                                 /* 13 reads no ranges of them; a page of 8 kB holds at most 291 rows */
        pr_addf(&w->b, " WHERE t.ctid = ANY (ARRAY(SELECT format('(%%s,%%s)', b, i)::tid FROM generate_series(%" PRId64 "::bigint, %" PRId64
                       ") AS b, generate_series(1, current_setting('block_size')::int / 28) AS i))", s->block, s->end_block - 1);
    if (w->n_key > 0 && s->after) {
        pr_add(&w->b, " WHERE (");
        key_names(w, "t.");
        pr_add(&w->b, ") > (");
        for (size_t i = 0; i < w->n_key; i++) pr_addf(&w->b, "%s$%zu::%s", i > 0 ? ", " : "", i + 1, pr_get_str(json_array_get(w->key, i), "type"));
        pr_add(&w->b, ")");
    }
}

/* The rows of the stretch: keys k1 …, columns that refer f1 …, their time. */
static void part(struct writing *w) {
    const struct pr_ref *ref = w->r->ref;
    const struct pr_stretch *s = w->s;
    const char *age = pr_get_str(w->r->doc, "age");
    pr_add(&w->b, "WITH part AS MATERIALIZED (\n    SELECT row_number() OVER () AS n, t.* FROM (SELECT ");
    for (size_t i = 0; i < w->n_key; i++) pr_addf(&w->b, "t.%s AS k%zu, ", quoted(w->a, json_array_get(w->key, i), "name"), i + 1);
    if (w->n_key == 0) pr_add(&w->b, "t.ctid AS k1, ");
    for (size_t i = 0; i < w->n_cols; i++) pr_addf(&w->b, "t.%s AS f%zu, ", quoted(w->a, json_array_get(w->cols, i), "name"), i + 1);
    if (age != NULL) pr_addf(&w->b, "t.%s AS at", pr_quote_ident(w->a, age));
    else pr_add(&w->b, "NULL::date AS at");
    if (s->sample) {
        const int64_t blocks = pr_get_int(s->leaf, "blocks");
        const double percent = blocks > 100 ? 10000.0 / (double)blocks : 100.0;
        pr_addf(&w->b, " FROM ONLY %s AS t TABLESAMPLE SYSTEM (%.6f) REPEATABLE (0)", pr_qualified(w->a, pr_get_str(s->leaf, "schema"), pr_get_str(s->leaf, "table")), percent);
    } else {
        pr_addf(&w->b, " FROM ONLY %s AS t", pr_qualified(w->a, pr_get_str(s->leaf, "schema"), pr_get_str(s->leaf, "table")));
    }
    where(w);
    if (w->n_key > 0 && !s->sample) {
        pr_add(&w->b, " ORDER BY ");
        key_names(w, "t.");
    }
    if (s->sample) pr_addf(&w->b, " LIMIT %d", PR_ORPHAN_SAMPLE);
    else if (w->n_key > 0) pr_addf(&w->b, " LIMIT %d", PR_ORPHAN_ROWS);
    pr_add(&w->b, ") AS t\n),\ngroups AS (\n    SELECT ");
    names(w, w->n_cols);
    pr_add(&w->b, ", array_agg(n) AS ns FROM part WHERE ");
    const bool full = ref->match_full && w->n_cols > 1;
    for (size_t i = 0; i < w->n_cols; i++) pr_addf(&w->b, "%sf%zu IS NOT NULL", i == 0 ? "" : full ? " OR " : " AND ", i + 1);
    pr_add(&w->b, " GROUP BY ");
    names(w, w->n_cols);
    pr_add(&w->b, "\n)");
}

/* LIMIT keeps the server from reading the other table as a whole for each stretch: every key is looked up by the index. */
static void gone(struct writing *w) {
    const struct pr_ref *ref = w->r->ref;
    pr_add(&w->b, ",\ngone AS MATERIALIZED (\n    SELECT g.* FROM groups AS g");
    if (!ref->all_lost) {
        pr_addf(&w->b, " LEFT JOIN LATERAL (SELECT true AS there FROM %s%s AS p WHERE ", pr_get_bool(w->r->doc, "only") ? "ONLY " : "",
                pr_qualified(w->a, ref->ref_schema, ref->ref_table));
        for (size_t i = 0; i < w->n_cols; i++) {
            const json_t *c = json_array_get(w->cols, i);
            pr_addf(&w->b, "%sp.%s %s g.f%zu%s%s", i > 0 ? " AND " : "", quoted(w->a, c, "ref_name"), pr_get_str(c, "operator"), i + 1, pr_get_str(c, "cast"),
                    pr_get_str(c, "collate"));
        }
        pr_add(&w->b, " LIMIT 1) AS l ON true WHERE l.there IS NULL");
    }
    pr_add(&w->b, "\n),\nlost AS MATERIALIZED (\n    SELECT p.* FROM gone AS g CROSS JOIN LATERAL unnest(g.ns) AS u (n) JOIN part AS p ON p.n = u.n\n)");
}

const char *pr_orphan_sql(struct pr_arena *a, const struct pr_resolved *r, const struct pr_stretch *s) {
    struct writing w = {.a = a, .b = {.a = a}, .r = r, .s = s, .cols = pr_get(r->doc, "columns"), .key = pr_get(s->leaf, "key")};
    w.n_cols = json_array_size(w.cols);
    w.n_key = json_array_size(w.key);
    part(&w);
    gone(&w);
    const size_t shown = w.n_key > 0 ? w.n_key : 1;
    pr_add(&w.b, "\nSELECT (SELECT count(*) FROM part),\n       (SELECT json_build_array(");
    texts(&w, 'k', shown);
    pr_add(&w.b, ") FROM part ORDER BY n DESC LIMIT 1)::text,\n       (SELECT count(*) FROM groups),\n       count(*), min(at)::text, max(at)::text,\n"
                 "       (SELECT json_agg(json_build_array(json_build_array(");
    texts(&w, 'k', shown);
    pr_add(&w.b, "), json_build_array(");
    texts(&w, 'f', w.n_cols);
    pr_addf(&w.b, ")) ORDER BY n) FROM (SELECT * FROM lost ORDER BY n LIMIT %zu) AS f)::text,\n       (SELECT json_agg(json_build_array(", s->first);
    texts(&w, 'f', w.n_cols);
    pr_add(&w.b, ")) FROM gone)::text\nFROM lost");
    return pr_buf_text(&w.b);
}
