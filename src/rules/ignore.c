/* `-- pgrail:ignore RULE[,RULE] [until YYYY-MM-DD] reason…` in a comment above a statement, behind one on its last line, or within
 * one, for the line below it or the line that it ends; `-- pgrail:ignore-file …` between statements, for all of the file. */
#include "rules/judge.h"

#define MARK "pgrail:ignore"
enum { MAX_RULES = 8 };

struct ignore {
    const struct pr_stmt *stmt;    /* that it is about; NULL = there is none */
    bool file;                     /* it is about all of them */
    size_t from, to;               /* it is about this part of the statement; to 0 = about all of it */
    size_t offset, len;            /* of the words in the text */
    const char *rules[MAX_RULES];
    size_t n_rules;
    const char *reason, *until, *problem;
    int hidden[MAX_RULES], n_hidden;
    int next;                      /* of the same statement; -1 = none */
};

static bool is_date(const char *s) {
    static const char form[] = "dddd-dd-dd";
    if (strlen(s) != sizeof form - 1) return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i]) return false;
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int month = (s[5] - '0') * 10 + s[6] - '0', day = (s[8] - '0') * 10 + s[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* The rules of one word: "a,b". */
static void take_rules(struct ignore *g, const char *word, struct pr_arena *a) {
    const char **items = NULL;
    const size_t n = pr_split(a, word, ',', &items);
    for (size_t i = 0; i < n; i++) {
        if (items[i][0] == '\0') continue;
        if (g->n_rules < MAX_RULES) g->rules[g->n_rules++] = items[i];
        else g->problem = pr_fmt(a, "it names more than %d rules: write two", MAX_RULES);
    }
}

/* The words behind the mark: rules, an optional "until DATE" anywhere, and the rest is the reason. */
static void read_words(struct ignore *g, const char *line, struct pr_arena *a) {
    const char **words = NULL;
    const size_t n = pr_split(a, line, ' ', &words);
    struct pr_buf reason = {.a = a};
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (words[i][0] == '\0') continue;
        if (first) {
            take_rules(g, words[i], a);
            first = false;
        } else if (pr_eq(words[i], "until") && g->until == NULL) {
            const char *date = i + 1 < n ? words[++i] : "";
            if (!is_date(date)) g->problem = pr_fmt(a, "until wants a date as 2027-01-31, got \"%s\"", pr_printable(a, date, 40));
            g->until = date;
        } else {
            pr_addf(&reason, "%s%s", reason.len > 0 ? " " : "", words[i]);
        }
    }
    g->reason = pr_buf_text(&reason);
    if (g->n_rules == 0) g->problem = "it names no rule";
    else if (g->problem == NULL && g->reason[0] == '\0') g->problem = "it gives no reason";
}

/* Length of a comment's line from `from`: up to the line's end or the comment's end. */
static size_t line_len(const char *text, size_t from, size_t end) {
    size_t n = 0;
    while (from + n < end && text[from + n] != '\n' && text[from + n] != '\r' &&
           !(text[from + n] == '*' && from + n + 1 < end && text[from + n + 1] == '/'))
        n++;
    return n;
}

struct ignores { struct ignore *items; size_t n, cap; int *first; };    /* first: of each statement of the file; -1 = none */

/* A mark at `at`: what it says. False when it is another word that only begins alike. */
static bool read_mark(const struct pr_script *s, size_t at, size_t end, struct ignore *g, struct pr_arena *a) {
    size_t words = at + sizeof MARK - 1;
    const char *behind = s->text + words;
    const size_t tail = words < end ? strspn(behind, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    if (tail > 0) return false;
    *g = (struct ignore){.offset = at, .next = -1};
    if (words < end && *behind == '-') {
        const size_t n = 1 + strspn(behind + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-");
        g->file = n == sizeof "-file" - 1 && memcmp(behind, "-file", n) == 0;
        if (!g->file) g->problem = pr_fmt(a, "there is " MARK " and " MARK "-file, and no " MARK "%s", pr_printable(a, pr_dupn(a, behind, n), 40));
        words += n;
    }
    const size_t n = line_len(s->text, words, end);
    g->len = words + n - at;
    const char *unknown = g->problem;
    read_words(g, pr_dupn(a, s->text + words, n), a);
    if (unknown != NULL) g->problem = unknown;
    return true;
}

/* All marks in a part of the text between two statements; prev and next may be NULL at the ends. */
static void scan_gap(const struct pr_script *s, size_t begin, size_t end, const struct pr_stmt *prev, const struct pr_stmt *next,
                     struct ignores *out, struct pr_arena *a) {
    for (size_t from = begin; from < end;) {
        const char *hit = memmem(s->text + from, end - from, MARK, sizeof MARK - 1);
        if (hit == NULL) return;
        const size_t at = (size_t)(hit - s->text);
        const bool behind = prev != NULL && memchr(s->text + begin, '\n', at - begin) == NULL;
        struct ignore g = {0};
        from = at + sizeof MARK - 1;
        if (!read_mark(s, at, end, &g, a)) continue;
        g.stmt = behind ? prev : next;
        from = at + g.len;
        *PR_PUSH(a, out->items, out->n, out->cap) = g;
    }
}

/* Where the comment of a mark begins, when nothing but its own marks and blanks stand before it; else 0: it is in a string. */
static size_t comment_at(const char *text, size_t begin, size_t at) {
    while (at > begin && (text[at - 1] == ' ' || text[at - 1] == '\t')) at--;
    const bool opens = at >= begin + 2 && ((text[at - 1] == '-' && text[at - 2] == '-') || (text[at - 1] == '*' && text[at - 2] == '/'));
    return opens ? at - 2 : 0;
}

static bool is_blank_line(const char *text, size_t from, size_t to) {
    while (from < to && (text[from] == ' ' || text[from] == '\t' || text[from] == '\r')) from++;
    return from >= to || (from + 1 < to && text[from] == '-' && text[from + 1] == '-');
}

/* The line that the comment ends, or the first one with code below it. */
static void set_range(const struct pr_script *s, const struct pr_stmt *stmt, size_t comment, struct ignore *g) {
    const size_t begin = stmt->offset, end = stmt->offset + stmt->len;
    size_t line = comment;
    while (line > begin && s->text[line - 1] != '\n') line--;
    if (!is_blank_line(s->text, line, comment)) {
        g->from = line;
        g->to = comment;
        return;
    }
    g->from = g->offset;
    for (size_t at = g->offset; at < end;) {
        const char *nl = memchr(s->text + at, '\n', end - at);
        const size_t next = nl != NULL ? (size_t)(nl - s->text) + 1 : end;
        if (at > g->offset && !is_blank_line(s->text, at, next)) {
            g->to = next;
            return;
        }
        at = next;
    }
    g->to = end;
}

/* Marks within a statement that has no body: between the lines of a long ALTER TABLE. */
static void scan_inside(const struct pr_script *s, const struct pr_stmt *stmt, struct ignores *out, struct pr_arena *a) {
    const size_t end = stmt->offset + stmt->len;
    for (size_t from = stmt->offset; from < end;) {
        const char *hit = memmem(s->text + from, end - from, MARK, sizeof MARK - 1);
        if (hit == NULL) return;
        const size_t at = (size_t)(hit - s->text), comment = comment_at(s->text, stmt->offset, at);
        struct ignore g = {0};
        from = at + sizeof MARK - 1;
        if (comment == 0 || !read_mark(s, at, end, &g, a)) continue;
        g.stmt = stmt;
        set_range(s, stmt, comment, &g);
        from = at + g.len;
        *PR_PUSH(a, out->items, out->n, out->cap) = g;
    }
}

static size_t end_place(const struct pr_script *s, const struct pr_stmt *stmt) {
    return stmt->len > 0 ? pr_script_place(s, stmt->offset + stmt->len - 1) + 1 : pr_script_place(s, stmt->offset);
}

/* Marks within the body of statement i of the file. What a CALL runs stands elsewhere, where its function is made. */
static void scan_body(const struct pr_script *s, size_t i, struct ignores *out, struct pr_arena *a) {
    const struct pr_stmt *of = &s->stmts[i], *prev = NULL;
    size_t begin = of->offset;
    const size_t end = of->offset + of->len;
    if (memmem(s->text + begin, of->len, MARK, sizeof MARK - 1) == NULL) return;
    for (size_t k = i + 1; k < s->n && s->stmts[k].inside != NULL; k++) {
        const size_t at = pr_script_place(s, s->stmts[k].offset);
        if (at < begin || at > end) continue;
        scan_gap(s, begin, at, prev, &s->stmts[k], out, a);
        prev = &s->stmts[k];
        begin = end_place(s, prev);
    }
    if (prev != NULL) scan_gap(s, begin, end, prev, NULL, out, a);
}

static void scan(const struct pr_script *s, struct ignores *out, struct pr_arena *a) {
    const struct pr_stmt *prev = NULL;
    for (size_t i = 0; i <= s->n; i++) {
        const struct pr_stmt *next = i < s->n ? &s->stmts[i] : NULL;
        if (next != NULL && next->inside != NULL) continue;
        scan_gap(s, prev != NULL ? prev->offset + prev->len : 0, next != NULL ? next->offset : s->len, prev, next, out, a);
        if (next != NULL && next->opened) scan_body(s, i, out, a);
        else if (next != NULL) scan_inside(s, next, out, a);
        prev = next;
    }
}

/* Chains the marks of each statement, so that many of both stay linear. Those of the file come first of all. */
static void chain(const struct pr_script *s, struct ignores *all, struct pr_arena *a) {
    all->first = PR_NEW_ARRAY(a, int, s->n + 1);
    for (size_t i = 0; i <= s->n; i++) all->first[i] = -1;
    for (size_t i = all->n; i > 0; i--) {
        struct ignore *g = &all->items[i - 1];
        if (g->problem != NULL || (!g->file && g->stmt == NULL)) continue;
        int *first = &all->first[g->file ? s->n : (size_t)g->stmt->top];
        g->next = *first;
        *first = (int)i - 1;
    }
}

static bool covers(const struct pr_script *s, const struct ignore *g, const struct pr_finding *f) {
    if (g->file) return true;
    if (g->to > 0) return f->offset >= g->from && f->offset < g->to;
    if (g->stmt->inside == NULL) return g->stmt->top == f->stmt;
    return f->offset >= pr_script_place(s, g->stmt->offset) && f->offset < end_place(s, g->stmt);
}

/* Which of its rules it is; -1 = none. */
static int named(const struct ignore *g, const char *rule) {
    for (size_t i = 0; i < g->n_rules; i++)
        if (pr_eq(g->rules[i], rule)) return (int)i;
    return -1;
}

static const struct ignore *hides_from(const struct pr_script *s, struct ignores *all, int first, const struct pr_finding *f, const char *today) {
    for (int i = first; i >= 0; i = all->items[i].next) {
        struct ignore *g = &all->items[i];
        const int rule = covers(s, g, f) ? named(g, f->rule) : -1;
        if (rule < 0) continue;
        g->hidden[rule]++;
        g->n_hidden++;
        if (g->until == NULL || strcmp(g->until, today) >= 0) return g;
    }
    return NULL;
}

/* The closest first: one of the file is dead where each of its statements has its own. */
static const struct ignore *hides(const struct pr_script *s, struct ignores *all, const struct pr_finding *f, const char *today) {
    const bool placed = f->stmt >= 0 && (size_t)f->stmt < s->n;
    const struct ignore *own = placed ? hides_from(s, all, all->first[f->stmt], f, today) : NULL;
    return own != NULL ? own : hides_from(s, all, all->first[s->n], f, today);
}

static const char *unknown_rule(const struct ignore *g, struct pr_arena *a) {
    const char **known = NULL;
    const size_t n = pr_finding_names(a, &known);
    for (size_t i = 0; i < g->n_rules; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !found; k++) found = pr_eq(known[k], g->rules[i]);
        if (found) continue;
        const char *near = pr_nearest(g->rules[i], known, n);
        return pr_fmt(a, "there is no rule \"%s\"%s%s", pr_printable(a, g->rules[i], 60),
                      near != NULL ? "; the nearest is " : "", near != NULL ? near : "");
    }
    return NULL;
}

/* Rules beside those that it hides; NULL when there are none. */
static const char *dead_rules(const struct ignore *g, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < g->n_rules; i++)
        if (g->hidden[i] == 0) pr_addf(&b, "%s%s", b.len > 0 ? ", " : "", pr_printable(a, g->rules[i], 60));
    return b.len > 0 ? pr_buf_text(&b) : NULL;
}

static void report_wrong(const struct ignore *g, const struct pr_script *s, const struct pr_side *side, const char *today,
                         struct pr_findings *out) {
    const struct pr_place at = {.script = s, .side = side, .stmt = g->stmt, .offset = g->offset, .len = g->len};
    struct pr_arena *a = out->a;
    if (g->problem != NULL) {
        pr_note_add(out, &at, "ignore-no-reason",
                    (struct pr_finding){.title = pr_fmt(a, "this ignore hides nothing: %s", g->problem)});
        return;
    }
    const char *dead = g->n_hidden > 0 ? dead_rules(g, a) : NULL, *unknown = unknown_rule(g, a);
    if (g->n_hidden == 0 || dead != NULL) {
        pr_note_add(out, &at, "ignore-hides-nothing", (struct pr_finding){
            .title = dead != NULL ? pr_fmt(a, "this ignore hides nothing of %s", dead) : NULL, .what = unknown});
    } else if (g->until != NULL && strcmp(g->until, today) < 0) {
        pr_note_add(out, &at, "ignore-expired",
                    (struct pr_finding){.title = pr_fmt(a, "this ignore expired on %s", g->until)});
    }
}

void pr_ignores_apply(const struct pr_script *s, const struct pr_side *side, struct pr_findings *findings, struct pr_findings *hidden) {
    struct pr_arena *a = findings->a;
    struct ignores all = {0};
    if (memmem(s->text, s->len, MARK, sizeof MARK - 1) == NULL) return;        /* nor has any of its thousands of statements */
    scan(s, &all, a);
    if (all.n == 0) return;
    chain(s, &all, a);
    const char *today = pr_dupn(a, pr_iso_time(a, pr_wall_us()), 10);
    size_t kept = 0;
    for (size_t i = 0; i < findings->n; i++) {
        const struct ignore *g = hides(s, &all, &findings->items[i], today);
        if (g == NULL) {
            findings->items[kept++] = findings->items[i];
            continue;
        }
        struct pr_finding *f = PR_PUSH(a, hidden->items, hidden->n, hidden->cap);
        *f = findings->items[i];
        f->ignored = g->reason;
    }
    findings->n = kept;
    for (size_t i = 0; i < all.n; i++) report_wrong(&all.items[i], s, side, today, findings);
}
