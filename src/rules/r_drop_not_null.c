#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, cmd->name) : NULL;
    if (pr_is_new(c, at->relation) || (r != NULL && (col == NULL || !col->not_null)) || c->fp->certain_fail) return;
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, cmd->name);
    const struct pr_span at_name = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at_name.offset, .len = at_name.len,
        .title = pr_fmt(PR_A(c), "%s.%s may be null from now on: the application that runs now does not expect that", t, name),
        .what = pr_fmt(PR_A(c), "Whoever reads %s.%s and counts on a value gets null with the first row that is written without one; going back needs every null filled and a scan.", t, name)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DropNotNull, on_cmd); }

PR_RULE(drop_not_null) = {
    .id = "drop-not-null", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a column that could not be null now can: readers do not expect that",
    .why = "The application that runs now counts on a value. Going back needs every null filled and a scan of the table.",
    .safe_way = "First release an application that reads null as it should, then drop NOT NULL.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'", .answer = "f"},
    .setup = "CREATE TABLE t (a int NOT NULL, b int); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a DROP NOT NULL", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN b DROP NOT NULL", "CREATE TABLE n (a int NOT NULL); ALTER TABLE n ALTER a DROP NOT NULL", NULL},
    .check = check,
};
