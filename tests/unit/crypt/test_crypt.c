/* test_crypt.c: digests against the vectors of FIPS 180-4, random names. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

#include "crypt/crypt.h"

static void test_sha256_vectors(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    assert_string_equal(pr_sha256_text(a, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(pr_sha256_text(a, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(pr_sha256_text(a, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_string_equal(pr_sha256(a, NULL, 0), pr_sha256_text(a, ""));
}

/* A million of a letter, in parts that lie across the blocks: what no block boundary may change. */
static void test_sha256_of_a_million(void **state) {
    enum { WHOLE = 1000000, PART = 997 };
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 22);
    char *letters = pr_alloc(a, WHOLE);
    memset(letters, 'a', WHOLE);
    assert_string_equal(pr_sha256(a, letters, WHOLE), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    const char *parts[WHOLE / PART + 1];
    size_t lens[PR_COUNT(parts)], n = 0;
    for (size_t at = 0; at < WHOLE; at += PART, n++) {
        parts[n] = letters + at;
        lens[n] = WHOLE - at < PART ? WHOLE - at : PART;
    }
    assert_int_equal(n, PR_COUNT(parts));
    assert_string_equal(pr_sha256_parts(a, parts, lens, n), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
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
    assert_int_equal(strlen(pr_random_hex(a, 1000)), 2000);    /* more than the kernel promises at a time */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha256_of_a_million),
        cmocka_unit_test(test_sha256_takes_nul_bytes),
        cmocka_unit_test(test_sha256_of_parts_is_that_of_the_whole),
        cmocka_unit_test(test_random_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
