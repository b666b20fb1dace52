/* kept.c: a DELETE whose rows are kept: WITH gone AS (DELETE … RETURNING …) INSERT INTO … SELECT … FROM gone. It is gone through as the
 * DELETE that it is; copy and delete stay one statement, so that at any moment a row is in one of the two tables, and one that was
 * mended meanwhile stays. Whatever could let a row go without keeping it is refused by its form, or found when a batch counts both. */
#include "sql/nodes.h"

#include "backfill/impl.h"

static const char form[] = "the form is WITH gone AS (DELETE … RETURNING a, b) INSERT INTO … (a, b) SELECT a, b FROM gone";

/* The WITH query that deletes, when it is the only one that writes. */
static CommonTableExpr *deleting(const InsertStmt *s) {
    if (s->withClause == NULL || s->withClause->recursive || list_length(s->withClause->ctes) != 1) return NULL;
    CommonTableExpr *cte = bf_mut(CommonTableExpr, linitial(s->withClause->ctes));
    return IsA(cte->ctequery, DeleteStmt) ? cte : NULL;
}

bool bf_is_kept(const InsertStmt *s) { return deleting(s) != NULL; }

/* --- what RETURNING and SELECT give --- */

static bool is_star(const Node *n) { return IsA(n, ColumnRef) && IsA(llast(pr_cast(ColumnRef, n)->fields), A_Star); }

/* A column, a constant, the time: one row stays one row. */
static bool is_plain(const Node *n) {
    const FuncCall *f = pr_as(FuncCall, n);
    if (IsA(n, TypeCast)) return is_plain(pr_cast(TypeCast, n)->arg);
    if (f != NULL) return f->args == NIL && pr_eq(strVal(llast(f->funcname)), "now");
    return IsA(n, ColumnRef) || IsA(n, A_Const) || IsA(n, SQLValueFunction);
}

static enum pr_code check_returned(const struct bf *b, const DeleteStmt *d, struct pr_err *e) {
    ListCell *lc;
    const bool parts = b->root->kind == 'p' || b->root->n_partitions > 0;
    if (PR_RETURNS_RENAMED(d)) return bf_refuse(e, "RETURNING WITH names old and new rows", "leave it out: what is deleted is the old row");
    foreach (lc, PR_RETURNED(d)) {
        const Node *n = lfirst_node(ResTarget, lc)->val;
        if (!IsA(n, ColumnRef)) return bf_refuse(e, "RETURNING gives more than plain columns", "keep the row as it is; what is computed of it can be computed later");
        if (parts && is_star(n)) return bf_refuse(e, "RETURNING * gives the columns in the order of each partition", "name the columns");
    }
    return PR_OK;
}

/* Columns that nobody keeps are for people to know of. */
static void note_lost(struct bf *b, const DeleteStmt *d) {
    const List *returned = PR_RETURNED(d);
    for (size_t i = 0; i < b->root->n_cols; i++) {
        const struct pr_col *c = &b->root->cols[i];
        bool kept = c->generated != 0;
        ListCell *lc;
        foreach (lc, returned) {
            const Node *n = lfirst_node(ResTarget, lc)->val;
            kept = kept || is_star(n) || pr_eq(strVal(llast(pr_cast(ColumnRef, n)->fields)), c->name);
        }
        if (!kept) bf_note(b, "column %s of %s is not kept: RETURNING does not give it", bf_id(b, c->name), pr_qualified(b->a, b->root->schema, b->root->name));
    }
}

/* All deleted rows, and nothing but them. */
static enum pr_code check_select(const SelectStmt *q, const char *gone, struct pr_err *e) {
    const RangeVar *rv = list_length(q->fromClause) == 1 ? pr_as(RangeVar, (const Node *)linitial(q->fromClause)) : NULL;
    ListCell *lc;
    if (q->op != SETOP_NONE || q->valuesLists != NIL || q->withClause != NULL || rv == NULL || rv->schemaname != NULL || !pr_eq(rv->relname, gone))
        return bf_refuse(e, "the SELECT of the INSERT reads something else than the deleted rows", form);
    if (q->whereClause != NULL || q->limitCount != NULL || q->limitOffset != NULL)
        return bf_refuse(e, "rows that the SELECT of the INSERT leaves out would be gone, and kept nowhere", "put the condition into the DELETE");
    if (q->groupClause != NIL || q->havingClause != NULL || q->distinctClause != NIL || q->windowClause != NIL)
        return bf_refuse(e, "the SELECT of the INSERT puts deleted rows together: not each of them would be kept", form);
    if (q->sortClause != NIL || q->lockingClause != NIL) return bf_refuse(e, "deleted rows have neither an order nor locks", form);
    foreach (lc, q->targetList)
        if (!is_plain(lfirst_node(ResTarget, lc)->val))
            return bf_refuse(e, "the SELECT of the INSERT gives more than columns, constants and the time: one row might become none or many", form);
    return PR_OK;
}

/* --- the two tables --- */

/* Deletes from one and reads of the other: bf_again sees what is above, below and behind a table. */
static enum pr_code check_apart(struct bf *b, struct pr_err *e) {
    const char *name = pr_qualified(b->a, b->keeper->schema, b->keeper->name);
    if (bf_is_written(b, b->keeps->relation)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "rows go from %s to %s, which is the same table: they would be met again", pr_qualified(b->a, b->root->schema, b->root->name), name);
        return pr_hint(e, "name another table");
    }
    const struct pr_rel *const written = b->written;
    b->written = b->keeper;
    const RangeVar *again = bf_again(b, b->node);
    b->written = written;
    if (again == NULL) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "the condition reads %s, into which the rows go: later batches would see what earlier ones have added", name);
    return pr_hint(e, "say which rows are meant without it");
}

/* What runs as a batch: both are counted, and the statement stays one. */
static enum pr_code count_both(struct bf *b, const InsertStmt *s, CommonTableExpr *gone, struct pr_err *e) {
    const char *kept = pr_eq(gone->ctename, "pgrail_kept") ? "pgrail_kept_rows" : "pgrail_kept";
    Node *n = NULL;
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "WITH x AS (SELECT), %s AS (INSERT INTO x SELECT RETURNING 1) SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s)", kept,
                                 bf_id(b, gone->ctename), kept), &n, e));
    List *ctes = pr_cast(SelectStmt, n)->withClause->ctes;
    InsertStmt *insert = bf_mut(InsertStmt, pr_cast(CommonTableExpr, lsecond(ctes))->ctequery);
    insert->relation = s->relation;
    insert->cols = s->cols;
    insert->selectStmt = s->selectStmt;
    insert->override = s->override;
    ctes->elements[0].ptr_value = gone;
    b->whole = n;
    return PR_OK;
}

enum pr_code bf_take_kept(struct bf *b, InsertStmt *s, struct pr_err *e) {
    CommonTableExpr *gone = deleting(s);
    DeleteStmt *d = bf_mut(DeleteStmt, gone->ctequery);
    b->keeps = s;
    b->node = gone->ctequery;
    if (PR_HAS_RETURNING(s)) return bf_refuse(e, "RETURNING of the INSERT gives rows that nobody would take", "leave it out");
    if (s->onConflictClause != NULL) return bf_refuse(e, "ON CONFLICT would leave out rows that are deleted: they would be in neither table", "leave it out: a conflict then fails, and its row stays");
    if (s->selectStmt == NULL) return bf_refuse(e, "the INSERT does not read the deleted rows", form);
    if (!PR_HAS_RETURNING(d)) return bf_refuse(e, "the DELETE gives no rows to keep", form);
    if (d->usingClause != NIL) return bf_refuse(e, "the DELETE joins other tables: which of their rows a deleted one comes with is not defined", "ask for them in WHERE: EXISTS (SELECT … )");
    PR_TRY(e, check_select(pr_cast(SelectStmt, s->selectStmt), gone->ctename, e));
    PR_TRY(e, bf_take_delete(b, d, e));
    PR_TRY(e, check_returned(b, d, e));
    PR_TRY(e, bf_relation(b, s->relation, &b->keeper, e));
    PR_TRY(e, check_apart(b, e));
    s->relation->schemaname = pr_dup(b->a, b->keeper->schema);
    note_lost(b, d);
    return count_both(b, s, gone, e);
}
