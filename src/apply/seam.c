/* seam.c: the page that a person sees before production, and the typed YES. Nothing answers for them. */
#include "apply/flight.h"

#include <unistd.h>

#include "project/backfills.h"

static void line(struct pr_buf *b, const char *key, const char *value) { pr_addf(b, "  %-16s %s\n", key, value); }

static void statements(struct pr_flight *f, struct pr_buf *b) {
    for (size_t i = f->first_step; i < f->script.n; i++) {
        const struct pr_stmt *s = &f->script.stmts[i];
        const int64_t rehearsed = pr_view_statement_us(f, i);
        const struct pr_forecast fc = pr_view_forecast(f, i);
        pr_addf(b, "\n  \001h%zu of %zu\002  %s:%d\n", i + 1, f->script.n, pr_printable(b->a, f->side->path, 200), s->line + f->side->first_line - 1);
        const char **lines = NULL;
        const size_t n = pr_split(b->a, s->text, '\n', &lines);
        for (size_t k = 0; k < n; k++) pr_addf(b, "    \001c%s\002\n", pr_printable(b->a, lines[k], strlen(lines[k]) + 1));    /* never cut: a statement could hide behind it */
        if (rehearsed >= 0) pr_addf(b, "    took %s in rehearsal", pr_human_us(b->a, rehearsed));
        else pr_add(b, "    \001wno rehearsal of it\002");
        if (fc.known && fc.high_us == 0) pr_add(b, "; expected here: a moment");
        else if (fc.known) pr_addf(b, "; expected here: %s to %s", pr_human_us(b->a, fc.low_us), pr_human_us(b->a, fc.high_us));
        else pr_add(b, "; how long it takes here is not known");
        pr_add(b, "\n");
    }
}

static void rows(struct pr_flight *f, struct pr_buf *b) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(f->doc, "relations"), i, o) {
        const int64_t here = pr_get_int(o, "rows"), there = pr_get_int(o, "staging_rows");
        pr_addf(b, "  %-16s %s: %s%s rows, %s", i == 0 ? "rows" : "", pr_get_str(o, "name"), pr_get_bool(o, "rows_trusted") ? "" : "about ",
                pr_human_count(b->a, here), pr_human_bytes(b->a, pr_get_int(o, "total_bytes")));
        if (there >= 0) pr_addf(b, "; rehearsed on %s (%s%s)", pr_human_count(b->a, there), here >= there ? "+" : "-", pr_human_count(b->a, here >= there ? here - there : there - here));
        pr_add(b, "\n");
    }
}

static void stop_line(struct pr_buf *b, bool first, const json_t *o) {
    const int64_t readers = pr_get_int(o, "readers_high_us"), writers = pr_get_int(o, "writers_high_us");
    pr_addf(b, "  %-16s %s: writers %s to %s", first ? "stops" : "", pr_qualified(b->a, pr_get_str(o, "schema"), pr_get_str(o, "name")),
            pr_human_us(b->a, pr_get_int(o, "writers_low_us")), pr_human_us(b->a, writers));
    if (readers > 0) pr_addf(b, ", readers %s to %s", pr_human_us(b->a, pr_get_int(o, "readers_low_us")), pr_human_us(b->a, readers));
    else pr_add(b, ", readers go on");
    pr_addf(b, " (%s)\n", pr_get_str(o, "lock"));
}

/* As the rehearsal forecasts it from what it saw. */
static bool stops_as_rehearsed(struct pr_flight *f, struct pr_buf *b) {
    const json_t *list = pr_view_stops(f);
    size_t i = 0;
    json_t *o = NULL;
    bool any = false;
    json_array_foreach(list, i, o) {
        if (pr_get_int(o, "writers_high_us") <= 0 && pr_get_int(o, "readers_high_us") <= 0) continue;
        stop_line(b, !any, o);
        any = true;
    }
    if (list != NULL && !any) line(b, "stops", "nobody: readers and writers go on");
    return list != NULL;
}

/* What others feel by prediction: of every relation that is not ours alone, the strongest mode, and how long it is held. */
static void stops(struct pr_flight *f, struct pr_buf *b) {
    int64_t low = 0, high = 0;
    bool any = false, known = true;
    for (size_t i = f->first_step; i < f->footprint.n; i++) {
        const struct pr_forecast fc = pr_view_forecast(f, i);
        if (pr_side_tx(f->side) != PR_TX_ONE) low = high = 0;
        known = known && fc.known;
        low += fc.low_us;
        high += fc.high_us;
        for (size_t k = 0; k < f->footprint.stmts[i].n; k++) {
            const struct pr_effect *x = &f->footprint.stmts[i].effects[k];
            if (x->own || x->created || !pr_lock_blocks_writers(x->lock)) continue;
            pr_addf(b, "  %-16s %s: %s stop while it runs (%s), %s\n", any ? "" : "stops", pr_qualified(b->a, x->schema, x->name),
                    pr_lock_blocks_readers(x->lock) ? "readers and writers" : "writers", pr_lock_name(x->lock),
                    !known ? "for how long is not known" : high == 0 ? "a moment" : pr_fmt(b->a, "%s to %s", pr_human_us(b->a, low), pr_human_us(b->a, high)));
            any = true;
        }
    }
    if (!any) line(b, "stops", "nobody: readers and writers go on");
}

static void approvers(struct pr_flight *f, struct pr_buf *b) {
    for (size_t i = 0; i < f->n_approvals; i++)
        pr_addf(b, "  %-16s %s at %s\n", i == 0 ? "approved by" : "", pr_printable(b->a, f->approvals[i].signer, 200), f->approvals[i].approved_at);
}

static void limits(struct pr_flight *f, struct pr_buf *b) {
    line(b, "stops itself at", pr_fmt(f->a, "%d sessions waiting for us, one of them for over %s, %s of waiting in all, or a standby %s behind",
                                       PR_CROWD, pr_human_us(f->a, pr_sat_mul(f->ask->config->max_block_ms, 1000)), pr_human_us(f->a, PR_BILL_RUN_MS * INT64_C(1000)),
                                       pr_human_bytes(f->a, PR_LAG_BYTES)));
    line(b, "for a lock", pr_fmt(f->a, "%s of %s each", pr_plural(f->a, f->ask->config->lock_attempts, "attempt"), pr_human_us(f->a, pr_sat_mul(f->ask->config->lock_timeout_ms, 1000))));
}

/* A way back is a backfill as well, when somebody wrote it. */
static const char *way_back(const struct pr_flight *f) {
    const char *path = f->ask->migration->up.path;
    const size_t stem = strlen(path) - strlen(".backfill.sql");
    const char *back = pr_fmt(f->a, "%.*s.down.backfill.sql", (int)stem, path), *at = back[0] == '/' ? back : pr_fmt(f->a, "%s/%s", f->ask->config->root, back);
    if (pr_is_backfill_back(path)) return pr_fmt(f->a, "pgrail backfill %.*s.backfill.sql --env %s", (int)(stem - strlen(".down")), path, f->ask->environment->name);
    if (access(at, R_OK) == 0) return pr_fmt(f->a, "pgrail backfill %s --env %s", back, f->ask->environment->name);
    return "none by itself: what is written stays; a backfill that writes the old values is one";
}

static const char *page(struct pr_flight *f) {
    const struct pr_apply *ask = f->ask;
    struct pr_buf b = {.a = f->a};
    struct pr_rollback back = {0};
    struct pr_err ignored = {0};
    pr_addf(&b, "\n\001h%s %s on %s\002\n\n", ask->manner != NULL ? "Backfill" : ask->down ? "Roll back" : "Apply", ask->migration->id, ask->environment->name);
    line(&b, "command", pr_printable(f->a, ask->command == NULL ? pr_flight_command(f) : ask->command, 400));
    line(&b, "environment", pr_fmt(f->a, "%s (protected)", ask->environment->name));
    line(&b, "address", pr_fmt(f->a, "%s, database %s as %s, PostgreSQL %s", f->ident.address, f->ident.database, f->ident.user, f->ident.version));
    line(&b, "bytes", pr_fmt(f->a, "SHA-256 %s", ask->migration->sha256));
    line(&b, ask->manner != NULL ? "in small pieces" : "transaction", ask->manner != NULL ? ask->manner : pr_tx_mode_name(pr_side_tx(f->side)));
    if (f->first_step > 0) line(&b, "continued", pr_fmt(f->a, "\001wstatements 1 to %zu are in effect since an earlier start\002", f->first_step));
    statements(f, &b);
    pr_add(&b, "\n");
    rows(f, &b);
    if (!stops_as_rehearsed(f, &b)) stops(f, &b);
    if (ask->manner != NULL) line(&b, "waits", "200 ms for a lock, then lets others through and comes back; while standbys or WAL are beyond the limits");
    else limits(f, &b);
    if (!ask->down) line(&b, "way back", ask->manner != NULL ? way_back(f) : ask->migration->down.path == NULL ? "none: there is no down script" : pr_fmt(f->a, "pgrail rollback %s --env %s", ask->migration->id, ask->environment->name));
    if (pr_rollback_judge(ask->migration, f->facts, f->a, &back, &ignored) == PR_OK) line(&b, ask->down ? "kind" : "", back.words);
    approvers(f, &b);
    pr_add(&b, "\n");
    return pr_buf_text(&b);
}

enum pr_code pr_seam(struct pr_flight *f, struct pr_err *e) {
    const struct pr_talk *t = f->ask->talk;
    if (!f->ask->environment->is_protected) return PR_OK;
    if (t == NULL || t->confirm == NULL) return PR_FAIL(e, PR_ERR_REFUSED, "the seam needs a person at a terminal, and there is none");
    const int64_t shown = pr_mono_us();
    PR_TRY(e, t->confirm(t->ctx, page(f), pr_fmt(f->a, "Type YES to run this on %s:", f->ask->environment->name), "YES", e));
    pr_set_int(f->doc, "seam_us", pr_mono_us() - shown);
    return PR_OK;
}
