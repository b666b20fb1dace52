#include "sql/nodes.h"

#include "rules/convention.h"

static bool has_column(const CreateStmt *cs, const char *name) {
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const ColumnDef *col = pr_as(ColumnDef, lfirst(lc));
        if (col != NULL && pr_eq(col->colname, name)) return true;
    }
    return false;
}

/* Every column is part of the key: such a table only joins two others. */
static bool only_joins(const CreateStmt *cs) {
    int columns = 0, keys = 0;
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const Constraint *con = pr_as(Constraint, lfirst(lc));
        columns += IsA(lfirst(lc), ColumnDef);
        if (con != NULL && con->contype == CONSTR_PRIMARY) keys = list_length(con->keys);
    }
    return keys > 1 && keys == columns;
}

static void check(const struct pr_rule_ctx *c) {
    const CreateStmt *cs = pr_new_table(c);
    if (pr_asked(c)->columns == NULL || cs == NULL || only_joins(cs)) return;
    const char **wanted = NULL;
    const size_t n = pr_split(PR_A(c), pr_asked(c)->columns, ',', &wanted);
    struct pr_buf lacks = {.a = PR_A(c)};
    for (size_t i = 0; i < n; i++)
        if (wanted[i][0] != '\0' && !has_column(cs, wanted[i])) pr_addf(&lacks, "%s%s", lacks.len > 0 ? ", " : "", pr_id(c, wanted[i]));
    if (lacks.len == 0) return;
    const struct pr_span at = pr_word_at(c, cs->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "the table %s lacks what tables here have: %s", pr_rv_name(c, cs->relation), pr_buf_text(&lacks))});
}

PR_RULE(convention_columns) = {
    .id = "convention-columns", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a table without a column that the project's tables have",
    .why = "What every other table has is relied on: by the application's base class, by exports, by whoever asks when a row came or whether it is deleted.",
    .safe_way = "Add the columns that [conventions] columns names; a table whose columns are all part of its key needs none.",
    .source = "https://www.postgresql.org/docs/current/ddl-basics.html",
    .conventions = "columns = created_at, updated_at",
    .claim = {.query = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname IN ('created_at', 'updated_at')", .answer = "1"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"CREATE TABLE c (id bigint PRIMARY KEY, created_at timestamptz)", NULL},
    .good = (const char *const[]){"CREATE TABLE c (id bigint PRIMARY KEY, created_at timestamptz, updated_at timestamptz)", "CREATE TABLE c (a int, b int, PRIMARY KEY (a, b))",
                                  "CREATE TABLE c (LIKE t)", "CREATE TEMP TABLE c (a int)", "ALTER TABLE t ADD COLUMN b int", NULL},
    .check = check,
};
