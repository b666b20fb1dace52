/* world_rel.c: changes inside one relation of the shadow catalog. An array is copied the first time it is written to. */
#include "footprint/world.h"

/* Makes the array writable: a copy that has no room for more. NULL when it was writable already, or holds nothing. */
static void *own_array(struct pr_world *w, struct w_rel *r, unsigned bit, const void *items, size_t n, size_t size) {
    const bool was = (r->mine & bit) != 0;
    r->mine |= bit;
    if (was || n == 0) return NULL;
    char *copy = pr_alloc_array(w->a, n, size);
    memcpy(copy, items, n * size);
    return copy;
}

/* Room for one more at the end of an array of n items: most stay short, and there may be a hundred thousand of them. What a writable one
 * grew out of is given back where no other world can look at it. */
static void *one_more(struct pr_world *w, void *items_ptr, size_t n, unsigned *cap, size_t size) {
    char **items = items_ptr;
    if (n >= *cap) {
        const size_t room = n + n / 4 + 1;
        char *bigger = pr_alloc_array(w->a, room, size);
        if (n > 0) memcpy(bigger, *items, n * size);
        if (w->back && *cap > 0) pr_alloc_back(w->a, *items, *cap * size);
        *items = bigger;
        *cap = (unsigned)room;
    }
    return memset(*items + n * size, 0, size);
}

static void own_cols(struct pr_world *w, struct w_rel *r) {
    struct pr_col *copy = own_array(w, r, W_COLS, r->r.cols, r->r.n_cols, sizeof *copy);
    if (copy == NULL) return;
    r->r.cols = copy;
    r->cap_cols = (unsigned)r->r.n_cols;
}

void w_expect_cols(struct pr_world *w, struct w_rel *r, size_t n) {
    if (n <= r->r.n_cols) return;
    struct pr_col *room = PR_NEW_ARRAY(w->a, struct pr_col, n);
    if (r->r.n_cols > 0) memcpy(room, r->r.cols, r->r.n_cols * sizeof *room);
    r->r.cols = room;
    r->cap_cols = (unsigned)n;
    r->mine |= W_COLS;
}

void w_own_cons(struct pr_world *w, struct w_rel *r) {
    struct pr_con *copy = own_array(w, r, W_CONS, r->r.cons, r->r.n_cons, sizeof *copy);
    if (copy == NULL) return;
    r->r.cons = copy;
    r->cap_cons = (unsigned)r->r.n_cons;
}

static void own_idxs(struct pr_world *w, struct w_rel *r) {
    w_remember_idxs(w, r);
    struct pr_idx *copy = own_array(w, r, W_IDXS, r->r.idxs, r->r.n_idxs, sizeof *copy);
    if (copy == NULL) return;
    r->r.idxs = copy;
    r->cap_idxs = (unsigned)r->r.n_idxs;
}

static void own_trgs(struct pr_world *w, struct w_rel *r) {
    struct pr_trg *copy = own_array(w, r, W_TRGS, r->r.trgs, r->r.n_trgs, sizeof *copy);
    if (copy == NULL) return;
    r->r.trgs = copy;
    r->cap_trgs = (unsigned)r->r.n_trgs;
}

struct pr_col *w_col(struct pr_world *w, struct w_rel *r, const char *name) {
    if (pr_find_col(&r->r, name) == NULL) return NULL;
    own_cols(w, r);
    for (size_t i = 0; i < r->r.n_cols; i++)
        if (pr_eq(r->r.cols[i].name, name)) return &r->r.cols[i];
    return NULL;
}

struct pr_con *w_con(struct pr_world *w, struct w_rel *r, const char *name) {
    w_own_cons(w, r);
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (pr_eq(r->r.cons[i].name, name) && !r->r.cons[i].inbound) return &r->r.cons[i];
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (pr_eq(r->r.cons[i].name, name)) return &r->r.cons[i];
    return NULL;
}

struct pr_idx *w_idx(struct pr_world *w, struct w_rel *r, const char *name) {
    own_idxs(w, r);
    for (size_t i = 0; i < r->r.n_idxs; i++)
        if (pr_eq(r->r.idxs[i].name, name)) return &r->r.idxs[i];
    return NULL;
}

struct pr_col *w_add_col(struct pr_world *w, struct w_rel *r, const char *name, const char *type) {
    own_cols(w, r);
    struct pr_col *c = one_more(w, &r->r.cols, r->r.n_cols++, &r->cap_cols, sizeof *c);
    *c = (struct pr_col){.name = name, .type = type, .typmod = -1, .position = (int)r->r.n_cols, .not_null_valid = true};
    return c;
}

struct pr_con *w_add_con(struct pr_world *w, struct w_rel *r, const char *name, char type) {
    w_own_cons(w, r);
    struct pr_con *c = one_more(w, &r->r.cons, r->r.n_cons++, &r->cap_cons, sizeof *c);
    *c = (struct pr_con){.name = name, .type = type, .validated = true, .enforced = true};
    return c;
}

struct pr_idx *w_add_idx(struct pr_world *w, struct w_rel *r, const char *name) {
    own_idxs(w, r);
    struct pr_idx *i = one_more(w, &r->r.idxs, r->r.n_idxs++, &r->cap_idxs, sizeof *i);
    *i = (struct pr_idx){.name = name, .method = "btree", .valid = true, .ready = true, .live = true,
                         .default_order = true, .bytes = -1};
    w_note_index(w, r, name);
    return i;
}

struct pr_trg *w_add_trg(struct pr_world *w, struct w_rel *r, const char *name) {
    own_trgs(w, r);
    struct pr_trg *t = one_more(w, &r->r.trgs, r->r.n_trgs++, &r->cap_trgs, sizeof *t);
    *t = (struct pr_trg){.name = name, .enabled = true};
    return t;
}

/* An array that is full is copied, and one taken from facts always is: so no write reaches the facts. */
void w_add_dep(struct pr_world *w, struct w_rel *r, const char *kind, const struct w_rel *of,
               const char *const *mentions, size_t n) {
    struct pr_dep *d = one_more(w, &r->r.deps, r->r.n_deps++, &r->cap_deps, sizeof *d);
    *d = (struct pr_dep){.kind = kind, .schema = of->r.schema, .name = of->r.name, .mentions = mentions, .n_mentions = n};
}

/* --- partitions and children ------------------------------------------------------------------------------------------- */

void w_note_child(struct pr_world *w, struct w_rel *parent, const char *full) {
    void **chain = pr_map_at(&w->parents, NULL, full);
    struct w_named *n = PR_NEW(w->a, struct w_named);
    *n = (struct w_named){.what = parent, .next = *chain};
    *chain = n;
}

static void forget_child(struct pr_world *w, const struct w_rel *parent, const char *full) {
    for (struct w_named *n = pr_map_get(&w->parents, NULL, full); n != NULL; n = n->next)
        if (n->what == parent) n->what = NULL;
}

/* The array of names, to write to: room for at least one more. */
static const char **own_parts(struct pr_world *w, struct w_rel *parent) {
    const char **list = (const char **)(uintptr_t)parent->r.partitions;
    if ((parent->mine & W_PARTS) == 0) parent->cap_parts = (unsigned)parent->r.n_partitions;
    parent->mine |= W_PARTS;
    (void)one_more(w, &list, parent->r.n_partitions, &parent->cap_parts, sizeof *list);
    parent->r.partitions = list;
    return list;
}

void w_cut_deps(struct pr_world *w, const struct w_rel *view) {
    size_t n_all = 0;
    struct w_rel *const *all = w_all(w, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        struct w_rel *r = all[i];
        if (r->gone || r->r.n_deps == 0) continue;
        struct pr_dep *kept = NULL;
        size_t n = 0, cap = 0;
        for (size_t k = 0; k < r->r.n_deps; k++) {
            const struct pr_dep *d = &r->r.deps[k];
            const bool it = (pr_eq(d->kind, "view") || pr_eq(d->kind, "materialized view")) && pr_eq(d->name, view->r.name) &&
                            pr_eq(d->schema, view->r.schema);
            if (!it) *PR_PUSH(w->a, kept, n, cap) = *d;
        }
        if (n == r->r.n_deps) continue;
        r->r.deps = kept;
        r->r.n_deps = n;
        r->cap_deps = (unsigned)cap;
    }
}

void w_add_partition(struct pr_world *w, struct w_rel *parent, struct w_rel *child) {
    const char *full = w_full(w, child);
    own_parts(w, parent)[parent->r.n_partitions] = full;
    parent->r.n_partitions++;
    w_note_child(w, parent, full);
    child->r.partition_of = parent->r.name;
    child->r.partition_of_schema = parent->r.schema;
}

void w_cut_partition(struct pr_world *w, struct w_rel *parent, const struct w_rel *child) {
    const char *full = w_full(w, child), **list = own_parts(w, parent);
    size_t n = 0;
    for (size_t i = 0; i < parent->r.n_partitions; i++)
        if (!pr_eq(list[i], full)) list[n++] = list[i];
    parent->r.n_partitions = n;
    forget_child(w, parent, full);
}

void w_rename_child(struct pr_world *w, const char *full, const struct w_rel *child) {
    for (struct w_named *p = pr_map_get(&w->parents, NULL, full); p != NULL; p = p->next) {
        struct w_rel *parent = p->what;
        if (parent == NULL) continue;
        const char *now = w_full(w, child), **list = own_parts(w, parent);
        for (size_t i = 0; i < parent->r.n_partitions; i++)
            if (pr_eq(list[i], full)) list[i] = now;
        p->what = NULL;
        w_note_child(w, parent, now);
    }
}

bool w_inherits(const struct pr_world *w, const struct w_rel *r, const char *col) {
    const char *full = r->r.schema == NULL ? r->r.name : pr_fmt(w->a, "%s.%s", r->r.schema, r->r.name);
    for (const struct w_named *p = w->under != NULL ? pr_map_get(&w->under->parents, NULL, full) : NULL; p != NULL; p = p->next)
        if (p->what != NULL) (void)w_find(w, ((const struct w_rel *)p->what)->r.schema, ((const struct w_rel *)p->what)->r.name);
    for (const struct w_named *p = pr_map_get(&w->parents, NULL, full); p != NULL; p = p->next) {
        const struct w_rel *parent = p->what;
        if (parent != NULL && !parent->gone && pr_find_col(&parent->r, col) != NULL) return true;
    }
    return false;
}

/* --- taking out --------------------------------------------------------------------------------------------------------- */

void w_cut_col(struct pr_world *w, struct w_rel *r, const char *name) {
    own_cols(w, r);
    size_t n = 0;
    for (size_t i = 0; i < r->r.n_cols; i++) {
        if (pr_eq(r->r.cols[i].name, name)) continue;
        r->r.cols[n] = r->r.cols[i];
        r->r.cols[n].position = (int)n + 1;
        n++;
    }
    r->r.dropped_cols += (int)(r->r.n_cols - n);
    r->r.n_cols = n;
}

void w_cut_con(struct pr_world *w, struct w_rel *r, const char *name) {
    w_own_cons(w, r);
    size_t n = 0;
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (!pr_eq(r->r.cons[i].name, name) || r->r.cons[i].inbound) r->r.cons[n++] = r->r.cons[i];
    r->r.n_cons = n;
    const struct w_proof *all = r->proofs;                 /* the world below may hold the same list */
    r->proofs = NULL;
    for (; all != NULL; all = all->next)
        if (!pr_eq(all->con, name)) w_prove(w, r, all->con, all->col);
}

void w_cut_idx(struct pr_world *w, struct w_rel *r, const char *name) {
    own_idxs(w, r);
    size_t n = 0;
    for (size_t i = 0; i < r->r.n_idxs; i++)
        if (!pr_eq(r->r.idxs[i].name, name)) r->r.idxs[n++] = r->r.idxs[i];
    r->r.n_idxs = n;
}

void w_cut_trg(struct pr_world *w, struct w_rel *r, const char *name) {
    own_trgs(w, r);
    size_t n = 0;
    for (size_t i = 0; i < r->r.n_trgs; i++)
        if (!pr_eq(r->r.trgs[i].name, name)) r->r.trgs[n++] = r->r.trgs[i];
    r->r.n_trgs = n;
}

void w_prove(struct pr_world *w, struct w_rel *r, const char *con, const char *col) {
    struct w_proof *p = PR_NEW(w->a, struct w_proof);
    *p = (struct w_proof){.con = con, .col = col, .next = r->proofs};
    r->proofs = p;
}

void w_note_null(struct w_rel *r, struct pr_col *c) {
    for (size_t i = 0; i < r->r.n_cols && !r->nulls; i++) r->r.cols[i].all_null = false;       /* noted before rows were written */
    r->nulls = true;
    c->all_null = true;
}

bool w_all_null(const struct w_rel *r, const char *col) {
    const struct pr_col *c = r->nulls ? pr_find_col(&r->r, col) : NULL;
    return c != NULL && c->all_null;
}

/* The other table's record of the same foreign key. */
static bool is_twin(const struct pr_con *c, const struct pr_con *fk, const struct w_rel *r) {
    return c->type == 'f' && pr_eq(c->name, fk->name) && c->inbound != fk->inbound && pr_eq(c->ref_table, r->r.name);
}

void w_cut_partner(struct pr_world *w, const struct w_rel *r, const struct pr_con *fk) {
    struct w_rel *other = w_find(w, fk->ref_schema, fk->ref_table);
    if (other == NULL) return;
    w_own_cons(w, other);
    size_t n = 0;
    for (size_t i = 0; i < other->r.n_cons; i++)
        if (!is_twin(&other->r.cons[i], fk, r)) other->r.cons[n++] = other->r.cons[i];
    other->r.n_cons = n;
}

void w_rename_partner(struct pr_world *w, const struct w_rel *r, const struct pr_con *fk, const char *name) {
    if (fk->type != 'f') return;
    struct w_rel *other = w_find(w, fk->ref_schema, fk->ref_table);
    if (other == NULL) return;
    w_own_cons(w, other);
    for (size_t i = 0; i < other->r.n_cons; i++)
        if (is_twin(&other->r.cons[i], fk, r)) other->r.cons[i].name = name;
}

void w_rename_idx(struct pr_world *w, struct w_rel *r, const char *old, const char *name) {
    w_own_cons(w, r);
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (pr_eq(r->r.cons[i].index, old)) r->r.cons[i].index = name;
    w_idx(w, r, old)->name = name;
    w_note_index(w, r, name);
}
