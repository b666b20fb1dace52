#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

/* Up to 17 a foreign key of a partitioned table cannot be NOT VALID. */
static bool can_be_not_valid(const struct pr_rule_ctx *c, const RangeVar *rv) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    return r == NULL || r->kind != 'p' || c->version_num >= 180000;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_FOREIGN);
    if (con == NULL || con->skip_validation || con->pktable == NULL) return;
    const struct pr_effect *ours = pr_work_on(c, at->relation);
    const struct pr_effect *theirs = pr_work_on(c, con->pktable);
    if (pr_is_new(c, at->relation) || pr_is_empty(pr_rel_of(c, at->relation))) return;     /* no row to look up */
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, con->fk_attrs, "fkey");
    const char *title = pr_fmt(PR_A(c), "adding foreign key %s checks every row and stops writes to %s and %s", pr_id(c, name),
                               pr_rv_name(c, at->relation), pr_rv_name(c, con->pktable));
    const char *sql = can_be_not_valid(c, at->relation) ? pr_sql_not_valid(c, at, con, name) : pr_sql_fk_by_partition(c, at, con);
    pr_report_block_fix(c, pr_heavier(ours, theirs), pr_word_at(c, con->conname != NULL ? con->conname : "foreign", 0), title, sql,
                        pr_fix_not_valid(c, at, cmd, name));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_fk_validating) = {
    .id = "add-fk-validating", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a foreign key checks every row and stops writes to both tables",
    .why = "SHARE ROW EXCLUSIVE is held on both tables while each row's parent is looked up: INSERT, UPDATE and DELETE wait on both.",
    .safe_way = "ADD CONSTRAINT … NOT VALID (new rows are checked at once), then VALIDATE CONSTRAINT in a transaction of its own, which lets "
                "writers pass. A partitioned table takes NOT VALID from version 18 on; before, per partition.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
    .claim = {.lock = PR_SHARE_ROW_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int); CREATE INDEX ON t (r_id); "
             "INSERT INTO r SELECT generate_series(1, 100); INSERT INTO t SELECT 1 + i % 100 FROM generate_series(1, 1000) i; ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r (id)",
                                 "ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID",
                                  "CREATE TABLE n (r_id int); ALTER TABLE n ADD FOREIGN KEY (r_id) REFERENCES r", NULL},
    .check = check,
};
