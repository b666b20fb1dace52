#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_EXCLUSION);
    if (con == NULL) return;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    pr_report_block(c, f, pr_word_at(c, con->conname != NULL ? con->conname : "exclude", 0),
                    pr_fmt(PR_A(c), "EXCLUDE builds its index while nobody can use %s", pr_rv_name(c, at->relation)), NULL);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_exclude) = {
    .id = "add-exclude", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "an EXCLUDE constraint builds its index while nobody can use the table",
    .why = "The index is built and every row checked under ACCESS EXCLUSIVE. There is neither NOT VALID nor USING INDEX for it.",
    .safe_way = "A new table with the constraint, kept equal by a trigger and filled in batches, then swapped; or a trigger that takes advisory locks.",
    .source = "https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-EXCLUDE",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int4range); INSERT INTO t SELECT int4range(i * 10, i * 10 + 5) FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT apart EXCLUDE USING gist (a WITH &&)", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int4range); ALTER TABLE n ADD EXCLUDE USING gist (a WITH &&)", NULL},
    .check = check,
};
