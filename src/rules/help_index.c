/* help_index.c: what stands in for an index. */
#include "sql/nodes.h"

#include "rules/help.h"

bool pr_index_is_covered(const struct pr_rel *r, const struct pr_idx *x) {
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *other = &r->idxs[i];
        if (pr_eq(other->name, x->name) || !other->valid || other->is_partial || other->n_cols < x->n_cols || !pr_eq(other->method, x->method)) continue;
        if (x->has_expressions || other->has_expressions || (x->unique && !other->unique) || (x->unique && other->n_cols != x->n_cols)) continue;
        bool same = true;
        for (size_t k = 0; k < x->n_cols; k++) same = same && pr_eq(x->cols[k], other->cols[k]);
        if (same) return true;
    }
    return false;
}

const IndexStmt *pr_index_built_later(const struct pr_rule_ctx *c, const struct pr_rel *r, const struct pr_idx *x) {
    if (x->n_cols == 0) return NULL;
    for (const struct pr_about *p = pr_about_later(c, PR_ABOUT_INDEXES, r->name); p != NULL; p = p->next) {
        const IndexStmt *is = pr_about_node(c, p);
        const IndexElem *first = is->indexParams != NIL ? linitial_node(IndexElem, is->indexParams) : NULL;
        const bool same_key = first != NULL && (first->name != NULL ? pr_eq(first->name, x->cols[0]) : x->has_expressions);
        if (same_key || pr_eq(is->idxname, x->name)) return is;
    }
    return NULL;
}
