#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const TransactionStmt *ts = pr_as(TransactionStmt, (const Node *)c->node);
    if (ts == NULL || ts->kind != TRANS_STMT_PREPARE) return;
    const struct pr_span at = pr_word_at(c, "prepare", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = "PREPARE TRANSACTION leaves every lock of this migration held, by nobody, until somebody ends it",
        .safe_sql = "COMMIT;"});
}

PR_RULE(prepared_transaction) = {
    .id = "prepared-transaction", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "PREPARE TRANSACTION leaves locks that no session holds",
    .why = "The locks outlive the session and a restart of the server: whoever wants the table, autovacuum too, waits until somebody finds the name and runs COMMIT PREPARED or ROLLBACK PREPARED. "
           "A lock_timeout elsewhere only gives up.",
    .safe_way = "COMMIT. Two-phase commit is for a transaction manager that ends what it has prepared.",
    .source = "https://www.postgresql.org/docs/current/sql-prepare-transaction.html",
    .claim = {.query = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND pid IS NULL AND mode = 'AccessExclusiveLock'", .answer = "1"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int; PREPARE TRANSACTION 'pgrail_proof'", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "PREPARE q AS SELECT a FROM t", NULL},
    .check = check,
};
