/* help_types.c: types as written in a statement against types as the catalog prints them. */
#include "sql/nodes.h"

#include "rules/help.h"

const char *pr_type_name(const TypeName *t) {
    static const struct { const char *serial, *type; } serials[] = {{"smallserial", "int2"}, {"serial2", "int2"}, {"serial", "int4"},
                                                                    {"serial4", "int4"}, {"bigserial", "int8"}, {"serial8", "int8"}};
    const char *name = strVal(llast(t->names));
    for (size_t i = 0; i < PR_COUNT(serials); i++)
        if (pr_eq(name, serials[i].serial)) return serials[i].type;
    static const struct { const char *word, *type; } words[] = {{"integer", "int4"}, {"int", "int4"}, {"bigint", "int8"}, {"smallint", "int2"}};
    for (size_t i = 0; i < PR_COUNT(words); i++)
        if (pr_eq(name, words[i].word)) return words[i].type;
    return name;
}

bool pr_is_serial(const TypeName *t) { return strstr(strVal(llast(t->names)), "serial") != NULL && !pr_eq(pr_type_name(t), strVal(llast(t->names))); }

int pr_int_bytes(const char *type_name) {
    return pr_eq(type_name, "int2") ? 2 : pr_eq(type_name, "int4") ? 4 : pr_eq(type_name, "int8") ? 8 : 0;
}

static bool same_mods(const List *a, const List *b) {
    if (list_length(a) != list_length(b)) return false;
    for (int i = 0; i < list_length(a); i++) {
        const Node *x = list_nth(a, i), *y = list_nth(b, i);
        if (!IsA(x, A_Const) || !IsA(y, A_Const)) return false;
        const A_Const *k = (const A_Const *)(const void *)x, *l = (const A_Const *)(const void *)y;
        if (nodeTag(&k->val) != T_Integer || nodeTag(&l->val) != T_Integer || intVal(&k->val) != intVal(&l->val)) return false;
    }
    return true;
}

/* The type of SELECT NULL::type; NULL when that is not what was parsed. */
static const TypeName *cast_type(const struct pr_script *s) {
    if (s->n != 1 || s->stmts[0].node == NULL || !IsA(s->stmts[0].node, SelectStmt)) return NULL;
    const SelectStmt *select = s->stmts[0].node;
    const Node *value = list_length(select->targetList) == 1 ? linitial_node(ResTarget, select->targetList)->val : NULL;
    return value != NULL && IsA(value, TypeCast) ? ((const TypeCast *)(const void *)value)->typeName : NULL;
}

bool pr_type_is(const struct pr_rule_ctx *c, const TypeName *t, const char *format_type) {
    const char *text = pr_fmt(PR_A(c), "SELECT NULL::%s", format_type);
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(text, strlen(text), PR_A(c), &s, &e) != PR_OK) return false;
    const TypeName *has = cast_type(&s);
    return has != NULL && pr_eq(pr_type_name(has), pr_type_name(t)) && list_length(has->arrayBounds) == list_length(t->arrayBounds) &&
           same_mods(has->typmods, t->typmods);
}

const char *pr_type_name_of_text(const struct pr_rule_ctx *c, const char *format_type) {
    const char *text = pr_fmt(PR_A(c), "SELECT NULL::%s", format_type);
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(text, strlen(text), PR_A(c), &s, &e) != PR_OK) return "";
    const TypeName *t = cast_type(&s);
    return t != NULL && t->arrayBounds == NIL ? pr_dup(PR_A(c), pr_type_name(t)) : "";
}

bool pr_type_stays(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, cmd->name) : NULL;
    const ColumnDef *def = (const ColumnDef *)(const void *)cmd->def;
    return col != NULL && def->typeName != NULL && def->collClause == NULL && col->collation == NULL && pr_type_is(c, def->typeName, col->type);
}
