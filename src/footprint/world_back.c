/* world_back.c: what a world knew before its last statement. A judge of a large file has one world alone, which is a statement ahead of
 * what the rules ask about: so each relation remembers what the last statement took from it. */
#include "footprint/world.h"

/* Asked for until the next statement. */
static struct pr_arena *memory(const struct pr_world *w) { return w->out != NULL ? w->out : w->a; }

void w_remember(const struct pr_world *w, struct w_rel *r) {
    if (!w->back || r->changed == w->step) return;
    struct w_was *was = PR_NEW(memory(w), struct w_was);
    *was = (struct w_was){.gone = r->gone, .schema = r->r.schema, .name = r->r.name};
    r->changed = w->step;
    r->was = was;
}

void w_remember_idxs(const struct pr_world *w, struct w_rel *r) {
    if (!w->back || r->idxs_changed == w->step) return;
    struct w_names_was *was = PR_NEW(memory(w), struct w_names_was);
    *was = (struct w_names_was){.items = PR_NEW_ARRAY(memory(w), const char *, r->r.n_idxs), .n = r->r.n_idxs};
    for (size_t i = 0; i < was->n; i++) was->items[i] = r->r.idxs[i].name;
    r->idxs_changed = w->step;
    r->was_idxs = was;
}

static bool had_name(const struct pr_world *w, const struct w_rel *r, const char *schema, bool any_schema, const char *name) {
    const bool changed = r->changed == w->step;
    const struct w_was now = {.gone = r->gone, .schema = r->r.schema, .name = r->r.name}, *was = changed ? r->was : &now;
    return r->born != w->step && !was->gone && (any_schema || pr_eq(was->schema, schema)) && (name == NULL || pr_eq(was->name, name));
}

static bool had_idx(const struct pr_world *w, const struct w_rel *r, const char *schema, bool any_schema, const char *name) {
    if (!had_name(w, r, schema, any_schema, NULL)) return false;
    if (r->idxs_changed != w->step) return pr_find_idx(&r->r, name) != NULL;
    for (size_t i = 0; i < r->was_idxs->n; i++)
        if (pr_eq(r->was_idxs->items[i], name)) return true;
    return false;
}

typedef bool had_fn(const struct pr_world *w, const struct w_rel *r, const char *schema, bool any_schema, const char *name);

static const struct w_named *first_had_in(const struct pr_world *w, const struct pr_map *m, const char *schema, bool any_schema, const char *name, had_fn *had) {
    const struct w_named *n = pr_map_get(m, schema, name);
    while (n != NULL && !had(w, n->what, schema, any_schema, name)) n = n->next;
    return n;
}

static const struct w_named *first_had(const struct pr_world *w, const struct w_names *names, const char *schema, bool any_schema, const char *name, had_fn *had) {
    const struct w_named *exact = first_had_in(w, &names->exact, schema, any_schema, name, had);
    return any_schema ? w_newer(exact, first_had_in(w, &names->qualified, NULL, true, name, had)) : exact;
}

/* As find_named of world_find.c does it now. */
static const struct w_rel *had_in(const struct pr_world *w, const struct w_names *names, const char *schema, const char *name, had_fn *had) {
    const struct w_named *n = first_had(w, names, schema, schema == NULL && w->n_path == 0, name, had);
    if (schema != NULL && w->n_path == 0) n = w_newer(n, first_had(w, names, NULL, false, name, had));
    return n != NULL ? n->what : NULL;
}

static const struct w_rel *find_had(const struct pr_world *w, const struct w_names *names, const char *schema, const char *name, had_fn *had) {
    const struct w_rel *r = schema == NULL ? had_in(w, names, W_TEMP, name, had) : NULL;
    for (size_t i = 0; schema == NULL && r == NULL && i < w->n_path; i++) r = had_in(w, names, w->path[i], name, had);
    return r != NULL ? r : had_in(w, names, schema, name, had);
}

bool w_had_created(const struct pr_world *w, const char *schema, const char *name) {
    if (name == NULL) return false;
    const struct w_rel *r = find_had(w, &w->rels, schema, name, had_name);
    if (r == NULL) r = find_had(w, &w->idxs, schema, name, had_idx);
    return r != NULL && r->own;
}
