#include "sql/nodes.h"

#include "rules/help.h"

static bool is_read_again(const struct pr_con *con, const char *column) {
    return con->type == 'c' && con->validated && con->enforced && pr_mentions(con->cols, con->n_cols, column);
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_of(c, at, cmd);
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (f == NULL || r == NULL || f->rewrite || !f->scan) return;
    const char *t = pr_rv_name(c, at->relation);
    struct pr_buf names = {.a = PR_A(c)}, drop = {.a = PR_A(c)}, add = {.a = PR_A(c)}, validate = {.a = PR_A(c)};
    for (size_t i = 0; i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        if (!is_read_again(con, cmd->name)) continue;
        const char *name = pr_id(c, con->name);
        pr_addf(&names, "%s%s", names.len > 0 ? ", " : "", name);
        pr_addf(&drop, "ALTER TABLE %s DROP CONSTRAINT %s;\n", t, name);
        pr_addf(&add, "\nALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;", t, name, con->def != NULL ? con->def : "CHECK (…)");
        pr_addf(&validate, "\nALTER TABLE %s VALIDATE CONSTRAINT %s;", t, name);
    }
    if (names.len == 0) return;
    const char *alter = pr_sql_cmd(c, at, cmd);
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0),
                    pr_fmt(PR_A(c), "changing the type of %s.%s reads all of it: %s is checked again", t, pr_id(c, cmd->name), pr_buf_text(&names)),
                    pr_fmt(PR_A(c), "%s%s%s\n-- in a transaction of its own:%s", pr_buf_text(&drop), alter != NULL ? alter : "", pr_buf_text(&add), pr_buf_text(&validate)));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_check_revalidate) = {
    .id = "alter-type-check-revalidate", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "a change of type reads the whole table, because a CHECK names the column",
    .why = "The change itself may be only metadata, but each CHECK that names the column is verified again against every row under ACCESS EXCLUSIVE.",
    .safe_way = "Drop the CHECK, change the type, add it again as NOT VALID, and VALIDATE in a transaction of its own.",
    .source = "measured on 13 to 18: the server says \"verifying table\"",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (v varchar(10), w varchar(10), n numeric(10,2), CHECK (v IS NOT NULL), CONSTRAINT n_set CHECK (n IS NOT NULL)); "
             "INSERT INTO t SELECT i::text, i::text, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN v TYPE varchar(20)", "ALTER TABLE t ALTER n TYPE numeric(12,2)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN w TYPE varchar(20)", "ALTER TABLE t DROP CONSTRAINT n_set; ALTER TABLE t ALTER n TYPE numeric(12,2)", NULL},
    .needs_facts = true, .check = check,
};
