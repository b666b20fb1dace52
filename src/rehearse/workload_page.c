/* workload_page.c: what the foreground felt, for the document; and drawn from the document, for the page. */
#include "rehearse/inside.h"

#define WIDTH 940
#define LEFT 72
#define RIGHT 24
#define TOP 12
#define PLOT 150
#define BOTTOM 28
#define LEAST_US 100                            /* the foot of the picture */

static void set_us(json_t *o, const char *key, int64_t us) { pr_set(o, key, us >= 0 ? json_integer(us) : json_null()); }

static void set_felt(json_t *doc, const char *key, const struct pr_felt *x, int64_t elapsed_us) {
    json_t *o = pr_set_object(doc, key);
    pr_set_int(o, "elapsed_us", elapsed_us);
    pr_set_int(o, "transactions", x->n);
    pr_set_int(o, "failed", x->failed);
    set_us(o, "p50_us", x->p50_us);
    set_us(o, "p95_us", x->p95_us);
    set_us(o, "p99_us", x->p99_us);
    set_us(o, "max_us", x->max_us);
}

static void set_series(json_t *doc, const struct pr_foreground *f) {
    json_t *o = pr_set_object(doc, "series");
    pr_set_int(o, "slice_us", f->slice_us);
    pr_set_int(o, "work_from_us", f->work_from_us - f->alone_from_us);
    pr_set_int(o, "work_to_us", f->work_to_us - f->alone_from_us);
    json_t *slices = pr_set_array(o, "slices");
    for (size_t i = 0; i < f->n_slices; i++) {
        json_t *s = pr_push_object(slices);
        pr_set_int(s, "from_us", f->slices[i].from_us);
        pr_set_int(s, "transactions", f->slices[i].n);
        set_us(s, "p50_us", f->slices[i].p50_us);
        set_us(s, "p99_us", f->slices[i].p99_us);
        set_us(s, "max_us", f->slices[i].max_us);
    }
}

json_t *pr_foreground_json(const struct pr_foreground *f) {
    const struct pr_workload *w = f->r->workload;
    json_t *o = json_object();
    pr_set_str(o, "text", f->sentence);
    json_t *scripts = pr_set_array(o, "scripts");
    for (size_t i = 0; i < w->n; i++) {
        json_t *s = pr_push_object(scripts);
        pr_set_str(s, "name", w->scripts[i].name);
        pr_set_str(s, "sha256", w->scripts[i].sha256);
        pr_set_int(s, "weight", w->scripts[i].weight);
    }
    pr_set_str(o, "program", w->version);
    pr_set_int(o, "rate", w->rate);
    pr_set_int(o, "clients", w->clients);
    set_felt(o, "alone", &f->alone, f->alone_to_us - f->alone_from_us);
    set_felt(o, "beside", &f->beside, f->work_to_us - f->work_from_us);
    pr_set_int(o, "clients_that_gave_up", f->aborted);
    pr_set_str(o, "failure", f->failure);
    pr_set_int(o, "late_alone_us", f->late_alone_us);
    pr_set_int(o, "undone_us", f->undone_us);
    pr_set_int(o, "wal_bytes_a_second", f->wal_a_second);
    set_series(o, f);
    return o;
}

/* ---- the picture: time from left to right, latency upwards by powers of ten */

struct drawing { const json_t *slices; struct pr_buf *out; struct pr_arena *a; int64_t span_us, top_us, slice_us; };

static int64_t x_of(const struct drawing *d, int64_t us) {
    const int64_t x = LEFT + pr_scale(us, WIDTH - LEFT - RIGHT, d->span_us > 0 ? d->span_us : 1);
    return x < LEFT ? LEFT : x > WIDTH - RIGHT ? WIDTH - RIGHT : x;
}

/* Thousandths of powers of ten above the foot; straight between 1, 2, 5 and 10. */
static int64_t height_of(int64_t us) {
    static const struct { int64_t from, to, low, high; } parts[] = {{10, 20, 0, 301}, {20, 50, 301, 699}, {50, 100, 699, 1000}};
    int64_t power = LEAST_US, h = 0;
    if (us <= LEAST_US) return 0;
    for (; us / 10 >= power; power *= 10) h += 1000;
    const int64_t tenths = pr_scale(us, 10, power);
    for (size_t i = 0; i < PR_COUNT(parts); i++)
        if (tenths < parts[i].to || i + 1 == PR_COUNT(parts)) return h + parts[i].low + (tenths - parts[i].from) * (parts[i].high - parts[i].low) / (parts[i].to - parts[i].from);
    return h;
}

static int64_t y_of(const struct drawing *d, int64_t us) { return TOP + PLOT - pr_scale(height_of(us), PLOT, height_of(d->top_us)); }

static void draw_line(const struct drawing *d, const char *class, const char *key) {
    size_t i = 0;
    json_t *s = NULL;
    pr_addf(d->out, "<polyline class=\"%s\" points=\"", class);
    json_array_foreach(d->slices, i, s)
        if (pr_get_int(s, "transactions") > 0)
            pr_addf(d->out, "%" PRId64 ",%" PRId64 " ", x_of(d, pr_get_int(s, "from_us") + d->slice_us / 2), y_of(d, pr_get_int(s, key)));
    pr_add(d->out, "\"/>\n");
}

static void draw_grid(const struct drawing *d) {
    for (int64_t us = LEAST_US; us <= d->top_us; us *= 10) {
        const int64_t y = y_of(d, us);
        pr_addf(d->out, "<line class=\"grid\" x1=\"%d\" y1=\"%" PRId64 "\" x2=\"%d\" y2=\"%" PRId64 "\"/><text class=\"name\" x=\"%d\" y=\"%" PRId64 "\">%s</text>\n", LEFT, y,
                WIDTH - RIGHT, y, LEFT - 8, y + 4, pr_human_us(d->a, us));
    }
}

static void draw(const json_t *w, struct pr_buf *out, struct pr_arena *a) {
    const json_t *series = pr_get(w, "series");
    struct drawing d = {.slices = pr_get(series, "slices"), .out = out, .a = a, .slice_us = pr_get_int(series, "slice_us"), .top_us = LEAST_US * 10};
    size_t i = 0;
    json_t *s = NULL;
    json_array_foreach(d.slices, i, s) {
        while (pr_get_int(s, "max_us") > d.top_us && d.top_us < INT64_MAX / 10) d.top_us *= 10;
        d.span_us = pr_get_int(s, "from_us") + d.slice_us;
    }
    if (i < 2) return;
    const int64_t from = x_of(&d, pr_get_int(series, "work_from_us")), to = x_of(&d, pr_get_int(series, "work_to_us"));
    pr_addf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"latency over time\">\n", WIDTH, TOP + PLOT + BOTTOM);
    pr_addf(out, "<rect class=\"work\" x=\"%" PRId64 "\" y=\"%d\" width=\"%" PRId64 "\" height=\"%d\"><title>the work, %s</title></rect>\n", from, TOP,
            to - from < 2 ? 2 : to - from, PLOT, pr_human_us(a, pr_get_int(series, "work_to_us") - pr_get_int(series, "work_from_us")));
    draw_grid(&d);
    draw_line(&d, "max", "max_us");
    draw_line(&d, "p99", "p99_us");
    draw_line(&d, "p50", "p50_us");
    pr_addf(out, "<text class=\"name\" x=\"%d\" y=\"%d\">%s</text>\n</svg>\n", WIDTH - RIGHT, TOP + PLOT + 18, pr_human_us(a, d.span_us));
    pr_add(out, "<p class=\"legend\"><span class=\"key p50\"></span>half of the transactions were faster <span class=\"key p99\"></span>99th percentile "
                "<span class=\"key max\"></span>longest <span class=\"key work\"></span>the work</p>\n");
}

static void row(const json_t *w, const char *key, const char *title, struct pr_buf *out, struct pr_arena *a) {
    static const char *const figures[] = {"p50_us", "p95_us", "p99_us", "max_us"};
    const json_t *x = pr_get(w, key);
    const bool any = pr_get_int(x, "transactions") > 0;
    pr_addf(out, "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>", title, pr_human_us(a, pr_get_int(x, "elapsed_us")), pr_human_count(a, pr_get_int(x, "transactions")));
    for (size_t i = 0; i < PR_COUNT(figures); i++) pr_addf(out, "<td class=\"n\">%s</td>", any ? pr_human_us(a, pr_get_int(x, figures[i])) : "–");
    pr_addf(out, "<td class=\"n\">%s</td></tr>\n", pr_human_count(a, pr_get_int(x, "failed")));
}

void pr_html_workload(const json_t *w, struct pr_buf *out, struct pr_arena *a) {
    if (w == NULL) return;
    pr_add(out, "<h2>The workload beside it</h2>\n<p>");
    pr_html_text(out, pr_printable(a, pr_get_str(w, "text"), 2000));
    pr_add(out, "</p>\n");
    if (pr_get_str(w, "failure") != NULL) {
        pr_add(out, "<p class=\"bad\">pgbench: ");
        pr_html_text(out, pr_printable(a, pr_get_str(w, "failure"), 600));
        pr_add(out, "</p>\n");
    }
    draw(w, out, a);
    pr_add(out, "<table><tr><th></th><th class=\"n\">for</th><th class=\"n\">transactions</th><th class=\"n\">50th percentile</th><th class=\"n\">95th</th><th class=\"n\">99th</th>"
                "<th class=\"n\">longest</th><th class=\"n\">failed</th></tr>\n");
    row(w, "alone", "alone", out, a);
    row(w, "beside", "beside the work", out, a);
    pr_add(out, "</table>\n<p class=\"dim\">");
    pr_html_text(out, pr_fmt(a, "%s, %s. A latency counts from the moment at which its transaction was due.", pr_get_str(w, "program"), pr_plural(a, pr_get_int(w, "clients"), "client")));
    pr_add(out, "</p>\n");
}
