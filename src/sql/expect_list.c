/* expect_list.c: the list of expectations as it grows: what a new one does to those before it. */
#include "sql/expect_list.h"

static bool same_relation(const struct pr_expect *x, const char *schema, const char *name) {
    return pr_eq(x->relation, name) && (pr_eq(x->schema, schema) || x->schema == NULL || schema == NULL);
}

static void remove_if(struct pr_expect_list *l, bool (*test)(const struct pr_expect *, const void *), const void *ctx) {
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!test(&l->items[i], ctx)) l->items[kept++] = l->items[i];
    }
    l->n = kept;
}

static bool has_column(const struct pr_expect *x, const char *column) {
    for (size_t i = 0; i < x->n_columns; i++) {
        if (pr_eq(x->columns[i], column)) return true;
    }
    return false;
}

static bool is_column_kind(enum pr_expect_kind k) {
    return k == PR_EXPECT_COLUMN || k == PR_EXPECT_NOT_NULL || k == PR_EXPECT_DEFAULT || k == PR_EXPECT_COMMENT;
}

static bool is_type_kind(enum pr_expect_kind k) {
    return k == PR_EXPECT_TYPE || k == PR_EXPECT_ENUM || k == PR_EXPECT_ENUM_VALUE;
}

/* Kinds whose `relation` is a relation. */
static bool is_relation_kind(enum pr_expect_kind k) {
    return !is_type_kind(k) && k != PR_EXPECT_FUNCTION && k != PR_EXPECT_SCHEMA && k != PR_EXPECT_EXTENSION;
}

static bool is_index_of_name(const struct pr_expect *old, const struct pr_expect *new) {
    return new->object != NULL && pr_eq(old->object, new->object) &&
           (pr_eq(old->schema, new->schema) || old->schema == NULL || new->schema == NULL);
}

/* What goes with a type, a relation or a column that is dropped. */
static bool goes_with(const struct pr_expect *old, const struct pr_expect *new) {
    if (new->there) return false;
    if (new->kind == PR_EXPECT_TYPE) return is_type_kind(old->kind);
    if (new->kind == PR_EXPECT_RELATION) return is_relation_kind(old->kind);
    if (new->kind != PR_EXPECT_COLUMN) return false;
    if (is_column_kind(old->kind)) return pr_eq(old->object, new->object);
    return (old->kind == PR_EXPECT_INDEX || old->kind == PR_EXPECT_CONSTRAINT) && has_column(old, new->object);
}

/* The same thing is said anew. */
static bool is_same_subject(const struct pr_expect *old, const struct pr_expect *new) {
    const bool same_object = pr_eq(old->object, new->object);
    if (new->kind == PR_EXPECT_CONSTRAINT && old->kind == PR_EXPECT_VALIDATED) return same_object;
    if (new->kind == PR_EXPECT_TRIGGER && old->kind == PR_EXPECT_TRIGGER_STATE) return same_object;
    if (new->kind != old->kind) return false;
    if (new->kind == PR_EXPECT_TRIGGER_STATE && new->object == NULL) return true;
    if (new->kind == PR_EXPECT_FUNCTION) return old->n_args == new->n_args || new->n_args < 0;
    return same_object && (new->object != NULL || new->n_columns == 0);
}

/* `old` says nothing any more once `new` has happened. */
static bool is_replaced(const struct pr_expect *old, const void *ctx) {
    const struct pr_expect *new = ctx;
    if (new->kind == PR_EXPECT_SCHEMA && !new->there && pr_eq(old->schema, new->relation)) return true;
    if (new->kind == PR_EXPECT_INDEX && old->kind == PR_EXPECT_INDEX) return is_index_of_name(old, new);
    if (!same_relation(old, new->schema, new->relation)) return false;
    return goes_with(old, new) || is_same_subject(old, new);
}

/* Parts of older expectations that the new one takes over. */
static void take_over(struct pr_expect_list *l, const struct pr_expect *new) {
    for (size_t i = 0; i < l->n; i++) {
        struct pr_expect *old = &l->items[i];
        if (!same_relation(old, new->schema, new->relation)) continue;
        const bool validates = new->kind == PR_EXPECT_VALIDATED && old->kind == PR_EXPECT_CONSTRAINT;
        if (validates && pr_eq(old->object, new->object)) old->validated = -1;
        if (new->kind == PR_EXPECT_ENUM_VALUE && old->kind == PR_EXPECT_ENUM) old->kind = PR_EXPECT_TYPE;
    }
}

void pr_expect_add(struct pr_expect_list *l, struct pr_expect x) {
    x.stmt = l->stmt;
    remove_if(l, is_replaced, &x);
    take_over(l, &x);
    *PR_PUSH(l->a, l->items, l->n, l->cap) = x;
}

void pr_expect_rename_relation(struct pr_expect_list *l, const char *schema, const char *from, const char *to_schema, const char *to) {
    for (size_t i = 0; i < l->n; i++) {
        struct pr_expect *x = &l->items[i];
        if (x->kind == PR_EXPECT_INDEX && pr_eq(x->object, from)) x->object = to;
        if (!is_relation_kind(x->kind) || !same_relation(x, schema, from)) continue;
        x->relation = to;
        x->schema = to_schema;
    }
}

void pr_expect_rename_object(struct pr_expect_list *l, const char *schema, const char *relation, const char *from, const char *to,
                             bool column) {
    for (size_t i = 0; i < l->n; i++) {
        struct pr_expect *x = &l->items[i];
        if (!is_relation_kind(x->kind) || !same_relation(x, schema, relation)) continue;
        if (column == is_column_kind(x->kind) && pr_eq(x->object, from)) x->object = to;
        if (!column || !has_column(x, from)) continue;
        const char **columns = PR_NEW_ARRAY(l->a, const char *, x->n_columns);
        for (size_t j = 0; j < x->n_columns; j++) columns[j] = pr_eq(x->columns[j], from) ? to : x->columns[j];
        x->columns = columns;
    }
}

static bool is_since(const struct pr_expect *x, const void *ctx) { return x->stmt >= *(const int *)ctx; }

void pr_expect_forget_since(struct pr_expect_list *l, int stmt) { remove_if(l, is_since, &stmt); }
