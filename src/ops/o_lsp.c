#include "ops/lsp.h"

/* lsp: the declaration of the face for editors (face/lsp*.c), and the facts that it begins with. */

struct args { const char *env, *facts, *runner; int64_t pg_version; };

static const char *const runners[] = {"pgrail", "psql", "other", NULL};

static const struct pr_param params[] = {
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Judge with the facts of this environment, read live at the start."},
    {.name = "facts", PR_FIELD(PR_T_PATH, struct args, facts), .help = "Judge with facts that `pgrail ground --save` wrote."},
    {.name = "runner", PR_FIELD(PR_T_STR, struct args, runner), .fallback = "pgrail", .choices = runners, .help = "Who will run the files."},
    {.name = "pg-version", PR_FIELD(PR_T_INT, struct args, pg_version), .min = 0, .max = 99, .help = "Server's major version where there are no facts; 0 = any of 13 to 18."},
};

static enum pr_code live(struct pr_call *c, const char *env, struct pr_lsp_start *s, struct pr_err *e) {
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    struct pr_facts *facts = NULL;
    struct pr_history_row *rows = NULL;
    PR_TRY(e, pr_context_open(c, env, &x, e));
    PR_TRY(e, pr_context_connect(c, &x, "lsp", e));
    PR_TRY(e, pr_facts_read(x.pg, NULL, 0, c->a, &facts, e));
    PR_TRY(e, pr_history_read(x.pg, c->a, &rows, &s->n_rows, e));
    s->facts = facts;
    s->rows = rows;
    s->applied_on = pr_dup(c->a, x.env->name);
    s->source = pr_fmt(c->a, "the live facts of %s", x.env->name);
    return PR_OK;
}

enum pr_code pr_lsp_prepare(struct pr_call *c, struct pr_lsp_start *start, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_lsp_start s = {.config_path = c->config_path, .runner = in->runner, .version_num = (int)in->pg_version * 10000, .source = "no facts"};
    if (in->pg_version != 0 && (in->pg_version < 13 || in->pg_version > 18))
        return PR_FAIL(e, PR_ERR_USAGE, "--pg-version: expected 13 to 18, or 0 for any of them, got %" PRId64, in->pg_version);
    if (in->env != NULL && in->facts != NULL) return PR_FAIL(e, PR_ERR_USAGE, "--env and --facts exclude each other");
    if (in->env != NULL) PR_TRY(e, live(c, in->env, &s, e));
    if (in->facts != NULL) {
        struct pr_facts *facts = NULL;
        PR_TRY(e, pr_facts_load(in->facts, c->a, &facts, e));
        s.facts = facts;
        s.source = pr_fmt(c->a, "facts of %s", facts->taken_at != NULL ? facts->taken_at : "a file");
    }
    if (s.facts != NULL && s.facts->version_num != 0) s.version_num = s.facts->version_num;
    *start = s;
    return PR_OK;
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    (void)c;
    (void)PR_FAIL(e, PR_ERR_USAGE, "lsp speaks with an editor, over standard input and output");
    return pr_hint(e, "let the editor start: pgrail lsp");
}

PR_OP(lsp) = {
    .name = "lsp", .summary = "Judge migrations in an editor while they are written",
    .detail = "A language server over standard input and output: findings as diagnostics, the rule's explanation on hover, fixes and ignores as code "
              "actions, rule names completed behind `-- pgrail:ignore`. The editor starts it; docs/editors.md has the settings for Neovim, Helix and VS Code. "
              "It finds pgrail.conf from the editor's folder upwards. Without --env or --facts it judges without facts.",
    .examples = (const char *const[]){"pgrail lsp", "pgrail lsp --facts .pgrail/facts.json", "pgrail lsp --env production", NULL},
    .capability = PR_OBSERVE, .person_only = true, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.error/1", .run = run,
};
