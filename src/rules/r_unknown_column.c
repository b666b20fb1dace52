#include "sql/nodes.h"

#include "rules/help.h"

static bool is_system_column(const char *name) {
    static const char *const names[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
    for (size_t i = 0; i < PR_COUNT(names); i++)
        if (pr_eq(name, names[i])) return true;
    return false;
}

static bool made_here(const struct pr_column_name *cols, size_t n, const struct pr_column_name *wanted) {
    for (size_t i = 0; i < n; i++)
        if (cols[i].created && pr_eq(cols[i].relation, wanted->relation) && pr_eq(cols[i].column, wanted->column)) return true;
    return false;
}

/* The statement with the nearest real name in its place. */
static const char *mended(const struct pr_rule_ctx *c, const struct pr_column_name *col, const char *right) {
    if (col->offset < c->stmt->offset || col->offset - c->stmt->offset > c->stmt->len) return NULL;
    const size_t before = col->offset - c->stmt->offset, quoted = c->script->text[col->offset] == '"' ? 2 : 0;
    const size_t after = before + strlen(col->column) + quoted;
    if (after > c->stmt->len) return NULL;
    return pr_fmt(PR_A(c), "%.*s%s%s;", (int)before, c->stmt->text, pr_id(c, right), c->stmt->text + after);
}

static void report(const struct pr_rule_ctx *c, const struct pr_rel *r, const struct pr_column_name *col) {
    struct pr_near *near = NULL;
    const size_t n = pr_near_columns(r, col->column, 3, PR_A(c), &near);
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < n; i++) pr_addf(&b, "%s%s (%s)", i > 0 ? ", " : "", near[i].name, near[i].detail != NULL ? near[i].detail : "?");
    const char *names = pr_buf_text(&b);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = col->offset, .len = strlen(col->column),
        .title = pr_fmt(PR_A(c), "%s has no column %s%s%s", pr_qualified(PR_A(c), NULL, r->name), pr_id(c, col->column),
                        n > 0 ? "; the nearest is " : "", n > 0 ? near[0].name : ""),
        .what = pr_fmt(PR_A(c), "It fails with 42703%s%s.", n > 0 ? ". The nearest real names: " : "", names),
        .safe_sql = n > 0 ? mended(c, col, near[0].name) : NULL});
}

static void check(const struct pr_rule_ctx *c) {
    struct pr_column_name *cols = NULL;
    const size_t n = pr_stmt_columns(c->stmt, PR_A(c), &cols);
    for (size_t i = 0; i < n; i++) {
        const struct pr_rel *r = pr_find_rel(c->facts, cols[i].schema, cols[i].relation);
        if (r == NULL || r->n_cols == 0 || r->shape_unknown || cols[i].created || cols[i].missing_ok) continue;
        if (pr_find_col(r, cols[i].column) != NULL || is_system_column(cols[i].column) || made_here(cols, n, &cols[i])) continue;
        if (!pr_body_may_know(c, cols[i].schema, cols[i].column)) report(c, r, &cols[i]);
    }
}

PR_RULE(unknown_column) = {
    .id = "unknown-column", .family = PR_F_GROUNDING, .level = PR_ERROR,
    .title = "a column that does not exist",
    .why = "The facts of the live schema do not have it: the statement fails with 42703.",
    .safe_way = "Use the real name: pgrail ground shows the columns with their types.",
    .source = "https://www.postgresql.org/docs/current/errcodes-appendix.html",
    .claim = {.fails = "42703"},
    .setup = "CREATE TABLE invoices (id int PRIMARY KEY, gross_total_cents bigint NOT NULL, paid_at timestamptz)",
    .bad = (const char *const[]){"ALTER TABLE invoices ALTER COLUMN total_amount SET NOT NULL", "CREATE INDEX ON invoices (paid_on)",
                                 "UPDATE invoices SET gross_total = 1 WHERE id = 3", NULL},
    .good = (const char *const[]){"CREATE INDEX ON invoices (paid_at)", "ALTER TABLE invoices ADD COLUMN vat int; UPDATE invoices SET vat = 1 WHERE id = 1",
                                  "ALTER TABLE invoices ADD COLUMN a int, ADD CHECK (a > 0)", "ALTER TABLE invoices DROP COLUMN IF EXISTS gone",
                                  "SELECT ctid, id FROM invoices", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
