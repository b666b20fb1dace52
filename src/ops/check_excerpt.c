/* check_excerpt.c: the line of the file with the place underlined, on a terminal of any width. */
#include "ops/check.h"

enum { MARGIN = 9, TAB = 4, LEAST_ROOM = 20 };

/* A character of the line as it is shown: a tab as blanks, what cannot be seen as an escape. */
struct cell { const char *text; size_t len; int columns; };

static size_t char_len(const char *s) {
    size_t n = 1;
    while (((unsigned char)s[n] & 0xC0) == 0x80) n++;
    return n;
}

static struct cell cell_of(struct pr_arena *a, const char *p, size_t len) {
    if (*p >= 0x20 && *p < 0x7f) return (struct cell){.text = p, .len = 1, .columns = 1};
    const char *shown = pr_printable(a, pr_dupn(a, p, len), 1);
    return (struct cell){.text = shown, .len = strlen(shown), .columns = pr_columns(shown, strlen(shown))};
}

static bool is_plain(const char *line) {
    const char *p = line;
    while (*p >= 0x20 && *p < 0x7f) p++;
    return *p == '\0';
}

static void put_marks(const struct pr_render *r, const char *paint, int before, int marks) {
    char *underline = pr_alloc(r->a, (size_t)marks + 2);
    memset(underline, '^', (size_t)(marks > 0 ? marks : 1));
    pr_addf(r->out, "\n       \001d|\002 %*s\001%s%s\002\n", before, "", paint, underline);
}

static size_t cells_of(struct pr_arena *a, const char *line, struct cell **out) {
    struct cell *cells = PR_NEW_ARRAY(a, struct cell, strlen(line));
    size_t n = 0;
    int at = 0;
    for (const char *p = line; *p != '\0';) {
        const size_t len = char_len(p);
        struct cell *c = &cells[n++];
        *c = *p == '\t' ? (struct cell){.text = "    ", .len = (size_t)(TAB - at % TAB), .columns = TAB - at % TAB} : cell_of(a, p, len);
        at += c->columns;
        p += len;
    }
    *out = cells;
    return n;
}

static int columns_of(const struct cell *cells, size_t from, size_t to) {
    int columns = 0;
    for (size_t i = from; i < to; i++) columns += cells[i].columns;
    return columns;
}

/* Where to begin, so that the place is in sight: at the line's start when it fits, else some way before the place. */
static size_t first_shown(const struct cell *cells, size_t place, size_t place_end, int room) {
    if (columns_of(cells, 0, place_end) <= room) return 0;
    const int marked = columns_of(cells, place, place_end), spare = room - 2 - marked;
    int lead = spare > 0 ? spare * 2 / 3 : room / 3;
    size_t from = place;
    while (from > 0 && lead >= cells[from - 1].columns) lead -= cells[--from].columns;
    return from;
}

void pr_check_excerpt(const json_t *o, const char *paint, const struct pr_render *r) {
    const char *line = pr_get_str(o, "source");
    if (line == NULL || line[0] == '\0') return;
    struct cell *cells = NULL;
    const int room = r->width > MARGIN + LEAST_ROOM ? r->width - MARGIN : LEAST_ROOM;
    const bool as_it_is = is_plain(line) && strlen(line) <= (size_t)room && pr_get_int(o, "source_col") <= 1;      /* most are */
    const size_t n = as_it_is ? strlen(line) : cells_of(r->a, line, &cells);
    const int64_t col = pr_get_int(o, "col") - pr_get_int(o, "source_col"), width = pr_get_int(o, "width");
    const size_t place = col < 0 ? 0 : (size_t)col < n ? (size_t)col : n;
    const size_t end = width > (int64_t)(n - place) ? n : place + (size_t)width;
    if (as_it_is) {
        pr_addf(r->out, "  \001d%4" PRId64 " |\002 %s", pr_get_int(o, "line"), line);
        put_marks(r, paint, (int)place, (int)(end - place));
        return;
    }
    const size_t from = first_shown(cells, place, end, room);
    const bool cut = from > 0 || pr_get_int(o, "source_col") > 1;
    int used = cut ? 1 : 0, marks = 0;
    pr_addf(r->out, "  \001d%4" PRId64 " |\002 %s", pr_get_int(o, "line"), cut ? "…" : "");
    const int before = used + columns_of(cells, from, place);
    struct cell run = {0};                                  /* cells that stand side by side go out together */
    for (size_t i = from; i < n; i++) {
        const bool last = i + 1 == n;
        if (used + cells[i].columns > room - (last ? 0 : 1)) {
            pr_addn(r->out, run.text, run.len);
            run = (struct cell){.text = "…", .len = strlen("…")};
            break;
        }
        if (run.len > 0 && run.text + run.len != cells[i].text) {
            pr_addn(r->out, run.text, run.len);
            run.len = 0;
        }
        if (run.len == 0) run.text = cells[i].text;
        run.len += cells[i].len;
        used += cells[i].columns;
        if (i >= place && i < end) marks += cells[i].columns;
    }
    pr_addn(r->out, run.text, run.len);
    put_marks(r, paint, before, marks);
}
