#include "demo/stage.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples.gen.h"
#include "pg/pg.h"
#include "sql/sql.h"

#define LOAD_TIMEOUT_MS (10 * 60 * 1000)

struct written { const char *path; const char *text; const size_t *len; };
#define EXAMPLE(path, stem) {path, pr_example_##stem, &pr_example_##stem##_len}

static const struct written migrations[] = {
    EXAMPLE("migrations/0247_index_unpaid_items.up.sql", 0247_index_unpaid_items_up),
    EXAMPLE("migrations/0247_index_unpaid_items.down.sql", 0247_index_unpaid_items_down),
    EXAMPLE("migrations/0248_vat_expand.up.sql", 0248_vat_expand_up),
    EXAMPLE("migrations/0248_vat_expand.down.sql", 0248_vat_expand_down),
    EXAMPLE("wrong/0247_index_unpaid_items_wrong.up.sql", 0247_index_unpaid_items_wrong_up),
    EXAMPLE("wrong/0247_index_unpaid_items_wrong.down.sql", 0247_index_unpaid_items_wrong_down),
    EXAMPLE("wrong/0249_total_amount.up.sql", 0249_total_amount_up),
    EXAMPLE("wrong/0249_total_amount.down.sql", 0249_total_amount_down),
};

static const char conf[] =
    "[project]\nmigrations = migrations\n\n"
    "[environment production]\nenv = PGRAIL_DEMO_PRODUCTION\nprotected = yes\n\n"
    "[environment staging]\nenv = PGRAIL_DEMO_STAGING\n\n"
    "[policy]\napprovers = approvers\n";
/* A hundredth of the rows makes a hundredth of the wait: the limit shrinks with it, so that both sizes tell the same story. */
static const char small_conf[] = "max_block = 5ms\n";

static const char *database_of(const struct pr_cluster *c, struct pr_arena *a) {
    return pr_fmt(a, "host=%s port=%d user=postgres dbname=app", pr_cluster_socket_dir(c), pr_cluster_port(c));
}

static enum pr_code run_script(struct pr_pg *pg, const char *what, const char *text, size_t len, const struct pr_talk *talk,
                               struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(text, len, a, &s, e));
    const int64_t began = pr_mono_us();
    for (size_t i = 0; i < s.n; i++) {
        if (pr_interrupted(talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted while %s was loaded", what);
        const struct pr_progress p = {.what = what, .phase = s.stmts[i].tag, .done = (int64_t)i, .total = (int64_t)s.n, .unit = "statements",
                                      .elapsed_us = pr_mono_us() - began};
        pr_progress(talk, &p);
        if (pr_pg_do(pg, what, s.stmts[i].text, LOAD_TIMEOUT_MS, e) != PR_OK) return pr_prefix(e, "line %d of the example", s.stmts[i].line);
    }
    pr_progress(talk, NULL);
    return PR_OK;
}

static const struct pr_pg_stmt loaded = {
    .name = "demo: what was loaded", .shape = PR_ONE_ROW, .n_cols = 3, .timeout_ms = 60000,
    .sql = "SELECT (SELECT count(*) FROM public.invoices), (SELECT count(*) FROM public.invoice_items),"
           " pg_catalog.pg_database_size(pg_catalog.current_database())",
};

static enum pr_code load_example(const struct pr_pg_where *where, const char *what, const struct pr_demo *d, struct pr_err *e) {
    struct pr_pg *app PR_CLEANUP(pr_pg_closep) = NULL;
    PR_TRY(e, pr_pg_open(where, &app, e));
    PR_TRY(e, pr_pg_do(app, what, d->small ? "SET invoices.scale = 'small'" : "SET invoices.scale = 'real'", 5000, e));
    PR_TRY(e, run_script(app, what, pr_example_schema, pr_example_schema_len, d->talk, e));
    return run_script(app, what, pr_example_load, pr_example_load_len, d->talk, e);
}

static enum pr_code load(const struct pr_cluster *c, const char *name, const struct pr_demo *d, struct pr_arena *a, struct pr_err *e) {
    const struct pr_pg_where admin = {.conninfo = pr_cluster_conninfo(c), .app = "pgrail/demo", .timeout_ms = 10000};
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL, *app PR_CLEANUP(pr_pg_closep) = NULL;
    PR_TRY(e, pr_pg_open(&admin, &pg, e));
    PR_TRY(e, pr_pg_do(pg, "demo: create database", "CREATE DATABASE app", 60000, e));
    const struct pr_pg_where where = {.conninfo = database_of(c, a), .app = "pgrail/demo", .timeout_ms = 10000};
    const int64_t began = pr_mono_us();
    PR_TRY(e, load_example(&where, pr_fmt(a, "loading %s", name), d, e));
    /* A session of its own: the counts of the load reach the statistics when the session that loaded has gone. */
    PR_TRY(e, pr_pg_open(&where, &app, e));
    PR_TRY(e, pr_pg_do(app, "demo: analyze", "ANALYZE", LOAD_TIMEOUT_MS, e));
    PR_TRY(e, pr_pg_do(app, "demo: checkpoint", "CHECKPOINT", LOAD_TIMEOUT_MS, e));
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(app, &loaded, NULL, a, &r, e));
    pr_say(d->talk, PR_LINE_FACT, "%s: %s invoices, %s lines, %s, loaded in %s", name, pr_human_count(a, strtoll(PR_CELL(&r, 0, 0), NULL, 10)),
           pr_human_count(a, strtoll(PR_CELL(&r, 0, 1), NULL, 10)), pr_human_bytes(a, strtoll(PR_CELL(&r, 0, 2), NULL, 10)),
           pr_human_us(a, pr_mono_us() - began));
    return PR_OK;
}

static enum pr_code boot(struct pr_cluster **c, const char *purpose, struct pr_err *e) {
    static const char *const settings[] = {"shared_buffers = 256MB", "max_wal_size = 4GB", "wal_level = replica",
                                           "maintenance_work_mem = 64MB", "timezone = 'UTC'", NULL};
    const struct pr_cluster_want want = {.settings = settings, .purpose = purpose};
    return pr_cluster_open(&want, c, e);
}

/* A key without a passphrase, for the demo alone: a real approver has one, best on a token that wants a touch. */
static enum pr_code make_key(const struct pr_stage *s, struct pr_arena *a, struct pr_err *e) {
    const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mara@invoices.example", "-f", s->key, NULL};
    struct pr_proc_done done = {0};
    PR_TRY(e, pr_proc_run(&(struct pr_proc){.argv = argv, .timeout_ms = 20000}, a, &done, e));
    if (done.status != 0) return PR_FAIL(e, PR_ERR_PROC, "ssh-keygen: %.200s", done.err);
    const char *pub = NULL;
    size_t n = 0;
    PR_TRY(e, pr_read_text(a, pr_fmt(a, "%s.pub", s->key), 4096, &pub, &n, e));
    const char *line = pr_fmt(a, "mara@invoices.example namespaces=\"pgrail\" %s", pub);
    return pr_write_text(pr_fmt(a, "%s/approvers", s->dir), line, strlen(line), 0644, false, e);
}

static enum pr_code write_project(const struct pr_demo *d, struct pr_stage *s, struct pr_arena *a, struct pr_err *e) {
    PR_TRY(e, pr_mkdirs(pr_fmt(a, "%s/migrations", s->dir), 0755, e));
    PR_TRY(e, pr_mkdirs(pr_fmt(a, "%s/wrong", s->dir), 0755, e));
    PR_TRY(e, pr_mkdirs(pr_fmt(a, "%s/keys", s->dir), 0700, e));
    const char *settings = pr_fmt(a, "%s%s", conf, d->small ? small_conf : "");
    PR_TRY(e, pr_write_text(pr_fmt(a, "%s/pgrail.conf", s->dir), settings, strlen(settings), 0644, true, e));
    for (size_t i = 0; i < PR_COUNT(migrations); i++)
        PR_TRY(e, pr_write_text(pr_fmt(a, "%s/%s", s->dir, migrations[i].path), migrations[i].text, *migrations[i].len, 0644, true, e));
    return make_key(s, a, e);
}

static enum pr_code choose_dir(const struct pr_demo *d, struct pr_stage *s, struct pr_arena *a, struct pr_err *e) {
    const char *tmp = getenv("TMPDIR");
    if (d->dir != NULL) {
        s->dir = d->dir;
        return pr_mkdirs(d->dir, 0755, e);
    }
    char *made = pr_fmt(a, "%s/pgrail-demo-XXXXXX", tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
    if (mkdtemp(made) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", made, strerror(errno));
    s->dir = made;
    return PR_OK;
}

static const char *const *environment(const struct pr_demo *d, const struct pr_stage *s, struct pr_arena *a) {
    const char **env = PR_NEW_ARRAY(a, const char *, 8);
    env[0] = pr_fmt(a, "PGRAIL_DEMO_PRODUCTION=%s", database_of(s->production, a));
    env[1] = pr_fmt(a, "PGRAIL_DEMO_STAGING=%s", database_of(s->staging, a));
    env[2] = pr_fmt(a, "PGRAIL_LEDGER=%s/ledger.db", s->dir);
    env[3] = pr_fmt(a, "PGRAIL_CONF=%s/pgrail.conf", s->dir);
    env[4] = d->talk->color ? "TERM=xterm" : "TERM=dumb";
    env[5] = d->talk->color ? "COLORTERM=" : "NO_COLOR=1";
    return env;
}

enum pr_code pr_stage_open(const struct pr_demo *d, struct pr_arena *a, struct pr_stage *out, struct pr_err *e) {
    struct pr_stage s PR_CLEANUP(pr_stage_close) = {0};
    PR_TRY(e, choose_dir(d, &s, a, e));
    s.key = pr_fmt(a, "%s/keys/mara", s.dir);
    (void)pr_cluster_sweep();
    PR_TRY(e, boot(&s.production, "demo-production", e));
    PR_TRY(e, boot(&s.staging, "demo-staging", e));
    PR_TRY(e, load(s.production, "production", d, a, e));
    PR_TRY(e, load(s.staging, "staging", d, a, e));
    PR_TRY(e, write_project(d, &s, a, e));
    s.env = environment(d, &s, a);
    s.conninfo = database_of(s.production, a);
    *out = s;
    s = (struct pr_stage){0};
    return PR_OK;
}

void pr_stage_close(struct pr_stage *s) {
    pr_cluster_close(s->production);
    pr_cluster_close(s->staging);
    s->production = s->staging = NULL;
}
