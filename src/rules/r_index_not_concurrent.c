#include "sql/nodes.h"

#include "rules/help.h"

/* A partitioned parent takes no CONCURRENTLY: an empty index on the parent alone, one build per partition, then attach. */
static const char *partitioned_way(const struct pr_rule_ctx *c, const IndexStmt *is, const struct pr_rel *r) {
    IndexStmt on_parent = *is;
    RangeVar only = *is->relation;
    only.inh = false;
    on_parent.relation = &only;
    struct pr_buf b = {.a = PR_A(c)};
    const char *parent = pr_sql_of(c, &on_parent);
    if (parent == NULL || is->idxname == NULL || r->n_partitions == 0) return NULL;
    pr_add(&b, parent);
    for (size_t i = 0; i < r->n_partitions; i++) {
        const char **path = NULL;
        if (pr_split(PR_A(c), r->partitions[i], '.', &path) != 2) return NULL;
        char *name = pr_dup(PR_A(c), pr_object_name(c, path[1], NIL, is->idxname));
        RangeVar part = {.type = T_RangeVar, .schemaname = pr_dup(PR_A(c), path[0]), .relname = pr_dup(PR_A(c), path[1]),
                         .inh = true, .relpersistence = RELPERSISTENCE_PERMANENT};
        IndexStmt build = *is;
        build.relation = &part;
        build.idxname = name;
        build.concurrent = true;
        const char *sql = pr_sql_of(c, &build);
        if (sql == NULL) return NULL;
        pr_addf(&b, "\n%s\nALTER INDEX %s ATTACH PARTITION %s;", sql, pr_qualified(PR_A(c), is->relation->schemaname, is->idxname),
                pr_qualified(PR_A(c), path[0], name));
    }
    return pr_buf_text(&b);
}

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt) || is->concurrent) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const struct pr_effect *f = pr_work_on(c, is->relation);
    if (r != NULL && is->idxname != NULL && is->if_not_exists && pr_find_idx(r, is->idxname) != NULL) return;
    IndexStmt safe = *is;
    safe.concurrent = true;
    const char *sql = r != NULL && r->kind == 'p' ? partitioned_way(c, is, r) : pr_sql_of(c, &safe);
    const char *title = pr_fmt(PR_A(c), "CREATE INDEX without CONCURRENTLY stops all writes to %s", pr_rv_name(c, is->relation));
    pr_report_block(c, f, pr_word_at(c, is->relation->relname, pr_eq(is->idxname, is->relation->relname) ? 1 : 0), title, sql);
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
