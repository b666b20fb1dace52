#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_effect_on(c->fp, at->relation->schemaname, at->relation->relname);
    if (f == NULL || !f->scan) return;                                  /* a validated CHECK is proof: no scan */
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, cmd->name) : NULL;
    if (col != NULL && col->not_null && col->not_null_valid) return;
    const char *title = pr_fmt(PR_A(c), "SET NOT NULL on %s reads all of %s under an exclusive lock", pr_id(c, cmd->name),
                               pr_rv_name(c, at->relation));
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0), title, pr_sql_not_null(c, at->relation, cmd->name));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_SetNotNull, on_cmd); }

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
