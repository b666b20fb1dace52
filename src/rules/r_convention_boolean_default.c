#include "sql/nodes.h"

#include "rules/convention.h"

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col) {
    (void)table;
    if (!pr_eq(pr_type_word(col), "bool") && !pr_eq(pr_type_word(col), "boolean")) return;
    const bool filled = pr_column_constraint(col, CONSTR_DEFAULT) != NULL || pr_column_constraint(col, CONSTR_GENERATED) != NULL;
    const bool not_null = pr_column_constraint(col, CONSTR_NOTNULL) != NULL;
    if (filled && not_null) return;
    const struct pr_span at = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "the boolean %s.%s %s", pr_rv_name(c, rv), pr_id(c, col->colname),
                        filled ? "may be null" : not_null ? "has no default" : "may be null and has no default")});
}

static void check(const struct pr_rule_ctx *c) {
    if (pr_asked(c)->boolean_default) pr_each_new_column(c, judge);
}

PR_RULE(convention_boolean_default) = {
    .id = "convention-boolean-default", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a boolean column that may be null or has no default",
    .why = "A boolean that may be null has three values: WHERE NOT flag leaves the rows out of which nobody said anything.",
    .safe_way = "NOT NULL DEFAULT false, or true.",
    .source = "https://www.postgresql.org/docs/current/datatype-boolean.html",
    .conventions = "boolean_default = yes",
    .claim = {.query = "SELECT count(*) FROM pg_attribute WHERE attrelid IN ('t'::regclass, coalesce(to_regclass('c'), 't')) AND atttypid = 'bool'::regtype AND NOT (attnotnull AND atthasdef)",
              .answer = "1"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN done boolean", "CREATE TABLE c (a int, done bool NOT NULL)", "ALTER TABLE t ADD COLUMN done boolean DEFAULT false", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN done boolean NOT NULL DEFAULT false", "CREATE TABLE c (a int, flags boolean[])", NULL},
    .check = check,
};
