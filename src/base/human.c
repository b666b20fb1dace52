#include "base/base.h"

const char *pr_human_bytes(struct pr_arena *a, int64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    const char *sign = bytes < 0 ? "-" : "";
    uint64_t v = bytes < 0 ? (uint64_t)0 - (uint64_t)bytes : (uint64_t)bytes;
    size_t u = 0;
    uint64_t tenths = v * 10;
    if (v < 1024) return pr_fmt(a, "%s%" PRIu64 " B", sign, v);
    if (v > UINT64_MAX / 16) tenths = UINT64_MAX / 16 * 10;
    while (tenths >= 10240 && u + 1 < PR_COUNT(units)) {
        tenths = (tenths + 512) / 1024;
        u++;
    }
    return tenths >= 1000 ? pr_fmt(a, "%s%" PRIu64 " %s", sign, (tenths + 5) / 10, units[u])
                          : pr_fmt(a, "%s%" PRIu64 ".%" PRIu64 " %s", sign, tenths / 10, tenths % 10, units[u]);
}

const char *pr_human_count(struct pr_arena *a, int64_t n) {
    const char *plain = pr_fmt(a, "%" PRId64, n);
    const size_t sign = plain[0] == '-' ? 1 : 0, digits = strlen(plain) - sign;
    struct pr_buf b = {.a = a};
    pr_addn(&b, plain, sign);
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0) pr_add(&b, ",");
        pr_addn(&b, plain + sign + i, 1);
    }
    return pr_buf_text(&b);
}

const char *pr_human_us(struct pr_arena *a, int64_t us) {
    if (us < 0) us = 0;
    if (us < 10000) return pr_fmt(a, "%" PRId64 ".%" PRId64 " ms", us / 1000, us % 1000 / 100);
    if (us < 1000000) return pr_fmt(a, "%" PRId64 " ms", us / 1000);
    if (us < 10000000) return pr_fmt(a, "%" PRId64 ".%02" PRId64 " s", us / 1000000, us % 1000000 / 10000);
    if (us < 120000000) return pr_fmt(a, "%" PRId64 ".%" PRId64 " s", us / 1000000, us % 1000000 / 100000);
    const int64_t s = us / 1000000;
    if (s < 7200) return pr_fmt(a, "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
    return pr_fmt(a, "%" PRId64 " h %02" PRId64 " min", s / 3600, s % 3600 / 60);
}

const char *pr_plural(struct pr_arena *a, int64_t n, const char *one) {
    const char *count = pr_human_count(a, n);
    if (n == 1) return pr_fmt(a, "%s %s", count, one);
    if (pr_ends(one, "try")) return pr_fmt(a, "%s %.*sies", count, (int)strlen(one) - 1, one);
    return pr_fmt(a, "%s %s%s", count, one, pr_ends(one, "x") ? "es" : "s");
}
