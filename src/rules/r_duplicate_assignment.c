#include "sql/nodes.h"

#include "rules/help.h"

static const char *twice(const List *targets) {
    ListCell *a, *b;
    foreach (a, targets) {
        const ResTarget *x = pr_as(ResTarget, lfirst(a));
        if (x == NULL || x->name == NULL || x->indirection != NIL) continue;
        foreach (b, targets) {
            const ResTarget *y = pr_as(ResTarget, lfirst(b));
            if (y == x) break;
            if (y != NULL && y->indirection == NIL && pr_eq(x->name, y->name)) return x->name;
        }
    }
    return NULL;
}

enum { MANY = 1700 };                                       /* more targets than a table can have columns */

static void report(const struct pr_rule_ctx *c, const List *targets, const char *sqlstate) {
    const char *name = list_length(targets) <= MANY ? twice(targets) : NULL;
    if (name == NULL) return;
    const struct pr_span at = pr_word_at(c, name, 1);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "column %s is given twice: the statement fails with %s", pr_id(c, name), sqlstate)});
}

static void check(const struct pr_rule_ctx *c) {
    const Node *n = c->node;
    if (IsA(n, UpdateStmt)) report(c, pr_cast(UpdateStmt, n)->targetList, "42601");
    if (!IsA(n, InsertStmt)) return;
    const InsertStmt *is = pr_cast(InsertStmt, n);
    report(c, is->cols, "42701");
    if (is->onConflictClause != NULL) report(c, is->onConflictClause->targetList, "42601");
}

PR_RULE(duplicate_assignment) = {
    .id = "duplicate-assignment", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "a column is given twice in one UPDATE or INSERT",
    .why = "The server refuses the statement (42601; in an INSERT's column list 42701), and the migration stops there.",
    .safe_way = "Leave one of the two out: most often they came together in a merge.",
    .source = "https://www.postgresql.org/docs/current/sql-update.html",
    .claim = {.fails = "42601"},
    .setup = "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 1)",
    .bad = (const char *const[]){"UPDATE t SET b = 1, b = 2 WHERE a = 1", "UPDATE t SET (a, b) = (1, 2), a = 3 WHERE a = 1",
                                 "INSERT INTO t VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 3, b = 4", NULL},
    .good = (const char *const[]){"UPDATE t SET a = 1, b = 2 WHERE a = 1", NULL},
    .names_failure = true, .check = check,
};
