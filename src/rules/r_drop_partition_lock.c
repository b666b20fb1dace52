#include "sql/nodes.h"

#include "rules/help.h"

static bool has_default(const struct pr_rule_ctx *c, const struct pr_rel *parent) {
    for (size_t i = 0; i < c->facts->n_rels; i++) {
        const struct pr_rel *r = &c->facts->rels[i];
        if (r->is_default_partition && pr_eq(r->partition_of, parent->name) && pr_eq(r->partition_of_schema, parent->schema)) return true;
    }
    return false;
}

static void report(const struct pr_rule_ctx *c, const List *names) {
    const char *schema = NULL, *name = NULL;
    const char *part = pr_dotted(c, names, &schema, &name);
    const struct pr_rel *r = pr_rel_named(c, schema, name);
    const struct pr_rel *parent = r != NULL && r->partition_of != NULL ? pr_find_rel(c->facts, r->partition_of_schema, r->partition_of) : NULL;
    if (parent == NULL || parent->kind != 'p' || pr_world_created(c->before, schema, name) || pr_world_created(c->before, parent->schema, parent->name)) return;
    const char *p = pr_qualified(PR_A(c), schema != NULL ? parent->schema : NULL, parent->name);
    const bool can = c->version_num >= 140000 && !has_default(c, parent);
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = pr_short_lock_level(c), .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "dropping partition %s stops all reads and writes of %s", part, p),
        .safe_sql = can ? pr_fmt(PR_A(c), "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;  -- outside a transaction\nDROP TABLE %s;", p, part, part) : NULL});
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    ListCell *lc;
    if (ds == NULL || ds->removeType != OBJECT_TABLE) return;
    foreach (lc, ds->objects) report(c, lfirst(lc));
}

PR_RULE(drop_partition_lock) = {
    .id = "drop-partition-lock", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "dropping a partition stops all reads and writes of the partitioned table",
    .why = "ACCESS EXCLUSIVE on the parent and on a DEFAULT partition too: short, but it waits behind every long query on any partition, and whoever comes after waits behind it.",
    .safe_way = "DETACH PARTITION … CONCURRENTLY (14 and newer, without a DEFAULT partition), then drop the table that it has become.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/ddl-partitioning.html",
    .claim = {.on = "p", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); CREATE TABLE alone (a int); INSERT INTO p SELECT generate_series(1, 900)",
    .bad = (const char *const[]){"DROP TABLE p1", "DROP TABLE IF EXISTS public.p1", NULL},
    .good = (const char *const[]){"ALTER TABLE p DETACH PARTITION p1; DROP TABLE p1", "DROP TABLE alone", NULL},
    .needs_facts = true, .check = check,
};
