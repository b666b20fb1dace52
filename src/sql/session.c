/* session.c: what of a statement outlives its transaction, in the session. Behind a pooler in transaction mode that session belongs to
 * whoever comes next.
 * Source  https://www.pgbouncer.org/features.html, "SQL feature map for pooling modes" */
#include "sql/nodes.h"

#include "sql/internal.h"

static const char *of_set(const VariableSetStmt *vs, struct pr_arena *a) {
    if (vs->is_local || pr_starts(vs->name != NULL ? vs->name : "", "TRANSACTION")) return NULL;
    if (vs->kind == VAR_RESET_ALL || vs->name == NULL) return "every setting";
    return pr_fmt(a, "the setting %s", vs->name);
}

static bool is_true(const Node *n) {
    const A_Const *k = pr_as(A_Const, n);
    return k != NULL && !k->isnull && nodeTag(&k->val) == T_Boolean && boolVal(&k->val);
}

/* A call that takes a lock of the session, or sets a setting of it. */
static const char *of_call(const FuncCall *f) {
    static const char *const locks[] = {"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared"};
    const char *name = strVal(llast(f->funcname));
    if (pr_eq(name, "set_config") && list_length(f->args) == 3 && !is_true(lthird(f->args))) return "what set_config sets";
    for (size_t i = 0; i < PR_COUNT(locks); i++)
        if (pr_eq(name, locks[i])) return "an advisory lock of the session";
    return NULL;
}

static bool find_call(Node *n, void *ctx) {
    const char **out = ctx;
    const FuncCall *f = pr_as(FuncCall, n);
    if (f != NULL && *out == NULL) *out = of_call(f);
    return n != NULL && *out == NULL && pr_tree_walk(n, find_call, ctx);
}

static bool is_temp(const RangeVar *rv) { return rv != NULL && rv->relpersistence == 't'; }

/* The temporary relation that a statement makes and that COMMIT does not drop. */
static const RangeVar *temp_of(const Node *n) {
    const CreateStmt *ct = pr_as(CreateStmt, n);
    const CreateTableAsStmt *as = pr_as(CreateTableAsStmt, n);
    const SelectStmt *q = pr_as(SelectStmt, n);
    const IntoClause *into = as != NULL ? as->into : q != NULL ? q->intoClause : NULL;
    const RangeVar *rv = ct != NULL ? ct->relation : into != NULL ? into->rel : NULL;
    const OnCommitAction end = ct != NULL ? ct->oncommit : into != NULL ? into->onCommit : ONCOMMIT_NOOP;
    return is_temp(rv) && end != ONCOMMIT_DROP ? rv : NULL;
}

const char *pr_stmt_leaves(const struct pr_stmt *s, struct pr_arena *a) {
    const Node *n = s->node;
    const char *by_call = NULL;
    if (n == NULL) return NULL;
    switch ((int)nodeTag(n)) {
    case T_VariableSetStmt: return of_set(pr_cast(VariableSetStmt, n), a);
    case T_ListenStmt: return pr_fmt(a, "LISTEN %s", pr_cast(ListenStmt, n)->conditionname);
    case T_UnlistenStmt: return "what the session listens to";
    case T_PrepareStmt: return pr_fmt(a, "the prepared statement %s", pr_cast(PrepareStmt, n)->name);
    case T_LoadStmt: return "a library";
    case T_DiscardStmt: return "everything that the session had";
    case T_DeclareCursorStmt:
        return (pr_cast(DeclareCursorStmt, n)->options & CURSOR_OPT_HOLD) != 0 ? pr_fmt(a, "the cursor %s", pr_cast(DeclareCursorStmt, n)->portalname) : NULL;
    default: break;
    }
    if (temp_of(n) != NULL) return pr_fmt(a, "the temporary table %s", temp_of(n)->relname);
    (void)find_call((Node *)(uintptr_t)n, &by_call);
    return by_call;
}

static bool drops(const Node *n, const char *table) {
    const DropStmt *ds = pr_as(DropStmt, n);
    ListCell *lc;
    if (ds == NULL || ds->removeType != OBJECT_TABLE) return false;
    foreach (lc, ds->objects)
        if (pr_eq(strVal(llast(pr_cast(List, lfirst(lc)))), table)) return true;
    return false;
}

static bool unlocks(const struct pr_stmt *s, struct pr_arena *a) {
    struct pr_called *calls = NULL;
    const size_t n = pr_stmt_calls(s, a, &calls);
    for (size_t i = 0; i < n; i++)
        if (pr_starts(calls[i].name, "pg_advisory_unlock")) return true;
    return false;
}

bool pr_stmt_cleared(const struct pr_script *script, size_t i, struct pr_arena *a) {
    const Node *n = script->stmts[i].node;
    const RangeVar *temp = n != NULL ? temp_of(n) : NULL;
    const char *left = NULL;
    if (n != NULL && temp == NULL && !IsA(n, VariableSetStmt)) (void)find_call((Node *)(uintptr_t)n, &left);
    const bool locked = left != NULL && strstr(left, "lock") != NULL;
    for (size_t k = i + 1; k < script->n; k++) {
        const struct pr_stmt *later = &script->stmts[k];
        if (temp != NULL && later->node != NULL && drops(later->node, temp->relname)) return true;
        if (locked && unlocks(later, a)) return true;
    }
    return false;
}
