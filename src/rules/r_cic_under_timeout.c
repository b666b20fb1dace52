#include "sql/nodes.h"

#include "rules/help.h"

enum { LONG_LOCK_MS = 600000, LONG_STATEMENT_MS = 3600000 };           /* long enough for what it waits for */

/* What the session's setting is by then: of the last SET before. */
static int64_t setting(const struct pr_rule_ctx *c, const char *name) {
    for (int i = c->stmt->index - 1; i >= 0; i--) {
        const void *node = c->script->stmts[i].node;
        if (node == NULL || !IsA(node, VariableSetStmt)) continue;
        const VariableSetStmt *vs = node;
        if (vs->kind == VAR_RESET_ALL) return -1;
        if (pr_eq(vs->name, name) && !vs->is_local) return pr_timeout_ms(vs);
    }
    return -1;
}

static const char *leaves(const void *node) {
    if (IsA(node, DropStmt)) return "an index that no query uses and every write still maintains";
    if (IsA(node, ReindexStmt)) return "a second, INVALID index whose name ends in _ccnew";
    if (IsA(node, AlterTableStmt)) return "a partition that is half detached (DETACH … FINALIZE ends it)";
    return "an INVALID index under that name";
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_stmt_concurrent(c->stmt) || pr_in_tx(c) || !pr_is_foreign_runner(c)) return;   /* apply switches both off for these */
    const int64_t lock_ms = setting(c, "lock_timeout"), all_ms = setting(c, "statement_timeout");
    const bool by_lock = lock_ms > 0 && lock_ms < LONG_LOCK_MS;
    if (!by_lock && !(all_ms > 0 && all_ms < LONG_STATEMENT_MS)) return;
    const struct pr_span at = pr_word_at(c, "concurrently", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s CONCURRENTLY under %s of %s dies half-way", c->stmt->tag, by_lock ? "a lock_timeout" : "a statement_timeout",
                        pr_human_us(PR_A(c), pr_sat_mul(by_lock ? lock_ms : all_ms, 1000))),
        .what = pr_fmt(PR_A(c), "It waits for every older transaction of the database, whatever table that is about, and the timeout counts it. What it leaves: %s.", leaves(c->node)),
        .safe_sql = pr_fmt(PR_A(c), "SET lock_timeout = 0;\nSET statement_timeout = 0;\n%s;", c->stmt->text)});
}

PR_RULE(cic_under_timeout) = {
    .id = "cic-under-timeout", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "CONCURRENTLY under a short timeout dies half-way",
    .why = "It waits for every older transaction of the database, also on other tables, and both timeouts count that wait. An index build then leaves an INVALID index, REINDEX a _ccnew, "
           "DROP an index that is maintained and not used, DETACH a partition that is half detached.",
    .safe_way = "lock_timeout and statement_timeout 0 for these statements alone: they stop nobody while they wait. pgrail apply does that, shows who is waited for, and clears away "
                "what a broken build leaves.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
    .claim = {.fails = "55P03"},
    .setup = "CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t; COMMIT; "
             "BEGIN; INSERT INTO t VALUES (0, 0); PREPARE TRANSACTION 'pgrail_proof_open'",
    .bad = (const char *const[]){"SET lock_timeout = '100ms'; CREATE INDEX CONCURRENTLY t_ab ON t (a, b)", "SET lock_timeout TO 100; REINDEX INDEX CONCURRENTLY t_b",
                                 "SET lock_timeout = '9s'; SET lock_timeout = '100 ms'; DROP INDEX CONCURRENTLY t_a", NULL},
    .good = (const char *const[]){"SET lock_timeout = 0; CREATE INDEX CONCURRENTLY t_ab ON t (a, b)", "SET lock_timeout = '2s'; RESET lock_timeout; CREATE INDEX CONCURRENTLY t_ab ON t (a, b)",
                                  "SET lock_timeout = '2s'; CREATE INDEX t_ab ON t (a, b)", NULL},
    .own_tx = true, .runner = "psql", .check = check,
};
