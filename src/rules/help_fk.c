/* help_fk.c: the constraints that a statement defines, and of foreign keys the columns on both sides. */
#include "sql/nodes.h"

#include "rules/help.h"

struct defined { const struct pr_rule_ctx *c; struct pr_defined *list; size_t n, cap; };

static void put(struct defined *d, struct pr_defined one) { *PR_PUSH(PR_A(d->c), d->list, d->n, d->cap) = one; }

static void put_column(struct defined *d, const RangeVar *table, const CreateStmt *cs, const void *column) {
    const ColumnDef *col = column;
    ListCell *lc;
    foreach (lc, col->constraints)
        put(d, (struct pr_defined){.table = table, .con = lfirst_node(Constraint, lc), .col = col, .create = cs});
}

size_t pr_constraints_of(const struct pr_rule_ctx *c, struct pr_defined **out) {
    struct defined d = {.c = c};
    const CreateStmt *cs = pr_as(CreateStmt, c->node);
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (c->stmt == c->abouts->defined_by && c->node == c->abouts->defined_node) {          /* many rules ask, one after the other */
        *out = c->abouts->defined;
        return c->abouts->n_defined;
    }
    if (cs != NULL) foreach (lc, cs->tableElts) {
        const Node *elt = lfirst(lc);
        if (IsA(elt, ColumnDef)) put_column(&d, cs->relation, cs, elt);
        if (IsA(elt, Constraint)) put(&d, (struct pr_defined){.table = cs->relation, .con = pr_cast(Constraint, elt), .create = cs});
    }
    if (at != NULL) foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_AddColumn) put_column(&d, at->relation, NULL, cmd->def);
        if (cmd->subtype == AT_AddConstraint) put(&d, (struct pr_defined){.table = at->relation, .con = pr_cast(Constraint, cmd->def)});
    }
    c->abouts->defined_by = c->stmt;
    c->abouts->defined_node = c->node;
    c->abouts->defined = d.list;
    c->abouts->n_defined = d.n;
    *out = d.list;
    return d.n;
}

void pr_each_fk(const struct pr_rule_ctx *c, pr_fk_fn *fn) {
    struct pr_defined *list = NULL;
    const size_t n = pr_constraints_of(c, &list);
    for (size_t i = 0; i < n; i++)
        if (list[i].con->contype == CONSTR_FOREIGN && list[i].con->pktable != NULL)
            fn(c, &list[i]);
}

static size_t names_of(const struct pr_rule_ctx *c, const List *list, const char ***out) {
    const char **names = PR_NEW_ARRAY(PR_A(c), const char *, (size_t)list_length(list) + 1);
    size_t n = 0;
    ListCell *lc;
    foreach (lc, list) names[n++] = strVal(lfirst(lc));
    *out = names;
    return n;
}

size_t pr_fk_columns(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char ***out) {
    if (fk->col == NULL) return names_of(c, fk->con->fk_attrs, out);
    *out = PR_NEW_ARRAY(PR_A(c), const char *, 1);
    (*out)[0] = fk->col->colname;
    return 1;
}

/* Without a list it is the primary key. */
size_t pr_fk_targets(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char ***out) {
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
