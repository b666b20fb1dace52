/* test_folder.c: the migrations folders of eight runners: order, sides, transaction modes, and what is wrong with them. */
#include "tree.h"

#include "crypt/crypt.h"
#include "project/folder.h"

static struct pr_folder *read_as(struct tree *t, const char *layout) {
    struct pr_folder *f = NULL;
    if (pr_folder_read(tree_path(t, "m"), t->dir, layout, t->a, &f, &t->e) != PR_OK) fail_msg("%s", t->e.msg);
    return f;
}

static const struct pr_problem *problem(const struct pr_folder *f, const char *rule) {
    for (size_t i = 0; i < f->n_problems; i++)
        if (pr_eq(f->problems[i].rule, rule)) return &f->problems[i];
    return NULL;
}

static void no_problems(const struct pr_folder *f) {
    for (size_t i = 0; i < f->n_problems; i++) fail_msg("%s: %s: %s", f->problems[i].rule, f->problems[i].path, f->problems[i].message);
}

static void golang_migrate(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0010_c.up.sql", "BEGIN; CREATE TABLE c (x int); COMMIT;");
    tree_file(t, "m/0010_c.down.sql", "DROP TABLE c;");
    tree_file(t, "m/9_b.up.sql", "-- rationale: because\n--   it is so\n-- author: A <a@b>\n-- grounding: none yet\nCREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/9_b.down.sql", "DROP INDEX CONCURRENTLY i;");
    tree_file(t, "m/8_a.up.sql", "CREATE TABLE t (x int);");
    tree_file(t, "m/8_a.down.sql", "DROP TABLE t;");
    tree_file(t, "m/README.md", "no migration");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "golang-migrate");
    assert_false(f->team);
    assert_int_equal(f->n, 3);
    assert_string_equal(f->migrations[0].id, "8_a");
    assert_string_equal(f->migrations[2].version, "0010");
    assert_string_equal(f->migrations[2].name, "c");
    assert_string_equal(f->migrations[0].up.path, "m/8_a.up.sql");
    assert_string_equal(pr_side_sha256(&f->migrations[0].up, t->a), pr_sha256_text(t->a, "CREATE TABLE t (x int);"));
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[1].down), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[2].up), PR_TX_OWN);
    assert_string_equal(f->migrations[1].rationale, "because it is so");
    assert_string_equal(f->migrations[1].author, "A <a@b>");
    assert_null(f->migrations[1].grounding);
    assert_string_not_equal(f->migrations[0].sha256, f->migrations[1].sha256);
}

static void sqlx(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/20240102_a.sql", "CREATE TABLE t (x int);");
    tree_file(t, "m/20240103_b.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/20240104_c.sql", "CREATE INDEX CONCURRENTLY j ON t (x);");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "sqlx");
    assert_true(f->team);
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[2].up), PR_TX_ONE);       /* sqlx wraps it, and it will fail: check's to say */
    tree_file(t, "Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n");
    tree_file(t, "m/20240105_d.up.sql", "SELECT 1;");
    tree_file(t, "m/20240105_d.down.sql", "SELECT 1;");
    assert_string_equal(read_as(t, NULL)->layout, "sqlx");
}

static void diesel(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/2024-01-01-000000_a/up.sql", "CREATE TABLE t (x int);");
    tree_file(t, "m/2024-01-01-000000_a/down.sql", "DROP TABLE t;");
    tree_file(t, "m/2024-01-02-000000_b/up.sql", "CREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/2024-01-02-000000_b/metadata.toml", "# c\nrun_in_transaction = false\n");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(f->layout, "diesel");
    assert_string_equal(f->migrations[0].version, "2024-01-01-000000");
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);
    assert_non_null(problem(f, "down-missing"));
    assert_false(problem(f, "down-missing")->is_error);
    tree_file(t, "m/20231231235959_older/up.sql", "SELECT 1;");          /* diesel takes the dashes out before it sorts */
    tree_file(t, "m/20240101120000_between/up.sql", "SELECT 1;");
    f = read_as(t, NULL);
    static const char *const order[] = {"20231231235959_older", "2024-01-01-000000_a", "20240101120000_between", "2024-01-02-000000_b"};
    assert_int_equal(f->n, PR_COUNT(order));
    for (size_t i = 0; i < PR_COUNT(order); i++) assert_string_equal(f->migrations[i].id, order[i]);
}

static void dbmate(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/20240101000000_a.sql", "-- rationale: r\n-- migrate:up\nCREATE TABLE t (x int);\n\n-- migrate:down\nDROP TABLE t;\n");
    tree_file(t, "m/20240102000000_b.sql",
              "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (x);\n-- migrate:down\nDROP INDEX i;\n");
    tree_file(t, "m/20240103000000_c.sql",
              "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 3;\n-- migrate:down\nSELECT 4;\n");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "dbmate");
    assert_string_equal(f->migrations[0].up.text, "-- rationale: r\n-- migrate:up\nCREATE TABLE t (x int);\n\n");
    assert_string_equal(f->migrations[0].rationale, "r");
    assert_int_equal(f->migrations[0].down.first_line, 5);
    assert_string_equal(f->migrations[0].down.text, "-- migrate:down\nDROP TABLE t;\n");
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[1].down), PR_TX_ONE);
    /* Several sections: the other side's lines are blank, so that lines keep their numbers. */
    assert_null(strstr(f->migrations[2].up.text, "SELECT 2"));
    assert_non_null(strstr(f->migrations[2].up.text, "SELECT 3"));
    assert_null(strstr(f->migrations[2].down.text, "SELECT 3"));
    assert_int_equal(f->migrations[2].down.first_line, 3);
    int line = 0, col = 0;
    pr_line_col(f->migrations[2].down.text, (size_t)(strstr(f->migrations[2].down.text, "SELECT 4") - f->migrations[2].down.text), &line, &col);
    assert_int_equal(line + f->migrations[2].down.first_line - 1, 8);
}

static void dbmate_wrong(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/1_a.sql", "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\n-- migrate:up\nSELECT 3;\n-- migrate:down\n");
    tree_file(t, "m/2_b.sql", "-- migrate:down\nSELECT 1;\n-- migrate:up\nSELECT 1;\n");
    tree_file(t, "m/3_c.sql", "SELECT 1;\n-- migrate:down\nSELECT 1;\n");
    tree_file(t, "m/4_d.sql", "SELECT 0;\n-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\n");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(problem(f, "mixed-transactions")->path, "m/1_a.sql");
    assert_string_equal(problem(f, "bad-markers")->path, "m/2_b.sql");
    assert_string_equal(problem(f, "up-missing")->path, "m/3_c.sql");
    assert_string_equal(problem(f, "down-missing")->path, "m/1_a.sql");
    bool top = false;
    for (size_t i = 0; i < f->n_problems; i++) top = top || strstr(f->problems[i].message, "statements stand before the up marker") != NULL;
    assert_true(top);
}

static void goose(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/00009_a.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n-- +goose Down\nSELECT 2;\n");
    tree_file(t, "m/00010_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (x);\n-- +goose Down\nDROP INDEX i;\n");
    tree_file(t, "m/00011_c.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\nSELECT 2;\n");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(f->layout, "goose");
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[1].down), PR_TX_EACH);
    assert_int_equal(f->n_problems, 1);
    assert_string_equal(problem(f, "bad-markers")->path, "m/00011_c.sql");
}

static void prisma(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/migration_lock.toml", "provider = \"postgresql\"\n");
    tree_file(t, "m/20240101000000_init/migration.sql", "CREATE TABLE t (x int); CREATE INDEX ON t (x);");
    tree_file(t, "m/20240102000000_idx/migration.sql", "CREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/20240103000000_two/migration.sql", "SELECT 1; CREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/20240103000000_two/down.sql", "DROP INDEX i;");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "prisma");
    assert_string_equal(f->why, "migration_lock.toml is there");
    assert_string_equal(f->migrations[0].id, "20240101000000_init");
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_EACH);      /* one statement sent alone has no transaction block */
    assert_int_equal(pr_side_tx(&f->migrations[2].up), PR_TX_ONE);       /* two are an implicit one */
    assert_non_null(f->migrations[2].down.path);
}

static void drizzle(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0000_first.sql", "CREATE TABLE t (x int);\n--> statement-breakpoint\nCREATE TABLE u (x int);");
    tree_file(t, "m/0001_second.sql", "SELECT 1;");
    tree_file(t, "m/meta/_journal.json",
              "{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{\"idx\":0,\"when\":5,\"tag\":\"0000_first\"},"
              "{\"idx\":1,\"when\":9,\"tag\":\"0001_second\"}]}");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "drizzle");
    assert_int_equal(f->n, 2);
    assert_string_equal(f->migrations[0].id, "0000_first");
    assert_int_equal(pr_side_tx(&f->migrations[0].up), PR_TX_ONE);
    tree_file(t, "m/meta/_journal.json",
              "{\"dialect\":\"postgresql\",\"entries\":[{\"idx\":0,\"when\":5,\"tag\":\"0000_first\"},{\"idx\":1,\"when\":4,\"tag\":\"0002_gone\"}]}");
    f = read_as(t, NULL);
    assert_non_null(problem(f, "version-order"));
    assert_non_null(problem(f, "up-missing"));
    assert_string_equal(problem(f, "bad-file-name")->path, "m/0001_second.sql");
    struct pr_folder *g = NULL;
    tree_file(t, "m/meta/_journal.json", "{\"entries\": [");
    assert_int_equal(pr_folder_read(tree_path(t, "m"), t->dir, NULL, t->a, &g, &t->e), PR_ERR_BAD_INPUT);
    tree_file(t, "m/meta/_journal.json", "{\"dialect\":\"mysql\",\"entries\": []}");
    assert_int_equal(pr_folder_read(tree_path(t, "m"), t->dir, NULL, t->a, &g, &t->e), PR_ERR_BAD_INPUT);
}

static void flyway(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/V1__init.sql", "CREATE TABLE t (x int);");
    tree_file(t, "m/V1.10__ten.sql", "CREATE INDEX CONCURRENTLY i ON t (x);");
    tree_file(t, "m/sub/V1_9__nine.sql", "SELECT 1; CREATE INDEX CONCURRENTLY j ON t (x);");
    tree_file(t, "m/V2__conf.sql", "SELECT 1;");
    tree_file(t, "m/V2__conf.sql.conf", "executeInTransaction=false\n");
    tree_file(t, "m/U2__conf.sql", "SELECT 0;");
    tree_file(t, "m/R__views.sql", "CREATE OR REPLACE VIEW v AS SELECT 1;");
    const struct pr_folder *f = read_as(t, NULL);
    no_problems(f);
    assert_string_equal(f->layout, "flyway");
    static const char *const order[] = {"V1__init", "V1_9__nine", "V1.10__ten", "V2__conf", "R__views"};
    assert_int_equal(f->n, PR_COUNT(order));
    for (size_t i = 0; i < f->n; i++) assert_string_equal(f->migrations[i].id, order[i]);
    assert_int_equal(pr_side_tx(&f->migrations[1].up), PR_TX_ONE);
    assert_int_equal(pr_side_tx(&f->migrations[2].up), PR_TX_EACH);
    assert_int_equal(pr_side_tx(&f->migrations[3].up), PR_TX_EACH);
    assert_string_equal(f->migrations[3].down.path, "m/U2__conf.sql");
    assert_true(f->migrations[4].repeatable);
}

static void what_is_wrong(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0001_a.up.sql", "SELECT 1;");
    tree_file(t, "m/0001_a.down.sql", "-- nothing /* \n");
    tree_file(t, "m/1_b.up.sql", "SELECT 1;");
    tree_file(t, "m/0005_c.up.sql", "-- only words\n/* and /* nested */ ones */ ;\n");
    tree_file(t, "m/0006_d.down.sql", "SELECT 1;");
    tree_file(t, "m/0007.sql", "SELECT 1;");
    tree_file(t, "m/seed.sql", "SELECT 1;");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(problem(f, "duplicate-version")->message, "version 1 is taken already by 0001_a: the runner would run one of them only");
    assert_string_equal(problem(f, "version-gap")->message, "0002 to 0004 are missing before 0005_c");
    assert_false(problem(f, "version-gap")->is_error);
    assert_string_equal(problem(f, "empty-migration")->path, "m/0005_c.up.sql");
    assert_string_equal(problem(f, "up-missing")->path, "m/0006_d.down.sql");
    assert_string_equal(problem(f, "bad-file-name")->path, "m/0007.sql");
    assert_true(problem(f, "bad-file-name")->is_error);
    assert_non_null(problem(f, "down-missing"));
    tree_file(t, "m/0008_x.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\n");
    assert_non_null(problem(read_as(t, NULL), "mixed-layouts"));
}

static void backfills_belong_to_the_folder(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0001_a.up.sql", "SELECT 1;");
    tree_file(t, "m/0001_a.down.sql", "SELECT 1;");
    tree_file(t, "m/0001_a.backfill.sql", "UPDATE t SET a = 1;");
    tree_file(t, "m/0002_alone.backfill.sql", "DELETE FROM t;");
    tree_file(t, "m/0003_c.up.sql", "SELECT 1;");
    tree_file(t, "m/0003_c.down.sql", "SELECT 1;");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(f->layout, "golang-migrate");
    assert_int_equal(f->n, 2);
    assert_int_equal(f->n_problems, 0);                    /* no gap: 0002 is a backfill's */
    assert_int_equal(f->n_backfills, 2);
    assert_ptr_equal(f->backfills[0].of, &f->migrations[0]);
    assert_string_equal(f->backfills[0].path, "m/0001_a.backfill.sql");
    assert_string_equal(f->backfills[1].id, "0002_alone");
    assert_string_equal(f->backfills[1].version, "0002");
    assert_null(f->backfills[1].of);
    const struct pr_migration *m = NULL;
    assert_int_equal(pr_folder_find(f, "m/0001_a.backfill.sql", &m, &t->e), PR_OK);
    assert_ptr_equal(m, &f->migrations[0]);
    assert_int_equal(pr_folder_find(f, "0002_alone", &m, &t->e), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.hint, "pgrail backfill m/0002_alone.backfill.sql"));
    tree_file(t, "m/0003_other.backfill.sql", "DELETE FROM t;");
    assert_string_equal(problem(read_as(t, NULL), "bad-file-name")->message, "has the version of 0003_c but another name");
    tree_file(t, "m/0003_twice.backfill.sql", "DELETE FROM t;");
    assert_string_equal(problem(read_as(t, NULL), "duplicate-version")->path, "m/0003_twice.backfill.sql");
    tree_file(t, "m/word.backfill.sql", "DELETE FROM t;");
    assert_int_equal(read_as(t, NULL)->n, 2);
}

static void a_backfill_may_have_its_way_back(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0001_a.up.sql", "SELECT 1;");
    tree_file(t, "m/0001_a.down.sql", "SELECT 1;");
    tree_file(t, "m/0001_a.backfill.sql", "UPDATE t SET a = 1;");
    tree_file(t, "m/0001_a.down.backfill.sql", "UPDATE t SET a = 2;");
    const struct pr_folder *f = read_as(t, NULL);
    assert_int_equal(f->n, 1);
    assert_int_equal(f->n_problems, 0);
    assert_int_equal(f->n_backfills, 2);
    assert_false(f->backfills[0].is_back);
    assert_true(f->backfills[1].is_back);
    assert_string_equal(f->backfills[1].id, "0001_a.down");
    assert_string_equal(f->backfills[1].name, "a");
    assert_ptr_equal(f->backfills[1].of, &f->migrations[0]);
    assert_string_equal(pr_backfill_other(t->a, "0001_a"), "0001_a.down");
    assert_string_equal(pr_backfill_other(t->a, "0001_a.down"), "0001_a");
    struct pr_migration *m = NULL;
    assert_int_equal(pr_backfill_migration(tree_path(t, "m/0001_a.down.backfill.sql"), t->dir, t->a, &m, &t->e), PR_OK);
    assert_string_equal(m->version, "0001.down.backfill");
    assert_string_equal(m->id, "0001_a.down.backfill");
    tree_file(t, "m/0001_b.backfill.sql", "DELETE FROM t;");
    assert_string_equal(problem(read_as(t, NULL), "duplicate-version")->path, "m/0001_b.backfill.sql");
    tree_file(t, "m/0002_c.down.backfill.sql", "DELETE FROM t;");
    assert_string_equal(problem(read_as(t, NULL), "bad-file-name")->message, "has the version of 0001_a but another name");
    f = read_as(t, NULL);
    assert_string_equal(f->problems[f->n_problems - 1].path, "m/0002_c.down.backfill.sql");
    assert_string_equal(f->problems[f->n_problems - 1].message, "is the way back of 0002_c.backfill.sql, which is not there");
}

static void another_runner_would_run_a_backfill(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0001_a.sql", "SELECT 1;");
    tree_file(t, "m/0002_b.backfill.sql", "UPDATE t SET a = 1;");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_equal(f->layout, "sqlx");
    assert_int_equal(f->n, 1);
    assert_string_equal(problem(f, "bad-backfill")->path, "m/0002_b.backfill.sql");
    assert_true(problem(f, "bad-backfill")->is_error);
}

static enum pr_code fail_read(struct tree *t, const char *layout) {
    struct pr_folder *f = NULL;
    t->e = (struct pr_err){0};
    const enum pr_code code = pr_folder_read(tree_path(t, "m"), t->dir, layout, t->a, &f, &t->e);
    assert_null(f);
    return code;
}

static void refuses(void **state) {
    struct tree *t = *state;
    assert_int_equal(fail_read(t, NULL), PR_ERR_NO_FILE);
    assert_non_null(strstr(t->e.hint, "pgrail new"));
    tree_file(t, "m/0001_a.up.sql", "SELECT 1;");
    assert_int_equal(fail_read(t, "prizma"), PR_ERR_CONFIG);
    assert_string_equal(t->e.hint, "did you mean prisma?");
    tree_bytes(t, "m/0002_b.up.sql", "SELECT 1;\0DROP TABLE t;", 23);
    assert_int_equal(fail_read(t, NULL), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.msg, "0002_b.up.sql"));
    tree_bytes(t, "m/0002_b.up.sql", "SELECT '\xff\xfe';", 12);
    assert_int_equal(fail_read(t, NULL), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.msg, "0002_b.up.sql"));
    assert_int_equal(truncate(tree_path(t, "m/0002_b.up.sql"), (off_t)PR_CAP_FILE + 1), 0);
    assert_int_equal(fail_read(t, NULL), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(t->e.msg, "0002_b.up.sql"));
}

static void empty_folder(void **state) {
    struct tree *t = *state;
    assert_int_equal(pr_mkdirs(tree_path(t, "m"), 0755, &t->e), PR_OK);
    const struct pr_folder *f = read_as(t, NULL);
    assert_int_equal(f->n, 0);
    no_problems(f);
}

static void finds(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/0247_index_items.up.sql", "SELECT 1;");
    tree_file(t, "m/0247_index_items.down.sql", "SELECT 1;");
    tree_file(t, "m/0248_other.up.sql", "SELECT 1;");
    tree_file(t, "alone.up.sql", "VACUUM;");
    tree_file(t, "alone.down.sql", "SELECT 1;");
    const struct pr_folder *f = read_as(t, NULL);
    const struct pr_migration *m = NULL;
    const char *const names[] = {"247", "0247", "0247_index_items", "index_items", "m/0247_index_items.down.sql",
                                 tree_path(t, "m/0247_index_items.up.sql")};
    for (size_t i = 0; i < PR_COUNT(names); i++) {
        m = NULL;
        if (pr_folder_find(f, names[i], &m, &t->e) != PR_OK) fail_msg("%s: %s", names[i], t->e.msg);
        assert_ptr_equal(m, &f->migrations[0]);
    }
    assert_int_equal(pr_folder_find(f, "0247_index_item", &m, &t->e), PR_ERR_NO_FILE);
    assert_string_equal(t->e.hint, "did you mean 0247_index_items?");
    struct pr_migration *one = NULL;
    assert_int_equal(pr_migration_from_file(tree_path(t, "alone.up.sql"), t->dir, t->a, &one, &t->e), PR_OK);
    assert_string_equal(one->id, "alone");
    assert_string_equal(one->up.path, "alone.up.sql");
    assert_string_equal(one->down.path, "alone.down.sql");
    assert_int_equal(pr_side_tx(&one->up), PR_TX_EACH);
}

static void tells_sql_from_words(void **state) {
    static const char *const words[] = {"", " \n;", "-- x", "-- x\n/* a /* b */ c */;", "\xEF\xBB\xBF-- x", "/* never ends"};
    static const char *const sql[] = {"x", "-- x\nSELECT 1", "/* */ ;SELECT", "\xEF\xBB\xBFSELECT", " \xEF\xBB\xBF", "/**//", "-"};
    for (size_t i = 0; i < PR_COUNT(words); i++) assert_false(pr_has_sql(words[i], strlen(words[i])));
    for (size_t i = 0; i < PR_COUNT(sql); i++) assert_true(pr_has_sql(sql[i], strlen(sql[i])));
}

static void orders_versions(void **state) {
    static const char *const rising[] = {"1", "1.1", "1_2", "1.10", "2", "0010", "11", "20240101", "99999999999999999999999"};
    for (size_t i = 0; i < PR_COUNT(rising); i++)
        for (size_t j = 0; j < PR_COUNT(rising); j++) {
            const int c = pr_version_compare(rising[i], rising[j]);
            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
        }
    assert_int_equal(pr_version_compare("007", "7"), 0);
    assert_int_equal(pr_version_compare("1.0", "1"), 0);
}

static void notes_groundings(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/1_a.up.sql", "-- rationale: r\n-- author: a\n-- grounding: none yet (pgrail ground 1)\n\nSELECT 1;\n");
    tree_file(t, "m/2_b.up.sql", "SELECT 1;\n");
    tree_file(t, "m/3_c.up.sql", "-- rationale: r\r\nSELECT 1;\r\n-- grounding: not in the header\r\n");
    const struct pr_folder *f = read_as(t, NULL);
    const char *body[3];
    for (size_t i = 0; i < 3; i++) {
        body[i] = pr_migration_body_sha256(&f->migrations[i], t->a);
        assert_int_equal(pr_migration_note_grounding(&f->migrations[i], t->dir, "abc at now on production", &t->e), PR_OK);
    }
    assert_string_equal(tree_read(t, "m/1_a.up.sql"), "-- rationale: r\n-- author: a\n-- grounding: abc at now on production\n\nSELECT 1;\n");
    assert_string_equal(tree_read(t, "m/2_b.up.sql"), "-- grounding: abc at now on production\nSELECT 1;\n");
    assert_string_equal(tree_read(t, "m/3_c.up.sql"),
                        "-- rationale: r\r\n-- grounding: abc at now on production\r\nSELECT 1;\r\n-- grounding: not in the header\r\n");
    const struct pr_folder *g = read_as(t, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(g->migrations[i].grounding, "abc at now on production");
        assert_string_not_equal(g->migrations[i].sha256, f->migrations[i].sha256);
        assert_string_equal(pr_migration_body_sha256(&g->migrations[i], t->a), body[i]);
        assert_int_equal(pr_migration_note_grounding(&g->migrations[i], t->dir, "-- grounding: def", &t->e), PR_OK);
    }
    assert_string_equal(read_as(t, NULL)->migrations[1].grounding, "def");
}

static void identity_depends_on_where_the_bytes_stand(void **state) {
    struct tree *t = *state;
    tree_file(t, "m/1_a.up.sql", "SELECT 1;");
    tree_file(t, "m/1_a.down.sql", "SELECT 22;");
    tree_file(t, "m/2_b.up.sql", "SELECT 1;SELECT");
    tree_file(t, "m/2_b.down.sql", " 22;");
    const struct pr_folder *f = read_as(t, NULL);
    assert_string_not_equal(f->migrations[0].sha256, f->migrations[1].sha256);
    const char *one = NULL, *two = NULL;
    struct pr_side side = f->migrations[0].up;
    assert_int_equal(pr_side_statements_sha256(&side, t->a, &one, &t->e), PR_OK);
    side.tx = &(struct pr_tx){.known = true, .mode = PR_TX_EACH};
    assert_int_equal(pr_side_statements_sha256(&side, t->a, &two, &t->e), PR_OK);
    assert_string_not_equal(one, two);
}

static void thousands_of_files(void **state) {
    struct tree *t = *state;
    for (int i = 1; i <= 1500; i++) {
        tree_file(t, pr_fmt(t->a, "m/%d_x.up.sql", i), "SELECT 1;");
        tree_file(t, pr_fmt(t->a, "m/%d_x.down.sql", i), "SELECT 1;");
    }
    const struct pr_folder *f = read_as(t, NULL);
    assert_int_equal(f->n, 1500);
    assert_string_equal(f->migrations[1499].version, "1500");
    no_problems(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golang_migrate, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(sqlx, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(diesel, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(dbmate, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(dbmate_wrong, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(goose, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(prisma, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(drizzle, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(flyway, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(what_is_wrong, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(refuses, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(empty_folder, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(finds, tree_open, tree_close),
        cmocka_unit_test(tells_sql_from_words),
        cmocka_unit_test_setup_teardown(backfills_belong_to_the_folder, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(a_backfill_may_have_its_way_back, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(another_runner_would_run_a_backfill, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(orders_versions, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(notes_groundings, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(identity_depends_on_where_the_bytes_stand, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(thousands_of_files, tree_open, tree_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
