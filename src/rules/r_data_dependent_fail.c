#include "sql/nodes.h"

#include "rules/help.h"

/* A query that finds one row on which the statement would fail, and stops there. */
static const char *twins(const struct pr_rule_ctx *c, const char *t, const char *cols) {
    return pr_fmt(PR_A(c), "SELECT %s FROM %s GROUP BY %s HAVING count(*) > 1 LIMIT 1;  -- gives a row: it would fail", cols, t, cols);
}

static const char *of_constraint(const struct pr_rule_ctx *c, const RangeVar *rv, const Constraint *con, const char *col) {
    const char *t = pr_rv_name(c, rv);
    const char *keys = con->keys != NIL ? pr_list_names(c, con->keys, ", ") : col != NULL ? pr_id(c, col) : NULL;
    if ((con->contype == CONSTR_UNIQUE || con->contype == CONSTR_PRIMARY) && keys != NULL && con->indexname == NULL) return twins(c, t, keys);
    if (con->contype == CONSTR_CHECK && con->raw_expr != NULL) {
        const ResTarget target = {.type = T_ResTarget, .val = con->raw_expr};
        ListCell cell = {.ptr_value = (void *)(uintptr_t)&target};
        List list = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
        const SelectStmt q = {.type = T_SelectStmt, .targetList = &list};
        const char *sql = pr_sql_of(c, &q);
        if (sql == NULL || !pr_starts(sql, "SELECT ")) return NULL;
        return pr_fmt(PR_A(c), "SELECT 1 FROM %s WHERE NOT (%.*s) LIMIT 1;  -- gives a row: it would fail", t, (int)strlen(sql) - 8, sql + 7);
    }
    if (con->contype != CONSTR_FOREIGN || list_length(con->pk_attrs) != 1) return NULL;
    const char *from = con->fk_attrs != NIL ? strVal(linitial(con->fk_attrs)) : col;
    if (from == NULL) return NULL;
    return pr_fmt(PR_A(c), "SELECT %s FROM %s AS a WHERE %s IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS b WHERE b.%s = a.%s) LIMIT 1;  -- gives a row: it would fail",
                  pr_id(c, from), t, pr_id(c, from), pr_rv_name(c, con->pktable), pr_id(c, strVal(linitial(con->pk_attrs))), pr_id(c, from));
}

static const char *of_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    if (cmd->subtype == AT_AddConstraint) return of_constraint(c, at->relation, pr_cast(Constraint, cmd->def), NULL);
    if (cmd->subtype == AT_SetNotNull) return pr_fmt(PR_A(c), "SELECT 1 FROM %s WHERE %s IS NULL LIMIT 1;  -- gives a row: it would fail", pr_rv_name(c, at->relation), pr_id(c, cmd->name));
    if (cmd->subtype != AT_AlterColumnType) return NULL;
    const ColumnDef *def = pr_as(ColumnDef, cmd->def);
    if (def == NULL || def->raw_default != NULL || def->typeName == NULL) return NULL;
    return pr_fmt(PR_A(c), "SELECT count(%s::%s) FROM %s;  -- fails on the first value that does not fit", pr_id(c, cmd->name), pr_type_text(c, def->typeName), pr_rv_name(c, at->relation));
}

static const char *first_look(const struct pr_rule_ctx *c) {
    const IndexStmt *is = pr_as(IndexStmt, (const Node *)c->node);
    ListCell *lc;
    if (is != NULL) {
        struct pr_buf cols = {.a = PR_A(c)};
        foreach (lc, is->indexParams) {
            const IndexElem *e = lfirst_node(IndexElem, lc);
            if (e->name == NULL || is->whereClause != NULL) return NULL;
            pr_addf(&cols, "%s%s", cols.len > 0 ? ", " : "", pr_id(c, e->name));
        }
        return twins(c, pr_rv_name(c, is->relation), pr_buf_text(&cols));
    }
    const AlterTableStmt *at = pr_alter_table(c);
    if (at == NULL) return NULL;
    foreach (lc, at->cmds) {
        const char *sql = of_cmd(c, at, lfirst_node(AlterTableCmd, lc));
        if (sql != NULL) return sql;
    }
    return NULL;
}

static void check(const struct pr_rule_ctx *c) {
    const char *state = c->fp->fails_sqlstate;
    if (state == NULL || c->fp->certain_fail || c->failure_named) return;
    if (pr_eq(state, "23502") && IsA((const Node *)c->node, AlterTableStmt)) return;      /* set-not-null and its like say so themselves */
    const char *why = c->fp->fails_why != NULL ? c->fp->fails_why : "rows that it cannot take";
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .title = pr_fmt(PR_A(c), "%s may fail with %s: %s", c->stmt->tag, state, why), .safe_sql = first_look(c)});
}

PR_RULE(data_dependent_fail) = {
    .id = "data-dependent-fail", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "this statement fails where the rows are not as it expects",
    .why = "Whether it does depends on the rows: it passes on the empty tables of tests and stops on the database where the rows are.",
    .safe_way = "Look first with a query that stops at the first such row, on a replica or in the rehearsal, and mend the rows in a migration before it.",
    .source = "https://www.postgresql.org/docs/current/errcodes-appendix.html",
    .claim = {.fails = "23505"},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT 1, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a)", "CREATE UNIQUE INDEX t_a ON t (a)", NULL},
    .good = (const char *const[]){"CREATE INDEX t_b ON t (b)", "CREATE TABLE n (a int); CREATE UNIQUE INDEX n_a ON n (a)", NULL},
    .needs_facts = true, .names_failure = true, .after_others = true, .check = check,
};
