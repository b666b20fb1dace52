/* history.c: what the target database itself remembers: schema pgrail, tables history and lock. */
#include "ledger/ledger.h"
#include "sql_files.gen.h"

enum { TIMEOUT_MS = 15000 };

static const struct pr_pg_stmt there = {
    .name = "history: is it there", .sql = pr_sql_history_there, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = TIMEOUT_MS};
static const struct pr_pg_stmt ensure = {
    .name = "history: create schema pgrail", .sql = pr_sql_history_ensure, .shape = PR_NO_ROWS, .timeout_ms = TIMEOUT_MS};
static const struct pr_pg_stmt add = {
    .name = "history: record", .sql = pr_sql_history_add, .n_params = 12, .shape = PR_NO_ROWS, .timeout_ms = TIMEOUT_MS};
static const struct pr_pg_stmt read_all = {
    .name = "history: read", .sql = pr_sql_history_read, .shape = PR_ROWS, .n_cols = 13, .timeout_ms = TIMEOUT_MS};

static enum pr_code is_there(struct pr_pg *pg, struct pr_arena *a, bool *out, struct pr_err *e) {
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &there, NULL, a, &r, e));
    *out = pr_eq(PR_CELL(&r, 0, 0), "t");
    return PR_OK;
}

/* A role without CREATE on the database can still work once somebody else has made the schema. */
enum pr_code pr_history_ensure(struct pr_pg *pg, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    bool yes = false;
    PR_TRY(e, is_there(pg, a, &yes, e));
    if (yes) return PR_OK;
    struct pr_pg_rows r = {0};
    if (pr_pg_query(pg, &ensure, NULL, a, &r, e) == PR_OK) return PR_OK;
    const struct pr_pg_ident *id = NULL;
    struct pr_err ignored = {0};
    if (!pr_eq(e->sqlstate, "42501") || pr_pg_identity(pg, &id, &ignored) != PR_OK) return e->code;
    return pr_hint(e, "GRANT CREATE ON DATABASE %s TO %s", pr_quote_ident(a, id->database), pr_quote_ident(a, id->user));
}

static const char *number(struct pr_arena *a, int64_t n) { return pr_fmt(a, "%" PRId64, n); }

enum pr_code pr_history_add(struct pr_pg *pg, const struct pr_history_row *row, struct pr_err *e) {
    PR_ASSERT(row->run_id != NULL && row->pgrail_version != NULL);
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const char *const params[] = {
        row->version, row->migration, row->sha256, row->direction, row->applied_at, row->applied_by, row->approved_by,
        row->pgrail_version, number(a, row->elapsed_us), row->up_sha256, row->down_sha256, row->run_id};
    struct pr_pg_rows r = {0};
    return pr_pg_query(pg, &add, params, a, &r, e);
}

static enum pr_code take(const struct pr_pg_rows *r, int i, struct pr_history_row *row, struct pr_err *e) {
    *row = (struct pr_history_row){
        .version = PR_CELL(r, i, 1), .migration = PR_CELL(r, i, 2), .sha256 = PR_CELL(r, i, 3), .direction = PR_CELL(r, i, 4),
        .applied_at = PR_CELL(r, i, 5), .applied_by = PR_CELL(r, i, 6), .approved_by = PR_CELL(r, i, 7),
        .pgrail_version = PR_CELL(r, i, 8), .up_sha256 = PR_CELL(r, i, 10), .down_sha256 = PR_CELL(r, i, 11), .run_id = PR_CELL(r, i, 12)};
    PR_TRY(e, pr_parse_i64(PR_CELL(r, i, 0), INT64_MIN, INT64_MAX, &row->id, e));
    return pr_parse_i64(PR_CELL(r, i, 9), INT64_MIN, INT64_MAX, &row->elapsed_us, e);
}

enum pr_code pr_history_read(struct pr_pg *pg, struct pr_arena *a, struct pr_history_row **out, size_t *n, struct pr_err *e) {
    bool yes = false;
    PR_TRY(e, is_there(pg, a, &yes, e));
    if (!yes) {
        *out = NULL;
        *n = 0;
        return PR_OK;
    }
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &read_all, NULL, a, &r, e));
    struct pr_history_row *rows = PR_NEW_ARRAY(a, struct pr_history_row, (size_t)r.n_rows);
    for (int i = 0; i < r.n_rows; i++) PR_TRY(e, take(&r, i, &rows[i], e));
    *out = rows;
    *n = (size_t)r.n_rows;
    return PR_OK;
}

/* "0249.down.backfill" and "0249.backfill", in either order. */
static bool undoes(const char *version, const char *other) {
    static const char down[] = ".down.backfill", plain[] = ".backfill";
    const char *back = pr_ends(version, down) ? version : other, *onward = back == version ? other : version;
    const size_t stem = strlen(back) - (pr_ends(back, down) ? sizeof down - 1 : 0);
    return pr_ends(back, down) && strncmp(back, onward, stem) == 0 && pr_eq(onward + stem, plain);
}

const struct pr_history_row *pr_history_applied(const struct pr_history_row *rows, size_t n, const char *version) {
    for (size_t i = n; i > 0; i--) {
        if (pr_eq(rows[i - 1].version, version)) return pr_eq(rows[i - 1].direction, "up") ? &rows[i - 1] : NULL;
        if (undoes(rows[i - 1].version, version)) return NULL;
    }
    return NULL;
}
