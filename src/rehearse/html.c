/* html.c: the page of a rehearsal, from its document alone: no script, nothing from outside, every text escaped; light and dark as
 * the reader's system wants, plain in print. */
#include "rehearse/inside.h"

static const char style[] =
    ":root{--bg:#fff;--fg:#1a1f26;--dim:#5b6470;--line:#dde2e8;--soft:#f5f7f9;--good:#1a7f37;--bad:#b42318;--warn:#9a6700;"
    "--all:#c8372d;--writers:#e39d2d;--none:#7aa6d8;--canary:#6f42c1}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#12161b;--fg:#e3e8ee;--dim:#96a1ae;--line:#2c343d;--soft:#1a2027;--good:#4ac26b;"
    "--bad:#ff7b72;--warn:#e3b341;--all:#f0655b;--writers:#e8b04e;--none:#5686bd;--canary:#b08cf0}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:1060px;padding:32px 28px 64px;background:var(--bg);color:var(--fg);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "h1{font-size:24px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:17px;margin:36px 0 10px;padding-bottom:5px;"
    "border-bottom:1px solid var(--line)}h3{font-size:15px;margin:22px 0 6px}p{margin:6px 0}\n"
    ".sub,.dim{color:var(--dim)}.verdict{margin:20px 0;padding:14px 18px;border-left:5px solid var(--good);background:var(--soft);"
    "border-radius:4px}.verdict.bad{border-color:var(--bad);color:var(--fg)}.verdict b{font-size:18px}.verdict ol{margin:8px 0 0;padding-left:22px}"
    ".verdict li{margin:5px 0}.mend{color:var(--dim)}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0}.facts div{flex:1 1 150px;background:var(--soft);border-radius:4px;"
    "padding:10px 14px}.facts b{display:block;font-size:19px;font-variant-numeric:tabular-nums}.facts span{color:var(--dim);font-size:13px}\n"
    "table{border-collapse:collapse;width:100%;margin:8px 0;font-size:14px}th{text-align:left;font-weight:600;color:var(--dim);"
    "font-size:13px}th,td{padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}"
    "td.rel{overflow-wrap:normal}td.lock{white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th,th.n{white-space:normal;overflow-wrap:normal}\n"
    "pre{margin:6px 0;padding:10px 12px;background:var(--soft);border-radius:4px;font:13px/1.45 ui-monospace,'DejaVu Sans Mono',monospace;"
    "white-space:pre-wrap;overflow-wrap:anywhere}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}\n"
    "svg{width:100%;height:auto;display:block;margin:8px 0}svg text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:var(--fg)}"
    ".tick{text-anchor:middle;fill:var(--dim)!important}.name{text-anchor:end}.grid{stroke:var(--line)}.stmt{stroke:var(--dim);"
    "stroke-dasharray:3 3}.all{fill:var(--all)}.writers{fill:var(--writers)}.none{fill:var(--none)}.canary{fill:var(--canary)}"
    "polyline{fill:none;stroke-width:1.6}.p50{stroke:var(--none)}.p99{stroke:var(--writers)}.max{stroke:var(--all);stroke-width:1}.work{fill:var(--soft);"
    "stroke:var(--line)}.key.p50{background:var(--none);height:3px;margin-bottom:3px}.key.p99{background:var(--writers);height:3px;margin-bottom:3px}"
    ".key.max{background:var(--all);height:2px;margin-bottom:3px}.key.work{background:var(--soft);border:1px solid var(--line)}"
    ".canary.r{opacity:.6}.legend{color:var(--dim);font-size:13px}.key{display:inline-block;width:16px;height:10px;border-radius:2px;"
    "margin:0 5px 0 14px}.key:first-child{margin-left:0}.key.all{background:var(--all)}.key.writers{background:var(--writers)}"
    ".key.none{background:var(--none)}.key.canary{background:var(--canary);height:4px;margin-bottom:3px}.key.begin{width:0;height:12px;"
    "border-left:1px dashed var(--dim);border-radius:0;margin-bottom:-2px}\n"
    "@media print{:root{--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--soft:#f4f4f4;--good:#1a7f37;--bad:#b42318;--all:#c8372d;"
    "--writers:#e39d2d;--none:#7aa6d8;--canary:#6f42c1}body{max-width:none;padding:0;font-size:12px}h2,h3{break-after:avoid}"
    "tr,svg,.verdict{break-inside:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";

struct page {
    struct pr_buf *out;
    struct pr_arena *a;
    const json_t *doc;
};

static void text(const struct page *p, const char *s) { pr_html_text(p->out, pr_printable(p->a, s != NULL ? s : "", 20000)); }

/* SQL keeps its lines. */
static void code(const struct page *p, const char *s) {
    pr_add(p->out, "<pre>");
    for (const char *line = s != NULL ? s : ""; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        text(p, pr_dupn(p->a, line, n));
        line += n;
        if (*line == '\n') {
            pr_add(p->out, "\n");
            line++;
        }
    }
    pr_add(p->out, "</pre>\n");
}

static void cell(const struct page *p, const char *class, const char *s) {
    pr_addf(p->out, class != NULL ? "<td class=\"%s\">" : "<td>%s", class != NULL ? class : "");
    text(p, s);
    pr_add(p->out, "</td>");
}

static void us(const struct page *p, int64_t value) { cell(p, "n", pr_human_us(p->a, value)); }
static void bytes(const struct page *p, int64_t value) { cell(p, "n", value < 0 ? "–" : pr_human_bytes(p->a, value)); }

static const char *range(const struct page *p, int64_t low, int64_t high) {
    return pr_fmt(p->a, "%s to %s", pr_human_us(p->a, low), pr_human_us(p->a, high));
}

static const char *dotted(const struct page *p, const json_t *item) {
    return pr_fmt(p->a, "%s.%s", pr_get_str(item, "schema"), pr_get_str(item, "name"));
}

static void head(const struct page *p) {
    const json_t *m = pr_get(p->doc, "migration");
    pr_add(p->out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                   "content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Rehearsal of ");
    text(p, pr_get_str(m, "id"));
    pr_addf(p->out, "</title><style>%s</style></head><body>\n<h1>Rehearsal of ", style);
    text(p, pr_get_str(m, "id"));
    pr_add(p->out, "</h1>\n<p class=\"sub\">for ");
    text(p, pr_get_str(p->doc, "environment") != NULL ? pr_get_str(p->doc, "environment") : "no known environment");
    const json_t *copy = pr_get(p->doc, "copy"), *server = pr_get(copy, "server");
    text(p, pr_fmt(p->a, ", on a copy of %s (PostgreSQL %s), %s, in %s", pr_get_str(copy, "of"), pr_get_str(server, "version"),
                   pr_get_str(p->doc, "started_at"), pr_human_us(p->a, pr_get_int(p->doc, "elapsed_us"))));
    pr_add(p->out, "</p>\n");
    if (pr_get_str(m, "rationale") != NULL) {
        pr_add(p->out, "<p>");
        text(p, pr_get_str(m, "rationale"));
        pr_add(p->out, "</p>\n");
    }
}

static void verdict(const struct page *p) {
    const json_t *v = pr_get(p->doc, "verdict");
    const bool ready = pr_get_bool(v, "ready");
    pr_addf(p->out, "<div class=\"verdict%s\"><b class=\"%s\">%s</b>", ready ? "" : " bad", ready ? "good" : "bad", ready ? "Ready" : "Not ready");
    size_t i = 0;
    json_t *one = NULL;
    if (!ready) pr_add(p->out, "<ol>");
    json_array_foreach(pr_get(v, "reasons"), i, one) {
        pr_add(p->out, "<li>");
        text(p, pr_get_str(one, "text"));
        pr_add(p->out, "<br><span class=\"mend\">");
        text(p, pr_get_str(one, "mend"));
        pr_add(p->out, "</span></li>\n");
    }
    if (!ready) pr_add(p->out, "</ol>");
    json_array_foreach(pr_get(v, "notes"), i, one) {
        pr_add(p->out, "<p class=\"dim\">");
        text(p, pr_get_str(one, "text"));
        pr_add(p->out, "</p>");
    }
    pr_add(p->out, "</div>\n");
}

static void figure(const struct page *p, const char *value, const char *what) {
    pr_add(p->out, "<div><b>");
    text(p, value);
    pr_add(p->out, "</b><span>");
    text(p, what);
    pr_add(p->out, "</span></div>");
}

static void figures(const struct page *p) {
    const json_t *f = pr_get(p->doc, "forecast"), *up = json_array_get(pr_get(p->doc, "runs"), 0), *stop = json_array_get(pr_get(f, "stops"), 0);
    const json_t *copy = pr_get(p->doc, "copy");
    pr_add(p->out, "<div class=\"facts\">");
    figure(p, pr_human_us(p->a, pr_get_int(up, "statements_us") + pr_get_int(up, "commit_us")), "up, on the copy");
    figure(p, pr_get_bool(f, "known") ? range(p, pr_get_int(f, "low_us"), pr_get_int(f, "high_us")) : "not known", "expected in production");
    figure(p, stop != NULL ? pr_human_us(p->a, pr_get_int(stop, "writers_us")) : "none", stop != NULL ? pr_fmt(p->a, "writes to %s stopped", dotted(p, stop)) : "writes stopped");
    int64_t readers = 0;
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(pr_get(f, "stops"), i, one) if (pr_get_int(one, "readers_us") > readers) readers = pr_get_int(one, "readers_us");
    figure(p, readers > 0 ? pr_human_us(p->a, readers) : "none", "reads stopped");
    const json_t *w = pr_get(p->doc, "workload"), *beside = pr_get(w, "beside"), *alone = pr_get(w, "alone");
    if (pr_get_int(beside, "transactions") > 0)
        figure(p, pr_human_us(p->a, pr_get_int(beside, "p99_us")),
               pr_get_int(alone, "transactions") > 0 ? pr_fmt(p->a, "99th percentile of the workload, alone %s", pr_human_us(p->a, pr_get_int(alone, "p99_us"))) : "99th percentile of the workload");
    figure(p, pr_human_bytes(p->a, pr_get_int(up, "wal_bytes")), "WAL");
    figure(p, pr_fmt(p->a, "%s → %s", pr_human_bytes(p->a, pr_get_int(copy, "bytes_before")), pr_human_bytes(p->a, pr_get_int(copy, "bytes_after"))),
           "database, before and after up");
    pr_add(p->out, "</div>\n");
}

static void failure(const struct page *p, const json_t *stmt) {
    const json_t *f = pr_get(stmt, "failure");
    if (f == NULL) return;
    pr_add(p->out, "<p class=\"bad\">");
    text(p, pr_fmt(p->a, "%s %s", pr_get_str(f, "sqlstate"), pr_get_str(f, "message")));
    pr_add(p->out, "</p>");
    if (pr_get_str(f, "nearest") == NULL) return;
    pr_add(p->out, "<p>");
    text(p, pr_get_str(f, "nearest"));
    pr_add(p->out, "</p>");
}

static void effects(const struct page *p, const json_t *stmt) {
    size_t i = 0;
    json_t *f = NULL;
    json_array_foreach(pr_get(stmt, "effects"), i, f) {
        struct pr_buf b = {.a = p->a};
        const int64_t builds = pr_get_int(f, "index_builds"), before = pr_get_int(f, "bytes_before"), after = pr_get_int(f, "bytes_after");
        if (pr_get_bool(f, "created")) pr_add(&b, ", made");
        if (pr_get_bool(f, "dropped")) pr_add(&b, ", dropped");
        if (pr_get_bool(f, "rewrite")) pr_add(&b, ", rewritten");
        if (builds > 0) pr_addf(&b, ", %s built", pr_plural(b.a, builds, "index"));
        if (pr_get_bool(f, "scan")) pr_add(&b, ", scanned");
        if (!pr_eq(pr_get_str(f, "lock"), "none")) pr_addf(&b, ", %s", pr_get_str(f, "lock"));
        if (before != after) pr_addf(&b, ", %s → %s", pr_human_bytes(p->a, before), pr_human_bytes(p->a, after));
        if (b.len < 3) continue;
        text(p, pr_fmt(p->a, "%s: %s", dotted(p, f), pr_buf_text(&b) + 2));
        pr_add(p->out, "<br>");
    }
}

static void run_table(const struct page *p, const json_t *run) {
    pr_add(p->out, "<table><tr><th>#</th><th>statement</th><th>what it did</th><th class=\"n\">here</th><th class=\"n\">production</th>"
                   "<th class=\"n\">rows</th><th class=\"n\">WAL</th></tr>\n");
    size_t i = 0;
    json_t *s = NULL;
    json_array_foreach(pr_get(run, "statements"), i, s) {
        const int64_t high = pr_get_int(s, "forecast_high_us"), rows = pr_get_int(s, "rows");
        const bool ran = !pr_eq(pr_get_str(s, "outcome"), "not run");
        pr_addf(p->out, "<tr><td>%" PRId64 "</td><td style=\"min-width:34%%\">", pr_get_int(s, "index") + 1);
        code(p, pr_get_str(s, "sql"));
        failure(p, s);
        pr_add(p->out, "</td><td>");
        effects(p, s);
        if (ran && pr_get(p->doc, "backfill") != NULL) text(p, "row locks, batch by batch");
        else if (ran) text(p, pr_eq(pr_get_str(s, "locks"), "exact") ? "locks: exact" : pr_fmt(p->a, "locks: %s", pr_plural(p->a, pr_get_int(s, "samples"), "sample")));
        else text(p, "not run");
        pr_add(p->out, "</td>");
        us(p, pr_get_int(s, "elapsed_us"));
        cell(p, "n", high > 0 ? range(p, pr_get_int(s, "forecast_low_us"), high) : "");
        cell(p, "n", rows > 0 ? pr_human_count(p->a, rows) : "");
        bytes(p, pr_get_int(s, "wal_bytes"));
        pr_add(p->out, "</tr>\n");
    }
    pr_add(p->out, "</table>\n");
}

static void runs(const struct page *p) {
    static const char *const titles[] = {"Up", "Down", "Up again"};
    size_t i = 0;
    json_t *run = NULL;
    json_array_foreach(pr_get(p->doc, "runs"), i, run) {
        pr_addf(p->out, "<h2>%s</h2>\n<p class=\"dim\">", i < PR_COUNT(titles) ? titles[i] : "");
        text(p, pr_fmt(p->a, "%s, %s: %s, WAL %s", pr_get_str(run, "file"), pr_get_str(run, "transactions"),
                       pr_human_us(p->a, pr_get_int(run, "elapsed_us")), pr_human_bytes(p->a, pr_get_int(run, "wal_bytes"))));
        pr_add(p->out, "</p>\n");
        pr_svg_timeline(run, p->out, p->a);
        run_table(p, run);
    }
}

static void stops(const struct page *p) {
    const json_t *list = pr_get(pr_get(p->doc, "forecast"), "stops");
    pr_add(p->out, "<h2>Who stands still, and how long</h2>\n");
    if (json_array_size(list) == 0) {
        pr_add(p->out, "<p>Nobody: no lock was held that stops readers or writers.</p>\n");
        return;
    }
    pr_add(p->out, "<table><tr><th>relation</th><th>strongest lock</th><th class=\"n\">writes stopped here</th><th class=\"n\">in production</th>"
                   "<th class=\"n\">reads stopped here</th><th class=\"n\">in production</th><th class=\"n\">test writer turned away</th></tr>\n");
    size_t i = 0;
    json_t *s = NULL;
    const bool known = pr_get_bool(pr_get(p->doc, "forecast"), "known");
    json_array_foreach(list, i, s) {
        pr_add(p->out, "<tr>");
        cell(p, "rel", dotted(p, s));
        cell(p, "lock", pr_get_str(s, "lock"));
        us(p, pr_get_int(s, "writers_us"));
        cell(p, "n", known ? range(p, pr_get_int(s, "writers_low_us"), pr_get_int(s, "writers_high_us")) : "not known");
        cell(p, "n", pr_get_int(s, "readers_us") > 0 ? pr_human_us(p->a, pr_get_int(s, "readers_us")) : "–");
        cell(p, "n", !known ? "not known" : pr_get_int(s, "readers_us") > 0 ? range(p, pr_get_int(s, "readers_low_us"), pr_get_int(s, "readers_high_us")) : "–");
        cell(p, "n", pr_get_int(s, "writers_canary_us") >= 0 ? pr_human_us(p->a, pr_get_int(s, "writers_canary_us")) : "–");
        pr_add(p->out, "</tr>\n");
    }
    pr_add(p->out, "</table>\n<p class=\"dim\">Here: granted lock × time held. Production: low = here × rows or bytes, whichever differ more; "
                   "high = low × 3 for a cold cache × 1.5 for load.</p>\n");
}

static void lines(const struct page *p, const char *title, const json_t *list, const char *none) {
    pr_addf(p->out, "<h3>%s</h3>\n", title);
    if (json_array_size(list) == 0) {
        pr_addf(p->out, "<p>%s</p>\n", none);
        return;
    }
    struct pr_buf b = {.a = p->a};
    size_t i = 0;
    json_t *line = NULL;
    json_array_foreach(list, i, line) pr_addf(&b, "%s\n", pr_printable(p->a, json_string_value(line), 600));
    code(p, pr_buf_text(&b));
}

static void proof(const struct page *p) {
    const json_t *v = pr_get(p->doc, "verification"), *down = pr_get(p->doc, "down"), *again = pr_get(p->doc, "up_again");
    pr_add(p->out, "<h2>Proof</h2>\n");
    if (json_array_size(pr_get(v, "assertions")) > 0) pr_add(p->out, "<table><tr><th>what must hold</th><th>found</th><th></th></tr>\n");
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(pr_get(v, "assertions"), i, one) {
        const bool holds = pr_get_bool(one, "holds");
        pr_add(p->out, "<tr>");
        cell(p, NULL, pr_get_str(one, "claim"));
        cell(p, NULL, pr_get_str(one, "found"));
        cell(p, holds ? "good" : "bad", holds ? "holds" : "does not hold");
        pr_add(p->out, "</tr>\n");
    }
    if (i > 0) pr_add(p->out, "</table>\n");
    lines(p, "Schema before and after up", pr_get(v, "delta"), "The schema is the same.");
    if (!pr_get_bool(down, "there")) pr_add(p->out, "<h3>Down</h3><p>There is no down script.</p>\n");
    else if (!pr_get_bool(down, "ran")) pr_add(p->out, "<h3>Down</h3><p>Down was not run, or failed.</p>\n");
    else lines(p, "Schema before up and after down", pr_get(down, "differences"), "The same: down gives back what was there.");
    if (pr_get_bool(again, "ran")) lines(p, "Schema after the first up and after up again", pr_get(again, "differences"), "The same.");
}

static void predicted(const struct page *p) {
    const json_t *list = pr_get(p->doc, "predicted");
    if (json_array_size(list) == 0) return;
    pr_add(p->out, "<h2>Predicted and observed</h2>\n<table><tr><th>#</th><th>relation</th><th>predicted</th><th>observed</th><th></th></tr>\n");
    size_t i = 0;
    json_t *c = NULL;
    json_array_foreach(list, i, c) {
        const bool same = pr_get_bool(c, "same");
        pr_addf(p->out, "<tr><td>%" PRId64 "</td>", pr_get_int(c, "statement") + 1);
        cell(p, "rel", dotted(p, c));
        cell(p, NULL, pr_get_str(c, "predicted"));
        cell(p, NULL, pr_get_str(c, "observed"));
        cell(p, same ? "good" : "warn", same ? "same" : "differs");
        pr_add(p->out, "</tr>\n");
    }
    pr_add(p->out, "</table>\n");
}

static void parity_relations(const struct page *p, const json_t *parity) {
    pr_add(p->out, "<table><tr><th>relation</th><th class=\"n\">rows here</th><th class=\"n\">in production</th><th class=\"n\">size here</th>"
                   "<th class=\"n\">in production</th><th>shape</th></tr>\n");
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(pr_get(parity, "relations"), i, one) {
        const bool same = pr_get_bool(one, "same_shape");
        pr_add(p->out, "<tr>");
        cell(p, "rel", dotted(p, one));
        cell(p, "n", pr_human_count(p->a, pr_get_int(one, "staging_rows")));
        cell(p, "n", pr_human_count(p->a, pr_get_int(one, "rows")));
        bytes(p, pr_get_int(one, "staging_bytes"));
        bytes(p, pr_get_int(one, "bytes"));
        cell(p, same ? "good" : "bad", same ? "same" : "differs");
        pr_add(p->out, "</tr>\n");
    }
    pr_add(p->out, "</table>\n");
}

static void parity(const struct page *p) {
    const json_t *parity = pr_get(p->doc, "parity");
    pr_add(p->out, "<h2>Is the copy like production</h2>\n");
    if (!pr_get_bool(parity, "known")) {
        pr_add(p->out, "<p class=\"bad\">Not known: ");
        text(p, pr_get_str(parity, "why"));
        pr_add(p->out, "</p>\n");
        return;
    }
    parity_relations(p, parity);
    pr_add(p->out, "<table><tr><th>what</th><th>production</th><th>copy</th><th></th></tr>\n");
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(pr_get(parity, "items"), i, one) {
        const bool same = pr_get_bool(one, "same");
        pr_add(p->out, "<tr>");
        cell(p, NULL, pr_get_str(one, "what"));
        cell(p, NULL, pr_get_str(one, "production"));
        cell(p, NULL, pr_get_str(one, "staging") != NULL ? pr_get_str(one, "staging") : "not there");
        cell(p, same ? "dim" : pr_get_bool(one, "matters") ? "bad" : "warn", same ? "same" : "differs");
        pr_add(p->out, "</tr>\n");
    }
    pr_add(p->out, "</table>\n");
}

const char *pr_rehearsal_html(const json_t *doc, struct pr_arena *a) {
    struct pr_buf out = {.a = a};
    const struct page p = {.out = &out, .a = a, .doc = doc};
    head(&p);
    verdict(&p);
    figures(&p);
    stops(&p);
    pr_html_workload(pr_get(doc, "workload"), &out, a);
    runs(&p);
    proof(&p);
    predicted(&p);
    parity(&p);
    pr_add(&out, "<p class=\"dim\">pgrail rehearse. SHA-256 of the migration: ");
    text(&p, pr_get_str(pr_get(doc, "migration"), "sha256"));
    pr_add(&out, "</p>\n</body></html>\n");
    return pr_buf_text(&out);
}
