/* new.c: writes the next migration in the folder's own form: version, names, header, the runner's way to do without a
 * transaction. Nothing that is there is ever touched. */
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "project/folder.h"

enum { NAME_CAP = 100 };

static enum pr_code slug(const char *name, struct pr_arena *a, const char **out, struct pr_err *e) {
    struct pr_buf b = {.a = a};
    for (const char *p = name; *p != '\0'; p++) {
        const bool word = isalnum((unsigned char)*p) || *p == '_';
        if (!word && *p != ' ' && *p != '-') {
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "a migration's name is made of letters, digits and _, got \"%s\"", pr_printable(a, name, 80));
            return pr_hint(e, "pgrail new index_unpaid_items");
        }
        const char c = word ? (char)tolower((unsigned char)*p) : '_';
        if (c != '_' || (b.len > 0 && b.text[b.len - 1] != '_')) pr_addn(&b, &c, 1);
    }
    while (b.len > 0 && b.text[b.len - 1] == '_') b.text[--b.len] = '\0';
    if (b.len == 0 || b.len > NAME_CAP) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "a migration's name has 1 to %d letters", NAME_CAP);
        return pr_hint(e, "pgrail new index_unpaid_items");
    }
    *out = pr_buf_text(&b);
    return PR_OK;
}

static enum pr_code check_line(const char *what, const char *text, struct pr_err *e) {
    if (text == NULL) return PR_OK;
    PR_TRY(e, pr_check_utf8(what, text, strlen(text), e));
    for (const char *p = text; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s is one line without control characters", what);
    return PR_OK;
}

/* The digits of a time as YYYYMMDDHHMMSS, from its ISO form. */
static const char *stamp(struct pr_arena *a, int64_t wall_us) {
    struct pr_buf b = {.a = a};
    for (const char *p = pr_iso_time(a, wall_us); *p != '\0'; p++)
        if (isdigit((unsigned char)*p)) pr_addn(&b, p, 1);
    return pr_dupn(a, pr_buf_text(&b), 14);
}

/* "20240102030405" → "2024-01-02-030405", as diesel's own command writes it. */
static const char *diesel_stamp(struct pr_arena *a, const char *s) { return pr_fmt(a, "%.4s-%.2s-%.2s-%s", s, s + 4, s + 6, s + 8); }

static const struct pr_migration *newest(const struct pr_folder *f) {
    for (size_t i = f->n; i > 0; i--)
        if (!f->migrations[i - 1].repeatable) return &f->migrations[i - 1];
    return NULL;
}

/* One more than a run of digits, in the same width. */
static const char *plus_one(struct pr_arena *a, const char *digits) {
    char *next = pr_dup(a, digits);
    size_t i = strlen(next);
    for (; i > 0 && next[i - 1] == '9'; i--) next[i - 1] = '0';
    if (i == 0) return pr_fmt(a, "1%s", next);
    next[i - 1]++;
    return next;
}

/* Timestamps go on as timestamps, sequences as sequences; never below what is there. */
static const char *next_version(const struct pr_folder *f, struct pr_arena *a) {
    const struct pr_migration *last = newest(f);
    const char *now = stamp(a, pr_wall_us());
    const bool diesel = pr_eq(f->layout, "diesel"), stamps = pr_eq(f->layout, "prisma");
    if (last == NULL) return diesel ? diesel_stamp(a, now) : stamps ? now : pr_eq(f->layout, "flyway") ? "1" : "0001";
    const size_t digits = pr_digits(last->version), len = strlen(last->version);
    if (diesel && digits != len) {
        const char *v = diesel_stamp(a, now);
        return strcmp(v, last->version) > 0 ? v : pr_fmt(a, "%.11s%s", last->version, plus_one(a, last->version + 11));
    }
    if (digits != len) return plus_one(a, pr_dupn(a, last->version, digits));       /* flyway's 2.1 → 3 */
    const char *time = len == 14 ? now : len == 10 ? pr_fmt(a, "%" PRId64, pr_wall_us() / 1000000) : NULL;
    const char *next = time != NULL && pr_version_compare(time, last->version) > 0 ? time : plus_one(a, last->version);
    while (pr_backfill_has_version(f, next)) next = plus_one(a, next);
    return next;
}

static void add_header(struct pr_buf *b, const struct pr_new *n, const char *id) {
    pr_addf(b, "-- rationale: %s\n", n->rationale != NULL ? n->rationale : "");
    pr_addf(b, "-- author: %s\n", n->author != NULL ? n->author : "");
    pr_addf(b, "-- grounding: none yet (pgrail ground %s)\n", id);
}

static void add_sql(struct pr_buf *b, const char *sql) {
    if (sql == NULL) return;
    const size_t n = strlen(sql);
    pr_addn(b, sql, n);
    if (n > 0 && sql[n - 1] != '\n') pr_add(b, "\n");
}

/* Does the text have to stand outside a transaction? Text that does not parse is check's business. */
static bool is_outside(const char *sql) {
    if (sql == NULL) return false;
    struct pr_side side = {0};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    pr_side_fill(a, &side, "", sql, strlen(sql), 1, PR_TX_RULE_PGRAIL);
    return pr_side_tx(&side) == PR_TX_EACH;
}

/* goose cuts at semicolons; a statement that holds one inside is fenced. */
static enum pr_code add_goose(struct pr_buf *b, const char *sql, struct pr_err *e) {
    if (sql == NULL) return PR_OK;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(sql, strlen(sql), b->a, &s, e));
    size_t at = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (strchr(s.stmts[i].text, ';') == NULL) continue;
        size_t end = s.stmts[i].offset + s.stmts[i].len;
        end += strcspn(sql + end, ";") + (sql[end + strcspn(sql + end, ";")] == ';');
        pr_addn(b, sql + at, s.stmts[i].offset - at);
        pr_add(b, "-- +goose StatementBegin\n");
        pr_addn(b, sql + s.stmts[i].offset, end - s.stmts[i].offset);
        pr_add(b, "\n-- +goose StatementEnd");
        at = end;
    }
    add_sql(b, sql + at);
    return PR_OK;
}

struct writing {
    struct pr_arena *a;
    const struct pr_folder *f;
    const struct pr_new *n;
    const char *id;
    struct { const char *path, *text; } files[3];              /* of which the first is the up script */
    size_t n_files;
};

static void put(struct writing *w, const char *name, const char *text) {
    w->files[w->n_files].path = pr_fmt(w->a, "%s/%s", w->f->path, name);
    w->files[w->n_files++].text = text;
}

static const char *up_text(const struct writing *w, const char *first_line) {
    struct pr_buf b = {.a = w->a};
    pr_add(&b, first_line);
    add_header(&b, w->n, w->id);
    pr_add(&b, "\n");
    add_sql(&b, w->n->up_sql);
    return pr_buf_text(&b);
}

static const char *down_text(const struct writing *w, const char *first_line) {
    struct pr_buf b = {.a = w->a};
    pr_addf(&b, "%s-- undoes %s\n\n", first_line, w->id);
    add_sql(&b, w->n->down_sql);
    return pr_buf_text(&b);
}

static void plan_pair(struct writing *w, bool sqlx) {
    const char *const mark = "-- no-transaction\n";
    const struct pr_migration *last = newest(w->f);
    const bool plain = sqlx && last != NULL && last->up.path != NULL && !pr_ends(last->up.path, ".up.sql") && w->n->down_sql == NULL;
    put(w, pr_fmt(w->a, plain ? "%s.sql" : "%s.up.sql", w->id), up_text(w, sqlx && is_outside(w->n->up_sql) ? mark : ""));
    if (!plain) put(w, pr_fmt(w->a, "%s.down.sql", w->id), down_text(w, sqlx && is_outside(w->n->down_sql) ? mark : ""));
}

static void plan_dbmate(struct writing *w) {
    struct pr_buf b = {.a = w->a};
    add_header(&b, w->n, w->id);
    pr_addf(&b, "\n-- migrate:up%s\n", is_outside(w->n->up_sql) ? " transaction:false" : "");
    add_sql(&b, w->n->up_sql);
    pr_addf(&b, "\n-- migrate:down%s\n", is_outside(w->n->down_sql) ? " transaction:false" : "");
    add_sql(&b, w->n->down_sql);
    put(w, pr_fmt(w->a, "%s.sql", w->id), pr_buf_text(&b));
}

static enum pr_code plan_goose(struct writing *w, struct pr_err *e) {
    struct pr_buf b = {.a = w->a};
    add_header(&b, w->n, w->id);
    if (is_outside(w->n->up_sql) || is_outside(w->n->down_sql)) pr_add(&b, "-- +goose NO TRANSACTION\n");
    pr_add(&b, "\n-- +goose Up\n");
    PR_TRY(e, add_goose(&b, w->n->up_sql, e));
    pr_add(&b, "\n-- +goose Down\n");
    PR_TRY(e, add_goose(&b, w->n->down_sql, e));
    put(w, pr_fmt(w->a, "%s.sql", w->id), pr_buf_text(&b));
    return PR_OK;
}

static void plan_dirs(struct writing *w, bool diesel) {
    put(w, pr_fmt(w->a, diesel ? "%s/up.sql" : "%s/migration.sql", w->id), up_text(w, ""));
    if (diesel || w->n->down_sql != NULL) put(w, pr_fmt(w->a, "%s/down.sql", w->id), down_text(w, ""));
    if (diesel && (is_outside(w->n->up_sql) || is_outside(w->n->down_sql)))
        put(w, pr_fmt(w->a, "%s/metadata.toml", w->id), "run_in_transaction = false\n");
}

static void plan_flyway(struct writing *w) {
    put(w, pr_fmt(w->a, "%s.sql", w->id), up_text(w, ""));
    if (w->n->down_sql != NULL) put(w, pr_fmt(w->a, "U%s.sql", w->id + 1), down_text(w, ""));
}

static enum pr_code plan(struct writing *w, struct pr_err *e) {
    const char *layout = w->f->layout;
    if (pr_eq(layout, "golang-migrate")) plan_pair(w, false);
    else if (pr_eq(layout, "sqlx")) plan_pair(w, true);
    else if (pr_eq(layout, "dbmate")) plan_dbmate(w);
    else if (pr_eq(layout, "goose")) return plan_goose(w, e);
    else if (pr_eq(layout, "diesel")) plan_dirs(w, true);
    else if (pr_eq(layout, "prisma")) plan_dirs(w, false);
    else if (pr_eq(layout, "flyway")) plan_flyway(w);
    else {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "a %s migration has a snapshot beside it, which %s alone can write", layout, layout);
        return pr_hint(e, "drizzle-kit generate --custom --name=%s, then put the statements into its file", w->n->name);
    }
    return PR_OK;
}

/* A name twice is mostly a command given twice. */
static enum pr_code check_free(const struct pr_folder *f, const char *name, struct pr_err *e) {
    for (size_t i = 0; i < f->n; i++) {
        if (!pr_eq(f->migrations[i].name, name)) continue;
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s has this name already", f->migrations[i].id);
        return pr_hint(e, "edit it, or choose another name");
    }
    return PR_OK;
}

static enum pr_code write_all(const struct writing *w, struct pr_err *e) {
    enum pr_code code = PR_OK;
    size_t done = 0;
    for (; done < w->n_files && code == PR_OK; done++) {
        const char *path = w->files[done].path;
        const size_t dir = (size_t)(strrchr(path, '/') - path);
        code = pr_mkdirs(pr_dupn(w->a, path, dir), 0755, e);
        if (code == PR_OK) code = pr_write_text(path, w->files[done].text, strlen(w->files[done].text), 0644, true, e);
    }
    /* All files or none: what was just written is ours to take back, the one that failed is not. */
    for (size_t i = 0; code != PR_OK && i + 1 < done; i++) (void)unlink(w->files[i].path);
    return code;
}

/* The version that is nth behind one that is there: below the next one, whatever comes after. */
static enum pr_code version_behind(const struct pr_folder *f, const struct pr_migration *m, int nth, struct pr_arena *a, const char **out,
                                   struct pr_err *e) {
    const size_t len = strlen(m->version), digits = len - (len > 6 && pr_digits(m->version) != len ? 6 : len);
    const char *v = pr_eq(f->layout, "flyway") ? pr_fmt(a, "%s.%d", m->version, nth) : m->version;
    for (int i = 0; i < nth && v != NULL && !pr_eq(f->layout, "flyway"); i++) v = pr_fmt(a, "%.*s%s", (int)digits, v, plus_one(a, v + digits));
    const struct pr_migration *next = NULL;
    for (size_t i = 0; i < f->n; i++) {
        const struct pr_migration *x = &f->migrations[i];
        if (x->repeatable || pr_version_compare(x->version, m->version) <= 0) continue;
        if (next == NULL || pr_version_compare(x->version, next->version) < 0) next = x;
    }
    if (next != NULL && pr_version_compare(v, next->version) >= 0)
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s follows directly: there is no number between them", next->id);
    *out = v;
    return PR_OK;
}

static enum pr_code plan_files(struct writing *w, struct pr_new *clean, const char *version, struct pr_err *e) {
    struct pr_arena *a = w->a;
    PR_TRY(e, slug(w->n->name, a, &clean->name, e));
    PR_TRY(e, check_line("the rationale", clean->rationale, e));
    PR_TRY(e, check_line("the author", clean->author, e));
    if (clean->up_sql != NULL) PR_TRY(e, pr_check_utf8("the up script", clean->up_sql, strlen(clean->up_sql), e));
    if (clean->down_sql != NULL) PR_TRY(e, pr_check_utf8("the down script", clean->down_sql, strlen(clean->down_sql), e));
    PR_TRY(e, check_free(w->f, clean->name, e));
    w->id = pr_eq(w->f->layout, "flyway") ? pr_fmt(a, "V%s__%s", version, clean->name) : pr_fmt(a, "%s_%s", version, clean->name);
    w->n = clean;
    return plan(w, e);
}

enum pr_code pr_migration_plan(const struct pr_folder *f, const struct pr_migration *after, int nth, const struct pr_new *n, struct pr_arena *a,
                               struct pr_change *out, size_t *n_out, const char **id, struct pr_err *e) {
    struct pr_new clean = *n;
    struct writing w = {.a = a, .f = f, .n = n};
    const char *version = NULL;
    PR_TRY(e, version_behind(f, after, nth, a, &version, e));
    PR_TRY(e, plan_files(&w, &clean, version, e));
    for (size_t i = 0; i < w.n_files; i++) out[i] = (struct pr_change){.path = w.files[i].path, .text = w.files[i].text, .len = strlen(w.files[i].text)};
    *n_out = w.n_files;
    *id = w.id;
    return PR_OK;
}

enum pr_code pr_migration_new(const struct pr_folder *f, const struct pr_new *n, struct pr_arena *a, const char **up_path,
                              const char **down_path, struct pr_err *e) {
    struct pr_new clean = *n;
    struct writing w = {.a = a, .f = f, .n = n};
    PR_TRY(e, plan_files(&w, &clean, next_version(f, a), e));
    PR_TRY(e, write_all(&w, e));
    *up_path = w.files[0].path;
    *down_path = w.n_files > 1 && !pr_ends(w.files[1].path, ".toml") ? w.files[1].path : NULL;
    return PR_OK;
}
