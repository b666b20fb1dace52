/* compare.c: predicted footprint against what the server did. A difference says something of pgrail, not of the migration. */
#include "rehearse/inside.h"

static const char *describe(enum pr_lock lock, bool rewrite, bool scan, int builds, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, lock == PR_LOCK_NONE ? "no lock" : pr_lock_name(lock));
    if (rewrite) pr_add(&b, ", rewrite");
    if (builds > 0) pr_addf(&b, ", %s", pr_plural(b.a, builds, "index build"));
    if (scan) pr_add(&b, ", scan");
    return pr_buf_text(&b);
}

static bool is_index(char kind) { return kind == 'i' || kind == 'I'; }

static const struct pr_seen_effect *seen(const struct pr_seen_stmt *s, const char *schema, const char *name) {
    for (size_t i = 0; i < s->n_effects; i++)
        if (pr_eq(s->effects[i].name, name) && (schema == NULL || pr_eq(s->effects[i].schema, schema))) return &s->effects[i];
    return NULL;
}

/* Strongest mode that was held on it while the statement ran, also when an earlier one took it. */
static enum pr_lock held_then(const struct pr_seen_run *run, const struct pr_seen_stmt *s, const char *schema, const char *name) {
    enum pr_lock held = PR_LOCK_NONE;
    const int64_t end = s->start_us + s->elapsed_us - s->commit_us;
    for (size_t i = 0; i < run->spans.n; i++) {
        const struct pr_span *span = &run->spans.items[i];
        if (span->from_us <= end && (span->to_us < 0 || span->to_us >= end) && pr_eq(span->name, name) &&
            (schema == NULL || pr_eq(span->schema, schema)) && span->mode > held)
            held = span->mode;
    }
    return held;
}

static bool is_dml(const char *tag) {
    static const char *const tags[] = {"INSERT", "UPDATE", "DELETE", "SELECT", "MERGE", "DO", "CALL", "COPY", "VALUES"};
    for (size_t i = 0; i < PR_COUNT(tags); i++)
        if (pr_starts(tag, tags[i])) return true;
    return false;
}

static void add(struct pr_rehearsed *all, struct pr_arena *a, const struct pr_compared *c) {
    *PR_PUSH(a, all->compared, all->n_compared, all->compared_cap) = *c;
}

/* A prediction that nobody would feel is not held against anything. */
static bool worth_comparing(const struct pr_effect *p) {
    if (p->created || p->own) return false;
    if (is_index(p->kind)) return p->lock >= PR_SHARE_UPDATE_EXCLUSIVE;
    return p->lock >= PR_ROW_EXCLUSIVE || p->rewrite || p->index_builds > 0;
}

/* A mode that an earlier statement took shows as held, not as taken. */
static bool same_lock(enum pr_lock predicted, enum pr_lock taken, enum pr_lock held) {
    if (taken == PR_LOCK_NONE) return predicted <= held;
    return predicted == taken || (taken < predicted && predicted == held);
}

static bool both_scan(const struct pr_seen_stmt *s, const struct pr_effect *p, const struct pr_seen_effect *f) {
    const bool work = p->rewrite || p->index_builds > 0 || f->rewrite || f->index_builds > 0;
    return s->exact && !work && !is_dml(s->tag);
}

static void compare_predicted(struct pr_rehearsed *all, const struct pr_seen_run *run, const struct pr_seen_stmt *s,
                              const struct pr_effect *p, struct pr_arena *a) {
    if (!worth_comparing(p)) return;
    const struct pr_seen_effect none = {.schema = p->schema, .name = p->name}, *f = seen(s, p->schema, p->name);
    if (f == NULL) f = &none;
    const enum pr_lock held = held_then(run, s, p->schema, p->name);
    const enum pr_lock got = f->lock != PR_LOCK_NONE ? f->lock : held;
    const bool scan_known = both_scan(s, p, f), scan_here = scan_known && f->scan, scan_there = scan_known && p->scan;
    const bool uncaught = !s->exact && got == PR_LOCK_NONE;
    const bool same = (uncaught || same_lock(p->lock, f->lock, held)) && p->rewrite == f->rewrite &&
                      p->index_builds == f->index_builds && scan_here == scan_there;
    const char *observed = describe(got, f->rewrite, scan_here, f->index_builds, a);
    if (uncaught)
        observed = pr_fmt(a, "over before a sample of %" PRId64 " ms caught it%s", all->r->sample_ms,
                          f->index_builds > 0 ? ", index built" : "");
    add(all, a, &(struct pr_compared){
        .stmt = s->stmt->index, .schema = f->schema != NULL ? f->schema : p->schema, .name = p->name, .same = same, .observed = observed,
        .predicted = describe(p->lock, p->rewrite, scan_there, p->index_builds, a),
        .text = same ? "predicted = observed" : "prediction and server differ"});
}

static bool predicted(const struct pr_footprint *fp, const struct pr_seen_effect *f) {
    for (size_t i = 0; i < fp->n; i++)
        if (pr_eq(fp->effects[i].name, f->name) && (fp->effects[i].schema == NULL || pr_eq(fp->effects[i].schema, f->schema))) return true;
    return false;
}

static void compare_stmt(struct pr_rehearsed *all, const struct pr_seen_run *run, const struct pr_footprint *fp,
                         const struct pr_seen_stmt *s, struct pr_arena *a) {
    if (!s->ran || s->failed || fp->unjudged || s->stmt->node == NULL) return;
    for (size_t i = 0; i < fp->n; i++) compare_predicted(all, run, s, &fp->effects[i], a);
    for (size_t i = 0; i < s->n_effects; i++) {
        const struct pr_seen_effect *f = &s->effects[i];
        const bool strong = f->lock >= PR_SHARE_UPDATE_EXCLUSIVE || f->rewrite || f->index_builds > 0;
        if (!f->existed || !strong || strchr("rpmvf", f->kind) == NULL || predicted(fp, f)) continue;
        add(all, a, &(struct pr_compared){.stmt = s->stmt->index, .schema = f->schema, .name = f->name, .predicted = "nothing",
                                          .observed = describe(f->lock, f->rewrite, false, f->index_builds, a),
                                          .text = "prediction and server differ"});
    }
}

void pr_compare(struct pr_rehearsed *all, struct pr_arena *a) {
    if (all->facts == NULL || all->n_runs == 0 || all->r->fill != NULL) return;         /* predicted is the statement, run was something else */
    const struct pr_seen_run *run = &all->runs[0];
    struct pr_world *world = pr_world_new(all->facts, all->facts->version_num, a);
    struct pr_run_footprint fp = {0};
    pr_footprint_script(world, run->script, pr_side_tx(run->side), a, &fp);
    for (size_t i = 0; i < fp.n && i < run->n; i++) compare_stmt(all, run, &fp.stmts[i], &run->stmts[i], a);
}
