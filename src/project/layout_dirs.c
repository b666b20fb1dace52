/* layout_dirs.c: a folder per migration: diesel (up.sql, down.sql, metadata.toml) and Prisma (migration.sql).
 * Sources diesel migrations_internals, Prisma "About migration histories". */
#include "project/folder.h"

/* "DIR/file" → DIR, when the name is exactly that. */
static const char *dir_of(struct pr_arena *a, const char *name, const char *file) {
    const char *slash = strchr(name, '/');
    return slash != NULL && pr_eq(slash + 1, file) ? pr_dupn(a, name, (size_t)(slash - name)) : NULL;
}

static size_t count(const struct pr_reader *r, const char *file) {
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) n += dir_of(r->a, r->files[i].name, file) != NULL;
    return n;
}

/* A boolean key of metadata.toml; anything but `key = false` is true. */
static bool is_false(const struct pr_file *toml, const char *key) {
    if (toml == NULL || toml->text == NULL) return false;
    for (const char *p = strstr(toml->text, key); p != NULL; p = strstr(p + 1, key)) {
        const char *line = p;
        while (line > toml->text && line[-1] != '\n') line--;
        const char *v = p + strlen(key);
        v += strspn(v, " \t");
        if (line + strspn(line, " \t") != p || *v != '=') continue;
        v += 1 + strspn(v + 1, " \t");
        return pr_starts(v, "false");
    }
    return false;
}

static struct pr_migration *add_dir(struct pr_reader *r, const char *dir) {
    const char *bar = strchr(dir, '_');
    const size_t n = bar != NULL ? (size_t)(bar - dir) : strlen(dir);
    return pr_reader_add(r, pr_dupn(r->a, dir, n), bar != NULL ? pr_dup(r->a, bar + 1) : dir, dir);
}

static void fill(struct pr_reader *r, struct pr_side *side, const char *dir, const char *name, enum pr_tx_rule rule) {
    struct pr_file *f = pr_reader_file(r, pr_fmt(r->a, "%s/%s", dir, name));
    if (f == NULL) return;
    pr_side_fill(r->a, side, pr_reader_shown(r, f->name), f->text, f->len, 1, rule);
    f->taken = true;
}

static enum pr_code diesel_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    for (size_t i = 0; i < r->n; i++) {
        const char *up = dir_of(r->a, r->files[i].name, "up.sql"), *down = dir_of(r->a, r->files[i].name, "down.sql");
        if (up == NULL && (down == NULL || pr_reader_file(r, pr_fmt(r->a, "%s/up.sql", down)) != NULL)) continue;
        const char *dir = up != NULL ? up : down;
        struct pr_file *toml = pr_reader_file(r, pr_fmt(r->a, "%s/metadata.toml", dir));
        if (toml != NULL) toml->taken = true;
        const enum pr_tx_rule rule = is_false(toml, "run_in_transaction") ? PR_TX_RULE_ALONE : PR_TX_RULE_WRAPPED;
        struct pr_migration *m = add_dir(r, dir);
        fill(r, &m->up, dir, "up.sql", rule);
        fill(r, &m->down, dir, "down.sql", rule);
        if (pr_digits(dir) == 0)
            pr_reader_problem(r, "bad-file-name", pr_reader_shown(r, dir), 0, true, "does not begin with a version: diesel refuses the folder");
    }
    return PR_OK;
}

/* Prisma itself never runs a down.sql; its manual has teams keep one beside migration.sql for going back by hand. */
static enum pr_code prisma_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    for (size_t i = 0; i < r->n; i++) {
        const char *dir = dir_of(r->a, r->files[i].name, "migration.sql");
        if (dir == NULL) continue;
        struct pr_migration *m = add_dir(r, dir);
        fill(r, &m->up, dir, "migration.sql", PR_TX_RULE_QUERY);
        fill(r, &m->down, dir, "down.sql", PR_TX_RULE_QUERY);
    }
    const struct pr_file *lock = pr_reader_file(r, "migration_lock.toml");
    if (lock != NULL && lock->text != NULL && strstr(lock->text, "provider") != NULL && strstr(lock->text, "postgresql") == NULL)
        pr_reader_problem(r, "bad-file-name", pr_reader_shown(r, lock->name), 0, true, "the migrations are for another database than PostgreSQL");
    return PR_OK;
}

static size_t diesel_evidence(const struct pr_reader *r, const char **why) {
    *why = "folders hold up.sql";
    return count(r, "up.sql");
}

static size_t prisma_evidence(const struct pr_reader *r, const char **why) {
    *why = pr_reader_file(r, "migration_lock.toml") != NULL ? "migration_lock.toml is there" : "folders hold migration.sql";
    return count(r, "migration.sql") + (pr_reader_file(r, "migration_lock.toml") != NULL);
}

const struct pr_layout pr_layout_diesel = {
    .name = "diesel", .team = true, .undashed = true, .has_down = true, .form = "VERSION_name/up.sql and down.sql",
    .evidence = diesel_evidence, .read = diesel_read,
};
const struct pr_layout pr_layout_prisma = {
    .name = "prisma", .team = true, .form = "TIMESTAMP_name/migration.sql",
    .evidence = prisma_evidence, .read = prisma_read,
};
