/* objects.c: names, owners, comments, grants, triggers, policies, rules, statistics, publications, LOCK. */
#include "footprint/statements.h"

static void lock_main(struct fx *x, const RangeVar *rv, char kind, bool missing_ok, enum pr_lock lock) {
    struct w_rel *r = fx_rel(x, rv, kind, missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, lock);
}

/* --- RENAME --- */

static const char **renamed(struct fx *x, const char *const *list, size_t n, const char *old, const char *new) {
    const char **copy = PR_NEW_ARRAY(x->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) copy[i] = pr_eq(list[i], old) ? new : list[i];
    return copy;
}

struct checked { struct fx *x; struct w_rel *r; const char *con; };

static void keep_proof(void *ctx, const char *col) {
    const struct checked *c = ctx;
    w_prove(c->x->w, c->r, c->con, fx_str(c->x, col));
}

static void keep_proofs(void *ctx, const Node *expr) { fx_proven(expr, keep_proof, ctx); }

static void rename_column(struct fx *x, struct w_rel *r, const char *old, const char *new) {
    struct pr_col *c = w_col(x->w, r, old);
    if (c == NULL) return;
    for (size_t i = 0; i < r->r.n_cons; i++) {             /* what text of the catalog proves is kept under the new name */
        struct pr_con *con = &r->r.cons[i];
        if (con->type != 'c' || con->def == NULL || !pr_mentions(con->cols, con->n_cols, old)) continue;
        struct checked k = {.x = x, .r = r, .con = con->name};
        (void)fx_with_expr(x, con->def, keep_proofs, &k);
        w_con(x->w, r, con->name)->def = NULL;
    }
    c->name = new;
    for (size_t i = 0; i < r->r.n_idxs; i++) {
        struct pr_idx *ix = w_idx(x->w, r, r->r.idxs[i].name);
        ix->cols = renamed(x, ix->cols, ix->n_cols, old, new);
        ix->mentions = renamed(x, ix->mentions, ix->n_mentions, old, new);
    }
    if (r->r.n_cons > 0) (void)w_con(x->w, r, r->r.cons[0].name);       /* makes the array ours */
    for (size_t i = 0; i < r->r.n_cons; i++)
        r->r.cons[i].cols = renamed(x, r->r.cons[i].cols, r->r.cons[i].n_cols, old, new);
    for (struct w_proof *p = r->proofs; p != NULL; p = p->next)
        if (pr_eq(p->col, old)) p->col = new;
}

static void rename_relation(struct fx *x, const RenameStmt *st) {
    struct pr_idx *idx = NULL;
    struct w_rel *owner = w_find_index(x->w, st->relation->schemaname, st->relation->relname, &idx);
    const char *new = fx_str(x, st->newname);
    if (st->renameType == OBJECT_INDEX || (owner != NULL && w_find(x->w, st->relation->schemaname, st->relation->relname) == NULL)) {
        if (owner == NULL && w_index_absent(x->w, st->relation->schemaname, st->relation->relname)) {
            if (!st->missing_ok) fx_fail(x, "42P01", true, "relation \"%s\" does not exist", st->relation->relname);
            return;
        }
        fx_lock_index(x, owner, fx_str(x, st->relation->relname),
                      st->renameType == OBJECT_INDEX ? PR_SHARE_UPDATE_EXCLUSIVE : PR_ACCESS_EXCLUSIVE);
        if (owner == NULL) {
            fx_guess(x);
            return;
        }
        fx_main(x, owner);
        struct pr_idx *mine = w_idx(x->w, owner, idx->name);
        if (mine->constraint != NULL) w_con(x->w, owner, mine->constraint)->name = new;
        if (mine->constraint != NULL) mine->constraint = new;
        w_rename_idx(x->w, owner, mine->name, new);
        return;
    }
    struct w_rel *r = fx_rel(x, st->relation, 'r', st->missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    if (w_find(x->w, r->r.schema, st->newname) != NULL)
        fx_fail(x, "42P07", true, "relation \"%s\" already exists", st->newname);
    else w_rename(x->w, r, r->r.schema, new);
}

static void rename_constraint(struct fx *x, struct w_rel *r, const char *old, const char *new) {
    if (pr_find_con(&r->r, old) == NULL) return;
    struct pr_con *c = w_con(x->w, r, old);
    struct pr_idx *ix = c->index != NULL ? w_idx(x->w, r, c->index) : NULL;
    if (ix != NULL) {
        ix->constraint = new;
        w_rename_idx(x->w, r, ix->name, new);
    }
    w_rename_partner(x->w, r, c, new);
    c->name = new;
    for (struct w_proof *p = r->proofs; p != NULL; p = p->next)
        if (pr_eq(p->con, old)) p->con = new;
}

static void refuse_rename(struct fx *x, const RenameStmt *st, const struct w_rel *r) {
    if (st->renameType == OBJECT_TABCONSTRAINT && r->complete && pr_find_con(&r->r, st->subname) == NULL)
        fx_fail(x, "42704", true, "constraint \"%s\" for table \"%s\" does not exist", st->subname, r->r.name);
    if (st->renameType != OBJECT_COLUMN) return;
    if (r->complete && r->r.n_cols > 0 && pr_find_col(&r->r, st->subname) == NULL)
        fx_fail(x, "42703", true, "column \"%s\" does not exist", st->subname);
    if (pr_find_col(&r->r, st->newname) != NULL)
        fx_fail(x, "42701", true, "column \"%s\" of relation \"%s\" already exists", st->newname, r->r.name);
    if (fx_inherited(x, r, st->subname)) fx_fail(x, "42P16", true, "cannot rename inherited column \"%s\"", st->subname);
}

/* Column, constraint, trigger, policy, rule: something of a table. */
static void rename_part(struct fx *x, const RenameStmt *st) {
    struct w_rel *r = fx_rel(x, st->relation, 'r', st->missing_ok), **family = NULL;
    if (r == NULL) return;
    fx_main(x, r);
    const bool column = st->renameType == OBJECT_COLUMN || st->renameType == OBJECT_TABCONSTRAINT;
    const bool clones = st->renameType == OBJECT_TRIGGER && r->r.kind == 'p' && (x->w->version == 0 || x->w->version >= 150000);
    const size_t n = fx_family(x, r, (column && st->relation->inh) || clones, &family);
    refuse_rename(x, st, r);
    const char *new = fx_str(x, st->newname), *old = fx_str(x, st->subname);
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], PR_ACCESS_EXCLUSIVE);
        if (x->stop) continue;
        if (st->renameType == OBJECT_COLUMN) rename_column(x, family[i], old, new);
        if (st->renameType == OBJECT_TABCONSTRAINT) rename_constraint(x, family[i], old, new);
    }
}

static void rename_schema(struct fx *x, const RenameStmt *st) {
    if (x->w->base == NULL) fx_guess(x);
    size_t n = 0;
    struct w_rel *const *all = w_all(x->w, &n);
    for (size_t i = 0; i < n; i++) {
        struct w_rel *r = all[i];
        if (!r->gone && pr_eq(r->r.schema, st->subname)) w_rename(x->w, r, fx_str(x, st->newname), r->r.name);
    }
}

static void rename_type(struct fx *x, const RenameStmt *st) {
    const char *schema = NULL, *name = NULL;
    fx_parts(FX_NODE(List, st->object), &schema, &name);
    struct w_type *t = (struct w_type *)(uintptr_t)w_find_type(x->w, schema, name);
    if (t == NULL) return;
    w_rename_type(x->w, t, fx_str(x, st->newname));
}

static void rename_attribute(struct fx *x, const RenameStmt *st) {
    const struct w_type *t = w_find_type(x->w, st->relation->schemaname, st->relation->relname);
    struct fx_use *uses = NULL;
    if (t == NULL) {
        fx_guess(x);
        return;
    }
    const size_t n = fx_type_uses(x, t, &uses);
    fx_lock(x, fx_composite(x, t), PR_ACCESS_EXCLUSIVE)->own = t->own;
    for (size_t i = 0; i < n; i++) {
        if (uses[i].col != NULL) continue;
        if (st->behavior == DROP_CASCADE) fx_lock(x, uses[i].r, PR_ACCESS_EXCLUSIVE);
        else fx_fail(x, "2BP01", true, "cannot alter type \"%s\" because it is the type of a typed table", t->t.name);
    }
}

void fx_rename(struct fx *x, const void *node) {
    const RenameStmt *st = node;
    switch ((int)st->renameType) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_INDEX: rename_relation(x, st); return;
    case OBJECT_COLUMN:
    case OBJECT_TABCONSTRAINT:
    case OBJECT_POLICY:
    case OBJECT_TRIGGER:
    case OBJECT_RULE: rename_part(x, st); return;
    case OBJECT_SCHEMA: rename_schema(x, st); return;
    case OBJECT_TYPE:
    case OBJECT_DOMAIN: rename_type(x, st); return;
    case OBJECT_ATTRIBUTE: rename_attribute(x, st); return;
    default: return;
    }
}

static void sequences_along(struct fx *x, const struct w_rel *r, const char *schema) {
    for (size_t i = 0; i < r->r.n_deps; i++) {
        const struct pr_dep *d = &r->r.deps[i];
        if (!pr_eq(d->kind, "sequence") || !fx_dep_alive(x, &r->r, d)) continue;
        struct w_rel *s = w_find(x->w, d->schema, d->name);
        if (s == NULL) s = w_stub(x->w, d->schema, d->name, 'S');
        fx_lock(x, s, PR_ACCESS_EXCLUSIVE);
        if (schema != NULL) w_rename(x->w, s, schema, s->r.name);
    }
}

void fx_set_schema(struct fx *x, const void *node) {
    const AlterObjectSchemaStmt *st = node;
    if (st->relation == NULL || st->objectType == OBJECT_TYPE) return;
    struct w_rel *r = fx_rel(x, st->relation, 'r', st->missing_ok);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, PR_ACCESS_EXCLUSIVE);
    const char *schema = fx_str(x, st->newschema);
    if (r->r.schema != NULL && w_find(x->w, schema, r->r.name) != NULL) {
        fx_fail(x, "42P07", true, "relation \"%s\" already exists in schema \"%s\"", r->r.name, schema);
        return;
    }
    sequences_along(x, r, schema);
    w_rename(x->w, r, schema, r->r.name);
}

void fx_owner(struct fx *x, const void *node) {
    const AlterOwnerStmt *st = node;
    if (st->relation != NULL) lock_main(x, st->relation, 'r', false, PR_ACCESS_EXCLUSIVE);
}

/* --- COMMENT, GRANT, LOCK --- */

void fx_comment(struct fx *x, const void *node) {
    const CommentStmt *st = node;
    const List *names = NULL;
    int drop = 0;
    enum pr_lock lock = PR_SHARE_UPDATE_EXCLUSIVE;
    switch ((int)st->objtype) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_INDEX: names = FX_NODE(List, st->object); break;
    case OBJECT_COLUMN:
        names = FX_NODE(List, st->object);
        drop = 1;
        break;
    case OBJECT_TABCONSTRAINT:
    case OBJECT_TRIGGER:
    case OBJECT_POLICY:
    case OBJECT_RULE:
        names = FX_NODE(List, st->object);
        drop = 1;
        lock = PR_ACCESS_SHARE;
        break;
    default: return;
    }
    const int n = list_length(names) - drop;
    if (n < 1) return;
    const char *schema = n > 1 ? strVal(list_nth(names, n - 2)) : NULL, *name = strVal(list_nth(names, n - 1));
    if (st->objtype == OBJECT_INDEX) {
        struct pr_idx *idx = NULL;
        struct w_rel *owner = w_find_index(x->w, schema, name, &idx);
        fx_lock_index(x, owner, fx_str(x, name), lock);
        if (owner != NULL) fx_main(x, owner);
        else fx_guess(x);
        return;
    }
    struct w_rel *r = fx_rel_named(x, schema, name, 'r', false);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, lock);
    if (st->objtype == OBJECT_COLUMN && r->complete && r->r.n_cols > 0 &&
        pr_find_col(&r->r, strVal(list_nth(names, n))) == NULL)
        fx_fail(x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", strVal(list_nth(names, n)), r->r.name);
}

void fx_grant(struct fx *x, const void *node) {
    const GrantStmt *st = node;
    if (st->targtype != ACL_TARGET_OBJECT) return;
    if (st->objtype != OBJECT_TABLE && st->objtype != OBJECT_SEQUENCE) return;
    ListCell *lc;
    foreach (lc, st->objects) {
        struct w_rel *r = fx_rel(x, lfirst(lc), 'r', false);
        if (r == NULL) return;
        fx_main(x, r);
        fx_lock(x, r, x->w->version >= 180000 ? PR_ACCESS_SHARE : PR_LOCK_NONE);
    }
}

void fx_lock_table(struct fx *x, const void *node) {
    const LockStmt *st = node;
    ListCell *lc;
    foreach (lc, st->relations) {
        const RangeVar *rv = lfirst(lc);
        struct w_rel *r = fx_rel(x, rv, 'r', false), **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t n = fx_family(x, r, rv->inh, &family);
        for (size_t i = 0; i < n; i++) fx_lock(x, family[i], (enum pr_lock)st->mode);
        if (r->r.kind == 'v') fx_lock_view(x, r, (enum pr_lock)st->mode);
    }
    if (!x->w->in_tx) fx_fail(x, "25P01", true, "LOCK TABLE can only be used in transaction blocks");
}

/* --- triggers, policies, rules --- */

void fx_create_trigger(struct fx *x, const void *node) {
    const CreateTrigStmt *st = node;
    struct w_rel *r = fx_rel(x, st->relation, 'r', false), **family = NULL;
    if (r == NULL) return;
    fx_main(x, r);
    const size_t n = fx_family(x, r, r->r.kind == 'p' && st->row, &family);
    const char *name = fx_str(x, st->trigname), *schema = NULL, *function = NULL;
    for (size_t i = 0; i < r->r.n_trgs && !st->replace; i++)
        if (pr_eq(r->r.trgs[i].name, name))
            fx_fail(x, "42710", true, "trigger \"%s\" for relation \"%s\" already exists", name, r->r.name);
    fx_parts(st->funcname, &schema, &function);
    const char **cols = PR_NEW_ARRAY(x->a, const char *, (size_t)list_length(st->columns) + 1);
    size_t n_cols = 0;
    ListCell *lc;
    foreach (lc, st->columns) cols[n_cols++] = fx_str(x, strVal(lfirst(lc)));
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], PR_SHARE_ROW_EXCLUSIVE);
        if (x->stop) continue;
        w_cut_trg(x->w, family[i], name);
        struct pr_trg *t = w_add_trg(x->w, family[i], name);
        t->function = schema != NULL ? pr_fmt(x->a, "%s.%s", schema, function) : fx_str(x, function);
        t->mentions = cols;
        t->n_mentions = n_cols;
    }
    if (st->constrrel == NULL) return;
    const struct w_rel *from = fx_rel(x, st->constrrel, 'r', false);
    if (from != NULL) fx_lock(x, from, PR_ACCESS_SHARE);
}

void fx_create_policy(struct fx *x, const void *node) {
    const CreatePolicyStmt *st = node;
    lock_main(x, st->table, 'r', false, PR_ACCESS_EXCLUSIVE);
    fx_reads(x, st->qual, false);
    fx_reads(x, st->with_check, false);
}

void fx_alter_policy(struct fx *x, const void *node) {
    const AlterPolicyStmt *st = node;
    lock_main(x, st->table, 'r', false, PR_ACCESS_EXCLUSIVE);
    fx_reads(x, st->qual, false);
    fx_reads(x, st->with_check, false);
}

void fx_create_rule(struct fx *x, const void *node) {
    const RuleStmt *st = node;
    lock_main(x, st->relation, 'r', false, PR_ACCESS_EXCLUSIVE);
    struct w_rel *r = w_find(x->w, st->relation->schemaname, st->relation->relname);
    const struct w_rel as_named = {.r = {.name = fx_str(x, st->rulename)}};
    if (r == NULL || x->stop) return;
    fx_mentions(x, r, "rule", &as_named, st->whereClause);
    fx_mentions(x, r, "rule", &as_named, st->actions);
}

/* Records that something depends on the columns of r that an expression names. */
void fx_mentions(struct fx *x, struct w_rel *r, const char *kind, const struct w_rel *of, const void *expr) {
    const char **names = NULL;
    const size_t n = expr != NULL ? fx_columns(expr, x->a, &names) : 0;
    if (n > 0) w_add_dep(x->w, r, kind, of, names, n);
}

/* --- statistics, publications --- */

void fx_create_stats(struct fx *x, const void *node) {
    const CreateStatsStmt *st = node;
    const char *schema = NULL, *name = NULL;
    fx_parts(st->defnames, &schema, &name);
    ListCell *lc;
    foreach (lc, st->relations) {
        if (!IsA(lfirst(lc), RangeVar)) continue;
        struct w_rel *r = fx_rel(x, lfirst(lc), 'r', false);
        if (r == NULL) return;
        fx_main(x, r);
        fx_lock(x, r, PR_SHARE_UPDATE_EXCLUSIVE);
        const char **cols = NULL;
        const size_t n = fx_columns(st->exprs, x->a, &cols);
        const struct w_rel as_named = {.r = {.schema = schema != NULL ? fx_str(x, schema) : r->r.schema, .name = fx_str(x, name)}};
        if (name != NULL) w_add_dep(x->w, r, "statistics", &as_named, cols, n);
    }
}

void fx_alter_stats(struct fx *x, const void *node) {
    (void)x;
    (void)node;
}

static void publication_tables(struct fx *x, const char *pub, const List *objects) {
    ListCell *lc;
    foreach (lc, objects) {
        const PublicationObjSpec *o = lfirst(lc);
        if (o->pubobjtype != PUBLICATIONOBJ_TABLE || o->pubtable == NULL) continue;
        struct w_rel *r = fx_rel(x, o->pubtable->relation, 'r', false), **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t n = fx_family(x, r, o->pubtable->relation->inh && r->r.kind != 'p', &family);
        for (size_t i = 0; i < n; i++) {
            fx_lock(x, family[i], PR_SHARE_UPDATE_EXCLUSIVE);
            family[i]->r.published = true;
            fx_mentions(x, family[i], "publication", &(struct w_rel){.r = {.name = pub}}, o->pubtable->whereClause);
        }
    }
}

void fx_create_publication(struct fx *x, const void *node) {
    const CreatePublicationStmt *st = node;
    publication_tables(x, fx_str(x, st->pubname), st->pubobjects);
}

void fx_alter_publication(struct fx *x, const void *node) {
    const AlterPublicationStmt *st = node;
    size_t n = 0;
    struct w_rel *const *all = st->action == AP_SetObjects && st->pubobjects != NIL ? w_all(x->w, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct w_rel *r = all[i];                    /* SET takes out what it does not name */
        for (size_t k = 0; !r->gone && k < r->r.n_deps; k++)
            if (pr_eq(r->r.deps[k].kind, "publication") && pr_eq(r->r.deps[k].name, st->pubname))
                fx_lock(x, r, PR_SHARE_UPDATE_EXCLUSIVE);
    }
    publication_tables(x, fx_str(x, st->pubname), st->pubobjects);
}
