#include "sql/nodes.h"

#include "rules/help.h"

enum { SHARE_OF_TABLE = 20 };                               /* the lock table is everybody's: a twentieth of it is much for one */

/* As measured: a rewrite locks old and new heap and indexes, a drop the indexes too, other DDL the relation alone. */
static int64_t locks_of(const struct pr_rule_ctx *c, const struct pr_effect *f) {
    const struct pr_rel *r = pr_rel_named(c, f->schema, f->name);
    const int64_t idxs = r != NULL ? (int64_t)r->n_idxs : 0;
    return f->rewrite ? 2 * (1 + idxs) : f->dropped ? 1 + idxs : 1 + f->index_builds;
}

static void check(const struct pr_rule_ctx *c) {
    int64_t locks = 0, tables = 0;
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        if (f->own || f->created || f->kind == 'i' || f->kind == 'I' || f->lock < PR_SHARE_UPDATE_EXCLUSIVE) continue;
        locks += locks_of(c, f);
        tables++;
    }
    if (tables < 2 || c->facts->max_locks <= 0 || locks <= c->facts->max_locks / SHARE_OF_TABLE) return;
    const char *t = c->fp->main_name != NULL ? pr_qualified(PR_A(c), NULL, c->fp->main_name) : "it";
    const bool full = locks > c->facts->max_locks;
    const struct pr_span at = pr_word_at(c, c->fp->main_name, 0);
    pr_report(c, &(struct pr_hit){.level = full ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s on %s takes about %s locks, on %s tables at once", c->stmt->tag, t, pr_human_count(PR_A(c), locks), pr_human_count(PR_A(c), tables)),
        .what = pr_fmt(PR_A(c), "The server has room for %s locks of all sessions together%s. And all of these tables stay locked until the last one is done.",
                       pr_human_count(PR_A(c), c->facts->max_locks), full ? ": it will fail with 53200" : "; when it is full, any session that asks for one fails with 53200")});
}

PR_RULE(partition_fanout) = {
    .id = "partition-fanout", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "one statement locks a large part of the server's lock table",
    .why = "DDL on a partitioned table locks every partition, and often each of their indexes: the room for locks is shared by all sessions, and who finds it full fails with 53200. "
           "The first partition waits locked for the last.",
    .safe_way = "ON ONLY the parent and then partition by partition where the statement has such a form; or more max_locks_per_transaction, which needs a restart.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/runtime-config-locks.html",
    .claim = {.on = "p", .lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) > 300 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'", .answer = "t"},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1) TO (2); "
             "CREATE TABLE u (a int); DO $$ BEGIN FOR i IN 3..330 LOOP EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END LOOP; END $$",
    .bad = (const char *const[]){"ALTER TABLE p ADD COLUMN b int", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN b int", "ALTER TABLE p1 SET (fillfactor = 90)", NULL},
    .needs_facts = true, .check = check,
};
