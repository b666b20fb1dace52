/* keeper.c: the process that stops a throwaway server and removes its folder, whatever becomes of us. It is a fork of ours
 * that runs nothing else, leads its own session (Ctrl-C does not reach it), and is the server's parent: so it can wait for
 * it, and the kernel stops the server should the keeper itself be killed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "proc/proc_impl.h"

#define STOP_MS 10000
#define REMOVE_TRIES 200
#define REMOVE_PAUSE_NS 50000000

struct keeper {
    const struct pr_keeper *k;
    int from, to;                               /* commands, answers */
    pid_t server;                               /* 0 = none */
    struct pr_child_watch child;
};

/* A descriptor that the keeper inherits and holds would keep a pipe, a socket or a terminal of ours open. */
static void close_others(int a, int b, int c) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) (void)dup2(null, fd);
    unsigned from = 3;
    while (from != 0) {
        int next = -1;
        const int kept[] = {a, b, c};
        for (size_t i = 0; i < PR_COUNT(kept); i++)
            if (kept[i] >= (int)from && (next < 0 || kept[i] < next)) next = kept[i];
        if (next != (int)from) (void)close_range(from, next < 0 ? ~0U : (unsigned)next - 1, 0);
        from = next < 0 ? 0 : (unsigned)next + 1;
    }
}

static void tell(const struct keeper *kp, pid_t pid) {
    (void)!write(kp->to, &pid, sizeof pid);     /* the owner may be gone; SIGPIPE is ignored */
}

static void start_server(struct keeper *kp) {
    struct pr_launch l = kp->k->server;
    l.parent = getpid();
    const int log = open(kp->k->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    const pid_t pid = log >= 0 ? fork() : -1;
    if (pid == 0) pr_launch_exec(&l, 0, log, log, -1);
    if (log >= 0) (void)close(log);
    if (pid > 0) kp->server = pid;
    tell(kp, pid > 0 ? pid : 0);
}

static void obey(struct keeper *kp) {
    for (;;) {
        struct pollfd fds[] = {{.fd = kp->from, .events = POLLIN}, {.fd = kp->child.fd, .events = POLLIN}};
        if (poll(fds, PR_COUNT(fds), -1) < 0) continue;
        if (fds[1].revents != 0 && pr_has_ended(&kp->child, kp->server) && kp->server != 0) {
            (void)pr_reap(kp->server);
            kp->server = 0;
            tell(kp, 0);
        }
        if (fds[0].revents == 0) continue;
        char command = 'q';                     /* as is the end of the pipe: the owner has died */
        if (read(kp->from, &command, 1) < 0 && errno == EINTR) continue;
        if (command == 'q') return;
        if (command == 's' && kp->server == 0) start_server(kp);
    }
}

static void stop_server(struct keeper *kp) {
    if (kp->server == 0) return;
    (void)kill(kp->server, SIGQUIT);            /* immediate shutdown: what is thrown away need not be written out */
    struct pollfd p = {.fd = kp->child.fd, .events = POLLIN};
    const int64_t deadline = pr_mono_us() + (int64_t)STOP_MS * 1000;
    while (!pr_has_ended(&kp->child, kp->server) && pr_mono_us() < deadline) (void)poll(&p, 1, STOP_MS);
    if (!pr_has_ended(&kp->child, kp->server)) (void)kill(kp->server, SIGKILL);
    (void)pr_reap(kp->server);
}

_Noreturn static void keep(const struct pr_keeper *k, int from, int to) {
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2};
    (void)setsid();
    for (size_t i = 0; i < PR_COUNT(ignored); i++) (void)signal(ignored[i], SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);             /* no handler of ours runs here */
    (void)prctl(PR_SET_NAME, "pgrail-keeper");
    (void)!chdir("/");
    close_others(from, to, k->lock_fd);
    struct keeper kp = {.k = k, .from = from, .to = to, .child = pr_watch_children()};
    obey(&kp);
    stop_server(&kp);
    /* An initdb that was still at it when we died needs a moment to end. */
    for (int i = 0; i < REMOVE_TRIES && !pr_remove_tree(AT_FDCWD, k->folder); i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = REMOVE_PAUSE_NS}, NULL);
    _exit(0);
}

enum pr_code pr_keeper_fork(const struct pr_keeper *k, struct pr_keeper_link *out, struct pr_err *e) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0) return PR_FAIL(e, PR_ERR_PROC, "pipe: %s", strerror(errno));
    const int piped = pipe2(up, O_CLOEXEC);
    const pid_t pid = piped == 0 ? fork() : -1;
    const int why = errno;
    if (pid == 0) keep(k, down[0], up[1]);
    (void)close(down[0]);
    if (piped == 0) (void)close(up[1]);
    if (pid < 0) {
        (void)close(down[1]);
        if (piped == 0) (void)close(up[0]);
        return PR_FAIL(e, PR_ERR_PROC, "cannot start the keeper of a throwaway server: %s", strerror(why));
    }
    *out = (struct pr_keeper_link){.pid = pid, .to = down[1], .from = up[0]};
    return PR_OK;
}
