/* refs.c: whose columns a statement reads: those of the row that is changed, of other rows of its table, of other tables. Names are
 * resolved as far as facts go; what cannot be told counts as the row's own, which is the careful side. */
#include "sql/nodes.h"

#include "backfill/impl.h"

enum { MAX_VIEWS = 8 };

/* --- relations --- */

static const struct pr_rel *rel_of(const struct bf *b, const RangeVar *rv) { return pr_find_rel(b->facts, rv->schemaname, rv->relname); }

static const struct pr_rel *parent_of(const struct bf *b, const struct pr_rel *r) {
    return r->partition_of != NULL ? pr_find_rel(b->facts, r->partition_of_schema, r->partition_of) : NULL;
}

static bool is_below(const struct bf *b, const struct pr_rel *top, const struct pr_rel *r, int depth) {
    if (top == r) return true;
    for (size_t i = 0; depth > 0 && i < top->n_partitions; i++) {
        const char *dot = strchr(top->partitions[i], '.');
        const struct pr_rel *child = dot != NULL ? pr_find_rel(b->facts, pr_dupn(b->a, top->partitions[i], (size_t)(dot - top->partitions[i])), dot + 1) : NULL;
        if (child != NULL && is_below(b, child, r, depth - 1)) return true;
    }
    return false;
}

static bool reads_written(const struct bf *b, const struct pr_rel *r, int depth);

struct view { const struct bf *b; int depth; };

static bool names_written(Node *node, void *ctx) {
    const struct view *v = ctx;
    if (node == NULL) return false;
    const RangeVar *rv = pr_as(RangeVar, node);
    if (rv == NULL) return pr_tree_walk(node, names_written, ctx);
    const struct pr_rel *r = rel_of(v->b, rv);
    return r != NULL && reads_written(v->b, r, v->depth);
}

static bool reads_written(const struct bf *b, const struct pr_rel *r, int depth) {
    const struct pr_rel *top = b->written;
    for (const struct pr_rel *up = parent_of(b, top); up != NULL; up = parent_of(b, top)) top = up;
    if (is_below(b, top, r, MAX_VIEWS)) return true;
    if (r->kind != 'v' || r->view_def == NULL || depth <= 0) return false;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(r->view_def, strlen(r->view_def), b->a, &s, &e) != PR_OK || s.n != 1) return true;
    struct view v = {.b = b, .depth = depth - 1};
    return names_written((Node *)(uintptr_t)s.stmts[0].node, &v);
}

bool bf_is_written(const struct bf *b, const RangeVar *rv) {
    const struct pr_rel *r = rel_of(b, rv);
    return r != NULL && reads_written(b, r, MAX_VIEWS);
}

/* --- columns --- */

struct scope { const struct scope *outer; const List *from; const WithClause *with; };
struct refs {
    struct bf *b;
    const struct scope *scope;     /* NULL: the statement itself */
    const char *const *cols; size_t n;
    enum bf_whose whose;
};

static bool is_cte(const struct refs *x, const RangeVar *rv) {
    ListCell *lc;
    if (rv->schemaname != NULL) return false;
    if (x->b->with != NULL)
        foreach (lc, x->b->with->ctes)
            if (pr_eq(lfirst_node(CommonTableExpr, lc)->ctename, rv->relname)) return true;
    for (const struct scope *s = x->scope; s != NULL; s = s->outer)
        if (s->with != NULL)
            foreach (lc, s->with->ctes)
                if (pr_eq(lfirst_node(CommonTableExpr, lc)->ctename, rv->relname)) return true;
    return false;
}

static const Alias *alias_of(const Node *n) {
    if (IsA(n, RangeVar)) return pr_cast(RangeVar, n)->alias;
    if (IsA(n, RangeSubselect)) return pr_cast(RangeSubselect, n)->alias;
    if (IsA(n, RangeFunction)) return pr_cast(RangeFunction, n)->alias;
    return IsA(n, JoinExpr) ? pr_cast(JoinExpr, n)->alias : NULL;
}

static enum bf_whose of_item(const struct refs *x, const Node *item) {
    const RangeVar *rv = pr_as(RangeVar, item);
    if (rv == NULL || is_cte(x, rv)) return BF_OTHER;
    if (rv == x->b->walked) return BF_OWN;
    return bf_is_written(x->b, rv) ? BF_SELF : BF_OTHER;
}

/* An item of a FROM by the name that it goes by. */
static const Node *item_named(const Node *n, const char *name) {
    ListCell *lc;
    const List *l = pr_as(List, n);
    if (l != NULL) {
        foreach (lc, l) {
            const Node *found = item_named(lfirst(lc), name);
            if (found != NULL) return found;
        }
        return NULL;
    }
    if (n == NULL) return NULL;
    const Alias *alias = alias_of(n);
    const RangeVar *rv = pr_as(RangeVar, n);
    if (alias != NULL ? pr_eq(alias->aliasname, name) : rv != NULL && pr_eq(rv->relname, name)) return n;
    const JoinExpr *j = pr_as(JoinExpr, n);
    if (j == NULL) return NULL;
    const Node *left = item_named(j->larg, name);
    return left != NULL ? left : item_named(j->rarg, name);
}

/* The item of a FROM that has the column; *unsure when one may have it, as far as is known. */
static const Node *item_with(const struct refs *x, const Node *n, const char *col, bool *unsure) {
    ListCell *lc;
    const List *l = pr_as(List, n);
    if (l != NULL) {
        foreach (lc, l) {
            const Node *found = item_with(x, lfirst(lc), col, unsure);
            if (found != NULL) return found;
        }
        return NULL;
    }
    const JoinExpr *j = pr_as(JoinExpr, n);
    if (j != NULL) {
        const Node *left = item_with(x, j->larg, col, unsure);
        return left != NULL ? left : item_with(x, j->rarg, col, unsure);
    }
    const RangeVar *rv = pr_as(RangeVar, n);
    const struct pr_rel *r = rv != NULL && !is_cte(x, rv) ? rel_of(x->b, rv) : NULL;
    if (r == NULL || r->n_cols == 0) *unsure = true;
    else if (pr_find_col(r, col) != NULL) return n;
    return NULL;
}

static enum bf_whose whose_qualified(const struct refs *x, const char *name) {
    for (const struct scope *s = x->scope; s != NULL; s = s->outer) {
        const Node *item = item_named((const Node *)s->from, name);
        if (item != NULL) return of_item(x, item);
    }
    if (pr_eq(name, x->b->alias)) return BF_OWN;
    const Node *item = item_named((const Node *)*x->b->from, name);
    return item != NULL ? of_item(x, item) : BF_OWN;
}

static enum bf_whose whose_bare(const struct refs *x, const char *name) {
    for (const struct scope *s = x->scope; s != NULL; s = s->outer) {
        bool unsure = false;
        const Node *item = item_with(x, (const Node *)s->from, name, &unsure);
        if (item != NULL) return of_item(x, item);
        if (unsure) return BF_OWN;
    }
    if (pr_find_col(x->b->root, name) != NULL) return BF_OWN;
    const Node *item = item_named((const Node *)*x->b->from, name);     /* a whole row of another table */
    return item != NULL ? of_item(x, item) : BF_OTHER;
}

/* Of a star: the written table is among what it stands for. */
static enum bf_whose whose_star(const struct refs *x) {
    ListCell *lc;
    if (x->scope == NULL) return BF_OWN;
    foreach (lc, x->scope->from)
        if (of_item(x, lfirst(lc)) == BF_SELF) return BF_SELF;
    return BF_OTHER;
}

static bool is_read(const struct refs *x, const ColumnRef *ref) {
    const int n = list_length(ref->fields);
    const Node *last = llast(ref->fields);
    const char *name = IsA(last, String) ? strVal(last) : NULL;
    const char *qualifier = n > 1 ? strVal(list_nth(ref->fields, n - 2)) : NULL;
    enum bf_whose whose = qualifier != NULL ? whose_qualified(x, qualifier) : name != NULL ? whose_bare(x, name) : whose_star(x);
    /* The name of the table alone is its whole row. */
    const bool row = qualifier == NULL && name != NULL && pr_eq(name, x->b->alias) && pr_find_col(x->b->root, name) == NULL;
    if (row) whose = BF_OWN;
    return whose == x->whose && (name == NULL || row || pr_mentions(x->cols, x->n, name));
}

static bool walk_refs(Node *node, void *ctx) {
    const struct refs *x = ctx;
    if (node == NULL) return false;
    if (IsA(node, ColumnRef)) return is_read(x, pr_cast(ColumnRef, node));
    if (!IsA(node, SelectStmt) || pr_cast(SelectStmt, node) == x->b->select) return pr_tree_walk(node, walk_refs, ctx);
    const SelectStmt *q = pr_cast(SelectStmt, node);
    const struct scope inner = {.outer = x->scope, .from = q->fromClause, .with = q->withClause};
    struct refs below = *x;
    below.scope = &inner;
    return pr_tree_walk(node, walk_refs, &below);
}

bool bf_reads(struct bf *b, const void *node, const char *const *cols, size_t n, enum bf_whose whose) {
    struct refs x = {.b = b, .cols = cols, .n = n, .whose = whose};
    return walk_refs((Node *)(uintptr_t)node, &x);
}

struct again { struct refs refs; const RangeVar *found; };

static bool walk_again(Node *node, void *ctx) {
    struct again *x = ctx;
    if (node == NULL) return false;
    const RangeVar *rv = pr_as(RangeVar, node);
    if (rv != NULL) {
        if (rv == x->refs.b->target || rv == x->refs.b->walked || is_cte(&x->refs, rv) || !bf_is_written(x->refs.b, rv)) return false;
        x->found = rv;
        return true;
    }
    const SelectStmt *q = pr_as(SelectStmt, node);
    if (q == NULL) return pr_tree_walk(node, walk_again, ctx);
    const struct scope inner = {.outer = x->refs.scope, .from = q->fromClause, .with = q->withClause};
    struct again below = *x;
    below.refs.scope = &inner;
    const bool hit = pr_tree_walk(node, walk_again, &below);
    x->found = below.found;
    return hit;
}

const RangeVar *bf_again(struct bf *b, const void *node) {
    struct again x = {.refs.b = b};
    (void)walk_again((Node *)(uintptr_t)node, &x);
    return x.found;
}
