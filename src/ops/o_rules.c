#include "ops/ops.h"

#include "rules/measured.h"
#include "rules/review.h"
#include "rules/rules.h"

/* rules: what check looks for, and which level the project gives it. The document holds each rule's proof, which
 * tests/server/test_rules.py runs on real servers. */

struct args { const char *rule; };

static const struct pr_param params[] = {
    {.name = "rule", PR_FIELD(PR_T_STR, struct args, rule), .positional = true, .complete = "rule", .help = "Explain this rule; without it all are listed."},
};

static void put_scripts(json_t *o, const char *key, const char *const *scripts) {
    json_t *list = pr_set_array(o, key);
    for (size_t i = 0; scripts != NULL && scripts[i] != NULL; i++) pr_push_str(list, scripts[i]);
}

static void put_claim(json_t *o, const struct pr_claim *k) {
    json_t *c = pr_set_object(o, "claim");
    pr_set_str(c, "on", k->on != NULL ? k->on : "t");
    pr_set_str(c, "lock", k->lock != PR_LOCK_NONE ? pr_lock_name(k->lock) : NULL);
    pr_set_bool(c, "rewrites", k->rewrites);
    pr_set_bool(c, "scans", k->scans);
    pr_set_bool(c, "builds", k->builds);
    pr_set_str(c, "fails", k->fails);
    pr_set_str(c, "query", k->query);
    pr_set_str(c, "answer", k->answer);
}

/* Where pgrail.conf says something else than the rule itself: {"path": glob or null, "level": …, "line": …}, as written. */
static void put_set(json_t *o, const struct pr_config *c, const char *rule) {
    const char *family = pr_family_of(rule);
    json_t *list = NULL;
    for (size_t i = 0; c != NULL && i < c->n_rule_levels; i++) {
        const struct pr_rule_level *l = &c->rule_levels[i];
        if (!pr_eq(l->rule, rule) && !pr_eq(l->rule, "*") && (family == NULL || !pr_eq(l->rule, family))) continue;
        if (list == NULL) list = pr_set_array(o, "set");
        json_t *s = pr_push_object(list);
        pr_set_str(s, "path", l->glob);
        pr_set_str(s, "by", l->rule);
        pr_set_str(s, "level", l->level);
        pr_set_int(s, "line", l->line);
    }
    enum pr_level level = PR_NOTE;
    if (list != NULL) pr_set_bool(o, "off", !pr_level_of_project(c, rule, NULL, &level));
}

static void put_rule(json_t *list, const struct pr_rule *r, const struct pr_config *c, const json_t *measured) {
    json_t *o = pr_push_object(list);
    pr_set_str(o, "rule", r->id);
    pr_set_str(o, "family", pr_family_name(r->family));
    pr_set_str(o, "level", pr_level_name(r->level));
    pr_set_str(o, "title", r->title);
    pr_set_str(o, "why", r->why);
    pr_set_str(o, "safe_way", r->safe_way);
    pr_set_str(o, "source", r->source);
    pr_set_int(o, "pg_from", r->pg_from);
    pr_set_int(o, "pg_to", r->pg_to);
    pr_set_int(o, "version_to", r->version_to);
    pr_set_bool(o, "needs_facts", r->needs_facts);
    pr_set_bool(o, "own_tx", r->own_tx);
    pr_set_str(o, "runner", r->runner != NULL ? r->runner : "pgrail");
    pr_set_str(o, "conventions", r->conventions);
    put_set(o, c, r->id);
    pr_set_str(o, "setup", r->setup);
    put_scripts(o, "bad", r->bad);
    put_scripts(o, "good", r->good);
    put_claim(o, &r->claim);
    if (pr_measured_of(measured, r->id) != NULL) pr_set(o, "measured", json_incref(pr_measured_of(measured, r->id)));
}

static void put_note(json_t *list, const struct pr_judge_note *n, const struct pr_config *c) {
    json_t *o = pr_push_object(list);
    pr_set_str(o, "rule", n->id);
    put_set(o, c, n->id);
    pr_set_str(o, "level", pr_level_name(n->level));
    pr_set_str(o, "title", n->title);
    pr_set_str(o, "why", n->why);
    pr_set_str(o, "safe_way", n->safe_way);
}

static void put_problem(json_t *list, const struct pr_problem_rule *p, const struct pr_config *c) {
    json_t *o = pr_push_object(list);
    pr_set_str(o, "rule", p->id);
    pr_set_str(o, "family", "folder");
    put_set(o, c, p->id);
    pr_set_str(o, "level", p->is_error ? "error" : "warning");
    pr_set_str(o, "title", p->title);
    pr_set_str(o, "why", p->why);
    pr_set_str(o, "safe_way", p->safe_way);
}

static void put_signs(json_t *doc, const struct pr_config *c) {
    json_t *list = pr_set_array(doc, "review");
    for (size_t i = 0; i < pr_n_review_rules; i++) {
        const struct pr_review_rule *r = &pr_review_rules[i];
        json_t *o = pr_push_object(list);
        int line = 0;
        pr_set_str(o, "sign", r->name);
        pr_set_str(o, "class", pr_review_key(pr_review_of_project(c, r, &line)));
        pr_set_str(o, "default", pr_review_key(r->review));
        pr_set_str(o, "least", pr_review_key(r->least));
        pr_set_str(o, "why", r->why);
        pr_set_int(o, "line", line);
    }
}

static enum pr_code no_such_rule(struct pr_arena *a, const char *id, struct pr_err *e) {
    const char **ids = NULL;
    const size_t n = pr_finding_names(a, &ids);
    const char *near = pr_nearest(id, ids, n);
    (void)PR_FAIL(e, PR_ERR_USAGE, "there is no rule \"%s\"", pr_printable(a, id, 60));
    return near != NULL ? pr_hint(e, "the nearest is %s", near) : pr_hint(e, "pgrail rules lists them");
}

/* Where there is no project, the rules are as they are; a pgrail.conf that is wrong is an error here too. */
static enum pr_code levels_of_project(struct pr_call *c, struct pr_config **out, struct pr_err *e) {
    struct pr_err none = {0};
    const bool named = c->config_path != NULL || getenv("PGRAIL_CONF") != NULL;
    if (pr_config_load(c->config_path, c->a, out, &none) != PR_OK && (named || none.hint[0] == '\0' || !pr_eq(none.hint, "pgrail init"))) {
        *e = none;
        return e->code;
    }
    return pr_rule_levels_check(*out, c->a, e);
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_config *conf = NULL;
    PR_TRY(e, levels_of_project(c, &conf, e));
    json_t *doc PR_CLEANUP(pr_json_freep) = json_object(), *measured PR_CLEANUP(pr_json_freep) = pr_measured_load();
    pr_set_str(doc, "schema", "pgrail.rules/1");
    json_t *rules = pr_set_array(doc, "rules"), *notes = pr_set_array(doc, "notes"), *folder = pr_set_array(doc, "folder");
    for (size_t i = 0; i < pr_n_rules; i++)
        if (in->rule == NULL || pr_eq(in->rule, pr_rules[i]->id)) put_rule(rules, pr_rules[i], conf, measured);
    for (size_t i = 0; i < pr_n_judge_notes; i++)
        if (in->rule == NULL || pr_eq(in->rule, pr_judge_notes[i].id)) put_note(notes, &pr_judge_notes[i], conf);
    for (size_t i = 0; i < pr_n_problem_rules; i++)
        if (in->rule == NULL || pr_eq(in->rule, pr_problem_rules[i].id)) put_problem(folder, &pr_problem_rules[i], conf);
    if (json_array_size(rules) + json_array_size(notes) + json_array_size(folder) == 0) return no_such_rule(c->a, in->rule, e);
    if (in->rule == NULL) put_signs(doc, conf);
    pr_set_int(doc, "count", (int64_t)json_array_size(rules));
    pr_call_return(c, json_incref(doc));
    return PR_OK;
}

static const char *paint_of(const char *level) { return pr_eq(level, "error") ? "b" : pr_eq(level, "warning") ? "w" : "d"; }

/* "off here", or "error under db/old/…": what pgrail.conf says; NULL when it says nothing. */
static const char *said_here(const struct pr_render *r, const json_t *o) {
    struct pr_buf b = {.a = r->a};
    size_t i = 0;
    json_t *s = NULL;
    json_array_foreach(pr_get(o, "set"), i, s) {
        const char *path = pr_get_str(s, "path");
        pr_addf(&b, "%s%s %s%s%s", b.len > 0 ? ", " : "", pr_get_str(s, "level"), path != NULL ? "under " : "here",
                path != NULL ? pr_printable(r->a, path, 100) : "", pr_eq(pr_get_str(s, "by"), pr_get_str(o, "rule")) ? "" : pr_fmt(r->a, " (%s)", pr_get_str(s, "by")));
    }
    return b.len > 0 ? pr_buf_text(&b) : NULL;
}

static void list_one(const struct pr_render *r, const json_t *o) {
    const char *said = said_here(r, o), *level = pr_get_bool(o, "off") ? "off" : pr_get_str(o, "level");
    pr_addf(r->out, "  \001h%-30s\002 \001%s%-7s\002  %s\n", pr_get_str(o, "rule"), paint_of(level), level, pr_get_str(o, "title"));
    if (said != NULL) pr_addf(r->out, "  %-38s  \001dpgrail.conf: %s\002\n", "", said);
}

static void list_family(const struct pr_render *r, const json_t *rules, const char *family) {
    size_t i = 0;
    json_t *o = NULL;
    bool any = false;
    json_array_foreach(rules, i, o) {
        if (!pr_eq(pr_get_str(o, "family"), family)) continue;
        if (!any) pr_addf(r->out, "%s\n", family);
        any = true;
        list_one(r, o);
    }
}

static void explain_claim(const struct pr_render *r, const json_t *k) {
    struct pr_buf b = {.a = r->a};
    const char *lock = pr_get_str(k, "lock"), *fails = pr_get_str(k, "fails");
    if (lock != NULL) pr_addf(&b, "%s on the table", lock);
    if (pr_get_bool(k, "rewrites")) pr_addf(&b, "%swritten anew", b.len > 0 ? ", " : "");
    if (pr_get_bool(k, "scans")) pr_addf(&b, "%severy row read", b.len > 0 ? ", " : "");
    if (pr_get_bool(k, "builds")) pr_addf(&b, "%sindex built", b.len > 0 ? ", " : "");
    if (fails != NULL) pr_addf(&b, "%sfails with %s", b.len > 0 ? ", " : "", fails);
    if (b.len > 0) pr_addf(r->out, "Proven on the server: %s.\n", pr_buf_text(&b));
}

/* Below an example what servers did with it, a line for each group of versions that did the same. */
static void put_measured(const struct pr_render *r, const json_t *o, const char *sql) {
    size_t i = 0, k = 0;
    json_t *example = NULL, *seen = NULL;
    json_array_foreach(pr_get(o, "measured"), i, example) {
        if (!pr_eq(pr_get_str(example, "sql"), sql)) continue;
        json_array_foreach(pr_get(example, "seen"), k, seen)
            pr_addf(r->out, "        \001d%s: %s\002\n", pr_measured_versions(seen, r->a), pr_measured_text(seen, r->a));
    }
}

static void put_examples(const struct pr_render *r, const json_t *o, const char *key, const char *head) {
    size_t i = 0;
    json_t *s = NULL;
    if (json_array_size(pr_get(o, key)) > 0) pr_addf(r->out, "%s\n", head);
    json_array_foreach(pr_get(o, key), i, s) {
        pr_addf(r->out, "    \001c%s\002\n", json_string_value(s));
        if (pr_eq(key, "bad")) put_measured(r, o, json_string_value(s));
    }
}

static void explain(const struct pr_render *r, const json_t *o) {
    pr_addf(r->out, "\001h%s\002  (%s%s%s)\n%s.\n\n%s\n\nInstead: %s\n", pr_get_str(o, "rule"), pr_get_str(o, "level"),
            pr_get_str(o, "family") != NULL ? ", " : "", pr_get_str(o, "family") != NULL ? pr_get_str(o, "family") : "",
            pr_get_str(o, "title"), pr_get_str(o, "why"), pr_get_str(o, "safe_way"));
    if (said_here(r, o) != NULL) pr_addf(r->out, "pgrail.conf: %s\n", said_here(r, o));
    if (pr_get_str(o, "conventions") != NULL) pr_addf(r->out, "Off unless [conventions] of pgrail.conf asks for it, as in: %s\n", pr_get_str(o, "conventions"));
    if (pr_get(o, "claim") != NULL) explain_claim(r, pr_get(o, "claim"));
    put_examples(r, o, "bad", pr_get(o, "measured") != NULL ? "Found in, and what PostgreSQL 13 to 18 did:" : "Found in:");
    put_examples(r, o, "good", "Not found in:");
    if (pr_get_str(o, "source") != NULL) pr_addf(r->out, "Source: %s\n", pr_get_str(o, "source"));
}

static void list_signs(const struct pr_render *r, const json_t *signs) {
    size_t i = 0;
    json_t *o = NULL;
    pr_add(r->out, "what decides how a migration is reviewed: the highest of its signs; [review] of pgrail.conf sets them\n");
    json_array_foreach(signs, i, o) {
        const char *class = pr_get_str(o, "class");
        pr_addf(r->out, "  \001h%-30s\002 \001%s%-10s\002  %s\n", pr_get_str(o, "sign"), pr_eq(class, "mandatory") ? "w" : "d", class, pr_get_str(o, "why"));
        if (pr_get_int(o, "line") > 0) pr_addf(r->out, "  %-41s  \001dpgrail.conf: line %" PRId64 ", %s without it\002\n", "", pr_get_int(o, "line"), pr_get_str(o, "default"));
    }
}

static void render(const json_t *doc, const struct pr_render *r) {
    const json_t *rules = pr_get(doc, "rules"), *notes = pr_get(doc, "notes"), *folder = pr_get(doc, "folder");
    if (json_array_size(rules) + json_array_size(notes) + json_array_size(folder) == 1) {
        explain(r, json_array_get(json_array_size(rules) == 1 ? rules : json_array_size(notes) == 1 ? notes : folder, 0));
        return;
    }
    for (int f = PR_F_BLOCKING; f <= PR_F_REPLICATION; f++) list_family(r, rules, pr_family_name((enum pr_family)f));
    list_family(r, folder, "folder");
    pr_add(r->out, "of the judge itself\n");
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(notes, i, o) list_one(r, o);
    list_signs(r, pr_get(doc, "review"));
    pr_addf(r->out, "%s; pgrail rules RULE explains one\n", pr_plural(r->a, pr_get_int(doc, "count"), "rule"));
}

PR_OP(rules) = {
    .name = "rules", .summary = "List the rules of check, or explain one",
    .detail = "Each rule carries its own proof: examples that it finds and does not find, and what a real server does with them. With --json the proofs are in the document.",
    .examples = (const char *const[]){"pgrail rules", "pgrail rules set-not-null", NULL},
    .capability = PR_OBSERVE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.rules/1", .run = run, .render = render,
};
