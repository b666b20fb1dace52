#include "apply/apply.h"
#include "ops/ops.h"

/* verify: proves that a migration's effect is there and whole. */

struct args { const char *migration, *env; };

static const struct pr_param params[] = {
    {.name = "migration", PR_FIELD(PR_T_STR, struct args, migration), .positional = true, .required = true, .complete = "migration",
     .help = "Version, id or path of the migration."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to look at; default: the only one, or production."},
};

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    const struct pr_migration *m = NULL;
    json_t *doc = NULL;
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_context_migration(c, &x, in->migration, &m, e));
    PR_TRY(e, pr_apply_verify(x.config, x.env, m, c->talk, c->a, &doc, e));
    if (!pr_get_bool(doc, "proven")) c->outcome = PR_ERR_UNPROVEN;
    pr_call_return(c, doc);
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    pr_addf(r->out, "\001h%s on %s\002\n", pr_printable(r->a, pr_get_str(doc, "migration"), 200), pr_printable(r->a, pr_get_str(doc, "environment"), 100));
    json_array_foreach(pr_get(doc, "checks"), i, o) {
        const char *found = pr_get_str(o, "found");
        pr_addf(r->out, "  %s %s%s%s\n", pr_get_bool(o, "holds") ? "\001gOK\002" : "\001bNO\002", pr_printable(r->a, pr_get_str(o, "what"), 400),
                found == NULL ? "" : ": ", found == NULL ? "" : pr_printable(r->a, found, 300));
    }
    pr_addf(r->out, "%s\n", pr_get_bool(doc, "proven") ? "\001gproven\002" : "\001bnot proven\002");
}

PR_OP(verify) = {
    .name = "verify", .summary = "Prove that a migration's effect is there and whole",
    .detail = "Holds what each statement was to bring about against the live catalog (an index that exists and is invalid is no index), and looks whether the history says that it "
              "was applied, and with these bytes. Exit status 1 when anything is missing.",
    .examples = (const char *const[]){"pgrail verify 0247 --env production", "pgrail verify 0247 --json", NULL},
    .capability = PR_OBSERVE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.verify/1",
    .run = run, .render = render,
};
