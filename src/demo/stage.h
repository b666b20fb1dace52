/* stage.h: what the scenes of the demo play on: two servers with the example, a project folder, an approver's key. */
#ifndef PR_DEMO_STAGE_H
#define PR_DEMO_STAGE_H

#include "demo/demo.h"
#include "proc/proc.h"

struct pr_stage {
    struct pr_cluster *production, *staging;               /* closed by pr_stage_close */
    const char *dir;               /* of the project */
    const char *key;               /* the approver's private key */
    const char *const *env;        /* NULL-terminated, for pgrail's own runs */
    const char *conninfo;          /* of production's database app */
};

/* Boots both servers, loads the example, writes the project. Errors as pr_demo_run. */
PR_NODISCARD enum pr_code pr_stage_open(const struct pr_demo *d, struct pr_arena *a, struct pr_stage *out, struct pr_err *e);
void pr_stage_close(struct pr_stage *s);                    /* for PR_CLEANUP; the project folder stays */

#endif
