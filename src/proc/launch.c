/* launch.c: from argv to a running program, without a shell. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/proc_impl.h"

#define MAX_DEPTH 64

static bool is_program(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

const char *pr_proc_find(const char *program, struct pr_arena *a) {
    if (strchr(program, '/') != NULL) return is_program(program) ? pr_dup(a, program) : NULL;
    const char *path = getenv("PATH");
    const char **folders = NULL;
    const size_t n = pr_split(a, path != NULL ? path : "/usr/local/bin:/usr/bin:/bin", ':', &folders);
    for (size_t i = 0; i < n; i++) {
        const char *whole = pr_fmt(a, "%s/%s", folders[i][0] != '\0' ? folders[i] : ".", program);
        if (is_program(whole)) return whole;
    }
    return NULL;
}

enum pr_code pr_proc_unprivileged_user(unsigned *uid, unsigned *gid, const char **name, struct pr_err *e) {
    static const char *const names[] = {"postgres", "nobody"};
    for (size_t i = 0; i < PR_COUNT(names); i++) {
        const struct passwd *user = getpwnam(names[i]);
        if (user == NULL || user->pw_uid == 0) continue;
        *uid = user->pw_uid;
        *gid = user->pw_gid;
        *name = names[i];
        return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_PROC, "a PostgreSQL server does not run as root, and there is no user postgres or nobody");
    return pr_hint(e, "run pgrail as another user, or create one: useradd --system postgres");
}

/* "K=V" takes the place of the K that is there. */
static char *const *merge_env(struct pr_arena *a, const char *const *add) {
    size_t n_old = 0, n_add = 0, n = 0;
    while (environ[n_old] != NULL) n_old++;
    while (add != NULL && add[n_add] != NULL) n_add++;
    char **env = PR_NEW_ARRAY(a, char *, n_old + n_add + 1);
    for (size_t i = 0; i < n_old; i++) {
        bool replaced = false;
        for (size_t j = 0; j < n_add && !replaced; j++)
            replaced = strncmp(environ[i], add[j], strcspn(add[j], "=") + 1) == 0;
        if (!replaced) env[n++] = environ[i];
    }
    for (size_t j = 0; j < n_add; j++) env[n++] = pr_dup(a, add[j]);
    return env;
}

enum pr_code pr_launch_prepare(struct pr_arena *a, const char *const *argv, const char *const *env, bool unprivileged,
                               struct pr_launch *out, struct pr_err *e) {
    PR_ASSERT(argv != NULL && argv[0] != NULL);
    const char *path = pr_proc_find(argv[0], a);
    if (path == NULL) {
        (void)PR_FAIL(e, PR_ERR_PROC, "%s: no such program", argv[0]);
        return pr_hint(e, "install it, or put its folder into PATH");
    }
    struct pr_launch l = {.path = path, .argv = argv, .env = merge_env(a, env), .drop = unprivileged && geteuid() == 0};
    const char *name = NULL;
    if (l.drop) PR_TRY(e, pr_proc_unprivileged_user(&l.uid, &l.gid, &name, e));
    *out = l;
    return PR_OK;
}

static bool become(const struct pr_launch *l) {
    if (l->drop && (setgroups(1, &l->gid) != 0 || setgid(l->gid) != 0 || setuid(l->uid) != 0)) return false;
    /* After setuid, which clears it. The parent may have died before this line: then nobody waits for us. */
    if (prctl(PR_SET_PDEATHSIG, l->death_signal != 0 ? l->death_signal : SIGTERM) != 0) return false;
    if (getppid() != l->parent) return false;
    return l->cwd == NULL || chdir(l->cwd) == 0;
}

_Noreturn void pr_launch_exec(const struct pr_launch *l, int in, int out, int err, int report_fd) {
    sigset_t none;
    (void)sigemptyset(&none);
    for (int s = 1; s < NSIG; s++) (void)signal(s, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (!l->keep_group) (void)setpgid(0, 0);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2 && become(l)) {
        (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        /* execve does not write to what it is given; its prototype is older than const */
        char *const *argv = NULL;
        memcpy(&argv, &l->argv, sizeof argv);
        (void)execve(l->path, argv, l->env);
    }
    const int why = errno;
    (void)!write(report_fd, &why, sizeof why);
    _exit(127);
}

int pr_reap(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 127;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct pr_child_watch pr_watch_children(void) {
    struct pr_child_watch w = {.fd = -1};
    struct sigaction now;
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    /* Started by a program that ignores it, we would inherit that, and the kernel would reap in our place. */
    if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN) (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_BLOCK, &child, &w.before);
    w.fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    PR_ASSERT(w.fd >= 0);
    return w;
}

void pr_unwatch_children(struct pr_child_watch *w) {
    pr_close_fd(&w->fd);
    (void)sigprocmask(SIG_SETMASK, &w->before, NULL);
}

bool pr_has_ended(const struct pr_child_watch *w, pid_t pid) {
    struct signalfd_siginfo said;
    while (read(w->fd, &said, sizeof said) > 0) {}
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

void pr_close_fd(int *fd) {
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

static void dir_closep(DIR **d) {
    if (*d != NULL) (void)closedir(*d);
}

static bool empty_folder(int fd, int depth) {
    DIR *d PR_CLEANUP(dir_closep) = fdopendir(fd);
    if (d == NULL) {
        (void)close(fd);
        return false;
    }
    bool all = true;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
        const char *name = entry->d_name;
        if (pr_eq(name, ".") || pr_eq(name, "..") || unlinkat(dirfd(d), name, 0) == 0) continue;
        const int sub = openat(dirfd(d), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub >= 0 && depth < MAX_DEPTH) all = empty_folder(sub, depth + 1) && all;
        else pr_close_fd(&(int){sub});
        if (unlinkat(dirfd(d), name, AT_REMOVEDIR) != 0) all = false;
    }
    return all;
}

bool pr_remove_tree(int at, const char *name) {
    const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT;
    const bool emptied = empty_folder(fd, 0);
    return unlinkat(at, name, AT_REMOVEDIR) == 0 && emptied;
}

const char *pr_as_text(char *bytes, size_t n) {
    struct pr_err ignored = {0};
    if (pr_check_utf8("", bytes, n, &ignored) == PR_OK) return bytes;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == '\0' || (bytes[i] & 0x80) != 0) bytes[i] = '?';
    return bytes;
}
