#include "backfill/run.h"
#include "ops/ops.h"
#include "project/backfills.h"

/* backfill: one statement over a whole table, in transactions that hurt nobody. */

struct args { const char *file, *env; int64_t workers, batch, target, pause, max_lag, max_wal, max_rejects, vacuum; bool gentle, async_commit; };

static const struct pr_param params[] = {
    {.name = "file", PR_FIELD(PR_T_PATH, struct args, file), .positional = true, .required = true, .help = "NNNN_name.backfill.sql: a header and one UPDATE, DELETE or INSERT."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to run on; default: the only one, or production."},
    {.name = "workers", PR_FIELD(PR_T_INT, struct args, workers), .min = -1, .max = 32, .fallback = "-1", .help = "Processes; -1: what the file or the journal says. For all that follow likewise."},
    {.name = "batch", PR_FIELD(PR_T_INT, struct args, batch), .min = -1, .max = 100000, .fallback = "-1", .unit = "rows", .help = "Rows of a transaction at the start."},
    {.name = "target", PR_FIELD(PR_T_INT, struct args, target), .min = -1, .max = 60000, .fallback = "-1", .unit = "ms", .help = "Time of a transaction that batches adapt to."},
    {.name = "pause", PR_FIELD(PR_T_INT, struct args, pause), .min = -1, .max = 3600000, .fallback = "-1", .unit = "ms", .help = "Between two transactions, at least."},
    {.name = "max-lag", PR_FIELD(PR_T_INT, struct args, max_lag), .min = -1, .max = 86400000, .fallback = "-1", .unit = "ms", .help = "Waits while a standby is further behind; 0: not watched."},
    {.name = "max-wal", PR_FIELD(PR_T_INT, struct args, max_wal), .min = -1, .max = INT64_C(1) << 40, .fallback = "-1", .unit = "bytes/s", .help = "WAL of the whole server; 0: not watched."},
    {.name = "max-rejects", PR_FIELD(PR_T_INT, struct args, max_rejects), .min = -1, .max = 1000000, .fallback = "-1", .unit = "rows", .help = "Rows that may be set aside when a cast or a constraint refuses them."},
    {.name = "vacuum", PR_FIELD(PR_T_INT, struct args, vacuum), .min = -1, .max = INT64_C(1) << 40, .fallback = "-1", .unit = "rows", .help = "Vacuums after so many changed rows; 0: never."},
    {.name = "gentle", PR_FIELD(PR_T_BOOL, struct args, gentle), .help = "Idle for twice as long as at work."},
    {.name = "async-commit", PR_FIELD(PR_T_BOOL, struct args, async_commit), .help = "Does not wait for the disk at each commit: a crash loses batch and journal row together, and both come again."},
};

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    struct pr_bf_file file PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_migration *m = NULL;
    json_t *doc = NULL;
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_bf_file_read(in->file, x.config->root, c->a, &file, e));
    PR_TRY(e, pr_backfill_migration(in->file, x.config->root, c->a, &m, e));
    const struct pr_backfill ask = {
        .config = x.config, .environment = x.env, .file = &file, .migration = m, .command = c->command, .talk = c->talk,
        .wish = {.workers = in->workers, .batch = in->batch, .target_ms = in->target, .pause_ms = in->pause, .max_lag_ms = in->max_lag, .max_wal_bytes_s = in->max_wal,
                 .max_rejects = in->max_rejects, .vacuum_rows = in->vacuum, .gentle = in->gentle ? 1 : -1, .async_commit = in->async_commit ? 1 : -1}};
    const enum pr_code code = pr_backfill_run(&ask, c->a, &doc, e);
    if (doc != NULL) pr_call_return(c, doc);
    return code;
}

static void grown(const json_t *doc, const struct pr_render *r, const char *what, const char *before_key, const char *after_key) {
    const int64_t before = pr_get_int(doc, before_key), more = pr_get_int(doc, after_key) - before;
    pr_addf(r->out, ", %s %s%s", what, more < 0 ? "-" : "+", pr_human_bytes(r->a, more < 0 ? -more : more));
    if (before > 0) pr_addf(r->out, " (%" PRId64 "%%)", pr_scale(more, 100, before));
}

/* The transcript has said it all: what stays is the end, and what it cost. */
static void render(const json_t *doc, const struct pr_render *r) {
    const char *state = pr_get_str(doc, "state");
    const json_t *p = pr_get(doc, "progress");
    size_t i = 0;
    json_t *o = NULL;
    if (state == NULL) return;
    pr_addf(r->out, "\n\001%s%s\002  %s on %s (%s, %s) in %s\n", pr_eq(state, "done") ? "g" : "w", state, pr_printable(r->a, pr_get_str(doc, "backfill"), 200),
            pr_printable(r->a, pr_get_str(doc, "environment"), 100), pr_printable(r->a, pr_get_str(doc, "database"), 100), pr_printable(r->a, pr_get_str(doc, "address"), 200),
            pr_human_us(r->a, pr_get_int(doc, "elapsed_us")));
    if (p == NULL) return;
    pr_addf(r->out, "%s changed of %s visited, in %s", pr_plural(r->a, pr_get_int(p, "changed"), "row"), pr_human_count(r->a, pr_get_int(p, "read")),
            pr_plural(r->a, pr_get_int(p, "batches"), "transaction"));
    if (pr_get_int(p, "retries") > 0) pr_addf(r->out, ", %s", pr_plural(r->a, pr_get_int(p, "retries"), "retry"));
    grown(doc, r, "heap", "heap_bytes_before", "heap_bytes_after");
    grown(doc, r, "indexes", "index_bytes_before", "index_bytes_after");
    pr_add(r->out, "\n");
    if (pr_get_int(p, "rejected") > 0) pr_addf(r->out, "\001wset aside\002  %s; keys in pgrail.backfill_reject\n", pr_plural(r->a, pr_get_int(p, "rejected"), "row"));
    json_array_foreach(pr_get(doc, "rejects"), i, o)
        pr_addf(r->out, "  %s of %s: SQLSTATE %s\n", pr_printable(r->a, pr_get_str(o, "key"), 200), pr_printable(r->a, pr_get_str(o, "table"), 200), pr_get_str(o, "sqlstate"));
}

PR_OP(backfill) = {
    .name = "backfill", .summary = "Run one statement over a whole table in small transactions that hurt nobody",
    .detail = "Takes the one UPDATE, DELETE or INSERT … SELECT of the file apart by key and runs it in transactions of some 50 ms, each with its row in the journal "
              "(pgrail.backfill_job, _range, _batch of the target), so that nothing is done twice or left out whatever dies; the same command goes on where it stopped, "
              "and on another machine it takes part. Where it pays, rows of a page are written two at a time, so that new versions stay on their page and no index grows. "
              "Whoever waits for a lock of ours is let through, contended rows come later; it waits for standbys and for WAL. Ctrl-C finishes the batch and stops, twice "
              "ends it at once. From another terminal: pgrail backfill-ctl.",
    .examples = (const char *const[]){"pgrail backfill migrations/0249_vat.backfill.sql --env staging", "pgrail backfill migrations/0249_vat.backfill.sql --workers 2 --max-rejects 100", NULL},
    .capability = PR_APPLY, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.backfill/1", .run = run, .render = render,
};
