#include "sql/nodes.h"

#include "rules/help.h"

enum { MANY_ROWS = 10000 };                                 /* below it a scan of the child is nothing to speak of */

/* Are the first n names of the index those of the key, in any order? */
static bool covers(const char *const *index_cols, size_t n_index, const List *key) {
    const size_t n = (size_t)list_length(key);
    if (n_index < n) return false;
    ListCell *lc;
    foreach (lc, key)
        if (!pr_mentions(index_cols, n, strVal(lfirst(lc)))) return false;
    return true;
}

static bool index_exists(const struct pr_rel *r, const List *key) {
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (x->valid && !x->is_partial && covers(x->cols, x->n_cols, key)) return true;
    }
    return false;
}

static bool key_is(const struct pr_rule_ctx *c, const List *params, const List *key) {
    const size_t n = (size_t)list_length(params);
    const char **cols = PR_NEW_ARRAY(PR_A(c), const char *, n + 1);
    size_t k = 0;
    ListCell *lc;
    foreach (lc, params) {
        const Node *p = lfirst(lc);
        const char *name = IsA(p, IndexElem) ? ((const IndexElem *)(const void *)p)->name : strVal(p);
        cols[k++] = name != NULL ? name : "";
    }
    return covers(cols, n, key);
}

/* Made anywhere in this script: before or after, as an index or as a key. */
static bool index_in_script(const struct pr_rule_ctx *c, const char *table, const List *key) {
    for (const struct pr_about *p = pr_about(c, PR_ABOUT_INDEXES, table); p != NULL; p = p->next) {
        const IndexStmt *is = pr_about_node(c, p);
        if (is->whereClause == NULL && key_is(c, is->indexParams, key)) return true;
    }
    return false;
}

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const List *key, const RangeVar *parent) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    if (index_exists(r, key) || index_in_script(c, rv->relname, key)) return;
    const bool large = r != NULL && r->rows_trusted && r->rows > MANY_ROWS;
    const char *cols = pr_list_names(c, key, ", "), *t = pr_rv_name(c, rv);
    const struct pr_span at = pr_word_at(c, strVal(linitial(key)), 0);
    pr_report(c, &(struct pr_hit){.level = large ? PR_WARNING : PR_NOTE, .offset = at.offset, .len = at.len, .unknown_size = r == NULL || !r->rows_trusted,
        .title = pr_fmt(PR_A(c), "foreign key (%s) of %s has no index", cols, t),
        .what = pr_fmt(PR_A(c), "Each DELETE of a row of %s, and each UPDATE of its key, reads all of %s%s.", pr_rv_name(c, parent), t,
                       large ? pr_fmt(PR_A(c), " (about %s rows)", pr_human_count(PR_A(c), r->rows)) : ""),
        .safe_sql = pr_fmt(PR_A(c), "CREATE INDEX CONCURRENTLY %s ON %s (%s);", pr_id(c, pr_object_name(c, rv->relname, key, "idx")), t, cols)});
}

/* A key of the new table itself, or of a column, that begins with these columns. */
static bool key_in_table(const struct pr_rule_ctx *c, const CreateStmt *cs, const List *key) {
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const Node *elt = lfirst(lc);
        if (IsA(elt, Constraint)) {
            const Constraint *con = (const Constraint *)(const void *)elt;
            if ((con->contype == CONSTR_PRIMARY || con->contype == CONSTR_UNIQUE) && key_is(c, con->keys, key)) return true;
        } else if (IsA(elt, ColumnDef)) {
            const ColumnDef *col = (const ColumnDef *)(const void *)elt;
            const bool is_key = pr_column_constraint(col, CONSTR_PRIMARY) != NULL || pr_column_constraint(col, CONSTR_UNIQUE) != NULL;
            if (is_key && list_length(key) == 1 && pr_eq(strVal(linitial(key)), col->colname)) return true;
        }
    }
    return false;
}

static void in_column(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *cs, const ColumnDef *col) {
    const Constraint *con = pr_column_constraint(col, CONSTR_FOREIGN);
    if (con == NULL || con->pktable == NULL) return;
    String name = {.type = T_String, .sval = col->colname};
    ListCell cell = {.ptr_value = &name};
    const List key = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    const bool unique = pr_column_constraint(col, CONSTR_UNIQUE) != NULL || pr_column_constraint(col, CONSTR_PRIMARY) != NULL;
    if (!unique && (cs == NULL || !key_in_table(c, cs, &key))) report(c, rv, &key, con->pktable);
}

static void check(const struct pr_rule_ctx *c) {
    ListCell *lc;
    if (IsA(c->node, CreateStmt)) {
        const CreateStmt *cs = c->node;
        foreach (lc, cs->tableElts) {
            const Node *elt = lfirst(lc);
            const Constraint *con = (const Constraint *)(const void *)elt;
            if (IsA(elt, ColumnDef)) in_column(c, cs->relation, cs, (const ColumnDef *)(const void *)elt);
            else if (IsA(elt, Constraint) && con->contype == CONSTR_FOREIGN && !key_in_table(c, cs, con->fk_attrs)) report(c, cs->relation, con->fk_attrs, con->pktable);
        }
        return;
    }
    const AlterTableStmt *at = pr_alter_table(c);
    if (at == NULL || (c->facts == NULL && !pr_is_new(c, at->relation))) return;        /* its indexes are not known */
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        const Constraint *con = pr_added(cmd, CONSTR_FOREIGN);
        if (con != NULL) report(c, at->relation, con->fk_attrs, con->pktable);
        if (cmd->subtype == AT_AddColumn) in_column(c, at->relation, NULL, (const ColumnDef *)(const void *)cmd->def);
    }
}

PR_RULE(fk_missing_index) = {
    .id = "fk-missing-index", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a foreign key without an index on its own columns",
    .why = "Each DELETE of a parent row, and each UPDATE of its key, reads the whole child table to find its children, with the parent's row locked.",
    .safe_way = "CREATE INDEX CONCURRENTLY on the referencing columns first.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK",
    .claim = {.query = "SELECT count(*) FROM pg_index WHERE indrelid = coalesce(to_regclass('c'), 't'::regclass)", .answer = "0"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int, other int); INSERT INTO r SELECT 1; INSERT INTO t SELECT 1, 1 FROM generate_series(1, 1000); ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID", "CREATE TABLE c (r_id int REFERENCES r)",
                                 "CREATE TABLE c (a int, r_id int, FOREIGN KEY (r_id) REFERENCES r)", "ALTER TABLE t ADD COLUMN r2 int REFERENCES r", NULL},
    .good = (const char *const[]){"CREATE INDEX t_r ON t (r_id); ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id)", "CREATE TABLE c (r_id int PRIMARY KEY REFERENCES r)",
                                  "CREATE TABLE c (r_id int REFERENCES r, b int); CREATE INDEX ON c (r_id, b)", "CREATE TABLE c (r_id int REFERENCES r, b int, PRIMARY KEY (r_id, b))", NULL},
    .needs_facts = true, .check = check,
};
