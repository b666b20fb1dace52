/* check_sarif.c: SARIF 2.1.0 (OASIS): one run, the rules that found something, a result for each finding, and one with its suppression for each
 * that an ignore or the baseline takes out. */
#include "ops/check.h"

/* --- rules --------------------------------------------------------------------------------------------------------- */

static void put_text(json_t *o, const char *key, const char *text) {
    if (text != NULL) pr_set_str(pr_set_object(o, key), "text", text);
}

static void put_rule(json_t *rules, const json_t *finding, struct pr_arena *a) {
    const struct pr_about r = pr_check_about(pr_get_str(finding, "rule"));
    json_t *o = pr_push_object(rules);
    pr_set_str(o, "id", pr_get_str(finding, "rule"));
    put_text(o, "shortDescription", r.title != NULL ? r.title : pr_get_str(finding, "rule"));
    put_text(o, "fullDescription", r.why);
    if (r.why != NULL) {
        json_t *help = pr_set_object(o, "help");
        pr_set_str(help, "text", pr_fmt(a, "%s\nInstead: %s\nMore: pgrail rules %s", r.why, r.safe_way, pr_get_str(finding, "rule")));
        pr_set_str(help, "markdown", pr_fmt(a, "%s\n\n**Instead:** %s\n\nMore: `pgrail rules %s`", r.why, r.safe_way, pr_get_str(finding, "rule")));
    }
    if (r.source != NULL && pr_starts(r.source, "https://")) pr_set_str(o, "helpUri", pr_dupn(a, r.source, strcspn(r.source, " ;,")));
    pr_set_str(pr_set_object(o, "defaultConfiguration"), "level", r.level != NULL ? r.level : pr_get_str(finding, "level"));
    if (r.family != NULL) pr_push_str(pr_set_array(pr_set_object(o, "properties"), "tags"), r.family);
}

/* index: id → place in rules. */
static int64_t rule_index(json_t *rules, json_t *index, const json_t *finding, struct pr_arena *a) {
    const char *id = pr_get_str(finding, "rule");
    if (json_object_get(index, id) == NULL) {
        pr_set_int(index, id, (int64_t)json_array_size(rules));
        put_rule(rules, finding, a);
    }
    return pr_get_int(index, id);
}

/* --- results -------------------------------------------------------------------------------------------------------- */

/* A path as a URI reference: what has a meaning there is escaped. */
static const char *uri(struct pr_arena *a, const char *path) {
    struct pr_buf b = {.a = a};
    if (path[0] == '/') pr_add(&b, "file://");
    for (const char *p = path; *p != '\0'; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("/-._~", *p) != NULL;
        if (plain) pr_addn(&b, p, 1);
        else pr_addf(&b, "%%%02X", (unsigned)(unsigned char)*p);
    }
    return pr_buf_text(&b);
}

static void put_region(json_t *physical, const json_t *o) {
    json_t *region = pr_set_object(physical, "region");
    const int64_t line = pr_get_int(o, "line"), col = pr_get_int(o, "col_utf16");
    pr_set_int(region, "startLine", line > 0 ? line : 1);
    if (col == 0) return;
    pr_set_int(region, "startColumn", col);
    pr_set_int(region, "endLine", line);
    pr_set_int(region, "endColumn", col + pr_get_int(o, "width_utf16"));
    if (pr_get_int(o, "source_col") != 1) return;           /* a long line's head is not there */
    json_t *context = pr_set_object(physical, "contextRegion");
    pr_set_int(context, "startLine", line);
    put_text(context, "snippet", pr_get_str(o, "source"));
}

static void put_place(json_t *result, const json_t *doc, const json_t *o, struct pr_arena *a) {
    const char *path = pr_check_path(doc, pr_get_str(o, "path"), PR_FROM_REPOSITORY, a);
    if (path == NULL) return;
    json_t *physical = pr_set_object(pr_push_object(pr_set_array(result, "locations")), "physicalLocation");
    json_t *artifact = pr_set_object(physical, "artifactLocation");
    pr_set_str(artifact, "uri", uri(a, path));
    if (path[0] != '/') pr_set_str(artifact, "uriBaseId", "%SRCROOT%");
    put_region(physical, o);
}

/* The standard wants the list on all results of a run or on none. */
static void put_suppressions(json_t *result, const json_t *suppression) {
    json_t *list = pr_set_array(result, "suppressions");
    if (suppression == NULL) return;
    json_t *s = pr_push_object(list);
    pr_set_str(s, "kind", pr_eq(pr_get_str(suppression, "by"), "ignore") ? "inSource" : "external");
    pr_set_str(s, "justification", pr_get_str(suppression, "reason"));
}

static void put_result(json_t *results, const json_t *doc, const json_t *o, int64_t rule, struct pr_arena *a) {
    json_t *result = pr_push_object(results);
    pr_set_str(result, "ruleId", pr_get_str(o, "rule"));
    pr_set_int(result, "ruleIndex", rule);
    pr_set_str(result, "level", pr_get_str(o, "level"));
    put_text(result, "message", pr_check_message(o, a));
    put_place(result, doc, o, a);
    pr_set_str(pr_set_object(result, "partialFingerprints"), "pgrailFinding/v1", pr_get_str(o, "fingerprint"));
    put_suppressions(result, pr_get(o, "suppression"));
    json_t *properties = pr_set_object(result, "properties");
    if (pr_get_str(o, "migration") != NULL) pr_set_str(properties, "migration", pr_get_str(o, "migration"));
    if (pr_get_str(o, "side") != NULL) pr_set_str(properties, "side", pr_get_str(o, "side"));
    if (pr_get_bool(o, "unknown_size")) pr_set_bool(properties, "unknownSize", true);
}

/* --- the log -------------------------------------------------------------------------------------------------------- */

static json_t *begin(json_t *log) {
    pr_set_str(log, "$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
    pr_set_str(log, "version", "2.1.0");
    json_t *run = pr_push_object(pr_set_array(log, "runs")), *driver = pr_set_object(pr_set_object(run, "tool"), "driver");
    pr_set_str(driver, "name", "pgrail");
    pr_set_str(driver, "semanticVersion", PR_VERSION);
    pr_set_array(driver, "rules");
    pr_set_bool(pr_push_object(pr_set_array(run, "invocations")), "executionSuccessful", true);
    put_text(pr_set_object(pr_set_object(run, "originalUriBaseIds"), "%SRCROOT%"), "description", "root of the repository, or the working folder where there is none");
    pr_set_str(run, "columnKind", "utf16CodeUnits");
    return run;
}

void pr_check_sarif(const json_t *doc, const struct pr_render *r) {
    json_t *list PR_CLEANUP(pr_json_freep) = pr_check_reported(doc, r->a);
    json_t *log PR_CLEANUP(pr_json_freep) = json_object(), *index PR_CLEANUP(pr_json_freep) = json_object();
    json_t *run = begin(log), *results = pr_set_array(run, "results"), *rules = pr_get(pr_get(pr_get(run, "tool"), "driver"), "rules");
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(list, i, o) put_result(results, doc, o, rule_index(rules, index, o, r->a), r->a);
    json_array_foreach(pr_get(doc, "suppressed"), i, o) put_result(results, doc, o, rule_index(rules, index, o, r->a), r->a);
    pr_add(r->out, pr_json_text(r->a, log, true));
}
