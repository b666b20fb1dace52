#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

/* A CHECK that says it and only waits to be validated. */
static const struct pr_con *waiting_proof(const struct pr_rel *r, const char *column) {
    for (size_t i = 0; r != NULL && i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        const bool says_so = con->type == 'c' && con->def != NULL && strstr(con->def, "IS NOT NULL") != NULL;
        if (says_so && !con->validated && con->enforced && pr_mentions(con->cols, con->n_cols, column)) return con;
    }
    return NULL;
}

static void report(const struct pr_rule_ctx *c, const AlterTableStmt *at, const char *column, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f == NULL || !f->scan || pr_dropped_proof(c, at, column) != NULL) return;      /* a validated CHECK is proof: no scan */
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, column) : NULL;
    if (col != NULL && col->not_null) return;                           /* it is, or it only waits for VALIDATE: set-not-null-pg18 */
    const struct pr_con *proof = waiting_proof(r, column);
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, column);
    const char *sql = proof == NULL ? pr_sql_not_null(c, at->relation, column)
                                    : pr_fmt(PR_A(c), "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n-- and then, as a statement of its own:\nALTER TABLE %s ALTER COLUMN %s SET NOT NULL;",
                                             t, pr_id(c, proof->name), t, name);
    const struct pr_fix *fix = proof == NULL && cmd->subtype == AT_SetNotNull ? pr_fix_not_null(c, at, cmd) : NULL;
    pr_report_block_fix(c, f, pr_word_at(c, column, 0), pr_fmt(PR_A(c), "SET NOT NULL on %s reads all of %s under an exclusive lock", name, t), sql, fix);
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) { report(c, at, cmd->name, cmd); }

/* From 18 on it can also be written as a constraint. */
static void on_constraint(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_NOTNULL);
    if (con != NULL && !con->skip_validation && con->keys != NIL) report(c, at, strVal(linitial(con->keys)), cmd);
}

static void check(const struct pr_rule_ctx *c) {
    pr_each_cmd(c, AT_SetNotNull, on_cmd);
    pr_each_cmd(c, AT_AddConstraint, on_constraint);
}

PR_RULE(set_not_null) = {
    .id = "set-not-null", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "SET NOT NULL reads the whole table under an exclusive lock",
    .why = "ACCESS EXCLUSIVE is held while every row is checked: nobody can read or write the table.",
    .safe_way = "Add CHECK (c IS NOT NULL) NOT VALID, VALIDATE it in a transaction of its own, then SET NOT NULL (no scan: the CHECK is proof), then "
                "drop the CHECK in a statement of its own. From 18 on: ADD CONSTRAINT … NOT NULL c NOT VALID, then VALIDATE.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int, CONSTRAINT b_set CHECK (b IS NOT NULL)); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a SET NOT NULL", "ALTER TABLE t ALTER a SET NOT NULL, ALTER a SET DEFAULT 1", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN b SET NOT NULL", "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID", NULL},
    .check = check,
};
