#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (!pr_eq(c->fp->fails_sqlstate, "0A000") || c->fp->fails_why == NULL || !pr_starts(c->fp->fails_why, "unique constraint on partitioned table")) return;
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .title = pr_fmt(PR_A(c), "%s will fail with 0A000: %s", c->stmt->tag, c->fp->fails_why)});
}

PR_RULE(partition_key_in_pk) = {
    .id = "partition-key-in-pk", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "a key of a partitioned table without its partition key fails",
    .why = "Each partition has an index of its own, so the server can only keep a key unique that contains every column of the partition key (0A000).",
    .safe_way = "Put the partition key's columns into the PRIMARY KEY or UNIQUE, or a unique index on each partition where that is enough.",
    .source = "https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS",
    .claim = {.fails = "0A000"},
    .setup = "CREATE TABLE p (id int NOT NULL, a int NOT NULL) PARTITION BY RANGE (a)",
    .bad = (const char *const[]){"ALTER TABLE p ADD PRIMARY KEY (id)", "CREATE UNIQUE INDEX p_id ON p (id)", "CREATE TABLE q (id int PRIMARY KEY, a int) PARTITION BY LIST (a)",
                                 "ALTER TABLE p ADD CONSTRAINT u UNIQUE (id)", NULL},
    .good = (const char *const[]){"ALTER TABLE p ADD PRIMARY KEY (id, a)", "CREATE INDEX p_id ON p (id)", "CREATE TABLE q (id int, a int, PRIMARY KEY (a, id)) PARTITION BY LIST (a)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
