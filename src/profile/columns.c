/* columns.c: what one aggregate statement over a part tells of each column, and how the parts are added up. */
#include "profile/impl.h"
#include "sql_files.gen.h"

#define COLUMNS_A_STATEMENT 100                 /* a row of an answer has at most 1,664 */
#define BIT(class) (1u << (class))
#define TEXT BIT(PR_DATA_TEXT)
#define NUMBER BIT(PR_DATA_NUMBER)
#define TIME BIT(PR_DATA_TIME)
#define JSON (BIT(PR_DATA_JSON) | BIT(PR_DATA_JSONB))
#define SIZED (JSON | BIT(PR_DATA_OTHER))
#define STRING_OF(n) #n
#define STRING(n) STRING_OF(n)
#define SMALL "octet_length($) <= " STRING(PR_BIG_VALUE)

/* $ stands for the column. A value that is big is not looked into: only its size is known without reading all of it. */
static const struct { enum pr_counter counter; unsigned classes; const char *sql; } sums[] = {
    {PR_C_VALUES, ~0u, "count($)"},
    {PR_C_EMPTY, TEXT, "count(*) FILTER (WHERE octet_length($) = 0)"},
    {PR_C_EMPTY, BIT(PR_DATA_ARRAY), "count(*) FILTER (WHERE cardinality($) = 0)"},
    {PR_C_EMPTY, BIT(PR_DATA_BYTEA), "count(*) FILTER (WHERE octet_length($) = 0)"},
    {PR_C_PADDED, TEXT, "count(*) FILTER (WHERE CASE WHEN " SMALL " THEN octet_length(btrim($, E' \\t\\r\\n\\f\\v')) <> octet_length($) END)"},
    {PR_C_NUMERIC, TEXT, "count(*) FILTER (WHERE CASE WHEN octet_length($) BETWEEN 1 AND 60 THEN $ ~ '" PR_NUMBER_FORM "' END)"},
    {PR_C_BIG, TEXT, "count(*) FILTER (WHERE NOT " SMALL ")"},
    {PR_C_BIG, JSON, "count(*) FILTER (WHERE pg_column_size($) > " STRING(PR_BIG_VALUE) ")"},
    {PR_C_ZERO, NUMBER, "count(*) FILTER (WHERE $ = 0)"},
    {PR_C_NEGATIVE, NUMBER, "count(*) FILTER (WHERE $ < 0)"},
    {PR_C_FUTURE, TIME, "count(*) FILTER (WHERE isfinite($) AND $ > now())"},
    {PR_C_INFINITE, TIME, "count(*) FILTER (WHERE NOT isfinite($))"},
    {PR_C_TRUE, BIT(PR_DATA_BOOL), "count(*) FILTER (WHERE $)"},
    {PR_C_MEASURED, TEXT, "count(*) FILTER (WHERE " SMALL ")"},
    {PR_C_SUM_LENGTH, TEXT, "sum(CASE WHEN " SMALL " THEN length($) END)::bigint"},
    {PR_C_MIN_LENGTH, TEXT, "min(CASE WHEN " SMALL " THEN length($) END)"},
    {PR_C_MAX_LENGTH, TEXT, "max(CASE WHEN " SMALL " THEN length($) END)"},
    {PR_C_MEASURED, BIT(PR_DATA_ARRAY), "count($)"},
    {PR_C_SUM_LENGTH, BIT(PR_DATA_ARRAY), "sum(cardinality($))::bigint"},
    {PR_C_MIN_LENGTH, BIT(PR_DATA_ARRAY), "min(cardinality($))"},
    {PR_C_MAX_LENGTH, BIT(PR_DATA_ARRAY), "max(cardinality($))"},
    {PR_C_MEASURED, BIT(PR_DATA_BYTEA), "count($)"},
    {PR_C_SUM_LENGTH, BIT(PR_DATA_BYTEA), "sum(octet_length($))::bigint"},
    {PR_C_MIN_LENGTH, BIT(PR_DATA_BYTEA), "min(octet_length($))"},
    {PR_C_MAX_LENGTH, BIT(PR_DATA_BYTEA), "max(octet_length($))"},
    {PR_C_MEASURED, SIZED, "count($)"},
    {PR_C_SUM_LENGTH, SIZED, "sum(pg_column_size($))::bigint"},
    {PR_C_MIN_LENGTH, SIZED, "min(pg_column_size($))"},
    {PR_C_MAX_LENGTH, SIZED, "max(pg_column_size($))"},
};

/* Of types that have fractions and values which are no number. */
static const struct { const char *type; int from; enum pr_counter counter; const char *sql; } odd_numbers[] = {
    {"numeric", 0, PR_C_FRACTION, "count(*) FILTER (WHERE trunc($) <> $)"},
    {"float4", 0, PR_C_FRACTION, "count(*) FILTER (WHERE trunc($) <> $)"},
    {"float8", 0, PR_C_FRACTION, "count(*) FILTER (WHERE trunc($) <> $)"},
    {"numeric", 0, PR_C_NAN, "count(*) FILTER (WHERE $ = 'NaN')"},
    {"float4", 0, PR_C_NAN, "count(*) FILTER (WHERE $ = 'NaN')"},
    {"float8", 0, PR_C_NAN, "count(*) FILTER (WHERE $ = 'NaN')"},
    {"numeric", 140000, PR_C_INFINITE, "count(*) FILTER (WHERE $ IN ('Infinity', '-Infinity'))"},
    {"float4", 0, PR_C_INFINITE, "count(*) FILTER (WHERE $ IN ('Infinity', '-Infinity'))"},
    {"float8", 0, PR_C_INFINITE, "count(*) FILTER (WHERE $ IN ('Infinity', '-Infinity'))"},
};

const char *pr_data_class_name(enum pr_data_class c) {
    static const char *const names[PR_DATA_COUNT] = {
        [PR_DATA_TEXT] = "text", [PR_DATA_NUMBER] = "number", [PR_DATA_TIME] = "time", [PR_DATA_CLOCK] = "amount", [PR_DATA_BOOL] = "boolean",
        [PR_DATA_ENUM] = "enum", [PR_DATA_JSON] = "json", [PR_DATA_JSONB] = "json", [PR_DATA_BYTEA] = "bytes", [PR_DATA_ARRAY] = "array",
        [PR_DATA_OTHER] = "other"};
    return names[c];
}

static enum pr_data_class class_of(const char *bare, char typtype, char category) {
    static const struct { const char *bare; enum pr_data_class cls; } known[] = {
        {"int2", PR_DATA_NUMBER}, {"int4", PR_DATA_NUMBER}, {"int8", PR_DATA_NUMBER}, {"numeric", PR_DATA_NUMBER}, {"float4", PR_DATA_NUMBER},
        {"float8", PR_DATA_NUMBER}, {"date", PR_DATA_TIME}, {"timestamp", PR_DATA_TIME}, {"timestamptz", PR_DATA_TIME}, {"time", PR_DATA_CLOCK},
        {"timetz", PR_DATA_CLOCK}, {"interval", PR_DATA_CLOCK}, {"money", PR_DATA_CLOCK}, {"oid", PR_DATA_CLOCK}, {"bool", PR_DATA_BOOL},
        {"json", PR_DATA_JSON}, {"jsonb", PR_DATA_JSONB}, {"bytea", PR_DATA_BYTEA}, {"text", PR_DATA_TEXT}, {"varchar", PR_DATA_TEXT},
        {"bpchar", PR_DATA_TEXT}, {"name", PR_DATA_TEXT}, {"char", PR_DATA_TEXT}, {"int2vector", PR_DATA_OTHER}, {"oidvector", PR_DATA_OTHER}};
    for (size_t i = 0; i < PR_COUNT(known); i++)
        if (pr_eq(bare, known[i].bare)) return known[i].cls;
    if (typtype == 'e') return PR_DATA_ENUM;
    return category == 'S' ? PR_DATA_TEXT : category == 'A' ? PR_DATA_ARRAY : PR_DATA_OTHER;
}

static bool is_named(const struct pr_profile_ask *ask, const char *name) {
    for (size_t i = 0; i < ask->n_columns; i++)
        if (pr_eq(ask->columns[i], name)) return true;
    return ask->n_columns == 0;
}

enum pr_code pr_columns_read(struct pr_profile_run *p, struct pr_err *e) {
    static const struct pr_pg_stmt q = {.name = "profile: columns", .sql = pr_sql_profile_columns, .n_params = 1, .shape = PR_ROWS, .n_cols = 10,
                                        .timeout_ms = 60000};
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_parts_begin(p, e));                        /* in its search_path types are qualified */
    const enum pr_code code = pr_pg_query(p->pg, &q, (const char *const[]){pr_fmt(p->a, "%" PRId64, p->ask->rel->oid)}, p->a, &rows, e);
    if (code != PR_OK) pr_parts_abort(p);
    else PR_TRY(e, pr_parts_end(p, e));
    if (code != PR_OK) return code;
    p->n_cols = (size_t)rows.n_rows;
    p->cols = PR_NEW_ARRAY(p->a, struct pr_data_col, p->n_cols);
    for (size_t i = 0; i < p->n_cols; i++) {
        const int r = (int)i;
        struct pr_data_col *c = &p->cols[i];
        *c = (struct pr_data_col){
            .name = PR_CELL(&rows, r, 0), .type = PR_CELL(&rows, r, 1), .base = PR_CELL(&rows, r, 2), .bare = PR_CELL(&rows, r, 3),
            .cls = class_of(PR_CELL(&rows, r, 3), PR_CELL(&rows, r, 4)[0], PR_CELL(&rows, r, 5)[0]),
            .readable = pr_eq(PR_CELL(&rows, r, 6), "t"), .groupable = pr_eq(PR_CELL(&rows, r, 7), "t")};
        c->ident = pr_fmt(p->a, "t.%s", pr_quote_ident(p->a, c->name));
        c->groupable = c->groupable || c->cls == PR_DATA_TEXT;
        c->wanted = c->readable && is_named(p->ask, c->name);
        p->whole_select = pr_eq(PR_CELL(&rows, r, 8), "t");
        p->row_security = pr_eq(PR_CELL(&rows, r, 9), "t");
    }
    return PR_OK;
}

struct pr_data_col *pr_profile_col(const struct pr_profile_run *p, const char *name) {
    for (size_t i = 0; i < p->n_cols; i++)
        if (pr_eq(p->cols[i].name, name)) return &p->cols[i];
    return NULL;
}

/* --- the statement ------------------------------------------------------------------------------------------------- */

/* The column as its bare type; texts in an order that has no surprises. */
static const char *expression(const struct pr_data_col *c, struct pr_arena *a) {
    if (c->cls == PR_DATA_TEXT) return pr_fmt(a, "(%s::text COLLATE \"C\")", c->ident);
    return pr_fmt(a, "(%s::%s)", c->ident, c->base);
}

static void put_sql(struct pr_buf *b, const char *sql, const char *x) {
    for (const char *s = sql; *s != '\0'; s++)
        if (*s == '$' && s[1] != '\'') pr_add(b, x);
        else pr_addn(b, s, 1);
}

const char *pr_sql_about(struct pr_arena *a, const char *sql, const char *x) {
    struct pr_buf b = {.a = a};
    put_sql(&b, sql, x);
    return pr_buf_text(&b);
}

static const char *finite_only(const struct pr_profile_run *p, const struct pr_data_col *c) {
    if (c->cls == PR_DATA_TIME) return " FILTER (WHERE isfinite($))";
    if (pr_eq(c->bare, "numeric") && p->version < 140000) return " FILTER (WHERE $ <> 'NaN')";
    const bool odd = pr_eq(c->bare, "numeric") || pr_starts(c->bare, "float");
    return odd ? " FILTER (WHERE $ NOT IN ('NaN', 'Infinity', '-Infinity'))" : "";
}

static bool has_extremes(const struct pr_data_col *c) {
    return c->cls == PR_DATA_NUMBER || c->cls == PR_DATA_TIME || c->cls == PR_DATA_CLOCK;
}

/* The least so far goes in again, so that the server compares what only it can compare. */
static void put_extreme(struct pr_buf *b, const struct pr_profile_run *p, const struct pr_data_col *c, bool max, const char *x) {
    const char *sql = pr_fmt(b->a, "%s($)%s", max ? "max" : "min", finite_only(p, c)), *before = max ? c->max : c->min;
    pr_addf(b, ", '%s', ", max ? "max" : "min");
    if (before != NULL) pr_addf(b, "%s(%s::%s, ", max ? "greatest" : "least", pr_quote_literal(b->a, before), c->base);
    pr_add(b, "(");
    put_sql(b, sql, x);
    pr_add(b, ")");
    pr_add(b, before != NULL ? ")::text" : "::text");
}

static void put_column(struct pr_buf *b, const struct pr_profile_run *p, const struct pr_data_col *c) {
    const char *x = expression(c, b->a), *before = "";
    pr_add(b, ", json_build_object(");
    for (size_t i = 0; i < PR_COUNT(sums); i++) {
        if ((sums[i].classes & BIT(c->cls)) == 0) continue;
        pr_addf(b, "%s'%d', ", before, (int)sums[i].counter);
        put_sql(b, sums[i].sql, x);
        before = ", ";
    }
    for (size_t i = 0; i < PR_COUNT(odd_numbers); i++) {
        if (!pr_eq(odd_numbers[i].type, c->bare) || p->version < odd_numbers[i].from) continue;
        pr_addf(b, ", '%d', ", (int)odd_numbers[i].counter);
        put_sql(b, odd_numbers[i].sql, x);
    }
    if (has_extremes(c)) {
        put_extreme(b, p, c, false, x);
        put_extreme(b, p, c, true, x);
    }
    pr_add(b, ")::text");
}

/* --- adding up ----------------------------------------------------------------------------------------------------- */

static void merge_counter(struct pr_data_col *c, enum pr_counter k, int64_t n, bool first) {
    int64_t *at = &c->counts[k];
    if (k == PR_C_MIN_LENGTH) *at = first || n < *at ? n : *at;
    else if (k == PR_C_MAX_LENGTH) *at = n > *at ? n : *at;
    else *at = pr_sat_add(*at, n);
}

static void remember(struct pr_data_col *c, const json_t *got, size_t part) {
    const struct { enum pr_counter counter; struct pr_places *places; } all[] = {
        {PR_C_PADDED, &c->padded}, {PR_C_NAN, &c->nan}, {PR_C_INFINITE, &c->infinite}, {PR_C_FUTURE, &c->future}, {PR_C_EMPTY, &c->empty}};
    for (size_t i = 0; i < PR_COUNT(all); i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", (int)all[i].counter);
        if (pr_get_int(got, name) > 0) pr_places_add(all[i].places, part);
    }
}

static enum pr_code merge(struct pr_profile_run *p, struct pr_data_col *c, int64_t rows, const char *text, size_t part, struct pr_err *e) {
    json_t *got PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_json_parse("profile", text, strlen(text), &got, e));
    const bool first = c->counts[PR_C_MEASURED] == 0;
    for (int k = 0; k < PR_C_COUNT; k++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", k);
        const json_t *n = json_object_get(got, name);
        if (json_is_integer(n)) merge_counter(c, (enum pr_counter)k, json_integer_value(n), first);
    }
    c->rows = pr_sat_add(c->rows, rows);
    if (pr_get_str(got, "min") != NULL) c->min = pr_dup(p->a, pr_get_str(got, "min"));
    if (pr_get_str(got, "max") != NULL) c->max = pr_dup(p->a, pr_get_str(got, "max"));
    remember(c, got, part);
    return PR_OK;
}

enum pr_code pr_columns_count(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    int64_t rows = 0;
    for (size_t from = 0; from < p->n_cols || from == 0;) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)256 << 20);
        struct pr_buf b = {.a = a};
        size_t some[COLUMNS_A_STATEMENT], n = 0, at = from;
        pr_add(&b, "SELECT count(*)::text");
        for (; at < p->n_cols && n < COLUMNS_A_STATEMENT; at++) {
            if (!p->cols[at].wanted) continue;
            put_column(&b, p, &p->cols[at]);
            some[n++] = at;
        }
        if (n == 0 && from > 0) break;
        pr_addf(&b, " %s", pr_part_from(p, part, a));
        struct pr_pg_rows got = {0};
        PR_TRY(e, pr_profile_ask_rows(p, "profile: columns", pr_buf_text(&b), (int)n + 1, a, &got, e));
        PR_TRY(e, pr_parse_i64(PR_CELL(&got, 0, 0), 0, INT64_MAX, &rows, e));
        for (size_t i = 0; i < n; i++) PR_TRY(e, merge(p, &p->cols[some[i]], rows, PR_CELL(&got, 0, i + 1), part, e));
        from = at > from ? at : from + 1;
    }
    p->rows = pr_sat_add(p->rows, rows);
    return PR_OK;
}
