/* test_crypt.c: digests against the vectors of FIPS 180-4, random names. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

#include "crypt/crypt.h"

static void test_sha256_vectors(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    assert_string_equal(pr_sha256_text(a, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(pr_sha256_text(a, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(pr_sha256(a, NULL, 0), pr_sha256_text(a, ""));
}

static void test_sha256_takes_nul_bytes(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    assert_string_not_equal(pr_sha256(a, "a\0b", 3), pr_sha256(a, "a\0c", 3));
}

static void test_sha256_of_parts_is_that_of_the_whole(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const char text[] = "abc, and more than a block of sixty-four bytes is needed to see that parts are put together";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        const char *const parts[] = {text, NULL, text + cut};
        assert_string_equal(pr_sha256_parts(a, parts, (const size_t[]){cut, 0, strlen(text) - cut}, 3), pr_sha256_text(a, text));
    }
}

static void test_random_hex(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const char *one = pr_random_hex(a, 16), *two = pr_random_hex(a, 16);
    assert_int_equal(strlen(one), 32);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_string_not_equal(one, two);
    assert_string_equal(pr_random_hex(a, 0), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha256_takes_nul_bytes),
        cmocka_unit_test(test_sha256_of_parts_is_that_of_the_whole),
        cmocka_unit_test(test_random_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
