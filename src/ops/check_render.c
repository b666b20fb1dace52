/* check_render.c: the document of check for a terminal: the source line, the place underlined, who is hurt, what to write. */
#include "ops/check.h"

static const char *paint_of(const char *level) { return pr_eq(level, "error") ? "b" : pr_eq(level, "warning") ? "w" : "h"; }

/* Columns of a word without its colour marks. */
static int columns_of(const char *word, size_t n) {
    unsigned char all = 0;
    int marks = 0;
    for (size_t i = 0; i < n; i++) {
        all |= (unsigned char)word[i];
        marks += word[i] == '\001' ? 2 : word[i] == '\002' ? 1 : 0;
    }
    return (all < 0x80 ? (int)n : pr_columns(word, n)) - marks;
}

/* Words of a text in lines of the terminal's width; the first begins at column `at`, the others behind `indent` blanks. */
static void put_words(const struct pr_render *r, const char *text, int at, int indent) {
    const int width = r->width > indent + 30 ? r->width : indent + 30;
    const char *run = NULL;                                 /* words that go out together, one blank between them */
    size_t len = 0;
    for (const char *p = text; *p != '\0';) {
        const size_t n = strcspn(p, " ");
        const int columns = columns_of(p, n);
        const bool wraps = run != NULL && at + 1 + columns > width;
        if (n > 0 && run != NULL && !wraps && p == run + len + 1) {
            len += 1 + n;
            at += 1 + columns;
        } else if (n > 0) {
            pr_addn(r->out, run != NULL ? run : "", len);
            if (wraps) pr_addf(r->out, "\n%*s", indent, "");
            else if (run != NULL) pr_add(r->out, " ");
            at = columns + (wraps ? indent : run != NULL ? at + 1 : at);
            run = p;
            len = n;
        }
        p += n + (p[n] == ' ' ? 1 : 0);
    }
    pr_addn(r->out, run != NULL ? run : "", len);
    pr_add(r->out, "\n");
}

static void put_wrapped(const struct pr_render *r, const char *text, int indent) {
    pr_addf(r->out, "%*s", indent, "");
    put_words(r, text, indent, indent);
}

static void put_sql(const struct pr_render *r, const char *sql) {
    const char **lines = NULL;
    const size_t n = pr_split(r->a, sql, '\n', &lines);
    for (size_t i = 0; i < n; i++) pr_addf(r->out, "        \001c%s\002\n", pr_printable(r->a, lines[i], 2000));
}

/* A text that was said already is not said again: two hundred findings of one rule need its reason once. */
static bool is_new(struct pr_map *said, const char *text) {
    void **at = text != NULL ? pr_map_at(said, NULL, text) : NULL;
    if (at == NULL || *at != NULL) return false;
    *at = said;
    return true;
}

/* What it takes to write one is given back before the next: there may be thousands. */
static void put_finding(const struct pr_render *whole, const json_t *o, struct pr_map *said) {
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const struct pr_render own = {.out = whole->out, .a = scratch, .width = whole->width}, *r = &own;
    const char *level = pr_get_str(o, "level"), *what = pr_get_str(o, "what"), *safe_way = pr_get_str(o, "safe_way"), *sql = pr_get_str(o, "safe_sql");
    const int64_t line = pr_get_int(o, "line"), col = pr_get_int(o, "col");
    const char *place = col > 0 ? pr_fmt(r->a, "%" PRId64 ":%" PRId64 " ", line, col) : line > 1 ? pr_fmt(r->a, "line %" PRId64 " ", line) : "";
    pr_addf(r->out, "  \001h%s\002\001%s%s\002 ", place, paint_of(level), level);
    put_words(r, pr_fmt(r->a, "%s \001d[%s]\002", pr_printable(r->a, pr_get_str(o, "title"), 500), pr_get_str(o, "rule")),
              (int)(strlen(place) + strlen(level)) + 3, 4);
    pr_check_excerpt(o, paint_of(level), r);
    if (is_new(said, what)) put_wrapped(r, pr_printable(r->a, what, 2000), 4);
    if (is_new(said, safe_way)) put_wrapped(r, pr_fmt(r->a, "Instead: %s", pr_printable(r->a, safe_way, 2000)), 4);
    if (sql != NULL) put_sql(r, sql);
    pr_add(r->out, "\n");
}

/* --- findings by file ----------------------------------------------------------------------------------------------- */

static const char *const levels[] = {"error", "warning", "note"};

/* The findings of a file; how many there are of a rule, and the heaviest of its levels. */
struct file { const char *path; int64_t counts[PR_COUNT(levels)]; const json_t **items; size_t n, cap; };
struct tally { const char *rule; size_t level; int64_t n; };
struct gathered {
    struct pr_arena *a;
    struct pr_map by_path, by_rule;
    struct file **files; size_t n_files, cap_files;        /* in the order in which they first have one */
    struct tally **rules; size_t n_rules, cap_rules;
};

static struct file *file_of(struct gathered *g, const char *path) {
    void **at = pr_map_at(&g->by_path, NULL, path);
    if (*at == NULL) {
        struct file *f = PR_NEW(g->a, struct file);
        f->path = path;
        *at = *PR_PUSH(g->a, g->files, g->n_files, g->cap_files) = f;
    }
    return *at;
}

static struct tally *tally_of(struct gathered *g, const char *rule) {
    void **at = pr_map_at(&g->by_rule, NULL, rule);
    if (*at == NULL) {
        struct tally *t = PR_NEW(g->a, struct tally);
        *t = (struct tally){.rule = rule, .level = PR_COUNT(levels) - 1};
        *at = *PR_PUSH(g->a, g->rules, g->n_rules, g->cap_rules) = t;
    }
    return *at;
}

static size_t level_of(const json_t *finding) {
    const char *level = pr_get_str(finding, "level");
    size_t l = 0;
    while (l + 1 < PR_COUNT(levels) && !pr_eq(level, levels[l])) l++;
    return l;
}

/* The document is large and each look at it comes from far: one pass for all that is counted. */
static void gather(const json_t *findings, struct gathered *g) {
    struct file *f = NULL;
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(findings, i, o) {
        const char *path = pr_get_str(o, "path") != NULL ? pr_get_str(o, "path") : "";
        const size_t level = level_of(o);
        if (f == NULL || !pr_eq(f->path, path)) f = file_of(g, path);
        f->counts[level]++;
        *PR_PUSH(g->a, f->items, f->n, f->cap) = o;
        struct tally *t = tally_of(g, pr_get_str(o, "rule"));
        if (level < t->level) t->level = level;
        t->n++;
    }
}

static void put_file(const struct pr_render *r, const json_t *doc, const struct file *f, struct pr_map *said) {
    const char *shown = *f->path != '\0' ? pr_check_path(doc, f->path, PR_FROM_HERE, r->a) : "the folder";
    pr_addf(r->out, "\001h%s\002  \001d", pr_printable(r->a, shown, 300));
    bool any = false;
    for (size_t l = 0; l < PR_COUNT(levels); l++) {
        if (f->counts[l] == 0) continue;
        pr_addf(r->out, "%s%s", any ? ", " : "", pr_plural(r->a, f->counts[l], levels[l]));
        any = true;
    }
    pr_add(r->out, "\002\n");
    for (size_t i = 0; i < f->n; i++) {
        put_finding(r, f->items[i], said);
        pr_render_pause(r);
    }
}

static void put_findings(const struct pr_render *r, const json_t *doc, const struct gathered *g) {
    struct pr_map said = {.a = r->a};
    for (size_t i = 0; i < g->n_files; i++) put_file(r, doc, g->files[i], &said);
}

/* --- what many findings come to --------------------------------------------------------------------------------------- */

enum { MANY = 10 };

static int by_weight(const void *x, const void *y) {
    const struct tally *a = *(const struct tally *const *)x, *b = *(const struct tally *const *)y;
    if (a->level != b->level) return a->level < b->level ? -1 : 1;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return strcmp(a->rule, b->rule);
}

static bool has_rule(const struct gathered *g) {
    for (size_t i = 0; i < g->n_rules; i++)
        if (pr_check_about(g->rules[i]->rule).title != NULL) return true;
    return false;
}

static void put_tally(const struct pr_render *r, const struct gathered *g) {
    qsort(g->rules, g->n_rules, sizeof *g->rules, by_weight);
    for (size_t i = 0; i < g->n_rules; i++) {
        const struct tally *t = g->rules[i];
        const int room = r->width - 48;
        pr_addf(r->out, "  %6s  \001%s%-7s\002  \001h%-28s\002", pr_human_count(r->a, t->n), paint_of(levels[t->level]), levels[t->level], t->rule);
        const char *title = pr_check_about(t->rule).title;
        if (room > 20 && title != NULL) pr_addf(r->out, "  %s", pr_printable(r->a, title, (size_t)room - 1));
        pr_add(r->out, "\n");
    }
}

/* --- footprints ------------------------------------------------------------------------------------------------------- */

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
        const json_t *fails = pr_get(p, "fails");
        if (fails != NULL) pr_addf(r->out, "        \001b%s with %s\002: %s\n", pr_get_bool(fails, "certain") ? "fails" : "may fail", pr_get_str(fails, "sqlstate"), pr_get_str(fails, "why"));
        if (pr_get_bool(p, "unjudged")) pr_add(r->out, "        not judged\n");
    }
    pr_add(r->out, "\n");
}

void pr_check_summary(const json_t *doc, const struct pr_render *r) {
    const json_t *counts = pr_get(doc, "counts"), *facts = pr_get(doc, "facts");
    const int64_t errors = pr_get_int(counts, "error"), warnings = pr_get_int(counts, "warning"), n = (int64_t)json_array_size(pr_get(doc, "migrations"));
    const char *paint = errors > 0 ? "b" : warnings > 0 ? "w" : "g";
    struct pr_buf b = {.a = r->a};
    pr_addf(&b, "%s judged: \001%s%s, %s, %s\002", pr_plural(r->a, n, "migration"), paint, pr_plural(r->a, errors, "error"), pr_plural(r->a, warnings, "warning"),
            pr_plural(r->a, pr_get_int(counts, "note"), "note"));
    if (pr_get_int(counts, "ignored") > 0) pr_addf(&b, ", %" PRId64 " ignored", pr_get_int(counts, "ignored"));
    if (pr_get_int(counts, "accepted") > 0)
        pr_addf(&b, ", %" PRId64 " accepted by %s", pr_get_int(counts, "accepted"), pr_printable(r->a, pr_get_str(pr_get(doc, "baseline"), "path"), 200));
    if (pr_get_int(counts, "not_judged") > 0) pr_addf(&b, ", %s not judged", pr_plural(r->a, pr_get_int(counts, "not_judged"), "statement"));
    if (pr_get_int(counts, "left_out") > 0) pr_addf(&b, ", %" PRId64 " more not shown", pr_get_int(counts, "left_out"));
    const char *env = pr_get_str(doc, "environment"), *taken = pr_get_str(facts, "taken_at"), *source = pr_get_str(facts, "source");
    if (pr_eq(source, "live")) pr_addf(&b, "; with the live facts of %s", env);
    else if (pr_eq(source, "file")) pr_addf(&b, "; with facts of %s", taken != NULL ? taken : "a file");
    else if (pr_eq(source, "nothing")) pr_add(&b, "; in order, from an empty database on");
    else pr_add(&b, "; without facts");
    put_wrapped(r, pr_buf_text(&b), 0);
}

/* What else a reader of the last lines should know. */
static void put_rest(const json_t *doc, const struct pr_render *r) {
    const json_t *baseline = pr_get(doc, "baseline");
    const char *since = pr_get_str(doc, "since");
    if (pr_get_bool(baseline, "written")) pr_addf(r->out, "\001gwritten\002 %s\n", pr_printable(r->a, pr_get_str(baseline, "path"), 300));
    if (json_array_size(pr_get(doc, "migrations")) > 0) return;
    if (since != NULL) pr_addf(r->out, "nothing to judge: no migration changed since %s\n", pr_printable(r->a, since, 100));
    else put_wrapped(r, "nothing to judge: the folder is empty, or all is applied; a new migration begins with: pgrail new NAME", 0);
}

enum { REVIEW_LINES = 20 };

/* A line for each migration; of many only how many there are of each class. */
static void put_reviews(const struct pr_render *r, const json_t *migrations) {
    size_t i = 0;
    int64_t n[PR_REVIEW_COUNT] = {0};
    json_t *m = NULL;
    const bool each = json_array_size(migrations) <= REVIEW_LINES;
    json_array_foreach(migrations, i, m) {
        const json_t *v = pr_get(m, "review");
        const char *class = pr_get_str(v, "class"), *of = pr_get_str(v, "of");
        if (class == NULL) continue;
        for (int k = 0; k < PR_REVIEW_COUNT; k++) n[k] += pr_eq(class, pr_review_name((enum pr_review)k));
        if (each)
            pr_addf(r->out, "\001hreview\002 %s: \001%s%s\002, %s%s%s\n", pr_printable(r->a, pr_get_str(m, "id"), 200), pr_eq(class, "mandatory") ? "w" : "h", class,
                    pr_get_str(v, "why"), of != NULL ? ": " : "", of != NULL ? pr_printable(r->a, of, 200) : "");
    }
    if (!each) pr_addf(r->out, "\001hreview\002 %" PRId64 " mandatory, %" PRId64 " thorough, %" PRId64 " spot check\n", n[PR_REVIEW_MANDATORY], n[PR_REVIEW_THOROUGH], n[PR_REVIEW_SPOT]);
}

void pr_check_render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    const json_t *fixes = pr_get(doc, "fixes");
    if (fixes != NULL && !pr_get_bool(fixes, "written")) {          /* --diff: nothing but what patch and git apply take */
        pr_check_render_fixes(fixes, r);
        return;
    }
    json_t *o = NULL;
    json_array_foreach(pr_get(doc, "migrations"), i, o) {
        put_footprint(r, pr_get(o, "up"));
        put_footprint(r, pr_get(o, "down"));
    }
    struct gathered g = {.a = r->a, .by_path.a = r->a, .by_rule.a = r->a};
    gather(pr_get(doc, "findings"), &g);
    put_findings(r, doc, &g);
    json_array_foreach(pr_get(doc, "not_grounded"), i, o) {
        const bool stale = pr_eq(pr_get_str(o, "state"), "stale");
        pr_addf(r->out, "\001brefused\002 %s changes %s, %s; run: %s\n", pr_get_str(o, "migration"), pr_get_str(o, "relation"),
                stale ? "which moved since it was grounded" : "which was not grounded", pr_get_str(o, "mend"));
    }
    if (fixes != NULL) pr_check_render_fixes(fixes, r);
    if (json_array_size(pr_get(doc, "findings")) > MANY) put_tally(r, &g);
    put_reviews(r, pr_get(doc, "migrations"));
    pr_check_summary(doc, r);
    put_rest(doc, r);
    if (has_rule(&g)) pr_add(r->out, "\001dwhy, and examples: pgrail rules RULE\002\n");
    const char *hint = pr_get_str(pr_get(doc, "facts"), "hint");
    if (hint != NULL) put_wrapped(r, pr_fmt(r->a, "\001d%s\002", hint), 0);
}
