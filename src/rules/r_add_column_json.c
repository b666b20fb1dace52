#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const ColumnDef *col) {
    if (col->typeName == NULL || !pr_eq(strVal(llast(col->typeName->names)), "json")) return;
    const char *t = pr_rv_name(c, rv), *name = pr_id(c, col->colname);
    const struct pr_span at = pr_word_at(c, "json", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .fix = pr_fix_jsonb(c, col),
        .title = pr_fmt(PR_A(c), "%s.%s is json: SELECT DISTINCT, GROUP BY and UNION over such a row fail", t, name),
        .safe_sql = IsA(c->node, AlterTableStmt) ? pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s jsonb;", t, name) : NULL});
}

static void check(const struct pr_rule_ctx *c) {
    ListCell *lc;
    const AlterTableStmt *at = pr_alter_table(c);
    if (at != NULL) {
        foreach (lc, at->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            if (cmd->subtype == AT_AddColumn) report(c, at->relation, (const ColumnDef *)(const void *)cmd->def);
        }
    } else if (IsA(c->node, CreateStmt)) {
        const CreateStmt *cs = c->node;
        foreach (lc, cs->tableElts)
            if (IsA(lfirst(lc), ColumnDef)) report(c, cs->relation, lfirst_node(ColumnDef, lc));
    }
}

PR_RULE(add_column_json) = {
    .id = "add-column-json", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "json has no equality: SELECT DISTINCT, GROUP BY and UNION over such a row fail",
    .why = "Queries that were fine before the column came fail with 42883: could not identify an equality operator for type json. It also has no index support.",
    .safe_way = "jsonb.",
    .source = "https://www.postgresql.org/docs/current/datatype-json.html",
    .claim = {.query = "SELECT distinct_state()", .answer = "42883"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE FUNCTION distinct_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
             "EXECUTE 'SELECT DISTINCT * FROM ' || coalesce(to_regclass('n'), 't'::regclass); RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b json", "CREATE TABLE n (a int, b json)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b jsonb", "CREATE TABLE n (a int, b jsonb)", NULL},
    .check = check,
};
