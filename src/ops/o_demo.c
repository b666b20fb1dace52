#include "ops/ops.h"

#include "demo/demo.h"

struct args { bool small; const char *dir; };

static const struct pr_param params[] = {
    {.name = "small", PR_FIELD(PR_T_BOOL, struct args, small), .help = "A hundredth of the volume: 24,000 invoice lines instead of 2,400,000."},
    {.name = "dir", PR_FIELD(PR_T_PATH, struct args, dir), .help = "Write the demo's project here instead of a new temporary folder."},
};

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    json_t *doc = NULL;
    bool as_expected = false;
    PR_TRY(e, pr_demo_run(&(struct pr_demo){.small = in->small, .dir = in->dir, .talk = c->talk}, c->a, &doc, &as_expected, e));
    pr_call_return(c, doc);
    if (!as_expected) c->outcome = PR_ERR_FINDINGS;
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    pr_add(r->out, "\n\001hWhat happened\002\n");
    json_array_foreach(pr_get(doc, "acts"), i, o) {
        const int64_t status = pr_get_int(o, "exit_status");
        const bool expected = status == pr_get_int(o, "expected");
        pr_addf(r->out, "  %s  %8s  exit %" PRId64 "  %s\n", expected ? "\001gas it should\002" : "\001bUNEXPECTED  \002",
                pr_human_us(r->a, pr_get_int(o, "elapsed_us")), status, pr_get_str(o, "command"));
    }
    pr_addf(r->out, "\nall of it in %s\n", pr_human_us(r->a, pr_get_int(doc, "elapsed_us")));
    pr_addf(r->out, "pages of the rehearsals: %s\nthe project: %s\n", pr_get_str(doc, "pages"), pr_get_str(doc, "folder"));
}

PR_OP(demo) = {
    .name = "demo", .summary = "The whole way of a migration on throwaway servers, with real volumes",
    .detail = "Boots two private servers, production and staging, loads an invoicing service with 2.4 million lines, and walks the way of a "
              "migration with pgrail's own commands: what you see is what they print. Nothing outside a temporary folder is touched.",
    .examples = (const char *const[]){"pgrail demo", "pgrail demo --small", NULL},
    .capability = PR_REHEARSE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.demo/1", .run = run, .render = render,
};
