#include "sql/nodes.h"

#include "rules/help.h"

static const char *default_of(const struct pr_rule_ctx *c, const struct pr_rel *parent) {
    for (size_t i = 0; parent != NULL && i < c->facts->n_rels; i++) {
        const struct pr_rel *r = &c->facts->rels[i];
        if (r->is_default_partition && pr_eq(r->partition_of, parent->name) && pr_eq(r->partition_of_schema, parent->schema)) return r->name;
    }
    return NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    const char *def = pc->concurrent ? default_of(c, pr_rel_of(c, at->relation)) : NULL;
    if (def == NULL || pr_in_tx(c)) return;
    const char *p = pr_rv_name(c, at->relation), *part = pr_rv_name(c, pc->name);
    const struct pr_span word = pr_word_at(c, "concurrently", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "DETACH … CONCURRENTLY will fail with 55000: %s has the DEFAULT partition %s", p, def),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DETACH PARTITION %s;  -- ACCESS EXCLUSIVE for a moment, in a transaction of its own", p, part)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DetachPartition, on_cmd); }

PR_RULE(detach_concurrent_default) = {
    .id = "detach-concurrent-default", .family = PR_F_FAILURE, .level = PR_ERROR, .pg_from = 14,
    .title = "DETACH … CONCURRENTLY of a table with a DEFAULT partition fails",
    .why = "Rows of the partition would belong into the DEFAULT partition meanwhile, so the server refuses it (55000).",
    .safe_way = "Detach without CONCURRENTLY under a short lock_timeout, or detach the DEFAULT partition first.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION",
    .claim = {.fails = "55000"},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); CREATE TABLE d PARTITION OF p DEFAULT; "
             "CREATE TABLE q (a int) PARTITION BY RANGE (a); CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (0) TO (1000)",
    .bad = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", NULL},
    .good = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1", "ALTER TABLE q DETACH PARTITION q1 CONCURRENTLY", NULL},
    .needs_facts = true, .own_tx = true, .names_failure = true, .check = check,
};
