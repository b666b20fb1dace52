/* check.h: between the files of the check operation. */
#ifndef PR_OPS_CHECK_H
#define PR_OPS_CHECK_H

#include "ops/ops.h"
#include "rules/rules.h"

/* What one call of check works on. */
struct pr_check {
    struct pr_call *c;
    struct pr_context x;           /* config and env may be NULL: files without a project */
    const char *root;
    const struct pr_migration **list; size_t n, cap;       /* to be judged, in order */
    const struct pr_folder **folders; size_t n_folders, cap_folders;   /* whose own problems are findings */
    const struct pr_facts *facts;  /* live, from a file, from nothing (--all), or NULL */
    const char *source;            /* "live", "file", "nothing", "none" */
    bool in_order;                 /* each migration is judged on what those before it left */
    const char *runner;
    bool up_only, footprint;
    int version_num;
    json_t *doc, *migrations, *findings, *grounding;
    int64_t counts[PR_LEVEL_COUNT], ignored, left_out, unjudged;
};

/* Collects what is to be judged: the words of the command line, else the folder of the project. Errors NO_FILE, CONFIG, USAGE. */
PR_NODISCARD enum pr_code pr_check_collect(struct pr_check *k, const struct pr_list *words, bool all, struct pr_err *e);

/* Facts for all of them together: read live (and migrations that are applied already are left out when none was named), or
 * loaded, or none. Errors CONNECT, DB, NO_FILE, BAD_INPUT, CONFIG. */
struct pr_check_facts { const char *env, *file; bool offline, all, named; };
PR_NODISCARD enum pr_code pr_check_facts(struct pr_check *k, const struct pr_check_facts *how, struct pr_err *e);

/* The document for a terminal. */
void pr_check_render(const json_t *doc, const struct pr_render *r);

#endif
