#include "sql/cut.h"

struct pr_cut pr_cut_of(const char *text, size_t from, size_t to, struct pr_arena *a) {
    return (struct pr_cut){.lex = {.text = text, .pos = from, .end = to}, .a = a, .line_of = SIZE_MAX};
}

/* --- comments above a statement ------------------------------------------------------------------------------------ */

static size_t newlines(const char *text, size_t from, size_t to) {
    size_t n = 0;
    for (size_t i = from; i < to; i++) n += text[i] == '\n';
    return n;
}

/* One line of a comment's inside, without the blanks round it and the star that starts lines of block comments. */
static void add_comment_line(struct pr_buf *b, const char *s, size_t n, bool block) {
    while (n > 0 && pr_lex_blank(s[n - 1])) n--;
    while (n > 0 && pr_lex_blank(*s)) s++, n--;
    while (block && n > 0 && *s == '*') s++, n--;
    while (n > 0 && pr_lex_blank(*s)) s++, n--;
    if (n == 0) return;
    if (b->len > 0) pr_add(b, "\n");
    pr_addn(b, s, n);
}

static void add_comment(struct pr_buf *b, const char *text, struct pr_token t) {
    const bool block = text[t.start] == '/';
    size_t from = t.start + 2;
    const size_t to = block ? t.end - 2 : t.end;
    while (from < to) {
        const char *nl = memchr(text + from, '\n', to - from);
        const size_t end = nl == NULL ? to : (size_t)(nl - text);
        add_comment_line(b, text + from, end - from, block);
        from = end + 1;
    }
}

/* Reads on to the first token that is no comment and no empty statement; comments directly above it (no blank line between)
 * go to *comment. */
static struct pr_token first_token(struct pr_cut *c, const char **comment) {
    struct pr_buf b = {.a = c->a};
    size_t above = SIZE_MAX;                       /* end of the comment block that has been read last */
    struct pr_token t = pr_lex_next(&c->lex);
    for (; t.kind == PR_LEX_COMMENT || t.kind == PR_LEX_SEMI; t = pr_lex_next(&c->lex)) {
        if (t.kind == PR_LEX_SEMI) {
            c->line_of = t.start;
            continue;
        }
        const bool trails = c->line_of != SIZE_MAX && newlines(c->lex.text, c->line_of, t.start) == 0;
        if (trails) {
            c->line_of = t.end;
            continue;
        }
        c->line_of = SIZE_MAX;
        if (above != SIZE_MAX && newlines(c->lex.text, above, t.start) > 1) b = (struct pr_buf){.a = c->a};
        add_comment(&b, c->lex.text, t);
        above = t.end;
    }
    const bool apart = above == SIZE_MAX || newlines(c->lex.text, above, t.start) > 1;
    *comment = b.len == 0 || apart ? NULL : pr_buf_text(&b);
    return t;
}

/* --- pieces -------------------------------------------------------------------------------------------------------- */

/* Knows the bodies of CREATE FUNCTION … BEGIN ATOMIC … END, in which semicolons end nothing: psql's own way, by the first
 * letters of the first words. */
struct body {
    int words;
    char first[4];
    int depth;                 /* of BEGIN and CASE */
};

static bool makes_routine(const struct body *b) {
    if (b->words < 2 || b->first[0] != 'c') return false;
    const bool replace = b->first[1] == 'o' && b->first[2] == 'r';
    const char kind = replace ? b->first[3] : b->first[1];
    return kind == 'f' || kind == 'p';
}

static void body_word(struct body *b, const struct pr_lex *l, struct pr_token t) {
    if (b->words < 4) b->first[b->words] = (char)(l->text[t.start] | 0x20);
    b->words++;
    if (!makes_routine(b)) return;
    if (pr_lex_is(l, t, "begin") || (b->depth > 0 && pr_lex_is(l, t, "case"))) b->depth++;
    if (b->depth > 0 && pr_lex_is(l, t, "end")) b->depth--;
}

/* A psql command: to the end of its line. */
static void take_psql_command(struct pr_cut *c, struct pr_token t, struct pr_piece *out) {
    const char *nl = memchr(c->lex.text + t.start, '\n', c->lex.end - t.start);
    size_t end = nl == NULL ? c->lex.end : (size_t)(nl - c->lex.text);
    c->lex.pos = end;
    while (end > t.end && pr_lex_blank(c->lex.text[end - 1])) end--;
    out->kind = PR_PIECE_PSQL;
    out->end = end;
}

/* Reads from the first token t to the semicolon. Returns the parentheses still open at its end. */
static int take_statement(struct pr_cut *c, struct pr_token t, struct pr_piece *out) {
    struct body body = {0};
    int open = 0;
    for (; t.kind != PR_LEX_END; t = pr_lex_next(&c->lex)) {
        if (t.kind == PR_LEX_COMMENT) continue;
        if (t.kind == PR_LEX_BACKSLASH) {
            c->lex.pos = t.start;
            return 0;
        }
        if (t.kind == PR_LEX_SEMI && (c->no_parens || (body.depth == 0 && open <= 0))) {
            c->line_of = t.start;
            return 0;
        }
        if (t.kind == PR_LEX_OPEN) open++;
        if (t.kind == PR_LEX_CLOSE) open--;
        if (t.kind == PR_LEX_WORD && open <= 0) body_word(&body, &c->lex, t);
        out->end = t.end;
    }
    return open + body.depth;
}

bool pr_cut_next(struct pr_cut *c, struct pr_piece *out) {
    struct pr_piece p = {.kind = PR_PIECE_SQL};
    const struct pr_token t = first_token(c, &p.comment);
    if (t.kind == PR_LEX_END) return false;
    p.start = t.start;
    p.end = t.end;
    if (t.kind == PR_LEX_BACKSLASH) {
        take_psql_command(c, t, &p);
    } else if (take_statement(c, t, &p) > 0 && !c->no_parens) {
        /* Something was opened and never closed. psql would wait for it; we want the statements after the broken one. */
        c->no_parens = true;
        c->lex.pos = t.end;
        p.end = t.end;
        (void)take_statement(c, t, &p);
    }
    *out = p;
    return true;
}

bool pr_cut_copy_data(struct pr_cut *c, struct pr_piece *out) {
    if (c->no_copy_end) return false;
    const char *text = c->lex.text, *stop = text + c->lex.end;
    const char *line = memchr(text + c->lex.pos, '\n', c->lex.end - c->lex.pos);
    const size_t first = line == NULL ? c->lex.end : (size_t)(line + 1 - text);
    for (; line != NULL; line = memchr(line + 1, '\n', (size_t)(stop - line - 1))) {
        if (stop - line < 3 || line[1] != '\\' || line[2] != '.') continue;
        const char *after = line + 3;
        if (after < stop && *after == '\r') after++;
        if (after < stop && *after != '\n') continue;
        *out = (struct pr_piece){.kind = PR_PIECE_COPY, .start = first, .end = (size_t)(line + 3 - text)};
        c->lex.pos = (size_t)(after - text);
        c->line_of = SIZE_MAX;
        return true;
    }
    c->no_copy_end = true;
    return false;
}

/* What ends at `end` surely is no comment: nothing on its line opens one that runs to the line's end, nor does a block comment end there. */
static bool ends_in_code(const char *text, size_t begin, size_t end) {
    if (end - begin >= 2 && text[end - 1] == '/' && text[end - 2] == '*') return false;
    for (size_t i = end; i > begin && text[i - 1] != '\n'; i--)
        if (text[i - 1] == '-' && i < end && text[i] == '-') return false;
    return true;
}

void pr_cut_known(struct pr_cut *c, size_t end, struct pr_piece *out) {
    const size_t all = c->lex.end;
    c->lex.end = end;
    struct pr_piece p = {.kind = PR_PIECE_SQL};
    struct pr_token t = first_token(c, &p.comment);
    p.start = t.start;
    size_t last = end;
    while (last > t.end && pr_lex_blank(c->lex.text[last - 1])) last--;
    const bool sure = t.kind != PR_LEX_END && ends_in_code(c->lex.text, t.start, last);
    for (; !sure && t.kind != PR_LEX_END; t = pr_lex_next(&c->lex)) {
        if (t.kind != PR_LEX_COMMENT) p.end = t.end;
    }
    if (sure) {
        p.end = last;
        c->lex.pos = end;
    }
    c->lex.end = all;
    c->line_of = end;
    *out = p;
}
