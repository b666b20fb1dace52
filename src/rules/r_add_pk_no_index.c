#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

/* USING INDEX over a nullable column still reads the whole table: the NOT NULL way comes first. */
static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, con->keys) {
        const struct pr_col *col = r != NULL ? pr_find_col(r, strVal(lfirst(lc))) : NULL;
        if (col != NULL && col->not_null) continue;
        pr_addf(&b, "%s\n", pr_sql_not_null(c, at->relation, strVal(lfirst(lc))));
    }
    const char *t = pr_rv_name(c, at->relation), *cols = pr_list_names(c, con->keys, ", ");
    const char *name = pr_id(c, con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, NIL, "pkey"));
    pr_addf(&b, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\nALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY USING INDEX %s;", name, t,
            cols, t, name, name);
    return pr_buf_text(&b);
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_PRIMARY);
    if (con == NULL || con->indexname != NULL) return;
    const struct pr_effect *f = pr_work_on(c, at->relation);
    const char *title = pr_fmt(PR_A(c), "adding PRIMARY KEY (%s) builds its index while nobody can use %s",
                               pr_list_names(c, con->keys, ", "), pr_rv_name(c, at->relation));
    pr_report_block_fix(c, f, pr_word_at(c, "primary", 0), title, safe(c, at, con),
                        pr_fix_using_index(c, at, cmd, pr_object_name(c, at->relation->relname, NIL, "pkey")));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(add_pk_no_index) = {
    .id = "add-pk-no-index", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a PRIMARY KEY builds its index while nobody can use the table",
    .why = "The index is built under ACCESS EXCLUSIVE, and nullable columns are scanned as well: reads and writes wait for all of it.",
    .safe_way = "Make the columns NOT NULL the slow way (CHECK NOT VALID, VALIDATE, SET NOT NULL), CREATE UNIQUE INDEX CONCURRENTLY, then ADD "
                "PRIMARY KEY USING INDEX, which is then instant.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX t_u ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD PRIMARY KEY (a)", "ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY (a, b)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_u",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD PRIMARY KEY (a)", NULL},
    .check = check,
};
