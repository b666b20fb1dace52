#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const CreateFunctionStmt *fs = c->node;
    if (!IsA(c->node, CreateFunctionStmt)) return;
    bool definer = false, path = false;
    ListCell *lc;
    foreach (lc, fs->options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        if (pr_eq(d->defname, "security") && d->arg != NULL)
            definer = IsA(d->arg, Boolean) ? boolVal(d->arg) : IsA(d->arg, Integer) && intVal(d->arg) != 0;
        if (pr_eq(d->defname, "set") && d->arg != NULL && IsA(d->arg, VariableSetStmt))
            path |= pr_eq(((const VariableSetStmt *)(const void *)d->arg)->name, "search_path");
    }
    if (!definer || path) return;
    const char *name = NULL;
    const char *shown = pr_dotted(c, fs->funcname, NULL, &name);
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s runs with its owner's rights and its caller's search_path", shown),
        .safe_sql = pr_fmt(PR_A(c), "ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp;  -- and the schemas that it needs", shown)});
}

PR_RULE(security_definer_path) = {
    .id = "security-definer-path", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "a SECURITY DEFINER function without its own search_path",
    .why = "Whoever may create a table or function in any schema of his own search_path decides what its unqualified names mean, and it runs with the owner's rights.",
    .safe_way = "SET search_path = pg_catalog, the schemas that it needs, pg_temp last, as part of the function.",
    .source = "https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY",
    .claim = {.query = "SELECT hijacked()", .answer = "7"},
    .setup = "CREATE TABLE secret (a int); INSERT INTO secret VALUES (1); CREATE SCHEMA other; CREATE TABLE other.secret (a int); INSERT INTO other.secret VALUES (7); "
             "CREATE FUNCTION hijacked() RETURNS int LANGUAGE plpgsql SET search_path = other, public AS 'BEGIN RETURN public.f(); END'",
    .bad = (const char *const[]){"CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT a FROM secret'", NULL},
    .good = (const char *const[]){"CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
                                  "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT a FROM secret'", NULL},
    .check = check,
};
