#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f == NULL || !f->rewrite || col->typeName == NULL || c->facts == NULL) return;
    const char *schema = NULL, *name = NULL;
    const char *shown = pr_dotted(c, col->typeName->names, &schema, &name);
    const struct pr_typ *type = pr_find_type(c->facts, schema, name);
    if (type == NULL || type->kind != 'd' || !type->constrained) return;
    const char *t = pr_rv_name(c, at->relation);
    const char *title = pr_fmt(PR_A(c), "adding %s of domain %s rewrites all of %s, although it has no default", pr_id(c, col->colname), shown, t);
    const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n-- and the domain's rule as a CHECK of the table, NOT VALID and then validated", t,
                             pr_id(c, col->colname), type->base_type != NULL ? type->base_type : "text");
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_constrained_domain) = {
    .id = "add-column-constrained-domain", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a column of a domain with a constraint rewrites the whole table",
    .why = "The server checks the domain's rule row by row and writes table and indexes anew under ACCESS EXCLUSIVE, even when the column has no default.",
    .safe_way = "A column of the base type, and the rule as a CHECK of the table: NOT VALID, then VALIDATE in a transaction of its own.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, ATExecAddColumn: DomainHasConstraints",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN plain AS int; CREATE TABLE t (a int); "
             "INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b positive", "ALTER TABLE t ADD COLUMN b positive DEFAULT 1", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b plain", "ALTER TABLE t ADD COLUMN b int", NULL},
    .needs_facts = true, .check = check,
};
