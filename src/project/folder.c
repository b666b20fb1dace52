/* folder.c: lists a migrations folder, finds out whose form it has, and lets that layout read it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "crypt/crypt.h"
#include "project/folder.h"

enum { DEPTH = 4, FILES_CAP = 50000 };
#define BYTES_CAP ((size_t)192 << 20)                       /* of a whole folder: it is held in memory, some of it twice */

static const struct pr_layout *const layouts[] = {
    &pr_layout_prisma, &pr_layout_drizzle, &pr_layout_diesel, &pr_layout_goose,
    &pr_layout_dbmate, &pr_layout_flyway, &pr_layout_golang_migrate, &pr_layout_sqlx,
};

const struct pr_layout *const *pr_layouts(size_t *n) {
    *n = PR_COUNT(layouts);
    return layouts;
}

const struct pr_layout *pr_layout_find(const char *name) {
    for (size_t i = 0; i < PR_COUNT(layouts); i++)
        if (pr_eq(layouts[i]->name, name)) return layouts[i];
    return NULL;
}

struct pr_file *pr_reader_file(const struct pr_reader *r, const char *name) {
    size_t low = 0, high = r->n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int c = strcmp(r->files[mid].name, name);
        if (c == 0) return &r->files[mid];
        if (c < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

static const char *below(struct pr_arena *a, const char *root, const char *path) {
    const size_t n = root != NULL ? strlen(root) : 0;
    if (n == 0 || strncmp(path, root, n) != 0) return path;
    if (path[n] == '/') return pr_dup(a, path + n + 1);
    return root[n - 1] == '/' ? pr_dup(a, path + n) : path;
}

const char *pr_reader_shown(const struct pr_reader *r, const char *name) {
    return below(r->a, r->f->root, name == NULL ? r->f->path : pr_fmt(r->a, "%s/%s", r->f->path, name));
}

static bool is_text_kind(const char *name) {
    return pr_ends(name, ".sql") || pr_ends(name, ".toml") || pr_ends(name, ".json") || pr_ends(name, ".conf");
}

/* The file's name as it is shown everywhere else: under the root. */
static enum pr_code shorten(const struct pr_reader *r, struct pr_err *e) {
    const size_t n = r->f->root != NULL ? strlen(r->f->root) : 0;
    if (n > 1 && strncmp(e->msg, r->f->root, n) == 0 && e->msg[n] == '/') memmove(e->msg, e->msg + n + 1, strlen(e->msg + n + 1) + 1);
    return e->code;
}

static enum pr_code load(struct pr_reader *r, const char *name, const char *path, struct pr_err *e) {
    struct pr_file *f = PR_PUSH(r->a, r->files, r->n, r->cap);
    f->name = name;
    if (!is_text_kind(name)) return PR_OK;
    if (pr_read_text(r->a, path, PR_CAP_FILE, &f->text, &f->len, e) != PR_OK) return shorten(r, e);
    r->bytes += f->len;
    if (r->bytes > BYTES_CAP)
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: the folder holds more than %s", pr_reader_shown(r, NULL),
                       pr_human_bytes(r->a, (int64_t)BYTES_CAP));
    return PR_OK;
}

static enum pr_code list(struct pr_reader *r, const char *under, int depth, struct pr_err *e);

static enum pr_code enter(struct pr_reader *r, const char *under, const struct dirent *x, int depth, struct pr_err *e) {
    if (x->d_name[0] == '.') return PR_OK;
    const char *name = under[0] == '\0' ? pr_dup(r->a, x->d_name) : pr_fmt(r->a, "%s/%s", under, x->d_name);
    PR_TRY(e, pr_check_utf8(pr_reader_shown(r, pr_printable(r->a, name, 200)), name, strlen(name), e));
    /* Names are shown in many places, and parts of them are commands to type. */
    if (!pr_eq(pr_printable(r->a, name, strlen(name)), name)) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: a file name with characters that cannot be seen", pr_reader_shown(r, pr_printable(r->a, name, 200)));
        return pr_hint(e, "rename it");
    }
    if (r->n >= FILES_CAP) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: more than %d files", pr_reader_shown(r, NULL), FILES_CAP);
    struct stat st = {.st_mode = S_IFREG};
    const char *path = pr_fmt(r->a, "%s/%s", r->f->path, name);
    const bool told = x->d_type == DT_REG;                 /* most are, and the folder says so */
    if (!told && stat(path, &st) != 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", pr_reader_shown(r, name), strerror(errno));
    if (S_ISDIR(st.st_mode)) return depth < DEPTH ? list(r, name, depth + 1, e) : PR_OK;
    return load(r, name, path, e);
}

static void close_dirp(DIR **d) {
    if (*d != NULL) (void)closedir(*d);
}

static enum pr_code list(struct pr_reader *r, const char *under, int depth, struct pr_err *e) {
    const char *path = under[0] == '\0' ? r->f->path : pr_fmt(r->a, "%s/%s", r->f->path, under);
    DIR *d PR_CLEANUP(close_dirp) = opendir(path);
    if (d == NULL) {
        (void)PR_FAIL(e, errno == ENOTDIR ? PR_ERR_BAD_INPUT : PR_ERR_NO_FILE, "%s: %s", pr_reader_shown(r, under[0] == '\0' ? NULL : under),
                      errno == ENOTDIR ? "is a file, a folder of migrations was expected" : strerror(errno));
        return pr_hint(e, "pgrail new NAME makes the first migration; the folder is [project] migrations in pgrail.conf");
    }
    for (const struct dirent *x = readdir(d); x != NULL; x = readdir(d)) PR_TRY(e, enter(r, under, x, depth, e));
    return PR_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct pr_file *)a)->name, ((const struct pr_file *)b)->name);
}

static bool is_listed(const char *rule) {
    for (size_t i = 0; i < pr_n_problem_rules; i++)
        if (pr_eq(pr_problem_rules[i].id, rule)) return true;
    return false;
}

void pr_reader_problem(struct pr_reader *r, const char *rule, const char *path, int line, bool is_error, const char *fmt, ...) {
    PR_ASSERT(is_listed(rule));
    struct pr_buf b = {.a = r->a};
    va_list ap;
    va_start(ap, fmt);
    char text[1024];
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pr_add(&b, text);
    *PR_PUSH(r->a, r->f->problems, r->f->n_problems, r->problems_cap) =
        (struct pr_problem){.rule = rule, .path = path, .line = line, .is_error = is_error, .message = pr_buf_text(&b)};
}

void pr_reader_hint(struct pr_reader *r, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->f->problems[r->f->n_problems - 1].hint = pr_dup(r->a, text);
}

void pr_reader_also(struct pr_reader *r, const char *path) { r->f->problems[r->f->n_problems - 1].also = path; }

struct pr_migration *pr_reader_add(struct pr_reader *r, const char *version, const char *name, const char *id) {
    struct pr_migration *m = PR_PUSH(r->a, r->f->migrations, r->f->n, r->migrations_cap);
    *m = (struct pr_migration){.version = version, .name = name, .id = id};
    return m;
}

static enum pr_code unknown_layout(const char *name, struct pr_err *e) {
    const char *names[PR_COUNT(layouts) + 1] = {"auto"};
    for (size_t i = 0; i < PR_COUNT(layouts); i++) names[i + 1] = layouts[i]->name;
    (void)PR_FAIL(e, PR_ERR_CONFIG, "unknown layout \"%.40s\"", name);
    const char *near = pr_nearest(name, names, PR_COUNT(names));
    if (near != NULL) return pr_hint(e, "did you mean %s?", near);
    return pr_hint(e, "known are auto, golang-migrate, sqlx, diesel, dbmate, goose, prisma, drizzle, flyway");
}

/* The layout for which most files speak; others for which any file speaks are reported as mixed in. */
static const struct pr_layout *detect(struct pr_reader *r) {
    const struct pr_layout *best = NULL;
    size_t most = 0;
    size_t counts[PR_COUNT(layouts)] = {0};
    const char *whys[PR_COUNT(layouts)] = {0};
    for (size_t i = 0; i < PR_COUNT(layouts); i++) {
        counts[i] = layouts[i]->evidence(r, &whys[i]);
        if (counts[i] <= most) continue;
        most = counts[i];
        best = layouts[i];
        r->f->why = whys[i];
    }
    for (size_t i = 0; i < PR_COUNT(layouts); i++) {
        if (counts[i] == 0 || layouts[i] == best) continue;
        pr_reader_problem(r, "mixed-layouts", pr_reader_shown(r, NULL), 0, true, "the folder is read as %s, but %s (%s)", best->name,
                          whys[i], layouts[i]->name);
        pr_reader_hint(r, "keep one layout to a folder, or name it: layout = %s", best->name);
    }
    if (best != NULL) return best;
    r->f->why = r->n == 0 ? "the folder is empty" : "no file says otherwise";
    return &pr_layout_golang_migrate;
}

static int by_number(const void *a, const void *b) {
    const struct pr_migration *x = a, *y = b;
    if (x->repeatable != y->repeatable) return x->repeatable ? 1 : -1;
    const int c = pr_version_compare(x->version, y->version);
    return c != 0 ? c : strcmp(x->id, y->id);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(((const struct pr_migration *)a)->id, ((const struct pr_migration *)b)->id);
}

static int by_undashed(const void *a, const void *b) {
    const struct pr_migration *x = a, *y = b;
    const char *p = x->version, *q = y->version;
    for (;; p++, q++) {
        p += strspn(p, "-");
        q += strspn(q, "-");
        if (*p != *q || *p == '\0') break;
    }
    return *p != *q ? (unsigned char)*p - (unsigned char)*q : strcmp(x->id, y->id);
}

enum pr_code pr_folder_assemble(struct pr_reader *r, const char *layout, struct pr_err *e) {
    const bool is_auto = layout == NULL || pr_eq(layout, "auto");
    if (r->n > 1) qsort(r->files, r->n, sizeof *r->files, by_name);
    pr_backfills_take(r);
    const struct pr_layout *l = is_auto ? detect(r) : pr_layout_find(layout);
    if (!is_auto) r->f->why = "named in the configuration";
    r->f->layout = l->name;
    r->f->team = l->team;
    PR_TRY(e, l->read(r, e));
    /* Drizzle's order is its journal's; all others' is the versions'. */
    if (r->f->n > 1 && l != &pr_layout_drizzle)
        qsort(r->f->migrations, r->f->n, sizeof *r->f->migrations, l->numeric ? by_number : l->undashed ? by_undashed : by_bytes);
    for (size_t i = 0; i < r->f->n; i++) pr_migration_finish(r->a, &r->f->migrations[i]);
    pr_folder_judge(r, l);
    pr_backfills_judge(r, l);
    return PR_OK;
}

enum pr_code pr_folder_read(const char *path, const char *root, const char *layout, struct pr_arena *a, struct pr_folder **out,
                            struct pr_err *e) {
    const bool is_auto = layout == NULL || pr_eq(layout, "auto");
    if (!is_auto && pr_layout_find(layout) == NULL) return unknown_layout(layout, e);
    char whole[PATH_MAX];
    struct pr_reader r = {.a = a, .f = PR_NEW(a, struct pr_folder)};
    r.f->root = root != NULL ? pr_dup(a, root) : NULL;
    r.f->path = pr_dup(a, realpath(path, whole) != NULL ? whole : path);
    PR_TRY(e, list(&r, "", 0, e));
    PR_TRY(e, pr_folder_assemble(&r, layout, e));
    *out = r.f;
    return PR_OK;
}
