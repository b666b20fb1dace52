/* fx.c: gathers what one statement does into its footprint. */
#include "footprint/fx.h"

const char *fx_str(struct fx *x, const char *s) { return pr_dup(x->a, s); }

void fx_guess(struct fx *x) { x->out->guessed = true; }

void fx_pending(struct fx *x, const struct w_rel *r) {
    if (x->w->in_tx && r->pending_tx == x->w->tx && r->pending_checks == x->w->checks)
        fx_fail(x, "55006", true, "\"%s\" has pending trigger events: its deferred constraints are not checked yet", r->r.name);
}

void fx_parts(const List *names, const char **schema, const char **name) {
    const int n = list_length(names);
    *schema = NULL;
    *name = NULL;
    if (n == 0) return;
    *name = strVal(list_nth(names, n - 1));
    if (n > 1) *schema = strVal(list_nth(names, n - 2));
}

const char *fx_new_schema(struct fx *x, const RangeVar *rv) {
    if (rv->relpersistence == RELPERSISTENCE_TEMP || pr_eq(rv->schemaname, W_TEMP)) return W_TEMP;
    return rv->schemaname != NULL ? fx_str(x, rv->schemaname) : w_default_schema(x->w);
}

struct w_rel *fx_rel_named(struct fx *x, const char *schema, const char *name, char kind, bool missing_ok) {
    struct w_rel *r = w_find(x->w, schema, name);
    if (r != NULL) {
        if (!r->complete) fx_guess(x);
        return r;
    }
    if (w_absent(x->w, schema, name)) {
        if (missing_ok) return NULL;
        fx_fail(x, "42P01", true, "relation \"%s\" does not exist", pr_qualified(x->o, schema, name));
        return NULL;
    }
    fx_guess(x);
    return w_stub(x->w, fx_str(x, schema), fx_str(x, name), kind);
}

struct w_rel *fx_rel(struct fx *x, const RangeVar *rv, char kind, bool missing_ok) {
    return fx_rel_named(x, rv->schemaname, rv->relname, kind, missing_ok);
}

static struct pr_effect *add_effect(struct fx *x, const struct w_rel *touched) {
    const size_t n = x->out->n;
    if (x->cap_effects == 0) x->out->effects = PR_NEW_ARRAY(x->o, struct pr_effect, x->cap_effects = 1);   /* most have one */
    struct pr_effect *e = PR_PUSH(x->o, x->out->effects, x->out->n, x->cap_effects);
    size_t n_touched = n;
    *PR_PUSH(x->o, x->touched, n_touched, x->cap_touched) = touched;
    *e = (struct pr_effect){.rows = -1, .bytes = -1, .total_bytes = -1};
    return e;
}

static void add_lock(const struct fx *x, struct pr_effect *e, enum pr_lock lock) {
    if (lock > e->lock) e->lock = lock;
    if (!x->may && lock > e->at_least) e->at_least = lock;
}

struct pr_effect *fx_lock(struct fx *x, const struct w_rel *r, enum pr_lock lock) {
    struct pr_effect *e = NULL;
    for (size_t i = 0; i < x->out->n && e == NULL; i++)
        if (x->touched[i] == r) e = &x->out->effects[i];
    if (e == NULL) {
        e = add_effect(x, r);
        e->schema = r->r.schema;
        e->name = r->r.name;
        e->kind = r->r.kind;
        e->own = r->own;
    }
    add_lock(x, e, lock);
    return e;
}

struct pr_effect *fx_lock_index(struct fx *x, const struct w_rel *table, const char *index, enum pr_lock lock) {
    const char *schema = table != NULL ? table->r.schema : NULL;
    for (size_t i = 0; i < x->out->n; i++) {
        struct pr_effect *e = &x->out->effects[i];
        if (x->touched[i] != NULL || !pr_eq(e->name, index) || !pr_eq(e->schema, schema)) continue;
        add_lock(x, e, lock);
        return e;
    }
    struct pr_effect *e = add_effect(x, NULL);
    e->schema = schema;
    e->name = index;
    e->kind = table != NULL && table->r.kind == 'p' ? 'I' : 'i';
    add_lock(x, e, lock);
    e->own = table != NULL && table->own;
    return e;
}

void fx_scan(struct fx *x, const struct w_rel *r) {
    if (r->r.kind == 'p') return;                          /* a partitioned table has no rows of its own */
    struct pr_effect *e = fx_lock(x, r, PR_LOCK_NONE);
    e->maybe = e->maybe || (x->may && !e->scan);
    e->scan = true;
}

void fx_build(struct fx *x, const struct w_rel *r, int n) {
    if (n == 0 || r->r.kind == 'p') return;
    struct pr_effect *e = fx_lock(x, r, PR_LOCK_NONE);
    e->index_builds += n;
    e->scan = true;
}

int fx_live_indexes(const struct w_rel *r) {
    int n = 0;
    for (size_t i = 0; i < r->r.n_idxs; i++)
        if (r->r.idxs[i].live) n++;
    return n;
}

void fx_rewrite(struct fx *x, const struct w_rel *r) {
    if (r->r.kind == 'p') return;
    struct pr_effect *e = fx_lock(x, r, PR_LOCK_NONE);
    e->rewrite = true;
    e->scan = true;
    e->index_builds = fx_live_indexes(r);
}

void fx_created(struct fx *x, const struct w_rel *r) { fx_lock(x, r, PR_ACCESS_EXCLUSIVE)->created = true; }

void fx_main(struct fx *x, const struct w_rel *r) {
    if (x->out->main_name != NULL) return;
    x->out->main_schema = r->r.schema;
    x->out->main_name = r->r.name;
}

void fx_why(struct fx *x, const struct w_rel *r, const char *fmt, ...) {
    struct pr_effect *e = fx_lock(x, r, PR_LOCK_NONE);
    if (e->why != NULL) return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    e->why = pr_dup(x->o, text);
}

void fx_lose(struct fx *x, const char *kind, const char *name, bool silent) {
    const char *what = pr_fmt(x->o, "%s %s", kind, name != NULL ? name : "?");
    for (size_t i = 0; i < x->out->n_lost; i++)
        if (pr_eq(x->out->lost[i].what, what)) return;
    struct pr_loss *l = PR_PUSH(x->o, x->out->lost, x->out->n_lost, x->cap_lost);
    *l = (struct pr_loss){.what = what, .kind = pr_dup(x->o, kind), .silent = silent};
}

void fx_fail(struct fx *x, const char *sqlstate, bool certain, const char *fmt, ...) {
    struct pr_footprint *f = x->out;
    if (f->fails_sqlstate != NULL && (f->certain_fail || !certain)) return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    f->fails_sqlstate = sqlstate;
    f->fails_why = pr_dup(x->o, text);
    f->certain_fail = certain;
    if (certain) x->stop = true;
}

/* Rows: certain only where statistics are trusted or the relation is of this run. */
bool fx_has_rows(const struct w_rel *r, bool *sure) {
    *sure = r->empty || (r->complete && r->r.rows_trusted && r->r.rows > 0);
    return !r->empty;
}

static void add_below(struct fx *x, const struct w_rel *r, struct w_rel ***list, size_t *n, size_t *cap, int depth) {
    if (depth > 32) return;
    for (size_t i = 0; i < r->r.n_partitions && *n < FX_FAMILY; i++) {
        struct w_rel *child = w_find_full(x->w, r->r.partitions[i]);
        if (child == NULL) continue;
        bool seen = false;                                 /* an inheritance child may have several parents */
        for (size_t k = 0; k < *n && r->r.kind != 'p' && !seen; k++) seen = (*list)[k] == child;
        if (seen) continue;
        *PR_PUSH(x->o, *list, *n, *cap) = child;
        add_below(x, child, list, n, cap, depth + 1);
    }
}

size_t fx_family(struct fx *x, struct w_rel *r, bool inh, struct w_rel ***out) {
    struct w_rel **list = PR_NEW_ARRAY(x->o, struct w_rel *, 1);       /* most stand alone */
    size_t n = 0, cap = 1;
    list[n++] = r;
    if (inh) add_below(x, r, &list, &n, &cap, 0);
    *out = list;
    return n;
}

static bool before(const struct fx *x, const struct pr_effect *a, const struct pr_effect *b) {
    if (a->lock != b->lock) return a->lock > b->lock;
    const bool a_main = pr_eq(a->name, x->out->main_name) && pr_eq(a->schema, x->out->main_schema);
    const bool b_main = pr_eq(b->name, x->out->main_name) && pr_eq(b->schema, x->out->main_schema);
    return a_main && !b_main;
}

static void fill_size(struct pr_effect *e, const struct w_rel *r) {
    if (r == NULL || (!r->complete && !r->own)) return;
    const bool work = e->rewrite || e->scan || e->index_builds > 0;
    e->total_bytes = r->r.total_bytes;
    if (r->empty) {
        e->rows = e->bytes = 0;
        return;
    }
    if (e->rows == 0 && e->bytes == 0) return;             /* said by the statement: TRUNCATE goes over nothing */
    e->rows = !work && !r->r.rows_trusted ? -1 : r->r.rows;
    if (r->r.rows <= 0 && r->r.pages > 0) e->rows = -1;    /* never analyzed */
    e->bytes = r->r.table_bytes;
}

/* Strongest first: by insertion, stable, and family lists come nearly sorted. */
void fx_finish(struct fx *x) {
    const bool maybe = x->s != NULL && x->s->inside != NULL && x->s->inside->maybe;
    for (size_t i = 0; i < x->out->n; i++) {
        fill_size(&x->out->effects[i], x->touched[i]);
        if (!maybe) continue;
        x->out->effects[i].at_least = PR_LOCK_NONE;
        x->out->effects[i].maybe = true;
    }
    if (x->out->n < 2) return;
    struct pr_effect *sorted = PR_NEW_ARRAY(x->o, struct pr_effect, x->out->n + 1);
    size_t n = 0;
    for (int lock = PR_LOCK_COUNT - 1; lock >= 0; lock--)
        for (size_t i = 0; i < x->out->n; i++)
            if ((int)x->out->effects[i].lock == lock) sorted[n++] = x->out->effects[i];
    for (size_t i = 1; i < n; i++) {
        if (!before(x, &sorted[i], &sorted[i - 1])) continue;
        const struct pr_effect e = sorted[i];
        size_t at = i;
        for (; at > 0 && before(x, &e, &sorted[at - 1]); at--) sorted[at] = sorted[at - 1];
        sorted[at] = e;
    }
    x->out->effects = sorted;
}
