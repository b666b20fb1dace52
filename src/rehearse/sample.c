/* sample.c: what is looked at while a statement runs. Every tick reads the worker's locks (0.1 ms). Canaries knock when those
 * locks change and every fifth tick else, a few at a time: they confirm what the granted modes say, and see what these do not
 * (an index whose lock stops planning). They wait 1 ms at most and hold nothing afterwards. */
#include "rehearse/inside.h"
#include "sql_files.gen.h"

#define MAX_CANARIES 24
#define KNOCK_EVERY 5              /* ticks */
#define KNOCKS_A_TICK 4
#define KNOCK_BUDGET_US 6000
#define PROGRESS_AFTER_US 1000000
#define PROGRESS_EVERY_US 500000

static bool is_target(const struct pr_rel *rel, const struct pr_want *wants, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(wants[i].name, rel->name) && (wants[i].schema == NULL || pr_eq(wants[i].schema, rel->schema))) return true;
    return false;
}

static void add_pair(struct pr_rig *rig, const struct pr_rel *rel) {
    struct pr_seen_run *run = rig->run;
    const char *table = pr_fmt(rig->a, "%s.%s", pr_quote_ident(rig->a, rel->schema), pr_quote_ident(rig->a, rel->name));
    for (int writer = 0; writer < (rel->kind == 'm' ? 1 : 2) && run->n_canaries < MAX_CANARIES; writer++)
        run->canaries[run->n_canaries++] = (struct pr_canary){
            .schema = rel->schema, .name = rel->name, .writer = writer == 1, .blocked_from_us = -1, .longest_us = -1,
            .sql = pr_fmt(rig->a, writer == 1 ? "EXPLAIN DELETE FROM ONLY %s WHERE false" : "EXPLAIN SELECT 1 FROM ONLY %s WHERE false",
                          table)};
}

void pr_canaries_make(struct pr_rig *rig, const struct pr_facts *facts, const struct pr_script *s) {
    struct pr_want *wants = NULL;
    const size_t n = pr_facts_wants(s, rig->a, &wants);
    rig->run->canaries = PR_NEW_ARRAY(rig->a, struct pr_canary, MAX_CANARIES);
    for (int targets = 1; targets >= 0; targets--)          /* first what the script names, then partners and partitions */
        for (size_t i = 0; i < facts->n_rels; i++) {
            const struct pr_rel *rel = &facts->rels[i];
            if (strchr("rpm", rel->kind) != NULL && is_target(rel, wants, n) == (targets == 1)) add_pair(rig, rel);
        }
}

static enum pr_code knock(struct pr_rig *rig, struct pr_canary *c, int64_t now_us, struct pr_err *e) {
    struct pr_err refused = {0};
    const enum pr_code code = pr_pg_do(rig->canary, "canary", c->sql, 2000, &refused);
    c->knocks++;
    if (code == PR_OK) {
        if (c->blocked_from_us >= 0 && now_us - c->blocked_from_us > c->longest_us) {
            c->longest_us = now_us - c->blocked_from_us;
            c->longest_from_us = c->blocked_from_us;
        }
        c->blocked_from_us = -1;
        c->last_ok_us = now_us;
        return PR_OK;
    }
    if (code == PR_ERR_DB && pr_eq(refused.sqlstate, "55P03")) {
        c->refused++;
        if (c->blocked_from_us < 0) c->blocked_from_us = now_us;
        return PR_OK;
    }
    if (code == PR_ERR_DB) {                    /* gone, or not ours to read: it knocks no more */
        c->sql = NULL;
        return PR_OK;
    }
    *e = refused;
    return code;
}

static enum pr_code knock_some(struct pr_rig *rig, int64_t now_us, size_t most, struct pr_err *e) {
    struct pr_seen_run *run = rig->run;
    const int64_t start = pr_mono_us();
    for (size_t i = 0; i < most && run->n_canaries > 0; i++) {
        struct pr_canary *c = &run->canaries[rig->next_canary++ % run->n_canaries];
        if (c->sql != NULL) PR_TRY(e, knock(rig, c, now_us + (pr_mono_us() - start), e));
        if (pr_mono_us() - start > KNOCK_BUDGET_US) break;
    }
    rig->last_knock_us = now_us;
    return PR_OK;
}

enum pr_code pr_canaries_knock_all(struct pr_rig *rig, struct pr_err *e) {
    const int64_t now = rig->clock_us;
    for (size_t i = 0; i < rig->run->n_canaries; i++)
        if (rig->run->canaries[i].sql != NULL) PR_TRY(e, knock(rig, &rig->run->canaries[i], now, e));
    return PR_OK;
}

void pr_canaries_end(struct pr_rig *rig) {
    for (size_t i = 0; i < rig->run->n_canaries; i++) {
        struct pr_canary *c = &rig->run->canaries[i];
        if (c->blocked_from_us >= 0 && rig->clock_us - c->blocked_from_us > c->longest_us) {
            c->longest_us = rig->clock_us - c->blocked_from_us;
            c->longest_from_us = c->blocked_from_us;
        }
        c->blocked_from_us = -1;
    }
}

static enum pr_code tell_progress(struct pr_rig *rig, int64_t elapsed_us, struct pr_err *e) {
    static const struct pr_pg_stmt progress = {
        .name = "progress", .sql = pr_sql_rehearse_progress, .n_params = 1, .shape = PR_MAYBE_ROW, .n_cols = 5, .timeout_ms = 2000};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_pg_query(rig->watch, &progress, &rig->worker_pid, a, &row, e));
    struct pr_progress p = {.what = rig->now->stmt->tag, .elapsed_us = elapsed_us};
    if (row.n_rows == 1) {
        p.what = PR_CELL(&row, 0, 0);
        p.phase = PR_CELL(&row, 0, 1);
        p.done = PR_CELL(&row, 0, 2) != NULL ? (int64_t)strtoll(PR_CELL(&row, 0, 2), NULL, 10) : 0;
        p.total = PR_CELL(&row, 0, 3) != NULL ? (int64_t)strtoll(PR_CELL(&row, 0, 3), NULL, 10) : 0;
        p.unit = PR_CELL(&row, 0, 4);
    }
    pr_progress(rig->r->talk, &p);
    return PR_OK;
}

enum pr_code pr_sample_tick(void *ctx, int64_t elapsed_us, struct pr_err *e) {
    struct pr_rig *rig = ctx;
    struct pr_rehearse listening = *rig->r;
    const int64_t now = rig->clock_us + elapsed_us;
    PR_TRY(e, pr_listen(&listening, elapsed_us, e));
    PR_TRY(e, pr_locks_look(rig, now, false, e));
    rig->now->samples++;
    if (rig->stirred) PR_TRY(e, knock_some(rig, now, rig->run->n_canaries, e));
    else if (now - rig->last_knock_us >= KNOCK_EVERY * 1000 * rig->r->sample_ms) PR_TRY(e, knock_some(rig, now, KNOCKS_A_TICK, e));
    if (elapsed_us < PROGRESS_AFTER_US || now - rig->last_progress_us < PROGRESS_EVERY_US) return PR_OK;
    rig->last_progress_us = now;
    return tell_progress(rig, elapsed_us, e);
}
