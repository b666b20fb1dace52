#include "sql/nodes.h"

#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const TypeName *type) {
    const char *schema = NULL, *name = NULL;
    const char *shown = pr_dotted(c, type->names, &schema, &name);
    const struct pr_typ *t = c->facts != NULL ? pr_find_type(c->facts, schema, name) : NULL;
    if (c->facts != NULL && (t == NULL || t->n_used_by == 0)) return;
    const char *what = t != NULL ? pr_fmt(PR_A(c), "With the type go these columns and their values, in every row: %s.", pr_some(c, t->used_by, t->n_used_by))
                                 : "Every column of the type goes with it, with its values, in every table.";
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = t != NULL ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len, .what = what,
        .title = pr_fmt(PR_A(c), "DROP TYPE %s CASCADE drops the columns that have it", shown),
        .safe_sql = pr_fmt(PR_A(c), "-- the columns first, each by a migration of its own, and then, which fails while one is left:\nDROP %s %s;",
                           ((const DropStmt *)c->node)->removeType == OBJECT_DOMAIN ? "DOMAIN" : "TYPE", shown)});
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    if (ds == NULL || (ds->removeType != OBJECT_TYPE && ds->removeType != OBJECT_DOMAIN) || ds->behavior != DROP_CASCADE) return;
    ListCell *lc;
    foreach (lc, ds->objects) report(c, lfirst_node(TypeName, lc));
}

PR_RULE(drop_type) = {
    .id = "drop-type", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "DROP TYPE … CASCADE drops the columns that have the type",
    .why = "Columns, function arguments and defaults of the type go with it, values and all, and each table is locked ACCESS EXCLUSIVE. Without CASCADE the server refuses instead.",
    .safe_way = "Move the columns to another type first, then drop the type without CASCADE.",
    .source = "https://www.postgresql.org/docs/current/sql-droptype.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'", .answer = "0"},
    .setup = "CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE TABLE t (a mood, b int); CREATE TYPE unused AS ENUM ('x'); INSERT INTO t VALUES ('sad', 1)",
    .bad = (const char *const[]){"DROP TYPE mood CASCADE", "DROP TYPE IF EXISTS mood CASCADE", NULL},
    .good = (const char *const[]){"DROP TYPE unused CASCADE", "ALTER TABLE t DROP COLUMN a; DROP TYPE mood", NULL},
    .check = check,
};
