/* help_fk.c: the foreign keys that a statement defines. */
#include "sql/nodes.h"

#include "rules/help.h"

static void in_column(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *cs, const ColumnDef *col, pr_fk_fn *fn) {
    const Constraint *con = pr_column_constraint(col, CONSTR_FOREIGN);
    if (con != NULL && con->pktable != NULL) fn(c, &(struct pr_fk){.table = rv, .con = con, .col = col, .create = cs});
}

static void in_create(const struct pr_rule_ctx *c, const CreateStmt *cs, pr_fk_fn *fn) {
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const Node *elt = lfirst(lc);
        const Constraint *con = (const Constraint *)(const void *)elt;
        if (IsA(elt, ColumnDef)) in_column(c, cs->relation, cs, (const ColumnDef *)(const void *)elt, fn);
        else if (IsA(elt, Constraint) && con->contype == CONSTR_FOREIGN && con->pktable != NULL)
            fn(c, &(struct pr_fk){.table = cs->relation, .con = con, .create = cs});
    }
}

void pr_each_fk(const struct pr_rule_ctx *c, pr_fk_fn *fn) {
    if (IsA(c->node, CreateStmt)) in_create(c, c->node, fn);
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        const Constraint *con = pr_added(cmd, CONSTR_FOREIGN);
        if (con != NULL && con->pktable != NULL) fn(c, &(struct pr_fk){.table = at->relation, .con = con});
        if (cmd->subtype == AT_AddColumn) in_column(c, at->relation, NULL, (const ColumnDef *)(const void *)cmd->def, fn);
    }
}

static size_t names_of(const struct pr_rule_ctx *c, const List *list, const char ***out) {
    const char **names = PR_NEW_ARRAY(PR_A(c), const char *, (size_t)list_length(list) + 1);
    size_t n = 0;
    ListCell *lc;
    foreach (lc, list) names[n++] = strVal(lfirst(lc));
    *out = names;
    return n;
}

size_t pr_fk_columns(const struct pr_rule_ctx *c, const struct pr_fk *fk, const char ***out) {
    if (fk->col == NULL) return names_of(c, fk->con->fk_attrs, out);
    *out = PR_NEW_ARRAY(PR_A(c), const char *, 1);
    (*out)[0] = fk->col->colname;
    return 1;
}

/* Without a list it is the primary key. */
size_t pr_fk_targets(const struct pr_rule_ctx *c, const struct pr_fk *fk, const char ***out) {
    if (fk->con->pk_attrs != NIL) return names_of(c, fk->con->pk_attrs, out);
    const struct pr_rel *r = pr_rel_of(c, fk->con->pktable);
    for (size_t i = 0; r != NULL && i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        if (con->type != 'p' || con->inbound) continue;
        const char **names = PR_NEW_ARRAY(PR_A(c), const char *, con->n_cols);
        for (size_t k = 0; k < con->n_cols; k++) names[k] = con->cols[k];
        *out = names;
        return con->n_cols;
    }
    return 0;
}
