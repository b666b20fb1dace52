#include "face/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Set by the signal handler alone. A handler can reach nothing but a variable of the file. */
static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    (void)sig;
    if (interrupted < 2) interrupted = interrupted + 1;
}

static int columns(void) {
    struct winsize w = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 ? w.ws_col : 80;
}

void pr_term_init(struct pr_term *t, bool no_color, bool json) {
    const char *no = getenv("NO_COLOR"), *dumb = getenv("TERM");
    const bool wanted = !no_color && (no == NULL || *no == '\0') && !pr_eq(dumb, "dumb");
    *t = (struct pr_term){.color = wanted && isatty(STDOUT_FILENO) != 0, .bar = isatty(STDERR_FILENO) != 0 && !pr_eq(dumb, "dumb"),
                          .quiet = json, .lines = json ? NULL : stdout, .width = isatty(STDOUT_FILENO) != 0 ? columns() : 100};
    const struct sigaction sa = {.sa_handler = on_signal};
    PR_ASSERT(sigaction(SIGINT, &sa, NULL) == 0 && sigaction(SIGTERM, &sa, NULL) == 0);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    PR_ASSERT(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

static const char *escape_of(char paint) {
    switch (paint) {
    case 'g': return "\033[32m";
    case 'w': return "\033[33m";
    case 'b': return "\033[31;1m";
    case 'h': return "\033[1m";
    case 'd': return "\033[2m";
    case 'c': return "\033[36m";
    default: return "";
    }
}

void pr_term_put(const struct pr_term *t, FILE *to, const char *painted) {
    for (const char *p = painted; *p != '\0';) {
        const size_t n = strcspn(p, "\001\002");
        (void)fwrite(p, 1, n, to);
        p += n;
        if (*p == '\001' && p[1] != '\0') {
            if (t->color) (void)fputs(escape_of(p[1]), to);
            p += 2;
        } else if (*p != '\0') {
            if (t->color && *p == '\002') (void)fputs("\033[0m", to);
            p++;
        }
    }
}

static void clear_bar(struct pr_term *t) {
    if (t->bar_shown) (void)fputs("\r\033[K", stderr);
    t->bar_shown = false;
}

static void put_line(void *ctx, enum pr_line kind, const char *text) {
    static const struct { const char *before, *after; } looks[] = {
        [PR_LINE_STEP] = {"\001h== ", "\002"}, [PR_LINE_FACT] = {"   ", ""},        [PR_LINE_GOOD] = {"   \001gOK\002  ", ""},
        [PR_LINE_WARN] = {"   \001w!!\002  ", ""}, [PR_LINE_BAD] = {"   \001bNO\002  ", ""}, [PR_LINE_CODE] = {"   \001c| ", "\002"},
        [PR_LINE_PLAIN] = {"", ""},
    };
    struct pr_term *t = ctx;
    if (t->lines == NULL) return;
    clear_bar(t);
    /* Each line of a text of several carries the mark, so that a statement stays readable. */
    for (const char *p = text;;) {
        const size_t n = strcspn(p, "\n");
        pr_term_put(t, t->lines, looks[kind].before);
        (void)fwrite(p, 1, n, t->lines);
        pr_term_put(t, t->lines, looks[kind].after);
        (void)fputc('\n', t->lines);
        if (p[n] == '\0') break;
        p += n + 1;
    }
    (void)fflush(t->lines);
}

/* done ÷ total in thousandths, -1 when the total is not known. */
static int64_t share(const struct pr_progress *p) {
    if (p->total <= 0) return -1;
    const int64_t s = pr_scale(p->done, 1000, p->total);
    return s < 0 ? 0 : s > 1000 ? 1000 : s;
}

static const char *progress_text(struct pr_arena *a, const struct pr_progress *p) {
    struct pr_buf b = {.a = a};
    const int64_t s = share(p);
    pr_add(&b, p->what);
    if (p->phase != NULL) pr_addf(&b, ": %s", p->phase);
    if (s >= 0) pr_addf(&b, ", %" PRId64 "%% (%s of %s %s)", s / 10, pr_human_count(a, p->done), pr_human_count(a, p->total), p->unit);
    pr_addf(&b, ", %s", pr_human_us(a, p->elapsed_us));
    if (s > 20) pr_addf(&b, ", about %s left", pr_human_us(a, pr_scale(p->elapsed_us, 1000 - s, s)));
    return pr_buf_text(&b);
}

static void draw_bar(struct pr_term *t, struct pr_arena *a, const struct pr_progress *p) {
    char bar[23];
    const int64_t s = share(p), filled = s < 0 ? 0 : s / 50;
    for (int64_t i = 0; i < 20; i++) bar[i + 1] = i < filled ? '#' : '.';
    bar[0] = '[';
    bar[21] = ']';
    bar[22] = '\0';
    (void)fprintf(stderr, "\r\033[K%s %.*s", bar, t->width - 24, progress_text(a, p));
    (void)fflush(stderr);
    t->bar_shown = true;
}

static void show_progress(void *ctx, const struct pr_progress *p) {
    struct pr_term *t = ctx;
    if (t->quiet) return;
    if (p == NULL) {
        clear_bar(t);
        return;
    }
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    if (p->elapsed_us < 1000000) return;                    /* what is over in a second needs no bar */
    if (t->bar) {
        draw_bar(t, a, p);
    } else if (pr_mono_us() - t->last_plain_us > 5000000) {
        t->last_plain_us = pr_mono_us();
        (void)fprintf(stderr, "%s\n", progress_text(a, p));
    }
}

/* The signals stay blocked but while ppoll() waits: one that came between the question and the wait would else be seen only
 * after the next key. */
static enum pr_code await_key(int tty, const sigset_t *open_mask, struct pr_err *e) {
    struct pollfd key = {.fd = tty, .events = POLLIN};
    for (;;) {
        if (interrupted) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted at the seam; nothing was run");
        if (ppoll(&key, 1, NULL, open_mask) > 0) return PR_OK;
        PR_ASSERT(errno == EINTR);
    }
}

static enum pr_code read_typed(int tty, const sigset_t *open_mask, char *line, size_t room, struct pr_err *e) {
    size_t n = 0;
    for (;;) {
        char c = 0;
        PR_TRY(e, await_key(tty, open_mask, e));
        if (read(tty, &c, 1) <= 0) return PR_FAIL(e, PR_ERR_REFUSED, "the terminal was closed at the seam; nothing was run");
        if (c == '\n' || c == '\r') break;
        if (n + 1 < room) line[n++] = c;
    }
    line[n] = '\0';
    return PR_OK;
}

static enum pr_code ask(int tty, const char *question, char *line, size_t room, struct pr_err *e) {
    sigset_t stops, before;
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGINT);
    (void)sigaddset(&stops, SIGTERM);
    PR_ASSERT(sigprocmask(SIG_BLOCK, &stops, &before) == 0);
    (void)tcflush(tty, TCIFLUSH);               /* before the question: what answers it at once must not be thrown away */
    (void)dprintf(tty, "%s ", question);
    const enum pr_code code = read_typed(tty, &before, line, room, e);
    PR_ASSERT(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    return code;
}

/* The answer is read from the controlling terminal itself, and only what is typed after the question counts: a pipe, a
 * here-document or keys typed ahead are no answer. */
static enum pr_code confirm(void *ctx, const char *page, const char *question, const char *word, struct pr_err *e) {
    struct pr_term *t = ctx;
    clear_bar(t);
    const int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0 || isatty(tty) == 0) {
        if (tty >= 0) (void)close(tty);
        (void)PR_FAIL(e, PR_ERR_REFUSED, "the seam needs a person at a terminal, and there is none");
        return pr_hint(e, "run the same command in a terminal; there is no flag that answers for you");
    }
    const struct pr_term plain = {.color = t->color};
    FILE *out = fdopen(dup(tty), "w");
    PR_ASSERT(out != NULL);
    pr_term_put(&plain, out, page);
    (void)fclose(out);
    char line[512] = "";                        /* a schema, a table and a column of 63 characters each fit */
    const enum pr_code code = ask(tty, question, line, sizeof line, e);
    (void)close(tty);
    if (code != PR_OK) return code;
    if (strcmp(line, word) == 0) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "not confirmed: %s was expected, letter for letter; nothing was run", word);
    return pr_hint(e, "run the same command again when you are sure");
}

void pr_term_talk(struct pr_term *t, struct pr_talk *out) {
    *out = (struct pr_talk){.ctx = t, .line = put_line, .progress = show_progress, .confirm = confirm, .color = t->color, .interrupted = &interrupted};
}
