#include "backfill/keys.h"

const char *pr_bf_array_strided(struct pr_arena *a, const char *const *items, size_t n, size_t stride) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "{");
    for (size_t i = 0; i < n; i++) {
        pr_add(&b, i == 0 ? "\"" : ",\"");
        for (const char *p = items[i * stride]; *p != '\0';) {
            const size_t run = strcspn(p, "\"\\");
            pr_addn(&b, p, run);
            p += run;
            if (*p == '\0') break;
            pr_addn(&b, "\\", 1);
            pr_addn(&b, p++, 1);
        }
        pr_add(&b, "\"");
    }
    pr_add(&b, "}");
    PR_ASSERT(!b.over);
    return pr_buf_text(&b);
}

const char *pr_bf_array(struct pr_arena *a, const char *const *items, size_t n) {
    return items == NULL ? NULL : pr_bf_array_strided(a, items, n, 1);
}

/* One item, quoted or not, up to the comma or brace behind it. */
static const char *read_item(struct pr_arena *a, const char **at) {
    struct pr_buf b = {.a = a};
    const char *p = *at;
    const bool quoted = *p == '"';
    if (quoted) p++;
    while (*p != '\0' && (quoted ? *p != '"' : *p != ',' && *p != '}')) {
        if (*p == '\\' && p[1] != '\0') p++;
        pr_addn(&b, p++, 1);
    }
    if (quoted && *p == '"') p++;
    *at = p;
    return pr_buf_text(&b);
}

enum pr_code pr_bf_array_read(struct pr_arena *a, const char *text, size_t n, const char *const **out, struct pr_err *e) {
    if (text == NULL) {
        *out = NULL;
        return PR_OK;
    }
    const char **items = PR_NEW_ARRAY(a, const char *, n + 1);
    const char *p = text;
    size_t got = 0;
    if (*p++ == '{')
        while (*p != '\0' && *p != '}' && got < n) {
            items[got++] = read_item(a, &p);
            if (*p == ',') p++;
        }
    if (got != n || !pr_eq(p, "}")) return PR_FAIL(e, PR_ERR_DB_SHAPE, "backfill journal: a key is not of %zu columns", n);
    *out = items;
    return PR_OK;
}
