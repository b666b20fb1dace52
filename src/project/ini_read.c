/* ini_read.c: the only file that includes inih. inih splits lines longer than its buffer, takes indented lines for
 * continuations and gives no line numbers to a reader of strings; the line feeder here sees every line first and settles
 * all three. Source https://github.com/benhoyt/inih */
#include <ctype.h>
#include <ini.h>

#include "project/config.h"

enum { NAME_MAX_BYTES = 160 };

struct reading {
    struct pr_arena *a;
    const char *shown, *at;        /* name of the file; the rest of the text */
    int line;
    struct pr_ini ini;
    size_t cap, heading_cap;
    struct pr_err *e;
    bool failed;
};

static const char *past_blanks(const char *s) {
    while (*s == ' ' || *s == '\t') s++;
    return s;
}

static void fail(struct reading *r, const char *message, const char *hint) {
    if (r->failed) return;
    r->failed = true;
    (void)PR_FAIL(r->e, PR_ERR_CONFIG, "%s:%d: %s", r->shown, r->line, message);
    if (hint != NULL) (void)pr_hint(r->e, "%s", hint);
}

/* "[environment production]" → "environment" and "production". inih's own copy of the name, which it cuts, is not used. */
static void heading(struct reading *r, const char *line) {
    const char *from = line + 1;
    const char *to = strchr(from, ']');
    if (to == NULL) return;                                    /* inih calls it a syntax error */
    if (to - from > NAME_MAX_BYTES) {
        fail(r, pr_fmt(r->a, "the section's name is longer than %d bytes", NAME_MAX_BYTES), NULL);
        return;
    }
    const char *name = pr_trim(r->a, pr_dupn(r->a, from, (size_t)(to - from)));
    struct pr_heading *h = PR_PUSH(r->a, r->ini.headings, r->ini.n_headings, r->heading_cap);
    const size_t word = strcspn(name, " \t");
    h->section = pr_dupn(r->a, name, word);
    h->name = name[word] == '\0' ? NULL : pr_trim(r->a, name + word);
    h->line = r->line;
}

static char *next_line(char *to, int room, void *ctx) {
    struct reading *r = ctx;
    if (r->failed || *r->at == '\0') return NULL;
    const size_t whole = strcspn(r->at, "\n");
    const char *line = pr_dupn(r->a, r->at, whole);
    r->at += whole + (r->at[whole] == '\n');
    r->line++;
    if (r->line == 1 && pr_starts(line, "\xEF\xBB\xBF")) line += 3;
    line = past_blanks(line);
    if (pr_looks_secret(line))
        fail(r, "a password in the configuration: refused",
             "name a libpq service (service = …) and keep the password in ~/.pgpass or pg_service.conf, out of the repository");
    if (*line == ';' || *line == '#') line = "";
    if (*line == '[') heading(r, line);
    const size_t n = strlen(line);
    if (n + 3 > (size_t)room) fail(r, pr_fmt(r->a, "the line is longer than %d bytes", room - 3), "put comments on lines of their own");
    if (r->failed) return NULL;
    memcpy(to, line, n);
    memcpy(to + n, "\n", 2);
    return to;
}

static int take(void *ctx, const char *section, const char *name, const char *value) {
    struct reading *r = ctx;
    (void)section;
    if (r->ini.n_headings == 0) {
        fail(r, pr_fmt(r->a, "\"%s\" stands before the first [section]", pr_printable(r->a, name, 40)), NULL);
        return 1;
    }
    const struct pr_heading *h = &r->ini.headings[r->ini.n_headings - 1];
    *PR_PUSH(r->a, r->ini.entries, r->ini.n, r->cap) = (struct pr_entry){.section = h->section, .name = h->name,
        .key = pr_dup(r->a, name), .value = pr_dup(r->a, value), .line = r->line};
    return 1;
}

enum pr_code pr_ini_read(const char *shown, const char *text, struct pr_arena *a, struct pr_ini *out, struct pr_err *e) {
    struct reading r = {.a = a, .shown = shown, .at = text, .e = e};
    const int bad = ini_parse_stream(next_line, &r, take, &r);
    if (r.failed) return e->code;
    if (bad != 0) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: expected [section] or key = value", shown, bad);
        return pr_hint(e, "a comment begins with ;");
    }
    *out = r.ini;
    return PR_OK;
}
