#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    (void)cmd;
    if (pr_is_new(c, at->relation)) return;
    const struct pr_span word = pr_word_at(c, "trigger", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "DISABLE TRIGGER ALL also switches off the foreign keys of %s", pr_rv_name(c, at->relation)),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DISABLE TRIGGER USER;  -- leaves the foreign keys on", pr_rv_name(c, at->relation))});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DisableTrigAll, on_cmd); }

PR_RULE(disable_trigger) = {
    .id = "disable-trigger", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "DISABLE TRIGGER ALL also switches off the table's foreign keys",
    .why = "Foreign keys are triggers of the system: rows written meanwhile, by anybody, are never checked, and enabling them again does not look back. Writers wait while "
           "SHARE ROW EXCLUSIVE is taken.",
    .safe_way = "DISABLE TRIGGER USER, or the trigger by its name; for a load of your own session_replication_role, in that session alone.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER",
    .claim = {.lock = PR_SHARE_ROW_EXCLUSIVE, .query = "SELECT orphan_state()", .answer = "fine"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int REFERENCES r); CREATE FUNCTION orphan_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
             "INSERT INTO t VALUES (7); RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t DISABLE TRIGGER ALL", NULL},
    .good = (const char *const[]){"ALTER TABLE t DISABLE TRIGGER USER", "ALTER TABLE t ENABLE TRIGGER ALL", NULL},
    .check = check,
};
