#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const ColumnDef *col, const Constraint *def) {
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, col->colname);
    const AlterTableCmd set = {.type = T_AlterTableCmd, .subtype = AT_ColumnDefault, .name = col->colname, .def = def->raw_expr};
    const char *set_default = pr_sql_cmd(c, at, &set);
    if (set_default == NULL) return NULL;
    const bool not_null = pr_column_constraint(col, CONSTR_NOTNULL) != NULL;
    return pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n%s\n-- then fill the old rows in batches: pgrail backfill%s%s", t, name,
                  pr_type_text(c, col->typeName), set_default, not_null ? "; and then:\n" : "",
                  not_null ? pr_sql_not_null(c, at->relation, col->colname) : "");
}

/* Whether a default is volatile is for the footprint to know: with facts it looks the functions up. */
static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const Constraint *def = pr_column_constraint(col, CONSTR_DEFAULT);
    const char *call = NULL;
    if (f == NULL || !f->rewrite || col->typeName == NULL || def == NULL || !pr_world_volatile(c->before, def->raw_expr, PR_A(c), &call)) return;
    const char *title = pr_fmt(PR_A(c), "adding %s rewrites all of %s: %s is volatile, every row gets a value of its own", pr_id(c, col->colname),
                               pr_rv_name(c, at->relation), call);
    pr_report_block(c, f, pr_word_at(c, col->colname, 0), title, safe(c, at, col, def));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_volatile_default) = {
    .id = "add-column-volatile-default", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a column with a volatile default rewrites the whole table",
    .why = "Each row gets a value of its own, so the table and all its indexes are written anew under ACCESS EXCLUSIVE: nobody can read or write it, and it needs "
           "twice the disk. A constant or stable default (0, now(), 'x' || 'y') does not do that.",
    .safe_way = "Add the column without a default, SET DEFAULT for new rows, fill the old rows in batches, then make it NOT NULL the slow way.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b uuid DEFAULT gen_random_uuid()", "ALTER TABLE t ADD b timestamptz DEFAULT clock_timestamp()",
                                 "ALTER TABLE t ADD COLUMN b uuid NOT NULL DEFAULT gen_random_uuid()", "ALTER TABLE t ADD COLUMN b float8 DEFAULT random() * 10", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int DEFAULT -1", "ALTER TABLE t ADD COLUMN b timestamptz DEFAULT now()",
                                  "ALTER TABLE t ADD COLUMN b text DEFAULT 'a' || 'b'", "ALTER TABLE t ADD COLUMN b uuid", "ALTER TABLE t ADD COLUMN b date DEFAULT current_date",
                                  "ALTER TABLE t ADD COLUMN b timestamptz(3) DEFAULT current_timestamp(3)", "ALTER TABLE t ADD COLUMN b text DEFAULT md5('x')",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b uuid DEFAULT gen_random_uuid()", NULL},
    .check = check,
};
