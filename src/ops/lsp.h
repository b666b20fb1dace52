/* lsp.h: what a language server is started with: made by the operation lsp, used by the face. */
#ifndef PR_OPS_LSP_H
#define PR_OPS_LSP_H

#include "ops/ops.h"
#include "rules/fix.h"

struct pr_lsp_start {
    const char *config_path;       /* --config; NULL = the pgrail.conf of the editor's folder, or of one above it */
    const struct pr_facts *facts;  /* live or from a file; NULL = none */
    const char *source;            /* "the live facts of production", "facts of 2026-…", "no facts": for people */
    const struct pr_history_row *rows; size_t n_rows;      /* what is applied, when facts are live */
    const char *applied_on;        /* the environment of rows; NULL = not known */
    int version_num;
    const char *runner;
};

/* Reads what the command line asks for. start and all in it are in c->a. Errors as check's: CONFIG, CONNECT, DB, NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_lsp_prepare(struct pr_call *c, struct pr_lsp_start *start, struct pr_err *e);

#endif
