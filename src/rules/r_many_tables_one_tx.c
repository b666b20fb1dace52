#include "sql/nodes.h"

#include "rules/help.h"

static bool in_use(const struct pr_rel *r) {
    const struct pr_rel_more *seen = r != NULL ? r->more : NULL;
    return seen != NULL && pr_sat_add(seen->seq_scans, pr_sat_add(seen->idx_scans, pr_sat_add(seen->inserted, seen->updated))) > 0;
}

static void check(const struct pr_rule_ctx *c) {
    const int first = c->so_far.exclusive;
    if (!pr_in_tx(c) || first < 0 || c->fp->main_name == NULL || pr_eq(c->fp->main_name, c->so_far.exclusive_on)) return;
    const struct pr_effect *f = pr_effect_on(c->fp, c->fp->main_schema, c->fp->main_name);
    if (f == NULL || f->dropped || c->so_far.exclusive_dropped) return;        /* who drops a table has seen that nobody uses it */
    if (!pr_stops_all(c, f) || pr_said_before(c)) return;
    const bool both = in_use(pr_rel_named(c, NULL, c->so_far.exclusive_on)) && in_use(pr_rel_named(c, f->schema, f->name));
    const struct pr_span at = pr_word_at(c, f->name, 0);
    pr_report(c, &(struct pr_hit){.level = both ? PR_WARNING : PR_NOTE, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s is locked as well while %s is still locked", pr_qualified(PR_A(c), NULL, f->name), c->so_far.exclusive_on),
        .what = pr_fmt(PR_A(c), "ACCESS EXCLUSIVE on both until commit, on %s since line %d: a transaction of the application that uses %s and then %s deadlocks with this one, and one of the two is aborted with 40P01.",
                       c->so_far.exclusive_on, c->script->stmts[first].line, f->name, c->so_far.exclusive_on)});
}

PR_RULE(many_tables_one_tx) = {
    .id = "many-tables-one-tx", .family = PR_F_MIXING, .level = PR_WARNING,
    .title = "two tables are locked exclusively in one transaction",
    .why = "The application takes its locks in its own order: where that is the other way round the two deadlock, and one of them is aborted. And the first table waits for the second one's queue.",
    .safe_way = "A migration for each table.",
    .source = "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS",
    .claim = {.on = "u", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); CREATE TABLE u (a int); INSERT INTO t SELECT 1; INSERT INTO u SELECT 1; ANALYZE t, u",
    .bad = (const char *const[]){"ALTER TABLE u ADD COLUMN b int; ALTER TABLE t ADD COLUMN b int", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN b int; ALTER TABLE u ADD COLUMN c int", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int; ALTER TABLE t ADD COLUMN b int", NULL},
    .check = check,
};
