/* mask.c: the pattern of a text, which tells its form and not what it says. */
#include <wctype.h>

#include "profile/impl.h"

#define MOST_CHARS 64

enum kind { UPPER, LOWER, LETTER, DIGIT, BLANK, SIGN, OTHER };

/* One well-formed character of UTF-8 at s; its bytes are taken as Latin-1 where it is none. */
static size_t decode(const unsigned char *s, wint_t *c) {
    const size_t len = s[0] < 0x80 ? 1 : (s[0] & 0xE0) == 0xC0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : (s[0] & 0xF8) == 0xF0 ? 4 : 1;
    *c = len == 1 ? s[0] : s[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) return i;
        *c = *c << 6 | (s[i] & 0x3F);
    }
    return len;
}

static enum kind kind_of(wint_t c, locale_t utf8) {
    if (c >= 'A' && c <= 'Z') return UPPER;
    if (c >= 'a' && c <= 'z') return LOWER;
    if (c >= '0' && c <= '9') return DIGIT;
    if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0) return BLANK;
    if (c > ' ' && c < 0x7F) return SIGN;
    if (c < 0x80 || utf8 == (locale_t)0) return OTHER;
    if (iswupper_l(c, utf8) != 0) return UPPER;
    if (iswlower_l(c, utf8) != 0) return LOWER;
    return iswalpha_l(c, utf8) != 0 ? LETTER : OTHER;
}

static void put(struct pr_buf *b, enum kind kind, int n, char sign) {
    switch (kind) {
    case UPPER: pr_add(b, n > 1 ? "A+" : "A"); return;
    case LOWER: pr_add(b, n > 1 ? "a+" : "a"); return;
    case LETTER: pr_add(b, n > 1 ? "x+" : "x"); return;
    case DIGIT:
        if (n > 1) pr_addf(b, "9{%d}", n);
        else pr_add(b, "9");
        return;
    case BLANK: pr_add(b, " "); return;
    case SIGN: pr_addn(b, &sign, 1); return;
    case OTHER: pr_add(b, "*"); return;
    }
}

const char *pr_mask_in(locale_t utf8, struct pr_arena *a, const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    struct pr_buf b = {.a = a};
    enum kind run = SIGN;
    int n = 0, chars = 0;
    char sign = '\0';
    while (*s != '\0' && chars < MOST_CHARS) {
        wint_t c = 0;
        s += decode(s, &c);
        const enum kind kind = kind_of(c, utf8);
        if (n > 0 && (kind != run || kind == SIGN)) {
            put(&b, run, n, sign);
            n = 0;
        }
        run = kind;
        sign = (char)(kind == SIGN ? c : 0);
        n++;
        chars++;
    }
    if (n > 0) put(&b, run, n, sign);
    if (*s != '\0') pr_add(&b, "…");
    return pr_buf_text(&b);
}

/* glibc's own tables, whatever the user's locale is. */
locale_t pr_mask_open(void) { return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

void pr_mask_closep(locale_t *utf8) {
    if (*utf8 != (locale_t)0) freelocale(*utf8);
}

const char *pr_profile_mask(struct pr_arena *a, const char *text) {
    locale_t utf8 PR_CLEANUP(pr_mask_closep) = pr_mask_open();
    return pr_mask_in(utf8, a, text);
}
