#include "sql/nodes.h"

#include "rules/help.h"

struct search { const char *value; };

static bool has_literal(Node *node, void *context) {
    const struct search *s = context;
    if (node == NULL) return false;
    if (IsA(node, A_Const)) {
        const A_Const *k = (const A_Const *)(const void *)node;
        return !k->isnull && nodeTag(&k->val) == T_String && pr_eq(strVal(&k->val), s->value);
    }
    return pr_tree_walk(node, has_literal, context);
}

/* Was the type made in this transaction? From 17 on its values are safe at once. */
static bool type_is_new(const struct pr_rule_ctx *c, const char *type) {
    for (int i = c->so_far.first; i < c->stmt->index; i++) {
        const void *node = c->script->stmts[i].node;
        if (node == NULL || !IsA(node, CreateEnumStmt)) continue;
        if (pr_eq(strVal(llast(((const CreateEnumStmt *)node)->typeName)), type)) return true;
    }
    return false;
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_in_tx(c) || IsA(c->node, AlterEnumStmt) || IsA(c->node, TransactionStmt)) return;
    if (c->so_far.enum_value < 0) return;
    for (int i = c->so_far.enum_value; i < c->stmt->index; i++) {
        const void *node = c->script->stmts[i].node;
        if (node == NULL || !IsA(node, AlterEnumStmt)) continue;
        const AlterEnumStmt *ae = node;
        const char *type = strVal(llast(ae->typeName));
        struct search s = {.value = ae->newVal};
        if (ae->oldVal != NULL || !has_literal((Node *)(uintptr_t)c->node, &s)) continue;
        if (type_is_new(c, type) && c->version_num >= 170000) continue;
        const struct pr_span at = {.offset = c->stmt->offset, .len = c->stmt->len};
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "%s is used in the transaction that adds it to %s", pr_quote_literal(PR_A(c), ae->newVal), pr_id(c, type)),
            .what = "It fails with 55P04: a new enum value may only be used after the transaction that added it has committed."});
        return;
    }
}

PR_RULE(enum_add_value_use_same_tx) = {
    .id = "enum-add-value-use-same-tx", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "a new enum value is used in the transaction that adds it",
    .why = "It fails with 55P04, unsafe use of new value, until the transaction that added it has committed. From 17 on a type made in the same transaction is free of that.",
    .safe_way = "ALTER TYPE … ADD VALUE in a migration of its own, and its use in the next one.",
    .source = "https://www.postgresql.org/docs/current/sql-altertype.html#SQL-ALTERTYPE-NOTES",
    .claim = {.fails = "55P04"},
    .setup = "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE TABLE t (m mood)",
    .bad = (const char *const[]){"ALTER TYPE mood ADD VALUE 'good'; INSERT INTO t VALUES ('good')", "ALTER TYPE mood ADD VALUE 'good'; ALTER TABLE t ALTER m SET DEFAULT 'good'", NULL},
    .good = (const char *const[]){"ALTER TYPE mood ADD VALUE 'good'", "ALTER TYPE mood ADD VALUE 'good'; INSERT INTO t VALUES ('ok')", NULL},
    .check = check,
};
