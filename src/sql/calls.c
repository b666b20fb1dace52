/* calls.c: which functions a statement calls by name. */
#include "sql/nodes.h"

#include "sql/internal.h"

struct calls {
    const struct pr_stmt *s;
    struct pr_arena *a;
    struct pr_called *items;
    size_t n, cap;
};

static bool collect(Node *node, void *ctx) {
    struct calls *c = ctx;
    if (node == NULL) return false;
    if (IsA(node, FuncCall)) {
        const FuncCall *call = (const FuncCall *)(const void *)node;
        const char *schema = NULL, *name = NULL;
        pr_name_parts(call->funcname, 0, &schema, &name);
        if (name != NULL)
            *PR_PUSH(c->a, c->items, c->n, c->cap) = (struct pr_called){.name = pr_dup(c->a, name), .offset = pr_stmt_at(c->s, call->location)};
    }
    return pr_tree_walk(node, collect, ctx);
}

size_t pr_stmt_calls(const struct pr_stmt *s, struct pr_arena *a, struct pr_called **out) {
    struct calls c = {.s = s, .a = a};
    if (s->node != NULL) (void)collect((Node *)(uintptr_t)s->node, &c);
    *out = c.items;
    return c.n;
}
