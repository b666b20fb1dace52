/* test_cluster.c: throwaway servers come up, and go whatever happens to those who made them. */
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/proc.h"

#define BOUND_US ((int64_t)60000000)

struct world { struct pr_arena *a; struct pr_err e; };

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->a = pr_arena_new((size_t)256 << 20);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static bool exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

/* "S 123 …": state and parent of a process; false when there is none. Files in /proc have no size, so plain stdio. */
static bool stat_of(long pid, char *what, long *parent) {
    char path[64], text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    (void)!fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    const char *after_name = strrchr(text, ')');
    if (after_name == NULL) return false;
    *what = after_name[2];
    *parent = strtol(after_name + 4, NULL, 10);
    return true;
}

/* A process that has ended counts as gone, be it reaped or not. */
static bool runs(long pid) {
    char what = 0;
    long parent = 0;
    return stat_of(pid, &what, &parent) && what != 'Z' && what != 'X';
}

static bool gone_soon(long pid, const char *folder) {
    const int64_t deadline = pr_mono_us() + BOUND_US;
    while (pr_mono_us() < deadline) {
        if (!exists(folder) && !runs(pid)) return true;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static struct pr_cluster *opened(struct world *w, const struct pr_cluster_want *want) {
    struct pr_cluster *c = NULL;
    if (pr_cluster_open(want, &c, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return c;
}

static void test_servers_newest_first(void **state) {
    struct world *w = *state;
    struct pr_server *s = NULL;
    const size_t n = pr_servers(w->a, &s);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(s[i].major >= 10);
        assert_true(i == 0 || s[i - 1].major >= s[i].major);
        assert_true(exists(pr_fmt(w->a, "%s/postgres", s[i].bindir)));
    }
}

static void test_up_private_and_gone(void **state) {
    struct world *w = *state;
    struct pr_cluster *c = opened(w, &(struct pr_cluster_want){
        .purpose = "test", .settings = (const char *const[]){"work_mem = '5MB'", NULL}});
    const char *folder = pr_dup(w->a, pr_cluster_socket_dir(c));
    const long pid = pr_cluster_pid(c);
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(exists(pr_fmt(w->a, "%s/.s.PGSQL.%d", folder, pr_cluster_port(c))));
    assert_non_null(strstr(pr_cluster_conninfo(c), folder));
    assert_true(runs(pid));
    assert_int_equal(stat(pr_fmt(w->a, "/proc/%ld", pid), &st), 0);
    assert_int_not_equal(st.st_uid, 0);
    (void)pr_cluster_sweep();                   /* not what lives */
    assert_true(runs(pid));
    pr_cluster_close(c);
    assert_false(exists(folder));
    assert_false(runs(pid));
}

static void test_bad_setting_says_so_and_leaves_nothing(void **state) {
    struct world *w = *state;
    struct pr_cluster *c = NULL;
    const struct pr_cluster_want want = {.purpose = "bad", .settings = (const char *const[]){"work_mem = 'banana'", NULL}};
    assert_int_equal(pr_cluster_open(&want, &c, &w->e), PR_ERR_PROC);
    assert_null(c);
    assert_non_null(strstr(w->e.msg, "did not start"));
}

static void test_no_such_server(void **state) {
    struct world *w = *state;
    struct pr_cluster *c = NULL;
    assert_int_equal(pr_cluster_open(&(struct pr_cluster_want){.bindir = "/no/such/bin"}, &c, &w->e), PR_ERR_PROC);
    assert_null(c);
}

struct told { char folder[256]; long server, keeper; };

/* The keeper is a child of its owner; the server is a child of the keeper. */
static long parent_of(long pid) {
    char what = 0;
    long parent = -1;
    return stat_of(pid, &what, &parent) ? parent : -1;
}

/* A process of its own that owns a cluster, says what it has and then waits to be killed. */
static pid_t owner_elsewhere(struct world *w, struct told *told) {
    int p[2];
    assert_int_equal(pipe(p), 0);
    const pid_t owner = fork();
    if (owner == 0) {
        struct pr_cluster *c = NULL;
        if (pr_cluster_open(&(struct pr_cluster_want){.purpose = "kill"}, &c, &w->e) != PR_OK) _exit(1);
        struct told t = {.server = pr_cluster_pid(c), .keeper = parent_of(pr_cluster_pid(c))};
        (void)snprintf(t.folder, sizeof t.folder, "%s", pr_cluster_socket_dir(c));
        (void)!write(p[1], &t, sizeof t);
        for (;;) (void)pause();
    }
    (void)close(p[1]);
    assert_int_equal(read(p[0], told, sizeof *told), sizeof *told);
    (void)close(p[0]);
    assert_true(runs(told->server));
    assert_true(exists(told->folder));
    return owner;
}

static void end(pid_t pid) {
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_owner_killed(void **state) {
    struct world *w = *state;
    struct told t = {0};
    end(owner_elsewhere(w, &t));
    assert_true(gone_soon(t.server, t.folder));
}

/* Both killed at once: the kernel ends the server, the next start sweeps the folder. */
static void test_owner_and_keeper_killed(void **state) {
    struct world *w = *state;
    struct told t = {0};
    const pid_t owner = owner_elsewhere(w, &t);
    assert_int_equal(kill((pid_t)t.keeper, SIGSTOP), 0);    /* it shall not see its owner die */
    end(owner);
    assert_int_equal(kill((pid_t)t.keeper, SIGKILL), 0);
    const int64_t deadline = pr_mono_us() + BOUND_US;
    while (exists(t.folder) && pr_mono_us() < deadline) {
        (void)pr_cluster_sweep();
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_true(gone_soon(t.server, t.folder));
}

/* A fork that cleans up on its way out must not stop the server of its parent, nor keep it from being stopped. */
static void test_forks_do_not_own(void **state) {
    struct world *w = *state;
    struct pr_cluster *c = opened(w, &(struct pr_cluster_want){.purpose = "fork"});
    const char *folder = pr_dup(w->a, pr_cluster_socket_dir(c));
    const long pid = pr_cluster_pid(c);
    const pid_t closing = fork();
    if (closing == 0) {
        pr_cluster_close(c);
        _exit(0);
    }
    assert_int_equal(waitpid(closing, NULL, 0), closing);
    assert_true(runs(pid));
    const pid_t living = fork();
    if (living == 0)
        for (;;) (void)pause();
    pr_cluster_close(c);
    assert_false(exists(folder));
    assert_false(runs(pid));
    end(living);
}

static void test_two_at_once(void **state) {
    struct world *w = *state;
    struct pr_cluster *one = opened(w, &(struct pr_cluster_want){.purpose = "one"});
    struct pr_cluster *two = opened(w, &(struct pr_cluster_want){.purpose = "two"});
    const long first = pr_cluster_pid(one), second = pr_cluster_pid(two);
    pr_cluster_close(one);                      /* the younger keeper must not hold the elder's pipe */
    assert_false(runs(first));
    assert_true(runs(second));
    pr_cluster_close(two);
    assert_false(runs(second));
}

static void test_sweep_leaves_other_folders_alone(void **state) {
    struct world *w = *state;
    const char *dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-cluster-mine-XXXXXX"));
    assert_non_null(dir);
    (void)pr_cluster_sweep();
    assert_true(exists(dir));                   /* young and without a lock: somebody is just making it */
    assert_int_equal(rmdir(dir), 0);
}

/* In $TMPDIR where the server's user can get there and a socket's path is not too long; else in /tmp. */
static void test_where_clusters_live(void **state) {
    struct world *w = *state;
    const char *dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-base-XXXXXX"));
    const char *closed = pr_fmt(w->a, "%s/closed", dir), *within = pr_fmt(w->a, "%s/closed/open", dir);
    const char *deep = pr_fmt(w->a, "%s/a-name-that-is-far-too-long-for-a-socket-path", dir);
    const mode_t mask = umask(0);
    assert_int_equal(chmod(dir, 01777) | mkdir(closed, 0700) | mkdir(within, 0777) | mkdir(deep, 0777), 0);
    (void)umask(mask);
    const struct { const char *tmpdir, *base; } cases[] = {
        {pr_fmt(w->a, "%s/", dir), dir}, {deep, "/tmp"}, {"relative", "/tmp"}, {"/no/such/folder", "/tmp"},
        {within, geteuid() == 0 ? "/tmp" : within},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        (void)setenv("TMPDIR", cases[i].tmpdir, 1);
        struct pr_cluster *c = opened(w, &(struct pr_cluster_want){.purpose = "a-purpose-of-many-words-indeed"});
        const bool there = pr_starts(pr_cluster_socket_dir(c), pr_fmt(w->a, "%s/pgrail-cluster-", cases[i].base));
        pr_cluster_close(c);
        (void)unsetenv("TMPDIR");
        assert_true(there);
    }
    assert_int_equal(rmdir(within) | rmdir(closed) | rmdir(deep) | rmdir(dir), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_servers_newest_first), T(test_up_private_and_gone), T(test_bad_setting_says_so_and_leaves_nothing),
        T(test_no_such_server), T(test_owner_killed), T(test_owner_and_keeper_killed), T(test_forks_do_not_own),
        T(test_two_at_once), T(test_sweep_leaves_other_folders_alone), T(test_where_clusters_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
