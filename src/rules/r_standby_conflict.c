#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (c->facts->standbys <= 0) return;
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        if (!pr_stops_all(c, f)) continue;
        if (pr_said_before(c)) return;
        const char *t = pr_qualified(PR_A(c), NULL, f->name);
        const struct pr_span at = pr_word_at(c, f->name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "ACCESS EXCLUSIVE on %s is replayed on %d standby%s: their queries on it wait or are cancelled", t, c->facts->standbys, c->facts->standbys == 1 ? "" : "s"),
            .what = pr_fmt(PR_A(c), "On a standby the lock comes from the WAL: queries on %s that come later wait, one that runs already holds up all replay and is cancelled after "
                           "max_standby_streaming_delay. The lock_timeout of the primary does not reach there.", t),
            .safe_sql = pr_fmt(PR_A(c), "-- on each standby, before:\nSELECT pid, xact_start, query_start FROM pg_stat_activity WHERE backend_type = 'client backend' AND query ILIKE '%%%s%%';", f->name)});
        return;
    }
}

PR_RULE(standby_conflict) = {
    .id = "standby-conflict", .family = PR_F_REPLICATION, .level = PR_WARNING,
    .title = "an exclusive lock is replayed on the standbys",
    .why = "ACCESS EXCLUSIVE travels in the WAL: on a hot standby queries on the table wait, and older ones are cancelled after max_standby_streaming_delay. "
           "The primary's lock_timeout does not protect them.",
    .safe_way = "Look for long queries on the standbys before it, and run it when their reports are done.",
    .source = "https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) FROM pg_stat_replication", .answer = "1"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", NULL},
    .good = (const char *const[]){"INSERT INTO t VALUES (1)", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int", NULL},
    .needs_facts = true, .check = check,
};
