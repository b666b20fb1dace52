#include "sql/nodes.h"

#include "rules/convention.h"

static bool is_snake_case(const char *s) {
    if (!((*s >= 'a' && *s <= 'z') || *s == '_')) return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

/* invoiceItems, InvoiceItems and "invoice items" as invoice_items. */
static const char *snake(struct pr_arena *a, const char *s) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; s[i] != '\0'; i++) {
        const bool upper = s[i] >= 'A' && s[i] <= 'Z', before = i > 0 && ((s[i - 1] >= 'a' && s[i - 1] <= 'z') || (s[i - 1] >= '0' && s[i - 1] <= '9'));
        const bool plain = upper || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_' || (unsigned char)s[i] >= 0x80;
        const char ch = upper ? (char)(s[i] - 'A' + 'a') : plain ? s[i] : '_';
        if (upper && before) pr_add(&b, "_");
        pr_addn(&b, &ch, 1);
    }
    return pr_buf_text(&b);
}

static void report(const struct pr_rule_ctx *c, const char *what, const char *name) {
    if (name == NULL || is_snake_case(name)) return;
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s %s is not written as here: %s", what, pr_quote_ident(PR_A(c), name), snake(PR_A(c), name))});
}

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col) {
    (void)rv;
    (void)table;
    report(c, "the column", col->colname);
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_eq(pr_asked(c)->names, "snake_case")) return;
    const CreateStmt *cs = pr_as(CreateStmt, c->node);
    if (cs != NULL && cs->relation->relpersistence != RELPERSISTENCE_TEMP) report(c, "the table", cs->relation->relname);
    const ViewStmt *vs = pr_as(ViewStmt, c->node);
    if (vs != NULL) report(c, "the view", vs->view->relname);
    pr_each_new_column(c, judge);
}

PR_RULE(convention_names) = {
    .id = "convention-names", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a name of another form than the project's",
    .why = "A name with capitals or blanks must be quoted in every statement for ever: without quotes it is folded to lower case and not found.",
    .safe_way = "Write the name in snake_case.",
    .source = "https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS",
    .conventions = "names = snake_case",
    .claim = {.query = "SELECT count(*) FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'public'::regnamespace AND (c.relname <> "
                       "lower(c.relname) OR a.attname <> lower(a.attname))", .answer = "1"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"CREATE TABLE \"InvoiceItems\" (a int)", "ALTER TABLE t ADD COLUMN \"unitPrice\" int", "CREATE VIEW \"V\" AS SELECT a FROM t", NULL},
    .good = (const char *const[]){"CREATE TABLE InvoiceItems (unit_price int)", "ALTER TABLE t ADD COLUMN unit_price2 int", NULL},
    .check = check,
};
