/* others.c: sessions of other people: who stands in our way, and whether one of ours still lives. Looked at from the watch
 * connection, without queueing for anything. */
#include "apply/flight.h"

#define OURS 10000                              /* ms */

#define OTHER_COLUMNS "coalesce(a.usename, p.owner, '?'), coalesce(a.application_name, ''), coalesce(a.state, 'prepared transaction'),"

static struct pr_other *read_others(struct pr_arena *a, const struct pr_pg_rows *r) {
    struct pr_other *list = PR_NEW_ARRAY(a, struct pr_other, (size_t)r->n_rows);
    for (int i = 0; i < r->n_rows; i++)
        list[i] = (struct pr_other){.pid = (int64_t)strtoll(PR_CELL(r, i, 0), NULL, 10), .user = PR_CELL(r, i, 1),
                                    .app = PR_CELL(r, i, 2), .state = PR_CELL(r, i, 3),
                                    .age_ms = (int64_t)strtoll(PR_CELL(r, i, 4), NULL, 10), .mode = PR_CELL(r, i, 5),
                                    .relation = PR_CELL(r, i, 6)};
    return list;
}

enum pr_code pr_others_holding(struct pr_flight *f, const char *schema, const char *name, enum pr_lock lock,
                               struct pr_other **out, size_t *n, struct pr_err *e) {
    /* A prepared transaction has no pid: its locks carry the virtual transaction -1/xid. */
    static const struct pr_pg_stmt holders = {
        .name = "holders of a relation", .n_params = 1, .shape = PR_ROWS, .n_cols = 7, .timeout_ms = OURS,
        .sql = "SELECT coalesce(l.pid, 0), " OTHER_COLUMNS
               " (extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared)) * 1000)::bigint, l.mode, $1"
               " FROM pg_catalog.pg_locks l"
               " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
               " LEFT JOIN pg_catalog.pg_prepared_xacts p ON l.pid IS NULL AND l.virtualtransaction = '-1/' || p.transaction::text"
               " WHERE l.granted AND l.locktype = 'relation' AND l.relation = pg_catalog.to_regclass($1)"
               " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
               " AND coalesce(a.application_name, '') NOT IN ('pgrail/apply', 'pgrail/rollback')"
               " AND coalesce(a.xact_start, p.prepared) IS NOT NULL"
               " ORDER BY coalesce(a.xact_start, p.prepared)",
    };
    const char *const params[] = {pr_qualified(f->a, schema, name)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &holders, params, f->a, &r, e));
    struct pr_other *list = read_others(f->a, &r);
    size_t kept = 0;
    for (int i = 0; i < r.n_rows; i++) {
        if (!pr_lock_conflicts(lock, pr_lock_from_server(list[i].mode))) continue;
        list[kept++] = list[i];
    }
    *out = list;
    *n = kept;
    return PR_OK;
}

enum pr_code pr_others_snapshots(struct pr_flight *f, struct pr_other **out, size_t *n, struct pr_err *e) {
    static const struct pr_pg_stmt snapshots = {
        .name = "old snapshots", .shape = PR_ROWS, .n_cols = 7, .timeout_ms = OURS,
        .sql = "SELECT a.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), coalesce(a.state, '?'),"
               " (extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) * 1000)::bigint, 'snapshot', NULL"
               " FROM pg_catalog.pg_stat_activity a"
               " WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend' AND a.backend_xmin IS NOT NULL"
               " AND a.xact_start IS NOT NULL AND a.application_name NOT LIKE 'pgrail/%' AND a.pid <> pg_catalog.pg_backend_pid()"
               " ORDER BY a.xact_start",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &snapshots, NULL, f->a, &r, e));
    *out = read_others(f->a, &r);
    *n = (size_t)r.n_rows;
    return PR_OK;
}

struct crowd { struct pr_arena *a; struct pr_other *items; size_t n, cap; int64_t limit_ms; };

static void keep_old(struct crowd *c, const struct pr_other *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool known = list[i].age_ms <= c->limit_ms;
        for (size_t k = 0; k < c->n && !known; k++) known = c->items[k].pid == list[i].pid && list[i].pid != 0;
        if (!known) *PR_PUSH(c->a, c->items, c->n, c->cap) = list[i];
    }
}

/* What CREATE INDEX CONCURRENTLY waits for is whoever has written the table; DROP waits for readers too. */
static enum pr_lock waited_for(const struct pr_flight *f, size_t i, const struct pr_effect *effect) {
    if (!pr_stmt_concurrent(&f->script.stmts[i])) return effect->lock;
    return pr_starts(f->script.stmts[i].tag, "DROP") ? PR_ACCESS_EXCLUSIVE : PR_SHARE;
}

enum pr_code pr_others_in_the_way(struct pr_flight *f, size_t i, int64_t limit_ms, struct pr_other **out, size_t *n,
                                  struct pr_err *e) {
    struct crowd c = {.a = f->a, .limit_ms = limit_ms};
    const struct pr_footprint *fp = &f->footprint.stmts[i];
    struct pr_other *list = NULL;
    size_t found = 0;
    for (size_t k = 0; k < fp->n; k++) {
        const struct pr_effect *effect = &fp->effects[k];
        if (effect->own || effect->created || effect->lock == PR_LOCK_NONE) continue;
        PR_TRY(e, pr_others_holding(f, effect->schema, effect->name, waited_for(f, i, effect), &list, &found, e));
        keep_old(&c, list, found);
    }
    if (pr_stmt_concurrent(&f->script.stmts[i]) && !pr_starts(f->script.stmts[i].tag, "DROP")) {
        PR_TRY(e, pr_others_snapshots(f, &list, &found, e));
        keep_old(&c, list, found);
    }
    *out = c.items;
    *n = c.n;
    return PR_OK;
}

const char *pr_other_words(struct pr_arena *a, const struct pr_other *o) {
    struct pr_buf b = {.a = a};
    if (o->pid == 0) pr_addf(&b, "a prepared transaction of %s, which never ends by itself", o->user);
    else pr_addf(&b, "session %" PRId64 ", user %s%s%s, %s", o->pid, o->user, o->app[0] == '\0' ? "" : ", ", o->app, o->state);
    pr_addf(&b, ", for %s", pr_human_us(a, pr_sat_mul(o->age_ms, 1000)));
    if (o->relation != NULL) pr_addf(&b, ", holds %s on %s", pr_lock_name(pr_lock_from_server(o->mode)), o->relation);
    else pr_addf(&b, ", holds a snapshot");
    return pr_printable(a, pr_buf_text(&b), 400);
}

json_t *pr_other_json(const struct pr_other *o) {
    json_t *j = json_object();
    pr_set_int(j, "pid", o->pid);
    pr_set_str(j, "user", o->user);
    pr_set_str(j, "application", o->app);
    pr_set_str(j, "state", o->state);
    pr_set_int(j, "age_ms", o->age_ms);
    pr_set_str(j, "holds", o->mode);
    pr_set_str(j, "relation", o->relation);
    return j;
}

enum pr_code pr_backend_alive(struct pr_flight *f, int64_t pid, const char *backend_start, bool *alive, struct pr_err *e) {
    static const struct pr_pg_stmt look = {
        .name = "own earlier session", .n_params = 2, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS,
        .sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1::int4 AND backend_start = $2::timestamptz)",
    };
    *alive = false;
    if (pid == 0 || backend_start == NULL) return PR_OK;
    const char *const params[] = {pr_fmt(f->a, "%" PRId64, pid), backend_start};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &look, params, f->a, &r, e));
    *alive = pr_eq(PR_CELL(&r, 0, 0), "t");
    return PR_OK;
}
