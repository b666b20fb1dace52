#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_of(c, at, cmd);
    if (f == NULL || f->rewrite || f->index_builds == 0 || !pr_type_stays(c, at, cmd)) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name);
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0),
                    pr_fmt(PR_A(c), "%s.%s has this type already: the statement only builds indexes anew under an exclusive lock", t, col),
                    pr_fmt(PR_A(c), "-- leave it out: %s.%s has this type", t, col));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_noop_rebuild) = {
    .id = "alter-type-noop-rebuild", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "a change to the type that the column has builds indexes anew under an exclusive lock",
    .why = "The table stays as it is, but each index over an expression or with a predicate that names the column is built anew under ACCESS EXCLUSIVE, for nothing. Migrations "
           "that a tool has written do that.",
    .safe_way = "Leave the statement out.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, RememberIndexForRebuilding",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int, v varchar(10)); CREATE INDEX t_e ON t ((a + 1)); CREATE INDEX t_lower ON t (lower(v)); CREATE TABLE u (a int); CREATE INDEX u_a ON u (a); "
             "INSERT INTO t SELECT i, i::text FROM generate_series(1, 1000) i; INSERT INTO u SELECT 1; ANALYZE t, u",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE int", "ALTER TABLE t ALTER a TYPE int4 USING a", "ALTER TABLE t ALTER v SET DATA TYPE character varying(10)", NULL},
    .good = (const char *const[]){"ALTER TABLE u ALTER COLUMN a TYPE int", "ALTER TABLE t ALTER v TYPE varchar(20)", "ALTER TABLE t ALTER a TYPE bigint", NULL},
    .needs_facts = true, .check = check,
};
