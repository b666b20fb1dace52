#include "sql/nodes.h"

#include "rules/help.h"

/* Rows of somebody's table that this statement writes, or a strong lock that it takes on one. */
static const struct pr_effect *others(const struct pr_rule_ctx *c, bool dml) {
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        const struct pr_rel *r = c->facts != NULL ? pr_find_rel(c->facts, f->schema, f->name) : NULL;
        if (f->own || f->created || (dml && pr_is_empty(r))) continue;
        if (dml ? f->lock == PR_ROW_EXCLUSIVE : pr_lock_blocks_writers(f->lock)) return f;
    }
    return NULL;
}

static void report(const struct pr_rule_ctx *c, const struct pr_effect *f, const char *title, const char *what) {
    const struct pr_span at = pr_word_at(c, f->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .title = title, .what = what});
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_in_tx(c)) return;
    const int ddl = c->so_far.ddl, dml = c->so_far.dml;
    const struct pr_effect *f;
    if (c->fp->dml && ddl >= 0 && (f = others(c, true)) != NULL) {
        report(c, f, pr_fmt(PR_A(c), "rows of %s are written while the locks of the DDL on line %d are held", f->name, c->script->stmts[ddl].line),
               "The locks of the DDL stay until commit: everybody who waits for them waits for the rows as well.");
    } else if (!c->fp->dml && dml >= 0 && c->so_far.ddl < 0 && (f = others(c, false)) != NULL) {
        report(c, f, pr_fmt(PR_A(c), "DDL on %s in the transaction that wrote rows on line %d", f->name, c->script->stmts[dml].line),
               "The row locks are held while the DDL waits for its own lock, which invites deadlocks; with deferred constraints it fails with 55006.");
    }
}

PR_RULE(mixed_ddl_dml) = {
    .id = "mixed-ddl-dml", .family = PR_F_MIXING, .level = PR_WARNING,
    .title = "DDL and rows are changed in one transaction",
    .why = "The locks of the DDL stay until commit, so everybody who waits for them waits for the rows as well; and the row locks are held while the DDL waits.",
    .safe_way = "Two migrations: the DDL, and the rows (many of them as a backfill).",
    .source = "https://www.postgresql.org/docs/current/explicit-locking.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN c int; UPDATE t SET c = b WHERE a > 3", "UPDATE t SET b = 1 WHERE a > 3; ALTER TABLE t ADD COLUMN c int", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); INSERT INTO n VALUES (1)", "UPDATE t SET b = 1 WHERE a > 3", "ALTER TABLE t ADD COLUMN c int", NULL},
    .check = check,
};
