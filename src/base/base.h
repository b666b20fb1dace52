/* base.h: what every file of pgrail includes first: libc, jansson, and our own error, arena, text and clock. */
#ifndef PR_BASE_BASE_H
#define PR_BASE_BASE_H

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#define PR_NODISCARD __attribute__((warn_unused_result))
#define PR_CLEANUP(fn) __attribute__((cleanup(fn)))
#define PR_FORMAT(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define PR_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PR_UNUSED __attribute__((unused))

#include "base/err.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"
#include "base/ints.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/talk.h"

/* What the C library offers and we do not use: each has a safe form in base/. Fortified headers make macros of some for
 * clang, and a macro cannot be poisoned. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets atoi atol atof
#pragma GCC poison gmtime localtime ctime asctime tmpnam mktemp system

#endif
