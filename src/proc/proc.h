/* proc.h: other programs, ptys and throwaway PostgreSQL servers. No shell: argv goes to execve as it is. */
#ifndef PR_PROC_PROC_H
#define PR_PROC_PROC_H

#include "base/base.h"

struct pr_proc {
    const char *const *argv;   /* argv[0] is looked up in PATH */
    const char *const *env;    /* NULL-terminated "K=V" to add or replace; NULL = none */
    const char *cwd;           /* NULL = here */
    const char *input;         /* given on standard input, then closed; NULL = /dev/null */
    size_t input_len;
    const char *input_path;    /* a file as standard input; only when input is NULL */
    bool unprivileged;         /* when we are root: run as the user of pr_proc_unprivileged_user */
    int timeout_ms;            /* then SIGTERM, then SIGKILL; 0 = none */
    size_t max_output;         /* bytes kept of each stream, the first ones; 0 = 1 MiB */
    bool interactive;          /* it may ask on the terminal (ssh-keygen's passphrase): stays in our process group */
    const volatile sig_atomic_t *interrupted;   /* set by Ctrl-C: it is stopped; NULL = never */
};
struct pr_proc_done { int status; const char *out, *err; };     /* status: exit code, or 128 + signal; texts are UTF-8 */
/* Runs a program to its end; it is stopped when we die. A non-zero status is not an error here.
 * Errors  PROC (cannot be started), TIMEOUT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_proc_run(const struct pr_proc *p, struct pr_arena *a, struct pr_proc_done *out,
                                      struct pr_err *e);

/* Starts a program that goes on beside us: argv, env, cwd and input_path as above, the rest is not looked at. What it says goes to the file
 * `output`, which must not be there yet. It is killed when we die; else it is the caller's, with pr_child_ended and the like. Errors PROC. */
PR_NODISCARD enum pr_code pr_proc_start(const struct pr_proc *p, const char *output, struct pr_arena *a, int64_t *pid, struct pr_err *e);

/* A folder that only we may enter, for files of such a program; path lives in a. Gone when closed, or with the first pr_cluster_sweep
 * after our death. A zeroed one may be closed. Errors PROC. */
struct pr_private { const char *path; int lock_fd; };
PR_NODISCARD enum pr_code pr_private_open(const char *purpose, struct pr_arena *a, struct pr_private *out, struct pr_err *e);
void pr_private_close(struct pr_private *p);

/* A child that runs a function of ours and ends with what it returns (0 to 127), never through main: nothing of its parent's is
 * flushed or closed. It has no file descriptor above 2, so that no session of the parent's lives on in it; it ignores SIGINT (the
 * terminal sends that to all), and SIGTERM sets told, which comes from the parent and when the parent dies. Errors PROC. */
struct pr_child_work {
    int (*run)(void *ctx, const volatile sig_atomic_t *told); void *ctx;
    bool at_once;              /* SIGTERM ends it there and then, and so does the parent's death: it holds nothing that must be put away */
};
PR_NODISCARD enum pr_code pr_child_start(const struct pr_child_work *w, int64_t *pid, struct pr_err *e);
/* Has it ended? Reaps it then: exit code, or 128 + signal. */
bool pr_child_ended(int64_t pid, int *status);
int pr_child_await(int64_t pid);                            /* the same, once it has ended */
void pr_child_tell(int64_t pid);                            /* SIGTERM */
void pr_child_kill(int64_t pid);                            /* SIGKILL */
void pr_child_alarm(int64_t pid);                           /* SIGALRM: to pgbench, that its time is up */

/* Path of a program in PATH, or NULL. */
const char *pr_proc_find(const char *program, struct pr_arena *a);

/* The user that servers run as when we are root: "postgres" if it exists, else "nobody". Errors PROC. */
PR_NODISCARD enum pr_code pr_proc_unprivileged_user(unsigned *uid, unsigned *gid, const char **name, struct pr_err *e);

/* A throwaway PostgreSQL cluster in a private folder under $TMPDIR, on a Unix socket alone (no TCP), trust
 * authentication within the 0700 folder, superuser "postgres". Gone when closed; a keeper child removes it when this process
 * dies, and the next pr_cluster_sweep removes what even that left behind. */
struct pr_cluster;
struct pr_cluster_want {
    const char *bindir;        /* where initdb, postgres and pg_ctl are; NULL = newest found by pr_servers */
    const char *const *settings;   /* NULL-terminated "name = value" lines for postgresql.conf */
    bool durable;              /* fsync on (rehearsals that measure); else off (tests) */
    const char *purpose;       /* "rehearsal", "demo-production"; part of the folder's name */
};
/* Errors  PROC (initdb or start failed; the message quotes the server's log), TIMEOUT. */
PR_NODISCARD enum pr_code pr_cluster_open(const struct pr_cluster_want *want, struct pr_cluster **out, struct pr_err *e);
void pr_cluster_close(struct pr_cluster *c);                /* stops (immediate) and removes; NULL is fine */
void pr_cluster_closep(struct pr_cluster **c);
const char *pr_cluster_conninfo(const struct pr_cluster *c);    /* "host=/… port=… user=postgres dbname=postgres" */
const char *pr_cluster_socket_dir(const struct pr_cluster *c);
int pr_cluster_port(const struct pr_cluster *c);
int pr_cluster_pid(const struct pr_cluster *c);             /* postmaster's */
const char *pr_cluster_bindir(const struct pr_cluster *c);

/* Removes clusters whose owner is dead. Returns how many. Called at every start that may open one. */
int pr_cluster_sweep(void);

/* Server installations on this machine: PGRAIL_SERVERS (colon-separated bin folders), /usr/lib/postgresql/N/bin, pg_config
 * in PATH. Newest major first. */
struct pr_server { int major; const char *version, *bindir; };
size_t pr_servers(struct pr_arena *a, struct pr_server **out);

/* Path of a program that comes with a server ("pgbench"): of that major version if it is there, else of the newest that has it, else in
 * PATH; NULL = nowhere. major 0 = any. */
const char *pr_server_program(const char *program, int major, struct pr_arena *a);

/* A program on a pty of its own, whose prompt is answered by us: for the demo, and for tests of the seam. */
struct pr_pty_answer { const char *when, *type; };  /* when the output ends with `when`, `type` is typed as it is ("YES\n") */
/* Runs argv on a new session and pty of 120 × 40, passing its output to sink (may be NULL) as it comes; answers in order.
 * status as in pr_proc_done. timeout_ms 0 = none. Errors PROC, TIMEOUT (killed). */
PR_NODISCARD enum pr_code pr_pty_run(const char *const *argv, const char *const *env, const struct pr_pty_answer *answers,
                                     size_t n_answers, void (*sink)(void *ctx, const char *bytes, size_t n), void *ctx,
                                     int timeout_ms, int *status, struct pr_err *e);

#endif
