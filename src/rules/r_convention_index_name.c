#include "sql/nodes.h"

#include "rules/convention.h"

/* As the server names an index that has no name of its own. */
static const char *usual(const struct pr_rule_ctx *c, const IndexStmt *is) {
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, is->indexParams) {
        const IndexElem *elem = lfirst_node(IndexElem, lc);
        pr_addf(&b, "_%s", elem->name != NULL ? elem->name : "expr");
    }
    return pr_object_name(c, pr_fmt(PR_A(c), "%s%s", is->relation->relname, pr_buf_text(&b)), NIL, "idx");
}

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = pr_as(IndexStmt, c->node);
    const struct pr_conventions *asked = pr_asked(c);
    if (is == NULL || asked->index_name == NULL || is->relation->relpersistence == RELPERSISTENCE_TEMP) return;
    const char *columns = pr_joined(c, is->indexParams), *name = is->idxname != NULL ? is->idxname : usual(c, is);
    const struct pr_named n = {.name = name, .table = is->relation->relname, .columns = columns};
    if (is->unique && asked->unique_name != NULL && pr_name_fits(asked->unique_name, &n, PR_A(c))) return;
    pr_report_form(c, &(struct pr_form){.pattern = asked->index_name, .name = is->idxname, .usual = name, .table = is->relation->relname,
                                        .columns = columns, .what = "the index"});
}

PR_RULE(convention_index_name) = {
    .id = "convention-index-name", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "an index that is not named as the project's are",
    .why = "An index is seen by its name alone in plans, in errors of unique keys and in statistics: one form says which table and columns it is about.",
    .safe_way = "Name it as [conventions] index_name says; a unique index may have the form of unique_name.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html",
    .conventions = "index_name = idx_{table}_{columns}",
    .claim = {.query = "SELECT count(*) FROM pg_indexes WHERE tablename = 't' AND indexname LIKE 'idx_t_%'", .answer = "0"},
    .setup = "CREATE TABLE t (a int, b int)",
    .bad = (const char *const[]){"CREATE INDEX t_a_idx ON t (a)", "CREATE INDEX ON t (a, b)", "CREATE INDEX a_lower ON t (abs(a))", NULL},
    .good = (const char *const[]){"CREATE INDEX idx_t_a_b ON t (a, b)", "CREATE INDEX idx_t_positive ON t (abs(a))", NULL},
    .check = check,
};
