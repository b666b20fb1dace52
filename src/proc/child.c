/* child.c: a process that runs a function of this program: what others use threads for. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/proc_impl.h"

/* Of the child alone. A handler can reach nothing but a variable of the file. */
static volatile sig_atomic_t told;

static void on_term(int sig) {
    (void)sig;
    told = 1;
}

_Noreturn static void be_child(const struct pr_child_work *w, pid_t parent) {
    sigset_t none;
    (void)sigemptyset(&none);
    told = 0;
    (void)signal(SIGINT, SIG_IGN);
    const struct sigaction sa = {.sa_handler = w->at_once ? SIG_DFL : on_term};
    PR_ASSERT(sigaction(SIGTERM, &sa, NULL) == 0);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)close_range(3, ~0U, 0);
    if (prctl(PR_SET_PDEATHSIG, w->at_once ? SIGKILL : SIGTERM) != 0 || getppid() != parent) _exit(127);
    _exit(w->run(w->ctx, &told));
}

enum pr_code pr_child_start(const struct pr_child_work *w, int64_t *pid, struct pr_err *e) {
    const pid_t parent = getpid(), child = fork();
    if (child < 0) return PR_FAIL(e, PR_ERR_PROC, "no process to be had: %s", strerror(errno));
    if (child == 0) be_child(w, parent);
    *pid = child;
    return PR_OK;
}

bool pr_child_ended(int64_t pid, int *status) {
    int how = 0;
    const pid_t got = waitpid((pid_t)pid, &how, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return false;
    *status = got < 0 ? 127 : WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    return true;
}

int pr_child_await(int64_t pid) { return pr_reap((pid_t)pid); }

void pr_child_tell(int64_t pid) { (void)kill((pid_t)pid, SIGTERM); }

void pr_child_kill(int64_t pid) { (void)kill((pid_t)pid, SIGKILL); }

void pr_child_alarm(int64_t pid) { (void)kill((pid_t)pid, SIGALRM); }
