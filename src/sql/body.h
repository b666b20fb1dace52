/* body.h: what stands in the body of a PL/pgSQL function or DO, found by PostgreSQL's own PL/pgSQL parser. After sql/nodes.h.
 * Private to sql/. */
#ifndef PR_SQL_BODY_H
#define PR_SQL_BODY_H

#include "sql/internal.h"

struct pr_pl_item {
    enum pr_pl_kind {
        PR_PL_SQL,             /* a statement */
        PR_PL_PERFORM,         /* what PERFORM evaluates; query says SELECT in its place, one byte later */
        PR_PL_EXPRESSION,
        PR_PL_ASSIGN,          /* target := expression */
        PR_PL_EXECUTE,         /* the expression whose value is run */
        PR_PL_COMMIT, PR_PL_ROLLBACK
    } kind;
    const char *query;         /* words of the body; those of INTO are blank */
    size_t at, len;            /* where in the body; len 0: only the line is known */
    bool maybe, caught, takes_rows;
};

struct pr_pl {
    struct pr_pl_item *items; size_t n, cap;       /* in the order of the text */
    const char **vars; size_t n_vars, cap_vars;    /* variables, parameters, records */
    bool settled;              /* it says #variable_conflict */
    const char *problem;       /* why it is not read, or NULL */
    size_t problem_at;         /* in the body: of the word that it is about, as far as that is known */
    bool ours;                 /* the problem is a limit of this parser: a server may well accept the body */
};

/* Reads a body, given with the statement that has it: a DoStmt or a CreateFunctionStmt. out in a. Never fails: a body that is
 * not read has a problem. O(length), and the variables times the words, which has a cap. */
void pr_pl_read(const Node *of, const char *body, size_t len, struct pr_arena *a, struct pr_pl *out);

#endif
