#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL) return;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (!PR_IS_SET_EXPRESSION(cmd) || f == NULL || !f->rewrite) continue;
        pr_report_block(c, f, pr_word_at(c, cmd->name, 0),
                        pr_fmt(PR_A(c), "SET EXPRESSION computes %s anew for every row of %s", pr_id(c, cmd->name), pr_rv_name(c, at->relation)), NULL);
    }
}

PR_RULE(set_expression) = {
    .id = "set-expression", .family = PR_F_BLOCKING, .level = PR_ERROR, .pg_from = 17,
    .title = "SET EXPRESSION of a stored column writes the whole table anew while nobody can use it",
    .why = "Every row is computed and written anew under ACCESS EXCLUSIVE, with all indexes.",
    .safe_way = "A new column, filled in batches and kept by a trigger, that the application reads before the old one is dropped.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-EXPRESSION",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO t (a) SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN b SET EXPRESSION AS (a * 3)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN a SET DEFAULT 3", NULL},
    .check = check,
};
