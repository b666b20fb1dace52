#include "ops/profile.h"

#include "ops/grid.h"

/* A profile as a person reads it: a line or two for each column, its patterns, the keys of its JSON, then casts, splits, and what the
 * data ask. */

struct view { const struct pr_render *r; struct pr_buf *out; };

static const char *show(const struct view *v, const char *text, size_t max) { return text != NULL ? pr_printable(v->r->a, text, max) : ""; }
static const char *count(const struct view *v, int64_t n) { return pr_human_count(v->r->a, n); }

/* A share that is not all is never 100%, and one that is not nothing never 0%. */
static const char *share(const struct view *v, int64_t n, int64_t of) {
    const int64_t hundredths = of > 0 ? pr_scale(n, 10000, of) : 0;
    if (n <= 0 || of <= 0) return "0%";
    if (n >= of) return "100%";
    if (hundredths < 1) return "<0.01%";
    if (hundredths < 1000) return pr_fmt(v->r->a, "%" PRId64 ".%02" PRId64 "%%", hundredths / 100, hundredths % 100);
    const int64_t tenths = hundredths / 10 > 999 ? 999 : hundredths / 10;
    return pr_fmt(v->r->a, "%" PRId64 ".%" PRId64 "%%", tenths / 10, tenths % 10);
}

/* Text broken at blanks to the width of the terminal, behind `at` columns that are written already; further lines begin at indent. */
static void put_hanging(const struct view *v, int at, int indent, const char *text) {
    const int width = v->r->width > indent + 30 ? v->r->width : indent + 30;
    bool first = true;
    for (const char *s = text; *s != '\0';) {
        const size_t n = strcspn(s, " ");
        const int columns = pr_columns(s, n);
        if (!first && at + 1 + columns > width) {
            pr_addf(v->out, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            pr_add(v->out, " ");
            at++;
        }
        pr_addn(v->out, s, n);
        at += columns;
        first = false;
        s += n + (s[n] == ' ' ? 1 : 0);
    }
    pr_add(v->out, "\n");
}

static void put_wrapped(const struct view *v, int indent, char paint, const char *text) {
    pr_addf(v->out, "%*s", indent, "");
    if (paint != '\0') pr_addf(v->out, "\001%c", paint);
    put_hanging(v, indent, indent, text);
    if (paint != '\0') pr_add(v->out, "\002");
}

static void put_head(const struct view *v, const json_t *doc) {
    const json_t *rel = pr_get(doc, "relation"), *read = pr_get(doc, "read");
    const int64_t rows = pr_get_int(read, "rows"), all = pr_get_int(read, "estimated_rows");
    struct pr_buf b = {.a = v->r->a};
    pr_addf(v->out, "\001h%s %s.%s\002\n", pr_get_str(rel, "kind"), show(v, pr_get_str(rel, "schema"), 70), show(v, pr_get_str(rel, "name"), 70));
    if (pr_get_bool(read, "whole"))
        pr_addf(&b, "%s %s, in %s", pr_get_bool(read, "complete") ? "all" : "the first", pr_plural(v->r->a, rows, "row"), pr_get_str(read, "by"));
    else
        pr_addf(&b, "a sample of %s of about %s (TABLESAMPLE %s, %s%%, seed %" PRId64 ")", pr_plural(v->r->a, rows, "row"), count(v, all),
                pr_eq(pr_get_str(read, "method"), "bernoulli") ? "BERNOULLI" : "SYSTEM", pr_get_str(read, "percent"), pr_get_int(read, "seed"));
    pr_addf(&b, "; read in %s", pr_human_us(v->r->a, pr_get_int(read, "elapsed_us")));
    put_wrapped(v, 2, '\0', pr_buf_text(&b));
    size_t i = 0;
    json_t *note = NULL;
    json_array_foreach(pr_get(doc, "notes"), i, note) put_wrapped(v, 2, 'w', show(v, json_string_value(note), 600));
    pr_add(v->out, "\n");
}

/* --- columns ------------------------------------------------------------------------------------------------------- */

static const char *nulls(const struct view *v, const json_t *c) {
    const int64_t n = pr_get_int(c, "nulls"), rows = pr_get_int(c, "rows");
    if (n == 0) return "no nulls";
    return n == rows ? "all null" : pr_fmt(v->r->a, "%s null (%s)", share(v, n, rows), count(v, n));
}

static void add_distinct(const struct view *v, struct pr_buf *b, const json_t *c) {
    const json_t *d = pr_get(c, "distinct");
    if (d == NULL) return;
    const char *how = pr_get_str(d, "how");
    const int64_t n = pr_get_int(d, "n"), values = pr_get_int(c, "rows") - pr_get_int(c, "nulls");
    if (pr_eq(how, "unique index")) pr_add(b, ", all different (unique index)");
    else if (pr_eq(how, "counted") && n == values) pr_add(b, ", all different");
    else pr_addf(b, ", %s%s different (%s)", pr_eq(how, "estimate") ? "about " : "", count(v, n), how);
    if (n > 1 && n < values && pr_get_int(d, "most_frequent") > 1) pr_addf(b, ", the most frequent %s", share(v, pr_get_int(d, "most_frequent"), values));
}

/* What is there, in words; what is not there is not spoken of. */
static void add_counts(const struct view *v, struct pr_buf *b, const json_t *c) {
    static const struct { const char *key, *word; bool alarm; } words[] = {
        {"empty", "empty", false}, {"padded", "with blanks at an end", false}, {"numeric_text", "read as numbers", false}, {"zero", "zero", false},
        {"negative", "negative", false}, {"fraction", "with a fraction", false}, {"nan", "NaN", true}, {"infinite", "infinite", true},
        {"future", "in the future", true}, {"true", "true", false}, {"false", "false", false}, {"too_big", "over 64 kB and not looked into", true}};
    const int64_t values = pr_get_int(c, "rows") - pr_get_int(c, "nulls");
    for (size_t i = 0; i < PR_COUNT(words); i++) {
        const int64_t n = pr_get_int(c, words[i].key);
        if (n > 0) pr_addf(b, "; %s %s", n == values ? "all" : n < 1000 || words[i].alarm ? count(v, n) : share(v, n, values), words[i].word);
    }
}

static void add_lengths(const struct view *v, struct pr_buf *b, const json_t *c) {
    const json_t *l = pr_get(c, "length");
    if (l == NULL) return;
    const int64_t min = pr_get_int(l, "min"), max = pr_get_int(l, "max"), tenths = pr_scale(pr_get_int(l, "sum"), 10, pr_get_int(l, "of"));
    if (min == max) pr_addf(b, "; %s %s each", count(v, min), pr_get_str(l, "unit"));
    else pr_addf(b, "; %s to %s %s, %s.%" PRId64 " on average", count(v, min), count(v, max), pr_get_str(l, "unit"), count(v, tenths / 10), tenths % 10);
}

/* Blanks at an end are to be seen. */
static const char *visible(const struct view *v, const char *text) {
    const size_t n = text != NULL ? strlen(text) : 0;
    if (n == 0) return "(empty)";
    return text[0] == ' ' || text[n - 1] == ' ' ? pr_fmt(v->r->a, "\"%s\"", text) : text;
}

static void put_tally(const struct view *v, const json_t *list, const char *key, int64_t of, int64_t different, bool more) {
    size_t i = 0;
    json_t *item = NULL;
    int64_t rest = of;
    if (json_array_size(list) == 0) return;
    const size_t most = json_array_size(list) > 10 && pr_eq(key, "label") ? 20 : 6;
    struct pr_grid g = {.r = v->r, .n_cols = 2, .indent = 4, .max_chars = (size_t)(v->r->width > 60 ? v->r->width - 16 : 44), .right = 1};
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        if (i == most) break;
        pr_grid_add(&g, share(v, pr_get_int(item, "n"), of));
        pr_grid_add(&g, visible(v, pr_get_str(item, key)));
        rest -= pr_get_int(item, "n");
    }
    if (rest > 0) {
        pr_grid_add(&g, share(v, rest, of));
        pr_grid_add(&g, pr_fmt(v->r->a, "(%s%s others)", more ? "over " : "", count(v, different - (int64_t)i)));
    }
    pr_grid_print(&g, NULL);
}

static const char *types_text(const struct view *v, const json_t *path) {
    struct pr_buf b = {.a = v->r->a};
    const char *name = NULL;
    json_t *n = NULL;
    const json_t *types = pr_get(path, "types");
    const bool one = json_object_size(types) == 1;
    json_object_foreach((json_t *)(uintptr_t)types, name, n) {
        const char *word = pr_eq(name, "string") ? "text" : name;
        if (one) pr_add(&b, word);
        else pr_addf(&b, "%s%s %s", b.len > 0 ? ", " : "", word, share(v, json_integer_value(n), pr_get_int(path, "n")));
    }
    return pr_buf_text(&b);
}

static const char *values_text(const struct view *v, const json_t *path) {
    struct pr_buf b = {.a = v->r->a};
    const int64_t strings = pr_get_int(pr_get(path, "types"), "string"), numeric = pr_get_int(path, "numeric_text");
    if (pr_get_str(path, "min") != NULL) pr_addf(&b, "%s to %s", show(v, pr_get_str(path, "min"), 30), show(v, pr_get_str(path, "max"), 30));
    if (strings > 0)
        pr_addf(&b, "%s%sup to %s", b.len > 0 ? "; " : "", strings < pr_get_int(path, "n") ? "text " : "", pr_plural(v->r->a, pr_get_int(path, "max_length"), "character"));
    if (numeric > 0) pr_addf(&b, ", %s as %s", numeric == strings ? "all read" : pr_fmt(v->r->a, "%s of %s read", count(v, numeric), count(v, strings)), "numbers");
    if (pr_get_int(path, "different_keys") > 0) {
        const json_t *first = json_array_get(pr_get(path, "key_patterns"), 0);
        pr_addf(&b, "%s%s different keys, most like %s: data, not names", b.len > 0 ? "; " : "", count(v, pr_get_int(path, "different_keys")),
                show(v, pr_get_str(first, "pattern"), 40));
    }
    return pr_buf_text(&b);
}

static const char *key_text(const struct view *v, const json_t *c, const json_t *path) {
    const char *name = pr_get_str(path, "path"), *column = pr_get_str(c, "name");
    if (pr_get_int(path, "depth") == 0) return "(document)";
    return show(v, pr_starts(name, column) ? name + strlen(column) : name, 60);
}

static int wider(const char *text, int than) {
    const int n = pr_columns(text, strlen(text));
    return n > than ? n : than;
}

/* Key, how often it is there, how many objects lack it, and of which types its values are; the last may take several lines. */
static void put_paths(const struct view *v, const json_t *c, const json_t *paths) {
    size_t i = 0;
    json_t *path = NULL;
    int key = 3, there = 5;
    json_array_foreach((json_t *)(uintptr_t)paths, i, path) {
        key = wider(key_text(v, c, path), key);
        there = wider(count(v, pr_get_int(path, "n")), there);
    }
    if (key > v->r->width / 2 - 20) key = v->r->width / 2 - 20;
    const int before = 4 + key + 2 + there + 2 + there + 4;
    pr_addf(v->out, "    \001h%-*s  %*s  %*s  types and values\002\n", key, "key", there, "there", there + 2, "lacking");
    json_array_foreach((json_t *)(uintptr_t)paths, i, path) {
        const char *name = key_text(v, c, path), *values = values_text(v, path), *types = types_text(v, path);
        const bool lacks = json_is_integer(json_object_get(path, "lacking"));
        pr_addf(v->out, "    %s%*s  %*s  %*s  ", name, key > wider(name, 0) ? key - wider(name, 0) : 0, "", there, count(v, pr_get_int(path, "n")), there + 2,
                lacks ? count(v, pr_get_int(path, "lacking")) : "");
        put_hanging(v, before + (wider(name, 0) > key ? wider(name, 0) - key : 0), before, values[0] != '\0' ? pr_fmt(v->r->a, "%s: %s", types, values) : types);
    }
}

static void put_json(const struct view *v, const json_t *c) {
    const json_t *j = pr_get(c, "json");
    if (j == NULL) return;
    if (pr_get_str(j, "not_walked") != NULL)
        put_wrapped(v, 4, 'w', pr_fmt(v->r->a, "keys were not counted: a document holds what text cannot hold (%s)", show(v, pr_get_str(j, "not_walked"), 5)));
    if (json_array_size(pr_get(j, "paths")) == 0) return;
    put_paths(v, c, pr_get(j, "paths"));
    if (pr_get_bool(j, "more")) pr_add(v->out, "    more keys than are shown\n");
}

static void put_column(const struct view *v, const json_t *c) {
    pr_addf(v->out, "\001h%s\002  %s\n", show(v, pr_get_str(c, "name"), 70), show(v, pr_get_str(c, "type"), 80));
    if (!pr_get_bool(c, "readable")) {
        pr_add(v->out, "  \001wnot readable by this role\002\n");
        return;
    }
    struct pr_buf b = {.a = v->r->a};
    if (pr_get_int(c, "rows") == 0) {
        pr_add(v->out, "  no rows\n");
        return;
    }
    pr_add(&b, nulls(v, c));
    add_distinct(v, &b, c);
    if (pr_get_str(c, "min") != NULL) pr_addf(&b, "; %s to %s", show(v, pr_get_str(c, "min"), 40), show(v, pr_get_str(c, "max"), 40));
    add_lengths(v, &b, c);
    add_counts(v, &b, c);
    put_wrapped(v, 2, '\0', pr_buf_text(&b));
    const int64_t of = pr_get_int(c, "patterns_of"), different = pr_get_int(c, "patterns_different");
    put_tally(v, pr_get(c, "patterns"), "pattern", of, different, pr_get_bool(c, "patterns_more"));
    put_tally(v, pr_get(c, "labels"), "label", of, different, pr_get_bool(c, "patterns_more"));
    put_json(v, c);
}

/* --- casts, splits, questions -------------------------------------------------------------------------------------- */

static const char *keys_text(const struct view *v, const json_t *keys, const char *named_by) {
    struct pr_buf b = {.a = v->r->a};
    size_t i = 0;
    json_t *key = NULL;
    if (json_array_size(keys) == 0) return "";
    pr_addf(&b, "%s ", show(v, named_by, 100));
    json_array_foreach((json_t *)(uintptr_t)keys, i, key)
        pr_addf(&b, strchr(named_by, ',') != NULL ? "%s(%s)" : "%s%s", i > 0 ? ", " : "", show(v, json_string_value(key), 120));
    return pr_buf_text(&b);
}

/* A count, what it is of, and rows that show it. */
static void put_case(const struct view *v, const json_t *doc, int room, const json_t *item, const char *what) {
    const char *keys = keys_text(v, pr_get(item, "keys"), pr_get_str(doc, "rows_named_by"));
    pr_addf(v->out, "    %*s  ", room, count(v, pr_get_int(item, "n")));
    put_hanging(v, 4 + room + 2, 4 + room + 2, keys[0] != '\0' ? pr_fmt(v->r->a, "%s: %s", what, keys) : what);
}

static void put_casts(const struct view *v, const json_t *doc) {
    size_t i = 0, k = 0;
    json_t *cast = NULL, *item = NULL;
    json_array_foreach(pr_get(doc, "casts"), i, cast) {
        const int64_t failing = pr_get_int(cast, "failing"), values = pr_get_int(cast, "rows") - pr_get_int(cast, "nulls");
        const bool lossless = json_array_size(pr_get(cast, "losses")) == 0;
        pr_addf(v->out, "\001hcast %s to %s\002\n", show(v, pr_get_str(cast, "value"), 140), show(v, pr_get_str(cast, "type"), 80));
        struct pr_buf b = {.a = v->r->a};
        pr_addf(&b, "%s fine, %s null, %s%s", count(v, pr_get_int(cast, "fine")), count(v, pr_get_int(cast, "nulls")),
                failing == 0 ? "none fails" : pr_fmt(v->r->a, "%s %s", count(v, failing), failing == 1 ? "fails" : "fail"),
                failing > 0 ? pr_fmt(v->r->a, " (%s)", share(v, failing, values)) : "");
        if (lossless && values > 0) pr_add(&b, failing > 0 ? "; the others lose nothing" : "; nothing is lost");
        put_wrapped(v, 2, failing > 0 ? 'b' : lossless ? 'g' : 'w', pr_buf_text(&b));
        int room = 1;
        static const char *const lists[] = {"failures", "losses"};
        for (size_t l = 0; l < PR_COUNT(lists); l++)
            json_array_foreach(pr_get(cast, lists[l]), k, item) room = wider(count(v, pr_get_int(item, "n")), room);
        json_array_foreach(pr_get(cast, "failures"), k, item)
            put_case(v, doc, room, item, pr_fmt(v->r->a, "%s (%s)", pr_get_str(item, "why"), show(v, pr_get_str(item, "sqlstate"), 5)));
        json_array_foreach(pr_get(cast, "losses"), k, item) put_case(v, doc, room, item, pr_get_str(item, "kind"));
        pr_add(v->out, "\n");
    }
}

static void put_splits(const struct view *v, const json_t *doc) {
    size_t i = 0;
    json_t *s = NULL;
    json_array_foreach(pr_get(doc, "splits"), i, s) {
        pr_addf(v->out, "\001hsplit %s by %s\002\n", show(v, pr_get_str(s, "value"), 140), pr_get_str(s, "by"));
        struct pr_buf b = {.a = v->r->a};
        pr_addf(&b, "%s with one separator, %s with several, %s with none, %s empty, %s null", count(v, pr_get_int(s, "one")), count(v, pr_get_int(s, "several")),
                count(v, pr_get_int(s, "none")), count(v, pr_get_int(s, "empty")), count(v, pr_get_int(s, "nulls")));
        if (pr_get_int(s, "empty_part") > 0) pr_addf(&b, ", %s with an empty part", count(v, pr_get_int(s, "empty_part")));
        pr_addf(&b, "; parts of up to %s and %s characters", count(v, pr_get_int(s, "longest_first")), count(v, pr_get_int(s, "longest_second")));
        put_wrapped(v, 2, '\0', pr_buf_text(&b));
        pr_add(v->out, "\n");
    }
}

static void put_questions(const struct view *v, const json_t *doc) {
    size_t i = 0, k = 0;
    json_t *q = NULL, *choice = NULL;
    const json_t *list = pr_get(doc, "questions");
    if (json_array_size(list) == 0) {
        if (json_array_size(pr_get(doc, "columns")) > 0 && pr_get_int(pr_get(doc, "read"), "rows") > 0) pr_add(v->out, "\001gno questions for a plan\002\n");
        return;
    }
    pr_add(v->out, "\001hquestions for the plan\002\n");
    json_array_foreach((json_t *)(uintptr_t)list, i, q) {
        struct pr_buf b = {.a = v->r->a};
        pr_addf(v->out, "  %2zu  ", i + 1);
        pr_addf(&b, "%s: ", show(v, pr_get_str(q, "text"), 300));
        const size_t n = json_array_size(pr_get(q, "choices"));
        json_array_foreach(pr_get(q, "choices"), k, choice) pr_addf(&b, "%s%s", k == 0 ? "" : k + 1 == n ? " or " : ", ", json_string_value(choice));
        pr_add(&b, "?");
        put_hanging(v, 6, 6, pr_buf_text(&b));
        const char *keys = keys_text(v, pr_get(q, "keys"), pr_get_str(doc, "rows_named_by"));
        put_wrapped(v, 6, 'd', pr_fmt(v->r->a, "%s%s%s", show(v, pr_get_str(q, "id"), 200), keys[0] != '\0' ? "  " : "", keys));
    }
}

void pr_profile_render(const json_t *doc, const struct pr_render *r) {
    const struct view v = {.r = r, .out = r->out};
    if (pr_get(doc, "relation") == NULL) return;            /* the error says it all */
    size_t i = 0;
    json_t *c = NULL;
    put_head(&v, doc);
    json_array_foreach(pr_get(doc, "columns"), i, c) {
        put_column(&v, c);
        pr_add(r->out, "\n");
    }
    put_casts(&v, doc);
    put_splits(&v, doc);
    put_questions(&v, doc);
}
