#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (list_length(at->cmds) < 2 || f == NULL || !f->scan || !pr_lock_blocks_writers(f->lock)) return;
    ListCell *lc;
    foreach (lc, at->cmds) {                                            /* added right here: that is validate-same-tx */
        const AlterTableCmd *other = lfirst_node(AlterTableCmd, lc);
        if (other->subtype == AT_AddConstraint && pr_eq(((const Constraint *)(const void *)other->def)->conname, cmd->name)) return;
    }
    const char *title = pr_fmt(PR_A(c), "VALIDATE CONSTRAINT %s beside another change reads %s under that change's lock", pr_id(c, cmd->name),
                               pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, "validate", 0), title,
                    pr_fmt(PR_A(c), "ALTER TABLE %s VALIDATE CONSTRAINT %s;  -- alone", pr_rv_name(c, at->relation), pr_id(c, cmd->name)));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_ValidateConstraint, on_cmd); }

PR_RULE(validate_mixed_alter) = {
    .id = "validate-mixed-alter", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "VALIDATE beside another change in one ALTER TABLE reads the table under that change's lock",
    .why = "The strongest lock of all subcommands is taken first and held for all of them: the scan that could let writers pass stops everybody.",
    .safe_way = "VALIDATE CONSTRAINT in a statement and transaction of its own.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/sql-altertable.html (lock level of several subcommands)",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ALTER TABLE t ADD CONSTRAINT late CHECK (a > 0) NOT VALID; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t VALIDATE CONSTRAINT late, ALTER a SET DEFAULT 3", NULL},
    .good = (const char *const[]){"ALTER TABLE t VALIDATE CONSTRAINT late", "ALTER TABLE t ALTER a SET DEFAULT 3", NULL},
    .check = check,
};
