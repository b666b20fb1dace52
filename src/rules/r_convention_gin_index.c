#include "sql/nodes.h"

#include "rules/convention.h"

/* Does a GIN index of this script name the column, be it in an expression? */
static bool has_gin(const struct pr_rule_ctx *c, const RangeVar *rv, const char *column) {
    for (const struct pr_about *p = pr_about(c, PR_ABOUT_INDEXES, rv->relname); p != NULL; p = p->next) {
        const IndexStmt *is = pr_about_node(c, p);         /* those that are GIN stay */
        if (is == NULL || !pr_eq(is->accessMethod, "gin")) continue;
        struct pr_column_name *names = NULL;
        const size_t n = pr_stmt_columns(pr_about_stmt(c, p), PR_A(c), &names);
        for (size_t k = 0; k < n; k++)
            if (pr_eq(names[k].column, column)) return true;
    }
    return false;
}

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col) {
    (void)table;
    const char *type = pr_type_word(col), *asked = pr_asked(c)->gin_index;
    const bool ours = pr_eq(type, "tsvector") || pr_eq(type, "jsonb");
    if (!ours || (!pr_eq(asked, "both") && !pr_eq(asked, type)) || has_gin(c, rv, col->colname)) return;
    const struct pr_span at = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s.%s is %s and gets no GIN index", pr_rv_name(c, rv), pr_id(c, col->colname), type),
        .safe_sql = pr_fmt(PR_A(c), "CREATE INDEX CONCURRENTLY ON %s USING gin (%s);", pr_rv_name(c, rv), pr_id(c, col->colname))});
}

static void check(const struct pr_rule_ctx *c) {
    if (pr_asked(c)->gin_index != NULL) pr_each_new_column(c, judge);
}

PR_RULE(convention_gin_index) = {
    .id = "convention-gin-index", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a tsvector or jsonb column without a GIN index",
    .why = "A search in it (@@, @>, ?) reads and takes apart every row.",
    .safe_way = "CREATE INDEX … USING gin in the same migration, or in the next one with CONCURRENTLY.",
    .source = "https://www.postgresql.org/docs/current/textsearch-tables.html#TEXTSEARCH-TABLES-INDEX",
    .conventions = "gin_index = both",
    .claim = {.query = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%USING gin%'", .answer = "0"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN words tsvector", "CREATE TABLE c (id int, data jsonb)", "ALTER TABLE t ADD COLUMN data jsonb; CREATE INDEX ON t (a)", NULL},
    .good = (const char *const[]){"CREATE TABLE c (id int, data jsonb); CREATE INDEX ON c USING gin (data)", "ALTER TABLE t ADD COLUMN words tsvector; CREATE INDEX ON t USING gin (words)",
                                  "CREATE TABLE c (data json)", NULL},
    .check = check,
};
