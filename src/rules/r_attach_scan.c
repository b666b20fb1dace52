#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    const struct pr_effect *f = pr_effect_on(c->fp, pc->name->schemaname, pc->name->relname);
    if (f == NULL || !f->scan || pc->bound == NULL) return;
    const char *p = pr_rv_name(c, at->relation), *part = pr_rv_name(c, pc->name);
    const char *con = pr_id(c, pr_object_name(c, pc->name->relname, NIL, "bound"));
    const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD CONSTRAINT %s CHECK (… IS NOT NULL AND …) NOT VALID;  -- the bound of the partition\n"
                             "-- in a transaction of its own:\nALTER TABLE %s VALIDATE CONSTRAINT %s;\n-- and then:\n%s\nALTER TABLE %s DROP CONSTRAINT %s;",
                             part, con, part, con, pr_sql_cmd(c, at, cmd), part, con);
    pr_report_block(c, f, pr_word_at(c, pc->name->relname, 0), pr_fmt(PR_A(c), "ATTACH PARTITION reads all of %s to see that it fits into %s", part, p), sql);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AttachPartition, on_cmd); }

PR_RULE(attach_scan) = {
    .id = "attach-scan", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "ATTACH PARTITION reads the whole table while nobody can use it",
    .why = "ACCESS EXCLUSIVE on the table that is attached, while every row is held against the bound. A valid CHECK that says the same spares that; for a nullable "
           "key it must also say IS NOT NULL.",
    .safe_way = "Add a CHECK with the bound (and IS NOT NULL) as NOT VALID, VALIDATE it in a transaction of its own, ATTACH, drop the CHECK.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE p (a int NOT NULL) PARTITION BY RANGE (a); CREATE TABLE t (a int NOT NULL); INSERT INTO t SELECT generate_series(1, 900); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (0) TO (1000)", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int NOT NULL); ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (2000) TO (3000)", NULL},
    .check = check,
};
