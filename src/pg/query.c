/* query.c: our own statements. Each says the shape that it expects, and an answer of another shape is an error. */
#include "pg/pg_impl.h"

/* Text is UTF-8 as we asked for: the server checks that, even where its own encoding is SQL_ASCII. */
const char *pr_pg_cell(const PGresult *r, int row, int col, struct pr_arena *a) {
    if (PQgetisnull(r, row, col)) return NULL;
    return pr_dupn(a, PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col));
}

struct pr_pg_rows pr_pg_copy_rows(const PGresult *r, struct pr_arena *a) {
    struct pr_pg_rows rows = {.n_rows = PQntuples(r), .n_cols = PQnfields(r)};
    rows.cells = PR_NEW_ARRAY(a, const char *, (size_t)rows.n_rows * (size_t)rows.n_cols);
    for (int row = 0; row < rows.n_rows; row++)
        for (int col = 0; col < rows.n_cols; col++) PR_CELL(&rows, row, col) = pr_pg_cell(r, row, col, a);
    return rows;
}

static bool has_shape(const struct pr_pg_stmt *q, int rows, int cols) {
    switch (q->shape) {
    case PR_NO_ROWS: return rows == 0;
    case PR_ONE_ROW: return rows == 1 && cols == q->n_cols;
    case PR_MAYBE_ROW: return rows <= 1 && cols == q->n_cols;
    case PR_ROWS: return cols == q->n_cols;
    }
    PR_BUG("no such shape");
}

/* A statement whose answer came in spite of its cancellation has done its work, and says so. prepared: as of pr_pg_wait. */
static enum pr_code run(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *prepared, const char *const *params,
                        struct pr_pg_answer *answer, struct pr_err *e) {
    const int64_t deadline = q->timeout_ms > 0 ? pr_mono_us() + (int64_t)q->timeout_ms * 1000 : 0;
    const bool undoes = pr_eq(q->sql, "ROLLBACK");             /* also after Ctrl-C */
    const struct pr_pg_wait w = {.what = q->name, .deadline_us = deadline, .interrupted = undoes ? NULL : pg->interrupted, .prepared = prepared};
    PR_TRY(e, pr_pg_exchange(pg, q->sql, q->n_params, params, &w, answer, e));
    if (pr_pg_succeeded(answer->last)) return PR_OK;
    if (answer->interrupted) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
    if (!answer->expired) return pr_pg_server_error(pg, answer->last, q->name, PR_ERR_DB, e);
    (void)PR_FAIL(e, PR_ERR_TIMEOUT, "%s: no answer within %d ms; cancelled", q->name, q->timeout_ms);
    return pr_hint(e, "the server is busy or a lock is held: look at pg_stat_activity, then try again");
}

/* A pooler may give the next transaction another backend, which knows nothing of what this one prepared. */
static bool may_prepare(const struct pr_pg *pg, const struct pr_pg_stmt *q) { return q->often && pg->ident_known && !pg->ident.tx_pooled; }

/* *name: of the statement in this session, where it is prepared the first time that it is asked for. */
static enum pr_code prepare(struct pr_pg *pg, const struct pr_pg_stmt *q, char name[24], struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = NULL;
    size_t i = 0;
    while (i < PR_PG_MAX_PREPARED && pg->prepared[i] != NULL && pg->prepared[i] != q->sql) i++;
    PR_ASSERT(i < PR_PG_MAX_PREPARED);
    (void)snprintf(name, 24, "pgrail_%zu", i);
    if (pg->prepared[i] != NULL) return PR_OK;
    a = pr_arena_new(PR_PG_SESSION_BYTES);
    PR_TRY(e, pr_pg_do(pg, q->name, pr_fmt(a, "PREPARE %s AS %s", name, q->sql), q->timeout_ms, e));
    pg->prepared[i] = q->sql;
    return PR_OK;
}

enum pr_code pr_pg_query(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *const *params, struct pr_arena *a,
                         struct pr_pg_rows *out, struct pr_err *e) {
    struct pr_pg_answer answer PR_CLEANUP(pr_pg_answer_clear) = {.last = NULL};
    char name[24] = "";
    if (may_prepare(pg, q)) PR_TRY(e, prepare(pg, q, name, e));
    PR_TRY(e, run(pg, q, name[0] != '\0' ? name : NULL, params, &answer, e));
    const int rows = PQntuples(answer.last), cols = PQnfields(answer.last);
    if (!has_shape(q, rows, cols))
        return PR_FAIL(e, PR_ERR_DB_SHAPE, "%s: got %d rows of %d columns", q->name, rows, cols);
    if (out == NULL) return PR_OK;
    *out = pr_pg_copy_rows(answer.last, a);
    out->changed = pr_pg_tag_rows(answer.last);
    return PR_OK;
}

enum pr_code pr_pg_do(struct pr_pg *pg, const char *what, const char *sql, int timeout_ms, struct pr_err *e) {
    struct pr_pg_answer answer PR_CLEANUP(pr_pg_answer_clear) = {.last = NULL};
    return run(pg, &(struct pr_pg_stmt){.name = what, .sql = sql, .timeout_ms = timeout_ms}, NULL, NULL, &answer, e);
}
