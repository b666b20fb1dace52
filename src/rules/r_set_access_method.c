#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_effect_on(c->fp, at->relation->schemaname, at->relation->relname);
    if (f != NULL && !f->rewrite && !c->fp->guessed) return;
    pr_report_block(c, f, pr_word_at(c, "access", 0),
                    pr_fmt(PR_A(c), "SET ACCESS METHOD %s writes all of %s anew while nobody can use it", cmd->name != NULL ? cmd->name : "DEFAULT", pr_rv_name(c, at->relation)), NULL);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_SetAccessMethod, on_cmd); }

PR_RULE(set_access_method) = {
    .id = "set-access-method", .family = PR_F_BLOCKING, .level = PR_ERROR, .pg_from = 15,
    .title = "SET ACCESS METHOD writes the whole table anew while nobody can use it",
    .why = "ACCESS EXCLUSIVE while every row is written into a new file and every index is built again.",
    .safe_way = "A new table with the other access method, kept in step by a trigger, filled in batches, and swapped by two renames.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-ACCESS-METHOD",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); DO $$ BEGIN CREATE ACCESS METHOD pgrail_proof_heap TYPE TABLE HANDLER heap_tableam_handler; "
             "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t SET ACCESS METHOD pgrail_proof_heap", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); ALTER TABLE n SET ACCESS METHOD pgrail_proof_heap", "ALTER TABLE t SET (fillfactor = 90)", NULL},
    .check = check,
};
