/* drop.c: DROP of relations and what goes with them; TRUNCATE. */
#include "footprint/statements.h"

bool fx_is_view_dep(const struct pr_dep *d) { return pr_eq(d->kind, "view") || pr_eq(d->kind, "materialized view"); }

/* A dependant that this run has dropped is still in the facts' list of the table. */
bool fx_dep_alive(const struct fx *x, const struct pr_rel *of, const struct pr_dep *d) {
    if (pr_eq(d->kind, "generated column")) {
        const struct pr_col *c = pr_find_col(of, d->name);
        return c != NULL && c->generated != 0;
    }
    if (!fx_is_view_dep(d) && !pr_eq(d->kind, "sequence")) return true;
    if (w_find(x->w, d->schema, d->name) != NULL) return true;
    return !w_was(x->w, d->schema, d->name);
}

/* Removes the record of a foreign key on both sides; the partner is locked as hard as the key's own table. */
void fx_drop_fk(struct fx *x, struct w_rel *r, const struct pr_con *fk) {
    struct w_rel *partner = fx_rel_named(x, fk->ref_schema, fk->ref_table, 'r', true);
    if (partner != NULL) {
        struct w_rel **below = NULL;
        const size_t n = fx_family(x, partner, partner->r.kind == 'p', &below);
        for (size_t i = 0; i < n; i++) fx_lock(x, below[i], PR_ACCESS_EXCLUSIVE);
    }
    const struct pr_con copy = *fk;
    w_cut_partner(x->w, r, &copy);
    (void)w_con(x->w, r, copy.name);                       /* the array is ours from here on */
    size_t n = 0;
    for (size_t i = 0; i < r->r.n_cons; i++) {
        const struct pr_con *c = &r->r.cons[i];
        const bool it = c->type == 'f' && c->inbound == copy.inbound && pr_eq(c->name, copy.name) &&
                        pr_eq(c->ref_table, copy.ref_table);
        if (!it) r->r.cons[n++] = *c;
    }
    r->r.n_cons = n;
}

void fx_drop_view_of(struct fx *x, const struct pr_dep *d, int depth) {
    struct w_rel *v = w_find(x->w, d->schema, d->name);
    if (v == NULL) v = w_stub(x->w, d->schema, d->name, pr_eq(d->kind, "view") ? 'v' : 'm');
    fx_lose(x, d->kind, d->name, false);
    fx_drop_rel(x, v, true, depth + 1);
}

int fx_lock_owned(struct fx *x, const struct w_rel *r, const char *col, enum pr_lock lock) {
    int n = 0;
    for (size_t i = 0; i < r->r.n_deps; i++) {
        const struct pr_dep *d = &r->r.deps[i];
        if (!pr_eq(d->kind, "sequence") || !fx_dep_alive(x, &r->r, d)) continue;
        if (col != NULL && !pr_mentions(d->mentions, d->n_mentions, col)) continue;
        struct w_rel *s = w_find(x->w, d->schema, d->name);
        fx_lock(x, s != NULL ? s : w_stub(x->w, d->schema, d->name, 'S'), lock);
        n++;
    }
    return n;
}

/* A sequence that a column takes its default from, or that an identity column owns. */
static bool sequence_needed(struct fx *x, const struct w_rel *s, bool cascade) {
    size_t n = 0;
    struct w_rel *const *all = w_all(x->w, &n);
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = all[i];
        for (size_t k = 0; !r->gone && k < r->r.n_cols; k++) {
            const struct pr_col *c = &r->r.cols[k];
            if (c->default_sql == NULL || strstr(c->default_sql, "nextval(") == NULL) continue;
            const char *at = strstr(c->default_sql, s->r.name);
            const size_t len = strlen(s->r.name);
            if (at == NULL || strchr("'.\"", at[-1]) == NULL || strchr("'\"", at[len]) == NULL) continue;
            if (!cascade) {
                fx_fail(x, "2BP01", true, "cannot drop sequence %s: the default of column %s of table %s depends on it", s->r.name,
                        c->name, r->r.name);
                return true;
            }
            fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
            fx_lose(x, "default of column", c->name, false);
        }
    }
    return false;
}

static bool blocks_drop(struct fx *x, struct w_rel *r, bool cascade, int depth) {
    const struct pr_dep *const deps = r->r.deps;           /* as it was: each view that goes is cut out of r's list */
    const size_t n_deps = r->r.n_deps;
    for (size_t i = 0; i < n_deps; i++) {
        const struct pr_dep d = deps[i];
        const bool counts = fx_is_view_dep(&d) || pr_eq(d.kind, "function") || pr_eq(d.kind, "column");
        if (!counts || !fx_dep_alive(x, &r->r, &d)) continue;
        if (!cascade) {
            fx_fail(x, "2BP01", true, "cannot drop %s: %s %s depends on it", r->r.name, d.kind, d.name);
            return true;
        }
        if (fx_is_view_dep(&d)) fx_drop_view_of(x, &d, depth);
        else fx_lose(x, d.kind, d.name, false);
    }
    for (size_t i = 0; i < r->r.n_cons;) {
        const struct pr_con c = r->r.cons[i];
        const bool from_outside = c.inbound && !(pr_eq(c.ref_table, r->r.name) && pr_eq(c.ref_schema, r->r.schema));
        const struct w_rel *other = from_outside ? w_find(x->w, c.ref_schema, c.ref_table) : NULL;
        if (!from_outside || (other == NULL && w_absent(x->w, c.ref_schema, c.ref_table))) {
            i++;
            continue;
        }
        if (!cascade) {
            fx_fail(x, "2BP01", true, "cannot drop table %s: constraint %s on table %s depends on it", r->r.name, c.name,
                    c.ref_table);
            return true;
        }
        fx_lose(x, "constraint", c.name, false);
        fx_drop_fk(x, r, &c);
    }
    return false;
}

static void drop_sequences(struct fx *x, const struct w_rel *r) {
    for (size_t i = 0; i < r->r.n_deps; i++) {
        const struct pr_dep *d = &r->r.deps[i];
        if (!pr_eq(d->kind, "sequence") || !fx_dep_alive(x, &r->r, d)) continue;
        struct w_rel *s = w_find(x->w, d->schema, d->name);
        if (s == NULL) s = w_stub(x->w, d->schema, d->name, 'S');
        fx_lock(x, s, PR_ACCESS_EXCLUSIVE)->dropped = true;
        w_drop(x->w, s);
    }
}

/* Dropping a partition changes its parent, and what the default partition may hold. */
static void leave_parent(struct fx *x, struct w_rel *r) {
    struct w_rel *parent = r->r.partition_of != NULL ? w_find(x->w, r->r.partition_of_schema, r->r.partition_of) : NULL;
    if (parent == NULL) return;
    if (parent->r.kind == 'p') {
        fx_lock(x, parent, PR_ACCESS_EXCLUSIVE);
        for (size_t i = 0; i < parent->r.n_partitions && !r->r.is_default_partition; i++) {
            const struct w_rel *sibling = w_find_full(x->w, parent->r.partitions[i]);
            if (sibling != NULL && sibling->r.is_default_partition) fx_lock(x, sibling, PR_ACCESS_EXCLUSIVE);
        }
    }
    w_cut_partition(x->w, parent, r);
}

void fx_drop_rel(struct fx *x, struct w_rel *r, bool cascade, int depth) {
    if (depth > 64 || r->gone) return;
    if (r->r.kind != 'v' && r->r.kind != 'S') x->out->loses_data = true;
    fx_lock(x, r, PR_ACCESS_EXCLUSIVE)->dropped = true;
    if (blocks_drop(x, r, cascade, depth)) return;
    if (r->r.kind == 'S' && depth == 0 && sequence_needed(x, r, cascade)) return;
    for (size_t i = 0; i < r->r.n_cons;) {
        const struct pr_con c = r->r.cons[i];
        if (c.type != 'f' || c.inbound) {
            i++;
            continue;
        }
        fx_drop_fk(x, r, &c);
    }
    leave_parent(x, r);
    while (r->r.n_partitions > 0) {
        struct w_rel *child = w_find_full(x->w, r->r.partitions[0]);
        if (r->r.kind != 'p' && !cascade && child != NULL) {
            fx_fail(x, "2BP01", true, "cannot drop table %s: table %s depends on it", r->r.name, child->r.name);
            return;
        }
        const size_t before = r->r.n_partitions;
        if (child != NULL) {
            child->r.partition_of = NULL;                  /* the parent goes as well */
            fx_drop_rel(x, child, cascade, depth + 1);
        }
        if (child != NULL) w_cut_partition(x->w, r, child);
        if (r->r.n_partitions == before) break;
    }
    drop_sequences(x, r);
    if (depth == 0 && !r->complete) fx_guess(x);
    w_drop(x->w, r);
}

/* --- TRUNCATE --- */

/* New, empty files for the heap and its indexes: as quick as it is thorough. */
static void truncate_one(struct fx *x, struct w_rel *r) {
    struct pr_effect *e = fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    if (r->r.kind == 'p') return;
    e->rewrite = true;
    e->index_builds = fx_live_indexes(r);
    e->rows = e->bytes = 0;
    r->empty = r->own;
    struct w_rel *parent = r->r.partition_of != NULL ? w_find(x->w, r->r.partition_of_schema, r->r.partition_of) : NULL;
    if (parent != NULL && parent->r.kind == 'p' && x->w->version != 0 && x->w->version < 140000)
        fx_lock(x, parent, PR_ACCESS_SHARE);
}

void fx_truncate(struct fx *x, const void *node) {
    const TruncateStmt *st = node;
    struct w_rel **all = NULL;
    size_t n = 0, cap = 0;
    ListCell *lc;
    foreach (lc, st->relations) {
        const RangeVar *rv = lfirst(lc);
        struct w_rel *r = fx_rel(x, rv, 'r', false), **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t m = fx_family(x, r, rv->inh, &family);
        for (size_t i = 0; i < m; i++) *PR_PUSH(x->o, all, n, cap) = family[i];
    }
    for (size_t i = 0; i < n; i++) {                       /* grows as foreign keys lead on */
        fx_lock(x, all[i], PR_ACCESS_EXCLUSIVE);
        for (size_t k = 0; k < all[i]->r.n_cons; k++) {
            const struct pr_con *c = &all[i]->r.cons[k];
            if (!c->inbound) continue;
            struct w_rel *other = fx_rel_named(x, c->ref_schema, c->ref_table, 'r', true);
            bool in = other == NULL;
            for (size_t j = 0; j < n && !in; j++) in = all[j] == other;
            if (in) continue;
            if (st->behavior != DROP_CASCADE) {
                fx_fail(x, "0A000", true, "cannot truncate a table referenced in a foreign key constraint: %s references %s",
                        other->r.name, all[i]->r.name);
                return;
            }
            fx_lose(x, "rows of table", other->r.name, false);
            struct w_rel **family = NULL;
            const size_t m = fx_family(x, other, true, &family);
            for (size_t j = 0; j < m; j++) *PR_PUSH(x->o, all, n, cap) = family[j];
        }
    }
    x->out->loses_data = true;
    for (size_t i = 0; i < n; i++) {
        truncate_one(x, all[i]);
        for (size_t k = 0; st->restart_seqs && k < all[i]->r.n_deps; k++) {
            const struct pr_dep *d = &all[i]->r.deps[k];
            if (!pr_eq(d->kind, "sequence") || !fx_dep_alive(x, &all[i]->r, d)) continue;
            struct w_rel *s = w_find(x->w, d->schema, d->name);
            fx_lock(x, s != NULL ? s : w_stub(x->w, d->schema, d->name, 'S'), PR_ACCESS_EXCLUSIVE);
        }
    }
}
