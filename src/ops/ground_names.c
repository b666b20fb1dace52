#include "ops/ground.h"

/* What a script has made so far: relations and indexes, and columns of relations that were there before. */
struct made { const char *schema, *name, *column; };
struct walk {
    const struct pr_script *s;
    const struct pr_facts *f;
    struct pr_arena *a;
    json_t *list;
    int first_line;
    struct made *made; size_t n_made, cap;
};

/* A name without a schema and the same name with one are taken for the same: a guess here would be a false alarm. */
static bool was_made(const struct walk *w, const char *schema, const char *name, const char *column) {
    for (size_t i = 0; i < w->n_made; i++) {
        const struct made *m = &w->made[i];
        if (pr_eq(m->name, name) && (m->column == NULL || pr_eq(m->column, column)) &&
            (schema == NULL || m->schema == NULL || pr_eq(m->schema, schema)) && (column != NULL || m->column == NULL))
            return true;
    }
    return false;
}

static const struct pr_rel *known_rel(const struct pr_facts *f, const char *schema, const char *name) {
    const struct pr_rel *r = pr_find_rel(f, schema, name);
    return r != NULL || schema != NULL ? r : pr_find_rel(f, "pg_catalog", name);
}

static void report(struct walk *w, const char *kind, const char *relation, const char *name, size_t offset, const char *message,
                   const struct pr_near *near, size_t n_near) {
    int line = 0, col = 0;
    pr_line_col(w->s->text, offset, &line, &col);
    json_t *o = pr_push_object(w->list);
    pr_set_str(o, "kind", kind);
    pr_set_str(o, "name", name);
    pr_set_str(o, "relation", relation);
    pr_set_int(o, "line", w->first_line + line - 1);
    pr_set_str(o, "message", message);
    json_t *nearest = pr_set_array(o, "nearest");
    for (size_t i = 0; i < n_near; i++) {
        json_t *n = pr_push_object(nearest);
        pr_set_str(n, "name", near[i].name);
        pr_set_str(n, "detail", near[i].detail);
        pr_set_int(n, "score", near[i].score);
    }
}

static void unknown_index(struct walk *w, const struct pr_name *n) {
    const char **names = NULL;
    size_t count = 0, cap = 0;
    for (size_t i = 0; i < w->f->n_rels; i++)
        for (size_t k = 0; k < w->f->rels[i].n_idxs; k++) *PR_PUSH(w->a, names, count, cap) = w->f->rels[i].idxs[k].name;
    const char *near = pr_nearest(n->name, names, count);
    const struct pr_near one = {.name = near, .detail = ""};
    report(w, "index", NULL, pr_qualified(w->a, n->schema, n->name), n->offset,
           pr_fmt(w->a, "there is no index %s", pr_qualified(w->a, n->schema, n->name)), &one, near != NULL ? 1 : 0);
}

static void unknown_relation(struct walk *w, const struct pr_name *n) {
    const char *name = pr_qualified(w->a, n->schema, n->name);
    struct pr_near *near = NULL;
    const size_t n_near = pr_near_relations(w->f, n->schema != NULL ? pr_fmt(w->a, "%s.%s", n->schema, n->name) : n->name, 3, w->a, &near);
    report(w, "relation", NULL, name, n->offset, pr_fmt(w->a, "there is no relation %s", name), near, n_near);
}

static void look_at_name(struct walk *w, const struct pr_name *n) {
    if (n->role == PR_NAME_CREATED || n->missing_ok || n->kind >= PR_NAME_TYPE) return;
    if (was_made(w, n->schema, n->name, NULL)) return;
    if (n->kind == PR_NAME_INDEX) {
        if (pr_find_index_rel(w->f, n->schema, n->name, NULL) == NULL) unknown_index(w, n);
    } else if (known_rel(w->f, n->schema, n->name) == NULL && pr_find_index_rel(w->f, n->schema, n->name, NULL) == NULL) {
        unknown_relation(w, n);
    }
}

static bool system_column(const char *name) {
    static const char *const names[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "*"};
    for (size_t i = 0; i < PR_COUNT(names); i++)
        if (pr_eq(names[i], name)) return true;
    return false;
}

static void look_at_column(struct walk *w, const struct pr_column_name *c) {
    if (c->created || c->missing_ok || c->relation == NULL || system_column(c->column)) return;
    if (was_made(w, c->schema, c->relation, NULL) || was_made(w, c->schema, c->relation, c->column)) return;
    const struct pr_rel *r = known_rel(w->f, c->schema, c->relation);
    if (r == NULL || r->n_cols == 0 || pr_find_col(r, c->column) != NULL) return;
    struct pr_near *near = NULL;
    const size_t n_near = pr_near_columns(r, c->column, 3, w->a, &near);
    const char *relation = pr_qualified(w->a, r->schema, r->name);
    report(w, "column", relation, c->column, c->offset,
           pr_fmt(w->a, "%s has no column %s", relation, pr_quote_ident(w->a, c->column)), near, n_near);
}

static void make(struct walk *w, const char *schema, const char *name, const char *column) {
    *PR_PUSH(w->a, w->made, w->n_made, w->cap) = (struct made){.schema = schema, .name = name, .column = column};
}

void pr_ground_unknown(const struct pr_script *s, const struct pr_facts *f, int first_line, struct pr_arena *a, json_t *list) {
    struct walk w = {.s = s, .f = f, .a = a, .list = list, .first_line = first_line};
    for (size_t i = 0; i < s->n; i++) {
        if (s->stmts[i].node == NULL) continue;
        struct pr_name *names = NULL;
        struct pr_column_name *columns = NULL;
        const size_t n_names = pr_stmt_names(&s->stmts[i], a, &names), n_columns = pr_stmt_columns(&s->stmts[i], a, &columns);
        for (size_t k = 0; k < n_names; k++) look_at_name(&w, &names[k]);
        /* ADD COLUMN b, ADD CHECK (b > 0): columns that the same statement adds are known to all of it */
        for (size_t k = 0; k < n_columns; k++)
            if (columns[k].created) make(&w, columns[k].schema, columns[k].relation, columns[k].column);
        for (size_t k = 0; k < n_names; k++)
            if (names[k].role == PR_NAME_CREATED) make(&w, names[k].schema, names[k].name, NULL);
        for (size_t k = 0; k < n_columns; k++) look_at_column(&w, &columns[k]);
    }
}
