/* workload_log.c: pgbench's log, a line for each transaction: client, number, time, script, epoch, microseconds, lag. The time is counted
 * from when it was due, since the rate is given; of one that failed there is a word instead.
 * Source  https://www.postgresql.org/docs/current/pgbench.html, "Per-Transaction Logging" */
#include "rehearse/workload.h"

#define SLICES 60
#define SLICE_LEAST_US 100000
#define TAIL 4096
#define LATE_US 1000000

struct shot { int64_t due_us, took_us; };       /* took_us -1: it failed, and due_us is when */
struct shots { struct shot *items; size_t n, cap; };

static bool number(const char **at, int64_t *out) {
    char *end = NULL;
    *out = (int64_t)strtoll(*at, &end, 10);
    const bool ok = end != *at && (*end == ' ' || *end == '\n');
    *at = *end == ' ' ? end + 1 : end;
    return ok;
}

static bool read_line(const char *line, struct shot *out) {
    int64_t client = 0, nth = 0, took = -1, script = 0, s = 0, us = 0;
    if (!number(&line, &client) || !number(&line, &nth)) return false;
    const bool worked = *line >= '0' && *line <= '9';
    if (worked && !number(&line, &took)) return false;
    if (!worked) line += strcspn(line, " ");
    if (!worked && *line == ' ') line++;
    if (!number(&line, &script) || !number(&line, &s) || !number(&line, &us)) return false;
    *out = (struct shot){.due_us = s * 1000000 + us - (worked ? took : 0), .took_us = worked ? took : -1};
    return true;
}

int64_t pr_foreground_last_due(const char *path) {
    char tail[TAIL + 1];
    FILE *f = fopen(path, "re");
    if (f == NULL) return 0;
    if (fseek(f, -TAIL, SEEK_END) != 0) (void)fseek(f, 0, SEEK_SET);
    const size_t n = fread(tail, 1, TAIL, f);
    (void)fclose(f);
    tail[n] = '\0';
    int64_t last = 0;
    struct shot x = {0};
    const char *line = strchr(tail, '\n');      /* the first may be half a line */
    while (line != NULL && strchr(line + 1, '\n') != NULL) {
        if (read_line(line + 1, &x) && x.due_us > last) last = x.due_us;
        line = strchr(line + 1, '\n');
    }
    return last;
}

static enum pr_code read_all(const char *path, struct pr_arena *a, struct shots *out, struct pr_err *e) {
    char line[256];
    struct shot x = {0};
    FILE *f = fopen(path, "re");
    if (f == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "workload: pgbench left no log");
    while (fgets(line, sizeof line, f) != NULL)
        if (read_line(line, &x)) *PR_PUSH(a, out->items, out->n, out->cap) = x;
    (void)fclose(f);
    return PR_OK;
}

static int by_number(const void *x, const void *y) {
    const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int by_due(const void *x, const void *y) {
    const struct shot *a = x, *b = y;
    return (a->due_us > b->due_us) - (a->due_us < b->due_us);
}

/* Sorts; percentiles by nearest rank. */
static struct pr_felt felt(int64_t *took, size_t n, int64_t failed) {
    struct pr_felt x = {.n = (int64_t)n, .failed = failed, .p50_us = -1, .p95_us = -1, .p99_us = -1, .max_us = -1};
    if (n == 0) return x;
    qsort(took, n, sizeof *took, by_number);
    x.p50_us = took[n * 50 / 100];
    x.p95_us = took[n * 95 / 100];
    x.p99_us = took[n * 99 / 100];
    x.max_us = took[n - 1];
    return x;
}

/* within: due in [from, to). Else those of which some part fell into it: what was under way when the work began has felt it too. */
static struct pr_felt between(const struct shots *s, int64_t from, int64_t to, bool within, int64_t *room) {
    size_t n = 0;
    int64_t n_failed = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct shot *x = &s->items[i];
        const int64_t end = x->took_us > 0 ? x->due_us + x->took_us : x->due_us;
        if (x->due_us >= to || (within ? x->due_us < from : end < from)) continue;
        if (x->took_us < 0) n_failed++;
        else room[n++] = x->took_us;
    }
    return felt(room, n, n_failed);
}

static void slice(struct pr_foreground *f, const struct shots *s, int64_t *room) {
    const int64_t last = s->items[s->n - 1].due_us, span = last - f->alone_from_us;
    if (span <= 0) return;
    const int64_t each = span / SLICES + 1;
    f->slice_us = each < SLICE_LEAST_US ? SLICE_LEAST_US : each;
    f->slices = PR_NEW_ARRAY(f->a, struct pr_felt_slice, SLICES + 1);
    size_t at = 0;
    for (int64_t from = 0; from <= span && f->n_slices <= SLICES; from += f->slice_us) {
        size_t n = 0;
        for (; at < s->n && s->items[at].due_us < f->alone_from_us + from + f->slice_us; at++)
            if (s->items[at].due_us >= f->alone_from_us + from && s->items[at].took_us >= 0) room[n++] = s->items[at].took_us;
        const struct pr_felt x = felt(room, n, 0);
        f->slices[f->n_slices++] = (struct pr_felt_slice){.from_us = from, .n = x.n, .p50_us = x.p50_us, .p99_us = x.p99_us, .max_us = x.max_us};
    }
}

/* At the end of the time alone: how long had the youngest transaction that was done by then been due? */
static int64_t lateness(const struct shots *s, int64_t at) {
    int64_t last = 0;
    for (size_t i = 0; i < s->n && s->items[i].due_us < at; i++)
        if (s->items[i].took_us >= 0 && s->items[i].due_us + s->items[i].took_us <= at) last = s->items[i].due_us;
    return last > 0 ? at - last : 0;
}

enum pr_code pr_foreground_read(struct pr_foreground *f, const char *path, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct shots all = {0};
    PR_TRY(e, read_all(path, a, &all, e));
    int64_t *room = PR_NEW_ARRAY(a, int64_t, all.n + 1);
    const int64_t pause = 10000000 / f->r->workload->rate;          /* ten times the time between two that are due */
    if (all.n > 1) qsort(all.items, all.n, sizeof *all.items, by_due);
    f->alone = between(&all, f->alone_from_us, f->alone_to_us, true, room);
    f->beside = between(&all, f->work_from_us, f->work_to_us, false, room);
    if (all.n == 0) return PR_OK;
    slice(f, &all, room);
    const int64_t late = lateness(&all, f->alone_to_us), undone = f->work_to_us - all.items[all.n - 1].due_us;
    f->late_alone_us = late > LATE_US + pause ? late : 0;
    f->undone_us = f->aborted == 0 && undone > LATE_US + pause ? undone : 0;
    return PR_OK;
}
