#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

static bool is_concurrent(const ReindexStmt *rs) {
    ListCell *lc;
    foreach (lc, rs->params) {
        const DefElem *d = lfirst_node(DefElem, lc);
        if (pr_eq(d->defname, "concurrently") && (d->arg == NULL || !IsA(d->arg, String) || !pr_eq(strVal(d->arg), "false"))) return true;
    }
    return false;
}

static const char *safe(const struct pr_rule_ctx *c, const ReindexStmt *rs) {
    char word[] = "concurrently";
    const DefElem flag = {.type = T_DefElem, .defname = word};
    ListCell cell = {.ptr_value = pr_alloc(PR_A(c), sizeof flag)};
    memcpy(cell.ptr_value, &flag, sizeof flag);
    List one = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    ReindexStmt copy = *rs;
    copy.params = &one;
    return rs->kind == REINDEX_OBJECT_SYSTEM ? NULL : pr_sql_of(c, &copy);
}

static void check(const struct pr_rule_ctx *c) {
    const ReindexStmt *rs = c->node;
    if (!IsA(c->node, ReindexStmt) || is_concurrent(rs)) return;
    const char *sql = safe(c, rs);
    if (rs->relation == NULL) {
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .safe_sql = sql,
            .title = "REINDEX of a whole schema or database stops writers, and most readers, of one table after another"});
        return;
    }
    const char *shown = pr_rv_name(c, rs->relation);
    const char *title = pr_fmt(PR_A(c), "REINDEX of %s without CONCURRENTLY stops writers, and readers that plan a query on the table", shown);
    const struct pr_effect *f = NULL;
    for (size_t i = 0; i < c->fp->n && f == NULL; i++)
        if (c->fp->effects[i].index_builds > 0) f = &c->fp->effects[i];
    for (size_t i = 0; i < c->fp->n && f == NULL; i++)
        if (c->fp->effects[i].kind != 'i' && pr_lock_blocks_writers(c->fp->effects[i].lock)) f = &c->fp->effects[i];
    const struct pr_span at = pr_word_at(c, rs->relation->relname, 0);
    if (f != NULL) {
        pr_report_block_fix(c, f, at, title, sql, pr_fix_reindex(c, rs));
        return;
    }
    if (c->facts == NULL || c->fp->guessed)                             /* which table it belongs to is not known */
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .unknown_size = true, .offset = at.offset, .len = at.len, .title = title, .safe_sql = sql,
            .fix = pr_fix_reindex(c, rs)});
}

PR_RULE(reindex_not_concurrent) = {
    .id = "reindex-not-concurrent", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "REINDEX without CONCURRENTLY stops writers, and readers that plan a query on the table",
    .why = "SHARE on the table and ACCESS EXCLUSIVE on each index: writers wait, and so does every SELECT on the table, because planning opens all its indexes.",
    .safe_way = "REINDEX … CONCURRENTLY, outside a transaction.",
    .source = "https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY",
    .claim = {.lock = PR_SHARE, .builds = true},
    .setup = "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"REINDEX INDEX t_a", "REINDEX TABLE t", NULL},
    .good = (const char *const[]){"REINDEX INDEX CONCURRENTLY t_a", "REINDEX TABLE CONCURRENTLY t", NULL},
    .check = check,
};
