#include "sql/nodes.h"

#include "rules/help.h"

enum { LIMIT = 1600, NEAR = 1400 };

static int added(const AlterTableStmt *at) {
    int n = 0;
    ListCell *lc;
    foreach (lc, at->cmds) n += lfirst_node(AlterTableCmd, lc)->subtype == AT_AddColumn;
    return n;
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    const struct pr_rel *r = at != NULL ? pr_rel_of(c, at->relation) : NULL;
    const int more = at != NULL ? added(at) : 0;
    if (r == NULL || more == 0) return;
    const int64_t used = (int64_t)r->n_cols + r->dropped_cols, then = used + more;
    if (then <= NEAR) return;
    const bool fails = pr_eq(c->fp->fails_sqlstate, "54011");
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = fails ? PR_ERROR : PR_WARNING, .offset = word.offset, .len = word.len,
        .title = fails ? pr_fmt(PR_A(c), "ADD COLUMN will fail with 54011: %s has used up %" PRId64 " of %d columns", pr_rv_name(c, at->relation), used, LIMIT)
                       : pr_fmt(PR_A(c), "%s has used up %" PRId64 " of %d columns", pr_rv_name(c, at->relation), then, LIMIT),
        .what = pr_fmt(PR_A(c), "%zu columns are live and %d were dropped: dropped ones count for ever, until the table is created anew.", r->n_cols, r->dropped_cols)});
}

PR_RULE(column_limit) = {
    .id = "column-limit", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a table comes near its 1600 columns: dropped ones count",
    .why = "A dropped column keeps its number for ever, also through VACUUM FULL: a table that columns come to and go from reaches the limit (54011) with few live ones.",
    .safe_way = "Create the table anew and move the rows over in batches; reuse a column instead of dropping and adding.",
    .source = "https://www.postgresql.org/docs/current/limits.html",
    .claim = {.fails = "54011"},
    .setup = "CREATE TABLE t (a int, b int); CREATE TABLE u (a int); DO $$ BEGIN EXECUTE (SELECT 'ALTER TABLE t ' || string_agg('ADD COLUMN c' || i || ' int', ', ') FROM generate_series(1, 1598) i); "
             "EXECUTE (SELECT 'ALTER TABLE t ' || string_agg('DROP COLUMN c' || i, ', ') FROM generate_series(1, 1598) i); END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN z int", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN z int", "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
