/* find.c: one migration of a folder by what a person calls it, or a file that stands alone. */
#include <errno.h>
#include <limits.h>

#include "project/config.h"
#include "project/folder.h"

static bool same_path(const struct pr_folder *f, const struct pr_side *s, const char *whole, struct pr_arena *a) {
    return s->path != NULL && f->root != NULL ? pr_eq(pr_absolute(a, f->root, s->path), whole) : pr_eq(s->path, whole);
}

static const struct pr_migration *by_path(const struct pr_folder *f, const char *what, struct pr_arena *a) {
    char whole[PATH_MAX];
    if (strchr(what, '/') == NULL && !pr_ends(what, ".sql")) return NULL;
    const bool is_file = realpath(what, whole) != NULL;
    for (size_t i = 0; i < f->n; i++) {
        const struct pr_migration *m = &f->migrations[i];
        if (pr_eq(m->up.path, what) || pr_eq(m->down.path, what)) return m;
        if (is_file && (same_path(f, &m->up, whole, a) || same_path(f, &m->down, whole, a))) return m;
    }
    return NULL;
}

static bool is_version(const struct pr_migration *m, const char *what) {
    if (pr_eq(m->version, what)) return true;
    return pr_digits(what) > 0 && pr_digits(what) == strlen(what) && pr_digits(m->version) == strlen(m->version) &&
           pr_version_compare(m->version, what) == 0;
}

static const struct pr_migration *by_word(const struct pr_folder *f, const char *what, size_t *hits) {
    const struct pr_migration *found = NULL;
    *hits = 0;
    for (size_t i = 0; i < f->n; i++)
        if (pr_eq(f->migrations[i].id, what)) {
            *hits = 1;
            return &f->migrations[i];
        }
    for (size_t i = 0; i < f->n; i++) {
        const struct pr_migration *m = &f->migrations[i];
        if (m->repeatable ? !pr_eq(m->name, what) : !is_version(m, what) && !pr_eq(m->name, what)) continue;
        found = m;
        ++*hits;
    }
    return found;
}

/* A backfill by its path or its id; NULL when it is none. */
static const struct pr_backfill_file *backfill_named(const struct pr_folder *f, const char *what, struct pr_arena *a) {
    char whole[PATH_MAX];
    const bool is_file = realpath(what, whole) != NULL;
    for (size_t i = 0; i < f->n_backfills; i++) {
        const struct pr_backfill_file *b = &f->backfills[i];
        const bool same = is_file && pr_eq(f->root != NULL ? pr_absolute(a, f->root, b->path) : b->path, whole);
        if (same || pr_eq(b->path, what) || pr_eq(b->id, what)) return b;
    }
    return NULL;
}

enum pr_code pr_folder_find(const struct pr_folder *f, const char *what, const struct pr_migration **out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    size_t hits = 0;
    const struct pr_migration *m = by_path(f, what, a);
    const struct pr_backfill_file *b = m == NULL ? backfill_named(f, what, a) : NULL;
    if (b != NULL && b->of != NULL) m = b->of;
    if (b != NULL && m == NULL) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s is a backfill, no migration", b->path);
        return pr_hint(e, "pgrail backfill %s runs it; pgrail check, without a name, judges it with the folder", b->path);
    }
    if (m == NULL) {
        m = by_word(f, what, &hits);
        if (hits > 1) {
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "\"%s\" is %zu migrations", pr_printable(a, what, 80), hits);
            return pr_hint(e, "name it by its id, for example %s", m->id);
        }
    }
    if (m != NULL) {
        *out = m;
        return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_NO_FILE, "no migration \"%s\" in %s", pr_printable(a, what, 80), f->path);
    const char **names = PR_NEW_ARRAY(a, const char *, 2 * f->n + 1);
    for (size_t i = 0; i < f->n; i++) {
        names[2 * i] = f->migrations[i].id;
        names[2 * i + 1] = f->migrations[i].name;
    }
    const char *near = pr_nearest(what, names, 2 * f->n);
    if (near != NULL) return pr_hint(e, "did you mean %s?", near);
    return f->n == 0 ? pr_hint(e, "pgrail new NAME makes the first one") : pr_hint(e, "the newest is %s", f->migrations[f->n - 1].id);
}

/* "x.up.sql" → "x.down.sql"; NULL when the file is not named so. */
static const char *down_beside(struct pr_arena *a, const char *path) {
    return pr_ends(path, ".up.sql") ? pr_fmt(a, "%.*s.down.sql", (int)(strlen(path) - 7), path) : NULL;
}

static const char *shown_under(struct pr_arena *a, const char *root, const char *path) {
    const size_t n = root != NULL ? strlen(root) : 0;
    return n > 1 && strncmp(path, root, n) == 0 && path[n] == '/' ? pr_dup(a, path + n + 1) : path;
}

static enum pr_code fill(struct pr_arena *a, const char *root, const char *path, struct pr_side *side, struct pr_err *e) {
    const char *text = NULL;
    size_t n = 0;
    PR_TRY(e, pr_read_text(a, path, PR_CAP_FILE, &text, &n, e));
    pr_side_fill(a, side, shown_under(a, root, path), text, n, 1, PR_TX_RULE_PGRAIL);
    return PR_OK;
}

struct pr_migration *pr_migration_from_text(const char *shown, const char *text, size_t len, struct pr_arena *a) {
    struct pr_migration *m = PR_NEW(a, struct pr_migration);
    pr_side_fill(a, &m->up, shown, text, len, 1, PR_TX_RULE_PGRAIL);
    const char *slash = strrchr(shown, '/');
    m->id = m->version = m->name = slash != NULL ? slash + 1 : shown;
    pr_migration_finish(a, m);
    return m;
}

enum pr_code pr_migration_from_file(const char *path, const char *root, struct pr_arena *a, struct pr_migration **out,
                                    struct pr_err *e) {
    char whole[PATH_MAX], down_whole[PATH_MAX];
    if (realpath(path, whole) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", path, strerror(errno));
    if (pr_ends(whole, ".down.sql")) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: is a down script", path);
        return pr_hint(e, "name the up script beside it");
    }
    if (pr_is_backfill(whole)) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: is a backfill, no migration", path);
        return pr_hint(e, "pgrail backfill %s runs it", path);
    }
    struct pr_migration *m = PR_NEW(a, struct pr_migration);
    PR_TRY(e, fill(a, root, pr_dup(a, whole), &m->up, e));
    const char *down = down_beside(a, whole);
    if (down != NULL && realpath(down, down_whole) != NULL) PR_TRY(e, fill(a, root, pr_dup(a, down_whole), &m->down, e));
    const char *file = strrchr(whole, '/') + 1;
    const size_t end = pr_ends(file, ".up.sql") ? 7 : pr_ends(file, ".sql") ? 4 : 0;
    m->id = pr_dupn(a, file, strlen(file) - end);
    const size_t digits = pr_digits(m->id);
    m->version = digits > 0 ? pr_dupn(a, m->id, digits) : m->id;
    m->name = digits > 0 && m->id[digits] == '_' ? m->id + digits + 1 : m->id;
    pr_migration_finish(a, m);
    *out = m;
    return PR_OK;
}
