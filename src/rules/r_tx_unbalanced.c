#include "sql/nodes.h"

#include "rules/help.h"

static bool is_ended(const struct pr_rule_ctx *c) {
    for (size_t i = (size_t)c->stmt->index + 1; i < c->script->n; i++) {
        const struct pr_stmt *s = &c->script->stmts[i];
        const enum pr_tx_word w = s->node != NULL && s->inside == NULL ? pr_stmt_tx_word(s) : PR_TX_NONE;
        if (w == PR_TX_COMMIT || w == PR_TX_ROLLBACK) return true;
    }
    return false;
}

static void report(const struct pr_rule_ctx *c, enum pr_level level, const char *title, const char *what) {
    pr_report(c, &(struct pr_hit){.level = level, .title = title, .what = what});
}

static void check(const struct pr_rule_ctx *c) {
    if (!IsA((const Node *)c->node, TransactionStmt) || c->stmt->inside != NULL) return;      /* of a body: do-block-fails */
    const enum pr_tx_word word = pr_stmt_tx_word(c->stmt);
    const bool runners = c->tx == PR_TX_ONE;
    if (word == PR_TX_BEGIN && c->so_far.open) {
        report(c, runners ? PR_ERROR : PR_WARNING, runners ? "BEGIN inside the transaction that the runner has opened" : "BEGIN inside a transaction that is open already",
               "The server only warns and goes on: there is still one transaction, and the next COMMIT ends all of it.");
    } else if (word == PR_TX_BEGIN && c->tx != PR_TX_EACH && !is_ended(c)) {
        report(c, PR_ERROR, "a transaction is begun and never committed", "At the end of the session all of it is rolled back: nothing of it is applied, and no statement has failed.");
    } else if ((word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) && runners) {
        report(c, PR_ERROR, pr_fmt(PR_A(c), "%s ends the transaction that the runner has opened", c->stmt->tag),
               word == PR_TX_COMMIT ? "What stands above is committed here; what follows runs without a transaction, and a failure there leaves half of the file applied."
                                    : "What stands above is thrown away here; what follows runs without a transaction.");
    } else if ((word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) && !c->so_far.open) {
        report(c, PR_WARNING, pr_fmt(PR_A(c), "%s without a BEGIN", c->stmt->tag), "There is no transaction to end: what stands above was committed statement by statement.");
    }
}

PR_RULE(tx_unbalanced) = {
    .id = "tx-unbalanced", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "BEGIN and COMMIT that do not belong together",
    .why = "A transaction that is never committed is rolled back in silence; a COMMIT inside the runner's transaction ends that one, and half a file may stay applied.",
    .safe_way = "Either leave transactions to the runner, or write one BEGIN and one COMMIT round what belongs together.",
    .source = "https://www.postgresql.org/docs/current/sql-begin.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int; BEGIN", "BEGIN; ALTER TABLE t ADD COLUMN b int", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "SAVEPOINT s; ALTER TABLE t ADD COLUMN b int; RELEASE s", NULL},
    .check = check,
};
