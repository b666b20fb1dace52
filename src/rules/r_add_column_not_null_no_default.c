#include "sql/nodes.h"

#include "rules/help.h"

/* A domain's own default would fill it. */
static bool type_has_default(const struct pr_rule_ctx *c, const ColumnDef *col) {
    const char *schema = NULL, *name = NULL;
    (void)pr_dotted(c, col->typeName->names, &schema, &name);
    const struct pr_typ *type = c->facts != NULL ? pr_find_type(c->facts, schema, name) : NULL;
    return type != NULL && type->kind == 'd' && c->fp->fails_sqlstate == NULL;
}

static bool fills_itself(const ColumnDef *col) {
    const char *type = strVal(llast(col->typeName->names));
    return strstr(type, "serial") != NULL || pr_column_constraint(col, CONSTR_DEFAULT) != NULL ||
           pr_column_constraint(col, CONSTR_IDENTITY) != NULL || pr_column_constraint(col, CONSTR_GENERATED) != NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const bool required = pr_column_constraint(col, CONSTR_NOTNULL) != NULL || pr_column_constraint(col, CONSTR_PRIMARY) != NULL;
    if (!required || col->typeName == NULL || fills_itself(col) || type_has_default(c, col) || pr_is_new(c, at->relation)) return;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, col->colname);
    if (r != NULL && cmd->missing_ok && pr_find_col(r, col->colname) != NULL) return;
    const bool empty = pr_is_empty(r);
    const char *what = empty ? pr_fmt(PR_A(c), "%s has no rows now, so it works; an INSERT of the running application, which does not know the column, fails with 23502.", t)
                             : pr_fmt(PR_A(c), "It fails with 23502 on the first row of %s%s; on an empty table it works and then every INSERT of the running application fails.", t,
                                      r != NULL && r->rows > 0 ? pr_fmt(PR_A(c), " (about %s rows)", pr_human_count(PR_A(c), r->rows)) : "");
    const struct pr_span word = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = empty ? PR_NOTE : PR_ERROR, .offset = word.offset, .len = word.len, .what = what,
        .title = pr_fmt(PR_A(c), "adding %s NOT NULL without a default fails where %s has rows", name, t),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n-- fill it in batches (pgrail backfill), then:\n%s", t, name,
                           pr_type_text(c, col->typeName), pr_sql_not_null(c, at->relation, col->colname))});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_not_null_no_default) = {
    .id = "add-column-not-null-no-default", .family = PR_F_COMPATIBILITY, .level = PR_ERROR,
    .title = "adding a NOT NULL column without a default fails where there are rows",
    .why = "It fails with 23502 on the first row; it passes on the empty tables of tests. Then every INSERT of the application that does not know the column fails.",
    .safe_way = "A constant DEFAULT (no rewrite), or a nullable column, filled in batches, then NOT NULL the slow way.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html",
    .claim = {.fails = "23502"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int NOT NULL", "ALTER TABLE t ADD b text NOT NULL", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 0", "ALTER TABLE t ADD COLUMN b int",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD b int NOT NULL", NULL},
    .names_failure = true, .check = check,
};
