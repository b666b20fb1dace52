#include "sql/nodes.h"

#include "rules/help.h"

static bool is_partitioned(const struct pr_rule_ctx *c, const List *names) {
    const char *schema = NULL, *name = NULL;
    const struct pr_idx *x = NULL;
    (void)pr_dotted(c, names, &schema, &name);
    const struct pr_rel *r = c->facts != NULL ? pr_find_index_rel(c->facts, schema, name, &x) : NULL;
    return r != NULL && r->kind == 'p';
}

static const char *safe(const struct pr_rule_ctx *c, const DropStmt *ds) {
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, ds->objects)
        pr_addf(&b, "%sDROP INDEX %s%s%s;%s", b.len > 0 ? "\n" : "", is_partitioned(c, lfirst(lc)) ? "" : "CONCURRENTLY ", ds->missing_ok ? "IF EXISTS " : "",
                pr_dotted(c, lfirst(lc), NULL, NULL), is_partitioned(c, lfirst(lc)) ? "  -- locks the table and every partition, for a moment" : "");
    return pr_buf_text(&b);
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || ds->removeType != OBJECT_INDEX || !ds->concurrent || !c->fp->certain_fail || !pr_eq(c->fp->fails_sqlstate, "0A000")) return;
    const bool several = list_length(ds->objects) > 1, cascade = ds->behavior == DROP_CASCADE;
    const char *what = several ? "several indexes at once" : cascade ? "CASCADE" : "the index of a partitioned table";
    const struct pr_span at = pr_word_at(c, "concurrently", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .safe_sql = safe(c, ds),
        .title = pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY does not take %s", what)});
}

PR_RULE(dic_unsupported) = {
    .id = "dic-unsupported", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "DROP INDEX CONCURRENTLY takes one plain index, without CASCADE",
    .why = "Several names, CASCADE, and the index of a partitioned table are refused with 0A000.",
    .safe_way = "One statement for each index, without CASCADE. The index of a partitioned table can only be dropped without CONCURRENTLY.",
    .source = "https://www.postgresql.org/docs/current/sql-dropindex.html",
    .claim = {.fails = "0A000"},
    .setup = "CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE INDEX p_k ON p (k); INSERT INTO t SELECT 1; ANALYZE t",
    .bad = (const char *const[]){"DROP INDEX CONCURRENTLY t_a, t_b", "DROP INDEX CONCURRENTLY t_a CASCADE", NULL},
    .good = (const char *const[]){"DROP INDEX CONCURRENTLY t_a", "DROP INDEX t_a, t_b", NULL},
    .own_tx = true, .names_failure = true, .check = check,
};
