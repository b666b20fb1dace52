#include "sql/nodes.h"

#include "rules/convention.h"

/* A plain btree index: columns in their default order and nothing else. */
static bool is_plain(const IndexStmt *is) {
    if (is->whereClause != NULL || is->indexIncludingParams != NIL || (is->accessMethod != NULL && !pr_eq(is->accessMethod, "btree"))) return false;
    ListCell *lc;
    foreach (lc, is->indexParams) {
        const IndexElem *e = lfirst_node(IndexElem, lc);
        if (e->name == NULL || e->opclass != NIL || e->collation != NIL || e->ordering == SORTBY_DESC || e->nulls_ordering == SORTBY_NULLS_FIRST) return false;
    }
    return true;
}

static bool was_plain(const struct pr_idx *x) {
    return x->valid && pr_eq(x->method, "btree") && !x->is_partial && !x->has_expressions && x->default_order && x->n_mentions == x->n_cols;
}

/* How many columns both begin with. */
static size_t common(const List *params, const struct pr_idx *x) {
    size_t n = 0;
    ListCell *lc;
    foreach (lc, params) {
        if (n >= x->n_cols || !pr_eq(lfirst_node(IndexElem, lc)->name, x->cols[n])) break;
        n++;
    }
    return n;
}

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = pr_as(IndexStmt, c->node);
    if (is == NULL || !pr_asked(c)->redundant_index || !is_plain(is)) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const size_t n = (size_t)list_length(is->indexParams);
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (!was_plain(x)) continue;
        const size_t same = common(is->indexParams, x);
        const bool new_one = same == n && (!is->unique || (x->unique && x->n_cols == n));
        const bool old_one = same == x->n_cols && n > same && !x->unique && !x->primary && x->constraint == NULL;
        if (!new_one && !old_one) continue;
        const struct pr_span at = pr_word_at(c, is->idxname != NULL ? is->idxname : is->relation->relname, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
            .title = new_one ? pr_fmt(PR_A(c), "the index on %s (%s) does what %s does already", pr_rv_name(c, is->relation), pr_joined(c, is->indexParams), pr_id(c, x->name))
                             : pr_fmt(PR_A(c), "with the new index on %s, %s is not needed any more", pr_rv_name(c, is->relation), pr_id(c, x->name)),
            .safe_sql = new_one ? NULL : pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY %s;", pr_qualified(PR_A(c), is->relation->schemaname, x->name))});
        return;
    }
}

PR_RULE(convention_redundant_index) = {
    .id = "convention-redundant-index", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "an index whose columns another one begins with",
    .why = "Whatever the shorter one can answer the longer one can too; each costs every write, keeps heap-only updates from happening and fills the cache.",
    .safe_way = "Leave the new one out, or drop the shorter one after the longer one is there.",
    .source = "https://www.postgresql.org/docs/current/indexes-multicolumn.html",
    .conventions = "redundant_index = yes",
    .claim = {.query = "SELECT count(*) > 2 FROM pg_index WHERE indrelid = 't'::regclass", .answer = "t"},
    .setup = "CREATE TABLE t (a int, b int, d int); CREATE INDEX t_ab ON t (a, b); CREATE INDEX t_d ON t (d)",
    .bad = (const char *const[]){"CREATE INDEX x ON t (a)", "CREATE INDEX x ON t (a, b)", "CREATE INDEX x ON t (d, a)", NULL},
    .good = (const char *const[]){"CREATE INDEX x ON t (b)", "CREATE UNIQUE INDEX x ON t (a)", "CREATE INDEX x ON t (a) WHERE b > 0", "CREATE INDEX x ON t (a DESC)",
                                  "CREATE INDEX x ON t USING hash (a)", NULL},
    .needs_facts = true, .check = check,
};
