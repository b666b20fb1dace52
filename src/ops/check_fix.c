/* check_fix.c: check --fix and --diff: which migrations may be changed, and what became of them. */
#include "ops/check.h"

struct fixing {
    struct pr_check *k;
    bool write;
    json_t *taken, *left, *files;
    struct pr_buf diff;
    const struct pr_folder *project;                       /* the project's folder, when the words did not name one */
    const struct pr_history_row *rows; size_t n_rows;
    bool live;                     /* rows are the history of the environment */
    bool *changed;                 /* by place in k->list */
};

static const struct pr_folder *folder_of(const struct fixing *x, const struct pr_migration *m) {
    for (size_t i = 0; i < x->k->n_folders; i++) {
        const struct pr_folder *f = x->k->folders[i];
        if (m >= f->migrations && m < f->migrations + f->n) return f;
    }
    for (size_t i = 0; x->project != NULL && i < x->project->n; i++)
        if (pr_eq(x->project->migrations[i].up.path, m->up.path) && pr_eq(x->project->migrations[i].id, m->id)) return x->project;
    return NULL;
}

static enum pr_code read_history(struct fixing *x, struct pr_err *e) {
    struct pr_check *k = x->k;
    x->live = k->x.pg != NULL;
    if (!x->live) return PR_OK;
    struct pr_history_row *rows = NULL;
    PR_TRY(e, pr_history_read(k->x.pg, k->c->a, &rows, &x->n_rows, e));
    x->rows = rows;
    return PR_OK;
}

static bool is_named(const struct pr_check *k, const struct pr_migration *m) {
    for (size_t i = 0; i < k->n_named; i++)
        if (k->named[i] == m) return true;
    return false;
}

/* Why a migration must not be changed; NULL = it may. Only writing is guarded where nothing is known. */
static const char *why_not(const struct fixing *x, const struct pr_migration *m, const struct pr_folder *f) {
    const struct pr_check *k = x->k;
    const struct pr_history_row *row = f != NULL && x->live && !m->repeatable ? pr_history_applied(x->rows, x->n_rows, m->version) : NULL;
    if (row != NULL) return pr_fmt(k->c->a, "it is applied on %s: what ran there must stay as it is", k->x.env->name);
    if (!x->write || f == NULL || is_named(k, m)) return NULL;
    if (f->team) return pr_fmt(k->c->a, "whether %s has applied it is not known: name the migration", f->layout);
    if (!x->live && (k->x.config == NULL || k->x.config->n_environments > 0)) return "whether it is applied is not known without its database: name the migration, or use --env";
    return NULL;
}

static void put_notes(json_t *list, const struct pr_fix_note *notes, size_t n, bool taken, const char *why) {
    for (size_t i = 0; i < n; i++) {
        json_t *o = pr_push_object(list);
        pr_set_str(o, "rule", notes[i].rule);
        pr_set_str(o, "path", notes[i].path);
        pr_set_int(o, "line", notes[i].line);
        pr_set_str(o, taken ? "what" : "why", why != NULL ? why : notes[i].text);
        if (taken) pr_set_str(o, "assumes", notes[i].assumes);
    }
}

static const char *shown(const struct pr_check *k, const char *path) {
    const size_t n = strlen(k->root);
    return strncmp(path, k->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static enum pr_code fix_one(struct fixing *x, size_t i, const struct pr_facts **facts, struct pr_err *e) {
    struct pr_check *k = x->k;
    const struct pr_migration *m = k->list[i];
    const struct pr_folder *f = folder_of(x, m);
    const struct pr_fix_job job = {.migration = m, .folder = f, .root = k->root, .facts = *facts, .version_num = k->version_num, .config = k->x.config, .runner = k->runner};
    struct pr_fix_plan plan = {0};
    PR_TRY(e, pr_fix_migration(&job, k->c->a, &plan, e));
    PR_TRY(e, pr_check_move(k, m, f, *facts, &plan, e));
    if (k->in_order) *facts = pr_check_later(k, plan.after);
    if (!pr_check_wanted(k, m)) return PR_OK;               /* --since */
    put_notes(x->left, plan.left, plan.n_left, false, NULL);
    const char *why = plan.n > 0 ? why_not(x, m, f) : NULL;
    if (why != NULL || plan.n == 0) {
        put_notes(x->left, plan.taken, plan.n_taken, false, why);
        return PR_OK;
    }
    if (x->write) PR_TRY(e, pr_fix_write(&plan, e));
    x->changed[i] = true;
    put_notes(x->taken, plan.taken, plan.n_taken, true, NULL);
    for (size_t p = 0; p < plan.n; p++) {
        json_t *o = pr_push_object(x->files);
        pr_set_str(o, "path", shown(k, plan.files[p].path));
        pr_set_bool(o, "new", plan.files[p].before == NULL);
    }
    pr_add(&x->diff, pr_fix_diff(&plan, k->root, k->c->a));
    return PR_OK;
}

/* --- what is there now --------------------------------------------------------------------------------------------- */

static const struct pr_migration *by_id(const struct pr_folder *f, const char *id) {
    for (size_t i = 0; i < f->n; i++)
        if (pr_eq(f->migrations[i].id, id)) return &f->migrations[i];
    return NULL;
}

static void take(struct pr_check *k, const struct pr_migration *m) { *PR_PUSH(k->c->a, k->list, k->n, k->cap) = m; }

/* A migration as it is now, and those that were split from it: they follow it, and were not there before. */
static void take_again(struct pr_check *k, const struct pr_folder *before, const struct pr_folder *now, const struct pr_migration *m) {
    const struct pr_migration *found = by_id(now, m->id);
    if (found == NULL) return;
    take(k, found);
    for (const struct pr_migration *next = found + 1; next < now->migrations + now->n && by_id(before, next->id) == NULL; next++) {
        take(k, next);
        k->in_order = true;                                 /* it stands on what the one before it leaves */
    }
}

static enum pr_code read_again(struct fixing *x, struct pr_err *e) {
    struct pr_check *k = x->k;
    const struct pr_migration **old = k->list;
    const size_t n = k->n;
    const struct pr_folder *read = NULL;
    struct pr_folder *now = NULL;
    const struct pr_folder **fresh = PR_NEW_ARRAY(k->c->a, const struct pr_folder *, k->n_folders + 1);
    k->list = NULL;
    k->n = k->cap = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pr_folder *f = folder_of(x, old[i]);
        if (!x->changed[i]) {
            take(k, old[i]);
        } else if (f == NULL) {
            struct pr_migration *m = NULL;
            const char *path = old[i]->up.path;
            PR_TRY(e, pr_migration_from_file(path[0] == '/' ? path : pr_fmt(k->c->a, "%s/%s", k->root, path), k->root, k->c->a, &m, e));
            take(k, m);
        } else {
            if (read != f) PR_TRY(e, pr_folder_read(f->path, k->root, f->layout, k->c->a, &now, e));
            read = f;
            for (size_t w = 0; w < k->n_folders; w++)
                if (k->folders[w] == f) fresh[w] = now;
            take_again(k, f, now, old[i]);
        }
    }
    for (size_t w = 0; w < k->n_folders; w++)
        if (fresh[w] != NULL) k->folders[w] = fresh[w];
    return PR_OK;
}

enum pr_code pr_check_fix(struct pr_check *k, bool write, struct pr_err *e) {
    struct fixing x = {.k = k, .write = write, .diff = {.a = k->c->a, .cap = PR_CAP_FILE}, .changed = PR_NEW_ARRAY(k->c->a, bool, k->n + 1)};
    json_t *doc = pr_set_object(k->doc, "fixes");
    pr_set_bool(doc, "written", write);
    x.taken = pr_set_array(doc, "taken");
    x.left = pr_set_array(doc, "left");
    x.files = pr_set_array(doc, "files");
    PR_TRY(e, read_history(&x, e));
    if (k->n_folders == 0 && k->x.config != NULL) {
        struct pr_folder *f = NULL;
        struct pr_err ignored = {0};                        /* a file that stands alone needs no folder */
        if (pr_folder_read(k->x.config->migrations, k->root, k->x.config->layout, k->c->a, &f, &ignored) == PR_OK) x.project = f;
    }
    const struct pr_facts *facts = k->facts;
    for (size_t i = 0; i < k->n; i++) {
        const struct pr_facts *found = facts;
        PR_TRY(e, fix_one(&x, i, &found, e));
        if (k->in_order) facts = found;
    }
    pr_set_str(doc, "diff", pr_buf_text(&x.diff));
    return write ? read_again(&x, e) : PR_OK;
}

/* --- for a terminal ------------------------------------------------------------------------------------------------ */

/* A diff is printed as it is, so that a pipe can go to patch or git apply; what is said beside it stands behind #. */
static void put_diff(const char *diff, const struct pr_render *r) {
    for (const char *p = diff; *p != '\0';) {
        const size_t n = strcspn(p, "\n");
        const char *line = pr_dupn(r->a, p, n);
        const char *paint = pr_starts(p, "+++ ") || pr_starts(p, "--- ") ? "h" : pr_starts(p, "@@ ") ? "c" : *p == '+' ? "g" : *p == '-' ? "b" : NULL;
        const bool cr = n > 0 && line[n - 1] == '\r';
        /* A tab and the carriage return at the end are bytes of the patch; nothing else that steers a terminal stands in a script. */
        struct pr_buf safe = {.a = r->a};
        for (size_t i = 0; i < n - cr;) {
            const size_t w = strcspn(line + i, "\t");
            const size_t part = w < n - cr - i ? w : n - cr - i;
            pr_add(&safe, pr_printable(r->a, pr_dupn(r->a, line + i, part), part));
            i += part;
            if (i < n - cr) {
                pr_add(&safe, "\t");
                i++;
            }
        }
        pr_addf(r->out, "%s%s%s%s%s\n", paint != NULL ? "\001" : "", paint != NULL ? paint : "", pr_buf_text(&safe), paint != NULL ? "\002" : "", cr ? "\r" : "");
        p += n + (p[n] == '\n');
    }
}

static const char *place(const struct pr_render *r, const json_t *o) {
    const char *path = pr_get_str(o, "path");
    return pr_fmt(r->a, "%s:%" PRId64, path != NULL ? pr_printable(r->a, path, 300) : "-", pr_get_int(o, "line"));
}

void pr_check_render_fixes(const json_t *fixes, const struct pr_render *r) {
    const bool written = pr_get_bool(fixes, "written");
    const char *mark = written ? "" : "# ";
    size_t i = 0, fresh = 0;
    json_t *o = NULL;
    if (!written) put_diff(pr_get_str(fixes, "diff"), r);
    json_array_foreach(pr_get(fixes, "taken"), i, o) {
        pr_addf(r->out, "%s\001g%s\002 %s: %s \001d[%s]\002\n", mark, written ? "fixed" : "would fix", place(r, o), pr_printable(r->a, pr_get_str(o, "what"), 500), pr_get_str(o, "rule"));
        const char *assumes = pr_get_str(o, "assumes");
        if (assumes != NULL) pr_addf(r->out, "%s      which is right when %s\n", mark, pr_printable(r->a, assumes, 500));
    }
    json_array_foreach(pr_get(fixes, "left"), i, o)
        pr_addf(r->out, "%s\001wleft\002 %s: %s \001d[%s]\002\n", mark, place(r, o), pr_printable(r->a, pr_get_str(o, "why"), 500), pr_get_str(o, "rule"));
    json_array_foreach(pr_get(fixes, "files"), i, o) {
        fresh += pr_get_bool(o, "new");
        if (written) pr_addf(r->out, "%s %s\n", pr_get_bool(o, "new") ? "new    " : "changed", pr_printable(r->a, pr_get_str(o, "path"), 400));
    }
    const size_t n = json_array_size(pr_get(fixes, "taken")), left = json_array_size(pr_get(fixes, "left")), files = json_array_size(pr_get(fixes, "files"));
    pr_addf(r->out, "%s%zu %s, %zu left; %zu files changed, %zu new\n", mark, n, written ? "fixed" : "to fix: pgrail check --fix", left, files - fresh, fresh);
}
