#include <sys/time.h>

#include "base/base.h"

static int64_t read_clock(clockid_t id) {
    struct timespec t;
    PR_ASSERT(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t pr_mono_us(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t pr_wall_us(void) {
    const char *fixed = getenv("PGRAIL_TEST_NOW");
    if (fixed != NULL && *fixed != '\0') {
        struct pr_err e = {0};
        int64_t s = 0;
        if (pr_parse_i64(fixed, 0, INT64_MAX / 1000000, &s, &e) == PR_OK) return s * 1000000;
    }
    return read_clock(CLOCK_REALTIME);
}

int64_t pr_judge_us(void) {
    const int64_t now = read_clock(CLOCK_REALTIME), said = pr_wall_us();
    return said > now ? said : now;
}

bool pr_too_old(int64_t at_us, int64_t limit_us) {
    return at_us > read_clock(CLOCK_REALTIME) + 60000000 || pr_judge_us() - at_us > limit_us;
}

const char *pr_iso_time(struct pr_arena *a, int64_t wall_us) {
    const time_t s = (time_t)(wall_us / 1000000);
    struct tm t;
    PR_ASSERT(gmtime_r(&s, &t) != NULL);
    char text[32];
    PR_ASSERT(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t) > 0);
    return pr_dup(a, text);
}

enum pr_code pr_parse_iso_time(const char *text, int64_t *wall_us, struct pr_err *e) {
    struct tm t = {0};
    int used = 0;
    if (text == NULL ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &used) != 6 ||
        text[used] != '\0' || used == 0)
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "expected a time such as 2026-11-21T14:03:07Z, got \"%.40s\"", text == NULL ? "" : text);
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    *wall_us = (int64_t)timegm(&t) * 1000000;
    return PR_OK;
}

const char *pr_ago(struct pr_arena *a, int64_t wall_us) {
    static const struct { int64_t s; const char *unit; } steps[] = {{86400, "day"}, {3600, "hour"}, {60, "min"}, {1, "s"}};
    const int64_t diff = (pr_wall_us() - wall_us) / 1000000;
    const int64_t s = diff < 0 ? -diff : diff;
    for (size_t i = 0; i < PR_COUNT(steps); i++) {
        if (s < steps[i].s * (i == PR_COUNT(steps) - 1 ? 0 : 1)) continue;
        const int64_t n = s / steps[i].s;
        const char *plural = i < 2 && n != 1 ? "s" : "";
        return diff < 0 ? pr_fmt(a, "in %" PRId64 " %s%s", n, steps[i].unit, plural)
                        : pr_fmt(a, "%" PRId64 " %s%s ago", n, steps[i].unit, plural);
    }
    return "now";
}
