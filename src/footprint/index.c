/* index.c: CREATE INDEX, ALTER INDEX, REINDEX, CLUSTER, VACUUM. */
#include "footprint/statements.h"

static void in_block(struct fx *x, const char *what) {
    x->out->outside_tx = true;
    if (x->w->in_tx) fx_fail(x, "25001", true, "%s cannot run inside a transaction block", what);
}

/* --- CREATE INDEX --- */

/* As a column of a query would be called (FigureColname), "expr" when it would have no name. */
static const char *name_of_expr(const void *expr) {
    const char *schema = NULL, *name = "expr";
    const Node *e = expr;
    while (e != NULL && IsA(e, CollateClause)) e = FX_NODE(CollateClause, e)->arg;
    if (e == NULL) return name;
    if (IsA(e, CoalesceExpr)) return "coalesce";
    if (IsA(e, MinMaxExpr)) return FX_NODE(MinMaxExpr, e)->op == IS_GREATEST ? "greatest" : "least";
    if (IsA(e, FuncCall)) fx_parts(FX_NODE(FuncCall, e)->funcname, &schema, &name);
    if (IsA(e, ColumnRef) && IsA(llast(FX_NODE(ColumnRef, e)->fields), String)) name = strVal(llast(FX_NODE(ColumnRef, e)->fields));
    if (IsA(e, TypeCast)) {
        name = name_of_expr(FX_NODE(TypeCast, e)->arg);
        if (pr_eq(name, "expr")) fx_parts(FX_NODE(TypeCast, e)->typeName->names, &schema, &name);
    }
    if (IsA(e, CaseExpr)) {
        name = name_of_expr(FX_NODE(CaseExpr, e)->defresult);
        if (pr_eq(name, "expr")) name = "case";
    }
    return name;
}

static const char *index_name(struct fx *x, const struct w_rel *r, const IndexStmt *st) {
    struct pr_buf b = {.a = x->o};
    ListCell *lc;
    foreach (lc, st->indexParams) {
        const IndexElem *e = lfirst(lc);
        pr_addf(&b, "%s%s", lc == list_head(st->indexParams) ? "" : "_", e->name != NULL ? e->name : name_of_expr(e->expr));
    }
    return fx_free_name(x, r, pr_buf_text(&b), "idx");
}

struct shape { const char **cols, **mentions; size_t n, m, cap_n, cap_m; bool expressions, plain_order; };

static void mention(struct fx *x, struct shape *s, const char *name) {
    for (size_t i = 0; i < s->m; i++)
        if (pr_eq(s->mentions[i], name)) return;
    *PR_PUSH(x->a, s->mentions, s->m, s->cap_m) = fx_str(x, name);
}

static void mention_all(struct fx *x, struct shape *s, const Node *expr) {
    const char **names = NULL;
    const size_t n = fx_columns(expr, x->o, &names);
    for (size_t i = 0; i < n; i++) mention(x, s, names[i]);
}

static struct shape shape_of(struct fx *x, const IndexStmt *st) {
    const size_t keys = (size_t)list_length(st->indexParams), all = keys + (size_t)list_length(st->indexIncludingParams);
    struct shape s = {.cols = PR_NEW_ARRAY(x->a, const char *, keys), .cap_n = keys, .mentions = PR_NEW_ARRAY(x->a, const char *, all), .cap_m = all,
                      .plain_order = true};
    ListCell *lc;
    foreach (lc, st->indexParams) {
        const IndexElem *e = lfirst(lc);
        *PR_PUSH(x->a, s.cols, s.n, s.cap_n) = e->name != NULL ? fx_str(x, e->name) : "(expr)";
        if (e->name != NULL) mention(x, &s, e->name);
        if (e->expr != NULL) {
            s.expressions = true;
            mention_all(x, &s, e->expr);
        }
        if (e->ordering == SORTBY_DESC || e->nulls_ordering == SORTBY_NULLS_FIRST || e->opclass != NIL) s.plain_order = false;
    }
    foreach (lc, st->indexIncludingParams) mention(x, &s, FX_NODE(IndexElem, lfirst(lc))->name);
    mention_all(x, &s, st->whereClause);
    return s;
}

static void columns_exist(struct fx *x, const struct w_rel *r, const struct shape *s) {
    if (!r->complete || r->r.n_cols == 0) return;
    for (size_t i = 0; i < s->m; i++)
        if (pr_find_col(&r->r, s->mentions[i]) == NULL && !pr_eq(s->mentions[i], r->r.name))
            fx_fail(x, "42703", true, "column \"%s\" does not exist", s->mentions[i]);
}

static void record_index(struct fx *x, struct w_rel *r, const IndexStmt *st, const struct shape *s, const char *name) {
    struct pr_idx *ix = w_add_idx(x->w, r, name);
    ix->method = st->accessMethod != NULL ? fx_str(x, st->accessMethod) : "btree";
    ix->cols = s->cols;
    ix->n_cols = s->n;
    ix->mentions = s->mentions;
    ix->n_mentions = s->m;
    ix->unique = st->unique;
    ix->has_expressions = s->expressions;
    ix->is_partial = st->whereClause != NULL;
    ix->default_order = s->plain_order;
    ix->valid = r->r.kind != 'p' || st->relation->inh;
}

/* A partition that has such an index already lends it to the parent's. */
static bool has_twin(const struct w_rel *r, const struct shape *s, const IndexStmt *st) {
    for (size_t i = 0; i < r->r.n_idxs; i++) {
        const struct pr_idx *ix = &r->r.idxs[i];
        if (ix->has_expressions || ix->is_partial || s->expressions || st->whereClause != NULL) continue;
        if (ix->unique != st->unique || ix->n_cols != s->n || !ix->valid || ix->n_mentions != s->m) continue;
        if (!pr_eq(ix->method, st->accessMethod != NULL ? st->accessMethod : "btree")) continue;
        bool same = ix->default_order == s->plain_order;
        for (size_t k = 0; k < s->n; k++) same = same && pr_eq(ix->cols[k], s->cols[k]);
        if (same) return true;
    }
    return false;
}

static bool exists(struct fx *x, const struct w_rel *r, const IndexStmt *st) {
    struct pr_idx *has = NULL;
    if (st->idxname == NULL) return false;
    const bool taken = w_find_index(x->w, r->r.schema, st->idxname, &has) != NULL || w_find(x->w, r->r.schema, st->idxname) != NULL;
    if (!taken) return false;
    if (!st->if_not_exists) {
        fx_fail(x, "42P07", true, "relation \"%s\" already exists", st->idxname);
    } else if (has != NULL && !has->valid) {
        fx_why(x, r, "nothing is built: an invalid index \"%s\" is there", st->idxname);
    } else {
        fx_why(x, r, "nothing is built: \"%s\" is there", st->idxname);
    }
    return true;
}

void fx_create_index(struct fx *x, const void *node) {
    const IndexStmt *st = node;
    struct w_rel *r = fx_rel(x, st->relation, 'r', false);
    if (r == NULL) return;
    fx_main(x, r);
    x->out->concurrent = st->concurrent;
    if (st->concurrent) in_block(x, "CREATE INDEX CONCURRENTLY");
    if (x->stop) return;
    const enum pr_lock lock = st->concurrent ? PR_SHARE_UPDATE_EXCLUSIVE : PR_SHARE;
    fx_lock(x, r, lock);
    fx_pending(x, r);
    if (st->concurrent && r->r.kind == 'p')
        fx_fail(x, "0A000", true, "cannot create index on partitioned table \"%s\" concurrently", r->r.name);
    if (r->r.kind == 'v') fx_fail(x, "42809", true, "cannot create index on relation \"%s\": it is a view", r->r.name);
    if (x->stop || exists(x, r, st)) return;
    const struct shape s = shape_of(x, st);
    columns_exist(x, r, &s);
    if (x->stop || (st->unique && !fx_key_covers(x, r, s.cols, s.n))) return;
    struct w_rel **family = NULL;
    const size_t n = fx_family(x, r, r->r.kind == 'p' && st->relation->inh, &family);
    bool rows = false, sure = false;
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], lock);
        rows = rows || fx_has_rows(family[i], &sure);
        if (i > 0 && has_twin(family[i], &s, st)) continue;
        const char *name = i == 0 && st->idxname != NULL ? fx_str(x, st->idxname) : index_name(x, family[i], st);
        record_index(x, family[i], st, &s, name);
        fx_build(x, family[i], 1);
        if (i == 0) fx_lock_index(x, r, name, PR_ACCESS_EXCLUSIVE)->created = true;
    }
    if (st->unique && rows) fx_fail(x, "23505", false, "rows with the same key in \"%s\"", r->r.name);
}

/* --- ALTER INDEX --- */

void fx_alter_index(struct fx *x, const AlterTableStmt *st) {
    struct pr_idx *idx = NULL;
    struct w_rel *r = w_find_index(x->w, st->relation->schemaname, st->relation->relname, &idx);
    if (r == NULL) {
        const bool absent = w_index_absent(x->w, st->relation->schemaname, st->relation->relname);
        if (!absent) fx_guess(x);
        else if (!st->missing_ok) fx_fail(x, "42P01", true, "relation \"%s\" does not exist", st->relation->relname);
    } else {
        fx_main(x, r);
    }
    ListCell *lc;
    foreach (lc, st->cmds) {
        const AlterTableCmd *cmd = lfirst(lc);
        enum pr_lock lock = PR_ACCESS_EXCLUSIVE;
        if (cmd->subtype == AT_SetStatistics) lock = PR_SHARE_UPDATE_EXCLUSIVE;
        if (cmd->subtype == AT_SetRelOptions || cmd->subtype == AT_ResetRelOptions)
            lock = fx_option_lock(FX_NODE(List, cmd->def));
        if (cmd->subtype == AT_SetRelOptions) fx_options_exist(x, FX_NODE(List, cmd->def), false);
        if (cmd->subtype == AT_AttachPartition) {
            const PartitionCmd *pc = FX_NODE(PartitionCmd, cmd->def);
            struct pr_idx *child = NULL;
            struct w_rel *owner = w_find_index(x->w, pc->name->schemaname, pc->name->relname, &child);
            lock = PR_SHARE_UPDATE_EXCLUSIVE;
            fx_lock_index(x, owner, fx_str(x, pc->name->relname), PR_ACCESS_EXCLUSIVE);
            if (r != NULL) fx_lock(x, r, PR_ACCESS_SHARE);
            if (owner != NULL) fx_lock(x, owner, PR_ACCESS_SHARE);
        }
        fx_lock_index(x, r, fx_str(x, st->relation->relname), lock);
        if (cmd->subtype == AT_SetTableSpace && r != NULL)
            fx_why(x, r, "the files of \"%s\" are copied to tablespace %s", st->relation->relname, cmd->name);
    }
}

/* --- REINDEX --- */

static bool option_on(const List *options, const char *name) {
    ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst(lc);
        if (!pr_eq(d->defname, name)) continue;
        if (d->arg == NULL) return true;
        if (IsA(d->arg, String)) return pr_eq_nocase(strVal(d->arg), "true") || pr_eq_nocase(strVal(d->arg), "on");
        if (IsA(d->arg, Integer)) return intVal(d->arg) != 0;
        return !IsA(d->arg, Boolean) || boolVal(d->arg);
    }
    return false;
}

static void reindex_table(struct fx *x, struct w_rel *r, bool concurrently) {
    fx_lock(x, r, concurrently ? PR_SHARE_UPDATE_EXCLUSIVE : PR_SHARE);
    for (size_t i = 0; i < r->r.n_idxs; i++) {
        const struct pr_idx *ix = &r->r.idxs[i];
        if (concurrently && !ix->valid) continue;
        fx_lock_index(x, r, ix->name, concurrently ? PR_SHARE_UPDATE_EXCLUSIVE : PR_ACCESS_EXCLUSIVE);
        fx_build(x, r, 1);
    }
    if (!r->complete) fx_build(x, r, 1);
    if (!concurrently && r->r.n_idxs > 0)
        fx_why(x, r, "reads wait as well: planning a query opens every index of the table");
}

static void reindex_index(struct fx *x, const ReindexStmt *st, bool concurrently) {
    struct pr_idx *idx = NULL;
    const char *name = fx_str(x, st->relation->relname);
    struct w_rel *r = w_find_index(x->w, st->relation->schemaname, name, &idx);
    fx_lock_index(x, r, name, concurrently ? PR_SHARE_UPDATE_EXCLUSIVE : PR_ACCESS_EXCLUSIVE);
    if (r == NULL) {
        fx_guess(x);
        return;
    }
    fx_main(x, r);
    if (r->r.kind == 'p') {
        in_block(x, "REINDEX INDEX on a partitioned index");
        if (x->stop) return;
    }
    fx_lock(x, r, concurrently ? PR_SHARE_UPDATE_EXCLUSIVE : PR_SHARE);
    fx_build(x, r, 1);
    if (!concurrently) fx_why(x, r, "reads wait as well: planning a query opens every index of the table");
    (void)w_idx(x->w, r, name);
    struct pr_idx *mine = w_idx(x->w, r, name);
    mine->valid = mine->ready = mine->live = true;
}

void fx_reindex(struct fx *x, const void *node) {
    const ReindexStmt *st = node;
    const bool concurrently = option_on(st->params, "concurrently");
    x->out->concurrent = concurrently;
    if (concurrently) in_block(x, "REINDEX CONCURRENTLY");
    const bool one = st->kind == REINDEX_OBJECT_INDEX || st->kind == REINDEX_OBJECT_TABLE;
    if (!one) in_block(x, st->kind == REINDEX_OBJECT_SCHEMA ? "REINDEX SCHEMA" : "REINDEX DATABASE");
    if (x->stop) return;
    if (st->kind == REINDEX_OBJECT_INDEX) {
        reindex_index(x, st, concurrently);
        return;
    }
    if (st->kind == REINDEX_OBJECT_TABLE) {
        struct w_rel *r = fx_rel(x, st->relation, 'r', false), **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t n = fx_family(x, r, r->r.kind == 'p', &family);
        if (r->r.kind == 'p') in_block(x, "REINDEX TABLE on a partitioned table");
        for (size_t i = 0; i < n && !x->stop; i++) reindex_table(x, family[i], concurrently);
        return;
    }
    size_t n_all = 0;
    struct w_rel *const *all = w_all(x->w, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        struct w_rel *r = all[i];
        if (r->gone || (r->r.kind != 'r' && r->r.kind != 'm')) continue;
        if (st->kind == REINDEX_OBJECT_SCHEMA && !pr_eq(r->r.schema, st->name)) continue;
        reindex_table(x, r, concurrently);
    }
    if (x->w->base == NULL) fx_guess(x);
}

/* --- CLUSTER, VACUUM, ANALYZE --- */

static void cluster_one(struct fx *x, struct w_rel *r) {
    fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    fx_rewrite(x, r);
}

void fx_cluster(struct fx *x, const void *node) {
    const ClusterStmt *st = node;
    if (st->relation == NULL) {
        in_block(x, "CLUSTER");
        fx_guess(x);
        return;
    }
    struct w_rel *r = fx_rel(x, st->relation, 'r', false), **family = NULL;
    if (r == NULL) return;
    fx_main(x, r);
    const size_t n = fx_family(x, r, r->r.kind == 'p', &family);
    for (size_t i = 0; i < n; i++) cluster_one(x, family[i]);
}

static void vacuum_one(struct fx *x, struct w_rel *r, bool vacuum, bool full) {
    if (vacuum && full) {
        cluster_one(x, r);
        return;
    }
    fx_lock(x, r, PR_SHARE_UPDATE_EXCLUSIVE);
}

void fx_vacuum(struct fx *x, const void *node) {
    const VacuumStmt *st = node;
    if (st->is_vacuumcmd) in_block(x, "VACUUM");
    if (x->stop) return;
    const bool full = option_on(st->options, "full");
    ListCell *lc;
    foreach (lc, st->rels) {
        const VacuumRelation *v = lfirst(lc);
        struct w_rel *r = v->relation != NULL ? fx_rel(x, v->relation, 'r', false) : NULL, **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t n = fx_family(x, r, v->relation->inh, &family);
        for (size_t i = 0; i < n; i++) vacuum_one(x, family[i], st->is_vacuumcmd, full);
    }
    if (st->rels != NIL) return;
    size_t n_all = 0;
    struct w_rel *const *all = w_all(x->w, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        struct w_rel *r = all[i];
        if (!r->gone && (r->r.kind == 'r' || r->r.kind == 'm')) vacuum_one(x, r, st->is_vacuumcmd, full);
    }
}
