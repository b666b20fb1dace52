/* The judge round the rules: levels from numbers, places, down scripts, ignores, configuration, text that nobody can judge. */
#include <setjmp.h>

#include "judged.h"

#include <cmocka.h>

#define ARENA(a) struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA)
enum { PG15 = 150000 };
static const char *const setup = "CREATE TABLE t (a int, b int); CREATE TABLE r (id int PRIMARY KEY)";
static const char *const index_sql = "CREATE INDEX t_a ON t (a)";

static enum pr_level level_of(struct pr_arena *a, const struct pr_facts *f, const char *sql, const char *rule, const char **what) {
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .facts = f, .tx = PR_TX_ONE, .version = PG15});
    const struct pr_finding *x = found(&d, rule);
    if (what != NULL) *what = x != NULL ? x->what : NULL;
    return x != NULL ? x->level : PR_LEVEL_COUNT;
}

static void level_follows_the_numbers(void **state) {
    (void)state;
    ARENA(a);
    const char *what = NULL;
    const enum pr_level big = level_of(a, facts_of(a, setup, PG15, 24000000), index_sql, "index-not-concurrent", &what);
    const bool says = strstr(what, "24,000,000 rows") != NULL && strstr(what, "SHARE lock; writers wait") != NULL && strstr(what, " s") != NULL;
    const enum pr_level small = level_of(a, facts_of(a, setup, PG15, 2000), index_sql, "index-not-concurrent", NULL);
    const enum pr_level empty = level_of(a, facts_of(a, setup, PG15, 0), index_sql, "index-not-concurrent", NULL);
    const enum pr_level none = level_of(a, NULL, index_sql, "index-not-concurrent", &what);
    const bool says_unknown = strstr(what, "size not known") != NULL;
    assert_true(says && says_unknown);
    assert_int_equal(big, PR_ERROR);
    assert_int_equal(small, PR_NOTE);
    assert_int_equal(empty, PR_LEVEL_COUNT);
    assert_int_equal(none, PR_WARNING);
}

/* Up to 13 a table that was never analyzed says 0 rows, as an empty one does. */
static void zero_rows_that_nobody_counted_are_not_empty(void **state) {
    (void)state;
    ARENA(a);
    struct pr_facts *f = facts_of(a, setup, 130000, 0);
    for (size_t i = 0; i < f->n_rels; i++) {
        f->rels[i].rows_trusted = false;
        f->rels[i].table_bytes = f->rels[i].total_bytes = (int64_t)800 << 20;
        f->rels[i].pages = 102400;
    }
    const enum pr_level l = level_of(a, f, index_sql, "index-not-concurrent", NULL);
    const enum pr_level emptied = level_of(a, f, "TRUNCATE t", "truncate", NULL);
    assert_int_equal(l, PR_WARNING);
    assert_int_equal(emptied, PR_ERROR);
}

static void what_this_run_made_is_nobodys(void **state) {
    (void)state;
    ARENA(a);
    const char *sql = "CREATE TABLE n (a int); CREATE INDEX ON n (a); ALTER TABLE n ADD CHECK (a > 0); ALTER TABLE n ALTER a SET NOT NULL; DROP TABLE n";
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .tx = PR_TX_ONE});
    const struct pr_judged with = judged(a, (struct ask){.sql = sql, .tx = PR_TX_ONE, .facts = facts_of(a, setup, PG15, 5000000)});
    assert_int_equal(d.findings.n, 0);
    assert_int_equal(with.findings.n, 0);
}

static void max_block_is_the_line(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_facts *f = facts_of(a, setup, PG15, 24000000);
    struct pr_config patient = {.max_block_ms = 3600000, .max_inline_rows = 50000};
    const struct pr_judged d = judged(a, (struct ask){.sql = index_sql, .facts = f, .tx = PR_TX_ONE, .config = &patient});
    assert_int_equal(found(&d, "index-not-concurrent")->level, PR_NOTE);
}

static void a_place_is_line_column_and_width(void **state) {
    (void)state;
    ARENA(a);
    const char *sql = "-- größe\nSELECT 'é';\n\n  CREATE INDEX x\n    ON öl_tabelle (a);\n";
    struct pr_side side = side_of(sql, NULL);
    side.first_line = 11;
    struct pr_judged d = {0};
    struct pr_err e = {0};
    assert_int_equal(pr_judge_side(&(struct pr_judge){.side = &side}, a, &d, &e), PR_OK);
    pr_judged_done(&d);
    const struct pr_finding *f = found(&d, "index-not-concurrent");
    assert_int_equal(f->line, 15);
    assert_int_equal(f->col, 8);
    assert_int_equal(f->width, 10);
    assert_string_equal(f->source, "    ON öl_tabelle (a);");
    assert_string_equal(f->path, "m/0001_x.up.sql");
}

static void down_scripts_weigh_less(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_facts *f = facts_of(a, setup, PG15, 24000000);
    const char *sql = "DROP TABLE r; ALTER TABLE t DROP COLUMN b; CREATE INDEX x ON t (a); VACUUM t";
    const struct pr_judged up = judged(a, (struct ask){.sql = sql, .facts = f, .tx = PR_TX_ONE});
    const struct pr_judged down = judged(a, (struct ask){.sql = sql, .facts = f, .tx = PR_TX_ONE, .is_down = true});
    static const struct { const char *rule; enum pr_level up, down; } want[] = {
        {"drop-table", PR_ERROR, PR_NOTE}, {"drop-column", PR_ERROR, PR_NOTE},
        {"index-not-concurrent", PR_ERROR, PR_WARNING}, {"concurrently-in-tx", PR_ERROR, PR_ERROR}};
    for (size_t i = 0; i < PR_COUNT(want); i++) {
        assert_int_equal(found(&up, want[i].rule)->level, want[i].up);
        assert_int_equal(found(&down, want[i].rule)->level, want[i].down);
    }
}

static void an_ignore_needs_a_rule_and_a_reason(void **state) {
    (void)state;
    ARENA(a);
    assert_int_equal(setenv("PGRAIL_TEST_NOW", "1795258800", 1), 0);                    /* 2026-11-21 */
    static const struct { const char *sql, *note; bool hidden; } cases[] = {
        {"-- pgrail:ignore drop-table nobody reads it since March\nDROP TABLE t;", NULL, true},
        {"/* pgrail:ignore drop-table nobody reads it */ DROP TABLE t;", NULL, true},
        {"DROP TABLE t; -- pgrail:ignore drop-table nobody reads it\nSELECT 1;", NULL, true},
        {"-- pgrail:ignore drop-table,truncate moved away\nDROP TABLE t;", "ignore-hides-nothing", true},
        {"-- pgrail:ignore drop-table,drop-tabel moved away\nDROP TABLE t;", "ignore-hides-nothing", true},
        {"-- pgrail:ignore a,b,c,d,e,f,g,h,drop-table too many\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore drop-table until 2027-02-30 nobody reads it\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore drop-table until 2027-13-01 nobody reads it\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignored drop-table is a word of its own\nDROP TABLE t;", NULL, false},
        {"-- pgrail:ignore-all drop-table there is no such mark\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore-file drop-table a folder of drops\nSELECT 1;\nDROP TABLE t;", NULL, true},
        {"DROP TABLE t;\n-- pgrail:ignore-file drop-table said at the end\n", NULL, true},
        {"-- pgrail:ignore-file truncate none here\nDROP TABLE t;", "ignore-hides-nothing", false},
        {"-- pgrail:ignore-file drop-table\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore-file drop-table until 2026-11-20 for now\nDROP TABLE t;", "ignore-expired", false},
        {"-- pgrail:ignore-file drop-table all of them\n-- pgrail:ignore drop-table and this one\nDROP TABLE t;", "ignore-hides-nothing", true},
        {"DROP TABLE\n    -- pgrail:ignore drop-table nobody reads it\n    t;", NULL, true},
        {"DROP TABLE\n    t -- pgrail:ignore drop-table nobody reads it\n    ;", NULL, true},
        {"DROP TABLE -- pgrail:ignore drop-table of the wrong line\n    t;", "ignore-hides-nothing", false},
        {"DO $$ BEGIN\n  -- pgrail:ignore drop-table nobody reads it\n  DROP TABLE t;\nEND $$;", NULL, true},
        {"-- pgrail:ignore drop-table until 2027-01-31 nobody reads it\nDROP TABLE t;", NULL, true},
        {"-- pgrail:ignore drop-table nobody reads it until 2026-11-21\nDROP TABLE t;", NULL, true},
        {"-- pgrail:ignore drop-table until 2026-11-20 nobody reads it\nDROP TABLE t;", "ignore-expired", false},
        {"-- pgrail:ignore drop-table until soon nobody reads it\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore drop-table\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore drop-table until 2027-01-31\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore\nDROP TABLE t;", "ignore-no-reason", false},
        {"-- pgrail:ignore truncate it is empty\nDROP TABLE t;", "ignore-hides-nothing", false},
        {"-- pgrail:ignore drop-tabel nobody reads it\nDROP TABLE t;", "ignore-hides-nothing", false},
        {"DROP TABLE t;\n-- pgrail:ignore drop-table too late\n", "ignore-hides-nothing", false},
        {"SELECT 'pgrail:ignore drop-table in a string'; DROP TABLE t;", NULL, false},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_judged d = judged(a, (struct ask){.sql = cases[i].sql, .tx = PR_TX_ONE});
        if ((found(&d, "drop-table") == NULL) != cases[i].hidden) fail_msg("%s: hidden wrongly, or not", cases[i].sql);
        assert_int_equal(d.hidden.n, cases[i].hidden ? 1 : 0);
        for (size_t n = 0; n < pr_n_judge_notes; n++)
            if ((found(&d, pr_judge_notes[n].id) != NULL) != pr_eq(pr_judge_notes[n].id, cases[i].note))
                fail_msg("%s: %s", cases[i].sql, pr_judge_notes[n].id);
    }
    const struct pr_judged d = judged(a, (struct ask){.sql = "-- pgrail:ignore drop-tabel nobody reads it\nDROP TABLE t;", .tx = PR_TX_ONE});
    assert_non_null(strstr(found(&d, "ignore-hides-nothing")->what, "the nearest is drop-table"));
    assert_int_equal(unsetenv("PGRAIL_TEST_NOW"), 0);
}

#define IN(section_, glob_, rule_, level_) {.section = (section_), .glob = (glob_), .rule = (rule_), .level = (level_)}
#define MOST 3

static void configuration_sets_levels(void **state) {
    (void)state;
    ARENA(a);
    static const struct { struct pr_rule_level says[MOST]; enum pr_level up, down; } cases[] = {
        {{IN(0, NULL, "drop-table", "note")}, PR_NOTE, PR_NOTE},
        {{IN(0, NULL, "drop-table", "off")}, PR_LEVEL_COUNT, PR_LEVEL_COUNT},
        {{IN(0, NULL, "loss", "warning")}, PR_WARNING, PR_NOTE},                            /* a down script loses what up made */
        {{IN(0, NULL, "loss", "off"), IN(0, NULL, "drop-table", "warning")}, PR_WARNING, PR_NOTE},      /* the rule's own name is closest */
        {{IN(0, NULL, "drop-table", "warning"), IN(0, NULL, "loss", "off")}, PR_WARNING, PR_NOTE},
        {{IN(0, NULL, "*", "off")}, PR_LEVEL_COUNT, PR_LEVEL_COUNT},
        {{IN(1, "m/*", "*", "warning")}, PR_WARNING, PR_NOTE},
        {{IN(1, "m/*", "*", "off"), IN(0, NULL, "drop-table", "error")}, PR_LEVEL_COUNT, PR_LEVEL_COUNT},   /* a path beats the rest */
        {{IN(1, "m/*", "*", "off"), IN(2, "m/0001*", "drop-table", "note")}, PR_NOTE, PR_NOTE},             /* the last one decides */
        {{IN(1, "other/*", "*", "off")}, PR_ERROR, PR_NOTE},
        {{IN(0, NULL, "truncate", "off")}, PR_ERROR, PR_NOTE},
        {{IN(0, NULL, "folder", "off")}, PR_ERROR, PR_NOTE}};
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_rule_level levels[MOST];
        memcpy(levels, cases[i].says, sizeof levels);
        struct pr_config config = {.rule_levels = levels, .max_block_ms = 1000, .max_inline_rows = 50000};
        while (config.n_rule_levels < MOST && levels[config.n_rule_levels].rule != NULL) config.n_rule_levels++;
        for (int down = 0; down < 2; down++) {
            const struct pr_judged d = judged(a, (struct ask){.sql = "DROP TABLE t", .tx = PR_TX_ONE, .config = &config, .is_down = down != 0});
            const struct pr_finding *f = found(&d, "drop-table");
            const enum pr_level got = f != NULL ? f->level : PR_LEVEL_COUNT;
            if (got != (down != 0 ? cases[i].down : cases[i].up)) fail_msg("case %zu, %s: level %d", i, down != 0 ? "down" : "up", (int)got);
        }
    }
}

static void notes_of_the_judge_have_levels_too(void **state) {
    (void)state;
    ARENA(a);
    struct pr_rule_level level = IN(0, NULL, "ignore-hides-nothing", "error");
    const struct pr_config config = {.rule_levels = &level, .n_rule_levels = 1, .max_block_ms = 1000, .max_inline_rows = 50000};
    const struct ask q = {.sql = "-- pgrail:ignore truncate as agreed\nDROP TABLE t", .tx = PR_TX_ONE, .config = &config};
    struct pr_judged d = judged(a, q);
    assert_int_equal(found(&d, "ignore-hides-nothing")->level, PR_ERROR);
    level.level = "off";
    d = judged(a, q);
    assert_null(found(&d, "ignore-hides-nothing"));
}

static void a_level_for_no_rule_is_refused(void **state) {
    (void)state;
    ARENA(a);
    struct pr_rule_level levels[] = {IN(0, NULL, "*", "off"), IN(0, NULL, "loss", "off"), IN(0, NULL, "version-gap", "off"),
                                     IN(0, NULL, "not-judged", "off"), {.rule = "drop-tabel", .level = "off", .line = 7}};
    struct pr_config config = {.shown = "pgrail.conf", .rule_levels = levels, .n_rule_levels = 4};
    struct pr_err e = {0};
    assert_int_equal(pr_rule_levels_check(&config, a, &e), PR_OK);
    config.n_rule_levels = 5;
    assert_int_equal(pr_rule_levels_check(&config, a, &e), PR_ERR_CONFIG);
    assert_string_equal(e.msg, "pgrail.conf:7: there is no rule \"drop-tabel\"");
    assert_string_equal(e.hint, "the nearest is drop-table");
}

static void what_cannot_be_judged_is_named_and_the_rest_is_judged(void **state) {
    (void)state;
    ARENA(a);
    static const struct { const char *sql, *runner; enum pr_level level; const char *says; } cases[] = {
        {"ALTER TABLE t FORM x; DROP TABLE t;", NULL, PR_ERROR, "syntax error"},
        {"\\i other.sql\nDROP TABLE t;", NULL, PR_ERROR, "psql"},
        {"\\i other.sql\nDROP TABLE t;", "psql", PR_WARNING, "psql"},
        {"COPY t FROM stdin;\n1\t2\n\\.\nDROP TABLE t;", NULL, PR_ERROR, "COPY"},
        {"DO $$ DECLARE t text; BEGIN EXECUTE 'DROP ' || t; END $$; DROP TABLE t;", NULL, PR_WARNING, "EXECUTE"},
        {"DO LANGUAGE plperl 'x'; DROP TABLE t;", NULL, PR_WARNING, "DO"},
        {"DO $$ BEGIN ALTER TABL t; END $$; DROP TABLE t;", NULL, PR_ERROR, "syntax error"},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_judged d = judged(a, (struct ask){.sql = cases[i].sql, .tx = PR_TX_ONE, .runner = cases[i].runner});
        const struct pr_finding *f = found(&d, "not-judged");
        if (f == NULL || strstr(f->title, cases[i].says) == NULL) fail_msg("%s: not named", cases[i].sql);
        assert_int_equal(f->level, cases[i].level);
        if (found(&d, "drop-table") == NULL) fail_msg("%s: the rest is not judged", cases[i].sql);
    }
}

static void a_newer_server_may_know_better(void **state) {
    (void)state;
    ARENA(a);
    const struct pr_judged d = judged(a, (struct ask){.sql = "ALTER TABLE t FROB x", .tx = PR_TX_ONE, .version = (pr_grammar_major() + 1) * 10000});
    assert_int_equal(found(&d, "not-judged")->level, PR_WARNING);
}

static void bytes_that_are_no_text_are_an_error(void **state) {
    (void)state;
    ARENA(a);
    static const char nul[] = "DROP TABLE t;\0DROP TABLE u;", latin[] = "SELECT '\xE9'";
    const struct pr_side sides[] = {{.path = "a.sql", .text = nul, .len = sizeof nul - 1, .first_line = 1},
                                    {.path = "b.sql", .text = latin, .len = sizeof latin - 1, .first_line = 1}};
    for (size_t i = 0; i < PR_COUNT(sides); i++) {
        struct pr_judged d = {0};
        struct pr_err e = {0};
        assert_int_equal(pr_judge_side(&(struct pr_judge){.side = &sides[i]}, a, &d, &e), PR_ERR_BAD_INPUT);
        assert_null(d.findings.items);
    }
}

static void safe_sql_has_the_real_names(void **state) {
    (void)state;
    ARENA(a);
    static const struct { const char *sql, *rule, *want; } cases[] = {
        {"CREATE UNIQUE INDEX IF NOT EXISTS \"Odd\" ON app.\"T\" (lower(a)) WHERE b > 0", "index-not-concurrent",
         "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"Odd\" ON app.\"T\" USING btree (lower(a)) WHERE b > 0;"},
        {"DROP INDEX IF EXISTS a, app.b", "drop-index-not-concurrent", "DROP INDEX CONCURRENTLY IF EXISTS a;\nDROP INDEX CONCURRENTLY IF EXISTS app.b;"},
        {"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id) ON DELETE CASCADE", "add-fk-validating",
         "ALTER TABLE t ADD CONSTRAINT t_r_id_fkey FOREIGN KEY (r_id) REFERENCES r (id) ON DELETE CASCADE NOT VALID;\n"
         "-- in a transaction of its own:\nALTER TABLE t VALIDATE CONSTRAINT t_r_id_fkey;"},
        {"ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0)", "add-check-validating",
         "ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0) NOT VALID;\n-- in a transaction of its own:\nALTER TABLE t VALIDATE CONSTRAINT pos;"},
        {"ALTER TABLE t ADD UNIQUE (a, b)", "add-unique-no-index",
         "CREATE UNIQUE INDEX CONCURRENTLY t_a_b_key ON t (a, b);\nALTER TABLE t ADD CONSTRAINT t_a_b_key UNIQUE USING INDEX t_a_b_key;"},
        {"REINDEX TABLE t", "reindex-not-concurrent", "REINDEX (CONCURRENTLY) TABLE t;"},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        const struct pr_judged d = judged(a, (struct ask){.sql = cases[i].sql, .tx = PR_TX_ONE, .version = PG15});
        const struct pr_finding *f = found(&d, cases[i].rule);
        if (f == NULL) fail_msg("%s: not found", cases[i].sql);
        assert_string_equal(f->safe_sql != NULL ? f->safe_sql : "(none)", cases[i].want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_follows_the_numbers),
        cmocka_unit_test(zero_rows_that_nobody_counted_are_not_empty),
        cmocka_unit_test(what_this_run_made_is_nobodys),
        cmocka_unit_test(max_block_is_the_line),
        cmocka_unit_test(a_place_is_line_column_and_width),
        cmocka_unit_test(down_scripts_weigh_less),
        cmocka_unit_test(an_ignore_needs_a_rule_and_a_reason),
        cmocka_unit_test(configuration_sets_levels),
        cmocka_unit_test(notes_of_the_judge_have_levels_too),
        cmocka_unit_test(a_level_for_no_rule_is_refused),
        cmocka_unit_test(what_cannot_be_judged_is_named_and_the_rest_is_judged),
        cmocka_unit_test(a_newer_server_may_know_better),
        cmocka_unit_test(bytes_that_are_no_text_are_an_error),
        cmocka_unit_test(safe_sql_has_the_real_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
