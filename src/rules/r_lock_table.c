#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const LockStmt *ls = pr_as(LockStmt, (const Node *)c->node);
    if (ls == NULL || (c->fp->fails_sqlstate != NULL && c->fp->certain_fail)) return;
    const enum pr_lock mode = (enum pr_lock)ls->mode;
    if (!pr_lock_blocks_writers(mode)) return;
    ListCell *lc;
    foreach (lc, ls->relations) {
        const RangeVar *rv = lfirst_node(RangeVar, lc);
        if (pr_is_new(c, rv) || pr_is_empty(pr_rel_of(c, rv))) continue;
        const char *who = pr_lock_blocks_readers(mode) ? "Readers and writers" : "Writers";
        const char *t = pr_rv_name(c, rv);
        const struct pr_span at = pr_word_at(c, rv->relname, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "LOCK TABLE %s in %s mode until commit", t, pr_lock_name(mode)),
            .what = pr_fmt(PR_A(c), "%s of %s wait from here to the end of the transaction, however long the rest of it takes; and whoever comes after the waiting LOCK waits behind it.", who, t)});
    }
}

PR_RULE(lock_table) = {
    .id = "lock-table", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "LOCK TABLE stops others until commit",
    .why = "Without a mode it is ACCESS EXCLUSIVE: readers and writers wait until the transaction ends, however long the rest of it takes.",
    .safe_way = "Let each statement take the lock that it needs; where rows must not move, SHARE ROW EXCLUSIVE lets readers pass, with as little as possible after it.",
    .source = "https://www.postgresql.org/docs/current/sql-lock.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"LOCK TABLE t", "LOCK t IN ACCESS EXCLUSIVE MODE NOWAIT", NULL},
    .good = (const char *const[]){"LOCK TABLE t IN ACCESS SHARE MODE", "CREATE TABLE n (a int); LOCK TABLE n", NULL},
    .check = check,
};
