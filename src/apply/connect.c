/* connect.c: the sessions of a run: who answers, who else is at it, and the settings under which statements run. */
#include "apply/flight.h"

#define OURS 10000                              /* ms; our own small statements */

/* One key for all of pgrail: advisory locks are per database already, and two checkouts of a project must exclude each other. */
#define LOCK_CLASS "1886809446"
#define LOCK_OBJECT "1634758764"

static enum pr_code open_one(const struct pr_flight *f, const char *suffix, struct pr_pg **out, struct pr_err *e) {
    const struct pr_environment *env = f->ask->environment;
    const struct pr_pg_where where = {.service = env->service, .env = env->env, .timeout_ms = OURS,
                                      .app = pr_fmt(f->a, "pgrail/%s%s", f->ask->manner != NULL ? "backfill" : f->ask->down ? "rollback" : "apply", suffix)};
    const enum pr_code code = pr_pg_open(&where, out, e);
    return code == PR_OK ? PR_OK : pr_prefix(e, "environment %s", env->name);
}

static struct pr_pg_ident copy_ident(struct pr_arena *a, const struct pr_pg_ident *id) {
    struct pr_pg_ident c = *id;
    c.version = pr_dup(a, id->version);
    c.backend_start = pr_dup(a, id->backend_start);
    c.database = pr_dup(a, id->database);
    c.user = pr_dup(a, id->user);
    c.address = pr_dup(a, id->address);
    c.system_id = pr_dup(a, id->system_id);
    c.server_start = pr_dup(a, id->server_start);
    return c;
}

static enum pr_code open_both(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, open_one(f, "", &f->worker, e));
    PR_TRY(e, open_one(f, " watch", &f->watch, e));
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_identity(f->worker, &id, e));
    f->ident = copy_ident(f->a, id);
    return PR_OK;
}

enum pr_code pr_flight_connect(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, open_both(f, e));
    pr_set_str(f->doc, "address", f->ident.address);
    pr_set_str(f->doc, "database", f->ident.database);
    pr_set_str(f->doc, "system_id", f->ident.system_id);
    pr_set_str(f->doc, "server", f->ident.version);
    if (!f->ident.in_recovery) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is a standby: nothing can be applied there", f->ident.address);
    return pr_hint(e, "name the primary in environment %s (target_session_attrs=read-write finds it)", f->ask->environment->name);
}

enum pr_code pr_flight_reconnect(struct pr_flight *f, struct pr_err *e) {
    const char *system_id = f->ident.system_id;
    pr_pg_close(f->guard);
    pr_pg_close(f->watch);
    pr_pg_close(f->worker);
    f->guard = f->watch = f->worker = NULL;
    PR_TRY(e, open_both(f, e));
    if (pr_eq(system_id, f->ident.system_id)) return PR_OK;
    return PR_FAIL(e, PR_ERR_CONNECT, "another cluster answers now at %s", f->ident.address);
}

static const struct pr_pg_stmt try_lock = {
    .name = "advisory lock", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS,
    .sql = "SELECT pg_catalog.pg_try_advisory_lock(" LOCK_CLASS ", " LOCK_OBJECT ")",
};
static const struct pr_pg_stmt try_lock_in_tx = {
    .name = "advisory lock", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS,
    .sql = "SELECT pg_catalog.pg_try_advisory_xact_lock(" LOCK_CLASS ", " LOCK_OBJECT ")",
};
static const struct pr_pg_stmt who_has_it = {
    .name = "advisory lock: holder", .shape = PR_ROWS, .n_cols = 4, .timeout_ms = OURS,
    .sql = "SELECT l.pid, a.usename, a.application_name, a.backend_start"
           " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
           " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = " LOCK_CLASS " AND l.objid = " LOCK_OBJECT
           " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
};

static enum pr_code busy(struct pr_flight *f, int64_t *holder, struct pr_err *e) {
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &who_has_it, NULL, f->a, &r, e));
    if (r.n_rows > 0) {
        *holder = (int64_t)strtoll(PR_CELL(&r, 0, 0), NULL, 10);
        (void)PR_FAIL(e, PR_ERR_BUSY, "somebody else is applying to %s: session %s, user %s, %s, since %s", f->ident.database,
                      PR_CELL(&r, 0, 0), PR_CELL(&r, 0, 1) == NULL ? "?" : PR_CELL(&r, 0, 1),
                      PR_CELL(&r, 0, 2) == NULL ? "?" : PR_CELL(&r, 0, 2), PR_CELL(&r, 0, 3) == NULL ? "?" : PR_CELL(&r, 0, 3));
    } else {
        (void)PR_FAIL(e, PR_ERR_BUSY, "somebody else is applying to %s", f->ident.database);
    }
    return pr_hint(e, "pgrail status --env %s", f->ask->environment->name);
}

enum pr_code pr_flight_lock(struct pr_flight *f, int64_t *holder, struct pr_err *e) {
    struct pr_pg_rows r = {0};
    if (f->ident.tx_pooled) {
        /* The open transaction keeps its server connection, so this lock is ours alone; and whoever connects directly
         * meets it too. READ COMMITTED without a snapshot: it holds nothing back. */
        if (f->guard == NULL) PR_TRY(e, open_one(f, " guard", &f->guard, e));
        PR_TRY(e, pr_pg_do(f->guard, "guard", "BEGIN ISOLATION LEVEL READ COMMITTED", OURS, e));
        PR_TRY(e, pr_pg_do(f->guard, "guard", "SET LOCAL idle_in_transaction_session_timeout = 0", OURS, e));
        PR_TRY(e, pr_pg_query(f->guard, &try_lock_in_tx, NULL, f->a, &r, e));
    } else {
        PR_TRY(e, pr_pg_query(f->worker, &try_lock, NULL, f->a, &r, e));
    }
    if (pr_eq(PR_CELL(&r, 0, 0), "t")) return PR_OK;
    if (f->guard != NULL) PR_TRY(e, pr_pg_do(f->guard, "guard", "ROLLBACK", OURS, e));
    return busy(f, holder, e);
}

enum pr_code pr_flight_lock_row(struct pr_flight *f, struct pr_err *e) {
    if (f->guard == NULL) return PR_OK;
    const enum pr_code code = pr_pg_do(f->guard, "guard: row lock", "SELECT 1 FROM pgrail.lock FOR UPDATE NOWAIT", OURS, e);
    if (code == PR_OK || !pr_eq(e->sqlstate, "55P03")) return code;
    (void)PR_FAIL(e, PR_ERR_BUSY, "somebody else is applying to %s through the pooler", f->ident.database);
    return pr_hint(e, "pgrail status --env %s", f->ask->environment->name);
}

enum pr_code pr_flight_pool_check(const struct pr_flight *f, struct pr_err *e) {
    if (!f->ident.tx_pooled) return PR_OK;
    if (pr_side_tx(f->side) != PR_TX_ONE) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "a pooler in transaction mode stands between, and this script runs outside one transaction:"
                      " its session settings, locks and cancels cannot be relied on there");
        return pr_hint(e, "connect directly: name the server itself in environment %s", f->ask->environment->name);
    }
    for (size_t i = 0; i < f->script.n; i++) {
        const char *left = pr_stmt_leaves(&f->script.stmts[i], f->a);
        if (left == NULL || pr_stmt_cleared(&f->script, i, f->a)) continue;
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s:%d: %s would stay on a connection that the pooler gives to others", f->side->path,
                      f->script.stmts[i].line + f->side->first_line - 1, left);
        return pr_hint(e, "write SET LOCAL, or connect directly in environment %s", f->ask->environment->name);
    }
    return PR_OK;
}

/* An unwatched lock must not live on: blocking statements let the server look for us every two seconds. One round trip. */
enum pr_code pr_flight_settings(struct pr_flight *f, bool local, struct pr_err *e) {
    const char *is_local = local ? "true" : "false";
    struct pr_buf b = {.a = f->a};
    pr_addf(&b, "SELECT pg_catalog.set_config('lock_timeout', '%" PRId64 "', %s), pg_catalog.set_config('statement_timeout', '0', %s),"
                " pg_catalog.set_config('idle_in_transaction_session_timeout', '30000', %s)",
            f->ask->config->lock_timeout_ms, is_local, is_local, is_local);
    if (f->ident.version_num >= 140000) pr_addf(&b, ", pg_catalog.set_config('client_connection_check_interval', '2000', %s)", is_local);
    if (f->ident.version_num >= 170000) pr_addf(&b, ", pg_catalog.set_config('transaction_timeout', '0', %s)", is_local);
    static const char *const tcp[][2] = {{"tcp_keepalives_idle", "10"}, {"tcp_keepalives_interval", "5"}, {"tcp_keepalives_count", "3"}};
    for (size_t i = 0; i < PR_COUNT(tcp); i++) pr_addf(&b, ", pg_catalog.set_config('%s', '%s', %s)", tcp[i][0], tcp[i][1], is_local);
    static const char *const rehearsed[][2] = {{"TimeZone", "time_zone"}, {"search_path", "search_path"}};
    for (size_t i = 0; i < PR_COUNT(rehearsed); i++) {
        const char *value = pr_view_setting(f, rehearsed[i][1]);
        if (value != NULL) pr_addf(&b, ", pg_catalog.set_config('%s', %s, %s)", rehearsed[i][0], pr_quote_literal(f->a, value), is_local);
    }
    return pr_pg_do(f->worker, "session settings", pr_buf_text(&b), OURS, e);
}

/* A lock_timeout that fires while CONCURRENTLY waits leaves an invalid index; and the server may finish it without us. */
enum pr_code pr_flight_lift_timeouts(struct pr_flight *f, struct pr_err *e) {
    static const struct pr_pg_stmt save = {
        .name = "session settings", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS, .sql = "SELECT current_setting('lock_timeout')",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->worker, &save, NULL, f->a, &r, e));
    f->saved_lock_timeout = PR_CELL(&r, 0, 0);
    PR_TRY(e, pr_pg_do(f->worker, "session settings", "SET lock_timeout = 0", OURS, e));
    PR_TRY(e, pr_pg_do(f->worker, "session settings", "SET statement_timeout = 0", OURS, e));
    if (f->ident.version_num < 140000) return PR_OK;
    return pr_pg_do(f->worker, "session settings", "SET client_connection_check_interval = 0", OURS, e);
}

enum pr_code pr_flight_restore_timeouts(struct pr_flight *f, struct pr_err *e) {
    const char *sql = pr_fmt(f->a, "SET lock_timeout = %s", pr_quote_literal(f->a, f->saved_lock_timeout));
    PR_TRY(e, pr_pg_do(f->worker, "session settings", sql, OURS, e));
    if (f->ident.version_num < 140000) return PR_OK;
    return pr_pg_do(f->worker, "session settings", "SET client_connection_check_interval = 2000", OURS, e);
}

/* Asked on the worker itself: behind a pooler it is another backend in every transaction. */
enum pr_code pr_flight_backend(struct pr_flight *f, struct pr_err *e) {
    static const struct pr_pg_stmt who = {
        .name = "own session", .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = OURS,
        .sql = "SELECT a.pid, a.backend_start FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->worker, &who, NULL, f->a, &r, e));
    f->row.backend_pid = (int64_t)strtoll(PR_CELL(&r, 0, 0), NULL, 10);
    f->row.backend_start = PR_CELL(&r, 0, 1);
    return PR_OK;
}
