#include "sql/nodes.h"

#include "rules/help.h"

enum { MANY_ROWS = 10000 };                                 /* below it any plan is a good one */

static bool analyzed_later(const struct pr_rule_ctx *c, const char *table) {
    return pr_about_later(c, PR_ABOUT_VACUUMS, table) != NULL || pr_about_later(c, PR_ABOUT_VACUUMS, PR_ABOUT_ALL) != NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (pr_is_new(c, at->relation) || pr_is_empty(r) || c->fp->certain_fail || analyzed_later(c, at->relation->relname)) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name);
    const struct pr_span word = pr_word_at(c, cmd->name, 0);
    const bool large = r != NULL && r->rows > MANY_ROWS;
    pr_report(c, &(struct pr_hit){.level = large ? PR_WARNING : PR_NOTE, .unknown_size = r == NULL, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "changing the type of %s.%s drops its statistics", t, col),
        .safe_sql = pr_fmt(PR_A(c), "%s;\nANALYZE %s (%s);", c->stmt->text, t, col)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_drops_stats) = {
    .id = "alter-type-drops-stats", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a change of type drops the column's statistics",
    .why = "Also where it is free: until the next ANALYZE the planner knows nothing of the column, and queries that were fast may not be. No row counts as written, so autovacuum "
           "does not come by itself.",
    .safe_way = "ANALYZE the column right after, in the same migration.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, RemoveStatistics in ATExecAlterColumnType",
    .claim = {.query = "SELECT count(*) FROM pg_stats WHERE tablename = 't' AND attname = 'v'", .answer = "0"},
    .setup = "CREATE TABLE t (v varchar(10)); INSERT INTO t SELECT i::text FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN v TYPE varchar(20)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN v TYPE varchar(20); ANALYZE t (v)", NULL},
    .check = check,
};
