#include "ops/apply.h"

/* apply: the guarded run on an environment. */

struct args { const char *migration, *env; };

static const struct pr_param params[] = {
    {.name = "migration", PR_FIELD(PR_T_STR, struct args, migration), .positional = true, .required = true, .complete = "migration",
     .help = "Version, id or path of the migration."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to run on; default: the only one, or production."},
};

enum pr_code pr_ops_apply(struct pr_call *c, const char *migration, const char *env, bool down, struct pr_err *e) {
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    const struct pr_migration *m = NULL;
    json_t *doc = NULL;
    PR_TRY(e, pr_context_open(c, env, &x, e));
    PR_TRY(e, pr_context_target(c, &x, migration, &m, e));
    const struct pr_apply ask = {.config = x.config, .environment = x.env, .migration = m, .down = down, .command = c->command, .talk = c->talk};
    const enum pr_code code = pr_apply_run(&ask, c->a, &doc, e);
    if (doc != NULL) pr_call_return(c, doc);
    return code;
}

/* The transcript has said it all: what stays on the screen is the end, and what is left to do. */
void pr_ops_apply_render(const json_t *doc, const struct pr_render *r) {
    const char *outcome = pr_get_str(doc, "outcome");
    const bool good = pr_eq(outcome, "applied") || pr_eq(outcome, "rolled back");
    size_t i = 0;
    json_t *o = NULL;
    pr_addf(r->out, "\n\001%s%s\002  %s on %s", good ? "g" : "b", pr_printable(r->a, outcome, 40), pr_printable(r->a, pr_get_str(doc, "migration"), 200),
            pr_printable(r->a, pr_get_str(doc, "environment"), 100));
    if (pr_get_str(doc, "database") != NULL) pr_addf(r->out, " (%s, %s)", pr_printable(r->a, pr_get_str(doc, "database"), 100), pr_printable(r->a, pr_get_str(doc, "address"), 200));
    if (pr_get_str(doc, "resumed") != NULL) pr_addf(r->out, ", an earlier start was %s", pr_get_str(doc, "resumed"));
    if (good) pr_addf(r->out, " in %s", pr_human_us(r->a, pr_get_int(doc, "elapsed_us")));
    pr_add(r->out, "\n");
    json_array_foreach(pr_get(doc, "left"), i, o)
        pr_addf(r->out, "\001wleft:\002 %s\n      %s\n", pr_printable(r->a, pr_get_str(o, "what"), 300), pr_printable(r->a, pr_get_str(o, "command"), 300));
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    return pr_ops_apply(c, in->migration, in->env, false, e);
}

PR_OP(apply) = {
    .name = "apply", .summary = "Run a migration on an environment, watched, and prove it",
    .detail = "Looks first at everything that must be so: who the target is, that nobody else applies, that the live schema is the grounded one, that exactly these bytes "
              "passed a rehearsal, that they are approved. On a protected environment it then shows what will run and what is to be expected, and goes on only when a "
              "person types YES at a terminal. Statements run with a lock timeout and are tried again, a second connection watches who waits for them and stops them at "
              "the limits shown; CONCURRENTLY runs without timeouts, and an invalid index that it leaves is dropped. The effect is proven and recorded in pgrail.history. "
              "After any death of it, the same command looks at what is there, and finishes or cleans up: what already happened is adopted without asking, the rest asks again.",
    .examples = (const char *const[]){"pgrail apply 0247 --env production", "pgrail apply 0247_index_unpaid_items --env staging", "pgrail apply 0247 --json", NULL},
    .capability = PR_APPLY, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.apply/1",
    .run = run, .render = pr_ops_apply_render,
};
