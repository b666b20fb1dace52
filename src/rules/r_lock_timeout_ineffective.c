#include "sql/nodes.h"

#include "rules/help.h"

/* "0", "0s", "0ms" switch it off. */
static bool is_zero(const VariableSetStmt *vs) {
    if (list_length(vs->args) != 1 || !IsA(linitial(vs->args), A_Const)) return false;
    const A_Const *k = (const A_Const *)(const void *)linitial(vs->args);
    if (k->isnull) return false;
    if (nodeTag(&k->val) == T_Integer) return intVal(&k->val) == 0;
    return nodeTag(&k->val) == T_String && strspn(strVal(&k->val), "0 ") > 0 && strpbrk(strVal(&k->val), "123456789") == NULL;
}

static void check(const struct pr_rule_ctx *c) {
    const VariableSetStmt *vs = c->node;
    if (!IsA(c->node, VariableSetStmt) || vs->kind != VAR_SET_VALUE || vs->name == NULL) return;
    if (!pr_eq(vs->name, "lock_timeout") && !pr_eq(vs->name, "statement_timeout")) return;
    const bool lost = vs->is_local && !pr_in_tx(c);
    if (!lost && !(is_zero(vs) && pr_eq(vs->name, "lock_timeout"))) return;
    const struct pr_span at = pr_word_at(c, vs->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = lost ? pr_fmt(PR_A(c), "SET LOCAL %s outside a transaction does nothing", vs->name) : "lock_timeout 0 means to wait for ever",
        .what = lost ? "The server only warns: the statements that follow run without it." : "Whoever comes after the waiting statement waits behind it, also readers."});
}

PR_RULE(lock_timeout_ineffective) = {
    .id = "lock-timeout-ineffective", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a timeout that is set and does nothing",
    .why = "SET LOCAL outside a transaction only gives a warning, and 0 switches the timeout off: the DDL that follows waits for its lock for ever, with everybody behind it.",
    .safe_way = "Leave it out with pgrail, which sets it and retries; with another runner: SET lock_timeout = '2s' before the statement, or SET LOCAL inside a transaction.",
    .source = "https://www.postgresql.org/docs/current/sql-set.html",
    .claim = {.query = "SELECT current_setting('lock_timeout')", .answer = "0"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"SET LOCAL lock_timeout = '2s'", "SET lock_timeout = 0", "SET lock_timeout TO '0ms'", NULL},
    .good = (const char *const[]){"SET lock_timeout = '2s'", "SET search_path = public", NULL},
    .own_tx = true, .check = check,
};
