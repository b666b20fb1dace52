/* parse.c: a text becomes a script. The grammar gets the whole text first (of a script that is passed through one group of statements
 * after the other): where it accepts it, statements are where it says. From where it does not, the text is cut as psql would cut it and
 * each piece is parsed alone, so that one wrong statement does not hide what is wrong with the others. */
#include "sql/nodes.h"

#include "sql/cut.h"
#include "sql/internal.h"

/* A place in the text that only moves forward, so that all line numbers of a script cost one pass. */
struct place {
    size_t pos, line_begin, counted;       /* counted: up to there col is known */
    int line, col;             /* 1-based; col in characters: ask column_of */
};

struct parser {
    const char *text;
    size_t len;
    struct pr_arena *a;
    struct place at;
    struct pr_stmt *stmts;
    size_t n, cap, n_unjudged;
    MemoryContext memory;
    const struct pr_passing *how;      /* NULL: all trees stay */
    struct pr_groups *groups;
};

static void place_to(const char *text, struct place *p, size_t pos) {
    while (p->pos < pos) {
        const char *nl = memchr(text + p->pos, '\n', pos - p->pos);
        if (nl == NULL) break;
        p->line++;
        p->line_begin = p->pos = (size_t)(nl - text) + 1;
    }
    if (p->pos < pos) p->pos = pos;
}

static int column_of(const char *text, struct place *p) {
    if (p->counted <= p->line_begin) {
        p->counted = p->line_begin;
        p->col = 1;
    }
    for (; p->counted < p->pos; p->counted++) p->col += ((unsigned char)text[p->counted] & 0xC0) != 0x80;
    return p->col;
}

size_t pr_stmt_at(const struct pr_stmt *s, int location) { return location < 0 ? s->offset : s->base + (size_t)location; }

/* --- the parser's memory ------------------------------------------------------------------------------------------- */

MemoryContext pr_grammar_open(void) {
    const MemoryContext m = pg_query_enter_memory_context();
    (void)MemoryContextSwitchTo(TopMemoryContext);
    return m;
}

void pr_grammar_close(MemoryContext m) {
    (void)MemoryContextSwitchTo(m);
    pg_query_exit_memory_context(m);
}

void pr_script_done(struct pr_script *s) {
    if (s->memory != NULL) {
        pr_groups_free(s->groups);
        pr_grammar_close(s->memory);
    }
    *s = (struct pr_script){0};
}

struct pr_parsed pr_grammar_parse(MemoryContext m, const char *sql, struct pr_arena *a) {
    (void)MemoryContextSwitchTo(m);
    const PgQueryInternalParsetreeAndError r = PR_RAW_PARSE(sql);
    (void)MemoryContextSwitchTo(TopMemoryContext);
    struct pr_parsed out = {.tree = r.tree};
    if (r.error != NULL) {
        out = (struct pr_parsed){.problem = pr_dup(a, r.error->message), .at_char = r.error->cursorpos};
        pg_query_free_error(r.error);
    }
    free(r.stderr_buffer);
    return out;
}

/* --- statements ---------------------------------------------------------------------------------------------------- */

static struct pr_arena *texts(const struct parser *p) { return p->groups != NULL ? p->groups->texts : p->a; }

static struct pr_parsed read_part(const struct parser *p, size_t from, size_t to) {
    const char *part = to == p->len ? p->text + from : pr_dupn(texts(p), p->text + from, to - from);
    return pr_grammar_parse(p->groups != NULL ? p->groups->memory : p->memory, part, p->a);
}

/* What has been read of [from, to) since statement `first` passes. */
static void pass(struct parser *p, size_t from, size_t to, size_t first) {
    if (p->groups == NULL) return;
    pr_groups_pass(p->groups, &(struct pr_group){.from = from, .to = to, .first = first, .n = p->n - first}, p->stmts, p->how, p->a);
    pr_groups_next(p->groups);
}

static struct pr_stmt *add(struct parser *p, const struct pr_piece *piece) {
    struct pr_stmt *s = PR_PUSH(p->a, p->stmts, p->n, p->cap);
    place_to(p->text, &p->at, piece->start);
    struct place last = p->at;
    if (piece->end > piece->start) place_to(p->text, &last, piece->end - 1);
    *s = (struct pr_stmt){
        .index = (int)p->n - 1,
        .top = (int)p->n - 1,
        .text = pr_dupn(texts(p), p->text + piece->start, piece->end - piece->start),
        .offset = piece->start,
        .len = piece->end - piece->start,
        .base = piece->start,
        .line = p->at.line,
        .end_line = last.line,
        .tag = "?",
        .comment = p->groups != NULL ? pr_dup(p->a, piece->comment) : piece->comment,
    };
    return s;
}

/* Says why a statement is not judged; at_char counts characters from its first, 1-based, 0 = its start. */
static void refuse(struct parser *p, struct pr_stmt *s, enum pr_unjudged why, const char *problem, int at_char) {
    (void)column_of(p->text, &p->at);                       /* the next one on this line goes on from here */
    struct place at = p->at;
    size_t pos = s->offset;
    const size_t end = s->offset + s->len;
    for (int skipped = 1; skipped < at_char && pos < end; skipped++) {
        do pos++;
        while (pos < end && ((unsigned char)p->text[pos] & 0xC0) == 0x80);
    }
    place_to(p->text, &at, pos);
    s->node = NULL;
    s->unjudged = why;
    s->problem = problem;
    s->problem_line = at.line;
    s->problem_col = column_of(p->text, &at);
    p->n_unjudged++;
}

static void add_judged(struct parser *p, const struct pr_piece *piece, const RawStmt *raw, size_t base) {
    struct pr_stmt *s = add(p, piece);
    s->base = base;
    s->tag = pr_node_tag(raw->stmt);
    s->node = raw->stmt;
    if (pr_tree_too_deep(raw->stmt, s->len)) {
        refuse(p, s, PR_UNPARSED, pr_fmt(p->a, "nested deeper than %d levels", PR_CAP_SQL_DEPTH), 0);
    }
}

static enum pr_code too_many(struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "more than %zu statements in one script", PR_CAP_STATEMENTS);
    return pr_hint(e, "load rows with COPY, or split the script");
}

/* Room for all of the text, of which a part has n statements: an array that grows leaves its former selves behind. Room that is never
 * written to takes no memory. */
static void expect_as_many(struct parser *p, size_t n, size_t from, size_t to) {
    const size_t rest = p->len - to, all = n + n * (rest + rest / 10) / (to - from + 1);
    p->cap = all < PR_CAP_STATEMENTS ? all : PR_CAP_STATEMENTS;
    p->stmts = pr_alloc_bytes(p->a, p->cap * sizeof *p->stmts);
}

/* The statements of a tree whose text started at base; c stands before the first of them, and they end at `to`. */
static enum pr_code add_tree(struct parser *p, struct pr_cut *c, const List *tree, size_t base, size_t to, struct pr_err *e) {
    const ListCell *lc;
    if (p->cap == 0 && list_length(tree) > 0) expect_as_many(p, (size_t)list_length(tree), base, to);
    foreach (lc, tree) {
        const RawStmt *raw = lfirst_node(RawStmt, lc);
        const size_t end = raw->stmt_len == 0 ? to : base + (size_t)raw->stmt_location + (size_t)raw->stmt_len;
        struct pr_piece piece;
        if (p->n >= PR_CAP_STATEMENTS) return too_many(e);
        pr_cut_known(c, end, &piece);
        add_judged(p, &piece, raw, base);
    }
    return PR_OK;
}

/* --- pieces that the grammar refuses ------------------------------------------------------------------------------- */

static bool names_variable(const char *text, size_t i, size_t end) {
    const char before = i > 0 ? text[i - 1] : ' ', after = i + 1 < end ? text[i + 1] : ' ';
    const bool word = (after >= 'a' && after <= 'z') || (after >= 'A' && after <= 'Z') || after == '_';
    return before != ':' && (word || after == '\'' || after == '"' || after == '{');
}

/* %(name)s, as Python's drivers fill it in. */
static bool names_python(const char *rest, size_t left) {
    if (left < 2 || rest[0] != '%') return false;
    const char *close = rest[1] == '(' ? memchr(rest, ')', left) : NULL;
    return close != NULL && (size_t)(close - rest) + 1 < left && close[1] == 's';
}

/* What else the text may be: names the first template brace or psql variable outside strings and comments. */
static enum pr_unjudged guess(struct parser *p, const struct pr_piece *piece, const char **problem) {
    struct pr_lex lex = {.text = p->text, .pos = piece->start, .end = piece->end};
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        if (t.kind != PR_LEX_OTHER) continue;
        const size_t i = t.start;
        const char *rest = p->text + i;
        const size_t left = piece->end - i;
        const bool brace = left >= 2 && (strncmp(rest, "{{", 2) == 0 || strncmp(rest, "{%", 2) == 0 ||
                                         strncmp(rest, "${", 2) == 0 || strncmp(rest, "<%", 2) == 0);
        if (brace || names_python(rest, left)) {
            *problem = pr_fmt(p->a, "template text at %.2s: only the rendered SQL can be judged", rest);
            return PR_TEMPLATE;
        }
        if (*rest == ':' && names_variable(p->text, i, piece->end)) {
            *problem = "a psql variable: only the text with its value can be judged";
            return PR_PSQL_COMMAND;
        }
    }
    return PR_UNPARSED;
}

static void add_refused(struct parser *p, const struct pr_piece *piece, const struct pr_parsed *r) {
    struct pr_stmt *s = add(p, piece);
    const char *problem = r->problem;
    const enum pr_unjudged why = guess(p, piece, &problem);
    refuse(p, s, why, problem, r->at_char);
}

static bool reads_stdin(const List *tree) {
    if (list_length(tree) != 1) return false;
    const RawStmt *raw = linitial_node(RawStmt, tree);
    const CopyStmt *copy = pr_as(CopyStmt, raw->stmt);
    return copy != NULL && copy->is_from && copy->filename == NULL && !copy->is_program;
}

static enum pr_code add_piece(struct parser *p, struct pr_cut *c, const struct pr_piece *piece, struct pr_err *e) {
    const size_t first = p->n;
    if (piece->kind == PR_PIECE_PSQL) {
        refuse(p, add(p, piece), PR_PSQL_COMMAND, "a command of psql, not SQL", 0);
        pass(p, piece->start, piece->end, first);
        return PR_OK;
    }
    const struct pr_parsed r = read_part(p, piece->start, piece->end);
    if (r.problem != NULL) {
        add_refused(p, piece, &r);
        pass(p, piece->start, piece->end, first);
        return PR_OK;
    }
    if (list_length(r.tree) == 1) {
        add_judged(p, piece, linitial_node(RawStmt, r.tree), piece->start);
    } else {
        struct pr_cut known = pr_cut_of(p->text, piece->start, piece->end, p->a);
        PR_TRY(e, add_tree(p, &known, r.tree, piece->start, piece->end, e));
    }
    struct pr_piece data;
    const bool has_data = reads_stdin(r.tree) && pr_cut_copy_data(c, &data);
    pass(p, piece->start, piece->end, first);
    if (has_data) {
        refuse(p, add(p, &data), PR_COPY_DATA, "rows for psql's COPY FROM stdin, not SQL", 0);
        pass(p, data.start, data.end, p->n - 1);
    }
    return PR_OK;
}

static bool next_piece(const struct parser *p, struct pr_cut *c, struct pr_piece *out) {
    c->a = texts(p);
    return pr_cut_next(c, out);
}

static enum pr_code parse_pieces(struct parser *p, struct pr_cut *c, struct pr_err *e) {
    struct pr_piece piece;
    while (next_piece(p, c, &piece)) {
        if (p->n >= PR_CAP_STATEMENTS) return too_many(e);
        PR_TRY(e, add_piece(p, c, &piece, e));
    }
    return PR_OK;
}

/* --- groups -------------------------------------------------------------------------------------------------------- */

/* Where a statement ends at `at` or behind it, as psql would cut; c stands before the first one. */
static size_t end_behind(const struct parser *p, const struct pr_cut *c, size_t at) {
    struct pr_cut look = *c;
    struct pr_piece piece;
    look.a = texts(p);
    while (look.lex.pos < at && pr_cut_next(&look, &piece)) continue;
    return look.lex.pos;
}

static bool ends_in_semicolon(const char *text, const char *nl) {
    if (nl > text && nl[-1] == '\r') nl--;
    return nl > text && nl[-1] == ';';
}

/* Behind the last line of a group's size that ends in a semicolon: most likely a statement ends there, and the grammar will tell. */
static size_t likely_end(const struct parser *p, const struct pr_cut *c, size_t from) {
    if (p->how == NULL || p->len - from <= p->how->group_bytes) return p->len;
    const char *text = p->text + from, *nl = memrchr(text, '\n', p->how->group_bytes);
    while (nl != NULL && !ends_in_semicolon(text, nl)) nl = memrchr(text, '\n', (size_t)(nl - text));
    return nl != NULL ? from + (size_t)(nl - text) + 1 : end_behind(p, c, from + p->how->group_bytes);
}

/* Behind COPY … FROM stdin there may be rows, which only psql's way of cutting finds. */
static bool ends_well(const List *tree) {
    const RawStmt *last = tree != NIL ? llast_node(RawStmt, tree) : NULL;
    const CopyStmt *copy = last != NULL ? pr_as(CopyStmt, last->stmt) : NULL;
    return last != NULL && last->stmt_len > 0 && (copy == NULL || copy->filename != NULL);
}

/* Accepted text that ends in a semicolon is a whole number of statements, whatever follows. */
static enum pr_code take_group(struct parser *p, struct pr_cut *c, size_t from, size_t to, bool *taken, struct pr_err *e) {
    const struct pr_parsed r = read_part(p, from, to);
    const size_t first = p->n;
    c->a = texts(p);
    if (r.problem != NULL || (to < p->len && !ends_well(r.tree))) {
        if (p->groups != NULL) pr_groups_next(p->groups);
        return PR_OK;
    }
    *taken = true;
    PR_TRY(e, add_tree(p, c, r.tree, from, to, e));
    pass(p, from, to, first);
    return PR_OK;
}

static enum pr_code parse(struct parser *p, struct pr_err *e) {
    size_t from = p->len >= 3 && memcmp(p->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct pr_cut c = pr_cut_of(p->text, from, p->len, p->a);
    bool taken = true;
    for (size_t to = from; taken && to < p->len; from = to) {
        taken = false;
        to = likely_end(p, &c, from);
        PR_TRY(e, take_group(p, &c, from, to, &taken, e));
        if (taken || to == p->len) continue;
        to = end_behind(p, &c, to + 1);
        PR_TRY(e, take_group(p, &c, from, to, &taken, e));
    }
    if (taken) return PR_OK;
    if (p->groups == NULL) {                           /* what had been read of the whole goes */
        pr_grammar_close(p->memory);
        p->memory = pr_grammar_open();
    }
    return parse_pieces(p, &c, e);
}

/* PostgreSQL's scanner reads a run of operator characters anew for each comment that starts within it: a few megabytes of
 * comment openings would take it hours. */
#define RUN_CHARS 500
#define RUN_COMMENTS 100

static bool is_sign(char c) {
    static const bool signs[256] = {['~'] = true, ['!'] = true, ['@'] = true, ['#'] = true, ['^'] = true, ['&'] = true, ['|'] = true, ['`'] = true, ['?'] = true,
                                    ['+'] = true, ['-'] = true, ['*'] = true, ['/'] = true, ['%'] = true, ['<'] = true, ['>'] = true, ['='] = true};
    return signs[(unsigned char)c];
}

static bool opens_few_comments(const char *text, size_t len) {
    size_t n = 0;
    for (const char *at = memchr(text, '*', len); at != NULL && n <= RUN_COMMENTS; at = memchr(at + 1, '*', len - (size_t)(at + 1 - text)))
        n += at > text && at[-1] == '/';
    return n <= RUN_COMMENTS;
}

static enum pr_code check_runs(const char *text, size_t len, struct pr_err *e) {
    size_t run = 0, comments = 0;
    if (opens_few_comments(text, len)) return PR_OK;
    for (size_t i = 0; i < len; i++) {
        run = is_sign(text[i]) ? run + 1 : 0;
        if (run == 0) comments = 0;
        if (run < 2) continue;
        comments += text[i] == '*' && text[i - 1] == '/';
        if (run <= RUN_CHARS || comments <= RUN_COMMENTS) continue;
        int line = 0, col = 0;
        pr_line_col(text, i, &line, &col);
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "line %d: %d comments open in one row of signs", line, RUN_COMMENTS);
    }
    return PR_OK;
}

enum pr_code pr_script_parse(const char *text, size_t len, struct pr_arena *a, struct pr_script *out, struct pr_err *e) {
    return pr_script_read(len <= PR_CAP_SQL ? pr_dupn(a, text, len) : text, len, a, out, e);
}

enum pr_code pr_script_read(const char *text, size_t len, struct pr_arena *a, struct pr_script *out, struct pr_err *e) {
    return pr_script_pass(text, len, NULL, a, out, e);
}

enum pr_code pr_script_pass(const char *text, size_t len, const struct pr_passing *how, struct pr_arena *a, struct pr_script *out,
                            struct pr_err *e) {
    if (len > PR_CAP_SQL) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s of SQL: more than %s", pr_human_bytes(a, (int64_t)len),
                      pr_human_bytes(a, (int64_t)PR_CAP_SQL));
        return pr_hint(e, "load rows with COPY, or split the script");
    }
    PR_TRY(e, pr_check_utf8("SQL", text, len, e));
    PR_TRY(e, check_runs(text, len, e));
    struct parser p = {.text = text, .len = len, .a = a, .at = {.line = 1}};
    p.memory = pr_grammar_open();
    if (how != NULL && len > how->group_bytes) {
        p.how = how;
        p.groups = pr_groups_new(p.memory, a);
    }
    const enum pr_code code = parse(&p, e);
    if (code != PR_OK) {
        pr_groups_free(p.groups);
        pr_grammar_close(p.memory);
        pr_err_frame(e, __func__);
        return code;
    }
    *out = (struct pr_script){
        .text = p.text, .len = len, .stmts = p.stmts, .n = p.n, .n_unjudged = p.n_unjudged, .memory = p.memory, .groups = p.groups, .a = a};
    return PR_OK;
}
