#include "catalog/catalog.h"

/* One table says for each struct which member has which key; writing, reading and the errors of reading follow from it.
 * Every key of a table must be there when a document is read: an absent one must not become a silent "false". */
enum field_type {
    F_TEXT,                        /* const char *, never NULL */
    F_MAYBE,                       /* const char *, NULL is null */
    F_CHAR,                        /* char, 0 is "" */
    F_INT,
    F_I64,
    F_BOOL,
    F_TEXTS,                       /* const char *const * and its count */
    F_LIST,                        /* array of another struct and its count */
    F_PART,                        /* pointer to another struct, whose keys stand among those of this one; NULL as if it were empty */
    F_COMPUTED                     /* text that is written but worked out anew after reading */
};

struct shape;
struct field {
    const char *key;
    enum field_type type;
    size_t at, count_at;
    bool later;                    /* not in documents of before it was thought of */
    const struct shape *of;
};
struct shape {
    size_t size;
    const struct field *fields;
    size_t n;
};

/* A member of the wrong C type does not compile: the negated test gives an array of size -1. */
#define TYPED(S, m, T) offsetof(S, m) + 0 * sizeof(char[_Generic(((S *)0)->m, T: 1, default: -1)])
#define TEXT(S, m) {.key = #m, .type = F_TEXT, .at = TYPED(S, m, const char *)}
#define MAYBE(S, m) {.key = #m, .type = F_MAYBE, .at = TYPED(S, m, const char *)}
#define MAYBE_AS(S, m, k) {.key = k, .type = F_MAYBE, .at = TYPED(S, m, const char *)}
#define CHAR(S, m) {.key = #m, .type = F_CHAR, .at = TYPED(S, m, char)}
#define INT(S, m) {.key = #m, .type = F_INT, .at = TYPED(S, m, int)}
#define I64(S, m) {.key = #m, .type = F_I64, .at = TYPED(S, m, int64_t)}
#define BOOL(S, m) {.key = #m, .type = F_BOOL, .at = TYPED(S, m, bool)}
#define TEXTS(S, m) {.key = #m, .type = F_TEXTS, .at = TYPED(S, m, const char *const *), .count_at = TYPED(S, n_##m, size_t)}
#define LATER(S, m) {.key = #m, .type = F_TEXTS, .later = true, .at = TYPED(S, m, const char *const *), .count_at = TYPED(S, n_##m, size_t)}
#define LATER_BOOL(S, m) {.key = #m, .type = F_BOOL, .later = true, .at = TYPED(S, m, bool)}
#define LIST(S, m, k, s) {.key = k, .type = F_LIST, .at = offsetof(S, m), .count_at = TYPED(S, n_##m, size_t), .of = &(s)}
#define PART(S, m, s) {.key = #m, .type = F_PART, .at = offsetof(S, m), .of = &(s)}
#define COMPUTED(S, m) {.key = #m, .type = F_COMPUTED, .at = TYPED(S, m, const char *)}
#define SHAPE(S, table) {.size = sizeof(S), .fields = (table), .n = PR_COUNT(table)}

#define M struct pr_col_more
static const struct field col_more_fields[] = {MAYBE(M, comment), TEXTS(M, enum_values), I64(M, seq_last), I64(M, seq_max)};
#undef M
#define M struct pr_rel_more
static const struct field rel_more_fields[] = {
    MAYBE(M, last_analyze), I64(M, seq_scans), I64(M, idx_scans), I64(M, inserted), I64(M, updated), I64(M, deleted), I64(M, live_rows), I64(M, dead_rows),
    MAYBE(M, comment),
};
#undef M
static const struct shape col_more_shape = SHAPE(struct pr_col_more, col_more_fields), rel_more_shape = SHAPE(struct pr_rel_more, rel_more_fields);

#define C struct pr_col
static const struct field col_fields[] = {
    TEXT(C, name), TEXT(C, type), MAYBE(C, base_type), TEXT(C, type_schema), INT(C, typmod), INT(C, position),
    BOOL(C, not_null), BOOL(C, has_default), BOOL(C, domain_constrained), BOOL(C, not_null_valid), MAYBE(C, default_sql),
    CHAR(C, identity), CHAR(C, generated), MAYBE(C, collation), PART(C, more, col_more_shape),
};
#undef C
#define K struct pr_con
static const struct field con_fields[] = {
    TEXT(K, name), CHAR(K, type), BOOL(K, validated), BOOL(K, enforced), BOOL(K, deferrable), TEXT(K, def), TEXTS(K, cols),
    MAYBE(K, ref_schema), MAYBE(K, ref_table), TEXTS(K, ref_cols), MAYBE(K, index), BOOL(K, inbound),
};
#undef K
#define I struct pr_idx
static const struct field idx_fields[] = {
    TEXT(I, name), TEXT(I, def), TEXT(I, method), TEXTS(I, cols), TEXTS(I, mentions), BOOL(I, unique), BOOL(I, primary),
    BOOL(I, valid), BOOL(I, ready), BOOL(I, live), BOOL(I, has_expressions), BOOL(I, is_partial), BOOL(I, default_order),
    MAYBE(I, constraint), I64(I, bytes), I64(I, scans),
};
#undef I
#define T struct pr_trg
static const struct field trg_fields[] = {TEXT(T, name), TEXT(T, def), TEXT(T, function), TEXTS(T, mentions), BOOL(T, enabled)};
#undef T
#define P struct pr_pol
static const struct field pol_fields[] = {TEXT(P, name), TEXT(P, def), TEXTS(P, mentions)};
#undef P
#define D struct pr_dep
static const struct field dep_fields[] = {TEXT(D, kind), MAYBE(D, schema), TEXT(D, name), TEXTS(D, mentions)};
#undef D
static const struct shape col_shape = SHAPE(struct pr_col, col_fields), con_shape = SHAPE(struct pr_con, con_fields),
                          idx_shape = SHAPE(struct pr_idx, idx_fields), trg_shape = SHAPE(struct pr_trg, trg_fields),
                          pol_shape = SHAPE(struct pr_pol, pol_fields), dep_shape = SHAPE(struct pr_dep, dep_fields);

#define R struct pr_rel
static const struct field rel_fields[] = {
    TEXT(R, schema), TEXT(R, name), CHAR(R, kind), CHAR(R, persistence), I64(R, oid), TEXT(R, owner), I64(R, rows),
    BOOL(R, rows_trusted), I64(R, pages), I64(R, table_bytes), I64(R, index_bytes), I64(R, total_bytes), I64(R, toast_bytes),
    PART(R, more, rel_more_shape), BOOL(R, row_security), BOOL(R, force_row_security),
    CHAR(R, replica_identity), MAYBE(R, options), MAYBE(R, partition_of_schema), MAYBE(R, partition_of),
    MAYBE(R, partition_bound), MAYBE(R, partition_key), BOOL(R, is_default_partition), BOOL(R, detach_pending),
    TEXTS(R, partitions), LIST(R, cols, "columns", col_shape), INT(R, dropped_cols), LIST(R, cons, "constraints", con_shape),
    LIST(R, idxs, "indexes", idx_shape), LIST(R, trgs, "triggers", trg_shape), LIST(R, pols, "policies", pol_shape),
    LIST(R, deps, "dependants", dep_shape), MAYBE(R, view_def), BOOL(R, published), MAYBE(R, acl), MAYBE(R, managed_by), COMPUTED(R, fingerprint),
};
#undef R
#define Y struct pr_typ
static const struct field typ_fields[] = {
    TEXT(Y, schema), TEXT(Y, name), CHAR(Y, kind), TEXTS(Y, values), MAYBE(Y, base_type), BOOL(Y, constrained), TEXTS(Y, used_by),
};
#undef Y
#define N struct pr_fn
static const struct field fn_fields[] = {
    TEXT(N, schema), TEXT(N, name), TEXT(N, args), CHAR(N, volatility), TEXT(N, language), MAYBE(N, body),
};
#undef N
static const struct shape rel_shape = SHAPE(struct pr_rel, rel_fields), typ_shape = SHAPE(struct pr_typ, typ_fields),
                          fn_shape = SHAPE(struct pr_fn, fn_fields);

#define G struct pr_grantee
static const struct field grantee_fields[] = {TEXT(G, schema), TEXT(G, role), CHAR(G, kind), I64(G, has), I64(G, of), MAYBE(G, privileges)};
#undef G
#define D struct pr_default_grant
static const struct field default_fields[] = {TEXT(D, owner), MAYBE(D, schema), CHAR(D, kind), TEXTS(D, roles)};
#undef D
static const struct shape grantee_shape = SHAPE(struct pr_grantee, grantee_fields), default_shape = SHAPE(struct pr_default_grant, default_fields);

#define F struct pr_facts
static const struct field facts_fields[] = {
    MAYBE(F, environment), TEXT(F, database), MAYBE(F, system_id), INT(F, version_num), TEXT(F, taken_at), TEXT(F, time_zone),
    TEXTS(F, search_path), I64(F, max_locks), INT(F, standbys), MAYBE(F, role), BOOL(F, role_super), TEXTS(F, role_of),
    LIST(F, grantees, "grantees", grantee_shape), LIST(F, default_grants, "default_grants", default_shape), BOOL(F, publishes_all), BOOL(F, whole), COMPUTED(F, fingerprint),
    LIST(F, rels, "relations", rel_shape), LIST(F, types, "types", typ_shape), LIST(F, fns, "functions", fn_shape),
    TEXTS(F, all_relations), LATER(F, all_indexes), LATER_BOOL(F, tx_pooled),
};
#undef F
static const struct shape facts_shape = SHAPE(struct pr_facts, facts_fields);

static const void *member(const void *object, size_t at) { return (const char *)object + at; }

static json_t *write_object(const struct shape *s, const void *object);

static json_t *write_texts(const struct field *f, const void *object) {
    const char *const *items;
    size_t n;
    memcpy(&items, member(object, f->at), sizeof items);
    memcpy(&n, member(object, f->count_at), sizeof n);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) pr_push_str(array, items[i]);
    return array;
}

static json_t *write_list(const struct field *f, const void *object) {
    const char *items;
    size_t n;
    memcpy(&items, member(object, f->at), sizeof items);
    memcpy(&n, member(object, f->count_at), sizeof n);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        PR_ASSERT(json_array_append_new(array, write_object(f->of, items + i * f->of->size)) == 0);
    return array;
}

static void write_fields(json_t *j, const struct shape *s, const void *object);

static void write_part(json_t *j, const struct field *f, const void *at) {
    static const struct { int64_t zero[16]; } empty;
    PR_ASSERT(f->of->size <= sizeof empty);
    const void *part;
    memcpy(&part, at, sizeof part);
    write_fields(j, f->of, part != NULL ? part : &empty);
}

static void write_field(json_t *j, const struct field *f, const void *object) {
    const void *at = member(object, f->at);
    switch (f->type) {
    case F_TEXT:
    case F_MAYBE:
    case F_COMPUTED: {
        const char *text;
        memcpy(&text, at, sizeof text);
        pr_set_str(j, f->key, text);
        break;
    }
    case F_CHAR: {
        const char text[2] = {*(const char *)at, '\0'};
        pr_set_str(j, f->key, text);
        break;
    }
    case F_INT: pr_set_int(j, f->key, *(const int *)at); break;
    case F_I64: pr_set_int(j, f->key, *(const int64_t *)at); break;
    case F_BOOL: pr_set_bool(j, f->key, *(const bool *)at); break;
    case F_TEXTS: pr_set(j, f->key, write_texts(f, object)); break;
    case F_LIST: pr_set(j, f->key, write_list(f, object)); break;
    case F_PART: write_part(j, f, at); break;
    }
}

static void write_fields(json_t *j, const struct shape *s, const void *object) {
    for (size_t i = 0; i < s->n; i++) write_field(j, &s->fields[i], object);
}

static json_t *write_object(const struct shape *s, const void *object) {
    json_t *j = json_object();
    write_fields(j, s, object);
    return j;
}

json_t *pr_facts_json(const struct pr_facts *f) {
    json_t *j = json_object();
    pr_set_str(j, "schema", "pgrail.facts/1");
    json_t *fields = write_object(&facts_shape, f);
    PR_ASSERT(json_object_update(j, fields) == 0);
    json_decref(fields);
    return j;
}

/* Where reading is, for the message only: "relations[3].columns[0].name". */
struct path { const struct path *up; const char *key; size_t index; };

static void add_path(struct pr_buf *b, const struct path *p) {
    if (p == NULL) return;
    add_path(b, p->up);
    if (p->key != NULL) pr_addf(b, "%s%s", p->up != NULL ? "." : "", p->key);
    else pr_addf(b, "[%zu]", p->index);
}

static enum pr_code wrong(struct pr_arena *a, const struct path *p, const char *expected, struct pr_err *e) {
    struct pr_buf b = {.a = a};
    add_path(&b, p);
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "not a facts document of this version: %s: expected %s", pr_buf_text(&b), expected);
    return pr_hint(e, "save the facts again: pgrail ground --save FILE");
}

struct reader { struct pr_arena *a; struct pr_err *e; };

static enum pr_code read_object(const struct reader *r, const struct path *p, const struct shape *s, const json_t *j,
                                void *object);

static enum pr_code read_texts(const struct reader *r, const struct path *p, const json_t *j, const char *const **out,
                               size_t *n_out) {
    const size_t n = json_array_size(j);
    const char **items = PR_NEW_ARRAY(r->a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(j, i));
        if (text == NULL) return wrong(r->a, &(struct path){.up = p, .index = i}, "a text", r->e);
        items[i] = pr_dup(r->a, text);
    }
    *out = n > 0 ? items : NULL;
    *n_out = n;
    return PR_OK;
}

static enum pr_code read_list(const struct reader *r, const struct path *p, const struct shape *s, const json_t *j, void **out,
                              size_t *n_out) {
    const size_t n = json_array_size(j);
    char *items = pr_alloc_array(r->a, n, s->size);
    for (size_t i = 0; i < n; i++)
        PR_TRY(r->e, read_object(r, &(struct path){.up = p, .index = i}, s, json_array_get(j, i), items + i * s->size));
    *out = n > 0 ? items : NULL;
    *n_out = n;
    return PR_OK;
}

static enum pr_code read_number(const struct reader *r, const struct path *p, const json_t *j, int64_t min, int64_t max,
                                int64_t *out) {
    if (!json_is_integer(j)) return wrong(r->a, p, "an integer", r->e);
    const int64_t n = json_integer_value(j);
    if (n < min || n > max) return wrong(r->a, p, "a smaller number", r->e);
    *out = n;
    return PR_OK;
}

static enum pr_code read_text(const struct reader *r, const struct path *p, const struct field *f, const json_t *j, char *at) {
    const char *text = json_string_value(j);
    if (text == NULL && !(f->type == F_MAYBE && json_is_null(j))) return wrong(r->a, p, "a text", r->e);
    if (f->type == F_CHAR) {
        if (strlen(text) > 1) return wrong(r->a, p, "one letter", r->e);
        *at = text[0];
        return PR_OK;
    }
    text = pr_dup(r->a, text);
    memcpy(at, &text, sizeof text);
    return PR_OK;
}

static enum pr_code read_array(const struct reader *r, const struct path *p, const struct field *f, const json_t *j, char *at,
                               char *count_at) {
    if (!json_is_array(j)) return wrong(r->a, p, "an array", r->e);
    size_t n = 0;
    if (f->type == F_TEXTS) {
        const char *const *items = NULL;
        PR_TRY(r->e, read_texts(r, p, j, &items, &n));
        memcpy(at, &items, sizeof items);
    } else {
        void *items = NULL;
        PR_TRY(r->e, read_list(r, p, f->of, j, &items, &n));
        memcpy(at, &items, sizeof items);
    }
    memcpy(count_at, &n, sizeof n);
    return PR_OK;
}

static enum pr_code read_part(const struct reader *r, const struct path *p, const struct field *f, const json_t *j, char *object) {
    void *part = pr_alloc(r->a, f->of->size);
    PR_TRY(r->e, read_object(r, p, f->of, j, part));
    memcpy(object + f->at, &part, sizeof part);
    return PR_OK;
}

static enum pr_code read_field(const struct reader *r, const struct path *p, const struct field *f, const json_t *j, char *object) {
    char *at = object + f->at;
    int64_t n = 0;
    switch (f->type) {
    case F_COMPUTED: return PR_OK;
    case F_TEXT:
    case F_MAYBE:
    case F_CHAR: return read_text(r, p, f, j, at);
    case F_INT: {
        PR_TRY(r->e, read_number(r, p, j, INT32_MIN, INT32_MAX, &n));
        const int narrow = (int)n;
        memcpy(at, &narrow, sizeof narrow);
        return PR_OK;
    }
    case F_I64:
        PR_TRY(r->e, read_number(r, p, j, INT64_MIN, INT64_MAX, &n));
        memcpy(at, &n, sizeof n);
        return PR_OK;
    case F_BOOL:
        if (!json_is_boolean(j)) return wrong(r->a, p, "true or false", r->e);
        memcpy(at, &(bool){json_is_true(j)}, sizeof(bool));
        return PR_OK;
    case F_TEXTS:
    case F_LIST: return read_array(r, p, f, j, at, object + f->count_at);
    case F_PART: break;                                     /* read_part */
    }
    PR_BUG("field type");
}

static enum pr_code read_object(const struct reader *r, const struct path *p, const struct shape *s, const json_t *j,
                                void *object) {
    if (!json_is_object(j)) return wrong(r->a, p, "an object", r->e);
    for (size_t i = 0; i < s->n; i++) {
        const struct field *f = &s->fields[i];
        if (f->later && json_object_get(j, f->key) == NULL) continue;
        if (f->type == F_PART) {
            PR_TRY(r->e, read_part(r, p, f, j, object));
            continue;
        }
        PR_TRY(r->e, read_field(r, &(struct path){.up = p, .key = f->key}, f, json_object_get(j, f->key), object));
    }
    return PR_OK;
}

enum pr_code pr_facts_from_json(const json_t *j, struct pr_arena *a, struct pr_facts **out, struct pr_err *e) {
    const char *schema = pr_get_str(j, "schema");
    if (!pr_eq(schema, "pgrail.facts/1"))
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "not a facts document: schema: expected \"pgrail.facts/1\"%s%s",
                       schema != NULL ? ", got " : "", schema != NULL ? pr_printable(a, schema, 60) : "");
    struct pr_facts *f = PR_NEW(a, struct pr_facts);
    PR_TRY(e, read_object(&(struct reader){.a = a, .e = e}, NULL, &facts_shape, j, f));
    pr_facts_fingerprint(f, a);
    *out = f;
    return PR_OK;
}

enum pr_code pr_facts_load(const char *path, struct pr_arena *a, struct pr_facts **out, struct pr_err *e) {
    const char *text;
    size_t n;
    PR_TRY(e, pr_read_text(a, path, PR_CAP_FILE, &text, &n, e));
    json_t *j PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_json_parse(path, text, n, &j, e));
    if (pr_facts_from_json(j, a, out, e) != PR_OK) return pr_prefix(e, "%s", path);
    return PR_OK;
}
