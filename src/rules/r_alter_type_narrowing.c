#include "sql/nodes.h"

#include "rules/help.h"

static int mod_of(const TypeName *t, int nth) {
    const Node *n = list_length(t->typmods) > nth ? list_nth(t->typmods, nth) : NULL;
    const A_Const *k = n != NULL && IsA(n, A_Const) ? (const A_Const *)(const void *)n : NULL;
    return k != NULL && !k->isnull && nodeTag(&k->val) == T_Integer ? intVal(&k->val) : -1;
}

/* What holds for a value that does not fit; NULL when it cannot be said in general. */
static const char *misfit(const struct pr_rule_ctx *c, const TypeName *t, const char *col) {
    const char *type = pr_type_name(t);
    const int mod = mod_of(t, 0);
    if (pr_eq(type, "int4")) return pr_fmt(PR_A(c), "%s NOT BETWEEN -2147483648 AND 2147483647", col);
    if (pr_eq(type, "int2")) return pr_fmt(PR_A(c), "%s NOT BETWEEN -32768 AND 32767", col);
    if (pr_eq(type, "numeric") && mod > 0) return pr_fmt(PR_A(c), "abs(%s) >= 10::numeric ^ %d", col, mod - (mod_of(t, 1) > 0 ? mod_of(t, 1) : 0));
    if ((pr_eq(type, "varchar") || pr_eq(type, "bpchar")) && mod > 0) return pr_fmt(PR_A(c), "length(rtrim(%s::text)) > %d", col, mod);
    return NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *def = (const ColumnDef *)(const void *)cmd->def;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *has = r != NULL ? pr_find_col(r, cmd->name) : NULL;
    if (!pr_eq(c->fp->fails_sqlstate, "22000") || c->fp->certain_fail || has == NULL || strstr(c->fp->fails_why, pr_fmt(PR_A(c), "\"%s\"", cmd->name)) == NULL) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name), *type = pr_type_text(c, def->typeName), *where = misfit(c, def->typeName, col);
    const struct pr_span word = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "%s.%s from %s to %s fails on the first value that does not fit", t, col, has->type, type),
        .what = pr_fmt(PR_A(c), "It passes on the small tables of tests. Afterwards the running application fails when it writes a value that only %s holds.", has->type),
        .safe_sql = where == NULL ? NULL : pr_fmt(PR_A(c), "-- before; an answer is a row that is in the way:\nSET statement_timeout = '30s';\nSELECT %s FROM %s WHERE %s LIMIT 1;", col, t, where)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_narrowing) = {
    .id = "alter-type-narrowing", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a narrower type fails on the first value that does not fit",
    .why = "One value that is too large or too long aborts the migration, after the table was half written anew; and the application that still writes such values fails afterwards.",
    .safe_way = "Ask the data first with a query that has a time limit, and add a CHECK that keeps new values small; then the new column, filled in batches.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DATA-TYPE",
    .claim = {.fails = "22003"},
    .setup = "CREATE TABLE t (a bigint, n numeric(20,2), s int); INSERT INTO t SELECT 5000000000 + i, 5000000000 + i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE int", "ALTER TABLE t ALTER n TYPE numeric(8,2)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN s TYPE bigint", "ALTER TABLE t ALTER n TYPE numeric(30,2)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
