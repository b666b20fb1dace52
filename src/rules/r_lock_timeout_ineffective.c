#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/judge.h"

enum { TOO_LONG_MS = 10000 };

/* What a project says it can bear is not too long for it. */
static int64_t too_long(const struct pr_rule_ctx *c) {
    int64_t ms = TOO_LONG_MS;
    if (c->config != NULL && c->config->max_block_ms > ms) ms = c->config->max_block_ms;
    if (c->config != NULL && c->config->lock_timeout_ms > ms) ms = c->config->lock_timeout_ms;
    return ms;
}

/* The relation that this statement stands in a queue for; NULL when it does not, or CONCURRENTLY, which wants a long timeout. */
static const char *waits_for(const struct pr_footprint *fp) {
    for (size_t k = 0; k < fp->n && !fp->concurrent && !fp->dml; k++) {
        const struct pr_effect *f = &fp->effects[k];
        if (!f->own && !f->created && f->kind != 'c' && pr_lock_blocks_writers(f->lock)) return f->name;
    }
    return NULL;
}

/* It is set and does something, too late: whoever comes meanwhile waits as long. */
static void report_length(const struct pr_rule_ctx *c, const char *on) {
    const VariableSetStmt *vs = c->node;
    const struct pr_span at = pr_word_at(c, vs->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "a lock_timeout of %s stops %s for as long", pr_human_us(PR_A(c), pr_sat_mul(pr_timeout_ms(vs), 1000)), on),
        .what = pr_fmt(PR_A(c), "Whoever comes after the waiting statement waits behind it, readers of %s too: until the timeout, and once more at each new try.", on)});
}

/* The SET above it, when this is the first statement that waits under it. */
static void end_search(const struct pr_rule_ctx *c) {
    const struct pr_stmt *set = c->abouts->long_timeout;
    bool effective = false, local = false;
    if (set == NULL) return;
    const bool again = pr_sets_lock_timeout(c->stmt, &effective, &local);
    const char *on = again ? NULL : waits_for(c->fp);
    if (again || on != NULL) c->abouts->long_timeout = NULL;
    if (on == NULL) return;
    struct pr_rule_ctx there = *c;
    there.stmt = set;
    there.node = set->node;
    report_length(&there, on);
}

static void check(const struct pr_rule_ctx *c) {
    const VariableSetStmt *vs = c->node;
    end_search(c);
    if (!IsA(c->node, VariableSetStmt) || vs->kind != VAR_SET_VALUE || vs->name == NULL) return;
    if (!pr_eq(vs->name, "lock_timeout") && !pr_eq(vs->name, "statement_timeout")) return;
    const bool lost = vs->is_local && !pr_in_tx(c);
    if (!lost && pr_eq(vs->name, "lock_timeout") && pr_timeout_ms(vs) > too_long(c)) c->abouts->long_timeout = c->stmt;
    if (!lost && !(pr_timeout_ms(vs) == 0 && pr_eq(vs->name, "lock_timeout"))) return;
    const struct pr_span at = pr_word_at(c, vs->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = lost ? pr_fmt(PR_A(c), "SET LOCAL %s outside a transaction does nothing", vs->name) : "lock_timeout 0 means to wait for ever",
        .what = lost ? "The server only warns: the statements that follow run without it." : "Whoever comes after the waiting statement waits behind it, also readers."});
}

PR_RULE(lock_timeout_ineffective) = {
    .id = "lock-timeout-ineffective", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a timeout that is set and helps nobody",
    .why = "SET LOCAL outside a transaction only gives a warning, and 0 switches the timeout off: the DDL that follows waits for its lock for ever, with everybody behind it. "
           "A long one lets them wait as long.",
    .safe_way = "Leave it out with pgrail, which sets it and retries; with another runner: SET lock_timeout = '2s' before the statement, or SET LOCAL inside a transaction.",
    .source = "https://www.postgresql.org/docs/current/sql-set.html",
    .claim = {.query = "SELECT current_setting('lock_timeout') IN ('0', '5min')", .answer = "t"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"SET LOCAL lock_timeout = '2s'", "SET lock_timeout = 0", "SET lock_timeout TO '0ms'",
                                 "SET lock_timeout = '5min'; ALTER TABLE t ADD COLUMN b int", "SET lock_timeout = 300000; ALTER TABLE t ADD COLUMN d int", NULL},
    .good = (const char *const[]){"SET lock_timeout = '2s'", "SET search_path = public", "SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN b int",
                                  "SET lock_timeout = '5min'; CREATE INDEX CONCURRENTLY i ON t (a)", "SET lock_timeout = '5min'; CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int",
                                  "SET statement_timeout = '5min'; ALTER TABLE t ADD COLUMN b int", NULL},
    .own_tx = true, .check = check,
};
