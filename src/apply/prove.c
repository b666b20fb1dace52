/* prove.c: two oracles: the assertions that the statements' trees make, and the schema delta, which must be the one that the
 * rehearsal saw. Recorded is only what both of them say. */
#include "apply/flight.h"

#ifndef PR_VERSION
#define PR_VERSION "0"
#endif

struct proof { int broken; const char *first, *found; };

static enum pr_code check_assertions(struct pr_flight *f, struct pr_pg *pg, json_t *v, struct proof *p, struct pr_err *e) {
    struct pr_assertion *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_effects_verify(pg, &f->script, f->a, &list, &n, e));
    pr_set(v, "assertions", pr_assertions_json(list, n));
    for (size_t i = 0; i < n; i++) {
        if (list[i].holds) continue;
        if (p->broken++ > 0) continue;
        p->first = list[i].claim;
        p->found = list[i].found;
    }
    return PR_OK;
}

/* Roles differ between staging and production: who owns what and who may do what is compared by object only. */
static const char *comparable(struct pr_arena *a, const char *line) {
    if (strncmp(line + 2, "grants on ", 10) == 0) return pr_dupn(a, line, 12 + strcspn(line + 12, ":"));
    const char *owner = strstr(line, ": owner ");
    if (owner == NULL) return line;
    const char *rest = owner + 8 + strcspn(owner + 8, ",");
    return pr_fmt(a, "%.*s: owner%s", (int)(owner - line), line, rest);
}

static bool has_line(struct pr_arena *a, const char *const *list, size_t n, const char *line) {
    const char *wanted = comparable(a, line);
    for (size_t i = 0; i < n; i++)
        if (pr_eq(comparable(a, list[i]), wanted)) return true;
    return false;
}

/* A line about a relation that the script touches, or creates. */
static bool about_us(const struct pr_flight *f, const char *line) {
    for (size_t i = 0; i < f->footprint.n; i++)
        for (size_t k = 0; k < f->footprint.stmts[i].n; k++) {
            const struct pr_effect *x = &f->footprint.stmts[i].effects[k];
            if (x->name != NULL && strstr(line, pr_qualified(f->a, x->schema, x->name)) != NULL) return true;
        }
    return false;
}

static void unequal(struct pr_flight *f, json_t *list, struct proof *p, const char *line, const char *what) {
    pr_push_str(list, pr_fmt(f->a, "%s: %s", what, line));
    if (p->broken++ > 0) return;
    p->first = pr_fmt(f->a, "schema as in the rehearsal: %s", line);
    p->found = what;
}

/* before + delta must be after. What others changed meanwhile on other relations is said, and is no fault of ours. */
static enum pr_code check_delta(struct pr_flight *f, struct pr_pg *pg, json_t *v, struct proof *p, struct pr_err *e) {
    const char **expected = NULL, **found = NULL;
    bool known = false;
    struct pr_lines after = {0};
    const size_t n_expected = pr_view_delta(f, &expected, &known);
    if (!f->has_before) return PR_OK;
    /* The worker has its transaction open; the watch never has one. */
    PR_TRY(e, pg == f->worker ? pr_schema_lines_inside(pg, f->a, &after, e) : pr_schema_lines(pg, f->a, &after, e));
    const size_t n_found = pr_lines_delta(&f->before, &after, f->a, &found);
    json_t *delta = pr_set_array(v, "delta");
    for (size_t i = 0; i < n_found; i++) pr_push_str(delta, found[i]);
    pr_set_bool(v, "delta_compared", known);
    if (!known) return PR_OK;
    json_t *differs = pr_set_array(v, "delta_differs");
    for (size_t i = 0; i < n_expected; i++)
        if (!has_line(f->a, found, n_found, expected[i])) unequal(f, differs, p, expected[i], "missing here");
    for (size_t i = 0; i < n_found; i++) {
        if (has_line(f->a, expected, n_expected, found[i])) continue;
        if (about_us(f, found[i])) unequal(f, differs, p, found[i], "not in the rehearsal");
        else pr_say(f->ask->talk, PR_LINE_WARN, "somebody else changed the schema meanwhile: %s", pr_printable(f->a, found[i], 200));
    }
    return PR_OK;
}

/* After a resume there is no "before": each expected line must be there, or gone. */
static enum pr_code check_presence(struct pr_flight *f, struct pr_pg *pg, json_t *v, struct proof *p, struct pr_err *e) {
    const char **expected = NULL;
    bool known = false;
    struct pr_lines now = {0};
    const size_t n = pr_view_delta(f, &expected, &known);
    if (f->has_before || !known) return PR_OK;
    PR_TRY(e, pr_schema_lines(pg, f->a, &now, e));
    const char **signed_lines = PR_NEW_ARRAY(f->a, const char *, now.n);
    for (size_t i = 0; i < now.n; i++) signed_lines[i] = pr_fmt(f->a, "+ %s", now.text[i]);
    json_t *differs = pr_set_array(v, "delta_differs");
    pr_set_bool(v, "delta_compared", true);
    for (size_t i = 0; i < n; i++) {
        const bool there = has_line(f->a, signed_lines, now.n, pr_fmt(f->a, "+ %s", expected[i] + 2));
        if (there != (expected[i][0] == '+')) unequal(f, differs, p, expected[i], there ? "still there" : "missing here");
    }
    return PR_OK;
}

static enum pr_code prove(struct pr_flight *f, struct pr_pg *pg, const char *where, struct pr_err *e) {
    json_t *v = pr_set_object(f->doc, "verification");
    struct proof p = {0};
    pr_set_str(v, "where", where);
    PR_TRY(e, check_assertions(f, pg, v, &p, e));
    PR_TRY(e, check_delta(f, pg, v, &p, e));
    PR_TRY(e, check_presence(f, pg, v, &p, e));
    pr_set_bool(v, "proven", p.broken == 0);
    if (p.broken == 0) return PR_OK;
    return PR_FAIL(e, PR_ERR_UNPROVEN, "not proven: %s; found: %s%s", p.first, p.found == NULL ? "nothing" : p.found,
                   p.broken > 1 ? pr_fmt(f->a, " (and %d more)", p.broken - 1) : "");
}

/* Looking sets a search_path of its own, which deferred triggers must not meet at COMMIT: hence the savepoint. */
enum pr_code pr_prove_inside(struct pr_flight *f, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(f->worker, "proof", "SAVEPOINT pgrail_proof", 10000, e));
    const enum pr_code code = prove(f, f->worker, "inside the transaction", e);
    if (code == PR_OK) PR_TRY(e, pr_pg_do(f->worker, "proof", "ROLLBACK TO SAVEPOINT pgrail_proof", 10000, e));
    if (code == PR_OK) return pr_pg_do(f->worker, "proof", "RELEASE SAVEPOINT pgrail_proof", 10000, e);
    if (code != PR_ERR_UNPROVEN) return code;
    return pr_hint(e, "everything was rolled back; rehearse again: pgrail rehearse %s", f->ask->migration->id);
}

enum pr_code pr_record(struct pr_flight *f, struct pr_pg *pg, struct pr_err *e) {
    const struct pr_migration *m = f->ask->migration;
    struct pr_buf by = {.a = f->a};
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(f->row.detail, "approvals"), i, o) pr_addf(&by, "%s%s", i == 0 ? "" : ", ", pr_get_str(o, "signer"));
    const struct pr_history_row row = {
        .version = m->version, .migration = m->id, .sha256 = m->sha256, .direction = f->direction,
        .approved_by = by.len == 0 ? NULL : pr_buf_text(&by), .pgrail_version = PR_VERSION,
        .elapsed_us = pr_mono_us() - f->started_us, .up_sha256 = pr_side_sha256(&m->up, f->a), .down_sha256 = pr_side_sha256(&m->down, f->a),
        .run_id = pr_get_str(f->row.detail, "run_id"),
    };
    return pr_history_add(pg, &row, e);
}

static void tell(struct pr_flight *f) {
    const json_t *v = pr_get(f->doc, "verification");
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(v, "assertions"), i, o) {
        const char *found = pr_get_str(o, "found");
        pr_say(f->ask->talk, pr_get_bool(o, "holds") ? PR_LINE_GOOD : PR_LINE_BAD, "%s%s%s", pr_printable(f->a, pr_get_str(o, "claim"), 300),
               found == NULL ? "" : ": ", found == NULL ? "" : pr_printable(f->a, found, 200));
    }
    if (pr_get_bool(v, "delta_compared") && json_array_size(pr_get(v, "delta_differs")) == 0)
        pr_say(f->ask->talk, PR_LINE_GOOD, "the schema changed exactly as in the rehearsal");
    json_array_foreach(pr_get(v, "delta_differs"), i, o) pr_say(f->ask->talk, PR_LINE_BAD, "%s", pr_printable(f->a, json_string_value(o), 300));
}

enum pr_code pr_prove_and_record(struct pr_flight *f, struct pr_err *e) {
    PR_ASSERT(f->state == PR_RUN_VERIFYING);
    pr_say(f->ask->talk, PR_LINE_STEP, "verifying");
    const enum pr_code code = prove(f, f->watch, "from outside", e);
    tell(f);
    if (code == PR_ERR_UNPROVEN) {
        struct pr_err why = *e;
        PR_TRY(e, pr_flight_step(f, PR_RUN_EV_UNPROVEN, why.msg, e));
        (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "%s ran, and is %s", f->ask->migration->id, why.msg);
        return pr_hint(e, "mend it by hand, then `%s` looks again and records it; or: pgrail %s %s --env %s", pr_flight_command(f),
                       f->ask->down ? "apply" : "rollback", f->ask->migration->id, f->ask->environment->name);
    }
    PR_TRY(e, code);
    PR_TRY(e, pr_history_ensure(f->watch, e));
    PR_TRY(e, pr_record(f, f->watch, e));
    pr_fault("recorded");
    PR_TRY(e, pr_flight_step(f, PR_RUN_EV_PROVEN, NULL, e));
    pr_set_bool(f->doc, "recorded", true);
    return PR_OK;
}
