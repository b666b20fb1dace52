/* split.c: how many values have no separator, one, or several; and how long the parts would be. */
#include "profile/cast.h"

#define BLANKS "E' \\t\\r\\n\\f\\v'"
#define MOST_CHARS 10000

static const struct separator { const char *name, *text; bool last; } separators[] = {
    {"first-space", NULL, false}, {"last-space", NULL, true}, {"comma", ",", false}, {"semicolon", ";", false}, {"colon", ":", false},
    {"slash", "/", false}, {"dash", "-", false}, {"dot", ".", false}, {"pipe", "|", false}, {"at", "@", false}, {"tab", "\t", false}};

const char *const pr_profile_separators[] = {"first-space", "last-space", "comma", "semicolon", "colon", "slash", "dash", "dot", "pipe", "at", "tab", NULL};
static_assert(PR_COUNT(pr_profile_separators) == PR_COUNT(separators) + 1, "every separator has its word");

static const struct separator *separator_of(const char *by) {
    for (size_t i = 0; i < PR_COUNT(separators); i++)
        if (pr_eq(separators[i].name, by)) return &separators[i];
    PR_BUG("no such separator");
}

/* SQL over the text b: how many separators, and what stands on the two sides of the one that splits. */
struct sides { const char *text, *count, *left, *right; };

static struct sides sides_of(const struct pr_profile_run *p, const struct pr_profile_split *s, const char *b, struct pr_arena *a) {
    const struct separator *by = separator_of(s->by);
    const struct pr_data_col *c = pr_profile_col(p, s->spot.column);
    const char *x = pr_fmt(a, "left((%s)::text, %d) COLLATE \"C\"", pr_spot_sql(p, &s->spot, c->ident), MOST_CHARS);
    if (by->text == NULL)
        return (struct sides){
            .text = pr_fmt(a, "btrim(%s, " BLANKS ")", x),
            .count = pr_fmt(a, "(array_length(regexp_split_to_array(%s, '\\s+'), 1) - 1)", b),
            .left = pr_fmt(a, by->last ? "substring(%s FROM '^(.*)\\s+\\S+$')" : "substring(%s FROM '^\\S+')", b),
            .right = pr_fmt(a, by->last ? "substring(%s FROM '\\S+$')" : "substring(%s FROM '^\\S+\\s+(.*)$')", b)};
    const char *sep = pr_fmt(a, "%s::text", pr_quote_literal(a, by->text));
    return (struct sides){
        .text = x, .count = pr_fmt(a, "(length(%s) - length(replace(%s, %s, '')))", b, b, sep),
        .left = pr_fmt(a, "split_part(%s, %s, 1)", b, sep),
        .right = pr_fmt(a, "substr(%s, length(split_part(%s, %s, 1)) + 2)", b, b, sep)};
}

const char *pr_split_cond(const struct pr_profile_run *p, const struct pr_split_count *k, const char *what) {
    const struct sides raw = sides_of(p, k->split, "", p->a);
    const char *b = pr_fmt(p->a, "(%s)", raw.text);
    const struct sides s = sides_of(p, k->split, b, p->a);
    if (pr_eq(what, "empty")) return pr_fmt(p->a, "btrim(%s, " BLANKS ") = ''", b);
    if (pr_eq(what, "none")) return pr_fmt(p->a, "%s = 0 AND btrim(%s, " BLANKS ") <> ''", s.count, b);
    if (pr_eq(what, "several")) return pr_fmt(p->a, "%s > 1", s.count);
    return pr_fmt(p->a, "%s > 0 AND (btrim(%s, " BLANKS ") = '' OR btrim(%s, " BLANKS ") = '')", s.count, s.left, s.right);
}

static enum pr_code count_one(struct pr_profile_run *p, struct pr_split_count *k, size_t part, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    const struct sides s = sides_of(p, k->split, "b", a);
    const char *sql = pr_fmt(a, "SELECT count(*)::text, count(b)::text, (count(*) FILTER (WHERE btrim(b, " BLANKS ") = ''))::text,"
                                " (count(*) FILTER (WHERE n = 0 AND btrim(b, " BLANKS ") <> ''))::text, (count(*) FILTER (WHERE n = 1))::text,"
                                " (count(*) FILTER (WHERE n > 1))::text, (count(*) FILTER (WHERE n > 0 AND (btrim(l, " BLANKS ") = '' OR btrim(r, " BLANKS ") = '')))::text,"
                                " coalesce(max(length(l)), 0)::text, coalesce(max(length(r)), 0)::text"
                                " FROM (SELECT b, %s AS n, CASE WHEN %s > 0 THEN %s END AS l, CASE WHEN %s > 0 THEN %s END AS r FROM (SELECT %s AS b %s) AS s) AS s",
                             s.count, s.count, s.left, s.count, s.right, s.text, pr_part_from(p, part, a));
    struct pr_pg_rows row = {0};
    int64_t n[9] = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: split", sql, 9, a, &row, e));
    for (size_t i = 0; i < PR_COUNT(n); i++) PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, i), 0, INT64_MAX, &n[i], e));
    k->rows += n[0];
    k->nulls += n[0] - n[1];
    k->empty += n[2];
    k->none += n[3];
    k->one += n[4];
    k->several += n[5];
    k->hollow += n[6];
    if (n[7] > k->max_left) k->max_left = n[7];
    if (n[8] > k->max_right) k->max_right = n[8];
    if (n[2] > 0) pr_places_add(&k->empty_in, part);
    if (n[3] > 0) pr_places_add(&k->none_in, part);
    if (n[5] > 0) pr_places_add(&k->several_in, part);
    if (n[6] > 0) pr_places_add(&k->hollow_in, part);
    return PR_OK;
}

enum pr_code pr_splits_count(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    if (p->splits == NULL) p->splits = PR_NEW_ARRAY(p->a, struct pr_split_count, p->ask->n_splits);
    for (size_t i = 0; i < p->ask->n_splits; i++) {
        p->splits[i].split = &p->ask->splits[i];
        PR_TRY(e, count_one(p, &p->splits[i], part, e));
    }
    return PR_OK;
}
