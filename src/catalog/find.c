#include "catalog/catalog.h"

/* --- an index over the arrays ----------------------------------------------------------------------------------------- */

/* Under a schema that is NULL: what has that name in any. */
struct index { struct pr_map rels, tables, types, listed, listed_indexes; };

static const struct pr_rel *index_rel(const void *ctx, const char *schema, const char *name) {
    return pr_map_get(&((const struct index *)ctx)->rels, schema, name);
}

static const struct pr_rel *index_table(const void *ctx, const char *schema, const char *name) {
    return pr_map_get(&((const struct index *)ctx)->tables, schema, name);
}

static const struct pr_typ *index_type(const void *ctx, const char *schema, const char *name) {
    return pr_map_get(&((const struct index *)ctx)->types, schema, name);
}

static bool index_listed(const void *ctx, const char *schema, const char *name) {
    return pr_map_get(&((const struct index *)ctx)->listed, schema, name) != NULL;
}

static bool index_listed_index(const void *ctx, const char *schema, const char *name) {
    return pr_map_get(&((const struct index *)ctx)->listed_indexes, schema, name) != NULL;
}

/* The first of a name stays, as with a look through the array. */
static void put(struct pr_map *m, const char *schema, const char *name, const void *what) {
    if (name == NULL) return;
    void **at = pr_map_at(m, schema, name);
    if (*at == NULL) *at = (void *)(uintptr_t)what;
}

static void put_both(struct pr_map *m, const char *schema, const char *name, const void *what) {
    put(m, schema, name, what);
    put(m, NULL, name, what);
}

/* "schema.name" of a list. */
static void put_listed(struct pr_map *m, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *dot = strchr(list[i], '.');
        if (dot != NULL) put_both(m, pr_dupn(m->a, list[i], (size_t)(dot - list[i])), dot + 1, list[i]);
    }
}

void pr_facts_index(struct pr_facts *f, struct pr_arena *a) {
    struct index *x = PR_NEW(a, struct index);
    *x = (struct index){.rels.a = a, .tables.a = a, .types.a = a, .listed.a = a, .listed_indexes.a = a};
    for (size_t i = 0; i < f->n_rels; i++) {
        const struct pr_rel *r = &f->rels[i];
        put(&x->rels, r->schema, r->name, r);
        for (size_t k = 0; k < r->n_idxs; k++) put_both(&x->tables, r->schema, r->idxs[k].name, r);
    }
    for (size_t i = 0; i < f->n_types; i++) put_both(&x->types, f->types[i].schema, f->types[i].name, &f->types[i]);
    put_listed(&x->listed, f->all_relations, f->n_all_relations);
    put_listed(&x->listed_indexes, f->all_indexes, f->n_all_indexes);
    struct pr_finder *finder = PR_NEW(a, struct pr_finder);
    *finder = (struct pr_finder){.ctx = x, .rel = index_rel, .table_of = index_table, .type = index_type, .listed = index_listed,
                                 .listed_index = index_listed_index};
    f->finder = finder;
}

/* --- finders ---------------------------------------------------------------------------------------------------------- */

static const struct pr_rel *rel_in(const struct pr_facts *f, const char *schema, const char *name) {
    if (f->finder != NULL) return f->finder->rel(f->finder->ctx, schema, name);
    for (size_t i = 0; i < f->n_rels; i++)
        if (pr_eq(f->rels[i].schema, schema) && pr_eq(f->rels[i].name, name)) return &f->rels[i];
    return NULL;
}

const char *pr_rel_kind_name(char relkind) {
    switch (relkind) {
    case 'r': return "table";
    case 'p': return "partitioned table";
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'f': return "foreign table";
    case 'S': return "sequence";
    case 'c': return "composite type";
    default: return "relation";
    }
}

const struct pr_rel *pr_find_rel(const struct pr_facts *f, const char *schema, const char *name) {
    if (schema != NULL) return rel_in(f, schema, name);
    const struct pr_rel *temporary = rel_in(f, "pg_temp", name);           /* made by the script itself */
    if (temporary != NULL) return temporary;
    for (size_t i = 0; i < f->n_search_path; i++) {
        const struct pr_rel *r = rel_in(f, f->search_path[i], name);
        if (r != NULL) return r;
    }
    return NULL;
}

static const struct pr_rel *index_in(const struct pr_facts *f, const char *schema, const char *index,
                                     const struct pr_idx **idx) {
    if (f->finder != NULL) {
        const struct pr_rel *r = f->finder->table_of(f->finder->ctx, schema, index);
        if (r != NULL && idx != NULL) *idx = pr_find_idx(r, index);
        return r;
    }
    for (size_t i = 0; i < f->n_rels; i++) {
        const struct pr_idx *found = pr_eq(f->rels[i].schema, schema) ? pr_find_idx(&f->rels[i], index) : NULL;
        if (found == NULL) continue;
        if (idx != NULL) *idx = found;
        return &f->rels[i];
    }
    return NULL;
}

const struct pr_rel *pr_find_index_rel(const struct pr_facts *f, const char *schema, const char *index,
                                       const struct pr_idx **idx) {
    if (schema != NULL) return index_in(f, schema, index, idx);
    for (size_t i = 0; i < f->n_search_path; i++) {
        const struct pr_rel *r = index_in(f, f->search_path[i], index, idx);
        if (r != NULL) return r;
    }
    return NULL;
}

const struct pr_col *pr_find_col(const struct pr_rel *r, const char *name) {
    for (size_t i = 0; i < r->n_cols; i++)
        if (pr_eq(r->cols[i].name, name)) return &r->cols[i];
    return NULL;
}

/* A relation's own constraint: the foreign keys of others have their names in other tables. */
const struct pr_con *pr_find_con(const struct pr_rel *r, const char *name) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (!r->cons[i].inbound && pr_eq(r->cons[i].name, name)) return &r->cons[i];
    return NULL;
}

const struct pr_idx *pr_find_idx(const struct pr_rel *r, const char *name) {
    for (size_t i = 0; i < r->n_idxs; i++)
        if (pr_eq(r->idxs[i].name, name)) return &r->idxs[i];
    return NULL;
}

static const struct pr_typ *type_in(const struct pr_facts *f, const char *schema, const char *name) {
    if (f->finder != NULL) return f->finder->type(f->finder->ctx, schema, name);
    for (size_t i = 0; i < f->n_types; i++)
        if (pr_eq(f->types[i].schema, schema) && pr_eq(f->types[i].name, name)) return &f->types[i];
    return NULL;
}

const struct pr_typ *pr_find_type(const struct pr_facts *f, const char *schema, const char *name) {
    if (schema != NULL) return type_in(f, schema, name);
    for (size_t i = 0; i < f->n_search_path; i++) {
        const struct pr_typ *t = type_in(f, f->search_path[i], name);
        if (t != NULL) return t;
    }
    return NULL;
}

bool pr_is_listed(const struct pr_facts *f, const char *schema, const char *name) {
    if (f->finder != NULL) return f->finder->listed(f->finder->ctx, schema, name);
    for (size_t i = 0; i < f->n_all_relations; i++) {
        const char *full = f->all_relations[i], *dot = strchr(full, '.');
        if (dot == NULL || !pr_eq(dot + 1, name)) continue;
        if (schema == NULL || (strlen(schema) == (size_t)(dot - full) && strncmp(full, schema, strlen(schema)) == 0)) return true;
    }
    return false;
}

bool pr_mentions(const char *const *mentions, size_t n, const char *column) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(mentions[i], column)) return true;
    return false;
}
