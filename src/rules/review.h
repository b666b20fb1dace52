/* review.h: how much of a person's attention a migration needs: computed from what its statements do, not from what they say.
 * Included by rules.h's users that ask for it. */
#ifndef PR_RULES_REVIEW_H
#define PR_RULES_REVIEW_H

#include "rules/rules.h"

/* What a migration does, as bits: the one that asks for most decides. */
enum pr_sign {
    PR_SIGN_OTHER_DATABASE,        /* another database is read or changed */
    PR_SIGN_LOSS,                  /* a table, column or rows are gone afterwards */
    PR_SIGN_BACKFILL,              /* rows that were there are changed */
    PR_SIGN_TRIGGER,               /* triggers come, go or lean on what changes */
    PR_SIGN_ERROR,                 /* check found an error */
    PR_SIGN_UNJUDGED,              /* what it does is decided when it runs */
    PR_SIGN_ACCESS,                /* rights, roles, policies */
    PR_SIGN_RENAME,
    PR_SIGN_NOT_NULL,              /* a column that must have a value */
    PR_SIGN_LARGE,                 /* an index or other work on a table that is large, or of unknown size */
    PR_SIGN_INSERT,                /* new rows in a table that was there */
    PR_SIGN_OTHER_CHANGE,          /* any other change of what was there */
    PR_SIGN_SMALL_INDEX,
    PR_SIGN_NULLABLE_COLUMN,
    PR_SIGN_NEW_ONLY,              /* only what nobody has yet */
    PR_SIGN_COUNT
};

/* The class of a set of signs: that of the first sign in the table that is there; NEW_ONLY when none is. */
struct pr_review_rule { enum pr_sign sign; enum pr_review review; const char *why; };
const struct pr_review_rule *pr_review_of(unsigned signs);

/* The signs of a side's statements, asked before the world moves on; at[] gets, per sign, the first statement that shows it (-1 = none) and of[] what it is about. */
struct pr_reviewing {
    const struct pr_judge *judge;
    const struct pr_script *script;    /* flat: what bodies run is in it */
    const struct pr_run_footprint *run;
    const struct pr_facts *facts;      /* as they were before its first statement; NULL = none */
};
struct pr_shown { unsigned signs; int at[PR_SIGN_COUNT]; const char *of[PR_SIGN_COUNT]; };
void pr_review_signs(const struct pr_reviewing *r, struct pr_arena *a, struct pr_shown *out);
/* The sign of a finding of level error, when there is one. */
void pr_review_errors(const struct pr_script *script, const struct pr_findings *findings, struct pr_arena *a, struct pr_shown *out);

#endif
