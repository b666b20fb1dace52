#include "ops/names.h"

#include <ctype.h>

const char *pr_typed_part(struct pr_arena *a, const char **s, bool fold) {
    struct pr_buf b = {.a = a};
    const char *at = *s;
    const bool quoted = *at == '"';
    if (quoted) at++;
    for (; *at != '\0' && (quoted ? *at != '"' || at[1] == '"' : *at != '.' && *at != ':'); at++) {
        if (quoted && *at == '"') at++;
        const bool lower = fold && !quoted && (unsigned char)*at < 0x80;
        const char c = lower ? (char)tolower((unsigned char)*at) : *at;
        pr_addn(&b, &c, 1);
    }
    if (quoted && *at == '"') at++;
    *s = at;
    if (b.len == 0 || (*at != '\0' && *at != '.' && *at != ':')) return NULL;
    return pr_buf_text(&b);
}

enum pr_code pr_typed_relation(struct pr_arena *a, const char *text, struct pr_want *out, struct pr_err *e) {
    const char *parts[2] = {NULL, NULL}, *s = text;
    size_t n = 0;
    do {
        const char *part = pr_typed_part(a, &s, true);
        if (part == NULL || n == 2 || *s == ':') return PR_FAIL(e, PR_ERR_USAGE, "%s: expected a relation as name or schema.name", pr_printable(a, text, 80));
        parts[n++] = part;
    } while (*s++ == '.');
    *out = n == 2 ? (struct pr_want){.schema = parts[0], .name = parts[1]} : (struct pr_want){.name = parts[0]};
    return PR_OK;
}

/* "schema.name" of a suggestion, quoted where SQL wants quotes: it can be typed as it is shown. */
static const char *as_typed(struct pr_arena *a, const char *full) {
    const char *dot = strchr(full, '.');
    return dot == NULL ? pr_quote_ident(a, full) : pr_qualified(a, pr_dupn(a, full, (size_t)(dot - full)), dot + 1);
}

enum pr_code pr_no_relation(struct pr_arena *a, const struct pr_facts *f, const char *environment, const struct pr_want *w, struct pr_err *e) {
    struct pr_near *near = NULL;
    const char *wrong = w->schema != NULL ? pr_fmt(a, "%s.%s", w->schema, w->name) : w->name;
    const size_t n = pr_near_relations(f, wrong, 3, a, &near);
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "environment %s has no relation %s", environment, pr_printable(a, pr_qualified(a, w->schema, w->name), 130));
    struct pr_buf b = {.a = a};
    for (size_t k = 0; k < n; k++) pr_addf(&b, "%s%s", k > 0 ? ", " : "", pr_printable(a, as_typed(a, near[k].name), 130));
    return n > 0 ? pr_hint(e, "nearest: %s", pr_buf_text(&b)) : pr_hint(e, "pgrail ground --all shows what there is");
}

enum pr_code pr_no_column(struct pr_arena *a, const struct pr_rel *r, const char *name, struct pr_err *e) {
    struct pr_near *near = NULL;
    const size_t n = pr_near_columns(r, name, 3, a, &near);
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s has no column %s", pr_printable(a, pr_qualified(a, r->schema, r->name), 130), pr_printable(a, pr_quote_ident(a, name), 80));
    struct pr_buf b = {.a = a};
    for (size_t k = 0; k < n; k++) pr_addf(&b, "%s%s (%s)", k > 0 ? ", " : "", pr_printable(a, pr_quote_ident(a, near[k].name), 80), pr_printable(a, near[k].detail, 60));
    return n > 0 ? pr_hint(e, "nearest: %s", pr_buf_text(&b)) : pr_hint(e, "pgrail ground %s shows its columns", pr_printable(a, pr_qualified(a, r->schema, r->name), 130));
}
