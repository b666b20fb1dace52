#include "sql/nodes.h"

#include "rules/help.h"

/* Work that grows with a table of somebody's. */
static const struct pr_effect *heavy(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        const struct pr_rel *r = c->facts != NULL ? pr_find_rel(c->facts, f->schema, f->name) : NULL;
        if (!f->own && !f->created && !pr_is_empty(r) && (f->scan || f->rewrite || f->index_builds > 0)) return f;
    }
    return NULL;
}

/* VALIDATE of what this transaction added: validate-same-tx says that. */
static bool is_told(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL) return false;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype != AT_ValidateConstraint || !pr_added_not_valid_here(c, at->relation, cmd->name)) return false;
    }
    return true;
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_in_tx(c) || c->so_far.exclusive < 0 || c->fp->dml || is_told(c)) return;
    const struct pr_effect *f = heavy(c);
    if (f == NULL || (f->lock == PR_ACCESS_EXCLUSIVE && pr_eq(f->name, c->so_far.exclusive_on))) return;     /* its own rule says that */
    struct pr_effect held = *f;                                         /* the work is this one's, the lock is the older one's */
    held.lock = PR_ACCESS_EXCLUSIVE;
    struct pr_hit h = {.title = pr_fmt(PR_A(c), "%s works on %s while %s is still locked since line %d", c->stmt->tag, f->name,
                                       c->so_far.exclusive_on, c->script->stmts[c->so_far.exclusive].line)};
    const char *work = NULL;
    if (!pr_blocking_level(c, &held, &h.level, &h.unknown_size, &work)) return;
    if (!pr_blocking_level(c, f, &h.level, &h.unknown_size, &work)) (void)pr_blocking_level(c, &held, &h.level, &h.unknown_size, &work);
    h.what = pr_fmt(PR_A(c), "Readers and writers of %s wait until all of this is committed. %s", c->so_far.exclusive_on, work);
    pr_report(c, &h);
}

PR_RULE(statement_after_ael) = {
    .id = "statement-after-ael", .family = PR_F_MIXING, .level = PR_WARNING,
    .title = "long work in a transaction that already holds an exclusive lock",
    .why = "The lock of the earlier statement is kept until commit: its table stands still while this one reads, builds or rewrites.",
    .safe_way = "A migration for each: commit the short exclusive lock before the long work begins.",
    .source = "https://www.postgresql.org/docs/current/explicit-locking.html",
    .claim = {.on = "u", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); CREATE TABLE u (a int); INSERT INTO t SELECT generate_series(1, 1000); INSERT INTO u SELECT 1; ANALYZE t, u",
    .bad = (const char *const[]){"ALTER TABLE u ADD COLUMN b int; CREATE INDEX t_a ON t (a)", NULL},
    .good = (const char *const[]){"CREATE INDEX t_a ON t (a); ALTER TABLE u ADD COLUMN b int", "CREATE TABLE n (a int); CREATE INDEX t_a ON t (a)", NULL},
    .check = check,
};
