/* check_formats.c: the document of check for programs: what all formats share, and the two that are lines. */
#include <unistd.h>

#include "crypt/crypt.h"
#include "ops/check.h"

/* --- what all formats share ----------------------------------------------------------------------------------------- */

/* "../" for each folder of `from` that is not above `to`, then the rest of `to`; "" when they are one folder. */
static const char *way(const char *from, const char *to, struct pr_arena *a) {
    size_t same = 0;                                        /* bytes of whole folders in common */
    for (size_t i = 0;; i++) {
        const bool from_ends = from[i] == '/' || from[i] == '\0', to_ends = to[i] == '/' || to[i] == '\0';
        if (from_ends && to_ends) same = i;
        if (from[i] != to[i] || from[i] == '\0') break;
    }
    struct pr_buf b = {.a = a};
    for (const char *p = from + same; *p != '\0'; p++)
        if (*p == '/' && p[1] != '\0') pr_add(&b, "../");
    const char *rest = to[same] == '/' ? to + same + 1 : to + same;
    if (*rest != '\0') pr_addf(&b, "%s/", rest);
    return pr_buf_text(&b);
}

/* The folder with .git, from `root` upwards; NULL when there is none. */
static const char *repository_of(const char *root, struct pr_arena *a) {
    for (const char *dir = root;;) {
        if (access(pr_fmt(a, "%s/.git", pr_eq(dir, "/") ? "" : dir), F_OK) == 0) return dir;
        const char *slash = strrchr(dir, '/');
        if (slash == NULL || pr_eq(dir, "/")) return NULL;
        dir = slash == dir ? "/" : pr_dupn(a, dir, (size_t)(slash - dir));
    }
}

void pr_check_put_paths(json_t *doc, const char *root, struct pr_arena *a) {
    char cwd[4096];
    const char *repository = repository_of(root, a);
    json_t *o = pr_set_object(doc, "paths");
    pr_set_str(o, "here", getcwd(cwd, sizeof cwd) != NULL ? way(cwd, root, a) : "");
    pr_set_str(o, "repository", repository != NULL ? way(repository, root, a) : NULL);
}

const char *pr_check_path(const json_t *doc, const char *path, enum pr_check_from from, struct pr_arena *a) {
    if (path == NULL || path[0] == '/') return path;
    const json_t *paths = pr_get(doc, "paths");
    const char *prefix = from == PR_FROM_REPOSITORY ? pr_get_str(paths, "repository") : NULL;
    if (prefix == NULL) prefix = pr_get_str(paths, "here");
    return prefix != NULL ? pr_fmt(a, "%s%s", prefix, path) : path;
}

static const json_t *migration_of(const json_t *doc, const char *id) {
    size_t i = 0;
    json_t *m = NULL;
    json_array_foreach(pr_get(doc, "migrations"), i, m)
        if (pr_eq(pr_get_str(m, "id"), id)) return m;
    return NULL;
}

static json_t *as_finding(const json_t *doc, const json_t *refusal, struct pr_arena *a) {
    const char *id = pr_get_str(refusal, "migration"), *relation = pr_get_str(refusal, "relation");
    const bool stale = pr_eq(pr_get_str(refusal, "state"), "stale");
    json_t *o = json_object();
    pr_set_str(o, "rule", "not-grounded");
    pr_set_str(o, "family", "grounding");
    pr_set_str(o, "level", "error");
    pr_set_str(o, "path", pr_get_str(pr_get(migration_of(doc, id), "up"), "path"));
    pr_set_int(o, "line", 1);
    pr_set_str(o, "title", pr_fmt(a, "%s changes %s, which %s", id, relation, stale ? "moved since it was grounded" : "was not grounded"));
    pr_set_str(o, "what", "What the author has not seen as it is now may not be changed.");
    pr_set_str(o, "safe_way", pr_fmt(a, "run %s", pr_get_str(refusal, "mend")));
    pr_set_str(o, "fingerprint", pr_dupn(a, pr_sha256_text(a, pr_fmt(a, "not-grounded\n%s\n%s", id, relation)), 32));
    pr_set_str(o, "migration", id);
    return o;
}

json_t *pr_check_reported(const json_t *doc, struct pr_arena *a) {
    json_t *list = json_array();
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(doc, "findings"), i, o) PR_ASSERT(json_array_append(list, o) == 0);
    json_array_foreach(pr_get(doc, "not_grounded"), i, o) PR_ASSERT(json_array_append_new(list, as_finding(doc, o, a)) == 0);
    return list;
}

struct pr_about pr_check_about(const char *id) {
    const struct pr_rule *rule = pr_rule_find(id);
    if (rule != NULL)
        return (struct pr_about){pr_family_name(rule->family), pr_level_name(rule->level), rule->title, rule->why, rule->safe_way, rule->source};
    for (size_t i = 0; i < pr_n_judge_notes; i++) {
        const struct pr_judge_note *n = &pr_judge_notes[i];
        if (pr_eq(n->id, id)) return (struct pr_about){"judge", pr_level_name(n->level), n->title, n->why, n->safe_way, NULL};
    }
    for (size_t i = 0; i < pr_n_problem_rules; i++) {
        const struct pr_problem_rule *p = &pr_problem_rules[i];
        if (pr_eq(p->id, id)) return (struct pr_about){"folder", p->is_error ? "error" : "warning", p->title, p->why, p->safe_way, NULL};
    }
    return (struct pr_about){NULL};
}

static void add_lines(struct pr_buf *b, const char *before, const char *text) {
    const char **lines = NULL;
    const size_t n = text != NULL ? pr_split(b->a, text, '\n', &lines) : 0;
    for (size_t i = 0; i < n; i++) pr_addf(b, "%s%s%s", b->len > 0 ? "\n" : "", i == 0 ? before : "", pr_printable(b->a, lines[i], 4000));
}

const char *pr_check_message(const json_t *finding, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    add_lines(&b, "", pr_get_str(finding, "title"));
    add_lines(&b, "", pr_get_str(finding, "what"));
    add_lines(&b, "Instead: ", pr_get_str(finding, "safe_way"));
    add_lines(&b, "", pr_get_str(finding, "safe_sql"));
    return pr_buf_text(&b);
}

/* --- gcc: path:line:col: level: title [rule] ------------------------------------------------------------------------- */

static void write_gcc(const json_t *doc, const struct pr_render *r) {
    json_t *list PR_CLEANUP(pr_json_freep) = pr_check_reported(doc, r->a);
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(list, i, o) {
        const char *path = pr_check_path(doc, pr_get_str(o, "path"), PR_FROM_HERE, r->a);
        const int64_t col = pr_get_int(o, "col");
        pr_addf(r->out, "%s:%" PRId64 ":%" PRId64 ": %s: %s [%s]\n", path != NULL ? pr_printable(r->a, path, 4000) : "pgrail", pr_get_int(o, "line"),
                col > 0 ? col : 1, pr_get_str(o, "level"), pr_printable(r->a, pr_get_str(o, "title"), 1000), pr_get_str(o, "rule"));
    }
}

/* --- github: workflow commands that become annotations ---------------------------------------------------------------- */

/* A message ends at its line, and a property at a comma or colon: these and the escape itself are written as %XX. */
static const char *github(struct pr_arena *a, const char *text, bool is_property) {
    struct pr_buf b = {.a = a};
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '%' || *p == '\r' || *p == '\n' || (is_property && (*p == ':' || *p == ','))) pr_addf(&b, "%%%02X", (unsigned)(unsigned char)*p);
        else pr_addn(&b, p, 1);
    }
    return pr_buf_text(&b);
}

static void write_github_one(const json_t *doc, const json_t *o, const struct pr_render *r) {
    const char *path = pr_check_path(doc, pr_get_str(o, "path"), PR_FROM_REPOSITORY, r->a), *level = pr_get_str(o, "level");
    const int64_t line = pr_get_int(o, "line"), col = pr_get_int(o, "col");
    pr_addf(r->out, "::%s ", pr_eq(level, "note") ? "notice" : level);
    if (path != NULL) {
        pr_addf(r->out, "file=%s,line=%" PRId64 ",endLine=%" PRId64 ",", github(r->a, path, true), line, line);
        if (col > 0) pr_addf(r->out, "col=%" PRId64 ",endColumn=%" PRId64 ",", col, col + pr_get_int(o, "width"));
    }
    pr_addf(r->out, "title=pgrail %s::%s\n", github(r->a, pr_get_str(o, "rule"), true), github(r->a, pr_check_message(o, r->a), false));
}

/* The last line is for who reads the log. */
static void write_github(const json_t *doc, const struct pr_render *r) {
    json_t *list PR_CLEANUP(pr_json_freep) = pr_check_reported(doc, r->a);
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(list, i, o) write_github_one(doc, o, r);
    pr_check_summary(doc, r);
}

const struct pr_format pr_check_formats[] = {
    {.name = "sarif", .write = pr_check_sarif}, {.name = "github", .write = write_github}, {.name = "gitlab", .write = pr_check_gitlab},
    {.name = "junit", .write = pr_check_junit}, {.name = "gcc", .write = write_gcc}, {.name = NULL},
};
