#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    if (pc->concurrent || pr_is_new(c, at->relation) || pr_is_new(c, pc->name)) return;
    const struct pr_rel *parent = pr_rel_of(c, at->relation);
    for (size_t i = 0; parent != NULL && i < parent->n_partitions; i++) {       /* with a DEFAULT partition it cannot go concurrently */
        const char *dot = strchr(parent->partitions[i], '.');
        const struct pr_rel *part = dot != NULL ? pr_find_rel(c->facts, NULL, dot + 1) : NULL;
        if (part != NULL && part->is_default_partition) return;
    }
    const char *p = pr_rv_name(c, at->relation), *part = pr_rv_name(c, pc->name);
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "DETACH PARTITION without CONCURRENTLY stops all reads and writes of %s", p),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;", p, part)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DetachPartition, on_cmd); }

PR_RULE(detach_not_concurrent) = {
    .id = "detach-not-concurrent", .family = PR_F_BLOCKING, .level = PR_WARNING, .pg_from = 14,
    .title = "DETACH PARTITION without CONCURRENTLY stops all reads and writes of the partitioned table",
    .why = "ACCESS EXCLUSIVE on the parent and the partition: short, but it waits behind every long query on any partition, and whoever comes after waits behind it.",
    .safe_way = "DETACH PARTITION … CONCURRENTLY, outside a transaction; interrupted, it is ended with FINALIZE. With a DEFAULT partition it is not possible.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION",
    .claim = {.on = "p", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); INSERT INTO p SELECT generate_series(1, 900)",
    .bad = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1", NULL},
    .good = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", NULL},
    .check = check,
};
