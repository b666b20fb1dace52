/* settings.c: reading and writing what settings.h declares. */
#include "backfill/settings.h"

#define AUTO "auto"

const struct pr_bf_tunable pr_bf_tunables[] = {
#define X(FIELD, KEY, FORM, LEAST, MOST, FALLBACK, EXPECTED, HELP) \
    {.field = #FIELD, .key = KEY, .form = PR_BF_##FORM, .least = LEAST, .most = MOST, .fallback = FALLBACK, .expected = EXPECTED, .help = HELP},
    PR_BF_TUNABLES(X)
#undef X
};
const size_t pr_n_bf_tunables = PR_COUNT(pr_bf_tunables);
static_assert(sizeof(struct pr_bf_tuning) == PR_COUNT(pr_bf_tunables) * sizeof(int64_t), "a tuning is its fields in order");
static_assert(sizeof(struct pr_bf_texts) == PR_COUNT(pr_bf_tunables) * sizeof(const char *), "so are the texts");

int64_t *pr_bf_tuning_at(struct pr_bf_tuning *t, size_t i) { return (int64_t *)(void *)t + i; }

static int64_t at(const struct pr_bf_tuning *t, size_t i) { return ((const int64_t *)(const void *)t)[i]; }

/* "50MB", "500kB", "0": powers of 1024, as PostgreSQL's settings have them. */
static enum pr_code read_size(const char *text, int64_t *out, struct pr_err *e) {
    static const struct { const char *unit; int64_t bytes; } units[] = {
        {"", 1}, {"B", 1}, {"kB", 1 << 10}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", INT64_C(1) << 40}};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 16);
    const size_t digits = strspn(text, "0123456789");
    const char *unit = pr_trim(a, text + digits);
    int64_t v = 0;
    PR_TRY(e, pr_parse_i64(pr_dupn(a, text, digits), 0, INT64_MAX, &v, e));
    for (size_t i = 0; i < PR_COUNT(units); i++) {
        if (!pr_eq(unit, units[i].unit)) continue;
        *out = pr_sat_mul(v, units[i].bytes);
        return PR_OK;
    }
    return PR_FAIL(e, PR_ERR_USAGE, "no such unit");
}

static enum pr_code read_rate(const char *text, int64_t *out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 16);
    return read_size(pr_ends(text, "/s") ? pr_dupn(a, text, strlen(text) - 2) : text, out, e);
}

static enum pr_code read_form(const struct pr_bf_tunable *s, const char *text, int64_t *out, struct pr_err *e) {
    bool yes = false;
    switch (s->form) {
    case PR_BF_NUMBER:
        if (pr_eq(text, AUTO) && pr_eq(s->fallback, AUTO)) *out = PR_BF_AS_IS;
        return pr_eq(text, AUTO) && pr_eq(s->fallback, AUTO) ? PR_OK : pr_parse_i64(text, s->least, s->most, out, e);
    case PR_BF_TIME: return pr_parse_duration(text, s->least, s->most, out, e);
    case PR_BF_RATE: return read_rate(text, out, e);
    case PR_BF_SIZE: return read_size(text, out, e);
    case PR_BF_FLAG:
        PR_TRY(e, pr_parse_bool(text, &yes, e));
        *out = yes;
        return PR_OK;
    }
    PR_BUG("a setting of a form that nobody reads");
}

enum pr_code pr_bf_value(const struct pr_bf_tunable *s, const char *text, int64_t *out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 16);
    struct pr_err ignored = {0};
    int64_t v = 0;
    if (strlen(text) > 60 || read_form(s, text, &v, &ignored) != PR_OK || (v != PR_BF_AS_IS && (v < s->least || v > s->most)))
        return PR_FAIL(e, PR_ERR_USAGE, "expected %s, got \"%s\"", s->expected, pr_printable(a, text, 60));
    *out = v;
    return PR_OK;
}

struct pr_bf_tuning pr_bf_tuning_fallback(void) {
    struct pr_bf_tuning t = {0};
    struct pr_err e = {0};
    for (size_t i = 0; i < PR_COUNT(pr_bf_tunables); i++) {
        const struct pr_bf_tunable *s = &pr_bf_tunables[i];
        if (pr_bf_value(s, s->fallback, pr_bf_tuning_at(&t, i), &e) != PR_OK) PR_BUG("the default of a setting is not in its own range");
    }
    return t;
}

enum pr_code pr_bf_wish_read(const struct pr_bf_texts *given, struct pr_bf_tuning *wish, struct pr_err *e) {
    const char *const *texts = (const char *const *)(const void *)given;
    struct pr_bf_tuning w = {0};
    for (size_t i = 0; i < PR_COUNT(pr_bf_tunables); i++) {
        *pr_bf_tuning_at(&w, i) = PR_BF_AS_IS;
        if (texts[i] != NULL && pr_bf_value(&pr_bf_tunables[i], texts[i], pr_bf_tuning_at(&w, i), e) != PR_OK) return pr_prefix(e, "--%s", pr_bf_tunables[i].key);
    }
    *wish = w;
    return PR_OK;
}

void pr_bf_wish_apply(const struct pr_bf_tuning *wish, struct pr_bf_tuning *t) {
    for (size_t i = 0; i < PR_COUNT(pr_bf_tunables); i++)
        if (at(wish, i) != PR_BF_AS_IS) *pr_bf_tuning_at(t, i) = at(wish, i);
}

json_t *pr_bf_tuning_json(const struct pr_bf_tuning *t) {
    json_t *o = json_object();
    for (size_t i = 0; i < PR_COUNT(pr_bf_tunables); i++) {
        if (pr_bf_tunables[i].form == PR_BF_FLAG) pr_set_bool(o, pr_bf_tunables[i].field, at(t, i) != 0);
        else pr_set_int(o, pr_bf_tunables[i].field, at(t, i));
    }
    return o;
}

static int64_t within(const struct pr_bf_tunable *s, int64_t v) { return v < s->least ? s->least : v > s->most ? s->most : v; }

enum pr_code pr_bf_tuning_read(const char *json, struct pr_bf_tuning *out, struct pr_err *e) {
    struct pr_bf_tuning t = pr_bf_tuning_fallback();
    json_t *o PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_json_parse("settings of the backfill", json, strlen(json), &o, e));
    for (size_t i = 0; i < PR_COUNT(pr_bf_tunables); i++) {
        const json_t *v = json_object_get(o, pr_bf_tunables[i].field);
        if (json_is_integer(v)) *pr_bf_tuning_at(&t, i) = within(&pr_bf_tunables[i], json_integer_value(v));
        else if (json_is_boolean(v)) *pr_bf_tuning_at(&t, i) = json_is_true(v);
        else if (at(&t, i) == PR_BF_AS_IS) *pr_bf_tuning_at(&t, i) = 0;
    }
    *out = t;
    return PR_OK;
}
