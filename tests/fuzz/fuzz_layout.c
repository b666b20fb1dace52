/* fuzz_layout.c: a migrations folder with any files in it. The first byte chooses the layout ('a' is auto, then b, c …); a line
 * "=== NAME" begins a file. Whatever is in there, it is read or refused, sides keep to their file, and identities are made. */
#include "project/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool name_is_fine(const char *name) {
    return name[0] != '\0' && name[0] != '/' && strlen(name) < 200 && strstr(name, "//") == NULL && !pr_ends(name, "/");
}

static void add_file(struct pr_reader *r, const char *name, const char *text, size_t len) {
    for (size_t i = 0; i < r->n; i++)
        if (pr_eq(r->files[i].name, name)) return;             /* a folder has each name once */
    if (!name_is_fine(name)) return;
    struct pr_file *f = PR_PUSH(r->a, r->files, r->n, r->cap);
    f->name = name;
    const bool is_text = pr_ends(name, ".sql") || pr_ends(name, ".toml") || pr_ends(name, ".json") || pr_ends(name, ".conf");
    f->text = is_text ? pr_dupn(r->a, text, len) : NULL;
    f->len = is_text ? len : 0;
}

static void cut_files(struct pr_reader *r, const char *text) {
    for (const char *p = strstr(text, "=== "); p != NULL;) {
        const char *name = pr_dupn(r->a, p + 4, strcspn(p + 4, "\n"));
        const char *body = p + 4 + strlen(name);
        body += *body == '\n';
        const char *next = strstr(body, "\n=== ");
        add_file(r, name, body, next != NULL ? (size_t)(next + 1 - body) : strlen(body));
        p = next != NULL ? next + 1 : NULL;
    }
}

static void check_side(struct pr_arena *a, const struct pr_side *s) {
    if (s->path == NULL) return;
    PR_ASSERT(s->text != NULL && s->first_line >= 1 && strlen(pr_side_sha256(s, a)) == 64 && strlen(s->text) == s->len);
    size_t from = 0, to = 0;
    const bool there = pr_header_grounding(s->text, s->len, &from, &to);
    PR_ASSERT(from <= to && to <= s->len && (there || from == to));
    (void)pr_header_value(a, s->text, s->len, "rationale");
    (void)pr_has_sql(s->text, s->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static const char *const layouts[] = {"auto", "golang-migrate", "sqlx", "diesel", "dbmate", "goose", "prisma", "drizzle", "flyway"};
    if (n < 2 || n > 1 << 15) return -1;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)512 << 20);
    struct pr_err e = {0};
    const char *text = pr_dupn(a, (const char *)bytes + 1, n - 1);
    if (pr_check_utf8("folder", text, n - 1, &e) != PR_OK) return 0;
    struct pr_reader r = {.a = a, .f = PR_NEW(a, struct pr_folder)};
    r.f->path = "/r/m";
    r.f->root = "/r";
    cut_files(&r, text);
    if (pr_folder_assemble(&r, layouts[(size_t)(bytes[0] + 256 - 'a') % PR_COUNT(layouts)], &e) != PR_OK) {
        PR_ASSERT(e.msg[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < r.f->n; i++) {
        const struct pr_migration *m = &r.f->migrations[i];
        PR_ASSERT(m->id != NULL && m->version != NULL && m->name != NULL && m->sha256 != NULL);
        check_side(a, &m->up);
        check_side(a, &m->down);
        PR_ASSERT(strlen(pr_migration_body_sha256(m, a)) == 64);
        const struct pr_migration *found = NULL;
        (void)!pr_folder_find(r.f, m->id, &found, &e);
    }
    for (size_t i = 0; i < r.f->n_problems; i++) PR_ASSERT(r.f->problems[i].rule != NULL && r.f->problems[i].message != NULL);
    return 0;
}
