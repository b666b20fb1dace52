/* check.h: between the files of the check operation. */
#ifndef PR_OPS_CHECK_H
#define PR_OPS_CHECK_H

#include "ops/ops.h"
#include "rules/fix.h"

/* What one call of check works on. */
struct pr_check {
    struct pr_call *c;
    struct pr_context x;           /* config and env may be NULL: files without a project */
    const char *root;
    const struct pr_migration **list; size_t n, cap;       /* to be judged, in order */
    const struct pr_folder **folders; size_t n_folders, cap_folders;   /* whose own problems are findings */
    const struct pr_facts *facts;  /* live, from a file, from nothing (--all), or NULL */
    const char *source;            /* "live", "file", "nothing", "none" */
    const struct pr_migration **named; size_t n_named, cap_named;   /* of list: by a word of its own, not by its folder's */
    bool in_order;                 /* each migration is judged on what those before it left */
    const char *since;             /* revision; NULL = all files count as changed */
    const char **changed; size_t n_changed;                /* since then: absolute paths, sorted */
    const char *runner;
    bool up_only, footprint;
    int version_num;
    json_t *doc, *migrations, *findings, *suppressed, *grounding;
    json_t *texts;                 /* that many findings share */
    int64_t counts[PR_LEVEL_COUNT], ignored, accepted, left_out, unjudged;
};

/* Collects what is to be judged: the words of the command line, else the folder of the project. Errors NO_FILE, CONFIG, USAGE. */
PR_NODISCARD enum pr_code pr_check_collect(struct pr_check *k, const struct pr_list *words, bool all, struct pr_err *e);

/* --since: asks git which files changed between the place where this branch left the revision and the working tree. Errors PROC
 * (no git), BAD_INPUT (no repository, no common commit), USAGE (no such revision), TIMEOUT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_check_since(struct pr_check *k, const char *rev, struct pr_err *e);
/* Has the file, as shown, changed since? Always true without --since. */
bool pr_check_changed(const struct pr_check *k, const char *shown);
/* Is the migration to be judged, or is it in the list for what it leaves to those after it? */
bool pr_check_wanted(const struct pr_check *k, const struct pr_migration *m);

/* A problem of the folder as a finding, at the level that the project gives it. */
void pr_check_problem(struct pr_check *k, const struct pr_problem *p, const char *what);

/* Gives a finding about a file as a whole, which is known by its rule, its file and its words, its fingerprint. */
void pr_check_fingerprint(struct pr_check *k, json_t *finding);

/* check_many.c: without facts every migration of the list stands alone, and they are judged ahead by as many processes as pay. */
struct pr_many;
PR_NODISCARD enum pr_code pr_many_begin(struct pr_check *k, struct pr_many **out, struct pr_err *e);       /* Errors PROC: no memory to share */
/* What was found in migration i of the list, which are asked for in their order: its up and its down script, NULL = it has none, or none is
 * to be judged. Borrowed until the next is asked for. Errors as pr_judge_side, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_many_answer(struct pr_many *m, size_t i, const struct pr_judged *sides[2], struct pr_err *e);
void pr_many_end(struct pr_many *m);                        /* NULL is fine; no child outlives it */
void pr_many_endp(struct pr_many **m);                      /* for PR_CLEANUP */

/* Judges the backfills that belong to a migration (NULL: to none), in the world that it leaves; NULL = there are no facts. Errors BUG. */
PR_NODISCARD enum pr_code pr_check_backfills(struct pr_check *k, const struct pr_migration *m, struct pr_world *world, struct pr_err *e);

/* Puts into a plan what moves DML over max_inline_rows out of an up script into a backfill, or why it stays. Errors as pr_judge_side. */
PR_NODISCARD enum pr_code pr_check_move(struct pr_check *k, const struct pr_migration *m, const struct pr_folder *f, const struct pr_facts *facts,
                                        struct pr_fix_plan *plan, struct pr_err *e);

/* Puts a finding into the document's "suppressed": by is "ignore" or "baseline". */
void pr_check_suppress(struct pr_check *k, const json_t *finding, const char *by, const char *reason);

/* --baseline: takes accepted findings out of the document and reports entries that nothing meets; renew: accepts all of them and
 * writes the file. file NULL = the project's, or none at all. Errors NO_FILE, BAD_INPUT, USAGE. */
PR_NODISCARD enum pr_code pr_check_baseline(struct pr_check *k, const char *file, bool renew, struct pr_err *e);

/* Facts for all of them together: read live (and migrations that are applied already are left out when none was named), or
 * loaded, or none. Errors CONNECT, DB, NO_FILE, BAD_INPUT, CONFIG. */
struct pr_check_facts { const char *env, *file; bool offline, all, named; };
PR_NODISCARD enum pr_code pr_check_facts(struct pr_check *k, const struct pr_check_facts *how, struct pr_err *e);

/* The facts that the next migration finds, of those that the last one leaves. NULL stays NULL. */
const struct pr_facts *pr_check_later(struct pr_check *k, const struct pr_facts *f);

/* Fixes for all that is to be judged: shown in the document ("fixes"), and written when `write`; then k->list is what is there now.
 * What is applied is left alone, and so is what may be: without the history, only what was named is written. Errors as pr_fix_*. */
PR_NODISCARD enum pr_code pr_check_fix(struct pr_check *k, bool write, struct pr_err *e);
void pr_check_render_fixes(const json_t *fixes, const struct pr_render *r);

/* The document for a terminal (check_render.c), and its last line: what was judged, what was found, with which facts. */
void pr_check_render(const json_t *doc, const struct pr_render *r);
void pr_check_summary(const json_t *doc, const struct pr_render *r);

/* The line of a finding with its place underlined in a colour (check_excerpt.c). */
void pr_check_excerpt(const json_t *finding, const char *paint, const struct pr_render *r);

/* --- the document for programs: check_formats.c and a file for each of the larger ones ------------------------------------ */

extern const struct pr_format pr_check_formats[];
void pr_check_sarif(const json_t *doc, const struct pr_render *r);         /* SARIF 2.1.0 */
void pr_check_gitlab(const json_t *doc, const struct pr_render *r);        /* GitLab's code quality report */
void pr_check_junit(const json_t *doc, const struct pr_render *r);         /* JUnit's XML, as Jenkins and GitLab read it */

/* What a report lists: the findings, and each refused grounding as a finding "not-grounded" of its migration's up script. A new
 * reference: an array of objects as in "findings". */
json_t *pr_check_reported(const json_t *doc, struct pr_arena *a);

/* The file of a finding as seen from the working folder, or from the root of the repository where there is one: forges count
 * from there. NULL when it is about no file. */
enum pr_check_from { PR_FROM_HERE, PR_FROM_REPOSITORY };
const char *pr_check_path(const json_t *doc, const char *path, enum pr_check_from from, struct pr_arena *a);

/* What is told of a rule, whoever reports it: a rule of rules/, a note of the judge, or the folder's reader; all NULL for another. */
struct pr_about { const char *family, *level, *title, *why, *safe_way, *source; };
struct pr_about pr_check_about(const char *rule);

/* Title, what, safe way and safe SQL in lines, safe to show. */
const char *pr_check_message(const json_t *finding, struct pr_arena *a);

/* Puts "paths" into the document: what leads from the working folder and from the repository's root to the paths in it. */
void pr_check_put_paths(json_t *doc, const char *root, struct pr_arena *a);

#endif
