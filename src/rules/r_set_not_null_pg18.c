#include "sql/nodes.h"

#include "rules/help.h"

static const char *constraint_of(const struct pr_rel *r, const char *column) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].type == 'n' && !r->cons[i].validated && pr_mentions(r->cons[i].cols, r->cons[i].n_cols, column)) return r->cons[i].name;
    return NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, cmd->name) : NULL;
    if (f == NULL || !f->scan || col == NULL || !col->not_null || col->not_null_valid) return;
    const char *con = constraint_of(r, cmd->name), *t = pr_rv_name(c, at->relation);
    const char *sql = con != NULL ? pr_fmt(PR_A(c), "ALTER TABLE %s VALIDATE CONSTRAINT %s;", t, pr_id(c, con)) : NULL;
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0),
                    pr_fmt(PR_A(c), "SET NOT NULL on %s.%s reads all of it: its NOT NULL is there, and only waits to be validated", t, pr_id(c, cmd->name)), sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_SetNotNull, on_cmd); }

PR_RULE(set_not_null_pg18) = {
    .id = "set-not-null-pg18", .family = PR_F_BLOCKING, .level = PR_ERROR, .pg_from = 18,
    .title = "SET NOT NULL over a NOT NULL that is NOT VALID reads the whole table under an exclusive lock",
    .why = "It validates the constraint on the way, under ACCESS EXCLUSIVE; VALIDATE CONSTRAINT does the same and lets readers and writers pass.",
    .safe_way = "VALIDATE CONSTRAINT of the NOT NULL constraint, in a transaction of its own.",
    .source = "measured on 18; https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ALTER TABLE t ADD CONSTRAINT a_set NOT NULL a NOT VALID; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a SET NOT NULL", NULL},
    .good = (const char *const[]){"ALTER TABLE t VALIDATE CONSTRAINT a_set", "ALTER TABLE t ADD CONSTRAINT b_set NOT NULL b NOT VALID", NULL},
    .needs_facts = true, .check = check,
};
