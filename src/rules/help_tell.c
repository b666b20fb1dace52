/* help_tell.c: what has been told already, options of statements, lists for people. */
#include "sql/nodes.h"

#include "rules/help.h"

enum pr_level pr_short_lock_level(const struct pr_rule_ctx *c) { return pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE; }

bool pr_said_before(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->out->n; i++)
        if (c->out->items[i].rule == c->rule->id) return true;
    return false;
}

const struct pr_rel *pr_rel_named(const struct pr_rule_ctx *c, const char *schema, const char *name) {
    return c->facts != NULL && name != NULL ? pr_find_rel(c->facts, schema, name) : NULL;
}

const DefElem *pr_option(const List *options, const char *name) {
    ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = pr_as(DefElem, lfirst(lc));
        if (d != NULL && pr_eq(d->defname, name)) return d;
    }
    return NULL;
}

const char *pr_option_text(const DefElem *option) {
    const Node *arg = option != NULL ? option->arg : NULL;
    if (arg == NULL) return NULL;
    if (IsA(arg, String)) return strVal(arg);
    if (IsA(arg, TypeName)) {                              /* a bare word: (x = off) */
        const TypeName *t = pr_cast(TypeName, arg);
        return t->names != NIL ? strVal(llast(t->names)) : NULL;
    }
    return NULL;
}

bool pr_option_is_on(const DefElem *option) {
    if (option == NULL) return false;
    if (option->arg == NULL) return true;
    if (IsA(option->arg, Boolean)) return boolVal(option->arg);
    if (IsA(option->arg, Integer)) return intVal(option->arg) != 0;
    static const char *const off[] = {"false", "off", "no", "0"};
    const char *word = pr_option_text(option);
    for (size_t i = 0; i < PR_COUNT(off); i++)
        if (word != NULL && pr_eq_nocase(word, off[i])) return false;
    return true;
}

bool pr_stops_all(const struct pr_rule_ctx *c, const struct pr_effect *f) {
    if (f->own || f->created || f->lock != PR_ACCESS_EXCLUSIVE || f->kind == 'i' || f->kind == 'I' || f->kind == 'c') return false;
    return !pr_is_empty(pr_rel_named(c, f->schema, f->name));
}

enum { SHOWN = 8 };

const char *pr_some(const struct pr_rule_ctx *c, const char *const *items, size_t n) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < n && i < SHOWN; i++) pr_addf(&b, "%s%s", i > 0 ? ", " : "", items[i]);
    if (n > SHOWN) pr_addf(&b, " and %zu more", n - SHOWN);
    return pr_buf_text(&b);
}

bool pr_has_policy(const struct pr_rule_ctx *c, const RangeVar *rv) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    return (r != NULL && r->n_pols > 0) || pr_about(c, PR_ABOUT_POLICIES, rv->relname) != NULL;
}
