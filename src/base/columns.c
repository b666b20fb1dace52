#include <locale.h>
#include <wchar.h>

#include "base/base.h"

/* glibc's own tables, whatever the user's locale is; they exist without any locale installed. */
static int wide(locale_t utf8, const char *s, size_t n) {
    const locale_t before = uselocale(utf8);
    int columns = 0;
    mbstate_t state = {0};
    for (size_t i = 0; i < n;) {
        wchar_t c = 0;
        const size_t len = mbrtowc(&c, s + i, n - i, &state);
        if (len == 0 || len > n - i) break;
        const int w = wcwidth(c);
        columns += w >= 0 ? w : 1;
        i += len;
    }
    (void)uselocale(before);
    return columns;
}

static bool is_ascii(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0x80) return false;
    return true;
}

int pr_columns(const char *s, size_t n) {
    if (is_ascii(s, n)) return (int)n;
    int chars = 0;
    for (size_t i = 0; i < n; i++) chars += ((unsigned char)s[i] & 0xC0) != 0x80;
    const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 == (locale_t)0) return chars;
    const int columns = wide(utf8, s, n);
    freelocale(utf8);
    return columns;
}
