#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_CHECK);
    if (con == NULL || con->skip_validation) return;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f == NULL || !(f->scan || f->rewrite)) return;                  /* NOT ENFORCED, no rows */
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, NIL, "check");
    const char *title = pr_fmt(PR_A(c), "adding CHECK %s reads every row of %s under an exclusive lock", pr_id(c, name),
                               pr_rv_name(c, at->relation));
    pr_report_block_fix(c, f, pr_word_at(c, con->conname != NULL ? con->conname : "check", 0), title,
                        pr_sql_not_valid(c, at, con, name), pr_fix_not_valid(c, at, cmd, name));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_check_validating) = {
    .id = "add-check-validating", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a CHECK reads every row under an exclusive lock",
    .why = "ACCESS EXCLUSIVE is held while all rows are read: nobody can read or write the table.",
    .safe_way = "ADD CONSTRAINT … CHECK (…) NOT VALID, which is instant, then VALIDATE CONSTRAINT in a transaction of its own, which lets readers and writers pass.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0)", "ALTER TABLE t ADD CHECK (a > 0)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD CHECK (a > 0)", NULL},
    .check = check,
};
