/* column.c: ADD COLUMN, DROP COLUMN, SET NOT NULL. */
#include "footprint/fx.h"

/* What the inline constraints of a new column say, gathered first: they decide together. */
struct new_col {
    const ColumnDef *def;
    struct fx_type type;
    const Node *value;             /* DEFAULT */
    bool not_null, identity, stored, is_virtual, primary, has_value;
};

static void gather(struct new_col *n) {
    n->value = n->def->raw_default;
    n->not_null = n->def->is_not_null;
    n->identity = n->def->identity != 0;
    ListCell *lc;
    foreach (lc, n->def->constraints) {
        const Constraint *c = lfirst(lc);
        if (c->contype == CONSTR_DEFAULT) n->value = c->raw_expr;
        else if (c->contype == CONSTR_NOTNULL) n->not_null = true;
        else if (c->contype == CONSTR_PRIMARY) n->primary = true;
        else if (c->contype == CONSTR_IDENTITY) n->identity = true;
        else if (c->contype == CONSTR_GENERATED) {
            n->is_virtual = PR_CONSTRAINT_VIRTUAL(c);
            n->stored = !n->is_virtual;
        }
    }
    n->has_value = n->type.serial || n->identity || n->stored || n->is_virtual || !fx_is_null(n->value);
}

static bool constrained_domain(struct fx *x, const struct fx_type *t) {
    if (t->array || t->known) return t->user != NULL && !t->array && t->user->t.kind == 'd' && t->user->t.constrained;
    if (x->w->base == NULL && t->schema == NULL) fx_guess(x);            /* may be a domain for all that we know */
    return false;
}

/* Every row gets a value of its own: the table is written anew. */
static bool needs_rewrite(struct fx_at *t, const struct new_col *n) {
    struct fx *x = t->x;
    const char *col = n->def->colname, *what = NULL;
    if (n->type.serial) fx_why(x, t->r, "\"%s\" is a serial column: every row gets a number", col);
    else if (n->identity) fx_why(x, t->r, "\"%s\" is an identity column: every row gets a number", col);
    else if (n->stored) fx_why(x, t->r, "\"%s\" is a stored generated column: it is computed for every row", col);
    else if (!fx_is_null(n->value) && fx_volatile(x, n->value, &what))
        fx_why(x, t->r, "the default is volatile: %s", what);
    else if (constrained_domain(x, &n->type))
        fx_why(x, t->r, "the domain %s has constraints: every row is checked and written", n->type.name);
    else return false;
    return true;
}

static const Node *generated_expr(const struct new_col *n) {
    ListCell *lc;
    foreach (lc, n->def->constraints)
        if (((const Constraint *)lfirst(lc))->contype == CONSTR_GENERATED) return ((const Constraint *)lfirst(lc))->raw_expr;
    return NULL;
}

static struct pr_col *record(struct fx_at *t, const struct new_col *n) {
    struct fx *x = t->x;
    struct pr_col *c = w_add_col(x->w, t->r, fx_str(x, n->def->colname), fx_type_text(x, &n->type));
    c->type_schema = n->type.schema;
    c->not_null = n->not_null || n->primary || n->identity || n->type.serial;
    c->has_default = n->type.serial || n->stored || n->is_virtual || !fx_is_null(n->value);
    c->identity = n->identity ? 'd' : (char)0;
    c->generated = n->stored ? 's' : n->is_virtual ? 'v' : (char)0;
    if (n->type.user != NULL && n->type.user->t.kind == 'd') {
        c->base_type = n->type.user->t.base_type;
        c->domain_constrained = n->type.user->t.constrained;
    }
    if (n->stored || n->is_virtual) {
        const char **names = NULL;
        const size_t n_names = fx_columns(generated_expr(n), x->a, &names);
        const struct w_rel as_named = {.r = {.schema = t->r->r.schema, .name = c->name}};
        w_add_dep(x->w, t->r, "generated column", &as_named, names, n_names);
    }
    if (!n->type.serial && !n->identity) return c;
    struct w_rel *seq = w_create(x->w, t->r->r.schema, fx_free_name(x, t->r, n->def->colname, "seq"), 'S');
    const char **mention = PR_NEW_ARRAY(x->a, const char *, 1);
    mention[0] = c->name;
    w_add_dep(x->w, t->r, "sequence", seq, mention, 1);
    if (t->r == t->root) fx_created(x, seq);
    return c;
}

static bool has_primary(const struct w_rel *r) {
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (r->r.cons[i].type == 'p' && !r->r.cons[i].inbound) return true;
    return false;
}

static void no_value_for_rows(struct fx_at *t, const struct new_col *n) {
    bool sure = false;
    if (fx_has_rows(t->r, &sure) && t->r->r.kind != 'p')
        fx_fail(t->x, "23502", sure, "column \"%s\" of relation \"%s\" contains null values", n->def->colname, t->r->r.name);
}

/* What the server refuses whatever the rows are. */
static void refuse_add(struct fx_at *t, const struct new_col *n) {
    struct fx *x = t->x;
    if (t->r->complete && t->r->r.n_cols + (size_t)t->r->r.dropped_cols >= 1600)
        fx_fail(x, "54011", true, "tables can have at most 1600 columns, dropped ones count");
    if (t->st != NULL && t->r == t->root && t->r->r.partition_of != NULL) {
        const struct w_rel *parent = w_find(x->w, t->r->r.partition_of_schema, t->r->r.partition_of);
        if (parent != NULL && parent->r.kind == 'p') fx_fail(x, "42809", true, "cannot add column to a partition");
    }
    if (t->st != NULL && t->r == t->root && !t->st->relation->inh && t->r->r.n_partitions > 0)
        fx_fail(x, "42P16", true, "column must be added to child tables too");
    if (n->primary && has_primary(t->r))
        fx_fail(x, "42P16", true, "multiple primary keys for table \"%s\" are not allowed", t->r->r.name);
    if (n->is_virtual && x->w->version != 0 && x->w->version < 180000)
        fx_fail(x, "42601", true, "virtual generated columns need PostgreSQL 18");
}

static void inline_constraints(struct fx_at *t, const struct new_col *n) {
    ListCell *lc;
    foreach (lc, n->def->constraints) {
        const Constraint *c = lfirst(lc);
        if (c->contype != CONSTR_CHECK && c->contype != CONSTR_UNIQUE && c->contype != CONSTR_PRIMARY &&
            c->contype != CONSTR_FOREIGN)
            continue;
        if (c->contype != CONSTR_CHECK && t->r != t->root && t->root->r.kind != 'p') continue;
        const bool key = c->contype == CONSTR_UNIQUE || c->contype == CONSTR_PRIMARY;      /* nulls and numbers do not collide */
        fx_constraint(t, c, n->def->colname, n->has_value && !(key && (n->identity || n->type.serial)) ? 2 : 1);
    }
}

void fx_add_column(struct fx_at *t) {
    struct fx *x = t->x;
    struct new_col n = {.def = FX_NODE(ColumnDef, t->cmd->def)};
    const char *col = n.def->colname;
    if (pr_find_col(&t->r->r, col) != NULL) {
        if (!t->cmd->missing_ok && t->r == t->root)
            fx_fail(x, "42701", true, "column \"%s\" of relation \"%s\" already exists", col, t->r->r.name);
        return;
    }
    n.type = fx_type_of_node(x, n.def->typeName);
    gather(&n);
    refuse_add(t, &n);
    if (x->stop) return;
    if (needs_rewrite(t, &n)) t->rewrite = true;
    fx_sequences(x, n.value);
    fx_enum_value(x, &n.type, n.value);
    if ((n.not_null || n.primary) && !n.has_value) {
        fx_verify(t, "a new column that is not null and has no default is looked up in every row");
        no_value_for_rows(t, &n);
    }
    if (n.not_null && n.is_virtual) fx_verify(t, "a virtual column that is not null is computed for every row");
    struct pr_col *c = record(t, &n);
    if (!n.has_value) w_note_null(t->r, c);
    inline_constraints(t, &n);
}

/* --- DROP COLUMN --- */

static void drop_indexes(struct fx_at *t, const char *col) {
    for (size_t i = 0; i < t->r->r.n_idxs;) {
        const struct pr_idx *ix = &t->r->r.idxs[i];
        if (!pr_mentions(ix->mentions, ix->n_mentions, col) && !pr_mentions(ix->cols, ix->n_cols, col)) {
            i++;
            continue;
        }
        if (ix->constraint == NULL) fx_lose(t->x, "index", ix->name, true);
        w_cut_idx(t->x->w, t->r, ix->name);
    }
}

/* Constraints that use the column go without a word; what stands on them (foreign keys of others) needs CASCADE. */
static void drop_constraints(struct fx_at *t, const char *col, bool cascade) {
    struct fx *x = t->x;
    for (size_t i = 0; i < t->r->r.n_cons;) {
        const struct pr_con c = t->r->r.cons[i];
        if (!pr_mentions(c.cols, c.n_cols, col)) {
            i++;
            continue;
        }
        if (c.inbound) {
            if (!cascade) {
                fx_fail(x, "2BP01", true, "constraint \"%s\" on table %s depends on column \"%s\"", c.name, c.ref_table, col);
                return;
            }
            fx_lose(x, "constraint", c.name, false);
            fx_drop_fk(x, t->r, &c);
            continue;
        }
        if (c.type != 'n') fx_lose(x, "constraint", c.name, true);
        if (c.type == 'f') fx_drop_fk(x, t->r, &c);
        else w_cut_con(x->w, t->r, c.name);
    }
}

static void drop_dependants(struct fx_at *t, const char *col, bool cascade) {
    struct fx *x = t->x;
    const struct pr_rel *r = &t->r->r;
    const char *blocker = NULL, *kind = NULL;
    const struct pr_dep *const deps = r->deps;             /* as it was: each view that goes is cut out of r's list */
    const size_t n_deps = r->n_deps;
    for (size_t i = 0; i < n_deps; i++) {
        const struct pr_dep *d = &deps[i];
        if (!pr_mentions(d->mentions, d->n_mentions, col) || !fx_dep_alive(x, r, d)) continue;
        if (pr_eq(d->kind, "statistics")) {
            fx_lose(x, "statistics", d->name, true);
        } else if (pr_eq(d->kind, "sequence")) {
            struct w_rel *s = w_find(x->w, d->schema, d->name);
            if (s == NULL) s = w_stub(x->w, d->schema, d->name, 'S');
            fx_lock(x, s, PR_ACCESS_EXCLUSIVE)->dropped = true;
            w_drop(x->w, s);
        } else if (cascade) {
            if (fx_is_view_dep(d)) fx_drop_view_of(x, d, 0);
            else fx_lose(x, d->kind, d->name, false);
            if (pr_eq(d->kind, "generated column")) w_cut_col(x->w, t->r, d->name);
        } else if (blocker == NULL) {
            blocker = d->name;
            kind = d->kind;
        }
    }
    for (size_t i = 0; i < r->n_trgs && blocker == NULL && !cascade; i++) {
        if (!pr_mentions(r->trgs[i].mentions, r->trgs[i].n_mentions, col)) continue;
        blocker = r->trgs[i].name;
        kind = "trigger";
    }
    for (size_t i = 0; i < r->n_pols && blocker == NULL && !cascade; i++) {
        if (!pr_mentions(r->pols[i].mentions, r->pols[i].n_mentions, col)) continue;
        blocker = r->pols[i].name;
        kind = "policy";
    }
    if (blocker != NULL)
        fx_fail(x, "2BP01", true, "cannot drop column \"%s\" of table %s: %s %s depends on it", col, r->name, kind, blocker);
}

void fx_drop_column(struct fx_at *t) {
    struct fx *x = t->x;
    const char *col = t->cmd->name;
    const struct pr_col *c = pr_find_col(&t->r->r, col);
    x->out->loses_data = true;
    if (c == NULL && t->r->complete) {
        x->out->loses_data = false;
        if (!t->cmd->missing_ok && t->r == t->root)
            fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", col, t->r->r.name);
        return;
    }
    if (c == NULL) fx_guess(x);
    if (t->r == t->root && t->st != NULL && fx_inherited(x, t->r, col))
        fx_fail(x, "42P16", true, "cannot drop inherited column \"%s\"", col);
    if (t->r == t->root && t->st != NULL && !t->st->relation->inh && t->r->r.n_partitions > 0) {
        if (t->r->r.kind == 'p') fx_fail(x, "42P16", true, "cannot drop column from only the partitioned table when partitions exist");
        for (size_t i = 0; i < t->r->r.n_partitions; i++) {             /* they keep the column and are told that it is theirs */
            const struct w_rel *child = w_find_full(x->w, t->r->r.partitions[i]);
            if (child != NULL) fx_lock(x, child, PR_ACCESS_EXCLUSIVE);
        }
    }
    if (fx_in_partition_key(x, t->r, col))
        fx_fail(x, "42P16", true, "cannot drop column \"%s\" because it is part of the partition key", col);
    if (x->stop) return;
    const bool cascade = t->cmd->behavior == DROP_CASCADE;
    drop_dependants(t, col, cascade);
    if (x->stop) return;
    drop_constraints(t, col, cascade);
    if (x->stop) return;
    drop_indexes(t, col);
    if (c != NULL) w_cut_col(x->w, t->r, fx_str(x, col));
}

/* --- SET NOT NULL --- */

void fx_set_not_null(struct fx_at *t) {
    struct fx *x = t->x;
    const char *col = t->cmd->name, *by = NULL;
    const struct pr_col *c = pr_find_col(&t->r->r, col);
    if (c == NULL && t->r->complete) {
        fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", col, t->r->r.name);
        return;
    }
    if (c != NULL && c->not_null && c->not_null_valid) return;
    if (fx_proves_not_null(x, t->r, col, &by)) {
        fx_why(x, t->r, "no scan: the valid constraint \"%s\" proves that \"%s\" is not null", by, col);
    } else {
        fx_verify(t, pr_fmt(x->o, "every row is read to see that \"%s\" is not null", col));
        bool sure = false;
        if (fx_has_rows(t->r, &sure))
            fx_fail(x, "23502", false, "rows with a null in \"%s\" of relation \"%s\"", col, t->r->r.name);
        if (!t->r->complete) fx_guess(x);
    }
    if (c == NULL) return;
    struct pr_col *mine = w_col(x->w, t->r, col);
    mine->not_null = true;
    mine->not_null_valid = true;
}
