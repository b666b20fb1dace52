/* resume.c: what a dead start left. The journal says who we were and how far we thought to be; the catalogue says what is so.
 * Order: is the pgrail alive (then it is busy, not dead) · does its backend still run (then attach and wait: starting another
 * would do it twice) · the lock · drop an invalid index of ours · look at the assertions. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "apply/flight.h"

/* ---- which process wrote a run: a pid alone may have been given to somebody else since */

/* Field 22 of its stat; a file of /proc has no size, so it is read as a stream. */
static const char *process_start(struct pr_arena *a, int64_t pid) {
    char text[1024];
    FILE *in = fopen(pr_fmt(a, "/proc/%" PRId64 "/stat", pid), "re");
    if (in == NULL) return NULL;
    const size_t n = fread(text, 1, sizeof text - 1, in);
    (void)fclose(in);
    text[n] = '\0';
    const char *p = strrchr(text, ')');          /* the name may hold blanks: count from behind it, field 3 on */
    for (int field = 2; p != NULL && field < 22; field++) p = strchr(p + 1, ' ');
    return p == NULL ? NULL : pr_dupn(a, p + 1, strcspn(p + 1, " "));
}

static const char *host_name(struct pr_arena *a) {
    char name[256] = "";
    return gethostname(name, sizeof name - 1) == 0 ? pr_dup(a, name) : "?";
}

json_t *pr_client_self(void) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    json_t *o = json_object();
    pr_set_str(o, "host", host_name(a));
    pr_set_int(o, "pid", (int64_t)getpid());
    pr_set_str(o, "start", process_start(a, (int64_t)getpid()));
    return o;
}

bool pr_client_alive(const struct pr_run_row *r) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const json_t *c = pr_get(r->detail, "client");
    const int64_t pid = pr_get_int(c, "pid");
    if (pid <= 0 || pid == (int64_t)getpid() || !pr_eq(pr_get_str(c, "host"), host_name(a))) return false;
    const char *start = process_start(a, pid);
    return start != NULL && pr_eq(start, pr_get_str(c, "start"));
}

/* ---- what the catalogue says */

enum unit_view { UNIT_HOLDS, UNIT_NOT, UNIT_MIXED, UNIT_SILENT };

static enum unit_view view_unit(const struct pr_unit *u, const struct pr_assertion *list, size_t n, const char **broken) {
    size_t hold = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].stmt < (int)u->from || list[i].stmt >= (int)u->to) continue;
        all++;
        if (list[i].holds) hold++;
        else *broken = list[i].claim;
    }
    return all == 0 ? UNIT_SILENT : hold == all ? UNIT_HOLDS : hold == 0 ? UNIT_NOT : UNIT_MIXED;
}

/* Statements that leave nothing behind, so that running them again is right whatever happened. */
static bool leaves_nothing(const struct pr_flight *f, const struct pr_unit *u) {
    static const char *const tags[] = {"SET", "RESET", "SELECT", "SHOW", "ANALYZE", "CHECKPOINT", "BEGIN", "COMMIT", "ROLLBACK"};
    for (size_t i = u->from; i < u->to; i++) {
        bool harmless = false;
        for (size_t k = 0; k < PR_COUNT(tags) && !harmless; k++) harmless = pr_eq(f->script.stmts[i].tag, tags[k]);
        if (!harmless) return false;
    }
    return true;
}

static enum pr_code mixed(struct pr_flight *f, const struct pr_unit *u, const char *what, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "%s:%d: %s", f->side->path, f->script.stmts[u->from].line + f->side->first_line - 1, what);
    return pr_hint(e, "look at the database, bring that statement wholly in or wholly out, then: %s", pr_flight_command(f));
}

static enum pr_code probe_committed(struct pr_flight *f, size_t *n_hold, struct pr_err *e) {
    struct pr_history_row *rows = NULL;
    size_t n = 0;
    *n_hold = 0;
    PR_TRY(e, pr_history_read(f->watch, f->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++)
        if (pr_eq(rows[i].run_id, pr_get_str(f->row.detail, "run_id"))) *n_hold = 1;
    return PR_OK;
}

enum pr_code pr_probe(struct pr_flight *f, size_t *n_hold, size_t *n_units, struct pr_err *e) {
    struct pr_unit *units = NULL;
    *n_units = pr_flight_units(f, &units);
    if (pr_side_tx(f->side) == PR_TX_ONE) return probe_committed(f, n_hold, e);   /* the row came with the same COMMIT, or neither did */
    struct pr_assertion *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_effects_verify(f->watch, &f->script, f->a, &list, &n, e));
    const size_t done = (size_t)pr_get_int(f->row.detail, "done"), sent = (size_t)pr_get_int(f->row.detail, "sent");
    for (*n_hold = 0; *n_hold < *n_units; (*n_hold)++) {
        const struct pr_unit *u = &units[*n_hold];
        const char *broken = NULL;
        const enum unit_view v = view_unit(u, list, n, &broken);
        if (u->to <= done && (v == UNIT_HOLDS || v == UNIT_SILENT)) continue;
        if (u->to <= done && !f->after_person) return mixed(f, u, pr_fmt(f->a, "was done, and is no longer so: %s", broken), e);
        if (u->from >= sent) break;                                       /* never sent */
        if (v == UNIT_MIXED) return mixed(f, u, pr_fmt(f->a, "is there in part; missing: %s", broken), e);
        if (v == UNIT_SILENT && !leaves_nothing(f, u)) return mixed(f, u, "was under way when we died, and the catalogue cannot say whether it took effect", e);
        if (v != UNIT_HOLDS) break;
    }
    /* Where the first gap is, the rest must be absent: a person took all of it out, or none. */
    for (size_t k = *n_hold + 1; k < *n_units && units[k].from < sent; k++) {
        const char *broken = NULL;
        const enum unit_view v = view_unit(&units[k], list, n, &broken);
        if (v == UNIT_HOLDS || v == UNIT_MIXED) return mixed(f, &units[k], "is in effect, although a statement before it is not", e);
    }
    return PR_OK;
}

/* ---- settling */

static enum pr_code to_unknown(struct pr_flight *f, struct pr_err *e) {
    if (f->state == PR_RUN_UNKNOWN) return PR_OK;
    const bool rested = f->state == PR_RUN_STOPPED || f->state == PR_RUN_NEEDS_PERSON;
    f->after_person = f->state == PR_RUN_NEEDS_PERSON;
    return pr_flight_step(f, rested ? PR_RUN_EV_LOOK_AGAIN : PR_RUN_EV_LOST, NULL, e);
}

static enum pr_code decide(struct pr_flight *f, struct pr_err *e) {
    size_t hold = 0, units = 0;
    struct pr_unit *list = NULL;
    enum pr_code code = PR_OK;
    if (pr_get_int(f->row.detail, "sent") > 0) code = pr_clean_index(f, (size_t)f->row.step, NULL, e);
    if (code == PR_OK && pr_get_int(f->row.detail, "sent") > 0) code = pr_probe(f, &hold, &units, e);
    if (code == PR_ERR_NEEDS_PERSON) {
        struct pr_err why = *e;
        PR_TRY(e, pr_flight_step(f, PR_RUN_EV_PROBE_MIXED, why.msg, e));
        *e = why;
    }
    PR_TRY(e, code);
    if (units > 0 && hold == units) {
        pr_set_str(f->doc, "resumed", "adopted");
        pr_say(f->ask->talk, PR_LINE_GOOD, "the earlier start finished on the server: its effect is adopted");
        return pr_flight_step(f, PR_RUN_EV_PROBE_DONE, NULL, e);
    }
    (void)pr_flight_units(f, &list);
    f->first_step = hold == 0 ? 0 : list[hold].from;
    pr_set_int(f->row.detail, "done", (int64_t)f->first_step);
    pr_set_int(f->row.detail, "sent", (int64_t)f->first_step);
    f->row.step = (int64_t)f->first_step;
    pr_set_str(f->doc, "resumed", hold == 0 ? "again" : "continued");
    if (hold == 0) pr_say(f->ask->talk, PR_LINE_FACT, "the earlier start left nothing: from the beginning");
    else pr_say(f->ask->talk, PR_LINE_FACT, "in effect since then: %s; going on with statement %zu", pr_plural(f->a, (int64_t)f->first_step, "statement"), f->first_step + 1);
    return pr_flight_step(f, hold == 0 ? PR_RUN_EV_PROBE_NOT_DONE : PR_RUN_EV_PROBE_PART, NULL, e);
}

static enum pr_code wait_a_moment(const struct pr_flight *f, struct pr_err *e) {
    (void)poll(NULL, 0, PR_TICK_MS);
    if (!pr_interrupted(f->ask->talk)) return PR_OK;
    pr_progress(f->ask->talk, NULL);
    (void)PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted; the server goes on with what the earlier start sent");
    return pr_hint(e, "%s", pr_flight_command(f));
}

static const struct pr_pg_stmt progress_of = {
    .name = "progress", .n_params = 1, .shape = PR_MAYBE_ROW, .n_cols = 3, .timeout_ms = 5000,
    .sql = "SELECT phase, blocks_done, blocks_total FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1::int4",
};

/* The backend of a dead start goes on: wait for its end and show how far it is. */
static enum pr_code attach(struct pr_flight *f, const struct pr_run_row *row, struct pr_err *e) {
    bool alive = false;
    PR_TRY(e, pr_backend_alive(f, row->backend_pid, row->backend_start, &alive, e));
    if (!alive) return PR_OK;
    const int64_t since = pr_mono_us();
    pr_say(f->ask->talk, PR_LINE_STEP, "session %" PRId64 " of the earlier start is still at statement %" PRId64 ": attached, waiting for its end",
           row->backend_pid, row->step + 1);
    pr_set_bool(f->doc, "attached", true);
    while (alive) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 22);
        const char *const params[] = {pr_fmt(a, "%" PRId64, row->backend_pid)};
        struct pr_progress p = {.what = "earlier start", .unit = "blocks", .elapsed_us = pr_mono_us() - since};
        struct pr_pg_rows r = {0};
        PR_TRY(e, pr_pg_query(f->watch, &progress_of, params, a, &r, e));
        if (r.n_rows == 1) {
            p.phase = PR_CELL(&r, 0, 0);
            p.done = (int64_t)strtoll(PR_CELL(&r, 0, 1), NULL, 10);
            p.total = (int64_t)strtoll(PR_CELL(&r, 0, 2), NULL, 10);
        }
        pr_progress(f->ask->talk, &p);
        PR_TRY(e, wait_a_moment(f, e));
        PR_TRY(e, pr_backend_alive(f, row->backend_pid, row->backend_start, &alive, e));
    }
    pr_progress(f->ask->talk, NULL);
    return PR_OK;
}

enum pr_code pr_settle(struct pr_flight *f, struct pr_err *e) {
    int64_t holder = 0;
    PR_TRY(e, to_unknown(f, e));
    PR_TRY(e, attach(f, &f->row, e));
    PR_TRY(e, pr_flight_lock(f, &holder, e));
    PR_TRY(e, decide(f, e));
    return f->state == PR_RUN_VERIFYING ? pr_prove_and_record(f, e) : PR_OK;
}

/* A run of another migration that never sent anything is closed in passing; any other must be settled by itself. */
static enum pr_code other_run(struct pr_flight *f, struct pr_run_row *row, struct pr_err *e) {
    const bool alive = pr_client_alive(row);
    if (!alive && pr_get_int(row->detail, "sent") == 0 && pr_run_state_from(row->state) == PR_RUN_PLANNED) {
        row->state = pr_run_state_name(PR_RUN_FAILED);
        return pr_ledger_step_run(f->ledger, row, pr_run_event_name(PR_RUN_EV_REFUSE), "its process died before anything was sent", e);
    }
    const bool person = pr_run_state_from(row->state) == PR_RUN_NEEDS_PERSON;
    (void)PR_FAIL(e, alive ? PR_ERR_BUSY : person ? PR_ERR_NEEDS_PERSON : PR_ERR_REFUSED, "the %s of %s on %s is %s since %s",
                  pr_eq(row->direction, "down") ? "rollback" : "apply", row->migration, row->environment, row->state, row->changed_at);
    if (alive) return pr_hint(e, "pgrail status --env %s", row->environment);
    return pr_hint(e, "settle that first: pgrail %s %s --env %s", pr_eq(row->direction, "down") ? "rollback" : "apply", row->migration,
                   row->environment);
}

static enum pr_code take_over(struct pr_flight *f, const struct pr_run_row *row, struct pr_err *e) {
    if (!pr_eq(row->sha256, f->ask->migration->sha256) && pr_get_int(row->detail, "sent") > 0) {
        (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "%s changed since its run of %s began, which has not ended", row->migration, row->started_at);
        return pr_hint(e, "bring the file back to SHA-256 %.16s…, then: %s; or undo it: pgrail rollback %s", row->sha256, pr_flight_command(f),
                       row->migration);
    }
    f->row = *row;
    f->row.sha256 = f->ask->migration->sha256;
    f->row.steps = (int64_t)f->script.n;
    f->row.detail = json_incref(row->detail);
    f->opened = true;
    f->state = pr_run_state_from(row->state);
    PR_ASSERT(f->state != PR_RUN_STATE_COUNT);
    return PR_OK;
}

static enum pr_code same_migration(struct pr_flight *f, const struct pr_run_row *row, struct pr_err *e) {
    if (pr_client_alive(row)) {
        (void)PR_FAIL(e, PR_ERR_BUSY, "%s is being applied to %s by process %" PRId64 " since %s", row->migration, row->environment,
                      pr_get_int(pr_get(row->detail, "client"), "pid"), row->started_at);
        return pr_hint(e, "pgrail status --env %s", row->environment);
    }
    PR_TRY(e, attach(f, row, e));
    if (pr_eq(row->direction, f->direction)) return take_over(f, row, e);
    if (f->ask->down) return PR_OK;              /* undoing what an apply left in half: closed when that is proven */
    (void)PR_FAIL(e, PR_ERR_REFUSED, "a rollback of %s is %s since %s", row->migration, row->state, row->changed_at);
    return pr_hint(e, "finish it first: pgrail rollback %s --env %s", row->migration, row->environment);
}

static enum pr_code find_runs(struct pr_flight *f, struct pr_run_row *rows, size_t n, struct pr_err *e) {
    for (size_t i = 0; i < n; i++) {
        if (pr_get_bool(rows[i].detail, "backfill")) continue;               /* hours long, and in nobody's way */
        if (pr_eq(rows[i].migration, f->ask->migration->id)) PR_TRY(e, same_migration(f, &rows[i], e));
        else PR_TRY(e, other_run(f, &rows[i], e));
    }
    return PR_OK;
}

enum pr_code pr_resume(struct pr_flight *f, struct pr_err *e) {
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    int64_t holder = 0;
    PR_TRY(e, pr_ledger_open_runs(f->ledger, f->ask->environment->name, f->a, &rows, &n, e));
    const enum pr_code code = find_runs(f, rows, n, e);
    for (size_t i = 0; i < n; i++) json_decref(rows[i].detail);
    PR_TRY(e, code);
    PR_TRY(e, pr_flight_lock(f, &holder, e));
    if (!f->opened) return PR_OK;
    pr_say(f->ask->talk, PR_LINE_STEP, "an earlier start of %s is %s since %s: settling it", f->row.direction, f->row.state, f->row.changed_at);
    pr_set(f->row.detail, "client", pr_client_self());
    PR_TRY(e, to_unknown(f, e));
    PR_TRY(e, decide(f, e));
    return f->state == PR_RUN_VERIFYING ? pr_prove_and_record(f, e) : PR_OK;
}

const char *pr_run_words(const struct pr_run_row *r, const char *env, bool backend_alive, bool client_alive, struct pr_arena *a) {
    const char *verb = pr_eq(r->direction, "down") ? "rollback" : "apply";
    const char *command = pr_fmt(a, "pgrail %s %s --env %s", verb, r->migration, env);
    const enum pr_run_state s = pr_run_state_from(r->state);
    if (client_alive) return pr_fmt(a, "running now, at statement %" PRId64 " of %" PRId64, r->step + 1, r->steps);
    if (backend_alive)
        return pr_fmt(a, "its pgrail died, the server goes on with statement %" PRId64 "; to wait for it and finish: %s", r->step + 1, command);
    if (s == PR_RUN_PLANNED && pr_get_int(r->detail, "sent") == 0) return "died before anything was sent: nothing was changed";
    if (s == PR_RUN_STOPPED)
        return pr_fmt(a, "stopped after %" PRId64 " of %s; to go on: %s; to undo: pgrail rollback %s --env %s",
                      pr_get_int(r->detail, "done"), pr_plural(a, r->steps, "statement"), command, r->migration, env);
    if (s == PR_RUN_NEEDS_PERSON) return pr_fmt(a, "needs a person; when mended, look again with: %s", command);
    return pr_fmt(a, "died at statement %" PRId64 " of %" PRId64 " (%s); to finish or clean up: %s", r->step + 1, r->steps, r->state, command);
}
