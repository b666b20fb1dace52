#include "sql/nodes.h"

#include "rules/help.h"

static const struct pr_effect *rewritten(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        if (f->rewrite && pr_stops_all(c, f)) return f;
    }
    return NULL;
}

/* A move to another tablespace copies pages as they are: old snapshots find their rows. */
static bool copies_pages(const AlterTableStmt *at) {
    ListCell *lc;
    foreach (lc, at->cmds)
        if (lfirst_node(AlterTableCmd, lc)->subtype != AT_SetTableSpace) return false;
    return true;
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    const struct pr_effect *f = at != NULL && !copies_pages(at) ? rewritten(c) : NULL;
    if (f == NULL || pr_said_before(c)) return;
    const char *t = pr_qualified(PR_A(c), NULL, f->name);
    const struct pr_span at_name = pr_word_at(c, f->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at_name.offset, .len = at_name.len,
        .title = pr_fmt(PR_A(c), "%s is written anew: transactions with an older snapshot then find it empty", t),
        .safe_sql = "SELECT pid, xact_start, state FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY xact_start;  -- wait until the old ones are gone"});
}

PR_RULE(rewrite_not_mvcc_safe) = {
    .id = "rewrite-not-mvcc-safe", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a table is written anew: transactions with an older snapshot find it empty",
    .why = "The new copy of each row belongs to this transaction. A REPEATABLE READ or SERIALIZABLE transaction that began before it, a report or a dump, and that comes to the table later, sees "
           "no rows in it, without an error.",
    .safe_way = "Wait until no transaction is older than the migration, or use a way that writes nothing anew (a new column and a backfill).",
    .source = "https://www.postgresql.org/docs/current/mvcc-caveats.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE bigint", "ALTER TABLE t SET UNLOGGED", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "CREATE TABLE n (a int); ALTER TABLE n ALTER COLUMN a TYPE bigint", NULL},
    .check = check,
};
