/* alter_table.c: ALTER TABLE as the server does it: one lock for the whole statement, the strongest that a subcommand asks
 * for; subcommands in passes; then one phase that rewrites or reads each table once.
 * Source  PostgreSQL, src/backend/commands/tablecmds.c: AlterTableGetLockLevel, ATPrepCmd, ATRewriteTables */
#include "footprint/statements.h"

/* Order in which the server runs subcommands, whatever their order in the text. */
enum pass { P_DROP, P_TYPE, P_ADD_COLUMN, P_EXPRESSION, P_CONSTRAINT, P_COLUMN, P_INDEX, P_FOREIGN, P_MISC, P_COUNT };
enum recursion { R_NONE, R_ALL, R_TRIGGERS, R_SINCE_17 };

struct sub {
    enum pr_lock lock;
    enum pass pass;
    enum recursion recurse;
    void (*run)(struct fx_at *t);  /* per member of the family; NULL = nothing but the lock */
};

static void set_default(struct fx_at *t);
static void drop_not_null(struct fx_at *t);
static void drop_expression(struct fx_at *t);
static void identity(struct fx_at *t);
static void column_exists(struct fx_at *t);
static void set_logged(struct fx_at *t);
static void set_unlogged(struct fx_at *t);
static void set_tablespace(struct fx_at *t);
static void set_access_method(struct fx_at *t);
static void owned_sequences(struct fx_at *t);
static void trigger_exists(struct fx_at *t);
static void options_exist(struct fx_at *t) { fx_options_exist(t->x, FX_NODE(List, t->cmd->def), true); }

/* Subcommands by enum value; a zero lock is one that does not come out of the grammar. */
static const struct sub subs[] = {
    [AT_AddColumn] = {PR_ACCESS_EXCLUSIVE, P_ADD_COLUMN, R_ALL, fx_add_column},
    [AT_ColumnDefault] = {PR_ACCESS_EXCLUSIVE, P_COLUMN, R_ALL, set_default},
    [AT_DropNotNull] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_ALL, drop_not_null},
    [AT_SetNotNull] = {PR_ACCESS_EXCLUSIVE, P_COLUMN, R_ALL, fx_set_not_null},
    [AT_DropExpression] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_ALL, drop_expression},
    [AT_SetStatistics] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_ALL, column_exists},
    [AT_SetOptions] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, column_exists},
    [AT_ResetOptions] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, column_exists},
    [AT_SetStorage] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_ALL, column_exists},
    [AT_SetCompression] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, column_exists},
    [AT_DropColumn] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_ALL, fx_drop_column},
    [AT_AddConstraint] = {PR_ACCESS_EXCLUSIVE, P_CONSTRAINT, R_ALL, fx_add_constraint},
    [AT_AlterConstraint] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_ValidateConstraint] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_ALL, fx_validate_constraint},
    [AT_DropConstraint] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_ALL, fx_drop_constraint},
    [AT_AlterColumnType] = {PR_ACCESS_EXCLUSIVE, P_TYPE, R_ALL, fx_alter_type},
    [AT_AlterColumnGenericOptions] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, column_exists},
    [AT_ChangeOwner] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, owned_sequences},
    [AT_ClusterOn] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_DropCluster] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_SetLogged] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, set_logged},
    [AT_SetUnLogged] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, set_unlogged},
    [AT_DropOids] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_NONE, NULL},
    [AT_SetAccessMethod] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, set_access_method},
    [AT_SetTableSpace] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, set_tablespace},
    [AT_SetRelOptions] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, options_exist},
    [AT_ResetRelOptions] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_EnableTrig] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, trigger_exists},
    [AT_EnableAlwaysTrig] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, trigger_exists},
    [AT_EnableReplicaTrig] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, trigger_exists},
    [AT_DisableTrig] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, trigger_exists},
    [AT_EnableTrigAll] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, NULL},
    [AT_DisableTrigAll] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, NULL},
    [AT_EnableTrigUser] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, NULL},
    [AT_DisableTrigUser] = {PR_SHARE_ROW_EXCLUSIVE, P_MISC, R_TRIGGERS, NULL},
    [AT_EnableRule] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_EnableAlwaysRule] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_EnableReplicaRule] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_DisableRule] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_AddInherit] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, fx_inherit},
    [AT_DropInherit] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, fx_no_inherit},
    [AT_AddOf] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_DropOf] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_ReplicaIdentity] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_EnableRowSecurity] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_DisableRowSecurity] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_ForceRowSecurity] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_NoForceRowSecurity] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_GenericOptions] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, NULL},
    [AT_AttachPartition] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, fx_attach},
    [AT_DetachPartition] = {PR_ACCESS_EXCLUSIVE, P_MISC, R_NONE, fx_detach},
    [AT_DetachPartitionFinalize] = {PR_SHARE_UPDATE_EXCLUSIVE, P_MISC, R_NONE, fx_detach},
    [AT_AddIdentity] = {PR_ACCESS_EXCLUSIVE, P_COLUMN, R_SINCE_17, identity},
    [AT_SetIdentity] = {PR_ACCESS_EXCLUSIVE, P_COLUMN, R_SINCE_17, identity},
    [AT_DropIdentity] = {PR_ACCESS_EXCLUSIVE, P_DROP, R_SINCE_17, identity},
#if PG_VERSION_NUM >= 170000
    [AT_SetExpression] = {PR_ACCESS_EXCLUSIVE, P_EXPRESSION, R_ALL, drop_expression},
#endif
};

void fx_verify(struct fx_at *t, const char *why) {
    t->verify = true;
    if (why != NULL && t->r->r.kind != 'p') fx_why(t->x, t->r, "%s", why);
}

static const struct pr_col *need_column(struct fx_at *t, const char *name) {
    const struct pr_col *c = pr_find_col(&t->r->r, name);
    if (c == NULL && t->r->complete && t->r->r.n_cols > 0 && name != NULL)
        fx_fail(t->x, "42703", true, "column \"%s\" of relation \"%s\" does not exist", name, t->r->r.name);
    return c;
}

static void column_exists(struct fx_at *t) { (void)need_column(t, t->cmd->name); }

static void set_default(struct fx_at *t) {
    const struct pr_col *has = need_column(t, t->cmd->name);
    if (has == NULL) return;
    struct pr_col *c = w_col(t->x->w, t->r, t->cmd->name);
    c->has_default = t->cmd->def != NULL;
    const char *text = fx_text_constant(t->cmd->def);
    c->default_sql = fx_is_null(t->cmd->def) ? NULL : text != NULL ? pr_quote_literal(t->x->a, text) : "(expression)";
    const struct fx_type type = fx_type_of_text(t->x, c->type, c->type_schema);
    fx_enum_value(t->x, &type, t->cmd->def);
    fx_stored_sequences(t->x, t->cmd->def);
}

static void drop_not_null(struct fx_at *t) {
    if (need_column(t, t->cmd->name) == NULL) return;
    for (size_t i = 0; i < t->r->r.n_cons; i++) {
        const struct pr_con *c = &t->r->r.cons[i];
        if (c->type == 'p' && pr_mentions(c->cols, c->n_cols, t->cmd->name))
            fx_fail(t->x, "42P16", true, "column \"%s\" is in a primary key", t->cmd->name);
    }
    w_col(t->x->w, t->r, t->cmd->name)->not_null = false;
}

static void drop_expression(struct fx_at *t) {
    if (need_column(t, t->cmd->name) == NULL && t->r->complete) return;
    if (!PR_IS_SET_EXPRESSION(t->cmd)) {
        struct pr_col *c = w_col(t->x->w, t->r, t->cmd->name);
        if (c != NULL) c->generated = 0;
        return;
    }
    if (t->x->w->version != 0 && t->x->w->version < 170000)
        fx_fail(t->x, "42601", true, "SET EXPRESSION needs PostgreSQL 17");
    const struct pr_col *c = pr_find_col(&t->r->r, t->cmd->name);
    if (c == NULL) fx_guess(t->x);
    if (c != NULL && c->generated == 'v') return;          /* computed when read */
    t->rewrite = true;
    fx_why(t->x, t->r, "the generated column \"%s\" is computed anew for every row", t->cmd->name);
}

static void identity(struct fx_at *t) {
    if (need_column(t, t->cmd->name) == NULL) return;
    struct pr_col *c = w_col(t->x->w, t->r, t->cmd->name);
    if (t->cmd->subtype == AT_SetIdentity) {
        fx_lock_owned(t->x, t->r, c->name, PR_SHARE_ROW_EXCLUSIVE);
        return;
    }
    if (t->cmd->subtype == AT_AddIdentity) {
        if (!c->not_null)
            fx_fail(t->x, "55000", true, "column \"%s\" of relation \"%s\" must be declared NOT NULL before identity can be added",
                    c->name, t->r->r.name);
        if (c->has_default && c->identity == 0)
            fx_fail(t->x, "55000", true, "column \"%s\" of relation \"%s\" already has a default value", c->name, t->r->r.name);
        c->identity = 'd';
    }
    if (t->cmd->subtype != AT_DropIdentity) return;
    if (c->identity == 0 && !t->cmd->missing_ok)
        fx_fail(t->x, "55000", true, "column \"%s\" of relation \"%s\" is not an identity column", c->name, t->r->r.name);
    c->identity = 0;
    for (size_t i = 0; i < t->r->r.n_deps; i++) {
        const struct pr_dep *d = &t->r->r.deps[i];
        if (!pr_eq(d->kind, "sequence") || !pr_mentions(d->mentions, d->n_mentions, c->name)) continue;
        struct w_rel *s = w_find(t->x->w, d->schema, d->name);
        if (s == NULL) s = w_stub(t->x->w, d->schema, d->name, 'S');
        fx_lock(t->x, s, PR_ACCESS_EXCLUSIVE)->dropped = true;
        w_drop(t->x->w, s);
    }
}

static void set_persistence(struct fx_at *t, char to) {
    const bool same = t->r->complete && t->r->r.persistence == to;
    t->r->r.persistence = to;
    if (!same && (t->x->w->version == 0 || t->x->w->version >= 150000))
        fx_lock_owned(t->x, t->r, NULL, PR_ACCESS_EXCLUSIVE);
    if (same || t->r->r.kind == 'S') return;
    t->rewrite = true;
    fx_why(t->x, t->r, to == 'p' ? "written anew, to the WAL as well" : "written anew without WAL");
}

static void set_logged(struct fx_at *t) { set_persistence(t, 'p'); }
static void set_unlogged(struct fx_at *t) { set_persistence(t, 'u'); }

static void set_tablespace(struct fx_at *t) {
    if (pr_eq(t->cmd->name, "pg_default")) return;
    fx_guess(t->x);                                        /* facts do not say where it lies now */
    struct pr_effect *e = fx_lock(t->x, t->r, PR_LOCK_NONE);
    if (t->r->r.kind == 'p') return;
    e->rewrite = true;
    fx_why(t->x, t->r, "the table's files are copied to tablespace %s", t->cmd->name);
}

static void set_access_method(struct fx_at *t) {
    if (t->cmd->name == NULL || pr_eq(t->cmd->name, "heap")) return;
    t->rewrite = true;
    fx_why(t->x, t->r, "written anew by access method %s", t->cmd->name);
}

/* OWNER TO and SET SCHEMA take the sequences of serial and identity columns along. */
static void owned_sequences(struct fx_at *t) { (void)fx_lock_owned(t->x, t->r, NULL, PR_ACCESS_EXCLUSIVE); }

static void trigger_exists(struct fx_at *t) {
    if (!t->r->complete || t->r != t->root) return;
    for (size_t i = 0; i < t->r->r.n_trgs; i++)
        if (pr_eq(t->r->r.trgs[i].name, t->cmd->name)) return;
    for (size_t i = 0; i < t->r->r.n_cons; i++)
        if (t->r->r.cons[i].type == 't' && pr_eq(t->r->r.cons[i].name, t->cmd->name)) return;
    if (!pr_starts(t->cmd->name, "RI_ConstraintTrigger"))
        fx_fail(t->x, "42704", true, "trigger \"%s\" for table \"%s\" does not exist", t->cmd->name, t->r->r.name);
}

/* --- locks --- */

static enum pr_lock cmd_lock(const AlterTableCmd *cmd) {
    const size_t at = (size_t)cmd->subtype;
    enum pr_lock lock = at < PR_COUNT(subs) ? subs[at].lock : PR_LOCK_NONE;
    if (cmd->subtype == AT_SetRelOptions || cmd->subtype == AT_ResetRelOptions) lock = fx_option_lock(FX_NODE(List, cmd->def));
    if (cmd->subtype == AT_AddConstraint && FX_NODE(Constraint, cmd->def)->contype == CONSTR_FOREIGN)
        lock = PR_SHARE_ROW_EXCLUSIVE;
    if (cmd->subtype == AT_DetachPartition && FX_NODE(PartitionCmd, cmd->def)->concurrent)
        lock = PR_SHARE_UPDATE_EXCLUSIVE;
    return lock == PR_LOCK_NONE ? PR_ACCESS_EXCLUSIVE : lock;
}

static enum pr_lock strongest(const List *cmds) {
    enum pr_lock lock = PR_LOCK_NONE;
    ListCell *lc;
    foreach (lc, cmds) {
        const enum pr_lock l = cmd_lock(lfirst(lc));
        if (l > lock) lock = l;
    }
    return lock;
}

static enum pass cmd_pass(const AlterTableCmd *cmd) {
    const size_t at = (size_t)cmd->subtype;
    if (cmd->subtype == AT_ColumnDefault && cmd->def == NULL) return P_DROP;
    if (cmd->subtype != AT_AddConstraint) return at < PR_COUNT(subs) ? subs[at].pass : P_MISC;
    const Constraint *c = FX_NODE(Constraint, cmd->def);
    if (c->contype == CONSTR_FOREIGN) return P_FOREIGN;
    return c->contype == CONSTR_UNIQUE || c->contype == CONSTR_PRIMARY || c->contype == CONSTR_EXCLUSION ? P_INDEX
                                                                                                        : P_CONSTRAINT;
}

static bool recurses(const struct fx *x, const AlterTableCmd *cmd, const struct w_rel *root) {
    const size_t at = (size_t)cmd->subtype;
    if (at >= PR_COUNT(subs)) return false;
    const int version = x->w->version == 0 ? 180000 : x->w->version;
    if (cmd->subtype == AT_AddConstraint) {
        const Constraint *c = FX_NODE(Constraint, cmd->def);
        if (version >= 180000) return root->r.kind == 'p' || c->contype == CONSTR_CHECK || c->contype == CONSTR_NOTNULL;
        if (c->contype == CONSTR_UNIQUE || c->contype == CONSTR_EXCLUSION) return false;
        return !c->is_no_inherit && (root->r.kind == 'p' || c->contype == CONSTR_CHECK || c->contype == CONSTR_NOTNULL);
    }
    switch (subs[at].recurse) {
    case R_NONE: return false;
    case R_ALL: return true;
    case R_TRIGGERS: return version >= 110000 && root->r.kind == 'p' && root->r.n_trgs > 0;
    case R_SINCE_17: return version >= 170000 && root->r.kind == 'p';
    }
    return false;
}

/* --- the machine --- */

static void run_cmd(struct fx *x, struct fx_at *members, size_t n, const AlterTableCmd *cmd, bool inh, enum pr_lock lock) {
    const size_t at = (size_t)cmd->subtype;
    if (at >= PR_COUNT(subs) || subs[at].lock == PR_LOCK_NONE) {
        x->out->unjudged = true;
        return;
    }
    const bool below = inh && recurses(x, cmd, members[0].root);
    for (size_t i = 0; i < (below ? n : 1); i++) {
        fx_lock(x, members[i].r, lock);
        members[i].cmd = cmd;
        if (subs[at].run != NULL) subs[at].run(&members[i]);
        if (x->stop) return;
    }
}

static void phase_three(struct fx *x, const struct fx_at *t) {
    if (t->rewrite) fx_rewrite(x, t->r);
    else if (t->verify) fx_scan(x, t->r);
}

void fx_alter_table(struct fx *x, const void *node) {
    const AlterTableStmt *st = node;
    if (st->objtype == OBJECT_TYPE) {
        fx_alter_composite(x, st);
        return;
    }
    struct pr_idx *idx = NULL;
    const RangeVar *rv = st->relation;
    if (st->objtype == OBJECT_INDEX || (w_find(x->w, rv->schemaname, rv->relname) == NULL &&
                                        w_find_index(x->w, rv->schemaname, rv->relname, &idx) != NULL)) {
        fx_alter_index(x, st);
        return;
    }
    char kind = 'r';
    if (st->objtype == OBJECT_VIEW) kind = 'v';
    if (st->objtype == OBJECT_MATVIEW) kind = 'm';
    if (st->objtype == OBJECT_SEQUENCE) kind = 'S';
    if (st->objtype == OBJECT_FOREIGN_TABLE) kind = 'f';
    struct w_rel *root = fx_rel(x, st->relation, kind, st->missing_ok);
    if (root == NULL) return;
    const enum pr_lock lock = strongest(st->cmds);
    fx_main(x, root);
    fx_lock(x, root, lock);
    fx_pending(x, root);
    struct w_rel **family = NULL;
    const size_t n = fx_family(x, root, st->relation->inh, &family);
    struct fx_at *members = PR_NEW_ARRAY(x->o, struct fx_at, n);
    for (size_t i = 0; i < n; i++) members[i] = (struct fx_at){.x = x, .r = family[i], .root = root, .st = st};
    for (int pass = 0; pass < P_COUNT && !x->stop; pass++) {
        ListCell *lc;
        foreach (lc, st->cmds) {
            const AlterTableCmd *cmd = lfirst(lc);
            if ((int)cmd_pass(cmd) == pass && !x->stop) run_cmd(x, members, n, cmd, st->relation->inh, lock);
        }
    }
    if (x->stop) return;
    for (size_t i = 0; i < n; i++) phase_three(x, &members[i]);
}
