#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        const struct pr_rel *r = pr_rel_named(c, f->schema, f->name);
        if (!f->scan || r == NULL || !r->is_default_partition || pr_eq(f->name, pc->name->relname)) continue;
        const char *d = pr_qualified(PR_A(c), pc->name->schemaname != NULL ? f->schema : NULL, f->name);
        const char *con = pr_id(c, pr_object_name(c, f->name, NIL, "without_new"));
        const char *sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD CONSTRAINT %s CHECK (NOT (…)) NOT VALID;  -- … = the bound of the new partition, as key >= FROM AND key < TO\n-- in a transaction of its own:\n"
                                 "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n-- and then:\n%s\nALTER TABLE %s DROP CONSTRAINT %s;", d, con, d, con, pr_sql_cmd(c, at, cmd), d, con);
        pr_report_block(c, f, pr_word_at(c, at->relation->relname, 0),
                        pr_fmt(PR_A(c), "ATTACH PARTITION reads all of the DEFAULT partition %s while nobody can use it", d), sql);
    }
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AttachPartition, on_cmd); }

PR_RULE(attach_default_scan) = {
    .id = "attach-default-scan", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "ATTACH PARTITION reads the whole DEFAULT partition while nobody can use it",
    .why = "A row of the new partition's range might lie in the DEFAULT partition: the server reads all of it under ACCESS EXCLUSIVE, unless a valid CHECK there excludes the range.",
    .safe_way = "Add a CHECK to the DEFAULT partition that excludes the new range, NOT VALID, VALIDATE it in a transaction of its own, attach, drop the CHECK.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION",
    .claim = {.on = "d", .lock = PR_ACCESS_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE p (a int NOT NULL) PARTITION BY RANGE (a); CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p SELECT generate_series(1, 900); CREATE TABLE t (a int NOT NULL); "
             "CREATE TABLE q (a int NOT NULL) PARTITION BY RANGE (a); ANALYZE d; CREATE TABLE p2 (a int NOT NULL) PARTITION BY RANGE (a); CREATE TABLE d2 PARTITION OF p2 DEFAULT; "
             "INSERT INTO p2 SELECT generate_series(1, 900); ALTER TABLE d2 ADD CONSTRAINT low CHECK (a < 2500); ANALYZE d2",
    .bad = (const char *const[]){"ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (2000) TO (3000)", NULL},
    .good = (const char *const[]){"ALTER TABLE q ATTACH PARTITION t FOR VALUES FROM (2000) TO (3000)", "ALTER TABLE p2 ATTACH PARTITION t FOR VALUES FROM (2500) TO (3000)",
                                  "ALTER TABLE d ADD CONSTRAINT without CHECK (NOT (a >= 2000 AND a < 3000)) NOT VALID; ALTER TABLE d VALIDATE CONSTRAINT without; "
                                  "ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (2000) TO (3000)", NULL},
    .needs_facts = true, .check = check,
};
