#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    if (!pr_added_not_valid_here(c, at->relation, cmd->name) || pr_is_new(c, at->relation) || pr_is_empty(pr_rel_of(c, at->relation))) return;
    const char *t = pr_rv_name(c, at->relation), *con = pr_id(c, cmd->name);
    struct pr_effect held = {.name = at->relation->relname, .lock = PR_SHARE_ROW_EXCLUSIVE, .scan = true, .rows = -1, .bytes = -1, .total_bytes = -1};
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f != NULL) {
        const enum pr_lock lock = f->lock > held.lock ? f->lock : held.lock;
        held = *f;
        held.lock = lock;
        held.scan = true;
    }
    const char *title = pr_fmt(PR_A(c), "VALIDATE CONSTRAINT %s in the transaction that added it: %s stays locked while it is read", con, t);
    pr_report_block(c, &held, pr_word_at(c, "validate", 0), title,
                    pr_fmt(PR_A(c), "-- in the next migration, or in a transaction of its own:\nALTER TABLE %s VALIDATE CONSTRAINT %s;", t, con));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_ValidateConstraint, on_cmd); }

PR_RULE(validate_same_tx) = {
    .id = "validate-same-tx", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "VALIDATE in the transaction that added the constraint NOT VALID defeats it",
    .why = "The strong lock of ADD CONSTRAINT is held until commit, so the scan runs under it: NOT VALID has won nothing.",
    .safe_way = "Commit after ADD CONSTRAINT … NOT VALID; VALIDATE in a transaction of its own, or in the next migration.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ALTER TABLE t ADD CONSTRAINT late CHECK (a < 100000) NOT VALID; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
                                 "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT c", NULL},
    .good = (const char *const[]){"ALTER TABLE t VALIDATE CONSTRAINT late", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", NULL},
    .check = check,
};
