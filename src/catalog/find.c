#include "catalog/catalog.h"

static const struct pr_rel *rel_in(const struct pr_facts *f, const char *schema, const char *name) {
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
    for (size_t i = 0; i < f->n_search_path; i++) {
        const struct pr_rel *r = rel_in(f, f->search_path[i], name);
        if (r != NULL) return r;
    }
    return NULL;
}

static const struct pr_rel *index_in(const struct pr_facts *f, const char *schema, const char *index,
                                     const struct pr_idx **idx) {
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

bool pr_mentions(const char *const *mentions, size_t n, const char *column) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(mentions[i], column)) return true;
    return false;
}
