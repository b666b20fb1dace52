#include "sql/nodes.h"

#include "rules/help.h"

/* What the table that is there has otherwise; NULL when it has the column as it is written here. */
static const char *difference(const struct pr_rule_ctx *c, const struct pr_rel *r, const ColumnDef *col) {
    const struct pr_col *has = pr_find_col(r, col->colname);
    if (has == NULL) return pr_fmt(PR_A(c), "it has no %s", pr_id(c, col->colname));
    const char *wanted = col->typeName != NULL ? pr_world_type(c->before, col->typeName) : NULL;
    if (wanted == NULL || has->type == NULL || pr_eq(wanted, has->type)) return NULL;
    return pr_fmt(PR_A(c), "its %s is %s, not %s", pr_id(c, col->colname), has->type, wanted);
}

static void check(const struct pr_rule_ctx *c) {
    const CreateStmt *cs = pr_as(CreateStmt, (const Node *)c->node);
    if (cs == NULL || !cs->if_not_exists || cs->ofTypename != NULL || cs->partbound != NULL) return;
    const struct pr_rel *r = pr_rel_of(c, cs->relation);
    if (r == NULL || r->n_cols == 0 || pr_is_new(c, cs->relation)) return;
    const char *t = pr_rv_name(c, cs->relation);
    size_t n = 0, cap = 0;
    const char **items = NULL, *add = NULL;
    if (r->kind != 'r' && r->kind != 'p') *PR_PUSH(PR_A(c), items, n, cap) = pr_fmt(PR_A(c), "it is a %s", pr_rel_kind_name(r->kind));
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const ColumnDef *col = pr_as(ColumnDef, lfirst(lc));
        const char *diff = col != NULL && n == 0 ? difference(c, r, col) : col != NULL && (r->kind == 'r' || r->kind == 'p') ? difference(c, r, col) : NULL;
        if (diff == NULL) continue;
        *PR_PUSH(PR_A(c), items, n, cap) = diff;
        if (add == NULL && pr_find_col(r, col->colname) == NULL)
            add = pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;  -- what is missing, as a migration that says so", t, pr_id(c, col->colname), pr_type_text(c, col->typeName));
    }
    if (n == 0) return;
    const struct pr_span at = pr_word_at(c, cs->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .safe_sql = add,
        .title = pr_fmt(PR_A(c), "%s is there already and differs: %s", t, pr_some(c, items, n)),
        .what = "IF NOT EXISTS looks at the name alone: the statement does nothing and reports success, and what needs the new shape fails later."});
}

PR_RULE(create_table_if_not_exists_mismatch) = {
    .id = "create-table-if-not-exists-mismatch", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "CREATE TABLE IF NOT EXISTS over a table that is different",
    .why = "The server looks at the name alone: the table stays as it is, the migration counts as applied, and the application meets a shape that nobody wrote down.",
    .safe_way = "Leave IF NOT EXISTS out, so that the clash is seen; to change the table that is there, ALTER TABLE.",
    .source = "https://www.postgresql.org/docs/current/sql-createtable.html",
    .claim = {.query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'", .answer = "integer"},
    .setup = "CREATE TABLE t (a int, b varchar(20)); INSERT INTO t VALUES (1, 'x')",
    .bad = (const char *const[]){"CREATE TABLE IF NOT EXISTS t (a bigint, b varchar(20))", "CREATE TABLE IF NOT EXISTS t (a int, b varchar(20), c text)", NULL},
    .good = (const char *const[]){"CREATE TABLE IF NOT EXISTS t (a int, b varchar(20))", "CREATE TABLE IF NOT EXISTS t (a int4)", "CREATE TABLE IF NOT EXISTS n (a text)", NULL},
    .needs_facts = true, .check = check,
};
