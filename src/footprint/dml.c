/* dml.c: statements that read and write rows: the tables that a query names, their locks, whether it reads them whole. */
#include "footprint/statements.h"

/* --- the tables of a query --- */

enum { MAX_CTES = 64, MAX_VIEWS = 16 };

struct reader {
    struct fx *x;
    const char *ctes[MAX_CTES];
    int n_ctes, depth;
    enum pr_lock lock;
    bool work, expand, below;      /* expand: look into views although nothing is read; below: into children */
    const RangeVar *target;        /* locked already */
    const Node *where;             /* of the innermost query level */
    const char *ends;              /* it asks for nothing but the smallest or largest of this column */
};

static bool read_node(Node *node, void *ctx);

/* Begins with the WITH queries that are in scope where a statement in WITH stands. */
static struct reader reader_of(struct fx *x, enum pr_lock lock) {
    struct reader rd = {.x = x, .lock = lock};
    for (size_t i = 0; i < x->n_ctes && rd.n_ctes < MAX_CTES; i++) rd.ctes[rd.n_ctes++] = x->ctes[i];
    return rd;
}

/* Does the query level find its rows by an index? Only a column compared with = or IN counts, as first key column. */
struct finder { const struct w_rel *r; const struct pr_inside *inside; bool found; };

/* A column of a table; NULL for what is a variable of the body that the statement stands in. */
static const char *column_of(const struct finder *f, const Node *n) {
    const char *name = fx_bare_column(n);
    if (name == NULL || f->inside == NULL) return name;
    const char *first = strVal(linitial(FX_NODE(ColumnRef, n)->fields));
    return pr_mentions(f->inside->vars, f->inside->n_vars, first) ? NULL : name;
}

static bool find_key(Node *node, void *ctx) {
    struct finder *f = ctx;
    if (node == NULL || f->found) return f->found;
    if (IsA(node, BoolExpr) && FX_NODE(BoolExpr, node)->boolop != AND_EXPR) return false;
    if (!IsA(node, A_Expr)) return IsA(node, BoolExpr) || IsA(node, List) ? pr_tree_walk(node, find_key, ctx) : false;
    const A_Expr *e = FX_NODE(A_Expr, node);
    const bool equal = e->kind == AEXPR_IN || ((e->kind == AEXPR_OP || e->kind == AEXPR_OP_ANY) && list_length(e->name) == 1 &&
                                               pr_eq(strVal(linitial(e->name)), "="));
    const bool range = e->kind == AEXPR_BETWEEN;
    const char *col = column_of(f, e->lexpr), *other = column_of(f, e->rexpr);
    if (col != NULL && other != NULL) return false;        /* a join: read whole, unless another condition is narrow */
    for (size_t i = 0; (equal || range) && i < f->r->r.n_idxs && !f->found; i++) {
        const struct pr_idx *ix = &f->r->r.idxs[i];
        if (!ix->valid || ix->n_cols == 0 || ix->is_partial) continue;
        f->found = pr_eq(ix->cols[0], col) || pr_eq(ix->cols[0], other);
    }
    return f->found;
}

static bool by_index(const struct fx *x, const struct w_rel *r, const Node *where) {
    struct finder f = {.r = r, .inside = x->s->inside};
    (void)find_key((Node *)(uintptr_t)where, &f);
    return f.found;
}

/* What a view's text names: the text is of the day it was made, and its relations may have moved since. */
static struct w_rel *named_in_view(struct fx *x, const RangeVar *rv) {
    struct w_rel *r = w_find(x->w, rv->schemaname, rv->relname);
    if (r == NULL) r = w_renamed(x->w, rv->schemaname, rv->relname);
    if (r != NULL) return r;
    fx_guess(x);
    return w_absent(x->w, rv->schemaname, rv->relname) ? NULL : fx_rel(x, rv, 'r', true);
}

/* "max(id)": an index has it at its end. */
static const char *end_column(const SelectStmt *q) {
    const ResTarget *t = list_length(q->targetList) == 1 ? linitial(q->targetList) : NULL;
    const FuncCall *call = t != NULL ? pr_as(FuncCall, t->val) : NULL;
    if (call == NULL || list_length(call->args) != 1) return NULL;
    const char *name = strVal(llast(call->funcname));
    return pr_eq(name, "max") || pr_eq(name, "min") ? fx_bare_column(linitial(call->args)) : NULL;
}

static bool leads_index(const struct w_rel *r, const char *col) {
    for (size_t i = 0; col != NULL && i < r->r.n_idxs; i++)
        if (r->r.idxs[i].valid && !r->r.idxs[i].is_partial && r->r.idxs[i].n_cols > 0 && pr_eq(r->r.idxs[i].cols[0], col)) return true;
    return false;
}

static bool of_catalog(const struct fx *x, const RangeVar *rv) {
    if (rv->schemaname != NULL) return pr_eq(rv->schemaname, "pg_catalog") || pr_eq(rv->schemaname, "information_schema");
    return pr_starts(rv->relname, "pg_") && w_find(x->w, NULL, rv->relname) == NULL;
}

static void read_relation(struct reader *rd, const RangeVar *rv) {
    struct fx *x = rd->x;
    if (rv == rd->target) return;
    for (int i = 0; rv->schemaname == NULL && i < rd->n_ctes; i++)
        if (pr_eq(rd->ctes[i], rv->relname)) return;
    if (of_catalog(x, rv)) return;
    struct w_rel *r = rd->depth > 0 ? named_in_view(x, rv) : fx_rel(x, rv, 'r', false), **family = NULL;
    if (r == NULL) return;
    if (r->r.kind == 'v') {
        fx_lock(x, r, rd->lock);
        if (!(rd->work || rd->expand) || r->r.view_def == NULL || rd->depth >= MAX_VIEWS) return;
        struct pr_script s PR_CLEANUP(pr_script_done) = {0};
        struct pr_err e = {0};
        if (pr_script_parse(r->r.view_def, strlen(r->r.view_def), x->o, &s, &e) != PR_OK || s.n != 1) return;
        struct reader inner = {.x = x, .lock = rd->lock, .work = rd->work, .expand = rd->expand, .below = rd->below, .depth = rd->depth + 1};
        (void)read_node((Node *)(uintptr_t)s.stmts[0].node, &inner);
        return;
    }
    const size_t n = fx_family(x, r, rv->inh && (rd->work || rd->below), &family);
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], rd->lock);
        if (rd->work && r->r.kind != 'S' && !leads_index(family[i], rd->ends) && !by_index(x, family[i], rd->where)) fx_scan(x, family[i]);
    }
}

static void add_ctes(struct reader *rd, const WithClause *with) {
    if (with == NULL) return;
    ListCell *lc;
    foreach (lc, with->ctes)
        if (rd->n_ctes < MAX_CTES) rd->ctes[rd->n_ctes++] = FX_NODE(CommonTableExpr, lfirst(lc))->ctename;
}

static const WithClause *with_of(const Node *n) {
    if (IsA(n, SelectStmt)) return FX_NODE(SelectStmt, n)->withClause;
    if (IsA(n, InsertStmt)) return FX_NODE(InsertStmt, n)->withClause;
    if (IsA(n, UpdateStmt)) return FX_NODE(UpdateStmt, n)->withClause;
    if (IsA(n, MergeStmt)) return FX_NODE(MergeStmt, n)->withClause;
    return IsA(n, DeleteStmt) ? FX_NODE(DeleteStmt, n)->withClause : NULL;
}

/* The queries before it in the WITH, and those round it, are no tables to it either. */
static void write_in_with(const struct reader *rd, const Node *node) {
    struct fx *x = rd->x;
    const char *const *outer = x->ctes;
    const size_t n_outer = x->n_ctes;
    x->ctes = rd->ctes;
    x->n_ctes = (size_t)rd->n_ctes;
    if (IsA(node, InsertStmt)) fx_insert(x, node);
    else if (IsA(node, UpdateStmt)) fx_update(x, node);
    else if (IsA(node, DeleteStmt)) fx_delete(x, node);
    else fx_merge(x, node);
    x->ctes = outer;
    x->n_ctes = n_outer;
}

static bool read_node(Node *node, void *ctx) {
    struct reader *rd = ctx;
    if (node == NULL) return false;
    if (IsA(node, RangeVar)) {
        read_relation(rd, FX_NODE(RangeVar, node));
        return false;
    }
    if (IsA(node, RangeSubselect) && FX_NODE(RangeSubselect, node)->alias == NULL && rd->x->w->version != 0 && rd->x->w->version < 160000)
        fx_fail(rd->x, "42601", true, "a subquery in FROM without an alias needs PostgreSQL 16");
    if (IsA(node, InsertStmt) || IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || IsA(node, MergeStmt)) {
        write_in_with(rd, node);
        return false;
    }
    if (!IsA(node, SelectStmt)) return pr_tree_walk(node, read_node, ctx);
    const SelectStmt *q = FX_NODE(SelectStmt, node);
    struct reader level = *rd;
    level.where = q->whereClause;
    level.ends = q->whereClause == NULL && q->groupClause == NIL && list_length(q->fromClause) == 1 ? end_column(q) : NULL;
    if (q->lockingClause != NIL) level.lock = PR_ROW_SHARE;
    add_ctes(&level, with_of(node));
    return pr_tree_walk(node, read_node, &level);
}

void fx_reads(struct fx *x, const void *query, bool work) {
    struct reader rd = reader_of(x, PR_ACCESS_SHARE);
    rd.work = work;
    (void)read_node((Node *)(uintptr_t)query, &rd);
}

/* The tables that a query names, and what its views name; planned: what is below them too. Its target is the caller's. */
void fx_analyses(struct fx *x, const void *query, const RangeVar *target, bool planned) {
    struct reader rd = reader_of(x, PR_ACCESS_SHARE);
    rd.expand = true;
    rd.below = planned;
    rd.target = target;
    Node *n = (Node *)(uintptr_t)query;
    if (n == NULL) return;
    if (IsA(n, SelectStmt)) (void)read_node(n, &rd);
    else {
        add_ctes(&rd, with_of(n));
        (void)pr_tree_walk(n, read_node, &rd);
    }
}

void fx_lock_view(struct fx *x, const struct w_rel *view, enum pr_lock lock) {
    struct reader rd = {.x = x, .lock = lock, .expand = true};
    const RangeVar rv = {.type = T_RangeVar, .schemaname = (char *)(uintptr_t)view->r.schema,
                         .relname = (char *)(uintptr_t)view->r.name};
    read_relation(&rd, &rv);
}

static void reads_with(struct fx *x, const void *part, const WithClause *with, const Node *where) {
    if (part == NULL) return;
    struct reader rd = reader_of(x, PR_ACCESS_SHARE);
    rd.work = true;
    rd.where = where;
    add_ctes(&rd, with);
    if (IsA(FX_NODE(Node, part), List)) {
        ListCell *lc;
        foreach (lc, FX_NODE(List, part)) (void)read_node(lfirst(lc), &rd);
        return;
    }
    (void)read_node((Node *)(uintptr_t)part, &rd);
}

static void read_ctes(struct fx *x, const WithClause *with) {
    if (with == NULL) return;
    ListCell *lc;
    foreach (lc, with->ctes) reads_with(x, FX_NODE(CommonTableExpr, lfirst(lc))->ctequery, with, NULL);
}

/* --- writing --- */

static bool always_true(const Node *where) {
    if (where == NULL) return true;
    if (IsA(where, A_Const)) {
        const A_Const *c = FX_NODE(A_Const, where);
        return !c->isnull && nodeTag(&c->val) == T_Boolean && boolVal(&c->val);
    }
    if (!IsA(where, A_Expr)) return false;
    const A_Expr *e = FX_NODE(A_Expr, where);               /* 1 = 1 */
    return e->kind == AEXPR_OP && IsA(e->lexpr, A_Const) && e->rexpr != NULL && IsA(e->rexpr, A_Const) &&
           equal(e->lexpr, e->rexpr) && pr_eq(strVal(linitial(e->name)), "=");
}

/* What a simple view stands for: the one relation that it reads. NULL when it is no such view. */
static struct w_rel *behind_view(struct fx *x, const struct w_rel *view) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (view->r.view_def == NULL || view->r.n_trgs > 0) return NULL;        /* INSTEAD OF: its function says what happens */
    if (pr_script_parse(view->r.view_def, strlen(view->r.view_def), x->o, &s, &e) != PR_OK || s.n != 1) return NULL;
    const SelectStmt *q = pr_as(SelectStmt, (const Node *)s.stmts[0].node);
    const RangeVar *rv = q != NULL && list_length(q->fromClause) == 1 ? pr_as(RangeVar, (const Node *)linitial(q->fromClause)) : NULL;
    return rv != NULL ? named_in_view(x, rv) : NULL;
}

/* Writing through a view locks it and what is below it alike. */
static struct w_rel *through_views(struct fx *x, struct w_rel *r) {
    for (int depth = 0; r != NULL && r->r.kind == 'v' && depth < MAX_VIEWS; depth++) {
        fx_lock(x, r, PR_ROW_EXCLUSIVE);
        struct w_rel *below = behind_view(x, r);
        if (below == NULL) return r;
        r = below;
    }
    return r;
}

/* The target of UPDATE and DELETE, with the tables of its foreign keys where the change makes them looked at. */
static struct w_rel *write_target(struct fx *x, const RangeVar *rv, const Node *where) {
    struct w_rel *r = of_catalog(x, rv) ? NULL : fx_rel(x, rv, 'r', false), **family = NULL;
    if (r == NULL) return NULL;
    x->out->dml = true;
    fx_main(x, r);
    const size_t n = fx_family(x, r, rv->inh, &family);
    const bool all = always_true(where);
    if (r->r.kind == 'v') {
        struct w_rel *below = through_views(x, r);
        if (below != r) fx_lock(x, below, PR_ROW_EXCLUSIVE);
        if (below != r && (all || !by_index(x, below, where))) fx_scan(x, below);
        fx_guess(x);
        return r;
    }
    int64_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], PR_ROW_EXCLUSIVE);
        if (all || !by_index(x, family[i], where)) fx_scan(x, family[i]);
        if (family[i]->r.kind == 'p') continue;
        const int64_t here = family[i]->empty ? 0 : family[i]->r.rows;
        if (here < 0 || (here == 0 && !family[i]->r.rows_trusted)) rows = -1;
        else if (rows >= 0) rows = pr_sat_add(rows, here);
    }
    x->out->dml_rows = all ? rows : -1;
    return r;
}

/* Deferred constraints leave trigger events behind: DDL on the table in the same transaction fails. A key that others refer to
 * leaves them when rows go or their key changes. */
static void events_pending(struct fx *x, struct w_rel *r, bool comes, bool goes) {
    bool deferred = false;
    for (size_t i = 0; x->w->in_tx && i < r->r.n_cons && !deferred; i++) {
        const struct pr_con *c = &r->r.cons[i];
        const bool key = (c->type == 'u' || c->type == 'p') && comes;
        const bool looked_at = c->type == 'f' ? (c->inbound ? goes : comes) : c->type == 't' || key;
        deferred = looked_at && c->deferrable && c->def != NULL && strstr(c->def, "INITIALLY DEFERRED") != NULL;
    }
    if (!deferred) return;
    r->pending_tx = x->w->tx;
    r->pending_checks = x->w->checks;
}

/* Published, and nothing says which row is meant. What the publication publishes is not in the facts: certain for NOTHING alone. */
static bool without_identity(const struct w_rel *r) {
    if (!r->complete || !r->r.published || (r->r.replica_identity != 'n' && r->r.replica_identity != 'd')) return false;
    for (size_t i = 0; r->r.replica_identity == 'd' && i < r->r.n_idxs; i++)
        if (r->r.idxs[i].primary && r->r.idxs[i].valid) return false;
    return true;
}

static void uses_new_enum_value(struct fx *x, const void *part);

static void enum_constant(struct fx *x, const struct w_rel *r, const char *col, const Node *value) {
    const struct pr_col *c = pr_find_col(&r->r, col);
    if (c == NULL || value == NULL) return;
    const struct fx_type type = fx_type_of_text(x, c->type, c->type_schema);
    fx_enum_value(x, &type, value);
}

void fx_update(struct fx *x, const void *node) {
    const UpdateStmt *st = node;
    read_ctes(x, st->withClause);
    struct w_rel *r = write_target(x, st->relation, st->whereClause);
    if (r == NULL) return;
    reads_with(x, st->fromClause, st->withClause, st->whereClause);
    reads_with(x, st->whereClause, st->withClause, NULL);
    reads_with(x, st->targetList, st->withClause, NULL);
    uses_new_enum_value(x, st->targetList);
    uses_new_enum_value(x, st->whereClause);
    r->nulls = false;
    bool key = false, referenced = false;
    ListCell *lc;
    foreach (lc, st->targetList) {
        const char *col = FX_NODE(ResTarget, lfirst(lc))->name;
        if (r->complete && r->r.n_cols > 0 && pr_find_col(&r->r, col) == NULL)
            fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", col, r->r.name);
        enum_constant(x, r, col, FX_NODE(ResTarget, lfirst(lc))->val);
        for (size_t i = 0; i < r->r.n_cons; i++) {
            if (r->r.cons[i].type != 'f' || !pr_mentions(r->r.cons[i].cols, r->r.cons[i].n_cols, col)) continue;
            if (r->r.cons[i].inbound) referenced = true;
            else key = true;
        }
    }
    fx_keys_looked_up(x, r, &(struct fx_written){.outbound = key, .inbound = referenced});
    if (without_identity(r))
        fx_fail(x, "55000", r->r.replica_identity == 'n', "cannot update table \"%s\" because it does not have a replica identity", r->r.name);
    events_pending(x, r, key, referenced);
}

void fx_delete(struct fx *x, const void *node) {
    const DeleteStmt *st = node;
    read_ctes(x, st->withClause);
    struct w_rel *r = write_target(x, st->relation, st->whereClause);
    if (r == NULL) return;
    reads_with(x, st->usingClause, st->withClause, st->whereClause);
    reads_with(x, st->whereClause, st->withClause, NULL);
    uses_new_enum_value(x, st->whereClause);
    fx_keys_looked_up(x, r, &(struct fx_written){.inbound = true, .going = true});
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (r->r.cons[i].type == 'f' && r->r.cons[i].inbound && (r->r.cons[i].def == NULL ||
            (strstr(r->r.cons[i].def, "ON DELETE CASCADE") == NULL && strstr(r->r.cons[i].def, "ON DELETE SET") == NULL)))
            fx_fail(x, "23503", false, "rows of \"%s\" that refer to deleted ones", r->r.cons[i].ref_table);
    x->out->loses_data = true;
    if (without_identity(r))
        fx_fail(x, "55000", r->r.replica_identity == 'n', "cannot delete from table \"%s\" because it does not have a replica identity", r->r.name);
    events_pending(x, r, false, true);
}

static int64_t values_count(const Node *select) {
    if (select == NULL) return 1;                          /* DEFAULT VALUES */
    if (!IsA(select, SelectStmt)) return -1;
    const List *values = FX_NODE(SelectStmt, select)->valuesLists;
    return values != NIL ? list_length(values) : -1;
}

static void insert_constants(struct fx *x, const struct w_rel *r, const InsertStmt *st) {
    if (st->selectStmt == NULL || !IsA(st->selectStmt, SelectStmt)) return;
    ListCell *lc;
    foreach (lc, FX_NODE(SelectStmt, st->selectStmt)->valuesLists) {
        const List *row = lfirst(lc);
        for (int i = 0; i < list_length(row); i++) {
            const char *col = i < list_length(st->cols) ? FX_NODE(ResTarget, list_nth(st->cols, i))->name : NULL;
            if (st->cols == NIL && (size_t)i < r->r.n_cols) col = r->r.cols[i].name;
            if (col != NULL) enum_constant(x, r, col, list_nth(row, i));
        }
    }
}

static void draw_from(void *ctx, const Node *expr) { fx_sequences(ctx, expr); }

/* Columns that the statement leaves to their default: a sequence gives the number. */
static void draw_numbers(struct fx *x, const struct w_rel *r, const InsertStmt *st) {
    const Node *first = NULL;
    if (st->selectStmt != NULL && IsA(st->selectStmt, SelectStmt) && FX_NODE(SelectStmt, st->selectStmt)->valuesLists != NIL)
        first = linitial(FX_NODE(SelectStmt, st->selectStmt)->valuesLists);
    const size_t given = first != NULL ? (size_t)list_length(FX_NODE(List, first)) : 0;
    for (size_t i = 0; i < r->r.n_cols; i++) {
        const struct pr_col *c = &r->r.cols[i];
        bool named = st->cols == NIL && st->selectStmt != NULL && (first == NULL || i < given);
        ListCell *lc;
        foreach (lc, st->cols) named = named || pr_eq(FX_NODE(ResTarget, lfirst(lc))->name, c->name);
        if (named) continue;
        if (c->identity != 0) fx_lock_owned(x, r, c->name, PR_ROW_EXCLUSIVE);
        else if (c->default_sql != NULL && strstr(c->default_sql, "nextval(") != NULL)
            (void)fx_with_expr(x, c->default_sql, draw_from, x);
        else if (c->has_default && c->default_sql == NULL) fx_lock_owned(x, r, c->name, PR_ROW_EXCLUSIVE);
    }
}

/* The relation, and where it is partitioned what is below it, holds rows from here on. */
static void rows_come(struct fx *x, struct w_rel *r, int64_t n) {
    struct w_rel **family = NULL;
    const size_t members = fx_family(x, r, r->r.kind == 'p', &family);
    for (size_t i = 0; i < members; i++) {
        struct w_rel *m = family[i];
        m->nulls = false;
        if (m->empty) {
            m->r.rows = n >= 0 && members == 1 ? pr_sat_add(m->r.rows, n) : -1;
            m->r.rows_trusted = m->r.rows >= 0;
        }
        m->empty = m->empty && m->r.rows == 0;
    }
}

/* Partitions that the rows go to; all of them when the key is not a constant. */
static void route_rows(struct fx *x, struct w_rel *r, const InsertStmt *st) {
    if (r->r.kind != 'p') return;
    const char *open = r->r.partition_key != NULL ? strchr(r->r.partition_key, '(') : NULL;
    const char *key = open != NULL && strlen(open) > 2 ? pr_dupn(x->o, open + 1, strlen(open) - 2) : NULL;
    const List *rows = NIL;
    if (st->selectStmt != NULL && IsA(st->selectStmt, SelectStmt)) rows = FX_NODE(SelectStmt, st->selectStmt)->valuesLists;
    int at = -1, i = 0;
    ListCell *lc;
    foreach (lc, st->cols) {
        if (pr_eq(FX_NODE(ResTarget, lfirst(lc))->name, key)) at = i;
        i++;
    }
    const struct pr_col *c = key != NULL ? pr_find_col(&r->r, key) : NULL;
    if (st->cols == NIL && c != NULL) at = c->position - 1;
    bool all = at < 0 || rows == NIL;
    foreach (lc, rows) {
        const List *row = lfirst(lc);
        const char *value = at >= 0 && at < list_length(row) ? fx_constant(x, list_nth(row, at)) : NULL;
        const struct w_rel *to = value != NULL ? fx_route(x, r, value) : NULL;
        if (to == NULL || to->r.kind == 'p') all = true;
        else fx_lock(x, to, PR_ROW_EXCLUSIVE);
    }
    struct w_rel **family = NULL;
    const size_t n = fx_family(x, r, all, &family);
    for (size_t k = 1; k < n; k++) fx_lock(x, family[k], PR_ROW_EXCLUSIVE);
}

void fx_insert(struct fx *x, const void *node) {
    const InsertStmt *st = node;
    read_ctes(x, st->withClause);
    struct w_rel *r = fx_rel(x, st->relation, 'r', false);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, PR_ROW_EXCLUSIVE);
    x->out->dml = true;
    x->out->dml_rows = values_count(st->selectStmt);
    struct w_rel *below = through_views(x, r);
    if (below != r) fx_lock(x, below, PR_ROW_EXCLUSIVE);
    reads_with(x, st->selectStmt, st->withClause, NULL);
    uses_new_enum_value(x, st->selectStmt);
    const bool rows = x->out->dml_rows > 0 && st->onConflictClause == NULL;
    fx_keys_looked_up(x, r, &(struct fx_written){.outbound = true, .rows = rows, .insert = st});
    ListCell *lc;
    foreach (lc, st->cols) {
        const char *col = FX_NODE(ResTarget, lfirst(lc))->name;
        if (r->complete && r->r.n_cols > 0 && pr_find_col(&r->r, col) == NULL)
            fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", col, r->r.name);
    }
    insert_constants(x, r, st);
    x->may = x->out->dml_rows <= 0;                        /* of a query nobody knows how many come */
    draw_numbers(x, r, st);
    x->may = false;
    route_rows(x, r, st);
    rows_come(x, r, x->out->dml_rows);
    events_pending(x, r, true, false);
}

void fx_merge(struct fx *x, const void *node) {
    const MergeStmt *st = node;
    read_ctes(x, st->withClause);
    struct w_rel *r = write_target(x, st->relation, NULL);
    if (r == NULL) return;
    x->out->dml_rows = -1;
    reads_with(x, st->sourceRelation, st->withClause, NULL);
}

void fx_select(struct fx *x, const void *node) {
    const SelectStmt *st = node;
    if (st->intoClause != NULL) {
        const RangeVar *rv = st->intoClause->rel;
        struct w_rel *r = w_create(x->w, fx_new_schema(x, rv), fx_str(x, rv->relname), 'r');
        r->complete = r->empty = false;
        fx_main(x, r);
        fx_created(x, r);
    }
    if (st->fromClause != NIL && IsA(linitial(st->fromClause), RangeVar) && list_length(st->fromClause) == 1) {
        const RangeVar *rv = linitial(st->fromClause);
        const struct w_rel *r = w_find(x->w, rv->schemaname, rv->relname);
        if (r != NULL) fx_main(x, r);
    }
    fx_sequences(x, st);
    fx_steered(x, st);
    uses_new_enum_value(x, st);
    fx_reads(x, st, true);
}

void fx_copy(struct fx *x, const void *node) {
    const CopyStmt *st = node;
    if (st->relation == NULL) {
        fx_reads(x, st->query, true);
        return;
    }
    struct w_rel *r = fx_rel(x, st->relation, 'r', false);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, st->is_from ? PR_ROW_EXCLUSIVE : PR_ACCESS_SHARE);
    if (!st->is_from) {
        fx_scan(x, r);
        return;
    }
    x->out->dml = true;
    x->out->dml_rows = -1;
    rows_come(x, r, -1);
    fx_keys_looked_up(x, r, &(struct fx_written){.outbound = true});
}

/* --- 55P04: a value added to an enum in this very transaction --- */

static bool seek_value(Node *node, void *ctx) {
    struct fx *x = ctx;
    if (node == NULL) return false;
    if (!IsA(node, A_Const)) return pr_tree_walk(node, seek_value, ctx);
    const A_Const *c = FX_NODE(A_Const, node);
    if (c->isnull || nodeTag(&c->val) != T_String) return false;
    for (const struct w_value *v = x->w->values; v != NULL; v = v->next) {
        if (v->tx != x->w->tx || !pr_eq(v->value, strVal(&c->val))) continue;
        if (v->type_is_new && (x->w->version == 0 || x->w->version >= 170000)) continue;
        fx_fail(x, "55P04", true, "unsafe use of new value \"%s\" of enum type %s: it must be committed first", v->value, v->type);
        return true;
    }
    return false;
}

static void uses_new_enum_value(struct fx *x, const void *part) {
    if (x->w->values == NULL || !x->w->in_tx || part == NULL) return;
    if (!IsA(FX_NODE(Node, part), List)) {
        (void)seek_value((Node *)(uintptr_t)part, x);
        return;
    }
    ListCell *lc;
    foreach (lc, FX_NODE(List, part)) (void)seek_value(lfirst(lc), x);
}
