/* fix_make.c: fixes of statements that become concurrent, and what all fixes are made of. */
#include "sql/nodes.h"

#include "rules/fix_make.h"

static bool is_lower(const struct pr_rule_ctx *c, size_t at) {
    const char ch = at < c->script->len ? c->script->text[at] : '\0';
    return ch >= 'a' && ch <= 'z';
}

/* Words that we put in are in the case of those that are there. */
static const char *cased(const struct pr_rule_ctx *c, const char *words) {
    char *s = pr_dup(PR_A(c), words);
    for (char *p = s; is_lower(c, c->stmt->offset) && *p != '\0' && *p != '"'; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    return s;
}

void pr_fix_edit(const struct pr_rule_ctx *c, struct pr_fix *fix, size_t from, size_t to, const char *text) {
    *PR_PUSH(PR_A(c), fix->edits, fix->n_edits, fix->cap_edits) = (struct pr_edit){.from = from, .to = to, .text = cased(c, text)};
}

struct pr_fix *pr_fix_refused(const struct pr_rule_ctx *c, const char *why_not) {
    struct pr_fix *fix = PR_NEW(PR_A(c), struct pr_fix);
    fix->why_not = why_not;
    return fix;
}

struct pr_fix *pr_fix_concurrently(const struct pr_rule_ctx *c, const char *keyword, const char *title) {
    const struct pr_span at = pr_word_at(c, keyword, 0);
    if (at.len == 0) return NULL;
    struct pr_fix *fix = PR_NEW(PR_A(c), struct pr_fix);
    fix->title = title;
    pr_fix_edit(c, fix, at.offset + at.len, at.offset + at.len, " CONCURRENTLY");
    fix->steps[0] = (struct pr_fix_step){.outside = true};
    fix->n_steps = 1;
    return fix;
}

const struct pr_fix *pr_fix_index(const struct pr_rule_ctx *c, const IndexStmt *is) {
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const char *t = pr_rv_name(c, is->relation);
    if (r != NULL && r->kind == 'p') return pr_fix_refused(c, "a partitioned table takes no CONCURRENTLY: an index for each partition first, then one that they are attached to");
    const char *what = is->idxname != NULL ? pr_id(c, is->idxname) : pr_fmt(PR_A(c), "the index on %s", t);
    struct pr_fix *fix = pr_fix_concurrently(c, "index", pr_fmt(PR_A(c), "build %s CONCURRENTLY", what));
    if (fix == NULL) return NULL;
    if (r == NULL) fix->assumes = pr_fmt(PR_A(c), "%s is not partitioned", t);
    if (is->idxname == NULL) return fix;
    fix->steps[0].undo = pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY %s;", pr_qualified(PR_A(c), is->relation->schemaname, is->idxname));
    fix->steps[0].word = is->idxname;
    fix->leaned_on = is->unique;
    fix->undo_kind = PR_UNDO_INDEX;
    fix->undo_name = is->idxname;
    return fix;
}

const struct pr_fix *pr_fix_drop_index(const struct pr_rule_ctx *c, const DropStmt *ds) {
    if (list_length(ds->objects) != 1) return pr_fix_refused(c, "CONCURRENTLY drops one index at a time: a statement for each");
    if (ds->behavior == DROP_CASCADE) return pr_fix_refused(c, "CONCURRENTLY does not go with CASCADE");
    const char *schema = NULL, *name = NULL;
    const char *shown = pr_dotted(c, linitial(ds->objects), &schema, &name);
    const struct pr_idx *idx = NULL;
    const struct pr_rel *r = c->facts != NULL ? pr_find_index_rel(c->facts, schema, name, &idx) : NULL;
    if (r != NULL && idx->constraint != NULL) return NULL;              /* it fails either way */
    if (r != NULL && r->kind == 'p') return pr_fix_refused(c, "the index of a partitioned table cannot be dropped CONCURRENTLY");
    struct pr_fix *fix = pr_fix_concurrently(c, "index", pr_fmt(PR_A(c), "drop %s CONCURRENTLY", shown));
    if (fix != NULL && r == NULL) fix->assumes = pr_fmt(PR_A(c), "%s is not the index of a partitioned table", shown);
    return fix;
}

/* Catalogs, exclusion constraints and, up to 13, partitioned tables take no CONCURRENTLY: facts must exclude them. */
const struct pr_fix *pr_fix_reindex(const struct pr_rule_ctx *c, const ReindexStmt *rs) {
    if (rs->relation == NULL) return NULL;                              /* whole schemas: more than one statement's business */
    const struct pr_idx *idx = NULL;
    const struct pr_rel *r = NULL;
    const bool is_index = rs->kind == REINDEX_OBJECT_INDEX;
    if (c->facts != NULL && is_index) r = pr_find_index_rel(c->facts, rs->relation->schemaname, rs->relation->relname, &idx);
    if (c->facts != NULL && !is_index) r = pr_rel_of(c, rs->relation);
    if (r != NULL && r->kind == 'p' && c->version_num < 140000) return pr_fix_refused(c, "CONCURRENTLY takes partitioned tables from version 14 on");
    for (size_t i = 0; idx != NULL && i < r->n_cons; i++)
        if (r->cons[i].type == 'x' && pr_eq(r->cons[i].index, idx->name)) return pr_fix_refused(c, "the index of an exclusion constraint cannot be rebuilt CONCURRENTLY");
    const char *shown = pr_rv_name(c, rs->relation);
    struct pr_fix *fix = pr_fix_concurrently(c, is_index ? "index" : "table", pr_fmt(PR_A(c), "rebuild %s CONCURRENTLY", shown));
    if (fix != NULL && r == NULL) fix->assumes = pr_fmt(PR_A(c), "%s is neither partitioned nor %s", shown, is_index ? "an exclusion constraint's" : "a catalog");
    return fix;
}

/* CONCURRENTLY needs a unique index over all rows, on columns, and a view that is filled: facts must say both. An empty one may be
 * one that was never filled. */
const struct pr_fix *pr_fix_refresh(const struct pr_rule_ctx *c, const RefreshMatViewStmt *rs) {
    const struct pr_rel *r = pr_rel_of(c, rs->relation);
    bool unique = false;
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        unique |= x->unique && x->valid && !x->is_partial && !x->has_expressions;
    }
    if (r == NULL) return pr_fix_refused(c, "whether the view has a unique index is not known without facts");
    if (!unique) return pr_fix_refused(c, "the view has no unique index on columns, over all rows");
    if (r->table_bytes <= 0) return pr_fix_refused(c, "the view is empty: CONCURRENTLY fails on one that was never filled");
    struct pr_fix *fix = pr_fix_concurrently(c, "view", pr_fmt(PR_A(c), "refresh %s CONCURRENTLY", pr_rv_name(c, rs->relation)));
    if (fix != NULL) fix->n_steps = 0;                                  /* it may run inside a transaction */
    return fix;
}

/* json_… functions do not take jsonb. */
static bool calls_json(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->script->n; i++) {
        struct pr_called *calls = NULL;
        if (c->script->stmts[i].node == NULL) return true;         /* not known, or gone by: then nobody wants fixes */
        const size_t n = pr_stmt_calls(&c->script->stmts[i], PR_A(c), &calls);
        for (size_t k = 0; k < n; k++)
            if (pr_starts(calls[k].name, "json_")) return true;
    }
    return false;
}

const struct pr_fix *pr_fix_jsonb(const struct pr_rule_ctx *c, const ColumnDef *col) {
    const size_t at = pr_stmt_at(c->stmt, col->typeName->location);
    if (at + 4 > c->script->len || strncasecmp(c->script->text + at, "json", 4) != 0) return NULL;
    if (pr_column_constraint(col, CONSTR_CHECK) != NULL || pr_column_constraint(col, CONSTR_GENERATED) != NULL || calls_json(c))
        return pr_fix_refused(c, "functions of json are called on it, which do not take jsonb");
    struct pr_fix *fix = PR_NEW(PR_A(c), struct pr_fix);
    fix->title = pr_fmt(PR_A(c), "make %s jsonb", pr_id(c, col->colname));
    fix->reshapes = true;
    pr_fix_edit(c, fix, at, at + 4, is_lower(c, at) ? "jsonb" : "JSONB");
    return fix;
}
