#include "sql/nodes.h"

#include "rules/help.h"

static const struct pr_rel *pending_of(const struct pr_rule_ctx *c, const struct pr_rel *parent) {
    for (size_t i = 0; parent != NULL && i < c->facts->n_rels; i++) {
        const struct pr_rel *r = &c->facts->rels[i];
        if (r->detach_pending && pr_eq(r->partition_of, parent->name) && pr_eq(r->partition_of_schema, parent->schema)) return r;
    }
    return NULL;
}

/* CONCURRENTLY is refused while any partition is pending, the plain form only for that partition itself. */
static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    const struct pr_rel *stuck = pending_of(c, pr_rel_of(c, at->relation));
    if (stuck == NULL || (pc->concurrent ? pr_in_tx(c) : !pr_eq(stuck->name, pc->name->relname))) return;
    const char *p = pr_rv_name(c, at->relation), *left = pr_qualified(PR_A(c), pc->name->schemaname != NULL ? stuck->schema : NULL, stuck->name);
    const struct pr_span word = pr_word_at(c, "detach", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "DETACH will fail with 55000: an earlier DETACH … CONCURRENTLY of %s was never finished", left),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DETACH PARTITION %s FINALIZE;%s", p, left, pr_eq(stuck->name, pc->name->relname) ? "" : pr_fmt(PR_A(c), "\n%s;", c->stmt->text))});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DetachPartition, on_cmd); }

PR_RULE(detach_pending) = {
    .id = "detach-pending", .family = PR_F_FAILURE, .level = PR_ERROR, .pg_from = 14,
    .title = "an interrupted DETACH … CONCURRENTLY stands in the way",
    .why = "A cancelled DETACH … CONCURRENTLY leaves its partition half detached: queries pass it by, and the next DETACH fails with 55000 until it is finished.",
    .safe_way = "ALTER TABLE … DETACH PARTITION … FINALIZE of the one that was left.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION",
    .claim = {.fails = "55000"},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000); "
             "SET allow_system_table_mods = on; UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'p1'::regclass",
    .bad = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1", "ALTER TABLE p DETACH PARTITION p2 CONCURRENTLY", NULL},
    .good = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1 FINALIZE", "ALTER TABLE p DETACH PARTITION p2", NULL},
    .needs_facts = true, .own_tx = true, .names_failure = true, .check = check,
};
