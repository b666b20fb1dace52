/* rehearse.c: the whole rehearsal: target, copy, parity, up, proof, down, up again, verdict, document. */
#include "rehearse/inside.h"
#include "rules/review.h"

#define PATIENCE_MS 10000

static void all_done(struct pr_rehearsed *all) {
    pr_foreground_done(&all->foreground);
    pr_pg_close(all->target);
    pr_script_done(&all->up);
    pr_script_done(&all->down);
    if (all->is_judged) pr_script_done(&all->judged.script);
    json_decref(all->review);
    json_decref(all->down_review);
    pr_copy_done(&all->copy);
}

static enum pr_code parse(const struct pr_side *side, struct pr_arena *a, struct pr_script *out, struct pr_err *e) {
    if (side->path == NULL) return PR_OK;
    const enum pr_code code = pr_script_parse(side->text, side->len, a, out, e);
    return code == PR_OK ? PR_OK : pr_prefix(e, "%s", side->path);
}

/* What up and down touch, once each. */
static size_t wanted(const struct pr_rehearsed *all, struct pr_arena *a, struct pr_want **out) {
    struct pr_want *up = NULL, *down = NULL;
    const size_t n_up = pr_facts_wants(&all->up, a, &up), n_down = all->down.n > 0 ? pr_facts_wants(&all->down, a, &down) : 0;
    struct pr_want *both = PR_NEW_ARRAY(a, struct pr_want, n_up + n_down + 1);
    size_t n = 0;
    for (size_t i = 0; i < n_up + n_down; i++) {
        const struct pr_want w = i < n_up ? up[i] : down[i - n_up];
        bool there = false;
        for (size_t j = 0; j < n; j++) there = there || (pr_eq(both[j].name, w.name) && pr_eq(both[j].schema, w.schema));
        if (!there) both[n++] = w;
    }
    /* A script that touches no relation must not read every one: a name that cannot exist reads none. */
    if (n == 0) both[n++] = (struct pr_want){.schema = "pg_catalog", .name = ""};
    *out = both;
    return n;
}

/* Identities point into sessions that close: the document needs their words to stay. */
static const struct pr_pg_ident *keep_ident(const struct pr_pg_ident *id, struct pr_arena *a) {
    if (id == NULL) return NULL;
    struct pr_pg_ident *copy = PR_NEW(a, struct pr_pg_ident);
    *copy = *id;
    copy->version = pr_dup(a, id->version);
    copy->backend_start = pr_dup(a, id->backend_start);
    copy->database = pr_dup(a, id->database);
    copy->user = pr_dup(a, id->user);
    copy->address = pr_dup(a, id->address);
    copy->system_id = pr_dup(a, id->system_id);
    copy->server_start = pr_dup(a, id->server_start);
    return copy;
}

static enum pr_code read_target(struct pr_rehearsed *all, struct pr_arena *a, struct pr_err *e) {
    const struct pr_rehearse *r = all->r;
    all->target_why = "no environment was named as the target";
    if (r->target == NULL) return PR_OK;
    const struct pr_pg_where where = {.service = r->target->service, .env = r->target->env, .app = "pgrail/rehearse",
                                      .timeout_ms = PATIENCE_MS};
    struct pr_err why = {0};
    const enum pr_code code = pr_pg_open(&where, &all->target, &why);
    if (code == PR_ERR_CONNECT || code == PR_ERR_TIMEOUT || code == PR_ERR_CONFIG) {
        all->target_why = pr_fmt(a, "environment %s: %s", r->target->name, why.msg);
        return PR_OK;
    }
    if (code != PR_OK) {
        *e = why;
        return code;
    }
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_identity(all->target, &id, e));
    all->target_ident = keep_ident(id, a);
    pr_say(r->talk, PR_LINE_STEP, "%s: database %s at %s as %s, PostgreSQL %s; its catalog is read, nothing else", r->target->name,
           id->database, id->address, id->user, id->version);
    struct pr_want *wants = NULL;
    const size_t n = wanted(all, a, &wants);
    PR_TRY(e, pr_facts_read(all->target, wants, n, a, &all->target_facts, e));
    struct pr_buf path = {.a = a};
    for (size_t i = 0; i < all->target_facts->n_search_path; i++)
        pr_addf(&path, "%s%s", i > 0 ? ", " : "", pr_quote_ident(a, all->target_facts->search_path[i]));
    all->session.search_path = pr_buf_text(&path);
    all->session.time_zone = all->target_facts->time_zone;
    return PR_OK;
}

/* The up side's findings, and what review each side needs: the down runs when the up has been in use. */
static enum pr_code judge(struct pr_rehearsed *all, struct pr_arena *a, struct pr_err *e) {
    const struct pr_migration *m = all->r->migration;
    struct pr_judge j = {.migration = m, .side = &m->up, .facts = all->target_facts != NULL ? all->target_facts : all->facts,
                         .config = all->r->config, .runner = "pgrail"};
    PR_TRY(e, pr_judge_side(&j, a, &all->judged, e));
    all->is_judged = true;
    all->review = pr_review_json(&all->judged.review);
    if (all->down.n == 0) return PR_OK;
    struct pr_judged down PR_CLEANUP(pr_judged_done) = {0};
    j.side = &m->down;
    j.is_down = true;
    j.world = pr_world_over(all->judged.after, a);
    pr_world_settle(j.world);
    PR_TRY(e, pr_judge_side(&j, a, &down, e));
    all->down_review = pr_review_json(&down.review);
    return PR_OK;
}

static enum pr_code open_copy(struct pr_rehearsed *all, struct pr_pg **copy, struct pr_arena *a, struct pr_err *e) {
    const int major = all->target_ident != NULL ? all->target_ident->version_num / 10000 : 0;
    PR_TRY(e, pr_copy_open(all->r, all->target_ident, major, a, &all->copy, e));
    all->staging_ident = keep_ident(all->copy.ident, a);
    PR_TRY(e, pr_copy_session(&all->copy, &all->session, "pgrail/rehearse facts", a, copy, e));
    struct pr_want *wants = NULL;
    const size_t n = wanted(all, a, &wants);
    PR_TRY(e, pr_facts_read(*copy, wants, n, a, &all->facts, e));
    PR_TRY(e, pr_parity_read(all, *copy, a, e));
    return judge(all, a, e);
}

static enum pr_code size_of(struct pr_pg *pg, struct pr_arena *a, int64_t *out, struct pr_err *e) {
    static const struct pr_pg_stmt size = {
        .name = "database size", .sql = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())", .shape = PR_ONE_ROW,
        .n_cols = 1, .timeout_ms = 60000};
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_pg_query(pg, &size, NULL, a, &row, e));
    *out = (int64_t)strtoll(PR_CELL(&row, 0, 0), NULL, 10);
    return PR_OK;
}

static bool was_there(const struct pr_invalid *list, size_t n, const struct pr_invalid *x) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(list[i].schema, x->schema) && pr_eq(list[i].index, x->index)) return true;
    return false;
}

/* A failed CONCURRENTLY leaves an invalid index: removed here as it would have to be in production, and said. */
static enum pr_code clean(struct pr_rehearsed *all, struct pr_seen_run *run, struct pr_pg *pg, const struct pr_invalid *before,
                          size_t n_before, struct pr_arena *a, struct pr_err *e) {
    struct pr_invalid *after = NULL;
    size_t n = 0;
    PR_TRY(e, pr_invalid_indexes(pg, a, &after, &n, e));
    for (size_t i = 0; i < n; i++) {
        if (was_there(before, n_before, &after[i])) continue;
        const char *name = pr_qualified(a, after[i].schema, after[i].index);
        PR_TRY(e, pr_do_long(all->r, pg, pr_fmt(a, "DROP INDEX CONCURRENTLY %s", name), a, e));
        run->left = pr_fmt(a, "%s%s%s left the invalid index %s; it was dropped on the copy", run->left != NULL ? run->left : "",
                           run->left != NULL ? "; " : "", run->direction, name);
        pr_say(all->r->talk, PR_LINE_WARN, "%s left the invalid index %s; dropped", run->direction, name);
    }
    return PR_OK;
}

static enum pr_code run_side(struct pr_rehearsed *all, const char *direction, const struct pr_side *side, const struct pr_script *script,
                             struct pr_pg *facts_pg, struct pr_arena *a, struct pr_err *e) {
    struct pr_rig rig PR_CLEANUP(pr_rig_done) = {0};
    struct pr_seen_run *run = &all->runs[all->n_runs];
    struct pr_invalid *invalid = NULL;
    size_t n_invalid = 0;
    *run = (struct pr_seen_run){.direction = direction, .side = side, .script = script};
    rig.run = run;
    PR_TRY(e, pr_invalid_indexes(facts_pg, a, &invalid, &n_invalid, e));
    PR_TRY(e, pr_rig_open(all->r, &all->copy, &all->session, a, &rig, e));
    if (all->r->workload != NULL && all->n_runs == 0) {
        PR_TRY(e, pr_foreground_start(&all->foreground, &rig, &all->copy, &all->session, e));
        rig.beside = &all->foreground;
    }
    if (all->r->fill != NULL) {
        PR_TRY(e, pr_run_fill(&rig, &all->copy, &all->session, &all->filled, &all->is_filled, e));
    } else {
        pr_canaries_make(&rig, all->facts, script);
        pr_foreground_begin(&all->foreground);
        PR_TRY(e, pr_run_side(&rig, run, e));
    }
    PR_TRY(e, pr_foreground_end(&all->foreground, e));
    all->n_runs++;
    for (size_t i = 0; i < run->n; i++)
        if (run->stmts[i].failed) {
            run->stmts[i].nearest = pr_nearest_name(all->facts, run->stmts[i].stmt, run->stmts[i].sqlstate, a);
            if (run->stmts[i].nearest != NULL) pr_say(all->r->talk, PR_LINE_WARN, "%s", run->stmts[i].nearest);
        }
    if (!run->ok) return clean(all, run, facts_pg, invalid, n_invalid, a, e);
    return PR_OK;
}

static enum pr_code take_lines(struct pr_rehearsed *all, struct pr_pg *pg, struct pr_arena *a, struct pr_err *e) {
    PR_TRY(e, pr_schema_lines(pg, a, &all->lines[all->n_lines], e));
    all->n_lines++;
    return PR_OK;
}

static enum pr_code verify(struct pr_rehearsed *all, struct pr_pg *pg, struct pr_arena *a, struct pr_err *e) {
    const struct pr_talk *t = all->r->talk;
    PR_TRY(e, pr_effects_verify(pg, &all->up, a, &all->assertions, &all->n_assertions, e));
    PR_TRY(e, take_lines(all, pg, a, e));
    all->n_delta = pr_lines_delta(&all->lines[0], &all->lines[1], a, &all->delta);
    for (size_t i = 0; i < all->n_assertions; i++)
        pr_say(t, all->assertions[i].holds ? PR_LINE_GOOD : PR_LINE_BAD, "%s: %s%s%s%s", all->assertions[i].holds ? "verified" : "does not hold",
               all->assertions[i].claim, all->assertions[i].found != NULL ? " (" : "",
               all->assertions[i].found != NULL ? all->assertions[i].found : "", all->assertions[i].found != NULL ? ")" : "");
    pr_say(t, PR_LINE_FACT, "schema delta: %s", pr_plural(a, (int64_t)all->n_delta, "line"));
    for (size_t i = 0; i < all->n_delta && i < 8; i++) pr_say(t, PR_LINE_PLAIN, "     %s", pr_printable(a, all->delta[i], 160));
    return PR_OK;
}

static const char *loss_note(const struct pr_side *down, struct pr_arena *a) {
    const char *at = down->text != NULL ? strstr(down->text, "-- loses:") : NULL;
    return at != NULL ? pr_trim(a, pr_dupn(a, at + strlen("-- loses:"), strcspn(at + strlen("-- loses:"), "\n"))) : NULL;
}

static enum pr_code there_and_back(struct pr_rehearsed *all, struct pr_pg *pg, struct pr_arena *a, struct pr_err *e) {
    const struct pr_migration *m = all->r->migration;
    const struct pr_talk *t = all->r->talk;
    if (m->down.path == NULL || all->down.n == 0) return PR_OK;
    all->loss_note = loss_note(&m->down, a);
    PR_TRY(e, run_side(all, "down", &m->down, &all->down, pg, a, e));
    if (!all->runs[1].ok) return PR_OK;
    PR_TRY(e, take_lines(all, pg, a, e));
    all->n_lost = pr_lines_delta(&all->lines[0], &all->lines[2], a, &all->lost);
    all->down_verified = true;
    if (all->n_lost == 0) pr_say(t, PR_LINE_GOOD, "after down the schema is as before");
    else pr_say(t, PR_LINE_WARN, "after down %s of the schema differ", pr_plural(a, (int64_t)all->n_lost, "line"));
    PR_TRY(e, run_side(all, "up again", &m->up, &all->up, pg, a, e));
    if (!all->runs[2].ok) return PR_OK;
    PR_TRY(e, take_lines(all, pg, a, e));
    all->n_unequal = pr_lines_delta(&all->lines[1], &all->lines[3], a, &all->unequal);
    all->again_verified = true;
    /* A column that went and came stands at the end: where down lost a place, up again cannot find it. */
    if (all->n_unequal == 0) pr_say(t, PR_LINE_GOOD, "up again gives the same schema as the first time");
    else pr_say(t, PR_LINE_WARN, "up again: %s differ from the first time", pr_plural(a, (int64_t)all->n_unequal, "line"));
    return PR_OK;
}

static enum pr_code run_all(struct pr_rehearsed *all, struct pr_arena *a, struct pr_err *e) {
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    PR_TRY(e, read_target(all, a, e));
    PR_TRY(e, open_copy(all, &pg, a, e));
    pr_pg_close(all->target);                   /* production is left alone while the copy works */
    all->target = NULL;
    PR_TRY(e, size_of(pg, a, &all->database_before, e));
    PR_TRY(e, take_lines(all, pg, a, e));
    PR_TRY(e, run_side(all, "up", &all->r->migration->up, &all->up, pg, a, e));
    PR_TRY(e, size_of(pg, a, &all->database_after, e));
    if (!all->runs[0].ok) return PR_OK;
    PR_TRY(e, verify(all, pg, a, e));
    return there_and_back(all, pg, a, e);
}

static void tell_verdict(const struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_talk *t = all->r->talk;
    if (all->n_reasons == 0) pr_say(t, PR_LINE_GOOD, "ready");
    else pr_say(t, PR_LINE_BAD, "not ready: %s", pr_plural(a, (int64_t)all->n_reasons, "reason"));
}

enum pr_code pr_rehearse_run(const struct pr_rehearse *r, struct pr_arena *a, json_t **doc, bool *passed, struct pr_err *e) {
    struct pr_rehearsed all PR_CLEANUP(all_done) = {.r = r, .started_wall_us = pr_wall_us()};
    const int64_t start = pr_mono_us();
    PR_ASSERT(r->sample_ms > 0 && (r->staging != NULL || r->dump != NULL));
    PR_TRY(e, parse(&r->migration->up, a, &all.up, e));
    PR_TRY(e, parse(&r->migration->down, a, &all.down, e));
    if (all.up.n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: there is no statement to rehearse", r->migration->up.path);
    PR_TRY(e, run_all(&all, a, e));
    all.elapsed_us = pr_mono_us() - start;
    pr_compare(&all, a);
    pr_forecast_make(&all, a);
    pr_verdict_make(&all, a);
    tell_verdict(&all, a);
    json_t *made PR_CLEANUP(pr_json_freep) = pr_rehearsal_document(&all, a);
    if (r->html != NULL) {
        const char *page = pr_rehearsal_html(made, a);
        PR_TRY(e, pr_write_text(r->html, page, strlen(page), 0644, false, e));
    }
    *doc = made;
    made = NULL;
    *passed = all.n_reasons == 0;
    return PR_OK;
}
