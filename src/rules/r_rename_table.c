#include "sql/nodes.h"

#include "rules/help.h"

/* A view of the old name, made in the same transaction, keeps the running application alive. */
static bool view_follows(const struct pr_rule_ctx *c, const char *name) {
    if (!pr_in_tx(c)) return false;
    for (size_t i = (size_t)c->stmt->index + 1; i < c->script->n; i++) {
        const struct pr_stmt *s = &c->script->stmts[i];
        const ViewStmt *view = pr_as(ViewStmt, (const Node *)s->node);
        if (s->unjudged != PR_JUDGED || pr_stmt_tx_word(s) == PR_TX_COMMIT) return false;
        if (view != NULL && pr_eq(view->view->relname, name)) return true;
    }
    return false;
}

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const char *now) {
    if (pr_is_new(c, rv) || view_follows(c, rv->relname)) return;
    const char *t = pr_rv_name(c, rv);
    const struct pr_span at = pr_word_at(c, rv->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s is %s afterwards: the running application no longer finds it", t, now),
        .what = pr_fmt(PR_A(c), "The application that runs now names %s and fails with 42P01 from the moment of the commit until it is replaced.", t),
        .safe_sql = pr_fmt(PR_A(c), "BEGIN;\n%s;\nCREATE VIEW %s AS SELECT * FROM %s;\nCOMMIT;", c->stmt->text, t, now)});
}

static void check(const struct pr_rule_ctx *c) {
    if (IsA(c->node, RenameStmt)) {
        const RenameStmt *rs = c->node;
        if (rs->renameType == OBJECT_TABLE && rs->relation != NULL)
            report(c, rs->relation, pr_qualified(PR_A(c), rs->relation->schemaname, rs->newname));
    } else if (IsA(c->node, AlterObjectSchemaStmt)) {
        const AlterObjectSchemaStmt *os = c->node;
        if (os->objectType == OBJECT_TABLE && os->relation != NULL)
            report(c, os->relation, pr_qualified(PR_A(c), os->newschema, os->relation->relname));
    }
}

PR_RULE(rename_table) = {
    .id = "rename-table", .family = PR_F_COMPATIBILITY, .level = PR_ERROR,
    .title = "renaming a table breaks the running application",
    .why = "The application that runs now names the old table and fails until it is replaced. Sequences and indexes keep their old names.",
    .safe_way = "In one transaction rename it and create a view of the old name (simple views take writes too); drop the view in a later release.",
    .source = "https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS",
    .claim = {.query = "SELECT to_regclass('t') IS NULL", .answer = "t"},
    .setup = "CREATE TABLE t (a int); CREATE SCHEMA elsewhere",
    .bad = (const char *const[]){"ALTER TABLE t RENAME TO u", "ALTER TABLE t SET SCHEMA elsewhere", NULL},
    .good = (const char *const[]){"ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u",
                                  "CREATE TABLE n (a int); ALTER TABLE n RENAME TO m", NULL},
    .check = check,
};
