/* check_baseline.c: findings of old files that are accepted, in a file of their own. An entry is known by the finding's
 * fingerprint (rule, file, statement): a line that moves revives nothing, a statement that changes does. */
#include <unistd.h>

#include "ops/check.h"

struct entry { const char *path, *rule, *fingerprint, *title; bool met; };

struct baseline {
    struct pr_check *k;
    const char *file, *shown;
    struct entry *entries; size_t n, cap;
};

static enum pr_code not_one(const struct baseline *b, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s is no baseline of pgrail", b->shown);
    return pr_hint(e, "name another file, or move this one away: pgrail check --baseline FILE --write-baseline writes one");
}

static enum pr_code take_entries(struct baseline *b, const json_t *j, struct pr_err *e) {
    const json_t *list = pr_get(j, "findings");
    size_t i = 0;
    json_t *o = NULL;
    if (!pr_eq(pr_get_str(j, "schema"), "pgrail.baseline/1") || !json_is_array(list)) return not_one(b, e);
    json_array_foreach(list, i, o) {
        struct pr_arena *a = b->k->c->a;
        const struct entry x = {.path = pr_dup(a, pr_get_str(o, "path")), .rule = pr_dup(a, pr_get_str(o, "rule")),
                                .fingerprint = pr_dup(a, pr_get_str(o, "fingerprint")), .title = pr_dup(a, pr_get_str(o, "title"))};
        if (x.path == NULL || x.rule == NULL || x.fingerprint == NULL) return not_one(b, e);
        *PR_PUSH(a, b->entries, b->n, b->cap) = x;
    }
    return PR_OK;
}

static enum pr_code load(struct baseline *b, struct pr_err *e) {
    const char *text = NULL;
    size_t n = 0;
    json_t *j PR_CLEANUP(pr_json_freep) = NULL;
    const enum pr_code code = pr_read_text(b->k->c->a, b->file, PR_CAP_FILE, &text, &n, e);
    if (code == PR_ERR_NO_FILE) return pr_hint(e, "pgrail check --baseline %s --write-baseline accepts what is found now", b->shown);
    if (code != PR_OK) return code;
    PR_TRY(e, pr_json_parse(b->shown, text, n, &j, e));
    return take_entries(b, j, e);
}

static int by_fingerprint(const void *x, const void *y) {
    return strcmp(((const struct entry *)x)->fingerprint, ((const struct entry *)y)->fingerprint);
}

static int by_place(const void *x, const void *y) {
    const struct entry *a = x, *b = y;
    int c = strcmp(a->path, b->path);
    if (c == 0) c = strcmp(a->rule, b->rule);
    return c != 0 ? c : strcmp(a->fingerprint, b->fingerprint);
}

static void accept(const struct baseline *b, const json_t *finding) {
    struct pr_check *k = b->k;
    pr_check_suppress(k, finding, "baseline", pr_fmt(k->c->a, "accepted by the baseline %s", pr_printable(k->c->a, b->shown, 300)));
    for (int l = 0; l < PR_LEVEL_COUNT; l++)
        if (pr_eq(pr_get_str(finding, "level"), pr_level_name((enum pr_level)l))) k->counts[l]--;
    k->accepted++;
}

/* Takes the accepted findings out of the document; with accept_all every one, and they become entries. */
static void sift(struct baseline *b, bool accept_all) {
    struct pr_check *k = b->k;
    const size_t known = b->n;
    if (known > 1) qsort(b->entries, known, sizeof *b->entries, by_fingerprint);
    json_t *left = json_array();
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(k->findings, i, o) {
        const struct entry key = {.fingerprint = pr_get_str(o, "fingerprint")};
        struct entry *met = known > 0 ? bsearch(&key, b->entries, known, sizeof *b->entries, by_fingerprint) : NULL;
        const bool has_path = pr_get_str(o, "path") != NULL;
        if (met != NULL) met->met = true;
        if (met == NULL && accept_all && has_path)
            *PR_PUSH(k->c->a, b->entries, b->n, b->cap) = (struct entry){
                .path = pr_dup(k->c->a, pr_get_str(o, "path")), .rule = pr_dup(k->c->a, pr_get_str(o, "rule")),
                .fingerprint = pr_dup(k->c->a, key.fingerprint), .title = pr_dup(k->c->a, pr_get_str(o, "title")), .met = true};
        if (met != NULL || (accept_all && has_path)) accept(b, o);
        else PR_ASSERT(json_array_append(left, o) == 0);
    }
    PR_ASSERT(json_array_clear(k->findings) == 0 && json_array_extend(k->findings, left) == 0);
    json_decref(left);
}

static bool was_judged(const struct pr_check *k, const struct entry *x) {
    for (size_t i = 0; i < k->n; i++) {
        const struct pr_migration *m = k->list[i];
        const bool up = m->up.path != NULL && pr_eq(m->up.path, x->path), down = m->down.path != NULL && pr_eq(m->down.path, x->path);
        if ((up || (down && !k->up_only)) && pr_check_wanted(k, m)) return true;
    }
    const bool whole = k->n_folders > 0 && k->since == NULL && pr_eq(pr_family_of(x->rule), "folder");
    return whole || access(x->path[0] == '/' ? x->path : pr_fmt(k->c->a, "%s/%s", k->root, x->path), F_OK) != 0;
}

/* Entries that nothing meets any more: each rule of each file once, with their number. */
static void report_unmet(struct baseline *b) {
    struct pr_check *k = b->k;
    struct pr_arena *a = k->c->a;
    enum pr_level level = PR_NOTE;
    const bool on = pr_level_of_project(k->x.config, "baseline-hides-nothing", b->shown, &level);
    for (size_t i = 0, next = 0; i < b->n && on; i = next) {
        int64_t unmet = 0;
        for (next = i; next < b->n && pr_eq(b->entries[next].path, b->entries[i].path) && pr_eq(b->entries[next].rule, b->entries[i].rule); next++)
            unmet += !b->entries[next].met && was_judged(k, &b->entries[next]);
        if (unmet == 0) continue;
        json_t *o = pr_push_object(k->findings);
        pr_set_str(o, "rule", "baseline-hides-nothing");
        pr_set_str(o, "family", NULL);
        pr_set_str(o, "level", pr_level_name(level));
        pr_set_str(o, "path", b->shown);
        pr_set_int(o, "line", 1);
        pr_set_str(o, "title", pr_fmt(a, "the baseline accepts %s of %s in %s that %s no more", pr_plural(a, unmet, "finding"), b->entries[i].rule,
                                      pr_printable(a, b->entries[i].path, 200), unmet == 1 ? "is" : "are"));
        pr_set_str(o, "safe_way", pr_fmt(a, "pgrail check --baseline %s --write-baseline takes it out.", b->shown));
        pr_check_fingerprint(k, o);
        k->counts[level]++;
    }
}

/* What is met, and what this run did not look at. */
static enum pr_code write_entries(struct baseline *b, struct pr_err *e) {
    struct pr_arena *a = b->k->c->a;
    json_t *j PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(j, "schema", "pgrail.baseline/1");
    json_t *list = pr_set_array(j, "findings");
    for (size_t i = 0; i < b->n; i++) {
        const struct entry *x = &b->entries[i];
        if (!x->met && was_judged(b->k, x)) continue;
        json_t *o = pr_push_object(list);
        pr_set_str(o, "path", x->path);
        pr_set_str(o, "rule", x->rule);
        pr_set_str(o, "fingerprint", x->fingerprint);
        pr_set_str(o, "title", x->title);
    }
    const char *slash = strrchr(b->file, '/'), *text = pr_json_text(a, j, true);
    if (slash != NULL && slash > b->file) PR_TRY(e, pr_mkdirs(pr_dupn(a, b->file, (size_t)(slash - b->file)), 0755, e));
    return pr_write_text(b->file, text, strlen(text), 0644, false, e);
}

enum pr_code pr_check_baseline(struct pr_check *k, const char *file, bool renew, struct pr_err *e) {
    const char *of_project = k->x.config != NULL ? k->x.config->baseline : NULL;
    struct baseline b = {.k = k, .file = file != NULL ? file : of_project};
    if (b.file == NULL && !renew) return PR_OK;
    if (b.file == NULL) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "--write-baseline wants to know the file");
        return pr_hint(e, "--baseline FILE, or baseline = FILE in [project] of pgrail.conf");
    }
    const size_t root = strlen(k->root);
    b.shown = file == NULL && pr_starts(b.file, k->root) && b.file[root] == '/' ? b.file + root + 1 : b.file;
    if (!renew || access(b.file, F_OK) == 0) PR_TRY(e, load(&b, e));
    sift(&b, renew);
    if (b.n > 1) qsort(b.entries, b.n, sizeof *b.entries, by_place);
    json_t *o = pr_set_object(k->doc, "baseline");
    pr_set_str(o, "path", b.shown);
    pr_set_bool(o, "written", renew);
    if (renew) return write_entries(&b, e);
    report_unmet(&b);
    return PR_OK;
}
