#include "sql/nodes.h"

#include "rules/help.h"

/* Not volatile, but another value at another time or in another session. */
static bool is_changing(const char *name) {
    static const char *const names[] = {"now", "statement_timestamp", "transaction_timestamp", "current_setting", "age", "txid_current", "pg_current_xact_id", "inet_client_addr"};
    for (size_t i = 0; i < PR_COUNT(names); i++)
        if (pr_eq(name, names[i])) return true;
    return false;
}

struct search { const struct pr_rule_ctx *c; const char *call; };

static bool find(Node *node, void *context) {
    struct search *s = context;
    if (node == NULL || s->call != NULL) return s->call != NULL;
    if (IsA(node, SQLValueFunction)) s->call = "the current date, time or user";
    if (IsA(node, FuncCall)) {
        const List *names = ((const FuncCall *)(const void *)node)->funcname;
        const List *args = ((const FuncCall *)(const void *)node)->args;
        const char *name = strVal(llast(names));
        if (is_changing(name) && (!pr_eq(name, "age") || list_length(args) == 1)) s->call = pr_fmt(PR_A(s->c), "%s()", name);
    }
    return s->call != NULL || pr_tree_walk(node, find, context);
}

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const Constraint *con) {
    if (con->contype != CONSTR_CHECK || con->raw_expr == NULL) return;
    struct search s = {.c = c};
    const char *call = NULL;
    if (find((Node *)(uintptr_t)con->raw_expr, &s)) call = s.call;
    else if (c->facts == NULL || !pr_world_volatile(c->before, con->raw_expr, PR_A(c), &call)) return;     /* unknown functions are not accused */
    const struct pr_span at = pr_word_at(c, con->conname != NULL ? con->conname : "check", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "a CHECK of %s depends on %s: rows that were right become wrong", pr_rv_name(c, rv), call)});
}

static void check(const struct pr_rule_ctx *c) {
    struct pr_defined *list = NULL;
    const size_t n = pr_constraints_of(c, &list);
    for (size_t i = 0; i < n; i++) report(c, list[i].table, list[i].con);
}

PR_RULE(check_volatile) = {
    .id = "check-volatile", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a CHECK that depends on the time, on chance or on a setting",
    .why = "It is only looked at when a row is written: rows that were right become wrong by themselves. Then every UPDATE of such a row fails with 23514, and so does a restore of a dump.",
    .safe_way = "A trigger that checks at the time of writing, or a stored value that the CHECK compares with.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS",
    .claim = {.query = "SELECT later_state()", .answer = "23514"},
    .setup = "SET app.most = 5000; CREATE TABLE t (a int, d timestamptz); INSERT INTO t SELECT i, now() FROM generate_series(1, 1000) i; ANALYZE t; CREATE FUNCTION later_state() RETURNS text LANGUAGE plpgsql AS $$ "
             "BEGIN PERFORM set_config('app.most', '5', true); UPDATE t SET a = a WHERE a = 900; RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a < coalesce(current_setting('app.most', true), '9999')::int)",
                                 "SET app.most = 5000; ALTER TABLE t ADD CHECK (d <= now() AND a <= current_setting('app.most')::int)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0 AND length('x') = 1)", "ALTER TABLE t ADD CHECK (age(d, d) = interval '0')", NULL},
    .check = check,
};
