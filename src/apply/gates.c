/* gates.c: the way in and out of a run that is not made of steps. The same preflight, seam and approvals as apply's, the same states in the
 * ledger; what happens between is somebody else's journal. */
#include "apply/gates.h"

#include "apply/flight.h"

struct pr_gates { struct pr_flight f; };

static bool is_same(const struct pr_flight *f, const struct pr_run_row *r) {
    return pr_get_bool(r->detail, "backfill") && pr_eq(r->migration, f->ask->migration->id) && pr_eq(r->sha256, f->ask->migration->sha256);
}

/* Back to "planned", by the edges of a run that died or rested: how far it is, the other journal knows. */
static enum pr_code take_up(struct pr_flight *f, struct pr_err *e) {
    if (f->state == PR_RUN_PLANNED) return PR_OK;
    if (f->state != PR_RUN_UNKNOWN) PR_TRY(e, pr_flight_step(f, f->state == PR_RUN_STOPPED ? PR_RUN_EV_LOOK_AGAIN : PR_RUN_EV_LOST, NULL, e));
    return pr_flight_step(f, PR_RUN_EV_PROBE_PART, NULL, e);
}

/* One of this machine that lives is taken part in: its approvals were given for these bytes, and count here too. */
static enum pr_code earlier_run(struct pr_flight *f, struct pr_err *e) {
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    PR_TRY(e, pr_ledger_open_runs(f->ledger, f->ask->environment->name, f->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++) {
        if (!is_same(f, &rows[i]) || f->row.detail != NULL) {
            json_decref(rows[i].detail);
            continue;
        }
        f->opened = !pr_client_alive(&rows[i]);
        if (f->opened) f->row = rows[i];
        f->row.detail = rows[i].detail;
    }
    if (!f->opened) return PR_OK;
    f->state = pr_run_state_from(f->row.state);
    PR_ASSERT(f->state != PR_RUN_STATE_COUNT);
    pr_set(f->row.detail, "client", pr_client_self());
    return take_up(f, e);
}

/* Taken part in: a row of its own, with the other's approvals. */
static enum pr_code open_run(struct pr_flight *f, struct pr_err *e) {
    json_t *others = f->opened ? NULL : f->row.detail;
    const enum pr_code code = pr_run_open(f, e);
    json_decref(others);
    PR_TRY(e, code);
    pr_set_bool(f->row.detail, "backfill", true);
    PR_TRY(e, pr_seam(f, e));
    PR_TRY(e, pr_run_use_approvals(f, e));
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_CONFIRM, NULL, e));
    return pr_flight_step(f, PR_RUN_EV_START_STEP, f->ask->manner, e);
}

static enum pr_code pass(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_flight_connect(f, e));
    PR_TRY(e, earlier_run(f, e));
    PR_TRY(e, pr_preflight(f, e));
    return open_run(f, e);
}

enum pr_code pr_gates_pass(const struct pr_apply *ask, struct pr_arena *a, json_t *doc, struct pr_gates **out, struct pr_err *e) {
    struct pr_gates *g PR_CLEANUP(pr_gates_freep) = calloc(1, sizeof *g);
    PR_ASSERT(g != NULL && ask->manner != NULL);
    PR_TRY(e, pr_flight_open(&g->f, ask, a, e));
    json_decref(g->f.doc);
    g->f.doc = json_incref(doc);
    const enum pr_code code = pass(&g->f, e);
    if (code != PR_OK && g->f.opened && g->f.state == PR_RUN_PLANNED) {
        const struct pr_err why = *e;
        PR_TRY(e, pr_flight_step(&g->f, PR_RUN_EV_PUT_OFF, why.msg, e));
        *e = why;
    }
    PR_TRY(e, code);
    pr_pg_close(g->f.watch);
    pr_pg_close(g->f.worker);
    g->f.watch = g->f.worker = NULL;
    *out = g;
    g = NULL;
    return PR_OK;
}

enum pr_code pr_gates_done(struct pr_gates *g, struct pr_pg *pg, const char *job, struct pr_err *e) {
    const struct pr_migration *m = g->f.ask->migration;
    struct pr_history_row *rows = NULL;
    size_t n = 0;
    if (g->f.n_approvals == 0) pr_set_str(g->f.row.detail, "run_id", job);
    PR_TRY(e, pr_flight_step(&g->f, PR_RUN_EV_STEP_DONE, NULL, e));
    PR_TRY(e, pr_flight_step(&g->f, PR_RUN_EV_VERIFY, NULL, e));
    PR_TRY(e, pr_history_read(pg, g->f.a, &rows, &n, e));
    const struct pr_history_row *row = pr_history_applied(rows, n, m->version);
    if (row == NULL || !pr_eq(row->sha256, m->sha256)) PR_TRY(e, pr_record(&g->f, pg, e));
    return pr_flight_step(&g->f, PR_RUN_EV_PROVEN, NULL, e);
}

enum pr_code pr_gates_stopped(struct pr_gates *g, const char *why, struct pr_err *e) {
    PR_TRY(e, pr_flight_step(&g->f, PR_RUN_EV_STEP_FAILED, why, e));
    return pr_flight_step(&g->f, PR_RUN_EV_CLEANED_PART, why, e);
}

void pr_gates_freep(struct pr_gates **g) {
    if (*g == NULL) return;
    pr_flight_done(&(*g)->f);
    free(*g);
}
