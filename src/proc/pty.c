/* pty.c: a program on a terminal of its own, whose questions we answer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include "proc/proc_impl.h"

#define TAIL 4096
#define QUIET_MS 20            /* a prompt is the end of the output when nothing follows for so long */

struct talk {
    int master;
    const struct pr_pty_answer *answers;
    size_t n_answers, next;
    void (*sink)(void *ctx, const char *bytes, size_t n);
    void *ctx;
    char tail[TAIL];
    size_t n;
    int64_t deadline_us;
};

static void remember(struct talk *t, const char *bytes, size_t n) {
    if (n >= TAIL) {
        bytes += n - TAIL;
        n = TAIL;
    }
    const size_t keep = t->n + n > TAIL ? TAIL - n : t->n;
    const char *from = t->tail + t->n - keep;
    for (size_t i = 0; i < keep && from != t->tail; i++) t->tail[i] = from[i];
    memcpy(t->tail + keep, bytes, n);
    t->n = keep + n;
}

static bool asked(const struct talk *t) {
    if (t->next >= t->n_answers) return false;
    const char *when = t->answers[t->next].when;
    const size_t n = strlen(when);
    return n <= t->n && memcmp(t->tail + t->n - n, when, n) == 0;
}

static bool answer(struct talk *t) {
    const char *text = t->answers[t->next++].type;
    t->n = 0;                                   /* what was asked before is not asked again by its echo */
    for (size_t done = 0, n = strlen(text); done < n;) {
        const ssize_t w = write(t->master, text + done, n - done);
        if (w < 0 && errno != EINTR) return false;
        if (w > 0) done += (size_t)w;
    }
    return true;
}

/* Until the terminal is closed by its last user. False when the deadline passed. */
static bool converse(struct talk *t) {
    for (;;) {
        const bool question = asked(t);
        const int64_t left_ms = t->deadline_us == 0 ? 3600000 : (t->deadline_us - pr_mono_us()) / 1000;
        if (left_ms <= 0) return false;
        struct pollfd p = {.fd = t->master, .events = POLLIN};
        const int ready = poll(&p, 1, question ? QUIET_MS : (int)left_ms);
        if (ready < 0 && errno != EINTR) return false;
        if (ready == 0 && question && !answer(t)) return true;
        if (ready <= 0) continue;
        char buf[4096];
        const ssize_t n = read(t->master, buf, sizeof buf);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;                /* EIO: the other side is closed */
        remember(t, buf, (size_t)n);
        if (t->sink != NULL) t->sink(t->ctx, buf, (size_t)n);
    }
}

enum pr_code pr_pty_run(const char *const *argv, const char *const *env, const struct pr_pty_answer *answers,
                        size_t n_answers, void (*sink)(void *ctx, const char *bytes, size_t n), void *ctx, int timeout_ms,
                        int *status, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    struct pr_launch l = {.path = NULL};
    PR_TRY(e, pr_launch_prepare(a, argv, env, false, &l, e));
    l.keep_group = true;                        /* it leads its session already */
    l.parent = getpid();
    const struct winsize size = {.ws_row = 40, .ws_col = 120};
    int master PR_CLEANUP(pr_close_fd) = -1;
    const pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: forkpty: %s", argv[0], strerror(errno));
    if (pid == 0) pr_launch_exec(&l, 0, 1, 2, -1);
    (void)fcntl(master, F_SETFD, FD_CLOEXEC);
    struct talk t = {.master = master, .answers = answers, .n_answers = n_answers, .sink = sink, .ctx = ctx,
                     .deadline_us = timeout_ms > 0 ? pr_mono_us() + (int64_t)timeout_ms * 1000 : 0};
    const bool in_time = converse(&t);
    if (!in_time) (void)kill(-pid, SIGKILL);
    pr_close_fd(&master);                       /* SIGHUP to whoever still holds the terminal */
    const int ended = pr_reap(pid);
    if (!in_time) return PR_FAIL(e, PR_ERR_TIMEOUT, "%s: not done within %d ms; killed", argv[0], timeout_ms);
    *status = ended;
    return PR_OK;
}
