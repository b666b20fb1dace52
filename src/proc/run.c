/* run.c: a program run to its end, its output caught, with a deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/proc_impl.h"

#define DEFAULT_OUTPUT ((size_t)1 << 20)
#define KILL_AFTER_US ((int64_t)3000000)

struct stream { int fd; char *bytes; size_t n, cap; };

struct run {
    const struct pr_proc *p;
    pid_t pid;
    const struct pr_child_watch *child;
    struct pollfd in;
    size_t written;
    struct stream out, err;
    int64_t deadline_us, killed_us;             /* monotonic; 0 = none, not yet */
    enum pr_code stopped;                       /* why it was killed */
};

struct pipes { int in[2], out[2], err[2], report[2]; };

static void close_pipes(struct pipes *p) {
    int *all[] = {p->in, p->out, p->err, p->report};
    for (size_t i = 0; i < PR_COUNT(all); i++) {
        pr_close_fd(&all[i][0]);
        pr_close_fd(&all[i][1]);
    }
}

static enum pr_code open_pipes(const struct pr_proc *p, struct pipes *io, struct pr_err *e) {
    if (pipe2(io->out, O_CLOEXEC) != 0 || pipe2(io->err, O_CLOEXEC) != 0 || pipe2(io->report, O_CLOEXEC) != 0)
        return PR_FAIL(e, PR_ERR_PROC, "%s: pipe: %s", p->argv[0], strerror(errno));
    if (p->input != NULL) {
        if (pipe2(io->in, O_CLOEXEC) != 0) return PR_FAIL(e, PR_ERR_PROC, "%s: pipe: %s", p->argv[0], strerror(errno));
        (void)fcntl(io->in[1], F_SETFL, O_NONBLOCK);
    } else {
        const char *path = p->input_path != NULL ? p->input_path : "/dev/null";
        io->in[0] = open(path, O_RDONLY | O_CLOEXEC);
        if (io->in[0] < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: its input %s: %s", p->argv[0], path, strerror(errno));
    }
    (void)fcntl(io->out[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(io->err[0], F_SETFL, O_NONBLOCK);
    return PR_OK;
}

enum pr_code pr_launch_started(const char *program, int report_fd, struct pr_err *e) {
    int why = 0;
    ssize_t n = 0;
    do n = read(report_fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == 0 ? PR_OK : PR_FAIL(e, PR_ERR_PROC, "%s: cannot be started: %s", program, strerror(why));
}

/* The reader may have gone; that must not kill us by SIGPIPE. */
static void feed(struct run *r) {
    sigset_t pipe_only, before;
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigprocmask(SIG_BLOCK, &pipe_only, &before);
    const ssize_t n = write(r->in.fd, r->p->input + r->written, r->p->input_len - r->written);
    const int why = errno;
    if (n < 0 && why == EPIPE) (void)sigtimedwait(&pipe_only, NULL, &(struct timespec){.tv_sec = 0});
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (n > 0) r->written += (size_t)n;
    if ((n < 0 && why != EAGAIN && why != EINTR) || r->written == r->p->input_len) pr_close_fd(&r->in.fd);
}

/* Takes what is there; over the cap it is read and dropped, so that the program is not held up. */
static void take(struct stream *s) {
    char buf[16384];
    while (s->fd >= 0) {
        const ssize_t n = read(s->fd, buf, sizeof buf);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            s->fd = -1;                         /* the pipe itself is closed by its owner */
            return;
        }
        const size_t room = s->cap - s->n, keep = (size_t)n < room ? (size_t)n : room;
        memcpy(s->bytes + s->n, buf, keep);
        s->n += keep;
    }
}

static void end_it(struct run *r, int sig) {
    (void)kill(r->p->interactive ? r->pid : -r->pid, sig);
}

static void stop_when_due(struct run *r) {
    const int64_t now = pr_mono_us();
    const bool interrupted = r->p->interrupted != NULL && *r->p->interrupted != 0;
    if (r->killed_us != 0) {
        if (now >= r->killed_us + KILL_AFTER_US) end_it(r, SIGKILL);
    } else if (interrupted || (r->deadline_us != 0 && now >= r->deadline_us)) {
        r->stopped = interrupted ? PR_ERR_INTERRUPTED : PR_ERR_TIMEOUT;
        r->killed_us = now;
        end_it(r, SIGTERM);
    }
}

static int wait_ms(const struct run *r) {
    const int64_t until = r->killed_us != 0 ? r->killed_us + KILL_AFTER_US : r->deadline_us;
    if (until == 0) return -1;
    const int64_t left_ms = (until - pr_mono_us()) / 1000 + 1;
    return left_ms < 0 ? 100 : left_ms > 3600000 ? 3600000 : (int)left_ms;
}

/* Until the program has ended; a grandchild that still holds the pipes is not waited for. */
static void attend(struct run *r) {
    for (;;) {
        struct pollfd fds[] = {{.fd = r->child->fd, .events = POLLIN}, {.fd = r->out.fd, .events = POLLIN},
                               {.fd = r->err.fd, .events = POLLIN}, {.fd = r->in.fd, .events = POLLOUT}};
        const int ready = poll(fds, PR_COUNT(fds), wait_ms(r));
        if (ready > 0) {
            const bool ended = fds[0].revents != 0 && pr_has_ended(r->child, r->pid);
            if (fds[3].revents != 0) feed(r);
            take(&r->out);                      /* after the look: what it wrote before its end is there */
            take(&r->err);
            if (ended) return;
        }
        stop_when_due(r);
    }
}

static enum pr_code outcome(struct run *r, int status, struct pr_proc_done *out, struct pr_err *e) {
    if (r->stopped == PR_ERR_TIMEOUT)
        return PR_FAIL(e, PR_ERR_TIMEOUT, "%s: not done within %d ms; stopped", r->p->argv[0], r->p->timeout_ms);
    if (r->stopped != PR_OK) return PR_FAIL(e, r->stopped, "%s: interrupted", r->p->argv[0]);
    *out = (struct pr_proc_done){.status = status, .out = pr_as_text(r->out.bytes, r->out.n),
                                 .err = pr_as_text(r->err.bytes, r->err.n)};
    return PR_OK;
}

enum pr_code pr_proc_run(const struct pr_proc *p, struct pr_arena *a, struct pr_proc_done *out, struct pr_err *e) {
    struct pr_launch l = {.path = NULL};
    PR_TRY(e, pr_launch_prepare(a, p->argv, p->env, p->unprivileged, &l, e));
    l.cwd = p->cwd;
    l.keep_group = p->interactive;
    l.parent = getpid();
    struct pipes io PR_CLEANUP(close_pipes) = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    PR_TRY(e, open_pipes(p, &io, e));
    struct pr_child_watch child PR_CLEANUP(pr_unwatch_children) = pr_watch_children();
    const pid_t pid = fork();
    if (pid < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: fork: %s", p->argv[0], strerror(errno));
    if (pid == 0) pr_launch_exec(&l, io.in[0], io.out[1], io.err[1], io.report[1]);
    pr_close_fd(&io.in[0]);
    pr_close_fd(&io.out[1]);
    pr_close_fd(&io.err[1]);
    pr_close_fd(&io.report[1]);
    const enum pr_code code = pr_launch_started(p->argv[0], io.report[0], e);
    if (code != PR_OK) {
        (void)pr_reap(pid);
        return code;
    }
    const size_t cap = p->max_output != 0 ? p->max_output : DEFAULT_OUTPUT;
    struct run r = {.p = p, .pid = pid, .child = &child, .in.fd = io.in[1],
                    .out = {.fd = io.out[0], .bytes = pr_alloc(a, cap + 1), .cap = cap},
                    .err = {.fd = io.err[0], .bytes = pr_alloc(a, cap + 1), .cap = cap},
                    .deadline_us = p->timeout_ms > 0 ? pr_mono_us() + (int64_t)p->timeout_ms * 1000 : 0};
    io.in[1] = -1;                              /* r closes it when all is written */
    attend(&r);
    if (r.stopped != PR_OK && !p->interactive) (void)kill(-pid, SIGKILL);   /* what it had started */
    pr_close_fd(&r.in.fd);
    return outcome(&r, pr_reap(pid), out, e);
}
