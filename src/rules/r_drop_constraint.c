#include "sql/nodes.h"

#include "rules/help.h"

/* Does the script add a constraint of this name or kind to the table again? */
static bool added_again(const struct pr_rule_ctx *c, const RangeVar *rv, const char *name, char type) {
    for (const struct pr_about *p = pr_about(c, PR_ABOUT_ALTERS, rv->relname); p != NULL; p = p->next) {
        const AlterTableStmt *at = pr_about_node(c, p);
        ListCell *lc;
        foreach (lc, at->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            const Constraint *con = cmd->subtype == AT_AddConstraint ? (const Constraint *)(const void *)cmd->def : NULL;
            const char kind = con == NULL ? '\0' : con->contype == CONSTR_PRIMARY ? 'p' : con->contype == CONSTR_UNIQUE ? 'u' : con->contype == CONSTR_CHECK ? 'c' : 'x';
            if (con != NULL && (pr_eq(con->conname, name) || (kind == type && p->at >= c->stmt->index))) return true;
        }
    }
    return false;
}

/* The last step of the way to NOT NULL: the CHECK says no more than the column does. */
static bool says_not_null_twice(const AlterTableStmt *at, const struct pr_rel *r, const struct pr_con *con) {
    if (con->type != 'c' || con->n_cols != 1 || (con->def != NULL && strstr(con->def, "IS NOT NULL") == NULL)) return false;
    const struct pr_col *col = pr_find_col(r, con->cols[0]);
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_SetNotNull && pr_eq(cmd->name, con->cols[0])) return true;
    }
    return col != NULL && col->not_null && col->not_null_valid;
}

/* Another unique index on the same columns stays. */
static bool has_twin(const struct pr_rel *r, const struct pr_con *con) {
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        bool same = x->unique && x->valid && !x->is_partial && !pr_eq(x->constraint, con->name) && x->n_cols == con->n_cols;
        for (size_t k = 0; same && k < con->n_cols; k++) same = pr_mentions(x->cols, x->n_cols, con->cols[k]);
        if (same) return true;
    }
    return false;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_con *con = r != NULL ? pr_find_con(r, cmd->name) : NULL;
    if (con == NULL || con->inbound || con->type == 'f' || con->type == 'n' || pr_is_new(c, at->relation) || c->fp->certain_fail) return;
    if (says_not_null_twice(at, r, con) || added_again(c, at->relation, cmd->name, con->type)) return;
    const bool key = con->type != 'c';
    if (key && has_twin(r, con)) return;
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, cmd->name);
    const struct pr_span word = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = key ? pr_fmt(PR_A(c), "dropping %s of %s drops its index too", name, t) : pr_fmt(PR_A(c), "dropping %s of %s: from now on any row is taken", name, t),
        .what = key ? pr_fmt(PR_A(c), "Queries that used the index read all of %s, INSERT … ON CONFLICT on these columns fails with 42P10, and duplicates are taken: once they are there the "
                             "constraint cannot come back.", t)
                    : "Rows that break the rule are taken from the moment of the commit: once they are there it cannot come back.",
        .safe_sql = con->def != NULL ? pr_fmt(PR_A(c), "-- to have it back:\nALTER TABLE %s ADD CONSTRAINT %s %s%s;", t, name, con->def, key ? "" : " NOT VALID") : NULL});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DropConstraint, on_cmd); }

PR_RULE(drop_constraint) = {
    .id = "drop-constraint", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a rule that the rows kept is gone, and with a key its index",
    .why = "With PRIMARY KEY, UNIQUE or EXCLUDE goes the index: queries that used it read the whole table, and INSERT … ON CONFLICT fails with 42P10. Rows that break the rule are "
           "taken, and then it cannot come back.",
    .safe_way = "First release an application that does not count on it. To keep the index, build another one concurrently before.",
    .source = "https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT upsert_state()", .answer = "42P10"},
    .setup = "CREATE TABLE t (a int, b int, CONSTRAINT t_a UNIQUE (a), CONSTRAINT t_b UNIQUE (b), CONSTRAINT a_set CHECK (a IS NOT NULL)); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; "
             "ANALYZE t; CREATE FUNCTION upsert_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO t VALUES (1, 1) ON CONFLICT (a) DO NOTHING'; RETURN 'fine'; "
             "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t DROP CONSTRAINT t_a", "ALTER TABLE t DROP CONSTRAINT t_b, DROP CONSTRAINT t_a", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP CONSTRAINT a_set", "CREATE UNIQUE INDEX t_twin ON t (a); ALTER TABLE t DROP CONSTRAINT t_a",
                                  "ALTER TABLE t DROP CONSTRAINT t_b; ALTER TABLE t ADD CONSTRAINT t_b UNIQUE (b, a)", NULL},
    .needs_facts = true, .check = check,
};
