/* layout_pairs.c: one file per side: golang-migrate and sqlx (N_name.up.sql), sqlx's plain N_name.sql.
 * Sources golang-migrate source/parse.go, sqlx sqlx-core/src/migrate/source.rs. */
#include "project/folder.h"

enum kind { NOT_OURS, UP, DOWN, PLAIN };

/* "0247_index_unpaid.up.sql" → version, name, kind. */
struct parts { const char *version, *name, *id; enum kind kind; };

static enum kind kind_of(const char *file, size_t *digits, size_t *len) {
    *digits = pr_digits(file);
    if (*digits == 0 || *digits > 19 || file[*digits] != '_' || strchr(file, '/') != NULL || !pr_ends(file, ".sql")) return NOT_OURS;
    const char *suffix = pr_ends(file, ".up.sql") ? ".up.sql" : pr_ends(file, ".down.sql") ? ".down.sql" : ".sql";
    *len = strlen(file) - strlen(suffix);
    if (*len <= *digits + 1) return NOT_OURS;
    return pr_eq(suffix, ".up.sql") ? UP : pr_eq(suffix, ".down.sql") ? DOWN : PLAIN;
}

static struct parts take_apart(struct pr_arena *a, const char *file) {
    size_t digits = 0, len = 0;
    struct parts p = {.kind = kind_of(file, &digits, &len)};
    if (p.kind == NOT_OURS) return p;
    p.version = pr_dupn(a, file, digits);
    p.name = pr_dupn(a, file + digits + 1, len - digits - 1);
    p.id = pr_dupn(a, file, len);
    return p;
}

/* Cargo.toml beside the migrations or at the root that names sqlx. */
static bool is_cargo_sqlx(const struct pr_reader *r) {
    if (r->f->root == NULL) return false;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const char *text = NULL;
    size_t n = 0;
    struct pr_err ignored = {0};
    if (pr_read_text(a, pr_fmt(a, "%s/Cargo.toml", r->f->root), 1 << 20, &text, &n, &ignored) != PR_OK) return false;
    return strstr(text, "sqlx") != NULL;
}

static size_t count(const struct pr_reader *r, bool plain) {
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t digits = 0, len = 0;
        const enum kind k = kind_of(r->files[i].name, &digits, &len);
        if (plain ? k == PLAIN : k == UP || k == DOWN) n++;
    }
    return n;
}

static size_t golang_evidence(const struct pr_reader *r, const char **why) {
    if (is_cargo_sqlx(r)) return 0;
    *why = "files are named N_name.up.sql";
    return count(r, false);
}

/* Plain N_name.sql files are sqlx's unless another tool left its marks; beside N_name.up.sql they are left-overs. */
static size_t sqlx_evidence(const struct pr_reader *r, const char **why) {
    const char *ignored = NULL;
    const bool cargo = is_cargo_sqlx(r);
    *why = cargo ? "Cargo.toml names sqlx" : "files are named N_name.sql and carry no markers";
    if (cargo) return count(r, false) + count(r, true);
    const size_t others = pr_layout_dbmate.evidence(r, &ignored) + pr_layout_goose.evidence(r, &ignored) +
                          pr_layout_drizzle.evidence(r, &ignored) + count(r, false);
    return others > 0 ? 0 : count(r, true);
}

static bool says_no_transaction(const struct pr_file *f) { return pr_starts(f->text, "-- no-transaction"); }

/* The migrations of one version, the newest first: a folder may have tens of thousands. */
struct same { size_t index; struct same *next; };
struct pairs { struct pr_reader *r; struct pr_map by_version; bool sqlx; };

/* Leading zeros do not count. */
static void **same_version(struct pairs *all, const char *version) {
    const char *number = version + strspn(version, "0");
    return pr_map_at(&all->by_version, NULL, number);
}

static struct pr_migration *partner(struct pairs *all, const struct parts *p) {
    struct pr_migration *found = NULL;
    size_t n = 0;
    for (const struct same *s = *same_version(all, p->version); s != NULL; s = s->next) {
        struct pr_migration *m = &all->r->f->migrations[s->index];
        const bool free = p->kind == DOWN ? m->down.path == NULL : m->up.path == NULL;
        if (pr_eq(m->id, p->id) && free) return m;
        n++;
        if (free) found = m;
    }
    /* The runners pair by version alone, whatever the names say. */
    return n == 1 ? found : NULL;
}

static struct pr_migration *add(struct pairs *all, const struct parts *p) {
    struct same *s = PR_NEW(all->r->a, struct same);
    void **first = same_version(all, p->version);
    *s = (struct same){.index = all->r->f->n, .next = *first};
    *first = s;
    return pr_reader_add(all->r, p->version, p->name, p->id);
}

static void take_file(struct pairs *all, struct pr_file *f, const struct parts *p) {
    struct pr_reader *r = all->r;
    const char *shown = pr_reader_shown(r, f->name);
    struct pr_migration *m = partner(all, p);
    if (m == NULL) m = add(all, p);
    const enum pr_tx_rule rule = !all->sqlx ? PR_TX_RULE_PGRAIL : says_no_transaction(f) ? PR_TX_RULE_ALONE : PR_TX_RULE_WRAPPED;
    pr_side_fill(r->a, p->kind == DOWN ? &m->down : &m->up, shown, f->text, f->len, 1, rule);
    if (!pr_eq(m->id, p->id))
        pr_reader_problem(r, "bad-file-name", shown, 0, false, "has the version of %s but another name", m->id);
    if (p->kind != DOWN && !pr_eq(m->id, p->id)) {              /* the up script names the migration */
        m->id = p->id;
        m->name = p->name;
    }
    f->taken = true;
}

static enum pr_code read_pairs(struct pr_reader *r, bool sqlx) {
    struct pairs all = {.r = r, .by_version = {.a = r->a}, .sqlx = sqlx};
    for (size_t i = 0; i < r->n; i++) {
        const struct parts p = take_apart(r->a, r->files[i].name);
        if (p.kind == NOT_OURS || (p.kind == PLAIN && !sqlx)) continue;
        take_file(&all, &r->files[i], &p);
    }
    return PR_OK;
}

static enum pr_code golang_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    return read_pairs(r, false);
}

static enum pr_code sqlx_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    return read_pairs(r, true);
}

const struct pr_layout pr_layout_golang_migrate = {
    .name = "golang-migrate", .numeric = true, .has_down = true, .form = "N_name.up.sql and N_name.down.sql",
    .evidence = golang_evidence, .read = golang_read,
};
const struct pr_layout pr_layout_sqlx = {
    .name = "sqlx", .team = true, .numeric = true, .has_down = true, .form = "N_name.up.sql or N_name.sql",
    .evidence = sqlx_evidence, .read = sqlx_read,
};
