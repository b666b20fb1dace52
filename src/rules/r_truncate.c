#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const TruncateStmt *ts = c->node;
    if (!IsA(c->node, TruncateStmt)) return;
    ListCell *lc;
    foreach (lc, ts->relations) {
        const RangeVar *rv = lfirst_node(RangeVar, lc);
        const struct pr_rel *r = pr_rel_of(c, rv);
        if (pr_is_new(c, rv) || pr_is_empty(r)) continue;
        const char *rows = r != NULL && r->rows_trusted ? pr_fmt(PR_A(c), " of about %s rows", pr_human_count(PR_A(c), r->rows)) : "";
        const char *more = ts->behavior == DROP_CASCADE ? " CASCADE empties every table that refers to it as well." : "";
        const struct pr_span at = pr_word_at(c, rv->relname, 0);
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "TRUNCATE empties %s%s", pr_rv_name(c, rv), rows),
            .what = pr_fmt(PR_A(c), "Only a backup brings the rows back; it takes ACCESS EXCLUSIVE, and a REPEATABLE READ transaction that is open sees the table empty.%s", more),
            .safe_sql = pr_fmt(PR_A(c), "DELETE FROM %s WHERE …;  -- in batches, what should really go", pr_rv_name(c, rv))});
    }
}

PR_RULE(truncate) = {
    .id = "truncate", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "TRUNCATE empties the table",
    .why = "Only a backup brings the rows back. It takes ACCESS EXCLUSIVE, is not MVCC-safe, and with CASCADE empties every table that refers to it.",
    .safe_way = "Delete what should go in batches, or keep a copy first and truncate with an approval that says so.",
    .source = "https://www.postgresql.org/docs/current/sql-truncate.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true, .query = "SELECT count(*) FROM t", .answer = "0"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"TRUNCATE t", "TRUNCATE TABLE ONLY t RESTART IDENTITY", "TRUNCATE t CASCADE", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); TRUNCATE n", "DELETE FROM t WHERE a = 1", NULL},
    .check = check,
};
