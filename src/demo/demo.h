/* demo.h: the whole way of a migration on throwaway servers: production and staging with the invoicing example, a project
 * with an approver's key, and pgrail itself run on a pty of its own. What is shown is what those commands really printed. */
#ifndef PR_DEMO_DEMO_H
#define PR_DEMO_DEMO_H

#include "base/base.h"

struct pr_demo {
    bool small;                    /* 1,800 invoices instead of 180,000 */
    const char *dir;               /* where the project is written; NULL = a new folder under $TMPDIR, kept */
    const struct pr_talk *talk;
};

/* Runs all scenes; doc (new reference, schema "pgrail.demo/1") says what happened in each. as_expected is false when a command
 * ended otherwise than the scene says: then the demo is wrong, and so says its last line.
 * Errors  PROC (no server, a program missing), CONNECT, DB, NO_FILE, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_demo_run(const struct pr_demo *d, struct pr_arena *a, json_t **doc, bool *as_expected,
                                      struct pr_err *e);

#endif
