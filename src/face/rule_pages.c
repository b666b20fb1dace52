/* rule_pages.c: a page for each rule and one that lists them, as Markdown, from the document of `pgrail rules`. */
#include "face/words.h"
#include "rules/measured.h"

static const char *versions_of(const json_t *rule, struct pr_arena *a) {
    const int64_t from = pr_get_int(rule, "pg_from"), to = pr_get_int(rule, "pg_to"), first = from > 13 ? from : 13, last = to > 0 ? to : 18;
    const int64_t minor = pr_get_int(rule, "version_to");
    if (minor > 0) return pr_fmt(a, "%" PRId64 " up to %" PRId64 ".%" PRId64, first, minor / 10000, minor % 10000);
    return first == last ? pr_fmt(a, "%" PRId64, first) : pr_fmt(a, "%" PRId64 " to %" PRId64, first, last);
}

/* A cell of a table: a bar would end it. */
static const char *cell(struct pr_arena *a, const char *text) {
    struct pr_buf b = {.a = a};
    for (; *text != '\0'; text++) pr_addf(&b, *text == '|' ? "\\%c" : "%c", *text == '\n' ? ' ' : *text);
    return pr_buf_text(&b);
}

/* Code of a block: indented, so that no text can end it. */
static void put_code(struct pr_buf *b, const char *sql) {
    const char **lines = NULL;
    const size_t n = pr_split(b->a, sql, '\n', &lines);
    for (size_t i = 0; i < n; i++) pr_addf(b, "    %s\n", lines[i]);
}

static void put_examples(struct pr_buf *b, const json_t *rule, const char *key, const char *head) {
    size_t i = 0;
    json_t *sql = NULL;
    if (json_array_size(pr_get(rule, key)) == 0) return;
    pr_addf(b, "## %s\n\n", head);
    json_array_foreach(pr_get(rule, key), i, sql) {
        put_code(b, json_string_value(sql));
        pr_add(b, "\n");
    }
}

static void put_claim(struct pr_buf *b, const json_t *rule) {
    const json_t *c = pr_get(rule, "claim");
    const char *query = pr_get_str(c, "query");
    if (pr_get_str(c, "lock") != NULL || pr_get_str(c, "fails") != NULL || query != NULL || pr_get_bool(c, "rewrites") || pr_get_bool(c, "scans") || pr_get_bool(c, "builds"))
        pr_addf(b, "The rule claims of `%s`: %s. ", pr_get_str(c, "on"), pr_measured_text(c, b->a));
    if (query != NULL) pr_addf(b, "What stands afterwards is the answer of `` %s ``. ", query);
    pr_add(b, "Each line was measured on a real server; the tests hold it and the claim against the servers of today.\n\n");
}

static void put_measured(struct pr_buf *b, const json_t *rule) {
    size_t i = 0, k = 0;
    json_t *example = NULL, *seen = NULL;
    if (json_array_size(pr_get(rule, "measured")) == 0) return;
    pr_add(b, "## What PostgreSQL did\n\n");
    put_claim(b, rule);
    pr_add(b, "| example | PostgreSQL | what it did |\n|---|---|---|\n");
    json_array_foreach(pr_get(rule, "measured"), i, example)
        json_array_foreach(pr_get(example, "seen"), k, seen)
            pr_addf(b, "| `` %s `` | %s | %s |\n", cell(b->a, pr_get_str(example, "sql")), pr_measured_versions(seen, b->a),
                    cell(b->a, pr_measured_text(seen, b->a)));
    pr_add(b, "\n");
}

static void put_proof(struct pr_buf *b, const json_t *rule) {
    if (pr_get_str(rule, "setup") == NULL) return;
    pr_addf(b, "## The world of the examples\n\n%s\n\n", pr_get_bool(rule, "own_tx") ? "Each example runs without a transaction around it."
                                                                                       : "Each example runs in one transaction.");
    put_code(b, pr_get_str(rule, "setup"));
    pr_add(b, "\n");
}

const char *pr_words_rule(const json_t *rule, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    const char *id = pr_get_str(rule, "rule"), *family = pr_get_str(rule, "family"), *runner = pr_get_str(rule, "runner"), *source = pr_get_str(rule, "source");
    const char *conventions = pr_get_str(rule, "conventions");
    pr_addf(&b, "# %s\n\n%s.\n\n| family | level | PostgreSQL |\n|---|---|---|\n| %s | %s | %s |\n\n", id, pr_get_str(rule, "title"),
            family != NULL ? family : "of the judge itself", pr_get_str(rule, "level"), versions_of(rule, a));
    if (pr_eq(family, "blocking")) pr_add(&b, "With the facts of a database the level follows the numbers: a note when nobody waits longer than `[policy] max_block`.\n\n");
    if (pr_get_bool(rule, "needs_facts")) pr_add(&b, "Silent without the facts of a database.\n\n");
    if (conventions != NULL) pr_addf(&b, "Off unless `[conventions]` of pgrail.conf asks for it, as in: `%s`\n\n", conventions);
    if (runner != NULL && !pr_eq(runner, "pgrail")) pr_addf(&b, "Found with `--runner %s`: pgrail itself takes care of it.\n\n", runner);
    pr_addf(&b, "## Why\n\n%s\n\n## Instead\n\n%s\n\n", pr_get_str(rule, "why"), pr_get_str(rule, "safe_way"));
    put_examples(&b, rule, "bad", "Found in");
    put_examples(&b, rule, "good", "Not found in");
    put_measured(&b, rule);
    put_proof(&b, rule);
    if (source != NULL) pr_addf(&b, "Source: %s\n\n", source);
    pr_addf(&b, "To accept one: `-- pgrail:ignore %s why it is safe here` above the statement.\n", id);
    return pr_buf_text(&b);
}

static void put_row(struct pr_buf *b, const json_t *rule) {
    pr_addf(b, "| [%s](%s.md) | %s | %s | %s |\n", pr_get_str(rule, "rule"), pr_get_str(rule, "rule"), pr_get_str(rule, "level"), versions_of(rule, b->a),
            cell(b->a, pr_get_str(rule, "title")));
}

static void put_list(struct pr_buf *b, const json_t *list, const char *family, const char *head) {
    size_t i = 0;
    json_t *rule = NULL;
    bool any = false;
    json_array_foreach(list, i, rule) {
        if (family != NULL && !pr_eq(pr_get_str(rule, "family"), family)) continue;
        if (!any) pr_addf(b, "## %s\n\n| rule | level | PostgreSQL | what |\n|---|---|---|---|\n", head);
        any = true;
        put_row(b, rule);
    }
    if (any) pr_add(b, "\n");
}

const char *pr_words_rules(const json_t *doc, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    const json_t *rules = pr_get(doc, "rules");
    json_t *done PR_CLEANUP(pr_json_freep) = json_object(), *rule = NULL;
    pr_addf(&b, "# Rules of pgrail check\n\n%" PRId64 " rules, each with examples that are run on PostgreSQL 13 to 18: `pgrail rules RULE` shows the same in the terminal.\n\n",
            pr_get_int(doc, "count"));
    size_t i = 0;
    json_array_foreach(rules, i, rule) {
        const char *family = pr_get_str(rule, "family");
        if (family == NULL || json_object_get(done, family) != NULL) continue;
        pr_set_bool(done, family, true);
        put_list(&b, rules, family, family);
    }
    put_list(&b, pr_get(doc, "notes"), NULL, "of the judge itself");
    put_list(&b, pr_get(doc, "folder"), NULL, "of the folder");
    return pr_buf_text(&b);
}
