/* block.c: who waits, for how long, and how bad that is. */
#include "rules/rules.h"

enum { DEFAULT_MAX_BLOCK_MS = 1000 };

static const struct pr_rel *rel_of(const struct pr_rule_ctx *c, const struct pr_effect *f) {
    return c->facts != NULL ? pr_find_rel(c->facts, f->schema, f->name) : NULL;
}

static bool is_empty(const struct pr_rule_ctx *c, const struct pr_effect *f) {
    if (f->rows == 0 && f->bytes == 0) return true;
    const struct pr_rel *r = rel_of(c, f);
    return r != NULL && r->kind != 'p' && r->rows_trusted && r->rows == 0;
}

static const char *work_of(const struct pr_effect *f) {
    if (f->rewrite) return "while the table is rewritten";
    if (f->index_builds > 0) return "while the index is built";
    if (f->scan) return "while every row is read";
    return "until it has its lock and is done";
}

static const char *size_of(const struct pr_effect *f, struct pr_arena *a) {
    if (f->rows >= 0 && f->bytes >= 0)
        return pr_fmt(a, "%s rows, %s", pr_human_count(a, f->rows), pr_human_bytes(a, f->bytes));
    if (f->bytes >= 0) return pr_human_bytes(a, f->bytes);
    if (f->rows >= 0) return pr_fmt(a, "%s rows", pr_human_count(a, f->rows));
    return "size not known";
}

static const char *span_of(struct pr_arena *a, int64_t low_us, int64_t high_us) {
    const char *low = pr_human_us(a, low_us), *high = pr_human_us(a, high_us);
    return pr_eq(low, high) ? pr_fmt(a, "about %s", high) : pr_fmt(a, "%s to %s", low, high);
}

bool pr_blocking_level(const struct pr_rule_ctx *c, const struct pr_effect *f, enum pr_level *level, bool *unknown,
                       const char **what) {
    if (f->own || f->created || !pr_lock_blocks_writers(f->lock) || is_empty(c, f)) return false;
    struct pr_arena *a = PR_A(c);
    const char *who = pr_lock_blocks_readers(f->lock) ? "readers and writers wait" : "writers wait";
    const char *head = pr_fmt(a, "%s: %s; %s lock; %s", pr_qualified(a, NULL, f->name), size_of(f, a),
                              pr_lock_name(f->lock), who);
    const char *why = f->why != NULL ? pr_fmt(a, " (%s)", f->why) : "";
    const int64_t max_ms = c->config != NULL ? c->config->max_block_ms : DEFAULT_MAX_BLOCK_MS;
    int64_t low = 0, high = 0;
    if (pr_effect_duration(f, NULL, &low, &high)) {
        *level = high > pr_sat_mul(max_ms, 1000) ? PR_ERROR : PR_NOTE;
        *unknown = false;
        *what = high > 0 ? pr_fmt(a, "%s %s %s%s.", head, span_of(a, low, high), work_of(f), why)
                         : pr_fmt(a, "%s %s%s.", head, work_of(f), why);
    } else {
        *level = PR_WARNING;
        *unknown = true;
        *what = pr_fmt(a, "%s %s%s.", head, work_of(f), why);
    }
    return true;
}
