#include "sql/nodes.h"

#include "rules/help.h"

static bool is_system(const struct pr_name *n) {
    return pr_eq(n->schema, "pg_catalog") || pr_eq(n->schema, "information_schema") || (n->schema == NULL && pr_starts(n->name, "pg_"));
}

/* A folder judged from nothing: by the time of its first migration, its runner has made the table that it keeps its history in. */
static bool is_runners(const struct pr_rule_ctx *c, const struct pr_name *n) {
    static const char *const tables[] = {"schema_migrations", "_sqlx_migrations", "__diesel_schema_migrations", "_prisma_migrations",
                                         "__drizzle_migrations", "goose_db_version", "flyway_schema_history"};
    for (size_t i = 0; c->facts->whole && i < PR_COUNT(tables); i++)
        if (pr_eq(n->name, tables[i])) return true;
    return false;
}

static bool is_known(const struct pr_rule_ctx *c, const struct pr_name *n) {
    if (pr_find_rel(c->facts, n->schema, n->name) != NULL || pr_world_created(c->before, n->schema, n->name) || pr_is_listed(c->facts, n->schema, n->name)) return true;
    const struct pr_idx *idx = NULL;
    return n->kind == PR_NAME_INDEX && pr_find_index_rel(c->facts, n->schema, n->name, &idx) != NULL;
}

static const char *nearest(const struct pr_rule_ctx *c, const struct pr_name *n) {
    struct pr_near *near = NULL;
    const size_t count = pr_near_relations(c->facts, n->name, 3, PR_A(c), &near);
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < count; i++)
        pr_addf(&b, "%s%s%s%s%s", i > 0 ? ", " : "", near[i].name, near[i].detail != NULL && near[i].detail[0] != '\0' ? " (" : "",
                near[i].detail != NULL ? near[i].detail : "", near[i].detail != NULL && near[i].detail[0] != '\0' ? ")" : "");
    return pr_buf_text(&b);
}

static void check(const struct pr_rule_ctx *c) {
    if (c->facts->n_all_relations == 0 && !c->facts->whole) return;     /* a partial file: an absent name proves nothing */
    if (pr_world_unseen(c->before)) return;                             /* something that is not known may have made it */
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(c->stmt, PR_A(c), &names);
    for (size_t i = 0; i < n; i++) {
        const struct pr_name *name = &names[i];
        const bool relation = name->kind == PR_NAME_RELATION || name->kind == PR_NAME_VIEW || (name->kind == PR_NAME_INDEX && c->facts->whole);
        if (!relation || name->role == PR_NAME_CREATED || name->missing_ok || is_system(name) || is_runners(c, name) || is_known(c, name)) continue;
        if (pr_body_may_know(c, name->schema, name->name)) continue;
        const char *near = nearest(c, name), *shown = pr_qualified(PR_A(c), name->schema, name->name);
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = name->offset, .len = strlen(name->name),
            .title = pr_fmt(PR_A(c), "there is no %s", shown),
            .what = pr_fmt(PR_A(c), "It fails with 42P01%s%s.", near[0] != '\0' ? ". The nearest real names: " : "", near)});
    }
}

PR_RULE(unknown_relation) = {
    .id = "unknown-relation", .family = PR_F_GROUNDING, .level = PR_ERROR,
    .title = "a table or view that does not exist",
    .why = "The facts of the live schema do not have it: the statement fails with 42P01.",
    .safe_way = "Use the real name (pgrail ground shows it), or create it in an earlier migration.",
    .source = "https://www.postgresql.org/docs/current/errcodes-appendix.html",
    .claim = {.fails = "42P01"},
    .setup = "CREATE TABLE invoices (id int, gross_total_cents bigint)",
    .bad = (const char *const[]){"ALTER TABLE invoice ADD COLUMN paid boolean", "UPDATE invoices_v2 SET id = 1", "CREATE INDEX ON invoce (id)", NULL},
    .good = (const char *const[]){"ALTER TABLE invoices ADD COLUMN paid boolean", "CREATE TABLE n (a int); UPDATE n SET a = 1",
                                  "WITH x AS (SELECT id FROM invoices) SELECT * FROM x", "SELECT count(*) FROM pg_class", "DROP TABLE IF EXISTS gone", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
