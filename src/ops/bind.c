#include "ops/ops.h"

struct binding {
    const struct pr_op *op;
    struct pr_arena *a;
    unsigned char *args;
    bool *given;                   /* one for each parameter */
    size_t *list_cap;
};

static const struct pr_param *param_named(const struct pr_op *op, const char *name) {
    for (size_t i = 0; i < op->n_params; i++)
        if (pr_eq(op->params[i].name, name)) return &op->params[i];
    return NULL;
}

static enum pr_code unknown_option(const struct pr_op *op, struct pr_arena *a, const char *name, struct pr_err *e) {
    const char **names = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < op->n_params; i++)
        if (!op->params[i].positional) *PR_PUSH(a, names, n, cap) = op->params[i].name;
    const char *near = n == 0 ? NULL : pr_nearest(name, names, n);
    (void)PR_FAIL(e, PR_ERR_USAGE, "%s has no option --%.60s", op->name, name);
    if (near != NULL) return pr_hint(e, "did you mean --%s? all options: pgrail %s --help", near, op->name);
    return pr_hint(e, "all options: pgrail %s --help", op->name);
}

/* The first positional parameter that still takes a word. */
static const struct pr_param *next_positional(const struct binding *b) {
    for (size_t i = 0; i < b->op->n_params; i++) {
        const struct pr_param *p = &b->op->params[i];
        if (p->positional && (p->type == PR_T_LIST || !b->given[i])) return p;
    }
    return NULL;
}

static enum pr_code check_choice(const struct pr_param *p, const char *value, struct pr_arena *a, struct pr_err *e) {
    if (p->choices == NULL) return PR_OK;
    struct pr_buf known = {.a = a};
    for (size_t i = 0; p->choices[i] != NULL; i++) {
        if (pr_eq(p->choices[i], value)) return PR_OK;
        pr_addf(&known, "%s%s", i == 0 ? "" : ", ", p->choices[i]);
    }
    return PR_FAIL(e, PR_ERR_USAGE, "expected one of %s, got \"%.60s\"", pr_buf_text(&known), value);
}

static enum pr_code check_text(const char *value, struct pr_err *e) {
    struct pr_err why = {0};
    if (pr_check_utf8("", value, strlen(value), &why) == PR_OK) return PR_OK;
    return PR_FAIL(e, PR_ERR_USAGE, "expected UTF-8 text");
}

static enum pr_code convert(const struct binding *b, size_t at, const char *value, struct pr_err *e) {
    const struct pr_param *p = &b->op->params[at];
    unsigned char *field = b->args + p->offset;
    const int64_t max = p->max == 0 ? INT64_MAX : p->max;
    switch (p->type) {
    case PR_T_STR:
    case PR_T_PATH:
        PR_TRY(e, check_text(value, e));
        PR_TRY(e, check_choice(p, value, b->a, e));
        *(const char **)(void *)field = pr_dup(b->a, value);
        return PR_OK;
    case PR_T_INT: return pr_parse_i64(value, p->min, max, (int64_t *)(void *)field, e);
    case PR_T_DURATION: return pr_parse_duration(value, p->min, max, (int64_t *)(void *)field, e);
    case PR_T_BOOL: return pr_parse_bool(value, (bool *)field, e);
    case PR_T_LIST: {
        PR_TRY(e, check_text(value, e));
        struct pr_list *l = (struct pr_list *)(void *)field;
        *PR_PUSH(b->a, l->items, l->n, b->list_cap[at]) = pr_dup(b->a, value);
        return PR_OK;
    }
    }
    PR_BUG("a parameter of a type that nobody binds");
}

/* A value in the words of the place where it was written: "--max-rows: expected …". */
static enum pr_code set_value(struct binding *b, const struct pr_param *p, const char *value, struct pr_err *e) {
    const size_t at = (size_t)(p - b->op->params);
    if (b->given[at] && p->type != PR_T_LIST) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "--%s is given twice", p->name);
        return pr_hint(e, "pgrail %s --help", b->op->name);
    }
    if (convert(b, at, value, e) != PR_OK) {
        (void)pr_prefix(e, "%s%s", p->positional ? "" : "--", p->name);
        e->code = PR_ERR_USAGE;
        return e->hint[0] != '\0' ? e->code : pr_hint(e, "pgrail %s --help", b->op->name);
    }
    b->given[at] = true;
    return PR_OK;
}

static enum pr_code take(struct binding *b, const char *name, const char *value, struct pr_err *e) {
    if (name == NULL) {
        const struct pr_param *p = next_positional(b);
        if (p != NULL) return set_value(b, p, value, e);
        (void)PR_FAIL(e, PR_ERR_USAGE, "%s does not know what to do with \"%.60s\"", b->op->name, value);
        return pr_hint(e, "pgrail %s --help", b->op->name);
    }
    const struct pr_param *p = param_named(b->op, name);
    if (p == NULL || p->positional) return unknown_option(b->op, b->a, name, e);
    if (value == NULL && p->type != PR_T_BOOL) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "--%s wants a value", name);
        return pr_hint(e, "pgrail %s --help", b->op->name);
    }
    return set_value(b, p, value == NULL ? "yes" : value, e);
}

static enum pr_code fill_defaults(struct binding *b, struct pr_err *e) {
    for (size_t i = 0; i < b->op->n_params; i++) {
        const struct pr_param *p = &b->op->params[i];
        if (b->given[i]) continue;
        if (p->required) {
            (void)PR_FAIL(e, PR_ERR_USAGE, "%s wants %s%s", b->op->name, p->positional ? "a " : "--", p->name);
            return pr_hint(e, "for example: %s", b->op->examples[0]);
        }
        if (p->fallback != NULL && p->type != PR_T_LIST && convert(b, i, p->fallback, e) != PR_OK)
            PR_BUG("the default of a parameter is not in its own range");
    }
    return PR_OK;
}

enum pr_code pr_bind(const struct pr_op *op, struct pr_arena *a, struct pr_arg_src *src, void **args, struct pr_err *e) {
    struct binding b = {.op = op, .a = a};
    b.args = pr_alloc(a, op->args_size);
    b.given = PR_NEW_ARRAY(a, bool, op->n_params + 1);
    b.list_cap = PR_NEW_ARRAY(a, size_t, op->n_params + 1);
    const char *name = NULL, *value = NULL;
    while (src->next(src->ctx, &name, &value)) PR_TRY(e, take(&b, name, value, e));
    PR_TRY(e, fill_defaults(&b, e));
    *args = b.args;
    return PR_OK;
}
