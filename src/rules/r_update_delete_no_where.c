#include "sql/nodes.h"

#include "project/backfills.h"
#include "rules/help.h"

/* WHERE true, WHERE 1 = 1. */
static bool is_tautology(const Node *where) {
    if (where == NULL) return true;
    if (IsA(where, A_Const)) {
        const A_Const *k = (const A_Const *)(const void *)where;
        return !k->isnull && nodeTag(&k->val) == T_Boolean && boolVal(&k->val);
    }
    if (!IsA(where, A_Expr)) return false;
    const A_Expr *x = (const A_Expr *)(const void *)where;
    if (x->kind != AEXPR_OP || x->lexpr == NULL || x->rexpr == NULL || !IsA(x->lexpr, A_Const) || !IsA(x->rexpr, A_Const)) return false;
    const A_Const *l = (const A_Const *)(const void *)x->lexpr, *r = (const A_Const *)(const void *)x->rexpr;
    return pr_eq(strVal(llast(x->name)), "=") && nodeTag(&l->val) == T_Integer && nodeTag(&r->val) == T_Integer && intVal(&l->val) == intVal(&r->val);
}

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const char *verb) {
    if (pr_is_new(c, rv) || (c->migration != NULL && c->migration->up.path != NULL && pr_is_backfill(c->migration->up.path))) return;
    const struct pr_rel *r = pr_rel_of(c, rv);
    if (pr_is_empty(r)) return;
    const int64_t cap = c->config != NULL ? c->config->max_inline_rows : 50000;
    const bool small = r != NULL && r->rows_trusted && r->rows <= cap;
    const char *rows = r != NULL && r->rows_trusted ? pr_fmt(PR_A(c), " (about %s)", pr_human_count(PR_A(c), r->rows)) : "";
    const struct pr_span at = pr_word_at(c, rv->relname, 0);
    pr_report(c, &(struct pr_hit){.level = small ? PR_NOTE : PR_WARNING, .offset = at.offset, .len = at.len, .unknown_size = r == NULL || !r->rows_trusted,
        .title = pr_fmt(PR_A(c), "%s of every row of %s%s", verb, pr_rv_name(c, rv), rows),
        .what = pr_fmt(PR_A(c), "Each row stays locked until commit: whoever writes to one of them waits; the old versions stay as bloat, and all of it is one burst of WAL.")});
}

static void check(const struct pr_rule_ctx *c) {
    if (IsA(c->node, UpdateStmt)) {
        const UpdateStmt *us = c->node;
        if (us->fromClause == NIL && is_tautology(us->whereClause)) report(c, us->relation, "UPDATE");
    } else if (IsA(c->node, DeleteStmt)) {
        const DeleteStmt *ds = c->node;
        if (ds->usingClause == NIL && is_tautology(ds->whereClause)) report(c, ds->relation, "DELETE");
    }
}

PR_RULE(update_delete_no_where) = {
    .id = "update-delete-no-where", .family = PR_F_LOSS, .level = PR_WARNING,
    .title = "UPDATE or DELETE of every row",
    .why = "Each row stays locked until commit; the old versions stay as bloat; all of it is one burst of WAL. And often the WHERE was only forgotten.",
    .safe_way = "Say which rows; many of them in batches by primary key (pgrail backfill).",
    .source = "https://www.postgresql.org/docs/current/sql-update.html",
    .claim = {.lock = PR_ROW_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"UPDATE t SET b = 1", "DELETE FROM t", "DELETE FROM t WHERE true", "UPDATE t SET b = 2 WHERE 1 = 1", NULL},
    .good = (const char *const[]){"UPDATE t SET b = 1 WHERE a = 3", "CREATE TABLE n (a int); DELETE FROM n", NULL},
    .check = check,
};
