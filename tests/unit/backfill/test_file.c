/* The header of a backfill and its one statement: what is read, what has a default, and where an error is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backfill/backfill.h"

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)
#define UPDATE "UPDATE t SET a = 1 WHERE a IS NULL;\n"

static void reads_what_is_there(void **state) {
    (void)state;
    ARENA(a);
    static const char all[] =
        "\xEF\xBB\xBF-- rationale: the rate stands in the document,\n--   and is asked for by column\n-- author: Ann\n--\n-- a remark, as anybody writes one\n"
        "-- batch: 2000\n-- target: 20ms\n-- pause: 1s\n-- workers: 3\n-- way: key\n-- key: a, \"B \"\"c\"\n-- max-lag: 2s\n-- max-wal: 8 kB/s\n"
        "-- max-rejects: 7\n-- vacuum: 0\n-- gentle: yes\n-- triggers: fire\n-- verify: SELECT 1\n--   FROM t WHERE a IS NULL;\n-- verify: SELECT true\n"
        "-- compare: (x ->> 'a')::int + 1 = a\n\n" UPDATE;
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_err e = {0};
    assert_int_equal(pr_bf_file_parse("m/0249_vat.backfill.sql", all, strlen(all), a, &f, &e), PR_OK);
    assert_string_equal(f.id, "0249_vat");
    assert_string_equal(f.version, "0249");
    assert_string_equal(f.name, "vat");
    assert_string_equal(f.rationale, "the rate stands in the document, and is asked for by column");
    assert_string_equal(f.author, "Ann");
    assert_int_equal(f.tuning.batch, 2000);
    assert_int_equal(f.tuning.target_ms, 20);
    assert_int_equal(f.tuning.pause_ms, 1000);
    assert_int_equal(f.tuning.workers, 3);
    assert_int_equal(f.way, PR_BF_KEY);
    assert_int_equal(f.n_keys, 2);
    assert_string_equal(f.keys[1], "B \"c");
    assert_int_equal(f.tuning.max_lag_ms, 2000);
    assert_int_equal(f.tuning.max_wal_bytes_s, 8192);
    assert_int_equal(f.tuning.max_rejects, 7);
    assert_int_equal(f.tuning.vacuum_rows, 0);
    assert_int_equal(f.tuning.gentle, 1);
    assert_true(f.triggers_fire);
    assert_int_equal(f.n_verify, 2);
    assert_string_equal(f.verify[0].sql, "SELECT 1 FROM t WHERE a IS NULL");
    assert_int_equal(f.verify[1].line, 20);
    assert_int_equal(f.n_compare, 1);
    assert_string_equal(f.compare[0].was, "(x ->> 'a')::int + 1");
    assert_string_equal(f.compare[0].is, "a");
    assert_int_equal(f.stmt->line, 23);
}

static void has_defaults(void **state) {
    (void)state;
    ARENA(a);
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_err e = {0};
    assert_int_equal(pr_bf_file_parse("vat.sql", UPDATE, strlen(UPDATE), a, &f, &e), PR_OK);
    assert_null(f.version);
    assert_string_equal(f.name, "vat");
    assert_int_equal(f.tuning.batch, 5000);
    assert_int_equal(f.tuning.target_ms, 50);
    assert_int_equal(f.tuning.pause_ms, 0);
    assert_int_equal(f.tuning.workers, 1);
    assert_int_equal(f.tuning.max_lag_ms, 10000);
    assert_int_equal(f.tuning.max_wal_bytes_s, 0);
    assert_true(f.tuning.vacuum_rows == PR_BF_AS_IS);
    assert_int_equal(f.way, PR_BF_AUTO);
    assert_int_equal(f.n_keys + f.n_verify + f.n_compare, 0);
    size_t n = 0;
    const struct pr_bf_setting *s = pr_bf_settings(&n);
    for (size_t i = 0; i < n; i++) assert_non_null(s[i].help);
}

/* Text, code, message, hint. */
static const struct { const char *text; enum pr_code code; const char *says, *hint; } wrong[] = {
    {"-- bacth: 100\n" UPDATE, PR_ERR_BAD_INPUT, "m/x.backfill.sql:1: unknown key \"bacth\"", "did you mean batch?"},
    {"-- author: me\n-- zzzzzz: 100\n" UPDATE, PR_ERR_BAD_INPUT, "m/x.backfill.sql:2: unknown key \"zzzzzz\"", "known are rationale"},
    {"-- batch: 99\n" UPDATE, PR_ERR_BAD_INPUT, ":1: batch: expected 100 to 100000, got \"99\"", ""},
    {"-- batch: many\n" UPDATE, PR_ERR_BAD_INPUT, ":1: batch: expected", ""},
    {"-- target: 1ms\n" UPDATE, PR_ERR_BAD_INPUT, ":1: target: expected 5ms to 10s", ""},
    {"-- max-wal: 5 miles\n" UPDATE, PR_ERR_BAD_INPUT, ":1: max-wal: expected bytes a second", ""},
    {"-- max-wal: 99999999999GB/s\n" UPDATE, PR_ERR_BAD_INPUT, ":1: max-wal", ""},
    {"-- gentle: perhaps\n" UPDATE, PR_ERR_BAD_INPUT, ":1: gentle: expected yes or no", ""},
    {"-- pause: auto\n" UPDATE, PR_ERR_BAD_INPUT, ":1: pause: expected 0 to 1h", ""},
    {"-- way: fast\n" UPDATE, PR_ERR_BAD_INPUT, ":1: way: expected auto, strided, key or blocks, got \"fast\"", ""},
    {"-- key: a,,b\n" UPDATE, PR_ERR_BAD_INPUT, ":1: key: expected column, column", ""},
    {"-- triggers: off\n" UPDATE, PR_ERR_BAD_INPUT, ":1: triggers: expected fire", ""},
    {"-- batch: 100\n-- author: x\n-- batch: 200\n" UPDATE, PR_ERR_BAD_INPUT, ":3: batch is in the header twice, first in line 1", ""},
    {"-- verify: DELETE FROM t\n" UPDATE, PR_ERR_BAD_INPUT, ":1: verify: expected SELECT", ""},
    {"-- verify: SELECT 1 INTO x\n" UPDATE, PR_ERR_BAD_INPUT, ":1: verify: expected SELECT", ""},
    {"-- verify: WITH d AS (DELETE FROM t RETURNING 1) SELECT 1 FROM d\n" UPDATE, PR_ERR_BAD_INPUT, ":1: verify: expected SELECT", ""},
    {"-- verify: SELEC\n" UPDATE, PR_ERR_BAD_INPUT, ":1: verify: syntax error", ""},
    {"-- verify: SELECT 1; SELECT 2\n" UPDATE, PR_ERR_BAD_INPUT, ":1: verify: expected SELECT", ""},
    {"-- compare: a\n" UPDATE, PR_ERR_BAD_INPUT, ":1: compare: expected expression = expression", ""},
    {"-- compare: a = b FROM t\n" UPDATE, PR_ERR_BAD_INPUT, ":1: compare: expected", ""},
    {"-- compare: a < b\n" UPDATE, PR_ERR_BAD_INPUT, ":1: compare: expected", ""},
    {"", PR_ERR_BAD_INPUT, "m/x.backfill.sql: no statement", "below the header"},
    {"-- batch: 100\n", PR_ERR_BAD_INPUT, "no statement", "below the header"},
    {"SELECT 1", PR_ERR_BAD_INPUT, ":1: SELECT is no statement", "one UPDATE, DELETE or INSERT"},
    {UPDATE "\nDROP TABLE t", PR_ERR_BAD_INPUT, ":3: a second statement (DROP TABLE)", "of its own"},
    {"-- x\n\nUPDAET t SET a = 1", PR_ERR_PARSE, ":3: syntax error at or near \"UPDAET\"", ""},
    {"\\i other.sql\n", PR_ERR_PARSE, ":1:", ""},
    {"UPDATE t SET a = '\xFF'", PR_ERR_BAD_INPUT, "UTF-8", ""},
};

static void says_what_is_wrong_and_where(void **state) {
    (void)state;
    ARENA(a);
    for (size_t i = 0; i < PR_COUNT(wrong); i++) {
        struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
        struct pr_err e = {0};
        const enum pr_code code = pr_bf_file_parse("m/x.backfill.sql", wrong[i].text, strlen(wrong[i].text), a, &f, &e);
        if (code != wrong[i].code || strstr(e.msg, wrong[i].says) == NULL || strstr(e.hint, wrong[i].hint) == NULL)
            fail_msg("%s\n  %s: %s (%s)", wrong[i].text, pr_code_info(code)->name, e.msg, e.hint);
        assert_null(f.stmt);                               /* untouched */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(says_what_is_wrong_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
