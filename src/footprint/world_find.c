/* world_find.c: finding, making, dropping and renaming relations, indexes and types in the shadow catalog. */
#include "footprint/world.h"

/* --- names -------------------------------------------------------------------------------------------------------------- */

/* Does the thing still have the name? schema is what it was put under; where the name alone counts any schema is fine. */
typedef bool has_name_fn(const void *what, const char *schema, bool any_schema, const char *name);

static bool rel_has_name(const void *what, const char *schema, bool any_schema, const char *name) {
    const struct w_rel *r = what;
    return !r->gone && pr_eq(r->r.name, name) && (any_schema || pr_eq(r->r.schema, schema));
}

static bool idx_has_name(const void *what, const char *schema, bool any_schema, const char *name) {
    const struct w_rel *r = what;
    return !r->gone && (any_schema || pr_eq(r->r.schema, schema)) && pr_find_idx(&r->r, name) != NULL;
}

static bool type_has_name(const void *what, const char *schema, bool any_schema, const char *name) {
    const struct w_type *t = what;
    return !t->gone && pr_eq(t->t.name, name) && (any_schema || pr_eq(t->t.schema, schema));
}

static void put_in(struct pr_world *w, void **chain, void *what, int64_t stamp) {
    struct w_named *n = PR_NEW(w->a, struct w_named), *at = *chain, *before = NULL;
    for (; at != NULL && at->stamp > stamp; at = at->next) before = at;
    *n = (struct w_named){.what = what, .stamp = stamp, .next = at};
    if (before != NULL) before->next = n;
    else *chain = n;
}

static void put(struct pr_world *w, struct w_names *names, const char *schema, const char *name, void *what, int64_t stamp) {
    put_in(w, pr_map_at(&names->exact, schema, name), what, stamp);
    if (schema != NULL) put_in(w, pr_map_at(&names->qualified, NULL, name), what, stamp);
}

/* Who looks back may still ask for what the last statement took. */
static bool is_remembered(const struct pr_world *w, const void *what, has_name_fn *has) {
    const struct w_rel *r = what;
    return w->back && has != type_has_name && (r->changed == w->step || r->idxs_changed == w->step);
}

/* The newest of a chain that has the name; those before it that lost the name are forgotten. */
static const struct w_named *newest_in(const struct pr_world *w, const struct pr_map *m, const char *schema, bool any_schema, const char *name, has_name_fn *has) {
    const char *space = any_schema ? NULL : schema;
    struct w_named *first = pr_map_get(m, space, name), *at = first;
    bool forget = true;
    for (; at != NULL && !has(at->what, schema, any_schema, name); at = at->next) forget = forget && !is_remembered(w, at->what, has);
    if (at != first && first != NULL && forget) *pr_map_at((struct pr_map *)(uintptr_t)m, space, name) = at;
    return at;
}

const struct w_named *w_newer(const struct w_named *a, const struct w_named *b) {
    return a == NULL || (b != NULL && b->stamp > a->stamp) ? b : a;
}

static const struct w_named *newest(const struct pr_world *w, const struct w_names *names, const char *schema, bool any_schema, const char *name, has_name_fn *has) {
    const struct w_named *exact = newest_in(w, &names->exact, schema, any_schema, name, has);
    return any_schema ? w_newer(exact, newest_in(w, &names->qualified, NULL, true, name, has)) : exact;
}

/* Without a search path an unqualified name and a qualified one may be the same thing: then the name alone decides. */
static void *find_named(const struct pr_world *w, const struct w_names *names, const char *schema, const char *name, has_name_fn *has) {
    const struct w_named *n = newest(w, names, schema, schema == NULL && w->n_path == 0, name, has);
    if (schema != NULL && w->n_path == 0) n = w_newer(n, newest(w, names, NULL, false, name, has));
    return n != NULL ? n->what : NULL;
}

/* --- taking over what is below ------------------------------------------------------------------------------------------ */

/* From then on the name is ours: what has it below, or gets it there later, is not taken over any more. */
static void link_rel(struct pr_world *w, struct w_rel *r, int64_t stamp) {
    void **taken = pr_world_is_bare(w) ? NULL : pr_map_at(&w->taken, r->r.schema, r->r.name);
    if (taken != NULL && *taken == NULL) *taken = r;
    put(w, &w->rels, r->r.schema, r->r.name, r, stamp);
    for (size_t i = 0; i < r->r.n_idxs; i++) put(w, &w->idxs, r->r.schema, r->r.idxs[i].name, r, stamp);
}

static struct w_rel *new_rel(struct pr_world *w) {
    struct w_rel *r = PR_NEW(w->a, struct w_rel);
    r->born = w->step;
    *PR_PUSH(w->a, w->list, w->n, w->cap) = r;
    return r;
}

static struct w_rel *take_rel(struct pr_world *w, const struct w_rel *from) {
    struct w_rel *r = new_rel(w);
    *r = *from;
    r->mine = 0;
    r->born = r->changed = r->idxs_changed = 0;
    r->cap_cols = (unsigned)r->r.n_cols;
    r->cap_cons = (unsigned)r->r.n_cons;
    r->cap_idxs = (unsigned)r->r.n_idxs;
    r->cap_trgs = (unsigned)r->r.n_trgs;
    r->cap_deps = (unsigned)r->r.n_deps;
    r->cap_parts = (unsigned)r->r.n_partitions;
    r->listed = false;
    if (w->aged) w_grow_old(r);
    for (size_t i = 0; i < r->r.n_partitions; i++) w_note_child(w, r, r->r.partitions[i]);
    link_rel(w, r, 0);
    return r;
}

static void take_from_facts(struct pr_world *w, const struct pr_rel *r) {
    if (r == NULL || pr_map_get(&w->taken, r->schema, r->name) != NULL) return;
    (void)take_rel(w, &(struct w_rel){.r = *r, .complete = !r->shape_unknown, .own = r->is_new, .empty = r->is_new && r->rows == 0});
}

/* Takes over the relation of that name below, once. */
static void pull_rel(const struct pr_world *w, const char *schema, const char *name) {
    struct pr_world *mine = (struct pr_world *)(uintptr_t)w;
    if (w->all || (w->under == NULL && (w->base == NULL || schema == NULL)) || pr_map_get(&w->taken, schema, name) != NULL) return;
    if (w->under == NULL) {
        take_from_facts(mine, pr_find_rel(w->base, schema, name));
        return;
    }
    pull_rel(w->under, schema, name);
    const struct w_named *n = newest(w->under, &w->under->rels, schema, false, name, rel_has_name);
    if (n != NULL) (void)take_rel(mine, n->what);
}

static void pull_table_of(const struct pr_world *w, const char *schema, const char *index) {
    if (w->all || (w->under == NULL && (w->base == NULL || schema == NULL))) return;
    if (w->under == NULL) {
        take_from_facts((struct pr_world *)(uintptr_t)w, pr_find_index_rel(w->base, schema, index, NULL));
        return;
    }
    pull_table_of(w->under, schema, index);
    const struct w_named *n = newest(w->under, &w->under->idxs, schema, false, index, idx_has_name);
    if (n != NULL) pull_rel(w, ((const struct w_rel *)n->what)->r.schema, ((const struct w_rel *)n->what)->r.name);
}

static struct w_type *new_type(struct pr_world *w, const struct w_type *like, int64_t stamp) {
    struct w_type *t = PR_NEW(w->a, struct w_type);
    *t = *like;
    t->next = w->type_list;
    w->type_list = t;
    *pr_map_at(&w->taken_types, t->t.schema, t->t.name) = t;
    put(w, &w->types, t->t.schema, t->t.name, t, stamp);
    return t;
}

static void pull_type(const struct pr_world *w, const char *schema, const char *name) {
    struct w_type from = {0};
    if (w->under != NULL) {
        const struct w_type *t = w_find_type(w->under, schema, name);
        if (t == NULL) return;
        from = *t;
    } else {
        const struct pr_typ *t = w->base != NULL ? pr_find_type(w->base, schema, name) : NULL;
        if (t == NULL && schema == NULL && w->base != NULL) t = w->base->finder->type(w->base->finder->ctx, NULL, name);
        if (t == NULL) return;
        from.t = *t;
    }
    if (pr_map_get(&w->taken_types, from.t.schema, from.t.name) == NULL) (void)new_type((struct pr_world *)(uintptr_t)w, &from, 0);
}

static void list_one(struct pr_world *w, const struct w_rel *from) {
    if (from->gone) return;
    struct w_rel *has = pr_map_get(&w->taken, from->r.schema, from->r.name);
    if (has == NULL) has = take_rel(w, from);
    else if (!has->listed) *PR_PUSH(w->a, w->list, w->n, w->cap) = has;
    has->listed = true;
}

static void take_all_types(struct pr_world *w) {
    for (const struct w_type *t = w->under != NULL ? w->under->type_list : NULL; t != NULL; t = t->next) pull_type(w, t->t.schema, t->t.name);
    for (size_t i = 0; w->under == NULL && w->base != NULL && i < w->base->n_types; i++)
        pull_type(w, w->base->types[i].schema, w->base->types[i].name);
}

/* Of those that are below and were not asked for yet. */
static void take_all(struct pr_world *w) {
    if (w->all) return;
    struct w_rel **was = w->list;
    const size_t n_was = w->n;
    size_t n = 0;
    w->list = NULL;
    w->n = w->cap = 0;
    struct w_rel *const *below = w->under != NULL ? w_all((struct pr_world *)(uintptr_t)w->under, &n) : NULL;
    for (size_t i = 0; i < n; i++) list_one(w, below[i]);
    for (size_t i = 0; w->under == NULL && w->base != NULL && i < w->base->n_rels; i++)
        list_one(w, &(struct w_rel){.r = w->base->rels[i], .complete = !w->base->rels[i].shape_unknown,
                                       .own = w->base->rels[i].is_new});
    for (size_t i = 0; i < n_was; i++)
        if (!was[i]->listed) *PR_PUSH(w->a, w->list, w->n, w->cap) = was[i];
    take_all_types(w);
    w->all = true;
}

struct w_rel *const *w_all(struct pr_world *w, size_t *n) {
    take_all(w);
    *n = w->n;
    return w->list;
}

/* --- relations ---------------------------------------------------------------------------------------------------------- */

const char *w_default_schema(const struct pr_world *w) { return w->n_path > 0 ? w->path[0] : NULL; }

static struct w_rel *rel_in(const struct pr_world *w, const char *schema, const char *name) {
    if (schema == NULL && w->n_path == 0 && (w->base != NULL || w->under != NULL)) take_all((struct pr_world *)(uintptr_t)w);
    pull_rel(w, schema, name);
    if (schema != NULL && w->n_path == 0) pull_rel(w, NULL, name);
    return find_named(w, &w->rels, schema, name, rel_has_name);
}

static struct w_rel *temporary(const struct pr_world *w, const char *name) {
    if (!w->has_temp) return NULL;
    pull_rel(w, W_TEMP, name);
    const struct w_named *n = newest(w, &w->rels, W_TEMP, false, name, rel_has_name);
    return n != NULL ? n->what : NULL;
}

struct w_rel *w_find(const struct pr_world *w, const char *schema, const char *name) {
    if (name == NULL) return NULL;
    struct w_rel *temp = schema == NULL || pr_eq(schema, W_TEMP) ? temporary(w, name) : NULL;
    if (temp != NULL || pr_eq(schema, W_TEMP)) return temp;
    for (size_t i = 0; schema == NULL && i < w->n_path; i++) {
        struct w_rel *r = rel_in(w, w->path[i], name);
        if (r != NULL) return r;
    }
    return rel_in(w, schema, name);                        /* NULL: also what is known without its schema */
}

bool w_was(const struct pr_world *w, const char *schema, const char *name) {
    for (; w != NULL; w = w->under)
        if (pr_map_get(&w->gone, schema, name) != NULL) return true;
    return false;
}

static bool is_there(const struct pr_world *w, const char *schema, const char *name) {
    return pr_is_listed(w->base, schema, name) && !w_was(w, schema, name);
}

/* Listed when the facts were taken: still there unless this run dropped or renamed it. */
bool w_absent(const struct pr_world *w, const char *schema, const char *name) {
    if (w->base == NULL || w->unseen || w_find(w, schema, name) != NULL) return false;
    if (schema != NULL && (pr_eq(schema, "pg_catalog") || pr_eq(schema, "information_schema"))) return false;
    if (schema == NULL && pr_starts(name, "pg_")) return false;
    if (schema != NULL && is_there(w, schema, name)) return false;
    for (size_t i = 0; schema == NULL && i < w->n_path; i++)
        if (is_there(w, w->path[i], name)) return false;
    if (schema == NULL && is_there(w, "pg_catalog", name)) return false;
    return w->base->whole || w->base->n_all_relations > 0;
}

struct w_rel *w_stub(struct pr_world *w, const char *schema, const char *name, char kind) {
    pull_rel(w, schema, name);
    struct w_rel *r = new_rel(w);
    r->r = (struct pr_rel){.schema = schema, .name = name, .kind = kind, .rows = -1, .pages = -1, .table_bytes = -1,
                           .index_bytes = -1, .total_bytes = -1};
    link_rel(w, r, ++w->stamp);
    return r;
}

struct w_rel *w_create(struct pr_world *w, const char *schema, const char *name, char kind) {
    struct w_rel *r = w_stub(w, schema != NULL ? schema : w_default_schema(w), name, kind);
    r->own = true;
    r->complete = true;
    r->empty = true;
    r->r.persistence = pr_eq(r->r.schema, W_TEMP) ? 't' : 'p';
    w->has_temp = w->has_temp || r->r.persistence == 't';
    r->r.replica_identity = 'd';
    r->r.rows = r->r.pages = r->r.table_bytes = r->r.index_bytes = r->r.total_bytes = 0;
    r->r.rows_trusted = true;
    return r;
}

static void leave_name(struct pr_world *w, struct w_rel *r) {
    *pr_map_at(&w->gone, r->r.schema, r->r.name) = r;
    *pr_map_at(&w->gone_names, NULL, r->r.name) = r;
}

void w_drop(struct pr_world *w, struct w_rel *r) {
    w_remember(w, r);
    leave_name(w, r);
    if (r->r.kind == 'v' || r->r.kind == 'm') w_cut_deps(w, r);          /* another of its name may be made and read less */
    r->gone = true;
}

void w_drop_temp(struct pr_world *w, bool of_transaction) {
    if (of_transaction ? !w->until_commit : !w->has_temp) return;
    size_t n = 0;
    struct w_rel *const *all = w_all(w, &n);
    for (size_t i = 0; i < n; i++)
        if (!all[i]->gone && pr_eq(all[i]->r.schema, W_TEMP) && (!of_transaction || all[i]->until_commit)) w_drop(w, all[i]);
    w->has_temp = of_transaction;
    w->until_commit = false;
}

/* What a relation is known by in others: their foreign keys from and to it, its parent's list and its children. */
static void tell_constraints(struct pr_world *w, struct w_rel *other, const char *schema, const char *name, const struct w_rel *r) {
    for (size_t k = 0; other != NULL && k < other->r.n_cons; k++) {
        const struct pr_con *c = &other->r.cons[k];
        if (!pr_eq(c->ref_table, name) || !pr_eq(c->ref_schema, schema)) continue;
        w_own_cons(w, other);
        other->r.cons[k].ref_table = r->r.name;
        other->r.cons[k].ref_schema = r->r.schema;
    }
}

static void tell_relatives(struct pr_world *w, struct w_rel *r, const char *schema, const char *name) {
    tell_constraints(w, r, schema, name, r);               /* a key to itself */
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (r->r.cons[i].type == 'f' && r->r.cons[i].ref_table != NULL)
            tell_constraints(w, w_find(w, r->r.cons[i].ref_schema, r->r.cons[i].ref_table), schema, name, r);
    for (size_t i = 0; i < r->r.n_partitions; i++) {
        struct w_rel *child = w_find_full(w, r->r.partitions[i]);
        if (child == NULL || !pr_eq(child->r.partition_of, name) || !pr_eq(child->r.partition_of_schema, schema)) continue;
        child->r.partition_of = r->r.name;
        child->r.partition_of_schema = r->r.schema;
    }
}

void w_rename(struct pr_world *w, struct w_rel *r, const char *schema, const char *name) {
    const char *old = r->r.name, *old_schema = r->r.schema, *full = w_full(w, r);
    w_remember(w, r);
    leave_name(w, r);
    r->r.schema = schema;
    r->r.name = name;
    link_rel(w, r, ++w->stamp);
    tell_relatives(w, r, old_schema, old);
    w_rename_child(w, full, r);
}

struct w_rel *w_renamed(const struct pr_world *w, const char *schema, const char *name) {
    struct w_rel *r = schema != NULL ? pr_map_get(&w->gone, schema, name) : pr_map_get(&w->gone_names, NULL, name);
    if (r != NULL) return r->gone ? NULL : r;
    const struct w_rel *below = w->under != NULL ? w_renamed(w->under, schema, name) : NULL;
    return below != NULL ? w_find(w, below->r.schema, below->r.name) : NULL;
}

const char *w_full(struct pr_world *w, const struct w_rel *r) {
    return r->r.schema == NULL ? r->r.name : pr_fmt(w->a, "%s.%s", r->r.schema, r->r.name);
}

struct w_rel *w_find_full(const struct pr_world *w, const char *full) {
    const char *dot = strchr(full, '.');
    if (dot == NULL) return w_find(w, NULL, full);
    return w_find(w, pr_dupn(w->a, full, (size_t)(dot - full)), dot + 1);
}

/* --- indexes ------------------------------------------------------------------------------------------------------------ */

void w_note_index(struct pr_world *w, struct w_rel *r, const char *name) { put(w, &w->idxs, r->r.schema, name, r, ++w->stamp); }

static struct w_rel *table_in(const struct pr_world *w, const char *schema, const char *name) {
    if (schema == NULL && w->n_path == 0 && (w->base != NULL || w->under != NULL)) take_all((struct pr_world *)(uintptr_t)w);
    pull_table_of(w, schema, name);
    if (schema != NULL && w->n_path == 0) pull_table_of(w, NULL, name);
    return find_named(w, &w->idxs, schema, name, idx_has_name);
}

struct w_rel *w_find_index(const struct pr_world *w, const char *schema, const char *name, struct pr_idx **idx) {
    struct w_rel *r = schema == NULL && w->has_temp ? table_in(w, W_TEMP, name) : NULL;
    for (size_t i = 0; schema == NULL && r == NULL && i < w->n_path; i++) r = table_in(w, w->path[i], name);
    if (r == NULL) r = table_in(w, schema, name);
    if (r != NULL) *idx = (struct pr_idx *)(uintptr_t)pr_find_idx(&r->r, name);
    return r;
}

static bool index_listed(const struct pr_world *w, const char *schema, const char *name) {
    return w->base->finder->listed_index(w->base->finder->ctx, schema, name);
}

bool w_index_absent(const struct pr_world *w, const char *schema, const char *name) {
    struct pr_idx *idx = NULL;
    if (w->base == NULL || w->unseen || w_find_index(w, schema, name, &idx) != NULL) return false;
    const struct pr_finder *f = w->base->finder;
    if (w->base->whole || f->table_of(f->ctx, NULL, name) != NULL) return true;    /* it was there, and this run dropped or renamed it */
    for (size_t i = 0; w->base->n_all_indexes == 0 && i < w->base->n_rels; i++)
        if (w->base->rels[i].n_idxs > 0) return false;
    if (schema != NULL) return !index_listed(w, schema, name);
    for (size_t i = 0; i < w->n_path; i++)
        if (index_listed(w, w->path[i], name)) return false;
    return !index_listed(w, "pg_catalog", name);
}

/* --- types -------------------------------------------------------------------------------------------------------------- */

/* A name without its schema may be any type of that name: search paths of types are not followed. */
const struct w_type *w_find_type(const struct pr_world *w, const char *schema, const char *name) {
    if (name == NULL) return NULL;
    pull_type(w, schema, name);
    const struct w_named *n = newest(w, &w->types, schema, schema == NULL, name, type_has_name);
    if (n == NULL && schema != NULL) n = newest(w, &w->types, NULL, false, name, type_has_name);
    return n != NULL ? n->what : NULL;
}

struct w_type *w_add_type(struct pr_world *w, const char *schema, const char *name, char kind) {
    const struct w_type t = {.t = {.schema = schema != NULL ? schema : w_default_schema(w), .name = name, .kind = kind}, .own = true, .tx = w->tx};
    return new_type(w, &t, ++w->stamp);
}

void w_rename_type(struct pr_world *w, struct w_type *t, const char *name) {
    t->t.name = name;
    *pr_map_at(&w->taken_types, t->t.schema, name) = t;
    put(w, &w->types, t->t.schema, name, t, ++w->stamp);
}
