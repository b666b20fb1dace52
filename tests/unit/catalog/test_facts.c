/* Facts as a document and back, lines, fingerprints, finders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"

/* A small random world: texts with quotes, non-ASCII letters and line breaks, empty lists, all the flags. */
struct dice { uint64_t state; struct pr_arena *a; };
static uint64_t roll(struct dice *d, uint64_t sides) {
    d->state ^= d->state << 13, d->state ^= d->state >> 7, d->state ^= d->state << 17;
    return d->state % sides;
}
static const char *text(struct dice *d) {
    static const char *const pieces[] = {"a", "Zoë", "\"", "'", "\n", " ", "x_y", "\\", "\t", "日本", "{", ":"};
    struct pr_buf b = {.a = d->a};
    for (uint64_t n = roll(d, 6); n > 0; n--) pr_add(&b, pieces[roll(d, PR_COUNT(pieces))]);
    return pr_buf_text(&b);
}
static const char *maybe(struct dice *d) { return roll(d, 3) == 0 ? NULL : text(d); }
static bool flag(struct dice *d) { return roll(d, 2) == 0; }
static int64_t amount(struct dice *d) { return roll(d, 5) == 0 ? INT64_MAX : (int64_t)roll(d, 1000) - 500; }
static const char *const *texts(struct dice *d, size_t *n) {
    *n = roll(d, 4);
    const char **items = PR_NEW_ARRAY(d->a, const char *, *n);
    for (size_t i = 0; i < *n; i++) items[i] = text(d);
    return items;
}

static struct pr_col column(struct dice *d) {
    struct pr_col c = {.name = text(d), .type = text(d), .base_type = maybe(d), .type_schema = text(d), .typmod = (int)roll(d, 1000) - 500,
        .position = (int)roll(d, 99), .not_null = flag(d), .has_default = flag(d), .domain_constrained = flag(d), .not_null_valid = flag(d),
        .default_sql = maybe(d), .identity = flag(d) ? 'a' : '\0', .generated = flag(d) ? 's' : '\0', .collation = maybe(d)};
    struct pr_col_more *more = PR_NEW(d->a, struct pr_col_more);
    *more = (struct pr_col_more){.comment = maybe(d), .seq_last = amount(d), .seq_max = amount(d)};
    more->enum_values = texts(d, &more->n_enum_values);
    if (flag(d)) c.more = more;
    return c;
}
static struct pr_con constraint(struct dice *d) {
    struct pr_con c = {.name = text(d), .type = "cpufxnt"[roll(d, 7)], .validated = flag(d), .enforced = flag(d), .deferrable = flag(d),
        .def = text(d), .ref_schema = maybe(d), .ref_table = maybe(d), .index = maybe(d), .inbound = false};
    c.cols = texts(d, &c.n_cols), c.ref_cols = texts(d, &c.n_ref_cols);
    return c;
}
static struct pr_idx index_of(struct dice *d) {
    struct pr_idx i = {.name = text(d), .def = text(d), .method = text(d), .unique = flag(d), .primary = flag(d), .valid = flag(d),
        .ready = flag(d), .live = flag(d), .has_expressions = flag(d), .is_partial = flag(d), .default_order = flag(d), .constraint = maybe(d),
        .bytes = amount(d), .scans = amount(d)};
    i.cols = texts(d, &i.n_cols), i.mentions = texts(d, &i.n_mentions);
    return i;
}
static struct pr_rel relation(struct dice *d) {
    struct pr_rel r = {.schema = text(d), .name = text(d), .kind = "rpvmfS"[roll(d, 6)], .persistence = 'p', .oid = amount(d), .owner = text(d),
        .rows = amount(d), .rows_trusted = flag(d), .pages = amount(d), .table_bytes = amount(d), .index_bytes = amount(d),
        .total_bytes = amount(d), .toast_bytes = amount(d),
        .row_security = flag(d), .force_row_security = flag(d), .replica_identity = "dnfi"[roll(d, 4)], .options = maybe(d),
        .partition_of_schema = maybe(d), .partition_of = maybe(d), .partition_bound = maybe(d), .partition_key = maybe(d),
        .is_default_partition = flag(d), .detach_pending = flag(d), .dropped_cols = (int)roll(d, 9), .view_def = maybe(d),
        .published = flag(d), .acl = maybe(d)};
    struct pr_rel_more *more = PR_NEW(d->a, struct pr_rel_more);
    *more = (struct pr_rel_more){.last_analyze = maybe(d), .seq_scans = amount(d), .idx_scans = amount(d), .inserted = amount(d), .updated = amount(d),
        .deleted = amount(d), .live_rows = amount(d), .dead_rows = amount(d), .comment = maybe(d)};
    if (flag(d)) r.more = more;
    r.partitions = texts(d, &r.n_partitions);
    r.n_cols = roll(d, 4), r.n_cons = roll(d, 3), r.n_idxs = roll(d, 3), r.n_trgs = roll(d, 2), r.n_pols = roll(d, 2), r.n_deps = roll(d, 3);
    r.cols = PR_NEW_ARRAY(d->a, struct pr_col, r.n_cols), r.cons = PR_NEW_ARRAY(d->a, struct pr_con, r.n_cons);
    r.idxs = PR_NEW_ARRAY(d->a, struct pr_idx, r.n_idxs), r.trgs = PR_NEW_ARRAY(d->a, struct pr_trg, r.n_trgs);
    r.pols = PR_NEW_ARRAY(d->a, struct pr_pol, r.n_pols), r.deps = PR_NEW_ARRAY(d->a, struct pr_dep, r.n_deps);
    for (size_t i = 0; i < r.n_cols; i++) r.cols[i] = column(d);
    for (size_t i = 0; i < r.n_cons; i++) r.cons[i] = constraint(d);
    for (size_t i = 0; i < r.n_idxs; i++) r.idxs[i] = index_of(d);
    for (size_t i = 0; i < r.n_trgs; i++) {
        r.trgs[i] = (struct pr_trg){.name = text(d), .def = text(d), .function = text(d), .enabled = flag(d)};
        r.trgs[i].mentions = texts(d, &r.trgs[i].n_mentions);
    }
    for (size_t i = 0; i < r.n_pols; i++) {
        r.pols[i] = (struct pr_pol){.name = text(d), .def = text(d)};
        r.pols[i].mentions = texts(d, &r.pols[i].n_mentions);
    }
    for (size_t i = 0; i < r.n_deps; i++) {
        r.deps[i] = (struct pr_dep){.kind = text(d), .schema = maybe(d), .name = text(d)};
        r.deps[i].mentions = texts(d, &r.deps[i].n_mentions);
    }
    return r;
}
static struct pr_facts world(struct dice *d) {
    struct pr_facts f = {.version_num = (int)roll(d, 190000), .database = text(d), .system_id = maybe(d), .environment = maybe(d),
        .taken_at = text(d), .time_zone = text(d), .max_locks = amount(d), .standbys = (int)roll(d, 3), .whole = flag(d)};
    f.search_path = texts(d, &f.n_search_path), f.all_relations = texts(d, &f.n_all_relations);
    f.all_indexes = texts(d, &f.n_all_indexes);
    f.n_rels = roll(d, 5), f.n_types = roll(d, 3), f.n_fns = roll(d, 3);
    f.rels = PR_NEW_ARRAY(d->a, struct pr_rel, f.n_rels), f.types = PR_NEW_ARRAY(d->a, struct pr_typ, f.n_types);
    f.fns = PR_NEW_ARRAY(d->a, struct pr_fn, f.n_fns);
    for (size_t i = 0; i < f.n_rels; i++) f.rels[i] = relation(d);
    for (size_t i = 0; i < f.n_types; i++) {
        f.types[i] = (struct pr_typ){.schema = text(d), .name = text(d), .kind = 'e', .base_type = maybe(d), .constrained = flag(d)};
        f.types[i].values = texts(d, &f.types[i].n_values), f.types[i].used_by = texts(d, &f.types[i].n_used_by);
    }
    for (size_t i = 0; i < f.n_fns; i++)
        f.fns[i] = (struct pr_fn){.schema = text(d), .name = text(d), .args = text(d), .volatility = 'v', .language = text(d), .body = maybe(d)};
    pr_facts_fingerprint(&f, d->a);
    return f;
}

static void there_and_back(void **state) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
        struct dice d = {.state = seed * 7919, .a = a};
        const struct pr_facts f = world(&d);
        json_t *one = pr_facts_json(&f);
        const char *first = pr_json_text(a, one, true);
        json_t *parsed = NULL;
        struct pr_err e = {0};
        struct pr_facts *back = NULL;
        assert_int_equal(pr_json_parse("facts", first, strlen(first), &parsed, &e), PR_OK);
        assert_int_equal(pr_facts_from_json(parsed, a, &back, &e), PR_OK);
        json_t *two = pr_facts_json(back);
        assert_string_equal(pr_json_text(a, two, true), first);
        json_decref(one), json_decref(parsed), json_decref(two);
    }
}

/* Every key is needed, wherever it is: taking any one away is an error that names its place. */
static void says_where(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    struct pr_col cols[] = {{.name = "id", .type = "bigint", .type_schema = "pg_catalog"}};
    struct pr_rel rels[] = {{.schema = "s", .name = "t", .kind = 'r', .persistence = 'p', .owner = "o", .replica_identity = 'd', .cols = cols, .n_cols = 1}};
    struct pr_facts f = {.database = "d", .taken_at = "t", .time_zone = "UTC", .rels = rels, .n_rels = 1};
    pr_facts_fingerprint(&f, a);
    static const struct { const char *list, *key, *expected; } cases[] = {
        {NULL, "database", "database: expected a text"}, {NULL, "whole", "whole: expected true or false"},
        {NULL, "relations", "relations: expected an array"}, {"relations", "owner", "relations[0].owner: expected a text"},
        {"relations", "rows", "relations[0].rows: expected an integer"}, {"columns", "name", "relations[0].columns[0].name: expected a text"},
        {"columns", "not_null", "relations[0].columns[0].not_null: expected true or false"},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        json_t *j PR_CLEANUP(pr_json_freep) = pr_facts_json(&f);
        json_t *rel = json_array_get(json_object_get(j, "relations"), 0), *at = j;
        if (cases[i].list != NULL) at = strcmp(cases[i].list, "relations") == 0 ? rel : json_array_get(json_object_get(rel, "columns"), 0);
        assert_int_equal(json_object_del(at, cases[i].key), 0);
        struct pr_facts *back = NULL;
        struct pr_err e = {0};
        assert_int_equal(pr_facts_from_json(j, a, &back, &e), PR_ERR_BAD_INPUT);
        assert_null(back);
        assert_non_null(strstr(e.msg, cases[i].expected));
    }
    static const char *const strangers[] = {"{}", "[]", "{\"schema\": \"pgrail.check/1\"}", "{\"schema\": \"pgrail.facts/1\", \"database\": 7}"};
    for (size_t i = 0; i < PR_COUNT(strangers); i++) {
        json_t *j PR_CLEANUP(pr_json_freep) = NULL;
        struct pr_err e = {0};
        struct pr_facts *back = NULL;
        assert_int_equal(pr_json_parse("x", strangers[i], strlen(strangers[i]), &j, &e), PR_OK);
        assert_int_equal(pr_facts_from_json(j, a, &back, &e), PR_ERR_BAD_INPUT);
    }
}

static void fingerprint_is_shape(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    struct pr_col cols[] = {{.name = "a", .type = "integer", .type_schema = "pg_catalog", .position = 1, .not_null_valid = true}};
    struct pr_con cons[] = {{.name = "t_a_not_null", .type = 'n', .def = "NOT NULL a", .validated = true}};
    struct pr_rel rels[] = {{.schema = "s", .name = "t", .kind = 'r', .persistence = 'p', .owner = "o", .replica_identity = 'd', .cols = cols, .n_cols = 1}};
    struct pr_facts f = {.rels = rels, .n_rels = 1};
    pr_facts_fingerprint(&f, a);
    const char *was = rels[0].fingerprint, *whole = f.fingerprint;
    assert_int_equal(strlen(was), 64);
    /* what is no shape */
    const struct pr_rel_more more = {.idx_scans = 7};
    rels[0].oid = 99, rels[0].rows = 5, rels[0].rows_trusted = true, rels[0].total_bytes = 8192, rels[0].dropped_cols = 3, rels[0].more = &more;
    rels[0].cons = cons, rels[0].n_cons = 1;
    pr_facts_fingerprint(&f, a);
    assert_string_equal(rels[0].fingerprint, was);
    assert_string_equal(f.fingerprint, whole);
    /* what is */
    cols[0].not_null = true;
    pr_facts_fingerprint(&f, a);
    assert_string_not_equal(rels[0].fingerprint, was);
    assert_string_not_equal(f.fingerprint, whole);
    was = rels[0].fingerprint;
    cols[0].not_null_valid = false;
    pr_facts_fingerprint(&f, a);
    assert_string_not_equal(rels[0].fingerprint, was);
}

static void delta_of_lines(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const char *before[] = {"a", "b", "d"}, *after[] = {"b", "c", "d", "e"};
    const char **delta = NULL;
    const struct pr_lines x = {.text = before, .n = 3}, y = {.text = after, .n = 4}, none = {0};
    assert_int_equal(pr_lines_delta(&x, &y, a, &delta), 3);
    assert_string_equal(delta[0], "- a");
    assert_string_equal(delta[1], "+ c");
    assert_string_equal(delta[2], "+ e");
    assert_int_equal(pr_lines_delta(&x, &x, a, &delta), 0);
    assert_int_equal(pr_lines_delta(&none, &y, a, &delta), 4);
    assert_int_equal(pr_lines_delta(&y, &none, a, &delta), 4);
}

static void finders(void **state) {
    const char *const path[] = {"app", "public"};
    struct pr_idx idxs[] = {{.name = "t_idx"}};
    struct pr_con cons[] = {{.name = "fk", .inbound = true}, {.name = "ck"}};
    struct pr_col cols[] = {{.name = "a"}};
    struct pr_rel rels[] = {{.schema = "public", .name = "t"}, {.schema = "app", .name = "t", .idxs = idxs, .n_idxs = 1, .cons = cons, .n_cons = 2, .cols = cols, .n_cols = 1},
                            {.schema = "other", .name = "u"}};
    struct pr_typ types[] = {{.schema = "public", .name = "mood"}};
    const struct pr_facts f = {.rels = rels, .n_rels = 3, .search_path = path, .n_search_path = 2, .types = types, .n_types = 1};
    const struct pr_idx *idx = NULL;
    assert_ptr_equal(pr_find_rel(&f, NULL, "t"), &rels[1]);
    assert_ptr_equal(pr_find_rel(&f, "public", "t"), &rels[0]);
    assert_null(pr_find_rel(&f, NULL, "u"));
    assert_ptr_equal(pr_find_rel(&f, "other", "u"), &rels[2]);
    assert_ptr_equal(pr_find_index_rel(&f, NULL, "t_idx", &idx), &rels[1]);
    assert_ptr_equal(idx, &idxs[0]);
    assert_null(pr_find_index_rel(&f, "public", "t_idx", NULL));
    assert_null(pr_find_con(&rels[1], "fk"));
    assert_ptr_equal(pr_find_con(&rels[1], "ck"), &cons[1]);
    assert_ptr_equal(pr_find_col(&rels[1], "a"), &cols[0]);
    assert_null(pr_find_col(&rels[1], "A"));
    assert_ptr_equal(pr_find_type(&f, NULL, "mood"), &types[0]);
    assert_null(pr_find_type(&f, "app", "mood"));
    assert_true(pr_mentions((const char *const[]){"x", "y"}, 2, "y"));
    assert_false(pr_mentions(NULL, 0, "y"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(says_where), cmocka_unit_test(fingerprint_is_shape), cmocka_unit_test(delta_of_lines),
        cmocka_unit_test(finders),
    };
    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
