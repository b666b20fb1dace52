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

enum { MAX_PARTITIONS_SHOWN = 50 };

/* Levels below levels have to be done one by one from below: not written here. */
const char *pr_sql_fk_by_partition(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    struct pr_buf add = {.a = PR_A(c)}, validate = {.a = PR_A(c)};
    if (r == NULL || r->n_partitions == 0 || r->n_partitions > MAX_PARTITIONS_SHOWN) return NULL;
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, con->fk_attrs, "fkey");
    Constraint fk = *con;
    fk.conname = pr_dup(PR_A(c), name);
    fk.skip_validation = true;
    fk.initially_valid = false;
    AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_AddConstraint, .def = (Node *)&fk};
    for (size_t i = 0; i < r->n_partitions; i++) {
        const char **path = NULL;
        if (pr_split(PR_A(c), r->partitions[i], '.', &path) != 2) return NULL;
        const struct pr_rel *part = pr_find_rel(c->facts, path[0], path[1]);
        if (part == NULL || part->kind != 'r') return NULL;
        RangeVar rv = {.type = T_RangeVar, .schemaname = pr_dup(PR_A(c), path[0]), .relname = pr_dup(PR_A(c), path[1]), .inh = true,
                       .relpersistence = RELPERSISTENCE_PERMANENT};
        AlterTableStmt one = *at;
        one.relation = &rv;
        const char *sql = pr_sql_cmd(c, &one, &cmd);
        if (sql == NULL) return NULL;
        pr_addf(&add, "%s\n", sql);
        pr_addf(&validate, "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n", pr_rv_name(c, &rv), pr_id(c, name));
    }
    fk.skip_validation = false;
    fk.initially_valid = true;
    const char *whole = pr_sql_cmd(c, at, &cmd);
    return whole == NULL ? NULL : pr_fmt(PR_A(c), "%s-- each in a transaction of its own:\n%s-- and then, which reads nothing any more:\n%s", pr_buf_text(&add), pr_buf_text(&validate), whole);
}
