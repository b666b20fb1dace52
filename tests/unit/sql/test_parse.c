/* How a text is cut and parsed: places, comments, what is not SQL, what is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/sql.h"

struct fixture {
    struct pr_arena *a;
    struct pr_script s;
    struct pr_err e;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->a = pr_arena_new(PR_CAP_ARENA);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    pr_script_done(&f->s);
    pr_arena_free(f->a);
    free(f);
    return 0;
}

static bool every_third(void *ctx, const struct pr_stmt *s) {
    (void)ctx;
    return s->index % 3 == 2;
}

static void assert_same_text(const char *a, const char *b) { assert_true(pr_eq(a, b)); }

static void assert_same_stmt(const struct pr_stmt *a, const struct pr_stmt *b, struct pr_arena *arena) {
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->end_line, b->end_line);
    assert_int_equal(a->unjudged, b->unjudged);
    assert_int_equal(a->problem_line, b->problem_line);
    assert_int_equal(a->problem_col, b->problem_col);
    assert_same_text(a->text, b->text);
    assert_same_text(a->tag, b->tag);
    assert_same_text(a->comment, b->comment);
    assert_same_text(a->problem, b->problem);
    assert_true(pr_stmt_outside_tx(a) == pr_stmt_outside_tx(b));
    assert_true(pr_stmt_has_secret(a) == pr_stmt_has_secret(b));
    assert_true((a->node == NULL) == (b->node == NULL));
    struct pr_name *x = NULL, *y = NULL;
    const size_t n = a->node != NULL ? pr_stmt_names(a, arena, &x) : 0, m = b->node != NULL ? pr_stmt_names(b, arena, &y) : 0;
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_same_text(x[i].name, y[i].name);
        assert_int_equal(x[i].offset, y[i].offset);
    }
}

/* Read in groups of any size, and asked for in any order, a script is what it is when it is read whole. */
static void assert_same_in_groups(const struct pr_script *whole, const char *text, size_t len) {
    static const size_t sizes[] = {1, 30, 100, 1000, 100000};
    for (size_t k = 0; k < PR_COUNT(sizes) && len < 100000; k++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_script s PR_CLEANUP(pr_script_done) = {0};
        struct pr_err e = {0};
        assert_int_equal(pr_script_pass(pr_dupn(a, text, len), len, &(struct pr_passing){.group_bytes = sizes[k], .stays = every_third}, a, &s, &e), PR_OK);
        assert_int_equal(s.n, whole->n);
        assert_int_equal(s.n_unjudged, whole->n_unjudged);
        for (size_t i = 0; i < s.n; i++) {
            pr_script_wake(&s, i);
            assert_same_stmt(&whole->stmts[i], &s.stmts[i], a);
        }
        for (size_t i = s.n; i > 0 && s.n < 100; i -= i > 1 ? 2 : 1) {
            pr_script_wake(&s, i - 1);
            assert_same_stmt(&whole->stmts[i - 1], &s.stmts[i - 1], a);
        }
        pr_script_wake_all(&s);
        for (size_t i = 0; i < s.n; i++) assert_same_stmt(&whole->stmts[i], &s.stmts[i], a);
    }
}

static const struct pr_script *parse_n(struct fixture *f, const char *text, size_t len) {
    pr_script_done(&f->s);
    assert_int_equal(pr_script_parse(text, len, f->a, &f->s, &f->e), PR_OK);
    assert_same_in_groups(&f->s, text, len);
    for (size_t i = 0; i < f->s.n; i++) {
        const struct pr_stmt *s = &f->s.stmts[i];
        assert_int_equal(s->index, i);
        assert_memory_equal(text + s->offset, s->text, s->len);
        assert_int_equal(s->len, strlen(s->text));
        assert_true((s->node == NULL) == (s->unjudged != PR_JUDGED));
        assert_true((s->node == NULL) == (s->problem != NULL));
        assert_true(i == 0 || s->offset >= f->s.stmts[i - 1].offset + f->s.stmts[i - 1].len);
    }
    return &f->s;
}
static const struct pr_script *parse(struct fixture *f, const char *text) { return parse_n(f, text, strlen(text)); }

/* tags of all statements, joined by commas */
static const char *tags(struct fixture *f, const char *text) {
    const struct pr_script *s = parse(f, text);
    struct pr_buf b = {.a = f->a};
    for (size_t i = 0; i < s->n; i++) pr_addf(&b, "%s%s", i > 0 ? "," : "", s->stmts[i].tag);
    return pr_buf_text(&b);
}

static char *repeat(struct fixture *f, const char *before, const char *unit, size_t n, const char *after) {
    struct pr_buf b = {.a = f->a};
    pr_add(&b, before);
    for (size_t i = 0; i < n; i++) pr_add(&b, unit);
    pr_add(&b, after);
    return pr_dup(f->a, pr_buf_text(&b));
}

static void test_places(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "\n-- first\nCREATE TABLE t (\n  a int\n)  ; -- trails\n\n  SELECT 'é;', 2 ;\nSELECT 3");
    assert_int_equal(s->n, 3);
    assert_int_equal(s->n_unjudged, 0);
    assert_string_equal(s->stmts[0].text, "CREATE TABLE t (\n  a int\n)");
    assert_int_equal(s->stmts[0].line, 3);
    assert_int_equal(s->stmts[0].end_line, 5);
    assert_string_equal(s->stmts[0].comment, "first");
    assert_string_equal(s->stmts[1].text, "SELECT 'é;', 2");
    assert_int_equal(s->stmts[1].line, 7);
    assert_null(s->stmts[1].comment);
    assert_string_equal(s->stmts[2].text, "SELECT 3");
    assert_int_equal(s->stmts[2].line, 8);
}

static void test_nothing(void **state) {
    struct fixture *f = *state;
    static const char *const nothing[] = {"", " \n\t", ";", ";;\n;", "-- only\n", "/* a /* nested */ b */", "\xEF\xBB\xBF", "\xEF\xBB\xBF;"};
    for (size_t i = 0; i < PR_COUNT(nothing); i++) {
        assert_int_equal(parse(f, nothing[i])->n, 0);
    }
}

static void test_comments(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "-- far\n\n-- one\n/* two\n * three */\nSELECT 1 /* in */ + 2 -- out\n; -- after\n"
                                         "/* far */\n\nSELECT 2; /* x */ SELECT 3;\n-- last");
    assert_int_equal(s->n, 3);
    assert_string_equal(s->stmts[0].comment, "one\ntwo\nthree");
    assert_string_equal(s->stmts[0].text, "SELECT 1 /* in */ + 2");
    assert_null(s->stmts[1].comment);
    assert_null(s->stmts[2].comment);
    assert_string_equal(s->stmts[2].text, "SELECT 3");
}

static void test_same_when_cut(void **state) {
    /* A broken last statement sends the text through our own cutter: what it finds must be what the grammar found. */
    struct fixture *f = *state;
    /* The library of 17 does not read a comment between the parts of one string, as the server does. */
    const char *between = pr_grammar_major() == 17 ? "" : " -- ;";
    const char *text = pr_fmt(
        f->a, "-- c\nSELECT 1;;\r\nSELECT $$a;b$$, $x$ $$ ; $x$, E'it\\'s;', 'a''b;', U&\"d;\\0061\", \"q\"\"u;o\" FROM t;\n"
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;\n"
        "CREATE RULE r AS ON INSERT TO t DO INSTEAD (SELECT 1; SELECT 2);\n/* a; /* b; */ c; */ SELECT 'x'%s\n 'y;';\n"
        "SELECT E'a'\n  'b\\'c;' ;\nDO $do$ begin perform 1; end $do$;SELECT a$b$c FROM t; SELECT 1", between);
    const struct pr_script *s = parse(f, text);
    assert_int_equal(s->n_unjudged, 0);
    const size_t n = s->n;
    const char **texts = PR_NEW_ARRAY(f->a, const char *, n);
    const char **comments = PR_NEW_ARRAY(f->a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        texts[i] = s->stmts[i].text;
        comments[i] = s->stmts[i].comment;
    }
    s = parse(f, pr_fmt(f->a, "%s; SELEC;", text));
    assert_int_equal(s->n, n + 1);
    assert_int_equal(s->n_unjudged, 1);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(s->stmts[i].text, texts[i]);
        assert_true(pr_eq(s->stmts[i].comment, comments[i]));
    }
}

static void test_broken_in_the_middle(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "SELECT 1;\n\nSELECT 'ü' FORM t x;\nDROP TABLE t;");
    assert_int_equal(s->n, 3);
    assert_int_equal(s->n_unjudged, 1);
    assert_non_null(s->stmts[0].node);
    assert_int_equal(s->stmts[1].unjudged, PR_UNPARSED);
    assert_string_equal(s->stmts[1].tag, "?");
    assert_string_equal(s->stmts[1].problem, "syntax error at or near \"t\"");
    assert_int_equal(s->stmts[1].problem_line, 3);
    assert_int_equal(s->stmts[1].problem_col, 17);
    assert_string_equal(s->stmts[2].tag, "DROP TABLE");
    assert_int_equal(s->stmts[2].line, 4);
    assert_int_equal(pr_stmt_at(&s->stmts[2], 11), s->stmts[2].offset + 11);
}

static void test_never_closed(void **state) {
    struct fixture *f = *state;
    assert_string_equal(tags(f, "SELECT 1; CREATE TABLE t (a int; DROP TABLE u; SELECT (2);"), "SELECT,?,DROP TABLE,SELECT");
    assert_string_equal(tags(f, "SELECT 1; SELECT 'abc; DROP TABLE u;"), "SELECT,?");
    assert_string_equal(tags(f, "SELECT 1; DO $x$ begin; DROP TABLE u;"), "SELECT,?");
    assert_string_equal(tags(f, "SELECT 1; /* DROP TABLE u;"), "SELECT,?");
    assert_string_equal(tags(f, "SELECT 1); DROP TABLE u;"), "?,DROP TABLE");
    assert_string_equal(f->s.stmts[0].problem, "syntax error at or near \")\"");
}

static void test_psql(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "\\set ON_ERROR_STOP on\nBEGIN;\n\\i other.sql\r\nSELECT :id;SELECT 1 \\gset\nSELECT a[1:2] FROM t;"
                                         "SELECT :'x';");
    assert_int_equal(s->n, 8);
    static const enum pr_unjudged want[] = {PR_PSQL_COMMAND, PR_JUDGED, PR_PSQL_COMMAND, PR_PSQL_COMMAND,
                                            PR_JUDGED, PR_PSQL_COMMAND, PR_JUDGED, PR_PSQL_COMMAND};
    for (size_t i = 0; i < s->n; i++) assert_int_equal(s->stmts[i].unjudged, want[i]);
    assert_string_equal(s->stmts[2].text, "\\i other.sql");
    assert_int_equal(s->stmts[2].line, 3);
    assert_string_equal(s->stmts[4].text, "SELECT 1");
}

static void test_copy_data(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "COPY t (a, b) FROM stdin;\n1\t'it\n2\t;DROP TABLE t;\n\\.\n\nSELECT 1;\nCOPY u FROM stdin;\r\n\\.\r\nSELECT 2;");
    assert_int_equal(s->n, 6);
    assert_int_equal(s->stmts[1].unjudged, PR_COPY_DATA);
    assert_string_equal(s->stmts[1].text, "1\t'it\n2\t;DROP TABLE t;\n\\.");
    assert_int_equal(s->stmts[1].line, 2);
    assert_int_equal(s->stmts[1].end_line, 4);
    assert_string_equal(s->stmts[2].text, "SELECT 1");
    assert_int_equal(s->stmts[2].line, 6);
    assert_int_equal(s->stmts[4].unjudged, PR_COPY_DATA);
    assert_string_equal(s->stmts[5].text, "SELECT 2");
}

static void test_templates(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {"CREATE TABLE {{ name }} (a int)", "CREATE INDEX ON ${schema}.t (a)",
                                        "{% if x %} SELECT 1", "SELECT <%= x %>"};
    for (size_t i = 0; i < PR_COUNT(texts); i++) {
        const struct pr_script *s = parse(f, texts[i]);
        assert_int_equal(s->n, 1);
        assert_int_equal(s->stmts[0].unjudged, PR_TEMPLATE);
    }
    assert_int_equal(parse(f, "SELECT '{{ x }}', '${y}'")->n_unjudged, 0);
    assert_int_equal(parse(f, "SELEC '{{ x }}'")->stmts[0].unjudged, PR_UNPARSED);
}

static void test_line_ends_and_mark(void **state) {
    struct fixture *f = *state;
    const struct pr_script *s = parse(f, "\xEF\xBB\xBF-- c\r\nSELECT 1;\r\n\r\nSELECT\r\n2;\r\n");
    assert_int_equal(s->n, 2);
    assert_int_equal(s->n_unjudged, 0);
    assert_string_equal(s->stmts[0].comment, "c");
    assert_int_equal(s->stmts[0].line, 2);
    assert_int_equal(s->stmts[1].line, 4);
    assert_int_equal(s->stmts[1].end_line, 5);
    assert_int_equal(pr_stmt_at(&s->stmts[0], 6), s->stmts[0].offset);     /* the grammar's own count leaves the mark out */
    assert_int_equal(parse(f, "\xEF\xBB\xBFSELECT 1; SELEC")->n, 2);
}

static enum pr_code refused(struct fixture *f, const char *text, size_t len) {
    f->e = (struct pr_err){0};
    struct pr_script s = {.n = 77};
    const enum pr_code code = pr_script_parse(text, len, f->a, &s, &f->e);
    assert_int_equal(s.n, 77);                     /* untouched */
    return code;
}

static void test_refused(void **state) {
    struct fixture *f = *state;
    assert_int_equal(refused(f, "SELECT 1;\0DROP TABLE t", 22), PR_ERR_BAD_INPUT);
    assert_int_equal(refused(f, "SELECT '\xC3'", 10), PR_ERR_BAD_INPUT);
    const char *many = repeat(f, "", "a;", PR_CAP_STATEMENTS + 1, "");
    assert_int_equal(refused(f, many, strlen(many)), PR_ERR_BAD_INPUT);
    many = repeat(f, "", ";;b;", PR_CAP_STATEMENTS + 1, "");
    assert_int_equal(refused(f, many, strlen(many)), PR_ERR_BAD_INPUT);
    many = repeat(f, "", "/*", 600, "");
    assert_int_equal(refused(f, many, strlen(many)), PR_ERR_BAD_INPUT);
    many = repeat(f, "SELECT 1 ", "/**/", 600, "");
    assert_int_equal(refused(f, many, strlen(many)), PR_ERR_BAD_INPUT);
    many = repeat(f, "-- ", "xxxxxxxxxxxxxxxx", PR_CAP_SQL / 16, "");
    assert_int_equal(refused(f, many, strlen(many)), PR_ERR_BAD_INPUT);
    assert_non_null(strstr(f->e.msg, "16.0 MB"));
    many = repeat(f, "/", "*", 3000, "/ SELECT 1");            /* a banner is none of these */
    assert_int_equal(parse(f, many)->n, 1);
}

static void test_deep(void **state) {
    struct fixture *f = *state;
    const char *texts[] = {
        pr_fmt(f->a, "%s%s", repeat(f, "SELECT ", "(", 20000, "1"), repeat(f, "", ")", 20000, "")),
        repeat(f, "SELECT 1", " UNION SELECT 1", 10000, ""),
        repeat(f, "SELECT 1", "+1", 60000, ""),
        repeat(f, "SELECT ", "NOT ", 60000, "true"),
        pr_fmt(f->a, "%s%s", repeat(f, "SELECT ", "ARRAY[", 4500, "1"), repeat(f, "", "]", 4500, "")),
        pr_fmt(f->a, "CREATE INDEX ON t ((%s))", repeat(f, "1", "+1", 60000, "")),
        pr_fmt(f->a, "ALTER TABLE t ADD CHECK (%s > 0)", repeat(f, "1", "+1", 60000, "")),
    };
    for (size_t i = 0; i < PR_COUNT(texts); i++) {
        const struct pr_script *s = parse(f, pr_fmt(f->a, "SELECT 1; %s; SELECT 2", texts[i]));
        assert_int_equal(s->n, 3);
        assert_int_equal(s->n_unjudged, 1);
        assert_null(s->stmts[1].node);
        assert_non_null(s->stmts[2].node);
    }
    const struct pr_script *s = parse(f, repeat(f, "SELECT a FROM t", " UNION SELECT b FROM u", PR_CAP_SQL_DEPTH * 3 / 4, ""));
    assert_int_equal(s->n_unjudged, 0);            /* wide is fine */
    const char *text = NULL;
    struct pr_name *names = NULL;
    struct pr_column_name *columns = NULL;
    assert_int_equal(pr_stmt_names(&s->stmts[0], f->a, &names), 2);
    assert_int_equal(pr_stmt_columns(&s->stmts[0], f->a, &columns), 2);
    const enum pr_code code = pr_stmt_deparse(&s->stmts[0], f->a, &text, &f->e);
    assert_true(code == PR_OK || code == PR_ERR_BUG);
}

static void test_many_alive(void **state) {
    struct fixture *f = *state;
    struct pr_script s[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < 3; i++) {
        const char *text = pr_fmt(f->a, "SELECT %zu FROM t%zu; SELEC", i, i);
        assert_int_equal(pr_script_parse(text, strlen(text), f->a, &s[i], &f->e), PR_OK);
    }
    pr_script_done(&s[0]);
    for (size_t i = 1; i < 3; i++) {
        const char *text = NULL;
        assert_int_equal(pr_stmt_deparse(&s[i].stmts[0], f->a, &text, &f->e), PR_OK);
        assert_string_equal(text, pr_fmt(f->a, "SELECT %zu FROM t%zu", i, i));
        pr_script_done(&s[i]);
        pr_script_done(&s[i]);                     /* twice is fine */
    }
}

static void test_printing(void **state) {
    struct fixture *f = *state;
    const char *one = NULL, *other = NULL;
    const struct pr_script *s = parse(f, "create   index concurrently if not exists i on public.t(a, lower(b)) where c is null");
    assert_int_equal(pr_stmt_deparse(&s->stmts[0], f->a, &one, &f->e), PR_OK);
    assert_string_equal(one, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.t USING btree (a, lower(b)) WHERE c IS NULL");
    assert_int_equal(pr_sql_fingerprint("SELECT 1 FROM t WHERE a = 'x'", f->a, &one, &f->e), PR_OK);
    assert_int_equal(pr_sql_fingerprint("select 2 from t where a='y'", f->a, &other, &f->e), PR_OK);
    assert_string_equal(one, other);
    assert_int_equal(strlen(one), 16);
    assert_int_equal(pr_sql_fingerprint("SELECT 1 FORM t x", f->a, &other, &f->e), PR_ERR_PARSE);
    assert_ptr_not_equal(strstr(f->e.msg, "syntax error"), NULL);
    assert_int_equal(pr_grammar_major(), strtol(pr_grammar_version(), NULL, 10));
}

static void test_transactions(void **state) {
    struct fixture *f = *state;
    static const char *const outside[] = {
        "CREATE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY i", "REINDEX INDEX CONCURRENTLY i", "REINDEX (CONCURRENTLY) TABLE t",
        "REINDEX SCHEMA s", "REINDEX DATABASE d", "REINDEX SYSTEM d", "VACUUM", "VACUUM FULL t", "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE DATABASE d", "DROP DATABASE d", "CREATE TABLESPACE s LOCATION '/x'", "DROP TABLESPACE s", "CLUSTER", "DISCARD ALL",
        "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        "ALTER SUBSCRIPTION s REFRESH PUBLICATION", "DROP SUBSCRIPTION s", "ALTER DATABASE d SET TABLESPACE x", "COMMIT PREPARED 'x'"};
    static const char *const inside[] = {
        "CREATE INDEX i ON t (a)", "DROP INDEX i", "REINDEX TABLE t", "REINDEX (CONCURRENTLY false) TABLE t", "ANALYZE t", "CLUSTER t USING i",
        "ALTER TABLE p DETACH PARTITION c", "ALTER TABLE p DETACH PARTITION c FINALIZE", "DISCARD PLANS", "ALTER DATABASE d SET x = 1",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)", "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)", "ALTER TYPE e ADD VALUE 'x'", "SELECT 1"};
    for (size_t i = 0; i < PR_COUNT(outside); i++) assert_true(pr_stmt_outside_tx(&parse(f, outside[i])->stmts[0]));
    for (size_t i = 0; i < PR_COUNT(inside); i++) assert_false(pr_stmt_outside_tx(&parse(f, inside[i])->stmts[0]));
    assert_true(pr_stmt_concurrent(&parse(f, outside[0])->stmts[0]));
    assert_true(pr_stmt_concurrent(&parse(f, outside[3])->stmts[0]));
    assert_false(pr_stmt_concurrent(&parse(f, "VACUUM")->stmts[0]));
    assert_false(pr_stmt_concurrent(&parse(f, "SELEC")->stmts[0]));
    static const struct { const char *sql; enum pr_tx_word word; } words[] = {
        {"BEGIN", PR_TX_BEGIN}, {"START TRANSACTION ISOLATION LEVEL SERIALIZABLE", PR_TX_BEGIN}, {"COMMIT", PR_TX_COMMIT}, {"END", PR_TX_COMMIT},
        {"ROLLBACK", PR_TX_ROLLBACK}, {"ABORT", PR_TX_ROLLBACK}, {"SAVEPOINT s", PR_TX_SAVEPOINT}, {"ROLLBACK TO s", PR_TX_SAVEPOINT},
        {"RELEASE s", PR_TX_SAVEPOINT}, {"PREPARE TRANSACTION 'x'", PR_TX_COMMIT}, {"SELECT 1", PR_TX_NONE}, {"BEGI", PR_TX_NONE}};
    for (size_t i = 0; i < PR_COUNT(words); i++) {
        assert_int_equal(pr_stmt_tx_word(&parse(f, words[i].sql)->stmts[0]), words[i].word);
    }
}

/* Where a group is cut is a guess, which strings, comments, bodies and rows of COPY prove wrong. */
static void test_groups(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {
        "SELECT 1;\nSELECT ';\n;\n', 2;\n-- it ends;\nSELECT 3 -- not yet;\n, 4;\n/* nor;\n here;\n */ SELECT 5;\n\n;\n;SELECT 6;;\n",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nPERFORM 1;\nPERFORM 2;\nEND;\n$$;\nCREATE FUNCTION g() RETURNS int BEGIN ATOMIC\nSELECT 1;\nSELECT 2;\nEND;\nSELECT 1;\n",
        "CREATE RULE r AS ON INSERT TO t DO ALSO (\nDELETE FROM u;\nDELETE FROM v;\n);\nVACUUM t;\nCREATE INDEX CONCURRENTLY i ON t (a);\nBEGIN;\nCOMMIT;\n",
        "SELECT 1;\nCOPY t FROM stdin;\n1\t;\n2\t;\n\\.\nSELECT 2;\nSELECT 3;\n", "SELECT 1;\nCOPY t FROM stdin;\nSELECT 2;\nCOPY t FROM stdin;\nCOPY u FROM stdin;\nSELECT 3;\n",
        "SELECT 1;\r\nSELECT 2;\r\nSELECT FROM WHERE;\r\nSELECT 3;\r\n", "\xEF\xBB\xBFSELECT 1; SELECT 2; SELECT 3; SELECT 4",
        "SELECT 1;\nSELECT (2;\nSELECT 3;\nSELECT 4);\nSELECT 5;\n", "SELECT 1;\nSELECT 'never closed;\nSELECT 2;\nSELECT 3;\n", "-- nothing;\n-- but words;\n", ";\n;\n;\n",
        "CREATE ROLE r PASSWORD 'abc';\nCREATE ROLE s;\n\\i x.sql\nSELECT 1;\n{{ x }};\nSELECT 2;\n", "-- one\nSELECT 1; -- behind\n\n-- two;\n-- lines\nSELECT 2;\n",
    };
    for (size_t i = 0; i < PR_COUNT(texts); i++) (void)parse(f, texts[i]);
}

/* One group alone is there: a statement of another has neither tree nor text. */
static void test_one_group_awake(void **state) {
    struct fixture *f = *state;
    const char *text = "SELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\nBEGIN;\nSELECT FROM WHERE;\n";
    assert_int_equal(pr_script_pass(text, strlen(text), &(struct pr_passing){.group_bytes = 20, .stays = every_third}, f->a, &f->s, &f->e), PR_OK);
    for (size_t i = 0; i < f->s.n; i++) {
        const struct pr_stmt *s = &f->s.stmts[i];
        const bool here = i == 2 || i == 4;                  /* they stay */
        assert_true((s->node != NULL) == here);
        assert_true((s->text != NULL) == (here || i == 5));
    }
    pr_script_wake(&f->s, 0);
    assert_non_null(f->s.stmts[1].node);
    assert_null(f->s.stmts[3].node);
    pr_script_wake(&f->s, 3);
    assert_string_equal(f->s.stmts[3].text, "SELECT 4");
    assert_null(f->s.stmts[0].node);
    assert_null(f->s.stmts[1].text);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_places), T(test_nothing), T(test_comments), T(test_same_when_cut), T(test_broken_in_the_middle), T(test_never_closed),
        T(test_psql), T(test_copy_data), T(test_templates), T(test_line_ends_and_mark), T(test_refused), T(test_deep),
        T(test_many_alive), T(test_printing), T(test_transactions), T(test_groups), T(test_one_group_awake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
