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
        const struct pr_review_rule *r = pr_review_of(1u << i, NULL);
        assert_int_equal(r->sign, i);
        alone[i] = r->review;
    }
    for (unsigned set = 0; set < 1u << PR_SIGN_COUNT; set++) {
        enum pr_review highest = PR_REVIEW_SPOT;
        for (int i = 0; i < PR_SIGN_COUNT; i++)
            if ((set & 1u << i) != 0 && alone[i] > highest) highest = alone[i];
        const struct pr_review_rule *r = pr_review_of(set, NULL);
        assert_int_equal(r->review, highest);
        assert_true(set == 0 ? r->sign == PR_SIGN_NEW_ONLY : (set & 1u << r->sign) != 0);
    }
}

/* For every sign and class: either pgrail.conf may say so, and then it is so, or it is below the least and refused with its line. */
static void a_team_sets_the_class_of_a_sign(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    for (size_t i = 0; i < pr_n_review_rules; i++)
        for (int k = 0; k < PR_REVIEW_COUNT; k++) {
            const struct pr_review_rule *r = &pr_review_rules[i];
            struct pr_review_level level = {.sign = r->name, .review = pr_review_key((enum pr_review)k), .line = 7};
            const struct pr_config c = {.shown = "pgrail.conf", .review_levels = &level, .n_review_levels = 1};
            struct pr_err e = {0};
            const enum pr_code code = pr_review_levels_check(&c, a, &e);
            const bool loses = r->sign == PR_SIGN_LOSS || r->sign == PR_SIGN_BACKFILL;
            assert_int_equal(code, loses && k == PR_REVIEW_SPOT ? PR_ERR_CONFIG : PR_OK);
            if (code != PR_OK) assert_int_equal(strncmp(e.msg, "pgrail.conf:7: ", 15), 0);
            int line = 0;
            assert_int_equal(pr_review_of_project(&c, r, &line), k);
            assert_int_equal(line, 7);
        }
}

/* A sign that was lowered no longer hides a higher one, and of equals the first in the table decides. */
static void the_highest_decides_whatever_its_place(void **state) {
    (void)state;
    struct pr_review_level levels[] = {{.sign = "loss", .review = "thorough"}, {.sign = "small-index", .review = "mandatory"}};
    const struct pr_config c = {.review_levels = levels, .n_review_levels = 2};
    const unsigned both = 1u << PR_SIGN_LOSS | 1u << PR_SIGN_SMALL_INDEX;
    assert_int_equal(pr_review_of(both, &c)->sign, PR_SIGN_SMALL_INDEX);
    assert_int_equal(pr_review_of(both | 1u << PR_SIGN_TRIGGER, &c)->sign, PR_SIGN_TRIGGER);
    assert_int_equal(pr_review_of(1u << PR_SIGN_LOSS | 1u << PR_SIGN_RENAME, &c)->sign, PR_SIGN_LOSS);
}

/* What rehearse writes down is read by approve: the same signs, judged by the pgrail.conf of that moment. */
static void the_document_of_a_review_is_read_back(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_facts *f = facts_of(a, "CREATE TABLE t (a int, b int)", 150000, 5000000);
    const struct pr_judged d = judged(a, (struct ask){.sql = "SET lock_timeout = '1s';\nALTER TABLE t DROP COLUMN a;\nUPDATE t SET b = 1", .facts = f, .tx = PR_TX_ONE, .version = 150000});
    json_t *doc PR_CLEANUP(pr_json_freep) = pr_review_json(&d.review);
    struct pr_reviewed same = {0}, lower = {0};
    assert_true(pr_review_read(doc, NULL, a, &same));
    assert_int_equal(same.review, PR_REVIEW_MANDATORY);
    assert_string_equal(same.sign, "loss");
    assert_string_equal(same.of, "t.a");
    assert_int_equal(same.line, 2);
    assert_int_equal(same.shown->signs, d.review.shown->signs);
    assert_string_equal(pr_review_subject(&same), "t.a");
    struct pr_review_level levels[] = {{.sign = "loss", .review = "thorough"}, {.sign = "backfill", .review = "thorough"}};
    assert_true(pr_review_read(doc, &(struct pr_config){.review_levels = levels, .n_review_levels = 1}, a, &lower));
    assert_string_equal(lower.sign, "backfill");
    assert_string_equal(pr_review_subject(&lower), "t.a");     /* what is lost goes before what is changed */
    assert_true(pr_review_read(doc, &(struct pr_config){.review_levels = levels, .n_review_levels = 2}, a, &lower));
    assert_int_equal(lower.review, PR_REVIEW_THOROUGH);
    json_t *odd PR_CLEANUP(pr_json_freep) = json_pack("{s:[{s:s}]}", "signs", "sign", "of-tomorrow");
    assert_false(pr_review_read(odd, NULL, a, &lower));
    assert_false(pr_review_read(NULL, NULL, a, &lower));
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
    {"DROP SCHEMA s CASCADE", PR_REVIEW_MANDATORY, "s"},
    {"DROP TYPE mood CASCADE", PR_REVIEW_MANDATORY, "mood"},
    {"DROP DATABASE old", PR_REVIEW_MANDATORY, "old"},
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
        cmocka_unit_test(a_team_sets_the_class_of_a_sign),
        cmocka_unit_test(the_highest_decides_whatever_its_place),
        cmocka_unit_test(the_document_of_a_review_is_read_back),
        cmocka_unit_test(statements_have_their_class),
        cmocka_unit_test(unknown_is_not_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
