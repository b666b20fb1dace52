#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_of(c, at, cmd);
    const ColumnDef *def = (const ColumnDef *)(const void *)cmd->def;
    if (f == NULL || f->rewrite || f->index_builds == 0 || def->collClause == NULL) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name);
    const char *collation = pr_dotted(c, def->collClause->collname, NULL, NULL);
    const char *sql = pr_fmt(PR_A(c), "CREATE INDEX CONCURRENTLY %s ON %s (%s COLLATE %s);  -- and ORDER BY, WHERE … COLLATE %s in the queries that want it",
                             pr_id(c, pr_object_name(c, at->relation->relname, NIL, pr_fmt(PR_A(c), "%s_collate_idx", cmd->name))), t, col, collation, collation);
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0), pr_fmt(PR_A(c), "another collation of %s.%s builds every index on it anew under an exclusive lock", t, col), sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_collate) = {
    .id = "alter-type-collate", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "another collation builds every index on the column anew under an exclusive lock",
    .why = "The table is not written anew, but each index on the column is, while nobody can read or write it; and what is equal, unique and first may be something else afterwards.",
    .safe_way = "An index of the wanted collation, built concurrently, and COLLATE in the queries that need it; or a new column, filled in batches.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/collation.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a text, b text); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT i::text, i::text FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE text COLLATE \"C\"", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN b TYPE text COLLATE \"C\"", "ALTER TABLE t ALTER a TYPE varchar", NULL},
    .needs_facts = true, .check = check,
};
