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

/* The table: what each sign asks for, and the least that pgrail.conf may make of it. */
struct pr_review_rule { enum pr_sign sign; const char *name; enum pr_review review, least; const char *why; };
extern const struct pr_review_rule pr_review_rules[];
extern const size_t pr_n_review_rules;
/* What pgrail.conf makes of a row; c NULL = as it stands. *line of pgrail.conf, 0 = it says nothing; may be NULL. */
enum pr_review pr_review_of_project(const struct pr_config *c, const struct pr_review_rule *r, int *line);
/* The row that decides of a set of signs: the highest class, and of that the first in the table; NEW_ONLY's when there is no sign. */
const struct pr_review_rule *pr_review_of(unsigned signs, const struct pr_config *c);

/* The signs of a side's statements (of the flat script), added one by one in their order; at[] gets, per sign, the first statement that
 * shows it (-1 = none) and of[] what it is about. */
struct pr_reviewing {
    const struct pr_judge *judge;
    const struct pr_facts *facts;      /* as they were before its first statement; NULL = none */
    struct pr_arena *scratch;          /* for what is forgotten after a statement; NULL = where the signs are */
};
struct pr_shown { unsigned signs; int at[PR_SIGN_COUNT], line[PR_SIGN_COUNT]; const char *of[PR_SIGN_COUNT]; };
void pr_review_begin(struct pr_shown *out);
void pr_review_signs(const struct pr_reviewing *r, const struct pr_stmt *s, const struct pr_footprint *fp, struct pr_arena *a, struct pr_shown *out);
/* The sign of a finding of level error, when there is one. */
void pr_review_errors(const struct pr_script *script, const struct pr_findings *findings, struct pr_arena *a, struct pr_shown *out);

/* The row that decides, put into words. shown is borrowed. */
void pr_review_decide(const struct pr_shown *shown, const struct pr_config *c, struct pr_reviewed *out);

const char *pr_review_key(enum pr_review r);                /* as pgrail.conf writes it: "spot-check" */
/* What a person types who approves a mandatory one: the name of what is lost, else of what decided; NULL = it has none. */
const char *pr_review_subject(const struct pr_reviewed *r);
/* class, sign, why, of, line, and every sign with what it is about; a new reference. Read again, the class is what c makes of the signs
 * now: false when the document is none of ours. */
json_t *pr_review_json(const struct pr_reviewed *r);
bool pr_review_read(const json_t *doc, const struct pr_config *c, struct pr_arena *a, struct pr_reviewed *out);
/* Every name in [review] is a sign, and no class is below the least of its sign. Errors CONFIG with file, line and the nearest. */
PR_NODISCARD enum pr_code pr_review_levels_check(const struct pr_config *c, struct pr_arena *a, struct pr_err *e);

#endif
