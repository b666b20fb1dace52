/* cast.h: what was counted of a cast. */
#ifndef PR_PROFILE_CAST_H
#define PR_PROFILE_CAST_H

#include "profile/impl.h"

struct pr_cast_loss { const char *kind, *sql; /* over x (before) and y (after) */ int64_t n; struct pr_places places; json_t *keys; };
struct pr_cast_failure { char sqlstate[6]; int64_t n; json_t *keys; };
struct pr_cast_count {
    const struct pr_profile_cast *cast;
    bool from_text, fails;
    const char *source;            /* SQL of the type that is cast */
    const char *category, *bare;   /* typcategory and name of the type that it is cast to, or "" */
    int64_t rows, nulls, fine;
    struct pr_cast_loss losses[2]; size_t n_losses;
    struct pr_cast_failure failures[8]; size_t n_failures; /* the last one takes what has no place */
};

struct pr_split_count {
    const struct pr_profile_split *split;
    int64_t rows, nulls, empty, none, one, several, hollow;     /* hollow: a part that is empty */
    int64_t max_left, max_right;
    struct pr_places none_in, several_in, hollow_in, empty_in;
};
PR_NODISCARD enum pr_code pr_casts_keys(struct pr_profile_run *p, struct pr_err *e);        /* rows that would lose something. Errors as pr_profile */
const char *pr_state_why(const char *sqlstate);             /* "out of range" */
const char *pr_split_cond(const struct pr_profile_run *p, const struct pr_split_count *k, const char *what);   /* "none", "several" … */

#endif
