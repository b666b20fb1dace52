/* crypt.c: digests by nettle, random names by the kernel. */
#include <errno.h>
#include <sys/random.h>

#include <nettle/sha2.h>
#include <nettle/version.h>

#include "crypt/crypt.h"

static const char *hex(struct pr_arena *a, const unsigned char *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    char *text = pr_alloc_bytes(a, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * n] = '\0';
    return text;
}

/* From its version 4 on nettle knows by itself how long a digest is. */
static void finish(struct sha256_ctx *state, unsigned char digest[SHA256_DIGEST_SIZE]) {
#if NETTLE_VERSION_MAJOR >= 4
    sha256_digest(state, digest);
#else
    sha256_digest(state, SHA256_DIGEST_SIZE, digest);
#endif
}

const char *pr_sha256_parts(struct pr_arena *a, const char *const *parts, const size_t *lens, size_t n) {
    struct sha256_ctx state;
    unsigned char digest[SHA256_DIGEST_SIZE];
    sha256_init(&state);
    for (size_t i = 0; i < n; i++)
        if (lens[i] > 0) sha256_update(&state, lens[i], (const unsigned char *)parts[i]);
    finish(&state, digest);
    return hex(a, digest, sizeof digest);
}

const char *pr_sha256(struct pr_arena *a, const void *bytes, size_t n) { return pr_sha256_parts(a, (const char *const[]){bytes}, (const size_t[]){n}, 1); }

const char *pr_sha256_text(struct pr_arena *a, const char *text) {
    return pr_sha256(a, text, strlen(text));
}

/* getrandom waits until the machine has random numbers at all, and then gives what is asked for, but for signals between. */
static void fill(unsigned char *bytes, size_t n) {
    for (size_t got = 0; got < n;) {
        const ssize_t now = getrandom(bytes + got, n - got, 0);
        PR_ASSERT(now > 0 || (now < 0 && errno == EINTR));
        if (now > 0) got += (size_t)now;
    }
}

const char *pr_random_hex(struct pr_arena *a, size_t n) {
    unsigned char *bytes = pr_alloc(a, n);
    fill(bytes, n);
    return hex(a, bytes, n);
}
