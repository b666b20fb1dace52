#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    if (pr_is_new(c, at->relation)) return;
    const DefElem *d = pr_option((const List *)(const void *)cmd->def, "autovacuum_enabled");
    if (d == NULL || pr_option_is_on(d)) return;
    const char *t = pr_rv_name(c, at->relation);
    const struct pr_span word = pr_word_at(c, "autovacuum_enabled", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "autovacuum of %s is switched off", t),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s SET (autovacuum_vacuum_cost_delay = 10);  -- slower instead of never\n-- or, where a load needs it off, in the migration that follows the load:\n"
                           "ALTER TABLE %s RESET (autovacuum_enabled);", t, t)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_SetRelOptions, on_cmd); }

PR_RULE(disable_autovacuum) = {
    .id = "disable-autovacuum", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "autovacuum of a table is switched off",
    .why = "Dead rows and stale statistics pile up, plans go bad, and the vacuum against wraparound, which comes all the same, finds all of it at once and yields to no DDL.",
    .safe_way = "Make it slower instead of switching it off; where a load needs it off, switch it on again in the same deployment.",
    .source = "https://www.postgresql.org/docs/current/routine-vacuuming.html",
    .claim = {.lock = PR_SHARE_UPDATE_EXCLUSIVE, .query = "SELECT reloptions::text FROM pg_class WHERE oid = 't'::regclass", .answer = "{autovacuum_enabled=false}"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
    .bad = (const char *const[]){"ALTER TABLE t SET (autovacuum_enabled = false)", NULL},
    .good = (const char *const[]){"ALTER TABLE t SET (autovacuum_enabled = true)", "ALTER TABLE t SET (fillfactor = 90)", "ALTER TABLE t RESET (autovacuum_enabled)", NULL},
    .check = check,
};
