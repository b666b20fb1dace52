/* crypt.c: digests and random names, by libsodium. */
#include <sodium.h>

#include "crypt/crypt.h"

/* sodium_init may be called again and again; it fails only where no random numbers can be had at all. */
static void ready(void) {
    PR_ASSERT(sodium_init() >= 0);
}

static const char *hex(struct pr_arena *a, const unsigned char *bytes, size_t n) {
    char *text = pr_alloc(a, 2 * n + 1);
    return sodium_bin2hex(text, 2 * n + 1, bytes, n);
}

const char *pr_sha256(struct pr_arena *a, const void *bytes, size_t n) {
    ready();
    unsigned char digest[crypto_hash_sha256_BYTES];
    static const unsigned char nothing[1] = {0};
    PR_ASSERT(crypto_hash_sha256(digest, n > 0 ? bytes : nothing, n) == 0);
    return hex(a, digest, sizeof digest);
}

const char *pr_sha256_text(struct pr_arena *a, const char *text) {
    return pr_sha256(a, text, strlen(text));
}

const char *pr_random_hex(struct pr_arena *a, size_t n) {
    ready();
    unsigned char *bytes = pr_alloc(a, n);
    randombytes_buf(bytes, n);
    return hex(a, bytes, n);
}
