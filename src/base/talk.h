/* talk.h: how long work speaks to whoever started it, without knowing whether that is a terminal, an agent or a test.
 * Library code never prints: it calls these. All members may be NULL except where said; use the pr_talk_* wrappers. */
#ifndef PR_BASE_TALK_H
#define PR_BASE_TALK_H

#include <signal.h>

struct pr_progress {
    const char *what;          /* "building index invoice_items_unpaid_idx" */
    const char *phase;         /* server's phase or NULL */
    int64_t done, total;       /* same unit; total 0 = unknown */
    const char *unit;          /* "blocks", "rows" */
    int64_t elapsed_us;
};

/* Kinds name the colour that a face may give a line. */
enum pr_line {
    PR_LINE_STEP,   /* who connects where, what runs */
    PR_LINE_FACT,   /* rows, sizes, elapsed, locks */
    PR_LINE_GOOD,
    PR_LINE_WARN,
    PR_LINE_BAD,
    PR_LINE_CODE,   /* SQL */
    PR_LINE_PLAIN
};

struct pr_talk {
    void *ctx;
    /* One line of a transcript, already safe to show. */
    void (*line)(void *ctx, enum pr_line kind, const char *text);
    void (*progress)(void *ctx, const struct pr_progress *p);   /* p NULL = over, clear the bar */
    /* The seam: shows the page, then reads one line from the terminal itself, never from a pipe. PR_OK only when the
     * person typed exactly `word` (at most 500 bytes). Errors REFUSED (no terminal, or another answer), INTERRUPTED. */
    enum pr_code (*confirm)(void *ctx, const char *page, const char *question, const char *word, struct pr_err *e);
    bool color;                    /* the face shows colour: programs that speak through it may use it too */
    const volatile sig_atomic_t *interrupted;               /* 1 after Ctrl-C or SIGTERM, 2 after a second one; NULL = never */
};

/* One line of a transcript; printf-like. Never cut: what a person approves is shown whole. */
PR_FORMAT(3, 4) void pr_say(const struct pr_talk *t, enum pr_line kind, const char *fmt, ...);
/* SQL as it will run, line by line and safe to show; after max_lines an ellipsis (0 = all). */
void pr_say_code(const struct pr_talk *t, struct pr_arena *a, const char *sql, size_t max_lines);

/* How far long work is; p NULL = over. */
void pr_progress(const struct pr_talk *t, const struct pr_progress *p);

/* Whether Ctrl-C or SIGTERM came. */
bool pr_interrupted(const struct pr_talk *t);
bool pr_interrupted_twice(const struct pr_talk *t);         /* whoever waits for the end of something does not wait on */

#endif
