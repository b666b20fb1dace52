#include "sql/nodes.h"

#include "rules/help.h"

/* Those have a rule of their own with a better text. */
static bool is_told_elsewhere(const char *sqlstate) {
    static const char *const others[] = {"25001", "55P04", "42P01", "42703"};
    for (size_t i = 0; i < PR_COUNT(others); i++)
        if (pr_eq(sqlstate, others[i])) return true;
    return false;
}

static void check(const struct pr_rule_ctx *c) {
    const char *state = c->fp->fails_sqlstate;
    if (state == NULL || !c->fp->certain_fail || c->failure_named || is_told_elsewhere(state)) return;
    const char *why = c->fp->fails_why != NULL ? c->fp->fails_why : "the live schema is in the way";
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .title = pr_fmt(PR_A(c), "%s will fail with %s: %s", c->stmt->tag, state, why),
        .what = "The migration stops here, on this database, whatever its rows are."});
}

PR_RULE(predicted_failure) = {
    .id = "predicted-failure", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "this statement will fail on this database",
    .why = "What the live catalog holds is in its way: a view that uses the column, a table that is referenced, an index that cannot serve.",
    .safe_way = "Take what is in the way out of the way first, in the same transaction where that is possible: drop the view, change the column, create the view again.",
    .source = "https://www.postgresql.org/docs/current/errcodes-appendix.html",
    .claim = {.fails = "0A000"},
    .setup = "CREATE TABLE t (a int PRIMARY KEY, b int); CREATE TABLE r (a int REFERENCES t); INSERT INTO t VALUES (1, 1)",
    .bad = (const char *const[]){"TRUNCATE t", "TRUNCATE TABLE t RESTART IDENTITY", NULL},
    .good = (const char *const[]){"TRUNCATE t, r", "ALTER TABLE t ADD COLUMN c int", NULL},
    .needs_facts = true, .after_others = true, .check = check,
};
