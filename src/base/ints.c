#include <ctype.h>
#include <errno.h>

#include "base/base.h"

/* The leading integer of a text; false when there is none or it does not fit. *end is where it stops. */
static bool leading_i64(const char *text, int64_t *out, const char **end) {
    if (text == NULL || !(isdigit((unsigned char)text[0]) || (text[0] == '-' && isdigit((unsigned char)text[1])))) return false;
    char *stop = NULL;
    errno = 0;
    const long long v = strtoll(text, &stop, 10);
    if (errno != 0) return false;
    *out = v;
    *end = stop;
    return true;
}

enum pr_code pr_parse_i64(const char *text, int64_t min, int64_t max, int64_t *out, struct pr_err *e) {
    int64_t v = 0;
    const char *end = NULL;
    if (!leading_i64(text, &v, &end) || *end != '\0' || v < min || v > max) {
        const char *got = text == NULL ? "" : text;
        if (max == INT64_MAX) return PR_FAIL(e, PR_ERR_USAGE, "expected an integer of at least %" PRId64 ", got \"%.40s\"", min, got);
        return PR_FAIL(e, PR_ERR_USAGE, "expected an integer from %" PRId64 " to %" PRId64 ", got \"%.40s\"", min, max, got);
    }
    *out = v;
    return PR_OK;
}

enum pr_code pr_parse_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *out_ms, struct pr_err *e) {
    static const struct { const char *unit; int64_t ms; } units[] = {
        {"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    int64_t v = 0;
    const char *end = NULL;
    if (leading_i64(text, &v, &end)) {
        while (*end == ' ') end++;
        for (size_t i = 0; i < PR_COUNT(units); i++) {
            if (strcmp(end, units[i].unit) != 0) continue;
            int64_t ms = 0;
            if (__builtin_mul_overflow(v, units[i].ms, &ms) || ms < min_ms || ms > max_ms) break;
            *out_ms = ms;
            return PR_OK;
        }
    }
    if (max_ms == INT64_MAX)
        return PR_FAIL(e, PR_ERR_USAGE, "expected a duration such as 250ms, 5s, 10min, 24h or 7d, got \"%.40s\"", text == NULL ? "" : text);
    return PR_FAIL(e, PR_ERR_USAGE, "expected a duration from %" PRId64 "ms to %" PRId64 "ms such as 250ms, 5s, 10min, 24h or 7d, got \"%.40s\"",
                   min_ms, max_ms, text == NULL ? "" : text);
}

enum pr_code pr_parse_bool(const char *text, bool *out, struct pr_err *e) {
    static const char *const words[2][4] = {{"no", "off", "false", "0"}, {"yes", "on", "true", "1"}};
    for (size_t yes = 0; yes < 2; yes++)
        for (size_t i = 0; i < PR_COUNT(words[yes]); i++)
            if (pr_eq_nocase(text, words[yes][i])) {
                *out = yes == 1;
                return PR_OK;
            }
    return PR_FAIL(e, PR_ERR_USAGE, "expected yes or no, got \"%.40s\"", text == NULL ? "" : text);
}

int64_t pr_sat_add(int64_t a, int64_t b) {
    int64_t r = 0;
    if (!__builtin_add_overflow(a, b, &r)) return r;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

int64_t pr_sat_mul(int64_t a, int64_t b) {
    int64_t r = 0;
    if (!__builtin_mul_overflow(a, b, &r)) return r;
    return (a > 0) == (b > 0) ? INT64_MAX : INT64_MIN;
}

int64_t pr_scale(int64_t value, int64_t num, int64_t den) {
    if (den == 0) return value;
    const __int128 r = (__int128)value * num / den;
    if (r > INT64_MAX) return INT64_MAX;
    return r < INT64_MIN ? INT64_MIN : (int64_t)r;
}
