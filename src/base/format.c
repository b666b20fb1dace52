/* format.c: printf for the conversions that nearly all of our texts are made of. libc's goes through a stream and a table for each call;
 * a tenth of a check's time went there. */
#include <limits.h>

#include "base/base.h"

struct sink { char *to; size_t room, n; };

static void put(struct sink *o, const char *s, size_t n) {
    if (o->n < o->room) memcpy(o->to + o->n, s, n < o->room - o->n ? n : o->room - o->n);
    o->n += n;
}

static void put_blanks(struct sink *o, size_t n) {
    static const char blanks[] = "                                ";
    for (; n > sizeof blanks - 1; n -= sizeof blanks - 1) put(o, blanks, sizeof blanks - 1);
    put(o, blanks, n);
}

static void put_number(struct sink *o, uint64_t n, bool negative) {
    char digits[24];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    if (negative) digits[--at] = '-';
    put(o, digits + at, sizeof digits - at);
}

static void put_signed(struct sink *o, int64_t n) { put_number(o, n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n, n < 0); }

static void put_text(struct sink *o, const char *s, size_t width, size_t most) {
    if (s == NULL) s = "(null)";
    const size_t n = strnlen(s, most);
    if (n < width) put_blanks(o, width - n);
    put(o, s, n);
}

/* What stands behind a "%": how many bytes of the format it takes, 0 = it is another conversion than these. */
static size_t convert(struct sink *o, const char *f, va_list *ap) {
    switch (*f) {
    case 's': put_text(o, va_arg(*ap, const char *), 0, SIZE_MAX); return 1;
    case 'd': put_signed(o, va_arg(*ap, int)); return 1;
    case 'c': put(o, &(const char){(char)va_arg(*ap, int)}, 1); return 1;
    case '%': put(o, "%", 1); return 1;
    case 'l':
        if (f[1] != 'd') return 0;
        put_signed(o, va_arg(*ap, long));
        return 2;
    case 'z':
        if (f[1] != 'u') return 0;
        put_number(o, va_arg(*ap, size_t), false);
        return 2;
    case '*':
    case '.': {
        const size_t n = *f == '*' ? 1 : 2;                 /* "%*s" has a width, "%.*s" a bound */
        if (f[n - 1] != '*' || f[n] != 's') return 0;
        const int given = va_arg(*ap, int);
        if (given < 0) return 0;
        const char *s = va_arg(*ap, const char *);
        put_text(o, s, n == 1 ? (size_t)given : 0, n == 1 ? SIZE_MAX : (size_t)given);
        return n + 1;
    }
    default: return 0;
    }
}

/* false: there is another conversion in it. */
static bool format(struct sink *o, const char *fmt, va_list *ap) {
    for (;;) {
        const char *percent = strchrnul(fmt, '%');
        put(o, fmt, (size_t)(percent - fmt));
        if (*percent == '\0') return true;
        const size_t n = convert(o, percent + 1, ap);
        if (n == 0) return false;
        fmt = percent + 1 + n;
    }
}

static size_t by_libc(char *to, size_t room, const char *fmt, va_list ap) PR_FORMAT(3, 0);
static size_t by_libc(char *to, size_t room, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    const int n = vsnprintf(to, room, fmt, again);
    va_end(again);
    PR_ASSERT(n >= 0);
    return (size_t)n;
}

size_t pr_vformat(char *to, size_t room, const char *fmt, va_list ap) {
    struct sink o = {.to = to, .room = room > 0 ? room - 1 : 0};
    va_list again;
    va_copy(again, ap);
    const bool ours = format(&o, fmt, &again);
    va_end(again);
    if (!ours) return by_libc(to, room, fmt, ap);
    PR_ASSERT(o.n <= INT_MAX);
    if (room > 0) to[o.n < o.room ? o.n : o.room] = '\0';
    return o.n;
}
