/* verdict.c: ready, or the reasons why not, each with the way to mend it. Blocking is judged by granted modes × time held, never
 * by waits: an idle staging has no waiters. */
#include "rehearse/inside.h"

#define MANY_ROWS 1000000
#define FEW_ROWS 100000
#define RATIO_LIMIT 5

__attribute__((format(printf, 5, 6)))
static void reason(struct pr_rehearsed *all, struct pr_arena *a, const char *code, const char *mend, const char *fmt, ...) {
    char text[1200];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *PR_PUSH(a, all->reasons, all->n_reasons, all->reasons_cap) =
        (struct pr_reason){.code = code, .text = pr_dup(a, text), .mend = mend};
}

__attribute__((format(printf, 4, 5)))
static void note(struct pr_rehearsed *all, struct pr_arena *a, const char *code, const char *fmt, ...) {
    char text[1200];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *PR_PUSH(a, all->notes, all->n_notes, all->notes_cap) = (struct pr_reason){.code = code, .text = pr_dup(a, text)};
}

static const char *nearest_column(const struct pr_facts *f, const struct pr_stmt *s, struct pr_arena *a) {
    struct pr_column_name *cols = NULL;
    const size_t n = pr_stmt_columns(s, a, &cols);
    for (size_t i = 0; i < n; i++) {
        const struct pr_rel *rel = pr_find_rel(f, cols[i].schema, cols[i].relation);
        if (cols[i].created || rel == NULL || pr_find_col(rel, cols[i].column) != NULL) continue;
        struct pr_near *near = NULL;
        const size_t found = pr_near_columns(rel, cols[i].column, 1, a, &near);
        if (found > 0) return pr_fmt(a, "%s.%s has no column %s; the nearest is %s (%s)", rel->schema, rel->name, cols[i].column,
                                     near[0].name, near[0].detail);
    }
    return NULL;
}

static const char *nearest_relation(const struct pr_facts *f, const struct pr_stmt *s, struct pr_arena *a) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(s, a, &names);
    for (size_t i = 0; i < n; i++) {
        if (names[i].role == PR_NAME_CREATED || pr_find_rel(f, names[i].schema, names[i].name) != NULL) continue;
        struct pr_near *near = NULL;
        if (pr_near_relations(f, names[i].name, 1, a, &near) > 0)
            return pr_fmt(a, "there is no %s; the nearest is %s", names[i].name, near[0].name);
    }
    return NULL;
}

const char *pr_nearest_name(const struct pr_facts *f, const struct pr_stmt *s, const char *sqlstate, struct pr_arena *a) {
    if (f == NULL || s->node == NULL || sqlstate == NULL) return NULL;
    if (pr_eq(sqlstate, "42703")) return nearest_column(f, s, a);
    if (pr_eq(sqlstate, "42P01")) return nearest_relation(f, s, a);
    return NULL;
}

static void judge_run(struct pr_rehearsed *all, struct pr_arena *a, const struct pr_seen_run *run, const char *code) {
    for (size_t i = 0; i < run->n; i++) {
        const struct pr_seen_stmt *s = &run->stmts[i];
        if (!s->failed) continue;
        const char *mend = s->nearest != NULL ? s->nearest : s->hint != NULL ? s->hint : "correct the statement and rehearse again";
        reason(all, a, code, mend, "%s: statement %d (%s:%d) failed%s%s: %s", run->direction, s->stmt->index + 1, run->side->path,
               run->side->first_line + s->problem_line - 1, s->sqlstate[0] != '\0' ? " with " : "", s->sqlstate, s->problem);
    }
    if (run->left_half)
        reason(all, a, "left-half", "put what belongs together into one transaction, or let every statement bear a second run (IF NOT EXISTS)",
               "%s: what ran before the failed statement was already committed: production would be left half way", run->direction);
    if (run->left != NULL) note(all, a, "cleaned", "%s", run->left);
}

static void judge_verification(struct pr_rehearsed *all, struct pr_arena *a) {
    for (size_t i = 0; i < all->n_assertions; i++)
        if (!all->assertions[i].holds)
            reason(all, a, "not-verified", "let the statement do what it says: look at what is there under that name",
                   "statement %d succeeded, but this does not hold: %s%s%s", all->assertions[i].stmt + 1, all->assertions[i].claim,
                   all->assertions[i].found != NULL ? "; there is " : "", all->assertions[i].found != NULL ? all->assertions[i].found : "");
}

static void judge_down(struct pr_rehearsed *all, struct pr_arena *a) {
    const char *first = all->n_lost > 0 ? pr_printable(a, all->lost[0], 200) : "";
    if (all->n_lost > 0 && all->loss_note == NULL)
        reason(all, a, "down-differs", "complete the down script, or write what it loses in its header: -- loses: …",
               "after down the schema is not as before: %s%s", first,
               all->n_lost > 1 ? pr_fmt(a, " and %s more", pr_plural(a, (int64_t)all->n_lost - 1, "line")) : "");
    else if (all->n_lost > 0)
        note(all, a, "down-loses", "the down script loses what its header says (%s): %s differ", all->loss_note, pr_plural(a, (int64_t)all->n_lost, "line"));
    if (all->n_unequal > 0)
        reason(all, a, "up-again-differs", "let the up script make the same objects each time it runs",
               "up after down does not give what the first up gave: %s", pr_printable(a, all->unequal[0], 200));
}

/* Readers and writers that stand still together are one reason. */
static void judge_stop(struct pr_rehearsed *all, struct pr_arena *a, const struct pr_stop *s) {
    const int64_t limit_us = all->r->config->max_block_ms * 1000;
    const bool readers = s->readers_us > 0 && s->readers_high_us > limit_us;
    if (!readers && (s->writers_us <= 0 || s->writers_high_us <= limit_us)) return;
    const char *code = readers ? "readers-blocked" : "writers-blocked", *who = readers ? "readers and writers" : "writers";
    const char *mend = "pgrail check names the safe way for each statement; a longer limit is [policy] max_block in pgrail.conf";
    const char *here = pr_human_us(a, readers ? s->readers_us : s->writers_us), *limit = pr_human_us(a, limit_us);
    if (all->forecast.known)
        reason(all, a, code, mend, "%s of %s.%s would stand still for %s to %s in production (%s here, %s held); the limit is %s", who, s->schema,
               s->name, pr_human_us(a, readers ? s->readers_low_us : s->writers_low_us),
               pr_human_us(a, readers ? s->readers_high_us : s->writers_high_us), here, pr_lock_name(s->lock), limit);
    else
        reason(all, a, code, mend, "%s of %s.%s stood still for %s here (%s held), and production is not known; the limit is %s", who, s->schema,
               s->name, here, pr_lock_name(s->lock), limit);
}

static void judge_blocking(struct pr_rehearsed *all, struct pr_arena *a) {
    for (size_t i = 0; i < all->forecast.n_stops; i++) judge_stop(all, a, &all->forecast.stops[i]);
}

static bool has_rows(const struct pr_rehearsed *all, const struct pr_parity_rel *p) {
    const struct pr_rel *rel = pr_find_rel(all->target_facts, p->schema, p->name);
    return rel != NULL && (rel->kind == 'r' || rel->kind == 'm') && rel->rows > 0;
}

/* Only tables that the run worked on: a partner whose size differs changes nothing. */
static bool worked_on(const struct pr_rehearsed *all, const struct pr_parity_rel *p) {
    for (size_t r = 0; r < all->n_runs && r < 1; r++)
        for (size_t i = 0; i < all->runs[r].n; i++)
            for (size_t j = 0; j < all->runs[r].stmts[i].n_effects; j++)
                if (pr_eq(all->runs[r].stmts[i].effects[j].name, p->name) && pr_eq(all->runs[r].stmts[i].effects[j].schema, p->schema))
                    return true;
    return false;
}

static void judge_rows(struct pr_rehearsed *all, struct pr_arena *a, const struct pr_parity_rel *p) {
    const bool far = p->staging_rows <= 0 || p->rows > pr_sat_mul(p->staging_rows, RATIO_LIMIT);
    const bool small = p->staging_rows < FEW_ROWS && p->rows > MANY_ROWS;
    if (!has_rows(all, p) || !worked_on(all, p)) return;
    if (!far && !small) return;
    if (p->rows < FEW_ROWS) return;             /* both small: the times are small as well */
    reason(all, a, "parity-rows", "refresh staging from production, or rehearse on a dump of it: --dump FILE",
           "%s.%s has %s rows on staging and %s in production: too far apart for a forecast", p->schema, p->name,
           pr_human_count(a, p->staging_rows > 0 ? p->staging_rows : 0), pr_human_count(a, p->rows));
}

static void judge_parity(struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_parity *p = &all->parity;
    if (!p->known) {
        reason(all, a, "parity-unknown", "make production reachable (pgrail doctor), then rehearse again",
               "whether staging is like production is not known: %s", p->why != NULL ? p->why : "production was not asked");
        return;
    }
    for (size_t i = 0; i < p->n_items; i++)
        if (p->items[i].matters)
            reason(all, a, "parity-setting", p->items[i].mend, "%s is %s in production and %s on staging", p->items[i].what,
                   p->items[i].production, p->items[i].staging != NULL ? p->items[i].staging : "not there");
    for (size_t i = 0; i < p->n_rels; i++) {
        const struct pr_parity_rel *rel = &p->rels[i];
        if (rel->missing || !rel->same)
            reason(all, a, "parity-schema", "refresh staging from production, or rehearse on a dump of it: --dump FILE",
                   "%s.%s %s%s%s", rel->schema, rel->name, rel->missing ? "is not on staging" : "has another shape on staging than in production",
                   rel->n_delta > 0 ? ": " : "", rel->n_delta > 0 ? pr_printable(a, rel->delta[0], 200) : "");
        else
            judge_rows(all, a, rel);
    }
}

static void judge_findings(struct pr_rehearsed *all, struct pr_arena *a) {
    if (!all->is_judged || all->judged.counts[PR_ERROR] == 0) return;
    for (size_t i = 0; i < all->judged.findings.n; i++) {
        const struct pr_finding *f = &all->judged.findings.items[i];
        if (f->level == PR_ERROR)
            reason(all, a, "check-error", f->safe_way != NULL ? f->safe_way : "pgrail check says how", "check: %s at %s:%d: %s", f->rule,
                   f->path != NULL ? f->path : "?", f->line, f->title != NULL ? f->title : "");
    }
    if (all->r->force) note(all, a, "forced", "rehearsed with --force although check found errors: the verdict stays not ready");
}

static void judge_filled(struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_filled *f = &all->filled;
    if (all->is_filled && f->left > f->rejects)
        reason(all, a, "rows-left", "let the SET clause take each row out of the condition, or narrow the condition", "%s still match the condition after all were visited",
               pr_plural(a, f->left - f->rejects, "row"));
}

/* Locks are judged by what is granted; of row locks and of the disk only those who were there can tell. */
static void judge_workload(struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_foreground *f = &all->foreground;
    if (!f->over) return;
    if (f->aborted > 0)
        reason(all, a, "workload-failed", "let the queries and both schemas go together: expand first, contract when nobody asks for the old form",
               "%s of the workload gave up once %s had begun: %s", pr_plural(a, f->aborted, "client"), all->r->fill != NULL ? "the backfill" : "up", f->failure != NULL ? f->failure : "no reason given");
    if (f->beside.p99_us > all->r->config->max_block_ms * 1000)
        reason(all, a, "workload-slow", all->r->fill != NULL ? "smaller batches or rests: -- target: 20ms, -- gentle: yes" : "cut the rows into batches: a backfill; or take a way that locks less",
               "one transaction of the workload in a hundred took longer than %s, and at most %s are allowed", pr_human_us(a, f->beside.p99_us),
               pr_human_us(a, all->r->config->max_block_ms * 1000));
    if (f->late_alone_us > 0)
        note(all, a, "workload-rate", "the workload was behind by %s even alone: %" PRId64 "/s is more than the copy can do, and its figures say little", pr_human_us(a, f->late_alone_us),
             all->r->workload->rate);
    if (f->undone_us > 0)
        note(all, a, "workload-undone", "transactions of the last %s had not begun when the workload was stopped: its figures are too low", pr_human_us(a, f->undone_us));
}

static void note_filled(struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_filled *f = &all->filled;
    if (!f->whole) note(all, a, "share", "%s of about %s rows were run: the forecast takes the rest to be like them", pr_human_count(a, f->read), pr_human_count(a, f->rows));
    if (f->changed == 0) note(all, a, "nothing-changed", "no row was changed: staging has nothing to fill, so time, WAL and growth are too low");
    if (f->rejects > 0) note(all, a, "set-aside", "%s set aside: a cast or a constraint refuses them", pr_plural(a, f->rejects, "row"));
}

static void note_differences(struct pr_rehearsed *all, struct pr_arena *a) {
    size_t n = 0;
    for (size_t i = 0; i < all->n_compared; i++) n += all->compared[i].same ? 0 : 1;
    if (n > 0)
        note(all, a, "prediction", "%zu of %zu predictions differ from what the server did: please report that to pgrail", n, all->n_compared);
    if (all->is_filled) note_filled(all, a);
    else if (all->down.n == 0) note(all, a, "no-down", "there is no down script: the way back was not rehearsed");
    if (pr_eq(all->copy.kind, "template") && all->target_ident != NULL && all->staging_ident != NULL &&
        pr_eq(all->target_ident->server_start, all->staging_ident->server_start) && all->target_ident->system_id != NULL &&
        pr_eq(all->target_ident->system_id, all->staging_ident->system_id))
        note(all, a, "same-server", "staging lives on production's own server: this rehearsal was load for production");
}

void pr_verdict_make(struct pr_rehearsed *all, struct pr_arena *a) {
    if (all->n_runs > 0) judge_run(all, a, &all->runs[0], "statement-failed");
    judge_verification(all, a);
    if (all->n_runs > 1) judge_run(all, a, &all->runs[1], "down-failed");
    if (all->n_runs > 2) judge_run(all, a, &all->runs[2], "up-again-failed");
    judge_down(all, a);
    judge_blocking(all, a);
    judge_parity(all, a);
    judge_findings(all, a);
    judge_filled(all, a);
    judge_workload(all, a);
    note_differences(all, a);
}
