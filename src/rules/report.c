#include "rules/judge.h"

enum { SOURCE_BYTES = 500, SOURCE_BEFORE = 120, WIDTH_BYTES = 10000 };

static bool is_head_byte(char ch) { return ((unsigned char)ch & 0xC0) != 0x80; }

/* Bytes up to the end of the line. */
static size_t line_bytes(const char *s, size_t n) {
    const char *nl = memchr(s, '\n', n);
    if (nl != NULL) n = (size_t)(nl - s);
    const char *cr = memchr(s, '\r', n);
    return cr != NULL ? (size_t)(cr - s) : n;
}

/* UTF-16 code units of the character that this byte begins. */
static int units_of(char ch) { return !is_head_byte(ch) ? 0 : (unsigned char)ch >= 0xF0 ? 2 : 1; }

static void count(const char *s, size_t n, int *chars, int *units) {
    for (size_t i = 0; i < n; i++) {
        *chars += is_head_byte(s[i]);
        *units += units_of(s[i]);
    }
}

/* Moves to an offset. Findings come nearly in the order of the text, so each costs the way from the one before: a file of one
 * long line stays linear. */
static void move_to(struct pr_cursor *c, const char *text, size_t offset) {
    if (c->offset == 0 && strncmp(text, "\xEF\xBB\xBF", 3) == 0) c->offset = c->line_begin = 3;    /* a byte-order mark is no column */
    const char *nl = offset > c->offset ? memrchr(text + c->offset, '\n', offset - c->offset)
                   : offset < c->line_begin ? memrchr(text, '\n', offset) : NULL;
    if (nl != NULL) *c = (struct pr_cursor){.offset = (size_t)(nl - text) + 1, .line_begin = (size_t)(nl - text) + 1};
    else if (offset < c->line_begin) *c = (struct pr_cursor){0};
    int chars = 0, units = 0;
    if (offset >= c->offset) {
        count(text + c->offset, offset - c->offset, &chars, &units);
    } else {
        count(text + offset, c->offset - offset, &chars, &units);
        chars = -chars;
        units = -units;
    }
    c->offset = offset;
    c->chars += chars;
    c->units += units;
}

/* What of a statement with a password stands in the line: without it, and without the comments round it. Where the text of a
 * statement is not byte for byte that of the file (a string that EXECUTE runs) all of it goes. */
static void hide(const struct pr_script *script, size_t at, size_t begin, char *line, size_t n, struct pr_arena *a) {
    const struct pr_stmt *s = &script->stmts[at];
    if (s->len == 0 || !pr_stmt_has_secret(s)) return;
    struct pr_stmt there = *s;
    there.text = pr_dupn(a, script->text + s->offset, s->len);      /* of a script that is passed through it may not be there */
    const char *shown = pr_stmt_shown(&there, a);
    const size_t start = pr_script_place(script, s->offset), end = pr_script_place(script, s->offset + s->len - 1) + 1;
    const bool same = end - start == s->len && strlen(shown) == s->len;
    size_t from = at > 0 ? pr_script_place(script, script->stmts[at - 1].offset + script->stmts[at - 1].len) : 0;
    size_t to = at + 1 < script->n ? pr_script_place(script, script->stmts[at + 1].offset) : begin + n;
    if (s->inside != NULL || from > start || to < end) {
        from = start;
        to = end;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t place = begin + i;
        if (place < from || place >= to) continue;
        if (same && place >= start && place < end) line[i] = shown[place - start];
        else if (strchr(" \t;", line[i]) == NULL) line[i] = '*';
    }
}

static size_t end_of(const struct pr_script *script, size_t i) { return pr_script_place(script, script->stmts[i].offset + script->stmts[i].len); }

/* Other statements may stand in the same line. */
static void hide_secrets(const struct pr_place *at, size_t begin, char *line, size_t n, struct pr_arena *a) {
    const struct pr_script *script = at->script;
    if (at->stmt == NULL) return;
    for (size_t i = (size_t)at->stmt->index + 1; i-- > 0 && end_of(script, i) > begin;) hide(script, i, begin, line, n, a);
    for (size_t i = (size_t)at->stmt->index + 1; i < script->n && pr_script_place(script, script->stmts[i].offset) < begin + n; i++) hide(script, i, begin, line, n, a);
}

/* The line of the file, or of a very long one the part round the place. */
static void take_source(const struct pr_place *at, const struct pr_cursor *c, size_t len, struct pr_finding *f, struct pr_arena *a) {
    const char *text = at->script->text;
    const size_t size = at->script->len;
    size_t begin = c->line_begin;
    f->source_col = 1;
    if (c->offset + len > begin + SOURCE_BYTES && c->offset > begin + SOURCE_BEFORE) {
        int chars = 0, units = 0;
        begin = c->offset - SOURCE_BEFORE;
        while (!is_head_byte(text[begin])) begin++;
        count(text + begin, c->offset - begin, &chars, &units);
        f->source_col = f->col - chars;
    }
    size_t n = begin + SOURCE_BYTES < size ? SOURCE_BYTES : size - begin;
    n = line_bytes(text + begin, n);
    while (n > 0 && begin + n < size && !is_head_byte(text[begin + n])) n--;
    char *line = pr_dupn(a, text + begin, n);
    hide_secrets(at, begin, line, n, a);
    f->source = line;
}

/* Line, column, source line and width of a place. Lines are counted from the statement on. */
static void locate(struct pr_findings *out, const struct pr_place *at, struct pr_finding *f) {
    const char *text = at->script->text;
    const size_t size = at->script->len, place = pr_script_place(at->script, at->offset), offset = place < size ? place : size;
    const size_t end = at->len > 0 ? pr_script_place(at->script, at->offset + at->len - 1) + 1 : offset;
    const size_t wide = end > offset ? end - offset : 0;
    size_t from = at->stmt != NULL ? pr_script_place(at->script, at->stmt->offset) : 0;
    int line = at->stmt != NULL ? at->stmt->line : 1;
    if (from > offset)
        for (size_t i = offset; i < from; i++) line -= text[i] == '\n';
    else
        for (; from < offset; from++) line += text[from] == '\n';
    move_to(&out->cursor, text, offset);
    size_t len = wide < size - offset ? wide : size - offset;
    len = line_bytes(text + offset, len < WIDTH_BYTES ? len : WIDTH_BYTES);
    const int first = at->side != NULL && at->side->first_line > 0 ? at->side->first_line - 1 : 0;
    f->offset = offset;
    f->len = wide;
    f->line = first + line;
    f->end_line = at->stmt != NULL && at->stmt->end_line > line ? first + at->stmt->end_line : f->line;
    f->col = 1 + out->cursor.chars;
    f->col16 = 1 + out->cursor.units;
    if (len > 0) count(text + offset, len, &f->width, &f->width16);
    if (f->width == 0) f->width = f->width16 = 1;
    take_source(at, &out->cursor, len, f, out->a);
}

static const char *kept(struct pr_arena *a, const char *text, const char *fixed) { return text == fixed ? text : pr_dup(a, text); }

/* Findings of one file have its path together. */
static const char *path_of(const struct pr_findings *out, const struct pr_side *side) {
    if (side == NULL) return NULL;
    const char *last = out->n > 0 ? out->items[out->n - 1].path : NULL;
    return pr_eq(last, side->path) ? last : pr_dup(out->a, side->path);
}

void pr_finding_add(struct pr_findings *out, const struct pr_place *at, const struct pr_finding *texts, const struct pr_rule *fixed) {
    if (out->n >= PR_CAP_FINDINGS) {
        out->left_out++;
        return;
    }
    struct pr_arena *a = out->a;
    const char *path = path_of(out, at->side);
    struct pr_finding *f = PR_PUSH(a, out->items, out->n, out->cap);
    *f = (struct pr_finding){
        .rule = texts->rule, .family = fixed != NULL ? pr_family_name(fixed->family) : pr_family_of(texts->rule), .level = texts->level, .unknown_size = texts->unknown_size,
        .path = path,
        .stmt = at->stmt != NULL ? at->stmt->top : -1,
        .title = kept(a, texts->title, fixed != NULL ? fixed->title : NULL), .what = kept(a, texts->what, fixed != NULL ? fixed->why : NULL),
        .safe_way = kept(a, texts->safe_way, fixed != NULL ? fixed->safe_way : NULL), .safe_sql = pr_dup(a, texts->safe_sql), .fix = out->scratch == NULL ? texts->fix : NULL,
    };
    locate(out, at, f);
}

/* What is lost or broken by undoing is what undoing is for; what fails still fails. */
static enum pr_level level_of_down(enum pr_family family, enum pr_level level) {
    if (family == PR_F_FAILURE || family == PR_F_GROUNDING) return level;
    if (family == PR_F_LOSS || family == PR_F_COMPATIBILITY) return PR_NOTE;
    return level == PR_ERROR ? PR_WARNING : PR_NOTE;
}

void pr_report(const struct pr_rule_ctx *c, const struct pr_hit *h) {
    enum pr_level level = h->level;
    const char *path = c->side != NULL ? c->side->path : NULL;
    if (!pr_level_of_project(c->config, c->rule->id, path, &level)) return;
    if (c->is_down) level = level_of_down(c->rule->family, level);
    const struct pr_inside *in = c->stmt->inside;
    const bool on_call = in != NULL && in->later && !in->at_creation;
    const bool in_branch = in != NULL && in->maybe && c->rule->family == PR_F_GROUNDING;
    if ((on_call || in_branch) && level == PR_ERROR) level = PR_WARNING;
    const char *what = h->what != NULL ? h->what : c->rule->why;
    if (on_call) what = pr_fmt(c->out->a, "%s The function is made all the same: it fails when it is called.", what);
    else if (in_branch) what = pr_fmt(c->out->a, "%s It stands in a branch or a loop, which may not be run.", what);
    const bool placed = h->len > 0;
    const struct pr_place at = {.script = c->script, .side = c->side, .stmt = c->stmt,
                                .offset = placed ? h->offset : c->stmt->offset, .len = placed ? h->len : c->stmt->len};
    pr_finding_add(c->out, &at, &(struct pr_finding){
        .rule = c->rule->id, .level = level, .unknown_size = h->unknown_size,
        .title = h->title != NULL ? h->title : c->rule->title,
        .what = what,
        .safe_way = h->safe_way != NULL ? h->safe_way : c->rule->safe_way,
        .safe_sql = pr_stmt_has_secret(c->stmt) ? NULL : h->safe_sql,      /* it may repeat the statement */
        .fix = in == NULL && !pr_stmt_has_secret(c->stmt) ? h->fix : NULL,     /* what stands in a body is not rewritten */
    }, c->rule);
}

/* A number that is mostly the same as another of the finding: then both are one value. like may be NULL. */
static json_t *put_int(json_t *o, const char *key, int n, json_t *like) {
    json_t *value = like != NULL && json_integer_value(like) == n ? json_incref(like) : json_integer(n);
    pr_set(o, key, value);
    return value;
}

json_t *pr_finding_json(const struct pr_finding *f, json_t *texts) {
    json_t *o = json_object();
    pr_set_shared(o, "rule", f->rule, texts);
    pr_set_shared(o, "family", f->family, texts);
    pr_set_shared(o, "level", pr_level_name(f->level), texts);
    pr_set_shared(o, "path", f->path, texts);
    json_t *line = put_int(o, "line", f->line, NULL), *col = put_int(o, "col", f->col, NULL);
    put_int(o, "end_line", f->end_line, line);
    pr_set_int(o, "statement", f->stmt);
    pr_set_str(o, "source", f->source);
    pr_set_int(o, "source_col", f->source_col);
    json_t *width = put_int(o, "width", f->width, NULL);
    put_int(o, "col_utf16", f->col16, col);
    put_int(o, "width_utf16", f->width16, width);
    pr_set_str(o, "fingerprint", f->fingerprint);
    pr_set_str(o, "title", f->title);
    pr_set_str(o, "what", f->what);
    pr_set_shared(o, "safe_way", f->safe_way, texts);
    pr_set_str(o, "safe_sql", f->safe_sql);
    pr_set_bool(o, "unknown_size", f->unknown_size);
    return o;
}
