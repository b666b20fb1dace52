#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt) || is->concurrent) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const struct pr_effect *f = pr_work_on(c, is->relation);
    if (r != NULL && (r->kind == 'p' || (is->idxname != NULL && is->if_not_exists && pr_find_idx(r, is->idxname) != NULL))) return;
    IndexStmt safe = *is;
    safe.concurrent = true;
    const char *sql = pr_sql_of(c, &safe);
    const char *title = pr_fmt(PR_A(c), "CREATE INDEX without CONCURRENTLY stops all writes to %s", pr_rv_name(c, is->relation));
    pr_report_block_fix(c, f, pr_word_at(c, is->relation->relname, pr_eq(is->idxname, is->relation->relname) ? 1 : 0), title, sql, pr_fix_index(c, is));
}

PR_RULE(index_not_concurrent) = {
    .id = "index-not-concurrent", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "CREATE INDEX without CONCURRENTLY stops all writes to the table",
    .why = "The build holds a SHARE lock: INSERT, UPDATE and DELETE wait until the index is complete; reads go on.",
    .safe_way = "CREATE INDEX CONCURRENTLY, outside a transaction. On a partitioned table: ON ONLY the parent, CONCURRENTLY on each "
                "partition, then ALTER INDEX … ATTACH PARTITION.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
    .claim = {.lock = PR_SHARE, .builds = true},
    .setup = "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, i::text FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"CREATE INDEX t_a ON t (a)", "CREATE UNIQUE INDEX ON t (a, b) WHERE a > 3", NULL},
    .good = (const char *const[]){"CREATE INDEX CONCURRENTLY t_a ON t (a)",
                                  "CREATE TABLE n (a int); CREATE INDEX n_a ON n (a)", NULL},
    .check = check,
};
