/* text.h: text is `const char *` in an arena, valid UTF-8 without NUL; that is checked once, at the border. */
#ifndef PR_BASE_TEXT_H
#define PR_BASE_TEXT_H

/* Copies and prints into an arena; never NULL (pr_dup of NULL is NULL). */
char *pr_dup(struct pr_arena *a, const char *s);
char *pr_dupn(struct pr_arena *a, const char *s, size_t n);
PR_FORMAT(2, 3) char *pr_fmt(struct pr_arena *a, const char *fmt, ...);

/* A builder that grows in an arena up to a cap; over the cap nothing is added and `over` stays set. */
struct pr_buf {
    struct pr_arena *a;
    char *text;            /* NUL-terminated after the first append; read with pr_buf_text */
    size_t len, room;
    size_t cap;            /* 0 = PR_CAP_FILE */
    bool over;
};
void pr_add(struct pr_buf *b, const char *s);
void pr_addn(struct pr_buf *b, const char *s, size_t n);
PR_FORMAT(2, 3) void pr_addf(struct pr_buf *b, const char *fmt, ...);
const char *pr_buf_text(struct pr_buf *b);                  /* never NULL */

bool pr_eq(const char *a, const char *b);                   /* both may be NULL; NULL equals NULL only */
bool pr_eq_nocase(const char *a, const char *b);            /* ASCII */
bool pr_starts(const char *s, const char *prefix);
bool pr_ends(const char *s, const char *suffix);
const char *pr_trim(struct pr_arena *a, const char *s);     /* without leading and trailing white space */
int pr_by_text(const void *a, const void *b);               /* qsort of const char *, byte order */

/* Splits at each separator character; items are trimmed, empty ones kept. Returns the count. */
size_t pr_split(struct pr_arena *a, const char *s, char sep, const char ***items);

/* Border check of untrusted bytes. Errors BAD_INPUT: a NUL byte or invalid UTF-8, with line and byte offset. `what` names
 * the source in the message. */
PR_NODISCARD enum pr_code pr_check_utf8(const char *what, const char *bytes, size_t n, struct pr_err *e);

/* Bytes from s on, at most n, that are ASCII and no NUL. */
size_t pr_plain_bytes(const char *s, size_t n);

/* 1-based line and column (in characters) of a byte offset. O(offset): for messages, not for loops. */
void pr_line_col(const char *text, size_t offset, int *line, int *col);

/* A whole file, at most cap bytes, checked as UTF-8. Errors NO_FILE, BAD_INPUT (too big, a folder, not text). */
PR_NODISCARD enum pr_code pr_read_text(struct pr_arena *a, const char *path, size_t cap, const char **text, size_t *n,
                                       struct pr_err *e);

/* Writes through a temporary file beside it and renames; never leaves half a file. mode as for open(2).
 * exclusive: an existing file is an error (BAD_INPUT). Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_write_text(const char *path, const char *text, size_t n, unsigned mode, bool exclusive,
                                        struct pr_err *e);

/* Makes a folder and its parents (0755 less umask; mode for the last one). Errors NO_FILE. */
PR_NODISCARD enum pr_code pr_mkdirs(const char *path, unsigned mode, struct pr_err *e);

/* SQL quoting for display and for our own statements: an identifier is quoted only when it must be (always when it is
 * upper case, odd or a reserved word); a literal always is, with E'' only when it holds a backslash. */
const char *pr_quote_ident(struct pr_arena *a, const char *name);
const char *pr_quote_literal(struct pr_arena *a, const char *text);
const char *pr_qualified(struct pr_arena *a, const char *schema, const char *name);  /* schema may be NULL */

/* True when a text holds a password: a conninfo's password=…, or a URI with user:secret@; and the URI alone. */
bool pr_looks_secret(const char *text);
bool pr_uri_has_password(const char *text);

/* For people: "1.8 GB" (powers of 1024), "2,400,000", "41.2 s" / "3 min 12 s" / "8 ms" / "0.4 ms". */
const char *pr_human_bytes(struct pr_arena *a, int64_t bytes);
const char *pr_human_count(struct pr_arena *a, int64_t n);
const char *pr_human_us(struct pr_arena *a, int64_t us);
const char *pr_plural(struct pr_arena *a, int64_t n, const char *one);      /* "1 index", "2,400 indexes", "0 entries" */

/* Untrusted text made safe to show: control characters (C0, C1, ESC), bidi and zero-width ones become \xNN / \u{NNNN};
 * at most max_chars characters, then "…". */
const char *pr_printable(struct pr_arena *a, const char *s, size_t max_chars);

/* Columns that n bytes take on a terminal: two for a wide character, none for one that combines with the one before. */
int pr_columns(const char *s, size_t n);

/* Edit distance with transpositions, of at most 64 bytes each; for "did you mean". */
int pr_distance(const char *a, const char *b);

/* The nearest of n names to `wrong`, or NULL when none is near (distance ≤ 2 or a third of its length). */
const char *pr_nearest(const char *wrong, const char *const *names, size_t n);

#endif
