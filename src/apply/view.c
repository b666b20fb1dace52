/* view.c: what the rehearsal's document (docs/schema/rehearsal.json) says, for the seam, the limits and the proof. */
#include "apply/flight.h"

static const json_t *run_of(const struct pr_flight *f) {
    size_t i = 0;
    json_t *o = NULL;
    if (!f->has_rehearsal) return NULL;
    json_array_foreach(pr_get(f->rehearsal.doc, "runs"), i, o)
        if (pr_eq(pr_get_str(o, "direction"), f->direction)) return o;
    return NULL;
}

int64_t pr_view_statement_us(const struct pr_flight *f, size_t i) {
    const json_t *s = json_array_get(pr_get(run_of(f), "statements"), i);
    return s == NULL ? -1 : pr_get_int(s, "elapsed_us");
}

int64_t pr_view_rows(const struct pr_flight *f, const char *schema, const char *name) {
    size_t i = 0;
    json_t *o = NULL;
    if (!f->has_rehearsal) return -1;
    json_array_foreach(pr_get(pr_get(f->rehearsal.doc, "parity"), "relations"), i, o)
        if (pr_eq(pr_get_str(o, "schema"), schema) && pr_eq(pr_get_str(o, "name"), name)) return pr_get_int(o, "staging_rows");
    return -1;
}

const char *pr_view_setting(const struct pr_flight *f, const char *key) {
    return f->has_rehearsal ? pr_get_str(pr_get(f->rehearsal.doc, "copy"), key) : NULL;
}

/* Up: the delta as it was seen. Down: the same the other way round, when the down was seen to restore all of it. */
size_t pr_view_delta(const struct pr_flight *f, const char ***out, bool *known) {
    const json_t *doc = f->has_rehearsal ? f->rehearsal.doc : NULL;
    const json_t *delta = pr_get(pr_get(doc, "verification"), "delta");
    *known = delta != NULL && f->rehearsal.passed && (!f->ask->down || pr_get_bool(pr_get(doc, "down"), "restores"));
    if (!*known) return 0;
    const size_t n = json_array_size(delta);
    *out = PR_NEW_ARRAY(f->a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const char *line = json_string_value(json_array_get(delta, i));
        PR_ASSERT(line != NULL && strlen(line) > 2);
        (*out)[i] = f->ask->down ? pr_fmt(f->a, "%c%s", line[0] == '+' ? '-' : '+', line + 1) : line;
    }
    return n;
}

const json_t *pr_view_stops(const struct pr_flight *f) {
    const json_t *fc = f->has_rehearsal && !f->ask->down && f->first_step == 0 ? pr_get(f->rehearsal.doc, "forecast") : NULL;
    return fc != NULL && pr_get_bool(fc, "known") ? pr_get(fc, "stops") : NULL;
}

struct pr_forecast pr_view_forecast(const struct pr_flight *f, size_t i) {
    const json_t *s = json_array_get(pr_get(run_of(f), "statements"), i);
    if (s != NULL && json_object_get(s, "forecast_low_us") != NULL)
        return (struct pr_forecast){.known = true, .low_us = pr_get_int(s, "forecast_low_us"), .high_us = pr_get_int(s, "forecast_high_us"), .why = "rehearsal"};
    struct pr_forecast sum = {.known = f->footprint.n > i, .why = "prediction"};
    for (size_t k = 0; sum.known && k < f->footprint.stmts[i].n; k++) {
        int64_t low = 0, high = 0;
        const struct pr_effect *x = &f->footprint.stmts[i].effects[k];
        if (!x->rewrite && !x->scan && x->index_builds == 0) continue;
        sum.known = pr_effect_duration(x, NULL, &low, &high);
        sum.low_us += low;
        sum.high_us += high;
    }
    return sum;
}
