#include "sql/lex.h"

#include <strings.h>

bool pr_lex_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || ((unsigned char)c & 0x80) != 0;
}

static bool is_word(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }

/* Byte at a distance from the current one; 0 at the end. */
static char peek(const struct pr_lex *l, size_t ahead) {
    return l->end - l->pos > ahead ? l->text[l->pos + ahead] : '\0';
}

static bool finish(struct pr_lex *l) {
    l->pos = l->end;
    return false;
}

/* Past a string whose opening quote is at pos; a doubled quote stands for itself. false when it does not end. */
static bool skip_quoted(struct pr_lex *l, char quote, bool backslashes) {
    for (l->pos++; l->pos < l->end; l->pos++) {
        const char c = l->text[l->pos];
        if (backslashes && c == '\\') {
            l->pos++;
        } else if (c == quote) {
            l->pos++;
            if (peek(l, 0) != quote) return true;
        }
    }
    return finish(l);
}

static void skip_line(struct pr_lex *l) {
    const char *nl = memchr(l->text + l->pos, '\n', l->end - l->pos);
    l->pos = nl == NULL ? l->end : (size_t)(nl - l->text);
}

/* E'a' and, after blanks or comments with a line end among them, 'b': one string with backslashes in both parts. */
static bool skip_escape_string(struct pr_lex *l) {
    for (;;) {
        if (!skip_quoted(l, '\'', true)) return false;
        const size_t after = l->pos;
        bool line_end = false;
        while (pr_lex_blank(peek(l, 0)) || (line_end && peek(l, 0) == '-' && peek(l, 1) == '-')) {
            if (peek(l, 0) == '-') skip_line(l);
            if (peek(l, 0) == '\n') line_end = true;
            if (l->pos < l->end) l->pos++;
        }
        if (!line_end || peek(l, 0) != '\'') {
            l->pos = after;
            return true;
        }
    }
}

static bool skip_block_comment(struct pr_lex *l) {
    int depth = 0;
    while (l->pos < l->end) {
        if (peek(l, 0) == '/' && peek(l, 1) == '*') {
            depth++;
            l->pos += 2;
        } else if (peek(l, 0) == '*' && peek(l, 1) == '/') {
            depth--;
            l->pos += 2;
            if (depth == 0) return true;
        } else {
            l->pos++;
        }
    }
    return finish(l);
}

/* Length of a dollar quote's opening $tag$ at pos, 0 when it is none. */
static size_t dollar_tag(const struct pr_lex *l) {
    size_t n = 1;
    if (is_word_start(peek(l, 1))) {
        while (is_word(peek(l, n)) && peek(l, n) != '$') n++;
    }
    return peek(l, n) == '$' ? n + 1 : 0;
}

static bool skip_dollar_quoted(struct pr_lex *l, size_t tag) {
    const char *opening = l->text + l->pos;
    l->pos += tag;
    const char *closing = memmem(l->text + l->pos, l->end - l->pos, opening, tag);
    if (closing == NULL) return finish(l);
    l->pos = (size_t)(closing - l->text) + tag;
    return true;
}

/* A word, or a string that a letter introduces: E'', B'', X'', N'', U&''. */
static enum pr_lex_kind skip_word(struct pr_lex *l) {
    const char c = (char)(peek(l, 0) | 0x20);
    if (peek(l, 1) == '\'' && strchr("ebxn", c) != NULL) {
        l->pos++;
        const bool ended = c == 'e' ? skip_escape_string(l) : skip_quoted(l, '\'', false);
        return ended ? PR_LEX_STRING : PR_LEX_UNTERMINATED;
    }
    if (c == 'u' && peek(l, 1) == '&' && (peek(l, 2) == '\'' || peek(l, 2) == '"')) {
        const char quote = peek(l, 2);
        l->pos += 2;
        if (!skip_quoted(l, quote, false)) return PR_LEX_UNTERMINATED;
        return quote == '"' ? PR_LEX_IDENT : PR_LEX_STRING;
    }
    while (is_word(peek(l, 0))) l->pos++;
    return PR_LEX_WORD;
}

/* $1, $tag$…$tag$, or a lone dollar. */
static enum pr_lex_kind skip_dollar(struct pr_lex *l) {
    const size_t tag = dollar_tag(l);
    if (tag > 0) return skip_dollar_quoted(l, tag) ? PR_LEX_STRING : PR_LEX_UNTERMINATED;
    l->pos++;
    return PR_LEX_OTHER;
}

static enum pr_lex_kind skip_number(struct pr_lex *l) {
    while (is_word(peek(l, 0)) && peek(l, 0) != '$') l->pos++;
    return PR_LEX_OTHER;
}

static enum pr_lex_kind skip_symbol(struct pr_lex *l) {
    const char c = peek(l, 0);
    if (c == '-' && peek(l, 1) == '-') {
        skip_line(l);
        return PR_LEX_COMMENT;
    }
    if (c == '/' && peek(l, 1) == '*') return skip_block_comment(l) ? PR_LEX_COMMENT : PR_LEX_UNTERMINATED;
    if (c == '\'') return skip_quoted(l, '\'', false) ? PR_LEX_STRING : PR_LEX_UNTERMINATED;
    if (c == '"') return skip_quoted(l, '"', false) ? PR_LEX_IDENT : PR_LEX_UNTERMINATED;
    if (c == '$') return skip_dollar(l);
    if (is_digit(c)) return skip_number(l);
    l->pos++;
    switch (c) {
    case ';': return PR_LEX_SEMI;
    case '(': return PR_LEX_OPEN;
    case ')': return PR_LEX_CLOSE;
    case '\\': return PR_LEX_BACKSLASH;
    default: return PR_LEX_OTHER;
    }
}

struct pr_token pr_lex_next(struct pr_lex *l) {
    while (l->pos < l->end && pr_lex_blank(l->text[l->pos])) l->pos++;
    struct pr_token t = {.kind = PR_LEX_END, .start = l->pos};
    if (l->pos < l->end) t.kind = is_word_start(peek(l, 0)) ? skip_word(l) : skip_symbol(l);
    if (l->pos > l->end) l->pos = l->end;          /* a backslash as the very last byte of E'…\ */
    t.end = l->pos;
    return t;
}

bool pr_lex_is(const struct pr_lex *l, struct pr_token t, const char *word) {
    const size_t n = strlen(word);
    return t.end - t.start == n && strncasecmp(l->text + t.start, word, n) == 0;
}
