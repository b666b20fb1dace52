/* The review class: the table over every set of signs, and the signs of real statements. */
#include <setjmp.h>

#include "judged.h"

#include "rules/review.h"

#include <cmocka.h>

/* For every set of signs the class is the highest that any of its signs has alone: nothing softens a mandatory one. */
static void every_set_of_signs_has_the_highest_class(void **state) {
    (void)state;
    enum pr_review alone[PR_SIGN_COUNT];
    for (int i = 0; i < PR_SIGN_COUNT; i++) {
        const struct pr_review_rule *r = pr_review_of(1u << i);
        assert_int_equal(r->sign, i);
        alone[i] = r->review;
    }
    for (unsigned set = 0; set < 1u << PR_SIGN_COUNT; set++) {
        enum pr_review highest = PR_REVIEW_SPOT;
        for (int i = 0; i < PR_SIGN_COUNT; i++)
            if ((set & 1u << i) != 0 && alone[i] > highest) highest = alone[i];
        const struct pr_review_rule *r = pr_review_of(set);
        assert_int_equal(r->review, highest);
        assert_true(set == 0 ? r->sign == PR_SIGN_NEW_ONLY : (set & 1u << r->sign) != 0);
    }
}

static const struct { const char *sql; enum pr_review review; const char *of; } cases[] = {
    {"CREATE TABLE n (a int); CREATE INDEX ON n (a); INSERT INTO n VALUES (1)", PR_REVIEW_SPOT, NULL},
    {"ALTER TABLE small ADD COLUMN b int", PR_REVIEW_SPOT, "small.b"},
    {"CREATE INDEX small_a ON small (a)", PR_REVIEW_SPOT, "small"},
    {"ALTER TABLE small ADD COLUMN b int NOT NULL DEFAULT 0", PR_REVIEW_THOROUGH, "small.b"},
    {"CREATE INDEX CONCURRENTLY t_a ON t (a)", PR_REVIEW_THOROUGH, "t"},
    {"CREATE INDEX t_a ON t (a)", PR_REVIEW_THOROUGH, NULL},
    {"ALTER TABLE t RENAME COLUMN a TO c", PR_REVIEW_THOROUGH, NULL},
    {"ALTER TABLE small ALTER a SET DEFAULT 1", PR_REVIEW_THOROUGH, "small.a"},
    {"INSERT INTO small VALUES (1)", PR_REVIEW_THOROUGH, "small"},
    {"GRANT SELECT ON small TO app", PR_REVIEW_THOROUGH, NULL},
    {"DO $$ DECLARE x text; BEGIN EXECUTE x; END $$", PR_REVIEW_THOROUGH, NULL},
    {"DO $$ BEGIN UPDATE t SET a = 1; END $$", PR_REVIEW_MANDATORY, "t"},
    {"CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 1; END $$", PR_REVIEW_SPOT, NULL},
    {"ALTER TABLE t DROP COLUMN a", PR_REVIEW_MANDATORY, "t.a"},
    {"DROP TABLE small", PR_REVIEW_MANDATORY, "small"},
    {"TRUNCATE small", PR_REVIEW_MANDATORY, "small"},
    {"UPDATE t SET a = 1 WHERE a > 3", PR_REVIEW_MANDATORY, "t"},
    {"INSERT INTO small SELECT a FROM t", PR_REVIEW_MANDATORY, "small"},
    {"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", PR_REVIEW_MANDATORY, "t"},
    {"ALTER TABLE t DISABLE TRIGGER USER", PR_REVIEW_MANDATORY, "t"},
    {"CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)", PR_REVIEW_MANDATORY, NULL},
    {"CREATE TABLE n (a int); DROP TABLE n; CREATE TABLE m (a int); UPDATE m SET a = 2", PR_REVIEW_SPOT, NULL},
    {"ALTER TABLE small ADD COLUMN b int; ALTER TABLE t DROP COLUMN a", PR_REVIEW_MANDATORY, "t.a"},
};

static void statements_have_their_class(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_facts *f = facts_of(a, "CREATE TABLE t (a int); CREATE TABLE small (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''", 150000, 5000000);
        for (size_t k = 0; k < f->n_rels; k++)
            if (pr_eq(f->rels[k].name, "small")) {
                f->rels[k].rows = 100;
                f->rels[k].table_bytes = f->rels[k].total_bytes = 20000;
                f->rels[k].pages = 3;
            }
        const struct pr_judged d = judged(a, (struct ask){.sql = cases[i].sql, .facts = f, .tx = strstr(cases[i].sql, "CONCURRENTLY") != NULL ? PR_TX_EACH : PR_TX_ONE, .version = 150000});
        const bool named = cases[i].of == NULL || pr_eq(d.review.of, cases[i].of);
        if (d.review.review == cases[i].review && named) continue;
        print_error("%s: %s, %s of %s\n", cases[i].sql, pr_review_name(d.review.review), d.review.why, d.review.of != NULL ? d.review.of : "-");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Without facts nothing is small. */
static void unknown_is_not_small(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const struct pr_judged d = judged(a, (struct ask){.sql = "CREATE INDEX t_a ON t (a)", .tx = PR_TX_ONE});
    assert_int_equal(d.review.review, PR_REVIEW_THOROUGH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_signs_has_the_highest_class),
        cmocka_unit_test(statements_have_their_class),
        cmocka_unit_test(unknown_is_not_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
