#include "sql/nodes.h"

#include "rules/convention.h"

/* Words for the types that a key of one number or uuid has; NULL for any other: a natural key is no question of habit. */
static const char *key_type(const char *word) {
    static const struct { const char *word, *type; } words[] = {
        {"int8", "bigint"}, {"bigint", "bigint"}, {"bigserial", "bigint"}, {"serial8", "bigint"}, {"int4", "integer"}, {"int", "integer"},
        {"integer", "integer"}, {"serial", "integer"}, {"serial4", "integer"}, {"int2", "smallint"}, {"smallserial", "smallint"}, {"serial2", "smallint"}, {"uuid", "uuid"}};
    for (size_t i = 0; i < PR_COUNT(words); i++)
        if (pr_eq(words[i].word, word)) return words[i].type;
    return NULL;
}

/* Alone the primary key, by its own constraint or by the table's. */
static bool is_key(const CreateStmt *table, const ColumnDef *col) {
    if (pr_column_constraint(col, CONSTR_PRIMARY) != NULL) return true;
    ListCell *lc;
    foreach (lc, table->tableElts) {
        const Constraint *con = pr_as(Constraint, lfirst(lc));
        if (con != NULL && con->contype == CONSTR_PRIMARY && list_length(con->keys) == 1 && pr_eq(strVal(linitial(con->keys)), col->colname)) return true;
    }
    return false;
}

/* A key that refers to another one has that one's type. */
static bool refers(const CreateStmt *table, const ColumnDef *col) {
    if (pr_column_constraint(col, CONSTR_FOREIGN) != NULL) return true;
    ListCell *lc, *k;
    foreach (lc, table->tableElts) {
        const Constraint *con = pr_as(Constraint, lfirst(lc));
        if (con == NULL || con->contype != CONSTR_FOREIGN) continue;
        foreach (k, con->fk_attrs)
            if (pr_eq(strVal(lfirst(k)), col->colname)) return true;
    }
    return false;
}

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col) {
    const char *wanted = pr_asked(c)->key_type, *type = key_type(pr_type_word(col));
    if (table == NULL || type == NULL || pr_eq(type, wanted) || !is_key(table, col) || refers(table, col)) return;
    const struct pr_span at = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "the key %s.%s is %s, keys here are %s", pr_rv_name(c, rv), pr_id(c, col->colname), type, wanted)});
}

static void check(const struct pr_rule_ctx *c) {
    if (pr_asked(c)->key_type != NULL) pr_each_new_column(c, judge);
}

PR_RULE(convention_key_type) = {
    .id = "convention-key-type", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a primary key of another type than the project's",
    .why = "Keys are joined and kept in other tables' columns: two types of them mean casts, and an integer key ends at 2,147,483,647.",
    .safe_way = "Give the key the type that [conventions] key_type names.",
    .source = "https://www.postgresql.org/docs/current/datatype-numeric.html",
    .conventions = "key_type = bigint",
    .claim = {.query = "SELECT atttypid = 'bigint'::regtype FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname = 'id'", .answer = "f"},
    .setup = "CREATE TABLE t (id bigint PRIMARY KEY)",
    .bad = (const char *const[]){"CREATE TABLE c (id int PRIMARY KEY, a text)", "CREATE TABLE c (a text, id serial, PRIMARY KEY (id))", "CREATE TABLE c (id uuid PRIMARY KEY)", NULL},
    .good = (const char *const[]){"CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "CREATE TABLE c (id bigserial PRIMARY KEY, n int)",
                                  "CREATE TABLE c (code text PRIMARY KEY)", "CREATE TABLE c (a int, b int, PRIMARY KEY (a, b))", "CREATE TEMP TABLE c (id int PRIMARY KEY)", NULL},
    .check = check,
};
