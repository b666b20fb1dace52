#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

/* CONCURRENTLY needs a unique index over all rows, on columns. */
static bool has_plain_unique(const struct pr_rel *r) {
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (x->unique && x->valid && !x->is_partial && !x->has_expressions) return true;
    }
    return r == NULL;
}

static void check(const struct pr_rule_ctx *c) {
    const RefreshMatViewStmt *rs = c->node;
    if (!IsA(c->node, RefreshMatViewStmt) || rs->concurrent) return;
    const struct pr_effect *f = pr_effect_on(c->fp, rs->relation->schemaname, rs->relation->relname);
    const char *v = pr_rv_name(c, rs->relation);
    const struct pr_span at = pr_word_at(c, rs->relation->relname, 0);
    const char *sql = has_plain_unique(pr_rel_of(c, rs->relation)) ? pr_fmt(PR_A(c), "REFRESH MATERIALIZED VIEW CONCURRENTLY %s;", v)
                      : pr_fmt(PR_A(c), "CREATE UNIQUE INDEX ON %s (…);  -- CONCURRENTLY needs one, on columns and without WHERE\n"
                                        "REFRESH MATERIALIZED VIEW CONCURRENTLY %s;", v, v);
    struct pr_hit h = {.offset = at.offset, .len = at.len, .safe_sql = sql, .fix = pr_fix_refresh(c, rs),
                       .title = pr_fmt(PR_A(c), "REFRESH without CONCURRENTLY: nobody reads %s until its query is done", v)};
    if (f == NULL || rs->skipData || !pr_blocking_level(c, f, &h.level, &h.unknown_size, &h.what)) return;
    pr_report(c, &h);
}

PR_RULE(refresh_matview) = {
    .id = "refresh-matview", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "REFRESH MATERIALIZED VIEW without CONCURRENTLY stops its readers until the query is done",
    .why = "ACCESS EXCLUSIVE on the view while its query runs and all of it is written anew: every SELECT from it waits.",
    .safe_way = "A unique index on columns of the view, then REFRESH … CONCURRENTLY, which lets readers pass.",
    .source = "https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html",
    .claim = {.on = "mv", .lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE MATERIALIZED VIEW mv AS SELECT a FROM t; CREATE UNIQUE INDEX ON mv (a)",
    .bad = (const char *const[]){"REFRESH MATERIALIZED VIEW mv", NULL},
    .good = (const char *const[]){"REFRESH MATERIALIZED VIEW CONCURRENTLY mv", "CREATE MATERIALIZED VIEW n AS SELECT a FROM t; REFRESH MATERIALIZED VIEW n", NULL},
    .check = check,
};
