#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_FOREIGN);
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (con == NULL || !con->skip_validation || r == NULL || r->kind != 'p') return;
    if (!c->fp->certain_fail || !pr_eq(c->fp->fails_sqlstate, "42809")) return;
    const char *t = pr_rv_name(c, at->relation);
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len, .safe_sql = pr_sql_fk_by_partition(c, at, con),
        .title = pr_fmt(PR_A(c), "%s is partitioned: before version 18 its foreign key cannot be NOT VALID", t)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(fk_partitioned_not_valid) = {
    .id = "fk-partitioned-not-valid", .family = PR_F_FAILURE, .level = PR_ERROR, .pg_to = 17,
    .title = "a foreign key of a partitioned table cannot be NOT VALID before version 18",
    .why = "It fails with 42809. Without NOT VALID it works, and reads all partitions while their writers wait.",
    .safe_way = "The same foreign key on each partition as NOT VALID, VALIDATE each in a transaction of its own, and then on the partitioned table: it takes those of the partitions "
                "over and reads nothing.",
    .source = "measured on 13 to 17; https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT",
    .claim = {.fails = "42809"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (k int, r_id int) PARTITION BY RANGE (k); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (2000); "
             "INSERT INTO r SELECT generate_series(1, 1000); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r NOT VALID", NULL},
    .good = (const char *const[]){"ALTER TABLE t1 ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r NOT VALID", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
