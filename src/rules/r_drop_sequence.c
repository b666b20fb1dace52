#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    if (ds == NULL || ds->removeType != OBJECT_SEQUENCE || (c->fp->fails_sqlstate != NULL && c->fp->certain_fail)) return;
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *schema = NULL, *name = NULL;
        const char *shown = pr_dotted(c, lfirst(lc), &schema, &name);
        const struct pr_rel *r = pr_rel_named(c, schema, name);
        if (pr_world_created(c->before, schema, name) || (c->facts != NULL && r == NULL)) continue;
        const struct pr_span at = pr_word_at(c, name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "dropping sequence %s: where it stood is lost, and who calls nextval on it fails", shown),
            .safe_sql = pr_fmt(PR_A(c), "SELECT last_value FROM %s;  -- keep it: a new one must START beyond it", shown)});
    }
}

PR_RULE(drop_sequence) = {
    .id = "drop-sequence", .family = PR_F_LOSS, .level = PR_WARNING,
    .title = "dropping a sequence loses where it stood",
    .why = "The position is gone: one that is created anew begins at 1 and gives numbers a second time. An application or function that calls nextval on it fails with 42P01; "
           "only defaults of columns hold the drop up.",
    .safe_way = "See that nobody calls nextval on it, and keep its last_value.",
    .source = "https://www.postgresql.org/docs/current/sql-dropsequence.html",
    .claim = {.on = "s", .lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT to_regclass('s') IS NULL", .answer = "t"},
    .setup = "CREATE SEQUENCE s; SELECT nextval('s')",
    .bad = (const char *const[]){"DROP SEQUENCE s", "DROP SEQUENCE IF EXISTS s", NULL},
    .good = (const char *const[]){"CREATE SEQUENCE n; DROP SEQUENCE n", "ALTER SEQUENCE s RESTART WITH 100", NULL},
    .check = check,
};
