/* test_run.c: programs run to their end, and programs on a terminal of their own. */
#include "base/base.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/proc.h"

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

#define SH(script) (const char *const[]){"sh", "-c", script, NULL}

static struct pr_proc_done ran(struct world *w, const struct pr_proc *p) {
    struct pr_proc_done done = {.status = -1};
    if (pr_proc_run(p, w->a, &done, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return done;
}

static void test_output_and_status(void **state) {
    struct world *w = *state;
    const struct pr_proc_done done = ran(w, &(struct pr_proc){.argv = SH("echo one; echo two >&2; exit 3")});
    assert_int_equal(done.status, 3);
    assert_string_equal(done.out, "one\n");
    assert_string_equal(done.err, "two\n");
}

static void test_death_by_signal(void **state) {
    assert_int_equal(ran(*state, &(struct pr_proc){.argv = SH("kill -9 $$")}).status, 137);
}

static void test_arguments_go_as_they_are(void **state) {
    struct world *w = *state;
    const char *const argv[] = {"printf", "%s|", "a b", "$(id)", "\"; ls", NULL};
    assert_string_equal(ran(w, &(struct pr_proc){.argv = argv}).out, "a b|$(id)|\"; ls|");
}

static void test_input_is_given_whole(void **state) {
    struct world *w = *state;
    const size_t n = (size_t)3 << 20;           /* more than a pipe holds, both ways at once */
    char *text = pr_alloc(w->a, n + 1);
    memset(text, 'x', n);
    const struct pr_proc_done done =
        ran(w, &(struct pr_proc){.argv = SH("cat"), .input = text, .input_len = n, .max_output = n + 10});
    assert_int_equal(strlen(done.out), n);
}

static void test_reader_that_leaves_early(void **state) {
    struct world *w = *state;
    const size_t n = (size_t)3 << 20;
    char *text = pr_alloc(w->a, n + 1);
    memset(text, '\n', n);
    assert_int_equal(ran(w, &(struct pr_proc){.argv = SH("exec <&-; exit 4"), .input = text, .input_len = n}).status, 4);
}

static void test_no_input_is_an_end(void **state) {
    assert_string_equal(ran(*state, &(struct pr_proc){.argv = SH("cat; echo end")}).out, "end\n");
}

static void test_input_from_a_file(void **state) {
    struct world *w = *state;
    assert_string_equal(ran(w, &(struct pr_proc){.argv = SH("head -c 4"), .input_path = "/proc/self/status"}).out, "Name");
    struct pr_proc_done done = {0};
    const struct pr_proc p = {.argv = SH("cat"), .input_path = "/no/such/file"};
    assert_int_equal(pr_proc_run(&p, w->a, &done, &w->e), PR_ERR_PROC);
    assert_non_null(strstr(w->e.msg, "/no/such/file"));
}

static void test_output_is_capped_not_held_up(void **state) {
    const struct pr_proc p = {.argv = SH("head -c 5000000 /dev/zero | tr '\\0' y; exit 6"), .max_output = 100};
    const struct pr_proc_done done = ran(*state, &p);
    assert_int_equal(done.status, 6);
    assert_int_equal(strlen(done.out), 100);
}

static void test_bytes_become_text(void **state) {
    assert_string_equal(ran(*state, &(struct pr_proc){.argv = SH("printf 'a\\000b\\377c'")}).out, "a?b?c");
}

static void test_environment_and_folder(void **state) {
    const char *const env[] = {"PGRAIL_X=1", "HOME=/nowhere", NULL};
    const struct pr_proc p = {.argv = SH("echo $PGRAIL_X $HOME; pwd"), .env = env, .cwd = "/usr"};
    assert_string_equal(ran(*state, &p).out, "1 /nowhere\n/usr\n");
}

static void test_missing_program(void **state) {
    struct world *w = *state;
    struct pr_proc_done done = {.status = 55};
    const struct pr_proc p = {.argv = (const char *const[]){"no-such-program-here", NULL}};
    assert_int_equal(pr_proc_run(&p, w->a, &done, &w->e), PR_ERR_PROC);
    assert_int_equal(done.status, 55);
    const struct pr_proc folder = {.argv = SH("true"), .cwd = "/no/such/folder"};
    assert_int_equal(pr_proc_run(&folder, w->a, &done, &w->e), PR_ERR_PROC);
    assert_non_null(strstr(w->e.msg, "cannot be started"));
}

/* The whole group ends, also a grandchild that ignores SIGTERM and holds the output open. */
static void test_deadline_ends_the_group(void **state) {
    struct world *w = *state;
    struct pr_proc_done done = {0};
    const struct pr_proc p = {.argv = SH("(trap '' TERM; while :; do sleep 1; done) & sleep 60"), .timeout_ms = 100};
    assert_int_equal(pr_proc_run(&p, w->a, &done, &w->e), PR_ERR_TIMEOUT);
}

static void test_a_daemon_is_not_waited_for(void **state) {
    const struct pr_proc p = {.argv = SH("sleep 600 & echo $!"), .timeout_ms = 60000};
    const struct pr_proc_done done = ran(*state, &p);
    assert_int_equal(done.status, 0);
    assert_int_equal(kill((pid_t)strtol(done.out, NULL, 10), SIGKILL), 0);
}

static void test_interrupted(void **state) {
    struct world *w = *state;
    static volatile sig_atomic_t flag = 1;
    struct pr_proc_done done = {0};
    const struct pr_proc p = {.argv = SH("echo x; exec >&- 2>&-; sleep 600"), .interrupted = &flag};
    assert_int_equal(pr_proc_run(&p, w->a, &done, &w->e), PR_ERR_INTERRUPTED);
}

static void test_unprivileged(void **state) {
    struct world *w = *state;
    const struct pr_proc_done done = ran(w, &(struct pr_proc){.argv = SH("id -u; id -G"), .unprivileged = true, .cwd = "/"});
    if (geteuid() == 0) {
        unsigned uid = 0, gid = 0;
        const char *name = NULL;
        assert_int_equal(pr_proc_unprivileged_user(&uid, &gid, &name, &w->e), PR_OK);
        assert_string_equal(done.out, pr_fmt(w->a, "%u\n%u\n", uid, gid));
    } else {
        assert_int_equal(strtol(done.out, NULL, 10), geteuid());
    }
}

static void test_find(void **state) {
    struct world *w = *state;
    assert_non_null(pr_proc_find("sh", w->a));
    assert_null(pr_proc_find("no-such-program-here", w->a));
    assert_null(pr_proc_find("/etc", w->a));
    assert_null(pr_proc_find("/etc/passwd", w->a));
}

static void collect(void *ctx, const char *bytes, size_t n) {
    pr_addn(ctx, bytes, n);
}

static void test_pty_answers_in_order(void **state) {
    struct world *w = *state;
    struct pr_buf out = {.a = w->a};
    const struct pr_pty_answer answers[] = {{"name? ", "Ada\n"}, {"sure? ", "YES\n"}};
    int status = -1;
    const enum pr_code code = pr_pty_run(
        SH("test -t 0 && test -t 1 || exit 9; printf 'name? '; read a </dev/tty; printf 'sure? '; read b; echo \"<$a $b>\"; exit 5"),
        NULL, answers, 2, collect, &out, 20000, &status, &w->e);
    if (code != PR_OK) fail_msg("%s", w->e.msg);
    assert_int_equal(status, 5);
    assert_non_null(strstr(pr_buf_text(&out), "<Ada YES>"));
}

static void test_pty_interrupt_key(void **state) {
    struct world *w = *state;
    const struct pr_pty_answer answers[] = {{"> ", "\x03"}};
    int status = -1;
    assert_int_equal(pr_pty_run(SH("printf '> '; read a; exit 0"), NULL, answers, 1, NULL, NULL, 20000, &status, &w->e), PR_OK);
    assert_int_equal(status, 128 + SIGINT);
}

static void test_pty_deadline(void **state) {
    struct world *w = *state;
    int status = 77;
    assert_int_equal(pr_pty_run(SH("sleep 600"), NULL, NULL, 0, NULL, NULL, 100, &status, &w->e), PR_ERR_TIMEOUT);
    assert_int_equal(status, 77);
}

/* What "test_run ask" does, on the terminal that the next test gives it. */
static int ask(void) {
    struct world w = {.a = pr_arena_new((size_t)8 << 20)};
    struct pr_proc_done done = {0};
    const struct pr_proc p = {.argv = SH("printf 'passphrase: ' >/dev/tty; read a </dev/tty; echo \"<$a>\""), .interactive = true};
    if (pr_proc_run(&p, w.a, &done, &w.e) != PR_OK) return 1;
    (void)fputs(done.out, stdout);
    pr_arena_free(w.a);
    return 0;
}

/* A program in the background that reads from the terminal is stopped by it, and would never end. */
static void test_interactive_may_read_the_terminal(void **state) {
    struct world *w = *state;
    struct pr_buf out = {.a = w->a};
    const struct pr_pty_answer answers[] = {{"passphrase: ", "open sesame\n"}};
    int status = -1;
    char self[4096] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);         /* under valgrind the link itself leads to valgrind */
    const char *const argv[] = {self, "ask", NULL};
    const enum pr_code code = pr_pty_run(argv, NULL, answers, 1, collect, &out, 20000, &status, &w->e);
    if (code != PR_OK) fail_msg("%s", w->e.msg);
    assert_int_equal(status, 0);
    assert_non_null(strstr(pr_buf_text(&out), "<open sesame>"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv) {
    if (argc > 1 && pr_eq(argv[1], "ask")) return ask();
    const struct CMUnitTest tests[] = {
        T(test_output_and_status), T(test_death_by_signal), T(test_arguments_go_as_they_are), T(test_input_is_given_whole),
        T(test_reader_that_leaves_early), T(test_no_input_is_an_end), T(test_input_from_a_file),
        T(test_output_is_capped_not_held_up), T(test_bytes_become_text), T(test_environment_and_folder),
        T(test_missing_program), T(test_deadline_ends_the_group), T(test_a_daemon_is_not_waited_for), T(test_interrupted),
        T(test_unprivileged), T(test_find), T(test_pty_answers_in_order), T(test_pty_interrupt_key), T(test_interactive_may_read_the_terminal), T(test_pty_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
