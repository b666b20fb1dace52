/* type.c: ALTER COLUMN … TYPE: who stands in the way, what is rewritten, rebuilt, checked again. */
#include "footprint/fx.h"

static void refuse(struct fx_at *t, const char *col, const char *state, const char *kind, const char *name) {
    fx_fail(t->x, state, true, "cannot alter type of column \"%s\": %s %s uses it", col, kind, name);
}

/* What the server does not rebuild by itself stops the statement. */
static void blockers(struct fx_at *t, const char *col) {
    struct fx *x = t->x;
    const struct pr_rel *r = &t->r->r;
    const char *state = x->w->version != 0 && x->w->version < 150000 ? "42601" : "0A000";
    for (size_t i = 0; i < r->n_deps; i++)
        if (pr_eq(r->deps[i].kind, "generated column") && pr_mentions(r->deps[i].mentions, r->deps[i].n_mentions, col) &&
            fx_dep_alive(x, r, &r->deps[i]))
            refuse(t, col, state, "generated column", r->deps[i].name);
    for (size_t i = 0; i < r->n_deps; i++) {
        const struct pr_dep *d = &r->deps[i];
        if (pr_eq(d->kind, "statistics") || pr_eq(d->kind, "sequence") || pr_eq(d->kind, "generated column")) continue;
        if (pr_mentions(d->mentions, d->n_mentions, col) && fx_dep_alive(x, r, d)) refuse(t, col, "0A000", d->kind, d->name);
    }
    for (size_t i = 0; i < r->n_trgs; i++)
        if (pr_mentions(r->trgs[i].mentions, r->trgs[i].n_mentions, col))
            refuse(t, col, "0A000", "trigger", r->trgs[i].name);
    for (size_t i = 0; i < r->n_pols; i++)
        if (pr_mentions(r->pols[i].mentions, r->pols[i].n_mentions, col)) refuse(t, col, "0A000", "policy", r->pols[i].name);
    if (fx_in_partition_key(x, t->r, col))
        fx_fail(x, "42P16", true, "cannot alter column \"%s\" because it is part of the partition key", col);
}

/* --- expressions that lose their operator: text + integer --- */

struct operands { const char *col; const struct fx_type *to; const char *op; };

static bool is_integer(const Node *n) {
    while (n != NULL && IsA(n, TypeCast)) n = FX_NODE(TypeCast, n)->arg;
    return n != NULL && IsA(n, A_Const) && !FX_NODE(A_Const, n)->isnull && nodeTag(&FX_NODE(A_Const, n)->val) == T_Integer;
}

static bool find_operator(Node *node, void *ctx) {
    struct operands *o = ctx;
    if (node == NULL) return false;
    if (!IsA(node, A_Expr) || FX_NODE(A_Expr, node)->kind != AEXPR_OP) return pr_tree_walk(node, find_operator, ctx);
    const A_Expr *e = FX_NODE(A_Expr, node);
    const bool left = pr_eq(fx_bare_column(e->lexpr), o->col), right = pr_eq(fx_bare_column(e->rexpr), o->col);
    const Node *other = left ? e->rexpr : e->lexpr;
    const char *op = strVal(llast(e->name));
    if ((left || right) && is_integer(other)) {
        const bool arithmetic = strchr("+-*/%", *op) != NULL && op[1] == '\0';
        if (fx_is_string(o->to) || (arithmetic && !fx_is_number(o->to))) o->op = op;
    }
    return o->op != NULL || pr_tree_walk(node, find_operator, ctx);
}

static void look_for_operator(void *ctx, const Node *expr) {
    struct operands *o = ctx;
    if (find_operator((Node *)(uintptr_t)expr, ctx)) o->op = "an operator";
}

/* Types that no btree index can order. */
static void no_operator_class(struct fx_at *t, const struct pr_col *c, const struct fx_type *to) {
    static const char *const unordered[] = {"json", "xml", "point", "box", "line", "lseg", "path", "polygon", "circle"};
    bool hit = false;
    for (size_t i = 0; i < PR_COUNT(unordered); i++) hit = hit || (pr_eq(to->name, unordered[i]) && to->user == NULL);
    for (size_t i = 0; hit && i < t->r->r.n_idxs; i++) {
        const struct pr_idx *ix = &t->r->r.idxs[i];
        if (pr_eq(ix->method, "btree") && pr_mentions(ix->cols, ix->n_cols, c->name))
            fx_fail(t->x, "42704", true, "%s has no operator class for the btree index \"%s\"", to->name, ix->name);
    }
}

/* Stored expressions keep the types of their constants: x + 1 has no meaning once x is text. */
static void lost_operators(struct fx_at *t, const struct pr_col *c, const struct fx_type *to) {
    struct fx *x = t->x;
    const struct fx_type base = fx_base_type(x, to);
    struct operands o = {.col = c->name, .to = &base};
    if (!base.known) return;
    no_operator_class(t, c, &base);
    for (size_t i = 0; i < t->r->r.n_idxs && o.op == NULL; i++) {
        const struct pr_idx *ix = &t->r->r.idxs[i];
        if (!pr_mentions(ix->mentions, ix->n_mentions, c->name)) continue;
        for (size_t k = 0; k < ix->n_cols && o.op == NULL; k++)
            if (ix->cols[k][0] == '(') (void)fx_with_expr(x, ix->cols[k], look_for_operator, &o);
        const char *where = ix->is_partial && ix->def != NULL ? strstr(ix->def, " WHERE ") : NULL;
        if (where != NULL) (void)fx_with_expr(x, where + strlen(" WHERE "), look_for_operator, &o);
    }
    for (size_t i = 0; i < t->r->r.n_cons && o.op == NULL; i++) {
        const struct pr_con *con = &t->r->r.cons[i];
        if (con->type == 'c' && pr_mentions(con->cols, con->n_cols, c->name))
            (void)fx_with_expr(x, con->def, look_for_operator, &o);
    }
    if (o.op != NULL)
        fx_fail(x, "42883", true, "an index or a check uses \"%s\" with an operator that %s does not have", c->name,
                fx_type_text(x, to));
}

/* USING: nothing, the bare column, or a cast of it are as good as no USING; anything else is computed for every row. */
static bool bare_using(struct fx *x, const Node *using, const char *col, struct fx_type *through) {
    if (using == NULL) return true;
    while (IsA(using, TypeCast)) {
        const TypeCast *c = FX_NODE(TypeCast, using);
        *through = fx_type_of_node(x, c->typeName);
        using = c->arg;
        if (!IsA(using, ColumnRef)) return false;
    }
    return pr_eq(fx_bare_column(using), col);
}

static enum fx_change judge(struct fx_at *t, const struct pr_col *c, const struct fx_type *to, bool *indexes) {
    struct fx *x = t->x;
    const ColumnDef *def = FX_NODE(ColumnDef, t->cmd->def);
    struct fx_type from = fx_type_of_text(x, c->type, c->type_schema), through = {0};
    if (!from.known && c->base_type != NULL) from = fx_type_of_text(x, c->base_type, NULL);
    if (!bare_using(x, def->raw_default, c->name, &through)) return FX_REWRITE;
    if (through.name == NULL) return fx_type_change(x, &from, to, indexes);
    bool first = false;
    const enum fx_change a = fx_type_change(x, &from, &through, &first), b = fx_type_change(x, &through, to, indexes);
    *indexes = *indexes || first;
    return a > b ? a : b;
}

static bool mentions_index(const struct pr_idx *ix, const char *col) {
    return pr_mentions(ix->mentions, ix->n_mentions, col) || pr_mentions(ix->cols, ix->n_cols, col);
}

/* The heap stays; indexes with expressions or a predicate that depend on the column are built anew all the same. */
static void rebuilds(struct fx_at *t, const char *col, bool all) {
    int n = 0;
    for (size_t i = 0; i < t->r->r.n_idxs; i++) {
        const struct pr_idx *ix = &t->r->r.idxs[i];
        if (!mentions_index(ix, col)) continue;
        const bool key = pr_mentions(ix->cols, ix->n_cols, col);
        if (ix->has_expressions || ix->is_partial || !ix->valid || (all && key)) n++;
    }
    if (n == 0) return;
    fx_build(t->x, t->r, n);
    fx_why(t->x, t->r, "the heap stays, but %s on \"%s\" %s built anew", pr_plural(t->x->o, n, "index"), col,
           n == 1 ? "is" : "are");
}

static void constraints(struct fx_at *t, const char *col, bool rewrite) {
    struct fx *x = t->x;
    for (size_t i = 0; i < t->r->r.n_cons; i++) {
        const struct pr_con *c = &t->r->r.cons[i];
        if (!pr_mentions(c->cols, c->n_cols, col)) continue;
        if (c->type == 'c' && c->validated && c->enforced && !rewrite)
            fx_verify(t, pr_fmt(x->o, "every row is checked again against \"%s\"", c->name));
        if (c->type != 'f') continue;
        struct w_rel *partner = fx_rel_named(x, c->ref_schema, c->ref_table, 'r', true);
        if (partner == NULL) continue;
        fx_lock(x, partner, PR_ACCESS_EXCLUSIVE);
        if (!rewrite || !c->validated || !c->enforced) continue;
        fx_scan(x, partner);
        fx_scan(x, t->r);
        fx_why(x, partner, "the foreign key \"%s\" is checked again", c->name);
    }
}

static void failures(struct fx_at *t, const struct pr_col *c, const struct fx_type *to) {
    struct fx *x = t->x;
    const ColumnDef *def = FX_NODE(ColumnDef, t->cmd->def);
    const struct fx_type from = fx_type_of_text(x, c->type, c->type_schema);
    const char *new_type = fx_type_text(x, to);
    if (!fx_castable(&from, to)) {
        if (def->raw_default == NULL)
            fx_fail(x, "42804", true, "column \"%s\" cannot be cast automatically to type %s", c->name, new_type);
        else if (c->has_default && c->generated == 0 && c->identity == 0 && !fx_is_null_text(c->default_sql))
            fx_fail(x, "42804", true, "default for column \"%s\" cannot be cast automatically to type %s", c->name, new_type);
    }
    bool sure = false;
    if (!fx_lossy(&from, to)) return;
    x->out->loses_data = true;
    if (def->raw_default == NULL && fx_has_rows(t->r, &sure))
        fx_fail(x, "22000", false, "values of \"%s\" that do not fit %s", c->name, new_type);
}

static void move_on(struct fx_at *t, const struct fx_type *to) {
    struct pr_col *c = w_col(t->x->w, t->r, t->cmd->name);
    const ColumnDef *def = FX_NODE(ColumnDef, t->cmd->def);
    c->type = fx_type_text(t->x, to);
    c->type_schema = to->schema;
    c->base_type = NULL;
    c->domain_constrained = false;
    c->collation = NULL;
    if (to->user != NULL && to->user->t.kind == 'd') {
        c->base_type = to->user->t.base_type;
        c->domain_constrained = to->user->t.constrained;
    }
    if (def->collClause == NULL) return;
    const char *schema = NULL, *name = NULL;
    fx_parts(def->collClause->collname, &schema, &name);
    c->collation = fx_str(t->x, name);
}

static bool collation_changes(const struct pr_col *c, const ColumnDef *def) {
    const char *schema = NULL, *name = NULL;
    if (def->collClause != NULL) fx_parts(def->collClause->collname, &schema, &name);
    if (pr_eq(name, "default")) name = NULL;
    const char *has = c->collation;
    if (has == NULL || name == NULL) return has != name;
    const char *dot = strrchr(has, '.');
    has = dot != NULL ? dot + 1 : has;
    return strstr(has, name) == NULL;
}

static void keep_default(void *ctx, const Node *expr) { fx_stored_sequences(ctx, expr); }

void fx_alter_type(struct fx_at *t) {
    struct fx *x = t->x;
    const char *col = t->cmd->name;
    const ColumnDef *def = FX_NODE(ColumnDef, t->cmd->def);
    const struct fx_type to = fx_type_of_node(x, def->typeName);
    const struct pr_col *c = pr_find_col(&t->r->r, col);
    const char *new_type = fx_type_text(x, &to);
    if (c == NULL) {
        if (t->r->complete) {
            fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", col, t->r->r.name);
            return;
        }
        fx_guess(x);
        t->rewrite = true;
        fx_why(x, t->r, "the present type of \"%s\" is not known: taken for a rewrite to %s", col, new_type);
        return;
    }
    if (t->r == t->root && fx_inherited(x, t->r, col))
        fx_fail(x, "42P16", true, "cannot alter inherited column \"%s\"", col);
    blockers(t, col);
    failures(t, c, &to);
    lost_operators(t, c, &to);
    if (x->stop) return;
    bool indexes = false;
    const enum fx_change change = judge(t, c, &to, &indexes);
    if (change == FX_UNSURE) fx_guess(x);
    const bool rewrite = change == FX_REWRITE || change == FX_UNSURE;
    if (rewrite) {
        t->rewrite = true;
        fx_why(x, t->r, "%s to %s: every row is written anew", c->type, new_type);
    } else {
        rebuilds(t, col, indexes || collation_changes(c, def));
    }
    constraints(t, fx_str(x, col), rewrite);
    if (c->identity != 0) fx_lock_owned(x, t->r, col, PR_SHARE_ROW_EXCLUSIVE);
    else if (c->default_sql != NULL && c->generated == 0) (void)fx_with_expr(x, c->default_sql, keep_default, x);
    move_on(t, &to);
}
