/* test_beside.c: programs that go on beside us, and the folder for their files. */
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/proc.h"

struct world { struct pr_arena *a; struct pr_private folder; struct pr_err e; };

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->a = pr_arena_new((size_t)64 << 20);
    assert_int_equal(pr_private_open("unit", w->a, &w->folder, &w->e), PR_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    pr_private_close(&w->folder);
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static const char *inside(struct world *w, const char *name) { return pr_fmt(w->a, "%s/%s", w->folder.path, name); }

static int64_t started(struct world *w, const char *script, const char *output) {
    int64_t pid = 0;
    const struct pr_proc p = {.argv = (const char *const[]){"sh", "-c", script, NULL}, .env = (const char *const[]){"WORD=seven", NULL}, .cwd = w->folder.path};
    if (pr_proc_start(&p, output, w->a, &pid, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return pid;
}

static int ended(int64_t pid) {
    int status = -1;
    while (!pr_child_ended(pid, &status)) (void)usleep(1000);
    return status;
}

static void test_what_it_says_goes_to_the_file(void **state) {
    struct world *w = *state;
    const char *text = NULL;
    size_t n = 0;
    assert_int_equal(ended(started(w, "echo $WORD; pwd >&2; exit 3", inside(w, "said"))), 3);
    assert_int_equal(pr_read_text(w->a, inside(w, "said"), 1000, &text, &n, &w->e), PR_OK);
    assert_string_equal(text, pr_fmt(w->a, "seven\n%s\n", w->folder.path));
}

static void test_it_goes_on_until_it_is_told(void **state) {
    struct world *w = *state;
    int status = -1;
    const int64_t first = started(w, "trap 'exit 5' ALRM; echo ready; while :; do sleep 0.01; done", inside(w, "first"));
    const char *text = "";
    size_t n = 0;
    while (n == 0) assert_int_equal(pr_read_text(w->a, inside(w, "first"), 1000, &text, &n, &w->e), PR_OK);
    assert_false(pr_child_ended(first, &status));
    pr_child_alarm(first);
    assert_int_equal(ended(first), 5);
    const int64_t second = started(w, "exec sleep 600", inside(w, "second"));
    pr_child_kill(second);
    assert_int_equal(ended(second), 128 + SIGKILL);
}

static void test_what_cannot_be_started(void **state) {
    struct world *w = *state;
    int64_t pid = 0;
    const struct pr_proc none = {.argv = (const char *const[]){"no-such-program-here", NULL}}, some = {.argv = (const char *const[]){"true", NULL}};
    assert_int_equal(pr_proc_start(&none, inside(w, "said"), w->a, &pid, &w->e), PR_ERR_PROC);
    assert_int_equal(pr_proc_start(&some, "/nowhere/said", w->a, &pid, &w->e), PR_ERR_PROC);
    assert_int_equal(ended(started(w, "exit 0", inside(w, "taken"))), 0);
    assert_int_equal(pr_proc_start(&some, inside(w, "taken"), w->a, &pid, &w->e), PR_ERR_PROC);
    assert_int_equal(pid, 0);
}

static void test_it_dies_with_us(void **state) {
    struct world *w = *state;
    const char *word = inside(w, "pid");
    const pid_t parent = fork();
    if (parent == 0) {
        (void)started(w, "echo $$ > pid.part; mv pid.part pid; exec sleep 600", inside(w, "said"));
        (void)pause();
        _exit(0);
    }
    while (access(word, F_OK) != 0) (void)usleep(1000);
    const char *text = NULL;
    size_t n = 0;
    assert_int_equal(pr_read_text(w->a, word, 1000, &text, &n, &w->e), PR_OK);
    const pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    const char *stat_path = pr_fmt(w->a, "/proc/%d/stat", (int)pid);
    for (bool lives = true; lives;) {           /* gone, or a zombie that nobody has reaped yet */
        char line[256] = "";
        FILE *f = fopen(stat_path, "re");
        const size_t read = f != NULL ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f != NULL) (void)fclose(f);
        const char *state_of = read > 0 ? strrchr(line, ')') : NULL;
        lives = state_of != NULL && state_of[2] != 'Z';
    }
}

static void test_the_folder_is_ours_alone_and_goes(void **state) {
    struct world *w = *state;
    struct stat st;
    assert_int_equal(stat(w->folder.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(pr_write_text(inside(w, "file"), "x", 1, 0600, true, &w->e), PR_OK);
    (void)pr_cluster_sweep();                   /* we live: it stays */
    assert_int_equal(access(inside(w, "file"), F_OK), 0);
    const char *path = w->folder.path;
    pr_private_close(&w->folder);
    assert_int_not_equal(access(path, F_OK), 0);
    pr_private_close(&w->folder);
}

static void test_the_folder_of_a_dead_owner_is_swept(void **state) {
    struct world *w = *state;
    const char *note = inside(w, "path");
    const pid_t owner = fork();
    if (owner == 0) {
        struct pr_private f = {0};
        struct pr_err e = {0};
        if (pr_private_open("unit", w->a, &f, &e) != PR_OK) _exit(1);
        if (pr_write_text(note, f.path, strlen(f.path), 0600, true, &e) != PR_OK) _exit(2);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_int_equal(status, 0);
    const char *path = NULL;
    size_t n = 0;
    assert_int_equal(pr_read_text(w->a, note, 1000, &path, &n, &w->e), PR_OK);
    assert_int_equal(access(path, F_OK), 0);
    (void)pr_cluster_sweep();
    assert_int_not_equal(access(path, F_OK), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {T(test_what_it_says_goes_to_the_file), T(test_it_goes_on_until_it_is_told), T(test_what_cannot_be_started), T(test_it_dies_with_us),
                                       T(test_the_folder_is_ours_alone_and_goes), T(test_the_folder_of_a_dead_owner_is_swept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
