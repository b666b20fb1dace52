/* lsp_judge.c: a document judged as check would judge it: as a side of its migration, with the layout's transaction, as it is in the
 * editor and not on the disk. */
#include <unistd.h>

#include "face/lsp_impl.h"

enum { SHOWN = 1000 };             /* diagnostics of a document; an editor lists no more usefully */

/* --- project -------------------------------------------------------------------------------------------------------- */

static const char *config_above(struct pr_arena *a, const char *folder) {
    for (const char *dir = folder; dir != NULL;) {
        const char *path = pr_fmt(a, "%s/pgrail.conf", pr_eq(dir, "/") ? "" : dir);
        if (access(path, F_OK) == 0) return path;
        const char *slash = strrchr(dir, '/');
        if (slash == NULL || pr_eq(dir, "/")) return NULL;
        dir = slash == dir ? "/" : pr_dupn(a, dir, (size_t)(slash - dir));
    }
    return NULL;
}

/* Without a project that can be read, each document stands alone. */
void pr_lsp_read_project(struct pr_lsp *s) {
    pr_arena_free(s->a);
    s->config = NULL;
    s->folder = NULL;
    s->a = pr_arena_new(PR_CAP_ARENA);
    struct pr_err ignored = {0};
    struct pr_config *config = NULL;
    struct pr_folder *folder = NULL;
    const char *path = s->start->config_path != NULL ? s->start->config_path : config_above(s->a, s->root);
    if (path == NULL || pr_config_load(path, s->a, &config, &ignored) != PR_OK) return;
    s->config = config;
    if (pr_folder_read(config->migrations, config->root, config->layout, s->a, &folder, &ignored) == PR_OK) s->folder = folder;
}

/* --- the document's migration ---------------------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder) {
    const size_t n = strlen(folder);
    return path != NULL && strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* May two files be sides of one migration? They lie in one folder, or begin with the same number. */
static bool are_near(const char *x, const char *y) {
    const char *a = strrchr(x, '/'), *b = strrchr(y, '/');
    if (a - x != b - y || strncmp(x, y, (size_t)(a - x)) != 0) return false;
    const size_t digits = strspn(a + 1, "VU0123456789._"), other = strspn(b + 1, "VU0123456789._");
    return digits == other && (digits == 0 || strncmp(a + 2, b + 2, digits - 1) == 0);
}

bool pr_lsp_are_near(const struct pr_lsp_doc *d, const struct pr_lsp_doc *o) { return d->path != NULL && o->path != NULL && are_near(d->path, o->path); }

static const struct pr_migration *find(const struct pr_folder *f, const char *path, struct pr_arena *a) {
    for (size_t i = 0; i < f->n; i++) {
        const struct pr_migration *m = &f->migrations[i];
        const struct pr_side *const sides[] = {&m->up, &m->down};
        for (size_t k = 0; k < 2; k++)
            if (sides[k]->path != NULL && pr_eq(sides[k]->path[0] == '/' ? sides[k]->path : pr_fmt(a, "%s/%s", f->root, sides[k]->path), path)) return m;
    }
    return NULL;
}

static void take_open(const struct pr_lsp *s, const struct pr_lsp_doc *d, struct pr_arena *a, struct pr_lsp_place *out) {
    out->open = PR_NEW_ARRAY(a, struct pr_change, s->n_docs + 1);
    out->open[out->n_open++] = (struct pr_change){.path = d->path != NULL ? d->path : d->uri, .text = d->text, .len = d->len};
    for (const struct pr_lsp_doc *o = s->docs; o != NULL; o = o->next)
        if (o != d && pr_lsp_are_near(d, o)) out->open[out->n_open++] = (struct pr_change){.path = o->path, .text = o->text, .len = o->len};
}

enum pr_code pr_lsp_place(const struct pr_lsp *s, const struct pr_lsp_doc *d, struct pr_arena *a, struct pr_lsp_place *out, struct pr_err *e) {
    struct pr_lsp_place p = {.root = s->config != NULL ? s->config->root : "/"};
    take_open(s, d, a, &p);
    if (s->folder != NULL && is_below(d->path, s->folder->path)) {
        struct pr_folder *now = NULL;
        PR_TRY(e, pr_folder_with(s->folder, p.open, p.n_open, a, &now, e));
        p.m = find(now, d->path, a);
        p.folder = now;
    }
    if (p.m == NULL) {
        p.folder = NULL;
        p.m = pr_migration_from_text(p.open[0].path, d->text, d->len, a);
    }
    p.sides[0] = &p.m->up;
    p.sides[1] = &p.m->down;
    *out = p;
    return PR_OK;
}

/* --- findings -------------------------------------------------------------------------------------------------------- */

static bool is_side_of(const struct pr_lsp_place *p, const struct pr_side *side, const struct pr_lsp_doc *d, struct pr_arena *a) {
    if (side->path == NULL) return false;
    const char *whole = side->path[0] == '/' || p->folder == NULL ? side->path : pr_fmt(a, "%s/%s", p->folder->root, side->path);
    return pr_eq(whole, p->open[0].path) || pr_eq(whole, d->path);
}

static size_t bounded(size_t x, size_t max) { return x < max ? x : max; }

static void add(struct pr_lsp_doc *d, const struct pr_finding *f, const struct pr_side *side, const struct pr_judged *judged) {
    const size_t start = pr_side_start(side, d->text, d->len);
    struct pr_lsp_found *x = PR_PUSH(d->a, d->found, d->n_found, d->cap_found);
    const size_t from = bounded(start + f->offset, d->len), stmt = f->stmt >= 0 && (size_t)f->stmt < judged->script.n ? judged->script.stmts[f->stmt].offset : f->offset;
    *x = (struct pr_lsp_found){.from = from, .to = bounded(from + f->len, d->len), .stmt = bounded(start + stmt, d->len), .rule = f->rule, .level = f->level,
                               .line = f->line, .title = pr_dup(d->a, f->title), .what = pr_dup(d->a, f->what), .safe_way = pr_dup(d->a, f->safe_way),
                               .safe_sql = pr_dup(d->a, f->safe_sql), .fixable = f->fix != NULL && f->fix->why_not == NULL};
}

static void add_problems(struct pr_lsp_doc *d, const struct pr_lsp_place *p, struct pr_arena *a) {
    for (size_t i = 0; p->folder != NULL && i < p->folder->n_problems; i++) {
        const struct pr_problem *q = &p->folder->problems[i];
        if (q->path == NULL || !pr_eq(pr_fmt(a, "%s/%s", p->folder->root, q->path), d->path)) continue;
        json_t *at = json_object();
        pr_set_int(at, "line", q->line > 0 ? q->line - 1 : 0);
        const struct pr_lsp any = {.utf8 = true};
        const size_t from = pr_lsp_offset(&any, d->text, d->len, at), end = from + strcspn(d->text + from, "\r\n");
        json_decref(at);
        *PR_PUSH(d->a, d->found, d->n_found, d->cap_found) = (struct pr_lsp_found){
            .from = from, .to = end, .stmt = from, .rule = pr_dup(d->a, q->rule), .level = q->is_error ? PR_ERROR : PR_WARNING, .line = q->line > 0 ? q->line : 1,
            .title = pr_dup(d->a, q->message), .safe_way = pr_dup(d->a, q->hint)};
    }
}

/* A text that cannot be read at all is a finding at its beginning. */
static void add_error(struct pr_lsp_doc *d, const struct pr_err *e) {
    *PR_PUSH(d->a, d->found, d->n_found, d->cap_found) = (struct pr_lsp_found){
        .to = strcspn(d->text, "\r\n"), .rule = "not-judged", .level = PR_ERROR, .line = 1, .title = pr_fmt(d->a, "not judged: %s", e->msg)};
}

static enum pr_code judge(const struct pr_lsp *s, struct pr_lsp_doc *d, struct pr_arena *a, struct pr_err *e) {
    struct pr_lsp_place p = {0};
    PR_TRY(e, pr_lsp_place(s, d, a, &p, e));
    add_problems(d, &p, a);
    const struct pr_facts *facts = s->start->facts;
    for (int k = 0; k < 2; k++) {
        struct pr_judged j PR_CLEANUP(pr_judged_done) = {0};
        const bool ours = is_side_of(&p, p.sides[k], d, a);
        if (p.sides[k]->path == NULL || (k == 1 && !ours)) continue;
        const struct pr_judge job = {.migration = p.m, .side = p.sides[k], .is_down = k == 1, .facts = facts, .version_num = s->start->version_num,
                                     .config = s->config, .runner = s->start->runner};
        PR_TRY(e, pr_judge_side(&job, a, &j, e));
        facts = facts != NULL ? pr_world_whole(j.after) : NULL;
        for (size_t i = 0; ours && i < j.findings.n && d->n_found < SHOWN; i++) add(d, &j.findings.items[i], p.sides[k], &j);
    }
    return PR_OK;
}

json_t *pr_lsp_diagnostic(const struct pr_lsp *s, const struct pr_lsp_doc *d, const struct pr_lsp_found *f) {
    static const int severity[] = {[PR_ERROR] = 1, [PR_WARNING] = 2, [PR_NOTE] = 3};
    const struct pr_rule *rule = pr_rule_find(f->rule);
    json_t *o = json_object();
    pr_set(o, "range", pr_lsp_range(s, d->text, d->len, f->from, f->to));
    pr_set_int(o, "severity", severity[f->level]);
    pr_set_str(o, "code", f->rule);
    if (rule != NULL && pr_starts(rule->source, "https://")) pr_set_str(pr_set_object(o, "codeDescription"), "href", rule->source);
    pr_set_str(o, "source", "pgrail");
    json_t *message = f->what != NULL ? json_sprintf("%s\n%s", f->title, f->what) : json_string(f->title);
    pr_set(o, "message", message != NULL ? message : json_string(f->rule));
    return o;
}

void pr_lsp_judge(struct pr_lsp_turn *t, struct pr_lsp_doc *d) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_err e = {0};
    pr_arena_free(d->a);
    d->a = pr_arena_new((size_t)256 << 20);
    d->found = NULL;
    d->n_found = d->cap_found = 0;
    if (judge(t->s, d, a, &e) != PR_OK) add_error(d, &e);
    json_t *params = json_object();
    pr_set_str(params, "uri", d->uri);
    pr_set_int(params, "version", d->version);
    json_t *list = pr_set_array(params, "diagnostics");
    for (size_t i = 0; i < d->n_found; i++) PR_ASSERT(json_array_append_new(list, pr_lsp_diagnostic(t->s, d, &d->found[i])) == 0);
    pr_lsp_notify(t, "textDocument/publishDiagnostics", params);
}
