/* review_class.c: from signs to the class: what pgrail.conf makes of the table, and the document of it. */
#include "rules/review.h"

enum pr_review pr_review_of_project(const struct pr_config *c, const struct pr_review_rule *r, int *line) {
    if (line != NULL) *line = 0;
    for (size_t i = 0; c != NULL && i < c->n_review_levels; i++) {
        if (!pr_eq(c->review_levels[i].sign, r->name)) continue;
        if (line != NULL) *line = c->review_levels[i].line;
        for (int k = 0; k < PR_REVIEW_COUNT; k++)
            if (pr_eq(c->review_levels[i].review, pr_review_key((enum pr_review)k))) return (enum pr_review)k;
    }
    return r->review;
}

const struct pr_review_rule *pr_review_of(unsigned signs, const struct pr_config *c) {
    const struct pr_review_rule *best = NULL;
    enum pr_review highest = PR_REVIEW_SPOT;
    for (size_t i = 0; i < pr_n_review_rules; i++) {
        const struct pr_review_rule *r = &pr_review_rules[i];
        if ((signs & 1u << r->sign) == 0) continue;
        const enum pr_review class = pr_review_of_project(c, r, NULL);
        if (best != NULL && class <= highest) continue;
        best = r;
        highest = class;
    }
    return best != NULL ? best : &pr_review_rules[pr_n_review_rules - 1];
}

void pr_review_decide(const struct pr_shown *shown, const struct pr_config *c, struct pr_reviewed *out) {
    const struct pr_review_rule *rule = pr_review_of(shown->signs, c);
    *out = (struct pr_reviewed){.review = pr_review_of_project(c, rule, NULL), .sign = rule->name, .why = rule->why, .of = shown->of[rule->sign],
                                .line = shown->line[rule->sign], .shown = shown};
}

const char *pr_review_subject(const struct pr_reviewed *r) {
    const char *lost = r->shown != NULL ? r->shown->of[PR_SIGN_LOSS] : NULL;
    return lost != NULL ? lost : r->of;
}

json_t *pr_review_json(const struct pr_reviewed *r) {
    json_t *o = json_object();
    pr_set_str(o, "class", pr_review_name(r->review));
    pr_set_str(o, "sign", r->sign);
    pr_set_str(o, "why", r->why);
    pr_set_str(o, "of", r->of);
    pr_set_int(o, "line", r->line);
    json_t *signs = pr_set_array(o, "signs");
    for (size_t i = 0; r->shown != NULL && i < pr_n_review_rules; i++) {
        const enum pr_sign sign = pr_review_rules[i].sign;
        if ((r->shown->signs & 1u << sign) == 0) continue;
        json_t *s = pr_push_object(signs);
        pr_set_str(s, "sign", pr_review_rules[i].name);
        pr_set_str(s, "of", r->shown->of[sign]);
        pr_set_int(s, "line", r->shown->line[sign]);
    }
    return o;
}

static const struct pr_review_rule *rule_of(const char *name) {
    for (size_t i = 0; i < pr_n_review_rules; i++)
        if (pr_eq(pr_review_rules[i].name, name)) return &pr_review_rules[i];
    return NULL;
}

bool pr_review_read(const json_t *doc, const struct pr_config *c, struct pr_arena *a, struct pr_reviewed *out) {
    struct pr_shown *shown = PR_NEW(a, struct pr_shown);
    const json_t *signs = pr_get(doc, "signs");
    size_t i = 0;
    json_t *s = NULL;
    if (!json_is_array(signs)) return false;
    json_array_foreach(signs, i, s) {
        const struct pr_review_rule *r = rule_of(pr_get_str(s, "sign"));
        if (r == NULL) return false;
        shown->signs |= 1u << r->sign;
        shown->line[r->sign] = (int)pr_get_int(s, "line");
        shown->of[r->sign] = pr_dup(a, pr_get_str(s, "of"));
    }
    pr_review_decide(shown, c, out);
    return true;
}

static enum pr_code no_such_sign(const struct pr_config *c, const struct pr_review_level *l, struct pr_arena *a, struct pr_err *e) {
    const char *names[PR_SIGN_COUNT];
    for (size_t i = 0; i < pr_n_review_rules; i++) names[i] = pr_review_rules[i].name;
    (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: there is no sign \"%s\" in [review]", c->shown, l->line, pr_printable(a, l->sign, 60));
    const char *near = pr_nearest(l->sign, names, pr_n_review_rules);
    return near != NULL ? pr_hint(e, "did you mean %s?", near) : pr_hint(e, "pgrail rules lists them at its end");
}

enum pr_code pr_review_levels_check(const struct pr_config *c, struct pr_arena *a, struct pr_err *e) {
    for (size_t i = 0; c != NULL && i < c->n_review_levels; i++) {
        const struct pr_review_level *l = &c->review_levels[i];
        const struct pr_review_rule *r = rule_of(l->sign);
        if (r == NULL) return no_such_sign(c, l, a, e);
        if (pr_review_of_project(c, r, NULL) >= r->least) continue;
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: %s cannot be %s: what is gone or overwritten comes back with no rollback, so somebody reads it before", c->shown,
                      l->line, l->sign, l->review);
        return pr_hint(e, "%s = %s is the least", l->sign, pr_review_key(r->least));
    }
    return PR_OK;
}
