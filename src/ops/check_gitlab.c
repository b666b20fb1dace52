/* check_gitlab.c: GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format */
#include "ops/check.h"

static const char *severity(const char *level) { return pr_eq(level, "error") ? "critical" : pr_eq(level, "warning") ? "major" : "info"; }

void pr_check_gitlab(const json_t *doc, const struct pr_render *r) {
    json_t *list PR_CLEANUP(pr_json_freep) = pr_check_reported(doc, r->a), *report PR_CLEANUP(pr_json_freep) = json_array();
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(list, i, o) {
        const char *path = pr_check_path(doc, pr_get_str(o, "path"), PR_FROM_REPOSITORY, r->a);
        const int64_t line = pr_get_int(o, "line"), end = pr_get_int(o, "end_line");
        json_t *issue = pr_push_object(report);
        pr_set_str(issue, "description", pr_check_message(o, r->a));
        pr_set_str(issue, "check_name", pr_get_str(o, "rule"));
        pr_set_str(issue, "fingerprint", pr_get_str(o, "fingerprint"));
        pr_set_str(issue, "severity", severity(pr_get_str(o, "level")));
        json_t *location = pr_set_object(issue, "location");
        pr_set_str(location, "path", path != NULL ? path : ".");
        json_t *lines = pr_set_object(location, "lines");
        pr_set_int(lines, "begin", line);
        pr_set_int(lines, "end", end >= line ? end : line);
    }
    pr_add(r->out, pr_json_text(r->a, report, true));
}
