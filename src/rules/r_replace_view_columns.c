#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const ViewStmt *vs = pr_as(ViewStmt, (const Node *)c->node);
    if (vs == NULL || !vs->replace || !pr_eq(c->fp->fails_sqlstate, "42P16")) return;
    const char *v = pr_rv_name(c, vs->view);
    const struct pr_span at = pr_word_at(c, vs->view->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "CREATE OR REPLACE VIEW %s will fail with 42P16: %s", v, c->fp->fails_why),
        .safe_sql = pr_fmt(PR_A(c), "BEGIN;\nDROP VIEW %s;\n%s;\n-- and again what was granted on it: GRANT SELECT ON %s TO …;\nCOMMIT;", v, c->stmt->text, v)});
}

PR_RULE(replace_view_columns) = {
    .id = "replace-view-columns", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "CREATE OR REPLACE VIEW cannot rename, reorder or remove columns",
    .why = "The new query must give the old columns first, by the same names, types and order; new ones may only follow. Anything else fails with 42P16.",
    .safe_way = "DROP VIEW and CREATE VIEW in one transaction, with its grants and what depends on it; or keep the old columns in their places and add new ones at the end.",
    .source = "https://www.postgresql.org/docs/current/sql-createview.html",
    .claim = {.fails = "42P16"},
    .setup = "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b FROM t",
    .bad = (const char *const[]){"CREATE OR REPLACE VIEW v AS SELECT b, a FROM t", "CREATE OR REPLACE VIEW v AS SELECT a FROM t", "CREATE OR REPLACE VIEW v AS SELECT a AS c, b FROM t", NULL},
    .good = (const char *const[]){"CREATE OR REPLACE VIEW v AS SELECT a, b, a + b AS c FROM t", "CREATE OR REPLACE VIEW v AS SELECT * FROM t", "DROP VIEW v; CREATE VIEW v AS SELECT b FROM t", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
