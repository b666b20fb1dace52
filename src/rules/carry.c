#include "rules/carry.h"

#include "rules/review.h"

struct carrying { struct pr_room *to; size_t used; const struct pr_side *side; bool over; };

static void *take(struct carrying *c, size_t n, size_t align) {
    const size_t at = (c->used + align - 1) / align * align;
    if (c->over || at > c->to->size || n > c->to->size - at) {
        c->over = true;
        return NULL;
    }
    c->used = at + n;
    return c->to->bytes + at;
}

static const char *carried(struct carrying *c, const char *text) {
    if (text == NULL) return NULL;
    const size_t n = strlen(text) + 1;
    char *copy = take(c, n, 1);
    return copy != NULL ? memcpy(copy, text, n) : NULL;
}

/* Findings of one rule follow each other, and have its texts together. */
static const char *carried_again(struct carrying *c, const char *text, const char *last, const char *last_copy) {
    return text != NULL && text == last ? last_copy : carried(c, text);
}

static struct pr_finding finding_of(struct carrying *c, const struct pr_finding *f, const struct pr_finding *last, const struct pr_finding *last_copy) {
    struct pr_finding copy = *f;                            /* rule and family are names in tables */
    copy.path = pr_eq(f->path, c->side->path) ? c->side->path : carried(c, f->path);
    copy.source = carried(c, f->source);
    copy.fingerprint = carried(c, f->fingerprint);
    copy.title = carried_again(c, f->title, last->title, last_copy->title);
    copy.what = carried_again(c, f->what, last->what, last_copy->what);
    copy.safe_way = carried_again(c, f->safe_way, last->safe_way, last_copy->safe_way);
    copy.safe_sql = carried(c, f->safe_sql);
    copy.ignored = carried_again(c, f->ignored, last->ignored, last_copy->ignored);
    copy.fix = NULL;
    return copy;
}

static struct pr_findings findings_of(struct carrying *c, const struct pr_findings *from) {
    static const struct pr_finding none = {0};
    struct pr_finding *items = from->n > 0 ? take(c, from->n * sizeof *items, _Alignof(struct pr_finding)) : NULL;
    for (size_t i = 0; i < from->n && !c->over; i++)
        items[i] = finding_of(c, &from->items[i], i > 0 ? &from->items[i - 1] : &none, i > 0 ? &items[i - 1] : &none);
    return (struct pr_findings){.items = items, .n = from->n, .cap = from->n, .left_out = from->left_out};
}

/* sign and why are the table's. */
static struct pr_reviewed review_of(struct carrying *c, const struct pr_reviewed *from) {
    struct pr_reviewed copy = *from;
    copy.of = carried(c, from->of);
    struct pr_shown *shown = from->shown != NULL ? take(c, sizeof *shown, _Alignof(struct pr_shown)) : NULL;
    copy.shown = shown;
    if (shown == NULL) return copy;
    *shown = *from->shown;
    for (int i = 0; i < PR_SIGN_COUNT; i++) shown->of[i] = carried(c, from->shown->of[i]);
    return copy;
}

const struct pr_judged *pr_judged_carry(const struct pr_judged *from, const struct pr_side *side, struct pr_room *to) {
    struct carrying c = {.to = to, .used = to->used, .side = side};
    struct pr_judged *copy = take(&c, sizeof *copy, _Alignof(struct pr_judged));
    if (copy == NULL) return NULL;
    *copy = (struct pr_judged){.script = {.n = from->script.n, .n_unjudged = from->script.n_unjudged}, .review = review_of(&c, &from->review),
                               .findings = findings_of(&c, &from->findings), .hidden = findings_of(&c, &from->hidden)};
    memcpy(copy->counts, from->counts, sizeof copy->counts);
    if (c.over) return NULL;
    to->used = c.used;
    return copy;
}
