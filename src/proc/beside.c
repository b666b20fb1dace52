/* beside.c: a program that goes on while we work, and the folder for its files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proc/cluster_impl.h"

#define TRIES 5

struct ends { int in, out, report[2]; };

static void close_ends(struct ends *x) {
    pr_close_fd(&x->in);
    pr_close_fd(&x->out);
    pr_close_fd(&x->report[0]);
    pr_close_fd(&x->report[1]);
}

static enum pr_code open_ends(const struct pr_proc *p, const char *output, struct ends *x, struct pr_err *e) {
    const char *input = p->input_path != NULL ? p->input_path : "/dev/null";
    x->in = open(input, O_RDONLY | O_CLOEXEC);
    if (x->in < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: its input %s: %s", p->argv[0], input, strerror(errno));
    x->out = open(output, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (x->out < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: its output %s: %s", p->argv[0], output, strerror(errno));
    return pipe2(x->report, O_CLOEXEC) == 0 ? PR_OK : PR_FAIL(e, PR_ERR_PROC, "%s: pipe: %s", p->argv[0], strerror(errno));
}

enum pr_code pr_proc_start(const struct pr_proc *p, const char *output, struct pr_arena *a, int64_t *pid, struct pr_err *e) {
    struct pr_launch l = {.path = NULL};
    struct ends x PR_CLEANUP(close_ends) = {-1, -1, {-1, -1}};
    PR_TRY(e, pr_launch_prepare(a, p->argv, p->env, p->unprivileged, &l, e));
    PR_TRY(e, open_ends(p, output, &x, e));
    l.cwd = p->cwd;
    l.death_signal = SIGKILL;                   /* nobody is there to tell it twice */
    l.parent = getpid();
    const pid_t child = fork();
    if (child < 0) return PR_FAIL(e, PR_ERR_PROC, "%s: fork: %s", p->argv[0], strerror(errno));
    if (child == 0) pr_launch_exec(&l, x.in, x.out, x.out, x.report[1]);
    pr_close_fd(&x.report[1]);
    const enum pr_code code = pr_launch_started(p->argv[0], x.report[0], e);
    if (code != PR_OK) {
        (void)pr_reap(child);
        return code;
    }
    *pid = child;
    return PR_OK;
}

enum pr_code pr_private_open(const char *purpose, struct pr_arena *a, struct pr_private *out, struct pr_err *e) {
    const char *base = pr_cluster_base(a);
    for (int i = 0; i < TRIES; i++) {
        char *path = pr_fmt(a, "%s/" PR_CLUSTER_PREFIX "%.24s-XXXXXX", base, purpose);
        int fd = -1;
        if (mkdtemp(path) == NULL) return PR_FAIL(e, PR_ERR_PROC, "%s: %s", path, strerror(errno));
        if (pr_lock_folder(path, &fd)) {
            *out = (struct pr_private){.path = path, .lock_fd = fd};
            return PR_OK;
        }
        (void)pr_remove_tree(AT_FDCWD, path);
    }
    return PR_FAIL(e, PR_ERR_PROC, "%s: no lock can be had in a new folder there", base);
}

void pr_private_close(struct pr_private *p) {
    if (p->path == NULL) return;
    (void)pr_remove_tree(AT_FDCWD, p->path);
    pr_close_fd(&p->lock_fd);
    p->path = NULL;
}
