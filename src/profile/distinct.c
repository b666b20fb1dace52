/* distinct.c: how many different values a column has: counted when all of it is read, estimated from a sample. */
#include "profile/impl.h"

static bool is_unique(const struct pr_rel *r, const char *col) {
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (x->unique && x->valid && !x->is_partial && !x->has_expressions && x->n_cols == 1 && pr_eq(x->cols[0], col)) return r->n_partitions == 0 || r->kind == 'p';
    }
    return false;
}

/* The estimator of Haas and Stokes that ANALYZE uses as well: n rows with d values of which f1 are seen once, out of N. It is made for rows
 * that are drawn one by one. Whole pages bring the neighbours along: of lines that lie with their invoice, hardly a number is seen once, and
 * those of the sample would pass for all that there are. So the pages in which a value is seen are what is counted then: where equal values
 * lie apart it comes to the same, and where they lie together each page stands for the pages that were not read.
 * Source  PostgreSQL, src/backend/commands/analyze.c, compute_scalar_stats; P. Haas, L. Stokes, Estimating the number of classes in a
 *         finite population (1998), and there Duj1 */
static int64_t estimate(int64_t n, int64_t d, int64_t f1, int64_t all) {
    if (all <= n || n <= 0) return d;
    const int64_t den = n - f1 + pr_scale(f1, n, all);
    const int64_t guess = den > 0 ? pr_scale(d, n, den) : all;
    return guess < d ? d : guess > all ? all : guess;
}

static enum pr_code count_one(struct pr_profile_run *p, struct pr_data_col *c, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    const char *small = c->cls == PR_DATA_TEXT ? pr_fmt(a, " AND octet_length(%s::text) <= %d", c->ident, PR_BIG_VALUE) : "";
    const bool sample = p->way == PR_WAY_SAMPLE, by_page = sample && !p->ask->bernoulli && p->whole_select;
    const char *places = by_page ? "count(DISTINCT t.tableoid::bigint * 4294967296 + (t.ctid::text::point)[0]::bigint)" : "count(*)";
    const char *sql = pr_fmt(a, "SELECT count(*)::text, (count(*) FILTER (WHERE n = 1))::text, coalesce(max(n), 0)::text, coalesce(sum(places), 0)::text, "
                                "(count(*) FILTER (WHERE places = 1))::text FROM (SELECT count(*) AS n, %s AS places %s WHERE %s IS NOT NULL%s GROUP BY %s) AS s",
                             places, pr_all_from(p, a), c->ident, small, c->ident);
    struct pr_pg_rows row = {0};
    int64_t n = 0, d = 0, f1 = 0;
    PR_TRY(e, pr_profile_ask_rows(p, "profile: different values", sql, 5, a, &row, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, 0), 0, INT64_MAX, &d, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, 1), 0, INT64_MAX, &c->once, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, 2), 0, INT64_MAX, &c->top, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, 3), 0, INT64_MAX, &n, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, 4), 0, INT64_MAX, &f1, e));
    c->different = sample ? estimate(n, d, f1, pr_scale(p->ask->rel->rows, n, p->rows)) : d;
    c->distinct = sample ? PR_DISTINCT_SAMPLE : PR_DISTINCT_EXACT;
    return PR_OK;
}

static bool is_counted(const struct pr_data_col *c) {
    return c->wanted && c->groupable && c->cls != PR_DATA_JSONB && c->cls != PR_DATA_BYTEA && c->cls != PR_DATA_BOOL && c->counts[PR_C_VALUES] > 0;
}

enum pr_code pr_distinct_count(struct pr_profile_run *p, struct pr_err *e) {
    for (size_t i = 0; i < p->n_cols; i++) {
        struct pr_data_col *c = &p->cols[i];
        if (!is_counted(c)) continue;
        if (is_unique(p->ask->rel, c->name)) {
            c->distinct = PR_DISTINCT_UNIQUE;
            continue;
        }
        pr_profile_show(p, pr_fmt(p->a, "different values of %s", c->name));
        PR_TRY(e, pr_parts_begin(p, e));
        const enum pr_code code = count_one(p, c, e);
        if (code != PR_OK) {
            pr_parts_abort(p);
            return code;
        }
        PR_TRY(e, pr_parts_end(p, e));
    }
    return PR_OK;
}
