#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_PRIMARY);
    const struct pr_effect *f = pr_effect_on(c->fp, at->relation->schemaname, at->relation->relname);
    if (con == NULL || con->indexname == NULL || f == NULL || !f->scan) return;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_idx *x = r != NULL ? pr_find_idx(r, con->indexname) : NULL;
    struct pr_buf cols = {.a = PR_A(c)}, sql = {.a = PR_A(c)};
    for (size_t i = 0; x != NULL && i < x->n_cols; i++) {
        const struct pr_col *col = pr_find_col(r, x->cols[i]);
        if (col == NULL || col->not_null) continue;
        pr_addf(&cols, "%s%s", cols.len > 0 ? ", " : "", pr_id(c, col->name));
        pr_addf(&sql, "%s\n", pr_sql_not_null(c, at->relation, col->name));
    }
    pr_addf(&sql, "%s", pr_sql_cmd(c, at, cmd));
    const char *title = pr_fmt(PR_A(c), "PRIMARY KEY USING INDEX %s reads all of %s: %s is nullable", pr_id(c, con->indexname), pr_rv_name(c, at->relation),
                               cols.len > 0 ? pr_buf_text(&cols) : "a column");
    pr_report_block(c, f, pr_word_at(c, con->indexname, 0), title, pr_buf_text(&sql));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_pk_using_index_nullable) = {
    .id = "add-pk-using-index-nullable", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "PRIMARY KEY USING INDEX over a nullable column reads the whole table",
    .why = "The index is there, but the columns are set NOT NULL on the way, which reads every row under ACCESS EXCLUSIVE.",
    .safe_way = "Make the columns NOT NULL the slow way first; then PRIMARY KEY USING INDEX is instant.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int NOT NULL); CREATE UNIQUE INDEX t_a ON t (a); CREATE UNIQUE INDEX t_b ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_a", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_b", NULL},
    .needs_facts = true, .check = check,
};
