/* keys.c: the foreign keys that rows which are written make the server look up. */
#include "footprint/statements.h"

/* Rows that refer to what goes (or changes its key) go along or are changed themselves. */
static bool cascades(const struct pr_con *c, bool going) {
    const char *at = c->def != NULL ? strstr(c->def, going ? "ON DELETE " : "ON UPDATE ") : NULL;
    return at != NULL && (pr_starts(at + 10, "CASCADE") || pr_starts(at + 10, "SET"));
}

enum given { NULLS, UNKNOWN, GIVEN };

static enum given constant_given(const Node *value) {
    while (value != NULL && IsA(value, TypeCast)) value = FX_NODE(TypeCast, value)->arg;
    if (value == NULL || !IsA(value, A_Const)) return UNKNOWN;
    return FX_NODE(A_Const, value)->isnull ? NULLS : GIVEN;
}

/* What the rows of an INSERT have in the column at `at` of its list. */
static enum given values_given(const Node *select, int at, enum given fallback) {
    if (!IsA(select, SelectStmt)) return UNKNOWN;
    const SelectStmt *q = FX_NODE(SelectStmt, select);
    const ResTarget *target = q->valuesLists == NIL && q->op == SETOP_NONE && at < list_length(q->targetList) ? list_nth(q->targetList, at) : NULL;
    if (q->valuesLists == NIL) return target != NULL && constant_given(target->val) == NULLS ? NULLS : UNKNOWN;
    enum given all = NULLS;
    ListCell *lc;
    foreach (lc, q->valuesLists) {
        const List *row = lfirst(lc);
        const Node *value = at < list_length(row) ? list_nth(row, at) : NULL;
        const enum given one = value == NULL || IsA(value, SetToDefault) ? fallback : constant_given(value);
        if (one > all) all = one;
    }
    return all;
}

static enum given column_given(const struct w_rel *r, const char *name, const InsertStmt *st) {
    const struct pr_col *c = pr_find_col(&r->r, name);
    if (c == NULL || !r->complete) return UNKNOWN;
    const enum given fallback = c->has_default || c->identity != 0 || c->generated != 0 ? UNKNOWN : NULLS;
    if (st->selectStmt == NULL) return fallback;
    int at = st->cols == NIL ? c->position - 1 : -1, i = 0;
    ListCell *lc;
    foreach (lc, st->cols) {
        if (pr_eq(FX_NODE(ResTarget, lfirst(lc))->name, name)) at = i;
        i++;
    }
    return at < 0 ? fallback : values_given(st->selectStmt, at, fallback);
}

/* A key with a null in it refers to nothing. A trigger may have filled it. */
static enum given key_given(const struct w_rel *r, const struct pr_con *key, const InsertStmt *st) {
    enum given least = GIVEN;
    for (size_t i = 0; i < key->n_cols; i++) {
        const enum given one = column_given(r, key->cols[i], st);
        if (one < least) least = one;
    }
    return least == NULLS && r->r.n_trgs > 0 ? UNKNOWN : least;
}

/* Foreign keys: the referenced table is read and its rows locked; a change of the key reads the referencing one. */
void fx_keys_looked_up(struct fx *x, const struct w_rel *r, const struct fx_written *by) {
    for (size_t i = 0; i < r->r.n_cons; i++) {
        const struct pr_con *c = &r->r.cons[i];
        if (c->type != 'f' || !c->enforced || !(c->inbound ? by->inbound : by->outbound)) continue;
        const enum given given = by->insert != NULL && !c->inbound ? key_given(r, c, by->insert) : GIVEN;
        if (given == NULLS) continue;
        x->may = !by->rows || given == UNKNOWN;
        struct w_rel *other = fx_rel_named(x, c->ref_schema, c->ref_table, 'r', true);
        if (other == NULL) continue;
        fx_lock(x, other, c->inbound && cascades(c, by->going) ? PR_ROW_EXCLUSIVE : PR_ROW_SHARE);
        if (!c->inbound || c->n_ref_cols == 0) continue;
        bool indexed = !other->complete;
        for (size_t k = 0; k < other->r.n_idxs; k++) {
            const struct pr_idx *ix = &other->r.idxs[k];
            indexed = indexed || (ix->valid && !ix->is_partial && ix->n_cols > 0 && pr_eq(ix->cols[0], c->ref_cols[0]));
        }
        if (indexed) continue;
        fx_scan(x, other);
        fx_why(x, other, "no index on \"%s\": it is read once for each row of \"%s\"", c->ref_cols[0], r->r.name);
    }
    x->may = false;
}
