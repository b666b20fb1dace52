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

const char *pr_sha256_parts(struct pr_arena *a, const char *const *parts, const size_t *lens, size_t n) {
    ready();
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    PR_ASSERT(crypto_hash_sha256_init(&state) == 0);
    for (size_t i = 0; i < n; i++)
        if (lens[i] > 0) PR_ASSERT(crypto_hash_sha256_update(&state, (const unsigned char *)parts[i], lens[i]) == 0);
    PR_ASSERT(crypto_hash_sha256_final(&state, digest) == 0);
    return hex(a, digest, sizeof digest);
}

const char *pr_sha256(struct pr_arena *a, const void *bytes, size_t n) { return pr_sha256_parts(a, (const char *const[]){bytes}, (const size_t[]){n}, 1); }

const char *pr_sha256_text(struct pr_arena *a, const char *text) {
    return pr_sha256(a, text, strlen(text));
}

const char *pr_random_hex(struct pr_arena *a, size_t n) {
    ready();
    unsigned char *bytes = pr_alloc(a, n);
    randombytes_buf(bytes, n);
    return hex(a, bytes, n);
}
