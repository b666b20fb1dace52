#include "base/base.h"

#include <ctype.h>
#include <strings.h>

static const char *past_blanks(const char *s) {
    while (*s == ' ' || *s == '\t') s++;
    return s;
}

static bool has_password_word(const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        if (strncasecmp(p, "password", 8) != 0 && strncasecmp(p, "passwd", 6) != 0) continue;
        p += tolower((unsigned char)p[5]) == 'd' ? 6 : 8;
        const char *sep = past_blanks(p);
        if (*sep == '=' || *sep == ':') return *past_blanks(sep + 1) != '\0' && *past_blanks(sep + 1) != '\n';
        if (*p == '\0') return false;
    }
    return false;
}

bool pr_uri_has_password(const char *text) {
    for (const char *p = strstr(text, "://"); p != NULL; p = strstr(p + 3, "://")) {
        const char *from = p + 3, *end = from + strcspn(from, "/ \t\r\n\"'");
        const char *at = memchr(from, '@', (size_t)(end - from));
        if (at != NULL && memchr(from, ':', (size_t)(at - from)) != NULL) return true;
    }
    return false;
}

bool pr_looks_secret(const char *text) { return pr_uri_has_password(text) || has_password_word(text); }
