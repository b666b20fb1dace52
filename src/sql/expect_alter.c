/* expect_alter.c: what must be true after ALTER TABLE. */
#include "sql/nodes.h"

#include "sql/expect_tree.h"

/* --- columns and constraints --------------------------------------------------------------------------------------- */

static struct pr_expect on_object(const RangeVar *of, enum pr_expect_kind kind, bool there, const char *object) {
    struct pr_expect x = pr_expect_on(of, kind, there);
    x.object = object;
    return x;
}

static void add(struct pr_expect_list *l, const RangeVar *of, enum pr_expect_kind kind, bool there, const char *object) {
    pr_expect_add(l, on_object(of, kind, there, object));
}

static char contype_of(const Constraint *k) {
    switch (k->contype) {
    case CONSTR_CHECK: return 'c';
    case CONSTR_PRIMARY: return 'p';
    case CONSTR_UNIQUE: return 'u';
    case CONSTR_EXCLUSION: return 'x';
    case CONSTR_FOREIGN: return 'f';
    case CONSTR_NOTNULL: return 'n';
    case CONSTR_NULL:
    case CONSTR_DEFAULT:
    case CONSTR_IDENTITY:
    case CONSTR_GENERATED:
    case CONSTR_ATTR_DEFERRABLE:
    case CONSTR_ATTR_NOT_DEFERRABLE:
    case CONSTR_ATTR_DEFERRED:
    case CONSTR_ATTR_IMMEDIATE:
#if PG_VERSION_NUM >= 180000
    case CONSTR_ATTR_ENFORCED:
    case CONSTR_ATTR_NOT_ENFORCED:
#endif
        return 0;
    }
    return 0;
}

static void key_columns(struct pr_expect_list *l, const Constraint *k, const char *own, struct pr_expect *x) {
    const List *keys = k->contype == CONSTR_FOREIGN ? k->fk_attrs : k->keys;
    const ListCell *lc;
    const char **columns = PR_NEW_ARRAY(l->a, const char *, (size_t)list_length(keys) + 1);
    foreach (lc, keys) columns[x->n_columns++] = strVal(lfirst(lc));
    if (keys == NIL && own != NULL) columns[x->n_columns++] = own;
    x->columns = columns;
}

/* own: the column that it was written at, or NULL. */
static void constraint(struct pr_expect_list *l, const RangeVar *of, const Constraint *k, const char *own, bool new_table) {
    const char contype = contype_of(k);
    const bool nameless_check = k->conname == NULL && (contype == 'c' || contype == 'x');
    if (contype == 0 || nameless_check) return;    /* nothing to know it by */
    struct pr_expect x = on_object(of, PR_EXPECT_CONSTRAINT, true, k->conname);
    x.letter = contype;
    x.validated = new_table || !k->skip_validation ? 1 : 0;
    if (!PR_CONSTRAINT_ENFORCED(k)) x.validated = -1;
    if (contype != 'c' && contype != 'x' && k->indexname == NULL) key_columns(l, k, own, &x);
    if (k->pktable != NULL) {
        x.ref_schema = k->pktable->schemaname;
        x.ref = k->pktable->relname;
    }
    pr_expect_add(l, x);
}

void pr_expect_constraint(struct pr_expect_list *l, const RangeVar *of, const Constraint *k, bool new_table) {
    if (k->contype == CONSTR_NOTNULL) {
        if (k->keys != NIL && !k->skip_validation) add(l, of, PR_EXPECT_NOT_NULL, true, strVal(linitial(k->keys)));
        if (k->conname != NULL) constraint(l, of, k, NULL, new_table);
        return;
    }
    constraint(l, of, k, NULL, new_table);
}

static void column_constraint(struct pr_expect_list *l, const RangeVar *of, const ColumnDef *d, const Constraint *k) {
    switch ((int)k->contype) {
    case CONSTR_NOTNULL: add(l, of, PR_EXPECT_NOT_NULL, true, d->colname); break;
    case CONSTR_PRIMARY:
        add(l, of, PR_EXPECT_NOT_NULL, true, d->colname);
        constraint(l, of, k, d->colname, true);
        break;
    case CONSTR_DEFAULT: add(l, of, PR_EXPECT_DEFAULT, true, d->colname); break;
    default: constraint(l, of, k, d->colname, true); break;
    }
}

void pr_expect_column(struct pr_expect_list *l, const RangeVar *of, const ColumnDef *d) {
    struct pr_expect x = on_object(of, PR_EXPECT_COLUMN, true, d->colname);
    pr_expect_type(l->a, d->typeName, &x);
    const ListCell *lc;
    foreach (lc, d->constraints) {
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k == NULL) continue;
        if (k->contype == CONSTR_IDENTITY) {
            x.letter = k->generated_when;
            x.identity = true;
        }
        if (k->contype == CONSTR_GENERATED) x.letter = PR_CONSTRAINT_VIRTUAL(k) ? 'v' : 's';
    }
    pr_expect_add(l, x);
    foreach (lc, d->constraints) {
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k != NULL) column_constraint(l, of, d, k);
    }
    if (pr_expect_is_serial(d->typeName)) {
        add(l, of, PR_EXPECT_DEFAULT, true, d->colname);
        add(l, of, PR_EXPECT_NOT_NULL, true, d->colname);
    }
}

static void column_type(struct pr_expect_list *l, const RangeVar *of, const char *name, const ColumnDef *d) {
    struct pr_expect x = on_object(of, PR_EXPECT_COLUMN, true, name);
    if (d != NULL) pr_expect_type(l->a, d->typeName, &x);
    pr_expect_add(l, x);
}

/* --- partitions ---------------------------------------------------------------------------------------------------- */

static void partition(struct pr_expect_list *l, const RangeVar *of, const PartitionCmd *p, bool attached) {
    if (p == NULL || p->name == NULL) return;
    add(l, of, PR_EXPECT_PARTITION, attached, pr_qualified(l->a, p->name->schemaname, p->name->relname));
}

/* --- triggers ------------------------------------------------------------------------------------------------------ */

static char trigger_state(AlterTableType type) {
    switch ((int)type) {
    case AT_EnableTrig:
    case AT_EnableTrigAll:
    case AT_EnableTrigUser: return 'O';
    case AT_EnableAlwaysTrig: return 'A';
    case AT_EnableReplicaTrig: return 'R';
    case AT_DisableTrig:
    case AT_DisableTrigAll:
    case AT_DisableTrigUser: return 'D';
    default: return 0;
    }
}

static bool trigger(struct pr_expect_list *l, const RangeVar *of, const AlterTableCmd *cmd) {
    const char state = trigger_state(cmd->subtype);
    if (state == 0) return false;
    struct pr_expect x = on_object(of, PR_EXPECT_TRIGGER_STATE, true, cmd->name);
    x.letter = state;
    pr_expect_add(l, x);
    return true;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static bool column_command(struct pr_expect_list *l, const RangeVar *of, const AlterTableCmd *cmd) {
    const ColumnDef *d = pr_as(ColumnDef, cmd->def);
    switch ((int)cmd->subtype) {
    case AT_AddColumn:
        if (d != NULL) pr_expect_column(l, of, d);
        return true;
    case AT_DropColumn: add(l, of, PR_EXPECT_COLUMN, false, cmd->name); return true;
    case AT_AlterColumnType: column_type(l, of, cmd->name, d); return true;
    case AT_SetNotNull: add(l, of, PR_EXPECT_NOT_NULL, true, cmd->name); return true;
    case AT_DropNotNull: add(l, of, PR_EXPECT_NOT_NULL, false, cmd->name); return true;
    case AT_ColumnDefault: add(l, of, PR_EXPECT_DEFAULT, cmd->def != NULL, cmd->name); return true;
    default: return false;
    }
}

static void command(struct pr_expect_list *l, const RangeVar *of, const AlterTableCmd *cmd) {
    if (column_command(l, of, cmd) || trigger(l, of, cmd)) return;
    const Constraint *k = pr_as(Constraint, cmd->def);
    switch ((int)cmd->subtype) {
    case AT_AddConstraint:
        if (k != NULL) pr_expect_constraint(l, of, k, false);
        break;
    case AT_ValidateConstraint: add(l, of, PR_EXPECT_VALIDATED, true, cmd->name); break;
    case AT_DropConstraint: add(l, of, PR_EXPECT_CONSTRAINT, false, cmd->name); break;
    case AT_EnableRowSecurity: add(l, of, PR_EXPECT_ROW_SECURITY, true, NULL); break;
    case AT_DisableRowSecurity: add(l, of, PR_EXPECT_ROW_SECURITY, false, NULL); break;
    case AT_ForceRowSecurity: add(l, of, PR_EXPECT_FORCE_ROW_SECURITY, true, NULL); break;
    case AT_NoForceRowSecurity: add(l, of, PR_EXPECT_FORCE_ROW_SECURITY, false, NULL); break;
    case AT_AttachPartition: partition(l, of, pr_as(PartitionCmd, cmd->def), true); break;
    case AT_DetachPartition:
    case AT_DetachPartitionFinalize: partition(l, of, pr_as(PartitionCmd, cmd->def), false); break;
    default: break;
    }
}

void pr_expect_alter_table(struct pr_expect_list *l, const AlterTableStmt *s) {
    if (s->objtype == OBJECT_TYPE) return;
    const ListCell *lc;
    foreach (lc, s->cmds) command(l, s->relation, lfirst_node(AlterTableCmd, lc));
}
