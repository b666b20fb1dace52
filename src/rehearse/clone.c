/* clone.c: the disposable copy: a clone of the staging database on its own server, or a throwaway cluster with a dump. The name
 * of a clone says when, by which process and on which host it was made; its comment says the same in words, with the start of
 * that process. So a clone whose maker died is found and dropped by the next rehearsal. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "crypt/crypt.h"
#include "rehearse/inside.h"
#include "sql_files.gen.h"

#define PATIENCE_MS 10000
#define DROP_MS 120000
#define DAY_S ((int64_t)24 * 3600)
#define PREFIX "pgrail_clone_"

enum pr_code pr_listen(void *ctx, int64_t elapsed_us, struct pr_err *e) {
    const struct pr_rehearse *r = ctx;
    (void)elapsed_us;
    if (!pr_interrupted(r->talk)) return PR_OK;
    return PR_FAIL(e, PR_ERR_INTERRUPTED, "the rehearsal was interrupted; its copy is dropped");
}

enum pr_code pr_do_long(const struct pr_rehearse *r, struct pr_pg *pg, const char *sql, struct pr_arena *a, struct pr_err *e) {
    struct pr_rehearse listening = *r;
    const struct pr_pg_watch watch = {.interval_ms = 200, .tick = pr_listen, .ctx = &listening};
    struct pr_pg_done done = {0};
    return pr_pg_run(pg, sql, &watch, a, &done, e);
}

/* Start of a process in clock ticks since boot (field 22 of its stat): with the pid it is one process for ever. 0 = gone. */
static int64_t process_start(int64_t pid) {
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL) return 0;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    const char *s = strrchr(text, ')');         /* the name of the program may hold blanks */
    for (int field = 2; s != NULL && field < 22; field++) s = strchr(s + 1, ' ');
    return s != NULL ? (int64_t)strtoll(s + 1, NULL, 10) : 0;
}

static const char *host_name(struct pr_arena *a) {
    char name[256] = "localhost";
    (void)gethostname(name, sizeof name - 1);
    return pr_dup(a, name);
}

static const char *host_mark(struct pr_arena *a) { return pr_dupn(a, pr_sha256_text(a, host_name(a)), 6); }

static const char *clone_name(struct pr_arena *a) {
    return pr_fmt(a, PREFIX "%08" PRIx64 "%08x%s%s", (uint64_t)(pr_wall_us() / 1000000) & 0xffffffffU, (unsigned)getpid(),
                  host_mark(a), pr_random_hex(a, 1));
}

static int64_t hex_at(const char *name, size_t at, size_t n, struct pr_arena *a) {
    return (int64_t)strtoll(pr_dupn(a, name + strlen(PREFIX) + at, n), NULL, 16);
}

/* Its maker is dead, or it is older than a day. */
static bool orphaned(const char *name, const char *comment, struct pr_arena *a) {
    const int64_t made_s = hex_at(name, 0, 8, a), pid = hex_at(name, 8, 8, a);
    if (pr_wall_us() / 1000000 - made_s > DAY_S) return true;
    if (strncmp(name + strlen(PREFIX) + 16, host_mark(a), 6) != 0) return false;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) return true;
    const char *start = comment != NULL ? strstr(comment, "process start ") : NULL;
    return start != NULL && (int64_t)strtoll(start + strlen("process start "), NULL, 10) != process_start(pid);
}

static enum pr_code drop_database(struct pr_pg *maint, const char *name, struct pr_arena *a, struct pr_err *e) {
    return pr_pg_do(maint, "drop clone", pr_fmt(a, "DROP DATABASE IF EXISTS %s WITH (FORCE)", pr_quote_ident(a, name)), DROP_MS, e);
}

enum pr_code pr_rehearse_sweep(struct pr_pg *staging_maintenance, int *dropped, struct pr_err *e) {
    static const struct pr_pg_stmt clones = {
        .name = "clones", .sql = pr_sql_rehearse_clones, .shape = PR_ROWS, .n_cols = 2, .timeout_ms = PATIENCE_MS};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(staging_maintenance, &clones, NULL, a, &rows, e));
    int n = 0;
    for (int i = 0; i < rows.n_rows; i++) {
        if (!orphaned(PR_CELL(&rows, i, 0), PR_CELL(&rows, i, 1), a)) continue;
        PR_TRY(e, drop_database(staging_maintenance, PR_CELL(&rows, i, 0), a, e));
        n++;
    }
    *dropped = n;
    return PR_OK;
}

/* The same cluster since the same start, the same database: whatever name it goes by. */
static bool is_same_database(const struct pr_pg_ident *x, const struct pr_pg_ident *y) {
    if (x == NULL || y == NULL || x->database_oid != y->database_oid || !pr_eq(x->database, y->database)) return false;
    if (!pr_eq(x->server_start, y->server_start)) return false;
    return (x->system_id != NULL && pr_eq(x->system_id, y->system_id)) || pr_eq(x->address, y->address);
}

static enum pr_code refuse_in_use(struct pr_pg *maint, const char *database, int own_pid, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt sessions = {
        .name = "sessions", .sql = pr_sql_rehearse_sessions, .n_params = 1, .shape = PR_ROWS, .n_cols = 4,
        .timeout_ms = PATIENCE_MS};
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(maint, &sessions, &database, a, &rows, e));
    struct pr_buf who = {.a = a, .cap = 600};
    int n = 0;
    for (int i = 0; i < rows.n_rows; i++) {
        if (strtol(PR_CELL(&rows, i, 0), NULL, 10) == own_pid) continue;
        if (n++ < 5)
            pr_addf(&who, "%s%s (pid %s, %s, %s)", n > 1 ? ", " : "", pr_printable(a, PR_CELL(&rows, i, 1), 60),
                    PR_CELL(&rows, i, 0), pr_printable(a, PR_CELL(&rows, i, 2), 60), PR_CELL(&rows, i, 3));
    }
    if (n == 0) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "staging database %s is in use by %d session%s, and only an unused one can be cloned: %s%s",
                  database, n, n == 1 ? "" : "s", pr_buf_text(&who), n > 5 ? " …" : "");
    return pr_hint(e, "close them, or give --dump FILE");
}

static enum pr_code check_rights(struct pr_pg *maint, const char *database, struct pr_copy *c, const struct pr_pg_ident *id,
                                 struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt template = {
        .name = "template", .sql = pr_sql_rehearse_template, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 4,
        .timeout_ms = PATIENCE_MS};
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_pg_query(maint, &template, &database, a, &row, e));
    c->source_bytes = (int64_t)strtoll(PR_CELL(&row, 0, 0), NULL, 10);
    c->settings = PR_CELL(&row, 0, 3);
    if (!pr_eq(PR_CELL(&row, 0, 2), "t")) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "role %s may not create databases on staging", id->user);
        return pr_hint(e, "ALTER ROLE %s CREATEDB; on the staging server, or give --dump FILE", pr_quote_ident(a, id->user));
    }
    if (pr_eq(PR_CELL(&row, 0, 1), "t")) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "role %s does not own the staging database %s", id->user, database);
    return pr_hint(e, "ALTER DATABASE %s WITH IS_TEMPLATE true; as its owner, or give --dump FILE", pr_quote_ident(a, database));
}

static enum pr_code create_clone(const struct pr_rehearse *r, const char *database, struct pr_arena *a, struct pr_copy *c,
                                 struct pr_err *e) {
    const char *name = clone_name(a);
    const char *sql = pr_fmt(a, "CREATE DATABASE %s TEMPLATE %s%s", pr_quote_ident(a, name), pr_quote_ident(a, database),
                             c->ident->version_num >= 150000 ? " STRATEGY FILE_COPY" : "");
    const int64_t start = pr_mono_us();
    c->clone = name;                            /* from here on there may be something to drop */
    const enum pr_code code = pr_do_long(r, c->maint, sql, a, e);
    if (code == PR_ERR_DB && pr_eq(e->sqlstate, "55006")) {
        PR_TRY(e, refuse_in_use(c->maint, database, 0, a, e));
        return pr_hint(e, "somebody used the staging database for a moment: try again");
    }
    PR_TRY(e, code);
    c->took_us = pr_mono_us() - start;
    const char *comment = pr_fmt(a, "clone of %s made by pgrail rehearse on host %s, pid %d, process start %" PRId64 ", at %s", database,
                                 host_name(a), (int)getpid(), process_start(getpid()), pr_iso_time(a, pr_wall_us()));
    return pr_pg_do(c->maint, "comment on clone",
                    pr_fmt(a, "COMMENT ON DATABASE %s IS %s", pr_quote_ident(a, name), pr_quote_literal(a, comment)), PATIENCE_MS, e);
}

static enum pr_code open_maint(struct pr_pg_where where, const char *staging_database, struct pr_pg **out, struct pr_err *e) {
    static const char *const others[] = {"postgres", "template1"};
    enum pr_code code = PR_ERR_CONNECT;
    for (size_t i = 0; i < PR_COUNT(others); i++) {
        if (pr_eq(others[i], staging_database)) continue;
        where.dbname = others[i];
        code = pr_pg_open(&where, out, e);
        if (code == PR_OK) return PR_OK;
    }
    return pr_prefix(e, "clones are made from another database of the staging server");
}

static enum pr_code clone_staging(const struct pr_rehearse *r, const struct pr_pg_ident *target, struct pr_arena *a,
                                  struct pr_copy *c, struct pr_err *e) {
    struct pr_pg *staging PR_CLEANUP(pr_pg_closep) = NULL;
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_open(&c->where, &staging, e));
    PR_TRY(e, pr_pg_identity(staging, &id, e));
    if (is_same_database(id, target)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "environment %s is the very database of environment %s: %s at %s", r->staging->name,
                      r->target->name, id->database, id->address);
        return pr_hint(e, "let [environment %s] in pgrail.conf name another database, or give --dump FILE", r->staging->name);
    }
    if (id->in_recovery) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "environment %s is a standby: nothing can be cloned there", r->staging->name);
        return pr_hint(e, "name a primary as staging, or give --dump FILE");
    }
    const char *database = pr_dup(a, id->database);
    const int own_pid = id->pid;
    c->source = database;
    PR_TRY(e, open_maint(c->where, database, &c->maint, e));
    PR_TRY(e, pr_pg_identity(c->maint, &c->ident, e));
    pr_say(r->talk, PR_LINE_STEP, "staging: database %s at %s as %s, PostgreSQL %s", database, id->address, id->user, id->version);
    int dropped = 0;
    PR_TRY(e, pr_rehearse_sweep(c->maint, &dropped, e));
    if (dropped > 0) pr_say(r->talk, PR_LINE_WARN, "dropped %s that a dead rehearsal left", pr_plural(a, dropped, "clone"));
    PR_TRY(e, check_rights(c->maint, database, c, c->ident, a, e));
    PR_TRY(e, refuse_in_use(c->maint, database, own_pid, a, e));
    pr_pg_close(staging);
    staging = NULL;
    pr_say(r->talk, PR_LINE_STEP, "cloning %s (%s) for this run", database, pr_human_bytes(a, c->source_bytes));
    PR_TRY(e, create_clone(r, database, a, c, e));
    c->where.dbname = c->clone;
    pr_say(r->talk, PR_LINE_FACT, "clone %s made in %s", c->clone, pr_human_us(a, c->took_us));
    return PR_OK;
}

enum pr_code pr_copy_open(const struct pr_rehearse *r, const struct pr_pg_ident *target, int target_major, struct pr_arena *a,
                          struct pr_copy *out, struct pr_err *e) {
    if (r->dump != NULL) return pr_copy_from_dump(r, target_major, a, out, e);
    PR_ASSERT(r->staging != NULL);
    out->kind = "template";
    out->where = (struct pr_pg_where){.service = r->staging->service, .env = r->staging->env, .app = "pgrail/rehearse",
                                      .timeout_ms = PATIENCE_MS};
    const enum pr_code code = clone_staging(r, target, a, out, e);
    return code == PR_OK || code == PR_ERR_REFUSED ? code : (pr_prefix(e, "environment %s", r->staging->name), code);
}

void pr_copy_done(struct pr_copy *c) {
    struct pr_err e = {0};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    if (c->clone != NULL && c->maint != NULL && drop_database(c->maint, c->clone, a, &e) == PR_ERR_CONNECT) {
        struct pr_pg *again PR_CLEANUP(pr_pg_closep) = NULL;
        if (open_maint(c->where, c->source, &again, &e) == PR_OK) (void)drop_database(again, c->clone, a, &e);
    }
    pr_pg_close(c->maint);
    pr_cluster_close(c->cluster);
    *c = (struct pr_copy){0};
}

enum pr_code pr_copy_session(const struct pr_copy *copy, const struct pr_session *s, const char *app, struct pr_arena *a,
                             struct pr_pg **out, struct pr_err *e) {
    static const struct pr_pg_stmt set = {
        .name = "setting of the source", .sql = "SELECT pg_catalog.set_config($1, $2, false)", .n_params = 2, .shape = PR_ONE_ROW,
        .n_cols = 1, .timeout_ms = PATIENCE_MS};
    struct pr_pg_where where = copy->where;
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    where.app = app;
    PR_TRY(e, pr_pg_open(&where, &pg, e));
    json_t *settings PR_CLEANUP(pr_json_freep) = copy->settings != NULL ? json_loads(copy->settings, 0, NULL) : NULL;
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const char *pair = json_string_value(json_array_get(settings, i)), *eq = pair != NULL ? strchr(pair, '=') : NULL;
        if (eq == NULL) continue;
        const char *const params[] = {pr_dupn(a, pair, (size_t)(eq - pair)), eq + 1};
        PR_TRY(e, pr_pg_query(pg, &set, params, a, NULL, e));
    }
    if (s->time_zone != NULL) {
        const char *const params[] = {"TimeZone", s->time_zone};
        PR_TRY(e, pr_pg_query(pg, &set, params, a, NULL, e));
    }
    if (s->search_path != NULL) {
        const char *const params[] = {"search_path", s->search_path};
        PR_TRY(e, pr_pg_query(pg, &set, params, a, NULL, e));
    }
    *out = pg;
    pg = NULL;
    return PR_OK;
}
