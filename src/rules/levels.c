/* levels.c: what pgrail.conf says about the weight of a finding. */
#include <fnmatch.h>

#include "rules/review.h"

static bool is_problem(const char *name) {
    for (size_t i = 0; i < pr_n_problem_rules; i++)
        if (pr_eq(pr_problem_rules[i].id, name)) return true;
    return false;
}

const char *pr_family_of(const char *rule) {
    const struct pr_rule *r = pr_rule_find(rule);
    return r != NULL ? pr_family_name(r->family) : is_problem(rule) ? "folder" : NULL;
}

size_t pr_finding_names(struct pr_arena *a, const char ***out) {
    const char **names = PR_NEW_ARRAY(a, const char *, pr_n_rules + pr_n_problem_rules + pr_n_judge_notes);
    size_t n = 0;
    for (size_t i = 0; i < pr_n_rules; i++) names[n++] = pr_rules[i]->id;
    for (size_t i = 0; i < pr_n_problem_rules; i++) names[n++] = pr_problem_rules[i].id;
    for (size_t i = 0; i < pr_n_judge_notes; i++) names[n++] = pr_judge_notes[i].id;
    *out = names;
    return n;
}

/* How closely an entry names the rule: 0 = not at all. */
static int closeness(const struct pr_rule_level *l, const char *rule, const char *family) {
    if (pr_eq(l->rule, rule)) return 3;
    if (family != NULL && pr_eq(l->rule, family)) return 2;
    return pr_eq(l->rule, "*") ? 1 : 0;
}

bool pr_level_of_project(const struct pr_config *c, const char *rule, const char *path, enum pr_level *level) {
    const struct pr_rule_level *best = NULL;
    int best_close = 0;
    const char *family = c != NULL && c->n_rule_levels > 0 ? pr_family_of(rule) : NULL;
    for (size_t i = 0; c != NULL && i < c->n_rule_levels; i++) {
        const struct pr_rule_level *l = &c->rule_levels[i];
        const int close = closeness(l, rule, family);
        if (close == 0 || (l->glob != NULL && (path == NULL || fnmatch(l->glob, path, 0) != 0))) continue;
        if (best != NULL && (l->section < best->section || (l->section == best->section && close < best_close))) continue;
        best = l;
        best_close = close;
    }
    if (best == NULL) return true;
    for (int l = 0; l < PR_LEVEL_COUNT; l++)
        if (pr_eq(best->level, pr_level_name((enum pr_level)l))) *level = (enum pr_level)l;
    return !pr_eq(best->level, "off");
}

enum pr_code pr_rule_levels_check(const struct pr_config *c, struct pr_arena *a, struct pr_err *e) {
    PR_TRY(e, pr_review_levels_check(c, a, e));
    if (c == NULL || c->n_rule_levels == 0) return PR_OK;
    const char **known = NULL;
    const size_t n = pr_finding_names(a, &known);
    const char **names = PR_NEW_ARRAY(a, const char *, n + PR_F_REPLICATION + 3);
    size_t all = 0;
    for (; all < n; all++) names[all] = known[all];
    for (int f = 0; f <= PR_F_REPLICATION; f++) names[all++] = pr_family_name((enum pr_family)f);
    names[all++] = "folder";
    for (size_t i = 0; i < c->n_rule_levels; i++) {
        const struct pr_rule_level *l = &c->rule_levels[i];
        bool found = pr_eq(l->rule, "*");
        for (size_t k = 0; k < all && !found; k++) found = pr_eq(names[k], l->rule);
        if (found) continue;
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: there is no rule \"%s\"", c->shown, l->line, pr_printable(a, l->rule, 60));
        const char *near = pr_nearest(l->rule, names, all);
        return near != NULL ? pr_hint(e, "the nearest is %s", near) : pr_hint(e, "pgrail rules lists them");
    }
    return PR_OK;
}
