/* world_fn.c: functions that are made and dropped in this run: later migrations call them. */
#include "footprint/world.h"

/* The list of the facts, copied at the first change. */
static void own_fns(struct pr_world *w) {
    if (w->own_fns) return;
    struct pr_fn *copy = PR_NEW_ARRAY(w->a, struct pr_fn, w->now.n_fns + 1);
    for (size_t i = 0; i < w->now.n_fns; i++) copy[i] = w->now.fns[i];
    w->now.fns = copy;
    w->cap_fns = w->now.n_fns + 1;
    w->own_fns = true;
}

static bool has_name(const struct pr_fn *fn, const char *schema, const char *name) {
    return pr_eq(fn->name, name) && (schema == NULL || pr_eq(fn->schema, schema));
}

void w_add_fn(struct pr_world *w, const struct pr_fn *fn) {
    if (w->base == NULL) return;
    own_fns(w);
    for (size_t i = 0; i < w->now.n_fns; i++) {
        if (!has_name(&w->now.fns[i], fn->schema, fn->name) || !pr_eq(w->now.fns[i].args, fn->args)) continue;
        w->now.fns[i] = *fn;
        return;
    }
    *PR_PUSH(w->a, w->now.fns, w->now.n_fns, w->cap_fns) = *fn;
}

/* Which of several overloads goes is not told by the raw names of types: then all stay. */
void w_drop_fn(struct pr_world *w, const char *schema, const char *name) {
    size_t found = 0, n = 0;
    for (size_t i = 0; w->base != NULL && i < w->now.n_fns; i++) found += has_name(&w->now.fns[i], schema, name) ? 1 : 0;
    if (found != 1) return;
    own_fns(w);
    for (size_t i = 0; i < w->now.n_fns; i++)
        if (!has_name(&w->now.fns[i], schema, name)) w->now.fns[n++] = w->now.fns[i];
    w->now.n_fns = n;
}
