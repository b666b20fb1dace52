#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (!pr_eq(c->fp->fails_sqlstate, "55006") || !c->fp->certain_fail) return;
    const char *t = c->fp->main_name != NULL ? pr_qualified(PR_A(c), NULL, c->fp->main_name) : "the table";
    const struct pr_span at = pr_word_at(c, c->fp->main_name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s on %s will fail with 55006: its deferred constraints are still to be checked", c->stmt->tag, t),
        .what = pr_fmt(PR_A(c), "Rows of %s were written in this transaction under a deferred constraint, and the check is due at commit: until then the server alters nothing of it.", t),
        .safe_sql = pr_fmt(PR_A(c), "SET CONSTRAINTS ALL IMMEDIATE;\n%s;", c->stmt->text)});
}

PR_RULE(pending_trigger_events) = {
    .id = "pending-trigger-events", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "DDL on a table whose deferred constraints are still to be checked in this transaction",
    .why = "Rows written under a deferred constraint leave trigger events until commit, and ALTER TABLE and CREATE INDEX refuse to run over them (55006).",
    .safe_way = "SET CONSTRAINTS ALL IMMEDIATE before the DDL, or a migration of its own for the rows.",
    .source = "https://www.postgresql.org/docs/current/sql-set-constraints.html",
    .claim = {.fails = "55006"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int REFERENCES r DEFERRABLE INITIALLY DEFERRED); INSERT INTO r VALUES (1)",
    .bad = (const char *const[]){"INSERT INTO t VALUES (1); ALTER TABLE t ADD COLUMN b int", "INSERT INTO t VALUES (1); CREATE INDEX t_r ON t (r_id)", NULL},
    .good = (const char *const[]){"INSERT INTO t VALUES (1); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE t ADD COLUMN b int", "ALTER TABLE t ADD COLUMN b int; INSERT INTO t VALUES (1)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
