/* test_crypt.c: digests against the vectors of FIPS 180-4, random names. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>
#include <sodium.h>

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

/* Every length up to some blocks, in one piece and in two: what the processor computes is what libsodium does. */
static void test_sha256_is_libsodiums(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 24);
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        char hex[2 * sizeof digest + 1];
        assert_int_equal(crypto_hash_sha256(digest, bytes, n), 0);
        const char *expected = sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
        assert_string_equal(pr_sha256(a, bytes, n), expected);
        for (size_t cut = 0; cut <= n; cut += 7) {
            const char *const parts[] = {(const char *)bytes, NULL, (const char *)bytes + cut};
            assert_string_equal(pr_sha256_parts(a, parts, (const size_t[]){cut, 0, n - cut}, 3), expected);
        }
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
        cmocka_unit_test(test_sha256_is_libsodiums),
        cmocka_unit_test(test_random_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
