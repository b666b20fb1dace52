/* crypt.h: digests (nettle) and random names. Signatures are made and verified by ssh-keygen, which ledger/ runs through proc/. */
#ifndef PR_CRYPT_CRYPT_H
#define PR_CRYPT_CRYPT_H

#include "base/base.h"

/* SHA-256 as 64 lower-case hex digits, in a. */
const char *pr_sha256(struct pr_arena *a, const void *bytes, size_t n);
const char *pr_sha256_text(struct pr_arena *a, const char *text);
/* The same of n texts one behind the other; one of no bytes may be NULL. */
const char *pr_sha256_parts(struct pr_arena *a, const char *const *parts, const size_t *lens, size_t n);

/* n random bytes as 2n hex digits. */
const char *pr_random_hex(struct pr_arena *a, size_t n);

#endif
