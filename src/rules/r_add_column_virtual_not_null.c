#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const ColumnDef *col) {
    const Constraint *con = pr_column_constraint(col, CONSTR_CHECK);
    const char *add = pr_sql_column_without(c, at, cmd, CONSTR_NOTNULL, CONSTR_CHECK);
    const char *rest = con != NULL ? pr_sql_not_valid(c, at, con, con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, NIL, pr_fmt(PR_A(c), "%s_check", col->colname))) : NULL;
    if (pr_column_constraint(col, CONSTR_NOTNULL) != NULL)
        rest = pr_fmt(PR_A(c), "%s%s%s", rest != NULL ? rest : "", rest != NULL ? "\n" : "", pr_sql_not_null(c, at->relation, col->colname));
    return add != NULL && rest != NULL ? pr_fmt(PR_A(c), "%s\n%s", add, rest) : NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const Constraint *gen = pr_column_constraint(col, CONSTR_GENERATED);
    if (gen == NULL || !PR_CONSTRAINT_VIRTUAL(gen) || f == NULL || !f->scan || f->rewrite) return;
    const bool not_null = pr_column_constraint(col, CONSTR_NOTNULL) != NULL;
    if (!not_null && pr_column_constraint(col, CONSTR_CHECK) == NULL) return;
    const char *title = pr_fmt(PR_A(c), "adding virtual column %s with %s reads all of %s under an exclusive lock", pr_id(c, col->colname), not_null ? "NOT NULL" : "a CHECK",
                               pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, safe(c, at, cmd, col));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_virtual_not_null) = {
    .id = "add-column-virtual-not-null", .family = PR_F_BLOCKING, .level = PR_ERROR, .pg_from = 18,
    .title = "adding a virtual column that is NOT NULL or has a CHECK reads the whole table under an exclusive lock",
    .why = "The column itself is only metadata, but its value is computed and checked for every row under ACCESS EXCLUSIVE.",
    .safe_way = "ADD COLUMN alone, then the NOT NULL or CHECK as NOT VALID, then VALIDATE in a transaction of its own.",
    .source = "measured on 18; https://www.postgresql.org/docs/current/ddl-generated-columns.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) VIRTUAL NOT NULL", "ALTER TABLE t ADD b int GENERATED ALWAYS AS (a * 2) CHECK (b > 0)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) VIRTUAL", "CREATE TABLE n (a int); ALTER TABLE n ADD b int GENERATED ALWAYS AS (a * 2) VIRTUAL NOT NULL", NULL},
    .check = check,
};
