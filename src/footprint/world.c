/* world.c: finding, making and dropping relations and types in the shadow catalog. */
#include "footprint/world.h"

static uint32_t hash_of(const char *name) {
    uint32_t h = 2166136261u;
    for (const char *p = name; *p != '\0'; p++) h = (h ^ (unsigned char)*p) * 16777619u;
    return h ^ (h >> 15);
}

static unsigned bucket_of(const char *name) { return hash_of(name) % W_BUCKETS; }

void w_note_index(struct pr_world *w, const char *name) {
    const uint32_t bit = hash_of(name) % W_FILTER_BITS;
    w->index_filter[bit / 32] |= 1u << (bit % 32);
}

static void link_rel(struct pr_world *w, struct w_rel *r) {
    const unsigned b = bucket_of(r->r.name);
    r->next = w->buckets[b];
    w->buckets[b] = r;
}

static void unlink_rel(struct pr_world *w, const struct w_rel *r) {
    for (struct w_rel **at = &w->buckets[bucket_of(r->r.name)]; *at != NULL; at = &(*at)->next) {
        if (*at != r) continue;
        *at = r->next;
        return;
    }
}

static struct w_rel *new_rel(struct pr_world *w) {
    struct w_rel *r = PR_NEW(w->a, struct w_rel);
    *PR_PUSH(w->a, w->rels, w->n, w->cap) = r;
    w->dirty = true;
    return r;
}

static void take_rel(struct pr_world *w, const struct pr_rel *from) {
    struct w_rel *r = new_rel(w);
    r->r = *from;
    r->complete = !from->shape_unknown;
    r->cap_cols = from->n_cols;
    r->cap_cons = from->n_cons;
    r->cap_idxs = from->n_idxs;
    r->cap_trgs = from->n_trgs;
    r->cap_pols = from->n_pols;
    r->cap_deps = from->n_deps;
    r->cap_parts = from->n_partitions;
    if (from->n_partitions > 0) w->n_parents++;
    for (size_t i = 0; i < from->n_idxs; i++) w_note_index(w, from->idxs[i].name);
    link_rel(w, r);
}

struct pr_world *pr_world_new(const struct pr_facts *facts, int version_num, struct pr_arena *a) {
    struct pr_world *w = PR_NEW(a, struct pr_world);
    w->a = a;
    w->index_filter = PR_NEW_ARRAY(a, uint32_t, W_FILTER_BITS / 32);
    w->base = facts;
    w->version = version_num != 0 ? version_num : facts != NULL ? facts->version_num : 0;
    if (facts == NULL) return w;
    w->now = *facts;
    w->path = facts->search_path;
    w->n_path = facts->n_search_path;
    w->time_zone = facts->time_zone;
    for (size_t i = 0; i < facts->n_rels; i++) take_rel(w, &facts->rels[i]);
    for (size_t i = 0; i < facts->n_types; i++) {
        struct w_type *t = PR_NEW(a, struct w_type);
        t->t = facts->types[i];
        t->next = w->types;
        w->types = t;
    }
    w->dirty = false;
    return w;
}

/* Rebuilt after each change: rels that are known whole or were made in this run, and the types. */
const struct pr_facts *pr_world_facts(const struct pr_world *w) {
    if (w->base == NULL) return NULL;
    if (!w->dirty) return &w->now;
    struct pr_world *mine = (struct pr_world *)(uintptr_t)w;     /* a cache: the world as such stays as it is */
    struct pr_rel *rels = PR_NEW_ARRAY(w->a, struct pr_rel, w->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct w_rel *r = w->rels[i];
        if (r->gone || (!r->complete && !r->own && !r->r.shape_unknown)) continue;
        rels[n] = r->r;
        rels[n++].shape_unknown = !r->complete;
    }
    size_t n_types = 0;
    for (const struct w_type *t = w->types; t != NULL; t = t->next) n_types++;
    struct pr_typ *types = PR_NEW_ARRAY(w->a, struct pr_typ, n_types + 1);
    n_types = 0;
    for (const struct w_type *t = w->types; t != NULL; t = t->next)
        if (!t->gone) types[n_types++] = t->t;
    mine->now.rels = rels;
    mine->now.n_rels = n;
    mine->now.types = types;
    mine->now.n_types = n_types;
    mine->dirty = false;
    return &w->now;
}

int pr_world_version(const struct pr_world *w) { return w->version; }

bool pr_world_created(const struct pr_world *w, const char *schema, const char *name) {
    const struct w_rel *r = w_find(w, schema, name);
    if (r != NULL) return r->own;
    struct pr_idx *idx = NULL;
    r = w_find_index(w, schema, name, &idx);
    return r != NULL && r->own;
}

const char *w_default_schema(const struct pr_world *w) { return w->n_path > 0 ? w->path[0] : NULL; }

static bool in_path(const struct pr_world *w, const char *schema) {
    for (size_t i = 0; i < w->n_path; i++)
        if (pr_eq(w->path[i], schema)) return true;
    return pr_eq(schema, "pg_catalog");
}

/* Without facts an unqualified name and a qualified one may be the same relation: then the name alone decides. */
static bool schema_fits(const struct pr_world *w, const char *asked, const char *has) {
    if (pr_eq(asked, has)) return true;
    return (asked == NULL || has == NULL) && w->n_path == 0;
}

struct w_rel *w_find(const struct pr_world *w, const char *schema, const char *name) {
    if (name == NULL) return NULL;
    const size_t tries = schema == NULL && w->n_path > 0 ? w->n_path : 1;
    for (size_t i = 0; i < tries; i++) {
        const char *in = schema == NULL && w->n_path > 0 ? w->path[i] : schema;
        for (struct w_rel *r = w->buckets[bucket_of(name)]; r != NULL; r = r->next)
            if (!r->gone && pr_eq(r->r.name, name) && schema_fits(w, in, r->r.schema)) return r;
    }
    /* a path set by the script to schemas that facts do not know */
    if (schema == NULL)
        for (struct w_rel *r = w->buckets[bucket_of(name)]; r != NULL; r = r->next)
            if (!r->gone && pr_eq(r->r.name, name) && r->r.schema == NULL) return r;
    return NULL;
}

bool w_absent(const struct pr_world *w, const char *schema, const char *name) {
    if (w->base == NULL || w_find(w, schema, name) != NULL) return false;
    if (schema != NULL && (pr_eq(schema, "pg_catalog") || pr_eq(schema, "information_schema"))) return false;
    if (schema == NULL && pr_starts(name, "pg_")) return false;
    for (size_t i = 0; i < w->base->n_all_relations; i++) {
        const char *full = w->base->all_relations[i], *dot = strchr(full, '.');
        if (dot == NULL || !pr_eq(dot + 1, name)) continue;
        const char *has = pr_dupn(w->a, full, (size_t)(dot - full));
        if (schema != NULL ? !pr_eq(has, schema) : !in_path(w, has)) continue;
        /* listed when the facts were taken: still there unless this run dropped or renamed it */
        for (size_t k = 0; k < w->n; k++)
            if (w->rels[k]->gone && pr_eq(w->rels[k]->r.name, name) && pr_eq(w->rels[k]->r.schema, has)) return true;
        return false;
    }
    return w->base->whole || w->base->n_all_relations > 0;
}

struct w_rel *w_stub(struct pr_world *w, const char *schema, const char *name, char kind) {
    struct w_rel *r = new_rel(w);
    r->r = (struct pr_rel){.schema = schema, .name = name, .kind = kind, .rows = -1, .pages = -1, .table_bytes = -1,
                           .index_bytes = -1, .total_bytes = -1};
    link_rel(w, r);
    return r;
}

struct w_rel *w_create(struct pr_world *w, const char *schema, const char *name, char kind) {
    struct w_rel *r = w_stub(w, schema != NULL ? schema : w_default_schema(w), name, kind);
    r->own = true;
    r->complete = true;
    r->empty = true;
    r->r.persistence = 'p';
    r->r.rows = r->r.pages = r->r.table_bytes = r->r.index_bytes = r->r.total_bytes = 0;
    r->r.rows_trusted = true;
    return r;
}

void w_drop(struct pr_world *w, struct w_rel *r) {
    unlink_rel(w, r);
    if (r->r.kind == 'v' || r->r.kind == 'm') w_cut_deps(w, r);          /* another of its name may be made and read less */
    r->gone = true;
    w->dirty = true;
}

/* The old name stays behind as gone, so that w_absent knows that it was there. */
void w_rename(struct pr_world *w, struct w_rel *r, const char *schema, const char *name) {
    struct w_rel *ghost = new_rel(w);
    ghost->r.schema = r->r.schema;
    ghost->r.name = r->r.name;
    ghost->gone = true;
    ghost->became = r;
    unlink_rel(w, r);
    const char *old = r->r.name, *old_schema = r->r.schema;
    r->r.schema = schema;
    r->r.name = name;
    link_rel(w, r);
    for (size_t i = 0; i < w->n; i++) {                    /* foreign keys and partitions follow their table */
        struct w_rel *other = w->rels[i];
        if (other->gone) continue;
        if (pr_eq(other->r.partition_of, old) && pr_eq(other->r.partition_of_schema, old_schema)) {
            other->r.partition_of = name;
            other->r.partition_of_schema = schema;
        }
        for (size_t k = 0; k < other->r.n_cons; k++) {
            const struct pr_con *c = &other->r.cons[k];
            if (!pr_eq(c->ref_table, old) || !pr_eq(c->ref_schema, old_schema)) continue;
            struct pr_con *mine = w_con(w, other, c->name);
            mine->ref_table = name;
            mine->ref_schema = schema;
        }
    }
    w->dirty = true;
}

struct w_rel *w_renamed(const struct pr_world *w, const char *schema, const char *name) {
    for (size_t i = w->n; i-- > 0;) {
        const struct w_rel *r = w->rels[i];
        if (r->became != NULL && !r->became->gone && pr_eq(r->r.name, name) && (schema == NULL || pr_eq(r->r.schema, schema)))
            return r->became;
    }
    return NULL;
}

const char *w_full(struct pr_world *w, const struct w_rel *r) {
    return r->r.schema == NULL ? r->r.name : pr_fmt(w->a, "%s.%s", r->r.schema, r->r.name);
}

struct w_rel *w_find_full(const struct pr_world *w, const char *full) {
    const char *dot = strchr(full, '.');
    if (dot == NULL) return w_find(w, NULL, full);
    return w_find(w, pr_dupn(w->a, full, (size_t)(dot - full)), dot + 1);
}

struct w_rel *w_find_index(const struct pr_world *w, const char *schema, const char *name, struct pr_idx **idx) {
    const uint32_t bit = hash_of(name) % W_FILTER_BITS;
    if ((w->index_filter[bit / 32] & (1u << (bit % 32))) == 0) return NULL;
    for (size_t i = 0; i < w->n; i++) {
        struct w_rel *r = w->rels[i];
        if (r->gone) continue;
        const bool fits = schema != NULL ? schema_fits(w, schema, r->r.schema)
                                         : r->r.schema == NULL || w->n_path == 0 || in_path(w, r->r.schema);
        if (!fits) continue;
        for (size_t k = 0; k < r->r.n_idxs; k++) {
            if (!pr_eq(r->r.idxs[k].name, name)) continue;
            *idx = &r->r.idxs[k];
            return r;
        }
    }
    return NULL;
}

static bool fact_index(const struct pr_facts *f, const char *name) {
    for (size_t i = 0; i < f->n_rels; i++)
        for (size_t k = 0; k < f->rels[i].n_idxs; k++)
            if (name == NULL || pr_eq(f->rels[i].idxs[k].name, name)) return true;
    return false;
}

bool w_index_absent(const struct pr_world *w, const char *schema, const char *name) {
    struct pr_idx *idx = NULL;
    if (w->base == NULL || w_find_index(w, schema, name, &idx) != NULL) return false;
    if (w->base->whole || fact_index(w->base, name)) return true;      /* it was there, and this run dropped or renamed it */
    if (w->base->n_all_indexes == 0) return !fact_index(w->base, NULL);
    for (size_t i = 0; i < w->base->n_all_indexes; i++) {
        const char *full = w->base->all_indexes[i], *dot = strchr(full, '.');
        if (dot == NULL || !pr_eq(dot + 1, name)) continue;
        const char *has = pr_dupn(w->a, full, (size_t)(dot - full));
        if (schema != NULL ? pr_eq(has, schema) : in_path(w, has)) return false;
    }
    return true;
}

const struct w_type *w_find_type(const struct pr_world *w, const char *schema, const char *name) {
    for (const struct w_type *t = w->types; t != NULL; t = t->next)
        if (!t->gone && pr_eq(t->t.name, name) &&
            (schema == NULL || t->t.schema == NULL || pr_eq(t->t.schema, schema)))
            return t;
    return NULL;
}

struct w_type *w_add_type(struct pr_world *w, const char *schema, const char *name, char kind) {
    struct w_type *t = PR_NEW(w->a, struct w_type);
    t->t = (struct pr_typ){.schema = schema != NULL ? schema : w_default_schema(w), .name = name, .kind = kind};
    t->own = true;
    t->tx = w->tx;
    t->next = w->types;
    w->types = t;
    w->dirty = true;
    return t;
}

void w_begin(struct pr_world *w) {
    w->in_tx = true;
    w->tx++;
    w->n_pending = 0;
}

void w_end(struct pr_world *w) {
    w->in_tx = false;
    w->tx++;
    w->n_pending = 0;
}
