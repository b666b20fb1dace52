/* status.c: what stands where. It reads and changes nothing, neither in the database nor in the journal. */
#include "apply/flight.h"
#include "project/backfills.h"

struct look {
    struct pr_flight f;            /* only its watch, arena, ledger and environment are used */
    const struct pr_environment *env;
    const struct pr_talk *talk;
    struct pr_history_row *history; size_t n_history;
    struct pr_run_row *runs; size_t n_runs;
    struct pr_invalid *invalid; size_t n_invalid;
    json_t *doc;
    int changed, unfinished;
};

static void look_done(struct look *l) {
    for (size_t i = 0; i < l->n_runs; i++) json_decref(l->runs[i].detail);
    json_decref(l->doc);
    pr_flight_done(&l->f);
}

static const struct pr_run_row *run_of(const struct look *l, const char *migration) {
    for (size_t i = l->n_runs; i > 0; i--)
        if (pr_eq(l->runs[i - 1].migration, migration)) return &l->runs[i - 1];
    return NULL;
}

static enum pr_code note_run(struct look *l, const struct pr_run_row *r, json_t *list, struct pr_err *e) {
    bool backend = false;
    const bool client = pr_client_alive(r);
    PR_TRY(e, pr_backend_alive(&l->f, r->backend_pid, r->backend_start, &backend, e));
    json_t *o = pr_push_object(list);
    pr_set_str(o, "migration", r->migration);
    pr_set_str(o, "direction", r->direction);
    pr_set_str(o, "state", r->state);
    pr_set_int(o, "step", r->step);
    pr_set_int(o, "steps", r->steps);
    pr_set_str(o, "started_at", r->started_at);
    pr_set_str(o, "changed_at", r->changed_at);
    pr_set_bool(o, "process_alive", client);
    pr_set_bool(o, "backend_alive", backend);
    pr_set_str(o, "words", pr_run_words(r, l->env->name, backend, client, l->f.a));
    const json_t *c = pr_get(r->detail, "concurrent");
    for (size_t i = 0; i < l->n_invalid && c != NULL; i++)
        if (pr_eq(l->invalid[i].index, pr_get_str(c, "index")) && !pr_get_bool(c, "was_there"))
            pr_set_str(o, "left", pr_fmt(l->f.a, "index %s, invalid%s", pr_qualified(l->f.a, l->invalid[i].schema, l->invalid[i].index),
                                         l->invalid[i].building ? ", being built" : ", built by nobody"));
    l->unfinished++;
    return PR_OK;
}

static void note_migration(struct look *l, const struct pr_migration *m, json_t *list) {
    const struct pr_history_row *row = pr_history_applied(l->history, l->n_history, m->version);
    const struct pr_run_row *run = run_of(l, m->id);
    const bool changed = row != NULL && !pr_eq(row->sha256, m->sha256) && !m->repeatable;
    json_t *o = pr_push_object(list);
    pr_set_str(o, "version", m->version);
    pr_set_str(o, "name", m->name);
    pr_set_str(o, "id", m->id);
    pr_set_str(o, "state", changed ? "changed" : row != NULL ? "applied" : run == NULL ? "pending" :
               pr_client_alive(run) ? "running" : pr_run_state_from(run->state) == PR_RUN_NEEDS_PERSON ? "needs person" : "interrupted");
    pr_set_str(o, "applied_at", row == NULL ? NULL : row->applied_at);
    pr_set_str(o, "applied_by", row == NULL ? NULL : row->applied_by);
    pr_set_str(o, "approved_by", row == NULL ? NULL : row->approved_by);
    if (changed) l->changed++;
}

/* Applied here, and no file of it: deleted, or applied from another branch. */
static void note_orphans(struct look *l, const struct pr_folder *folder, json_t *list) {
    for (size_t i = 0; i < l->n_history; i++) {
        const struct pr_history_row *row = &l->history[i];
        bool known = pr_history_applied(l->history, l->n_history, row->version) != row;
        for (size_t k = 0; k < folder->n && !known; k++) known = pr_eq(folder->migrations[k].version, row->version);
        for (size_t k = 0; k < folder->n_backfills && !known; k++) known = pr_eq(pr_fmt(l->f.a, "%s.backfill", folder->backfills[k].id), row->migration);
        if (known) continue;
        json_t *o = pr_push_object(list);
        pr_set_str(o, "version", row->version);
        pr_set_str(o, "name", row->migration);
        pr_set_str(o, "id", row->migration);
        pr_set_str(o, "state", "no file");
        pr_set_str(o, "applied_at", row->applied_at);
        pr_set_str(o, "applied_by", row->applied_by);
        l->changed++;
    }
}

static enum pr_code connect(struct look *l, struct pr_arena *a, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    const struct pr_pg_where where = {.service = l->env->service, .env = l->env->env, .timeout_ms = 10000, .app = "pgrail/status",
                                      .interrupted = l->talk->interrupted};
    if (pr_pg_open(&where, &l->f.watch, e) != PR_OK) return pr_prefix(e, "environment %s", l->env->name);
    PR_TRY(e, pr_pg_identity(l->f.watch, &id, e));
    pr_set_str(l->doc, "environment", l->env->name);
    pr_set_bool(l->doc, "protected", l->env->is_protected);
    pr_set_str(l->doc, "address", id->address);
    pr_set_str(l->doc, "database", id->database);
    pr_set_str(l->doc, "server", id->version);
    PR_TRY(e, pr_history_read(l->f.watch, a, &l->history, &l->n_history, e));
    PR_TRY(e, pr_invalid_indexes(l->f.watch, a, &l->invalid, &l->n_invalid, e));
    return pr_ledger_open_runs(l->f.ledger, l->env->name, a, &l->runs, &l->n_runs, e);
}

enum pr_code pr_apply_status(const struct pr_config *c, const struct pr_environment *env, const struct pr_folder *folder, const struct pr_talk *talk,
                             struct pr_arena *a, json_t **doc, struct pr_err *e) {
    struct look l PR_CLEANUP(look_done) = {.f = {.a = a}, .env = env, .talk = talk, .doc = json_object()};
    pr_set_str(l.doc, "schema", "pgrail.status/1");
    PR_TRY(e, pr_ledger_open(c->root, &l.f.ledger, e));
    PR_TRY(e, connect(&l, a, e));
    json_t *list = pr_set_array(l.doc, "migrations");
    for (size_t i = 0; i < folder->n; i++) note_migration(&l, &folder->migrations[i], list);
    note_orphans(&l, folder, list);
    json_t *runs = pr_set_array(l.doc, "unfinished");
    for (size_t i = 0; i < l.n_runs; i++)
        if (!pr_get_bool(l.runs[i].detail, "backfill")) PR_TRY(e, note_run(&l, &l.runs[i], runs, e));     /* those have a journal of their own */
    json_t *backfills = pr_set_array(l.doc, "backfills");
    for (size_t i = 0; i < folder->n_backfills; i++) {
        json_t *o = pr_push_object(backfills);
        pr_set_str(o, "id", folder->backfills[i].id);
        pr_set_str(o, "path", folder->backfills[i].path);
        pr_set_str(o, "migration", folder->backfills[i].of != NULL ? folder->backfills[i].of->id : NULL);
    }
    json_t *invalid = pr_set_array(l.doc, "invalid_indexes");
    for (size_t i = 0; i < l.n_invalid; i++) {
        json_t *o = pr_push_object(invalid);
        pr_set_str(o, "index", pr_qualified(a, l.invalid[i].schema, l.invalid[i].index));
        pr_set_str(o, "table", pr_qualified(a, l.invalid[i].schema, l.invalid[i].table));
        pr_set_bool(o, "building", l.invalid[i].building);
    }
    pr_set_int(l.doc, "changed", l.changed);
    *doc = l.doc;
    l.doc = NULL;
    return PR_OK;
}
