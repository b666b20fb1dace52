#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (!pr_stmt_outside_tx(c->stmt) || !pr_in_tx(c)) return;
    const struct pr_span at = pr_word_at(c, "concurrently", 0);
    const char *what = c->tx == PR_TX_OWN ? "It fails with 25001: the BEGIN above opens a transaction block."
                                          : "It fails with 25001: the runner puts the whole file into one transaction.";
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .what = what,
        .title = pr_fmt(PR_A(c), "%s%s cannot run inside a transaction", c->stmt->tag, pr_stmt_concurrent(c->stmt) ? " CONCURRENTLY" : "")});
}

PR_RULE(concurrently_in_tx) = {
    .id = "concurrently-in-tx", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "this statement cannot run inside a transaction",
    .why = "CONCURRENTLY, VACUUM, ALTER SYSTEM, CREATE DATABASE and their like fail with 25001 inside a transaction block.",
    .safe_way = "A migration of its own that runs without a transaction, in the way of its runner (the marker of dbmate and goose, one statement per file with "
                "golang-migrate), and without BEGIN.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html",
    .claim = {.fails = "25001"},
    .setup = "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)",
    .bad = (const char *const[]){"CREATE INDEX CONCURRENTLY t_b ON t (a)", "DROP INDEX CONCURRENTLY t_a", "REINDEX INDEX CONCURRENTLY t_a", "VACUUM t", NULL},
    .good = (const char *const[]){"CREATE INDEX t_b ON t (a)", "ANALYZE t", NULL},
    .check = check,
};
