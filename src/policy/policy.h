/* policy.h: may it run. A pure function of facts, written as a table (policy.c) and tested as a truth table.
 *
 * A protected environment demands the whole way: grounded, rehearsed, approved. An unprotected one (dev, a scratch copy)
 * demands only what keeps the history true: not applied already, not changed after it was applied, nobody else at it. */
#ifndef PR_POLICY_POLICY_H
#define PR_POLICY_POLICY_H

#include "base/base.h"

enum pr_yes { PR_NO, PR_YES, PR_STALE_YES };                /* not there · there · there, but the world moved */

struct pr_situation {
    bool is_protected;             /* environment */
    enum pr_yes grounded, rehearsed, approved;
    bool rehearsal_passed;
    bool bytes_same;               /* file = rehearsed = approved bytes */
    int errors;                    /* findings of level error */
    bool findings_accepted;        /* the approval covers them (they were shown and signed); for a rehearsal: --force */
    bool applying_elsewhere;       /* somebody holds the lock */
    bool already_applied;          /* in the direction that is asked for */
    bool changed_after_apply;
    bool needs_person;             /* an earlier run ended in state 9 */
};

struct pr_ruling {
    enum pr_code code;             /* PR_OK = may run */
    const char *reason;            /* "not rehearsed since the file changed"; NULL with PR_OK */
    const char *command;           /* that mends it, with %s for the migration's id; NULL with PR_OK */
};
/* What stands in the way first; PR_OK when nothing does. */
struct pr_ruling pr_may_apply(const struct pr_situation *s);
struct pr_ruling pr_may_rehearse(const struct pr_situation *s);
struct pr_ruling pr_may_approve(const struct pr_situation *s);

/* Is the person among the authors that a migration's header names? Each is a name, an e-mail address or "NAME <ADDRESS>", by commas; the
 * person is a principal of the approvers' file. Case does not count; a name without a domain is also that of an address. author may be
 * NULL: false. */
bool pr_is_author(struct pr_arena *a, const char *author, const char *person);

/* The mending command of a ruling with the migration's id put in; in a. NULL when the ruling has none. */
const char *pr_ruling_command(struct pr_arena *a, const struct pr_ruling *r, const char *migration);

#endif
