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

static enum pr_code lacks_any(struct bf *b, const struct pr_rel *member, Node **out, struct pr_err *e) {
    Node *differs = NULL;
    PR_TRY(e, bf_differs(b, member, &differs, e));
    return lacks(b, differs, out, e);
}

static enum pr_code ask_wrong(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    Node *condition = NULL;
    if (!bf_steady(b)) return PR_OK;
    PR_TRY(e, lacks_any(b, member, &condition, e));
    return ask_keys(b, member, w, condition, &w->wrong_rows, e);
}

/* --- old against new --- */

enum summed { NO_SUM, EXACT, AS_PRINTED, IF_NUMBER };       /* AS_PRINTED: no digit of a float more than is stored */
/* One pair of expressions, as trees. */
struct pair { Node *was, *stored; enum summed summed; };

static enum summed summed_as(const struct pr_col *c) {
    static const struct { const char *type; enum summed summed; } types[] = {
        {"smallint", EXACT}, {"integer", EXACT}, {"bigint", EXACT}, {"numeric", EXACT}, {"real", AS_PRINTED}, {"double precision", AS_PRINTED}};
    for (size_t i = 0; i < PR_COUNT(types); i++)
        if (pr_eq(c->type, types[i].type)) return types[i].summed;
    return pr_starts(c->type, "numeric(") ? EXACT : NO_SUM;
}

static const char *sum_of(struct pr_arena *a, enum summed s, const char *col) {
    switch (s) {
    case NO_SUM: return "NULL::text";
    case EXACT: return pr_fmt(a, "sum(%s)::text", col);
    case AS_PRINTED: return pr_fmt(a, "sum(%s::text::numeric)::text", col);
    case IF_NUMBER:                                         /* its type is known to the server alone */
        return pr_fmt(a, "sum(CASE WHEN pg_typeof(%s) = ANY ('{int2,int4,int8,numeric,float4,float8}'::regtype[]) THEN %s::text::numeric END)::text", col, col);
    }
    PR_BUG("no such sum");
}

/* ", count, count, sum, sum, rows in which they differ" of the columns was<i> and is<i> of x. */
static void put_pair(struct pr_buf *s, const struct pair *p, size_t i) {
    static const char *const cols[] = {"was", "is"};
    pr_addf(s, ", count(x.was%zu), count(x.is%zu)", i, i);
    for (size_t k = 0; k < PR_COUNT(cols); k++) pr_addf(s, ", %s", sum_of(s->a, p->summed, pr_fmt(s->a, "x.%s%zu", cols[k], i)));
    pr_addf(s, ", count(*) FILTER (WHERE x.was%zu IS DISTINCT FROM x.is%zu)", i, i);
}

static List *joined(struct bf *b, const List *x, const List *y) {
    List *l = PR_NEW(b->a, List);
    const int n = list_length(x), m = list_length(y);
    *l = (List){.type = T_List, .length = n + m, .max_length = n + m, .elements = PR_NEW_ARRAY(b->a, ListCell, (size_t)(n + m) + 1)};
    for (int i = 0; i < n + m; i++) l->elements[i].ptr_value = i < n ? list_nth(x, i) : list_nth(y, i - n);
    return l;
}

/* What is computed of a row only when the statement was for it: else it might fail for the others. */
static enum pr_code when_meant(struct bf *b, Node *value, Node **out, struct pr_err *e) {
    Node *n = NULL, *condition = meant(b);
    *out = value;
    if (condition == NULL) return PR_OK;
    PR_TRY(e, bf_parse(b, "SELECT CASE WHEN NULL THEN NULL END", &n, e));
    CaseExpr *c = bf_mut(CaseExpr, pr_cast(ResTarget, linitial(pr_cast(SelectStmt, n)->targetList))->val);
    bf_mut(CaseWhen, linitial(c->args))->expr = (Expr *)condition;
    bf_mut(CaseWhen, linitial(c->args))->result = (Expr *)value;
    *out = (Node *)c;
    return PR_OK;
}

/* The pairs are those of the SET clause: a row in which one differs lacks its new values. */
static bool pairs_tell(const struct pr_bf_walk *w) { return w->n_compare > 0 && w->compare[0].derived; }

static const char *wrong_of(struct bf *b, const struct pr_bf_walk *w) {
    struct pr_buf s = {.a = b->a};
    if (!pairs_tell(w)) return "x.is_wrong";
    for (size_t i = 0; i < w->n_compare; i++) pr_addf(&s, "%sx.was%zu IS DISTINCT FROM x.is%zu", i > 0 ? " OR " : "", i, i);
    return pr_buf_text(&s);
}

/* Everything that is counted, while each row is read and each expression computed once. */
static enum pr_code one_scan(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *pairs, bool lower, const char **out,
                             struct pr_err *e) {
    struct pr_buf cols = {.a = b->a}, in = {.a = b->a};
    Node *n = NULL, *bounds = NULL, *differs = NULL;
    const bool left = w->left.next != NULL, wrong = bf_steady(b);
    pr_add(&cols, left ? "SELECT count(*) FILTER (WHERE x.is_left)" : "SELECT NULL::bigint");
    if (wrong) pr_addf(&cols, ", count(*) FILTER (WHERE %s)", wrong_of(b, w));
    else pr_add(&cols, ", NULL::bigint");
    for (size_t i = 0; i < w->n_compare; i++) {
        put_pair(&cols, &pairs[i], i);
        pr_addf(&in, ", NULL AS was%zu, NULL AS is%zu", i, i);
    }
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "%s FROM (SELECT NULL AS is_left, NULL AS is_wrong%s FROM %s OFFSET 0) AS x", pr_buf_text(&cols), pr_buf_text(&in), bf_from(b, member)), &n, e));
    SelectStmt *inner = bf_mut(SelectStmt, pr_cast(RangeSubselect, linitial(pr_cast(SelectStmt, n)->fromClause))->subquery);
    PR_TRY(e, bf_condition(b, bf_bounds(b, w, lower), &bounds, e));
    inner->whereClause = bounds;
    inner->withClause = b->with;
    if (left) bf_mut(ResTarget, linitial(inner->targetList))->val = *b->where;
    if (wrong && !pairs_tell(w)) {
        PR_TRY(e, bf_differs(b, member, &differs, e));
        PR_TRY(e, when_meant(b, differs, &bf_mut(ResTarget, lsecond(inner->targetList))->val, e));
    }
    for (size_t i = 0; i < w->n_compare; i++) {
        PR_TRY(e, when_meant(b, pairs[i].was, &bf_mut(ResTarget, list_nth(inner->targetList, (int)(2 * i) + 2))->val, e));
        PR_TRY(e, when_meant(b, pairs[i].stored, &bf_mut(ResTarget, list_nth(inner->targetList, (int)(2 * i) + 3))->val, e));
    }
    return bf_print(b, n, out, e);
}

/* --- the same of a statement that joins: a question each, side by side --- */

/* joins: the pair names columns of what the statement joins. */
static enum pr_code ask_sums(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *p, bool joins, bool lower,
                             const char **out, struct pr_err *e) {
    struct pr_buf s = {.a = b->a};
    Node *n = NULL, *bounds = NULL, *condition = meant(b);
    put_pair(&s, p, 0);
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT %s FROM (SELECT NULL AS was0, NULL AS is0 FROM %s) AS x", pr_buf_text(&s) + 2, bf_from(b, member)), &n, e));
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

static enum pr_code count_wrong(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, bool lower, const char **out, struct pr_err *e) {
    Node *condition = NULL;
    PR_TRY(e, lacks_any(b, member, &condition, e));
    return ask(b, w, pr_fmt(b->a, "SELECT count(*) FROM %s", bf_from(b, member)), condition, lower, out, e);
}

static enum pr_code side_by_side(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *pairs, bool lower, const char **out,
                                 struct pr_err *e) {
    struct pr_buf cols = {.a = b->a}, from = {.a = b->a};
    const char *left = lower ? w->left.next : w->left.first, *wrong = NULL, *sums = NULL;
    if (bf_steady(b)) PR_TRY(e, count_wrong(b, member, w, lower, &wrong, e));
    pr_addf(&cols, "SELECT l.n, r.n");
    pr_addf(&from, " FROM (%s) AS l (n), (%s) AS r (n)", left != NULL ? left : "SELECT NULL::bigint", wrong != NULL ? wrong : "SELECT NULL::bigint");
    for (size_t i = 0; i < w->n_compare; i++) {
        PR_TRY(e, ask_sums(b, member, w, &pairs[i], w->compare[i].derived, lower, &sums, e));
        pr_addf(&cols, ", p%zu.*", i);
        pr_addf(&from, ", (%s) AS p%zu (a, b, c, d, e)", sums, i);
    }
    *out = pr_fmt(b->a, "%s%s", pr_buf_text(&cols), pr_buf_text(&from));
    return PR_OK;
}

static enum pr_code tally(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, const struct pair *pairs, struct pr_err *e) {
    const bool alone = b->kind == PR_BF_UPDATE && *b->from == NIL;
    struct pr_bf_range r = {0};
    if (w->left.next == NULL && !bf_steady(b) && w->n_compare == 0) return PR_OK;
    PR_TRY(e, alone ? one_scan(b, member, w, pairs, false, &r.first, e) : side_by_side(b, member, w, pairs, false, &r.first, e));
    PR_TRY(e, alone ? one_scan(b, member, w, pairs, true, &r.next, e) : side_by_side(b, member, w, pairs, true, &r.next, e));
    w->tally = r;
    return PR_OK;
}

static enum pr_code differing_rows(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, const struct pair *p, struct pr_bf_compared *c, struct pr_err *e) {
    Node *differs = NULL, *condition = NULL;
    PR_TRY(e, bf_condition(b, "NULL IS DISTINCT FROM NULL", &differs, e));
    bf_mut(A_Expr, differs)->lexpr = p->stored;
    bf_mut(A_Expr, differs)->rexpr = p->was;
    if (c->derived && *b->from != NIL) {
        PR_TRY(e, lacks(b, differs, &condition, e));
    } else {
        PR_TRY(e, over_row(b, meant(b), &condition, e));
        condition = bf_and(b, condition, differs);
    }
    return ask_keys(b, member, w, condition, &c->rows, e);
}

static enum pr_code from_header(struct bf *b, const struct pr_bf_compare *h, struct pair *p, struct pr_bf_compared *c, struct pr_err *e) {
    Node *was = NULL, *stored = NULL;
    *c = (struct pr_bf_compared){.was = h->was, .is = h->is};
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT %s", h->was), &was, e));
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT %s", h->is), &stored, e));
    *p = (struct pair){.was = pr_cast(ResTarget, linitial(pr_cast(SelectStmt, was)->targetList))->val,
                       .stored = pr_cast(ResTarget, linitial(pr_cast(SelectStmt, stored)->targetList))->val, .summed = IF_NUMBER};
    return PR_OK;
}

static enum pr_code from_set(struct bf *b, const struct pr_rel *member, size_t i, struct pair *p, struct pr_bf_compared *c, struct pr_err *e) {
    const struct pr_col *col = pr_find_col(member, b->sets[i].col);
    Node *differs = NULL;
    *c = (struct pr_bf_compared){.is = bf_id(b, b->sets[i].col), .derived = true};
    PR_TRY(e, bf_expression(b->sets[i].expr, b->a, &c->was, e));
    PR_TRY(e, bf_differs_in(b, member, i, &differs, e));
    const A_Expr *x = pr_cast(A_Expr, differs);
    *p = (struct pair){.was = x->rexpr, .stored = x->lexpr, .summed = summed_as(col)};
    return PR_OK;
}

static enum pr_code compare(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    const size_t from_file = b->kind == PR_BF_UPDATE ? b->f->n_compare : 0, derived = from_file == 0 && bf_steady(b) ? b->n_sets : 0;
    struct pair *pairs = PR_NEW_ARRAY(b->a, struct pair, from_file + derived + 1);
    w->compare = PR_NEW_ARRAY(b->a, struct pr_bf_compared, from_file + derived + 1);
    w->n_compare = from_file + derived;
    for (size_t i = 0; i < w->n_compare; i++) {
        if (from_file > 0) PR_TRY(e, from_header(b, &b->f->compare[i], &pairs[i], &w->compare[i], e));
        else PR_TRY(e, from_set(b, member, i, &pairs[i], &w->compare[i], e));
        PR_TRY(e, differing_rows(b, member, w, &pairs[i], &w->compare[i], e));
    }
    return tally(b, member, w, pairs, e);
}

enum pr_code bf_proofs(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    PR_TRY(e, ask_left(b, member, w, e));
    PR_TRY(e, ask_wrong(b, member, w, e));
    return compare(b, member, w, e);
}
