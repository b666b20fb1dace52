/* way.c: the key that a table is gone through by, and the way. What decides was measured: page-strided passes keep updates HOT where
 * rows lie in the order of the key and no index holds what changes; elsewhere plain ranges of the key do as well or better. */
#include "sql/nodes.h"

#include "backfill/impl.h"

enum { IN_ORDER_PERMILLE = 900, ROWS_PER_PAGE = 6 };

const char *pr_bf_kind_name(enum pr_bf_kind k) {
    static const char *const names[PR_BF_KIND_COUNT] = {[PR_BF_UPDATE] = "UPDATE", [PR_BF_DELETE] = "DELETE", [PR_BF_INSERT] = "INSERT"};
    return names[k];
}

const char *pr_bf_way_name(enum pr_bf_way w) {
    static const char *const names[PR_BF_WAY_COUNT] = {
        [PR_BF_AUTO] = "auto", [PR_BF_STRIDED] = "strided", [PR_BF_KEY] = "key", [PR_BF_BLOCKS] = "blocks"};
    return names[w];
}

/* --- the key --- */

/* All columns in the same direction, each by the order that its type and collation have anyway: then "ORDER BY a, b" and
 * "(a, b) > (…)" go along the index. */
static bool is_in_plain_order(const struct bf *b, const struct pr_idx *x) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (x->def == NULL) return x->primary || x->default_order;      /* made by a migration that has not run yet */
    if (pr_script_parse(x->def, strlen(x->def), b->a, &s, &e) != PR_OK || s.n != 1) return false;
    const IndexStmt *is = pr_as(IndexStmt, (const Node *)s.stmts[0].node);
    int up = 0, down = 0;
    ListCell *lc;
    if (is == NULL) return false;
    foreach (lc, is->indexParams) {
        const IndexElem *el = lfirst_node(IndexElem, lc);
        if (el->collation != NIL || el->opclass != NIL || el->nulls_ordering != SORTBY_NULLS_DEFAULT) return false;
        *(el->ordering == SORTBY_DESC ? &down : &up) += 1;
    }
    return up == 0 || down == 0;
}

static bool has_order(const struct pr_col *c) {
    const size_t n = strlen(c->type);
    return !pr_eq(c->type, "money") && !(n > 2 && pr_eq(c->type + n - 2, "[]"));       /* money is written by the session's locale */
}

/* Why an index cannot be gone along; NULL = it can. */
static const char *why_not(const struct bf *b, const struct pr_rel *r, const struct pr_idx *x) {
    if (!x->unique || !x->valid || !x->ready || !pr_eq(x->method, "btree")) return "is no valid unique index";
    if (x->is_partial) return "is partial";
    if (x->has_expressions) return "is over an expression";
    for (size_t i = 0; i < x->n_cols; i++) {
        const struct pr_col *c = pr_find_col(r, x->cols[i]);
        if (c == NULL || !c->not_null || !c->not_null_valid) return pr_fmt(b->a, "may hold nulls (%s)", x->cols[i]);
        if (!has_order(c)) return pr_fmt(b->a, "is over %s, whose values do not travel as text", c->type);
        if (b->kind == PR_BF_UPDATE && pr_mentions(b->changed, b->n_changed, x->cols[i])) return pr_fmt(b->a, "holds %s, which changes", x->cols[i]);
    }
    return is_in_plain_order(b, x) ? NULL : "mixes directions, or has an order of its own";
}

static bool is_better(const struct pr_idx *x, const struct pr_idx *than) {
    if (than == NULL || x->primary) return true;
    if (than->primary) return false;
    return x->n_cols != than->n_cols ? x->n_cols < than->n_cols : strcmp(x->name, than->name) < 0;
}

static bool is_asked_for(const struct bf *b, const struct pr_idx *x) {
    if (x->n_cols != b->f->n_keys) return false;
    for (size_t i = 0; i < x->n_cols; i++)
        if (!pr_mentions(b->f->keys, b->f->n_keys, x->cols[i])) return false;
    return true;
}

static enum pr_code no_such_key(const struct bf *b, const struct pr_rel *r, struct pr_err *e) {
    const char *cols = bf_list(b, b->f->keys, b->f->n_keys), *full = pr_qualified(b->a, r->schema, r->name);
    for (size_t i = 0; i < b->f->n_keys; i++) {
        if (pr_find_col(r, b->f->keys[i]) != NULL) continue;
        struct pr_near *near = NULL;
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: key: %s has no column %s", b->f->path, full, b->f->keys[i]);
        return pr_near_columns(r, b->f->keys[i], 1, b->a, &near) > 0 ? pr_hint(e, "did you mean %s?", near[0].name) : e->code;
    }
    for (size_t i = 0; i < r->n_idxs; i++) {
        if (!is_asked_for(b, &r->idxs[i])) continue;
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: key: index %s on (%s) of %s %s", b->f->path, r->idxs[i].name, cols, full, why_not(b, r, &r->idxs[i]));
        return pr_hint(e, "a key is a unique index of columns that are NOT NULL, without WHERE and without expressions");
    }
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: key: %s has no unique index on (%s)", b->f->path, full, cols);
    return pr_hint(e, "leave the key out to have one chosen, or CREATE UNIQUE INDEX CONCURRENTLY … ON %s (%s)", full, cols);
}

static enum pr_code no_key(const struct bf *b, const struct pr_rel *r, struct pr_err *e) {
    const char *full = pr_qualified(b->a, r->schema, r->name);
    const struct pr_idx *primary = NULL;
    for (size_t i = 0; i < r->n_idxs; i++)
        if (r->idxs[i].primary) primary = &r->idxs[i];
    if (primary != NULL) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "the primary key of %s %s, and there is no other unique index to go along", full, why_not(b, r, primary));
        return pr_hint(e, "CREATE UNIQUE INDEX CONCURRENTLY on columns that are NOT NULL and stay as they are");
    }
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s has no primary key and no unique index over NOT NULL columns: nothing says how far a batch goes", full);
    const bool blocks = b->facts->version_num >= 140000 && b->kind != PR_BF_INSERT && bf_repeatable(b);
    return pr_hint(e, "CREATE UNIQUE INDEX CONCURRENTLY … ON %s (…)%s", full,
                   blocks ? "; or \"-- way: blocks\" in the header, which misses rows that the application moves behind it while it runs" : "");
}

static enum pr_code take_key(struct bf *b, const struct pr_rel *r, struct pr_bf_walk *w, const struct pr_idx **out, struct pr_err *e) {
    const struct pr_idx *best = NULL;
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if ((b->f->n_keys > 0 && !is_asked_for(b, x)) || why_not(b, r, x) != NULL) continue;
        if (is_better(x, best)) best = x;
    }
    if (best == NULL) return b->f->n_keys > 0 ? no_such_key(b, r, e) : no_key(b, r, e);
    w->keys = PR_NEW_ARRAY(b->a, struct pr_bf_key, best->n_cols);
    w->n_keys = best->n_cols;
    for (size_t i = 0; i < best->n_cols; i++) w->keys[i] = (struct pr_bf_key){.name = best->cols[i], .type = pr_find_col(r, best->cols[i])->type};
    w->index = best->name;
    *out = best;
    return PR_OK;
}

/* --- the way --- */

/* An index whose entries change with the row: then no update is HOT. BRIN does not count from 16 on. */
static const struct pr_idx *index_that_changes(const struct bf *b, const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (!x->ready || (pr_eq(x->method, "brin") && b->facts->version_num >= 160000)) continue;
        for (size_t k = 0; k < b->n_changed; k++)
            if (pr_mentions(x->mentions, x->n_mentions, b->changed[k])) return x;
    }
    return NULL;
}

static const struct pr_bf_look *look_of(const struct bf *b, const struct pr_rel *r, const char *col) {
    for (size_t i = 0; i < b->n_looks; i++)
        if (pr_eq(b->looks[i].schema, r->schema) && pr_eq(b->looks[i].table, r->name) && pr_eq(b->looks[i].column, col)) return &b->looks[i];
    return NULL;
}

static const char again_why[] = "a second run over a row would change it again: the journal alone keeps batches apart";

static void choose(struct bf *b, const struct pr_rel *r, struct pr_bf_walk *w) {
    const struct pr_bf_look *look = look_of(b, r, w->keys[0].name);
    const struct pr_idx *x = index_that_changes(b, r);
    w->way = PR_BF_KEY;
    if (b->kind != PR_BF_UPDATE) w->why_way = b->kind == PR_BF_DELETE ? "rows that go leave no versions behind" : "rows are added, none change";
    else if (!bf_repeatable(b)) w->why_way = again_why;
    else if (x != NULL) w->why_way = pr_fmt(b->a, "index %s holds what changes: no update is HOT", x->name);
    else if (look == NULL || look->correlation_permille < 0) w->why_way = "the order of the rows is not known: ANALYZE has not seen the key";
    else if (look->correlation_permille < IN_ORDER_PERMILLE)
        w->why_way = pr_fmt(b->a, "rows lie in another order than the key's (correlation 0.%03d): its ranges are spread over the pages already", look->correlation_permille);
    else if (look->rows_per_page < ROWS_PER_PAGE) w->why_way = pr_fmt(b->a, "rows are wide: %" PRId64 " on a page", look->rows_per_page);
    else {
        w->way = PR_BF_STRIDED;
        w->why_way = "a few rows of each page at a time: updates stay HOT, indexes hardly grow";
    }
}

static enum pr_code ask_strided(const struct bf *b, const struct pr_rel *r, struct pr_bf_walk *w, struct pr_err *e) {
    if (b->kind != PR_BF_UPDATE || !bf_repeatable(b)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, b->kind != PR_BF_UPDATE ? "strided passes are for UPDATE" : "strided passes end with a sweep over the same rows, which would change them again: the condition does not leave out rows that are done");
        return b->kind != PR_BF_UPDATE ? pr_hint(e, "leave \"way\" out of the header") : pr_hint(e, "add a condition that rows no longer meet once they are done, or leave \"way\" out of the header");
    }
    const struct pr_idx *x = index_that_changes(b, r);
    w->way = PR_BF_STRIDED;
    w->why_way = x != NULL ? pr_fmt(b->a, "asked for, though index %s holds what changes and no update is HOT", x->name) : "asked for";
    return PR_OK;
}

static enum pr_code ask_blocks(struct bf *b, const struct pr_rel *r, struct pr_bf_walk *w, struct pr_err *e) {
    if (b->facts->version_num < 140000) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "way: blocks needs PostgreSQL 14: this server reads the whole table for each range of blocks");
        return pr_hint(e, "leave \"way\" out of the header, and give %s a unique index", pr_qualified(b->a, r->schema, r->name));
    }
    if (b->kind == PR_BF_INSERT || !bf_repeatable(b)) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "way: blocks meets rows again that have moved, and the statement would %s", b->kind == PR_BF_INSERT ? "insert for them twice" : "change them twice");
        return pr_hint(e, b->kind == PR_BF_INSERT ? "leave \"way\" out of the header" : "add a condition that rows no longer meet once they are done");
    }
    w->way = PR_BF_BLOCKS;
    w->why_way = "asked for";
    w->keys = PR_NEW(b->a, struct pr_bf_key);
    w->n_keys = 1;
    w->keys[0] = (struct pr_bf_key){.name = "block", .type = "bigint"};
    bf_note(b, "rows that the application moves behind the blocks that are done are missed: verify, and run it again if rows are left");
    return PR_OK;
}

enum pr_code bf_way(struct bf *b, const struct pr_rel *member, struct pr_bf_walk *w, struct pr_err *e) {
    if (b->f->way == PR_BF_BLOCKS) return ask_blocks(b, member, w, e);
    const struct pr_idx *key = NULL;
    PR_TRY(e, take_key(b, member, w, &key, e));
    if (b->f->way == PR_BF_STRIDED) return ask_strided(b, member, w, e);
    if (b->f->way == PR_BF_AUTO) {
        choose(b, member, w);
        return PR_OK;
    }
    w->way = PR_BF_KEY;
    w->why_way = "asked for";
    return PR_OK;
}
