/* layout_flyway.c: V2.1__name.sql, U2.1__name.sql (undo), R__name.sql (repeatable), and NAME.sql.conf for a script's own
 * settings. Source https://documentation.red-gate.com/flyway, "Migrations" and "Script configuration". */
#include "project/folder.h"

struct parts { char kind; const char *version, *name, *id; };

static bool take_apart(struct pr_arena *a, const char *path, struct parts *out) {
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    if (strchr("VUR", file[0]) == NULL || file[0] == '\0' || !pr_ends(file, ".sql")) return false;
    const char *bars = strstr(file, "__");
    if (bars == NULL || strspn(file + 1, "0123456789._") < (size_t)(bars - file - 1)) return false;
    const size_t digits = (size_t)(bars - file - 1), len = strlen(file) - 4;
    if ((file[0] == 'R') != (digits == 0) || len <= (size_t)(bars - file) + 2) return false;
    out->kind = file[0];
    out->version = pr_dupn(a, file + 1, digits);
    out->name = pr_dupn(a, bars + 2, len - (size_t)(bars - file) - 2);
    out->id = pr_dupn(a, file, len);
    return true;
}

static size_t evidence(const struct pr_reader *r, const char **why) {
    size_t n = 0;
    struct parts p;
    for (size_t i = 0; i < r->n; i++) n += take_apart(r->a, r->files[i].name, &p);
    *why = "files are named V1__name.sql";
    return n;
}

static bool is_without_transaction(struct pr_reader *r, const struct pr_file *f) {
    struct pr_file *conf = pr_reader_file(r, pr_fmt(r->a, "%s.conf", f->name));
    if (conf == NULL || conf->text == NULL) return false;
    conf->taken = true;
    const char *p = strstr(conf->text, "executeInTransaction");
    if (p == NULL) return false;
    p += strlen("executeInTransaction");
    p += strspn(p, " \t");
    return *p == '=' && pr_starts(p + 1 + strspn(p + 1, " \t"), "false");
}

static void take(struct pr_reader *r, struct pr_file *f, struct pr_side *side) {
    pr_side_fill(r->a, side, pr_reader_shown(r, f->name), f->text, f->len, 1,
                 is_without_transaction(r, f) ? PR_TX_RULE_ALONE : PR_TX_RULE_FLYWAY);
    f->taken = true;
}

static void take_undo(struct pr_reader *r, struct pr_file *f, const struct parts *p) {
    for (size_t i = 0; i < r->f->n; i++) {
        struct pr_migration *m = &r->f->migrations[i];
        if (m->repeatable || pr_version_compare(m->version, p->version) != 0) continue;
        take(r, f, &m->down);
        return;
    }
    pr_reader_problem(r, "up-missing", pr_reader_shown(r, f->name), 0, true, "undoes version %s, for which there is no V script", p->version);
    f->taken = true;
}

static enum pr_code read_flyway(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    struct parts p;
    for (size_t i = 0; i < r->n; i++) {
        if (r->files[i].text == NULL || !take_apart(r->a, r->files[i].name, &p) || p.kind == 'U') continue;
        struct pr_migration *m = pr_reader_add(r, p.version, p.name, p.id);
        m->repeatable = p.kind == 'R';
        take(r, &r->files[i], &m->up);
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->files[i].text != NULL && take_apart(r->a, r->files[i].name, &p) && p.kind == 'U') take_undo(r, &r->files[i], &p);
    return PR_OK;
}

const struct pr_layout pr_layout_flyway = {
    .name = "flyway", .team = true, .numeric = true, .form = "V1__name.sql, U1__name.sql or R__name.sql",
    .evidence = evidence, .read = read_flyway,
};
