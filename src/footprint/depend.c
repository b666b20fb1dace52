/* depend.c: which columns a view uses, as pg_depend will say: so that dropping or changing another column is not foretold to fail.
 * An alias is taken for every relation that bears it anywhere in the query: rather one column too many than a failure that
 * nobody was told of. */
#include "footprint/statements.h"

/* A query level: the relations of its FROM that are known. */
struct level { const struct level *outer; const struct w_rel **rels; size_t n, cap; struct fx *x; };

struct use {
    struct fx *x;
    const struct w_rel *r;         /* whose columns are asked for */
    const struct level *level;
    const char **aliases; size_t n, cap;                   /* it stands under in this query */
    const char **cols; size_t n_cols, cap_cols;
    bool all;                      /* by a star */
};

static bool gather_aliases(Node *node, void *ctx) {
    struct use *u = ctx;
    if (node == NULL) return false;
    if (IsA(node, RangeVar)) {
        const RangeVar *v = FX_NODE(RangeVar, node);
        if (w_find(u->x->w, v->schemaname, v->relname) == u->r)
            *PR_PUSH(u->x->o, u->aliases, u->n, u->cap) = v->alias != NULL ? v->alias->aliasname : v->relname;
    }
    return pr_tree_walk(node, gather_aliases, ctx);
}

static bool gather_from(Node *node, void *ctx) {
    struct level *l = ctx;
    if (node == NULL || IsA(node, RangeSubselect) || IsA(node, SelectStmt)) return false;
    if (IsA(node, RangeVar)) {
        const RangeVar *v = FX_NODE(RangeVar, node);
        const struct w_rel *r = w_find(l->x->w, v->schemaname, v->relname);
        if (r != NULL) *PR_PUSH(l->x->o, l->rels, l->n, l->cap) = r;
    }
    return pr_tree_walk(node, gather_from, ctx);
}

/* An unqualified name means the innermost level that has such a column. */
static bool means(const struct use *u, const char *col) {
    for (const struct level *l = u->level; l != NULL; l = l->outer) {
        bool here = false, has = false;
        for (size_t i = 0; i < l->n; i++) {
            has = has || pr_find_col(&l->rels[i]->r, col) != NULL;
            here = here || l->rels[i] == u->r;
        }
        if (has) return here;
    }
    return true;
}

static bool stands_here(const struct use *u) {
    for (size_t i = 0; u->level != NULL && i < u->level->n; i++)
        if (u->level->rels[i] == u->r) return true;
    return u->level == NULL;
}

static void take_column(struct use *u, const List *fields) {
    const int n = list_length(fields);
    const Node *last = llast(fields);
    const char *of = n > 1 && IsA(list_nth(fields, n - 2), String) ? strVal(list_nth(fields, n - 2)) : NULL;
    if (of != NULL && !pr_mentions(u->aliases, u->n, of)) return;
    if (IsA(last, A_Star)) u->all = u->all || of != NULL || stands_here(u);
    if (!IsA(last, String)) return;
    const char *col = strVal(last);
    const bool whole_row = n == 1 && pr_mentions(u->aliases, u->n, col) && pr_find_col(&u->r->r, col) == NULL;
    if (whole_row) u->all = true;
    else if (of != NULL || means(u, col)) *PR_PUSH(u->x->o, u->cols, u->n_cols, u->cap_cols) = col;
}

static bool gather_uses(Node *node, void *ctx) {
    struct use *u = ctx;
    if (node == NULL) return false;
    if (IsA(node, ColumnRef)) take_column(u, FX_NODE(ColumnRef, node)->fields);
    if (!IsA(node, SelectStmt)) return pr_tree_walk(node, gather_uses, ctx);
    struct level level = {.outer = u->level, .x = u->x};
    (void)gather_from((Node *)(uintptr_t)FX_NODE(SelectStmt, node)->fromClause, &level);
    u->level = &level;
    const bool stop = pr_tree_walk(node, gather_uses, ctx);
    u->level = level.outer;
    return stop;
}

/* JOIN … USING (a) and NATURAL JOIN name columns without a ColumnRef. */
static bool gather_joins(Node *node, void *ctx) {
    struct use *u = ctx;
    if (node == NULL) return false;
    if (IsA(node, JoinExpr)) {
        const JoinExpr *j = FX_NODE(JoinExpr, node);
        if (j->isNatural) u->all = true;
        ListCell *lc;
        foreach (lc, j->usingClause) *PR_PUSH(u->x->o, u->cols, u->n_cols, u->cap_cols) = strVal(lfirst(lc));
    }
    return pr_tree_walk(node, gather_joins, ctx);
}

void fx_depend_on_read(struct fx *x, const struct w_rel *view, const void *query) {
    Node *tree = (Node *)(uintptr_t)query;
    for (size_t i = 0; i < x->out->n; i++) {
        struct w_rel *r = (struct w_rel *)(uintptr_t)x->touched[i];
        if (r == NULL || r == view || r->r.kind == 'S') continue;
        struct use u = {.x = x, .r = r};
        (void)gather_aliases(tree, &u);
        (void)gather_uses(tree, &u);
        (void)gather_joins(tree, &u);
        const char **mentions = PR_NEW_ARRAY(x->a, const char *, r->r.n_cols + 1);
        size_t m = 0;
        for (size_t k = 0; k < r->r.n_cols; k++)
            if (u.all || pr_mentions(u.cols, u.n_cols, r->r.cols[k].name)) mentions[m++] = r->r.cols[k].name;
        w_add_dep(x->w, r, view->r.kind == 'v' ? "view" : "materialized view", view, mentions, m);
    }
}
