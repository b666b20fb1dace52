/* type_stmt.c: enums, domains, composite types. */
#include "footprint/statements.h"

void fx_create_enum(struct fx *x, const void *node) {
    const CreateEnumStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->typeName, &schema, &name);
    if (w_find_type(x->w, schema != NULL ? schema : w_default_schema(x->w), name) != NULL) {
        fx_fail(x, "42710", true, "type \"%s\" already exists", name);
        return;
    }
    struct w_type *t = w_add_type(x->w, fx_str(x, schema), fx_str(x, name), 'e');
    const char **values = PR_NEW_ARRAY(x->a, const char *, (size_t)list_length(st->vals) + 1);
    ListCell *lc;
    foreach (lc, st->vals) values[t->t.n_values++] = fx_str(x, strVal(lfirst(lc)));
    t->t.values = values;
}

static size_t place_of(const struct pr_typ *t, const char *value) {
    size_t i = 0;
    while (i < t->n_values && !pr_eq(t->values[i], value)) i++;
    return i;
}

static void add_value(struct fx *x, const AlterEnumStmt *st, struct w_type *t) {
    if (place_of(&t->t, st->newVal) < t->t.n_values) {
        if (!st->skipIfNewValExists) fx_fail(x, "42710", true, "enum label \"%s\" already exists", st->newVal);
        return;
    }
    size_t at = t->t.n_values;
    if (st->newValNeighbor != NULL) {
        at = place_of(&t->t, st->newValNeighbor);
        if (at == t->t.n_values && t->own) at = t->t.n_values;
        else if (at == t->t.n_values) {
            fx_fail(x, "22023", true, "\"%s\" is not an existing enum label", st->newValNeighbor);
            return;
        } else if (st->newValIsAfter) at++;
    }
    const char **values = PR_NEW_ARRAY(x->a, const char *, t->t.n_values + 1);
    for (size_t i = 0; i < t->t.n_values + 1; i++)
        values[i] = i < at ? t->t.values[i] : i == at ? fx_str(x, st->newVal) : t->t.values[i - 1];
    t->t.values = values;
    t->t.n_values++;
}

void fx_alter_enum(struct fx *x, const void *node) {
    const AlterEnumStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->typeName, &schema, &name);
    struct w_type *t = (struct w_type *)(uintptr_t)w_find_type(x->w, schema, name);
    if (t == NULL && x->w->base != NULL && x->w->base->whole) {
        fx_fail(x, "42704", true, "type \"%s\" does not exist", name);
        return;
    }
    if (t == NULL) fx_guess(x);
    if (st->oldVal != NULL) {
        if (t == NULL) return;
        const size_t at = place_of(&t->t, st->oldVal);
        if (at == t->t.n_values) {
            fx_fail(x, "22023", true, "\"%s\" is not an existing enum label", st->oldVal);
            return;
        }
        const char **values = PR_NEW_ARRAY(x->a, const char *, t->t.n_values);
        for (size_t i = 0; i < t->t.n_values; i++) values[i] = i == at ? fx_str(x, st->newVal) : t->t.values[i];
        t->t.values = values;
        return;
    }
    if (t != NULL) add_value(x, st, t);
    if (x->stop) return;
    struct w_value *v = PR_NEW(x->a, struct w_value);
    *v = (struct w_value){.type = fx_str(x, name), .value = fx_str(x, st->newVal), .tx = x->w->tx,
                          .type_is_new = t != NULL && t->own && t->tx == x->w->tx, .next = x->w->values};
    x->w->values = v;
}

/* --- domains --- */

void fx_create_domain(struct fx *x, const void *node) {
    const CreateDomainStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->domainname, &schema, &name);
    struct w_type *t = w_add_type(x->w, fx_str(x, schema), fx_str(x, name), 'd');
    const struct fx_type base = fx_type_of_node(x, st->typeName);
    t->t.base_type = fx_type_text(x, &base);
    if (base.user != NULL && base.user->t.kind == 'd') t->t.constrained = base.user->t.constrained;
    ListCell *lc;
    foreach (lc, st->constraints) {
        const Constraint *c = lfirst(lc);
        if (c->contype == CONSTR_CHECK || c->contype == CONSTR_NOTNULL) t->t.constrained = true;
    }
}

static void add_use(struct fx *x, struct fx_use **uses, size_t *n, size_t *cap, struct w_rel *r, const char *col) {
    *PR_PUSH(x->a, *uses, *n, *cap) = (struct fx_use){.r = r, .col = col};
}

/* "schema.table" (made OF the type) or "schema.table.column", of a relation whose columns are not known. */
static void use_by_name(struct fx *x, const char *full, struct fx_use **uses, size_t *n, size_t *cap) {
    struct w_rel *typed = w_find_full(x->w, full);
    if (typed != NULL) add_use(x, uses, n, cap, typed, NULL);
    const char *dot = strrchr(full, '.'), *table = pr_dupn(x->a, full, (size_t)(dot != NULL ? dot - full : 0)), *split = strchr(table, '.');
    if (typed != NULL || split == NULL) return;
    const char *schema = pr_dupn(x->a, table, (size_t)(split - table));
    struct w_rel *r = w_find(x->w, schema, split + 1);
    if (r == NULL && w_absent(x->w, schema, split + 1)) return;
    if (r == NULL) r = w_stub(x->w, schema, split + 1, 'r');
    if (!r->complete || r->r.n_cols == 0) add_use(x, uses, n, cap, r, dot + 1);
}

size_t fx_type_uses(struct fx *x, const struct w_type *t, struct fx_use **out) {
    struct fx_use *uses = NULL;
    size_t n = 0, cap = 0, known = 0;
    struct w_rel *const *all = w_all(x->w, &known);        /* as they are before use_by_name adds to them */
    for (size_t i = 0; i < t->t.n_used_by; i++) use_by_name(x, t->t.used_by[i], &uses, &n, &cap);
    for (size_t i = 0; i < known; i++) {
        struct w_rel *r = all[i];
        for (size_t k = 0; !r->gone && k < r->r.n_cols; k++) {
            const struct pr_col *c = &r->r.cols[k];
            if (c->type == NULL || strstr(c->type, t->t.name) == NULL) continue;
            if (fx_type_of_text(x, c->type, c->type_schema).user == t) add_use(x, &uses, &n, &cap, r, c->name);
        }
    }
    *out = uses;
    return n;
}

/* A constraint on a domain is checked in every table that has a column of it. */
static void check_users(struct fx *x, const struct w_type *t) {
    struct fx_use *uses = NULL;
    const size_t n = fx_type_uses(x, t, &uses);
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = uses[i].r;
        if (r->r.kind == 'v' || r->r.kind == 'c' || uses[i].col == NULL) continue;
        fx_lock(x, r, PR_SHARE);
        fx_scan(x, r);
        fx_why(x, r, "column \"%s\" has the type %s: every row is checked", uses[i].col, t->t.name);
    }
}

void fx_alter_domain(struct fx *x, const void *node) {
    const AlterDomainStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->typeName, &schema, &name);
    struct w_type *t = (struct w_type *)(uintptr_t)w_find_type(x->w, schema, name);
    if (t == NULL) {
        fx_guess(x);
        return;
    }
    const bool is_check = st->subtype == 'C' && st->def != NULL && IsA(st->def, Constraint);
    const bool checks = st->subtype == 'O' || st->subtype == 'V' ||
                        (is_check && !FX_NODE(Constraint, st->def)->skip_validation);
    if (checks) check_users(x, t);
    if (st->subtype == 'O' || st->subtype == 'C') {
        t->t.constrained = true;
    }
}

/* --- composite types --- */

struct w_rel *fx_composite(struct fx *x, const struct w_type *t) {
    struct w_rel *r = w_find(x->w, t->t.schema, t->t.name);
    return r != NULL ? r : w_stub(x->w, t->t.schema, t->t.name, 'c');
}

void fx_create_composite(struct fx *x, const void *node) {
    const CompositeTypeStmt *st = node;
    (void)w_add_type(x->w, fx_str(x, st->typevar->schemaname), fx_str(x, st->typevar->relname), 'c');
}

void fx_create_range(struct fx *x, const void *node) {
    const CreateRangeStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->typeName, &schema, &name);
    (void)w_add_type(x->w, fx_str(x, schema), fx_str(x, name), 'r');
}

void fx_alter_composite(struct fx *x, const AlterTableStmt *st) {
    const struct w_type *t = w_find_type(x->w, st->relation->schemaname, st->relation->relname);
    if (t == NULL) {
        fx_guess(x);
        return;
    }
    struct w_rel *row = fx_composite(x, t);
    fx_main(x, row);
    fx_lock(x, row, PR_ACCESS_EXCLUSIVE)->own = t->own;
    struct fx_use *uses = NULL;
    const size_t n = fx_type_uses(x, t, &uses);
    for (size_t i = 0; i < n; i++) {
        const AlterTableCmd *cmd = linitial(st->cmds);
        if (cmd->subtype == AT_AlterColumnType)
            fx_fail(x, "0A000", true, "cannot alter type \"%s\" because %s uses it", t->t.name, uses[i].r->r.name);
        fx_lock(x, uses[i].r, PR_ACCESS_EXCLUSIVE);
    }
}
