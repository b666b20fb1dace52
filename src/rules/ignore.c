/* `-- pgrail:ignore RULE[,RULE] [until YYYY-MM-DD] reason…` in a comment above a statement, or behind one on its last line. */
#include "rules/judge.h"

#define MARK "pgrail:ignore"
enum { MAX_RULES = 8 };

struct ignore {
    const struct pr_stmt *stmt;    /* that it is about; NULL = there is none */
    size_t offset, len;            /* of the words in the text */
    const char *rules[MAX_RULES];
    size_t n_rules;
    const char *reason, *until, *problem;
    int hidden;
};

static bool is_date(const char *s) {
    static const char form[] = "dddd-dd-dd";
    if (strlen(s) != sizeof form - 1) return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i]) return false;
    return true;
}

/* The rules of one word: "a,b". */
static void take_rules(struct ignore *g, const char *word, struct pr_arena *a) {
    const char **items = NULL;
    const size_t n = pr_split(a, word, ',', &items);
    for (size_t i = 0; i < n && g->n_rules < MAX_RULES; i++)
        if (items[i][0] != '\0') g->rules[g->n_rules++] = items[i];
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

struct ignores { struct ignore *items; size_t n, cap; };

/* All marks in a part of the text between two statements; prev and next may be NULL at the ends. */
static void scan_gap(const struct pr_script *s, size_t begin, size_t end, const struct pr_stmt *prev, const struct pr_stmt *next,
                     struct ignores *out, struct pr_arena *a) {
    for (size_t from = begin; from < end;) {
        const char *hit = memmem(s->text + from, end - from, MARK, sizeof MARK - 1);
        if (hit == NULL) return;
        const size_t at = (size_t)(hit - s->text), words = at + sizeof MARK - 1, n = line_len(s->text, words, end);
        const bool behind = prev != NULL && memchr(s->text + begin, '\n', at - begin) == NULL;
        struct ignore *g = PR_PUSH(a, out->items, out->n, out->cap);
        *g = (struct ignore){.stmt = behind ? prev : next, .offset = at, .len = n + sizeof MARK - 1};
        read_words(g, pr_dupn(a, s->text + words, n), a);
        from = words + n;
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
        prev = next;
    }
}

static bool covers(const struct pr_script *s, const struct ignore *g, const struct pr_finding *f) {
    if (g->stmt->inside == NULL) return g->stmt->top == f->stmt;
    return f->offset >= pr_script_place(s, g->stmt->offset) && f->offset < end_place(s, g->stmt);
}

static bool names(const struct ignore *g, const char *rule) {
    for (size_t i = 0; i < g->n_rules; i++)
        if (pr_eq(g->rules[i], rule)) return true;
    return false;
}

static bool hides(const struct pr_script *s, struct ignores *all, const struct pr_finding *f, const char *today) {
    for (size_t i = 0; i < all->n; i++) {
        struct ignore *g = &all->items[i];
        if (g->problem != NULL || g->stmt == NULL || !covers(s, g, f) || !names(g, f->rule)) continue;
        g->hidden++;
        if (g->until == NULL || strcmp(g->until, today) >= 0) return true;
    }
    return false;
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

static void report_wrong(const struct ignore *g, const struct pr_script *s, const struct pr_side *side, const char *today,
                         struct pr_findings *out) {
    const struct pr_place at = {.script = s, .side = side, .stmt = g->stmt, .offset = g->offset, .len = g->len};
    struct pr_arena *a = out->a;
    if (g->problem != NULL) {
        pr_note_add(out, &at, "ignore-no-reason",
                    (struct pr_finding){.title = pr_fmt(a, "this ignore hides nothing: %s", g->problem)});
    } else if (g->hidden == 0) {
        const char *unknown = unknown_rule(g, a);
        pr_note_add(out, &at, "ignore-hides-nothing", (struct pr_finding){.what = unknown});
    } else if (g->until != NULL && strcmp(g->until, today) < 0) {
        pr_note_add(out, &at, "ignore-expired",
                    (struct pr_finding){.title = pr_fmt(a, "this ignore expired on %s", g->until)});
    }
}

int pr_ignores_apply(const struct pr_script *s, const struct pr_side *side, struct pr_findings *findings) {
    struct pr_arena *a = findings->a;
    struct ignores all = {0};
    scan(s, &all, a);
    if (all.n == 0) return 0;
    const char *today = pr_dupn(a, pr_iso_time(a, pr_wall_us()), 10);
    size_t kept = 0;
    for (size_t i = 0; i < findings->n; i++)
        if (!hides(s, &all, &findings->items[i], today)) findings->items[kept++] = findings->items[i];
    const int hidden = (int)(findings->n - kept);
    findings->n = kept;
    for (size_t i = 0; i < all.n; i++) report_wrong(&all.items[i], s, side, today, findings);
    return hidden;
}
