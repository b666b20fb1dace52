/* orphans_text.c: the document of orphans for a terminal: a table of all references, then what was found of each. */
#include "ops/grid.h"
#include "ops/orphans.h"

static const char *show(const struct pr_render *r, const char *text, size_t max) { return text != NULL ? pr_printable(r->a, text, max) : ""; }

static const char *joined(const struct pr_render *r, const json_t *list, const char *sep) {
    struct pr_buf b = {.a = r->a};
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
        pr_addf(&b, "%s%s", i > 0 ? sep : "", json_is_null(item) ? "NULL" : show(r, json_string_value(item), 60));
    return pr_buf_text(&b);
}

static const char *place(const struct pr_render *r, const json_t *o, const char *table, const char *columns) {
    return pr_fmt(r->a, "%s (%s)", show(r, pr_get_str(o, table), 130), joined(r, pr_get(o, columns), ", "));
}

static const char *by(const struct pr_render *r, const json_t *o) {
    if (pr_eq(pr_get_str(o, "basis"), "inferred")) return pr_fmt(r->a, "inferred, %s confidence (%" PRId64 ")", pr_get_str(o, "confidence_word"), pr_get_int(o, "confidence"));
    return pr_fmt(r->a, "%s, %s", show(r, pr_get_str(o, "constraint"), 70), pr_get_str(o, "state"));
}

/* A lower bound is told as one. */
static const char *amount(const struct pr_render *r, const json_t *o, const char *key, bool more) {
    if (pr_get_str(o, "unread") != NULL) return "?";
    return pr_fmt(r->a, "%s%s", more || !pr_get_bool(o, "exact") ? "≥ " : "", pr_human_count(r->a, pr_get_int(o, key)));
}

static void table(const json_t *list, const struct pr_render *r) {
    static const char *const heads[] = {"orphans", "missing", "rows", "of", "refer to", "by"};
    struct pr_grid g = {.r = r, .n_cols = PR_COUNT(heads), .right = 7, .max_chars = 140};
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, o) {
        pr_grid_add(&g, amount(r, o, "orphans", false));
        pr_grid_add(&g, amount(r, o, "missing", pr_get_bool(o, "missing_more")));
        pr_grid_add(&g, amount(r, o, "read", false));
        pr_grid_add(&g, place(r, o, "table", "columns"));
        pr_grid_add(&g, place(r, o, "ref_table", "ref_columns"));
        pr_grid_add(&g, by(r, o));
    }
    pr_grid_print(&g, heads);
}

/* To the second, which is enough to know whose they are. */
static const char *moment(const struct pr_render *r, const char *text) {
    const size_t n = strcspn(text, ".+");
    return show(r, pr_dupn(r->a, text, n), 40);
}

static void first_keys(const json_t *o, const struct pr_render *r) {
    const json_t *first = pr_get(o, "first");
    if (json_array_size(first) == 0) return;
    pr_addf(r->out, "  first, as %s → %s: ", joined(r, pr_get(o, "key_columns"), ", "), joined(r, pr_get(o, "columns"), ", "));
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach((json_t *)(uintptr_t)first, i, one)
        pr_addf(r->out, "%s%s → %s", i > 0 ? "; " : "", joined(r, pr_get(one, "key"), ", "), joined(r, pr_get(one, "missing"), ", "));
    pr_add(r->out, "\n");
}

static void details(const json_t *o, const struct pr_render *r) {
    const int64_t n = pr_get_int(o, "orphans"), missing = pr_get_int(o, "missing");
    const bool more = !pr_get_bool(o, "exact"), inferred = pr_eq(pr_get_str(o, "basis"), "inferred");
    const char *const from = place(r, o, "table", "columns");
    if (n == 0) return;
    const bool period = pr_get_bool(o, "period");
    pr_addf(r->out, "\n\001%c%s\002: %s%s %s %s%s that %s does not %s%s\n", inferred ? 'w' : 'b', from, more ? "at least " : "", pr_plural(r->a, n, "row"),
            n == 1 ? "refers to" : "refer to", more || pr_get_bool(o, "missing_more") ? "at least " : "", pr_plural(r->a, missing, period ? "period" : "key"),
            place(r, o, "ref_table", "ref_columns"), period ? "cover" : "have", inferred ? ", if that is what the column means" : "");
    const char *oldest = pr_get_str(o, "oldest"), *newest = pr_get_str(o, "newest");
    if (oldest != NULL && pr_eq(oldest, newest)) pr_addf(r->out, "  all of %s by %s\n", moment(r, oldest), show(r, pr_get_str(o, "age_column"), 70));
    else if (oldest != NULL) pr_addf(r->out, "  from %s to %s by %s\n", moment(r, oldest), moment(r, newest), show(r, pr_get_str(o, "age_column"), 70));
    if (inferred) pr_addf(r->out, "  inferred: %s\n", joined(r, pr_get(o, "why"), "; "));
    first_keys(o, r);
    pr_addf(r->out, "  all of them: \001cSELECT * FROM %s AS o WHERE %s\002\n", show(r, pr_get_str(o, "table"), 130), show(r, pr_get_str(o, "condition"), 1000));
}

static void troubles(const json_t *list, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, o) {
        const char *unread = pr_get_str(o, "unread"), *stopped = pr_get_str(o, "stopped");
        if (unread != NULL) pr_addf(r->out, "\n\001b%s could not be read\002: %s\n", place(r, o, "table", "columns"), show(r, unread, 300));
        else if (stopped != NULL)
            pr_addf(r->out, "\n\001w%s was not read to its end\002: %s, after %s of about %s\n", place(r, o, "table", "columns"), show(r, stopped, 300),
                    pr_human_count(r->a, pr_get_int(o, "read")), pr_plural(r->a, pr_get_int(o, "estimate"), "row"));
    }
}

static void archive(const json_t *doc, const struct pr_render *r) {
    const json_t *a = pr_get(doc, "archive");
    if (a == NULL) return;
    pr_addf(r->out, "\n\001gwritten\002  %s\n", show(r, pr_get_str(a, "up"), 300));
    static const char *const more[] = {"down", "backfill", "backfill_down"};
    for (size_t k = 0; k < PR_COUNT(more); k++)
        if (pr_get_str(a, more[k]) != NULL) pr_addf(r->out, "\001gwritten\002  %s\n", show(r, pr_get_str(a, more[k]), 300));
    size_t i = 0;
    json_t *w = NULL;
    json_array_foreach(pr_get(a, "warnings"), i, w) pr_addf(r->out, "\001wnote\002: %s\n", show(r, json_string_value(w), 500));
    pr_addf(r->out, "next: \001c%s\002\n", show(r, pr_get_str(a, "next"), 300));
}

void pr_orphans_render(const json_t *doc, const struct pr_render *r) {
    const json_t *list = pr_get(doc, "references");
    if (list == NULL) return;                               /* the error says it all */
    if (json_array_size(list) > 0) table(list, r);
    else pr_add(r->out, "no foreign key is in doubt, and no column looks like an undeclared reference\n");
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach((json_t *)(uintptr_t)list, i, o) details(o, r);
    troubles(list, r);
    const int64_t left = pr_get_int(doc, "valid_left_out");
    if (left > 0) pr_addf(r->out, "\n\001d%s not read: --all reads them\002\n", pr_plural(r->a, left, "valid foreign key"));
    archive(doc, r);
}
