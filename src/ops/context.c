#include <unistd.h>

#include "ops/ops.h"
#include "project/backfills.h"
#include "proc/proc.h"
#include "rules/rules.h"

enum pr_code pr_context_open(struct pr_call *c, const char *env_name, struct pr_context *out, struct pr_err *e) {
    PR_TRY(e, pr_config_load(c->config_path, c->a, &out->config, e));
    PR_TRY(e, pr_rule_levels_check(out->config, c->a, e));
    PR_TRY(e, pr_config_env(out->config, env_name, &out->env, e));
    return pr_ledger_open(out->config->root, &out->ledger, e);
}

struct pr_pg_where pr_env_where(const struct pr_call *c, const struct pr_environment *env, const char *op_name) {
    return (struct pr_pg_where){.service = env->service, .env = env->env, .app = pr_fmt(c->a, "pgrail/%s", op_name), .timeout_ms = 10000,
                                .interrupted = c->talk->interrupted};
}

enum pr_code pr_context_connect(struct pr_call *c, struct pr_context *x, const char *op_name, struct pr_err *e) {
    const struct pr_pg_where where = pr_env_where(c, x->env, op_name);
    const enum pr_code code = pr_pg_open(&where, &x->pg, e);
    return code == PR_OK ? PR_OK : pr_prefix(e, "environment %s", x->env->name);
}

void pr_context_done(struct pr_context *x) {
    pr_pg_close(x->pg);
    pr_ledger_close(x->ledger);
    *x = (struct pr_context){0};
}

/* A path names a file directly; a word is looked up in the folder. */
static bool looks_like_path(const char *what) { return strchr(what, '/') != NULL || pr_ends(what, ".sql"); }

static enum pr_code read_folder(struct pr_call *c, struct pr_context *x, struct pr_err *e) {
    if (x->folder != NULL) return PR_OK;
    return pr_folder_read(x->config->migrations, x->config->root, x->config->layout, c->a, &x->folder, e);
}

enum pr_code pr_context_target(struct pr_call *c, struct pr_context *x, const char *what, const struct pr_migration **out, struct pr_err *e) {
    struct pr_migration *m = NULL;
    const char *path = pr_ends(what, ".backfill") ? pr_fmt(c->a, "%s/%s.sql", x->config->migrations, what) : what;     /* or its id, as messages say it */
    if (!pr_is_backfill(path)) return pr_context_migration(c, x, what, out, e);
    PR_TRY(e, pr_backfill_migration(path, x->config->root, c->a, &m, e));
    *out = m;
    return PR_OK;
}

enum pr_code pr_context_migration(struct pr_call *c, struct pr_context *x, const char *what, const struct pr_migration **out, struct pr_err *e) {
    const bool path = looks_like_path(what);
    if (path && access(what, R_OK) != 0) {
        struct pr_err ignored = {0};                        /* the folder only helps to say what is near */
        if (read_folder(c, x, &ignored) == PR_OK && x->folder->n > 0) return pr_folder_find(x->folder, what, out, e);
        return PR_FAIL(e, PR_ERR_NO_FILE, "%s: no such file", what);
    }
    const enum pr_code code = read_folder(c, x, e);
    if (code == PR_OK && pr_folder_find(x->folder, what, out, e) == PR_OK) return PR_OK;
    if (!path) return e->code;
    struct pr_migration *m = NULL;
    PR_TRY(e, pr_migration_from_file(what, x->config->root, c->a, &m, e));
    *out = m;
    return PR_OK;
}

static const char *git_config(const char *key, const char *root, struct pr_arena *a) {
    const char *const argv[] = {"git", "config", "--get", key, NULL};
    struct pr_proc_done d = {0};
    struct pr_err ignored = {0};                               /* a project without git has no author to offer */
    if (pr_proc_run(&(struct pr_proc){.argv = argv, .cwd = root, .timeout_ms = 5000}, a, &d, &ignored) != PR_OK || d.status != 0) return NULL;
    const char *value = pr_trim(a, d.out);
    return value[0] == '\0' ? NULL : value;
}

const char *pr_git_author(const char *root, struct pr_arena *a) {
    const char *name = git_config("user.name", root, a), *mail = git_config("user.email", root, a);
    if (name == NULL) return mail;
    return mail == NULL ? name : pr_fmt(a, "%s <%s>", name, mail);
}
