#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const bool unique = pr_column_constraint(col, CONSTR_UNIQUE) != NULL, pk = pr_column_constraint(col, CONSTR_PRIMARY) != NULL;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if ((!unique && !pk) || f == NULL || f->index_builds == 0) return;
    if (f->rewrite) return;                                             /* what rewrites it says so, and builds this index as well */
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, col->colname);
    const char *con = pk ? pr_object_name(c, at->relation->relname, NIL, "pkey")
                         : pr_object_name(c, at->relation->relname, NIL, pr_fmt(PR_A(c), "%s_key", col->colname));
    const char *add = pr_sql_column_without(c, at, cmd, CONSTR_UNIQUE, CONSTR_PRIMARY);
    const char *sql = pr_fmt(PR_A(c), "%s\n%s", add != NULL ? add : "",
                             pr_sql_key(c, at->relation, name, con, pk ? "PRIMARY KEY" : "UNIQUE"));
    pr_report_block(c, f, pr_word_at(c, col->colname, 0),
                    pr_fmt(PR_A(c), "adding %s as a %s builds its index while nobody can use %s", name, pk ? "primary key" : "unique column", t), sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_inline_unique) = {
    .id = "add-column-inline-unique", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a unique column builds its index while nobody can use the table",
    .why = "The index is built over all rows under ACCESS EXCLUSIVE, although the new column holds nothing yet.",
    .safe_way = "ADD COLUMN alone, CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int UNIQUE", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int UNIQUE", NULL},
    .check = check,
};
