/* identity.c: who answers at the other end, and whether a pooler stands in between. */
#include <unistd.h>

#include "pg/pg_impl.h"

#define PROBES 8
#define PROBE_TIMEOUT_MS 3000

static enum pr_code read_basics(struct pr_pg *pg, struct pr_pg_ident *id, bool *may_control, struct pr_err *e) {
    static const struct pr_pg_stmt basics = {
        .name = "identity", .shape = PR_ONE_ROW, .n_cols = 8, .timeout_ms = 10000,
        .sql = "SELECT pg_backend_pid(), (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()), "
               "current_database(), current_user, (SELECT oid FROM pg_database WHERE datname = current_database()), "
               "pg_postmaster_start_time(), pg_is_in_recovery(), "
               "has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &basics, NULL, pg->a, &r, e));
    id->pid = (int)strtol(PR_CELL(&r, 0, 0), NULL, 10);
    id->backend_start = PR_CELL(&r, 0, 1);
    id->database = PR_CELL(&r, 0, 2);
    id->user = PR_CELL(&r, 0, 3);
    id->database_oid = (int64_t)strtoll(PR_CELL(&r, 0, 4), NULL, 10);
    id->server_start = PR_CELL(&r, 0, 5);
    id->in_recovery = pr_eq(PR_CELL(&r, 0, 6), "t");
    *may_control = pr_eq(PR_CELL(&r, 0, 7), "t");
    return PR_OK;
}

/* Managed servers take this function away from their users, or break it: then the system has no identifier for us. */
static enum pr_code read_system_id(struct pr_pg *pg, struct pr_pg_ident *id, struct pr_err *e) {
    static const struct pr_pg_stmt control = {
        .name = "identity: system", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 10000,
        .sql = "SELECT system_identifier FROM pg_control_system()",
    };
    struct pr_pg_rows r = {0};
    const enum pr_code code = pr_pg_query(pg, &control, NULL, pg->a, &r, e);
    if (code == PR_ERR_DB) return PR_OK;
    PR_TRY(e, code);
    id->system_id = PR_CELL(&r, 0, 0);
    return PR_OK;
}

static const char *address(const struct pr_pg *pg) {
    const char *host = PQhost(pg->conn);
    if (host == NULL || host[0] == '\0') return "localhost";
    return host[0] == '/' ? pr_dup(pg->a, host) : pr_fmt(pg->a, "%s:%s", host, PQport(pg->conn));
}

enum mode { UNDECIDED, SESSION, TRANSACTION };

struct probe {
    int pid;                                    /* the backend that answered our session last */
    const char *mark;                           /* a text in that statement, to be seen in pg_stat_activity */
    const char *since;                          /* the server's time then */
    struct pr_pg *twins[PROBES];                /* other clients of the pooler, each in a transaction, keeping its backend */
    int n_twins;
    struct pr_arena *a;
};

static void probe_done(struct probe *p) {
    for (int i = 0; i < p->n_twins; i++) pr_pg_close(p->twins[i]);
    pr_arena_free(p->a);
}

/* Marks the backend that serves our session, which from here on is idle. */
static enum pr_code leave_mark(struct pr_pg *pg, struct probe *p, bool *moved, struct pr_err *e) {
    p->mark = pr_fmt(p->a, "pgrail-probe-%d-%" PRId64, (int)getpid(), pr_mono_us());
    const struct pr_pg_stmt mark = {
        .name = "identity: mark", .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = PROBE_TIMEOUT_MS,
        .sql = pr_fmt(p->a, "SELECT pg_backend_pid(), clock_timestamp() /* %s */", p->mark),
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(pg, &mark, NULL, p->a, &r, e));
    const int pid = (int)strtol(PR_CELL(&r, 0, 0), NULL, 10);
    *moved = p->pid != pid;
    p->pid = pid;
    p->since = PR_CELL(&r, 0, 1);
    return PR_OK;
}

/* One more client. It gets our backend: transaction mode. It gets a backend that was started for it while ours stood idle
 * and untouched: ours is reserved, session mode. It gets another old one: not decided, another client is needed. Somebody
 * used ours meanwhile: transaction mode. */
static enum pr_code probe_once(const struct pr_pg *pg, struct probe *p, enum mode *out, struct pr_err *e) {
    static const struct pr_pg_stmt look = {
        .name = "identity: pooler", .n_params = 3, .shape = PR_ONE_ROW, .n_cols = 3, .timeout_ms = PROBE_TIMEOUT_MS,
        .sql = "SELECT pg_backend_pid() = $1::int4, "
               "(SELECT backend_start > $3::timestamptz FROM pg_stat_activity WHERE pid = pg_backend_pid()), "
               "(SELECT state = 'idle' AND strpos(query, $2) > 0 FROM pg_stat_activity WHERE pid = $1::int4)",
    };
    PR_TRY(e, pr_pg_twin(pg, PROBE_TIMEOUT_MS, &p->twins[p->n_twins], e));
    struct pr_pg *twin = p->twins[p->n_twins++];
    PR_TRY(e, pr_pg_do(twin, "identity: begin", "BEGIN", PROBE_TIMEOUT_MS, e));
    struct pr_pg_rows r = {0};
    const char *const params[] = {pr_fmt(p->a, "%d", p->pid), p->mark, p->since};
    PR_TRY(e, pr_pg_query(twin, &look, params, p->a, &r, e));
    const bool same = pr_eq(PR_CELL(&r, 0, 0), "t"), fresh = pr_eq(PR_CELL(&r, 0, 1), "t");
    const bool untouched = pr_eq(PR_CELL(&r, 0, 2), "t");
    if (same || !untouched) *out = TRANSACTION;
    else if (fresh) *out = SESSION;
    return PR_OK;
}

/* Comparing the backends of two statements of ours is not enough: a quiet pooler gives the same one again and again. When
 * in doubt (pool full, no statistics) it counts as transaction mode: what works there works everywhere. */
static bool pools_transactions(struct pr_pg *pg, int pid) {
    struct probe p PR_CLEANUP(probe_done) = {.pid = pid, .a = pr_arena_new(PR_PG_SESSION_BYTES)};
    struct pr_err ignored = {0};
    bool moved = false;
    if (leave_mark(pg, &p, &moved, &ignored) != PR_OK || moved) return true;
    enum mode mode = UNDECIDED;
    while (mode == UNDECIDED && p.n_twins < PROBES)
        if (probe_once(pg, &p, &mode, &ignored) != PR_OK) break;
    return mode != SESSION;
}

enum pr_code pr_pg_identity(struct pr_pg *pg, const struct pr_pg_ident **out, struct pr_err *e) {
    if (!pg->ident_known) {
        struct pr_pg_ident id = {.version_num = PQserverVersion(pg->conn)};
        bool may_control = false;
        PR_TRY(e, read_basics(pg, &id, &may_control, e));
        const bool idle = PQtransactionStatus(pg->conn) == PQTRANS_IDLE;
        if (may_control && idle) PR_TRY(e, read_system_id(pg, &id, e));
        id.version = pr_dup(pg->a, PQparameterStatus(pg->conn, "server_version"));
        id.address = address(pg);
        id.pooled = PQbackendPID(pg->conn) != id.pid;
        id.tx_pooled = id.pooled && (!idle || pools_transactions(pg, id.pid));
        pg->ident = id;
        pg->ident_known = true;
    }
    *out = &pg->ident;
    return PR_OK;
}
