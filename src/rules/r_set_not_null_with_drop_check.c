#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const char *con = pr_dropped_proof(c, at, cmd->name);
    if (f == NULL || !f->scan || con == NULL) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name);
    const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\nALTER TABLE %s DROP CONSTRAINT %s;", t, col, t, pr_id(c, con));
    const char *title = pr_fmt(PR_A(c), "SET NOT NULL on %s cannot use %s as proof: the same statement drops it first", col, pr_id(c, con));
    pr_report_block(c, f, pr_word_at(c, con, 0), title, sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_SetNotNull, on_cmd); }

PR_RULE(set_not_null_with_drop_check) = {
    .id = "set-not-null-with-drop-check", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "SET NOT NULL beside the DROP of the CHECK that proves it reads the whole table",
    .why = "Within one ALTER TABLE drops are done first, in whatever order they are written: the proof is gone, and the table is read under ACCESS EXCLUSIVE.",
    .safe_way = "Two statements: SET NOT NULL, then DROP CONSTRAINT.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, AT_PASS_DROP before AT_PASS_COL_ATTRS",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, CONSTRAINT a_set CHECK (a IS NOT NULL)); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a SET NOT NULL, DROP CONSTRAINT a_set",
                                 "ALTER TABLE t DROP CONSTRAINT a_set, ALTER COLUMN a SET NOT NULL", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN a SET NOT NULL; ALTER TABLE t DROP CONSTRAINT a_set", NULL},
    .check = check,
};
