/* help_timeout.c: which statements set lock_timeout, and whether to something that helps; which ones change the role. */
#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/judge.h"

/* "0", "0s", 0: for ever. */
static bool is_zero(const Node *n) {
    while (n != NULL && IsA(n, TypeCast)) n = pr_cast(TypeCast, n)->arg;
    const A_Const *k = pr_as(A_Const, n);
    if (k == NULL || k->isnull) return false;
    if (nodeTag(&k->val) == T_Integer) return intVal(&k->val) == 0;
    return nodeTag(&k->val) == T_String && strpbrk(strVal(&k->val), "123456789") == NULL;
}

int64_t pr_timeout_ms(const void *set) {
    static const struct { const char *unit; int64_t ms; } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {"", 1}};
    const VariableSetStmt *vs = pr_cast(VariableSetStmt, set);
    const A_Const *k = vs->kind == VAR_SET_VALUE && list_length(vs->args) == 1 ? pr_as(A_Const, (const Node *)linitial(vs->args)) : NULL;
    if (k == NULL || k->isnull) return -1;
    if (nodeTag(&k->val) == T_Integer) return intVal(&k->val);
    if (nodeTag(&k->val) != T_String) return -1;
    const char *s = strVal(&k->val);
    int64_t n = 0;
    while (*s == ' ') s++;
    if (*s < '0' || *s > '9') return -1;
    for (; *s >= '0' && *s <= '9'; s++) n = pr_sat_add(pr_sat_mul(n, 10), *s - '0');
    while (*s == ' ') s++;
    for (size_t i = 0; i < PR_COUNT(units); i++)
        if (pr_eq(s, units[i].unit)) return pr_sat_mul(n, units[i].ms);
    return -1;
}

static const char *text_of(const Node *n) {
    const A_Const *k = pr_as(A_Const, n);
    return k != NULL && !k->isnull && nodeTag(&k->val) == T_String ? strVal(&k->val) : NULL;
}

static bool by_function(const SelectStmt *q, bool *effective, bool *local) {
    if (list_length(q->targetList) != 1) return false;
    const FuncCall *f = pr_as(FuncCall, linitial_node(ResTarget, q->targetList)->val);
    if (f == NULL || list_length(f->args) != 3 || !pr_eq(strVal(llast(f->funcname)), "set_config")) return false;
    if (!pr_eq(text_of(linitial(f->args)), "lock_timeout")) return false;
    const A_Const *is_local = pr_as(A_Const, lthird(f->args));
    *effective = !is_zero(lsecond(f->args));
    *local = is_local != NULL && !is_local->isnull && nodeTag(&is_local->val) == T_Boolean && boolVal(&is_local->val);
    return true;
}

bool pr_sets_lock_timeout(const struct pr_stmt *s, bool *effective, bool *local) {
    const SelectStmt *q = pr_as(SelectStmt, (const Node *)s->node);
    if (q != NULL) return by_function(q, effective, local);
    const VariableSetStmt *vs = pr_as(VariableSetStmt, (const Node *)s->node);
    if (vs == NULL || !pr_eq(vs->name, "lock_timeout")) return vs != NULL && vs->kind == VAR_RESET_ALL;
    *local = vs->is_local;
    *effective = vs->kind == VAR_SET_VALUE && list_length(vs->args) == 1 && !is_zero(linitial(vs->args));
    return true;
}

bool pr_steers_role(const struct pr_stmt *s) {
    const VariableSetStmt *vs = pr_as(VariableSetStmt, (const Node *)s->node);
    return vs != NULL && (vs->kind == VAR_RESET_ALL || pr_eq(vs->name, "role") || pr_eq(vs->name, "session_authorization"));
}

const char *pr_sets_role(const struct pr_stmt *s) {
    const VariableSetStmt *vs = pr_as(VariableSetStmt, (const Node *)s->node);
    if (vs == NULL || !pr_steers_role(s) || vs->kind != VAR_SET_VALUE || list_length(vs->args) != 1) return NULL;
    const char *role = text_of(linitial(vs->args));
    return pr_eq(role, "none") ? NULL : role;
}
