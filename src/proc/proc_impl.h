/* proc_impl.h: what the files of proc/ share: launching a prepared program, looking after folders, small system calls. */
#ifndef PR_PROC_PROC_IMPL_H
#define PR_PROC_PROC_IMPL_H

#include <signal.h>
#include <sys/types.h>

#include "proc/proc.h"

/* All that a child needs, made before the fork: after it, nothing is allocated and nothing is looked up. */
struct pr_launch {
    const char *path;
    const char *const *argv;
    char *const *env;
    const char *cwd;
    bool drop;                 /* become uid and gid before the program starts */
    uid_t uid;
    gid_t gid;
    bool keep_group;           /* stay in the caller's process group: it may read from the terminal */
    int death_signal;          /* sent to it when its parent dies; 0 = SIGTERM */
    pid_t parent;              /* who forks: set just before */
};
/* Looks up argv[0], merges the environment, finds the user; all in a. Errors PROC (no such program, no such user). */
PR_NODISCARD enum pr_code pr_launch_prepare(struct pr_arena *a, const char *const *argv, const char *const *env,
                                            bool unprivileged, struct pr_launch *out, struct pr_err *e);

/* In the child: takes fds as 0, 1, 2 and becomes the program. What fails is written as an errno to report_fd. */
_Noreturn void pr_launch_exec(const struct pr_launch *l, int in, int out, int err, int report_fd);

/* In the parent: has it become the program? Only what lies between fork and execve can fail; the pipe closes by itself when the
 * program runs. Errors PROC. */
PR_NODISCARD enum pr_code pr_launch_started(const char *program, int report_fd, struct pr_err *e);

/* Waits for a child; its exit code, or 128 + signal. */
int pr_reap(pid_t pid);

/* Awaiting the end of children in a poll loop: fd is readable after one has ended, pr_has_ended says of which one. (Not by
 * pidfd_open: valgrind 3.19 does not know it, nor do kernels before 5.3.) Begin before the fork. */
struct pr_child_watch { int fd; sigset_t before; };
struct pr_child_watch pr_watch_children(void);
void pr_unwatch_children(struct pr_child_watch *w);         /* for PR_CLEANUP */
bool pr_has_ended(const struct pr_child_watch *w, pid_t pid);   /* also empties fd; the child is still to be reaped */

/* Takes the lock of a folder just made; until its owner is dead, pr_cluster_sweep stays away. False: a sweep came between. */
bool pr_lock_folder(const char *folder, int *out);

void pr_close_fd(int *fd);     /* closes what is ≥ 0 and sets -1; for PR_CLEANUP */

/* Removes a folder and all in it, following no symbolic link. False when something is left (errno). */
bool pr_remove_tree(int at, const char *name);

/* Bytes from outside as text: what is not UTF-8 becomes '?'. Changes the bytes in place. */
const char *pr_as_text(char *bytes, size_t n);

/* The process that outlives us for a moment: it starts the server when told to ("s"), and when told to stop ("q") or when
 * its pipe closes because we died, it stops the server, removes the folder and ends. It answers with the postmaster's pid,
 * and with 0 when the server has ended by itself. Errors PROC (no pipe, no fork). */
struct pr_keeper {
    const char *folder;
    const char *log;           /* the server's standard output and error */
    struct pr_launch server;
    int lock_fd;               /* kept open as long as the keeper lives: pr_cluster_sweep stays away */
};
struct pr_keeper_link { pid_t pid; int to, from; };
PR_NODISCARD enum pr_code pr_keeper_fork(const struct pr_keeper *k, struct pr_keeper_link *out, struct pr_err *e);

#endif
