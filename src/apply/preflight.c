/* preflight.c: one page of lines, each with its evidence: who the target is, what stands, what has moved since. Facts are
 * collected here; whether it may run is the policy's to say (policy/policy.c). */
#include "apply/flight.h"

#include "crypt/crypt.h"
#include "rules/orphans.h"

void pr_check_line(struct pr_flight *f, const char *state, const char *what, const char *found) {
    json_t *list = pr_get(f->doc, "preflight");
    if (list == NULL) list = pr_set_array(f->doc, "preflight");
    json_t *o = pr_push_object(list);
    pr_set_str(o, "state", state);
    pr_set_str(o, "what", what);
    pr_set_str(o, "found", found);
    const enum pr_line kind = pr_eq(state, "ok") ? PR_LINE_GOOD : pr_eq(state, "bad") ? PR_LINE_BAD : pr_eq(state, "warn") ? PR_LINE_WARN : PR_LINE_FACT;
    pr_say(f->ask->talk, kind, "%s: %s", what, pr_printable(f->a, found, 400));
}

static void check_target(struct pr_flight *f) {
    pr_check_line(f, "ok", "target", pr_fmt(f->a, "%s, database %s as %s, PostgreSQL %s, system %s", f->ident.address, f->ident.database,
                                             f->ident.user, f->ident.version, f->ident.system_id == NULL ? "not told" : f->ident.system_id));
    if (f->ident.tx_pooled) pr_check_line(f, "warn", "pooler", "in transaction mode: settings and locks are those of one transaction");
    else if (f->ident.pooled) pr_check_line(f, "warn", "pooler", "in session mode");
}

/* What both sides touch, as the rehearsal reads it: its fingerprint must be of the same relations. */
static enum pr_code wanted(struct pr_flight *f, struct pr_want **out, size_t *n, struct pr_err *e) {
    const struct pr_side *sides[] = {&f->ask->migration->up, &f->ask->migration->down};
    struct pr_want *all = NULL;
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < PR_COUNT(sides); i++) {
        if (sides[i]->path == NULL) continue;
        struct pr_script s PR_CLEANUP(pr_script_done) = {0};
        struct pr_want *some = NULL;
        PR_TRY(e, pr_script_parse(sides[i]->text, sides[i]->len, f->a, &s, e));
        const size_t found = pr_facts_wants(&s, f->a, &some);
        for (size_t k = 0; k < found; k++) {
            struct pr_want *w = PR_PUSH(f->a, all, *n, cap);
            *w = (struct pr_want){.schema = pr_dup(f->a, some[k].schema), .name = pr_dup(f->a, some[k].name)};
        }
    }
    /* None at all would mean every relation of the database: a name that cannot exist reads none. */
    if (*n == 0) *PR_PUSH(f->a, all, *n, cap) = (struct pr_want){.schema = "pg_catalog", .name = ""};
    *out = all;
    return PR_OK;
}

static enum pr_code read_live(struct pr_flight *f, struct pr_err *e) {
    struct pr_want *wants = NULL;
    size_t n = 0;
    PR_TRY(e, wanted(f, &wants, &n, e));
    PR_TRY(e, pr_facts_read(f->watch, wants, n, f->a, &f->facts, e));
    f->facts->environment = f->ask->environment->name;
    struct pr_orphan_asks asks = {.a = f->a};
    pr_orphan_asks_add(&asks, &f->script, f->facts);
    PR_TRY(e, pr_facts_orphans(f->watch, asks.refs, asks.n, asks.dropped, asks.n_dropped, f->ask->config->orphans_timeout_ms, f->ask->talk, f->a, f->facts, e));
    struct pr_world *w = pr_world_new(f->facts, f->ident.version_num, f->a);
    pr_footprint_script(w, &f->script, pr_side_tx(f->side), f->a, &f->footprint);
    const struct pr_judge j = {.migration = f->ask->migration, .side = f->side, .is_down = f->ask->down, .facts = f->facts,
                               .version_num = f->ident.version_num, .config = f->ask->config, .runner = "pgrail"};
    PR_TRY(e, pr_judge_side(&j, f->a, &f->judged, e));
    return pr_history_read(f->watch, f->a, &f->history, &f->n_history, e);
}

/* Adding `what` to a sentence that is empty at first. */
static void also(struct pr_buf *b, const char *what) { pr_addf(b, "%s%s", b->len == 0 ? "" : ", ", what); }

static bool too_old(const char *iso, int64_t limit_ms) {
    int64_t at = 0;
    struct pr_err ignored = {0};
    return pr_parse_iso_time(iso, &at, &ignored) != PR_OK || pr_too_old(at, pr_sat_mul(limit_ms, 1000));
}

static const char *since(struct pr_flight *f, const char *iso) {
    int64_t at = 0;
    struct pr_err ignored = {0};
    return pr_parse_iso_time(iso, &at, &ignored) == PR_OK ? pr_ago(f->a, at) : "at an unknown time";
}

/* What stops a protected environment is only worth saying elsewhere. */
static const char *bad(const struct pr_flight *f) { return f->ask->environment->is_protected ? "bad" : "warn"; }

static const struct pr_rel *live_rel(const struct pr_flight *f, const char *key) {
    for (size_t i = 0; i < f->facts->n_rels; i++)
        if (pr_eq(pr_fmt(f->a, "%s.%s", f->facts->rels[i].schema, f->facts->rels[i].name), key)) return &f->facts->rels[i];
    return NULL;
}

/* Every relation that was grounded is as it was; and every one that the script touches was grounded. */
static void grounding_moved(struct pr_flight *f, struct pr_buf *moved) {
    const char *key = NULL;
    json_t *fingerprint = NULL;
    json_object_foreach(f->grounding.relations, key, fingerprint) {
        const struct pr_rel *r = live_rel(f, key);
        if (r == NULL || !pr_eq(r->fingerprint, json_string_value(fingerprint))) also(moved, key);
    }
    struct pr_want *wants = NULL;
    const size_t n = pr_facts_wants(&f->script, f->a, &wants);
    for (size_t i = 0; i < n; i++) {
        const struct pr_rel *r = pr_find_rel(f->facts, wants[i].schema, wants[i].name);
        const char *name = r == NULL ? NULL : pr_fmt(f->a, "%s.%s", r->schema, r->name);
        if (name != NULL && pr_get_str(f->grounding.relations, name) == NULL) also(moved, name);
    }
}

/* Up: each relation must be as it was when grounded. A run that goes on in the middle changed the shape itself. */
static void judge_grounding(struct pr_flight *f) {
    struct pr_buf moved = {.a = f->a};
    if (!f->has_grounding) {
        pr_check_line(f, bad(f), "grounding", "none of this migration on this environment");
        return;
    }
    if (!pr_eq(f->grounding.system_id, f->ident.system_id)) also(&moved, "another cluster");
    if (!pr_eq(f->grounding.database, f->ident.database)) also(&moved, "another database");
    grounding_moved(f, &moved);
    if (too_old(f->grounding.taken_at, f->ask->config->grounding_max_age_ms)) also(&moved, "too old");
    f->situation.grounded = moved.len == 0 ? PR_YES : PR_STALE_YES;
    if (moved.len == 0) pr_check_line(f, "ok", "grounding", pr_fmt(f->a, "taken %s, the live schema is the same", since(f, f->grounding.taken_at)));
    else pr_check_line(f, bad(f), "grounding", pr_fmt(f->a, "taken %s, moved since: %s", since(f, f->grounding.taken_at), pr_buf_text(&moved)));
}

/* Down: the ground is what the up made, so the up's assertions are held against the live catalog. */
static enum pr_code judge_ground_of_down(struct pr_flight *f, struct pr_err *e) {
    const struct pr_side *up = &f->ask->migration->up;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_assertion *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_script_parse(up->text, up->len, f->a, &s, e));
    PR_TRY(e, pr_effects_verify(f->watch, &s, f->a, &list, &n, e));
    f->situation.grounded = PR_YES;
    for (size_t i = 0; i < n; i++) {
        if (list[i].holds) continue;
        f->situation.grounded = PR_STALE_YES;
        pr_check_line(f, "warn", "as the up left it", pr_fmt(f->a, "no longer so: %s", list[i].claim));
    }
    if (f->situation.grounded == PR_YES) pr_check_line(f, "ok", "as the up left it", "everything that it made is there and whole");
    /* Undoing what was left in half is what a rollback is for. */
    if (pr_history_applied(f->history, f->n_history, f->ask->migration->version) == NULL) f->situation.grounded = PR_YES;
    return PR_OK;
}

static enum pr_code judge_rehearsal(struct pr_flight *f, struct pr_err *e) {
    const struct pr_migration *m = f->ask->migration;
    PR_TRY(e, pr_ledger_rehearsal(f->ledger, f->ask->environment->name, m->id, m->sha256, f->a, &f->rehearsal, &f->has_rehearsal, e));
    f->situation.bytes_same = f->has_rehearsal;
    if (!f->has_rehearsal) {
        struct pr_rehearsal of_other_bytes = {0};
        bool found = false;
        PR_TRY(e, pr_ledger_rehearsal(f->ledger, f->ask->environment->name, m->id, NULL, f->a, &of_other_bytes, &found, e));
        json_decref(of_other_bytes.doc);
        f->situation.rehearsed = found ? PR_YES : PR_NO;
        f->situation.bytes_same = !found;
        f->situation.rehearsal_passed = false;
        pr_check_line(f, bad(f), "rehearsal", found ? "of other bytes: the file changed since" : "none of this migration for this environment");
        return PR_OK;
    }
    struct pr_buf moved = {.a = f->a};
    /* The report is what was signed: its hash is taken again from what the ledger holds, and its verdict is the one that counts. */
    const bool whole = pr_eq(pr_sha256_text(f->a, pr_json_text(f->a, f->rehearsal.doc, false)), f->rehearsal.report_sha256);
    f->rehearsal.passed = whole && f->rehearsal.passed && pr_get_bool(pr_get(f->rehearsal.doc, "verdict"), "ready");
    f->situation.rehearsal_passed = f->rehearsal.passed;
    if (!whole) also(&moved, "its report in the ledger is not the one that was written");
    /* A way back must stay open: what was rehearsed with the up counts for its down as long as the bytes are the same. */
    if (!f->ask->down && too_old(f->rehearsal.started_at, f->ask->config->rehearsal_max_age_ms)) also(&moved, "too old");
    if (!f->ask->down && f->first_step == 0 && f->rehearsal.fingerprint != NULL && !pr_eq(f->rehearsal.fingerprint, f->facts->fingerprint))
        also(&moved, "the schema here differs from the one that was rehearsed");
    f->situation.rehearsed = moved.len == 0 ? PR_YES : PR_STALE_YES;
    const bool good = moved.len == 0 && f->rehearsal.passed;
    pr_check_line(f, good ? "ok" : bad(f), "rehearsal",
                  pr_fmt(f->a, "%s, %s on %s, took %s%s%s", f->rehearsal.passed ? "passed" : "failed", since(f, f->rehearsal.started_at), f->rehearsal.staging,
                         pr_human_us(f->a, f->rehearsal.elapsed_us), moved.len == 0 ? "" : "; ", pr_buf_text(&moved)));
    return PR_OK;
}

static enum pr_code judge_history(struct pr_flight *f, struct pr_err *e) {
    const struct pr_migration *m = f->ask->migration;
    const struct pr_history_row *row = pr_history_applied(f->history, f->n_history, m->version);
    const bool changed = row != NULL && !pr_eq(row->sha256, m->sha256);
    /* A repeatable one is meant to be edited and run again. */
    f->situation.changed_after_apply = !f->ask->down && changed && !m->repeatable;
    f->situation.already_applied = !f->ask->down && row != NULL && !(changed && m->repeatable);
    if (row != NULL)
        pr_check_line(f, f->situation.already_applied ? "bad" : "ok", "history",
                      pr_fmt(f->a, "applied %s by %s%s", since(f, row->applied_at), row->applied_by, changed ? ", and changed since" : ""));
    if (!f->ask->down || row != NULL || f->opened) return PR_OK;
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    bool half = false;
    PR_TRY(e, pr_ledger_open_runs(f->ledger, f->ask->environment->name, f->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++) {
        if (pr_eq(rows[i].migration, m->id) && pr_eq(rows[i].direction, "up") && pr_get_int(rows[i].detail, "sent") > 0) half = true;
        json_decref(rows[i].detail);
    }
    if (half) {
        pr_check_line(f, "warn", "history", "applied in part, never proven: what is there of it will be undone");
        return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is not applied on %s: there is nothing to roll back", m->id, f->ask->environment->name);
    return pr_hint(e, "pgrail status --env %s", f->ask->environment->name);
}

static void check_orphans(struct pr_flight *f) {
    for (size_t i = 0; i < f->facts->n_orphans; i++) {
        const struct pr_orphans *o = &f->facts->orphans[i];
        if (o->unread != NULL) pr_check_line(f, "note", "orphans", pr_fmt(f->a, "%s could not be read: %s", pr_ref_from(f->a, o->ref), o->unread));
        else if (o->rows > 0 && o->ref->all_lost)
            pr_check_line(f, "warn", "orphans", pr_fmt(f->a, "%s%s of %s will refer to nothing", o->stopped != NULL ? "at least " : "", pr_plural(f->a, o->rows, "row"), pr_ref_from(f->a, o->ref)));
        else if (o->rows > 0) pr_check_line(f, "warn", "orphans", pr_orphan_words(f->a, o));
        else pr_check_line(f, o->stopped != NULL ? "note" : "ok", "orphans",
                           pr_fmt(f->a, "none of %s%s", pr_ref_from(f->a, o->ref), o->stopped != NULL ? pr_fmt(f->a, " among the first %s", pr_plural(f->a, o->read, "row")) : ""));
    }
}

static void check_findings(struct pr_flight *f) {
    f->situation.errors = f->judged.counts[PR_ERROR];
    const int all = f->judged.counts[PR_ERROR] + f->judged.counts[PR_WARNING];
    if (all > 0)
        pr_check_line(f, f->situation.errors > 0 ? "warn" : "note", "check",
                      pr_fmt(f->a, "%s, %s on the live schema", pr_plural(f->a, f->judged.counts[PR_ERROR], "error"), pr_plural(f->a, f->judged.counts[PR_WARNING], "warning")));
    if (f->script.n_unjudged > 0) pr_check_line(f, "warn", "check", pr_fmt(f->a, "%s that this grammar (%s) cannot judge", pr_plural(f->a, (int64_t)f->script.n_unjudged, "statement"), pr_grammar_version()));
}

static enum pr_code check_sight(struct pr_flight *f, struct pr_err *e) {
    static const struct pr_pg_stmt may_see = {
        .name = "what the role may see", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 10000,
        .sql = "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &may_see, NULL, f->a, &r, e));
    if (pr_eq(PR_CELL(&r, 0, 0), "t")) return PR_OK;
    pr_check_line(f, "warn", "sight", pr_fmt(f->a, "user %s does not see how long other roles' transactions are open: GRANT pg_read_all_stats TO %s",
                                             f->ident.user, pr_quote_ident(f->a, f->ident.user)));
    return PR_OK;
}

/* PGOPTIONS, or options in the service or the connection string: the script would run under settings that no rehearsal saw. */
static enum pr_code check_brought_settings(struct pr_flight *f, struct pr_err *e) {
    static const struct pr_pg_stmt brought = {
        .name = "settings of the connection", .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 10000,
        .sql = "SELECT pg_catalog.concat_ws(', ', CASE WHEN current_user <> session_user THEN 'role = ' || current_user END,"
               " pg_catalog.string_agg(name || ' = ' || setting, ', ' ORDER BY name)) FROM pg_catalog.pg_settings"
               " WHERE source = 'client' AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone')",
    };
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &brought, NULL, f->a, &r, e));
    if (PR_CELL(&r, 0, 0)[0] != '\0') pr_check_line(f, "warn", "settings that the connection brings along", PR_CELL(&r, 0, 0));
    return PR_OK;
}

/* The same database under another name that needs no approval: its own history tells. A copy of production tells the same, so
 * this is said, not refused. */
static void check_other_name(struct pr_flight *f) {
    for (size_t i = f->ask->environment->is_protected ? f->n_history : 0; i < f->n_history; i++) {
        if (f->history[i].approved_by == NULL) continue;
        pr_check_line(f, "warn", "history", pr_fmt(f->a, "%s ran here with an approval: this is a protected environment's database, or a copy of one; %s is not"
                                                   " protected", f->history[i].migration, f->ask->environment->name));
        return;
    }
}

static enum pr_code check_others(struct pr_flight *f, struct pr_err *e) {
    json_t *list = pr_set_array(f->doc, "in_the_way");
    size_t seen = 0;
    for (size_t i = f->first_step; i < f->script.n; i++) {
        struct pr_other *others = NULL;
        size_t n = 0;
        PR_TRY(e, pr_others_in_the_way(f, i, f->ask->config->lock_timeout_ms, &others, &n, e));
        for (size_t k = 0; k < n && seen < 20; k++, seen++) {
            json_array_append_new(list, pr_other_json(&others[k]));
            pr_check_line(f, "warn", "in the way now", pr_other_words(f->a, &others[k]));
        }
    }
    if (seen == 0) pr_check_line(f, "ok", "in the way now", "nobody");
    return PR_OK;
}

static void check_sizes(struct pr_flight *f) {
    json_t *list = pr_set_array(f->doc, "relations");
    for (size_t i = 0; i < f->facts->n_rels; i++) {
        const struct pr_rel *r = &f->facts->rels[i];
        if (r->kind != 'r' && r->kind != 'p' && r->kind != 'm') continue;
        const int64_t staging = pr_view_rows(f, r->schema, r->name);
        json_t *o = pr_push_object(list);
        pr_set_str(o, "name", pr_qualified(f->a, r->schema, r->name));
        pr_set_int(o, "rows", r->rows);
        pr_set_bool(o, "rows_trusted", r->rows_trusted);
        pr_set_int(o, "staging_rows", staging);
        pr_set_int(o, "total_bytes", r->total_bytes);
    }
}

/* An invalid index with the name that we are to create: IF NOT EXISTS would skip it and report success. */
static enum pr_code check_invalid(struct pr_flight *f, struct pr_err *e) {
    struct pr_invalid *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_invalid_indexes(f->watch, f->a, &list, &n, e));
    for (size_t i = f->first_step; i < f->script.n; i++) {
        struct pr_name *names = NULL;
        const size_t n_names = pr_stmt_names(&f->script.stmts[i], f->a, &names);
        for (size_t k = 0; k < n_names; k++)
            for (size_t x = 0; x < n; x++) {
                if (names[k].role != PR_NAME_CREATED || names[k].kind != PR_NAME_INDEX || !pr_eq(names[k].name, list[x].index)) continue;
                if (!pr_eq(list[x].schema, f->footprint.stmts[i].main_schema)) continue;
                const char *name = pr_qualified(f->a, list[x].schema, list[x].index);
                (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "an invalid index %s is there already%s", name, list[x].building ? ", and somebody builds it now" : "");
                return list[x].building ? pr_hint(e, "wait for it, then try again") : pr_hint(e, "DROP INDEX CONCURRENTLY %s", name);
            }
    }
    return PR_OK;
}

static enum pr_code rule(struct pr_flight *f, struct pr_err *e) {
    const struct pr_ruling r = pr_may_apply(&f->situation);
    if (r.code == PR_OK) return PR_OK;
    const char *command = pr_ruling_command(f->a, &r, f->ask->manner != NULL ? f->side->path : f->ask->migration->id);
    (void)PR_FAIL(e, r.code, "%s on %s: %s", f->ask->migration->id, f->ask->environment->name, r.reason);
    if (command == NULL) return e->code;
    return pr_hint(e, "%s --env %s%s", command, f->ask->environment->name, f->ask->down && pr_starts(command, "pgrail approve") ? " --down" : "");
}

enum pr_code pr_preflight(struct pr_flight *f, struct pr_err *e) {
    const struct pr_apply *ask = f->ask;
    pr_say(ask->talk, PR_LINE_STEP, "preflight of %s (%s) on %s", ask->migration->id, f->direction, ask->environment->name);
    f->situation = (struct pr_situation){.is_protected = ask->environment->is_protected, .bytes_same = true};
    PR_TRY(e, pr_flight_pool_check(f, e));
    check_target(f);
    PR_TRY(e, check_brought_settings(f, e));
    PR_TRY(e, read_live(f, e));
    PR_TRY(e, judge_history(f, e));
    check_other_name(f);
    PR_TRY(e, pr_ledger_grounding(f->ledger, ask->environment->name, ask->migration->id, f->a, &f->grounding, &f->has_grounding, e));
    if (ask->down) PR_TRY(e, judge_ground_of_down(f, e));
    else if (f->first_step > 0) f->situation.grounded = PR_YES;
    else judge_grounding(f);
    PR_TRY(e, judge_rehearsal(f, e));
    check_orphans(f);
    check_findings(f);
    if (ask->environment->is_protected) PR_TRY(e, pr_preflight_approvals(f, e));
    PR_TRY(e, rule(f, e));
    PR_TRY(e, check_invalid(f, e));
    PR_TRY(e, check_sight(f, e));
    PR_TRY(e, check_others(f, e));
    check_sizes(f);
    pr_check_line(f, "note", "disk", "free space is not known to the server: look at it yourself");
    return PR_OK;
}
