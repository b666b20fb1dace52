#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/orphans.h"

/* Who else is locked or broken: children and parents by foreign key, views. */
static const char *others(const struct pr_rule_ctx *c, const struct pr_rel *r) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; r != NULL && i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        if (con->type == 'f')
            pr_addf(&b, " Foreign key %s also takes ACCESS EXCLUSIVE on %s.", pr_id(c, con->name), pr_qualified(PR_A(c), NULL, con->ref_table));
    }
    for (size_t i = 0; r != NULL && i < r->n_deps; i++)
        pr_addf(&b, " %s %s depends on it.", r->deps[i].kind, pr_qualified(PR_A(c), r->deps[i].schema, r->deps[i].name));
    pr_add(&b, pr_orphan_losses(PR_A(c), c->facts, r, NULL));
    return pr_buf_text(&b);
}

static void report(const struct pr_rule_ctx *c, const DropStmt *ds, const List *names) {
    const char *schema = NULL, *name = NULL;
    const char *shown = pr_dotted(c, names, &schema, &name);
    if (pr_world_created(c->before, schema, name)) return;
    const struct pr_rel *r = c->facts != NULL ? pr_find_rel(c->facts, schema, name) : NULL;
    if (r == NULL && c->facts != NULL && ds->missing_ok) return;
    const char *size = r != NULL && r->total_bytes >= 0 ? pr_fmt(PR_A(c), " (%s%s)", r->rows_trusted ? pr_fmt(PR_A(c), "about %s rows, ", pr_human_count(PR_A(c), r->rows)) : "",
                                          pr_human_bytes(PR_A(c), r->total_bytes)) : "";
    const struct pr_span at = pr_word_at(c, name, 0);
    const char *old = pr_id(c, pr_object_name(c, name, NIL, "dropped"));
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "dropping table %s loses its data%s", shown, size),
        .what = pr_fmt(PR_A(c), "Only a backup brings it back, and the application that still names it fails with 42P01.%s", others(c, r)),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s RENAME TO %s;\n-- and when nobody has missed it:\nDROP TABLE %s;", shown, old,
                           pr_qualified(PR_A(c), schema, pr_object_name(c, name, NIL, "dropped")))});
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || (ds->removeType != OBJECT_TABLE && ds->removeType != OBJECT_MATVIEW)) return;
    ListCell *lc;
    foreach (lc, ds->objects) report(c, ds, lfirst(lc));
}

PR_RULE(drop_table) = {
    .id = "drop-table", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "dropping a table loses its data",
    .why = "Only a backup brings it back. Each foreign key of the table also takes ACCESS EXCLUSIVE on the table that it refers to.",
    .safe_way = "See in pg_stat_user_tables that nobody reads it, rename it, wait, then drop it; drop its foreign keys first, one by one.",
    .source = "https://www.postgresql.org/docs/current/sql-droptable.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"DROP TABLE t", "DROP TABLE IF EXISTS t", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); DROP TABLE n", "DROP VIEW IF EXISTS v", NULL},
    .check = check,
};
