#include "rules/rules.h"

#include "crypt/crypt.h"

/* What a finding is about, whatever line it stands on. Hashing a text is linear; the statement is cut at 64 kB, so that twenty
 * thousand findings in one statement of megabytes stay cheap. */
enum { STATEMENT_BYTES = 64 << 10 };

static bool is_blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f' || ch == '\v'; }

/* A text with each run of blanks made one. */
static const char *folded(struct pr_arena *a, const char *s, size_t n) {
    char *out = pr_alloc(a, n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        const bool blank = is_blank(s[i]);
        if (blank && (len == 0 || out[len - 1] == ' ')) continue;
        out[len++] = blank ? ' ' : s[i];
    }
    while (len > 0 && out[len - 1] == ' ') len--;
    out[len] = '\0';
    return out;
}

static const char *statement_hash(const struct pr_script *s, int index, struct pr_arena *a) {
    if (index < 0 || (size_t)index >= s->n) return "";
    const struct pr_stmt *st = &s->stmts[index];
    return pr_sha256_text(a, folded(a, s->text + st->offset, st->len < STATEMENT_BYTES ? st->len : STATEMENT_BYTES));
}

enum { PARTS = 5 };

static const char *key_of(struct pr_arena *a, const char *const parts[PARTS]) {
    size_t lens[PARTS], all = 0;
    for (int i = 0; i < PARTS; i++) all += (lens[i] = strlen(parts[i])) + 1;
    char *key = pr_alloc_bytes(a, all), *to = key;
    for (int i = 0; i < PARTS; i++) {
        memcpy(to, parts[i], lens[i]);
        to += lens[i];
        *to++ = i + 1 < PARTS ? '\n' : '\0';
    }
    return key;
}

struct keyed { const char *key; size_t index; };

static int by_key(const void *x, const void *y) {
    const struct keyed *a = x, *b = y;
    const int c = strcmp(a->key, b->key);
    return c != 0 ? c : a->index < b->index ? -1 : a->index > b->index ? 1 : 0;
}

void pr_fingerprints(const struct pr_script *script, bool is_down, struct pr_findings *findings) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct keyed *keys = PR_NEW_ARRAY(a, struct keyed, findings->n + 1);
    const char *hash = "";
    int hashed = -1;
    size_t n = 0;
    for (size_t i = 0; i < findings->n; i++) {
        const struct pr_finding *f = &findings->items[i];
        if (f->fingerprint != NULL) continue;
        if (f->stmt != hashed) hash = statement_hash(script, f->stmt, a);
        hashed = f->stmt;
        const size_t len = f->len < 200 ? f->len : 200, room = script->len - f->offset;
        const char *place = folded(a, script->text + f->offset, len < room ? len : room);
        keys[n++] = (struct keyed){.key = key_of(a, (const char *const[]){f->rule, is_down ? "down" : "up", f->path != NULL ? f->path : "", hash, place}), .index = i};
    }
    if (n > 1) qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 0, nth = 0; i < n; i++) {
        nth = i > 0 && pr_eq(keys[i].key, keys[i - 1].key) ? nth + 1 : 0;
        const char *const parts[] = {keys[i].key, pr_fmt(a, "\n%zu", nth)};
        const char *text = pr_sha256_parts(a, parts, (const size_t[]){strlen(parts[0]), strlen(parts[1])}, 2);
        findings->items[keys[i].index].fingerprint = pr_dupn(findings->a, text, 32);
    }
}
