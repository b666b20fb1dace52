/* json.c: the keys of JSON documents: where they stand, of which types their values are, and how many objects lack them. The server
 * walks the documents; keys and counts come back, never values but the extremes of numbers. */
#include "profile/impl.h"
#include "profile/json_tree.h"

#define DEPTH 5
#define MOST_LINES 2000                         /* path and type, of one part */

static const char *const type_names[PR_J_COUNT] = {
    [PR_J_OBJECT] = "object", [PR_J_ARRAY] = "array", [PR_J_STRING] = "string", [PR_J_NUMBER] = "number", [PR_J_BOOLEAN] = "boolean",
    [PR_J_NULL] = "null"};

const char *pr_json_type_name(enum pr_json_type t) { return type_names[t]; }

/* The walk as one statement. A step into an array is a null in the path, which no key can be. */
static const char *walk_sql(const struct pr_profile_run *p, const struct pr_data_col *c, size_t part, struct pr_arena *a) {
    const char *j = c->cls == PR_DATA_JSON ? "json" : "jsonb";
    const char *from = pr_part_from_if(p, part, pr_fmt(a, "%s IS NOT NULL AND pg_column_size(%s) <= %d", c->ident, c->ident, PR_BIG_VALUE), a);
    return pr_fmt(a,
        "WITH RECURSIVE w AS (SELECT '{}'::text[] AS path, %s::%s AS v, 0 AS depth %s"
        " UNION ALL SELECT w.path || k.key, k.value, w.depth + 1 FROM w CROSS JOIN LATERAL ("
        "SELECT o.key, o.value FROM %s_each(CASE WHEN %s_typeof(w.v) = 'object' THEN w.v END) AS o"
        " UNION ALL SELECT NULL, x.value FROM %s_array_elements(CASE WHEN %s_typeof(w.v) = 'array' THEN w.v END) AS x(value)) AS k"
        " WHERE w.depth < %d), s AS (SELECT path, %s_typeof(v) AS typ, v #>> '{}' COLLATE \"C\" AS x FROM w)"
        " SELECT to_json(path)::text, typ, count(*)::text,"
        " (count(*) FILTER (WHERE typ = 'string' AND octet_length(x) <= 60 AND x ~ '" PR_NUMBER_FORM "'))::text,"
        " (count(*) FILTER (WHERE typ = 'string' AND x = ''))::text, max(CASE WHEN typ = 'string' THEN length(x) END)::text,"
        " min(y)::text, max(y)::text"
        " FROM (SELECT s.*, CASE WHEN typ = 'number' AND octet_length(x) <= 60 AND x !~ '[eE]' THEN x::numeric END AS y FROM s) AS s GROUP BY path, typ ORDER BY count(*) DESC, path LIMIT %d",
        c->ident, j, from, j, j, j, j, DEPTH, j, MOST_LINES);
}

/* Two numbers as numeric prints them: [-]digits[.digits]. The order of what it cannot print for JSON does not matter. */
static int compare(const char *x, const char *y) {
    const bool minus_x = *x == '-', minus_y = *y == '-';
    if (minus_x != minus_y) return minus_x ? -1 : 1;
    const char *a = x + minus_x, *b = y + minus_y;
    const size_t na = strcspn(a, "."), nb = strcspn(b, ".");
    int order = na != nb ? (na < nb ? -1 : 1) : strncmp(a, b, na);
    const size_t fa = strlen(a + na), fb = strlen(b + nb), most = fa > fb ? fa : fb;
    for (size_t i = 1; order == 0 && i < most; i++)         /* behind the point, which one of them may lack */
        order = (i < fa ? a[na + i] : '0') - (i < fb ? b[nb + i] : '0');
    return minus_x ? -order : order;
}

/* NULL when there are too many. scratch is for what need not last: the server writes some characters otherwise than we do, so that a path
 * is looked up as we write it. */
static struct pr_json_node *node_of(struct pr_json_tree *t, const json_t *path, struct pr_arena *scratch) {
    const char *path_json = pr_json_text(scratch, path, false);
    struct pr_json_node *found = pr_map_get(&t->map, NULL, path_json);
    if (found != NULL) return found;
    if (t->n == PR_MOST_JSON_PATHS) {
        t->over = true;
        return NULL;
    }
    struct pr_arena *a = t->map.a;
    struct pr_json_node *node = PR_NEW(a, struct pr_json_node);
    node->n_keys = json_array_size(path);
    node->keys = PR_NEW_ARRAY(a, const char *, node->n_keys + 1);
    for (size_t i = 0; i < node->n_keys; i++) node->keys[i] = pr_dup(a, json_string_value(json_array_get(path, i)));
    const char *key = pr_dup(a, path_json);
    *pr_map_at(&t->map, NULL, key) = node;
    t->nodes[t->n++] = node;
    if (node->n_keys > 0) {                     /* its parent may not have come yet: the first lines are the frequent ones */
        json_t *up PR_CLEANUP(pr_json_freep) = json_copy((json_t *)(uintptr_t)path);
        (void)json_array_remove(up, node->n_keys - 1);
        node->parent = node_of(t, up, scratch);
    }
    return node;
}

static enum pr_json_type type_of(const char *name) {
    for (int i = 0; i < PR_J_COUNT; i++)
        if (pr_eq(type_names[i], name)) return (enum pr_json_type)i;
    return PR_J_NULL;
}

static int64_t number(const char *text) { return text != NULL ? (int64_t)strtoll(text, NULL, 10) : 0; }

static void add_line(struct pr_json_tree *t, struct pr_json_node *node, const struct pr_pg_rows *rows, int r, size_t part) {
    const enum pr_json_type type = type_of(PR_CELL(rows, r, 1));
    const int64_t n = number(PR_CELL(rows, r, 2)), length = number(PR_CELL(rows, r, 5)), empty = number(PR_CELL(rows, r, 4));
    const char *min = PR_CELL(rows, r, 6), *max = PR_CELL(rows, r, 7);
    node->types[type] += n;
    node->total += n;
    node->numeric += number(PR_CELL(rows, r, 3));
    node->empty += empty;
    if (length > node->max_length) node->max_length = length;
    if (min != NULL && (node->min == NULL || compare(min, node->min) < 0)) node->min = pr_dup(t->map.a, min);
    if (max != NULL && (node->max == NULL || compare(max, node->max) > 0)) node->max = pr_dup(t->map.a, max);
    pr_places_add(&node->seen[type], part);
    node->part_total += n;
    if (type == PR_J_OBJECT) node->part_objects += n;
}

/* Where objects lack a key that others have: counted in this part, and in the first one when the key is new. */
static void end_part(struct pr_json_tree *t, size_t part) {
    for (size_t i = 0; i < t->n; i++) {
        struct pr_json_node *node = t->nodes[i];
        const struct pr_json_node *up = node->parent;
        if (up == NULL || node->keys[node->n_keys - 1] == NULL) continue;
        if (node->known == 0 && up->seen[PR_J_OBJECT].n > 0 && up->seen[PR_J_OBJECT].part[0] < part)
            for (size_t k = 0; k < up->seen[PR_J_OBJECT].n; k++) pr_places_add(&node->lacks, up->seen[PR_J_OBJECT].part[k]);
        if (up->part_objects > node->part_total) pr_places_add(&node->lacks, part);
        node->known = 1;
    }
    for (size_t i = 0; i < t->n; i++) t->nodes[i]->part_total = t->nodes[i]->part_objects = 0;
}

/* A document of type json may hold what no text can (\\u0000): the walk fails then, and is given up for the column. */
static enum pr_code walk(struct pr_profile_run *p, struct pr_data_col *c, size_t part, struct pr_arena *a, struct pr_pg_rows *out, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(p->pg, "profile: savepoint", "SAVEPOINT pgrail_json", 10000, e));
    struct pr_err failed = {0};
    if (pr_profile_ask_rows(p, "profile: JSON", walk_sql(p, c, part, a), 8, a, out, &failed) == PR_OK)
        return pr_pg_do(p->pg, "profile: release", "RELEASE SAVEPOINT pgrail_json", 10000, e);
    if (failed.code != PR_ERR_DB || !pr_starts(failed.sqlstate, "22")) {
        *e = failed;
        return e->code;
    }
    (void)snprintf(c->json->broken, sizeof c->json->broken, "%s", failed.sqlstate);
    return pr_pg_do(p->pg, "profile: back", "ROLLBACK TO SAVEPOINT pgrail_json", 10000, e);
}

static enum pr_code count_one(struct pr_profile_run *p, size_t part, struct pr_data_col *c, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)256 << 20);
    if (c->json == NULL) {
        c->json = PR_NEW(p->a, struct pr_json_tree);
        c->json->map.a = p->a;
    }
    if (c->json->broken[0] != '\0') return PR_OK;
    struct pr_pg_rows rows = {0};
    PR_TRY(e, walk(p, c, part, a, &rows, e));
    if (rows.n_rows == MOST_LINES) c->json->over = true;
    for (int r = 0; r < rows.n_rows; r++) {
        json_t *path PR_CLEANUP(pr_json_freep) = NULL;
        PR_TRY(e, pr_json_parse("profile: path", PR_CELL(&rows, r, 0), strlen(PR_CELL(&rows, r, 0)), &path, e));
        struct pr_json_node *node = node_of(c->json, path, a);
        if (node != NULL) add_line(c->json, node, &rows, r, part);
    }
    end_part(c->json, part);
    return PR_OK;
}

enum pr_code pr_json_count(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    for (size_t i = 0; i < p->n_cols; i++) {
        struct pr_data_col *c = &p->cols[i];
        if (c->wanted && (c->cls == PR_DATA_JSON || c->cls == PR_DATA_JSONB)) PR_TRY(e, count_one(p, part, c, e));
    }
    return PR_OK;
}

/* --- what a command line names ------------------------------------------------------------------------------------- */

const char *pr_json_path_literal(struct pr_arena *a, const char *const *keys, size_t n) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "{");
    for (size_t i = 0; i < n; i++) {
        pr_add(&b, i > 0 ? ",\"" : "\"");
        for (const char *s = keys[i]; *s != '\0'; s++) {
            if (*s == '"' || *s == '\\') pr_add(&b, "\\");
            pr_addn(&b, s, 1);
        }
        pr_add(&b, "\"");
    }
    pr_add(&b, "}");
    return pr_quote_literal(a, pr_buf_text(&b));
}

const char *pr_spot_sql(const struct pr_profile_run *p, const struct pr_profile_spot *s, const char *column) {
    const struct pr_data_col *c = pr_profile_col(p, s->column);
    PR_ASSERT(c != NULL);
    if (s->n_keys == 0) return column;
    return pr_fmt(p->a, "(%s::pg_catalog.%s OPERATOR(pg_catalog.#>>) %s::pg_catalog.text[])", column, c->cls == PR_DATA_JSON ? "json" : "jsonb",
                  pr_json_path_literal(p->a, s->keys, s->n_keys));
}

const char *pr_spot_text(struct pr_arena *a, const struct pr_profile_spot *s) {
    struct pr_buf b = {.a = a};
    pr_add(&b, s->column);
    for (size_t i = 0; i < s->n_keys; i++) pr_addf(&b, ".%s", s->keys[i]);
    return pr_buf_text(&b);
}
