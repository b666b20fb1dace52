/* drop_stmt.c: DROP of everything: which lock, on what, and what else goes. */
#include "footprint/statements.h"

static void drop_relation(struct fx *x, const DropStmt *st, const List *names, char kind) {
    const char *schema = NULL, *name = NULL;
    fx_parts(names, &schema, &name);
    struct w_rel *r = fx_rel_named(x, schema, name, kind, st->missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    const char is = r->r.kind == 'p' ? 'r' : r->r.kind;
    if (r->complete && is != kind) {
        fx_fail(x, "42809", true, "\"%s\" is a %s: another DROP is for it", name, pr_rel_kind_name(r->r.kind));
        return;
    }
    fx_drop_rel(x, r, st->behavior == DROP_CASCADE, 0);
}

static bool same_shape(const struct pr_idx *a, const struct pr_idx *b) {
    if (a->n_cols != b->n_cols || a->unique != b->unique || !pr_eq(a->method, b->method)) return false;
    for (size_t c = 0; c < a->n_cols; c++)
        if (!pr_eq(a->cols[c], b->cols[c])) return false;
    return a->is_partial == b->is_partial;
}

/* Of a partition's indexes of one shape, as many belong to the parent as it has of them. */
static bool part_of_parents(const struct fx *x, const struct w_rel *r, const struct pr_idx *ix) {
    const struct w_rel *parent = r->r.partition_of != NULL ? w_find(x->w, r->r.partition_of_schema, r->r.partition_of) : NULL;
    if (parent == NULL || parent->r.kind != 'p') return false;
    size_t above = 0, here = 0;
    for (size_t i = 0; i < parent->r.n_idxs; i++) above += same_shape(&parent->r.idxs[i], ix) ? 1 : 0;
    for (size_t i = 0; i < r->r.n_idxs; i++) here += same_shape(&r->r.idxs[i], ix) ? 1 : 0;
    return here <= above;
}

static void drop_index(struct fx *x, const DropStmt *st, const List *names) {
    const char *schema = NULL, *name = NULL;
    fx_parts(names, &schema, &name);
    name = fx_str(x, name);
    struct pr_idx *idx = NULL;
    struct w_rel *r = w_find_index(x->w, schema, name, &idx);
    const enum pr_lock lock = st->concurrent ? PR_SHARE_UPDATE_EXCLUSIVE : PR_ACCESS_EXCLUSIVE;
    if (r == NULL) {
        const bool known = w_index_absent(x->w, schema, name);
        if (known && !st->missing_ok) fx_fail(x, "42704", true, "index \"%s\" does not exist", name);
        if (known) return;
        fx_guess(x);                                       /* its table is not known: it is locked as hard */
        fx_lock_index(x, NULL, name, lock)->dropped = true;
        return;
    }
    fx_main(x, r);
    if (idx->constraint != NULL) {
        fx_lock(x, r, lock);
        fx_fail(x, "2BP01", true, "cannot drop index %s: constraint %s requires it", name, idx->constraint);
        return;
    }
    if (part_of_parents(x, r, idx)) {
        fx_lock(x, r, lock);
        fx_fail(x, "2BP01", true, "cannot drop index %s: the partitioned index of %s requires it", name, r->r.partition_of);
        return;
    }
    if (st->concurrent && r->r.kind == 'p') {
        fx_fail(x, "0A000", true, "cannot drop partitioned index \"%s\" concurrently", name);
        return;
    }
    const struct pr_idx gone = *idx;
    fx_lock_index(x, r, name, lock)->dropped = true;
    fx_drop_standing(x, r, name, st->behavior == DROP_CASCADE);
    if (x->stop) return;
    struct w_rel **family = NULL;
    const size_t n = fx_family(x, r, r->r.kind == 'p', &family);
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], lock);
        for (size_t k = 0; i > 0 && k < family[i]->r.n_idxs; k++) {      /* the partition's part of it */
            const struct pr_idx *ix = &family[i]->r.idxs[k];
            if (!same_shape(ix, &gone)) continue;
            w_cut_idx(x->w, family[i], ix->name);
            break;
        }
    }
    w_cut_idx(x->w, r, name);
}

static bool has_trigger(const struct w_rel *r, const char *name) {
    for (size_t i = 0; i < r->r.n_trgs; i++)
        if (pr_eq(r->r.trgs[i].name, name)) return true;
    return false;
}

static bool fires_for_rows(const struct w_rel *r, const char *name) {
    for (size_t i = 0; i < r->r.n_trgs; i++)
        if (pr_eq(r->r.trgs[i].name, name)) return r->r.trgs[i].def != NULL && strstr(r->r.trgs[i].def, " FOR EACH ROW ") != NULL;
    return false;
}

/* Trigger, policy, rule: the last part is the object, what is before it the table. */
static void drop_on_table(struct fx *x, const DropStmt *st, const List *names) {
    const int n = list_length(names);
    if (n < 2) return;
    const char *name = strVal(list_nth(names, n - 1));
    struct w_rel *r = fx_rel_named(x, n > 2 ? strVal(list_nth(names, n - 3)) : NULL, strVal(list_nth(names, n - 2)), 'r',
                                   st->missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    bool there = !r->complete;
    there = there || (st->removeType == OBJECT_TRIGGER && has_trigger(r, name));
    for (size_t i = 0; i < r->r.n_pols && st->removeType == OBJECT_POLICY; i++) there = there || pr_eq(r->r.pols[i].name, name);
    there = there || st->removeType == OBJECT_RULE || (st->removeType == OBJECT_POLICY && r->own);
    if (!there && !st->missing_ok)
        fx_fail(x, "42704", true, "\"%s\" for table \"%s\" does not exist", name, r->r.name);
    if (!there) return;                                    /* looked for, and let go again */
    fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    if (st->removeType != OBJECT_TRIGGER) return;
    struct w_rel **family = NULL;
    const size_t members = fx_family(x, r, r->r.kind == 'p', &family);
    const bool rows = fires_for_rows(r, name);
    for (size_t i = 0; i < members; i++) {                 /* of a partition only what each row fires; before 15 its own is internal */
        if (i > 0 && family[i]->complete && !rows && !has_trigger(family[i], name)) continue;
        fx_lock(x, family[i], PR_ACCESS_EXCLUSIVE);
        w_cut_trg(x->w, family[i], name);
    }
}

static void drop_type(struct fx *x, const DropStmt *st, const TypeName *tn) {
    const char *schema = NULL, *name = NULL;
    fx_parts(tn->names, &schema, &name);
    const struct w_type *found = w_find_type(x->w, schema, name);
    if (found == NULL) {
        if (x->w->base == NULL) fx_guess(x);
        else if (!st->missing_ok && x->w->base->whole) fx_fail(x, "42704", true, "type \"%s\" does not exist", name);
        return;
    }
    struct fx_use *uses = NULL;
    const size_t n = fx_type_uses(x, found, &uses);
    if (found->t.kind == 'c') {
        fx_lock(x, fx_composite(x, found), PR_ACCESS_EXCLUSIVE)->dropped = true;
        for (size_t i = 0; i < n; i++) {
            struct w_rel *typed = uses[i].col == NULL ? uses[i].r : NULL;
            if (typed == NULL) continue;
            if (st->behavior != DROP_CASCADE) {
                fx_fail(x, "2BP01", true, "cannot drop type %s: table %s depends on it", name, typed->r.name);
                return;
            }
            fx_lose(x, "table", typed->r.name, false);
            fx_drop_rel(x, typed, true, 1);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = uses[i].r;
        if (uses[i].col == NULL || r->gone || r->r.kind == 'v') continue;
        if (st->behavior != DROP_CASCADE) {
            fx_fail(x, "2BP01", true, "cannot drop type %s: column %s of table %s depends on it", name, uses[i].col, r->r.name);
            return;
        }
        fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
        fx_lose(x, "column", pr_fmt(x->o, "%s.%s", w_full(x->w, r), uses[i].col), false);
        const AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_DropColumn, .name = (char *)(uintptr_t)uses[i].col,
                                   .behavior = DROP_CASCADE};
        struct fx_at t = {.x = x, .r = r, .root = r, .cmd = &cmd};
        fx_drop_column(&t);
    }
    ((struct w_type *)(uintptr_t)found)->gone = true;
}

static bool body_is(const char *function, const char *schema, const char *name) {
    const char *dot = function != NULL ? strrchr(function, '.') : NULL;
    if (dot == NULL) return pr_eq(function, name);
    return pr_eq(dot + 1, name) &&
           (schema == NULL || (strlen(schema) == (size_t)(dot - function) && strncmp(function, schema, strlen(schema)) == 0));
}

static void drop_function(struct fx *x, const DropStmt *st, const ObjectWithArgs *o) {
    const char *schema = NULL, *name = NULL;
    fx_parts(o->objname, &schema, &name);
    size_t n = 0;
    struct w_rel *const *all = w_all(x->w, &n);
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = all[i];
        for (size_t k = 0; !r->gone && k < r->r.n_trgs;) {
            const struct pr_trg t = r->r.trgs[k];
            if (!body_is(t.function, schema, name)) {
                k++;
                continue;
            }
            if (st->behavior != DROP_CASCADE) {
                fx_fail(x, "2BP01", true, "cannot drop function %s: trigger %s on table %s depends on it", name, t.name, r->r.name);
                return;
            }
            fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
            fx_lose(x, "trigger", t.name, false);
            w_cut_trg(x->w, r, t.name);
        }
    }
    w_drop_fn(x->w, schema, name);
}

static void drop_schema(struct fx *x, const DropStmt *st, const char *name) {
    size_t n = 0, n_all = 0;
    struct w_rel *const *all = w_all(x->w, &n_all);
    for (size_t i = 0; i < n_all; i++)
        if (!all[i]->gone && pr_eq(all[i]->r.schema, name)) n++;
    if (n > 0 && st->behavior != DROP_CASCADE) {
        fx_fail(x, "2BP01", true, "cannot drop schema %s because other objects depend on it", name);
        return;
    }
    if (x->w->base == NULL || !x->w->base->whole) fx_guess(x);
    for (const struct w_type *t = x->w->type_list; t != NULL; t = t->next)
        if (!t->gone && t->t.kind == 'c' && pr_eq(t->t.schema, name))
            fx_lock(x, fx_composite(x, t), PR_ACCESS_EXCLUSIVE)->dropped = true;
    for (size_t i = 0; i < n_all; i++) {
        struct w_rel *r = all[i];
        if (r->gone || r->r.kind == 'c' || !pr_eq(r->r.schema, name)) continue;
        fx_lose(x, "relation", w_full(x->w, r), false);
        fx_drop_rel(x, r, true, 0);
    }
}

static void drop_statistics(struct fx *x, const List *names) {
    const char *schema = NULL, *name = NULL;
    fx_parts(names, &schema, &name);
    size_t n = 0;
    struct w_rel *const *all = w_all(x->w, &n);
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = all[i];
        for (size_t k = 0; !r->gone && k < r->r.n_deps; k++)
            if (pr_eq(r->r.deps[k].kind, "statistics") && pr_eq(r->r.deps[k].name, name))
                fx_lock(x, r, PR_SHARE_UPDATE_EXCLUSIVE);
    }
    if (x->w->base == NULL) fx_guess(x);
}

static char relkind_of(ObjectType t) {
    switch ((int)t) {
    case OBJECT_TABLE: return 'r';
    case OBJECT_VIEW: return 'v';
    case OBJECT_MATVIEW: return 'm';
    case OBJECT_SEQUENCE: return 'S';
    case OBJECT_FOREIGN_TABLE: return 'f';
    default: return 0;
    }
}

void fx_drop(struct fx *x, const void *node) {
    const DropStmt *st = node;
    const char kind = relkind_of(st->removeType);
    x->out->concurrent = st->concurrent;
    if (st->concurrent) {
        x->out->outside_tx = true;
        if (x->w->in_tx) fx_fail(x, "25001", true, "DROP INDEX CONCURRENTLY cannot run inside a transaction block");
        else if (list_length(st->objects) > 1)
            fx_fail(x, "0A000", true, "DROP INDEX CONCURRENTLY does not support dropping multiple objects");
        else if (st->behavior == DROP_CASCADE) fx_fail(x, "0A000", true, "DROP INDEX CONCURRENTLY does not support CASCADE");
    }
    ListCell *lc;
    /* tables dropped together do not hold each other up */
    const bool together = kind != 0 && list_length(st->objects) > 1;
    const DropStmt all = {.type = T_DropStmt, .removeType = st->removeType, .behavior = together ? DROP_CASCADE : st->behavior,
                          .missing_ok = st->missing_ok};
    foreach (lc, st->objects) {
        if (x->stop) return;
        const Node *o = lfirst(lc);
        if (kind != 0) drop_relation(x, &all, FX_NODE(List, o), kind);
        else if (st->removeType == OBJECT_INDEX) drop_index(x, st, FX_NODE(List, o));
        else if (st->removeType == OBJECT_TRIGGER || st->removeType == OBJECT_POLICY || st->removeType == OBJECT_RULE)
            drop_on_table(x, st, FX_NODE(List, o));
        else if (st->removeType == OBJECT_TYPE || st->removeType == OBJECT_DOMAIN) drop_type(x, st, FX_NODE(TypeName, o));
        else if (st->removeType == OBJECT_FUNCTION || st->removeType == OBJECT_PROCEDURE || st->removeType == OBJECT_ROUTINE)
            drop_function(x, st, FX_NODE(ObjectWithArgs, o));
        else if (st->removeType == OBJECT_SCHEMA) drop_schema(x, st, strVal(FX_NODE(Node, o)));
        else if (st->removeType == OBJECT_STATISTIC_EXT) drop_statistics(x, FX_NODE(List, o));
        else if (st->removeType == OBJECT_EXTENSION && x->w->base == NULL) fx_guess(x);
    }
}
