/* read.c: one read-only statement of the user's, bounded in rows, bytes and time. The server's own grammar is the guard: what
 * is not a plain query cannot stand after DECLARE CURSOR FOR, the extended protocol takes one statement, the transaction is
 * READ ONLY and its first query, which is ours, forbids to make it READ WRITE; in the end it is always rolled back. */
#include "pg/pg_impl.h"

#define PREFIX "DECLARE pgrail NO SCROLL CURSOR WITHOUT HOLD FOR "
#define MAX_SQL_BYTES ((size_t)64 << 10)
#define CHUNK_ROWS 100
#define ROLLBACK_MS 10000

struct reader {
    struct pr_pg *pg;
    const struct pr_pg_read *q;
    struct pr_arena *a;
    int64_t start_us, deadline_us;
    const char **cells;
    size_t n_cells, room;
    int64_t n_rows, n_bytes;
    bool truncated;
    const char **columns;
    const char *type_oids, *type_mods;          /* array literals */
    int n_cols;
    int error_position;
};

static enum pr_code took_too_long(const struct reader *rd, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_TIMEOUT, "the query took longer than %d ms; cancelled", rd->q->timeout_ms);
    return pr_hint(e, "narrow it with WHERE or LIMIT, or raise the time limit");
}

/* The position is in the text with our prefix; the user knows only the rest. */
static enum pr_code query_error(struct reader *rd, const struct pr_pg_answer *answer, struct pr_err *e) {
    const char *state = PQresultErrorField(answer->last, PG_DIAG_SQLSTATE);
    const bool out_of_time = pr_mono_us() >= rd->deadline_us;
    if (answer->expired || (out_of_time && pr_eq(state, "57014"))) return took_too_long(rd, e);
    const char *at = PQresultErrorField(answer->last, PG_DIAG_STATEMENT_POSITION);
    const int position = at != NULL ? (int)strtol(at, NULL, 10) - (int)(sizeof PREFIX - 1) : 0;
    rd->error_position = position > 0 ? position : 0;
    (void)pr_pg_server_error(rd->pg, answer->last, "query", PR_ERR_DB, e);
    if (pr_eq(state, "42601") && e->hint[0] == '\0')
        return pr_hint(e, "only one plain SELECT, VALUES, TABLE or WITH query may run here");
    return e->code;
}

static enum pr_code send(struct reader *rd, const char *sql, const struct pr_pg_wait *w, struct pr_pg_answer *answer,
                         struct pr_err *e) {
    PR_TRY(e, pr_pg_exchange(rd->pg, sql, 0, NULL, w, answer, e));
    if (answer->watched != PR_OK) return answer->watched;
    if (pr_pg_succeeded(answer->last) || answer->enough) return PR_OK;
    return query_error(rd, answer, e);
}

static enum pr_code begin(struct reader *rd, struct pr_err *e) {
    static const struct pr_pg_stmt set_up = {
        .name = "query: settings", .n_params = 2, .shape = PR_ONE_ROW, .n_cols = 3, .timeout_ms = 10000,
        .sql = "SELECT pg_catalog.set_config('statement_timeout', $1, true), "
               "pg_catalog.set_config('cursor_tuple_fraction', '1', true), "
               "pg_catalog.set_config('search_path', coalesce($2, pg_catalog.current_setting('search_path')), true)",
    };
    PR_TRY(e, pr_pg_do(rd->pg, "query: begin", "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", 10000, e));
    const char *const params[] = {pr_fmt(rd->a, "%d", rd->q->timeout_ms), rd->q->search_path};
    return pr_pg_query(rd->pg, &set_up, params, rd->a, NULL, e);
}

static enum pr_code declare(struct reader *rd, struct pr_err *e) {
    struct pr_pg_answer answer PR_CLEANUP(pr_pg_answer_clear) = {.last = NULL};
    const struct pr_pg_wait w = {.what = "query", .deadline_us = rd->deadline_us, .watch = rd->q->watch};
    return send(rd, pr_fmt(rd->a, PREFIX "%s", rd->q->sql), &w, &answer, e);
}

static void take_columns(struct reader *rd, const PGresult *r) {
    struct pr_buf oids = {.a = rd->a}, mods = {.a = rd->a};
    rd->n_cols = PQnfields(r);
    rd->columns = PR_NEW_ARRAY(rd->a, const char *, (size_t)rd->n_cols);
    for (int col = 0; col < rd->n_cols; col++) {
        rd->columns[col] = pr_dup(rd->a, PQfname(r, col));
        pr_addf(&oids, "%s%u", col > 0 ? "," : "", PQftype(r, col));
        pr_addf(&mods, "%s%d", col > 0 ? "," : "", PQfmod(r, col));
    }
    rd->type_oids = pr_fmt(rd->a, "{%s}", pr_buf_text(&oids));
    rd->type_mods = pr_fmt(rd->a, "{%s}", pr_buf_text(&mods));
}

/* Keeps a row unless it is one too many (then it is the chunk's last anyway) or too big; false = enough. */
static bool take_row(void *ctx, const PGresult *r) {
    struct reader *rd = ctx;
    if (rd->columns == NULL) take_columns(rd, r);
    int64_t bytes = 0;
    for (int col = 0; col < rd->n_cols; col++) bytes += PQgetlength(r, 0, col);
    const bool too_many = rd->n_rows >= rd->q->max_rows, too_big = rd->n_bytes + bytes > rd->q->max_bytes;
    rd->truncated = rd->truncated || too_many || too_big;
    if (rd->truncated) return !too_big;
    for (int col = 0; col < rd->n_cols; col++)
        *PR_PUSH(rd->a, rd->cells, rd->n_cells, rd->room) = pr_pg_cell(r, 0, col, rd->a);
    rd->n_rows++;
    rd->n_bytes += bytes;
    return true;
}

/* In chunks, so that a query over millions of rows costs what was asked for; one row more than that says whether there are. */
static enum pr_code fetch(struct reader *rd, struct pr_err *e) {
    const struct pr_pg_wait w = {
        .what = "query", .deadline_us = rd->deadline_us, .watch = rd->q->watch, .single_rows = true,
        .on_row = take_row, .ctx = rd};
    for (;;) {
        struct pr_pg_answer answer PR_CLEANUP(pr_pg_answer_clear) = {.last = NULL};
        const int64_t left = rd->q->max_rows + 1 - rd->n_rows, before = rd->n_rows;
        const int64_t chunk = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        PR_TRY(e, send(rd, pr_fmt(rd->a, "FETCH FORWARD %" PRId64 " FROM pgrail", chunk), &w, &answer, e));
        if (rd->columns == NULL) take_columns(rd, answer.last);
        if (rd->truncated || rd->n_rows - before < chunk) return PR_OK;
    }
}

static enum pr_code roll_back(struct reader *rd, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(rd->pg, "query: rollback", "ROLLBACK", ROLLBACK_MS, e));
    if (PQtransactionStatus(rd->pg->conn) == PQTRANS_IDLE) return PR_OK;
    rd->pg->dead = true;
    return PR_FAIL(e, PR_ERR_CONNECT, "query: the session is still in a transaction after ROLLBACK");
}

static enum pr_code type_names(struct reader *rd, const char ***out, struct pr_err *e) {
    static const struct pr_pg_stmt names = {
        .name = "query: types", .n_params = 2, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = 10000,
        .sql = "SELECT pg_catalog.format_type(t.o, t.m) "
               "FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS t(o, m, i) ORDER BY t.i",
    };
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(rd->pg, &names, (const char *const[]){rd->type_oids, rd->type_mods}, rd->a, &rows, e));
    PR_ASSERT(rows.n_rows == rd->n_cols);
    *out = rows.cells;
    return PR_OK;
}

static enum pr_code check(const struct pr_pg *pg, const struct pr_pg_read *q, struct pr_err *e) {
    PR_ASSERT(q->timeout_ms > 0 && q->max_rows >= 0 && q->max_bytes > 0 && q->max_rows < INT32_MAX);
    if (strlen(q->sql) > MAX_SQL_BYTES) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "the query is longer than %zu bytes", MAX_SQL_BYTES);
        return pr_hint(e, "shorten it, or make a view of it");
    }
    const PGTransactionStatusType st = PQtransactionStatus(pg->conn);
    PR_ASSERT(st == PQTRANS_IDLE || st == PQTRANS_UNKNOWN);     /* the always-ROLLBACK would take somebody's work with it */
    return PR_OK;
}

enum pr_code pr_pg_read(struct pr_pg *pg, const struct pr_pg_read *q, struct pr_arena *a, struct pr_pg_table *out,
                        struct pr_err *e) {
    PR_TRY(e, check(pg, q, e));
    struct reader rd = {.pg = pg, .q = q, .a = a, .start_us = pr_mono_us()};
    rd.deadline_us = rd.start_us + (int64_t)q->timeout_ms * 1000;
    enum pr_code code = begin(&rd, e);
    if (code == PR_OK) code = declare(&rd, e);
    if (code == PR_OK) code = fetch(&rd, e);
    const int64_t elapsed_us = pr_mono_us() - rd.start_us;
    struct pr_err after = {0};
    const enum pr_code rolled = roll_back(&rd, &after);
    if (code != PR_OK) {
        out->error_position = rd.error_position;
        return code;
    }
    if (rolled != PR_OK) {
        *e = after;
        return rolled;
    }
    const char **types = NULL;
    PR_TRY(e, type_names(&rd, &types, e));
    *out = (struct pr_pg_table){.rows = {.n_rows = (int)rd.n_rows, .n_cols = rd.n_cols, .cells = rd.cells},
                                .columns = rd.columns, .types = types, .truncated = rd.truncated,
                                .elapsed_us = elapsed_us};
    return PR_OK;
}
