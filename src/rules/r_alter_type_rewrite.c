#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_of(c, at, cmd);
    if (f == NULL || !f->rewrite) return;                               /* a wider varchar, text: metadata only */
    const ColumnDef *def = (const ColumnDef *)(const void *)cmd->def;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name), *type = pr_type_text(c, def->typeName);
    const char *fresh = pr_id(c, pr_object_name(c, cmd->name, NIL, "new"));
    const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n-- keep it equal with a trigger, fill it in batches (pgrail backfill), let the "
                             "application read it, then:\nALTER TABLE %s DROP COLUMN %s;\nALTER TABLE %s RENAME COLUMN %s TO %s;",
                             t, fresh, type, t, col, t, fresh, col);
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0), pr_fmt(PR_A(c), "changing %s to %s rewrites all of %s and its indexes", col, type, t), sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_rewrite) = {
    .id = "alter-type-rewrite", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "changing this type rewrites the whole table and its indexes",
    .why = "Every row is converted and written anew under ACCESS EXCLUSIVE, with all indexes: nobody can read or write the table, and it needs twice the disk. "
           "Some changes are free: a wider varchar, varchar to text, a wider numeric of the same scale.",
    .safe_way = "A new column of the new type, kept equal by a trigger, filled in batches, read by the application, and only then the old one dropped.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int, v varchar(10), n numeric(10,2), w text); INSERT INTO t SELECT i, i::text, i, i::text FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE bigint", "ALTER TABLE t ALTER a TYPE text", "ALTER TABLE t ALTER n TYPE numeric(12,4)",
                                 "ALTER TABLE t ALTER w TYPE varchar(40)", "ALTER TABLE t ALTER v TYPE int USING v::int", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN v TYPE varchar(20)", "ALTER TABLE t ALTER v TYPE text", "ALTER TABLE t ALTER n TYPE numeric(14,2)",
                                  "CREATE TABLE n (a int); ALTER TABLE n ALTER a TYPE bigint", NULL},
    .check = check,
};
