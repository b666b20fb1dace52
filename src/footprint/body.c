/* body.c: statements in the bodies of DO blocks, functions and procedures: what PL/pgSQL itself refuses, what a block catches,
 * and the footprint of the statement that runs the body.
 * Source  PostgreSQL, src/pl/plpgsql/src/pl_exec.c */
#include "footprint/statements.h"

/* --- one statement ----------------------------------------------------------------------------------------------------- */

static bool gives_rows(const void *node) {
    const SelectStmt *q = pr_as(SelectStmt, FX_NODE(Node, node));
    if (q != NULL) return q->intoClause == NULL;
    if (IsA(FX_NODE(Node, node), InsertStmt)) return PR_HAS_RETURNING(FX_NODE(InsertStmt, node));
    if (IsA(FX_NODE(Node, node), UpdateStmt)) return PR_HAS_RETURNING(FX_NODE(UpdateStmt, node));
    return IsA(FX_NODE(Node, node), DeleteStmt) && PR_HAS_RETURNING(FX_NODE(DeleteStmt, node));
}

/* A COMMIT of the block ends the transaction, which only a block that a client sent by itself may do. */
static void commit(struct fx *x, bool alone) {
    const struct pr_inside *in = x->s->inside;
    if (!alone) fx_fail(x, "2D000", true, "%s within a transaction that is not the block's own", x->s->tag);
    else if (in->caught) fx_fail(x, "2D000", true, "%s in a block with EXCEPTION", x->s->tag);
    x->stop = true;                                        /* not the transaction of the script: nothing else to predict */
    x->w->tx++;
}

/* --- names that are a variable and a column --- */

struct ambiguous { struct fx *x; const struct w_rel *r; };

static bool find_ambiguous(Node *node, void *ctx) {
    struct ambiguous *m = ctx;
    const struct pr_inside *in = m->x->s->inside;
    if (node == NULL || IsA(node, SelectStmt)) return false;             /* of a subquery other tables are asked first */
    const ColumnRef *ref = pr_as(ColumnRef, node);
    if (ref == NULL) return pr_tree_walk(node, find_ambiguous, ctx);
    const char *name = list_length(ref->fields) == 1 && IsA(linitial(ref->fields), String) ? strVal(linitial(ref->fields)) : NULL;
    if (name == NULL || !pr_mentions(in->vars, in->n_vars, name) || pr_find_col(&m->r->r, name) == NULL) return false;
    fx_fail(m->x, "42702", true, "\"%s\" is a variable and a column of \"%s\"", name, m->r->r.name);
    return true;
}

/* In the WHERE of a statement over one table. */
static void ambiguous(struct fx *x) {
    const Node *n = x->s->node, *where = NULL;
    const RangeVar *of = NULL;
    const List *more = NIL;
    if (IsA(n, UpdateStmt)) {
        of = FX_NODE(UpdateStmt, n)->relation;
        more = FX_NODE(UpdateStmt, n)->fromClause;
        where = FX_NODE(UpdateStmt, n)->whereClause;
    } else if (IsA(n, DeleteStmt)) {
        of = FX_NODE(DeleteStmt, n)->relation;
        more = FX_NODE(DeleteStmt, n)->usingClause;
        where = FX_NODE(DeleteStmt, n)->whereClause;
    } else if (IsA(n, SelectStmt) && list_length(FX_NODE(SelectStmt, n)->fromClause) == 1) {
        of = pr_as(RangeVar, (const Node *)linitial(FX_NODE(SelectStmt, n)->fromClause));
        where = FX_NODE(SelectStmt, n)->withClause == NULL ? FX_NODE(SelectStmt, n)->whereClause : NULL;
    }
    const struct w_rel *r = of != NULL && more == NIL ? w_find(x->w, of->schemaname, of->relname) : NULL;
    struct ambiguous m = {.x = x, .r = r};
    if (r != NULL && r->complete) (void)find_ambiguous((Node *)(uintptr_t)where, &m);
}

void fx_inside(struct fx *x) {
    const struct pr_inside *in = x->s->inside;
    const void *node = x->s->node;
    const CopyStmt *copy = pr_as(CopyStmt, FX_NODE(Node, node));
    if (in->kind == PR_INSIDE_COMMIT) return commit(x, !x->outer_tx);
    if (IsA(FX_NODE(Node, node), TransactionStmt)) {
        fx_fail(x, "0A000", true, "%s is no statement of PL/pgSQL", x->s->tag);
    } else if (in->kind == PR_INSIDE_SQL && !in->takes_rows && gives_rows(node)) {
        fx_fail(x, "42601", true, "the rows of this %s go nowhere: PERFORM, or INTO", x->s->tag);
    } else if (copy != NULL && copy->filename == NULL) {
        fx_fail(x, "0A000", true, "COPY from or to the client in a body");
    } else if (in->n_vars > 0 && in->kind != PR_INSIDE_EXECUTED && !in->settled) {
        ambiguous(x);
    }
}

/* "There already" and "not there": what IF [NOT] EXISTS (SELECT … FROM the catalog) is written for. */
static bool is_guarded_against(const char *sqlstate) {
    static const char *const states[] = {"42701", "42710", "42P07", "42P06", "42723", "42P16", "42P01", "42703", "42704", "42883", "3F000"};
    for (size_t i = 0; i < PR_COUNT(states); i++)
        if (pr_eq(sqlstate, states[i])) return true;
    return false;
}

void fx_inside_done(struct fx *x) {
    const struct pr_inside *in = x->s->inside;
    struct pr_footprint *f = x->out;
    const bool ends = f->fails_sqlstate != NULL && f->certain_fail;
    if (f->fails_sqlstate == NULL || !(in->maybe || in->caught)) return;
    if (ends && (in->caught || is_guarded_against(f->fails_sqlstate))) {
        *f = (struct pr_footprint){.stmt = f->stmt, .dml_rows = -1, .guessed = f->guessed};    /* it does not run, or is undone */
        x->cap_effects = x->cap_lost = 0;
        return;
    }
    if (in->caught) f->fails_sqlstate = f->fails_why = NULL;
    f->certain_fail = false;
}

/* --- the statement round it ---------------------------------------------------------------------------------------------- */

struct seen { struct pr_effect e; size_t order; };
struct fold {
    struct pr_arena *a;
    struct pr_footprint *into;
    struct seen *effects; size_t n, cap, cap_lost;
};

static void add_effects(struct fold *d, const struct pr_footprint *f) {
    for (size_t i = 0; i < f->n; i++) {
        struct seen *s = PR_PUSH(d->a, d->effects, d->n, d->cap);
        *s = (struct seen){.e = f->effects[i], .order = d->n};
    }
}

static int by_name(const void *a, const void *b) {
    const struct seen *x = a, *y = b;
    const int names = strcmp(x->e.name, y->e.name);
    if (names != 0) return names;
    const int schemas = strcmp(x->e.schema != NULL ? x->e.schema : "", y->e.schema != NULL ? y->e.schema : "");
    return schemas != 0 ? schemas : x->order < y->order ? -1 : 1;
}

static int by_lock(const void *a, const void *b) {
    const struct pr_effect *x = a, *y = b;
    if (x->lock != y->lock) return x->lock > y->lock ? -1 : 1;
    const int names = strcmp(x->name, y->name);
    return names != 0 ? names : strcmp(x->schema != NULL ? x->schema : "", y->schema != NULL ? y->schema : "");
}

/* Whose it was is as the first statement found it; the rest is what all of them do together. */
static void join_effect(struct pr_effect *mine, const struct pr_effect *e) {
    if (e->lock > mine->lock) mine->lock = e->lock;
    if (e->at_least > mine->at_least) mine->at_least = e->at_least;
    mine->maybe = mine->maybe || e->maybe;
    mine->rewrite = mine->rewrite || e->rewrite;
    mine->scan = mine->scan || e->scan;
    mine->index_builds += e->index_builds;
    mine->dropped = mine->dropped || e->dropped;
    if (e->rows > mine->rows) mine->rows = e->rows;
    if (e->bytes > mine->bytes) mine->bytes = e->bytes;
    if (mine->why == NULL) mine->why = e->why;
}

static void join_effects(struct fold *d) {
    struct pr_footprint *f = d->into;
    f->n = 0;
    f->effects = PR_NEW_ARRAY(d->a, struct pr_effect, d->n + 1);
    if (d->n > 1) qsort(d->effects, d->n, sizeof *d->effects, by_name);
    for (size_t i = 0; i < d->n; i++) {
        const struct pr_effect *e = &d->effects[i].e;
        struct pr_effect *last = f->n > 0 ? &f->effects[f->n - 1] : NULL;
        if (last != NULL && pr_eq(last->name, e->name) && pr_eq(last->schema, e->schema)) join_effect(last, e);
        else f->effects[f->n++] = *e;
    }
    if (f->n > 1) qsort(f->effects, f->n, sizeof *f->effects, by_lock);
    if (f->n > 0 && f->effects[0].lock > PR_ROW_EXCLUSIVE) f->dml = false;
}

static void join(struct fold *d, const struct pr_footprint *inner) {
    struct pr_footprint *f = d->into;
    add_effects(d, inner);
    for (size_t i = 0; i < inner->n_lost; i++) {
        struct pr_loss *l = PR_PUSH(d->a, f->lost, f->n_lost, d->cap_lost);
        *l = inner->lost[i];
    }
    if (inner->dml) {
        const bool known = f->dml ? f->dml_rows >= 0 && inner->dml_rows >= 0 : inner->dml_rows >= 0;
        f->dml_rows = known ? pr_sat_add(f->dml ? f->dml_rows : 0, inner->dml_rows) : -1;
    }
    f->dml = f->dml || inner->dml;
    f->loses_data = f->loses_data || inner->loses_data;
    f->unjudged = f->unjudged || inner->unjudged;
    f->guessed = f->guessed || inner->guessed;
    if (inner->fails_sqlstate != NULL && (f->fails_sqlstate == NULL || (!f->certain_fail && inner->certain_fail))) {
        f->fails_sqlstate = inner->fails_sqlstate;
        f->fails_why = inner->fails_why;
        f->certain_fail = inner->certain_fail;
    }
    if (f->main_name == NULL) {
        f->main_schema = inner->main_schema;
        f->main_name = inner->main_name;
    }
}

/* A function whose body is no text of its language is not made. */
static bool is_refused(const struct pr_stmt *s) { return s->unjudged == PR_UNPARSED && s->inside->kind != PR_INSIDE_EXECUTED; }

void pr_footprint_fold(const struct pr_run_footprint *flat, const struct pr_script *s, struct pr_arena *a, struct pr_run_footprint *out) {
    *out = (struct pr_run_footprint){.tx = flat->tx, .script = s, .n = s->n};
    out->stmts = PR_NEW_ARRAY(a, struct pr_footprint, s->n + 1);
    struct fold d = {.a = a};
    for (size_t i = 0; i < flat->n; i++) {
        const struct pr_stmt *st = &flat->script->stmts[i];
        struct pr_footprint *mine = &out->stmts[st->top];
        if (st->inside == NULL) {
            *mine = flat->stmts[i];
            mine->stmt = st->top;
            d = (struct fold){.a = a, .into = mine, .cap_lost = mine->n_lost};     /* the first loss of a body copies the list */
            if (st->opened) add_effects(&d, mine);
        } else if (!st->inside->later || is_refused(st)) {
            join(&d, &flat->stmts[i]);
        }
        const bool last = i + 1 == flat->n || flat->script->stmts[i + 1].inside == NULL;
        if (last && d.n > 0) join_effects(&d);
    }
}

void pr_footprint_open(const struct pr_script *s, const struct pr_facts *facts, struct pr_arena *a, struct pr_script *flat) {
    const size_t n = facts != NULL ? facts->n_fns : 0;
    struct pr_known_body *known = PR_NEW_ARRAY(a, struct pr_known_body, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct pr_fn *fn = &facts->fns[i];
        known[i] = (struct pr_known_body){.name = fn->name, .args = fn->args, .language = fn->language, .body = fn->body};
    }
    pr_script_flat(s, known, n, a, flat);
}

void pr_world_begin(struct pr_world *w, enum pr_tx_mode tx) {
    if (tx == PR_TX_ONE) w_begin(w);
}

void pr_world_end(struct pr_world *w) {
    w_end(w);
    w->step++;
}

void pr_footprint_flat(struct pr_world *w, const struct pr_script *flat, enum pr_tx_mode tx, struct pr_arena *a, struct pr_run_footprint *out) {
    *out = (struct pr_run_footprint){.tx = tx, .script = flat, .n = flat->n};
    out->stmts = PR_NEW_ARRAY(a, struct pr_footprint, flat->n + 1);
    pr_world_begin(w, tx);
    for (size_t i = 0; i < flat->n; i++) pr_footprint_step(w, &flat->stmts[i], &out->stmts[i]);
    pr_world_end(w);
}

void pr_footprint_script(struct pr_world *w, const struct pr_script *s, enum pr_tx_mode tx, struct pr_arena *a,
                         struct pr_run_footprint *out) {
    struct pr_script flat PR_CLEANUP(pr_script_done) = {0};
    struct pr_run_footprint run = {0};
    pr_footprint_open(s, pr_world_facts(w), a, &flat);
    pr_footprint_flat(w, &flat, tx, a, &run);
    pr_footprint_fold(&run, s, a, out);
}
