#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f == NULL || !f->rewrite || col->typeName == NULL || !pr_is_serial(col->typeName)) return;
    const char *title = pr_fmt(PR_A(c), "adding %s %s rewrites all of %s: every row takes a number of its sequence", pr_id(c, col->colname),
                               strVal(llast(col->typeName->names)), pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, pr_sql_numbered(c, at->relation, col, false));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_serial) = {
    .id = "add-column-serial", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a serial column rewrites the whole table",
    .why = "Every row takes a number of the new sequence, so the table and all its indexes are written anew under ACCESS EXCLUSIVE: nobody can read or write it, and it "
           "needs twice the disk. An identity column does the same.",
    .safe_way = "Add an integer column, create the sequence, SET DEFAULT nextval for new rows, fill the old rows in batches, then make it NOT NULL the slow way; a key over "
                "it by CREATE UNIQUE INDEX CONCURRENTLY and USING INDEX.",
    .source = "https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b bigserial", "ALTER TABLE t ADD b serial PRIMARY KEY", "ALTER TABLE t ADD b smallserial", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b bigint", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b serial", NULL},
    .check = check,
};
