#include "ops/rehearse.h"

#include <unistd.h>

#include "backfill/run.h"
#include "catalog/catalog.h"
#include "crypt/crypt.h"
#include "policy/policy.h"
#include "project/backfills.h"

/* rehearse: the migration on a disposable copy of staging, with what it did to others, and a verdict. */

struct args {
    const char *migration, *env, *staging, *dump, *html, *share;
    int64_t sample, rate, clients, alone;
    struct pr_list workload;
    bool force;
};

static const struct pr_param params[] = {
    {.name = "migration", PR_FIELD(PR_T_STR, struct args, migration), .required = true, .positional = true, .complete = "migration",
     .help = "Version, id or path of the migration."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment",
     .help = "Environment that it is for: its schema and sizes are the yardstick."},
    {.name = "staging", PR_FIELD(PR_T_STR, struct args, staging), .complete = "environment", .fallback = "staging",
     .help = "Environment whose database is cloned for the run."},
    {.name = "dump", PR_FIELD(PR_T_PATH, struct args, dump),
     .help = "Instead: a dump of pg_dump (custom, directory, tar or plain SQL), restored into a throwaway server."},
    {.name = "sample", PR_FIELD(PR_T_DURATION, struct args, sample), .max = 60000, .unit = "duration",
     .help = "Pause between two looks at the locks; default is [rehearse] sample of pgrail.conf."},
    {.name = "force", PR_FIELD(PR_T_BOOL, struct args, force),
     .help = "Rehearse although check found errors; the verdict stays \"not ready\"."},
    {.name = "share", PR_FIELD(PR_T_STR, struct args, share), .fallback = "100%", .unit = "percent",
     .help = "Of a backfill: the part of the rows to run, as in 10%; the forecast is of all."},
    {.name = "workload", PR_FIELD(PR_T_LIST, struct args, workload), .complete = "file", .unit = "FILE[@WEIGHT]",
     .help = "Script of pgbench that runs on the copy, alone and then beside up: what others feel of it. Several are mixed by weight; none: not that of pgrail.conf."},
    {.name = "rate", PR_FIELD(PR_T_INT, struct args, rate), .min = 1, .max = 100000, .unit = "N",
     .help = "Transactions of the workload a second, of all clients together; default is workload_rate of the environment."},
    {.name = "clients", PR_FIELD(PR_T_INT, struct args, clients), .min = 1, .max = 1000, .unit = "N", .help = "Sessions of the workload; default is 8."},
    {.name = "alone", PR_FIELD(PR_T_DURATION, struct args, alone), .min = 100, .max = 3600000, .unit = "duration",
     .help = "How long the workload runs before up, to compare with; default is 10s."},
    {.name = "html", PR_FIELD(PR_T_PATH, struct args, html), .help = "Page to write; default is .pgrail/rehearsals/MIGRATION.html."},
};

struct rehearsal {
    struct pr_call *c;
    struct pr_context x;
    const struct pr_migration *m;
    struct pr_facts *facts;        /* of the target; NULL when it cannot be reached */
    struct pr_script script;
    struct pr_judged judged;
    struct pr_bf_file backfill;    /* when it is one */
    int64_t share;
    struct pr_workload workload;   /* n 0 = none */
};

static void rehearsal_done(struct rehearsal *h) {
    pr_bf_file_done(&h->backfill);
    pr_script_done(&h->script);
    pr_script_done(&h->judged.script);
    pr_context_done(&h->x);
}

/* A target that cannot be reached does not stop a rehearsal: its verdict then says that parity is not known. */
static enum pr_code read_target(struct rehearsal *h, struct pr_err *e) {
    struct pr_err why = {0};
    PR_TRY(e, pr_script_parse(h->m->up.text, h->m->up.len, h->c->a, &h->script, e));
    const enum pr_code code = pr_context_connect(h->c, &h->x, "rehearse", &why);
    if (code == PR_ERR_CONNECT || code == PR_ERR_TIMEOUT) return PR_OK;
    if (code != PR_OK) {
        *e = why;
        return code;
    }
    struct pr_want *wants = NULL;
    const size_t n = pr_facts_wants(&h->script, h->c->a, &wants);
    if (n == 0) return PR_OK;                   /* touches no relation: nothing to hold against */
    return pr_facts_read(h->x.pg, wants, n, h->c->a, &h->facts, e);
}

/* Fresh: every relation that the script touches has the fingerprint that it had when it was grounded. */
static enum pr_yes grounding_state(const struct rehearsal *h, const struct pr_grounding *g) {
    int64_t taken_us = 0;
    struct pr_err ignored = {0};
    if (pr_parse_iso_time(g->taken_at, &taken_us, &ignored) != PR_OK) return PR_STALE_YES;
    if (pr_too_old(taken_us, h->x.config->grounding_max_age_ms * 1000)) return PR_STALE_YES;
    for (size_t i = 0; h->facts != NULL && i < h->facts->n_rels; i++) {
        const struct pr_rel *r = &h->facts->rels[i];
        const char *was = pr_get_str(g->relations, pr_fmt(h->c->a, "%s.%s", r->schema, r->name));
        if (!pr_eq(was, r->fingerprint)) return PR_STALE_YES;
    }
    return PR_YES;
}

static enum pr_code grounded(const struct rehearsal *h, enum pr_yes *out, struct pr_err *e) {
    struct pr_grounding g = {0};
    bool found = false;
    PR_TRY(e, pr_ledger_grounding(h->x.ledger, h->x.env->name, h->m->id, h->c->a, &g, &found, e));
    *out = found ? grounding_state(h, &g) : PR_NO;
    json_decref(g.relations);
    return PR_OK;
}

/* Both sides: what the way back does counts as well. */
static enum pr_code count_errors(struct rehearsal *h, int *errors, struct pr_err *e) {
    const struct pr_judge judge = {.migration = h->m, .side = &h->m->up, .facts = h->facts, .config = h->x.config, .runner = "pgrail"};
    PR_TRY(e, pr_judge_side(&judge, h->c->a, &h->judged, e));
    *errors = h->judged.counts[PR_ERROR];
    return PR_OK;
}

static const char *first_error(const struct rehearsal *h) {
    for (size_t i = 0; i < h->judged.findings.n; i++)
        if (h->judged.findings.items[i].level == PR_ERROR) return h->judged.findings.items[i].rule;
    return "";
}

static enum pr_code may_rehearse(struct rehearsal *h, const struct args *in, struct pr_err *e) {
    struct pr_situation s = {.is_protected = h->x.env->is_protected, .bytes_same = true, .findings_accepted = in->force};
    PR_TRY(e, grounded(h, &s.grounded, e));
    PR_TRY(e, count_errors(h, &s.errors, e));
    const struct pr_ruling ruling = pr_may_rehearse(&s);
    if (ruling.code == PR_OK) return PR_OK;
    const char *command = pr_ruling_command(h->c->a, &ruling, in->migration);
    if (ruling.code == PR_ERR_REFUSED && s.errors > 0) {
        (void)PR_FAIL(e, ruling.code, "migration %s: %s (%d, the first is %s)", h->m->id, ruling.reason, s.errors, first_error(h));
        return pr_hint(e, "%s --env %s; or --force to see what it would do, on the copy alone", command, h->x.env->name);
    }
    (void)PR_FAIL(e, ruling.code, "migration %s: %s (environment %s)", h->m->id, ruling.reason, h->x.env->name);
    return pr_hint(e, "%s --env %s", command, h->x.env->name);
}

/* .pgrail/rehearsals in the project when it can be written, else no page. */
static const char *page_path(const struct rehearsal *h, const struct args *in) {
    if (in->html != NULL) return in->html;
    const char *folder = pr_fmt(h->c->a, "%s/.pgrail/rehearsals", h->x.config->root);
    struct pr_err ignored = {0};
    if (pr_mkdirs(folder, 0755, &ignored) != PR_OK || access(folder, W_OK) != 0) return NULL;
    return pr_fmt(h->c->a, "%s/%s.html", folder, h->m->id);
}

static enum pr_code record(const struct rehearsal *h, json_t *doc, bool passed, const struct args *in, struct pr_err *e) {
    struct pr_arena *a = h->c->a;
    struct pr_rehearsal row = {
        .environment = h->x.env->name, .staging = in->dump != NULL ? pr_fmt(a, "dump %s", in->dump) : in->staging,
        .migration = h->m->id, .sha256 = h->m->sha256, .passed = passed, .fingerprint = pr_get_str(pr_get(doc, "copy"), "fingerprint"),
        .doc = doc, .started_at = pr_get_str(doc, "started_at"), .elapsed_us = pr_get_int(doc, "elapsed_us"),
        .report_sha256 = pr_sha256_text(a, pr_json_text(a, doc, false))};
    PR_TRY(e, pr_ledger_put_rehearsal(h->x.ledger, &row, e));
    pr_set_int(doc, "rehearsal_id", row.id);
    pr_set_str(doc, "report_sha256", row.report_sha256);
    return PR_OK;
}

/* ---- a backfill runs on the copy as it will run */

static enum pr_code fill(void *ctx, const struct pr_fill_place *copy, struct pr_arena *a, struct pr_filled *out, struct pr_err *e) {
    const struct rehearsal *h = ctx;
    const struct pr_bf_trial trial = {.file = &h->backfill, .where = copy->where, .share = h->share, .talk = h->c->talk,
                                      .began = copy->began, .ended = copy->ended, .ctx = copy->ctx};
    struct pr_bf_tried t = {0};
    PR_TRY(e, pr_backfill_try(&trial, a, &t, e));
    struct pr_filled_table *tables = PR_NEW_ARRAY(a, struct pr_filled_table, t.n_tables);
    for (size_t i = 0; i < t.n_tables; i++) tables[i] = (struct pr_filled_table){t.tables[i].oid, t.tables[i].changed, t.tables[i].walked};
    *out = (struct pr_filled){.way = t.way, .why_way = t.why_way, .tables = tables, .n_tables = t.n_tables, .whole = t.whole, .rows = t.rows, .read = t.read,
                              .changed = t.changed, .batches = t.batches, .rejects = t.rejects, .walk_us = t.walk_us, .heap_before = t.heap_before,
                              .heap_after = t.heap_after, .indexes_before = t.indexes_before, .indexes_after = t.indexes_after, .updates = t.updates,
                              .hot_updates = t.hot_updates, .left = t.left};
    return PR_OK;
}

static enum pr_code take_share(struct rehearsal *h, const char *text, struct pr_err *e) {
    const size_t len = strlen(text);
    const char *number = len > 0 && text[len - 1] == '%' ? pr_dupn(h->c->a, text, len - 1) : text;
    if (pr_parse_i64(number, 1, 100, &h->share, e) != PR_OK) return PR_FAIL(e, PR_ERR_USAGE, "share is \"%s\": it must be 1%% to 100%%", pr_printable(h->c->a, text, 40));
    if (h->share == 100 || pr_is_backfill(h->m->up.path)) return PR_OK;
    return PR_FAIL(e, PR_ERR_USAGE, "migration %s is no backfill: only of a backfill a share can be rehearsed", h->m->id);
}

/* Read before anything is cloned: its header may be wrong. */
static enum pr_code take_backfill(struct rehearsal *h, const struct args *in, struct pr_err *e) {
    PR_TRY(e, take_share(h, in->share, e));
    if (!pr_is_backfill(h->m->up.path)) return PR_OK;
    return pr_bf_file_parse(h->m->up.path, h->m->up.text, h->m->up.len, h->c->a, &h->backfill, e);
}

/* An unprotected environment needs no approval. Named even where it is the default: the command is typed in other moods. */
static const char *next_command(const struct rehearsal *h) {
    const char *what = h->x.env->is_protected ? "approve" : h->backfill.stmt != NULL ? "backfill" : "apply";
    const char *which = pr_eq(what, "backfill") ? h->m->up.path : h->m->id;
    return pr_fmt(h->c->a, "pgrail %s %s --env %s", what, which, h->x.env->name);
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct rehearsal h PR_CLEANUP(rehearsal_done) = {.c = c};
    const struct pr_environment *staging = NULL;
    PR_TRY(e, pr_context_open(c, in->env, &h.x, e));
    PR_TRY(e, pr_context_target(c, &h.x, in->migration, &h.m, e));
    if (in->dump == NULL && pr_config_env(h.x.config, in->staging, &staging, e) != PR_OK)
        return pr_hint(e, "add [environment %s] to pgrail.conf, or give --dump FILE", in->staging);
    if (staging != NULL && staging == h.x.env) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "environment %s cannot be its own staging", staging->name);
        return pr_hint(e, "--env names the environment that it is for, --staging the one that is cloned");
    }
    if (h.m->up.text == NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "migration %s has no up side", h.m->id);
    PR_TRY(e, take_backfill(&h, in, e));
    const struct pr_ops_workload ask = {.environment = h.x.env, .files = in->workload, .rate = in->rate, .clients = in->clients, .alone_ms = in->alone};
    PR_TRY(e, pr_ops_workload_read(&ask, c->a, &h.workload, e));
    PR_TRY(e, read_target(&h, e));
    PR_TRY(e, may_rehearse(&h, in, e));
    pr_pg_close(h.x.pg);                        /* the rehearsal opens its own sessions */
    h.x.pg = NULL;
    const char *page = page_path(&h, in);
    const struct pr_rehearse r = {.config = h.x.config, .target = h.x.env, .staging = staging, .dump = in->dump, .migration = h.m,
                                  .sample_ms = in->sample > 0 ? in->sample : h.x.config->sample_ms, .force = in->force, .html = page,
                                  .talk = c->talk, .fill = h.backfill.stmt != NULL ? fill : NULL, .fill_ctx = &h,
                                  .workload = h.workload.n > 0 ? &h.workload : NULL};
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    bool passed = false;
    PR_TRY(e, pr_rehearse_run(&r, c->a, &doc, &passed, e));
    PR_TRY(e, record(&h, doc, passed, in, e));
    pr_set_str(doc, "page", page);
    pr_set_str(doc, "next", passed ? next_command(&h) : NULL);
    if (!passed) c->outcome = PR_ERR_REHEARSAL_FAILED;
    pr_call_return(c, doc);
    doc = NULL;
    return PR_OK;
}

static void render_stops(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *stop = NULL;
    const bool known = pr_get_bool(pr_get(doc, "forecast"), "known");
    json_array_foreach(pr_get(pr_get(doc, "forecast"), "stops"), i, stop) {
        const int64_t writers = pr_get_int(stop, "writers_us"), readers = pr_get_int(stop, "readers_us");
        pr_addf(r->out, "   %s.%s: writes stopped %s", pr_get_str(stop, "schema"), pr_get_str(stop, "name"), pr_human_us(r->a, writers));
        if (known)
            pr_addf(r->out, " (production %s to %s)", pr_human_us(r->a, pr_get_int(stop, "writers_low_us")),
                    pr_human_us(r->a, pr_get_int(stop, "writers_high_us")));
        if (readers > 0) pr_addf(r->out, ", reads stopped %s\n", pr_human_us(r->a, readers));
        else pr_add(r->out, ", reads went on\n");
    }
}

static void render_growth(const struct pr_render *r, const json_t *b, const char *what, const char *key, bool known) {
    const int64_t more = pr_get_int(b, pr_fmt(r->a, "%s_bytes_after", key)) - pr_get_int(b, pr_fmt(r->a, "%s_bytes_before", key));
    pr_addf(r->out, "; %s +%s", what, pr_human_bytes(r->a, more > 0 ? more : 0));
    if (known) pr_addf(r->out, " (production +%s)", pr_human_bytes(r->a, pr_get_int(b, pr_fmt(r->a, "forecast_%s_bytes", key))));
}

static void render_backfill(const json_t *doc, const struct pr_render *r) {
    const json_t *b = pr_get(doc, "backfill"), *forecast = pr_get(doc, "forecast");
    const bool known = pr_get_bool(forecast, "known");
    if (b == NULL) return;
    pr_addf(r->out, "   as a backfill: %s, %s in %s", pr_get_str(b, "way"), pr_plural(r->a, pr_get_int(b, "changed"), "row"), pr_plural(r->a, pr_get_int(b, "batches"), "transaction"));
    render_growth(r, b, "heap", "heap", known);
    render_growth(r, b, "indexes", "index", known);
    if (known) pr_addf(r->out, "; WAL in production %s", pr_human_bytes(r->a, pr_get_int(forecast, "wal_bytes")));
    pr_add(r->out, "\n");
}

static void render_reasons(const json_t *doc, const struct pr_render *r) {
    const json_t *verdict = pr_get(doc, "verdict");
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(pr_get(verdict, "reasons"), i, one) {
        const char *mend = pr_get_str(one, "mend");
        pr_addf(r->out, "%3zu. %s\n", i + 1, pr_printable(r->a, pr_get_str(one, "text"), 600));
        if (mend != NULL) pr_addf(r->out, "     \001dmend: %s\002\n", pr_printable(r->a, mend, 600));
    }
    json_array_foreach(pr_get(verdict, "notes"), i, one) pr_addf(r->out, "   note: %s\n", pr_printable(r->a, pr_get_str(one, "text"), 600));
}

static void render(const json_t *doc, const struct pr_render *r) {
    const json_t *forecast = pr_get(doc, "forecast"), *up = json_array_get(pr_get(doc, "runs"), 0);
    const bool ready = pr_get_bool(pr_get(doc, "verdict"), "ready");
    pr_addf(r->out, "\n%s  %s, rehearsal %" PRId64 "\n", ready ? "\001gREADY\002" : "\001bNOT READY\002",
            pr_get_str(pr_get(doc, "migration"), "id"), pr_get_int(doc, "rehearsal_id"));
    pr_addf(r->out, "   up took %s here", pr_human_us(r->a, pr_get_int(up, "statements_us") + pr_get_int(up, "commit_us")));
    if (pr_get_bool(forecast, "known"))
        pr_addf(r->out, "; production %s to %s", pr_human_us(r->a, pr_get_int(forecast, "low_us")),
                pr_human_us(r->a, pr_get_int(forecast, "high_us")));
    pr_addf(r->out, "; WAL %s\n", pr_human_bytes(r->a, pr_get_int(up, "wal_bytes")));
    render_backfill(doc, r);
    if (pr_get(doc, "workload") != NULL) pr_addf(r->out, "   workload: %s\n", pr_printable(r->a, pr_get_str(pr_get(doc, "workload"), "text"), 600));
    render_stops(doc, r);
    if (json_array_size(pr_get(forecast, "stops")) == 0) pr_add(r->out, "   nobody was stopped\n");
    render_reasons(doc, r);
    const char *page = pr_get_str(doc, "page");
    if (page != NULL) pr_addf(r->out, "   page: %s\n", page);
    const char *next = pr_get_str(doc, "next");
    if (next != NULL) pr_addf(r->out, "   next: %s\n", next);
}

PR_OP(rehearse) = {
    .name = "rehearse", .summary = "Run a migration on a disposable copy of staging and say what it did to others",
    .detail = "Clones the staging database (or restores a dump), holds it against production, runs up, down and up again statement by "
              "statement, reads the exact locks and how long they were held, rewrites, scans, index builds, WAL and sizes, proves the "
              "effect by the catalog, holds prediction against observation, and ends in a verdict with reasons. Production is "
              "only read. The result goes into the ledger and into a page with the lock timeline.",
    .examples = (const char *const[]){"pgrail rehearse 0247", "pgrail rehearse 0247 --dump staging.dump --env production",
                                      "pgrail rehearse migrations/0249_vat.backfill.sql --workload db/foreground.sql --rate 200",
                                      "pgrail rehearse wrong/0247_index_unpaid_items_wrong.up.sql --force --html /tmp/0247.html", NULL},
    .capability = PR_REHEARSE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.rehearsal/1", .run = run, .render = render,
};
