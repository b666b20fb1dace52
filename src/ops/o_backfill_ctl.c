#include "ops/backfill.h"

/* backfill-ctl: the hands on a backfill that runs, here or on another machine. */

struct args { const char *action, *job, *env; struct pr_bf_texts texts; };

static const char *const actions[] = {"show", "pause", "resume", "stop", "abandon", "set", NULL};

static const struct pr_param params[] = {
    {.name = "action", PR_FIELD(PR_T_STR, struct args, action), .positional = true, .required = true, .choices = actions,
     .help = "What to do: pause (workers wait), resume, stop (they leave, the next start goes on), abandon (of one that stopped: nobody goes on), set, or show."},
    {.name = "job", PR_FIELD(PR_T_STR, struct args, job), .positional = true, .help = "Name or number of the backfill; default: the only one under way."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment it runs on; default: the only one, or production."},
#define X(FIELD, KEY, FORM, LEAST, MOST, FALLBACK, EXPECTED, HELP) \
    {.name = KEY, PR_FIELD(PR_T_STR, struct args, texts.FIELD), .unit = PR_OPS_WORD_##FORM, .help = HELP},
    PR_BF_TUNABLES(X)
#undef X
};

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    struct pr_bf_tuning wish = {0};
    json_t *doc = NULL;
    PR_TRY(e, pr_bf_wish_read(&in->texts, &wish, e));
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_context_connect(c, &x, "backfill-ctl", e));
    PR_TRY(e, pr_backfill_ctl(x.pg, in->job, in->action, &wish, c->a, &doc, e));
    pr_call_return(c, doc);
    return PR_OK;
}

void pr_ops_backfill_job(const json_t *job, const struct pr_render *r) {
    const json_t *p = pr_get(job, "progress");
    const char *state = pr_get_str(job, "state");
    const int64_t total = pr_get_int(job, "rows_total"), read = pr_get_int(p, "read");
    pr_addf(r->out, "\001wbackfill\002  %s, job %" PRId64 ": \001%s%s\002 since %s", pr_printable(r->a, pr_get_str(job, "backfill"), 200), pr_get_int(job, "job"),
            pr_eq(state, "done") ? "g" : pr_eq(state, "failed") ? "b" : "h", state, pr_get_str(job, "changed_at"));
    if (pr_get_str(job, "note") != NULL) pr_addf(r->out, " (%s)", pr_printable(r->a, pr_get_str(job, "note"), 300));
    pr_addf(r->out, "\n  %s of about %s rows visited (%" PRId64 "%%), %s changed", pr_human_count(r->a, read), pr_human_count(r->a, total),
            total > 0 ? pr_scale(read, 100, total) : 0, pr_human_count(r->a, pr_get_int(p, "changed")));
    if (pr_get_int(p, "rejected") > 0) pr_addf(r->out, ", %s set aside", pr_human_count(r->a, pr_get_int(p, "rejected")));
    if (pr_get_int(p, "ranges_waiting") > 0) pr_addf(r->out, ", %s contended, for later", pr_plural(r->a, pr_get_int(p, "ranges_waiting"), "range"));
    pr_addf(r->out, "; %s at it\n", pr_plural(r->a, pr_get_int(p, "workers_alive"), "worker"));
    if (pr_get_str(job, "held") != NULL) pr_addf(r->out, "  waiting: %s\n", pr_printable(r->a, pr_get_str(job, "held"), 300));
    if (pr_eq(state, "running") && pr_get_int(p, "workers_alive") == 0) pr_add(r->out, "  nobody is at it: its pgrail died; the same command goes on\n");
}

static void render(const json_t *doc, const struct pr_render *r) { pr_ops_backfill_job(doc, r); }

PR_OP(backfill_ctl) = {
    .name = "backfill-ctl", .summary = "Pause, resume, stop or tune a backfill that runs",
    .detail = "Writes to the journal in the target, which every pgrail that is at the job reads a few times a second, on whatever machine. What is set counts at once, the rest stays as it is: workers come "
              "and go, batches and pauses change. A pause holds sessions but no locks; stop lets workers finish their batch, and the same backfill command goes on later. abandon is "
              "for one that stopped or failed: what it did stays, and a file of other bytes may begin.",
    .examples = (const char *const[]){"pgrail backfill-ctl pause --env production", "pgrail backfill-ctl set 0249_vat --workers 2 --pause 20 --env production", "pgrail backfill-ctl show --json", NULL},
    .capability = PR_APPLY, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.backfill-ctl/1", .run = run, .render = render,
};
