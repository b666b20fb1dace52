/* profile.h: what the files of the profile operation share. */
#ifndef PR_OPS_PROFILE_H
#define PR_OPS_PROFILE_H

#include "ops/ops.h"

/* The document of the profile operation for a terminal. */
void pr_profile_render(const json_t *doc, const struct pr_render *r);

#endif
