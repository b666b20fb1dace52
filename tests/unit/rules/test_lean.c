/* test_lean.c: a lean judge finds in every example of every rule, and in scripts that make, rename and drop what they have made, what the
 * one with two worlds finds: with all trees in memory, and with those of one statement or of a few at a time. */
#include "base/base.h"

#include <setjmp.h>

#include <cmocka.h>

#include "unit/rules/judged.h"

static void assert_same_text(const char *a, const char *b) { assert_true(pr_eq(a, b)); }

static void assert_same_judged(const struct pr_judged *w, const struct pr_judged *l, const char *sql) {
    const struct pr_judged whole = *w, lean = *l;
    if (whole.findings.n != lean.findings.n) fail_msg("%zu findings, lean %zu: %s", whole.findings.n, lean.findings.n, sql);
    for (size_t i = 0; i < whole.findings.n; i++) {
        const struct pr_finding *x = &whole.findings.items[i], *y = &lean.findings.items[i];
        if (!pr_eq(x->rule, y->rule) || x->level != y->level || x->offset != y->offset || x->len != y->len || !pr_eq(x->title, y->title) || x->line != y->line ||
            x->end_line != y->end_line || x->col != y->col || x->width != y->width || x->stmt != y->stmt || !pr_eq(x->source, y->source))
            fail_msg("%s: %s, lean %s: %s", x->rule, x->title, y->title, sql);
        assert_same_text(x->what, y->what);
        assert_same_text(x->safe_way, y->safe_way);
        assert_same_text(x->safe_sql, y->safe_sql);
        assert_same_text(x->fingerprint, y->fingerprint);
        assert_int_equal(x->unknown_size, y->unknown_size);
    }
    assert_int_equal(whole.script.n, lean.script.n);
    assert_int_equal(whole.script.n_unjudged, lean.script.n_unjudged);
    assert_int_equal(whole.hidden.n, lean.hidden.n);
    assert_int_equal(whole.review.review, lean.review.review);
    assert_same_text(whole.review.sign, lean.review.sign);
    assert_same_text(whole.review.of, lean.review.of);
    assert_int_equal(whole.review.line, lean.review.line);
}

static void assert_same(struct pr_arena *a, const char *sql, enum pr_tx_mode tx, const char *runner, const struct pr_config *config) {
    static const size_t groups[] = {0, 1, 150};
    struct ask q = {.sql = sql, .tx = tx, .runner = runner, .config = config};
    const struct pr_judged whole = judged(a, q);
    q.lean = true;
    for (size_t i = 0; i < PR_COUNT(groups); i++) {
        q.group_bytes = groups[i];
        const struct pr_judged lean = judged(a, q);
        assert_same_judged(&whole, &lean, sql);
    }
}

static void assert_same_in_all(const char *sql, const char *runner) {
    for (int tx = PR_TX_ONE; tx <= PR_TX_OWN; tx++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
        assert_same(a, sql, (enum pr_tx_mode)tx, runner, NULL);
    }
}

static void test_examples(void **state) {
    for (size_t i = 0; i < pr_n_rules; i++) {
        const struct pr_rule *r = pr_rules[i];
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
        for (int good = 0; good < 2; good++)
            for (const char *const *sql = good ? r->good : r->bad; sql != NULL && *sql != NULL; sql++) {
                assert_same_in_all(*sql, r->runner);
                if (r->setup != NULL) assert_same_in_all(pr_fmt(a, "%s;\n%s", r->setup, *sql), r->runner);
            }
    }
}

/* All examples one after the other: what one has made the next ones find. */
static void test_all_in_one(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < pr_n_rules; i++) {
        const struct pr_rule *r = pr_rules[i];
        if (r->setup != NULL && !pr_ends(r->setup, ";")) pr_addf(&b, "%s;\n", r->setup);
        for (const char *const *sql = r->bad; sql != NULL && *sql != NULL; sql++) pr_addf(&b, "%s;\n", *sql);
        for (const char *const *sql = r->good; sql != NULL && *sql != NULL; sql++) pr_addf(&b, "%s;\n", *sql);
    }
    assert_same_in_all(pr_buf_text(&b), NULL);
}

static void test_what_it_made(void **state) {
    static const char *const scripts[] = {
        "CREATE TABLE n (a int); DROP TABLE n; DROP TABLE n;",
        "CREATE TABLE n (a int); ALTER TABLE n RENAME TO m; ALTER TABLE m ALTER a TYPE bigint; ALTER TABLE n ALTER a TYPE bigint;",
        "CREATE TABLE n (a int); ALTER TABLE n SET SCHEMA s; CREATE INDEX i ON s.n (a); CREATE INDEX i ON n (a); DROP INDEX s.i; DROP INDEX i;",
        "CREATE TABLE n (a int); CREATE INDEX i ON n (a); ALTER INDEX i RENAME TO j; DROP INDEX j; DROP INDEX i; DROP INDEX j;",
        "CREATE TABLE n (a int UNIQUE); ALTER TABLE n DROP CONSTRAINT n_a_key; DROP INDEX n_a_key;",
        "CREATE TABLE IF NOT EXISTS n (a int); CREATE TABLE IF NOT EXISTS n (a int); ALTER TABLE n ADD CHECK (a > 0);",
        "CREATE TEMP TABLE n (a int); DROP TABLE n; DROP TABLE n; ALTER TABLE n ADD b int UNIQUE;",
        "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (x int REFERENCES a); ALTER TABLE b ADD FOREIGN KEY (x) REFERENCES c; DROP TABLE a CASCADE; DROP TABLE b; DROP TABLE b;",
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p FOR VALUES IN (1); ALTER TABLE q RENAME TO r; ALTER TABLE p ALTER a TYPE bigint; DROP TABLE r; DROP TABLE q;",
        "SET search_path = s; CREATE TABLE n (a int); DROP TABLE s.n; DROP TABLE n; SET search_path = t; DROP TABLE s.n;",
        "CREATE VIEW v AS SELECT 1 AS a; DROP VIEW v; DROP VIEW v; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; REFRESH MATERIALIZED VIEW m; DROP MATERIALIZED VIEW m;",
        "DO $$ BEGIN CREATE TABLE n (a int); ALTER TABLE n ADD b int UNIQUE; DROP TABLE n; ALTER TABLE n ADD c int UNIQUE; END $$; DROP TABLE n;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE n; CREATE INDEX ON t (a); END $$; CREATE TABLE n (a int); SELECT f(); DROP TABLE n;",
        "SET lock_timeout = '1h'; SELECT 1; CREATE TABLE n (a int); ALTER TABLE n ADD b int; ALTER TABLE t ADD b int; ALTER TABLE u ADD b int;",
        "SET lock_timeout = '1h'; SET lock_timeout = '2h'; CREATE INDEX CONCURRENTLY i ON t (a); DROP TABLE t; DROP TABLE u;",
        "ALTER TABLE t ADD a int; ALTER TABLE u ADD a int; DROP TABLE v; ALTER TABLE t ADD b int UNIQUE;",
        "DROP TABLE v; ALTER TABLE u ADD a int;", "BEGIN; ALTER TABLE t ADD a int; UPDATE t SET a = 1; COMMIT; ALTER TABLE t ALTER a SET NOT NULL;",
        "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k; COMMIT; ALTER TABLE t VALIDATE CONSTRAINT k;",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE u VALIDATE CONSTRAINT k; DO $$ BEGIN ALTER TABLE t VALIDATE CONSTRAINT k; END $$;",
        "CREATE ROLE r PASSWORD 'abc'; ALTER TABLE t ADD b int NOT NULL; SELECT dblink('host=h password=abc'); DROP TABLE t; SELECT 'p://u:abc@h';",
        "CREATE SCHEMA s; DROP SCHEMA s CASCADE; CREATE TYPE e AS ENUM ('a'); ALTER TYPE e ADD VALUE 'b'; ALTER TYPE f ADD VALUE 'c'; INSERT INTO t VALUES ('b'), ('c');",
        "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u; ALTER TABLE v RENAME TO w; COPY t FROM stdin;\n1\t2\n\\.\nCREATE VIEW v AS SELECT * FROM w;",
        "SET lock_timeout = '1s'; DROP INDEX CONCURRENTLY i; SET search_path = s; REINDEX TABLE CONCURRENTLY t; RESET ALL; VACUUM t; ANALYZE t; ALTER TABLE t ALTER a TYPE text;",
        "-- pgrail:ignore drop-table it goes\nDROP TABLE t;\nDROP TABLE u; -- pgrail:ignore drop-table it goes too\nDROP TABLE v;",
        "CREATE SEQUENCE q; DROP SEQUENCE q; DROP SEQUENCE q;", "ALTER TABLE t FROB; CREATE TABLE n (a int); \\i x.sql\nDROP TABLE n;",
    };
    for (size_t i = 0; i < PR_COUNT(scripts); i++) assert_same_in_all(scripts[i], i % 2 == 0 ? NULL : "psql");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_all_in_one),
        cmocka_unit_test(test_what_it_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
