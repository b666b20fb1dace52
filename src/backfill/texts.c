/* texts.c: the SQL of a walk. Ranges and lists of keys are texts of ours, with names and types from the catalog alone; what the person
 * wrote is put beside them as a tree. */
#include "sql/nodes.h"

#include "backfill/impl.h"

/* --- keys --- */

/* "($1::bigint, $2::uuid)", from the nth parameter on. */
static const char *values(struct bf *b, const struct pr_bf_walk *w, size_t from) {
    struct pr_buf s = {.a = b->a};
    for (size_t i = 0; i < w->n_keys; i++) pr_addf(&s, "%s$%zu::%s", i > 0 ? ", " : "", from + i, w->keys[i].type);
    return pr_buf_text(&s);
}

static const char *columns(struct bf *b, const struct pr_bf_walk *w, const char *after) {
    struct pr_buf s = {.a = b->a};
    for (size_t i = 0; i < w->n_keys; i++) pr_addf(&s, "%s%s%s", i > 0 ? ", " : "", bf_column(b, w->keys[i].name), after);
    return pr_buf_text(&s);
}

static const char *compared(struct bf *b, const struct pr_bf_walk *w, const char *op, size_t from) {
    if (w->way == PR_BF_BLOCKS)                            /* whole blocks: up to the first row of the next one */
        return pr_fmt(b->a, "%s %s format('(%%s,0)', $%zu::bigint + 1)::tid", bf_column(b, "ctid"), pr_eq(op, ">") ? ">=" : "<", from);
    return pr_fmt(b->a, w->n_keys > 1 ? "(%s) %s (%s)" : "%s %s %s", columns(b, w, ""), op, values(b, w, from));
}

const char *bf_bounds(struct bf *b, const struct pr_bf_walk *w, bool lower) {
    if (!lower) return compared(b, w, "<=", 1);
    return pr_fmt(b->a, "%s AND %s", compared(b, w, ">", 1), compared(b, w, "<=", w->n_keys + 1));
}

const char *bf_key_texts(struct bf *b, const struct pr_bf_walk *w) {
    if (w->way == PR_BF_BLOCKS) return pr_fmt(b->a, "(%s::text::point)[0]::bigint::text", bf_column(b, "ctid"));
    return columns(b, w, "::text");
}

const char *bf_key_order(struct bf *b, const struct pr_bf_walk *w, const char *direction) {
    return w->way == PR_BF_BLOCKS ? pr_fmt(b->a, "%s%s", bf_column(b, "ctid"), direction) : columns(b, w, direction);
}

const char *bf_from(struct bf *b, const struct pr_rel *member) {
    const bool only = member->kind == 'r' && member->n_partitions > 0;
    return pr_fmt(b->a, "%s%s AS %s", only ? "ONLY " : "", pr_qualified(b->a, member->schema, member->name), bf_id(b, b->alias));
}

/* --- reading --- */

/* The first branch skips to the row; the second counts, and is begun only when there are not so many rows any more. */
static const char *edge(struct bf *b, const struct pr_rel *member, const struct pr_bf_walk *w, bool lower) {
    struct pr_buf keys = {.a = b->a}, out = {.a = b->a};
    for (size_t i = 0; i < w->n_keys; i++) {
        pr_addf(&keys, "%s%s AS k%zu", i > 0 ? ", " : "", bf_column(b, w->keys[i].name), i + 1);
        pr_addf(&out, "x.k%zu::text, ", i + 1);
    }
    const char *order = bf_key_order(b, w, ""), *limit = pr_fmt(b->a, "$%zu::bigint", lower ? w->n_keys + 1 : 1);
    const char *from = pr_fmt(b->a, "FROM %s%s%s ORDER BY %s", bf_from(b, member), lower ? " WHERE " : "", lower ? compared(b, w, ">", 1) : "", order);
    return pr_fmt(b->a, "(SELECT %s%s AS n FROM (SELECT %s %s OFFSET %s - 1 LIMIT 1) AS x) UNION ALL "
                  "(SELECT %sx.n FROM (SELECT %s, row_number() OVER (ORDER BY %s) AS n %s LIMIT %s) AS x ORDER BY x.n DESC LIMIT 1) LIMIT 1",
                  pr_buf_text(&out), limit, pr_buf_text(&keys), from, limit, pr_buf_text(&out), pr_buf_text(&keys), order, from, limit);
}

static const char *blocks_of(struct bf *b, const struct pr_rel *member) {
    return pr_fmt(b->a, "(SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint AS blocks) AS x",
                  pr_quote_literal(b->a, pr_qualified(b->a, member->schema, member->name)));
}

/* The limit is in rows here as well. */
static const char *edge_block(struct bf *b, const struct pr_rel *member, bool lower) {
    const int64_t on_page = member->pages > 0 && member->rows > member->pages ? member->rows / member->pages : 1;
    const char *from = lower ? "$1::bigint" : "-1";
    const char *to = pr_fmt(b->a, "least(%s + greatest(1, $%d::bigint / %" PRId64 "), x.blocks - 1)", from, lower ? 2 : 1, on_page);
    return pr_fmt(b->a, "SELECT (%s)::text, (%s - %s) * %" PRId64 " FROM %s WHERE x.blocks - 1 > %s", to, to, lower ? from : "(-1)", on_page, blocks_of(b, member), from);
}

static void read_texts(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w) {
    const char *from = bf_from(b, member);
    if (w->way == PR_BF_BLOCKS) {
        w->edge = (struct pr_bf_range){.first = edge_block(b, member, false), .next = edge_block(b, member, true)};
        w->last = pr_fmt(b->a, "SELECT (x.blocks - 1)::text FROM %s WHERE x.blocks > 0", blocks_of(b, member));
        return;
    }
    w->edge = (struct pr_bf_range){.first = edge(b, member, w, false), .next = edge(b, member, w, true)};
    w->last = pr_fmt(b->a, "SELECT %s FROM %s ORDER BY %s LIMIT 1", bf_key_texts(b, w), from, bf_key_order(b, w, " DESC"));
    const char *rows = pr_fmt(b->a, "SELECT %s, %s::text FROM %s WHERE %%s ORDER BY %s", bf_key_texts(b, w), bf_column(b, "ctid"), from, bf_key_order(b, w, ""));
    const char *head = pr_dupn(b->a, rows, (size_t)(strstr(rows, " WHERE %s") - rows) + 7);
    const char *tail = strstr(rows, " WHERE %s") + 9;
    w->rows = (struct pr_bf_range){.first = pr_fmt(b->a, "%s%s%s", head, bf_bounds(b, w, false), tail),
                                   .next = pr_fmt(b->a, "%s%s%s", head, bf_bounds(b, w, true), tail)};
}

/* --- writing --- */

/* The statement with one more condition. */
static enum pr_code with_condition(struct bf *b, Node *more, const char **out, struct pr_err *e) {
    Node *before = *b->where;
    *b->where = bf_and(b, before, more);
    const enum pr_code code = bf_print(b, b->whole, out, e);
    *b->where = before;
    return code;
}

static enum pr_code ranged(struct bf *b, const struct pr_bf_walk *w, Node *more, struct pr_bf_range *out, struct pr_err *e) {
    Node *first = NULL, *next = NULL;
    struct pr_bf_range r = {0};
    PR_TRY(e, bf_condition(b, bf_bounds(b, w, false), &first, e));
    PR_TRY(e, bf_condition(b, bf_bounds(b, w, true), &next, e));
    PR_TRY(e, with_condition(b, bf_and(b, more, first), &r.first, e));
    PR_TRY(e, with_condition(b, bf_and(b, more, next), &r.next, e));
    *out = r;
    return PR_OK;
}

static const char *in_list(struct bf *b, const struct pr_bf_walk *w) {
    if (w->n_keys == 1) return pr_fmt(b->a, "%s = ANY ($1::%s[])", bf_column(b, w->keys[0].name), w->keys[0].type);
    struct pr_buf params = {.a = b->a}, names = {.a = b->a}, casts = {.a = b->a};
    for (size_t i = 0; i < w->n_keys; i++) {
        const char *sep = i > 0 ? ", " : "";
        pr_addf(&params, "%s$%zu::text[]", sep, i + 1);
        pr_addf(&names, "%sk%zu", sep, i + 1);
        pr_addf(&casts, "%su.k%zu::%s", sep, i + 1, w->keys[i].type);
    }
    return pr_fmt(b->a, "(%s) IN (SELECT %s FROM unnest(%s) AS u (%s))", columns(b, w, ""), pr_buf_text(&casts), pr_buf_text(&params), pr_buf_text(&names));
}

/* The null in the cast becomes the expression: what is stored is the value as the column's type has it. */
enum pr_code bf_differs_in(struct bf *b, const struct pr_rel *member, size_t i, Node **out, struct pr_err *e) {
    const struct pr_col *c = pr_find_col(member, b->sets[i].col);
    PR_ASSERT(c != NULL && b->sets[i].expr != NULL);
    const char *text = bf_as_text(c) ? "::text COLLATE \"C\"" : "";
    Node *n = NULL;
    PR_TRY(e, bf_condition(b, pr_fmt(b->a, "%s%s IS DISTINCT FROM CAST(NULL AS %s)%s", bf_column(b, c->name), text, c->type, text), &n, e));
    Node *right = bf_mut(A_Expr, n)->rexpr;
    if (bf_as_text(c)) right = bf_mut(TypeCast, bf_mut(CollateClause, right)->arg)->arg;
    bf_mut(TypeCast, right)->arg = b->sets[i].expr;
    *out = n;
    return PR_OK;
}

enum pr_code bf_differs(struct bf *b, const struct pr_rel *member, Node **out, struct pr_err *e) {
    Node **items = PR_NEW_ARRAY(b->a, Node *, b->n_sets + 1);
    for (size_t i = 0; i < b->n_sets; i++) PR_TRY(e, bf_differs_in(b, member, i, &items[i], e));
    *out = bf_or(b, items, b->n_sets);
    return PR_OK;
}

static enum pr_code write_texts(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    Node *list = NULL, *undone = NULL;
    const bool compares = b->kind == PR_BF_UPDATE && b->leaves != BF_LEAVES_SURELY && bf_steady(b);
    if (compares) PR_TRY(e, bf_differs(b, member, &undone, e));
    PR_TRY(e, ranged(b, w, NULL, &w->batch, e));
    if (bf_repeatable(b)) PR_TRY(e, ranged(b, w, undone, &w->sweep, e));
    if (w->way == PR_BF_BLOCKS) {                          /* rows that have moved are met again */
        w->batch = w->sweep;
        return PR_OK;
    }
    PR_TRY(e, bf_condition(b, in_list(b, w), &list, e));
    return with_condition(b, list, &w->some, e);
}

/* The walked table as the statement names it becomes the member; the alias keeps what else it says true. */
static void stand_in(struct bf *b, const struct pr_rel *member, RangeVar *rv, Alias *alias) {
    *alias = (Alias){.type = T_Alias, .aliasname = pr_dup(b->a, b->alias)};
    rv->schemaname = pr_dup(b->a, member->schema);
    if (!pr_eq(rv->relname, member->name)) {
        rv->relname = pr_dup(b->a, member->name);
        if (rv->alias == NULL) rv->alias = alias;
    }
    if (member->n_partitions > 0) rv->inh = false;
}

enum pr_code bf_texts(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    const RangeVar before = *b->walked;
    Alias *alias = PR_NEW(b->a, Alias);
    stand_in(b, member, b->walked, alias);
    read_texts(b, member, w);
    enum pr_code code = write_texts(b, member, w, e);
    if (code == PR_OK) code = bf_proofs(b, member, w, e);
    *b->walked = before;
    return code;
}
