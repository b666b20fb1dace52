/* backfills.c: NNNN_name.backfill.sql beside the migrations: a statement for pgrail backfill, never a script that a runner runs. One
 * that has the version of a migration belongs to it and comes after it; another stands by itself. NNNN_name.down.backfill.sql is its way back. */
#include <errno.h>
#include <limits.h>

#include "project/folder.h"

static const char suffix[] = ".backfill.sql", down[] = ".down";

bool pr_is_backfill(const char *path) { return pr_ends(path, suffix) && strlen(path) > sizeof suffix - 1; }

bool pr_is_backfill_back(const char *path) { return pr_ends(path, ".down.backfill.sql") && strlen(path) > strlen(".down.backfill.sql"); }

const char *pr_backfill_other(struct pr_arena *a, const char *id) {
    return pr_ends(id, down) ? pr_dupn(a, id, strlen(id) - strlen(down)) : pr_fmt(a, "%s%s", id, down);
}

enum pr_code pr_backfill_migration(const char *path, const char *root, struct pr_arena *a, struct pr_migration **out, struct pr_err *e) {
    char room[PATH_MAX];
    if (realpath(path, room) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", path, strerror(errno));
    const char *whole = pr_dup(a, room), *file = strrchr(whole, '/') + 1, *text = NULL;
    const size_t digits = pr_digits(file), n_root = root != NULL ? strlen(root) : 0;
    const bool below = n_root > 1 && strncmp(whole, root, n_root) == 0 && whole[n_root] == '/';
    size_t len = 0;
    PR_TRY(e, pr_read_text(a, whole, PR_CAP_FILE, &text, &len, e));
    struct pr_migration *m = pr_migration_from_text(below ? whole + n_root + 1 : whole, text, len, a);
    m->id = pr_dupn(a, file, strlen(file) - 4);
    m->version = digits > 0 ? pr_fmt(a, "%.*s%s.backfill", (int)digits, file, pr_is_backfill_back(file) ? down : "") : m->id;       /* beside the migration of that number */
    m->name = digits > 0 && file[digits] == '_' ? m->id + digits + 1 : m->id;
    *out = m;
    return PR_OK;
}

static void take(struct pr_reader *r, struct pr_file *f, size_t *cap) {
    const size_t digits = pr_digits(f->name), len = strlen(f->name) - (sizeof suffix - 1);
    const bool numbered = digits > 0 && f->name[digits] == '_' && len > digits + 1, back = pr_is_backfill_back(f->name);
    const size_t from = numbered ? digits + 1 : 0, to = back ? len - strlen(down) : len;
    struct pr_backfill_file *b = PR_PUSH(r->a, r->f->backfills, r->f->n_backfills, *cap);
    *b = (struct pr_backfill_file){.path = pr_reader_shown(r, f->name), .id = pr_dupn(r->a, f->name, len), .text = f->text, .len = f->len,
                              .version = numbered ? pr_dupn(r->a, f->name, digits) : NULL, .is_back = back,
                              .name = pr_dupn(r->a, f->name + from, to > from ? to - from : 0)};
}

void pr_backfills_take(struct pr_reader *r) {
    size_t kept = 0, cap = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (pr_is_backfill(r->files[i].name) && strchr(r->files[i].name, '/') == NULL) take(r, &r->files[i], &cap);
        else r->files[kept++] = r->files[i];
    }
    r->n = kept;
}

static void pair(struct pr_reader *r, struct pr_backfill_file *b, const struct pr_layout *l) {
    for (size_t i = 0; i < r->f->n && b->version != NULL; i++) {
        const struct pr_migration *m = &r->f->migrations[i];
        if (!m->repeatable && (l->numeric ? pr_version_compare(m->version, b->version) == 0 : pr_eq(m->version, b->version))) b->of = m;
    }
    if (b->of == NULL || pr_eq(b->of->name, b->name)) return;
    pr_reader_problem(r, "bad-file-name", b->path, 0, false, "has the version of %s but another name", b->of->id);
    pr_reader_hint(r, "name it %s%s%s, or give it a version of its own", b->of->id, b->is_back ? down : "", suffix);
}

/* Another of the same version and direction; files come by their names, so it is not far. */
static const struct pr_backfill_file *same_before(const struct pr_folder *f, const struct pr_backfill_file *b) {
    for (size_t i = (size_t)(b - f->backfills); b->version != NULL && i > 0; i--) {
        const struct pr_backfill_file *x = &f->backfills[i - 1];
        if (x->version == NULL || pr_version_compare(x->version, b->version) != 0) return NULL;
        if (x->is_back == b->is_back) return x;
    }
    return NULL;
}

static bool has_up(const struct pr_folder *f, const struct pr_backfill_file *b) {
    for (size_t i = 0; i < f->n_backfills; i++)
        if (!f->backfills[i].is_back && strncmp(f->backfills[i].id, b->id, strlen(f->backfills[i].id)) == 0 && pr_eq(b->id + strlen(f->backfills[i].id), down)) return true;
    return false;
}

void pr_backfills_judge(struct pr_reader *r, const struct pr_layout *l) {
    for (size_t i = 0; i < r->f->n_backfills; i++) {
        struct pr_backfill_file *b = &r->f->backfills[i];
        pair(r, b, l);
        if (b->version == NULL) {
            pr_reader_problem(r, "bad-file-name", b->path, 0, false, "is no N_name%s file: nothing says after which migration it comes", suffix);
            pr_reader_hint(r, "begin its name with a version");
        }
        const struct pr_backfill_file *before = same_before(r->f, b);
        if (before != NULL) {
            pr_reader_problem(r, "duplicate-version", b->path, 0, true, "version %s is taken already by %s%s", b->version, before->id, suffix);
            pr_reader_also(r, before->path);
            pr_reader_hint(r, "give it the next free version");
        }
        if (b->is_back && !has_up(r->f, b)) {
            pr_reader_problem(r, "bad-file-name", b->path, 0, false, "is the way back of %s%s, which is not there", pr_backfill_other(r->a, b->id), suffix);
            pr_reader_hint(r, "name the two alike, or leave \"%s\" out of its name", down);
        }
        /* golang-migrate looks at names that end in .up.sql and .down.sql alone; the others run whatever ends in .sql. */
        if (l == &pr_layout_golang_migrate) continue;
        pr_reader_problem(r, "bad-backfill", b->path, 0, true, "%s would run it as a migration, whole and in one transaction", l->name);
        pr_reader_hint(r, "move it into a folder of its own: pgrail backfill takes any file");
    }
}

bool pr_backfill_has_version(const struct pr_folder *f, const char *version) {
    for (size_t i = 0; i < f->n_backfills; i++)
        if (f->backfills[i].version != NULL && pr_version_compare(f->backfills[i].version, version) == 0) return true;
    return false;
}
