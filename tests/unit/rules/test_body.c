/* Findings in bodies: every rule, at the place in the file; functions that are only made; ignores. */
#include <setjmp.h>

#include "judged.h"

#include <cmocka.h>

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)
#define SETUP "CREATE TABLE invoices (id int PRIMARY KEY, gross_total_cents bigint, paid_at timestamptz); CREATE TABLE orders (id int, note text)"

/* "rule level line" of each finding, in order. */
static const char *told(struct pr_arena *a, const char *sql, const struct pr_facts *facts, enum pr_tx_mode tx) {
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .facts = facts, .tx = tx, .version = 150000});
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < d.findings.n; i++) {
        const struct pr_finding *f = &d.findings.items[i];
        pr_addf(&b, "%s%s %s %d", i > 0 ? ", " : "", f->rule, pr_level_name(f->level), f->line);
    }
    return pr_buf_text(&b);
}

static void check_all(const char *const (*cases)[2], size_t n, enum pr_tx_mode tx, bool with_facts) {
    for (size_t i = 0; i < n; i++) {
        ARENA(a);
        const char *is = told(a, cases[i][0], with_facts ? facts_of(a, SETUP, 150000, 5000000) : NULL, tx);
        if (!pr_eq(is, cases[i][1])) fail_msg("%s\n is       %s\n expected %s", cases[i][0], is, cases[i][1]);
    }
}

static void rules_see_what_a_block_runs(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"DO $$\nBEGIN\n  CREATE INDEX i ON invoices (paid_at);\nEND $$", "index-not-concurrent error 3"},
        {"DO $$ BEGIN\n EXECUTE 'CREATE INDEX i ON invoices (paid_at)'; END $$", "index-not-concurrent error 2"},
        {"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'i') THEN\n CREATE INDEX i ON invoices (paid_at); END IF; END $$",
         "index-not-concurrent error 2"},
        {"DO $$ BEGIN CREATE TABLE n (a int);\n CREATE INDEX i ON n (a); END $$", ""},
        {"DO $$ BEGIN\n CREATE INDEX CONCURRENTLY i ON invoices (paid_at); END $$", "concurrently-in-tx error 2"},
        {"DO $$ DECLARE t text; BEGIN\n EXECUTE 'DROP TABLE ' || t; END $$", "not-judged warning 2"},
        {"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n CREATE INDEX i ON invoices (paid_at); END $$", ""},
        {"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n CREATE INDEX i ON invoices (paid_at); END $$;\nSELECT f()",
         "index-not-concurrent error 2"},
        {"DO $$ BEGIN\n DELETE FROM orders; COMMIT; END $$", "big-dml error 2, update-delete-no-where warning 2"},
    };
    check_all(cases, PR_COUNT(cases), PR_TX_EACH, true);
}

static void names_are_grounded(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"DO $$ BEGIN\n PERFORM total FROM invoices; END $$", "unknown-column error 2"},
        {"DO $$ DECLARE v int; BEGIN\n PERFORM paid_at FROM invoices WHERE id = v; END $$", ""},
        {"DO $$ BEGIN\n PERFORM 1 FROM invoice; END $$", "unknown-relation error 2"},
        {"DO $$ BEGIN IF now() > '2020-01-01' THEN\n ALTER TABLE invoice ADD COLUMN a int; END IF; END $$", "unknown-relation warning 2"},
        {"DO $$ BEGIN IF to_regclass('invoice') IS NOT NULL THEN\n ALTER TABLE invoice ADD COLUMN a int; END IF; END $$", ""},
        {"DO $$ BEGIN ALTER TABLE invoice ADD COLUMN a int; EXCEPTION WHEN undefined_table THEN NULL; END $$", ""},
        {"DO $$ BEGIN CREATE TEMP TABLE tmp (a int); INSERT INTO tmp VALUES (1); END $$", ""},
        {"CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN\n RETURN (SELECT count(*) FROM invoice); END $$", "unknown-relation warning 2"},
        {"CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN\n RETURN (SELECT count(*) FROM later); END $$; CREATE TABLE later (a int)", ""},
        {"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE tmp (a int);\n INSERT INTO tmp VALUES (1); END $$", ""},
        {"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n INSERT INTO orders SELECT id FROM new_rows; RETURN NULL; END $$", ""},
        {"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$\n SELECT count(*) FROM invoice $$", "unknown-relation error 2"},
        {"CREATE FUNCTION f(note int) RETURNS bigint LANGUAGE sql AS $$\n SELECT count(*) FROM orders WHERE id = note $$", ""},
    };
    check_all(cases, PR_COUNT(cases), PR_TX_EACH, true);
}

static void what_plpgsql_refuses_is_foretold(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"DO $$ BEGIN\n COMMIT; END $$", "do-block-fails error 2"},
        {"DO $$ BEGIN WHILE now() < '2020-01-01' LOOP\n COMMIT; END LOOP; END $$", "do-block-fails warning 2"},
        {"DO $$ BEGIN\n SELECT 1; END $$", "do-block-fails error 2"},
        {"DO $$ BEGIN\n INSERT INTO orders VALUES (1) RETURNING id; END $$", "do-block-fails error 2"},
        {"DO $$ BEGIN\n SAVEPOINT s; END $$", "do-block-fails error 2"},
        {"DO $$ BEGIN PERFORM 1; END $$", ""},
        {"DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", ""},
    };
    check_all(cases, PR_COUNT(cases), PR_TX_ONE, false);
    static const char *const alone[][2] = {
        {"DO $$ BEGIN\n COMMIT; END $$", ""},
        {"DO $$ BEGIN BEGIN\n COMMIT; EXCEPTION WHEN OTHERS THEN NULL; END; END $$", ""},
    };
    check_all(alone, PR_COUNT(alone), PR_TX_EACH, false);
}

static void ignores_reach_into_bodies(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"-- pgrail:ignore drop-table empty\nDO $$ BEGIN DROP TABLE orders; END $$", ""},
        {"DO $$ BEGIN\n -- pgrail:ignore drop-table empty\n DROP TABLE orders; END $$", ""},
        {"DO $$ BEGIN\n DROP TABLE orders; -- pgrail:ignore drop-table empty\n DROP TABLE invoices; END $$", "drop-table error 3"},
        {"DO 'BEGIN PERFORM ''a'';\n -- pgrail:ignore drop-table empty\n DROP TABLE orders; END'", ""},
        {"DO $$ BEGIN\n -- pgrail:ignore drop-table empty\n NULL; PERFORM 1; END $$", "ignore-hides-nothing warning 2"},
        {"DO $$ BEGIN DROP TABLE orders; END $$; -- pgrail:ignore drop-table empty\n", ""},
    };
    check_all(cases, PR_COUNT(cases), PR_TX_EACH, true);
}

static void a_place_in_a_quoted_body_is_that_of_the_file(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_judged d = judged(a, (struct ask){.sql = "DO E'BEGIN\\n PERFORM \\'é\\'; DROP TABLE t; END'", .tx = PR_TX_EACH});
    const struct pr_finding *f = found(&d, "drop-table");
    assert_non_null(f);
    assert_int_equal(f->line, 1);
    assert_int_equal(f->col, 40);
    assert_int_equal(f->width, 1);
}

static void bodies_are_not_rewritten(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_judged outside = judged(a, (struct ask){.sql = "CREATE INDEX i ON t (x)", .tx = PR_TX_EACH});
    const struct pr_judged inside = judged(a, (struct ask){.sql = "DO $$ BEGIN CREATE INDEX i ON t (x); END $$", .tx = PR_TX_EACH});
    assert_non_null(found(&outside, "index-not-concurrent")->fix);
    assert_null(found(&inside, "index-not-concurrent")->fix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_see_what_a_block_runs),
        cmocka_unit_test(names_are_grounded),
        cmocka_unit_test(what_plpgsql_refuses_is_foretold),
        cmocka_unit_test(ignores_reach_into_bodies),
        cmocka_unit_test(bodies_are_not_rewritten),
        cmocka_unit_test(a_place_in_a_quoted_body_is_that_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
