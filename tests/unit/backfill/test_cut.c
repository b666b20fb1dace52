/* What a statement is cut into, read with one's own eyes: the texts, the way, and that the tree in between is put back. Against real
 * servers all of them run in tests/server/test_backfill_cut.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backfill/backfill.h"
#include "footprint/footprint.h"

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)

static const char schema[] =
    "CREATE TABLE items (id bigint PRIMARY KEY, doc jsonb, rate numeric(5,2), note text, done boolean NOT NULL DEFAULT false, plain json);"
    "CREATE TABLE orders (a integer, b text, item bigint, rate numeric, PRIMARY KEY (a, b));"
    "CREATE TABLE parts (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id);"
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);";
static const struct pr_bf_look looks[] = {
    {.schema = "public", .table = "items", .column = "id", .correlation_permille = 1000, .rows_per_page = 40},
    {.schema = "public", .table = "orders", .column = "a", .correlation_permille = 900, .rows_per_page = 40},
};

/* Facts as the schema leaves them, on a server of that version. */
static const struct pr_facts *facts_of(struct pr_arena *a, int version) {
    static const char *const path[] = {"public"};
    struct pr_facts *empty = PR_NEW(a, struct pr_facts);
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    struct pr_run_footprint run = {0};
    *empty = (struct pr_facts){.version_num = version, .whole = true, .time_zone = "UTC", .search_path = path, .n_search_path = 1};
    struct pr_world *w = pr_world_new(empty, version, a);
    assert_int_equal(pr_script_parse(schema, strlen(schema), a, &s, &e), PR_OK);
    pr_footprint_script(w, &s, PR_TX_EACH, a, &run);
    return pr_world_whole(w);
}

static enum pr_code cut_of(struct pr_arena *a, const char *text, struct pr_bf_cut *out, struct pr_err *e) {
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    assert_int_equal(pr_bf_file_parse("0001_x.backfill.sql", text, strlen(text), a, &f, e), PR_OK);
    return pr_bf_cut(&f, facts_of(a, 180000), looks, PR_COUNT(looks), a, out, e);
}

static const struct pr_bf_walk *walk_of(struct pr_arena *a, const char *text) {
    struct pr_bf_cut c = {0};
    struct pr_err e = {0};
    if (cut_of(a, text, &c, &e) != PR_OK) fail_msg("%s: %s", text, e.msg);
    return &c.walks[0];
}

/* The range goes into the DELETE; what a batch runs counts both tables. */
static void deleted_rows_that_are_kept(void **state) {
    (void)state;
    ARENA(a);
    struct pr_bf_cut c = {0};
    struct pr_err e = {0};
    assert_int_equal(cut_of(a, "WITH gone AS (DELETE FROM items AS o WHERE o.done RETURNING o.id, note) INSERT INTO orders (item, b) SELECT id, note FROM gone", &c, &e), PR_OK);
    assert_int_equal(c.kind, PR_BF_DELETE);
    assert_string_equal(c.target, "public.items");
    assert_string_equal(c.keeper, "public.orders");
    assert_string_equal(c.statement, "WITH gone AS (DELETE FROM public.items o WHERE o.done RETURNING o.id, note) INSERT INTO public.orders (item, b) SELECT id, note FROM gone");
    const struct pr_bf_walk *w = &c.walks[0];
    assert_string_equal(w->batch.next, "WITH gone AS (DELETE FROM public.items o WHERE o.done AND o.id > $1::bigint AND o.id <= $2::bigint RETURNING o.id, note), "
                                       "pgrail_kept AS (INSERT INTO public.orders (item, b) SELECT id, note FROM gone RETURNING 1) "
                                       "SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM pgrail_kept)");
    assert_string_equal(w->left.first, "SELECT count(*) FROM public.items o WHERE o.done AND o.id <= $1::bigint");
    assert_non_null(w->sweep.next);
    assert_int_equal(c.n_notes, 4);                         /* of four columns that nobody keeps */
    assert_int_equal(cut_of(a, "DELETE FROM items WHERE done RETURNING id", &c, &e), PR_ERR_REFUSED);
    assert_non_null(strstr(e.hint, "WITH gone AS (DELETE"));
}

static void the_texts_of_a_walk(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "UPDATE items SET rate = (doc ->> 'rate')::numeric WHERE rate IS NULL OR note = ''");
    assert_int_equal(w->way, PR_BF_STRIDED);
    assert_string_equal(w->full, "public.items");
    assert_string_equal(w->batch.first, "UPDATE public.items SET rate = (doc ->> 'rate')::numeric WHERE (rate IS NULL OR note = '') AND items.id <= $1::bigint");
    assert_string_equal(w->batch.next, "UPDATE public.items SET rate = (doc ->> 'rate')::numeric WHERE (rate IS NULL OR note = '') AND items.id > $1::bigint AND items.id <= $2::bigint");
    assert_string_equal(w->some, "UPDATE public.items SET rate = (doc ->> 'rate')::numeric WHERE (rate IS NULL OR note = '') AND items.id = ANY($1::bigint[])");
    assert_string_equal(w->sweep.first, "UPDATE public.items SET rate = (doc ->> 'rate')::numeric WHERE (rate IS NULL OR note = '') AND "
                                        "items.rate IS DISTINCT FROM (doc ->> 'rate')::numeric::numeric(5, 2) AND items.id <= $1::bigint");
    assert_string_equal(w->edge.next, "(SELECT x.k1::text, $2::bigint AS n FROM (SELECT items.id AS k1 FROM public.items AS items "
                                      "WHERE items.id > $1::bigint ORDER BY items.id OFFSET $2::bigint - 1 LIMIT 1) AS x) UNION ALL "
                                      "(SELECT x.k1::text, x.n FROM (SELECT items.id AS k1, row_number() OVER (ORDER BY items.id) AS n FROM public.items AS items "
                                      "WHERE items.id > $1::bigint ORDER BY items.id LIMIT $2::bigint) AS x ORDER BY x.n DESC LIMIT 1) LIMIT 1");
    assert_string_equal(w->rows.first, "SELECT items.id::text, items.ctid::text FROM public.items AS items WHERE items.id <= $1::bigint ORDER BY items.id");
    assert_string_equal(w->last, "SELECT items.id::text FROM public.items AS items ORDER BY items.id DESC LIMIT 1");
    assert_null(w->left.first);                            /* note = '' still holds when rate is set */
    assert_string_equal(w->tally.first,
                        "SELECT NULL::bigint, count(*) FILTER (WHERE x.was0 IS DISTINCT FROM x.is0), count(x.was0), count(x.is0), sum(x.was0)::text, sum(x.is0)::text, "
                        "count(*) FILTER (WHERE x.was0 IS DISTINCT FROM x.is0) FROM (SELECT NULL AS is_left, "
                        "NULL AS is_wrong, (doc ->> 'rate')::numeric::numeric(5, 2) AS was0, "
                        "items.rate AS is0 FROM public.items items WHERE items.id <= $1::bigint OFFSET 0) x");
}

static void keys_of_several_columns(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "DELETE FROM orders AS o USING items i WHERE i.id = o.item AND i.done");
    assert_int_equal(w->way, PR_BF_KEY);
    assert_int_equal(w->n_keys, 2);
    assert_string_equal(w->batch.next, "DELETE FROM public.orders o USING items i WHERE i.id = o.item AND i.done AND (o.a, o.b) > ($1::int, $2::text) AND (o.a, o.b) <= ($3::int, $4::text)");
    assert_string_equal(w->some, "DELETE FROM public.orders o USING items i WHERE i.id = o.item AND i.done AND "
                                 "(o.a, o.b) IN (SELECT u.k1::int, u.k2::text FROM unnest($1::text[], $2::text[]) u(k1, k2))");
    assert_string_equal(w->left.first, "SELECT count(*) FROM public.orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.id = o.item AND i.done) AND (o.a, o.b) <= ($1::int, $2::text)");
}

static void a_leaf_stands_in_for_its_table(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "UPDATE public.parts SET v = public.parts.id WHERE parts.v IS NULL");
    assert_string_equal(w->full, "public.parts_1");
    assert_string_equal(w->batch.first, "UPDATE public.parts_1 parts SET v = parts.id WHERE parts.v IS NULL AND parts.id <= $1::int");
}

static void an_insert_goes_through_its_source(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "INSERT INTO orders (a, b, item) SELECT i.id, i.note, i.id FROM items i LEFT JOIN parts p ON p.id = i.id WHERE i.done ON CONFLICT DO NOTHING");
    assert_string_equal(w->batch.first, "INSERT INTO public.orders (a, b, item) SELECT i.id, i.note, i.id FROM public.items i LEFT JOIN parts p ON p.id = i.id "
                                        "WHERE i.done AND i.id <= $1::bigint ON CONFLICT DO NOTHING");
    assert_string_equal(w->sweep.first, w->batch.first);
    assert_true(w->converges);
}

/* Statement, its way, whether a sweep exists, whether rows that are done leave the condition. */
static const struct { const char *sql; enum pr_bf_way way; bool sweeps, converges; } ways[] = {
    {"UPDATE items SET note = 'x'", PR_BF_STRIDED, true, false},
    {"UPDATE items SET note = 'x' WHERE note IS NULL", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = note || 'x'", PR_BF_KEY, false, false},
    {"UPDATE items SET note = note || 'x' WHERE note IS NULL", PR_BF_KEY, false, true},          /* may stay null */
    {"UPDATE items SET note = note || 'x', done = true WHERE NOT done", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = note || 'x', done = true WHERE done = false", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = note || 'x', done = true WHERE done IS NOT TRUE", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = note || 'x', done = false WHERE items.done", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note = 'a'", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note IN ('a', 'c')", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note IN ('a', 'b')", PR_BF_KEY, false, false},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note <> 'b'", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note = 'b'", PR_BF_KEY, false, false},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE note = 'a' OR id > 5", PR_BF_KEY, false, false},
    {"UPDATE items SET note = 'b', rate = rate + 1 WHERE orders.note = 'a'", PR_BF_KEY, false, false},
    {"UPDATE items SET note = NULL, rate = rate + 1 WHERE note IS NOT NULL", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = coalesce(doc ->> 'n', 'x'), rate = rate + 1 WHERE note IS NULL", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = doc ->> 'n', rate = rate + 1 WHERE note IS NULL", PR_BF_KEY, false, true},
    {"UPDATE items SET note = now()", PR_BF_KEY, false, false},
    {"UPDATE items SET note = gen_random_uuid() WHERE note IS NULL", PR_BF_STRIDED, true, true},
    {"UPDATE items SET note = DEFAULT", PR_BF_KEY, false, false},
    {"UPDATE items SET (note, rate) = (SELECT b, 1 FROM orders WHERE item = items.id LIMIT 1)", PR_BF_KEY, false, false},
    {"UPDATE items SET rate = o.rate FROM orders o WHERE o.item = items.id", PR_BF_STRIDED, true, false},
    {"UPDATE items SET rate = (SELECT sum(o.rate) FROM orders o WHERE o.item = items.id)", PR_BF_STRIDED, true, false},
    {"UPDATE items SET rate = (SELECT sum(items.rate) FROM orders o WHERE o.item = items.id)", PR_BF_KEY, false, false},
    {"UPDATE items SET note = items::text", PR_BF_KEY, false, false},
    {"UPDATE items SET doc['a'] = '1'", PR_BF_KEY, false, false},
    {"DELETE FROM items", PR_BF_KEY, true, true},
    {"INSERT INTO parts SELECT a FROM orders", PR_BF_KEY, false, false},
};

static void what_becomes_of_rows_that_are_done(void **state) {
    (void)state;
    ARENA(a);
    for (size_t i = 0; i < PR_COUNT(ways); i++) {
        const struct pr_bf_walk *w = walk_of(a, ways[i].sql);
        if (w->way != ways[i].way || (w->sweep.next != NULL) != ways[i].sweeps || w->converges != ways[i].converges)
            fail_msg("%s: %s, sweep %d, converges %d: %s", ways[i].sql, pr_bf_way_name(w->way), w->sweep.next != NULL, w->converges, w->why_way);
        if (w->way == PR_BF_STRIDED) assert_non_null(w->sweep.first);
    }
}

static void old_against_new(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "-- compare: doc -> 'a' = plain -> 'b'\nUPDATE items SET plain = doc, note = 'x'");
    assert_int_equal(w->n_compare, 1);
    assert_false(w->compare[0].derived);
    assert_non_null(strstr(w->tally.first, ", doc -> 'a' AS was0, plain -> 'b' AS is0 FROM public.items items WHERE items.id <= $1::bigint OFFSET 0) x"));
    w = walk_of(a, "UPDATE items SET plain = doc WHERE done");
    assert_true(w->compare[0].derived);
    assert_string_equal(w->compare[0].was, "doc");
    assert_string_equal(w->compare[0].is, "plain");
    assert_non_null(strstr(w->tally.first, "CASE WHEN done THEN doc::pg_catalog.json::text COLLATE \"C\" END AS was0"));
    assert_non_null(strstr(walk_of(a, "UPDATE items SET note = o.b FROM orders o WHERE o.item = items.id AND note IS NULL")->tally.next, "SELECT l.n, r.n, p0.* FROM (SELECT count(*) "));
    assert_string_equal(w->compare[0].rows.first, "SELECT items.id::text FROM public.items items WHERE done AND items.plain::text COLLATE \"C\" IS DISTINCT FROM doc::pg_catalog.json::text COLLATE \"C\" "
                                                  "AND items.id <= $1::bigint ORDER BY items.id LIMIT $2::bigint");
    assert_int_equal(walk_of(a, "UPDATE items SET rate = rate * 2")->n_compare, 0);
}

static void blocks_want_a_condition_that_lets_go(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_bf_walk *w = walk_of(a, "-- way: blocks\nUPDATE items SET note = 'x' WHERE note IS NULL");
    assert_int_equal(w->way, PR_BF_BLOCKS);
    assert_null(w->some);
    assert_string_equal(w->batch.next, "UPDATE public.items SET note = 'x' WHERE note IS NULL AND items.ctid >= format('(%s,0)', $1::bigint + 1)::tid AND items.ctid < format('(%s,0)', $2::bigint + 1)::tid");
    struct pr_bf_cut c = {0};
    struct pr_err e = {0};
    assert_int_equal(cut_of(a, "-- way: blocks\nUPDATE items SET rate = rate + 1", &c, &e), PR_ERR_REFUSED);
    assert_int_equal(c.n_walks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_texts_of_a_walk),
        cmocka_unit_test(deleted_rows_that_are_kept),
        cmocka_unit_test(keys_of_several_columns),
        cmocka_unit_test(a_leaf_stands_in_for_its_table),
        cmocka_unit_test(an_insert_goes_through_its_source),
        cmocka_unit_test(what_becomes_of_rows_that_are_done),
        cmocka_unit_test(old_against_new),
        cmocka_unit_test(blocks_want_a_condition_that_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
