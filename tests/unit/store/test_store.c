/* test_store.c: the file of local state: made, lifted, shared, refused. */
#include "base/base.h"

#include <setjmp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

static const char *const schema[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT)",
    "ALTER TABLE t ADD COLUMN n INTEGER NOT NULL DEFAULT 7",
    "CREATE TABLE u (x TEXT); INSERT INTO u VALUES ('lifted')",
};

struct world {
    struct pr_arena *a;
    const char *dir, *path;
    struct pr_err e;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->a = pr_arena_new((size_t)8 << 20);
    w->dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-store-XXXXXX"));
    w->path = pr_fmt(w->a, "%s/deep/state.db", w->dir);
    *state = w;
    return w->dir == NULL;
}

static int tear_down(void **state) {
    struct world *w = *state;
    static const char *const names[] = {"deep/state.db", "deep/state.db-wal", "deep/state.db-shm", "deep", "."};
    for (size_t i = 0; i < PR_COUNT(names); i++) (void)remove(pr_fmt(w->a, "%s/%s", w->dir, names[i]));
    (void)rmdir(w->dir);
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static struct pr_store *opened(struct world *w, int n) {
    struct pr_store *s = NULL;
    if (pr_store_open(w->path, schema, n, &s, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    return s;
}

static const char *one_cell(struct world *w, struct pr_store *s, const char *sql) {
    struct pr_store_rows r = {0};
    if (pr_store_run(s, sql, NULL, 0, w->a, &r, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    assert_int_equal(r.n_rows, 1);
    return r.cells[0];
}

static void test_made_for_its_owner_alone(void **state) {
    struct world *w = *state;
    (void)umask(0);
    pr_store_close(opened(w, 1));
    struct stat st;
    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(pr_fmt(w->a, "%s/deep", w->dir), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_values_come_back(void **state) {
    struct world *w = *state;
    struct pr_store *s = opened(w, 3);
    const char *const params[] = {"O'Brien; DROP TABLE t", NULL};
    assert_int_equal(pr_store_run(s, "INSERT INTO t (name, note) VALUES (?, ?)", params, 2, w->a, NULL, &w->e), PR_OK);
    assert_int_equal(pr_store_last_id(s), 1);
    struct pr_store_rows r = {0};
    assert_int_equal(pr_store_run(s, "SELECT id, name, note, n FROM t WHERE id = ?", (const char *const[]){"1"}, 1, w->a, &r, &w->e), PR_OK);
    assert_int_equal(r.n_rows, 1);
    assert_int_equal(r.n_cols, 4);
    assert_string_equal(r.cells[0], "1");
    assert_string_equal(r.cells[1], "O'Brien; DROP TABLE t");
    assert_null(r.cells[2]);
    assert_string_equal(r.cells[3], "7");
    pr_store_close(s);
}

static void test_no_rows_and_constraint(void **state) {
    struct world *w = *state;
    struct pr_store *s = opened(w, 3);
    struct pr_store_rows r = {.n_rows = 9};
    assert_int_equal(pr_store_run(s, "SELECT id FROM t", NULL, 0, w->a, &r, &w->e), PR_OK);
    assert_int_equal(r.n_rows, 0);
    r.n_rows = 9;
    assert_int_equal(pr_store_run(s, "INSERT INTO t (name) VALUES (NULL) RETURNING id", NULL, 0, w->a, &r, &w->e), PR_ERR_STORE);
    assert_int_equal(r.n_rows, 9);              /* untouched on failure */
    assert_non_null(strstr(w->e.msg, "NOT NULL"));
    pr_store_close(s);
}

static void test_lifted_version_by_version(void **state) {
    struct world *w = *state;
    struct pr_store *s = opened(w, 1);
    assert_int_equal(pr_store_run(s, "INSERT INTO t (name) VALUES ('kept')", NULL, 0, w->a, NULL, &w->e), PR_OK);
    pr_store_close(s);
    s = opened(w, 3);
    assert_string_equal(one_cell(w, s, "SELECT name || n FROM t"), "kept7");
    assert_string_equal(one_cell(w, s, "SELECT x FROM u"), "lifted");
    assert_string_equal(one_cell(w, s, "PRAGMA user_version"), "3");
    assert_string_equal(one_cell(w, s, "PRAGMA journal_mode"), "wal");
    assert_string_equal(one_cell(w, s, "PRAGMA synchronous"), "2");
    pr_store_close(s);
}

static void test_newer_file_is_refused(void **state) {
    struct world *w = *state;
    pr_store_close(opened(w, 3));
    struct pr_store *s = NULL;
    assert_int_equal(pr_store_open(w->path, schema, 2, &s, &w->e), PR_ERR_STORE);
    assert_null(s);
    assert_non_null(strstr(w->e.msg, "newer pgrail"));
    assert_true(w->e.hint[0] != '\0');
}

static void test_a_failing_lift_leaves_the_file_as_it_was(void **state) {
    struct world *w = *state;
    pr_store_close(opened(w, 1));
    const char *const bad[] = {schema[0], "CREATE TABLE half (x)", "CREATE TABEL oops"};
    struct pr_store *s = NULL;
    assert_int_equal(pr_store_open(w->path, bad, 3, &s, &w->e), PR_ERR_STORE);
    s = opened(w, 3);
    assert_string_equal(one_cell(w, s, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), "0");
    pr_store_close(s);
}

static void test_not_a_database(void **state) {
    struct world *w = *state;
    pr_store_close(opened(w, 1));
    assert_int_equal(pr_write_text(w->path, "this is a text of somebody else, long enough to be read as a header\n", 68, 0600, false, &w->e), PR_OK);
    (void)remove(pr_fmt(w->a, "%s-wal", w->path));
    struct pr_store *s = NULL;
    assert_int_equal(pr_store_open(w->path, schema, 1, &s, &w->e), PR_ERR_STORE);
    assert_non_null(strstr(w->e.hint, "mv "));
}

static void test_folder_that_cannot_be_made(void **state) {
    struct world *w = *state;
    struct pr_store *s = NULL;
    assert_int_not_equal(pr_store_open("/proc/nowhere/state.db", schema, 1, &s, &w->e), PR_OK);
    assert_null(s);
}

/* Two programs at once: the second writer waits for the first; both rows are there, also after the first was killed. */
static void test_two_processes_and_a_kill(void **state) {
    struct world *w = *state;
    pr_store_close(opened(w, 3));
    const pid_t child = fork();
    if (child == 0) {
        struct pr_store *mine = opened(w, 3);
        for (int i = 0; i < 50; i++) {
            const char *const name[] = {pr_fmt(w->a, "child %d", i)};
            if (pr_store_run(mine, "INSERT INTO t (name) VALUES (?)", name, 1, w->a, NULL, &w->e) != PR_OK) _exit(1);
        }
        (void)raise(SIGKILL);
    }
    struct pr_store *s = opened(w, 3);
    for (int i = 0; i < 50; i++) {
        const char *const name[] = {pr_fmt(w->a, "parent %d", i)};
        assert_int_equal(pr_store_run(s, "INSERT INTO t (name) VALUES (?)", name, 1, w->a, NULL, &w->e), PR_OK);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(one_cell(w, s, "SELECT count(*) FROM t"), "100");
    assert_string_equal(one_cell(w, s, "PRAGMA integrity_check"), "ok");
    pr_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_rows_and_constraint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lifted_version_by_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newer_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failing_lift_leaves_the_file_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_that_cannot_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_processes_and_a_kill, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
