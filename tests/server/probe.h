/* probe.h: what the probes of tests/lib have in common: one session, a JSON object a line in, one out. */
#ifndef PR_PROBE_H
#define PR_PROBE_H

#include "base/base.h"
#include "pg/pg.h"

struct probe {
    struct pr_pg *pg;
    const json_t *job;
    struct pr_arena *a, *life;     /* of this job; of the session */
    void **kept;                   /* what an earlier job left in life for the later ones; NULL = nothing yet */
};

/* Answers one job in out, an empty object. Errors are told to whoever asked: error, hint, code. */
typedef enum pr_code probe_answer(const struct probe *q, json_t *out, struct pr_err *e);

/* The main() of a probe, whose only argument is the server's connection string. Returns its exit status. */
int probe_main(int argc, char **argv, probe_answer *answer);

#endif
