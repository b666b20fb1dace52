/* flight.c: a run's birth and end, and its journal. */
#include "apply/flight.h"

#include "crypt/crypt.h"
#include "project/backfills.h"

static const char *tag_of_obstacle(enum pr_unjudged u) {
    switch (u) {
    case PR_PSQL_COMMAND: return "a psql command, which only psql can run";
    case PR_COPY_DATA: return "COPY data in the script, which only psql can feed";
    case PR_TEMPLATE: return "a template that nobody filled in";
    case PR_UNPARSED:
    case PR_DYNAMIC:
    case PR_JUDGED: return NULL;                 /* unparsed: a newer server may know it */
    }
    PR_BUG("no such kind of statement");
}

static enum pr_code check_runnable(const struct pr_flight *f, struct pr_err *e) {
    if (f->script.n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: no statement in it", f->side->path);
    for (size_t i = 0; i < f->script.n; i++) {
        const char *why = tag_of_obstacle(f->script.stmts[i].unjudged);
        if (why == NULL) continue;
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s", f->side->path, f->script.stmts[i].line + f->side->first_line - 1, why);
    }
    return PR_OK;
}

enum pr_code pr_flight_open(struct pr_flight *f, const struct pr_apply *ask, struct pr_arena *a, struct pr_err *e) {
    const struct pr_migration *m = ask->migration;
    *f = (struct pr_flight){.ask = ask, .a = a, .side = ask->down ? &m->down : &m->up, .direction = ask->down ? "down" : "up",
                            .started_us = pr_mono_us(), .state = PR_RUN_PLANNED};
    if (f->side->path == NULL) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s has no %s script", m->id, f->direction);
        return ask->down ? pr_hint(e, "write it beside %s, or roll forward: pgrail new", m->up.path) : e->code;
    }
    if (ask->manner == NULL && pr_is_backfill(f->side->path)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is a backfill: it is run in small transactions", f->side->path);
        return pr_hint(e, "pgrail backfill %s --env %s", f->side->path, ask->environment->name);
    }
    PR_TRY(e, pr_script_parse(f->side->text, f->side->len, a, &f->script, e));
    PR_TRY(e, check_runnable(f, e));
    PR_TRY(e, pr_ledger_open(ask->config->root, &f->ledger, e));
    f->doc = json_object();
    pr_set_str(f->doc, "schema", "pgrail.apply/1");
    pr_set_str(f->doc, "migration", m->id);
    pr_set_str(f->doc, "direction", f->direction);
    pr_set_str(f->doc, "sha256", m->sha256);
    pr_set_str(f->doc, "environment", ask->environment->name);
    pr_set_bool(f->doc, "protected", ask->environment->is_protected);
    pr_set_str(f->doc, "outcome", "nothing changed");
    return PR_OK;
}

void pr_flight_done(struct pr_flight *f) {
    pr_pg_close(f->guard);
    pr_pg_close(f->watch);
    pr_pg_close(f->worker);
    pr_script_done(&f->judged.script);
    pr_script_done(&f->script);
    pr_ledger_close(f->ledger);
    json_decref(f->grounding.relations);
    json_decref(f->rehearsal.doc);
    json_decref(f->row.detail);
    json_decref(f->doc);
    *f = (struct pr_flight){0};
}

static enum pr_code journal(void *ctx, const struct pr_run_edge *edge, const char *note, struct pr_err *e) {
    struct pr_flight *f = ctx;
    const char *was = f->row.state;
    f->row.state = pr_run_state_name(edge->to);
    f->row.changed_at = pr_iso_time(f->a, pr_wall_us());
    const enum pr_code code = pr_ledger_step_run(f->ledger, &f->row, pr_run_event_name(edge->on), note, e);
    if (code != PR_OK) f->row.state = was;
    return code;
}

enum pr_code pr_flight_step(struct pr_flight *f, enum pr_run_event ev, const char *note, struct pr_err *e) {
    PR_ASSERT(f->opened);
    PR_TRY(e, pr_run_step(&f->state, ev, note, journal, f, e));
    pr_set_str(f->doc, "state", pr_run_state_name(f->state));
    return PR_OK;
}

size_t pr_flight_units(const struct pr_flight *f, struct pr_unit **out) {
    struct pr_unit *units = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < f->script.n;) {
        size_t to = i + 1;
        if (pr_side_tx(f->side) == PR_TX_ONE) {
            to = f->script.n;
        } else if (pr_stmt_tx_word(&f->script.stmts[i]) == PR_TX_BEGIN) {
            while (to < f->script.n && pr_stmt_tx_word(&f->script.stmts[to]) != PR_TX_COMMIT &&
                   pr_stmt_tx_word(&f->script.stmts[to]) != PR_TX_ROLLBACK)
                to++;
            if (to < f->script.n) to++;
        }
        *PR_PUSH(f->a, units, n, cap) = (struct pr_unit){.from = i, .to = to};
        i = to;
    }
    *out = units;
    return n;
}

const char *pr_flight_command(const struct pr_flight *f) {
    return pr_fmt(f->a, "pgrail %s %s --env %s", f->ask->down ? "rollback" : "apply", f->ask->migration->id,
                  f->ask->environment->name);
}

void pr_note_left(struct pr_flight *f, const char *what, const char *command) {
    json_t *list = pr_get(f->doc, "left");
    if (list == NULL) list = pr_set_array(f->doc, "left");
    json_t *o = pr_push_object(list);
    pr_set_str(o, "what", what);
    pr_set_str(o, "command", command);
}
