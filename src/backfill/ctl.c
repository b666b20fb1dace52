/* ctl.c: the hands on a running backfill, from any machine: they write to the journal, and whoever runs it reads that. */
#include "backfill/drive.h"

static enum pr_code describe_job(struct pr_pg *pg, const struct pr_bf_job *j, json_t *o, struct pr_err *e) {
    struct pr_bf_progress p = {0};
    PR_TRY(e, pr_bf_journal_progress(pg, j->id, &p, e));
    pr_set_int(o, "job", j->id);
    pr_set_str(o, "backfill", j->name);
    pr_set_str(o, "sha256", j->sha256);
    pr_set_str(o, "target", j->target);
    pr_set_str(o, "statement", j->statement);
    pr_set_str(o, "state", pr_bf_state_name(j->state));
    pr_set_str(o, "note", j->note);
    pr_set_str(o, "held", j->held);
    pr_set_str(o, "created_at", j->created_at);
    pr_set_str(o, "created_by", j->created_by);
    pr_set_str(o, "changed_at", j->changed_at);
    pr_set_int(o, "starts", j->starts);
    pr_set_int(o, "rows_total", j->rows_total > p.read ? j->rows_total : p.read);
    pr_set(o, "progress", pr_bf_progress_json(&p));
    pr_set(o, "settings", pr_bf_tuning_json(&j->tuning));
    return PR_OK;
}

enum pr_code pr_backfill_jobs(struct pr_pg *pg, bool ended, struct pr_arena *a, json_t **list, struct pr_err *e) {
    json_t *out PR_CLEANUP(pr_json_freep) = json_array();
    struct pr_bf_job *jobs = NULL;
    size_t n = 0;
    PR_TRY(e, pr_bf_journal_list(pg, ended, a, &jobs, &n, e));
    for (size_t i = 0; i < n; i++) PR_TRY(e, describe_job(pg, &jobs[i], pr_push_object(out), e));
    *list = json_incref(out);
    return PR_OK;
}

static bool is_it(struct pr_arena *a, const struct pr_bf_job *j, const char *name) {
    return name == NULL || pr_eq(j->name, name) || pr_eq(pr_fmt(a, "%" PRId64, j->id), name);
}

static enum pr_code find(struct pr_pg *pg, const char *name, bool ended, struct pr_arena *a, struct pr_bf_job *out, struct pr_err *e) {
    struct pr_bf_job *jobs = NULL;
    const struct pr_bf_job *found = NULL;
    size_t n = 0, hits = 0;
    PR_TRY(e, pr_bf_journal_list(pg, ended, a, &jobs, &n, e));
    for (size_t i = n; i > 0; i--)
        if (is_it(a, &jobs[i - 1], name)) {
            found = &jobs[i - 1];
            hits++;
        }
    if (hits == 1 || (hits > 1 && name != NULL)) {
        *out = *found;
        return PR_OK;
    }
    if (hits > 1) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%zu backfills have not ended", hits);
        return pr_hint(e, "name one, for example %s", found->name);
    }
    if (name == NULL) return PR_FAIL(e, PR_ERR_REFUSED, "no backfill is under way there");
    (void)PR_FAIL(e, PR_ERR_REFUSED, "no backfill \"%s\" is under way there", pr_printable(a, name, 100));
    const char **names = PR_NEW_ARRAY(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) names[i] = jobs[i].name;
    const char *near = pr_nearest(name, names, n);
    return near != NULL ? pr_hint(e, "did you mean %s?", near) : pr_hint(e, "pgrail status lists them");
}

static const struct { const char *action; enum pr_bf_event event; } orders[] = {
    {"pause", PR_BF_EV_PAUSE}, {"resume", PR_BF_EV_RESUME}, {"stop", PR_BF_EV_STOP}, {"abandon", PR_BF_EV_ABANDON}};

static enum pr_code set(struct pr_pg *pg, struct pr_bf_job *job, const struct pr_bf_tuning *wish, struct pr_arena *a, struct pr_err *e) {
    struct pr_bf_tuning t = job->tuning;
    pr_bf_wish_apply(wish, &t);
    if (pr_eq(pr_bf_tuning_words(a, &t), pr_bf_tuning_words(a, &job->tuning))) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "nothing to set: it is so already");
        return pr_hint(e, "for example: pgrail backfill-ctl set --workers 2 --pause 20");
    }
    PR_TRY(e, pr_bf_journal_tune(pg, job->id, &t, pr_bf_tuning_words(a, &t), e));
    job->tuning = t;
    return PR_OK;
}

enum pr_code pr_backfill_ctl(struct pr_pg *pg, const char *name, const char *action, const struct pr_bf_tuning *wish, struct pr_arena *a, json_t **doc,
                             struct pr_err *e) {
    struct pr_bf_job job = {0};
    PR_TRY(e, find(pg, name, pr_eq(action, "show") && name != NULL, a, &job, e));
    if (pr_eq(action, "set")) PR_TRY(e, set(pg, &job, wish, a, e));
    for (size_t i = 0; i < PR_COUNT(orders); i++)
        if (pr_eq(orders[i].action, action)) PR_TRY(e, pr_bf_journal_step(pg, &job, orders[i].event, "by backfill-ctl", e));
    PR_TRY(e, pr_bf_journal_read(pg, job.id, a, &job, e));
    json_t *o PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(o, "schema", "pgrail.backfill-ctl/1");
    pr_set_str(o, "action", action);
    PR_TRY(e, describe_job(pg, &job, o, e));
    *doc = json_incref(o);
    return PR_OK;
}
