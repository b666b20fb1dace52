/* What is made of pgbench's log: which transactions count as alone and which as beside the work, percentiles, and what was late or undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "rehearse/inside.h"

#define SECOND ((int64_t)1000000)
#define START (1700000000 * SECOND)             /* of the time alone, which lasts ten seconds; the work lasts the next ten */

struct world {
    struct pr_arena *a;
    struct pr_workload workload;
    struct pr_rehearse r;
    struct pr_foreground f;
    FILE *log;
    char path[64];
};

static int set_up(void **state) {
    struct pr_arena *a = pr_arena_new(PR_CAP_FILE);
    struct world *w = PR_NEW(a, struct world);
    w->a = a;
    w->workload = (struct pr_workload){.title = "f.sql", .rate = 100, .clients = 2};
    w->r = (struct pr_rehearse){.workload = &w->workload};
    w->f = (struct pr_foreground){.r = &w->r, .a = a, .alone_from_us = START, .alone_to_us = START + 10 * SECOND, .work_from_us = START + 10 * SECOND,
                                  .work_to_us = START + 20 * SECOND};
    (void)snprintf(w->path, sizeof w->path, "/tmp/pgrail-unit-log-%d", (int)getpid());
    w->log = fopen(w->path, "we");
    assert_non_null(w->log);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    (void)unlink(w->path);
    pr_arena_free(w->a);
    return 0;
}

/* As pgbench writes it: the end, and the time since it was due. */
static void shot(struct world *w, int64_t due_us, int64_t took_us) {
    const int64_t end = due_us + took_us;
    (void)fprintf(w->log, "0 7 %" PRId64 " 0 %" PRId64 " %06" PRId64 " 12\n", took_us, end / SECOND, end % SECOND);
}

static void read_log(struct world *w) {
    struct pr_err e = {0};
    (void)fclose(w->log);
    if (pr_foreground_read(&w->f, w->path, &e) != PR_OK) fail_msg("%s", e.msg);
}

static void test_percentiles_of_both_stretches(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 100; i++) shot(w, START + i * SECOND / 10, 1000 + i);
    for (int i = 99; i >= 0; i--) shot(w, START + 10 * SECOND + i * SECOND / 10 + 1, (i + 1) * 10000);
    shot(w, START + 20 * SECOND + 1, 5);
    read_log(w);
    const struct pr_felt *a = &w->f.alone, *b = &w->f.beside;
    assert_int_equal(a->n, 100);
    assert_int_equal(a->p50_us, 1050);
    assert_int_equal(a->p95_us, 1095);
    assert_int_equal(a->p99_us, 1099);
    assert_int_equal(a->max_us, 1099);
    assert_int_equal(b->n, 100);
    assert_int_equal(b->p50_us, 510000);
    assert_int_equal(b->max_us, 1000000);
    assert_int_equal(w->f.late_alone_us, 0);
    assert_int_equal(w->f.undone_us, 0);
    assert_true(w->f.n_slices > 10 && w->f.n_slices <= 61);
    int64_t sum = 0;
    for (size_t i = 0; i < w->f.n_slices; i++) sum += w->f.slices[i].n;
    assert_int_equal(sum, 201);
}

static void test_what_is_under_way_when_the_work_begins_has_felt_it(void **state) {
    struct world *w = *state;
    shot(w, START + 9 * SECOND + 900000, 200000);           /* both */
    shot(w, START + 9 * SECOND, 1000);                      /* alone */
    shot(w, START + 19 * SECOND + 999999, 5 * SECOND);      /* due while it ran, done long after */
    shot(w, START + 20 * SECOND, 1000);                     /* after */
    shot(w, START - SECOND, 1000);                          /* while it was warming up */
    read_log(w);
    assert_int_equal(w->f.alone.n, 2);
    assert_int_equal(w->f.beside.n, 2);
    assert_int_equal(w->f.beside.max_us, 5 * SECOND);
}

static void test_failed_ones_are_counted_apart(void **state) {
    struct world *w = *state;
    shot(w, START + 11 * SECOND, 1000);
    (void)fprintf(w->log, "1 8 failed 0 %" PRId64 " 000000 12 3\n0 9 deadlock 0 %" PRId64 " 5 12\n0 9 skipped\nnonsense\n", START / SECOND + 12, START / SECOND + 30);
    read_log(w);
    assert_int_equal(w->f.beside.n, 1);
    assert_int_equal(w->f.beside.failed, 1);
    assert_int_equal(w->f.alone.failed, 0);
    assert_int_equal(w->f.alone.p99_us, -1);
}

static void test_a_rate_that_is_too_high_shows(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 100; i++) shot(w, START + i * SECOND / 20, i * SECOND / 20);       /* half of what is due is done in time */
    read_log(w);
    assert_in_range(w->f.late_alone_us, 4 * SECOND, 6 * SECOND);
    assert_in_range(w->f.undone_us, 15 * SECOND, 16 * SECOND);
}

static void test_nothing_at_all(void **state) {
    struct world *w = *state;
    struct pr_err e = {0};
    read_log(w);
    assert_int_equal(w->f.beside.n, 0);
    assert_int_equal(w->f.n_slices, 0);
    assert_int_equal(pr_foreground_last_due(w->path), 0);
    assert_int_equal(pr_foreground_read(&w->f, "/nowhere/latency.1", &e), PR_ERR_NO_FILE);
    assert_int_equal(pr_foreground_last_due("/nowhere/latency.1"), 0);
}

static void test_the_last_due_of_whole_lines(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 1000; i++) shot(w, START + i * 1000, 10);
    (void)fprintf(w->log, "0 7 10 0 17");
    (void)fflush(w->log);
    assert_int_equal(pr_foreground_last_due(w->path), START + 999 * 1000);
    read_log(w);
}

static void test_wal_of_a_foreground(void **state) {
    struct world *w = *state;
    assert_int_equal(pr_foreground_wal(NULL, 0), 0);
    w->f.wal_a_second = 1000;
    w->f.stopped_mono_us = 10 * SECOND;
    assert_int_equal(pr_foreground_wal(&w->f, 4 * SECOND), 6000);
    assert_int_equal(pr_foreground_wal(&w->f, 11 * SECOND), 0);
    (void)fclose(w->log);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {T(test_percentiles_of_both_stretches), T(test_what_is_under_way_when_the_work_begins_has_felt_it), T(test_failed_ones_are_counted_apart),
                                       T(test_a_rate_that_is_too_high_shows), T(test_nothing_at_all), T(test_the_last_due_of_whole_lines), T(test_wal_of_a_foreground)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
