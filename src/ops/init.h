/* init.h: between the files of the init operation. */
#ifndef PR_OPS_INIT_H
#define PR_OPS_INIT_H

#include "catalog/catalog.h"
#include "ops/ops.h"

/* A convention as the live schema has it: so many of so many follow it. */
struct pr_learned {
    const char *key, *value;       /* of [conventions] */
    const char *words;             /* "41 of 43 keys are bigint" */
    bool on;                       /* enough follow it, of enough: written as a setting, else as a comment */
};

/* Looks through every table of users. Returns how many were found; *out in a. */
size_t pr_init_learn(const struct pr_facts *f, struct pr_arena *a, struct pr_learned **out);

#endif
