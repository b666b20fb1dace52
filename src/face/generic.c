#include "face/words.h"

static void put_value(const json_t *v, const struct pr_render *r, int depth);

static void put_object(const json_t *o, const struct pr_render *r, int depth) {
    const char *key = NULL;
    json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        pr_addf(r->out, "%*s\001h%s\002:", depth * 2, "", key);
        put_value(v, r, depth + 1);
    }
}

/* Scalars stand behind their key; objects and lists below it. Depth is bounded by our own documents. */
static void put_value(const json_t *v, const struct pr_render *r, int depth) {
    PR_ASSERT(depth < 64);
    if (json_is_object(v)) {
        pr_add(r->out, "\n");
        put_object(v, r, depth);
    } else if (json_is_array(v)) {
        pr_add(r->out, "\n");
        for (size_t i = 0; i < json_array_size(v); i++) {
            pr_addf(r->out, "%*s-", depth * 2, "");
            put_value(json_array_get(v, i), r, depth + 1);
        }
    } else if (json_is_string(v)) {
        pr_addf(r->out, " %s\n", pr_printable(r->a, json_string_value(v), 2000));
    } else {
        pr_addf(r->out, " %s\n", pr_json_text(r->a, v, false));
    }
}

void pr_words_generic(const json_t *doc, const struct pr_render *r) { put_object(doc, r, 0); }
