/* lex.h: words of SQL text, as much as is needed to cut a script where the grammar does not help: strings of all kinds, nested
 * comments, dollar quotes, semicolons. Never fails: what does not end is a token of its own. For sql/, and
 * for the fixes of rules/, which edit a text that was parsed.
 * Source  PostgreSQL, src/backend/parser/scan.l and src/fe_utils/psqlscan.l */
#ifndef PR_SQL_LEX_H
#define PR_SQL_LEX_H

#include "base/base.h"

enum pr_lex_kind {
    PR_LEX_END,
    PR_LEX_WORD,           /* identifier or keyword, unquoted */
    PR_LEX_STRING,         /* '…', E'…', U&'…', $tag$…$tag$ */
    PR_LEX_IDENT,          /* "…", U&"…" */
    PR_LEX_COMMENT,
    PR_LEX_SEMI,
    PR_LEX_OPEN,           /* ( */
    PR_LEX_CLOSE,
    PR_LEX_BACKSLASH,      /* starts a psql command */
    PR_LEX_OTHER,          /* any other byte */
    PR_LEX_UNTERMINATED    /* a string or comment that runs to the end of the text */
};

struct pr_lex {
    const char *text;
    size_t pos, end;       /* next byte; where to stop */
};

struct pr_token {
    enum pr_lex_kind kind;
    size_t start, end;
};

/* The next token, blanks left out; PR_LEX_END (start = end = lex->end) for ever after the last. O(length of the token). */
struct pr_token pr_lex_next(struct pr_lex *lex);

/* True when the word or symbol is `word` (lower case ASCII), in any case. */
bool pr_lex_is(const struct pr_lex *lex, struct pr_token t, const char *word);

/* White space of PostgreSQL's scanner. */
bool pr_lex_blank(char c);

#endif
