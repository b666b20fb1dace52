/* fix.h: what a rule offers in place of a statement, and what becomes of a migration when it is taken. */
#ifndef PR_RULES_FIX_H
#define PR_RULES_FIX_H

#include "rules/rules.h"

struct pr_edit { size_t from, to; const char *text; };     /* bytes [from, to) become text */

struct pr_fix_step {
    const char *sql;               /* statements with their semicolons; NULL = the statement itself, edited */
    const char *undo;              /* what takes this step alone back; NULL = it cannot stand in a migration of its own */
    const char *word;              /* for the name of its migration: "validate"; NULL as undo */
    bool outside;                  /* of any transaction, so in a file of its own */
    bool joins;                    /* steps of the same word may share a transaction */
    bool absorbs;                  /* where it can share a file with the step before it, its undo takes both back */
};

/* One statement becomes edits in its own text and steps, each in a transaction of its own after the one before. */
struct pr_fix {
    const char *title;             /* what taking it does: "build items_label_idx CONCURRENTLY" */
    const char *assumes;           /* what could not be known here and must be so, or NULL */
    const char *why_not;           /* set: there is no safe rewrite here, for this reason */
    bool leaned_on;                /* it is unique: what follows may need it, so nothing on its table may come before it */
    bool reshapes;                 /* the schema becomes another one (json → jsonb) */
    struct pr_edit *edits; size_t n_edits, cap_edits;      /* in the script's text */
    struct pr_fix_step steps[3]; size_t n_steps;           /* 0 = the edits are all */
    /* The statement of the down script that takes the original statement back, when it has to move or to change with it. */
    enum pr_fix_undo { PR_UNDO_KEPT, PR_UNDO_INDEX, PR_UNDO_CONSTRAINT, PR_UNDO_NOT_NULL } undo_kind;
    const char *undo_relation, *undo_name;                 /* of the index, the constraint or the column */
    const char *undo_becomes;      /* command of ALTER TABLE that stands in its place in the old down script; NULL = it moves */
};

struct pr_fix_file { const char *path, *before, *after; size_t before_len, after_len; };   /* path absolute; before NULL = new */
struct pr_fix_note { const char *rule, *path, *text, *assumes; int line; };               /* taken: its title; left: why */

/* A migration as it would be. */
struct pr_fix_plan {
    struct pr_fix_file *files; size_t n, cap;              /* 0 = nothing changes */
    struct pr_fix_note *taken; size_t n_taken, cap_taken;
    struct pr_fix_note *left; size_t n_left, cap_left;
    const struct pr_facts *after;  /* the world as the migration leaves it; NULL = there were no facts */
};

struct pr_fix_job {
    const struct pr_migration *migration;
    const struct pr_folder *folder;                        /* that it lies in; NULL = it stands alone, and stays one file */
    const char *root;              /* of the project: paths that are shown are relative to it */
    const struct pr_facts *facts;  /* as the migration finds the world */
    int version_num;
    const struct pr_config *config;
    const char *runner;            /* NULL = "pgrail" */
    const struct pr_change *overlay; size_t n_overlay;     /* texts that count instead of the files' (an editor's) */
    const char *rule; int line;    /* this finding's fix alone; rule NULL = all of them */
};

/* Judges the migration, takes every fix, and judges again what comes out, as its layout's runner will run it: what does not make
 * the findings fewer, or brings an error that was not there, is not taken. Writes nothing.
 * out     in a. Errors BAD_INPUT (a file that is not what was judged), NO_FILE. */
PR_NODISCARD enum pr_code pr_fix_migration(const struct pr_fix_job *job, struct pr_arena *a, struct pr_fix_plan *out, struct pr_err *e);

/* Writes a plan: new files first, which must not exist; then the changed ones, which must still be as they were read. All or nothing.
 * Errors BAD_INPUT, NO_FILE. */
PR_NODISCARD enum pr_code pr_fix_write(const struct pr_fix_plan *plan, struct pr_err *e);

/* A plan as a unified diff that patch -p1 and git apply take from root. */
const char *pr_fix_diff(const struct pr_fix_plan *plan, const char *root, struct pr_arena *a);

#endif
