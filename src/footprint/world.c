/* world.c: a world begins, shows itself as facts, and ages; transactions. */
#include "footprint/world.h"

/* --- as facts ----------------------------------------------------------------------------------------------------------- */

/* Known whole, or made in this run. */
static bool is_shown(struct w_rel *r) {
    if (r == NULL || r->gone || (!r->complete && !r->own && !r->r.shape_unknown)) return false;
    r->r.shape_unknown = !r->complete;
    r->r.is_new = r->own;
    return true;
}

/* Finding takes over what is below: a cache, the world as such stays as it is. */
static const struct pr_rel *seen_rel(const void *ctx, const char *schema, const char *name) {
    struct w_rel *r = w_find(ctx, schema, name);
    return is_shown(r) ? &r->r : NULL;
}

static const struct pr_rel *seen_table(const void *ctx, const char *schema, const char *index) {
    struct pr_idx *idx = NULL;
    struct w_rel *r = w_find_index(ctx, schema, index, &idx);
    return is_shown(r) ? &r->r : NULL;
}

static const struct pr_typ *seen_type(const void *ctx, const char *schema, const char *name) {
    const struct w_type *t = w_find_type(ctx, schema, name);
    return t != NULL ? &t->t : NULL;
}

static bool seen_listed(const void *ctx, const char *schema, const char *name) {
    return pr_is_listed(((const struct pr_world *)ctx)->base, schema, name);
}

static bool seen_listed_index(const void *ctx, const char *schema, const char *name) {
    const struct pr_finder *f = ((const struct pr_world *)ctx)->base->finder;
    return f->listed_index(f->ctx, schema, name);
}

const struct pr_facts *pr_world_facts(const struct pr_world *w) { return w->base != NULL ? &w->now : NULL; }

struct pr_facts *pr_world_whole(struct pr_world *w) {
    if (w->base == NULL) return NULL;
    struct pr_facts *f = PR_NEW(w->a, struct pr_facts);
    *f = *w->base;
    f->fns = w->now.fns;
    f->n_fns = w->now.n_fns;
    f->finder = NULL;
    size_t n = 0;
    struct w_rel *const *all = w_all(w, &n);
    f->rels = PR_NEW_ARRAY(w->a, struct pr_rel, n + 1);
    f->n_rels = 0;
    for (size_t i = 0; i < n; i++)
        if (is_shown(all[i])) f->rels[f->n_rels++] = all[i]->r;
    size_t n_types = 0;
    for (const struct w_type *t = w->type_list; t != NULL; t = t->next) n_types++;
    f->types = PR_NEW_ARRAY(w->a, struct pr_typ, n_types + 1);
    f->n_types = 0;
    for (const struct w_type *t = w->type_list; t != NULL; t = t->next)
        if (!t->gone) f->types[f->n_types++] = t->t;
    return f;
}

/* --- beginning ---------------------------------------------------------------------------------------------------------- */

static struct pr_world *empty_world(struct pr_arena *a) {
    struct pr_world *w = PR_NEW(a, struct pr_world);
    *w = (struct pr_world){.a = a, .rels = {.exact.a = a, .qualified.a = a}, .idxs = {.exact.a = a, .qualified.a = a},
                           .types = {.exact.a = a, .qualified.a = a}, .taken.a = a, .taken_types.a = a, .gone.a = a, .gone_names.a = a, .parents.a = a};
    w->finder = (struct pr_finder){.ctx = w, .rel = seen_rel, .table_of = seen_table, .type = seen_type, .listed = seen_listed,
                                     .listed_index = seen_listed_index};
    return w;
}

static void begin_on(struct pr_world *w, const struct pr_facts *facts) {
    w->base = facts;
    w->now = *facts;
    w->now.finder = &w->finder;
}

struct pr_world *pr_world_new(const struct pr_facts *facts, int version_num, struct pr_arena *a) {
    struct pr_world *w = empty_world(a);
    w->version = version_num != 0 ? version_num : facts != NULL ? facts->version_num : 0;
    if (facts == NULL) return w;
    if (facts->finder == NULL) {
        struct pr_facts *indexed = PR_NEW(a, struct pr_facts);
        *indexed = *facts;
        pr_facts_index(indexed, a);
        facts = indexed;
    }
    begin_on(w, facts);
    w->path = facts->search_path;
    w->n_path = facts->n_search_path;
    w->time_zone = facts->time_zone;
    for (size_t i = 0; i < facts->n_rels; i++)             /* a child by INHERITS is known from its parent's side alone */
        if (facts->rels[i].n_partitions > 0) (void)w_find(w, facts->rels[i].schema, facts->rels[i].name);
    return w;
}

struct pr_world *pr_world_over(const struct pr_world *under, struct pr_arena *a) {
    struct pr_world *w = empty_world(a);
    w->under = under;
    w->version = under->version;
    if (under->base != NULL) begin_on(w, under->base);
    w->now.fns = under->now.fns;
    w->now.n_fns = under->now.n_fns;
    w->unseen = under->unseen;
    w->stamp = under->stamp;
    w->values = under->values;
    w->path = under->path;
    w->n_path = under->n_path;
    w->has_temp = under->has_temp;
    w->until_commit = under->until_commit;
    w->time_zone = under->time_zone;
    w->in_tx = under->in_tx;
    w->tx = under->tx;
    w->checks = under->checks;
    return w;
}

bool pr_world_unseen(const struct pr_world *w) { return w->unseen; }

int pr_world_version(const struct pr_world *w) { return w->version; }

void pr_world_look_back(struct pr_world *w, struct pr_arena *footprints) {
    w->back = true;
    w->out = footprints;
}

bool pr_world_is_bare(const struct pr_world *w) { return w->base == NULL && w->under == NULL; }

bool pr_world_created(const struct pr_world *w, const char *schema, const char *name) {
    if (w->back) return w_had_created(w, schema, name);
    const struct w_rel *r = w_find(w, schema, name);
    if (r != NULL) return r->own;
    struct pr_idx *idx = NULL;
    r = w_find_index(w, schema, name, &idx);
    return r != NULL && r->own;
}

/* --- time passes -------------------------------------------------------------------------------------------------------- */

void w_grow_old(struct w_rel *r) {
    r->empty = false;
    r->nulls = false;
    if (!r->own) return;
    r->own = false;
    r->r.shape_unknown = !r->complete;
    r->r.rows_trusted = false;
    r->r.rows = r->r.pages = -1;
    r->r.table_bytes = r->r.index_bytes = r->r.total_bytes = r->r.toast_bytes = -1;
}

void pr_world_settle(struct pr_world *w) {
    w->aged = true;
    for (size_t i = 0; i < w->n; i++) w_grow_old(w->list[i]);
    for (struct w_type *t = w->type_list; t != NULL; t = t->next) t->own = false;
    pr_world_next(w);
}

void pr_world_next(struct pr_world *w) {
    w->values = NULL;
    w_drop_temp(w, false);
    w->path = w->base != NULL ? w->base->search_path : NULL;
    w->n_path = w->base != NULL ? w->base->n_search_path : 0;
    w->time_zone = w->base != NULL ? w->base->time_zone : NULL;
    w_end(w);
}

void w_begin(struct pr_world *w) {
    w->in_tx = true;
    w->tx++;
}

void w_end(struct pr_world *w) {
    w_drop_temp(w, true);
    w->in_tx = false;
    w->tx++;
}
