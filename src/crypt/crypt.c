/* crypt.c: digests and random names, by libsodium. */
#include <sodium.h>

#include "crypt/impl.h"

/* sodium_init may be called again and again; it fails only where no random numbers can be had at all. */
static void ready(void) {
    PR_ASSERT(sodium_init() >= 0);
}

/* --- SHA-256: by the processor where it can, else by libsodium --- */

struct digest {
    bool by_processor;
    crypto_hash_sha256_state sodium;
    uint32_t state[8];
    uint64_t bytes;
    unsigned char rest[64];        /* bytes % 64 of them wait for their block to be full */
};

static void begin(struct digest *d) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    d->by_processor = pr_sha256_has_x86();
    d->bytes = 0;
    memcpy(d->state, first, sizeof first);
    if (!d->by_processor) PR_ASSERT(crypto_hash_sha256_init(&d->sodium) == 0);
}

static void go_on(struct digest *d, const void *bytes, size_t n) {
    const unsigned char *from = bytes;
    if (n == 0) return;
    if (!d->by_processor) {
        PR_ASSERT(crypto_hash_sha256_update(&d->sodium, from, n) == 0);
        return;
    }
    const size_t waiting = d->bytes % 64, fill = waiting > 0 && n >= 64 - waiting ? 64 - waiting : 0;
    d->bytes += n;
    if (fill > 0) {
        memcpy(d->rest + waiting, from, fill);
        pr_sha256_x86(d->state, d->rest, 1);
        from += fill;
        n -= fill;
    }
    const size_t at = fill > 0 ? 0 : waiting, blocks = at == 0 ? n / 64 : 0;
    if (blocks > 0) pr_sha256_x86(d->state, from, blocks);
    memcpy(d->rest + at, from + 64 * blocks, n - 64 * blocks);
}

static const char *hex(struct pr_arena *a, const unsigned char *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    char *text = pr_alloc(a, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return text;
}

static const char *end(struct digest *d, struct pr_arena *a) {
    unsigned char out[32];
    static_assert(sizeof out == crypto_hash_sha256_BYTES, "256 bits");
    if (!d->by_processor) {
        PR_ASSERT(crypto_hash_sha256_final(&d->sodium, out) == 0);
        return hex(a, out, sizeof out);
    }
    const uint64_t bits = d->bytes * 8;
    unsigned char pad[72] = {0x80};
    const size_t zeros = (119 - d->bytes % 64) % 64;        /* behind the 0x80, up to the length at the end of a block */
    for (size_t i = 0; i < 8; i++) pad[1 + zeros + i] = (unsigned char)(bits >> (56 - 8 * i));
    go_on(d, pad, 1 + zeros + 8);
    for (size_t i = 0; i < sizeof out; i++) out[i] = (unsigned char)(d->state[i / 4] >> (24 - 8 * (i % 4)));
    return hex(a, out, sizeof out);
}

const char *pr_sha256(struct pr_arena *a, const void *bytes, size_t n) { return pr_sha256_parts(a, (const char *const[]){bytes}, (const size_t[]){n}, 1); }

const char *pr_sha256_parts(struct pr_arena *a, const char *const *parts, const size_t *lens, size_t n) {
    struct digest d;
    begin(&d);
    for (size_t i = 0; i < n; i++) go_on(&d, parts[i], lens[i]);
    return end(&d, a);
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
