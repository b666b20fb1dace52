#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    for (size_t i = 0; r != NULL && i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        if (con->type != 'f' || con->ref_table == NULL || !pr_mentions(con->cols, con->n_cols, cmd->name)) continue;
        const struct pr_effect *f = pr_effect_on(c->fp, con->ref_schema, con->ref_table);
        if (f == NULL || f->lock != PR_ACCESS_EXCLUSIVE || pr_eq(con->ref_table, r->name)) continue;
        const char *partner = pr_qualified(PR_A(c), NULL, con->ref_table), *t = pr_rv_name(c, at->relation), *name = pr_id(c, con->name);
        const char *child = con->inbound ? partner : t;
        const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s DROP CONSTRAINT %s;\n-- change the type, then:\nALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;\n"
                                 "-- in a transaction of its own:\nALTER TABLE %s VALIDATE CONSTRAINT %s;", child, name, child, name, con->def, child, name);
        pr_report_block(c, f, pr_word_at(c, cmd->name, 0),
                        pr_fmt(PR_A(c), "changing %s.%s also locks %s: foreign key %s is checked again", t, pr_id(c, cmd->name), partner, name), sql);
    }
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_fk_partner) = {
    .id = "alter-type-fk-partner", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "changing the type of a key column also locks the table at the other end of the foreign key",
    .why = "The foreign key is made anew and checked again: ACCESS EXCLUSIVE on both tables until all of it is done.",
    .safe_way = "Drop the foreign key, change the type, add it again as NOT VALID, and VALIDATE in a transaction of its own.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, ATPostAlterTypeCleanup",
    .claim = {.on = "r", .lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 1000); CREATE TABLE t (r_id int REFERENCES r, b int); "
             "INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN r_id TYPE bigint", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN b TYPE bigint", NULL},
    .needs_facts = true, .check = check,
};
