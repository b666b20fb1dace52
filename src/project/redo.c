/* redo.c: a migration with other bytes, read again as its layout reads it; and how a layout says "without a transaction". */
#include <unistd.h>

#include "project/folder.h"

/* --- reading again ------------------------------------------------------------------------------------------------- */

static const char *below(const struct pr_folder *f, const char *path) {
    const size_t n = strlen(f->path);
    return strncmp(path, f->path, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static bool has(const struct pr_reader *r, const char *name) {
    for (size_t i = 0; i < r->n; i++)
        if (pr_eq(r->files[i].name, name)) return true;
    return false;
}

/* A file that belongs to one that changed: it is read when it is there. */
static enum pr_code take_companion(struct pr_reader *r, const char *name, struct pr_err *e) {
    const char *path = pr_fmt(r->a, "%s/%s", r->f->path, name);
    if (has(r, name) || access(path, R_OK) != 0) return PR_OK;
    struct pr_file *file = PR_PUSH(r->a, r->files, r->n, r->cap);
    file->name = name;
    return pr_read_text(r->a, path, PR_CAP_FILE, &file->text, &file->len, e);
}

static enum pr_code take_companions(struct pr_reader *r, const char *name, struct pr_err *e) {
    static const char *const of_dir[] = {"up.sql", "down.sql", "migration.sql", "metadata.toml"};
    struct pr_arena *a = r->a;
    const char *slash = strrchr(name, '/');
    const size_t len = strlen(name);
    PR_TRY(e, take_companion(r, pr_fmt(a, "%s.conf", name), e));
    for (size_t i = 0; slash != NULL && i < PR_COUNT(of_dir); i++) PR_TRY(e, take_companion(r, pr_fmt(a, "%.*s/%s", (int)(slash - name), name, of_dir[i]), e));
    if (pr_ends(name, ".up.sql")) return take_companion(r, pr_fmt(a, "%.*s.down.sql", (int)(len - 7), name), e);
    if (pr_ends(name, ".down.sql")) return take_companion(r, pr_fmt(a, "%.*s.up.sql", (int)(len - 9), name), e);
    if (pr_eq(r->f->layout, "flyway") && (name[0] == 'V' || name[0] == 'U')) return take_companion(r, pr_fmt(a, "%c%s", name[0] == 'V' ? 'U' : 'V', name + 1), e);
    return PR_OK;
}

enum pr_code pr_folder_with(const struct pr_folder *f, const struct pr_change *changes, size_t n, struct pr_arena *a, struct pr_folder **out,
                            struct pr_err *e) {
    struct pr_reader r = {.a = a, .f = PR_NEW(a, struct pr_folder)};
    r.f->root = f->root;
    r.f->path = f->path;
    r.f->layout = f->layout;
    for (size_t i = 0; i < n; i++) {
        const char *name = below(f, changes[i].path);
        if (name == NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: lies outside of the migrations folder", changes[i].path);
        if (has(&r, name)) continue;
        *PR_PUSH(a, r.files, r.n, r.cap) = (struct pr_file){.name = name, .text = changes[i].text, .len = changes[i].len};
    }
    for (size_t i = 0; i < n; i++) PR_TRY(e, take_companions(&r, below(f, changes[i].path), e));
    PR_TRY(e, take_companion(&r, "meta/_journal.json", e));
    PR_TRY(e, pr_folder_assemble(&r, f->layout, e));
    *out = r.f;
    return PR_OK;
}

/* --- without a transaction ----------------------------------------------------------------------------------------- */

bool pr_folder_runs_each(const struct pr_folder *f, const char *runner) {
    if (f == NULL || pr_eq(f->layout, "golang-migrate")) return runner == NULL || pr_eq(runner, "pgrail") || pr_eq(runner, "psql");
    return pr_eq(f->layout, "goose");
}

size_t pr_side_start(const struct pr_side *s, const char *text, size_t len) {
    size_t at = 0;
    for (int line = 1; line < s->first_line; line++) {
        const char *nl = memchr(text + at, '\n', len - at);
        if (nl == NULL) return len;
        at = (size_t)(nl - text) + 1;
    }
    return at;
}

/* The line that begins with a marker, its end without the line end; false when there is none. */
static bool line_with(const char *text, size_t len, const char *marker, size_t *from, size_t *to) {
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(text + at, '\n', len - at);
        const size_t end = nl != NULL ? (size_t)(nl - text) : len;
        size_t word = at;
        while (word < end && (text[word] == '-' || text[word] == ' ' || text[word] == '\t')) word++;
        if (word > at + 1 && end - word >= strlen(marker) && strncmp(text + word, marker, strlen(marker)) == 0) {
            *from = at;
            *to = end > at && text[end - 1] == '\r' ? end - 1 : end;
            return true;
        }
        at = nl != NULL ? end + 1 : len;
    }
    return false;
}

static const char *line_end(const char *text, size_t len) {
    const char *nl = memchr(text, '\n', len);
    return nl != NULL && nl > text && nl[-1] == '\r' ? "\r\n" : "\n";
}

static enum pr_code alone_diesel(const struct pr_folder *f, const struct pr_migration *m, struct pr_arena *a, struct pr_alone *out, struct pr_err *e) {
    const char *path = pr_fmt(a, "%s/%s/metadata.toml", f->path, m->id), *text = "";
    size_t len = 0;
    if (access(path, F_OK) == 0) PR_TRY(e, pr_read_text(a, path, PR_CAP_FILE, &text, &len, e));
    if (strstr(text, "run_in_transaction") != NULL || strchr(text, '[') != NULL)
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "its metadata.toml says something else about transactions");
    *out = (struct pr_alone){.path = path, .at = len, .text = pr_fmt(a, "%srun_in_transaction = false\n", len > 0 && text[len - 1] != '\n' ? "\n" : "")};
    return PR_OK;
}

enum pr_code pr_migration_alone(const struct pr_folder *f, const struct pr_migration *m, bool is_down, const char *text, size_t len,
                                struct pr_arena *a, struct pr_alone *out, size_t *n_out, struct pr_err *e) {
    const char *layout = f != NULL ? f->layout : "golang-migrate";
    size_t from = 0, to = 0;
    *n_out = 1;
    if (pr_eq(layout, "sqlx")) {
        if (pr_starts(text, "\xEF\xBB\xBF")) return PR_FAIL(e, PR_ERR_BAD_INPUT, "a byte-order mark hides -- no-transaction from sqlx");
        *out = (struct pr_alone){.text = pr_fmt(a, "-- no-transaction%s", line_end(text, len))};
    } else if (pr_eq(layout, "dbmate")) {
        if (!line_with(text, len, is_down ? "migrate:down" : "migrate:up", &from, &to)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "it has no marker line");
        *out = (struct pr_alone){.at = to, .text = " transaction:false"};
    } else if (pr_eq(layout, "goose")) {
        if (!line_with(text, len, "+goose Up", &from, &to)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "it has no marker line");
        *out = (struct pr_alone){.at = from, .text = pr_fmt(a, "-- +goose NO TRANSACTION%s", line_end(text, len)), .pair = true};
    } else if (pr_eq(layout, "diesel")) {
        return alone_diesel(f, m, a, out, e);
    } else if (pr_eq(layout, "drizzle")) {
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "drizzle runs everything in one transaction");
    } else {
        *n_out = 0;                                         /* the runner sees it in the statements: golang-migrate's form, Prisma, Flyway */
    }
    return PR_OK;
}
