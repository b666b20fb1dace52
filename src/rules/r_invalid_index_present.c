#include "sql/nodes.h"

#include "rules/help.h"

static const char *harm(const struct pr_rule_ctx *c, const struct pr_idx *x) {
    return pr_fmt(PR_A(c), "A build that died left it. No query uses it%s%s.", x->ready ? "; every write still maintains it" : "",
                  x->ready && x->unique ? ", and it still refuses duplicates with 23505" : "");
}

/* Dropped or built anew somewhere in this script. */
static bool is_seen_to(const struct pr_rule_ctx *c, const char *index, const char *table) {
    for (size_t i = 0; i < c->script->n; i++) {
        const void *node = c->script->stmts[i].node;
        if (node == NULL) continue;
        const ReindexStmt *rs = IsA(node, ReindexStmt) ? node : NULL;
        if (rs != NULL && rs->relation != NULL && (pr_eq(rs->relation->relname, index) || pr_eq(rs->relation->relname, table))) return true;
        const DropStmt *ds = IsA(node, DropStmt) && ((const DropStmt *)node)->removeType == OBJECT_INDEX ? node : NULL;
        ListCell *lc;
        foreach (lc, ds != NULL ? ds->objects : NIL)
            if (pr_eq(strVal(llast((const List *)lfirst(lc))), index)) return true;
    }
    return false;
}

static bool said_before(const struct pr_rule_ctx *c, const RangeVar *rv) {
    return pr_about(c, PR_ABOUT_INDEXES, rv->relname)->at != c->stmt->index;         /* which is one of them */
}

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt)) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const char *t = pr_rv_name(c, is->relation);
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (x->valid || r->kind == 'p') continue;
        const char *name = pr_qualified(PR_A(c), is->relation->schemaname, x->name);
        const bool same = pr_eq(x->name, is->idxname);
        if (same ? is->if_not_exists : said_before(c, is->relation) || is_seen_to(c, x->name, r->name)) continue;      /* the first: cic-if-not-exists */
        const struct pr_span at = pr_word_at(c, same ? x->name : is->relation->relname, 0);
        const char *sql = pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY %s;%s%s%s", name, same ? "\n" : "", same ? c->stmt->text : "", same ? ";" : "");
        pr_report(c, &(struct pr_hit){.level = same ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len, .safe_sql = sql,
            .title = same ? pr_fmt(PR_A(c), "%s is there already, and INVALID: it fails with 42P07", name) : pr_fmt(PR_A(c), "%s has an INVALID index, %s", t, name),
            .what = harm(c, x)});
    }
}

PR_RULE(invalid_index_present) = {
    .id = "invalid-index-present", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "an INVALID index is in the way",
    .why = "A concurrent build that died leaves it: no query uses it, every write still maintains it, a unique one still refuses duplicates, and building it again fails with 42P07.",
    .safe_way = "DROP INDEX CONCURRENTLY, and build it again; or REINDEX INDEX CONCURRENTLY.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
    .claim = {.fails = "42P07"},
    .setup = "CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_a'::regclass; INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"CREATE INDEX t_a ON t (a)", NULL},
    .good = (const char *const[]){"DROP INDEX t_a; CREATE INDEX t_a ON t (a)", "REINDEX INDEX t_a; CREATE INDEX t_b ON t (b)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
