#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_as(AlterTableStmt, (const Node *)c->node);
    if (at == NULL || at->objtype != OBJECT_TYPE || (c->fp->fails_sqlstate != NULL && c->fp->certain_fail)) return;
    size_t n = 0, cap = 0;
    const char **names = NULL;
    for (size_t i = 0; i < c->fp->n; i++)
        if (pr_stops_all(c, &c->fp->effects[i]) && !pr_eq(c->fp->effects[i].name, at->relation->relname))
            *PR_PUSH(PR_A(c), names, n, cap) = pr_qualified(PR_A(c), NULL, c->fp->effects[i].name);
    if (n == 0) return;
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "ALTER TYPE %s stops all reads and writes of the tables that are made of it: %s", pr_rv_name(c, at->relation), pr_some(c, names, n))});
}

PR_RULE(composite_alter) = {
    .id = "composite-alter", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "changing a composite type locks every table that is made of it",
    .why = "ACCESS EXCLUSIVE on each of them at once, and their columns change with the type: an application that names or expects the old ones fails.",
    .safe_way = "ALTER TABLE … NOT OF for each table, one by one, and from then on change the tables themselves.",
    .source = "https://www.postgresql.org/docs/current/sql-altertype.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TYPE pair AS (a int, b int); CREATE TYPE unused AS (a int); CREATE TABLE t OF pair; INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TYPE pair ADD ATTRIBUTE c int CASCADE", NULL},
    .good = (const char *const[]){"ALTER TYPE unused ADD ATTRIBUTE c int", NULL},
    .needs_facts = true, .check = check,
};
