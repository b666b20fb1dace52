/* type_name.c: whether a text names one type, and nothing else. */
#include "sql/nodes.h"

#include "sql/sql.h"

/* SELECT NULL::TYPE has one target, without a name, which casts a constant; whatever else the text brought would show. */
static bool is_one_cast(const struct pr_stmt *s) {
    const SelectStmt *q = pr_as(SelectStmt, s->node);
    if (q == NULL || q->op != SETOP_NONE || list_length(q->targetList) != 1 || q->fromClause != NIL || q->whereClause != NULL || q->groupClause != NIL ||
        q->havingClause != NULL || q->windowClause != NIL || q->valuesLists != NIL || q->sortClause != NIL || q->limitOffset != NULL ||
        q->limitCount != NULL || q->lockingClause != NIL || q->withClause != NULL || q->intoClause != NULL || q->distinctClause != NIL) return false;
    const ResTarget *t = pr_as(ResTarget, linitial(q->targetList));
    if (t == NULL || t->name != NULL || t->indirection != NIL) return false;
    const TypeCast *c = pr_as(TypeCast, t->val);
    return c != NULL && c->arg != NULL && IsA(c->arg, A_Const) && !c->typeName->setof && !c->typeName->pct_type;
}

enum pr_code pr_type_check(const char *text, struct pr_arena *a, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    const char *sql = pr_fmt(a, "SELECT NULL::%s", text);
    PR_TRY(e, pr_check_utf8("the type", text, strlen(text), e));
    PR_TRY(e, pr_script_parse(sql, strlen(sql), a, &s, e));
    const bool one = s.n == 1 && s.n_unjudged == 0 && strchr(sql + s.stmts[0].offset + s.stmts[0].len, ';') == NULL;
    if (one && is_one_cast(&s.stmts[0])) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_USAGE, "%s: not the name of a type", pr_printable(a, text, 80));
    return pr_hint(e, "a type as SQL writes it: integer, numeric(5,2), timestamptz, app.mood");
}
