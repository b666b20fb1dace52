#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt) || !is->concurrent || !c->fp->certain_fail || !pr_eq(c->fp->fails_sqlstate, "0A000")) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    if (r == NULL || r->kind != 'p') return;
    const struct pr_span at = pr_word_at(c, "concurrently", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .safe_sql = pr_sql_index_by_partition(c, is),
        .title = pr_fmt(PR_A(c), "%s is partitioned: its index cannot be built CONCURRENTLY", pr_rv_name(c, is->relation))});
}

PR_RULE(cic_on_partitioned) = {
    .id = "cic-on-partitioned", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "CREATE INDEX CONCURRENTLY on a partitioned table",
    .why = "It fails with 0A000: only a partition's own index can be built concurrently.",
    .safe_way = "CREATE INDEX ON ONLY the table, which builds nothing; CREATE INDEX CONCURRENTLY on each partition; ALTER INDEX … ATTACH PARTITION each.",
    .source = "https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE",
    .claim = {.fails = "0A000"},
    .setup = "CREATE TABLE t (k int, v int) PARTITION BY RANGE (k); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (2000); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"CREATE INDEX CONCURRENTLY t_v ON t (v)", NULL},
    .good = (const char *const[]){"CREATE INDEX CONCURRENTLY t1_v ON t1 (v)", NULL},
    .own_tx = true, .needs_facts = true, .names_failure = true, .check = check,
};
