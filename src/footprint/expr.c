/* expr.c: what raw expressions say: the columns that they name, what they prove, and whether they are volatile. */
#include "footprint/fx.h"

/* --- columns --- */

struct gather { struct pr_arena *a; const char **names; size_t n, cap; };

static const char *column_of(const ColumnRef *c) {
    const int n = list_length(c->fields);
    if (n == 0) return NULL;
    const Node *last = list_nth(c->fields, n - 1);
    return IsA(last, String) ? strVal(last) : NULL;
}

static bool gather_columns(Node *node, void *ctx) {
    struct gather *g = ctx;
    if (node == NULL) return false;
    if (!IsA(node, ColumnRef)) return pr_tree_walk(node, gather_columns, ctx);
    const char *name = column_of(FX_NODE(ColumnRef, node));
    if (name == NULL) return false;
    for (size_t i = 0; i < g->n; i++)
        if (pr_eq(g->names[i], name)) return false;
    *PR_PUSH(g->a, g->names, g->n, g->cap) = pr_dup(g->a, name);
    return false;
}

static Node *mutable_node(const void *node) { return (Node *)(uintptr_t)node; }

size_t fx_columns(const void *expr, struct pr_arena *a, const char ***out) {
    struct gather g = {.a = a};
    (void)gather_columns(mutable_node(expr), &g);
    *out = g.names;
    return g.n;
}

static bool is_column(Node *node, void *ctx) {
    if (node == NULL) return false;
    if (IsA(node, ColumnRef)) return pr_eq(column_of(FX_NODE(ColumnRef, node)), ctx);
    return pr_tree_walk(node, is_column, ctx);
}

bool fx_names_column(const void *expr, const char *col) {
    return is_column(mutable_node(expr), (void *)(uintptr_t)col);
}

const char *fx_bare_column(const void *expr) {
    const Node *n = expr;
    return n != NULL && IsA(n, ColumnRef) ? column_of(FX_NODE(ColumnRef, n)) : NULL;
}

bool fx_is_null(const void *expr) {
    const Node *n = expr;
    while (n != NULL && IsA(n, TypeCast)) n = FX_NODE(TypeCast, n)->arg;
    return n == NULL || (IsA(n, A_Const) && FX_NODE(A_Const, n)->isnull);
}

/* --- proofs --- */

void fx_proven(const void *expr, void (*hit)(void *ctx, const char *col), void *ctx) {
    const Node *n = expr;
    if (n == NULL) return;
    if (IsA(n, BoolExpr)) {
        const BoolExpr *b = FX_NODE(BoolExpr, n);
        ListCell *lc;
        if (b->boolop == AND_EXPR)
            foreach (lc, b->args) fx_proven(lfirst(lc), hit, ctx);
        return;
    }
    if (!IsA(n, NullTest) || FX_NODE(NullTest, n)->nulltesttype != IS_NOT_NULL) return;
    const char *col = fx_bare_column(FX_NODE(NullTest, n)->arg);
    if (col != NULL) hit(ctx, col);
}

struct proof_of { const char *col; bool found; };

static void match_proof(void *ctx, const char *col) {
    struct proof_of *p = ctx;
    if (pr_eq(p->col, col)) p->found = true;
}

static void proof_of_expr(void *ctx, const Node *expr) { fx_proven(expr, match_proof, ctx); }

static bool valid_con(const struct w_rel *r, const char *name) {
    const struct pr_con *c = pr_find_con(&r->r, name);
    return c != NULL && c->validated && c->enforced;
}

bool fx_proves_not_null(struct fx *x, const struct w_rel *r, const char *col, const char **by) {
    for (const struct w_proof *p = r->proofs; p != NULL; p = p->next) {
        if (!pr_eq(p->col, col) || !valid_con(r, p->con)) continue;
        *by = p->con;
        return true;
    }
    for (size_t i = 0; i < r->r.n_cons; i++) {
        const struct pr_con *c = &r->r.cons[i];
        if (c->type != 'c' || !c->validated || !c->enforced || c->def == NULL) continue;
        struct proof_of p = {.col = col};
        if (!fx_with_expr(x, c->def, proof_of_expr, &p) || !p.found) continue;
        *by = c->name;
        return true;
    }
    return false;
}

/* --- text of the catalog --- */

static const Node *expr_of_script(const struct pr_script *s, bool is_check) {
    if (s->n != 1 || s->stmts[0].node == NULL) return NULL;
    const Node *n = s->stmts[0].node;
    if (is_check) {
        if (!IsA(n, AlterTableStmt)) return NULL;
        const AlterTableCmd *cmd = linitial(FX_NODE(AlterTableStmt, n)->cmds);
        return cmd->def != NULL && IsA(cmd->def, Constraint) ? FX_NODE(Constraint, cmd->def)->raw_expr : NULL;
    }
    if (!IsA(n, SelectStmt)) return NULL;
    const List *targets = FX_NODE(SelectStmt, n)->targetList;
    return list_length(targets) == 1 ? FX_NODE(ResTarget, linitial(targets))->val : NULL;
}

bool fx_with_expr(struct fx *x, const char *text, void (*use)(void *ctx, const Node *expr), void *ctx) {
    if (text == NULL) return false;
    const bool is_check = pr_starts(text, "CHECK");
    const char *sql = is_check ? pr_fmt(x->o, "ALTER TABLE t ADD %s", text) : pr_fmt(x->o, "SELECT %s", text);
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(sql, strlen(sql), x->o, &s, &e) != PR_OK) return false;
    const Node *expr = expr_of_script(&s, is_check);
    if (expr == NULL) return false;
    use(ctx, expr);
    return true;
}

struct names { const char *col; bool found; };

static void look_for(void *ctx, const Node *expr) {
    struct names *n = ctx;
    n->found = fx_names_column(expr, n->col);
}

bool fx_text_names_column(struct fx *x, const char *text, const char *col) {
    if (text == NULL || strstr(text, col) == NULL) return false;
    struct names n = {.col = col};
    return fx_with_expr(x, text, look_for, &n) ? n.found : true;
}

/* --- volatility --- */

struct vol { struct fx *x; const char *what; bool found; int depth; };

static bool walk_volatile(Node *node, void *ctx);

/* A VOLATILE function in SQL whose body is one expression is inlined by the planner; what counts is that expression. */
static bool inlines_steady(struct vol *v, const struct pr_fn *fn) {
    if (!pr_eq(fn->language, "sql") || fn->body == NULL || v->depth > 3) return false;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(fn->body, strlen(fn->body), v->x->o, &s, &e) != PR_OK) return false;
    if (s.n != 1 || s.stmts[0].node == NULL || !IsA(s.stmts[0].node, SelectStmt)) return false;
    const SelectStmt *q = s.stmts[0].node;
    if (q->fromClause != NIL || q->whereClause != NULL || q->withClause != NULL || list_length(q->targetList) != 1)
        return false;
    struct vol inner = {.x = v->x, .depth = v->depth + 1};
    return !walk_volatile(FX_NODE(ResTarget, linitial(q->targetList))->val, &inner);
}

/* Any overload of that name: the argument types of a raw tree are not resolved. */
static enum fx_volatility user_function(struct vol *v, const char *schema, const char *name) {
    const struct pr_facts *f = pr_world_facts(v->x->w);
    enum fx_volatility found = FX_UNKNOWN;
    for (size_t i = 0; f != NULL && i < f->n_fns; i++) {
        const struct pr_fn *fn = &f->fns[i];
        if (!pr_eq(fn->name, name) || (schema != NULL && !pr_eq(fn->schema, schema))) continue;
        if (fn->volatility == 'v' && !inlines_steady(v, fn)) return FX_VOLATILE;
        found = FX_STEADY;
    }
    return found;
}

static bool call_volatile(struct vol *v, const FuncCall *call) {
    const char *schema = NULL, *name = NULL;
    fx_parts(call->funcname, &schema, &name);
    enum fx_volatility is = FX_UNKNOWN;
    if (schema == NULL || pr_eq(schema, "pg_catalog")) is = fx_builtin(name);
    if (is == FX_UNKNOWN) is = user_function(v, schema, name);
    if (is == FX_STEADY) return false;
    if (is == FX_UNKNOWN) fx_guess(v->x);
    v->what = pr_fmt(v->x->o, "%s()", name);
    return true;
}

static bool walk_volatile(Node *node, void *ctx) {
    struct vol *v = ctx;
    if (node == NULL || v->found) return v->found;
    if (IsA(node, FuncCall) && call_volatile(v, FX_NODE(FuncCall, node))) {
        v->found = true;
        return true;
    }
    return pr_tree_walk(node, walk_volatile, ctx);
}

bool fx_volatile(struct fx *x, const void *expr, const char **what) {
    struct vol v = {.x = x};
    const bool found = walk_volatile(mutable_node(expr), &v);
    if (found) *what = v.what;
    return found;
}

bool pr_world_volatile(const struct pr_world *w, const void *expr, struct pr_arena *a, const char **what) {
    struct pr_footprint ignored = {0};
    struct fx x = {.w = (struct pr_world *)(uintptr_t)w, .a = a, .o = a, .out = &ignored};
    return !fx_is_null(expr) && fx_volatile(&x, expr, what);
}

/* --- sequences --- */

struct sequences { struct fx *x; enum pr_lock lock; };
/* pg_get_serial_sequence('t', 'c') */
static void lock_serial(struct fx *x, const FuncCall *call, enum pr_lock lock) {
    if (!pr_eq(strVal(llast(call->funcname)), "pg_get_serial_sequence") || list_length(call->args) != 2) return;
    const char *table = fx_text_constant(linitial(call->args)), *col = fx_text_constant(lsecond(call->args));
    if (table == NULL || col == NULL) return;
    const size_t len = strlen(table);
    const bool quoted = len > 2 && table[0] == '"' && table[len - 1] == '"' && strchr(table, '.') == NULL;
    const struct w_rel *r = w_find_full(x->w, quoted ? pr_dupn(x->o, table + 1, len - 2) : table);
    if (r != NULL) (void)fx_lock_owned(x, r, fx_str(x, col), lock);
    else fx_guess(x);
}

/* A regclass constant reads like a column: "Queue_id_seq", public.q_id_seq, with the quotes and the folding of any identifier. */
static void lock_named(void *ctx, const Node *expr) {
    const struct sequences *s = ctx;
    if (!IsA(expr, ColumnRef)) return;
    const char *schema = NULL, *name = NULL;
    fx_parts(FX_NODE(ColumnRef, expr)->fields, &schema, &name);
    const struct w_rel *seq = fx_rel_named(s->x, fx_str(s->x, schema), fx_str(s->x, name), 'S', false);
    if (seq != NULL) fx_lock(s->x, seq, s->lock);
}

static bool lock_sequences(Node *node, void *ctx) {
    const struct sequences *s = ctx;
    struct fx *x = s->x;
    if (node == NULL) return false;
    if (!IsA(node, FuncCall)) return pr_tree_walk(node, lock_sequences, ctx);
    const FuncCall *call = FX_NODE(FuncCall, node);
    const char *schema = NULL, *name = NULL;
    fx_parts(call->funcname, &schema, &name);
    const bool one = pr_eq(name, "nextval") || pr_eq(name, "setval") || pr_eq(name, "currval");
    if (!one || call->args == NIL) return pr_tree_walk(node, lock_sequences, ctx);
    const Node *arg = linitial(call->args);
    while (arg != NULL && IsA(arg, TypeCast)) arg = FX_NODE(TypeCast, arg)->arg;
    if (arg != NULL && IsA(arg, FuncCall)) lock_serial(x, FX_NODE(FuncCall, arg), s->lock);
    if (arg == NULL || !IsA(arg, A_Const) || nodeTag(&FX_NODE(A_Const, arg)->val) != T_String) return false;
    (void)fx_with_expr(x, strVal(&FX_NODE(A_Const, arg)->val), lock_named, ctx);
    return false;
}

void fx_sequences(struct fx *x, const void *expr) {
    struct sequences s = {.x = x, .lock = PR_ROW_EXCLUSIVE};
    (void)lock_sequences(mutable_node(expr), &s);
}

/* 15.20 looks the sequence up and keeps the lock, 15.18 did not. The releases of the other majors that may have it were not to be had. */
void fx_stored_sequences(struct fx *x, const void *expr) {
    struct sequences s = {.x = x, .lock = PR_ACCESS_SHARE};
    if (x->w->version >= 150020 && x->w->version < 160000) (void)lock_sequences(mutable_node(expr), &s);
}

bool fx_is_null_text(const char *default_sql) { return default_sql == NULL || pr_starts(default_sql, "NULL"); }

const char *fx_text_constant(const void *expr) {
    const Node *n = expr;
    while (n != NULL && IsA(n, TypeCast)) n = FX_NODE(TypeCast, n)->arg;
    if (n == NULL || !IsA(n, A_Const)) return NULL;
    const A_Const *c = FX_NODE(A_Const, n);
    return !c->isnull && nodeTag(&c->val) == T_String ? strVal(&c->val) : NULL;
}

void fx_enum_value(struct fx *x, const struct fx_type *type, const void *expr) {
    const char *value = fx_text_constant(expr);
    if (value == NULL || type->user == NULL || type->user->t.kind != 'e' || type->array) return;
    for (size_t i = 0; i < type->user->t.n_values; i++)
        if (pr_eq(type->user->t.values[i], value)) return;
    fx_fail(x, "22P02", true, "invalid input value for enum %s: \"%s\"", type->name, value);
}

const char *fx_constant(struct fx *x, const void *expr) {
    const char *text = fx_text_constant(expr);
    if (text != NULL) return fx_str(x, text);
    const Node *n = expr;
    while (n != NULL && IsA(n, TypeCast)) n = FX_NODE(TypeCast, n)->arg;
    if (n == NULL || !IsA(n, A_Const) || FX_NODE(A_Const, n)->isnull) return NULL;
    const A_Const *c = FX_NODE(A_Const, n);
    if (nodeTag(&c->val) == T_Integer) return pr_fmt(x->a, "%d", intVal(&c->val));
    return nodeTag(&c->val) == T_Float ? fx_str(x, c->val.fval.fval) : NULL;
}
