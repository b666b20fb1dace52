#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || ds->removeType != OBJECT_INDEX || !c->fp->certain_fail || !pr_eq(c->fp->fails_sqlstate, "2BP01")) return;
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *schema = NULL, *name = NULL;
        const struct pr_idx *x = NULL;
        const char *shown = pr_dotted(c, lfirst(lc), &schema, &name);
        const struct pr_rel *r = pr_find_index_rel(c->facts, schema, name, &x);
        if (r == NULL || x->constraint == NULL) continue;
        const char *t = pr_qualified(PR_A(c), schema, r->name), *con = pr_id(c, x->constraint);
        const struct pr_span at = pr_word_at(c, name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "index %s belongs to constraint %s of %s: it goes with that, not by itself", shown, con, t),
            .what = "It fails with 2BP01, also with CASCADE and CONCURRENTLY.",
            .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DROP CONSTRAINT %s;", t, con)});
        return;
    }
}

PR_RULE(drop_constraint_index) = {
    .id = "drop-constraint-index", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "DROP INDEX of an index that a constraint needs",
    .why = "The index behind a PRIMARY KEY, UNIQUE or EXCLUDE constraint cannot be dropped by itself: it fails with 2BP01.",
    .safe_way = "ALTER TABLE … DROP CONSTRAINT, which drops the index too; first see which foreign keys and ON CONFLICT clauses lean on it.",
    .source = "https://www.postgresql.org/docs/current/sql-dropindex.html",
    .claim = {.fails = "2BP01"},
    .setup = "CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int); CREATE INDEX t_c ON t (c); INSERT INTO t SELECT i, i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"DROP INDEX t_pkey", "DROP INDEX t_b_key", "DROP INDEX t_pkey CASCADE", NULL},
    .good = (const char *const[]){"DROP INDEX t_c", "ALTER TABLE t DROP CONSTRAINT t_b_key", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
