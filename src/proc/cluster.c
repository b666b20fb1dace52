/* cluster.c: throwaway PostgreSQL clusters, from initdb to their end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/cluster_impl.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define INITDB_MS 120000
#define START_MS 60000
#define LOOK_MS 10
#define MAX_LOG ((size_t)1 << 20)
#define PORT 5432

struct pr_cluster {
    struct pr_arena *a;
    const char *folder, *data, *log, *bindir, *conninfo;
    struct pr_keeper_link keeper;               /* pid 0 = not yet */
    int lock_fd;
    pid_t owner, server;
};

/* A sweep may have come between: then the folder is gone, and the next try is due. */
bool pr_lock_folder(const char *folder, int *out) {
    int fd PR_CLEANUP(pr_close_fd) = -1;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" PR_OWNER_LOCK, folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat there, ours;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) return false;
    if (stat(path, &there) != 0 || fstat(fd, &ours) != 0 || there.st_ino != ours.st_ino) return false;
    *out = fd;
    fd = -1;
    return true;
}

static enum pr_code make_folder(struct pr_cluster *c, const char *purpose, struct pr_err *e) {
    unsigned uid = 0, gid = 0;
    const char *name = NULL;
    const bool root = geteuid() == 0;
    if (root) PR_TRY(e, pr_proc_unprivileged_user(&uid, &gid, &name, e));
    const char *base = pr_cluster_base(c->a);
    for (int i = 0; i < 5; i++) {
        char *folder = pr_fmt(c->a, "%s/" PR_CLUSTER_PREFIX "%.24s-XXXXXX", base, purpose != NULL ? purpose : "server");
        if (mkdtemp(folder) == NULL) return PR_FAIL(e, PR_ERR_PROC, "%s: %s", folder, strerror(errno));
        c->folder = folder;
        if (root && chown(folder, uid, gid) != 0) return PR_FAIL(e, PR_ERR_PROC, "%s: %s", folder, strerror(errno));
        if (pr_lock_folder(folder, &c->lock_fd)) return PR_OK;
        (void)pr_remove_tree(AT_FDCWD, folder);
    }
    return PR_FAIL(e, PR_ERR_PROC, "%s: no lock can be had in a new folder there", base);
}

static enum pr_code start_keeper(struct pr_cluster *c, struct pr_err *e) {
    static const char *const env[] = {"LC_ALL=C", "TZ=UTC", NULL};
    const char **argv = PR_NEW_ARRAY(c->a, const char *, 4);
    argv[0] = pr_fmt(c->a, "%s/postgres", c->bindir);
    argv[1] = "-D";
    argv[2] = c->data;
    struct pr_keeper k = {.folder = c->folder, .log = c->log, .lock_fd = c->lock_fd};
    PR_TRY(e, pr_launch_prepare(c->a, argv, env, true, &k.server, e));
    k.server.cwd = c->folder;
    k.server.death_signal = SIGQUIT;            /* an immediate shutdown, should the keeper be killed */
    return pr_keeper_fork(&k, &c->keeper, e);
}

/* The last thing that a program complained about. */
static const char *complaint(struct pr_arena *a, const char *text) {
    const char **lines = NULL;
    const char *found = "it said nothing";
    const size_t n = pr_split(a, text, '\n', &lines);
    bool grave = false;
    for (size_t i = 0; i < n; i++) {
        const bool is_grave = strstr(lines[i], "FATAL:") != NULL || strstr(lines[i], "PANIC:") != NULL ||
                              strstr(lines[i], "error:") != NULL;
        if (lines[i][0] == '\0' || (grave && !is_grave)) continue;
        found = lines[i];
        grave = grave || is_grave;
    }
    return pr_printable(a, found, 400);
}

/* C.UTF-8 sorts by code point and knows the letters of all scripts; a machine without it has at least C. */
static enum pr_code init_data(struct pr_cluster *c, struct pr_err *e) {
    static const char *const locales[] = {"--locale=C.UTF-8", "--locale=C"};
    const char *program = pr_fmt(c->a, "%s/initdb", c->bindir);
    struct pr_proc_done done = {0};
    for (size_t i = 0; i < PR_COUNT(locales); i++) {
        const struct pr_proc initdb = {
            .argv = (const char *const[]){program, "-D", c->data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                                          locales[i], "--no-sync", NULL},
            .env = (const char *const[]){"LC_ALL=C", "TZ=UTC", NULL},
            .cwd = c->folder, .unprivileged = true, .timeout_ms = INITDB_MS,
        };
        PR_TRY(e, pr_proc_run(&initdb, c->a, &done, e));
        if (done.status == 0) return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_PROC, "%s: %s", program, complaint(c->a, done.err));
    return pr_hint(e, "`pgrail doctor` lists the servers of this machine and what is wrong with them");
}

static enum pr_code write_settings(struct pr_cluster *c, const struct pr_cluster_want *want, struct pr_err *e) {
    struct pr_buf b = {.a = c->a};
    pr_addf(&b, "\nlisten_addresses = ''\nunix_socket_directories = '%s'\nport = %d\nlogging_collector = off\n", c->folder, PORT);
    if (!want->durable) pr_add(&b, "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n");
    for (size_t i = 0; want->settings != NULL && want->settings[i] != NULL; i++) pr_addf(&b, "%s\n", want->settings[i]);
    const char *path = pr_fmt(c->a, "%s/postgresql.conf", c->data), *text = pr_buf_text(&b);
    int fd PR_CLEANUP(pr_close_fd) = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    const size_t n = strlen(text);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n) return PR_FAIL(e, PR_ERR_PROC, "%s: %s", path, strerror(errno));
    return PR_OK;
}

/* postmaster.pid says in its 8th line whether connections are taken. */
static bool is_ready(const struct pr_cluster *c) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    struct pr_err ignored = {0};
    const char *text = NULL, **lines = NULL;
    size_t n = 0;
    if (pr_read_text(a, pr_fmt(a, "%s/postmaster.pid", c->data), 8192, &text, &n, &ignored) != PR_OK) return false;
    return pr_split(a, text, '\n', &lines) >= 8 && pr_starts(lines[7], "ready");
}

static enum pr_code not_started(struct pr_cluster *c, struct pr_err *e) {
    struct pr_err ignored = {0};
    const char *text = "";
    size_t n = 0;
    (void)!pr_read_text(c->a, c->log, MAX_LOG, &text, &n, &ignored);
    (void)PR_FAIL(e, PR_ERR_PROC, "%s/postgres did not start: %s", c->bindir, complaint(c->a, text));
    return pr_hint(e, "check the settings asked for, and the memory and disk of this machine");
}

/* The keeper's next word, or 0 after it has died. */
static pid_t hear(const struct pr_cluster *c) {
    pid_t pid = 0;
    ssize_t n = 0;
    do n = read(c->keeper.from, &pid, sizeof pid);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof pid ? pid : 0;
}

static enum pr_code start_server(struct pr_cluster *c, struct pr_err *e) {
    const int64_t deadline = pr_mono_us() + (int64_t)START_MS * 1000;
    if (write(c->keeper.to, "s", 1) != 1) return PR_FAIL(e, PR_ERR_PROC, "the keeper of the throwaway server is gone");
    c->server = hear(c);
    while (c->server != 0 && !is_ready(c)) {
        if (pr_mono_us() > deadline) {
            (void)PR_FAIL(e, PR_ERR_TIMEOUT, "%s/postgres is not ready after %d s", c->bindir, START_MS / 1000);
            return pr_hint(e, "this machine is very busy: try again later");
        }
        struct pollfd p = {.fd = c->keeper.from, .events = POLLIN};
        if (poll(&p, 1, LOOK_MS) > 0) c->server = hear(c);  /* it ended */
    }
    return c->server != 0 ? PR_OK : not_started(c, e);
}

static enum pr_code find_bindir(struct pr_cluster *c, const char *wanted, struct pr_err *e) {
    if (wanted != NULL) {
        c->bindir = pr_dup(c->a, wanted);
        return PR_OK;
    }
    struct pr_server *servers = NULL;
    if (pr_servers(c->a, &servers) == 0) {
        (void)PR_FAIL(e, PR_ERR_PROC, "no PostgreSQL server is installed here");
        return pr_hint(e, "install one (apt install postgresql), or name its bin folder in PGRAIL_SERVERS");
    }
    c->bindir = servers[0].bindir;
    return PR_OK;
}

enum pr_code pr_cluster_open(const struct pr_cluster_want *want, struct pr_cluster **out, struct pr_err *e) {
    struct pr_cluster *c PR_CLEANUP(pr_cluster_closep) = calloc(1, sizeof *c);
    PR_ASSERT(c != NULL);
    *c = (struct pr_cluster){.a = pr_arena_new(ARENA_BYTES), .lock_fd = -1, .owner = getpid(), .keeper = {.to = -1, .from = -1}};
    PR_TRY(e, find_bindir(c, want->bindir, e));
    PR_TRY(e, make_folder(c, want->purpose, e));
    c->data = pr_fmt(c->a, "%s/data", c->folder);
    c->log = pr_fmt(c->a, "%s/log", c->folder);
    c->conninfo = pr_fmt(c->a, "host=%s port=%d user=postgres dbname=postgres", c->folder, PORT);
    PR_TRY(e, start_keeper(c, e));
    PR_TRY(e, init_data(c, e));
    PR_TRY(e, write_settings(c, want, e));
    PR_TRY(e, start_server(c, e));
    *out = c;
    c = NULL;
    return PR_OK;
}

void pr_cluster_close(struct pr_cluster *c) {
    if (c == NULL) return;
    if (c->owner == getpid()) {                 /* a fork of ours that cleans up must not take the server with it */
        pr_close_fd(&c->lock_fd);
        if (c->keeper.pid != 0) {
            /* The word, not the end of the pipe alone: another fork of ours may hold that open. */
            if (write(c->keeper.to, "q", 1) != 1) (void)pr_remove_tree(AT_FDCWD, c->folder);
            (void)pr_reap(c->keeper.pid);
        } else if (c->folder != NULL) {
            (void)pr_remove_tree(AT_FDCWD, c->folder);
        }
    }
    pr_close_fd(&c->lock_fd);
    pr_close_fd(&c->keeper.to);
    pr_close_fd(&c->keeper.from);
    pr_arena_free(c->a);
    free(c);
}

void pr_cluster_closep(struct pr_cluster **c) {
    pr_cluster_close(*c);
}

const char *pr_cluster_conninfo(const struct pr_cluster *c) {
    return c->conninfo;
}

const char *pr_cluster_socket_dir(const struct pr_cluster *c) {
    return c->folder;
}

int pr_cluster_port(const struct pr_cluster *c PR_UNUSED) {
    return PORT;
}

int pr_cluster_pid(const struct pr_cluster *c) {
    return (int)c->server;
}

const char *pr_cluster_bindir(const struct pr_cluster *c) {
    return c->bindir;
}
