/* test_new.c: the next migration in each form, read back by the layout that it was written for. */
#include "tree.h"

#include "project/project.h"

static struct pr_folder *read_as(struct tree *t, const char *layout) {
    struct pr_folder *f = NULL;
    if (pr_mkdirs(tree_path(t, "m"), 0755, &t->e) != PR_OK || pr_folder_read(tree_path(t, "m"), t->dir, layout, t->a, &f, &t->e) != PR_OK)
        fail_msg("%s", t->e.msg);
    return f;
}

static const char *under(struct tree *t, const char *path) { return path == NULL ? NULL : path + strlen(t->dir) + 1; }

static void golang_migrate(void **state) {
    struct tree *t = *state;
    const char *up = NULL, *down = NULL;
    const struct pr_new n = {.name = "Index unpaid-items", .rationale = "the dunning page is slow", .author = "A B <a@b.c>",
                             .up_sql = "SELECT 1;", .down_sql = "SELECT 2;\n"};
    assert_int_equal(pr_migration_new(read_as(t, "auto"), &n, t->a, &up, &down, &t->e), PR_OK);
    assert_string_equal(under(t, up), "m/0001_index_unpaid_items.up.sql");
    assert_string_equal(under(t, down), "m/0001_index_unpaid_items.down.sql");
    assert_string_equal(tree_read(t, under(t, up)),
                        "-- rationale: the dunning page is slow\n-- author: A B <a@b.c>\n"
                        "-- grounding: none yet (pgrail ground 0001_index_unpaid_items)\n\nSELECT 1;\n");
    assert_string_equal(tree_read(t, under(t, down)), "-- undoes 0001_index_unpaid_items\n\nSELECT 2;\n");
    const struct pr_folder *f = read_as(t, "auto");
    assert_int_equal(f->n_problems, 0);
    assert_string_equal(f->migrations[0].rationale, "the dunning page is slow");
    assert_null(f->migrations[0].grounding);
    assert_int_equal(pr_migration_new(f, &n, t->a, &up, &down, &t->e), PR_ERR_BAD_INPUT);
    assert_string_equal(t->e.msg, "0001_index_unpaid_items has this name already");
    assert_int_equal(pr_migration_new(f, &(struct pr_new){.name = "b"}, t->a, &up, &down, &t->e), PR_OK);
    assert_string_equal(under(t, up), "m/0002_b.up.sql");
}

static void never_overwrites(void **state) {
    struct tree *t = *state;
    const char *up = NULL, *down = NULL;
    const struct pr_folder *f = read_as(t, "auto");
    tree_file(t, "m/0001_a.down.sql", "mine");
    assert_int_equal(pr_migration_new(f, &(struct pr_new){.name = "a"}, t->a, &up, &down, &t->e), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.msg, "0001_a.down.sql: exists already"));
    assert_string_equal(tree_read(t, "m/0001_a.down.sql"), "mine");
    assert_int_equal(access(tree_path(t, "m/0001_a.up.sql"), F_OK), -1);
    assert_null(up);
}

static void refuses(void **state) {
    static const struct { struct pr_new n; const char *msg; } cases[] = {
        {{.name = "../x"}, "letters, digits and _"}, {{.name = ""}, "1 to 100"}, {{.name = "__"}, "1 to 100"},
        {{.name = "na\xc3\xafve"}, "letters, digits and _"}, {{.name = "a", .rationale = "two\nlines"}, "the rationale is one line"},
        {{.name = "a", .author = "\x1b[31m"}, "the author is one line"}, {{.name = "a", .up_sql = "SELECT '\xff'"}, "the up script"},
    };
    struct tree *t = *state;
    const struct pr_folder *f = read_as(t, "auto");
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const char *up = NULL, *down = NULL;
        assert_int_equal(pr_migration_new(f, &cases[i].n, t->a, &up, &down, &t->e), PR_ERR_BAD_INPUT);
        if (strstr(t->e.msg, cases[i].msg) == NULL) fail_msg("case %zu: %s", i, t->e.msg);
        assert_null(up);
    }
    assert_int_equal(read_as(t, "auto")->n, 0);
}

struct form { const char *layout, *seed, *seed_text, *up, *down; };

static void every_form(void **state) {
    static const struct form forms[] = {
        {"sqlx", "m/20240101000000_a.up.sql", "SELECT 1;", "m/20261121110000_b.up.sql", "m/20261121110000_b.down.sql"},
        {"sqlx", "m/0007_a.up.sql", "SELECT 1;", "m/0008_b.up.sql", "m/0008_b.down.sql"},
        {"dbmate", "m/20300101000000_a.sql", "-- migrate:up\n-- migrate:down\n", "m/20300101000001_b.sql", NULL},
        {"goose", "m/00099_a.sql", "-- +goose Up\n-- +goose Down\n", "m/00100_b.sql", NULL},
        {"diesel", "m/2024-01-01-000000_a/up.sql", "SELECT 1;", "m/2026-11-21-110000_b/up.sql", "m/2026-11-21-110000_b/down.sql"},
        {"diesel", "m/2030-01-01-000009_a/up.sql", "SELECT 1;", "m/2030-01-01-000010_b/up.sql", "m/2030-01-01-000010_b/down.sql"},
        {"prisma", "m/20240101000000_a/migration.sql", "SELECT 1;", "m/20261121110000_b/migration.sql", "m/20261121110000_b/down.sql"},
        {"flyway", "m/V2.3__a.sql", "SELECT 1;", "m/V3__b.sql", "m/U3__b.sql"},
        {"golang-migrate", "m/1704067200_a.up.sql", "SELECT 1;", "m/1795258800_b.up.sql", "m/1795258800_b.down.sql"},
        {"golang-migrate", "m/9999_a.up.sql", "SELECT 1;", "m/10000_b.up.sql", "m/10000_b.down.sql"},
    };
    setenv("PGRAIL_TEST_NOW", "1795258800", 1);                /* 2026-11-21T11:00:00Z */
    for (size_t i = 0; i < PR_COUNT(forms); i++) {
        const char *up = NULL, *down = NULL;
        void *inner = NULL;
        assert_int_equal(tree_open(&inner), 0);
        struct tree *w = inner;
        tree_file(w, forms[i].seed, forms[i].seed_text);
        const struct pr_new n = {.name = "b", .rationale = "r", .up_sql = "CREATE INDEX CONCURRENTLY i ON t (x);", .down_sql = "DROP INDEX CONCURRENTLY i;"};
        if (pr_migration_new(read_as(w, forms[i].layout), &n, w->a, &up, &down, &w->e) != PR_OK) fail_msg("%zu: %s", i, w->e.msg);
        assert_string_equal(under(w, up), forms[i].up);
        if (forms[i].down == NULL) assert_null(down);
        else assert_string_equal(under(w, down), forms[i].down);
        const struct pr_folder *f = read_as(w, forms[i].layout);
        const struct pr_migration *m = &f->migrations[f->n - 1];
        assert_string_equal(m->name, "b");
        assert_string_equal(m->rationale, "r");
        assert_int_equal(pr_side_tx(&m->up), PR_TX_EACH);
        assert_int_equal(pr_side_tx(&m->down), PR_TX_EACH);
        assert_non_null(strstr(m->up.text, n.up_sql));
        for (size_t p = 0; p < f->n_problems; p++) assert_false(pr_eq(f->problems[p].path, m->up.path));
        assert_int_equal(tree_close(&inner), 0);
    }
    unsetenv("PGRAIL_TEST_NOW");
}

static void goose_fences_functions(void **state) {
    struct tree *t = *state;
    const char *up = NULL, *down = NULL;
    tree_file(t, "m/00001_a.sql", "-- +goose Up\n-- +goose Down\n");
    const struct pr_new n = {.name = "f", .up_sql = "SELECT 1;\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$;\nSELECT 3;"};
    assert_int_equal(pr_migration_new(read_as(t, "auto"), &n, t->a, &up, &down, &t->e), PR_OK);
    assert_non_null(strstr(tree_read(t, "m/00002_f.sql"),
                           "SELECT 1;\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$;\n"
                           "-- +goose StatementEnd\nSELECT 3;\n"));
    const struct pr_folder *f = read_as(t, "auto");
    for (size_t i = 0; i < f->n_problems; i++) assert_false(pr_eq(f->problems[i].rule, "bad-markers"));
}

static void leaves_drizzle_to_drizzle(void **state) {
    struct tree *t = *state;
    const char *up = NULL, *down = NULL;
    tree_file(t, "m/meta/_journal.json", "{\"dialect\":\"postgresql\",\"entries\":[]}");
    assert_int_equal(pr_migration_new(read_as(t, "auto"), &(struct pr_new){.name = "x"}, t->a, &up, &down, &t->e), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.hint, "drizzle-kit generate --custom --name=x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golang_migrate, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(never_overwrites, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(refuses, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(every_form, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(goose_fences_functions, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(leaves_drizzle_to_drizzle, tree_open, tree_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
