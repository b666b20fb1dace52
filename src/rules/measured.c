#include "rules/measured.h"

extern const char pr_measured[];
extern const size_t pr_measured_len;

json_t *pr_measured_load(void) {
    struct pr_err e = {0};
    json_t *all = NULL;
    if (pr_json_parse("measured", pr_measured, pr_measured_len, &all, &e) != PR_OK) PR_BUG(e.msg);
    return all;
}

json_t *pr_measured_of(const json_t *all, const char *rule) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(all, i, o)
        if (pr_eq(pr_get_str(o, "rule"), rule)) return pr_get(o, "bad");
    return NULL;
}

const char *pr_measured_versions(const json_t *seen, struct pr_arena *a) {
    const json_t *list = pr_get(seen, "versions");
    const size_t n = json_array_size(list);
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < n;) {
        size_t k = i;
        const json_int_t first = json_integer_value(json_array_get(list, i));
        while (k + 1 < n && json_integer_value(json_array_get(list, k + 1)) == first + (json_int_t)(k + 1 - i)) k++;
        pr_addf(&b, "%s%" PRId64, b.len > 0 ? ", " : "", (int64_t)first);
        if (k > i) pr_addf(&b, "%s%" PRId64, k > i + 1 ? " to " : ", ", (int64_t)first + (int64_t)(k - i));
        i = k + 1;
    }
    return pr_buf_text(&b);
}

const char *pr_measured_text(const json_t *seen, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    const char *lock = pr_get_str(seen, "lock"), *fails = pr_get_str(seen, "fails"), *answer = pr_get_str(seen, "answer");
    if (fails != NULL) return pr_fmt(a, "fails with %s", fails);
    if (lock != NULL) pr_add(&b, lock);
    if (pr_get_bool(seen, "rewrites")) pr_addf(&b, "%swritten anew", b.len > 0 ? ", " : "");
    if (pr_get_bool(seen, "scans")) pr_addf(&b, "%severy row read", b.len > 0 ? ", " : "");
    if (pr_get_bool(seen, "builds")) pr_addf(&b, "%sindex built", b.len > 0 ? ", " : "");
    if (answer != NULL) pr_addf(&b, "%safterwards: %s", b.len > 0 ? ", " : "", answer);
    return b.len > 0 ? pr_buf_text(&b) : "nothing that the rule speaks of";
}
