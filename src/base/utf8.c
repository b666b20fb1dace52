#include "base/base.h"

/* Length of the well-formed UTF-8 sequence at s (n bytes left), 0 when there is none. Unicode 15, table 3-7. */
static size_t sequence(const unsigned char *s, size_t n, uint32_t *code) {
    static const struct { unsigned char lo, hi, lo2, hi2; size_t len; } forms[] = {
        {0x00, 0x7F, 0, 0, 1},          {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3},    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4},    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t f = 0; f < PR_COUNT(forms); f++) {
        if (s[0] < forms[f].lo || s[0] > forms[f].hi || n < forms[f].len) continue;
        if (forms[f].len == 1) {
            *code = s[0];
            return 1;
        }
        if (s[1] < forms[f].lo2 || s[1] > forms[f].hi2) return 0;
        uint32_t c = s[0] & (0xFFu >> (forms[f].len + 1));
        for (size_t i = 1; i < forms[f].len; i++) {
            if ((s[i] & 0xC0) != 0x80) return 0;
            c = c << 6 | (s[i] & 0x3F);
        }
        *code = c;
        return forms[f].len;
    }
    return 0;
}

size_t pr_plain_bytes(const char *s, size_t n) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, s + i, sizeof w);
        if (((w | (w - ones)) & highs) != 0) break;
    }
    while (i < n && s[i] > 0) i++;
    return i;
}

static int64_t newlines(const unsigned char *s, size_t n) {
    int64_t lines = 0;
    for (size_t i = 0; i < n; i++) lines += s[i] == '\n';
    return lines;
}

enum pr_code pr_check_utf8(const char *what, const char *bytes, size_t n, struct pr_err *e) {
    const unsigned char *s = (const unsigned char *)bytes;
    for (size_t i = pr_plain_bytes(bytes, n); i < n;) {
        uint32_t code = 0;
        const size_t len = sequence(s + i, n - i, &code);
        if (len == 0) {
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: line %" PRId64 ": not UTF-8 at byte %zu (0x%02X)", what, 1 + newlines(s, i), i, s[i]);
            const bool marked = i == 0 && n >= 2 && ((s[0] == 0xFF && s[1] == 0xFE) || (s[0] == 0xFE && s[1] == 0xFF));
            return pr_hint(e, "is it a text file? convert it with: iconv -f %s -t UTF-8", marked ? "UTF-16" : "WINDOWS-1252");
        }
        if (code == 0) {
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: line %" PRId64 ": a NUL byte at byte %zu, which would hide what follows it", what, 1 + newlines(s, i), i);
            return pr_hint(e, "is it a text file? UTF-16 is converted with: iconv -f UTF-16 -t UTF-8");
        }
        i += len;
        i += pr_plain_bytes(bytes + i, n - i);
    }
    return PR_OK;
}

/* Characters that change how text looks without being seen: controls, bidi overrides, zero width. */
static bool hidden(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* Bytes from s on, at most n, that are seen as they are. */
static size_t seen_bytes(const unsigned char *s, size_t n) {
    size_t i = 0;
    while (i < n && s[i] >= 0x20 && s[i] < 0x7F) i++;
    return i;
}

const char *pr_printable(struct pr_arena *a, const char *s, size_t max_chars) {
    struct pr_buf b = {.a = a};
    const unsigned char *u = (const unsigned char *)s;
    const size_t n = strlen(s);
    size_t chars = 0;
    for (size_t i = 0; i < n; chars++) {
        if (chars == max_chars) {
            pr_add(&b, "…");
            break;
        }
        const size_t seen = seen_bytes(u + i, n - i < max_chars - chars ? n - i : max_chars - chars);
        if (seen > 0) {
            pr_addn(&b, s + i, seen);
            i += seen;
            chars += seen - 1;
            continue;
        }
        uint32_t c = 0;
        const size_t len = sequence(u + i, n - i, &c);
        if (len == 0 || (hidden(c) && c < 0x100)) pr_addf(&b, "\\x%02X", len == 0 ? u[i] : (unsigned)c);
        else if (hidden(c)) pr_addf(&b, "\\u{%04X}", (unsigned)c);
        else pr_addn(&b, s + i, len);
        i += len == 0 ? 1 : len;
    }
    return pr_buf_text(&b);
}
