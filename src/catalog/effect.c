/* effect.c: the expectations of a script (sql/expect.h) held against the live catalog, one small query each. Every query gives one
 * row: whether what the first half of its kind says is so, and what the catalog says. */
#include "catalog/effect.h"

#include "sql/expect.h"

#define TIMEOUT_MS 10000
#define N_PARAMS 8
#define QUERY(label, text) {.name = "effects: " label, .sql = (text), .n_params = N_PARAMS, .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = TIMEOUT_MS}
/* All take the same parameters: $1 the relation (quoted, qualified), $2 the object, then by kind; unused ones are named so that
 * the server knows their types. */
#define ALL "(SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text) AS unused"
#define REL "(SELECT to_regclass($1) AS o) AS r"

static const struct pr_pg_stmt queries[PR_EXPECT_KIND_COUNT] = {
    [PR_EXPECT_RELATION] = QUERY("relation",
        "SELECT c.oid IS NOT NULL AND strpos($3, c.relkind::text) > 0,"
        " CASE WHEN c.oid IS NULL THEN 'no such relation' WHEN strpos($3, c.relkind::text) = 0 THEN 'a relation of another kind'"
        "      WHEN c.relkind IN ('r', 'm', 'i') THEN pg_size_pretty(pg_total_relation_size(c.oid)) END"
        " FROM " ALL ", " REL " LEFT JOIN pg_class c ON c.oid = r.o"),
    /* $2 the index (quoted, qualified) or null, $3 unique, $4 method, $5 key columns, $6 partial, $7 ON ONLY, $8 its plain name */
    [PR_EXPECT_INDEX] = QUERY("index",
        "WITH cand AS (SELECT i.*, am.amname, t.relkind,"
        "  (SELECT array_agg(coalesce(a.attname::text, '') ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)"
        "   LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0"
        "   WHERE k.n <= i.indnkeyatts) AS cols"
        "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam JOIN pg_class t ON t.oid = i.indrelid"
        "  WHERE i.indrelid = to_regclass($1) AND ($2::text IS NULL OR i.indexrelid = to_regclass($2)))"
        ", judged AS (SELECT indexrelid,"
        "  CASE WHEN NOT indisvalid AND NOT ($7::bool AND relkind = 'p') THEN 'it is invalid'"
        "       WHEN NOT indisready THEN 'it is not ready' WHEN NOT indislive THEN 'it is not live'"
        "       WHEN indisunique <> $3::bool THEN CASE WHEN indisunique THEN 'it is unique' ELSE 'it is not unique' END"
        "       WHEN amname <> $4 THEN 'it is a ' || amname || ' index'"
        "       WHEN cols <> $5::text[] THEN 'it is over (' || array_to_string(cols, ', ') || ')'"
        "       WHEN (indpred IS NOT NULL) <> $6::bool THEN CASE WHEN indpred IS NULL THEN 'it is not partial' ELSE 'it is partial' END"
        "  END AS wrong FROM cand)"
        " (SELECT wrong IS NULL, coalesce(wrong, pg_size_pretty(pg_relation_size(indexrelid))) FROM judged ORDER BY wrong IS NOT NULL LIMIT 1)"
        " UNION ALL SELECT false, 'no such index on it' FROM " ALL " WHERE NOT EXISTS (SELECT FROM cand)"),
    [PR_EXPECT_REINDEXED] = QUERY("reindexed",
        "SELECT r.o IS NOT NULL AND bad IS NULL, CASE WHEN r.o IS NULL THEN 'no such relation' ELSE 'not whole: ' || bad END"
        " FROM " ALL ", " REL ", LATERAL (SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS bad"
        "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        "  WHERE (i.indexrelid = r.o OR i.indrelid IN (r.o, (SELECT m.indrelid FROM pg_index m WHERE m.indexrelid = r.o)))"
        "  AND (c.relname ~ '_cc(new|old)[0-9]*$' OR ((i.indexrelid = r.o OR i.indrelid = r.o) AND NOT (i.indisvalid AND i.indisready AND i.indislive)))) b"),
    /* $3 type, $4 numbers of its parentheses, $5 generated or identity letter, $6 which of the two */
    [PR_EXPECT_COLUMN] = QUERY("column",
        "SELECT a.attnum IS NOT NULL AND ($3::text IS NULL OR a.atttypid = to_regtype($3))"
        " AND ($4::text IS NULL OR coalesce(substring(format_type(a.atttypid, a.atttypmod) from '[(]([-0-9,]+)[)]'), '') = $4)"
        " AND ($5::text IS NULL OR CASE WHEN $6 = 'identity' THEN a.attidentity ELSE a.attgenerated END::text = $5),"
        " CASE WHEN r.o IS NULL THEN 'no such relation' WHEN a.attnum IS NULL THEN 'no such column'"
        "      ELSE format_type(a.atttypid, a.atttypmod) END"
        " FROM " ALL ", " REL " LEFT JOIN pg_attribute a ON a.attrelid = r.o AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped"),
    [PR_EXPECT_NOT_NULL] = QUERY("not null",
        "SELECT coalesce(a.attnotnull, false) AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = r.o AND k.contype = 'n'"
        "  AND a.attnum = ANY (k.conkey) AND NOT k.convalidated),"
        " CASE WHEN a.attnum IS NULL THEN 'no such column' WHEN NOT a.attnotnull THEN 'nullable' ELSE 'not null' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_attribute a ON a.attrelid = r.o AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped"),
    [PR_EXPECT_DEFAULT] = QUERY("default",
        "SELECT coalesce(a.atthasdef, false), CASE WHEN a.attnum IS NULL THEN 'no such column' WHEN a.atthasdef THEN 'it has a default'"
        " ELSE 'no default' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_attribute a ON a.attrelid = r.o AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped"),
    /* $2 name or null, $3 contype or null, $4 columns or null, $5 validated or null, $6 the referenced table or null */
    [PR_EXPECT_CONSTRAINT] = QUERY("constraint",
        "WITH cand AS (SELECT k.*, (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, n)"
        "   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS cols"
        "  FROM pg_constraint k WHERE k.conrelid = to_regclass($1) AND ($2::text IS NULL OR k.conname = $2)"
        "  AND ($2::text IS NOT NULL OR k.contype::text = $3))"
        ", judged AS (SELECT CASE WHEN contype::text <> $3 THEN 'a constraint of another kind'"
        "   WHEN cols <> $4::text[] THEN 'it is over (' || array_to_string(cols, ', ') || ')'"
        "   WHEN convalidated <> $5::bool THEN CASE WHEN convalidated THEN 'it is validated' ELSE 'it is not validated' END"
        "   WHEN confrelid <> to_regclass($6) THEN 'it points to ' || confrelid::regclass::text"
        "   WHEN contype IN ('p', 'u', 'x') AND NOT (SELECT indisvalid FROM pg_index WHERE indexrelid = conindid) THEN 'its index is invalid'"
        "   END AS wrong FROM cand)"
        " (SELECT wrong IS NULL, wrong FROM judged ORDER BY wrong IS NOT NULL LIMIT 1)"
        " UNION ALL SELECT false, 'no such constraint on it' FROM " ALL " WHERE NOT EXISTS (SELECT FROM cand)"),
    [PR_EXPECT_VALIDATED] = QUERY("validated",
        "SELECT coalesce(k.convalidated, false), CASE WHEN k.oid IS NULL THEN 'no such constraint on it' WHEN k.convalidated THEN NULL"
        " ELSE 'it is not validated' END FROM " ALL ", " REL " LEFT JOIN pg_constraint k ON k.conrelid = r.o AND k.conname = $2"),
    [PR_EXPECT_TRIGGER] = QUERY("trigger",
        "SELECT t.oid IS NOT NULL AND ($3::text IS NULL OR p.proname = $3),"
        " CASE WHEN t.oid IS NULL THEN 'no such trigger on it' ELSE 'it calls ' || p.proname END"
        " FROM " ALL ", " REL " LEFT JOIN pg_trigger t ON t.tgrelid = r.o AND t.tgname = $2 AND NOT t.tgisinternal"
        " LEFT JOIN pg_proc p ON p.oid = t.tgfoid"),
    [PR_EXPECT_TRIGGER_STATE] = QUERY("trigger state",
        "SELECT count(t.oid) > 0 AND coalesce(bool_and(t.tgenabled::text = $3), false),"
        " CASE WHEN count(t.oid) = 0 THEN 'no such trigger on it' ELSE 'tgenabled ' || string_agg(DISTINCT t.tgenabled::text, ', ') END"
        " FROM " ALL ", " REL " LEFT JOIN pg_trigger t ON t.tgrelid = r.o AND NOT t.tgisinternal AND ($2::text IS NULL OR t.tgname = $2)"),
    [PR_EXPECT_POPULATED] = QUERY("populated",
        "SELECT coalesce(c.relispopulated AND c.relkind = 'm', false), CASE WHEN c.oid IS NULL THEN 'no such relation'"
        " WHEN NOT c.relispopulated THEN 'it is not populated' ELSE pg_size_pretty(pg_total_relation_size(c.oid)) END"
        " FROM " ALL ", " REL " LEFT JOIN pg_class c ON c.oid = r.o"),
    [PR_EXPECT_ENUM_VALUE] = QUERY("enum value",
        "SELECT v.oid IS NOT NULL, CASE WHEN r.o IS NULL THEN 'no such type' WHEN v.oid IS NULL THEN 'no such value' END"
        " FROM " ALL ", (SELECT to_regtype($1) AS o) r LEFT JOIN pg_enum v ON v.enumtypid = r.o AND v.enumlabel = $2"),
    [PR_EXPECT_ENUM] = QUERY("enum",
        "SELECT coalesce(labels = $3::text[], r.o IS NOT NULL AND labels IS NULL AND $3 = '{}'),"
        " CASE WHEN r.o IS NULL THEN 'no such type' ELSE array_to_string(labels, ', ') END"
        " FROM " ALL ", (SELECT to_regtype($1) AS o) r,"
        " LATERAL (SELECT array_agg(v.enumlabel::text ORDER BY v.enumsortorder) AS labels FROM pg_enum v WHERE v.enumtypid = r.o) e"),
    [PR_EXPECT_TYPE] = QUERY("type",
        "SELECT to_regtype($1) IS NOT NULL, CASE WHEN to_regtype($1) IS NULL THEN 'no such type' END FROM " ALL),
    [PR_EXPECT_COMMENT] = QUERY("comment",
        "SELECT r.o IS NOT NULL AND said IS NOT DISTINCT FROM $3, CASE WHEN r.o IS NULL THEN 'no such relation'"
        " WHEN said IS NULL THEN 'no comment' WHEN said IS DISTINCT FROM $3 THEN 'another comment' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_attribute a ON a.attrelid = r.o AND a.attname = $2 AND NOT a.attisdropped,"
        " LATERAL (SELECT CASE WHEN $2::text IS NULL THEN obj_description(r.o, 'pg_class') ELSE col_description(r.o, a.attnum) END AS said) s"),
    [PR_EXPECT_ROW_SECURITY] = QUERY("row security",
        "SELECT coalesce(c.relrowsecurity, false), CASE WHEN c.oid IS NULL THEN 'no such relation' WHEN c.relrowsecurity THEN 'on' ELSE 'off' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_class c ON c.oid = r.o"),
    [PR_EXPECT_FORCE_ROW_SECURITY] = QUERY("forced row security",
        "SELECT coalesce(c.relforcerowsecurity, false),"
        " CASE WHEN c.oid IS NULL THEN 'no such relation' WHEN c.relforcerowsecurity THEN 'forced' ELSE 'not forced' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_class c ON c.oid = r.o"),
    [PR_EXPECT_POLICY] = QUERY("policy",
        "SELECT p.oid IS NOT NULL, CASE WHEN p.oid IS NULL THEN 'no such policy on it' END"
        " FROM " ALL ", " REL " LEFT JOIN pg_policy p ON p.polrelid = r.o AND p.polname = $2"),
    /* $2 the plain name, $3 schema or null, $4 number of arguments or null, $5 body or null */
    [PR_EXPECT_FUNCTION] = QUERY("function",
        "SELECT count(p.oid) > 0, CASE WHEN count(p.oid) > 0 THEN NULL WHEN bool_or(q.oid IS NOT NULL) THEN 'its body or its arguments are others'"
        " ELSE 'no such function' END FROM " ALL
        " LEFT JOIN (pg_proc q JOIN pg_namespace n ON n.oid = q.pronamespace) ON q.proname = $2"
        "  AND CASE WHEN $3::text IS NULL THEN pg_function_is_visible(q.oid) ELSE n.nspname = $3 END"
        " LEFT JOIN pg_proc p ON p.oid = q.oid AND ($4::text IS NULL OR p.pronargs = $4::int) AND ($5::text IS NULL OR p.prosrc = $5)"),
    /* $2 the partition (quoted, qualified) */
    [PR_EXPECT_PARTITION] = QUERY("partition",
        "SELECT i.inhrelid IS NOT NULL AND NOT pending, CASE WHEN i.inhrelid IS NULL THEN 'it is not attached'"
        " WHEN pending THEN 'its detach is pending' ELSE pg_get_expr(c.relpartbound, c.oid) END"
        " FROM " ALL ", " REL " LEFT JOIN pg_inherits i ON i.inhparent = r.o AND i.inhrelid = to_regclass($2)"
        " LEFT JOIN pg_class c ON c.oid = i.inhrelid,"
        " LATERAL (SELECT coalesce((to_jsonb(i) ->> 'inhdetachpending')::bool, false) AS pending) d"),
    [PR_EXPECT_SCHEMA] = QUERY("schema",
        "SELECT count(n.oid) > 0, CASE WHEN count(n.oid) = 0 THEN 'no such schema' END FROM " ALL " LEFT JOIN pg_namespace n ON n.nspname = $2"),
    [PR_EXPECT_EXTENSION] = QUERY("extension",
        "SELECT count(x.oid) > 0, coalesce(max(x.extversion), 'no such extension') FROM " ALL " LEFT JOIN pg_extension x ON x.extname = $2"),
};

/* An index that should be gone: nothing of REINDEX CONCURRENTLY is left beside it. $1 the index, $2 its plain name, $3 schema. */
static const struct pr_pg_stmt index_gone = QUERY("index gone",
    "SELECT r.o IS NOT NULL OR beside IS NOT NULL, CASE WHEN r.o IS NOT NULL THEN 'it is still there' ELSE 'left beside it: ' || beside END"
    " FROM " ALL ", " REL ", LATERAL (SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS beside FROM pg_class c"
    "  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('i', 'I') AND ($3::text IS NULL OR n.nspname = $3)"
    "  AND (starts_with(c.relname, $2 || '_ccnew') OR starts_with(c.relname, $2 || '_ccold'))) s");

/* --- parameters ---------------------------------------------------------------------------------------------------- */

static const char *yes_no(bool b) { return b ? "true" : "false"; }

static const char *letter(struct pr_arena *a, char c) { return c == 0 ? NULL : pr_fmt(a, "%c", c); }

/* {"a","b"}: an array literal; quotes and backslashes of the items are escaped. */
static const char *array(struct pr_arena *a, const char *const *items, size_t n) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "{");
    for (size_t i = 0; i < n; i++) {
        pr_add(&b, i > 0 ? ",\"" : "\"");
        for (const char *s = items[i]; *s != '\0'; s++) {
            if (*s == '"' || *s == '\\') pr_add(&b, "\\");
            pr_addn(&b, s, 1);
        }
        pr_add(&b, "\"");
    }
    pr_add(&b, "}");
    return pr_buf_text(&b);
}

static const char *columns(struct pr_arena *a, const struct pr_expect *x) { return array(a, x->columns, x->n_columns); }

static void fill_index(const struct pr_expect *x, struct pr_arena *a, const char **p) {
    p[1] = x->object == NULL ? NULL : pr_qualified(a, x->schema, x->object);
    p[2] = yes_no(x->unique);
    p[3] = x->method == NULL ? "btree" : x->method;
    p[4] = columns(a, x);
    p[5] = yes_no(x->partial);
    p[6] = yes_no(x->only);
}

static void fill_constraint(const struct pr_expect *x, struct pr_arena *a, const char **p) {
    p[2] = letter(a, x->letter);
    p[3] = x->n_columns == 0 ? NULL : columns(a, x);
    p[4] = x->validated < 0 ? NULL : yes_no(x->validated == 1);
    p[5] = x->ref == NULL ? NULL : pr_qualified(a, x->ref_schema, x->ref);
}

static void fill(const struct pr_expect *x, struct pr_arena *a, const char **p) {
    p[0] = x->relation == NULL ? NULL : pr_qualified(a, x->schema, x->relation);
    p[1] = x->object;
    switch (x->kind) {
    case PR_EXPECT_RELATION: p[2] = x->relkinds == NULL ? "rpvmSfiI" : x->relkinds; break;
    case PR_EXPECT_INDEX: fill_index(x, a, p); break;
    case PR_EXPECT_COLUMN:
        p[2] = x->type;
        p[3] = x->typmod;
        p[4] = letter(a, x->letter);
        p[5] = x->identity ? "identity" : "generated";
        break;
    case PR_EXPECT_CONSTRAINT: fill_constraint(x, a, p); break;
    case PR_EXPECT_TRIGGER:
    case PR_EXPECT_COMMENT: p[2] = x->type; break;
    case PR_EXPECT_TRIGGER_STATE: p[2] = letter(a, x->letter); break;
    case PR_EXPECT_ENUM: p[2] = columns(a, x); break;
    case PR_EXPECT_FUNCTION:
        p[1] = x->relation;
        p[2] = x->schema;
        p[3] = x->n_args < 0 ? NULL : pr_fmt(a, "%d", x->n_args);
        p[4] = x->type;
        break;
    case PR_EXPECT_SCHEMA:
    case PR_EXPECT_EXTENSION: p[1] = x->relation; break;
    case PR_EXPECT_REINDEXED:
    case PR_EXPECT_NOT_NULL:
    case PR_EXPECT_DEFAULT:
    case PR_EXPECT_VALIDATED:
    case PR_EXPECT_POPULATED:
    case PR_EXPECT_ENUM_VALUE:
    case PR_EXPECT_TYPE:
    case PR_EXPECT_ROW_SECURITY:
    case PR_EXPECT_FORCE_ROW_SECURITY:
    case PR_EXPECT_POLICY:
    case PR_EXPECT_PARTITION:
    case PR_EXPECT_KIND_COUNT: break;
    }
}

/* --- claims -------------------------------------------------------------------------------------------------------- */

static const char *gone(const struct pr_expect *x) { return x->there ? "is there" : "is gone"; }

static const char *relation_word(const struct pr_expect *x) {
    if (x->relkinds == NULL || x->relkinds[1] != '\0') return "relation";
    return pr_rel_kind_name(x->relkinds[0]);
}

static const char *column_claim(const struct pr_expect *x, struct pr_arena *a, const char *rel) {
    const char *name = pr_fmt(a, "column %s.%s", rel, pr_quote_ident(a, x->object));
    if (x->kind == PR_EXPECT_NOT_NULL) return pr_fmt(a, "%s is %s", name, x->there ? "not null" : "nullable");
    if (x->kind == PR_EXPECT_DEFAULT) return pr_fmt(a, "%s has %s default", name, x->there ? "a" : "no");
    if (!x->there || x->type == NULL) return pr_fmt(a, "%s %s", name, gone(x));
    const char *type = pr_starts(x->type, "pg_catalog.") ? x->type + strlen("pg_catalog.") : x->type;
    const char *mod = x->typmod != NULL && *x->typmod != '\0' ? pr_fmt(a, "(%s)", x->typmod) : "";
    return pr_fmt(a, "%s is there, type %s%s", name, type, mod);
}

static const char *index_claim(const struct pr_expect *x, struct pr_arena *a, const char *rel) {
    const char *name = x->object == NULL ? "an index" : pr_fmt(a, "index %s", pr_qualified(a, x->schema, x->object));
    if (!x->there) return pr_fmt(a, "%s is gone", name);
    return pr_fmt(a, "%s on %s is %svalid, ready and live", name, rel, x->unique ? "unique, " : "");
}

static const char *constraint_claim(const struct pr_expect *x, struct pr_arena *a, const char *rel) {
    const char *name = x->object == NULL ? "a constraint" : pr_fmt(a, "constraint %s", pr_quote_ident(a, x->object));
    if (x->kind == PR_EXPECT_VALIDATED) return pr_fmt(a, "%s on %s is validated", name, rel);
    if (!x->there) return pr_fmt(a, "%s on %s is gone", name, rel);
    const char *valid = x->validated == 1 ? " and validated" : x->validated == 0 ? ", not validated" : "";
    return pr_fmt(a, "%s on %s is there%s", name, rel, valid);
}

static const char *trigger_claim(const struct pr_expect *x, struct pr_arena *a, const char *rel) {
    const char *name = x->object == NULL ? "every trigger" : pr_fmt(a, "trigger %s", pr_quote_ident(a, x->object));
    if (x->kind == PR_EXPECT_TRIGGER) return pr_fmt(a, "%s on %s %s", name, rel, gone(x));
    const char *state = x->letter == 'D' ? "disabled" : x->letter == 'A' ? "always enabled" : x->letter == 'R' ? "enabled on replicas" : "enabled";
    return pr_fmt(a, "%s on %s is %s", name, rel, state);
}

static const char *claim(const struct pr_expect *x, struct pr_arena *a) {
    const char *rel = x->relation == NULL ? "" : pr_qualified(a, x->schema, x->relation);
    const char *object = x->object == NULL ? "" : pr_quote_ident(a, x->object);
    switch (x->kind) {
    case PR_EXPECT_RELATION: return pr_fmt(a, "%s %s %s", relation_word(x), rel, gone(x));
    case PR_EXPECT_INDEX: return index_claim(x, a, rel);
    case PR_EXPECT_REINDEXED: return pr_fmt(a, "indexes of %s are valid, nothing is left beside them", rel);
    case PR_EXPECT_COLUMN:
    case PR_EXPECT_NOT_NULL:
    case PR_EXPECT_DEFAULT: return column_claim(x, a, rel);
    case PR_EXPECT_CONSTRAINT:
    case PR_EXPECT_VALIDATED: return constraint_claim(x, a, rel);
    case PR_EXPECT_TRIGGER:
    case PR_EXPECT_TRIGGER_STATE: return trigger_claim(x, a, rel);
    case PR_EXPECT_POPULATED: return pr_fmt(a, "materialized view %s is %spopulated", rel, x->there ? "" : "not ");
    case PR_EXPECT_ENUM_VALUE: return pr_fmt(a, "type %s %s value %s", rel, x->there ? "has" : "has no", pr_quote_literal(a, x->object));
    case PR_EXPECT_ENUM: return pr_fmt(a, "type %s has its %s", rel, pr_plural(a, (int64_t)x->n_columns, "value"));
    case PR_EXPECT_TYPE: return pr_fmt(a, "type %s %s", rel, gone(x));
    case PR_EXPECT_COMMENT: return pr_fmt(a, "comment on %s%s%s is %s", rel, *object == '\0' ? "" : ".", object, x->type == NULL ? "gone" : "as written");
    case PR_EXPECT_ROW_SECURITY: return pr_fmt(a, "row security of %s is %s", rel, x->there ? "on" : "off");
    case PR_EXPECT_FORCE_ROW_SECURITY: return pr_fmt(a, "row security of %s is %s", rel, x->there ? "forced" : "not forced");
    case PR_EXPECT_POLICY: return pr_fmt(a, "policy %s on %s %s", object, rel, gone(x));
    case PR_EXPECT_FUNCTION: return pr_fmt(a, "function %s %s", rel, x->type != NULL ? "has this body" : gone(x));
    case PR_EXPECT_PARTITION: return pr_fmt(a, "%s is %s %s", x->object, x->there ? "attached to" : "detached from", rel);
    case PR_EXPECT_SCHEMA: return pr_fmt(a, "schema %s %s", rel, gone(x));
    case PR_EXPECT_EXTENSION: return pr_fmt(a, "extension %s %s", rel, gone(x));
    case PR_EXPECT_KIND_COUNT: break;
    }
    PR_BUG("expectation of no kind");
}

/* --- evaluation ---------------------------------------------------------------------------------------------------- */

static enum pr_code verify_one(struct pr_pg *pg, const struct pr_expect *x, struct pr_arena *a, struct pr_assertion *out,
                               struct pr_err *e) {
    const char *p[N_PARAMS] = {NULL};
    const struct pr_pg_stmt *q = &queries[x->kind];
    fill(x, a, p);
    if (x->kind == PR_EXPECT_INDEX && !x->there) {
        q = &index_gone;
        p[0] = pr_qualified(a, x->schema, x->object);
        p[1] = x->object;
        p[2] = x->schema;
    }
    struct pr_pg_rows rows;
    PR_TRY(e, pr_pg_query(pg, q, p, a, &rows, e));
    const bool so = pr_eq(PR_CELL(&rows, 0, 0), "t");
    const char *found = PR_CELL(&rows, 0, 1);
    *out = (struct pr_assertion){.stmt = x->stmt, .claim = claim(x, a), .holds = so == x->there};
    /* Where something should be gone and is, "no such column" would only repeat the claim. */
    out->found = out->holds && !x->there ? NULL : found == NULL && !out->holds ? "it is there" : found;
    return PR_OK;
}

enum pr_code pr_effects_verify(struct pr_pg *pg, const struct pr_script *s, struct pr_arena *a, struct pr_assertion **out, size_t *n,
                               struct pr_err *e) {
    struct pr_expect *list = NULL;
    const size_t count = pr_script_expect(s, a, &list);
    struct pr_assertion *done = PR_NEW_ARRAY(a, struct pr_assertion, count);
    for (size_t i = 0; i < count; i++) PR_TRY(e, verify_one(pg, &list[i], a, &done[i], e));
    *out = done;
    *n = count;
    return PR_OK;
}

json_t *pr_assertions_json(const struct pr_assertion *list, size_t n) {
    json_t *array_ = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = pr_push_object(array_);
        pr_set_int(o, "statement", list[i].stmt);
        pr_set_str(o, "claim", list[i].claim);
        pr_set_bool(o, "holds", list[i].holds);
        pr_set_str(o, "found", list[i].found);
    }
    return array_;
}
