/* profile.c: the order of a reading: its columns, its parts, then what needs all of it, then the questions. */
#include "profile/cast.h"
#include "profile/json_tree.h"

void pr_profile_note(struct pr_profile_run *p, const char *fmt, ...) {
    char text[600];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    *PR_PUSH(p->a, p->notes, p->n_notes, p->cap_notes) = pr_dup(p->a, text);
}

void pr_profile_show(struct pr_profile_run *p, const char *phase) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const bool parts = p->way == PR_WAY_KEY || p->way == PR_WAY_BLOCKS;
    const struct pr_progress now = {.what = pr_fmt(a, "profile of %s", pr_printable(a, p->table, 130)), .phase = phase, .done = parts ? p->rows : 0,
                                    .total = parts ? p->ask->rel->rows : 0, .unit = "rows", .elapsed_us = pr_mono_us() - p->started_us};
    p->cut_at = pr_dup(p->a, phase);
    pr_progress(p->ask->talk, &now);
}

static enum pr_code count_part(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    static const struct { const char *phase; enum pr_code (*count)(struct pr_profile_run *, size_t, struct pr_err *); } steps[] = {
        {"columns", pr_columns_count}, {"casts", pr_casts_count}, {"splits", pr_splits_count}, {"patterns", pr_patterns_count}, {"JSON", pr_json_count}};
    for (size_t i = 0; i < PR_COUNT(steps); i++) {
        pr_profile_show(p, steps[i].phase);
        PR_TRY(e, steps[i].count(p, part, e));
    }
    return PR_OK;
}

/* One part in its transaction. */
static enum pr_code read_part(struct pr_profile_run *p, bool *more, struct pr_err *e) {
    PR_TRY(e, pr_parts_begin(p, e));
    enum pr_code code = pr_parts_next(p, more, e);
    if (code == PR_OK && *more) code = count_part(p, p->n_parts - 1, e);
    if (code == PR_OK) return pr_parts_end(p, e);
    pr_parts_abort(p);
    return code;
}

/* Out of time with something read is an answer that says so; anything else is an error. */
static enum pr_code forgive(struct pr_profile_run *p, struct pr_err *e) {
    if (pr_profile_out_of_time(p, e) && p->rows > 0) {
        p->cut = true;
        *e = (struct pr_err){0};
        return PR_OK;
    }
    if (e->code == PR_ERR_TIMEOUT) return pr_hint(e, "raise --timeout, or read less: fewer columns, fewer --rows, without --whole");
    if (pr_eq(e->sqlstate, "55P03")) return pr_hint(e, "somebody holds ACCESS EXCLUSIVE on the relation: see pg_locks, and try again");
    return e->code;
}

static enum pr_code read_all(struct pr_profile_run *p, struct pr_err *e) {
    enum pr_code code = pr_casts_prepare(p, e);
    for (bool more = true; more && code == PR_OK;) code = read_part(p, &more, e);
    if (code == PR_OK) code = pr_distinct_count(p, e);
    if (code == PR_OK) code = pr_casts_keys(p, e);
    return code == PR_OK ? PR_OK : forgive(p, e);
}

static enum pr_code find_questions(struct pr_profile_run *p, struct pr_err *e) {
    pr_questions_of_casts(p);
    pr_questions_of_splits(p);
    for (size_t i = 0; i < p->n_cols; i++)
        if (p->cols[i].json != NULL) {
            pr_json_settle(p->cols[i].json);
            pr_questions_of_json(p, &p->cols[i]);
        }
    pr_questions_of_columns(p);
    if (p->cut) return PR_OK;
    return pr_questions_keys(p, e) == PR_OK ? PR_OK : forgive(p, e);
}

static bool reads(const struct pr_profile_run *p, const struct pr_profile_spot *s) {
    const struct pr_data_col *c = pr_profile_col(p, s->column);
    return c != NULL && c->readable;
}

static enum pr_code may_not(const struct pr_profile_run *p, const char *what, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_DB, "the role may not read %s of %s", what, p->table);
    return pr_hint(e, "GRANT SELECT ON %s TO the role, or leave it out", p->table);
}

static enum pr_code check_rights(struct pr_profile_run *p, struct pr_err *e) {
    size_t readable = 0, hidden = 0;
    for (size_t i = 0; i < p->n_cols; i++) {
        readable += p->cols[i].readable;
        hidden += !p->cols[i].readable;
    }
    if (readable == 0 && hidden > 0) return may_not(p, "any column", e);
    for (size_t i = 0; i < p->ask->n_columns; i++) {
        const struct pr_data_col *c = pr_profile_col(p, p->ask->columns[i]);
        if (c != NULL && !c->readable) return may_not(p, pr_fmt(p->a, "column %s", pr_quote_ident(p->a, c->name)), e);
    }
    for (size_t i = 0; i < p->ask->n_casts; i++)
        if (!reads(p, &p->ask->casts[i].spot)) return may_not(p, p->ask->casts[i].spot.column, e);
    for (size_t i = 0; i < p->ask->n_splits; i++)
        if (!reads(p, &p->ask->splits[i].spot)) return may_not(p, p->ask->splits[i].spot.column, e);
    if (hidden > 0) pr_profile_note(p, "%s may not be read by this role: no SELECT on them", pr_plural(p->a, (int64_t)hidden, "column"));
    if (p->row_security) pr_profile_note(p, "row security is on: rows that the role may not see are not counted");
    return PR_OK;
}

static void note_the_way(struct pr_profile_run *p) {
    if (p->way == PR_WAY_SAMPLE) {
        if (p->rows == 0) pr_profile_note(p, "the sample met no rows: take another --seed, more --rows, or --whole");
        pr_profile_note(p, "a sample misses what is rare: --whole reads every row");
        if (!p->ask->rel->rows_trusted) pr_profile_note(p, "the estimate of all rows is old or a guess: ANALYZE");
        if (p->aimed < p->ask->rows) pr_profile_note(p, "%zu columns: the sample aims at %" PRId64 " rows", p->n_cols, p->aimed);
    }
    if (p->way == PR_WAY_ONE && p->why_one != NULL && (p->rows > p->part_rows || p->cut)) pr_profile_note(p, "read whole in one statement: %s", p->why_one);
    if (p->cut) pr_profile_note(p, "out of time at %s, after %s: --timeout gives more", p->cut_at, pr_plural(p->a, p->rows, "row"));
}

static void done(struct pr_profile_run *p) {
    for (size_t i = 0; p->casts != NULL && i < p->ask->n_casts; i++) {
        for (size_t f = 0; f < p->casts[i].n_failures; f++) json_decref(p->casts[i].failures[f].keys);
        for (size_t l = 0; l < p->casts[i].n_losses; l++) json_decref(p->casts[i].losses[l].keys);
    }
    for (size_t i = 0; i < p->n_questions; i++) json_decref(p->questions[i].keys);
    pr_progress(p->ask->talk, NULL);
}

enum pr_code pr_profile(struct pr_pg *pg, const struct pr_profile_ask *ask, struct pr_arena *a, json_t **out, struct pr_err *e) {
    const struct pr_pg_ident *who = NULL;
    PR_TRY(e, pr_pg_identity(pg, &who, e));
    struct pr_profile_run p PR_CLEANUP(done) = {.pg = pg, .ask = ask, .a = a, .version = who->version_num, .started_us = pr_mono_us()};
    p.deadline_us = p.started_us + ask->timeout_ms * 1000;
    p.table = pr_qualified(a, ask->rel->schema, ask->rel->name);
    PR_TRY(e, pr_columns_read(&p, e));
    PR_TRY(e, check_rights(&p, e));
    PR_TRY(e, pr_parts_choose(&p, e));
    PR_TRY(e, read_all(&p, e));
    PR_TRY(e, find_questions(&p, e));
    note_the_way(&p);
    p.elapsed_us = pr_mono_us() - p.started_us;
    *out = pr_profile_doc(&p);
    return PR_OK;
}
