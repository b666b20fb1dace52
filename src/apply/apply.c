/* apply.c: one run from beginning to end: settle what was left, preflight, seam, statements, proof, record; and the way out
 * of every failure. */
#include "apply/flight.h"

#include "crypt/crypt.h"

static json_t *approvals_json(const struct pr_flight *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_approvals; i++) {
        json_t *o = pr_push_object(list);
        pr_set_int(o, "id", f->approvals[i].id);
        pr_set_str(o, "signer", f->approvals[i].signer);
        pr_set_str(o, "approved_at", f->approvals[i].approved_at);
        pr_set_str(o, "expires_at", f->approvals[i].expires_at);
        pr_set_str(o, "statement", f->approvals[i].statement);
        pr_set_str(o, "signature", f->approvals[i].signature);
    }
    return list;
}

enum pr_code pr_run_open(struct pr_flight *f, struct pr_err *e) {
    pr_set_str(f->doc, "state", pr_run_state_name(f->state));
    if (f->opened) return PR_OK;
    f->row = (struct pr_run_row){.environment = f->ask->environment->name, .migration = f->ask->migration->id,
                                 .sha256 = f->ask->migration->sha256, .direction = f->direction, .state = pr_run_state_name(f->state),
                                 .steps = (int64_t)f->script.n, .pre_fingerprint = f->facts->fingerprint, .detail = json_object()};
    pr_set_str(f->row.detail, "run_id", pr_random_hex(f->a, 16));
    pr_set(f->row.detail, "client", pr_client_self());
    pr_set_int(f->row.detail, "rehearsal_id", f->has_rehearsal ? f->rehearsal.id : 0);
    pr_set(f->row.detail, "approvals", approvals_json(f));
    PR_TRY(e, pr_ledger_open_run(f->ledger, &f->row, e));
    f->opened = true;
    pr_fault("opened");
    return PR_OK;
}

/* The run's id in the target's own history is made of the approvals that it uses up, so that a ledger that was put back to
 * an earlier state does not let one count twice. */
static const char *run_id_of(const struct pr_flight *f) {
    struct pr_buf b = {.a = f->a};
    for (size_t i = 0; i < f->n_approvals; i++) pr_addf(&b, "%s%s", i == 0 ? "" : "+", pr_approval_mark(f->a, &f->approvals[i]));
    return pr_buf_text(&b);
}

/* Used up before the first statement. One that this very run had used up before it died refuses the second time, rightly. */
enum pr_code pr_run_use_approvals(struct pr_flight *f, struct pr_err *e) {
    json_t *list = pr_set_array(f->doc, "approvals");
    pr_set(f->row.detail, "approvals", approvals_json(f));
    if (f->n_approvals > 0) pr_set_str(f->row.detail, "run_id", run_id_of(f));
    for (size_t i = 0; i < f->n_approvals; i++) {
        struct pr_approval *p = &f->approvals[i];
        const bool own = p->used_at != NULL;
        const enum pr_code code = pr_ledger_use_approval(f->ledger, p->id, e);
        if (code != PR_OK && !(own && code == PR_ERR_NOT_APPROVED)) return code;
        json_t *o = pr_push_object(list);
        pr_set_str(o, "signer", p->signer);
        pr_set_str(o, "approved_at", p->approved_at);
    }
    pr_fault("approval-used");
    return PR_OK;
}

static enum pr_code get_ready(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_seam(f, e));
    PR_TRY(e, pr_run_use_approvals(f, e));
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_CONFIRM, NULL, e));
    PR_TRY(e, pr_history_ensure(f->watch, e));
    PR_TRY(e, pr_flight_lock_row(f, e));
    if (f->first_step > 0) return PR_OK;         /* the shape before is gone: the proof goes by presence */
    PR_TRY(e, pr_schema_lines(f->watch, f->a, &f->before, e));
    f->has_before = true;
    return PR_OK;
}

static enum pr_code run_it(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, get_ready(f, e));
    PR_TRY(e, pr_execute(f, e));
    return pr_prove_and_record(f, e);
}

/* ---- ways out */

/* Statements that were proven to be in effect although the whole is not: only where each stands by itself. */
static bool part_is_in(const struct pr_flight *f) {
    return pr_side_tx(f->side) != PR_TX_ONE && pr_get_int(f->row.detail, "done") > 0;
}

static void add_to_message(struct pr_err *e, const char *more) {
    const size_t n = strlen(e->msg);
    (void)snprintf(e->msg + n, sizeof e->msg - n, "; %s", more);
}

static enum pr_code stopped(struct pr_flight *f, const struct pr_err *why, struct pr_err *e) {
    const int64_t done = pr_get_int(f->row.detail, "done");
    pr_set_str(f->doc, "outcome", "in part");
    pr_note_left(f, pr_fmt(f->a, "%" PRId64 " of %s in effect", done, pr_plural(f->a, (int64_t)f->script.n, "statement")), pr_flight_command(f));
    (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "stopped after %" PRId64 " of %s, which stay in effect: %s", done, pr_plural(f->a, (int64_t)f->script.n, "statement"), why->msg);
    (void)snprintf(e->sqlstate, sizeof e->sqlstate, "%s", why->sqlstate);
    return pr_hint(e, "to go on: %s; to undo: pgrail rollback %s --env %s", pr_flight_command(f), f->ask->migration->id, f->ask->environment->name);
}

static enum pr_code clean_up(struct pr_flight *f, struct pr_err *e) {
    struct pr_err why = *e;
    bool dropped = false;
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_STEP_FAILED, why.msg, e));
    enum pr_code code = pr_pg_do(f->worker, "rollback", "ROLLBACK", 10000, e);      /* of a script's own BEGIN, if it is open */
    if (code == PR_OK && pr_get_int(f->row.detail, "sent") > 0) code = pr_clean_index(f, (size_t)f->row.step, &dropped, e);
    if (code != PR_OK) {
        struct pr_err left = *e;
        PR_TRY(e, pr_flight_step(f, PR_RUN_EV_CLEAN_FAILED, left.msg, e));
        pr_set_str(f->doc, "outcome", "needs a person");
        (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "%s; and %s", why.msg, left.msg);
        return pr_hint(e, "%s", left.hint[0] != '\0' ? left.hint : pr_flight_command(f));
    }
    if (part_is_in(f)) {
        PR_TRY(e, pr_flight_step(f, PR_RUN_EV_CLEANED_PART, why.msg, e));
        return stopped(f, &why, e);
    }
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_CLEANED, why.msg, e));
    *e = why;
    add_to_message(e, dropped ? "the invalid index that it left was dropped; nothing was changed" : "nothing was changed");
    return e->code;
}

static enum pr_code put_off(struct pr_flight *f, struct pr_err *e) {
    const struct pr_err why = *e;
    PR_TRY(e, pr_flight_step(f, f->first_step > 0 ? PR_RUN_EV_PUT_OFF : PR_RUN_EV_REFUSE, why.msg, e));
    if (f->first_step > 0) return stopped(f, &why, e);
    *e = why;
    return e->code;
}

/* The session died under a statement: the server may still work, or have finished. New sessions look. */
static enum pr_code lost(struct pr_flight *f, struct pr_err *e) {
    const struct pr_err why = *e;
    pr_say(f->ask->talk, PR_LINE_WARN, "%s", pr_printable(f->a, why.msg, 400));
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_LOST, why.msg, e));
    if (pr_flight_reconnect(f, e) != PR_OK) {
        pr_set_str(f->doc, "outcome", "unknown");
        (void)PR_FAIL(e, PR_ERR_CONNECT, "%s; what became of it is not known", why.msg);
        return pr_hint(e, "when the server answers again: %s looks, and finishes or cleans up", pr_flight_command(f));
    }
    PR_TRY(e, pr_settle(f, e));
    if (f->state == PR_RUN_DONE) return PR_OK;
    *e = why;
    add_to_message(e, f->first_step > 0 ? "the rest was not run" : "nothing was changed");
    return put_off(f, e);
}

static enum pr_code way_out(struct pr_flight *f, struct pr_err *e) {
    const bool gone = e->code == PR_ERR_CONNECT;
    struct pr_err err = *e;
    switch (f->state) {
    case PR_RUN_PLANNED: return put_off(f, e);
    case PR_RUN_CONFIRMED:
    case PR_RUN_RUNNING:
    case PR_RUN_COMMITTING: return gone ? lost(f, e) : clean_up(f, e);
    case PR_RUN_VERIFYING:
        if (gone) return lost(f, e);
        PR_TRY(e, pr_flight_step(f, PR_RUN_EV_LOST, err.msg, e));
        *e = err;
        add_to_message(e, "it ran, and is not proven yet");
        return pr_hint(e, "%s", pr_flight_command(f));
    case PR_RUN_CLEANING:
    case PR_RUN_UNKNOWN:
    case PR_RUN_STOPPED:
    case PR_RUN_NEEDS_PERSON:
    case PR_RUN_DONE:
    case PR_RUN_FAILED:
    case PR_RUN_STATE_COUNT: return e->code;
    }
    PR_BUG("no such state");
}

/* ---- the end */

/* A rollback that is proven has undone whatever an unfinished apply of the same migration had left. */
static enum pr_code close_undone(struct pr_flight *f, struct pr_err *e) {
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    enum pr_code code = PR_OK;
    if (!f->ask->down) return PR_OK;
    PR_TRY(e, pr_ledger_open_runs(f->ledger, f->ask->environment->name, f->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++) {
        if (code == PR_OK && pr_eq(rows[i].migration, f->ask->migration->id) && pr_eq(rows[i].direction, "up")) {
            rows[i].state = pr_run_state_name(PR_RUN_FAILED);
            code = pr_ledger_step_run(f->ledger, &rows[i], pr_run_event_name(PR_RUN_EV_UNDONE), "rolled back", e);
            pr_fault("undone");
        }
        json_decref(rows[i].detail);
    }
    return code;
}

static enum pr_code whole_way(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_flight_connect(f, e));
    PR_TRY(e, pr_resume(f, e));
    if (f->state == PR_RUN_DONE) return PR_OK;
    enum pr_code code = pr_preflight(f, e);
    if (code == PR_OK) code = pr_run_open(f, e);
    if (code == PR_OK) code = run_it(f, e);
    return code == PR_OK || !f->opened ? code : way_out(f, e);
}

static void summarise(struct pr_flight *f) {
    pr_set_str(f->doc, "outcome", f->ask->down ? "rolled back" : "applied");
    pr_set_str(f->doc, "run_id", pr_get_str(f->row.detail, "run_id"));
    pr_set_int(f->doc, "elapsed_us", pr_mono_us() - f->started_us);
    pr_say(f->ask->talk, PR_LINE_GOOD, "%s: %s on %s, proven and recorded", f->ask->migration->id, f->ask->down ? "rolled back" : "applied",
           f->ask->environment->name);
}

enum pr_code pr_apply_run(const struct pr_apply *p, struct pr_arena *a, json_t **doc, struct pr_err *e) {
    struct pr_flight f PR_CLEANUP(pr_flight_done) = {0};
    *doc = NULL;
    PR_TRY(e, pr_flight_open(&f, p, a, e));
    enum pr_code code = whole_way(&f, e);
    if (code == PR_OK) code = close_undone(&f, e);
    if (code == PR_OK) summarise(&f);
    if (code == PR_ERR_NEEDS_PERSON && pr_eq(pr_get_str(f.doc, "outcome"), "nothing changed")) pr_set_str(f.doc, "outcome", "needs a person");
    *doc = json_incref(f.doc);
    return code;
}
