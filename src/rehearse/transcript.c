/* transcript.c: the lines that a careful operator would write. */
#include "rehearse/inside.h"

#define TABLES_TOLD 4

void pr_tell_before(const struct pr_rig *rig, const struct pr_seen_stmt *s) {
    const struct pr_talk *t = rig->r->talk;
    const struct pr_seen_run *run = rig->run;
    pr_say(t, PR_LINE_STEP, "%s, statement %d of %zu (line %d)", run->direction, s->stmt->index + 1, run->n, s->stmt->line);
    pr_say_code(t, rig->a, pr_stmt_shown(s->stmt, rig->a), 40);
}

const char *pr_stop_words(enum pr_lock mode, int64_t held_us, struct pr_arena *a) {
    const char *held = pr_human_us(a, held_us);
    if (pr_lock_blocks_readers(mode)) return pr_fmt(a, "readers and writers stopped %s", held);
    if (pr_lock_blocks_writers(mode)) return pr_fmt(a, "writers stopped %s, readers went on", held);
    return "readers and writers went on";
}

/* An index whose table is held as strongly says nothing new. */
static bool told_by_table(const struct pr_spans *spans, const struct pr_span *s) {
    for (size_t j = 0; j < spans->n; j++) {
        const struct pr_span *other = &spans->items[j];
        if (other->oid != s->oid && pr_eq(other->name, s->table) && pr_eq(other->schema, s->table_schema) && other->mode >= s->mode &&
            other->from_us <= s->to_us && other->to_us >= s->from_us)
            return true;
    }
    return false;
}

/* Only what others would feel, and the strongest mode of a relation: the weaker ones come along with it. */
static bool worth_telling(const struct pr_spans *spans, size_t i) {
    const struct pr_span *s = &spans->items[i];
    if (s->name == NULL || !s->existed || s->to_us < 0 || s->mode < PR_ROW_EXCLUSIVE || s->kind == 't') return false;
    if ((s->kind == 'i' || s->kind == 'I') && (s->mode < PR_SHARE_UPDATE_EXCLUSIVE || told_by_table(spans, s))) return false;
    if (pr_starts(s->schema, "pg_toast")) return false;
    for (size_t j = 0; j < spans->n; j++) {
        const struct pr_span *other = &spans->items[j];
        if (j == i || other->oid != s->oid || other->to_us < s->from_us || other->from_us > s->to_us) continue;
        if (other->mode > s->mode || (other->mode == s->mode && j < i && other->stmt == s->stmt)) return false;
    }
    return true;
}

static const char *kind_word(char kind) {
    return kind == 'i' || kind == 'I' ? "index" : kind == 'v' || kind == 'm' ? "view" : kind == 'S' ? "sequence" : "table";
}

void pr_tell_locks(struct pr_rig *rig) {
    const struct pr_spans *spans = &rig->run->spans;
    int told = 0, more = 0;
    for (size_t i = rig->told_spans; i < spans->n; i++) {
        const struct pr_span *s = &spans->items[i];
        if (!worth_telling(spans, i)) continue;
        if (told++ >= 12) {
            more++;
            continue;
        }
        const int64_t held = s->to_us - s->from_us;
        pr_say(rig->r->talk, pr_lock_blocks_writers(s->mode) && held >= rig->r->config->max_block_ms * 1000 ? PR_LINE_WARN : PR_LINE_FACT,
               "%s on %s %s.%s, held %s%s: %s", pr_lock_name(s->mode), kind_word(s->kind),
               s->schema, s->name, s->exact ? "" : "about ", pr_human_us(rig->a, held), pr_stop_words(s->mode, held, rig->a));
    }
    rig->told_spans = spans->n;
    if (more > 0) pr_say(rig->r->talk, PR_LINE_FACT, "and locks on %s more", pr_plural(rig->a, more, "relation"));
}

static void tell_failure(const struct pr_rig *rig, const struct pr_seen_stmt *s) {
    const struct pr_talk *t = rig->r->talk;
    pr_say(t, PR_LINE_BAD, "halted after %s: %s%s%s", pr_human_us(rig->a, s->elapsed_us), s->sqlstate, s->sqlstate[0] != '\0' ? ": " : "",
           s->problem);
    if (s->problem_line > 0) pr_say(t, PR_LINE_BAD, "at %s:%d", rig->run->side->path, rig->run->side->first_line + s->problem_line - 1);
    if (s->hint != NULL) pr_say(t, PR_LINE_PLAIN, "   %s", s->hint);
    pr_say(t, PR_LINE_PLAIN, "   nothing ran after it");
}

static void tell_effect(const struct pr_rig *rig, const struct pr_seen_effect *f) {
    const struct pr_talk *t = rig->r->talk;
    const char *before = pr_human_bytes(rig->a, f->bytes_before), *after = pr_human_bytes(rig->a, f->bytes_after);
    if (f->dropped) {
        pr_say(t, PR_LINE_FACT, "%s %s.%s is gone, %s", kind_word(f->kind), f->schema, f->name, before);
        return;
    }
    struct pr_buf what = {.a = rig->a};
    if (f->rewrite) pr_add(&what, "rewritten");
    if (f->index_builds > 0)
        pr_addf(&what, "%s%s built", what.len > 0 ? ", " : "", pr_plural(what.a, f->index_builds, "index"));
    if (f->scan && what.len == 0) pr_add(&what, "scanned");
    pr_say(t, PR_LINE_FACT, "%s.%s: %s; %s before, %s after", f->schema, f->name, pr_buf_text(&what), before, after);
}

static void tell_effects(const struct pr_rig *rig, const struct pr_seen_stmt *s) {
    int told = 0;
    for (size_t i = 0; i < s->n_effects && told < TABLES_TOLD; i++) {
        const struct pr_seen_effect *f = &s->effects[i];
        if (!f->existed || !(f->rewrite || f->index_builds > 0 || f->scan || f->dropped)) continue;
        tell_effect(rig, f);
        told++;
    }
}

void pr_tell_stmt(const struct pr_rig *rig, const struct pr_seen_stmt *s) {
    const struct pr_talk *t = rig->r->talk;
    for (size_t i = 0; i < s->n_notices && i < 5; i++) pr_say(t, PR_LINE_PLAIN, "   %s", s->notices[i]);
    if (s->failed) {
        tell_failure(rig, s);
        return;
    }
    const bool counts = s->rows >= 0 && s->rows != 0;
    pr_say(t, PR_LINE_FACT, "%s in %s%s%s, WAL %s", s->tag, pr_human_us(rig->a, s->elapsed_us), counts ? ", rows " : "",
           counts ? pr_human_count(rig->a, s->rows) : "", pr_human_bytes(rig->a, s->wal_bytes));
    tell_effects(rig, s);
}
