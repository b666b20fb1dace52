/* fix_diff.c: a plan as a unified diff that patch(1) and git apply take. Source: E. Myers, "An O(ND) difference algorithm", 1986. */
#include "rules/fix.h"

enum { CONTEXT = 3, MAX_D = 1000 };

struct lines { const char **at; size_t *len; size_t n; };
struct op { char kind; size_t line; };                     /* ' ' and '-': of the old text; '+': of the new one */
struct script { struct op *ops; size_t n, cap; struct pr_arena *a; };

static struct lines cut(struct pr_arena *a, const char *text, size_t len) {
    struct lines l = {0};
    for (size_t i = 0; i < len; i++) l.n += text[i] == '\n' || i + 1 == len;
    l.at = PR_NEW_ARRAY(a, const char *, l.n + 1);
    l.len = PR_NEW_ARRAY(a, size_t, l.n + 1);
    size_t from = 0;
    for (size_t i = 0; i < l.n; i++) {
        const char *nl = memchr(text + from, '\n', len - from);
        l.at[i] = text + from;
        l.len[i] = nl != NULL ? (size_t)(nl - text) + 1 - from : len - from;
        from += l.len[i];
    }
    return l;
}

static bool same(const struct lines *x, size_t i, const struct lines *y, size_t j) {
    return x->len[i] == y->len[j] && memcmp(x->at[i], y->at[j], x->len[i]) == 0;
}

static void push(struct script *s, char kind, size_t line) { *PR_PUSH(s->a, s->ops, s->n, s->cap) = (struct op){.kind = kind, .line = line}; }

/* Furthest x on each diagonal k = x - y after d edits; diagonals from -d to d lie at v[k + d]. */
static int64_t step(const int64_t *before, int64_t d, int64_t k) {
    if (d == 0) return 0;
    const int64_t down = k + 1 <= d - 1 ? before[k + 1 + d - 1] : -1, right = k - 1 >= 1 - d ? before[k - 1 + d - 1] + 1 : -1;
    return down >= right ? down : right;
}

static void trace(struct script *out, int64_t **vs, int64_t d, int64_t x, int64_t y, size_t base) {
    struct script back = {.a = out->a};
    for (; d > 0; d--) {
        const int64_t k = x - y, *v = vs[d - 1];
        const int64_t down = k + 1 <= d - 1 ? v[k + 1 + d - 1] : -1, right = k - 1 >= 1 - d ? v[k - 1 + d - 1] + 1 : -1;
        const bool is_down = down >= right;
        const int64_t from = is_down ? down : right;
        for (; x > from; x--, y--) push(&back, ' ', base + (size_t)x - 1);
        if (is_down) push(&back, '+', base + (size_t)--y);
        else push(&back, '-', base + (size_t)--x);
    }
    for (; x > 0; x--) push(&back, ' ', base + (size_t)x - 1);
    for (size_t i = back.n; i > 0; i--) push(out, back.ops[i - 1].kind, back.ops[i - 1].line);
}

/* The middle of two texts that share neither first nor last line, n and m lines from base on. */
static void compare(struct script *out, const struct lines *x, const struct lines *y, size_t base, size_t n, size_t m) {
    int64_t **vs = PR_NEW_ARRAY(out->a, int64_t *, MAX_D + 1);
    for (int64_t d = 0; d <= MAX_D && d <= (int64_t)(n + m); d++) {
        vs[d] = PR_NEW_ARRAY(out->a, int64_t, 2 * (size_t)d + 1);
        for (int64_t k = -d; k <= d; k += 2) {
            int64_t i = step(d > 0 ? vs[d - 1] : NULL, d, k), j = i - k;
            while (i < (int64_t)n && j < (int64_t)m && same(x, base + (size_t)i, y, base + (size_t)j)) i++, j++;
            vs[d][k + d] = i;
            if (i != (int64_t)n || j != (int64_t)m) continue;
            trace(out, vs, d, i, j, base);
            return;
        }
    }
    for (size_t i = 0; i < n; i++) push(out, '-', base + i);        /* too different to be worth a search */
    for (size_t j = 0; j < m; j++) push(out, '+', base + j);
}

static struct script differences(const struct lines *x, const struct lines *y, struct pr_arena *a) {
    struct script s = {.a = a};
    size_t head = 0, tail = 0;
    while (head < x->n && head < y->n && same(x, head, y, head)) head++;
    while (tail < x->n - head && tail < y->n - head && same(x, x->n - 1 - tail, y, y->n - 1 - tail)) tail++;
    for (size_t i = 0; i < head; i++) push(&s, ' ', i);
    compare(&s, x, y, head, x->n - head - tail, y->n - head - tail);
    for (size_t i = 0; i < tail; i++) push(&s, ' ', x->n - tail + i);
    return s;
}

static void put_line(struct pr_buf *b, char kind, const char *text, size_t len) {
    const bool ended = len > 0 && text[len - 1] == '\n';
    pr_addn(b, &kind, 1);
    pr_addn(b, text, len - ended);
    pr_addf(b, "\n%s", ended ? "" : "\\ No newline at end of file\n");
}

static void put_hunk(struct pr_buf *b, const struct script *s, size_t from, size_t to, const struct lines *x, const struct lines *y) {
    size_t old_at = 0, new_at = 0, old_n = 0, new_n = 0;
    for (size_t i = 0; i < to; i++) {
        const bool old = s->ops[i].kind != '+', new = s->ops[i].kind != '-', in = i >= from;
        old_at += old && !in;
        new_at += new && !in;
        old_n += old && in;
        new_n += new && in;
    }
    pr_addf(b, "@@ -%zu,%zu +%zu,%zu @@\n", old_at + (old_n > 0), old_n, new_at + (new_n > 0), new_n);
    for (size_t i = from; i < to; i++) {
        const struct op *o = &s->ops[i];
        const struct lines *l = o->kind == '+' ? y : x;
        put_line(b, o->kind, l->at[o->line], l->len[o->line]);
    }
}

static void put_hunks(struct pr_buf *b, const struct script *s, const struct lines *x, const struct lines *y) {
    for (size_t i = 0; i < s->n;) {
        while (i < s->n && s->ops[i].kind == ' ') i++;
        if (i == s->n) return;
        const size_t from = i > CONTEXT ? i - CONTEXT : 0;
        size_t last = i;
        for (size_t k = i; k < s->n && k <= last + 2 * CONTEXT; k++)
            if (s->ops[k].kind != ' ') last = k;
        const size_t to = last + 1 + CONTEXT < s->n ? last + 1 + CONTEXT : s->n;
        put_hunk(b, s, from, to, x, y);
        i = to;
    }
}

const char *pr_fix_diff(const struct pr_fix_plan *plan, const char *root, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < plan->n; i++) {
        const struct pr_fix_file *f = &plan->files[i];
        const size_t n = strlen(root);
        const bool inside = strncmp(f->path, root, n) == 0 && f->path[n] == '/';
        const char *shown = inside ? f->path + n + 1 : f->path, *old = inside ? "a/" : "", *new = inside ? "b/" : "";
        const struct lines x = cut(a, f->before != NULL ? f->before : "", f->before != NULL ? f->before_len : 0), y = cut(a, f->after, f->after_len);
        const struct script s = differences(&x, &y, a);
        pr_addf(&b, "--- %s%s\n", f->before != NULL ? old : "", f->before != NULL ? shown : "/dev/null");
        pr_addf(&b, "+++ %s%s\n", new, shown);
        put_hunks(&b, &s, &x, &y);
    }
    return pr_buf_text(&b);
}
