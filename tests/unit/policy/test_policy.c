/* The truth table of policy.c: every combination of a situation, held against the sentences of the product. */
#include "policy/policy.h"

#include <setjmp.h>

#include <cmocka.h>

enum { COMBINATIONS = 2 * 3 * 3 * 3 * 256 };

static struct pr_situation nth(int i) {
    struct pr_situation s = {.is_protected = i % 2 != 0};
    i /= 2;
    s.grounded = (enum pr_yes)(i % 3), i /= 3;
    s.rehearsed = (enum pr_yes)(i % 3), i /= 3;
    s.approved = (enum pr_yes)(i % 3), i /= 3;
    s.rehearsal_passed = i & 1;
    s.bytes_same = i & 2;
    s.errors = (i & 4) != 0 ? 3 : 0;
    s.findings_accepted = i & 8;
    s.applying_elsewhere = i & 16;
    s.already_applied = i & 32;
    s.changed_after_apply = i & 64;
    s.needs_person = i & 128;
    return s;
}

/* "no statement reaches production that was not grounded on the live schema, judged, rehearsed, approved by a person who
 * saw exactly these bytes" */
static bool whole_way(const struct pr_situation *s) {
    return s->grounded == PR_YES && (s->errors == 0 || s->findings_accepted) && s->rehearsed == PR_YES &&
           s->rehearsal_passed && s->bytes_same && s->approved == PR_YES;
}

static void apply_is_allowed_exactly_when_nothing_is_missing(void **state) {
    (void)state;
    for (int i = 0; i < COMBINATIONS; i++) {
        const struct pr_situation s = nth(i);
        const bool history_true = !s.already_applied && !s.applying_elsewhere && !s.needs_person;
        const bool want = history_true && (!s.is_protected || whole_way(&s));
        assert_int_equal(pr_may_apply(&s).code == PR_OK, want);
    }
}

static void rehearse_needs_grounding_and_no_bare_errors(void **state) {
    (void)state;
    for (int i = 0; i < COMBINATIONS; i++) {
        const struct pr_situation s = nth(i);
        const bool want = s.grounded == PR_YES && (s.errors == 0 || s.findings_accepted);
        assert_int_equal(pr_may_rehearse(&s).code == PR_OK, want);
    }
}

static void approve_needs_all_before_it_but_shows_errors(void **state) {
    (void)state;
    for (int i = 0; i < COMBINATIONS; i++) {
        const struct pr_situation s = nth(i);
        const bool want = s.grounded == PR_YES && s.rehearsed == PR_YES && s.rehearsal_passed && s.bytes_same &&
                          !s.already_applied && !s.needs_person;
        assert_int_equal(pr_may_approve(&s).code == PR_OK, want);
    }
}

static void every_refusal_is_of_its_class_and_says_what_mends_it(void **state) {
    (void)state;
    for (int i = 0; i < COMBINATIONS; i++) {
        const struct pr_situation s = nth(i);
        const struct pr_ruling all[] = {pr_may_apply(&s), pr_may_rehearse(&s), pr_may_approve(&s)};
        for (size_t k = 0; k < PR_COUNT(all); k++) {
            if (all[k].code == PR_OK) {
                assert_null(all[k].reason);
                continue;
            }
            assert_true(all[k].reason != NULL && all[k].command != NULL && pr_starts(all[k].command, "pgrail "));
            const int status = pr_code_info(all[k].code)->exit_status;
            assert_true(status == 3 || status == 6 || status == 9);
        }
    }
}

static void the_first_obstacle_is_named(void **state) {
    (void)state;
    const struct pr_situation ready = {.is_protected = true, .grounded = PR_YES, .rehearsed = PR_YES, .approved = PR_YES,
                                       .rehearsal_passed = true, .bytes_same = true};
    assert_int_equal(pr_may_apply(&ready).code, PR_OK);
    struct pr_situation s = ready;
    s.approved = PR_NO;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_NOT_APPROVED);
    s.bytes_same = false;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_NOT_REHEARSED);
    assert_string_equal(pr_may_apply(&s).reason, "not rehearsed since the file changed");
    s.grounded = PR_STALE_YES;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_STALE);
    s.grounded = PR_NO;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_NOT_GROUNDED);
    s.applying_elsewhere = true;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_BUSY);
    s.already_applied = true;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_REFUSED);
    s.needs_person = true;
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_NEEDS_PERSON);
}

static void an_error_that_nobody_signed_stops_a_protected_environment(void **state) {
    (void)state;
    struct pr_situation s = {.is_protected = true, .grounded = PR_YES, .rehearsed = PR_YES, .approved = PR_YES,
                             .rehearsal_passed = true, .bytes_same = true, .errors = 1};
    assert_int_equal(pr_may_apply(&s).code, PR_ERR_NOT_APPROVED);
    s.findings_accepted = true;
    assert_int_equal(pr_may_apply(&s).code, PR_OK);
}

static void the_command_names_the_migration(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const struct pr_situation s = {.is_protected = true};
    const struct pr_ruling r = pr_may_apply(&s);
    const bool same = pr_eq(pr_ruling_command(a, &r, "0247_x"), "pgrail ground 0247_x");
    const struct pr_ruling none = {.code = PR_OK};
    const bool is_null = pr_ruling_command(a, &none, "0247_x") == NULL;
    assert_true(same && is_null);
}

static void who_wrote_is_known_by_name_or_address(void **state) {
    (void)state;
    static const struct { const char *author, *person; bool same; } cases[] = {
        {"Mara Lind <mara@x.org>", "mara@x.org", true},  {"Mara Lind <mara@x.org>", "Mara Lind", true}, {"Mara Lind <Mara@X.org>", "mara@x.org", true},
        {"Mara Lind <mara@x.org>", "mara", true},        {"mara", "mara@x.org", true},                  {"mara@x.org", "mara@y.org", false},
        {"Mara Lind <mara@x.org>", "jo@x.org", false},   {"Jo <jo@x>, Mara <mara@x>", "mara@x", true},  {"jo; mara", "mara", true},
        {"maram", "mara", false},                        {"mara", "maram@x.org", false},                {"Mara Lind <mara@x.org>", "lind", false},
        {"", "mara", false},                             {NULL, "mara", false},                         {"mara", NULL, false},
        {"<>", "", false},                               {"an assistant", "mara", false},               {",,", "mara", false},
    };
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    int wrong = 0;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        if (pr_is_author(a, cases[i].author, cases[i].person) == cases[i].same) continue;
        print_error("%s, %s\n", cases[i].author != NULL ? cases[i].author : "-", cases[i].person != NULL ? cases[i].person : "-");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_is_allowed_exactly_when_nothing_is_missing),
        cmocka_unit_test(rehearse_needs_grounding_and_no_bare_errors),
        cmocka_unit_test(approve_needs_all_before_it_but_shows_errors),
        cmocka_unit_test(every_refusal_is_of_its_class_and_says_what_mends_it),
        cmocka_unit_test(the_first_obstacle_is_named),
        cmocka_unit_test(an_error_that_nobody_signed_stops_a_protected_environment),
        cmocka_unit_test(the_command_names_the_migration),
        cmocka_unit_test(who_wrote_is_known_by_name_or_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
