#include "ops/apply.h"
#include "ops/ops.h"
#include "project/backfills.h"

/* rollback: says first what kind of rollback it is, then runs the down script through the same seam. */

struct args { const char *migration, *env; bool explain; };

static const struct pr_param params[] = {
    {.name = "migration", PR_FIELD(PR_T_STR, struct args, migration), .positional = true, .required = true, .complete = "migration",
     .help = "Version, id or path of the migration."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to run on; default: the only one, or production."},
    {.name = "explain", PR_FIELD(PR_T_BOOL, struct args, explain), .help = "Only say what kind of rollback it is; run nothing."},
};

/* A script takes back what a script did; rows that a backfill has written or moved are another's. */
static const char *of_rows(struct pr_call *c, const struct pr_context *x, const struct pr_migration *m) {
    const struct pr_backfill_file *there = NULL, *back = NULL;
    for (size_t i = 0; x->folder != NULL && i < x->folder->n_backfills; i++) {
        const struct pr_backfill_file *b = &x->folder->backfills[i];
        if (b->of == m) *(b->is_back ? &back : &there) = b;
    }
    if (back != NULL) return pr_fmt(c->a, ". Rows that its backfill has moved go back before: pgrail backfill %s --env %s", back->path, x->env->name);
    return there != NULL ? pr_fmt(c->a, ". What its backfill %s has done it does not undo", there->path) : "";
}

static enum pr_code explain(struct pr_call *c, const struct args *in, bool *has_down, struct pr_err *e) {
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    const struct pr_migration *m = NULL;
    struct pr_rollback kind = {0};
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_context_migration(c, &x, in->migration, &m, e));
    PR_TRY(e, pr_rollback_judge(m, NULL, c->a, &kind, e));
    kind.words = pr_fmt(c->a, "%s%s", kind.words, of_rows(c, &x, m));
    *has_down = m->down.path != NULL;
    pr_say(c->talk, PR_LINE_STEP, "what kind of rollback %s is", m->id);
    pr_say(c->talk, PR_LINE_FACT, "%s", kind.words);
    if (!in->explain) return PR_OK;
    json_t *doc = json_object();
    pr_set_str(doc, "schema", "pgrail.apply/1");
    pr_set_str(doc, "migration", m->id);
    pr_set_str(doc, "direction", "down");
    pr_set_str(doc, "environment", x.env->name);
    pr_set_str(doc, "outcome", "nothing changed");
    pr_set_str(doc, "rollback_kind", pr_rollback_name(kind.kind));
    pr_set_str(doc, "rollback_words", kind.words);
    pr_call_return(c, doc);
    return PR_OK;
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    bool has_down = false;
    PR_TRY(e, explain(c, in, &has_down, e));
    return in->explain ? PR_OK : pr_ops_apply(c, in->migration, in->env, true, e);
}

PR_OP(rollback) = {
    .name = "rollback", .summary = "Say what kind of rollback this is, and run the down script",
    .detail = "Most rollbacks of an additive change need the older application and nothing in the database; a lost column needs a backup, not a script. It says which one this "
              "is, then runs the down script under the same guards as apply: rehearsed bytes, an approval for the direction down, the typed YES, watch, proof, record. "
              "It also undoes what an apply left in half.",
    .examples = (const char *const[]){"pgrail rollback 0247 --env production", "pgrail rollback 0247 --explain", NULL},
    .capability = PR_APPLY, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.apply/1",
    .run = run, .render = pr_ops_apply_render,
};
