#include "sql/nodes.h"

#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const struct pr_effect *f, const char *name, const char *space) {
    pr_report_block(c, f, pr_word_at(c, "tablespace", 0), pr_fmt(PR_A(c), "SET TABLESPACE copies all of %s to %s while nobody can use it", name, space), NULL);
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_as(AlterTableStmt, (const Node *)c->node);
    const AlterTableMoveAllStmt *all = pr_as(AlterTableMoveAllStmt, (const Node *)c->node);
    if (all != NULL) {
        const struct pr_span word = pr_word_at(c, "tablespace", 0);
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
            .title = pr_fmt(PR_A(c), "everything in tablespace %s is copied to %s in one transaction", all->orig_tablespacename, all->new_tablespacename)});
        return;
    }
    ListCell *lc;
    if (at == NULL) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_SetTableSpace) report(c, pr_effect_on(c->fp, at->relation->schemaname, at->relation->relname), pr_rv_name(c, at->relation), cmd->name);
    }
}

PR_RULE(set_tablespace) = {
    .id = "set-tablespace", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "SET TABLESPACE copies the whole table while nobody can use it",
    .why = "ACCESS EXCLUSIVE while every page is copied and written to the WAL; the space is needed twice until commit, and indexes are not moved along.",
    .safe_way = "pg_repack with --tablespace, or a new partition or table in the other tablespace that is filled in batches.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-TABLESPACE",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t SET TABLESPACE pgrail_proof_space", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); ALTER TABLE n SET TABLESPACE pgrail_proof_space", "ALTER TABLE t SET (fillfactor = 90)", NULL},
    .check = check,
};
