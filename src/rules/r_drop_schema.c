#include "sql/nodes.h"

#include "rules/help.h"

/* What the server has in the schema, whether or not its facts were read. Gives back how many. */
static size_t inside(const struct pr_rule_ctx *c, const char *schema, const char ***out) {
    const size_t n_schema = strlen(schema);
    size_t n = 0, cap = 0;
    const char **items = NULL;
    for (size_t i = 0; c->facts != NULL && i < c->facts->n_all_relations; i++) {
        const char *full = c->facts->all_relations[i];
        if (strncmp(full, schema, n_schema) == 0 && full[n_schema] == '.') *PR_PUSH(PR_A(c), items, n, cap) = full + n_schema + 1;
    }
    for (size_t i = 0; c->facts != NULL && i < c->facts->n_rels && n == 0; i++)       /* facts of a world have no such list */
        if (pr_eq(c->facts->rels[i].schema, schema)) *PR_PUSH(PR_A(c), items, n, cap) = c->facts->rels[i].name;
    *out = items;
    return n;
}

static bool is_made_here(const struct pr_rule_ctx *c, const char *schema) {
    for (int i = c->stmt->index - 1; i >= 0; i--) {
        const CreateSchemaStmt *cs = pr_as(CreateSchemaStmt, (const Node *)c->script->stmts[i].node);
        if (cs != NULL && pr_eq(cs->schemaname, schema)) return true;
    }
    return false;
}

static void report(const struct pr_rule_ctx *c, const char *schema) {
    const char **items = NULL;
    const size_t n = inside(c, schema, &items);
    if ((n == 0 && c->facts != NULL) || is_made_here(c, schema)) return;
    const char *s = pr_id(c, schema);
    const char *what = n > 0 ? pr_fmt(PR_A(c), "Its %zu relations go with it, with their rows and with all that leans on them in other schemas: %s. Only a backup brings them back.",
                                      n, pr_some(c, items, n))
                             : "Every table in it goes with it, with its rows and with all that leans on it in other schemas. Only a backup brings them back.";
    const struct pr_span at = pr_word_at(c, schema, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .what = what,
        .title = pr_fmt(PR_A(c), "DROP SCHEMA %s CASCADE drops everything in it", s),
        .safe_sql = pr_fmt(PR_A(c), "-- each of its tables by a statement of its own, and then, which fails while anything is left:\nDROP SCHEMA %s;", s)});
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    if (ds == NULL || ds->removeType != OBJECT_SCHEMA || ds->behavior != DROP_CASCADE) return;
    ListCell *lc;
    foreach (lc, ds->objects) report(c, strVal(lfirst(lc)));
}

PR_RULE(drop_schema) = {
    .id = "drop-schema", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "DROP SCHEMA … CASCADE drops every table in it",
    .why = "All tables, views, functions and types in it go, and what leans on them elsewhere, also what was added after this was written. ACCESS EXCLUSIVE on each of them.",
    .safe_way = "Drop what should go by name, then DROP SCHEMA without CASCADE, which fails while anything is left in it.",
    .source = "https://www.postgresql.org/docs/current/sql-dropschema.html",
    .claim = {.on = "s.t", .lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT to_regclass('s.t') IS NULL", .answer = "t"},
    .setup = "CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (1)",
    .bad = (const char *const[]){"DROP SCHEMA s CASCADE", "DROP SCHEMA IF EXISTS s CASCADE", NULL},
    .good = (const char *const[]){"CREATE SCHEMA n; DROP SCHEMA n CASCADE", "DROP TABLE s.t; DROP SCHEMA s", NULL},
    .check = check,
};
