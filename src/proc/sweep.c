/* sweep.c: removes what dead owners and dead keepers left behind. It runs as root too, in a folder where everybody may write:
 * so it touches only what belongs to us, follows no symbolic link, and signals only a server of exactly that folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/cluster_impl.h"

#define MAX_BASE 44                             /* a socket's path has 107 bytes; "/pgrail-cluster-…/.s.PGSQL.5432" needs 62 */
#define STOP_MS 10000
#define ORPHAN_AGE_S 600                        /* without a lock file: its maker died in the moment between */

static bool is_plain(const char *path) {
    return path[0] == '/' && path[strspn(path, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

/* The server's user, who is not us when we are root, must be able to get there. */
static bool all_may_enter(struct pr_arena *a, const char *path) {
    struct stat st;
    for (char *p = pr_dup(a, path); p[0] != '\0';) {
        if (stat(p, &st) != 0 || (st.st_mode & S_IXOTH) == 0) return false;
        char *slash = strrchr(p, '/');
        *slash = '\0';
    }
    return true;
}

const char *pr_cluster_base(struct pr_arena *a) {
    const char *named = getenv("TMPDIR");
    if (named == NULL || !is_plain(named)) return "/tmp";
    size_t n = strlen(named);
    while (n > 1 && named[n - 1] == '/') n--;
    const char *base = pr_dupn(a, named, n);
    struct stat st;
    if (n > MAX_BASE || stat(base, &st) != 0 || !S_ISDIR(st.st_mode) || access(base, W_OK) != 0) return "/tmp";
    return geteuid() != 0 || all_may_enter(a, base) ? base : "/tmp";
}

static bool read_small(int at, const char *name, char *out, size_t room) {
    int fd PR_CLEANUP(pr_close_fd) = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    const ssize_t n = read(fd, out, room - 1);
    if (n < 0) return false;
    out[n] = '\0';
    return true;
}

/* Is the process of that user, and was it started with exactly this data folder ("postgres\0-D\0<data>\0")? */
static bool is_server_of(long pid, uid_t uid, const char *data) {
    char path[64], line[PATH_MAX + 512] = "";
    struct stat st;
    (void)snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    if (stat(path, &st) != 0 || st.st_uid != uid || !read_small(AT_FDCWD, path, line, sizeof line)) return false;
    const char *option = line + strlen(line) + 1;
    return pr_eq(option, "-D") && pr_eq(option + 3, data);
}

static void stop_leftover(int folder_fd, uid_t uid, const char *data) {
    char text[256] = "";
    if (!read_small(folder_fd, "data/postmaster.pid", text, sizeof text)) return;
    const long pid = strtol(text, NULL, 10);
    if (pid <= 1 || pid > INT_MAX) return;
    int fd PR_CLEANUP(pr_close_fd) = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (fd < 0 || !is_server_of(pid, uid, data)) return;    /* looked at after the handle was taken: it is this process */
    struct pollfd p = {.fd = fd, .events = POLLIN};
    (void)syscall(SYS_pidfd_send_signal, fd, SIGQUIT, NULL, 0);
    if (poll(&p, 1, STOP_MS) > 0) return;
    (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    (void)poll(&p, 1, STOP_MS);
}

static bool sweep_one(int base_fd, const char *base, const char *name, uid_t server_uid) {
    int folder PR_CLEANUP(pr_close_fd) = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (folder < 0 || fstat(folder, &st) != 0) return false;
    if (st.st_uid != geteuid() && (geteuid() != 0 || st.st_uid != server_uid)) return false;
    int lock PR_CLEANUP(pr_close_fd) = openat(folder, PR_OWNER_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0 && errno == ENOENT && pr_wall_us() / 1000000 - st.st_mtime > ORPHAN_AGE_S)
        return unlinkat(base_fd, name, AT_REMOVEDIR) == 0;                  /* it is empty, or it is not a cluster */
    if (lock < 0) return false;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) return false;     /* its owner or its keeper lives */
    char data[PATH_MAX];
    (void)snprintf(data, sizeof data, "%s/%s/data", base, name);
    stop_leftover(folder, st.st_uid, data);
    return pr_remove_tree(base_fd, name);
}

static int sweep_base(const char *base, uid_t server_uid) {
    DIR *d = opendir(base);
    if (d == NULL) return 0;
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        if (pr_starts(entry->d_name, PR_CLUSTER_PREFIX) && sweep_one(dirfd(d), base, entry->d_name, server_uid)) n++;
    (void)closedir(d);
    return n;
}

int pr_cluster_sweep(void) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    struct pr_err ignored = {0};
    unsigned uid = (unsigned)geteuid(), gid = 0;
    const char *name = NULL;
    if (geteuid() == 0 && pr_proc_unprivileged_user(&uid, &gid, &name, &ignored) != PR_OK) return 0;
    const char *base = pr_cluster_base(a);
    int n = sweep_base(base, uid);
    if (!pr_eq(base, "/tmp")) n += sweep_base("/tmp", uid);
    return n;
}
