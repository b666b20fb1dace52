#include <ctype.h>

#include "base/base.h"

char *pr_dupn(struct pr_arena *a, const char *s, size_t n) {
    char *p = pr_alloc_text(a, n + 1);
    if (n > 0) memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *pr_dup(struct pr_arena *a, const char *s) { return s == NULL ? NULL : pr_dupn(a, s, strlen(s)); }

static char *vfmt(struct pr_arena *a, const char *fmt, va_list ap) PR_FORMAT(2, 0);
static char *vfmt(struct pr_arena *a, const char *fmt, va_list ap) {
    char small[256];                                        /* most are: then one pass is enough */
    va_list again;
    va_copy(again, ap);
    const int n = vsnprintf(small, sizeof small, fmt, ap);
    PR_ASSERT(n >= 0);
    char *p = (size_t)n < sizeof small ? pr_dupn(a, small, (size_t)n) : pr_alloc_text(a, (size_t)n + 1);
    if ((size_t)n >= sizeof small) (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *pr_fmt(struct pr_arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *p = vfmt(a, fmt, ap);
    va_end(ap);
    return p;
}

/* Room for n more bytes and the NUL; false when that is over the cap. */
static bool make_room(struct pr_buf *b, size_t n) {
    const size_t cap = b->cap == 0 ? PR_CAP_FILE : b->cap;
    if (b->over || n > cap - b->len) {
        b->over = true;
        return false;
    }
    if (b->len + n + 1 <= b->room) return true;
    size_t room = b->room == 0 ? 256 : b->room;
    while (room < b->len + n + 1) room *= 2;
    char *bigger = pr_alloc_text(b->a, room);
    if (b->len > 0) memcpy(bigger, b->text, b->len);
    b->text = bigger;
    b->room = room;
    return true;
}

void pr_addn(struct pr_buf *b, const char *s, size_t n) {
    if (!make_room(b, n)) return;
    memcpy(b->text + b->len, s, n);
    b->len += n;
    b->text[b->len] = '\0';
}

void pr_add(struct pr_buf *b, const char *s) { pr_addn(b, s, strlen(s)); }

void pr_addf(struct pr_buf *b, const char *fmt, ...) {
    const size_t left = b->room - b->len;                   /* what there is may be enough */
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(left > 0 ? b->text + b->len : NULL, left, fmt, ap);
    va_end(ap);
    PR_ASSERT(n >= 0);
    const bool fits = (size_t)n < left;
    if (!make_room(b, (size_t)n)) {
        if (left > 0) b->text[b->len] = '\0';
        return;
    }
    if (!fits) {
        va_start(ap, fmt);
        (void)vsnprintf(b->text + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    b->len += (size_t)n;
}

const char *pr_buf_text(struct pr_buf *b) { return b->text == NULL ? "" : b->text; }

bool pr_eq(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

bool pr_eq_nocase(const char *a, const char *b) {
    if (a == NULL || b == NULL) return a == b;
    while (*a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b)) a++, b++;
    return tolower((unsigned char)*a) == tolower((unsigned char)*b);
}

bool pr_starts(const char *s, const char *prefix) { return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0; }

bool pr_ends(const char *s, const char *suffix) {
    if (s == NULL) return false;
    const size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

static const char *trimmed(struct pr_arena *a, const char *s, size_t n) {
    while (n > 0 && isspace((unsigned char)s[0])) s++, n--;
    while (n > 0 && isspace((unsigned char)s[n - 1])) n--;
    return pr_dupn(a, s, n);
}

const char *pr_trim(struct pr_arena *a, const char *s) { return trimmed(a, s, strlen(s)); }

int pr_by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

size_t pr_split(struct pr_arena *a, const char *s, char sep, const char ***items) {
    const char **list = NULL;
    size_t n = 0, cap = 0;
    for (const char *from = s;;) {
        const char *to = strchr(from, sep);
        const size_t len = to == NULL ? strlen(from) : (size_t)(to - from);
        *PR_PUSH(a, list, n, cap) = trimmed(a, from, len);
        if (to == NULL) break;
        from = to + 1;
    }
    *items = list;
    return n;
}

void pr_line_col(const char *text, size_t offset, int *line, int *col) {
    int l = 1, c = 1;
    for (size_t i = 0; i < offset && text[i] != '\0'; i++) {
        if (text[i] == '\n') l++, c = 1;
        else if (((unsigned char)text[i] & 0xC0) != 0x80) c++;
    }
    *line = l;
    *col = c;
}
