#include "catalog/catalog.h"

static bool same_name(const char *schema, const char *name, const struct pr_name *n) {
    return pr_eq(name, n->name) && (schema == NULL || n->schema == NULL || pr_eq(schema, n->schema));
}

static bool listed(const struct pr_want *wants, size_t n, const struct pr_name *name) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(wants[i].name, name->name) && pr_eq(wants[i].schema, name->schema)) return true;
    return false;
}

static size_t wants_of(const struct pr_script *s, struct pr_arena *a, struct pr_want **out) {
    struct pr_want *wants = NULL, *made = NULL;
    size_t n = 0, cap = 0, n_made = 0, made_cap = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->stmts[i].node == NULL) continue;
        struct pr_name *names = NULL;
        const size_t n_names = pr_stmt_names(&s->stmts[i], a, &names);
        for (size_t k = 0; k < n_names; k++) {
            const struct pr_name *name = &names[k];
            if (name->kind >= PR_NAME_TYPE && name->role != PR_NAME_TARGET) continue;
            bool ours = name->role == PR_NAME_CREATED && !name->missing_ok;
            for (size_t m = 0; m < n_made && !ours; m++) ours = same_name(made[m].schema, made[m].name, name);
            if (!ours && !listed(wants, n, name))
                *PR_PUSH(a, wants, n, cap) = (struct pr_want){.schema = name->schema, .name = name->name};
        }
        for (size_t k = 0; k < n_names; k++)
            if (names[k].role == PR_NAME_CREATED && !names[k].missing_ok)
                *PR_PUSH(a, made, n_made, made_cap) = (struct pr_want){.schema = names[k].schema, .name = names[k].name};
    }
    /* a script that touches nothing that exists: a name that nothing has, since none at all would ask for everything */
    if (n == 0) *PR_PUSH(a, wants, n, cap) = (struct pr_want){.name = ""};
    *out = wants;
    return n;
}

/* What stands in bodies is touched too. */
size_t pr_facts_wants(const struct pr_script *s, struct pr_arena *a, struct pr_want **out) {
    struct pr_script flat PR_CLEANUP(pr_script_done) = {0};
    pr_script_flat(s, NULL, 0, a, &flat);
    return wants_of(&flat, a, out);
}
