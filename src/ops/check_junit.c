/* check_junit.c: JUnit's XML as Jenkins and GitLab read it: a suite for each file, a test case for each finding. What is below
 * --fail-on passes, its text in system-out; a file without findings is one case that passes. */
#include "ops/check.h"

/* XML 1.0 knows no control characters but tab and line ends, and no U+FFFE and U+FFFF, not even escaped. */
static bool is_forbidden(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return (u[0] < 0x20 && u[0] != '\t' && u[0] != '\n' && u[0] != '\r') || (u[0] == 0xEF && u[1] == 0xBF && u[2] >= 0xBE);
}

static const char *xml(struct pr_arena *a, const char *text) {
    struct pr_buf b = {.a = a};
    for (const char *p = text; *p != '\0'; p++) {
        if (is_forbidden(p)) p += (unsigned char)*p == 0xEF ? 2 : 0;
        else if (*p == '&') pr_add(&b, "&amp;");
        else if (*p == '<') pr_add(&b, "&lt;");
        else if (*p == '>') pr_add(&b, "&gt;");
        else if (*p == '"') pr_add(&b, "&quot;");
        else if (*p == '\r') pr_add(&b, "&#13;");
        else pr_addn(&b, p, 1);
    }
    return pr_buf_text(&b);
}

/* In an attribute a line end would be read as a blank. */
static const char *attribute(struct pr_arena *a, const char *text) {
    struct pr_buf b = {.a = a};
    for (const char *p = xml(a, text); *p != '\0'; p++) {
        if (*p == '\n') pr_add(&b, "&#10;");
        else if (*p == '\t') pr_add(&b, "&#9;");
        else pr_addn(&b, p, 1);
    }
    return pr_buf_text(&b);
}

struct suite { const char *path; json_t *findings; int64_t failures; };
struct suites { struct suite *items; size_t n, cap; int64_t tests, failures; json_t *index; struct pr_arena *a; };   /* index: path → place */

static void suites_done(struct suites *s) {
    json_decref(s->index);
    for (size_t i = 0; i < s->n; i++) json_decref(s->items[i].findings);
}

static struct suite *suite_of(struct suites *s, const char *path) {
    const json_t *known = json_object_get(s->index, path);
    if (known != NULL) return &s->items[json_integer_value(known)];
    pr_set_int(s->index, path, (int64_t)s->n);
    struct suite *new = PR_PUSH(s->a, s->items, s->n, s->cap);
    *new = (struct suite){.path = path, .findings = json_array()};
    return new;
}

static int weight(const char *level) { return pr_eq(level, "error") ? 2 : pr_eq(level, "warning") ? 1 : 0; }

static bool fails(const json_t *doc, const json_t *finding) { return weight(pr_get_str(finding, "level")) >= weight(pr_get_str(doc, "fail_on")); }

static void collect(struct suites *s, const json_t *doc, const json_t *list) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(doc, "migrations"), i, o) {
        const char *up = pr_get_str(pr_get(o, "up"), "path"), *down = pr_get_str(pr_get(o, "down"), "path");
        if (up != NULL) (void)suite_of(s, up);
        if (down != NULL) (void)suite_of(s, down);
    }
    json_array_foreach(list, i, o) {
        struct suite *into = suite_of(s, pr_get_str(o, "path") != NULL ? pr_get_str(o, "path") : "");
        PR_ASSERT(json_array_append(into->findings, o) == 0);
        into->failures += fails(doc, o) ? 1 : 0;
    }
    for (i = 0; i < s->n; i++) {
        const int64_t n = (int64_t)json_array_size(s->items[i].findings);
        s->tests += n > 0 ? n : 1;
        s->failures += s->items[i].failures;
    }
}

static void put_case(const json_t *doc, const json_t *o, const char *path, const struct pr_render *r) {
    const char *title = pr_printable(r->a, pr_get_str(o, "title"), 1000), *rule = pr_get_str(o, "rule"), *text = xml(r->a, pr_check_message(o, r->a));
    pr_addf(r->out, "    <testcase classname=\"%s\" name=\"line %" PRId64 ": %s: %s\">\n", attribute(r->a, path), pr_get_int(o, "line"),
            attribute(r->a, rule), attribute(r->a, title));
    if (fails(doc, o))
        pr_addf(r->out, "      <failure type=\"%s\" message=\"%s\">%s:%" PRId64 "\n%s</failure>\n", attribute(r->a, rule), attribute(r->a, title),
                xml(r->a, path), pr_get_int(o, "line"), text);
    else pr_addf(r->out, "      <system-out>%s: %s</system-out>\n", pr_get_str(o, "level"), text);
    pr_add(r->out, "    </testcase>\n");
}

static void put_suite(const json_t *doc, const struct suite *s, const struct pr_render *r) {
    const char *shown = pr_check_path(doc, s->path, PR_FROM_REPOSITORY, r->a), *path = *s->path != '\0' ? shown : "the folder";
    const size_t n = json_array_size(s->findings);
    pr_addf(r->out, "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%" PRId64 "\" errors=\"0\" skipped=\"0\">\n", attribute(r->a, path), n > 0 ? n : 1, s->failures);
    if (n == 0) pr_addf(r->out, "    <testcase classname=\"%s\" name=\"nothing found\"/>\n", attribute(r->a, path));
    for (size_t i = 0; i < n; i++) put_case(doc, json_array_get(s->findings, i), path, r);
    pr_add(r->out, "  </testsuite>\n");
}

void pr_check_junit(const json_t *doc, const struct pr_render *r) {
    json_t *list PR_CLEANUP(pr_json_freep) = pr_check_reported(doc, r->a);
    struct suites s PR_CLEANUP(suites_done) = {.a = r->a, .index = json_object()};
    collect(&s, doc, list);
    pr_addf(r->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pgrail check\" tests=\"%" PRId64 "\" failures=\"%" PRId64 "\" errors=\"0\">\n",
            s.tests, s.failures);
    for (size_t i = 0; i < s.n; i++) put_suite(doc, &s.items[i], r);
    pr_add(r->out, "</testsuites>\n");
}
