#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const Constraint *con = pr_column_constraint(col, CONSTR_CHECK);
    const Constraint *gen = pr_column_constraint(col, CONSTR_GENERATED);
    if (con == NULL || f == NULL || !f->scan || f->rewrite || (gen != NULL && PR_CONSTRAINT_VIRTUAL(gen))) return;
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, NIL, pr_fmt(PR_A(c), "%s_check", col->colname));
    const char *add = pr_sql_column_without(c, at, cmd, CONSTR_CHECK, CONSTR_CHECK), *rest = pr_sql_not_valid(c, at, con, name);
    const char *sql = rest == NULL || add == NULL ? NULL : pr_fmt(PR_A(c), "%s\n%s", add, rest);
    const char *title = pr_fmt(PR_A(c), "adding %s with a CHECK reads all of %s under an exclusive lock", pr_id(c, col->colname), pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_inline_check) = {
    .id = "add-column-inline-check", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a column with a CHECK reads the whole table under an exclusive lock",
    .why = "The CHECK is verified against every row under ACCESS EXCLUSIVE, although the new column is the same in all of them.",
    .safe_way = "ADD COLUMN alone, then the CHECK as NOT VALID, then VALIDATE in a transaction of its own.",
    .source = "measured on 13 to 18: the server says \"verifying table\"",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int CHECK (b > 0)", "ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 0 CHECK (b >= 0)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 0", "CREATE TABLE n (a int); ALTER TABLE n ADD b int CHECK (b > 0)", NULL},
    .check = check,
};
