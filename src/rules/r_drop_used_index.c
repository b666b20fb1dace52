#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || ds->removeType != OBJECT_INDEX || c->fp->certain_fail) return;
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *schema = NULL, *name = NULL;
        const struct pr_idx *x = NULL;
        const char *shown = pr_dotted(c, lfirst(lc), &schema, &name);
        const struct pr_rel *r = pr_find_index_rel(c->facts, schema, name, &x);
        if (r == NULL || x->scans <= 0 || !x->valid || pr_index_is_covered(r, x) || pr_index_built_later(c, r, x) != NULL) continue;
        const struct pr_span at = pr_word_at(c, name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "index %s is in use: %s scan%s of %s went through it", shown, pr_human_count(PR_A(c), x->scans), x->scans == 1 ? "" : "s", pr_qualified(PR_A(c), NULL, r->name)),
            .what = pr_fmt(PR_A(c), "Counted since the statistics were last reset. These queries read all of %s afterwards, or find another index.", pr_qualified(PR_A(c), NULL, r->name)),
            .safe_sql = x->def != NULL ? pr_fmt(PR_A(c), "-- watch whether it still grows:\nSELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s;\n-- to have it back:\n%s;",
                                                pr_quote_literal(PR_A(c), x->name), x->def) : NULL});
    }
}

PR_RULE(drop_used_index) = {
    .id = "drop-used-index", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "an index is dropped that queries use",
    .why = "pg_stat_user_indexes counts scans through it. Without it these queries read the whole table, or find another index that fits less.",
    .safe_way = "Find the queries (pg_stat_statements), build what they need instead, see that the count stands still, then drop it.",
    .source = "https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW",
    .claim = {.query = "SELECT plan()", .answer = "Seq Scan on t"},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, i FROM generate_series(1, 5000) i; CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); CREATE INDEX t_b2 ON t (b, a); ANALYZE t; "
             "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT b FROM t WHERE a = 7; SELECT a FROM t WHERE b = 7; CREATE FUNCTION plan() RETURNS text LANGUAGE plpgsql AS $$ DECLARE line text; "
             "BEGIN EXECUTE 'EXPLAIN (COSTS off) SELECT b FROM t WHERE a = 7' INTO line; RETURN line; END $$",
    .bad = (const char *const[]){"DROP INDEX t_a", NULL},
    .good = (const char *const[]){"DROP INDEX t_b", "CREATE INDEX t_a2 ON t (a, b); DROP INDEX t_a", NULL},
    .needs_facts = true, .check = check,
};
