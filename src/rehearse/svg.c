/* svg.c: the lock timeline of one run: a row for each relation, a bar for each mode that was held, coloured by whom it stops;
 * below the bar, where canaries were turned away. Drawn from the document, so that a page can be made again from the ledger. */
#include "rehearse/inside.h"

#define LEFT 236
#define WIDTH 940
#define RIGHT 24
#define ROW 30
#define TOP 44
#define MAX_ROWS 40
#define TICKS 6

struct drawing {
    const json_t *run;
    struct pr_buf *out;
    struct pr_arena *a;
    int64_t span_us;               /* of the whole axis */
    const char *rows[MAX_ROWS];    /* "schema.name" */
    size_t n_rows;
};

void pr_html_text(struct pr_buf *out, const char *text) {
    for (const char *s = text; s != NULL && *s != '\0'; s++) {
        switch (*s) {
        case '&': pr_add(out, "&amp;"); break;
        case '<': pr_add(out, "&lt;"); break;
        case '>': pr_add(out, "&gt;"); break;
        case '"': pr_add(out, "&quot;"); break;
        case '\'': pr_add(out, "&#39;"); break;
        default: pr_addn(out, s, 1);
        }
    }
}

static const char *row_name(const struct drawing *d, const json_t *item) {
    return pr_fmt(d->a, "%s.%s", pr_get_str(item, "schema"), pr_get_str(item, "name"));
}

static size_t row_of(struct drawing *d, const char *name) {
    for (size_t i = 0; i < d->n_rows; i++)
        if (pr_eq(d->rows[i], name)) return i;
    if (d->n_rows == MAX_ROWS) return MAX_ROWS;
    d->rows[d->n_rows] = name;
    return d->n_rows++;
}

/* A relation of the run's own making stops nobody; a row for it would only hide the others. */
static bool drawn(const json_t *span) { return pr_get_bool(span, "existed"); }

static int64_t x_of(const struct drawing *d, int64_t us) {
    const int64_t room = WIDTH - LEFT - RIGHT;
    const int64_t x = LEFT + pr_scale(us, room, d->span_us > 0 ? d->span_us : 1);
    return x > WIDTH - RIGHT ? WIDTH - RIGHT : x;
}

/* 1, 2 or 5 times a power of ten: about TICKS of them on the axis. */
static int64_t tick_step(int64_t span_us) {
    static const int64_t steps[] = {1, 2, 5};
    for (int64_t power = 10;; power *= 10)
        for (size_t i = 0; i < PR_COUNT(steps); i++)
            if (steps[i] * power * TICKS >= span_us || power > INT64_MAX / 1000) return steps[i] * power;
}

static const char *tick_text(struct pr_arena *a, int64_t us, int64_t step_us) {
    if (step_us >= 1000000) return pr_fmt(a, "%" PRId64 " s", us / 1000000);
    if (step_us >= 100000) return pr_fmt(a, "%" PRId64 ".%" PRId64 " s", us / 1000000, us % 1000000 / 100000);
    if (step_us >= 1000) return pr_fmt(a, "%" PRId64 " ms", us / 1000);
    return pr_fmt(a, "%" PRId64 ".%02" PRId64 " ms", us / 1000, us % 1000 / 10);
}

static void draw_axis(const struct drawing *d, int64_t height) {
    const int64_t step = tick_step(d->span_us);
    for (int64_t us = 0; us <= d->span_us; us += step) {
        const int64_t x = x_of(d, us);
        pr_addf(d->out, "<line class=\"grid\" x1=\"%" PRId64 "\" y1=\"%d\" x2=\"%" PRId64 "\" y2=\"%" PRId64 "\"/>", x, TOP - 8, x, height - 6);
        pr_addf(d->out, "<text class=\"tick\" x=\"%" PRId64 "\" y=\"%d\">%s</text>\n", x, TOP - 14, tick_text(d->a, us, step));
    }
}

static const char *bar_class(const json_t *span) {
    if (pr_get_bool(span, "blocks_readers")) return "all";
    return pr_get_bool(span, "blocks_writers") ? "writers" : "none";
}

static const char *stops_words(const json_t *span) {
    if (pr_get_bool(span, "blocks_readers")) return "readers and writers stand still";
    return pr_get_bool(span, "blocks_writers") ? "writers stand still, readers go on" : "readers and writers go on";
}

static void draw_span(struct drawing *d, const json_t *span) {
    const size_t row = row_of(d, row_name(d, span));
    if (row == MAX_ROWS) return;
    const int64_t from = pr_get_int(span, "from_us"), to = pr_get_int(span, "to_us"), x = x_of(d, from), end = x_of(d, to);
    pr_addf(d->out, "<rect class=\"bar %s\" x=\"%" PRId64 "\" y=\"%zu\" width=\"%" PRId64 "\" height=\"14\" rx=\"2\"><title>", bar_class(span), x,
            TOP + row * ROW + 2, end - x < 3 ? 3 : end - x);
    pr_html_text(d->out, pr_fmt(d->a, "%s on %s, %s%s, from %s: %s", pr_get_str(span, "mode"), d->rows[row],
                                pr_get_bool(span, "exact") ? "held " : "held about ", pr_human_us(d->a, to - from),
                                pr_human_us(d->a, from), stops_words(span)));
    pr_add(d->out, "</title></rect>\n");
}

static void draw_canary(struct drawing *d, const json_t *canary) {
    const int64_t longest = pr_get_int(canary, "longest_us"), from = pr_get_int(canary, "longest_from_us");
    if (longest <= 0) return;
    const bool writer = pr_eq(pr_get_str(canary, "role"), "writer");
    const size_t row = row_of(d, row_name(d, canary));
    if (row == MAX_ROWS) return;
    const int64_t x = x_of(d, from), end = x_of(d, from + longest);
    pr_addf(d->out, "<rect class=\"canary %s\" x=\"%" PRId64 "\" y=\"%zu\" width=\"%" PRId64 "\" height=\"3\"><title>", writer ? "w" : "r", x,
            TOP + row * ROW + (writer ? 18 : 22), end - x < 3 ? 3 : end - x);
    pr_html_text(d->out, pr_fmt(d->a, "a %s of %s was turned away for %s (%" PRId64 " of %" PRId64 " knocks)", pr_get_str(canary, "role"),
                                d->rows[row], pr_human_us(d->a, longest), pr_get_int(canary, "refused"), pr_get_int(canary, "knocks")));
    pr_add(d->out, "</title></rect>\n");
}

static void draw_labels(const struct drawing *d) {
    for (size_t i = 0; i < d->n_rows; i++) {
        const size_t n = strlen(d->rows[i]);
        pr_addf(d->out, "<text class=\"name\" x=\"%d\" y=\"%zu\">", LEFT - 10, TOP + i * ROW + 14);
        if (n > 36) pr_html_text(d->out, pr_fmt(d->a, "…%s", pr_printable(d->a, d->rows[i] + n - 34, 40)));
        else pr_html_text(d->out, d->rows[i]);
        pr_add(d->out, "<title>");
        pr_html_text(d->out, d->rows[i]);
        pr_add(d->out, "</title></text>\n");
    }
}

static void draw_statements(const struct drawing *d, int64_t height) {
    size_t i = 0;
    json_t *stmt = NULL;
    json_array_foreach(pr_get(d->run, "statements"), i, stmt) {
        if (i == 0 || pr_eq(pr_get_str(stmt, "outcome"), "not run")) continue;
        const int64_t x = x_of(d, pr_get_int(stmt, "start_us"));
        pr_addf(d->out, "<line class=\"stmt\" x1=\"%" PRId64 "\" y1=\"%d\" x2=\"%" PRId64 "\" y2=\"%" PRId64 "\"><title>statement %zu begins</title></line>\n",
                x, TOP - 8, x, height - 6, i + 1);
    }
}

/* Bars are drawn weakest first, so that the strongest lies on top. */
static void draw_bars(struct drawing *d, const char *class) {
    size_t i = 0;
    json_t *span = NULL;
    json_array_foreach(pr_get(d->run, "locks"), i, span)
        if (drawn(span) && pr_eq(bar_class(span), class)) draw_span(d, span);
}

void pr_svg_timeline(const json_t *run, struct pr_buf *out, struct pr_arena *a) {
    struct drawing d = {.run = run, .out = out, .a = a, .span_us = pr_get_int(run, "elapsed_us")};
    size_t i = 0;
    json_t *span = NULL;
    json_array_foreach(pr_get(run, "locks"), i, span) {
        if (drawn(span)) (void)row_of(&d, row_name(&d, span));
        if (pr_get_int(span, "to_us") > d.span_us) d.span_us = pr_get_int(span, "to_us");
    }
    if (d.n_rows == 0) {
        pr_add(out, "<p>No lock on a relation that was there before was held long enough to be seen.</p>\n");
        return;
    }
    const int64_t height = TOP + (int64_t)d.n_rows * ROW + 8;
    pr_addf(out, "<svg viewBox=\"0 0 %d %" PRId64 "\" role=\"img\" aria-label=\"locks over time\">\n", WIDTH, height);
    draw_axis(&d, height);
    draw_bars(&d, "none");
    draw_bars(&d, "writers");
    draw_bars(&d, "all");
    json_array_foreach(pr_get(run, "canaries"), i, span) draw_canary(&d, span);
    draw_statements(&d, height);
    draw_labels(&d);
    pr_add(out, "</svg>\n<p class=\"legend\"><span class=\"key all\"></span>readers and writers stand still <span class=\"key writers\"></span>writers "
                "stand still <span class=\"key none\"></span>nobody stands still <span class=\"key canary\"></span>a test reader or writer "
                "was turned away <span class=\"key begin\"></span>a statement begins</p>\n");
}
