/* create.c: new tables, views, sequences: nobody's yet; what counts is what they touch besides. */
#include "footprint/statements.h"

static const char *text_of_key(struct fx *x, const PartitionSpec *spec) {
    struct pr_buf b = {.a = x->o};
    pr_add(&b, "(");
    ListCell *lc;
    foreach (lc, spec->partParams) {
        const PartitionElem *e = lfirst(lc);
        pr_addf(&b, "%s%s", b.len > 1 ? ", " : "", e->name != NULL ? e->name : "NULL");
    }
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

/* The relation when the name is free, else NULL with the failure that follows. */
static struct w_rel *fresh(struct fx *x, const RangeVar *rv, char kind, OnCommitAction end, bool if_not_exists, bool *there) {
    const char *schema = fx_new_schema(x, rv);
    struct w_rel *has = w_find(x->w, schema, rv->relname);
    *there = has != NULL && has->complete;
    if (*there) {
        if (!if_not_exists) fx_fail(x, "42P07", true, "relation \"%s\" already exists", rv->relname);
        return NULL;
    }
    if (has != NULL) w_drop(x->w, has);                    /* a name that was only guessed to be there */
    struct w_rel *r = w_create(x->w, schema, fx_str(x, rv->relname), kind);
    if (!pr_eq(schema, W_TEMP)) r->r.persistence = rv->relpersistence;
    r->until_commit = end == ONCOMMIT_DROP;
    x->w->until_commit = x->w->until_commit || r->until_commit;
    fx_main(x, r);
    fx_created(x, r);
    return r;
}

/* A table that names itself: it is not there yet when its statement is read. */
static bool is_itself(struct fx *x, const struct w_rel *r, const RangeVar *rv) {
    if (w_find(x->w, rv->schemaname, rv->relname) != r) return false;
    fx_fail(x, "42P01", true, "relation \"%s\" does not exist", rv->relname);
    return true;
}

static void add_like(struct fx *x, struct w_rel *r, const TableLikeClause *like) {
    const struct w_rel *from = is_itself(x, r, like->relation) ? NULL : fx_rel(x, like->relation, 'r', false);
    if (from == NULL) return;
    fx_lock(x, from, PR_ACCESS_SHARE);
    if (!from->complete) r->complete = false;
    for (size_t i = 0; i < from->r.n_cols; i++) {
        struct pr_col *c = w_add_col(x->w, r, from->r.cols[i].name, from->r.cols[i].type);
        const int position = c->position;
        *c = from->r.cols[i];
        c->position = position;
        c->all_null = false;
        if ((like->options & CREATE_TABLE_LIKE_DEFAULTS) == 0) c->has_default = false;
        if ((like->options & CREATE_TABLE_LIKE_IDENTITY) == 0) c->identity = 0;
        if ((like->options & CREATE_TABLE_LIKE_GENERATED) == 0) c->generated = 0;
    }
    for (size_t i = 0; i < from->r.n_cons && (like->options & CREATE_TABLE_LIKE_CONSTRAINTS) != 0; i++) {
        const struct pr_con *c = &from->r.cons[i];
        if (c->type == 'c') *w_add_con(x->w, r, c->name, 'c') = *c;
    }
    if ((like->options & CREATE_TABLE_LIKE_INDEXES) == 0) return;
    for (size_t i = 0; i < from->r.n_idxs; i++) {
        const struct pr_idx *ix = &from->r.idxs[i];
        if (!ix->valid) continue;
        struct pr_buf cols = {.a = x->o};
        for (size_t k = 0; k < ix->n_cols; k++) pr_addf(&cols, "%s%s", k > 0 ? "_" : "", ix->cols[k]);
        const char *label = ix->primary ? "pkey" : ix->constraint != NULL ? "key" : "idx";
        struct pr_idx *mine = w_add_idx(x->w, r, fx_free_name(x, r, ix->primary ? NULL : pr_buf_text(&cols), label));
        const char *name = mine->name;
        *mine = *ix;
        mine->name = name;
        if (ix->constraint == NULL) continue;
        mine->constraint = name;
        struct pr_con *con = w_add_con(x->w, r, name, ix->primary ? 'p' : 'u');
        con->cols = ix->cols;
        con->n_cols = ix->n_cols;
        con->index = name;
    }
    fx_lock(x, r, PR_LOCK_NONE)->index_builds += fx_live_indexes(r);
}

static void add_parents(struct fx *x, struct w_rel *r, const CreateStmt *st) {
    ListCell *lc;
    foreach (lc, st->inhRelations) {
        const RangeVar *rv = lfirst(lc);
        if (is_itself(x, r, rv)) return;
        if (st->partbound != NULL) {
            fx_partition_of(x, rv, r, st->partbound);
            continue;
        }
        struct w_rel *parent = fx_rel(x, rv, 'r', false);
        if (parent == NULL) return;
        fx_lock(x, parent, PR_SHARE_UPDATE_EXCLUSIVE);
        if (!parent->complete) r->complete = false;
        for (size_t i = 0; i < parent->r.n_cols; i++) {
            struct pr_col *c = w_add_col(x->w, r, parent->r.cols[i].name, parent->r.cols[i].type);
            *c = parent->r.cols[i];
            c->all_null = false;
        }
        w_add_partition(x->w, parent, r);
    }
}

/* A table that has no rows yet has none that could violate: the server takes NOT VALID for valid there, but for a foreign table's CHECK.
 * Source: transformCheckConstraints and transformFKConstraints (parse_utilcmd.c). */
static Constraint as_created(const CreateStmt *st, const Constraint *c) {
    Constraint out = *c;
    if (c->contype == CONSTR_FOREIGN || (c->contype == CONSTR_CHECK && !IsA(st, CreateForeignTableStmt))) out.skip_validation = false;
    return out;
}

/* Columns first, then their constraints, then the table's, as ADD COLUMN and ADD CONSTRAINT on a table without rows. */
static void add_elements(struct fx *x, struct w_rel *r, const CreateStmt *st) {
    ListCell *lc;
    size_t n_cols = r->r.n_cols;
    foreach (lc, st->tableElts) n_cols += IsA(lfirst(lc), ColumnDef) ? 1 : 0;
    w_expect_cols(x->w, r, n_cols);
    foreach (lc, st->tableElts) {
        const Node *n = lfirst(lc);
        if (IsA(n, TableLikeClause)) add_like(x, r, FX_NODE(TableLikeClause, n));
        if (!IsA(n, ColumnDef)) continue;
        if (FX_NODE(ColumnDef, n)->typeName == NULL) continue;          /* options of a partition's or typed column */
        const AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_AddColumn, .def = (Node *)(uintptr_t)n};
        struct fx_at t = {.x = x, .r = r, .root = r, .cmd = &cmd};
        fx_add_column(&t);
    }
    const List *lists[] = {st->tableElts, st->constraints};
    for (size_t i = 0; i < PR_COUNT(lists); i++)
        foreach (lc, lists[i]) {
            const Node *n = lfirst(lc);
            if (!IsA(n, Constraint)) continue;
            struct fx_at t = {.x = x, .r = r, .root = r};
            const Constraint *c = FX_NODE(Constraint, n);
            if (c->contype != CONSTR_NOTNULL) {
                const Constraint made = as_created(st, c);
                fx_constraint(&t, &made, NULL, 1);
                continue;
            }
            struct pr_col *col = c->keys != NIL ? w_col(x->w, r, strVal(linitial(c->keys))) : NULL;
            if (col != NULL) col->not_null = true;
        }
}

/* Of two keys on the same columns the server makes one; the primary one stays. Source: transformIndexConstraints. */
static void merge_keys(struct fx *x, struct w_rel *r) {
    for (size_t i = 0; i < r->r.n_idxs; i++)
        for (size_t k = r->r.n_idxs; k-- > i + 1;) {
            const struct pr_idx *a = &r->r.idxs[i], *b = &r->r.idxs[k];
            bool same = a->constraint != NULL && b->constraint != NULL && a->unique && b->unique && a->n_cols == b->n_cols &&
                        a->n_mentions == b->n_mentions && !a->is_partial && !b->is_partial;
            for (size_t c = 0; same && c < a->n_cols; c++) same = pr_eq(a->cols[c], b->cols[c]);
            if (!same) continue;
            const char *less = b->primary ? a->constraint : b->constraint;
            w_cut_con(x->w, r, less);
            w_cut_idx(x->w, r, less);
        }
}

/* A table that is born empty is neither read nor rewritten; its indexes are built over nothing. */
static void newborn(struct fx *x, const struct w_rel *r) {
    struct pr_effect *e = fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    e->scan = e->rewrite = false;
    e->why = NULL;
    if (r->r.kind != 'p') e->index_builds = fx_live_indexes(r);
}

void fx_create_table(struct fx *x, const void *node) {
    const CreateStmt *st = node;
    bool there = false;
    struct w_rel *r = fresh(x, st->relation, st->partspec != NULL ? 'p' : 'r', st->oncommit, st->if_not_exists, &there);
    if (r == NULL) return;
    if (st->partspec != NULL) r->r.partition_key = pr_fmt(x->a, "RANGE %s", text_of_key(x, st->partspec));
    if (st->ofTypename != NULL) {
        const char *schema = NULL, *name = NULL;
        fx_parts(st->ofTypename->names, &schema, &name);
        const struct w_type *type = w_find_type(x->w, schema, name);
        if (type != NULL) fx_lock(x, fx_composite(x, type), PR_ACCESS_SHARE);
        else fx_guess(x);
        r->complete = false;
    }
    add_parents(x, r, st);
    if (x->stop) return;
    add_elements(x, r, st);
    merge_keys(x, r);
    newborn(x, r);
    /* a foreign key that looks up no rows: the partner is locked and not read */
    for (size_t i = 0; i < x->out->n; i++)
        if (x->touched[i] != NULL && x->touched[i] != r && !x->touched[i]->r.is_default_partition)
            x->out->effects[i].scan = false;
}

void fx_create_foreign_table(struct fx *x, const void *node) {
    const CreateForeignTableStmt *st = node;
    fx_create_table(x, &st->base);
}

void fx_create_table_as(struct fx *x, const void *node) {
    const CreateTableAsStmt *st = node;
    const bool is_view = st->objtype == OBJECT_MATVIEW;
    bool there = false;
    struct w_rel *r = fresh(x, st->into->rel, is_view ? 'm' : 'r', st->into->onCommit, st->if_not_exists, &there);
    if (r == NULL) return;
    r->complete = false;                                   /* its columns are those of the query: not resolved */
    r->empty = st->into->skipData;
    if (!r->empty) r->r.rows = -1;
    fx_reads(x, st->query, !st->into->skipData);
    if (is_view) fx_depend_on_read(x, r, st->query);
}

/* --- views --- */

/* The query as text, as the catalog would give it: what reads the view later reads what is in it. */
static void keep_query(struct fx *x, struct w_rel *view, const Node *query) {
    struct pr_err e = {0};
    const struct pr_stmt as_stmt = {.node = query};
    const char *text = NULL;
    if (query != NULL && pr_stmt_deparse(&as_stmt, x->a, &text, &e) == PR_OK) view->r.view_def = text;
}

/* The name that a target of a query gets, where its tree says so; NULL = not known. */
static const char *target_name(const ResTarget *t) {
    if (t->name != NULL) return t->name;
    if (IsA(t->val, FuncCall)) return strVal(llast(FX_NODE(FuncCall, t->val)->funcname));
    return fx_bare_column(t->val);
}

/* CREATE OR REPLACE VIEW may add columns at the end and change nothing else: 42P16. */
static void same_columns(struct fx *x, const struct w_rel *view, const ViewStmt *st) {
    const Node *q = st->query;
    if (!IsA(q, SelectStmt) || st->aliases != NIL || view->r.n_cols == 0) return;
    const SelectStmt *s = FX_NODE(SelectStmt, q);
    size_t i = 0;
    ListCell *lc;
    foreach (lc, s->targetList) {
        const ResTarget *t = lfirst(lc);
        if (IsA(t->val, ColumnRef) && IsA(llast(FX_NODE(ColumnRef, t->val)->fields), A_Star)) return;
        const struct pr_col *has = i < view->r.n_cols ? &view->r.cols[i] : NULL;
        const char *name = target_name(t);
        if (has != NULL && name != NULL && !pr_eq(name, has->name)) {
            fx_fail(x, "42P16", true, "cannot change name of view column \"%s\" to \"%s\"", has->name, name);
            return;
        }
        if (has != NULL && IsA(t->val, TypeCast)) {
            const struct fx_type to = fx_type_of_node(x, FX_NODE(TypeCast, t->val)->typeName), from = fx_type_of_text(x, has->type, has->type_schema);
            if (to.known && from.known && (!pr_eq(to.name, from.name) || to.array != from.array))
                fx_fail(x, "42P16", true, "cannot change data type of view column \"%s\" from %s", has->name, has->type);
        }
        i++;
    }
    if (s->targetList != NIL && i < view->r.n_cols) fx_fail(x, "42P16", true, "cannot drop columns from view \"%s\"", view->r.name);
}

void fx_view(struct fx *x, const void *node) {
    const ViewStmt *st = node;
    const char *schema = fx_new_schema(x, st->view);
    struct w_rel *has = w_find(x->w, schema, st->view->relname);
    if (has != NULL && has->complete && !st->replace) {
        fx_fail(x, "42P07", true, "relation \"%s\" already exists", st->view->relname);
        return;
    }
    if (has != NULL && has->complete) {
        fx_main(x, has);
        fx_lock(x, has, PR_ACCESS_EXCLUSIVE);
        if (has->r.kind != 'v') fx_fail(x, "42809", true, "\"%s\" is not a view", st->view->relname);
        else same_columns(x, has, st);
    } else {
        if (has != NULL) w_drop(x->w, has);
        if (st->replace && x->w->base == NULL) fx_guess(x);
        has = w_create(x->w, schema, fx_str(x, st->view->relname), 'v');
        fx_main(x, has);
        fx_created(x, has);
        if (st->replace && x->w->base == NULL) fx_lock(x, has, PR_ACCESS_EXCLUSIVE)->created = false;
    }
    fx_reads(x, st->query, false);
    w_cut_deps(x->w, has);                                 /* what it read before it was replaced */
    fx_depend_on_read(x, has, st->query);
    keep_query(x, has, st->query);
}

void fx_refresh(struct fx *x, const void *node) {
    const RefreshMatViewStmt *st = node;
    struct w_rel *r = fx_rel(x, st->relation, 'm', false);
    if (r == NULL) return;
    fx_main(x, r);
    if (r->complete && r->r.kind != 'm') {
        fx_fail(x, "0A000", true, "\"%s\" is not a materialized view", r->r.name);
        return;
    }
    fx_lock(x, r, st->concurrent ? PR_EXCLUSIVE : PR_ACCESS_EXCLUSIVE);
    if (st->concurrent) {
        bool key = !r->complete;
        for (size_t i = 0; i < r->r.n_idxs; i++) {
            const struct pr_idx *ix = &r->r.idxs[i];
            key = key || (ix->unique && ix->valid && !ix->is_partial && !ix->has_expressions);
        }
        if (!key) {
            fx_fail(x, "55000", true, "cannot refresh materialized view \"%s\" concurrently: it has no unique index", r->r.name);
            return;
        }
        fx_scan(x, r);
    } else if (!st->skipData) {
        fx_rewrite(x, r);
        if (r->complete && r->r.n_idxs == 0) fx_lock(x, r, PR_ACCESS_EXCLUSIVE)->scan = false;
    } else {
        struct pr_effect *e = fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
        e->rewrite = true;
        e->index_builds = fx_live_indexes(r);
        e->rows = e->bytes = 0;
    }
    if (!r->complete && !st->concurrent) fx_build(x, r, 1);
    if (st->skipData) return;
    if (r->r.view_def == NULL) {
        fx_guess(x);
        return;
    }
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(r->r.view_def, strlen(r->r.view_def), x->a, &s, &e) == PR_OK && s.n == 1 && s.stmts[0].node != NULL)
        fx_reads(x, s.stmts[0].node, true);
}

/* --- sequences --- */

void fx_create_sequence(struct fx *x, const void *node) {
    const CreateSeqStmt *st = node;
    bool there = false;
    struct w_rel *r = fresh(x, st->sequence, 'S', ONCOMMIT_NOOP, st->if_not_exists, &there);
    ListCell *lc;
    if (r == NULL) return;
    foreach (lc, st->options) {
        const DefElem *d = lfirst(lc);
        if (!pr_eq(d->defname, "owned_by") || list_length(FX_NODE(List, d->arg)) < 2) continue;
        const List *names = FX_NODE(List, d->arg);
        const int n = list_length(names);
        struct w_rel *owner = fx_rel_named(x, n > 2 ? strVal(list_nth(names, n - 3)) : NULL,
                                           strVal(list_nth(names, n - 2)), 'r', false);
        if (owner == NULL) return;
        fx_lock(x, owner, PR_ACCESS_SHARE);
        const char **mention = PR_NEW_ARRAY(x->a, const char *, 1);
        mention[0] = fx_str(x, strVal(list_nth(names, n - 1)));
        w_add_dep(x->w, owner, "sequence", r, mention, 1);
    }
}

void fx_alter_sequence(struct fx *x, const void *node) {
    const AlterSeqStmt *st = node;
    struct w_rel *r = fx_rel(x, st->sequence, 'S', st->missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, PR_SHARE_ROW_EXCLUSIVE);
    ListCell *lc;
    foreach (lc, st->options) {
        const DefElem *d = lfirst(lc);
        if (!pr_eq(d->defname, "owned_by") || list_length(FX_NODE(List, d->arg)) < 2) continue;
        const List *names = FX_NODE(List, d->arg);
        const int n = list_length(names);
        struct w_rel *owner = fx_rel_named(x, n > 2 ? strVal(list_nth(names, n - 3)) : NULL,
                                           strVal(list_nth(names, n - 2)), 'r', false);
        if (owner != NULL) fx_lock(x, owner, PR_ACCESS_SHARE);
    }
}
