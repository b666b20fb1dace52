/* layout_pairs.c: one file per side: golang-migrate and sqlx (N_name.up.sql), sqlx's plain N_name.sql.
 * Sources golang-migrate source/parse.go, sqlx sqlx-core/src/migrate/source.rs. */
#include "project/folder.h"

enum kind { NOT_OURS, UP, DOWN, PLAIN };

/* "0247_index_unpaid.up.sql" → version, name, kind. */
struct parts { const char *version, *name, *id; enum kind kind; };

static struct parts take_apart(struct pr_arena *a, const char *file) {
    struct parts p = {.kind = NOT_OURS};
    const size_t digits = pr_digits(file);
    if (digits == 0 || digits > 19 || file[digits] != '_' || strchr(file, '/') != NULL || !pr_ends(file, ".sql")) return p;
    const char *suffix = pr_ends(file, ".up.sql") ? ".up.sql" : pr_ends(file, ".down.sql") ? ".down.sql" : ".sql";
    const size_t len = strlen(file) - strlen(suffix);
    if (len <= digits + 1) return p;
    p.kind = pr_eq(suffix, ".up.sql") ? UP : pr_eq(suffix, ".down.sql") ? DOWN : PLAIN;
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
        const enum kind k = take_apart(r->a, r->files[i].name).kind;
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

static struct pr_migration *partner(const struct pr_reader *r, const struct parts *p) {
    struct pr_migration *same_version = NULL;
    size_t n = 0;
    for (size_t i = r->f->n; i > 0; i--) {
        struct pr_migration *m = &r->f->migrations[i - 1];
        const bool free = p->kind == DOWN ? m->down.path == NULL : m->up.path == NULL;
        if (pr_eq(m->id, p->id) && free) return m;
        if (pr_version_compare(m->version, p->version) != 0) continue;
        n++;
        if (free) same_version = m;
    }
    /* The runners pair by version alone, whatever the names say. */
    return n == 1 ? same_version : NULL;
}

static void take_file(struct pr_reader *r, struct pr_file *f, const struct parts *p, bool sqlx) {
    const char *shown = pr_reader_shown(r, f->name);
    struct pr_migration *m = partner(r, p);
    if (m == NULL) m = pr_reader_add(r, p->version, p->name, p->id);
    const enum pr_tx_rule rule = !sqlx ? PR_TX_RULE_PGRAIL : says_no_transaction(f) ? PR_TX_RULE_ALONE : PR_TX_RULE_WRAPPED;
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
    for (size_t i = 0; i < r->n; i++) {
        const struct parts p = take_apart(r->a, r->files[i].name);
        if (p.kind == NOT_OURS || (p.kind == PLAIN && !sqlx)) continue;
        take_file(r, &r->files[i], &p, sqlx);
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
