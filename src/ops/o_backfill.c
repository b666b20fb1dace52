#include "ops/backfill.h"
#include "project/backfills.h"

/* backfill: one statement over a whole table, in transactions that hurt nobody. */

struct flags {                     /* those that are given without a value */
#define X(FIELD, ...) bool FIELD;
    PR_BF_TUNABLES(X)
#undef X
};
struct args { const char *file, *env; struct pr_bf_texts texts; struct flags flags; };

#define NUMBER(FIELD) PR_FIELD(PR_T_STR, struct args, texts.FIELD), .unit = PR_OPS_WORD_NUMBER
#define TIME(FIELD) PR_FIELD(PR_T_STR, struct args, texts.FIELD), .unit = PR_OPS_WORD_TIME
#define RATE(FIELD) PR_FIELD(PR_T_STR, struct args, texts.FIELD), .unit = PR_OPS_WORD_RATE
#define SIZE(FIELD) PR_FIELD(PR_T_STR, struct args, texts.FIELD), .unit = PR_OPS_WORD_SIZE
#define FLAG(FIELD) PR_FIELD(PR_T_BOOL, struct args, flags.FIELD)

static const struct pr_param params[] = {
    {.name = "file", PR_FIELD(PR_T_PATH, struct args, file), .positional = true, .required = true, .help = "NNNN_name.backfill.sql: a header and one UPDATE, DELETE or INSERT."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to run on; default: the only one, or production."},
#define X(FIELD, KEY, FORM, LEAST, MOST, FALLBACK, EXPECTED, HELP) {.name = KEY, FORM(FIELD), .help = HELP " [" FALLBACK "]"},
    PR_BF_TUNABLES(X)
#undef X
};

static enum pr_code wish_of(const struct args *in, struct pr_bf_tuning *wish, struct pr_err *e) {
    struct pr_bf_texts texts = in->texts;
#define X(FIELD, ...) if (in->flags.FIELD) texts.FIELD = "yes";
    PR_BF_TUNABLES(X)
#undef X
    return pr_bf_wish_read(&texts, wish, e);
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    struct pr_bf_file file PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_migration *m = NULL;
    struct pr_bf_tuning wish = {0};
    json_t *doc = NULL;
    PR_TRY(e, wish_of(in, &wish, e));
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_bf_file_read(in->file, x.config->root, c->a, &file, e));
    PR_TRY(e, pr_backfill_migration(in->file, x.config->root, c->a, &m, e));
    const struct pr_backfill ask = {
        .config = x.config, .environment = x.env, .file = &file, .migration = m, .command = c->command, .talk = c->talk, .wish = wish};
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
              "and on another machine it takes part. Where it pays, rows of a page are written a few at a time, so that new versions stay on their page and indexes hardly grow. "
              "What an option leaves out, the journal says, or for a new job the header, or what stands in brackets here. Whoever waits for a lock of ours is let through, contended rows come later; it waits for standbys and for WAL. Ctrl-C finishes the batch and stops, twice "
              "ends it at once. From another terminal: pgrail backfill-ctl.",
    .examples = (const char *const[]){"pgrail backfill migrations/0249_vat.backfill.sql --env staging", "pgrail backfill migrations/0249_vat.backfill.sql --workers 2 --max-rejects 100", NULL},
    .capability = PR_APPLY, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.backfill/1", .run = run, .render = render,
};
