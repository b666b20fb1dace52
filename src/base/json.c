#include "base/base.h"

void pr_json_freep(json_t **j) { json_decref(*j); }

void pr_set(json_t *object, const char *key, json_t *value_stolen) {
    const bool plain = pr_plain_bytes(key, strlen(key)) == strlen(key);
    PR_ASSERT(json_is_object(object) && value_stolen != NULL);
    PR_ASSERT((plain ? json_object_set_new_nocheck(object, key, value_stolen) : json_object_set_new(object, key, value_stolen)) == 0);
}

/* json_string refuses invalid UTF-8, and all text inside is valid: a refusal is a bug of the border. */
static json_t *text_value(const char *text) {
    if (text == NULL) return json_null();
    const size_t n = strlen(text);
    json_t *j = pr_plain_bytes(text, n) == n ? json_stringn_nocheck(text, n) : json_stringn(text, n);
    PR_ASSERT(j != NULL);
    return j;
}

void pr_set_str(json_t *object, const char *key, const char *text) { pr_set(object, key, text_value(text)); }
void pr_set_shared(json_t *object, const char *key, const char *text, json_t *texts) {
    json_t *has = text != NULL ? json_object_get(texts, text) : NULL;
    if (has == NULL) {
        has = text_value(text);
        if (text != NULL && texts != NULL) pr_set(texts, text, json_incref(has));
    } else {
        has = json_incref(has);
    }
    pr_set(object, key, has);
}

void pr_set_int(json_t *object, const char *key, int64_t value) { pr_set(object, key, json_integer(value)); }
void pr_set_bool(json_t *object, const char *key, bool value) { pr_set(object, key, json_boolean(value)); }

json_t *pr_set_object(json_t *object, const char *key) {
    json_t *o = json_object();
    pr_set(object, key, o);
    return o;
}

json_t *pr_set_array(json_t *object, const char *key) {
    json_t *o = json_array();
    pr_set(object, key, o);
    return o;
}

json_t *pr_push_object(json_t *array) {
    json_t *o = json_object();
    PR_ASSERT(o != NULL && json_array_append_new(array, o) == 0);
    return o;
}

void pr_push_str(json_t *array, const char *text) { PR_ASSERT(json_array_append_new(array, text_value(text)) == 0); }

const char *pr_get_str(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }
int64_t pr_get_int(const json_t *object, const char *key) { return json_integer_value(json_object_get(object, key)); }
bool pr_get_bool(const json_t *object, const char *key) { return json_is_true(json_object_get(object, key)); }

json_t *pr_get(const json_t *object, const char *key) {
    json_t *j = json_object_get(object, key);
    return json_is_object(j) || json_is_array(j) ? j : NULL;
}

const char *pr_json_text(struct pr_arena *a, const json_t *j, bool pretty) {
    char *text = json_dumps(j, pretty ? JSON_INDENT(2) | JSON_ENCODE_ANY : JSON_COMPACT | JSON_ENCODE_ANY);
    PR_ASSERT(text != NULL);
    const char *kept = pretty ? pr_fmt(a, "%s\n", text) : pr_dup(a, text);
    free(text);
    return kept;
}

void pr_json_put(FILE *to, const json_t *j) {
    (void)json_dumpf(j, to, JSON_INDENT(2) | JSON_ENCODE_ANY);
    (void)fputc('\n', to);
}

enum pr_code pr_json_parse(const char *what, const char *text, size_t n, json_t **out, struct pr_err *e) {
    json_error_t err;
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err);
    if (j == NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d:%d: not JSON: %s", what, err.line, err.column, err.text);
    *out = j;
    return PR_OK;
}
