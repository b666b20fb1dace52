/* file.c: NNNN_name.backfill.sql: a header of "-- key: value" lines, then one statement as a person would write it for the whole table. */
#include "sql/nodes.h"

#include "backfill/impl.h"
#include "crypt/crypt.h"

enum { MAX_KEYS = 32 };
static const char suffix[] = ".backfill.sql";

static const struct pr_bf_setting settings[] = {
    {"rationale", "text", NULL, "why the rows change"},
    {"author", "name", NULL, "who answers for it"},
#define X(FIELD, KEY, FORM, LEAST, MOST, FALLBACK, EXPECTED, HELP) {KEY, EXPECTED, FALLBACK, HELP},
    PR_BF_TUNABLES(X)
#undef X
    {"way", "auto, strided, key or blocks", "auto", "order in which the rows are changed"},
    {"key", "column, column", NULL, "unique columns to walk along; by default the primary key"},
    {"triggers", "fire", NULL, "it is meant that triggers and cascades write to other tables"},
    {"verify", "SELECT …", NULL, "a query that gives no row, or one row true, when all is well; may repeat"},
    {"compare", "expression = expression", NULL, "old and new value of a row, compared by count, sum and row; may repeat"},
};

const struct pr_bf_setting *pr_bf_settings(size_t *n) {
    *n = PR_COUNT(settings);
    return settings;
}

/* --- the lines --- */

struct line { const char *key, *value; int line; };
struct header { struct pr_arena *a; const char *shown; struct line *lines; size_t n, cap; };

/* "key: …" → length of the key: one word in lower case and dashes; 0 for a remark. */
static size_t key_length(const char *s) {
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return n > 0 && s[n] == ':' && (s[n + 1] == ' ' || s[n + 1] == '\0' || s[n + 1] == '\t') ? n : 0;
}

static void add_line(struct header *h, const char *text, int line, bool *open) {
    struct pr_arena *a = h->a;
    const size_t marks = strspn(text, "- \t");
    const bool more = marks >= 4 && strncmp(text, "--", 2) == 0 && strspn(text + 2, " \t") >= 2;        /* "--   …" goes on with the line above */
    if (more && *open) {
        struct line *last = &h->lines[h->n - 1];
        last->value = pr_trim(a, pr_fmt(a, "%s %s", last->value, pr_trim(a, text + 2)));
        return;
    }
    const char *word = text + 2 + strspn(text + 2, " \t");
    const size_t n = key_length(word);
    *open = n > 0;
    if (n == 0) return;
    *PR_PUSH(a, h->lines, h->n, h->cap) = (struct line){.key = pr_dupn(a, word, n), .value = pr_trim(a, word + n + 1), .line = line};
}

/* Comment lines at the top, blank ones between them. */
static void read_header(struct header *h, const char *text, size_t len) {
    bool open = false;
    int line = 1;
    size_t at = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (; at < len; line++) {
        const char *nl = memchr(text + at, '\n', len - at);
        const size_t end = nl != NULL ? (size_t)(nl - text) : len;
        const char *one = pr_trim(h->a, pr_dupn(h->a, text + at, end - at));
        if (one[0] != '\0' && !pr_starts(one, "--")) return;
        if (one[0] != '\0') add_line(h, one, line, &open);
        else open = false;
        at = end + 1;
    }
}

/* --- values --- */

static enum pr_code expected(const struct header *h, const struct line *l, struct pr_err *e) {
    const char *form = "";
    for (size_t i = 0; i < PR_COUNT(settings); i++)
        if (pr_eq(settings[i].key, l->key)) form = settings[i].form;
    return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s: expected %s, got \"%s\"", h->shown, l->line, l->key, form, pr_printable(h->a, l->value, 60));
}

/* Whether the key is one of those that say how it runs. */
static enum pr_code take_tunable(const struct header *h, const struct line *l, struct pr_bf_tuning *t, bool *is_one, struct pr_err *e) {
    struct pr_err ignored = {0};
    for (size_t i = 0; i < pr_n_bf_tunables; i++) {
        if (!pr_eq(l->key, pr_bf_tunables[i].key)) continue;
        *is_one = true;
        return pr_bf_value(&pr_bf_tunables[i], l->value, pr_bf_tuning_at(t, i), &ignored) == PR_OK ? PR_OK : expected(h, l, e);
    }
    return PR_OK;
}

static enum pr_code take_way(const struct header *h, const struct line *l, enum pr_bf_way *out, struct pr_err *e) {
    for (int w = 0; w < PR_BF_WAY_COUNT; w++) {
        if (!pr_eq(l->value, pr_bf_way_name((enum pr_bf_way)w))) continue;
        *out = (enum pr_bf_way)w;
        return PR_OK;
    }
    return expected(h, l, e);
}

/* A column as SQL has it: folded unless quoted. */
static const char *column_name(struct pr_arena *a, const char *text) {
    const size_t n = strlen(text);
    if (n > 2 && text[0] == '"' && text[n - 1] == '"') {
        struct pr_buf b = {.a = a};
        for (size_t i = 1; i + 1 < n; i++) {
            pr_addn(&b, text + i, 1);
            if (text[i] == '"' && text[i + 1] == '"' && i + 2 < n) i++;
        }
        return pr_buf_text(&b);
    }
    char *name = pr_dup(a, text);
    for (char *p = name; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    return name;
}

static enum pr_code take_keys(const struct header *h, const struct line *l, struct pr_bf_file *f, struct pr_err *e) {
    const char **items = NULL;
    const size_t n = pr_split(h->a, l->value, ',', &items);
    for (size_t i = 0; i < n; i++)
        if (items[i][0] == '\0' || n > MAX_KEYS) return expected(h, l, e);
    for (size_t i = 0; i < n; i++) items[i] = column_name(h->a, items[i]);
    f->keys = items;
    f->n_keys = n;
    return PR_OK;
}

/* Parses a text of the header; what the grammar says stands in the error. */
static enum pr_code parse_value(const struct header *h, const struct line *l, const char *sql, struct pr_script *s, struct pr_err *e) {
    PR_TRY(e, pr_script_parse(sql, strlen(sql), h->a, s, e));
    for (size_t i = 0; i < s->n; i++)
        if (s->stmts[i].node == NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s: %s", h->shown, l->line, l->key, s->stmts[i].problem != NULL ? s->stmts[i].problem : "cannot be read");
    return s->n == 1 ? PR_OK : expected(h, l, e);
}

static enum pr_code take_verify(const struct header *h, const struct line *l, struct pr_bf_file *f, size_t *cap, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, parse_value(h, l, l->value, &s, e));
    const SelectStmt *q = pr_as(SelectStmt, (const Node *)s.stmts[0].node);
    if (q == NULL || q->intoClause != NULL || bf_writes(q->withClause)) return expected(h, l, e);
    *PR_PUSH(h->a, f->verify, f->n_verify, *cap) = (struct pr_bf_verify){.sql = pr_dup(h->a, s.stmts[0].text), .line = l->line};
    return PR_OK;
}

static enum pr_code take_compare(const struct header *h, const struct line *l, struct pr_bf_file *f, size_t *cap, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, parse_value(h, l, pr_fmt(h->a, "SELECT %s", l->value), &s, e));
    const SelectStmt *q = pr_as(SelectStmt, (const Node *)s.stmts[0].node);
    if (q == NULL || list_length(q->targetList) != 1 || q->fromClause != NIL || q->whereClause != NULL) return expected(h, l, e);
    const A_Expr *x = pr_as(A_Expr, pr_cast(ResTarget, linitial(q->targetList))->val);
    if (x == NULL || x->kind != AEXPR_OP || x->lexpr == NULL || !pr_eq(strVal(llast(x->name)), "=")) return expected(h, l, e);
    struct pr_bf_compare c = {.line = l->line};
    PR_TRY(e, bf_expression(x->lexpr, h->a, &c.was, e));
    PR_TRY(e, bf_expression(x->rexpr, h->a, &c.is, e));
    *PR_PUSH(h->a, f->compare, f->n_compare, *cap) = c;
    return PR_OK;
}

static enum pr_code unknown_key(const struct header *h, const struct line *l, struct pr_err *e) {
    const char *names[PR_COUNT(settings)];
    for (size_t i = 0; i < PR_COUNT(settings); i++) names[i] = settings[i].key;
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: unknown key \"%s\" in the header", h->shown, l->line, pr_printable(h->a, l->key, 40));
    const char *near = pr_nearest(l->key, names, PR_COUNT(names));
    if (near != NULL) return pr_hint(e, "did you mean %s?", near);
    struct pr_buf b = {.a = h->a};
    for (size_t i = 0; i < PR_COUNT(settings); i++) pr_addf(&b, "%s%s", i > 0 ? ", " : "", names[i]);
    return pr_hint(e, "known are %s; a remark has no colon behind its first word", pr_buf_text(&b));
}

struct caps { size_t verify, compare; };

static enum pr_code take(const struct header *h, const struct line *l, struct pr_bf_file *f, struct caps *caps, struct pr_err *e) {
    bool tunable = false;
    PR_TRY(e, take_tunable(h, l, &f->tuning, &tunable, e));
    if (tunable || pr_eq(l->key, "grounding")) return PR_OK;
    if (pr_eq(l->key, "rationale")) f->rationale = l->value;
    else if (pr_eq(l->key, "author")) f->author = l->value;
    else if (pr_eq(l->key, "way")) return take_way(h, l, &f->way, e);
    else if (pr_eq(l->key, "key")) return take_keys(h, l, f, e);
    else if (pr_eq(l->key, "verify")) return take_verify(h, l, f, &caps->verify, e);
    else if (pr_eq(l->key, "compare")) return take_compare(h, l, f, &caps->compare, e);
    else if (!pr_eq(l->key, "triggers")) return unknown_key(h, l, e);
    else if (!pr_eq(l->value, "fire")) return expected(h, l, e);
    else f->triggers_fire = true;
    return PR_OK;
}

static enum pr_code once(const struct header *h, size_t i, struct pr_err *e) {
    const struct line *l = &h->lines[i];
    if (pr_eq(l->key, "verify") || pr_eq(l->key, "compare")) return PR_OK;
    for (size_t k = 0; k < i; k++)
        if (pr_eq(h->lines[k].key, l->key)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s is in the header twice, first in line %d", h->shown, l->line, l->key, h->lines[k].line);
    return PR_OK;
}

/* --- the statement --- */

static enum pr_code take_statement(struct pr_bf_file *f, struct pr_err *e) {
    const struct pr_script *s = &f->script;
    if (s->n == 0) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: no statement", f->path);
        return pr_hint(e, "write the UPDATE, DELETE or INSERT … SELECT for the whole table below the header");
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct pr_stmt *st = &s->stmts[i];
        if (st->node == NULL) return PR_FAIL(e, PR_ERR_PARSE, "%s:%d: %s", f->path, st->problem_line > 0 ? st->problem_line : st->line, st->problem != NULL ? st->problem : "not a statement");
    }
    if (s->n > 1) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: a second statement (%s): a backfill is exactly one", f->path, s->stmts[1].line, s->stmts[1].tag);
        return pr_hint(e, "give it a .backfill.sql file of its own");
    }
    const Node *n = s->stmts[0].node;
    if (!IsA(n, UpdateStmt) && !IsA(n, DeleteStmt) && !IsA(n, InsertStmt)) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s is no statement that can be taken apart", f->path, s->stmts[0].line, s->stmts[0].tag);
        return pr_hint(e, "a backfill is one UPDATE, DELETE or INSERT … SELECT; schema changes belong in the migration");
    }
    f->stmt = &s->stmts[0];
    return PR_OK;
}

static void name_it(struct pr_bf_file *f, struct pr_arena *a) {
    const char *slash = strrchr(f->path, '/');
    const char *base = slash != NULL ? slash + 1 : f->path;
    const size_t len = strlen(base);
    const size_t cut = pr_ends(base, suffix) ? sizeof suffix - 1 : pr_ends(base, ".sql") ? 4 : 0;
    f->id = pr_dupn(a, base, len - cut);
    const size_t digits = strspn(f->id, "0123456789");
    const bool numbered = digits > 0 && f->id[digits] == '_';
    f->version = numbered ? pr_dupn(a, f->id, digits) : NULL;
    f->name = numbered ? f->id + digits + 1 : f->id;
}

enum pr_code pr_bf_file_parse(const char *shown, const char *text, size_t len, struct pr_arena *a, struct pr_bf_file *out, struct pr_err *e) {
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {
        .path = pr_dup(a, shown), .text = text, .len = len, .tuning = pr_bf_tuning_fallback()};
    PR_TRY(e, pr_check_utf8(shown, text, len, e));
    name_it(&f, a);
    f.sha256 = pr_sha256(a, text, len);
    struct header h = {.a = a, .shown = f.path};
    struct caps caps = {0};
    read_header(&h, text, len);
    for (size_t i = 0; i < h.n; i++) {
        PR_TRY(e, once(&h, i, e));
        PR_TRY(e, take(&h, &h.lines[i], &f, &caps, e));
    }
    PR_TRY(e, pr_script_parse(text, len, a, &f.script, e));
    PR_TRY(e, take_statement(&f, e));
    *out = f;
    f.script = (struct pr_script){0};                       /* handed over */
    return PR_OK;
}

enum pr_code pr_bf_file_read(const char *path, const char *root, struct pr_arena *a, struct pr_bf_file *out, struct pr_err *e) {
    const char *text = NULL;
    size_t len = 0;
    PR_TRY(e, pr_read_text(a, path, PR_CAP_SQL, &text, &len, e));
    const size_t n = root != NULL ? strlen(root) : 0;
    const bool below = n > 0 && strncmp(path, root, n) == 0 && path[n] == '/';
    return pr_bf_file_parse(below ? path + n + 1 : path, text, len, a, out, e);
}

void pr_bf_file_done(struct pr_bf_file *f) {
    pr_script_done(&f->script);
    f->stmt = NULL;
}
