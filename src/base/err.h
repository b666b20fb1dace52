/* err.h: one error type for the whole program. Functions that can fail return enum pr_code and take struct pr_err *e
 * last, never NULL; their outputs are untouched on failure. Messages: lower case, no period, one line, no secrets;
 * the hint says what to do next, ideally as a command. */
#ifndef PR_BASE_ERR_H
#define PR_BASE_ERR_H

enum pr_code {
    PR_OK = 0,
#define PR_E(name, exit_status, http, rpc, retry, text) PR_ERR_##name,
#include "base/err.def"
#undef PR_E
    PR_CODE_COUNT
};

struct pr_code_info {
    const char *name;      /* "NOT_GROUNDED" */
    int exit_status;       /* class of the exit status, 0 for PR_OK */
    int http;              /* HTTP status for the console and broker */
    int rpc;               /* JSON-RPC code */
    bool retryable;        /* the same call may succeed later without a change */
    const char *text;      /* what the class means, for documentation */
};

/* Facts about a code, from err.def. Never NULL; an unknown code is a bug. */
const struct pr_code_info *pr_code_info(enum pr_code code);

struct pr_err {
    enum pr_code code;
    char msg[1024];        /* what is wrong, with the place */
    char hint[1024];       /* what to do next; may be empty */
    char sqlstate[6];      /* as the server gave it, or "" */
    char where[256];       /* frames added by PR_TRY, innermost first; for --debug */
};

/* Fills e and returns code, so that `return PR_FAIL(e, PR_ERR_X, "…", …)` is the one line of a failure. */
PR_FORMAT(4, 5) enum pr_code pr_fail(struct pr_err *e, enum pr_code code, const char *where, const char *fmt, ...);
#define PR_FAIL(e, code, ...) pr_fail((e), (code), __func__, __VA_ARGS__)

/* Sets the next step; returns e->code, so that it can follow PR_FAIL in a return. */
PR_FORMAT(2, 3) enum pr_code pr_hint(struct pr_err *e, const char *fmt, ...);

/* Puts a place or a subject in front of the message: "migrations/0247_x.up.sql: …". Returns e->code. */
PR_FORMAT(2, 3) enum pr_code pr_prefix(struct pr_err *e, const char *fmt, ...);

/* Adds a frame to e->where; called by PR_TRY. */
void pr_err_frame(struct pr_err *e, const char *func);

#define PR_TRY(e, call)                                                                                                \
    do {                                                                                                               \
        const enum pr_code pr_try_code_ = (call);                                                                      \
        if (pr_try_code_ != PR_OK) {                                                                                   \
            pr_err_frame((e), __func__);                                                                               \
            return pr_try_code_;                                                                                       \
        }                                                                                                              \
    } while (0)

/* An impossible state: says where and aborts. On in release too: a guard that no longer knows its state must stop. */
_Noreturn void pr_bug(const char *file, int line, const char *what);
#define PR_ASSERT(cond) ((cond) ? (void)0 : pr_bug(__FILE__, __LINE__, #cond))
#define PR_BUG(what) pr_bug(__FILE__, __LINE__, what)

#endif
