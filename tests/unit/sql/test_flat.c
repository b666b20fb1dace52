/* What stands in bodies: found, at its place in the file, and what is not known said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/sql.h"

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)

struct opened { struct pr_script s, flat; };

static void open_text(struct opened *o, struct pr_arena *a, const char *sql) {
    struct pr_err e = {0};
    assert_int_equal(pr_script_parse(sql, strlen(sql), a, &o->s, &e), PR_OK);
    pr_script_flat(&o->s, NULL, 0, a, &o->flat);
    for (size_t i = 0; i < o->flat.n; i++) {
        const struct pr_stmt *s = &o->flat.stmts[i];
        assert_int_equal(s->index, i);
        assert_int_equal(strncmp(o->flat.text + s->offset, s->text, s->len), 0);
        assert_true(pr_script_place(&o->flat, s->offset) <= o->s.len);
    }
}

static void close_opened(struct opened *o) {
    pr_script_done(&o->flat);
    pr_script_done(&o->s);
}

/* Tags of what stands in bodies, each with + later, ? maybe, ! caught, ~ not known. */
static const char *inner(struct pr_arena *a, const char *sql) {
    struct opened o PR_CLEANUP(close_opened) = {0};
    struct pr_buf b = {.a = a};
    open_text(&o, a, sql);
    for (size_t i = 0; i < o.flat.n; i++) {
        const struct pr_stmt *s = &o.flat.stmts[i];
        if (s->inside == NULL) continue;
        pr_addf(&b, "%s%s%s%s%s%s", b.len > 0 ? ", " : "", s->unjudged == PR_DYNAMIC ? "~" : s->tag, s->inside->later ? "+" : "",
                s->inside->maybe ? "?" : "", s->inside->caught ? "!" : "", s->inside->kind == PR_INSIDE_EXECUTED ? "'" : "");
    }
    return pr_buf_text(&b);
}

#define TABLE "CREATE TABLE t (a int)"

static void statements_of_bodies_are_found(void **state) {
    (void)state;
    static const struct { const char *sql, *inner; } cases[] = {
        {"DO $$ BEGIN DROP TABLE t; END $$", "DROP TABLE"},
        {"DO LANGUAGE plpgsql $x$ BEGIN DROP TABLE t; END $x$", "DROP TABLE"},
        {"DO $$ BEGIN DROP TABLE t; END $$ LANGUAGE plpgsql", "DROP TABLE"},
        {"DO LANGUAGE plperl 'drop'", ""},
        {"DO $$ BEGIN IF a() THEN DROP TABLE t; ELSIF b() THEN DROP VIEW v; ELSE DROP INDEX i; END IF; END $$", "DROP TABLE?, DROP VIEW?, DROP INDEX?"},
        {"DO $$ BEGIN IF EXISTS (SELECT 1 FROM t) THEN NULL; END IF; END $$", "SELECT"},
        {"DO $$ BEGIN CASE WHEN (SELECT true) THEN DROP TABLE t; ELSE DROP VIEW v; END CASE; END $$", "SELECT, DROP TABLE?, DROP VIEW?"},
        {"DO $$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP DROP TABLE t; END LOOP; END $$", "SELECT, DROP TABLE?"},
        {"DO $$ BEGIN BEGIN DROP TABLE t; EXCEPTION WHEN OTHERS THEN DROP VIEW v; END; DROP INDEX i; END $$", "DROP TABLE!, DROP VIEW?, DROP INDEX"},
        {"DO $$ BEGIN IF a() THEN RETURN; END IF; DROP TABLE t; END $$", "DROP TABLE?"},
        {"DO $$ DECLARE n int := (SELECT 1); BEGIN n := (SELECT 2); PERFORM f(); COMMIT; END $$", "SELECT, SELECT, SELECT, COMMIT"},
        {"DO $$ BEGIN EXECUTE 'DROP TABLE t; DROP VIEW v'; END $$", "DROP TABLE', DROP VIEW'"},
        {"DO $$ BEGIN EXECUTE format('DROP TABLE %I.%I', 's', 'T'); END $$", "DROP TABLE'"},
        {"DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE ' || quote_ident('t'); END $$", "DROP TABLE'"},
        {"DO $$ BEGIN EXECUTE 'SELECT $1' USING 1; END $$", "SELECT'"},
        {"DO $$ DECLARE t text; BEGIN EXECUTE 'DROP TABLE ' || t; EXECUTE format('DROP TABLE %I', t); DROP VIEW v; END $$", "~, ~, DROP VIEW"},
        {"DO $$ BEGIN EXECUTE 'DO ''BEGIN DROP TABLE t; END'''; END $$", "DO', DROP TABLE'"},
        {"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$; SELECT f()", "DROP TABLE+, DROP TABLE"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DROP TABLE t; SELECT 1'; SELECT f()", "DROP TABLE+, SELECT+, DROP TABLE, SELECT"},
        {"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := OLD.a + 1; INSERT INTO t VALUES ('\\\"}', '[', TG_OP); RETURN NEW; END $$", "INSERT+"},
        {"CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM t; END; CALL p()", "DELETE"},
        {"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM f(); DROP TABLE t; END $$; SELECT f()",
         "SELECT+, DROP TABLE+, SELECT, DROP TABLE"},
        {"CREATE FUNCTION f(a s.t, VARIADIC b int[]) RETURNS SETOF s.t LANGUAGE plpgsql AS $$ DECLARE x CONSTANT s.e := 'q'; y s.t[]; z s.t.c%TYPE;"
         " BEGIN RETURN QUERY SELECT 1; END $$", "SELECT+"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DROP TABLE t'; SELECT f() FROM x; SELECT * FROM f(); DELETE FROM x WHERE a = f()",
         "DROP TABLE+, DROP TABLE?, DROP TABLE, DROP TABLE?"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'a', 'b'", ""},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", ""},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql", ""},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        ARENA(a);
        const char *is = inner(a, cases[i].sql);
        if (!pr_eq(is, cases[i].inner)) fail_msg("%s\n is       %s\n expected %s", cases[i].sql, is, cases[i].inner);
    }
}

/* « marks where the statement that drops starts in the file; it is taken out before. */
static void places_are_those_of_the_file(void **state) {
    (void)state;
    static const char *const cases[] = {
        "DO $$\nBEGIN\n  NULL;\n  «DROP TABLE t; END $$",
        "SELECT 1; /* é */ DO $é$ DECLARE x int; BEGIN x := 1; SELECT 'é' INTO x; «DROP TABLE t; END $é$",
        "DO 'BEGIN «DROP TABLE t; END'",
        "DO 'BEGIN PERFORM ''é''''s''; «DROP TABLE t; END'",
        "DO E'BEGIN\\n PERFORM \\'\\x41\\101\\u00e9\\'; «DROP TABLE t; END'",
        "DO 'BEGIN '\n  '«DROP TABLE t; END'",
        "DO $$ BEGIN EXECUTE '«DROP TABLE t'; END $$",
        "DO $$ BEGIN EXECUTE 'SELECT ''a''; «DROP TABLE t'; END $$",
        "DO 'BEGIN EXECUTE ''SELECT ''''a''''; «DROP TABLE t''; END'",
        "DO $$ BEGIN EXECUTE «'DROP TABLE ' || 't'; END $$",
        "CREATE FUNCTION f() RETURNS void AS /* AS 'x' */ 'BEGIN «DROP TABLE t; END' LANGUAGE plpgsql",
        "DO $$ DECLARE a int; b int; BEGIN SELECT 1, 2 INTO a, b; SELECT 1, 2 INTO STRICT a, b; «DROP TABLE t; END $$",
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        ARENA(a);
        const char *mark = strstr(cases[i], "«");
        const size_t want = (size_t)(mark - cases[i]);
        struct opened o PR_CLEANUP(close_opened) = {0};
        open_text(&o, a, pr_fmt(a, "%.*s%s", (int)want, cases[i], mark + strlen("«")));
        const struct pr_stmt *drop = NULL;
        for (size_t k = 0; k < o.flat.n; k++)
            if (o.flat.stmts[k].inside != NULL && pr_eq(o.flat.stmts[k].tag, "DROP TABLE")) drop = &o.flat.stmts[k];
        if (drop == NULL) fail_msg("%s: not found", cases[i]);
        const size_t at = pr_script_place(&o.flat, drop->offset);
        if (at != want) fail_msg("%s: at %zu, expected %zu", cases[i], at, want);
        int line = 0, col = 0;
        pr_line_col(o.s.text, at, &line, &col);
        assert_int_equal(drop->line, line);
    }
}

static void a_body_that_is_not_read_is_named(void **state) {
    (void)state;
    static const struct { const char *sql; enum pr_unjudged why; int line; const char *says; } cases[] = {
        {"DO $$ BEGIN\n NULL;\n ALTER TABL t;\nEND $$", PR_UNPARSED, 3, "TABL"},
        {"DO $$ BEGIN\n x := 3;\nEND $$", PR_UNPARSED, 2, "not a known variable"},
        {"DO 'x'", PR_UNPARSED, 1, "syntax error"},
        {"DO ''", PR_UNPARSED, 1, "syntax error"},
        {"DO $$ BEGIN EXECUTE\n 'ALTER TABL t'; END $$", PR_UNPARSED, 2, "TABL"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n SELEC 1 $$", PR_UNPARSED, 1, "SELEC"},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        ARENA(a);
        struct opened o PR_CLEANUP(close_opened) = {0};
        open_text(&o, a, pr_fmt(a, "%s; DROP TABLE t", cases[i].sql));
        const struct pr_stmt *bad = NULL;
        for (size_t k = 0; k < o.flat.n; k++)
            if (o.flat.stmts[k].inside != NULL && o.flat.stmts[k].node == NULL) bad = &o.flat.stmts[k];
        if (bad == NULL) fail_msg("%s: not named", cases[i].sql);
        assert_int_equal(bad->unjudged, cases[i].why);
        if (bad->line != cases[i].line || strstr(bad->problem, cases[i].says) == NULL)
            fail_msg("%s: line %d: %s", cases[i].sql, bad->line, bad->problem);
        assert_string_equal(o.flat.stmts[o.flat.n - 1].tag, "DROP TABLE");
    }
}

static char *repeated(struct pr_arena *a, const char *head, const char *part, int n, const char *middle, const char *back, const char *tail) {
    struct pr_buf b = {.a = a};
    pr_add(&b, head);
    for (int i = 0; i < n; i++) pr_add(&b, part);
    pr_add(&b, middle);
    for (int i = 0; i < n; i++) pr_add(&b, back);
    pr_add(&b, tail);
    return b.text;
}

/* An answer or a refusal, never a crash, and no more than PR_CAP_BODIES levels. */
static void too_much_is_refused(void **state) {
    (void)state;
    ARENA(a);
    const char *const texts[] = {
        repeated(a, "DO $$ BEGIN ", "IF a THEN ", 3000, "NULL; ", "END IF; ", "END $$"),
        repeated(a, "DO $$ BEGIN ", "BEGIN ", 100000, "NULL; ", "END; ", "END $$"),
        repeated(a, "DO $$ BEGIN IF ", "(", 20000, "1", ")", " THEN NULL; END IF; END $$"),
        repeated(a, "DO $$ BEGIN EXECUTE ", "'a' || ", 5000, "'b'", "", "; END $$"),
        repeated(a, "DO $$ DECLARE ", "x int; ", 5000, "BEGIN ", "x := x; ", "END $$"),
    };
    for (size_t i = 0; i < PR_COUNT(texts); i++) {
        struct opened o PR_CLEANUP(close_opened) = {0};
        open_text(&o, a, texts[i]);
        assert_true(o.flat.n >= 2);
        assert_null(o.flat.stmts[1].node);
    }
    const char *nested = "DROP TABLE t";
    for (int i = 0; i < 12; i++) nested = pr_fmt(a, "DO $%c$ BEGIN EXECUTE $%cx$%s$%cx$; END $%c$", 'a' + i, 'a' + i, nested, 'a' + i, 'a' + i);
    struct opened o PR_CLEANUP(close_opened) = {0};
    open_text(&o, a, nested);
    assert_int_equal(o.flat.n, PR_CAP_BODIES + 1);
    assert_false(o.flat.stmts[o.flat.n - 1].opened);
}

/* f0 calls nothing, each next one calls the one before ten times: 10⁸ statements. */
static void calls_do_not_multiply_without_end(void **state) {
    (void)state;
    ARENA(a);
    struct pr_buf b = {.a = a};
    pr_add(&b, "CREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$;");
    for (int i = 1; i < PR_CAP_BODIES; i++) {
        pr_addf(&b, "CREATE FUNCTION f%d() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ", i);
        for (int k = 0; k < 10; k++) pr_addf(&b, "PERFORM f%d(); ", i - 1);
        pr_add(&b, "END $$;");
    }
    pr_addf(&b, "SELECT f%d();", PR_CAP_BODIES - 1);
    struct opened o PR_CLEANUP(close_opened) = {0};
    open_text(&o, a, pr_buf_text(&b));
    assert_true(o.flat.n <= PR_CAP_STATEMENTS + o.s.n);
    assert_false(o.flat.stmts[o.flat.n - 1].opened);
}

static void a_script_without_bodies_is_as_it_was(void **state) {
    (void)state;
    ARENA(a);
    struct opened o PR_CLEANUP(close_opened) = {0};
    open_text(&o, a, TABLE "; SELECT f(); DROP TABLE t");
    assert_int_equal(o.flat.n, 3);
    assert_ptr_equal(o.flat.text, o.s.text);
    assert_null(o.flat.memory);
}

static void a_known_function_is_opened_at_its_call(void **state) {
    (void)state;
    ARENA(a);
    static const struct pr_known_body known[] = {
        {.name = "g", .args = "a integer, OUT b integer", .language = "plpgsql", .body = "BEGIN DROP TABLE t; RETURN; END"},
        {.name = "f", .args = "", .language = "plpgsql", .body = "BEGIN RETURN QUERY SELECT 1; END"},
        {.name = "c", .args = "", .language = "c", .body = "x"},
        {.name = "e", .args = "a integer, b integer DEFAULT 2", .language = "sql", .body = "DROP TABLE t"},
    };
    static const struct { const char *sql; size_t n; } cases[] = {
        {"SELECT g(1)", 2}, {"SELECT g()", 1}, {"SELECT f()", 2}, {"SELECT c()", 1}, {"CALL g(1, NULL)", 2}, {"CALL g()", 1}, {"SELECT h()", 1}, {"SELECT g(x) FROM y", 2},
        {"SELECT * FROM f()", 2}, {"INSERT INTO y SELECT g(x) FROM z", 2}, {"UPDATE y SET a = g(1), b = g(2)", 2}, {"CREATE TABLE y AS SELECT g(1)", 2},
        {"SELECT e(1)", 2}, {"SELECT e(1, 2)", 2}, {"SELECT e(1, 2, 3)", 1}, {"SELECT e()", 1},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_script s PR_CLEANUP(pr_script_done) = {0}, flat PR_CLEANUP(pr_script_done) = {0};
        struct pr_err e = {0};
        assert_int_equal(pr_script_parse(cases[i].sql, strlen(cases[i].sql), a, &s, &e), PR_OK);
        pr_script_flat(&s, known, PR_COUNT(known), a, &flat);
        if (flat.n != cases[i].n) fail_msg("%s: %zu statements", cases[i].sql, flat.n);
        if (flat.n == 2) assert_int_equal(pr_script_place(&flat, flat.stmts[1].offset), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_of_bodies_are_found),
        cmocka_unit_test(places_are_those_of_the_file),
        cmocka_unit_test(a_body_that_is_not_read_is_named),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(calls_do_not_multiply_without_end),
        cmocka_unit_test(a_script_without_bodies_is_as_it_was),
        cmocka_unit_test(a_known_function_is_opened_at_its_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
