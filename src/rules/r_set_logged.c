#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL) return;
    const struct pr_effect *f = pr_effect_on(c->fp, at->relation->schemaname, at->relation->relname);
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if ((cmd->subtype != AT_SetLogged && cmd->subtype != AT_SetUnLogged) || f == NULL || !f->rewrite) continue;
        const char *word = cmd->subtype == AT_SetLogged ? "logged" : "unlogged";
        pr_report_block(c, f, pr_word_at(c, word, 0), pr_fmt(PR_A(c), "SET %s writes all of %s anew while nobody can use it",
                        cmd->subtype == AT_SetLogged ? "LOGGED" : "UNLOGGED", pr_rv_name(c, at->relation)), NULL);
    }
}

PR_RULE(set_logged) = {
    .id = "set-logged", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "SET LOGGED and SET UNLOGGED write the whole table anew while nobody can use it",
    .why = "ACCESS EXCLUSIVE is held while table and indexes are copied, and with SET LOGGED all of it goes into the WAL. An unlogged table is empty after a crash.",
    .safe_way = "Decide when the table is created; for a large one fill a new table in batches and swap the names.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-LOGGED-UNLOGGED",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t SET UNLOGGED", NULL},
    .good = (const char *const[]){"CREATE UNLOGGED TABLE n (a int); ALTER TABLE n SET LOGGED", "ALTER TABLE t SET (fillfactor = 70)", NULL},
    .check = check,
};
