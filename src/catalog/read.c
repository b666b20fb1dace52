#include "catalog/catalog.h"
#include "sql_files.gen.h"

#define PATIENCE_MS 60000

/* What is read, in order. The first two run with the session's own search_path; then it is emptied, so that the server
 * qualifies every name in the definitions that it prints, whoever asks. */
static const struct pr_pg_stmt server = {
    .name = "facts: server", .sql = pr_sql_facts_server, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = PATIENCE_MS};
static const struct pr_pg_stmt scope = {
    .name = "facts: relations to read", .sql = pr_sql_facts_scope, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 3,
    .timeout_ms = PATIENCE_MS};
/* Sizes and definitions need ACCESS SHARE on the relation: behind somebody's ACCESS EXCLUSIVE we give up soon, instead of
 * standing in that queue. */
static const struct pr_pg_stmt settle = {
    .name = "facts: settings",
    .sql = "SELECT set_config('search_path', 'pg_catalog, pg_temp', true), set_config('lock_timeout', '5s', true)",
    .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = PATIENCE_MS};
static const struct pr_pg_stmt relations = {
    .name = "facts: relations", .sql = pr_sql_facts_relations, .n_params = 1, .shape = PR_ROWS, .n_cols = 1,
    .timeout_ms = PATIENCE_MS};
static const struct pr_pg_stmt types = {
    .name = "facts: types", .sql = pr_sql_facts_types, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = PATIENCE_MS};
static const struct pr_pg_stmt functions = {
    .name = "facts: functions", .sql = pr_sql_facts_functions, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = PATIENCE_MS};

/* Lists that hang on the relations: each statement gives (oid, JSON array) for those that have any. */
#define LIST_OF(what, text) {.name = "facts: " what, .sql = (text), .n_params = 1, .shape = PR_ROWS, .n_cols = 2, .timeout_ms = PATIENCE_MS}
static const struct hanging { const char *key; struct pr_pg_stmt stmt; } hanging[] = {
    {.key = "columns", .stmt = LIST_OF("columns", pr_sql_facts_columns)},
    {.key = "constraints", .stmt = LIST_OF("constraints", pr_sql_facts_constraints)},
    {.key = "indexes", .stmt = LIST_OF("indexes", pr_sql_facts_indexes)},
    {.key = "triggers", .stmt = LIST_OF("triggers", pr_sql_facts_triggers)},
    {.key = "policies", .stmt = LIST_OF("policies", pr_sql_facts_policies)},
    {.key = "dependants", .stmt = LIST_OF("dependants", pr_sql_facts_dependants)},
};

struct reading { struct pr_pg *pg; struct pr_arena *a; json_t *doc; const char *oids; struct pr_err *e; };

static enum pr_code parse(const struct reading *r, const char *what, const char *text, json_t **out) {
    if (text == NULL) return PR_FAIL(r->e, PR_ERR_DB_SHAPE, "%s: got NULL", what);
    return pr_json_parse(what, text, strlen(text), out, r->e);
}

static enum pr_code objects(const struct reading *r, const struct pr_pg_stmt *q, const char *key) {
    struct pr_pg_rows rows;
    PR_TRY(r->e, pr_pg_query(r->pg, q, &r->oids, r->a, &rows, r->e));
    json_t *array = pr_set_array(r->doc, key);
    for (int i = 0; i < rows.n_rows; i++) {
        json_t *item = NULL;
        PR_TRY(r->e, parse(r, q->name, PR_CELL(&rows, i, 0), &item));
        PR_ASSERT(json_array_append_new(array, item) == 0);
    }
    return PR_OK;
}

static enum pr_code hang(const struct reading *r, const struct hanging *h, const json_t *by_oid) {
    struct pr_pg_rows rows;
    PR_TRY(r->e, pr_pg_query(r->pg, &h->stmt, &r->oids, r->a, &rows, r->e));
    for (int i = 0; i < rows.n_rows; i++) {
        json_t *rel = json_object_get(by_oid, PR_CELL(&rows, i, 0)), *list = NULL;
        PR_TRY(r->e, parse(r, h->stmt.name, PR_CELL(&rows, i, 1), &list));
        if (rel != NULL) pr_set(rel, h->key, list);
        else json_decref(list);
    }
    return PR_OK;
}

static enum pr_code all_hanging(const struct reading *r) {
    json_t *by_oid PR_CLEANUP(pr_json_freep) = json_object();
    size_t i;
    json_t *rel;
    json_array_foreach(pr_get(r->doc, "relations"), i, rel) {
        for (size_t k = 0; k < PR_COUNT(hanging); k++) (void)pr_set_array(rel, hanging[k].key);
        pr_set(by_oid, pr_fmt(r->a, "%" PRId64, pr_get_int(rel, "oid")), json_incref(rel));
    }
    for (size_t k = 0; k < PR_COUNT(hanging); k++) PR_TRY(r->e, hang(r, &hanging[k], by_oid));
    return PR_OK;
}

static const char *wants_text(const struct pr_want *wants, size_t n, struct pr_arena *a) {
    json_t *array PR_CLEANUP(pr_json_freep) = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *want = pr_push_object(array);
        pr_set_str(want, "schema", wants[i].schema);
        pr_set_str(want, "name", wants[i].name);
    }
    return pr_json_text(a, array, false);
}

static enum pr_code read_document(struct reading *r, const struct pr_want *wants, size_t n_wants) {
    struct pr_pg_rows rows;
    json_t *part = NULL;
    PR_TRY(r->e, pr_pg_query(r->pg, &server, NULL, r->a, &rows, r->e));
    PR_TRY(r->e, parse(r, server.name, PR_CELL(&rows, 0, 0), &part));
    PR_ASSERT(json_object_update(r->doc, part) == 0);
    json_decref(part);
    const char *asked = wants_text(wants, n_wants, r->a);
    PR_TRY(r->e, pr_pg_query(r->pg, &scope, &asked, r->a, &rows, r->e));
    r->oids = PR_CELL(&rows, 0, 0);
    PR_TRY(r->e, parse(r, scope.name, PR_CELL(&rows, 0, 1), &part));
    pr_set(r->doc, "all_relations", part);
    PR_TRY(r->e, parse(r, scope.name, PR_CELL(&rows, 0, 2), &part));
    pr_set(r->doc, "all_indexes", part);
    PR_TRY(r->e, pr_pg_query(r->pg, &settle, NULL, r->a, &rows, r->e));
    PR_TRY(r->e, objects(r, &relations, "relations"));
    PR_TRY(r->e, all_hanging(r));
    PR_TRY(r->e, objects(r, &types, "types"));
    return objects(r, &functions, "functions");
}

/* A partitioned table has no storage: its rows and sizes are those of its partitions, which are all here. Depth is bounded by
 * the partition tree, which PostgreSQL keeps free of cycles; 32 levels are more than anybody has. */
static void sum_partitions(const struct pr_facts *f, struct pr_rel *r, int depth) {
    if (r->kind != 'p' || depth > 32) return;
    r->rows_trusted = true;
    r->rows = r->pages = r->table_bytes = r->index_bytes = r->total_bytes = r->toast_bytes = 0;
    for (size_t i = 0; i < f->n_rels; i++) {
        struct pr_rel *part = &f->rels[i];
        if (part == r || !pr_eq(part->partition_of, r->name) || !pr_eq(part->partition_of_schema, r->schema)) continue;
        sum_partitions(f, part, depth + 1);
        r->rows = pr_sat_add(r->rows, part->rows);
        r->pages = pr_sat_add(r->pages, part->pages);
        r->table_bytes = pr_sat_add(r->table_bytes, part->table_bytes);
        r->index_bytes = pr_sat_add(r->index_bytes, part->index_bytes);
        r->total_bytes = pr_sat_add(r->total_bytes, part->total_bytes);
        r->toast_bytes = pr_sat_add(r->toast_bytes, part->toast_bytes);
        if (!part->rows_trusted) r->rows_trusted = false;
    }
}

/* What the reading sets and locks in the caller's transaction goes again with its savepoint. */
static enum pr_code in_savepoint(struct reading *r, const struct pr_want *wants, size_t n_wants) {
    PR_TRY(r->e, pr_pg_do(r->pg, "facts: savepoint", "SAVEPOINT pgrail_facts", PATIENCE_MS, r->e));
    const enum pr_code code = read_document(r, wants, n_wants);
    struct pr_err second = {0};
    enum pr_code back = pr_pg_do(r->pg, "facts: rollback", "ROLLBACK TO SAVEPOINT pgrail_facts", PATIENCE_MS, &second);
    if (back == PR_OK) back = pr_pg_do(r->pg, "facts: release", "RELEASE SAVEPOINT pgrail_facts", PATIENCE_MS, &second);
    if (code == PR_OK && back != PR_OK) *r->e = second;
    return code != PR_OK ? code : back;
}

static enum pr_code in_transaction(struct reading *r, const struct pr_want *wants, size_t n_wants) {
    PR_TRY(r->e, pr_pg_do(r->pg, "facts: begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", PATIENCE_MS, r->e));
    const enum pr_code code = read_document(r, wants, n_wants);
    if (code == PR_OK) return pr_pg_do(r->pg, "facts: commit", "COMMIT", PATIENCE_MS, r->e);
    /* The first error is the one to report; a lost link cannot roll back, and needs not. */
    struct pr_err second = {0};
    if (pr_pg_do(r->pg, "facts: rollback", "ROLLBACK", PATIENCE_MS, &second) != PR_OK) pr_err_frame(r->e, "rollback");
    if (strcmp(r->e->sqlstate, "55P03") == 0)
        return pr_hint(r->e, "somebody holds ACCESS EXCLUSIVE on one of the relations: see pg_locks, and try again");
    return code;
}

static enum pr_code read_once(struct pr_pg *pg, const struct pr_pg_ident *who, const struct pr_want *wants, size_t n_wants,
                              bool inside, struct pr_arena *a, struct pr_facts **out, struct pr_err *e) {
    json_t *doc PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(doc, "schema", "pgrail.facts/1");
    pr_set_str(doc, "environment", NULL);
    pr_set_str(doc, "database", who->database);
    pr_set_str(doc, "system_id", who->system_id);
    pr_set_int(doc, "version_num", who->version_num);
    pr_set_str(doc, "taken_at", pr_iso_time(a, pr_wall_us()));
    pr_set_bool(doc, "whole", n_wants == 0);
    struct reading r = {.pg = pg, .a = a, .doc = doc, .e = e};
    PR_TRY(e, inside ? in_savepoint(&r, wants, n_wants) : in_transaction(&r, wants, n_wants));
    if (json_array_size(pr_get(doc, "all_relations")) == 0) pr_set_bool(doc, "whole", true);       /* of none, these are all */
    return pr_facts_from_json(doc, a, out, e);
}

/* Definitions and sizes are looked up as of now, not as of the snapshot: of something that is dropped while we read there is
 * none (null in the document), or the server says "cache lookup failed" (XX000). */
static bool moved_under_us(const struct pr_err *e) { return e->code == PR_ERR_BAD_INPUT || strcmp(e->sqlstate, "XX000") == 0; }

#define ATTEMPTS 3

static enum pr_code read_facts(struct pr_pg *pg, const struct pr_want *wants, size_t n_wants, bool inside, struct pr_arena *a,
                               struct pr_facts **out, struct pr_err *e) {
    const struct pr_pg_ident *who;
    PR_TRY(e, pr_pg_identity(pg, &who, e));
    struct pr_facts *f = NULL;
    for (int i = 0; f == NULL && i < ATTEMPTS; i++) {
        struct pr_err failed = {0};
        if (read_once(pg, who, wants, n_wants, inside, a, &f, &failed) == PR_OK) break;
        *e = failed;
        if (!moved_under_us(e)) return e->code;
    }
    if (f == NULL) return PR_FAIL(e, PR_ERR_DB_SHAPE, "facts: the schema moves while it is read: %.500s", pr_dup(a, e->msg));
    f->tx_pooled = who->tx_pooled;
    for (size_t i = 0; i < f->n_rels; i++)
        if (f->rels[i].partition_of == NULL) sum_partitions(f, &f->rels[i], 0);
    *out = f;
    return PR_OK;
}

enum pr_code pr_facts_read(struct pr_pg *pg, const struct pr_want *wants, size_t n_wants, struct pr_arena *a,
                           struct pr_facts **out, struct pr_err *e) {
    return read_facts(pg, wants, n_wants, false, a, out, e);
}

enum pr_code pr_facts_read_inside(struct pr_pg *pg, const struct pr_want *wants, size_t n_wants, struct pr_arena *a,
                                  struct pr_facts **out, struct pr_err *e) {
    return read_facts(pg, wants, n_wants, true, a, out, e);
}

enum pr_code pr_facts_count(struct pr_pg *pg, const char *schema, const char *name, int timeout_ms, int64_t *out,
                            struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const struct pr_pg_stmt q = {.name = "count", .sql = pr_fmt(a, "SELECT count(*) FROM %s", pr_qualified(a, schema, name)),
                                 .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = timeout_ms};
    struct pr_pg_rows rows;
    PR_TRY(e, pr_pg_query(pg, &q, NULL, a, &rows, e));
    return pr_parse_i64(PR_CELL(&rows, 0, 0), 0, INT64_MAX, out, e);
}

enum pr_code pr_invalid_indexes(struct pr_pg *pg, struct pr_arena *a, struct pr_invalid **out, size_t *n, struct pr_err *e) {
    static const struct pr_pg_stmt q = {.name = "invalid indexes", .sql = pr_sql_invalid_indexes, .shape = PR_ROWS,
                                        .n_cols = 6, .timeout_ms = PATIENCE_MS};
    struct pr_pg_rows rows;
    PR_TRY(e, pr_pg_query(pg, &q, NULL, a, &rows, e));
    struct pr_invalid *list = PR_NEW_ARRAY(a, struct pr_invalid, (size_t)rows.n_rows);
    for (int i = 0; i < rows.n_rows; i++)
        list[i] = (struct pr_invalid){
            .schema = PR_CELL(&rows, i, 0), .table = PR_CELL(&rows, i, 1), .index = PR_CELL(&rows, i, 2),
            .ready = pr_eq(PR_CELL(&rows, i, 3), "t"), .live = pr_eq(PR_CELL(&rows, i, 4), "t"),
            .building = pr_eq(PR_CELL(&rows, i, 5), "t"),
        };
    *out = list;
    *n = (size_t)rows.n_rows;
    return PR_OK;
}
