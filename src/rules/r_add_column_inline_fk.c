#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const Constraint *con) {
    char *col = ((const ColumnDef *)(const void *)cmd->def)->colname;
    String name = {.type = T_String, .sval = col};
    ListCell cell = {.ptr_value = &name};
    List key = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    Constraint fk = *con;
    fk.fk_attrs = &key;
    const char *add = pr_sql_column_without(c, at, cmd, CONSTR_FOREIGN, CONSTR_FOREIGN);
    const char *rest = pr_sql_not_valid(c, at, &fk, con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, &key, "fkey"));
    return add != NULL && rest != NULL ? pr_fmt(PR_A(c), "%s\n-- in a transaction of its own:\n%s", add, rest) : NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = (const ColumnDef *)(const void *)cmd->def;
    const Constraint *con = pr_column_constraint(col, CONSTR_FOREIGN);
    if (con == NULL || con->pktable == NULL || pr_is_new(c, at->relation)) return;
    const char *t = pr_rv_name(c, at->relation), *parent = pr_rv_name(c, con->pktable), *sql = safe(c, at, cmd, con);
    const struct pr_effect *ours = pr_work_on(c, at->relation), *theirs = pr_work_on(c, con->pktable);
    const struct pr_span word = pr_word_at(c, col->colname, 0);
    if (ours == NULL || pr_is_empty(pr_rel_of(c, at->relation))) return;
    if (ours->rewrite) return;                              /* what rewrites the table says so */
    if (ours->scan && pr_column_constraint(col, CONSTR_DEFAULT) != NULL) {
        pr_report_block(c, pr_heavier(ours, theirs), word, pr_fmt(PR_A(c), "adding %s with a default and a foreign key looks every row of %s up in %s", pr_id(c, col->colname), t, parent), sql);
        return;
    }
    if (pr_is_new(c, con->pktable) || pr_eq(con->pktable->relname, at->relation->relname)) return;
    pr_report(c, &(struct pr_hit){.level = pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE, .offset = word.offset, .len = word.len, .safe_sql = sql,
        .title = pr_fmt(PR_A(c), "adding %s with a foreign key stops reads of %s and writes to %s at once", pr_id(c, col->colname), t, parent),
        .what = pr_fmt(PR_A(c), "ACCESS EXCLUSIVE on %s is held while SHARE ROW EXCLUSIVE on %s is waited for: short when both are idle, but whoever holds the one keeps everybody "
                       "off the other.", t, parent)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_inline_fk) = {
    .id = "add-column-inline-fk", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "adding a column with a foreign key stops writes to the table that it refers to",
    .why = "ACCESS EXCLUSIVE on the table and SHARE ROW EXCLUSIVE on the referenced one are held together; with a default every row is looked up as well.",
    .safe_way = "ADD COLUMN alone; then the foreign key as NOT VALID in a transaction of its own, which does not stop readers; then VALIDATE.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
    .claim = {.on = "r", .lock = PR_SHARE_ROW_EXCLUSIVE},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (a int); INSERT INTO r SELECT generate_series(1, 100); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN r_id int REFERENCES r", "ALTER TABLE t ADD r_id int CONSTRAINT t_r REFERENCES r (id) ON DELETE CASCADE", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN r_id int", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN r_id int REFERENCES r",
                                  "ALTER TABLE t ADD COLUMN r_id int; ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r NOT VALID", NULL},
    .check = check,
};
