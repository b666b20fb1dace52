/* literal.c: what stands in string constants, and where. */
#include "sql/nodes.h"

#include "sql/flat.h"
#include "sql/lex.h"

/* --- places ---------------------------------------------------------------------------------------------------------- */

size_t pr_script_place(const struct pr_script *s, size_t offset) {
    while (offset > s->len && s->n_shifts > 0) {
        size_t low = 0, high = s->n_shifts;
        while (high - low > 1) {
            const size_t mid = low + (high - low) / 2;
            if (s->shifts[mid].at <= offset) low = mid;
            else high = mid;
        }
        const struct pr_shift *f = &s->shifts[low];
        const size_t to = f->to & ~PR_SHIFT_FIXED;
        PR_ASSERT(to < f->at && f->at <= offset);          /* every copy is behind what it is a copy of */
        offset = (f->to & PR_SHIFT_FIXED) != 0 ? to : to + (offset - f->at);
    }
    return offset;
}

static void shift(struct pr_flat_text *t, size_t at, size_t to, bool fixed) {
    *PR_PUSH(t->a, t->shifts, t->n, t->cap) =
        (struct pr_shift){.at = (uint32_t)at, .to = (uint32_t)to | (fixed ? PR_SHIFT_FIXED : 0)};
}

struct pr_range pr_flat_composed(struct pr_flat_text *t, size_t place, const char *value) {
    pr_add(&t->text, "\n");
    const size_t from = t->text.len;
    shift(t, from, place, true);
    pr_add(&t->text, value);
    return (struct pr_range){from, t->text.len};
}

/* --- unquoting ------------------------------------------------------------------------------------------------------- */

struct unquote {
    const char *text;
    size_t pos, end;
    struct pr_buf value;
    struct pr_shift *shifts; size_t n, cap;                /* at: in the value, to: in the text */
};

static void here(struct unquote *u) {
    *PR_PUSH(u->value.a, u->shifts, u->n, u->cap) = (struct pr_shift){.at = (uint32_t)u->value.len, .to = (uint32_t)u->pos};
}

static unsigned digits(struct unquote *u, unsigned base, int max) {
    unsigned v = 0;
    for (int i = 0; i < max && u->pos < u->end; i++, u->pos++) {
        const char c = u->text[u->pos], low = (char)(c | 0x20);
        const unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 99;
        if (d >= base) break;
        v = v * base + d;
    }
    return v;
}

static void add_code_point(struct pr_buf *b, unsigned c) {
    const char bytes[] = {(char)(0xF0 | (c >> 18)), (char)(0x80 | ((c >> 12) & 0x3F)), (char)(0x80 | ((c >> 6) & 0x3F)), (char)(0x80 | (c & 0x3F))};
    const char one = (char)c, two = (char)(0xC0 | (c >> 6)), three = (char)(0xE0 | (c >> 12));
    if (c >= 0x10000) pr_addn(b, bytes, 4);
    else pr_addn(b, c < 0x80 ? &one : c < 0x800 ? &two : &three, 1);
    if (c >= 0x80 && c < 0x10000) pr_addn(b, c < 0x800 ? bytes + 3 : bytes + 2, c < 0x800 ? 1 : 2);
}

/* A backslash is at pos. A pair of surrogates is not put together: the value then differs, which is seen. */
static void escape(struct unquote *u) {
    static const char letters[] = "bfnrtv", values[] = "\b\f\n\r\t\v";
    u->pos++;
    if (u->pos >= u->end) return;
    const char c = u->text[u->pos];
    const char *known = strchr(letters, c);
    char byte = known != NULL ? values[known - letters] : c;
    if (c >= '0' && c <= '7') {
        byte = (char)digits(u, 8, 3);
    } else {
        u->pos++;
        if (c == 'x') byte = (char)digits(u, 16, 2);
    }
    if (c == 'u' || c == 'U') add_code_point(&u->value, digits(u, 16, c == 'u' ? 4 : 8) & 0x1FFFFF);
    else pr_addn(&u->value, &byte, 1);
    here(u);
}

/* One quoted part; pos is behind its opening quote. */
static void quoted_part(struct unquote *u, bool backslashes) {
    here(u);
    while (u->pos < u->end) {
        const char c = u->text[u->pos];
        if (c == '\'') {
            if (u->pos + 1 >= u->end || u->text[u->pos + 1] != '\'') return;
            pr_addn(&u->value, "'", 1);
            u->pos += 2;
            here(u);
        } else if (backslashes && c == '\\') {
            escape(u);
        } else {
            pr_addn(&u->value, &c, 1);
            u->pos++;
        }
    }
}

/* 'a' and, on a later line, 'b' are one constant. */
static bool next_part(struct unquote *u) {
    size_t p = u->pos + 1;
    bool line_end = false;
    while (p < u->end && pr_lex_blank(u->text[p])) line_end |= u->text[p++] == '\n';
    if (!line_end || p >= u->end || u->text[p] != '\'') return false;
    u->pos = p + 1;
    return true;
}

static struct pr_range dollar_quoted(const char *text, size_t at, size_t value_len) {
    const char *tag_end = strchr(text + at + 1, '$');
    const size_t from = (size_t)(tag_end - text) + 1;
    return (struct pr_range){from, from + value_len};
}

struct pr_range pr_flat_literal(struct pr_flat_text *t, size_t at, const char *value) {
    const char *text = pr_buf_text(&t->text);
    const size_t n = strlen(value), end = t->text.len;
    if (at + n < end && text[at] == '$') {
        const struct pr_range r = dollar_quoted(text, at, n);
        if (r.to <= end && memcmp(text + r.from, value, n) == 0) return r;
    }
    const bool escapes = at < end && (text[at] == 'E' || text[at] == 'e');
    const size_t quote = at + (escapes ? 1 : 0);
    if (quote >= end || text[quote] != '\'') return pr_flat_composed(t, at, value);
    if (quote + 1 + n < end && text[quote + 1 + n] == '\'' && memcmp(text + quote + 1, value, n) == 0)
        return (struct pr_range){quote + 1, quote + 1 + n};
    if (n > PR_CAP_UNQUOTED) return pr_flat_composed(t, at, value);
    struct unquote u = {.text = text, .pos = quote + 1, .end = end, .value = {.a = t->a}};
    do quoted_part(&u, escapes);
    while (u.value.len < n && next_part(&u));
    if (!pr_eq(pr_buf_text(&u.value), value)) return pr_flat_composed(t, at, value);
    pr_add(&t->text, "\n");
    const size_t from = t->text.len;
    for (size_t i = 0; i < u.n; i++) shift(t, from + u.shifts[i].at, u.shifts[i].to, false);
    pr_addn(&t->text, value, n);
    return (struct pr_range){from, from + n};
}

/* --- constants --------------------------------------------------------------------------------------------------------- */

enum { MAX_DEPTH = 200 };

static const char *value_of(const Node *n, struct pr_arena *a, int depth);

/* format(): %I, %L, %s and %% with arguments in their order, as PostgreSQL does it; %1$s and widths are left alone. */
static const char *formatted(const List *args, struct pr_arena *a, int depth) {
    const char *f = args != NIL ? value_of(linitial(args), a, depth) : NULL;
    if (f == NULL) return NULL;
    struct pr_buf b = {.a = a};
    int next = 1;
    for (const char *p = f; *p != '\0'; p++) {
        if (*p != '%') {
            pr_addn(&b, p, 1);
            continue;
        }
        p++;
        if (*p == '%') {
            pr_add(&b, "%");
            continue;
        }
        const char *arg = next < list_length(args) ? value_of(list_nth(args, next), a, depth) : NULL;
        if (arg == NULL || (*p != 'I' && *p != 'L' && *p != 's')) return NULL;
        pr_add(&b, *p == 'I' ? pr_quote_ident(a, arg) : *p == 'L' ? pr_quote_literal(a, arg) : arg);
        next++;
    }
    return b.over ? NULL : pr_buf_text(&b);
}

static const char *called(const FuncCall *f, struct pr_arena *a, int depth) {
    const char *name = f->funcname != NIL ? strVal(llast(f->funcname)) : "";
    const char *one = list_length(f->args) == 1 ? value_of(linitial(f->args), a, depth) : NULL;
    if (f->func_variadic || f->agg_star || f->agg_order != NIL) return NULL;
    if (pr_eq(name, "format")) return formatted(f->args, a, depth);
    if (one == NULL) return NULL;
    return pr_eq(name, "quote_ident") ? pr_quote_ident(a, one) : pr_eq(name, "quote_literal") ? pr_quote_literal(a, one) : NULL;
}

static const char *value_of(const Node *n, struct pr_arena *a, int depth) {
    const A_Const *constant = pr_as(A_Const, n);
    const A_Expr *e = pr_as(A_Expr, n);
    const FuncCall *call = pr_as(FuncCall, n);
    const TypeCast *cast = pr_as(TypeCast, n);
    if (depth >= MAX_DEPTH) return NULL;
    if (constant != NULL && !constant->isnull) {
        if (nodeTag(&constant->val) == T_String) return pr_dup(a, strVal(&constant->val));
        return nodeTag(&constant->val) == T_Integer ? pr_fmt(a, "%d", intVal(&constant->val)) : NULL;
    }
    if (call != NULL) return called(call, a, depth + 1);
    if (cast != NULL && cast->typeName->names != NIL) {
        const char *type = strVal(llast(cast->typeName->names));
        return pr_eq(type, "text") || pr_eq(type, "regclass") ? value_of(cast->arg, a, depth + 1) : NULL;
    }
    if (e == NULL || e->kind != AEXPR_OP || e->lexpr == NULL || !pr_eq(strVal(llast(e->name)), "||")) return NULL;
    const char *left = value_of(e->lexpr, a, depth + 1), *right = left != NULL ? value_of(e->rexpr, a, depth + 1) : NULL;
    return right != NULL && strlen(left) + strlen(right) < PR_CAP_UNQUOTED ? pr_fmt(a, "%s%s", left, right) : NULL;
}

const char *pr_constant_start(const Node *n) {
    for (int depth = 0; n != NULL && depth < MAX_DEPTH; depth++) {
        const A_Const *constant = pr_as(A_Const, n);
        const A_Expr *e = pr_as(A_Expr, n);
        const FuncCall *call = pr_as(FuncCall, n);
        const TypeCast *cast = pr_as(TypeCast, n);
        if (constant != NULL) return !constant->isnull && nodeTag(&constant->val) == T_String ? strVal(&constant->val) : NULL;
        const bool formats = call != NULL && pr_eq(strVal(llast(call->funcname)), "format") && call->args != NIL;
        n = cast != NULL ? cast->arg : formats ? linitial(call->args) : e != NULL && e->kind == AEXPR_OP ? e->lexpr : NULL;
    }
    return NULL;
}

const char *pr_constant_text(const Node *n, struct pr_arena *a) {
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    return pr_dup(a, value_of(n, scratch, 0));
}
