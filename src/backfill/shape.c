/* shape.c: what a statement is: which table is written, which one is gone through, what the new values are made of. */
#include "sql/nodes.h"

#include "backfill/impl.h"

/* --- relations --- */

enum pr_code bf_relation(struct bf *b, const RangeVar *rv, const struct pr_rel **out, struct pr_err *e) {
    const char *name = pr_qualified(b->a, rv->schemaname, rv->relname);
    const struct pr_rel *r = pr_find_rel(b->facts, rv->schemaname, rv->relname);
    if (r == NULL) {
        (void)PR_FAIL(e, PR_ERR_NOT_GROUNDED, "relation %s does not exist, as far as is known", name);
        return pr_hint(e, "pgrail ground %s asks the database", name);
    }
    if (r->kind != 'r' && r->kind != 'p') {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is a %s: it has no rows of its own to go through", name, pr_rel_kind_name(r->kind));
        return r->kind == 'v' || r->kind == 'm' ? pr_hint(e, "name the table behind it") : r->kind == 'f' ? pr_hint(e, "run the backfill on the server that holds the rows") : e->code;
    }
    *out = r;
    return PR_OK;
}

/* --- what no statement may have --- */

enum pr_code bf_refuse(struct pr_err *e, const char *what, const char *hint) {
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s", what);
    return pr_hint(e, "%s", hint);
}

static enum pr_code check_with(const WithClause *with, struct pr_err *e) {
    if (with == NULL) return PR_OK;
    if (with->recursive) return bf_refuse(e, "WITH RECURSIVE would be computed anew in every batch", "write its result into a table first, and join that");
    if (bf_writes(with)) return bf_refuse(e, "WITH writes rows as well: every batch would do it again",
                                         "give each statement a backfill of its own; deleted rows may be kept: WITH gone AS (DELETE … RETURNING a, b) INSERT INTO … (a, b) SELECT a, b FROM gone");
    return PR_OK;
}

/* count(*), sum(x) OVER …: rows of several batches would have to come together. */
static bool is_aggregate(const FuncCall *f) {
    static const char *const names[] = {
        "count", "sum", "avg", "min", "max", "array_agg", "string_agg", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "json_agg",
        "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg", "range_agg", "range_intersect_agg", "any_value", "stddev", "stddev_pop",
        "stddev_samp", "variance", "var_pop", "var_samp", "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
        "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy"};
    if (f->over != NULL || f->agg_star || f->agg_distinct || f->agg_within_group || f->agg_filter != NULL || f->agg_order != NIL) return true;
    return pr_mentions(names, PR_COUNT(names), strVal(llast(f->funcname)));
}

/* At this level of the query: not in its subqueries. */
static bool gathers(Node *node, void *ctx) {
    if (node == NULL || IsA(node, SelectStmt)) return false;
    if (IsA(node, FuncCall) && is_aggregate(pr_cast(FuncCall, node))) return true;
    return pr_tree_walk(node, gathers, ctx);
}

static bool is_gathering(const SelectStmt *q) {
    return q->groupClause != NIL || q->havingClause != NULL || q->distinctClause != NIL || q->windowClause != NIL || q->op != SETOP_NONE ||
           q->limitCount != NULL || q->limitOffset != NULL || gathers((Node *)q->targetList, NULL);
}

/* A subquery that gathers rows of the written table. */
static bool gathers_written(Node *node, void *ctx) {
    struct bf *b = ctx;
    if (node == NULL) return false;
    const SelectStmt *q = pr_as(SelectStmt, node);
    if (q != NULL && q != b->select && is_gathering(q) && bf_again(b, q) != NULL) return true;
    return pr_tree_walk(node, gathers_written, ctx);
}

static bool samples(Node *node, void *ctx) {
    if (node == NULL) return false;
    const LockingClause *lock = pr_as(LockingClause, node);
    if (IsA(node, RangeTableSample) || (lock != NULL && lock->waitPolicy == LockWaitSkip)) return true;
    return pr_tree_walk(node, samples, ctx);
}

/* --- UPDATE and DELETE --- */

static void name_rows(struct bf *b) {
    b->alias = b->walked->alias != NULL ? b->walked->alias->aliasname : b->walked->relname;
}

static enum pr_code check_again(struct bf *b, struct pr_err *e) {
    const RangeVar *again = bf_again(b, b->node);
    if (again == NULL) return PR_OK;
    const char *name = pr_qualified(b->a, again->schemaname, again->relname);
    if (gathers_written(b->node, b)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "a subquery gathers rows of %s (aggregate, window, DISTINCT, LIMIT): each batch would see another state of it, and read it whole", name);
        return pr_hint(e, "write the subquery's result into a table first, with the key, and join that");
    }
    if (b->kind == PR_BF_DELETE) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "the condition reads %s itself: what earlier batches have deleted is missing there", name);
        return pr_hint(e, "write the keys of the rows that are to go into a table first, and DELETE … USING that");
    }
    for (size_t i = 0; i < b->n_changed; i++) {
        if (!bf_reads(b, b->node, &b->changed[i], 1, BF_SELF)) continue;
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is read in other rows of %s: some of them have their new value already, others not yet", b->changed[i], name);
        return pr_hint(e, "write the old values into a table first, with the key, and UPDATE … FROM that; or fill a new column");
    }
    return PR_OK;
}

static void add_set(struct bf *b, const char *col, Node *expr) {
    *PR_PUSH(b->a, b->sets, b->n_sets, b->cap_sets) = (struct bf_set){.col = pr_dup(b->a, col), .expr = expr};
    *PR_PUSH(b->a, b->changed, b->n_changed, b->cap_changed) = pr_dup(b->a, col);
}

static void read_sets(struct bf *b, const List *targets) {
    ListCell *lc;
    foreach (lc, targets) {
        const ResTarget *t = lfirst_node(ResTarget, lc);
        const MultiAssignRef *m = pr_as(MultiAssignRef, t->val);
        const RowExpr *row = m != NULL ? pr_as(RowExpr, m->source) : NULL;
        Node *expr = row != NULL && m->colno <= list_length(row->args) ? list_nth(row->args, m->colno - 1) : m == NULL ? t->val : NULL;
        if (t->indirection != NIL || (expr != NULL && IsA(expr, SetToDefault))) expr = NULL;
        add_set(b, t->name, expr);
    }
    b->out->changed = b->changed;
    b->out->n_changed = b->n_changed;
}

static enum pr_code take_update(struct bf *b, UpdateStmt *s, struct pr_err *e) {
    b->kind = PR_BF_UPDATE;
    b->target = b->walked = s->relation;
    b->from = &s->fromClause;
    b->where = &s->whereClause;
    b->with = s->withClause;
    if (PR_HAS_RETURNING(s)) return bf_refuse(e, "RETURNING gives rows that nobody would take", "leave it out");
    PR_TRY(e, bf_relation(b, s->relation, &b->written, e));
    b->root = b->written;
    name_rows(b);
    read_sets(b, s->targetList);
    return PR_OK;
}

enum pr_code bf_take_delete(struct bf *b, DeleteStmt *s, struct pr_err *e) {
    b->kind = PR_BF_DELETE;
    b->target = b->walked = s->relation;
    b->from = &s->usingClause;
    b->where = &s->whereClause;
    b->with = s->withClause;
    if (PR_HAS_RETURNING(s) && b->keeps == NULL)
        return bf_refuse(e, "RETURNING gives rows that nobody would take", "leave it out; to keep the rows: WITH gone AS (DELETE … RETURNING a, b) INSERT INTO … (a, b) SELECT a, b FROM gone");
    PR_TRY(e, bf_relation(b, s->relation, &b->written, e));
    b->root = b->written;
    name_rows(b);
    return PR_OK;
}

/* --- INSERT … SELECT --- */

/* The table that is gone through: the first in FROM, as long as each of its rows is looked at by itself. */
static enum pr_code driving(struct bf *b, Node *first, struct pr_err *e) {
    for (const JoinExpr *j = pr_as(JoinExpr, first); j != NULL; j = pr_as(JoinExpr, first)) {
        if (j->jointype == JOIN_RIGHT || j->jointype == JOIN_FULL || j->alias != NULL)
            return bf_refuse(e, "rows that the first table in FROM does not have come out of this join in every batch", "write it as a LEFT JOIN with the table first whose rows are to be gone through");
        first = j->larg;
    }
    if (first == NULL || !IsA(first, RangeVar)) return bf_refuse(e, "the first item in FROM is no table: there is nothing to go through", "put the table first whose rows are to be gone through");
    b->walked = bf_mut(RangeVar, first);
    PR_TRY(e, bf_relation(b, b->walked, &b->root, e));
    name_rows(b);
    return PR_OK;
}

static enum pr_code check_query(const SelectStmt *q, struct pr_err *e) {
    if (q->valuesLists != NIL || q->fromClause == NIL) return bf_refuse(e, "rows that are written out in the statement need no backfill", "INSERT them in a migration");
    if (q->limitCount != NULL || q->limitOffset != NULL) return bf_refuse(e, "LIMIT and OFFSET count over all rows; a batch knows only its own", "say by a condition which rows are meant");
    if (q->sortClause != NIL) return bf_refuse(e, "ORDER BY: rows come in the order of the key, batch by batch", "leave it out");
    if (q->op != SETOP_NONE) return bf_refuse(e, "UNION, INTERSECT and EXCEPT put rows together that lie in several batches", "give each query a backfill of its own");
    if (q->groupClause != NIL || q->havingClause != NULL || q->distinctClause != NIL || q->windowClause != NIL || gathers((Node *)q->targetList, NULL))
        return bf_refuse(e, "aggregates, DISTINCT and windows put rows together that lie in several batches", "go through the table that has one row for each group, and compute the rest in a subquery");
    return PR_OK;
}

struct anti { struct bf *b; bool negated, found; };

/* NOT EXISTS (SELECT … FROM the target), NOT IN (…). */
static bool find_anti(Node *node, void *ctx) {
    struct anti *x = ctx;
    if (node == NULL) return false;
    const BoolExpr *n = pr_as(BoolExpr, node);
    const SubLink *s = pr_as(SubLink, node);
    if (s != NULL && x->negated && (s->subLinkType == EXISTS_SUBLINK || s->subLinkType == ANY_SUBLINK) && bf_again(x->b, s->subselect) != NULL) x->found = true;
    struct anti below = *x;
    if (!IsA(node, List)) below.negated = n != NULL && n->boolop == NOT_EXPR;
    (void)pr_tree_walk(node, find_anti, &below);
    x->found = x->found || below.found;
    return false;
}

/* FROM source LEFT JOIN target … WHERE target.x IS NULL. */
static bool left_joined(struct bf *b, const Node *n) {
    const JoinExpr *j = pr_as(JoinExpr, n);
    if (j == NULL) return false;
    return (j->jointype == JOIN_LEFT && j->rarg == (Node *)(uintptr_t)bf_again(b, j->rarg)) || left_joined(b, j->larg);
}

static enum pr_code check_source(struct bf *b, struct pr_err *e) {
    const char *name = pr_qualified(b->a, b->target->schemaname, b->target->relname);
    if (bf_is_written(b, b->walked)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is read and written: rows that a batch has added would be met again", name);
        return pr_hint(e, "copy the rows that are meant into another table first, and insert from that");
    }
    if (bf_again(b, b->select) == NULL) return PR_OK;
    struct anti x = {.b = b};
    (void)find_anti(*b->where, &x);
    b->anti_join = x.found || (list_length(*b->from) == 1 && left_joined(b, linitial(*b->from)));
    if (b->anti_join && !gathers_written(b->node, b)) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "the query reads %s, which it writes: later batches would see what earlier ones have added", name);
    return pr_hint(e, "only WHERE NOT EXISTS (SELECT … FROM %s …) may name it", name);
}

static enum pr_code take_insert(struct bf *b, InsertStmt *s, struct pr_err *e) {
    b->kind = PR_BF_INSERT;
    b->target = s->relation;
    b->with = s->withClause;
    PR_TRY(e, check_with(s->withClause, e));
    if (PR_HAS_RETURNING(s)) return bf_refuse(e, "RETURNING gives rows that nobody would take", "leave it out");
    if (s->selectStmt == NULL) return bf_refuse(e, "rows that are written out in the statement need no backfill", "INSERT them in a migration");
    b->select = bf_mut(SelectStmt, s->selectStmt);
    PR_TRY(e, check_query(b->select, e));
    if (b->with == NULL) b->with = b->select->withClause;
    else if (b->select->withClause != NULL) return bf_refuse(e, "WITH stands before the INSERT and before its SELECT", "put both into one");
    b->from = &b->select->fromClause;
    b->where = &b->select->whereClause;
    PR_TRY(e, bf_relation(b, s->relation, &b->written, e));
    PR_TRY(e, driving(b, linitial(*b->from), e));
    return check_source(b, e);
}

/* "schema.table.column" → "table.column": a leaf of a partitioned table stands in the place of the table. */
static bool shorten_refs(Node *node, void *ctx) {
    struct bf *b = ctx;
    if (node == NULL) return false;
    ColumnRef *c = IsA(node, ColumnRef) ? bf_mut(ColumnRef, node) : NULL;
    if (c == NULL) return pr_tree_walk(node, shorten_refs, ctx);
    const int n = list_length(c->fields);
    if (n < 3 || !pr_eq(strVal(list_nth(c->fields, n - 2)), b->alias) || !pr_eq(strVal(list_nth(c->fields, n - 3)), b->root->schema)) return false;
    List *rest = PR_NEW(b->a, List);
    *rest = *c->fields;
    rest->elements += n - 2;
    rest->length = rest->max_length = 2;
    c->fields = rest;
    return false;
}

enum pr_code bf_take_apart(struct bf *b, struct pr_err *e) {
    if (IsA(b->node, UpdateStmt)) PR_TRY(e, take_update(b, bf_mut(UpdateStmt, b->node), e));
    else if (IsA(b->node, DeleteStmt)) PR_TRY(e, bf_take_delete(b, bf_mut(DeleteStmt, b->node), e));
    else if (bf_is_kept(pr_cast(InsertStmt, b->node))) PR_TRY(e, bf_take_kept(b, bf_mut(InsertStmt, b->node), e));
    else PR_TRY(e, take_insert(b, bf_mut(InsertStmt, b->node), e));
    PR_TRY(e, check_with(b->with, e));
    if (*b->where != NULL && IsA(*b->where, CurrentOfExpr)) return bf_refuse(e, "WHERE CURRENT OF needs a cursor", "say by a condition which rows are meant");
    if (samples(b->node, NULL)) return bf_refuse(e, "TABLESAMPLE and SKIP LOCKED choose other rows each time", "say by a condition which rows are meant");
    if (b->kind != PR_BF_INSERT) PR_TRY(e, check_again(b, e));
    if (b->with != NULL) bf_note(b, "WITH is computed anew in every batch");
    (void)shorten_refs(b->node, b);
    return PR_OK;
}

/* --- what becomes of a row that is done --- */

static bool is_time(Node *node, void *ctx) {
    static const char *const names[] = {"now", "transaction_timestamp", "statement_timestamp", "age", "txid_current", "pg_current_xact_id", "nextval", "pg_backend_pid"};
    if (node == NULL) return false;
    const SQLValueFunction *v = pr_as(SQLValueFunction, node);
    const FuncCall *f = pr_as(FuncCall, node);
    if (v != NULL && v->op <= SVFOP_LOCALTIMESTAMP_N) return true;
    if (f != NULL && pr_mentions(names, PR_COUNT(names), strVal(llast(f->funcname)))) return true;
    return pr_tree_walk(node, is_time, ctx);
}

static const Node *under_casts(const Node *n) {
    while (n != NULL && IsA(n, TypeCast)) n = pr_cast(TypeCast, n)->arg;
    return n;
}

static bool is_constant(const Node *n) {
    n = under_casts(n);
    return n != NULL && IsA(n, A_Const);
}

static bool is_never_null(const struct bf *b, const Node *n) {
    static const char *const names[] = {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "gen_random_uuid", "uuid_generate_v4", "uuidv4",
                                        "uuidv7", "nextval", "random"};
    n = under_casts(n);
    if (n == NULL) return false;
    if (IsA(n, A_Const)) return !pr_cast(A_Const, n)->isnull;
    if (IsA(n, SQLValueFunction)) return true;
    if (IsA(n, FuncCall)) return pr_mentions(names, PR_COUNT(names), strVal(llast(pr_cast(FuncCall, n)->funcname)));
    if (IsA(n, CoalesceExpr)) return is_never_null(b, llast(pr_cast(CoalesceExpr, n)->args));
    const ColumnRef *c = pr_as(ColumnRef, n);
    const struct pr_col *col = c != NULL && list_length(c->fields) == 1 && *b->from == NIL && IsA(linitial(c->fields), String) ? pr_find_col(b->root, strVal(linitial(c->fields))) : NULL;
    return col != NULL && col->not_null && col->not_null_valid;
}

/* The new value of what stands in the condition, when it is a changed column of the row itself; *is_col whether it is one. */
static const Node *new_value(const struct bf *b, const Node *n, bool *is_col) {
    const ColumnRef *c = pr_as(ColumnRef, n);
    *is_col = false;
    if (c == NULL || !IsA(llast(c->fields), String)) return NULL;
    const int parts = list_length(c->fields);
    if (parts > 1 && !pr_eq(strVal(list_nth(c->fields, parts - 2)), b->alias)) return NULL;
    for (size_t i = 0; i < b->n_sets; i++) {
        if (!pr_eq(b->sets[i].col, strVal(llast(c->fields)))) continue;
        *is_col = true;
        return b->sets[i].expr;
    }
    return NULL;
}

static bool differ(const Node *x, const Node *y) {
    x = under_casts(x);
    y = under_casts(y);
    const A_Const *p = pr_as(A_Const, x), *q = pr_as(A_Const, y);
    return p != NULL && q != NULL && !p->isnull && !q->isnull && nodeTag(&p->val) == nodeTag(&q->val) && nodeTag(&p->val) != T_Float && !equal(x, y);
}

static bool is_bool(const Node *n, bool value) {
    n = under_casts(n);
    const A_Const *k = pr_as(A_Const, n);
    return k != NULL && !k->isnull && nodeTag(&k->val) == T_Boolean && boolVal(&k->val) == value;
}

/* c = 'a', c <> 'b', c IN ('a', 'x'), c IS DISTINCT FROM …, over a column that becomes `value`. */
static int leaves_compare(const A_Expr *x, const Node *value) {
    const char *op = x->name != NIL ? strVal(llast(x->name)) : "";
    if (x->kind == AEXPR_OP && pr_eq(op, "=")) return differ(x->rexpr, value) ? BF_LEAVES_SURELY : BF_STAYS;
    if (x->kind == AEXPR_OP && (pr_eq(op, "<>") || pr_eq(op, "!="))) return is_constant(value) && equal(x->rexpr, value) ? BF_LEAVES_SURELY : BF_STAYS;
    if (x->kind == AEXPR_DISTINCT) return value != NULL && equal(x->rexpr, value) ? BF_LEAVES : BF_STAYS;
    if (x->kind != AEXPR_IN || !pr_eq(op, "=")) return BF_STAYS;
    ListCell *lc;
    foreach (lc, (const List *)(const void *)x->rexpr)
        if (!differ(lfirst(lc), value)) return BF_STAYS;
    return BF_LEAVES_SURELY;
}

/* Does a row that has its new values fail this part of the condition? */
static int leaves_by(const struct bf *b, const Node *part) {
    bool is_col = false;
    const NullTest *null = pr_as(NullTest, part);
    const BooleanTest *test = pr_as(BooleanTest, part);
    const BoolExpr *not = pr_as(BoolExpr, part);
    const A_Expr *x = pr_as(A_Expr, part);
    if (null != NULL) {
        const Node *value = new_value(b, (const Node *)null->arg, &is_col);
        if (!is_col) return BF_STAYS;
        if (null->nulltesttype == IS_NULL) return value != NULL && is_never_null(b, value) ? BF_LEAVES_SURELY : BF_LEAVES;
        const A_Const *k = pr_as(A_Const, under_casts(value));
        return k != NULL && k->isnull ? BF_LEAVES_SURELY : BF_STAYS;
    }
    if (test != NULL) {
        const Node *value = new_value(b, (const Node *)test->arg, &is_col);
        return (test->booltesttype == IS_NOT_TRUE && is_bool(value, true)) || (test->booltesttype == IS_NOT_FALSE && is_bool(value, false)) ? BF_LEAVES_SURELY : BF_STAYS;
    }
    if (not != NULL && not->boolop == NOT_EXPR) {
        const Node *value = new_value(b, linitial(not->args), &is_col);
        return is_bool(value, true) ? BF_LEAVES_SURELY : BF_STAYS;
    }
    if (x != NULL && x->lexpr != NULL) {
        const Node *value = new_value(b, x->lexpr, &is_col);
        return is_col ? leaves_compare(x, value) : BF_STAYS;
    }
    const Node *value = new_value(b, part, &is_col);
    return is_col && is_bool(value, false) ? BF_LEAVES_SURELY : BF_STAYS;
}

bool bf_as_text(const struct pr_col *c) {
    static const char *const odd[] = {"json", "xml", "point", "polygon", "box", "lseg", "path", "circle", "line", "txid_snapshot", "pg_snapshot"};
    for (size_t i = 0; i < PR_COUNT(odd); i++)
        if (pr_starts(c->type, odd[i]) && (c->type[strlen(odd[i])] == '\0' || c->type[strlen(odd[i])] == '[')) return true;
    return c->collation != NULL || (!pr_eq(c->type_schema, "pg_catalog") && (c->more == NULL || c->more->n_enum_values == 0));
}

void bf_learn(struct bf *b) {
    if (b->kind != PR_BF_UPDATE) {
        b->leaves = b->kind == PR_BF_DELETE ? BF_LEAVES_SURELY : BF_STAYS;
        return;
    }
    b->comparable = true;
    for (size_t i = 0; i < b->n_sets; i++) {
        const struct bf_set *s = &b->sets[i];
        const char *call = NULL;
        if (s->expr == NULL) b->comparable = false;
        else if (is_time(s->expr, NULL) || pr_world_volatile(b->world, s->expr, b->a, &call)) b->moves = true;
    }
    /* The whole SET clause: a subquery for several columns, an element of an array. */
    const List *targets = pr_cast(UpdateStmt, b->node)->targetList;
    ListCell *lc;
    foreach (lc, targets) {
        const ResTarget *t = lfirst_node(ResTarget, lc);
        const char *call = NULL;
        if (bf_reads(b, t->val, b->changed, b->n_changed, BF_OWN) || t->indirection != NIL) b->reads_changed = true;
        if (t->val != NULL && IsA(t->val, MultiAssignRef) && pr_world_volatile(b->world, t->val, b->a, &call)) b->moves = true;
        if (t->val != NULL && IsA(t->val, SetToDefault)) b->moves = true;
    }
    Node **parts = NULL;
    const size_t n = bf_conjuncts(b, *b->where, &parts);
    for (size_t i = 0; i < n; i++) {
        const int leaves = leaves_by(b, parts[i]);
        if (leaves > (int)b->leaves) b->leaves = leaves == BF_LEAVES_SURELY ? BF_LEAVES_SURELY : BF_LEAVES;
    }
}

/* A second row of the same source must run into a unique index, so its columns must come from the statement. */
static bool ignores_conflicts(const struct bf *b, const InsertStmt *s) {
    if (s->onConflictClause == NULL || s->onConflictClause->action != ONCONFLICT_NOTHING) return false;
    for (size_t i = 0; i < b->written->n_idxs; i++) {
        const struct pr_idx *x = &b->written->idxs[i];
        bool given = x->unique && x->valid && !x->has_expressions && x->n_cols > 0;
        for (size_t k = 0; k < x->n_cols && given && s->cols != NIL; k++) {
            ListCell *lc;
            bool named = false;
            foreach (lc, s->cols) named = named || pr_eq(lfirst_node(ResTarget, lc)->name, x->cols[k]);
            given = named;
        }
        if (given) return true;
    }
    return false;
}

bool bf_repeatable(const struct bf *b) {
    const InsertStmt *s = pr_as(InsertStmt, b->node);
    if (s != NULL) return b->anti_join || ignores_conflicts(b, s);
    if (b->leaves == BF_LEAVES_SURELY) return true;
    return !b->reads_changed && (b->leaves == BF_LEAVES || (!b->moves && b->comparable));
}
