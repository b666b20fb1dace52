#include "catalog/catalog.h"
#include "crypt/crypt.h"
#include "sql_files.gen.h"

/* Lines that are added up, and then sorted. */
struct list { struct pr_arena *a; const char **items; size_t n, cap; };

PR_FORMAT(2, 3) static void add(struct list *l, const char *fmt, ...) {
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    const int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    PR_ASSERT(n >= 0);
    *PR_PUSH(l->a, l->items, l->n, l->cap) = pr_dupn(l->a, text, (size_t)n);
    free(text);
}

/* A definition on one line: the server breaks views into several, and indents them anew in each version. */
static const char *one_line(struct pr_arena *a, const char *s) {
    struct pr_buf b = {.a = a};
    bool blank = false;
    for (; *s != '\0'; s++) {
        if (strchr(" \t\r\n", *s) != NULL) {
            blank = b.len > 0;
            continue;
        }
        if (blank) pr_addn(&b, " ", 1);
        blank = false;
        pr_addn(&b, s, 1);
    }
    return pr_buf_text(&b);
}

static const char *names(struct pr_arena *a, const char *const *items, size_t n) {
    if (n == 0) return "";
    struct pr_buf b = {.a = a};
    pr_add(&b, " (");
    for (size_t i = 0; i < n; i++) pr_addf(&b, "%s%s", i > 0 ? ", " : "", pr_quote_ident(a, items[i]));
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

static void relation_line(struct list *l, const struct pr_rel *r, const char *name) {
    struct pr_buf b = {.a = l->a};
    pr_addf(&b, "%s %s: owner %s", pr_rel_kind_name(r->kind), name, r->owner);
    if (r->persistence == 'u') pr_add(&b, ", unlogged");
    if (r->options != NULL) pr_addf(&b, ", options %s", r->options);
    if (r->replica_identity != 'd' && (r->kind == 'r' || r->kind == 'p' || r->kind == 'm'))
        if (r->replica_identity != 'n' || r->kind != 'm') pr_addf(&b, ", replica identity %c", r->replica_identity);
    if (r->row_security) pr_addf(&b, ", row security%s", r->force_row_security ? " forced" : "");
    if (r->partition_key != NULL) pr_addf(&b, ", partition by %s", r->partition_key);
    if (r->partition_of != NULL)
        pr_addf(&b, ", partition of %s %s%s", pr_qualified(l->a, r->partition_of_schema, r->partition_of),
                r->partition_bound != NULL ? r->partition_bound : "", r->detach_pending ? ", detach pending" : "");
    add(l, "%s", pr_buf_text(&b));
    if (r->more != NULL && r->more->comment != NULL) add(l, "comment on %s: %s", name, one_line(l->a, r->more->comment));
    if (r->acl != NULL) add(l, "grants on %s: %s", name, r->acl);
    if (r->view_def != NULL) add(l, "definition of %s: %s", name, one_line(l->a, r->view_def));
}

static void column_line(struct list *l, const struct pr_col *c, const char *relation) {
    struct pr_buf b = {.a = l->a};
    const char *name = pr_quote_ident(l->a, c->name);
    pr_addf(&b, "column %s.%s: position %d, %s", relation, name, c->position, c->type);
    if (c->collation != NULL) pr_addf(&b, ", collate %s", c->collation);
    if (c->not_null) pr_addf(&b, ", not null%s", c->not_null_valid ? "" : " not valid");
    if (c->identity != '\0') pr_addf(&b, ", identity %s", c->identity == 'a' ? "always" : "by default");
    if (c->generated != '\0') pr_addf(&b, ", generated %s", c->generated == 's' ? "stored" : "virtual");
    if (c->default_sql != NULL) pr_addf(&b, ", %s %s", c->generated != '\0' ? "as" : "default", one_line(l->a, c->default_sql));
    if (c->base_type != NULL) pr_addf(&b, ", domain over %s%s", c->base_type, c->domain_constrained ? " with constraints" : "");
    const struct pr_col_more none = {0}, *more = c->more != NULL ? c->more : &none;
    for (size_t i = 0; i < more->n_enum_values; i++) pr_addf(&b, "%s%s", i == 0 ? ", labels " : ", ", pr_quote_literal(l->a, more->enum_values[i]));
    add(l, "%s", pr_buf_text(&b));
    if (more->comment != NULL) add(l, "comment on %s.%s: %s", relation, name, one_line(l->a, more->comment));
}

/* Not-null constraints (type n, since 18) are left out: "not null" of the column says it, and says it on 17 too. Constraint
 * triggers (t) come with the triggers. */
static void constraint_line(struct list *l, const struct pr_con *c, const char *relation) {
    const char *name = pr_quote_ident(l->a, c->name);
    if (c->inbound)
        add(l, "reference to %s%s: %s of %s%s", relation, names(l->a, c->cols, c->n_cols), name,
            pr_qualified(l->a, c->ref_schema, c->ref_table), names(l->a, c->ref_cols, c->n_ref_cols));
    else if (c->type != 'n' && c->type != 't')
        add(l, "constraint %s on %s: %s", name, relation, one_line(l->a, c->def));
}

static void index_line(struct list *l, const struct pr_idx *i, const char *relation) {
    const char *state = i->valid && i->ready && i->live ? "" : !i->live ? ", not live" : !i->ready ? ", invalid, not ready" : ", invalid";
    add(l, "index %s on %s: %s%s", pr_quote_ident(l->a, i->name), relation, one_line(l->a, i->def), state);
}

size_t pr_rel_lines(const struct pr_rel *r, struct pr_arena *a, const char ***out) {
    struct list l = {.a = a};
    const char *name = pr_qualified(a, r->schema, r->name);
    relation_line(&l, r, name);
    for (size_t i = 0; i < r->n_cols; i++) column_line(&l, &r->cols[i], name);
    for (size_t i = 0; i < r->n_cons; i++) constraint_line(&l, &r->cons[i], name);
    for (size_t i = 0; i < r->n_idxs; i++) index_line(&l, &r->idxs[i], name);
    for (size_t i = 0; i < r->n_trgs; i++)
        add(&l, "trigger %s on %s: %s%s", pr_quote_ident(a, r->trgs[i].name), name, one_line(a, r->trgs[i].def),
            r->trgs[i].enabled ? "" : ", disabled");
    for (size_t i = 0; i < r->n_pols; i++)
        add(&l, "policy %s on %s: %s", pr_quote_ident(a, r->pols[i].name), name, one_line(a, r->pols[i].def));
    for (size_t i = 0; i < r->n_partitions; i++) add(&l, "child of %s: %s", name, r->partitions[i]);
    /* Publications are left out: staging has none, and they change no table. */
    for (size_t i = 0; i < r->n_deps; i++)
        if (!pr_eq(r->deps[i].kind, "publication"))
            add(&l, "dependant of %s: %s %s%s", name, r->deps[i].kind, pr_qualified(a, r->deps[i].schema, r->deps[i].name),
                names(a, r->deps[i].mentions, r->deps[i].n_mentions));
    qsort(l.items, l.n, sizeof *l.items, pr_by_text);
    *out = l.items;
    return l.n;
}

static const char *digest(struct pr_arena *a, const char *const *lines, size_t n) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < n; i++) pr_addf(&b, "%s\n", lines[i]);
    PR_ASSERT(!b.over);
    return pr_sha256_text(a, pr_buf_text(&b));
}

void pr_facts_fingerprint(struct pr_facts *f, struct pr_arena *a) {
    const char **whole = PR_NEW_ARRAY(a, const char *, f->n_rels);
    for (size_t i = 0; i < f->n_rels; i++) {
        struct pr_rel *r = &f->rels[i];
        const char **lines;
        const size_t n = pr_rel_lines(r, a, &lines);
        r->fingerprint = digest(a, lines, n);
        whole[i] = pr_fmt(a, "%s %s", pr_qualified(a, r->schema, r->name), r->fingerprint);
    }
    if (f->n_rels > 1) qsort(whole, f->n_rels, sizeof *whole, pr_by_text);
    f->fingerprint = digest(a, whole, f->n_rels);
    pr_facts_index(f, a);
}

size_t pr_lines_delta(const struct pr_lines *before, const struct pr_lines *after, struct pr_arena *a, const char ***out) {
    struct list l = {.a = a};
    size_t i = 0, j = 0;
    while (i < before->n || j < after->n) {
        const int order = i == before->n ? 1 : j == after->n ? -1 : strcmp(before->text[i], after->text[j]);
        if (order == 0) i++, j++;
        else if (order < 0) add(&l, "- %s", before->text[i++]);
        else add(&l, "+ %s", after->text[j++]);
    }
    *out = l.items;
    return l.n;
}



#define PATIENCE_MS 60000
static const struct pr_pg_stmt settle = {
    .name = "schema: settings", .sql = "SELECT set_config('search_path', 'pg_catalog, pg_temp', true), set_config('lock_timeout', '5s', true)",
    .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = PATIENCE_MS};
static const struct pr_pg_stmt parts[] = {
    {.name = "schema: relations", .sql = pr_sql_schema_relations, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = PATIENCE_MS},
    {.name = "schema: other objects", .sql = pr_sql_schema_objects, .shape = PR_ROWS, .n_cols = 1, .timeout_ms = PATIENCE_MS},
};

static enum pr_code read_lines(struct pr_pg *pg, struct list *l, struct pr_err *e) {
    struct pr_pg_rows rows;
    PR_TRY(e, pr_pg_query(pg, &settle, NULL, l->a, &rows, e));
    for (size_t k = 0; k < PR_COUNT(parts); k++) {
        PR_TRY(e, pr_pg_query(pg, &parts[k], NULL, l->a, &rows, e));
        for (int i = 0; i < rows.n_rows; i++) {
            const char *line = PR_CELL(&rows, i, 0);
            if (line == NULL) return PR_FAIL(e, PR_ERR_DB_SHAPE, "%s: got NULL", parts[k].name);
            *PR_PUSH(l->a, l->items, l->n, l->cap) = line;
        }
    }
    return PR_OK;
}

static void finish_lines(struct list *l, struct pr_lines *out) {
    if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, pr_by_text);
    *out = (struct pr_lines){.text = l->items, .n = l->n, .fingerprint = digest(l->a, l->items, l->n)};
}

enum pr_code pr_schema_lines(struct pr_pg *pg, struct pr_arena *a, struct pr_lines *out, struct pr_err *e) {
    struct list l = {.a = a};
    PR_TRY(e, pr_pg_do(pg, "schema: begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", PATIENCE_MS, e));
    const enum pr_code code = read_lines(pg, &l, e);
    if (code != PR_OK) {
        struct pr_err second = {0};
        if (pr_pg_do(pg, "schema: rollback", "ROLLBACK", PATIENCE_MS, &second) != PR_OK) pr_err_frame(e, "rollback");
        return code;
    }
    PR_TRY(e, pr_pg_do(pg, "schema: commit", "COMMIT", PATIENCE_MS, e));
    finish_lines(&l, out);
    return PR_OK;
}

enum pr_code pr_schema_lines_inside(struct pr_pg *pg, struct pr_arena *a, struct pr_lines *out, struct pr_err *e) {
    struct list l = {.a = a};
    PR_TRY(e, read_lines(pg, &l, e));
    finish_lines(&l, out);
    return PR_OK;
}
