/* patterns.c: the forms of texts, worked out here from their first characters, and how often each label of an enum occurs. */
#include "profile/impl.h"

#define FIRST_CHARS 65                          /* one more than a pattern tells of, so that it knows that there is more */
#define BYTES_AT_ONCE ((int64_t)64 << 20)
#define MOST_ROWS 1000000                       /* of one statement; of a view more are not looked at */
#define ROWS_A_SCRATCH 10000
#define NO_BYTES "regexp_replace(%s COLLATE \"C\", '[^\\x01-\\x7f]', '?', 'g')"    /* of SQL_ASCII only what is ASCII can be read */

struct pr_tally *pr_tally_new(struct pr_arena *a, size_t most) {
    struct pr_tally *t = PR_NEW(a, struct pr_tally);
    t->map.a = a;
    t->most = most < PR_COUNT(t->items) ? most : PR_COUNT(t->items);
    return t;
}

void pr_tally_add(struct pr_tally *t, const char *text, int64_t n) {
    t->seen += n;
    struct pr_tally_item *item = pr_map_get(&t->map, NULL, text);
    if (item == NULL && t->n == t->most) {
        t->other += n;
        return;
    }
    if (item == NULL) {
        item = PR_NEW(t->map.a, struct pr_tally_item);
        item->text = pr_dup(t->map.a, text);
        *pr_map_at(&t->map, NULL, item->text) = item;
        t->items[t->n++] = item;
    }
    item->n += n;
}

static int by_count(const void *x, const void *y) {
    const struct pr_tally_item *const *a = x, *const *b = y;
    if ((*a)->n != (*b)->n) return (*a)->n > (*b)->n ? -1 : 1;
    return strcmp((*a)->text, (*b)->text);
}

void pr_tally_sort(struct pr_tally *t) { qsort(t->items, t->n, sizeof t->items[0], by_count); }

void pr_places_add(struct pr_places *p, size_t part) {
    for (size_t i = 0; i < p->n; i++)
        if (p->part[i] == part) return;
    if (p->n < PR_MOST_KEYS) p->part[p->n++] = part;
}

/* Adds the patterns of rows from..to. */
static void add_patterns(const struct pr_pg_rows *rows, int from, int to, struct pr_data_col *const *cols, size_t n, locale_t utf8) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)512 << 20);
    for (int r = from; r < to; r++)
        for (size_t i = 0; i < n; i++) {
            const char *cell = PR_CELL(rows, r, i);
            if (cell != NULL) pr_tally_add(cols[i]->patterns, pr_mask_in(utf8, a, cell), 1);
        }
}

static enum pr_code count_texts(struct pr_profile_run *p, size_t part, struct pr_data_col *const *cols, size_t n, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)512 << 20);
    locale_t utf8 PR_CLEANUP(pr_mask_closep) = pr_mask_open();
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < n; i++) {
        const char *first = pr_fmt(a, "left(%s::text, %d)", cols[i]->ident, FIRST_CHARS);
        pr_addf(&b, "%s%s", i > 0 ? ", " : "SELECT ", p->no_encoding ? pr_fmt(a, NO_BYTES, first) : first);
    }
    pr_addf(&b, " %s LIMIT %d", pr_part_from(p, part, a), MOST_ROWS);
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: patterns", pr_buf_text(&b), (int)n, a, &rows, e));
    for (int r = 0; r < rows.n_rows; r += ROWS_A_SCRATCH)
        add_patterns(&rows, r, r + ROWS_A_SCRATCH < rows.n_rows ? r + ROWS_A_SCRATCH : rows.n_rows, cols, n, utf8);
    return PR_OK;
}

/* Texts of as many columns at a time as keep the answer small. */
static enum pr_code all_texts(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    const int64_t rows = p->way == PR_WAY_SAMPLE ? p->aimed * 2 : p->way == PR_WAY_ONE && p->rows > 0 ? p->rows : p->part_rows;
    const int64_t fit = BYTES_AT_ONCE / (rows * 80);
    const size_t most = fit < 1 ? 1 : fit > 60 ? 60 : (size_t)fit;
    struct pr_data_col *some[60];
    size_t n = 0;
    for (size_t i = 0; i < p->n_cols; i++) {
        struct pr_data_col *c = &p->cols[i];
        if (!c->wanted || c->cls != PR_DATA_TEXT) continue;
        if (c->patterns == NULL) c->patterns = pr_tally_new(p->a, 400000 / p->n_cols + 50);
        some[n++] = c;
        if (n < most) continue;
        PR_TRY(e, count_texts(p, part, some, n, e));
        n = 0;
    }
    return n > 0 ? count_texts(p, part, some, n, e) : PR_OK;
}

static enum pr_code count_labels(struct pr_profile_run *p, size_t part, struct pr_data_col *c, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)16 << 20);
    const char *sql = pr_fmt(a, "SELECT x::text, n::text FROM (SELECT %s AS x, count(*) AS n %s GROUP BY 1) AS s WHERE x IS NOT NULL ORDER BY n DESC LIMIT 1000",
                             c->ident, pr_part_from(p, part, a));
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: labels", sql, 2, a, &rows, e));
    if (c->patterns == NULL) c->patterns = pr_tally_new(p->a, 1000);
    for (int r = 0; r < rows.n_rows; r++) pr_tally_add(c->patterns, PR_CELL(&rows, r, 0), strtoll(PR_CELL(&rows, r, 1), NULL, 10));
    return PR_OK;
}

enum pr_code pr_patterns_count(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    for (size_t i = 0; i < p->n_cols; i++)
        if (p->cols[i].wanted && p->cols[i].cls == PR_DATA_ENUM) PR_TRY(e, count_labels(p, part, &p->cols[i], e));
    return all_texts(p, part, e);
}
