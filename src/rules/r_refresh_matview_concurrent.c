#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const RefreshMatViewStmt *rs = c->node;
    if (!IsA(c->node, RefreshMatViewStmt) || !rs->concurrent) return;
    const struct pr_effect *f = pr_effect_on(c->fp, rs->relation->schemaname, rs->relation->relname);
    const char *v = pr_rv_name(c, rs->relation), *numbers = NULL;
    const struct pr_span at = pr_word_at(c, rs->relation->relname, 0);
    struct pr_hit h = {.offset = at.offset, .len = at.len, .title = pr_fmt(PR_A(c), "REFRESH CONCURRENTLY of %s keeps every other REFRESH of it waiting", v)};
    if (f == NULL || !pr_blocking_level(c, f, &h.level, &h.unknown_size, &numbers)) return;
    h.level = h.level == PR_ERROR ? PR_WARNING : PR_NOTE;   /* nobody but a refresh waits: each level weighs one less */
    h.what = pr_fmt(PR_A(c), "EXCLUSIVE lock: readers pass, but the refresh of a schedule waits behind this one, or this one behind it, with all that this transaction holds. %s", numbers);
    pr_report(c, &h);
}

PR_RULE(refresh_matview_concurrent) = {
    .id = "refresh-matview-concurrent", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "REFRESH CONCURRENTLY keeps every other REFRESH of the view waiting",
    .why = "EXCLUSIVE on the view while its query runs and all of it is compared: readers pass, but a refresh of a schedule waits, and the migration waits behind one that runs.",
    .safe_way = "Leave the refresh to the job that does it anyway, or give it a migration of its own.",
    .source = "https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html",
    .claim = {.on = "mv", .lock = PR_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE MATERIALIZED VIEW mv AS SELECT a FROM t; CREATE UNIQUE INDEX ON mv (a); ANALYZE t, mv",
    .bad = (const char *const[]){"REFRESH MATERIALIZED VIEW CONCURRENTLY mv", NULL},
    .good = (const char *const[]){"REFRESH MATERIALIZED VIEW mv", "ANALYZE mv", NULL},
    .check = check,
};
