/* fix_impl.h: between the files of the fix planner (fix_plan.c, fix_build.c, fix_down.c); nobody else includes it. */
#ifndef PR_RULES_FIX_IMPL_H
#define PR_RULES_FIX_IMPL_H

#include "rules/fix.h"

/* A fix that is to be taken, of one finding of a side. */
struct pr_take { const struct pr_finding *finding; const struct pr_fix *fix; bool is_down, off; const char *why; };

/* A migration with its files and what was found in it. */
struct pr_fix_work {
    const struct pr_fix_job *job;
    struct pr_arena *a;
    struct pr_judged sides[2];     /* up, down; script.n 0 where there is none */
    bool runs_each;
    struct pr_take *takes; size_t n, cap;                  /* by side, then in the order of the statements */
};

const struct pr_side *pr_fix_side(const struct pr_migration *m, bool is_down);
/* A file's bytes: the overlay's, else as they are now. shown is relative to the job's root. Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_fix_text(const struct pr_fix_work *w, const char *shown, const char **path, const char **text, size_t *len, struct pr_err *e);

/* The files that come out when every take that is not off is taken. One that cannot be is turned off, with its why, and nothing is
 * built: *again says so. Errors BAD_INPUT, NO_FILE. */
PR_NODISCARD enum pr_code pr_fix_build(struct pr_fix_work *w, struct pr_fix_plan *plan, bool *again, struct pr_err *e);

/* Where in a down script the original statement is taken back. */
struct pr_undone { enum { PR_UNDONE_NOWHERE, PR_UNDONE_ALONE, PR_UNDONE_AMONG, PR_UNDONE_COVERED } how; int stmt; size_t from, to; };
struct pr_undone pr_fix_undone(const struct pr_script *down, const struct pr_fix *fix, struct pr_arena *a);

/* May work on what statement i names be done after statement j as well? gone: all of it, not the validation alone. */
bool pr_fix_passes(const struct pr_script *s, int i, int j, const char *name, bool gone, struct pr_arena *a);

#endif
