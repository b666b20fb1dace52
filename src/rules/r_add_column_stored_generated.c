#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const ColumnDef *col) {
    return pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n-- keep it with a BEFORE INSERT OR UPDATE trigger, and fill the old rows in batches: pgrail backfill",
                  pr_rv_name(c, at->relation), pr_id(c, col->colname), pr_type_text(c, col->typeName));
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const Constraint *gen = pr_column_constraint(col, CONSTR_GENERATED);
    if (f == NULL || !f->rewrite || gen == NULL || PR_CONSTRAINT_VIRTUAL(gen) || col->typeName == NULL) return;
    const char *title = pr_fmt(PR_A(c), "adding %s as a stored column rewrites all of %s: it is computed for every row", pr_id(c, col->colname), pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, safe(c, at, col));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_stored_generated) = {
    .id = "add-column-stored-generated", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a stored generated column rewrites the whole table",
    .why = "It is computed for every row, so the table and all its indexes are written anew under ACCESS EXCLUSIVE: nobody can read or write it, and it needs twice the "
           "disk. A VIRTUAL one (18) costs nothing.",
    .safe_way = "A plain column kept by a trigger, filled in batches; from 18 on GENERATED ALWAYS AS (…) VIRTUAL, which is only metadata.",
    .source = "https://www.postgresql.org/docs/current/ddl-generated-columns.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) STORED", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int GENERATED ALWAYS AS (a * 2) STORED", NULL},
    .check = check,
};
