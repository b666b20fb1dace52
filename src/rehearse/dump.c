/* dump.c: a copy from a pg_dump file: a throwaway cluster of the target's major version, with the target's role names (so that
 * owners and grants come back as they are), filled by pg_restore or psql. */
#include <sys/stat.h>

#include "rehearse/inside.h"

#define DATABASE "rehearsal"
#define DO_MS 60000

enum format { PLAIN, ARCHIVE };

/* A directory or a file that begins with PGDMP is pg_restore's; so is a tar, whose first entry is toc.dat. */
static enum pr_code dump_format(const char *path, enum format *out, struct pr_err *e) {
    struct stat st;
    if (stat(path, &st) != 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: no such dump", path);
    if (S_ISDIR(st.st_mode)) {
        *out = ARCHIVE;
        return PR_OK;
    }
    FILE *f = fopen(path, "re");
    if (f == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: cannot be opened", path);
    char head[8] = "";
    const size_t n = fread(head, 1, sizeof head - 1, f);
    (void)fclose(f);
    if (n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: the dump is empty", path);
    *out = pr_starts(head, "PGDMP") || pr_starts(head, "toc.dat") ? ARCHIVE : PLAIN;
    return PR_OK;
}

static const struct pr_server *pick_server(int major, struct pr_arena *a) {
    struct pr_server *servers = NULL;
    const size_t n = pr_servers(a, &servers);
    for (size_t i = 0; i < n; i++)
        if (servers[i].major == major) return &servers[i];
    return n > 0 ? &servers[0] : NULL;
}

static enum pr_code make_roles(struct pr_pg *pg, const struct pr_rehearse *r, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt roles = {
        .name = "roles", .sql = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname", .shape = PR_ROWS,
        .n_cols = 1, .timeout_ms = DO_MS};
    if (r->target == NULL) return PR_OK;
    const struct pr_pg_where where = {.service = r->target->service, .env = r->target->env, .app = "pgrail/rehearse",
                                      .timeout_ms = 10000};
    struct pr_pg *target PR_CLEANUP(pr_pg_closep) = NULL;
    struct pr_err unreachable = {0};
    if (pr_pg_open(&where, &target, &unreachable) != PR_OK) return PR_OK;      /* parity says so; owners may be missing */
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(target, &roles, NULL, a, &rows, e));
    for (int i = 0; i < rows.n_rows; i++) {
        const char *name = PR_CELL(&rows, i, 0);
        if (!pr_eq(name, "postgres"))
            PR_TRY(e, pr_pg_do(pg, "create role", pr_fmt(a, "CREATE ROLE %s", pr_quote_ident(a, name)), DO_MS, e));
    }
    return PR_OK;
}

/* The first line of standard error that tells of an error. */
static const char *first_error(const char *text, struct pr_arena *a) {
    const char **lines = NULL;
    const size_t n = pr_split(a, text, '\n', &lines);
    for (size_t i = 0; i < n; i++)
        if (strstr(lines[i], "rror") != NULL || strstr(lines[i], "ERROR") != NULL) return pr_printable(a, lines[i], 400);
    return n > 0 ? pr_printable(a, lines[0], 400) : "";
}

static enum pr_code restore(const struct pr_rehearse *r, const struct pr_cluster *cluster, enum format format,
                            struct pr_arena *a, struct pr_err *e) {
    const char *where = pr_fmt(a, "host=%s port=%d user=postgres dbname=" DATABASE, pr_cluster_socket_dir(cluster), pr_cluster_port(cluster));
    const char *const archive[] = {"pg_restore", "-d", where, "--jobs=2", "--exit-on-error", r->dump, NULL};
    const char *const plain[] = {"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", where, "-f", r->dump, NULL};
    const char *const one_job[] = {"pg_restore", "-d", where, "--exit-on-error", r->dump, NULL};
    const char *const env[] = {"PGOPTIONS=", "PGAPPNAME=pgrail/rehearse", NULL};
    struct pr_proc p = {.argv = format == PLAIN ? plain : archive, .env = env};
    struct pr_proc_done done = {0};
    PR_TRY(e, pr_proc_run(&p, a, &done, e));
    if (done.status != 0 && strstr(done.err, "parallel restore") != NULL) {    /* a tar, or a stream */
        p.argv = one_job;
        PR_TRY(e, pr_proc_run(&p, a, &done, e));
    }
    struct pr_rehearse listening = *r;
    PR_TRY(e, pr_listen(&listening, 0, e));
    if (done.status == 0) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: the dump cannot be restored: %s", r->dump, first_error(done.err, a));
    return pr_hint(e, "make it with pg_dump -Fc of the staging database; its roles must exist on the target");
}

enum pr_code pr_copy_from_dump(const struct pr_rehearse *r, int target_major, struct pr_arena *a, struct pr_copy *out,
                               struct pr_err *e) {
    enum format format = PLAIN;
    PR_TRY(e, dump_format(r->dump, &format, e));
    const int64_t start = pr_mono_us();
    const struct pr_server *server = pick_server(target_major, a);
    if (server == NULL) {
        (void)PR_FAIL(e, PR_ERR_PROC, "no PostgreSQL server is installed here to restore the dump into");
        return pr_hint(e, "install postgresql, or name a staging environment in pgrail.conf");
    }
    const struct pr_cluster_want want = {.bindir = server->bindir, .durable = true, .purpose = "rehearsal"};
    pr_say(r->talk, PR_LINE_STEP, "starting a throwaway PostgreSQL %s for %s", server->version, r->dump);
    (void)pr_cluster_sweep();                   /* what a killed rehearsal left */
    PR_TRY(e, pr_cluster_open(&want, &out->cluster, e));
    out->kind = "dump";
    out->source = r->dump;
    out->where = (struct pr_pg_where){.conninfo = pr_dup(a, pr_cluster_conninfo(out->cluster)), .app = "pgrail/rehearse",
                                      .timeout_ms = 10000};
    PR_TRY(e, pr_pg_open(&out->where, &out->maint, e));
    PR_TRY(e, pr_pg_identity(out->maint, &out->ident, e));
    PR_TRY(e, make_roles(out->maint, r, a, e));
    PR_TRY(e, pr_pg_do(out->maint, "create database", "CREATE DATABASE " DATABASE " TEMPLATE template0", DO_MS, e));
    PR_TRY(e, restore(r, out->cluster, format, a, e));
    out->where.dbname = DATABASE;
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    PR_TRY(e, pr_pg_open(&out->where, &pg, e));
    PR_TRY(e, pr_do_long(r, pg, "ANALYZE", a, e));
    out->took_us = pr_mono_us() - start;
    pr_say(r->talk, PR_LINE_FACT, "dump restored and analyzed in %s", pr_human_us(a, out->took_us));
    return PR_OK;
}
