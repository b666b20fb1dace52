/* check_render.c: the document of check for a terminal: the source line, the place underlined, who is hurt, what to write. */
#include "ops/check.h"

static const char *paint_of(const char *level) { return pr_eq(level, "error") ? "b" : pr_eq(level, "warning") ? "w" : "h"; }

static size_t chars_of(const char *s, size_t n) {
    size_t chars = 0;
    for (size_t i = 0; i < n; i++) chars += ((unsigned char)s[i] & 0xC0) != 0x80;
    return chars;
}

/* Words of a text in lines of at most `width` characters, each behind `indent` blanks. */
static void put_wrapped(const struct pr_render *r, const char *text, int indent) {
    const size_t width = (size_t)(r->width > indent + 30 ? r->width - indent : 30);
    size_t col = 0;
    for (const char *p = text; *p != '\0';) {
        const size_t n = strcspn(p, " "), chars = chars_of(p, n);
        if (col > 0 && col + 1 + chars > width) {
            pr_add(r->out, "\n");
            col = 0;
        }
        if (n > 0) {
            if (col == 0) pr_addf(r->out, "%*s", indent, "");
            else pr_add(r->out, " ");
            pr_addn(r->out, p, n);
            col += chars + (col > 0 ? 1 : 0);
        }
        p += n + (p[n] == ' ' ? 1 : 0);
    }
    pr_add(r->out, "\n");
}

static void put_sql(const struct pr_render *r, const char *sql) {
    const char **lines = NULL;
    const size_t n = pr_split(r->a, sql, '\n', &lines);
    for (size_t i = 0; i < n; i++) pr_addf(r->out, "        \001c%s\002\n", pr_printable(r->a, lines[i], 2000));
}

/* Tabs would break the underline: each is shown as one blank. A long line is cut so that the place stays in sight. */
static void put_source(const struct pr_render *r, const json_t *o) {
    const char *source = pr_get_str(o, "source");
    if (source == NULL || source[0] == '\0') return;
    char *line = pr_dup(r->a, source);
    for (char *p = line; *p != '\0'; p++)
        if (*p == '\t') *p = ' ';
    const int64_t col = pr_get_int(o, "col");
    int64_t skip = 0, room = r->width > 50 ? r->width - 12 : 40;
    if (col > room - 10) skip = col - room / 2;
    for (int64_t i = 0; i < skip && *line != '\0'; i++)
        for (line++; ((unsigned char)*line & 0xC0) == 0x80; line++) {}
    int64_t width = pr_get_int(o, "width");
    if (width > room - (col - skip)) width = room - (col - skip);
    if (width < 1) width = 1;
    char *marks = pr_alloc(r->a, (size_t)width + 1);
    memset(marks, '^', (size_t)width);
    pr_addf(r->out, "  \001d%4" PRId64 " |\002 %s\n", pr_get_int(o, "line"), pr_printable(r->a, line, (size_t)room));
    pr_addf(r->out, "       \001d|\002 %*s\001%s%s\002\n", (int)(col - 1 - skip), "", paint_of(pr_get_str(o, "level")), marks);
}

static void put_finding(const struct pr_render *r, const json_t *o) {
    const char *level = pr_get_str(o, "level"), *path = pr_get_str(o, "path"), *what = pr_get_str(o, "what");
    const char *safe_way = pr_get_str(o, "safe_way"), *sql = pr_get_str(o, "safe_sql");
    pr_addf(r->out, "\001h%s:%" PRId64, path != NULL ? pr_printable(r->a, path, 300) : "-", pr_get_int(o, "line"));
    if (pr_get_int(o, "col") > 0) pr_addf(r->out, ":%" PRId64, pr_get_int(o, "col"));
    pr_addf(r->out, "\002 \001%s%s\002 %s \001d[%s]\002\n", paint_of(level), level, pr_printable(r->a, pr_get_str(o, "title"), 500), pr_get_str(o, "rule"));
    put_source(r, o);
    if (what != NULL) put_wrapped(r, pr_printable(r->a, what, 2000), 4);
    if (safe_way != NULL) put_wrapped(r, pr_fmt(r->a, "Instead: %s", pr_printable(r->a, safe_way, 2000)), 4);
    if (sql != NULL) put_sql(r, sql);
    pr_add(r->out, "\n");
}

static void put_effect(const struct pr_render *r, const json_t *f) {
    struct pr_buf work = {.a = r->a};
    if (pr_get_bool(f, "rewrite")) pr_add(&work, ", rewrites it");
    if (pr_get_bool(f, "scan")) pr_add(&work, ", reads every row");
    if (pr_get_int(f, "index_builds") > 0) pr_addf(&work, ", builds %s", pr_plural(r->a, pr_get_int(f, "index_builds"), "index"));
    const char *schema = pr_get_str(f, "schema"), *why = pr_get_str(f, "why");
    pr_addf(r->out, "        %-22s %s%s%s\n", pr_get_str(f, "lock"), pr_qualified(r->a, schema, pr_get_str(f, "name")), pr_buf_text(&work),
            pr_get_bool(f, "own") || pr_get_bool(f, "created") ? " (nobody else's yet)" : "");
    if (why != NULL) put_wrapped(r, pr_printable(r->a, why, 300), 12);
}

static void put_footprint(const struct pr_render *r, const json_t *side) {
    size_t i = 0, k = 0;
    json_t *s = NULL, *f = NULL;
    if (json_array_size(pr_get(side, "footprint")) == 0) return;
    pr_addf(r->out, "\001hfootprint of %s\002, %s\n", pr_get_str(side, "path"), pr_get_str(side, "transaction"));
    json_array_foreach(pr_get(side, "footprint"), i, s) {
        const json_t *p = pr_get(s, "predicted");
        pr_addf(r->out, "  \001d%4" PRId64 " |\002 %s\n", pr_get_int(s, "line"), pr_printable(r->a, pr_get_str(s, "text"), (size_t)(r->width > 50 ? r->width - 10 : 40)));
        json_array_foreach(pr_get(p, "effects"), k, f) put_effect(r, f);
        const char *fails = pr_get_str(p, "fails_sqlstate");
        if (fails != NULL) pr_addf(r->out, "        \001bfails with %s\002: %s\n", fails, pr_get_str(p, "fails_why"));
        if (pr_get_bool(p, "unjudged")) pr_add(r->out, "        not judged\n");
    }
    pr_add(r->out, "\n");
}

void pr_check_summary(const json_t *doc, const struct pr_render *r) {
    const json_t *counts = pr_get(doc, "counts"), *facts = pr_get(doc, "facts");
    const int64_t errors = pr_get_int(counts, "error"), warnings = pr_get_int(counts, "warning"), n = (int64_t)json_array_size(pr_get(doc, "migrations"));
    const char *paint = errors > 0 ? "b" : warnings > 0 ? "w" : "g";
    pr_addf(r->out, "%s judged: \001%s%s, %s, %s\002", pr_plural(r->a, n, "migration"), paint, pr_plural(r->a, errors, "error"), pr_plural(r->a, warnings, "warning"),
            pr_plural(r->a, pr_get_int(counts, "note"), "note"));
    if (pr_get_int(counts, "ignored") > 0) pr_addf(r->out, ", %" PRId64 " ignored", pr_get_int(counts, "ignored"));
    if (pr_get_int(counts, "accepted") > 0)
        pr_addf(r->out, ", %" PRId64 " accepted by %s", pr_get_int(counts, "accepted"), pr_printable(r->a, pr_get_str(pr_get(doc, "baseline"), "path"), 200));
    if (pr_get_int(counts, "not_judged") > 0) pr_addf(r->out, ", %s not judged", pr_plural(r->a, pr_get_int(counts, "not_judged"), "statement"));
    if (pr_get_int(counts, "left_out") > 0) pr_addf(r->out, ", %" PRId64 " more not shown", pr_get_int(counts, "left_out"));
    const char *env = pr_get_str(doc, "environment"), *taken = pr_get_str(facts, "taken_at"), *source = pr_get_str(facts, "source");
    if (pr_eq(source, "live")) pr_addf(r->out, "; with the live facts of %s", env);
    else if (pr_eq(source, "file")) pr_addf(r->out, "; with facts of %s", taken != NULL ? taken : "a file");
    else if (pr_eq(source, "nothing")) pr_add(r->out, "; in order, from an empty database on");
    else pr_add(r->out, "; without facts");
    pr_add(r->out, "\n");
    if (pr_get_bool(pr_get(doc, "baseline"), "written"))
        pr_addf(r->out, "\001gwritten\002 %s\n", pr_printable(r->a, pr_get_str(pr_get(doc, "baseline"), "path"), 300));
    if (n == 0 && pr_get_str(doc, "since") != NULL) pr_addf(r->out, "nothing to judge: no migration changed since %s\n", pr_printable(r->a, pr_get_str(doc, "since"), 100));
    else if (n == 0) pr_add(r->out, "nothing to judge: the folder is empty, or all is applied; a new migration begins with: pgrail new NAME\n");
}

void pr_check_render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(doc, "migrations"), i, o) {
        put_footprint(r, pr_get(o, "up"));
        put_footprint(r, pr_get(o, "down"));
    }
    json_array_foreach(pr_get(doc, "findings"), i, o) put_finding(r, o);
    json_array_foreach(pr_get(doc, "not_grounded"), i, o) {
        const bool stale = pr_eq(pr_get_str(o, "state"), "stale");
        pr_addf(r->out, "\001brefused\002 %s changes %s, %s; run: %s\n", pr_get_str(o, "migration"), pr_get_str(o, "relation"),
                stale ? "which moved since it was grounded" : "which was not grounded", pr_get_str(o, "mend"));
    }
    pr_check_summary(doc, r);
    const char *hint = pr_get_str(pr_get(doc, "facts"), "hint");
    if (hint != NULL) pr_addf(r->out, "\001d%s\002\n", hint);
}
