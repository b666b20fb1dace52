#include "apply/apply.h"
#include "crypt/crypt.h"
#include "ops/backfill.h"
#include "project/backfills.h"

/* status: what is applied, pending, changed after it was applied, or left unfinished. */

struct args { const char *env; };

static const struct pr_param params[] = {
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment to look at; default: the only one, or production."},
};

/* What became of a backfill: the newest job of its name says it, unless that has ended and the file says something else now, or its way back
 * was gone since. A way back that nobody went is nothing that is to be done. */
static enum pr_code put_state(struct pr_call *c, struct pr_context *x, const struct pr_backfill_file *f, bool journal, json_t *o, struct pr_err *e) {
    struct pr_bf_job job = {0};
    bool found = false, undone = false;
    if (journal) PR_TRY(e, pr_bf_journal_find(x->pg, f->id, c->a, &job, &found, e));
    if (found && pr_bf_state_ended(job.state)) found = pr_eq(job.sha256, pr_sha256(c->a, f->text, f->len));
    if (found && job.state == PR_BF_DONE) PR_TRY(e, pr_bf_journal_undone(x->pg, &job, c->a, &undone, e));
    found = found && !undone;
    pr_set_bool(o, "way_back", f->is_back);
    pr_set_str(o, "state", found ? pr_bf_state_name(job.state) : f->is_back ? "in reserve" : "pending");
    pr_set_str(o, "changed_at", found ? job.changed_at : NULL);
    return PR_OK;
}

static enum pr_code put_states(struct pr_call *c, struct pr_context *x, const struct pr_folder *folder, json_t *files, struct pr_err *e) {
    size_t i = 0;
    json_t *o = NULL;
    bool journal = false;
    PR_TRY(e, pr_bf_journal_there(x->pg, c->a, &journal, e));
    json_array_foreach(files, i, o) PR_TRY(e, put_state(c, x, &folder->backfills[i], journal, o, e));
    return PR_OK;
}

static enum pr_code backfills(struct pr_call *c, struct pr_context *x, const struct pr_folder *folder, json_t *doc, struct pr_err *e) {
    json_t *list = NULL;
    PR_TRY(e, pr_context_connect(c, x, "status", e));
    PR_TRY(e, put_states(c, x, folder, pr_get(doc, "backfills"), e));
    PR_TRY(e, pr_backfill_jobs(x->pg, false, c->a, &list, e));
    pr_set(doc, "backfill_jobs", list);
    return PR_OK;
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_context x PR_CLEANUP(pr_context_done) = {0};
    struct pr_folder *folder = NULL;
    json_t *doc = NULL;
    PR_TRY(e, pr_context_open(c, in->env, &x, e));
    PR_TRY(e, pr_folder_read(x.config->migrations, x.config->root, x.config->layout, c->a, &folder, e));
    PR_TRY(e, pr_apply_status(x.config, x.env, folder, c->talk, c->a, &doc, e));
    const enum pr_code code = backfills(c, &x, folder, doc, e);
    if (code != PR_OK) json_decref(doc);
    PR_TRY(e, code);
    if (pr_get_int(doc, "changed") > 0) c->outcome = PR_ERR_DRIFT;
    pr_call_return(c, doc);
    return PR_OK;
}

static const char *paint(const char *state) {
    static const struct { const char *state, *paint; } paints[] = {
        {"applied", "g"}, {"done", "g"}, {"pending", "h"}, {"failed", "b"}, {"running", "w"}, {"interrupted", "w"}, {"changed", "b"}, {"needs person", "b"}, {"no file", "b"},
    };
    for (size_t i = 0; i < PR_COUNT(paints); i++)
        if (pr_eq(paints[i].state, state)) return paints[i].paint;
    return "h";
}

static void render_migrations(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    int width = 9;
    json_array_foreach(pr_get(doc, "migrations"), i, o) {
        const int n = (int)strlen(pr_get_str(o, "id"));
        if (n > width) width = n < 60 ? n : 60;
    }
    json_array_foreach(pr_get(doc, "migrations"), i, o) {
        const char *at = pr_get_str(o, "applied_at"), *by = pr_get_str(o, "approved_by"), *state = pr_get_str(o, "state");
        pr_addf(r->out, "  %-*s  \001%s%-*s\002", width, pr_printable(r->a, pr_get_str(o, "id"), 60), paint(state), at != NULL || by != NULL ? 12 : 0, state);
        if (at != NULL) pr_addf(r->out, "  %s by %s", at, pr_printable(r->a, pr_get_str(o, "applied_by"), 60));
        if (by != NULL) pr_addf(r->out, ", approved by %s", pr_printable(r->a, by, 120));
        pr_add(r->out, "\n");
    }
    if (json_array_size(pr_get(doc, "migrations")) == 0) pr_add(r->out, "  no migrations\n");
}

static void render_backfill(const json_t *o, const struct pr_render *r) {
    const char *after = pr_get_str(o, "migration"), *state = pr_get_str(o, "state"), *at = pr_get_str(o, "changed_at");
    const bool back = pr_get_bool(o, "way_back");
    pr_addf(r->out, "  backfill %s%s", pr_printable(r->a, pr_get_str(o, "path"), 300), back ? ", a way back" : "");
    if (after != NULL && !back) pr_addf(r->out, ", after %s", pr_printable(r->a, after, 100));
    pr_addf(r->out, "  \001%s%s\002%s%s\n", paint(state), state, at != NULL ? "  " : "", at != NULL ? at : "");
}

static void render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    pr_addf(r->out, "\001h%s\002  %s, database %s, PostgreSQL %s\n", pr_printable(r->a, pr_get_str(doc, "environment"), 100),
            pr_printable(r->a, pr_get_str(doc, "address"), 200), pr_printable(r->a, pr_get_str(doc, "database"), 100), pr_get_str(doc, "server"));
    render_migrations(doc, r);
    json_array_foreach(pr_get(doc, "backfills"), i, o) render_backfill(o, r);
    json_array_foreach(pr_get(doc, "unfinished"), i, o) {
        pr_addf(r->out, "\001wunfinished\002  %s of %s, since %s\n  %s\n", pr_eq(pr_get_str(o, "direction"), "down") ? "rollback" : "apply",
                pr_printable(r->a, pr_get_str(o, "migration"), 200), pr_get_str(o, "started_at"), pr_printable(r->a, pr_get_str(o, "words"), 500));
        if (pr_get_str(o, "left") != NULL) pr_addf(r->out, "  left behind: %s\n", pr_printable(r->a, pr_get_str(o, "left"), 300));
    }
    json_array_foreach(pr_get(doc, "backfill_jobs"), i, o) pr_ops_backfill_job(o, r);
    json_array_foreach(pr_get(doc, "invalid_indexes"), i, o)
        pr_addf(r->out, "\001winvalid index\002  %s on %s%s\n", pr_printable(r->a, pr_get_str(o, "index"), 200), pr_printable(r->a, pr_get_str(o, "table"), 200),
                pr_get_bool(o, "building") ? ", being built now" : "");
}

PR_OP(status) = {
    .name = "status", .summary = "What is applied, pending, changed after it was applied, or unfinished",
    .detail = "Each migration of the folder with its state on the environment; runs that did not end, with what they left and the command that settles it; backfills under way; invalid indexes. Reads only. "
              "Exit status 1 when a file changed after it was applied, or an applied one has no file.",
    .examples = (const char *const[]){"pgrail status", "pgrail status --env production --json", NULL},
    .capability = PR_OBSERVE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args), .schema = "pgrail.status/1",
    .run = run, .render = render,
};
