/* partition_proof.c: does a valid CHECK prove where the rows of a partition lie? The server asks predicate_implied_by (weakly) of the
 * partition's constraint and of what the table's CHECKs say; the same steps are taken here, over one key column and constants that can
 * be compared without a server. What is not understood proves nothing.
 * Source  PostgreSQL, src/backend/optimizer/util/predtest.c; ConstraintImpliedByRelConstraint in tablecmds.c */
#include "footprint/statements.h"

enum kind { ALL, ANY, NULL_KEY, SET_KEY, COMPARED, UNKNOWN };
enum op { LT, LE, EQ, GE, GT, NE, OPS };

struct term {
    enum kind kind;
    enum op op;                    /* of COMPARED */
    const char *value;
    struct term *items; size_t n, cap;                      /* of ALL and ANY */
};

enum { MOST_ITEMS = 100 };                                  /* longer arrays the server does not take apart */

/* --- constants --- */

enum sort { BY_NUMBER, BY_TIME, BY_TEXT, NOT_COMPARED };
struct key { struct fx *x; const char *col; enum sort sort; const char *type, *const *casts; };

/* casts: what a constant may stand under, as the grammar names types; between others the server does not compare, or not always alike. */
static const char *const numbers[] = {"int2", "int4", "int8", "numeric", NULL}, *const dates[] = {"date", NULL}, *const stamps[] = {"timestamp", NULL},
                         *const zoned[] = {"timestamptz", NULL}, *const texts[] = {"text", "varchar", NULL};
static const struct { const char *type; enum sort sort; const char *const *casts; } sorts[] = {
    {"smallint", BY_NUMBER, numbers}, {"integer", BY_NUMBER, numbers}, {"bigint", BY_NUMBER, numbers}, {"numeric", BY_NUMBER, numbers}, {"date", BY_TIME, dates},
    {"timestamp without time zone", BY_TIME, stamps}, {"timestamp with time zone", BY_TIME, zoned}, {"text", BY_TEXT, texts}, {"character varying", BY_TEXT, texts}};

/* "character varying(20)" is of "character varying", "timestamp(3) without time zone" of none. */
static bool is_type(const char *full, const char *type) {
    const size_t n = strlen(type);
    return strncmp(full, type, n) == 0 && (full[n] == '\0' || full[n] == '(');
}

static struct key key_of(struct fx *x, const struct pr_col *c) {
    struct key k = {.x = x, .col = c->name, .sort = NOT_COMPARED, .type = c->type};
    for (size_t i = 0; i < PR_COUNT(sorts) && c->base_type == NULL && c->collation == NULL; i++)
        if (is_type(c->type, sorts[i].type)) {
            k.sort = sorts[i].sort;
            k.casts = sorts[i].casts;
        }
    return k;
}

static bool all_digits(const char *s, const char *form) {
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i]) return false;
    return s[strlen(form)] == '\0';
}

/* One form for the same moment: "2024-01-01 00:00:00". NULL for what has fractions, another zone than UTC or another form. */
static const char *moment(const struct key *k, const char *v) {
    const char *zone = k->x->w->time_zone;
    const size_t n = strlen(v);
    if (all_digits(v, "dddd-dd-dd")) v = pr_fmt(k->x->o, "%s 00:00:00", v);
    else if (n == 22 && pr_ends(v, "+00")) v = pr_dupn(k->x->o, v, 19);
    const bool has_zone = pr_starts(k->type, "timestamp with time zone"), utc = pr_eq(zone, "UTC") || pr_eq(zone, "Etc/UTC") || pr_eq(zone, "GMT");
    return all_digits(v, "dddd-dd-dd dd:dd:dd") && (!has_zone || utc) ? v : NULL;
}

/* What order a has to b, as bits; OTHER: they are only known to differ. False: not known. */
enum { BELOW = 1, SAME = 2, ABOVE = 4, OTHER = 8 };
static bool compare(const struct key *k, const char *a, const char *b, int *out) {
    int64_t x = 0, y = 0;
    struct pr_err ignored = {0};
    switch (k->sort) {
    case BY_NUMBER:
        if (pr_parse_i64(a, INT64_MIN, INT64_MAX, &x, &ignored) != PR_OK || pr_parse_i64(b, INT64_MIN, INT64_MAX, &y, &ignored) != PR_OK) return false;
        *out = x < y ? BELOW : x > y ? ABOVE : SAME;
        return true;
    case BY_TIME: {
        const char *s = moment(k, a), *t = moment(k, b);
        if (s == NULL || t == NULL) return false;
        const int c = strcmp(s, t);
        *out = c < 0 ? BELOW : c > 0 ? ABOVE : SAME;
        return true;
    }
    case BY_TEXT: *out = strcmp(a, b) == 0 ? SAME : OTHER; return true;
    case NOT_COMPARED: break;
    }
    return false;
}

/* --- from the tree to terms --- */

static struct term *term(const struct key *k, enum kind kind) {
    struct term *t = PR_NEW(k->x->o, struct term);
    t->kind = kind;
    return t;
}

static void add(const struct key *k, struct term *to, const struct term *item) { *PR_PUSH(k->x->o, to->items, to->n, to->cap) = *item; }

static bool may_cast(const struct key *k, const TypeName *t) {
    for (size_t i = 0; k->casts != NULL && k->casts[i] != NULL && t->typmods == NIL && t->arrayBounds == NIL; i++)
        if (pr_eq(strVal(llast(t->names)), k->casts[i])) return true;
    return false;
}

static const char *constant(const struct key *k, const Node *n) {
    if (n != NULL && IsA(n, TypeCast)) {
        if (!may_cast(k, FX_NODE(TypeCast, n)->typeName)) return NULL;
        n = FX_NODE(TypeCast, n)->arg;
    }
    if (n == NULL || !IsA(n, A_Const) || FX_NODE(A_Const, n)->isnull) return NULL;
    const A_Const *c = FX_NODE(A_Const, n);
    if (nodeTag(&c->val) == T_Integer) return pr_fmt(k->x->o, "%d", intVal(&c->val));
    if (nodeTag(&c->val) == T_Float) return fx_str(k->x, c->val.fval.fval);
    return nodeTag(&c->val) == T_String ? fx_str(k->x, strVal(&c->val)) : NULL;
}

/* The key itself; of a varchar also what the server writes for it, (c)::text. */
static bool is_key(const struct key *k, const Node *n) {
    if (n != NULL && IsA(n, TypeCast) && is_type(k->type, "character varying")) n = FX_NODE(TypeCast, n)->arg;
    return pr_eq(fx_bare_column(n), k->col);
}

static struct term *read_expr(const struct key *k, const Node *n, bool negated);

static bool op_of(const List *name, enum op *out) {
    static const struct { const char *word; enum op op; } words[] = {{"<", LT}, {"<=", LE}, {"=", EQ}, {">=", GE}, {">", GT}, {"<>", NE}, {"!=", NE}};
    for (size_t i = 0; i < PR_COUNT(words) && list_length(name) == 1; i++)
        if (pr_eq(strVal(linitial(name)), words[i].word)) {
            *out = words[i].op;
            return true;
        }
    return false;
}

static const enum op opposite[OPS] = {[LT] = GE, [LE] = GT, [EQ] = NE, [GE] = LT, [GT] = LE, [NE] = EQ};
static const enum op mirrored[OPS] = {[LT] = GT, [LE] = GE, [EQ] = EQ, [GE] = LE, [GT] = LT, [NE] = NE};

static struct term *compared(const struct key *k, enum op op, const Node *value) {
    const char *v = constant(k, value);
    struct term *t = term(k, v != NULL ? COMPARED : UNKNOWN);
    t->op = op;
    t->value = v;
    return t;
}

/* c = ANY (array), c <> ALL (array), c IN (…), c NOT IN (…). */
static struct term *read_array(const struct key *k, const A_Expr *e, enum op op, bool any, bool negated) {
    const Node *right = e->rexpr;
    while (right != NULL && IsA(right, TypeCast)) right = FX_NODE(TypeCast, right)->arg;
    const List *items = right != NULL && IsA(right, A_ArrayExpr) ? FX_NODE(A_ArrayExpr, right)->elements : right != NULL && IsA(right, List) ? FX_NODE(List, right) : NIL;
    if (!is_key(k, e->lexpr) || items == NIL || list_length(items) > MOST_ITEMS) return term(k, UNKNOWN);
    struct term *t = term(k, any != negated ? ANY : ALL);
    ListCell *lc;
    foreach (lc, items) add(k, t, compared(k, negated ? opposite[op] : op, lfirst(lc)));
    return t;
}

/* c BETWEEN a AND b, before the server makes two comparisons of it. */
static struct term *read_between(const struct key *k, const A_Expr *e, bool outside) {
    if (!is_key(k, e->lexpr) || list_length((const List *)(const void *)e->rexpr) != 2) return term(k, UNKNOWN);
    const List *ends = (const List *)(const void *)e->rexpr;
    struct term *t = term(k, outside ? ANY : ALL);
    add(k, t, compared(k, outside ? LT : GE, linitial(ends)));
    add(k, t, compared(k, outside ? GT : LE, lsecond(ends)));
    return t;
}

static struct term *read_op(const struct key *k, const A_Expr *e, bool negated) {
    enum op op = EQ;
    if (e->kind == AEXPR_BETWEEN || e->kind == AEXPR_NOT_BETWEEN) return read_between(k, e, (e->kind == AEXPR_BETWEEN) == negated);
    if (!op_of(e->name, &op)) return term(k, UNKNOWN);
    switch ((int)e->kind) {
    case AEXPR_OP_ANY: return read_array(k, e, op, true, negated);
    case AEXPR_OP_ALL: return read_array(k, e, op, false, negated);
    case AEXPR_IN: return read_array(k, e, op, op == EQ, negated);
    case AEXPR_OP: break;
    default: return term(k, UNKNOWN);
    }
    if (is_key(k, e->lexpr)) return compared(k, negated ? opposite[op] : op, e->rexpr);
    if (is_key(k, e->rexpr)) return compared(k, negated ? opposite[mirrored[op]] : mirrored[op], e->lexpr);
    return term(k, UNKNOWN);
}

/* NOT is carried down to the leaves, and AND in AND is one, as the server does before it asks. */
static struct term *read_bool(const struct key *k, const BoolExpr *b, bool negated) {
    if (b->boolop == NOT_EXPR) return read_expr(k, linitial(b->args), !negated);
    struct term *t = term(k, (b->boolop == AND_EXPR) != negated ? ALL : ANY);
    ListCell *lc;
    foreach (lc, b->args) {
        const struct term *item = read_expr(k, lfirst(lc), negated);
        if (item->kind != t->kind) add(k, t, item);
        for (size_t i = 0; item->kind == t->kind && i < item->n; i++) add(k, t, &item->items[i]);
    }
    return t;
}

static struct term *read_expr(const struct key *k, const Node *n, bool negated) {
    if (n == NULL) return term(k, UNKNOWN);
    if (IsA(n, BoolExpr)) return read_bool(k, FX_NODE(BoolExpr, n), negated);
    if (IsA(n, A_Expr)) return read_op(k, FX_NODE(A_Expr, n), negated);
    if (!IsA(n, NullTest) || !is_key(k, (const Node *)FX_NODE(NullTest, n)->arg)) return term(k, UNKNOWN);
    return term(k, (FX_NODE(NullTest, n)->nulltesttype == IS_NULL) != negated ? NULL_KEY : SET_KEY);
}

struct reading { const struct key *k; struct term *into; };

static void take_check(void *ctx, const Node *expr) {
    const struct reading *r = ctx;
    add(r->k, r->into, read_expr(r->k, expr, false));
}

/* All that the valid CHECKs and NOT NULLs of a table say of the key. */
static struct term *said_by(const struct key *k, const struct w_rel *r) {
    struct term *all = term(k, ALL);
    const struct pr_col *col = pr_find_col(&r->r, k->col);
    const char *by = NULL;
    if ((col != NULL && col->not_null && col->not_null_valid) || fx_proves_not_null(k->x, r, k->col, &by)) add(k, all, term(k, SET_KEY));
    for (size_t i = 0; i < r->r.n_cons; i++) {
        const struct pr_con *c = &r->r.cons[i];
        struct reading into = {.k = k, .into = all};
        if (c->type == 'c' && c->validated && c->enforced && c->def != NULL) (void)fx_with_expr(k->x, c->def, take_check, &into);
    }
    return all;
}

/* --- does one imply the other? --- */

/* c → p, of two comparisons of the key with constants: for which orders of c's constant against p's it holds. As BT_implic_table. */
static const int holds[OPS][OPS] = {
    [LT] = {[LT] = BELOW | SAME, [LE] = BELOW | SAME, [NE] = BELOW | SAME},
    [LE] = {[LT] = BELOW, [LE] = BELOW | SAME, [NE] = BELOW},
    [EQ] = {[LT] = BELOW, [LE] = BELOW | SAME, [EQ] = SAME, [GE] = SAME | ABOVE, [GT] = ABOVE, [NE] = BELOW | ABOVE | OTHER},
    [GE] = {[GE] = SAME | ABOVE, [GT] = ABOVE, [NE] = ABOVE},
    [GT] = {[GE] = SAME | ABOVE, [GT] = SAME | ABOVE, [NE] = SAME | ABOVE},
    [NE] = {[NE] = SAME},
};

static bool leaf_implies(const struct key *k, const struct term *c, const struct term *p) {
    int order = 0;
    if (c->kind != p->kind || c->kind == UNKNOWN) return false;
    if (c->kind != COMPARED) return true;
    return compare(k, c->value, p->value, &order) && (holds[c->op][p->op] & order) != 0;
}

static bool implies(const struct key *k, const struct term *c, const struct term *p);

static bool implies_each(const struct key *k, const struct term *c, const struct term *p) {
    for (size_t i = 0; i < p->n; i++)
        if (!implies(k, c, &p->items[i])) return false;
    return true;
}

static bool implies_one(const struct key *k, const struct term *c, const struct term *p) {
    for (size_t i = 0; i < p->n; i++)
        if (implies(k, c, &p->items[i])) return true;
    return false;
}

static bool any_implies(const struct key *k, const struct term *c, const struct term *p) {
    for (size_t i = 0; i < c->n; i++)
        if (implies(k, &c->items[i], p)) return true;
    return false;
}

/* predicate_implied_by_recurse, case by case. Depth is that of the tree, which the parser limits. */
static bool implies(const struct key *k, const struct term *c, const struct term *p) {
    if (p->kind == ALL) return implies_each(k, c, p);
    if (c->kind == ALL) return (p->kind == ANY && implies_one(k, c, p)) || any_implies(k, c, p);
    if (c->kind != ANY) return p->kind == ANY ? implies_one(k, c, p) : leaf_implies(k, c, p);
    for (size_t i = 0; i < c->n; i++)
        if (!(p->kind == ANY ? implies_one(k, &c->items[i], p) : implies(k, &c->items[i], p))) return false;
    return true;
}

/* --- the partition's constraint --- */

/* One side of a range: none for MINVALUE and MAXVALUE. */
static bool add_side(const struct key *k, struct term *to, const List *data, enum op op) {
    const Node *n = list_length(data) == 1 ? linitial(data) : NULL;
    if (n == NULL) return false;
    if (IsA(n, ColumnRef)) return true;
    add(k, to, compared(k, op, n));
    return constant(k, n) != NULL;
}

/* What holds of each row inside, or outside, of the bound; NULL when that cannot be said here. */
static struct term *of_bound(const struct key *k, const PartitionBoundSpec *b, bool inside) {
    struct term *t = term(k, inside ? ALL : ANY);
    add(k, t, term(k, inside ? SET_KEY : NULL_KEY));
    if (b->strategy == PARTITION_STRATEGY_RANGE)
        return add_side(k, t, b->lowerdatums, inside ? GE : LT) && add_side(k, t, b->upperdatums, inside ? LT : GE) ? t : NULL;
    if (b->strategy != PARTITION_STRATEGY_LIST || list_length(b->listdatums) > MOST_ITEMS) return NULL;
    struct term *values = term(k, inside ? ANY : ALL);
    ListCell *lc;
    foreach (lc, b->listdatums) {
        if (constant(k, lfirst(lc)) == NULL) return NULL;
        add(k, values, compared(k, inside ? EQ : NE, lfirst(lc)));
    }
    add(k, t, values);
    return t;
}

/* The one column of a key as pg_get_partkeydef prints it, "RANGE (a)"; NULL for several, for expressions, classes and collations. */
static const struct pr_col *key_column(struct fx *x, const struct w_rel *parent, const struct w_rel *child) {
    const char *open = parent->r.partition_key != NULL ? strchr(parent->r.partition_key, '(') : NULL;
    const size_t len = open != NULL ? strlen(open) : 0;
    if (len < 3 || strchr(open, ',') != NULL) return NULL;
    const char *name = pr_dupn(x->o, open + 1, len - 2);
    for (size_t i = 0; i < child->r.n_cols; i++)
        if (pr_eq(pr_quote_ident(x->o, child->r.cols[i].name), name)) return &child->r.cols[i];
    return NULL;
}

static bool proves(struct fx *x, const struct w_rel *parent, const struct w_rel *r, const PartitionBoundSpec *b, bool inside) {
    if (b == NULL || b->is_default) return false;
    const struct pr_col *col = key_column(x, parent, r);
    if (col == NULL) return false;
    const struct key k = key_of(x, col);
    const struct term *want = of_bound(&k, b, inside);
    return want != NULL && implies(&k, said_by(&k, r), want);
}

bool fx_proven_inside(struct fx *x, const struct w_rel *parent, const struct w_rel *r, const PartitionBoundSpec *b) { return proves(x, parent, r, b, true); }

bool fx_proven_outside(struct fx *x, const struct w_rel *parent, const struct w_rel *r, const PartitionBoundSpec *b) { return proves(x, parent, r, b, false); }
