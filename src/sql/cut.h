/* cut.h: a script cut into pieces without the grammar's help, as psql would do it. Used where the grammar refuses the whole.
 * Private to sql/. Source  PostgreSQL, src/fe_utils/psqlscan.l (parentheses, BEGIN ATOMIC bodies) */
#ifndef PR_SQL_CUT_H
#define PR_SQL_CUT_H

#include "sql/lex.h"

struct pr_piece {
    enum pr_piece_kind { PR_PIECE_SQL, PR_PIECE_PSQL, PR_PIECE_COPY } kind;
    size_t start, end;         /* first byte of its first token, one past its last; comments and semicolons left out */
    const char *comment;       /* directly above it, without marks, or NULL */
};

struct pr_cut {
    struct pr_lex lex;
    struct pr_arena *a;
    size_t line_of;            /* comments that start on the line of this byte belong to what ends there */
    bool no_parens;            /* a parenthesis never closed: from here on every semicolon ends a piece */
    bool no_copy_end;          /* no line \. in the rest of the text */
};

/* A cutter over text[from, to). */
struct pr_cut pr_cut_of(const char *text, size_t from, size_t to, struct pr_arena *a);

/* The next piece, false when there is none. All pieces of a text together cost O(its length). */
bool pr_cut_next(struct pr_cut *c, struct pr_piece *out);

/* After a COPY … FROM stdin: the data that psql would send, from the next line to before \. ; false when there is no such end. */
bool pr_cut_copy_data(struct pr_cut *c, struct pr_piece *out);

/* The one statement that the grammar found in [pos, end): first and last token and its comment. Moves on to end. */
void pr_cut_known(struct pr_cut *c, size_t end, struct pr_piece *out);

#endif
