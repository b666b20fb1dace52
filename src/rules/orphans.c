/* orphans.c: which rows a script will trip over, or leave behind. */
#include "sql/nodes.h"

#include "rules/orphans.h"

static bool names_it(const struct pr_facts *f, const struct pr_want *w, const char *schema, const char *table) {
    const struct pr_rel *r = pr_find_rel(f, w->schema, w->name);
    return r != NULL && pr_eq(r->schema, schema) && pr_eq(r->name, table);
}

static bool is_written(const struct pr_orphan_asks *k, const struct pr_facts *f, const char *schema, const char *table) {
    for (size_t i = 0; i < k->n_written; i++)
        if (names_it(f, &k->written[i], schema, table)) return true;
    return k->wild;
}

static void ask(struct pr_orphan_asks *k, const struct pr_facts *f, struct pr_ref r) {
    for (size_t i = 0; i < k->n; i++)
        if (pr_ref_same(&k->refs[i], &r)) return;
    r.basis = PR_REF_ASKED;
    r.enforced = true;
    r.confidence = 100;
    r.rows_change = is_written(k, f, r.schema, r.table) || is_written(k, f, r.ref_schema, r.ref_table);
    *PR_PUSH(k->a, k->refs, k->n, k->cap) = r;
}

static const char *const *names_of(struct pr_arena *a, const List *list, size_t *n) {
    const char **out = PR_NEW_ARRAY(a, const char *, (size_t)list_length(list) + 1);
    ListCell *lc;
    *n = 0;
    foreach (lc, list) out[(*n)++] = pr_dup(a, strVal(lfirst(lc)));
    return out;
}

static const struct pr_con *primary_of(const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].type == 'p' && !r->cons[i].inbound) return &r->cons[i];
    return NULL;
}

/* Only columns that are there now have rows to look at. */
static void of_new_key(struct pr_orphan_asks *k, const struct pr_facts *f, const struct pr_rel *child, const Constraint *con) {
    if (con->contype != CONSTR_FOREIGN || con->pktable == NULL) return;
    const struct pr_rel *parent = pr_find_rel(f, con->pktable->schemaname, con->pktable->relname);
    if (parent == NULL) return;
    struct pr_ref r = {.schema = child->schema, .table = child->name, .ref_schema = parent->schema, .ref_table = parent->name,
                       .match_full = con->fk_matchtype == FKCONSTR_MATCH_FULL, .period = PR_IS_PERIOD_KEY(con)};
    size_t n_ref = 0;
    r.cols = names_of(k->a, con->fk_attrs, &r.n_cols);
    const struct pr_con *primary = primary_of(parent);
    if (con->pk_attrs != NIL) r.ref_cols = names_of(k->a, con->pk_attrs, &n_ref);
    else if (primary != NULL) r.ref_cols = primary->cols, n_ref = primary->n_cols;
    if (n_ref != r.n_cols || n_ref == 0) return;
    for (size_t i = 0; i < r.n_cols; i++)
        if (pr_find_col(child, r.cols[i]) == NULL || pr_find_col(parent, r.ref_cols[i]) == NULL) return;
    ask(k, f, r);
}

static bool is_period_key(const struct pr_con *c) { return c->def != NULL && strstr(c->def, ", PERIOD ") != NULL; }

static void of_validated(struct pr_orphan_asks *k, const struct pr_facts *f, const struct pr_rel *child, const char *name) {
    const struct pr_con *c = pr_find_con(child, name);
    if (c == NULL || c->type != 'f' || c->inbound || c->validated || c->n_cols != c->n_ref_cols) return;
    ask(k, f, (struct pr_ref){.schema = child->schema, .table = child->name, .ref_schema = c->ref_schema, .ref_table = c->ref_table, .cols = c->cols, .ref_cols = c->ref_cols,
                              .n_cols = c->n_cols, .constraint = c->name, .match_full = strstr(c->def, " MATCH FULL") != NULL, .period = is_period_key(c)});
}

/* Keys of others that lean on what goes: their rows are left behind. Of our own ones that are not valid: afterwards nobody can tell. */
static void of_drop(struct pr_orphan_asks *k, const struct pr_facts *f, const struct pr_rel *r, const char *column) {
    *PR_PUSH(k->a, k->dropped, k->n_dropped, k->cap_dropped) = (struct pr_dropped){.schema = r->schema, .table = r->name, .column = column};
    for (size_t i = 0; i < r->n_cons; i++) {
        const struct pr_con *c = &r->cons[i];
        if (c->type != 'f' || c->n_cols != c->n_ref_cols || (column != NULL && !pr_mentions(c->cols, c->n_cols, column))) continue;
        const bool self = pr_eq(c->ref_schema, r->schema) && pr_eq(c->ref_table, r->name);
        if (c->inbound && !self)
            ask(k, f, (struct pr_ref){.schema = c->ref_schema, .table = c->ref_table, .ref_schema = r->schema, .ref_table = r->name, .cols = c->ref_cols, .ref_cols = c->cols,
                                      .n_cols = c->n_cols, .constraint = c->name, .all_lost = true, .period = is_period_key(c)});
        else if (!c->inbound && column != NULL) of_validated(k, f, r, c->name);
    }
}

static void of_alter(struct pr_orphan_asks *k, const struct pr_facts *f, const AlterTableStmt *at) {
    const struct pr_rel *r = pr_find_rel(f, at->relation->schemaname, at->relation->relname);
    ListCell *lc;
    if (r == NULL || (r->kind != 'r' && r->kind != 'p')) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_AddConstraint) of_new_key(k, f, r, pr_cast(Constraint, cmd->def));
        else if (cmd->subtype == AT_ValidateConstraint) of_validated(k, f, r, cmd->name);
        else if (cmd->subtype == AT_DropColumn && pr_find_col(r, cmd->name) != NULL) of_drop(k, f, r, pr_dup(k->a, cmd->name));
    }
}

static void of_drop_table(struct pr_orphan_asks *k, const struct pr_facts *f, const DropStmt *ds) {
    ListCell *lc;
    if (ds->removeType != OBJECT_TABLE) return;
    foreach (lc, ds->objects) {
        const List *names = lfirst(lc);
        const int n = list_length(names);
        const struct pr_rel *r = pr_find_rel(f, n > 1 ? strVal(list_nth(names, n - 2)) : NULL, strVal(llast(names)));
        if (r != NULL && (r->kind == 'r' || r->kind == 'p')) of_drop(k, f, r, NULL);
    }
}

static void remember_written(struct pr_orphan_asks *k, const struct pr_stmt *s) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(s, k->a, &names);
    for (size_t i = 0; i < n; i++)
        if (names[i].role == PR_NAME_TARGET)
            *PR_PUSH(k->a, k->written, k->n_written, k->cap_written) = (struct pr_want){.schema = pr_dup(k->a, names[i].schema), .name = pr_dup(k->a, names[i].name)};
}

/* A function of the database that a query calls, and whose body does not follow. */
static bool calls_unread(struct pr_orphan_asks *k, const struct pr_facts *f, const struct pr_stmt *s) {
    struct pr_called *calls = NULL;
    const size_t n = s->opened ? 0 : pr_stmt_calls(s, k->a, &calls);
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; m < f->n_fns; m++)
            if (pr_eq(f->fns[m].name, calls[i].name)) return true;
    return false;
}

static void look_at(struct pr_orphan_asks *k, const struct pr_facts *f, const struct pr_stmt *s) {
    const Node *node = s->node;
    if (s->inside != NULL && s->inside->later) return;     /* a function that is only created */
    if (node == NULL) k->wild = true;
    else if (IsA(node, AlterTableStmt)) of_alter(k, f, (const AlterTableStmt *)(const void *)node);
    else if (IsA(node, DropStmt)) of_drop_table(k, f, (const DropStmt *)(const void *)node);
    else if (IsA(node, InsertStmt) || IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || IsA(node, TruncateStmt) || IsA(node, CopyStmt)) remember_written(k, s);
    else if (IsA(node, DoStmt) || IsA(node, CallStmt)) k->wild = k->wild || !s->opened;
    else if (IsA(node, SelectStmt)) k->wild = k->wild || s->inside == NULL || calls_unread(k, f, s);
}

/* What stands in bodies as well, in its place. */
void pr_orphan_asks_add(struct pr_orphan_asks *k, const struct pr_script *s, const struct pr_facts *f) {
    struct pr_script flat PR_CLEANUP(pr_script_done) = {0};
    pr_footprint_open(s, f, k->a, &flat);
    for (size_t i = 0; i < flat.n; i++) look_at(k, f, &flat.stmts[i]);
}

/* --- words --------------------------------------------------------------------------------------------------------- */

const char *pr_orphan_words(struct pr_arena *a, const struct pr_orphans *o) {
    return pr_fmt(a, o->ref->period ? "%s%s of %s %s to periods that rows of %s do not cover" : "%s%s of %s %s to rows of %s that are not there",
                  o->stopped != NULL ? "at least " : "", pr_plural(a, o->rows, "row"), pr_ref_from(a, o->ref), o->rows == 1 ? "refers" : "refer",
                  pr_qualified(a, o->ref->ref_schema, o->ref->ref_table));
}

static bool concerns(const struct pr_orphans *o, const struct pr_rel *r, const char *column) {
    const struct pr_ref *x = o->ref;
    if (o->rows == 0 || o->unread != NULL) return false;
    if (x->all_lost) return pr_eq(x->ref_schema, r->schema) && pr_eq(x->ref_table, r->name) && (column == NULL || pr_mentions(x->ref_cols, x->n_cols, column));
    return column != NULL && pr_eq(x->schema, r->schema) && pr_eq(x->table, r->name) && pr_mentions(x->cols, x->n_cols, column);
}

const char *pr_orphan_losses(struct pr_arena *a, const struct pr_facts *f, const struct pr_rel *r, const char *column) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; f != NULL && r != NULL && i < f->n_orphans; i++) {
        const struct pr_orphans *o = &f->orphans[i];
        if (!concerns(o, r, column)) continue;
        const char *by = o->ref->constraint != NULL ? pr_fmt(a, "by foreign key %s", pr_quote_ident(a, o->ref->constraint))
                         : o->ref->basis == PR_REF_INFERRED ? pr_fmt(a, "as it seems by its name and values (%d of 100)", o->ref->confidence) : "";
        if (o->ref->all_lost)
            pr_addf(&b, " %s%s of %s %s to it, %s, and will then refer to nothing.", o->stopped != NULL ? "At least " : "", pr_plural(a, o->rows, "row"), pr_ref_from(a, o->ref),
                    o->rows == 1 ? "refers" : "refer", by);
        else
            pr_addf(&b, " Before: %s, and afterwards nobody can tell: pgrail orphans %s --key %s.", pr_orphan_words(a, o), pr_qualified(a, r->schema, r->name), column);
    }
    return pr_buf_text(&b);
}
