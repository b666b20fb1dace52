#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const CreateStmt *cs, const char *parent) {
    const char *sql = pr_sql_of(c, cs);
    const char *bound = sql != NULL ? strstr(sql, " FOR VALUES ") : NULL;
    if (bound == NULL && sql != NULL) bound = strstr(sql, " DEFAULT");
    if (bound == NULL || cs->tableElts != NIL || cs->partspec != NULL) return NULL;
    const char *t = pr_rv_name(c, cs->relation);
    return pr_fmt(PR_A(c), "CREATE TABLE %s (LIKE %s INCLUDING ALL);\nALTER TABLE %s ATTACH PARTITION %s%s", t, parent, parent, t, bound);
}

static void check(const struct pr_rule_ctx *c) {
    const CreateStmt *cs = c->node;
    if (!IsA(c->node, CreateStmt) || cs->partbound == NULL || cs->inhRelations == NIL) return;
    const RangeVar *parent = linitial_node(RangeVar, cs->inhRelations);
    if (pr_is_new(c, parent)) return;
    const char *p = pr_rv_name(c, parent);
    const struct pr_span at = pr_word_at(c, parent->relname, 0);
    struct pr_hit h = {.level = pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE, .offset = at.offset, .len = at.len, .safe_sql = safe(c, cs, p),
                       .title = pr_fmt(PR_A(c), "CREATE TABLE … PARTITION OF stops all reads and writes of %s", p)};
    for (size_t i = 0; i < c->fp->n; i++) {                             /* a DEFAULT partition with rows is read as well */
        const struct pr_effect *f = &c->fp->effects[i];
        if (f->scan && pr_blocking_level(c, f, &h.level, &h.unknown_size, &h.what)) break;
    }
    pr_report(c, &h);
}

PR_RULE(create_partition_of_lock) = {
    .id = "create-partition-of-lock", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "CREATE TABLE … PARTITION OF stops all reads and writes of the partitioned table",
    .why = "ACCESS EXCLUSIVE on the parent: short, but it waits behind every long query on any partition, and whoever comes after waits behind it. A DEFAULT partition "
           "is locked too, and read whole.",
    .safe_way = "CREATE TABLE (LIKE parent INCLUDING ALL), then ATTACH PARTITION, which lets readers and writers of the parent pass.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/ddl-partitioning.html",
    .claim = {.on = "p", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); INSERT INTO p SELECT generate_series(1, 900)",
    .bad = (const char *const[]){"CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000)", NULL},
    .good = (const char *const[]){"CREATE TABLE p2 (LIKE p INCLUDING ALL); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (2000)",
                                  "CREATE TABLE n (a int) PARTITION BY RANGE (a); CREATE TABLE n1 PARTITION OF n FOR VALUES FROM (0) TO (1)", NULL},
    .check = check,
};
