#include "base/base.h"

static const struct pr_code_info infos[PR_CODE_COUNT] = {
    [PR_OK] = {.name = "OK", .exit_status = 0, .http = 200, .text = "done"},
#define PR_E(n, exit_s, http_s, rpc_c, retry, t)                                                                       \
    [PR_ERR_##n] = {.name = #n, .exit_status = (exit_s), .http = (http_s), .rpc = (rpc_c), .retryable = (retry), .text = (t)},
#include "base/err.def"
#undef PR_E
};

const struct pr_code_info *pr_code_info(enum pr_code code) {
    PR_ASSERT((unsigned)code < PR_CODE_COUNT);
    return &infos[code];
}

enum pr_code pr_fail(struct pr_err *e, enum pr_code code, const char *where, const char *fmt, ...) {
    PR_ASSERT(code != PR_OK);
    *e = (struct pr_err){.code = code};
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    (void)snprintf(e->where, sizeof e->where, "%s", where);
    return code;
}

enum pr_code pr_hint(struct pr_err *e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return e->code;
}

enum pr_code pr_prefix(struct pr_err *e, const char *fmt, ...) {
    char place[sizeof e->msg / 2];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(place, sizeof place, fmt, ap);
    va_end(ap);
    const size_t n = strlen(place), was = strlen(e->msg), keep = was < sizeof e->msg - n - 3 ? was : sizeof e->msg - n - 3;
    memmove(e->msg + n + 2, e->msg, keep);
    e->msg[n + 2 + keep] = '\0';
    memcpy(e->msg, place, n);
    memcpy(e->msg + n, ": ", 2);
    return e->code;
}

void pr_err_frame(struct pr_err *e, const char *func) {
    const size_t used = strlen(e->where);
    if (used < sizeof e->where) (void)snprintf(e->where + used, sizeof e->where - used, " < %s", func);
}

_Noreturn void pr_bug(const char *file, int line, const char *what) {
    (void)fprintf(stderr, "pgrail: bug at %s:%d: %s\nhint: please report this with the command that you ran\n", file, line, what);
    abort();
}
