#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_UNIQUE);
    if (con == NULL || con->indexname != NULL) return;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const char *t = pr_rv_name(c, at->relation), *cols = pr_list_names(c, con->keys, ", ");
    const char *name = pr_id(c, con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, con->keys, "key"));
    const char *include = con->including != NIL ? pr_fmt(PR_A(c), " INCLUDE (%s)", pr_list_names(c, con->including, ", ")) : "";
    const char *sql = pr_fmt(PR_A(c), "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)%s%s;\nALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %s;",
                             name, t, cols, include, con->nulls_not_distinct ? " NULLS NOT DISTINCT" : "", t, name, name);
    const char *title = pr_fmt(PR_A(c), "adding UNIQUE (%s) builds its index while nobody can use %s", cols, t);
    const char *raw = pr_object_name(c, at->relation->relname, con->keys, "key");
    pr_report_block_fix(c, f, pr_word_at(c, con->conname != NULL ? con->conname : "unique", 0), title, sql, pr_fix_using_index(c, at, cmd, raw));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_unique_no_index) = {
    .id = "add-unique-no-index", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding UNIQUE builds its index while nobody can use the table",
    .why = "The index is built under ACCESS EXCLUSIVE: reads and writes wait for the whole build, which fails on the first duplicate.",
    .safe_way = "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX, which is instant.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX t_u ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a)", "ALTER TABLE t ADD UNIQUE (a, b)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_u",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD UNIQUE (a)", NULL},
    .check = check,
};
