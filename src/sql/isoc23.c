/* isoc23.c: names that glibc 2.38 added and that a libpg_query built against it asks for, as calls of the plain ones. On a newer
 * C library this file is empty: there the plain names are themselves redirected to these, and a call would be endless.
 * The only difference is the binary prefix 0b of C23, which PostgreSQL's grammar reads by itself.
 * Source  https://sourceware.org/glibc/wiki/Release/2.38; found with nm -u libpg_query.a of 18.1.0 */
#include <stdlib.h>
#include <string.h>

#if defined __GLIBC__ && !__GLIBC_PREREQ(2, 38)

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): they are the C library's names */
long __isoc23_strtol(const char *s, char **end, int base);
unsigned long __isoc23_strtoul(const char *s, char **end, int base);
long long __isoc23_strtoll(const char *s, char **end, int base);
unsigned long long __isoc23_strtoull(const char *s, char **end, int base);
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlcat(char *to, const char *from, size_t size);

long __isoc23_strtol(const char *s, char **end, int base) { return strtol(s, end, base); }
unsigned long __isoc23_strtoul(const char *s, char **end, int base) { return strtoul(s, end, base); }
long long __isoc23_strtoll(const char *s, char **end, int base) { return strtoll(s, end, base); }
unsigned long long __isoc23_strtoull(const char *s, char **end, int base) { return strtoull(s, end, base); }
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Copies at most size - 1 bytes and always ends them with NUL when size > 0; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size) {
    const size_t len = strlen(from);
    if (size > 0) {
        const size_t n = len < size ? len : size - 1;
        memcpy(to, from, n);
        to[n] = '\0';
    }
    return len;
}

/* Appends so that the whole takes at most size bytes with its NUL; returns the length it tried to make. */
size_t strlcat(char *to, const char *from, size_t size) {
    const size_t used = strnlen(to, size);
    return used + strlcpy(to + used, from, size - used);
}

#endif
