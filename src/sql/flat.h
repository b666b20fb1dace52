/* flat.h: the text of a flat script while it grows. After sql/nodes.h. Private to sql/. */
#ifndef PR_SQL_FLAT_H
#define PR_SQL_FLAT_H

#include "sql/internal.h"

/* From `at` on the text stands for the text from `to` on, or (PR_SHIFT_FIXED) all of it for that one place. */
struct pr_shift { uint32_t at, to; };
#define PR_SHIFT_FIXED ((uint32_t)1 << 31)

struct pr_flat_text {
    struct pr_arena *a;
    struct pr_buf text;        /* the script's own, then bodies that had to be unquoted */
    size_t own;                /* bytes of the script's own */
    struct pr_shift *shifts; size_t n, cap;
};

/* A part of the text. */
struct pr_range { size_t from, to; };

/* The value of the string literal whose token starts at `at`: where it stands word for word, else a copy of it behind the text,
 * with shifts that lead back as exactly as its escapes allow. */
struct pr_range pr_flat_literal(struct pr_flat_text *t, size_t at, const char *value);

/* A text that stands nowhere: behind the text, all of it for one place. */
struct pr_range pr_flat_composed(struct pr_flat_text *t, size_t place, const char *value);

/* Copies of more than that are not unquoted with their places. */
#define PR_CAP_UNQUOTED ((size_t)1 << 20)

/* The value of an expression of string constants: 'a', 'a' || 'b', format('…', …), quote_ident('a'), quote_literal('a'), casts to
 * text; NULL when something else is in it. */
const char *pr_constant_text(const Node *n, struct pr_arena *a);
/* The constant that such an expression begins with, whatever follows; NULL when it begins with something else. */
const char *pr_constant_start(const Node *n);

#endif
