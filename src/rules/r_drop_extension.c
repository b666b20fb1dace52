#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    if (ds == NULL || ds->removeType != OBJECT_EXTENSION) return;
    const bool cascade = ds->behavior == DROP_CASCADE;
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *name = strVal(lfirst(lc)), *x = pr_id(c, name);
        const struct pr_span at = pr_word_at(c, name, 0);
        pr_report(c, &(struct pr_hit){.level = cascade ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), cascade ? "DROP EXTENSION %s CASCADE drops what is built with it" : "dropping extension %s takes its functions, types and tables away", x),
            .what = cascade ? "Columns of its types, indexes of its operator classes, functions in its language: all go with it, without asking."
                            : "Tables that belong to it lose their rows. Functions whose body only names it fail when they are called: the server does not look into them.",
            .safe_sql = cascade ? pr_fmt(PR_A(c), "DROP EXTENSION %s;  -- refused while anything in the catalog leans on it", x) : NULL});
    }
}

PR_RULE(drop_extension) = {
    .id = "drop-extension", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "dropping an extension takes away what it brought, and with CASCADE what was built with it",
    .why = "Its functions, types, operators and tables go, with the rows of those tables. With CASCADE also columns of its types and indexes of its operator classes.",
    .safe_way = "Find who uses it (pg_depend, and function bodies, which are not in it), move them off, then drop it without CASCADE.",
    .source = "https://www.postgresql.org/docs/current/sql-dropextension.html",
    .claim = {.query = "SELECT count(*) FROM pg_extension WHERE extname = 'plpgsql'", .answer = "0"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"DROP EXTENSION plpgsql CASCADE", "DROP EXTENSION plpgsql", NULL},
    .good = (const char *const[]){"CREATE EXTENSION IF NOT EXISTS plpgsql", "DROP TABLE t", NULL},
    .check = check,
};
