/* proof.c: what shows that a backfill is whole: rows that are left, rows without their new values, old against new in count, sum and
 * row. All of it from the statement's own tree, each within a range of keys. */
#include "sql/nodes.h"

#include "backfill/impl.h"

bool bf_steady(const struct bf *b) { return b->kind == PR_BF_UPDATE && !b->reads_changed && !b->moves && b->comparable; }

static Node *not_of(struct bf *b, Node *x) {
    List *one = PR_NEW(b->a, List);
    *one = (List){.type = T_List, .length = 1, .max_length = 1, .elements = PR_NEW(b->a, ListCell)};
    one->elements[0].ptr_value = x;
    BoolExpr *n = PR_NEW(b->a, BoolExpr);
    *n = (BoolExpr){.xpr.type = T_BoolExpr, .boolop = NOT_EXPR, .args = one, .location = -1};
    return (Node *)n;
}

/* A condition over the row and, where the statement joins, over what it joins: EXISTS (SELECT … FROM those WHERE condition). */
static enum pr_code over_row(struct bf *b, Node *condition, Node **out, struct pr_err *e) {
    if (*b->from == NIL || b->kind == PR_BF_INSERT) {
        *out = condition;
        return PR_OK;
    }
    Node *n = NULL;
    PR_TRY(e, bf_condition(b, "EXISTS (SELECT 1 FROM x)", &n, e));
    SelectStmt *q = bf_mut(SelectStmt, pr_cast(SubLink, n)->subselect);
    q->fromClause = *b->from;
    q->whereClause = condition;
    *out = n;
    return PR_OK;
}

/* The condition without what says something of changed columns: the rows that the statement was for, before and after. */
static Node *meant(struct bf *b) {
    Node **parts = NULL, *out = NULL;
    const size_t n = bf_conjuncts(b, *b->where, &parts);
    for (size_t i = 0; i < n; i++)
        if (!bf_reads(b, parts[i], b->changed, b->n_changed, BF_OWN)) out = bf_and(b, out, parts[i]);
    return out;
}

/* A query of ours with the person's condition and a range. */
static enum pr_code ask(struct bf *b, const struct pr_bf_walk *w, const char *sql, Node *condition, bool lower, const char **out, struct pr_err *e) {
    Node *n = NULL, *bounds = NULL;
    PR_TRY(e, bf_parse(b, sql, &n, e));
    PR_TRY(e, bf_condition(b, bf_bounds(b, w, lower), &bounds, e));
    SelectStmt *q = bf_mut(SelectStmt, n);
    q->whereClause = bf_and(b, condition, bounds);
    q->withClause = b->with;
    return bf_print(b, q, out, e);
}

static enum pr_code ask_range(struct bf *b, const struct pr_bf_walk *w, const char *sql, Node *condition, struct pr_bf_range *out, struct pr_err *e) {
    struct pr_bf_range r = {0};
    PR_TRY(e, ask(b, w, sql, condition, false, &r.first, e));
    PR_TRY(e, ask(b, w, sql, condition, true, &r.next, e));
    *out = r;
    return PR_OK;
}

/* Keys of the first rows for which a condition holds. */
static enum pr_code ask_keys(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, Node *condition, struct pr_bf_range *out, struct pr_err *e) {
    struct pr_bf_range r = {0};
    const char *sql = pr_fmt(b->a, "SELECT %s FROM %s ORDER BY %s LIMIT ", bf_key_texts(b, w), bf_from(b, member), bf_key_order(b, w, ""));
    PR_TRY(e, ask(b, w, pr_fmt(b->a, "%s$%zu::bigint", sql, w->n_keys + 1), condition, false, &r.first, e));
    PR_TRY(e, ask(b, w, pr_fmt(b->a, "%s$%zu::bigint", sql, 2 * w->n_keys + 1), condition, true, &r.next, e));
    *out = r;
    return PR_OK;
}

/* --- what is left, what is wrong --- */

static enum pr_code ask_left(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    Node *condition = NULL;
    if (b->kind == PR_BF_UPDATE && b->leaves == BF_STAYS) return PR_OK;
    if (b->kind != PR_BF_INSERT) {
        PR_TRY(e, over_row(b, *b->where, &condition, e));
        return ask_range(b, w, pr_fmt(b->a, "SELECT count(*) FROM %s", bf_from(b, member)), condition, &w->left, e);
    }
    if (!b->anti_join) return PR_OK;
    Node *count = NULL;
    PR_TRY(e, bf_parse(b, "SELECT count(*)", &count, e));
    struct pr_bf_range r = {0};
    for (int lower = 0; lower < 2; lower++) {
        SelectStmt q = *b->select;
        Node *bounds = NULL;
        PR_TRY(e, bf_condition(b, bf_bounds(b, w, lower != 0), &bounds, e));
        q.targetList = pr_cast(SelectStmt, count)->targetList;
        q.whereClause = bf_and(b, q.whereClause, bounds);
        q.withClause = b->with;
        PR_TRY(e, bf_print(b, &q, lower ? &r.next : &r.first, e));
    }
    w->left = r;
    return PR_OK;
}

/* Is it for the row, and does the row lack its new values? A join may offer several: one of them is enough. */
static enum pr_code lacks(struct bf *b, Node *differs, Node **out, struct pr_err *e) {
    Node *rows = meant(b), *is = NULL, *has = NULL;
    if (*b->from == NIL) {
        *out = bf_and(b, rows, differs);
        return PR_OK;
    }
    PR_TRY(e, over_row(b, rows, &is, e));
    PR_TRY(e, over_row(b, bf_and(b, rows, not_of(b, differs)), &has, e));
    *out = bf_and(b, is, not_of(b, has));
    return PR_OK;
}

static enum pr_code ask_wrong(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    Node *differs = NULL, *condition = NULL;
    if (!bf_steady(b)) return PR_OK;
    PR_TRY(e, bf_differs(b, member, &differs, e));
    PR_TRY(e, lacks(b, differs, &condition, e));
    PR_TRY(e, ask_range(b, w, pr_fmt(b->a, "SELECT count(*) FROM %s", bf_from(b, member)), condition, &w->wrong, e));
    return ask_keys(b, member, w, condition, &w->wrong_rows, e);
}

/* --- old against new --- */

/* One pair of expressions, as trees. */
struct pair { Node *was, *stored; };

/* Sums of what is a number; of the rest there are counts. */
static const char *sums_over(struct bf *b, const char *from) {
    static const char *const cols[] = {"was", "stored"};
    struct pr_buf s = {.a = b->a};
    pr_add(&s, "SELECT count(x.was), count(x.stored)");
    for (size_t i = 0; i < PR_COUNT(cols); i++)
        pr_addf(&s, ", sum(CASE WHEN pg_typeof(x.%s) = ANY ('{int2,int4,int8,numeric,float4,float8}'::regtype[]) THEN x.%s::text::numeric END)::text", cols[i], cols[i]);
    pr_addf(&s, ", count(*) FILTER (WHERE x.was IS DISTINCT FROM x.stored) FROM (SELECT NULL AS was, NULL AS stored FROM %s) AS x", from);
    return pr_buf_text(&s);
}

static List *joined(struct bf *b, const List *x, const List *y) {
    List *l = PR_NEW(b->a, List);
    const int n = list_length(x), m = list_length(y);
    *l = (List){.type = T_List, .length = n + m, .max_length = n + m, .elements = PR_NEW_ARRAY(b->a, ListCell, (size_t)(n + m) + 1)};
    for (int i = 0; i < n + m; i++) l->elements[i].ptr_value = i < n ? list_nth(x, i) : list_nth(y, i - n);
    return l;
}

/* joins: the pair names columns of what the statement joins. */
static enum pr_code ask_sums(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *p, bool joins, bool lower,
                             const char **out, struct pr_err *e) {
    Node *n = NULL, *bounds = NULL, *condition = meant(b);
    PR_TRY(e, bf_parse(b, sums_over(b, bf_from(b, member)), &n, e));
    PR_TRY(e, bf_condition(b, bf_bounds(b, w, lower), &bounds, e));
    if (!joins) PR_TRY(e, over_row(b, condition, &condition, e));
    SelectStmt *inner = bf_mut(SelectStmt, pr_cast(RangeSubselect, linitial(pr_cast(SelectStmt, n)->fromClause))->subquery);
    bf_mut(ResTarget, linitial(inner->targetList))->val = p->was;
    bf_mut(ResTarget, lsecond(inner->targetList))->val = p->stored;
    if (joins) inner->fromClause = joined(b, inner->fromClause, *b->from);
    inner->whereClause = bf_and(b, condition, bounds);
    inner->withClause = b->with;
    return bf_print(b, n, out, e);
}

static enum pr_code ask_pair(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *p, bool derived,
                             struct pr_bf_compared *c, struct pr_err *e) {
    const bool joins = derived && *b->from != NIL;
    Node *differs = NULL, *condition = NULL;
    PR_TRY(e, ask_sums(b, member, w, p, joins, false, &c->sums.first, e));
    PR_TRY(e, ask_sums(b, member, w, p, joins, true, &c->sums.next, e));
    PR_TRY(e, bf_condition(b, "NULL IS DISTINCT FROM NULL", &differs, e));
    bf_mut(A_Expr, differs)->lexpr = p->stored;
    bf_mut(A_Expr, differs)->rexpr = p->was;
    if (joins) {
        PR_TRY(e, lacks(b, differs, &condition, e));
    } else {
        PR_TRY(e, over_row(b, meant(b), &condition, e));
        condition = bf_and(b, condition, differs);
    }
    return ask_keys(b, member, w, condition, &c->rows, e);
}

static enum pr_code from_header(struct bf *b, const struct pr_bf_compare *h, struct pair *p, struct pr_err *e) {
    Node *was = NULL, *stored = NULL;
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT %s", h->was), &was, e));
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT %s", h->is), &stored, e));
    p->was = pr_cast(ResTarget, linitial(pr_cast(SelectStmt, was)->targetList))->val;
    p->stored = pr_cast(ResTarget, linitial(pr_cast(SelectStmt, stored)->targetList))->val;
    return PR_OK;
}

static enum pr_code compare(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    const size_t from_file = b->kind == PR_BF_UPDATE ? b->f->n_compare : 0, derived = from_file == 0 && bf_steady(b) ? b->n_sets : 0;
    w->compare = PR_NEW_ARRAY(b->a, struct pr_bf_compared, from_file + derived + 1);
    for (size_t i = 0; i < from_file; i++) {
        struct pair p = {0};
        struct pr_bf_compared *c = &w->compare[w->n_compare++];
        *c = (struct pr_bf_compared){.was = b->f->compare[i].was, .is = b->f->compare[i].is};
        PR_TRY(e, from_header(b, &b->f->compare[i], &p, e));
        PR_TRY(e, ask_pair(b, member, w, &p, false, c, e));
    }
    for (size_t i = 0; i < derived; i++) {
        struct pr_bf_compared *c = &w->compare[w->n_compare++];
        Node *differs = NULL;
        *c = (struct pr_bf_compared){.is = bf_id(b, b->sets[i].col), .derived = true};
        PR_TRY(e, bf_expression(b->sets[i].expr, b->a, &c->was, e));
        PR_TRY(e, bf_differs_in(b, member, i, &differs, e));
        const A_Expr *x = pr_cast(A_Expr, differs);
        PR_TRY(e, ask_pair(b, member, w, &(struct pair){.was = x->rexpr, .stored = x->lexpr}, true, c, e));
    }
    return PR_OK;
}

enum pr_code bf_proofs(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    PR_TRY(e, ask_left(b, member, w, e));
    PR_TRY(e, ask_wrong(b, member, w, e));
    return compare(b, member, w, e);
}
