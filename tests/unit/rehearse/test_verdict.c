/* Forecast and verdict of runs that are made up: what was held how long, by what it grows, and which reasons follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rehearse/inside.h"

#define SECOND ((int64_t)1000000)

struct world {
    struct pr_arena *a;
    struct pr_config config;
    struct pr_rehearse r;
    struct pr_rehearsed all;
    struct pr_stmt sql;
    struct pr_seen_stmt stmt;
    struct pr_seen_effect effect;
    struct pr_span spans[4];
    struct pr_parity_rel rel;
    struct pr_facts facts;
    struct pr_rel fact;
    struct pr_side side;
};

/* One statement of two seconds that builds an index on public.t under SHARE; production has twice as many rows. */
static struct world *make(void) {
    struct pr_arena *a = pr_arena_new(PR_CAP_FILE);
    struct world *w = PR_NEW(a, struct world);
    w->a = a;
    w->config.max_block_ms = 1000;
    w->r.config = &w->config;
    w->all.r = &w->r;
    w->sql.tag = "CREATE INDEX";
    w->side.path = "up.sql";
    w->effect = (struct pr_seen_effect){.schema = "public", .name = "t", .kind = 'r', .lock = PR_SHARE, .existed = true, .index_builds = 1};
    w->stmt = (struct pr_seen_stmt){.stmt = &w->sql, .ran = true, .in_tx = true, .exact = true, .elapsed_us = 2 * SECOND,
                                    .effects = &w->effect, .n_effects = 1};
    w->spans[0] = (struct pr_span){.oid = 1, .to_us = 2 * SECOND, .mode = PR_SHARE, .exact = true, .existed = true, .schema = "public",
                                   .name = "t", .table_schema = "public", .table = "t", .kind = 'r'};
    w->rel = (struct pr_parity_rel){.schema = "public", .name = "t", .rows = 2000000, .staging_rows = 1000000, .bytes = 150, .staging_bytes = 100,
                                    .same = true};
    w->fact = (struct pr_rel){.schema = "public", .name = "t", .kind = 'r', .rows = 2000000};
    w->facts = (struct pr_facts){.rels = &w->fact, .n_rels = 1};
    w->all.target_facts = &w->facts;
    w->all.parity = (struct pr_parity){.known = true, .rels = &w->rel, .n_rels = 1};
    w->all.runs[0] = (struct pr_seen_run){.direction = "up", .side = &w->side, .stmts = &w->stmt, .n = 1, .ok = true,
                                          .spans = {.items = w->spans, .n = 1}, .elapsed_us = 2 * SECOND};
    w->all.n_runs = 1;
    w->all.down.n = 1;
    return w;
}

static void judge(struct world *w) {
    pr_forecast_make(&w->all, w->a);
    pr_verdict_make(&w->all, w->a);
}

static const struct pr_reason *reason(const struct world *w, const char *code) {
    for (size_t i = 0; i < w->all.n_reasons; i++)
        if (pr_eq(w->all.reasons[i].code, code)) return &w->all.reasons[i];
    return NULL;
}

static void growing_work_is_scaled(void **state) {
    (void)state;
    struct world *w = make();
    judge(w);
    assert_int_equal(w->all.forecast.n_stops, 1);
    const struct pr_stop *s = &w->all.forecast.stops[0];
    assert_int_equal(s->writers_us, 2 * SECOND);
    assert_int_equal(s->readers_us, 0);
    assert_int_equal(s->writers_low_us, 4 * SECOND);
    assert_int_equal(s->writers_high_us, 18 * SECOND);
    const struct pr_reason *r = reason(w, "writers-blocked");
    assert_non_null(r);
    assert_non_null(r->mend);
    assert_non_null(strstr(r->text, "4.00 s to 18.0 s"));
    assert_null(reason(w, "readers-blocked"));
    pr_arena_free(w->a);
}

static void a_longer_limit_lets_it_pass(void **state) {
    (void)state;
    struct world *w = make();
    w->config.max_block_ms = 18000;
    judge(w);
    assert_int_equal(w->all.n_reasons, 0);
    pr_arena_free(w->a);
}

/* Two modes, one after the other without a gap, are one stop; a gap makes two, of which the longer counts. */
static void stops_are_joined(void **state) {
    (void)state;
    struct world *w = make();
    w->spans[1] = w->spans[0];
    w->spans[1].mode = PR_ACCESS_EXCLUSIVE;
    w->spans[1].from_us = SECOND;
    w->spans[1].to_us = 3 * SECOND;
    w->spans[2] = w->spans[0];
    w->spans[2].from_us = 4 * SECOND;
    w->spans[2].to_us = 5 * SECOND;
    w->all.runs[0].spans.n = 3;
    judge(w);
    assert_int_equal(w->all.forecast.n_stops, 1);
    assert_int_equal(w->all.forecast.stops[0].writers_us, 3 * SECOND);
    assert_int_equal(w->all.forecast.stops[0].readers_us, 2 * SECOND);
    assert_non_null(reason(w, "readers-blocked"));
    pr_arena_free(w->a);
}

static void own_tables_and_weak_locks_stop_nobody(void **state) {
    (void)state;
    struct world *w = make();
    w->spans[0].existed = false;
    w->spans[1] = w->spans[0];
    w->spans[1].existed = true;
    w->spans[1].mode = PR_SHARE_UPDATE_EXCLUSIVE;
    w->all.runs[0].spans.n = 2;
    judge(w);
    assert_int_equal(w->all.forecast.n_stops, 0);
    assert_int_equal(w->all.n_reasons, 0);
    pr_arena_free(w->a);
}

static void an_index_stops_its_table(void **state) {
    (void)state;
    struct world *w = make();
    w->spans[0].name = "t_pkey";
    w->spans[0].kind = 'i';
    w->spans[0].mode = PR_ACCESS_EXCLUSIVE;
    judge(w);
    assert_string_equal(w->all.forecast.stops[0].name, "t");
    assert_int_equal(w->all.forecast.stops[0].readers_us, 2 * SECOND);
    pr_arena_free(w->a);
}

static void parity_reasons(void **state) {
    (void)state;
    static const struct { int64_t rows, staging; bool same, missing; const char *code; } cases[] = {
        {5000000, 1000000, true, false, NULL},           {5000001, 1000000, true, false, "parity-rows"},
        {2000000, 99999, true, false, "parity-rows"},    {50000, 10, true, false, NULL},
        {1000000, 1000000, false, false, "parity-schema"}, {1000000, 1000000, true, true, "parity-schema"},
        {3000000, 0, true, false, "parity-rows"},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct world *w = make();
        w->config.max_block_ms = INT64_C(1000000000);
        w->rel.rows = w->fact.rows = cases[i].rows;
        w->rel.staging_rows = cases[i].staging;
        w->rel.same = cases[i].same;
        w->rel.missing = cases[i].missing;
        judge(w);
        assert_int_equal(w->all.n_reasons, cases[i].code != NULL ? 1 : 0);
        if (cases[i].code != NULL) assert_non_null(reason(w, cases[i].code));
        pr_arena_free(w->a);
    }
}

static void unknown_production_is_a_reason(void **state) {
    (void)state;
    struct world *w = make();
    w->all.parity = (struct pr_parity){.why = "no answer"};
    judge(w);
    assert_non_null(strstr(reason(w, "parity-unknown")->text, "no answer"));
    assert_non_null(strstr(reason(w, "writers-blocked")->text, "production is not known"));
    assert_false(w->all.forecast.known);
    pr_arena_free(w->a);
}

static void failures_and_losses(void **state) {
    (void)state;
    struct world *w = make();
    const char *lost[] = {"- column public.t.note"};
    w->config.max_block_ms = INT64_C(1000000000);
    w->stmt.failed = true;
    w->stmt.sqlstate = "42703";
    w->stmt.problem = "column \"x\" does not exist";
    w->stmt.nearest = "the nearest is y";
    w->stmt.problem_line = 3;
    w->side.first_line = 10;
    w->all.runs[0].ok = false;
    w->all.runs[0].left_half = true;
    w->all.lost = lost;
    w->all.n_lost = 1;
    judge(w);
    assert_non_null(strstr(reason(w, "statement-failed")->text, "up.sql:12"));
    assert_string_equal(reason(w, "statement-failed")->mend, "the nearest is y");
    assert_non_null(reason(w, "left-half"));
    assert_non_null(reason(w, "down-differs"));
    w->all.n_reasons = 0;
    w->all.loss_note = "the notes";
    judge(w);
    assert_null(reason(w, "down-differs"));
    pr_arena_free(w->a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_work_is_scaled),      cmocka_unit_test(a_longer_limit_lets_it_pass),
        cmocka_unit_test(stops_are_joined),            cmocka_unit_test(own_tables_and_weak_locks_stop_nobody),
        cmocka_unit_test(an_index_stops_its_table),    cmocka_unit_test(parity_reasons),
        cmocka_unit_test(unknown_production_is_a_reason), cmocka_unit_test(failures_and_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
