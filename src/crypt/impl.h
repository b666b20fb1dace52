/* impl.h: between the files of crypt/. */
#ifndef PR_CRYPT_IMPL_H
#define PR_CRYPT_IMPL_H

#include "crypt/crypt.h"

/* Has this processor instructions for SHA-256? Then pr_sha256_x86 works the state on over so many blocks of 64 bytes. */
bool pr_sha256_has_x86(void);
void pr_sha256_x86(uint32_t state[8], const unsigned char *data, size_t blocks);

#endif
