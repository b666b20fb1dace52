#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt) || is->concurrent) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const struct pr_effect *f = pr_work_on(c, is->relation);
    if (r == NULL || r->kind != 'p' || f == NULL || f->index_builds == 0) return;       /* ON ONLY builds nothing */
    const char *title = pr_fmt(PR_A(c), "CREATE INDEX on partitioned %s stops all writes to every partition until the last one is built", pr_rv_name(c, is->relation));
    pr_report_block(c, f, pr_word_at(c, is->relation->relname, pr_eq(is->idxname, is->relation->relname) ? 1 : 0), title, pr_sql_index_by_partition(c, is));
}

PR_RULE(index_on_partitioned_parent) = {
    .id = "index-on-partitioned-parent", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "CREATE INDEX on a partitioned table stops all writes to every partition",
    .why = "SHARE on the table and on all its partitions is held until the last index is built. CONCURRENTLY is refused there.",
    .safe_way = "CREATE INDEX ON ONLY the table, which builds nothing; CREATE INDEX CONCURRENTLY on each partition; ALTER INDEX … ATTACH PARTITION each.",
    .source = "https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE",
    .claim = {.on = "t1", .lock = PR_SHARE, .builds = true},
    .setup = "CREATE TABLE t (k int, v int) PARTITION BY RANGE (k); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (2000); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"CREATE INDEX t_v ON t (v)", "CREATE INDEX ON t (v, k)", NULL},
    .good = (const char *const[]){"CREATE INDEX t_v ON ONLY t (v)", "CREATE TABLE n (k int) PARTITION BY RANGE (k); CREATE INDEX n_k ON n (k)", NULL},
    .needs_facts = true, .check = check,
};
