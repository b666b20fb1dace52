#include "ops/ops.h"

#include "proc/proc.h"
#include "sql/sql.h"

/* doctor: one line for each thing that must be right, with what mends it. It looks and never changes anything. */

struct args { const char *env; };

static const struct pr_param params[] = {
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Look at this environment only."},
};

struct exam { const struct pr_call *c; struct pr_arena *a; json_t *checks; int bad, doubtful; };

/* state: "ok", "warn" or "bad". */
PR_FORMAT(5, 6)
static void note(struct exam *x, const char *state, const char *what, const char *mend, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_t *o = pr_push_object(x->checks);
    pr_set_str(o, "state", state);
    pr_set_str(o, "what", what);
    pr_set_str(o, "found", text);
    pr_set_str(o, "mend", mend);
    if (pr_eq(state, "bad")) x->bad++;
    if (pr_eq(state, "warn")) x->doubtful++;
}

static void exam_programs(struct exam *x) {
    const char *keygen = pr_proc_find("ssh-keygen", x->a);
    note(x, keygen != NULL ? "ok" : "bad", "ssh-keygen", keygen != NULL ? NULL : "apt-get install openssh-client",
         keygen != NULL ? "signs and verifies approvals" : "not found: approvals cannot be signed or verified");
    struct pr_server *servers = NULL;
    const size_t n = pr_servers(x->a, &servers);
    if (n == 0) note(x, "warn", "servers", "apt-get install postgresql", "no server programs: demo and rehearsals from a dump need them");
    else note(x, "ok", "servers", NULL, "%s, newest PostgreSQL %s", pr_plural(x->a, (int64_t)n, "server installation"), servers[0].version);
    note(x, "ok", "grammar", NULL, "PostgreSQL %d (libpg_query %s)", pr_grammar_major(), pr_grammar_version());
}

/* Every other command opens it: what stops them must not look well here. */
static void exam_ledger(struct exam *x, const struct pr_config *conf) {
    struct pr_ledger *ledger PR_CLEANUP(pr_ledger_closep) = NULL;
    struct pr_err e = {0};
    if (pr_ledger_open(conf->root, &ledger, &e) == PR_OK) note(x, "ok", "ledger", NULL, "opens and has its schema");
    else note(x, "bad", "ledger", e.hint[0] == '\0' ? NULL : pr_dup(x->a, e.hint), "%s", e.msg);
}

static void exam_folder(struct exam *x, const struct pr_config *conf) {
    struct pr_folder *f = NULL;
    struct pr_err e = {0};
    if (pr_folder_read(conf->migrations, conf->root, conf->layout, x->a, &f, &e) != PR_OK) {
        note(x, e.code == PR_ERR_NO_FILE ? "warn" : "bad", "migrations", e.hint[0] == '\0' ? NULL : pr_dup(x->a, e.hint), "%s", e.msg);
        return;
    }
    note(x, f->n_problems == 0 ? "ok" : "warn", "migrations", f->n_problems == 0 ? NULL : "pgrail check", "%s, layout %s (%s), %s",
         pr_plural(x->a, (int64_t)f->n, "migration"), f->layout, f->why, pr_plural(x->a, (int64_t)f->n_problems, "problem"));
}

static void exam_approvers(struct exam *x, const struct pr_config *conf) {
    const char *text = NULL;
    size_t n = 0;
    struct pr_err e = {0};
    if (conf->approvers == NULL) {
        note(x, "warn", "approvers", "set approvers = FILE in [policy] of pgrail.conf", "no allowed_signers file is named: nothing protected can be approved");
    } else if (pr_read_text(x->a, conf->approvers, PR_CAP_FILE, &text, &n, &e) != PR_OK) {
        note(x, "bad", "approvers", "put one line for each approver: NAME namespaces=\"pgrail\" ssh-ed25519 AAAA…", "%s", e.msg);
    } else {
        const char **lines = NULL;
        size_t signers = 0;
        const size_t n_lines = pr_split(x->a, text, '\n', &lines);
        for (size_t i = 0; i < n_lines; i++)
            if (lines[i][0] != '\0' && lines[i][0] != '#') signers++;
        note(x, signers >= (size_t)conf->approvals ? "ok" : "bad", "approvers", signers >= (size_t)conf->approvals ? NULL : "add the missing approvers",
             "%zu in %s, %" PRId64 " needed for each change", signers, conf->approvers, conf->approvals);
    }
}

static const struct pr_pg_stmt role_facts = {
    .name = "role facts", .shape = PR_ONE_ROW, .n_cols = 5, .timeout_ms = 5000,
    .sql = "SELECT current_user, r.rolsuper, pg_catalog.has_database_privilege(current_database(), 'CREATE'),"
           " (SELECT count(*) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
           "   WHERE c.relpersistence <> 't' AND NOT (i.indisvalid AND i.indisready AND i.indislive)),"
           " (SELECT count(*) FROM pg_catalog.pg_prepared_xacts)"
           " FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
};

static void exam_session(struct exam *x, const char *name, struct pr_pg *pg, const struct pr_environment *env) {
    const struct pr_pg_ident *id = NULL;
    struct pr_pg_rows r = {0};
    struct pr_err e = {0};
    const bool read = pr_pg_identity(pg, &id, &e) == PR_OK && pr_pg_query(pg, &role_facts, NULL, x->a, &r, &e) == PR_OK;
    if (pr_interrupted(x->c->talk)) return;
    if (!read) {
        note(x, "bad", name, NULL, "%s", e.msg);
        return;
    }
    const int major = id->version_num / 10000;
    note(x, major >= 13 && major <= 18 ? "ok" : "warn", name, major >= 13 && major <= 18 ? NULL : "supported are 13 to 18",
         "PostgreSQL %s, database %s as %s, %s", id->version, id->database, PR_CELL(&r, 0, 0), id->in_recovery ? "a standby" : "a primary");
    if (major > pr_grammar_major()) note(x, "warn", name, "rehearse: the observed footprint stands for the predicted one", "the server is newer than the grammar (%d)", pr_grammar_major());
    if (id->tx_pooled) note(x, "bad", name, "name a direct connection in the service", "a pooler in transaction mode stands between: session settings and advisory locks cannot be relied on");
    else if (id->pooled) note(x, "warn", name, "name a direct connection in the service", "a pooler stands between");
    if (pr_eq(PR_CELL(&r, 0, 1), "t") && env->is_protected) note(x, "warn", name, "use a role that owns the schema and is no superuser", "connected as a superuser");
    if (!pr_eq(PR_CELL(&r, 0, 2), "t")) note(x, "warn", name, pr_fmt(x->a, "GRANT CREATE ON DATABASE %s TO %s", pr_quote_ident(x->a, id->database), pr_quote_ident(x->a, PR_CELL(&r, 0, 0))),
                                            "the role may not create schema pgrail, which holds the history");
    if (!pr_eq(PR_CELL(&r, 0, 3), "0")) note(x, "warn", name, "pgrail status", "invalid indexes: %s", PR_CELL(&r, 0, 3));
    if (!pr_eq(PR_CELL(&r, 0, 4), "0")) note(x, "warn", name, "SELECT * FROM pg_prepared_xacts", "prepared transactions, which hold their locks until somebody ends them: %s", PR_CELL(&r, 0, 4));
}

static void exam_environment(struct exam *x, const struct pr_environment *env) {
    const struct pr_pg_where where = pr_env_where(x->c, env, "doctor");
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    struct pr_err e = {0};
    const char *name = pr_fmt(x->a, "environment %s", env->name);
    const bool open = pr_pg_open(&where, &pg, &e) == PR_OK;
    if (pr_interrupted(x->c->talk)) return;
    if (!open) note(x, "bad", name, e.hint[0] == '\0' ? NULL : pr_dup(x->a, e.hint), "%s", e.msg);
    else exam_session(x, name, pg, env);
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_config *conf = NULL;
    PR_TRY(e, pr_config_load(c->config_path, c->a, &conf, e));
    const struct pr_environment *only = NULL;
    if (in->env != NULL) PR_TRY(e, pr_config_env(conf, in->env, &only, e));
    json_t *doc = json_object();
    pr_set_str(doc, "schema", "pgrail.doctor/1");
    struct exam x = {.c = c, .a = c->a, .checks = pr_set_array(doc, "checks")};
    pr_call_return(c, doc);
    note(&x, "ok", "pgrail.conf", NULL, "%s", conf->path);
    exam_programs(&x);
    exam_ledger(&x, conf);
    exam_folder(&x, conf);
    exam_approvers(&x, conf);
    for (size_t i = 0; i < conf->n_environments; i++)
        if (only == NULL || pr_eq(only->name, conf->environments[i].name)) exam_environment(&x, &conf->environments[i]);
    pr_set_int(doc, "bad", x.bad);
    pr_set_int(doc, "doubtful", x.doubtful);
    if (pr_interrupted(c->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted; the rest was not looked at");
    if (x.bad > 0) c->outcome = PR_ERR_FINDINGS;
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(doc, "checks"), i, o) {
        const char *state = pr_get_str(o, "state"), *mend = pr_get_str(o, "mend");
        const char *mark = pr_eq(state, "ok") ? "\001gok  \002" : pr_eq(state, "warn") ? "\001wwarn\002" : "\001bBAD \002";
        pr_addf(r->out, "%s  %-24s %s\n", mark, pr_get_str(o, "what"), pr_printable(r->a, pr_get_str(o, "found"), 400));
        if (mend != NULL) pr_addf(r->out, "%30s  \001dmend: %s\002\n", "", pr_printable(r->a, mend, 400));
    }
    pr_addf(r->out, "%" PRId64 " wrong, %" PRId64 " doubtful\n", pr_get_int(doc, "bad"), pr_get_int(doc, "doubtful"));
}

PR_OP(doctor) = {
    .name = "doctor", .summary = "Look at everything that must be right, one line each",
    .detail = "Looks at pgrail.conf, the migrations folder, the approvers, the programs that pgrail runs, and each environment: "
              "connection, version, pooler, role, invalid indexes, prepared transactions. It changes nothing.",
    .examples = (const char *const[]){"pgrail doctor", "pgrail doctor --env production", NULL},
    .capability = PR_OBSERVE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.doctor/1", .run = run, .render = render,
};
