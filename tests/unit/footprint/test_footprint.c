/* The footprint engine without a server: no facts, the world that a script makes, transactions, durations, JSON. What facts
 * decide is held against real servers in tests/server/test_footprint.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "footprint/footprint.h"

/* Footprint of the last statement of a script. */
static const struct pr_footprint *last(struct pr_arena *a, const struct pr_facts *facts, int version, enum pr_tx_mode tx,
                                       const char *sql) {
    struct pr_script *s = PR_NEW(a, struct pr_script);
    struct pr_err e = {0};
    assert_int_equal(pr_script_parse(sql, strlen(sql), a, s, &e), PR_OK);
    struct pr_run_footprint run = {0};
    pr_footprint_script(pr_world_new(facts, version, a), s, tx, a, &run);
    assert_true(run.n > 0);
    pr_script_done(s);                                     /* a footprint outlives the trees */
    return &run.stmts[run.n - 1];
}

static const struct pr_effect *on(const struct pr_footprint *f, const char *name) {
    for (size_t i = 0; i < f->n; i++)
        if (pr_eq(f->effects[i].name, name)) return &f->effects[i];
    return NULL;
}

static void locks_conflict_as_documented(void **state) {
    (void)state;
    for (int a = 0; a < PR_LOCK_COUNT; a++)
        for (int b = 0; b < PR_LOCK_COUNT; b++)
            assert_int_equal(pr_lock_conflicts((enum pr_lock)a, (enum pr_lock)b), pr_lock_conflicts((enum pr_lock)b, (enum pr_lock)a));
    assert_true(pr_lock_blocks_readers(PR_ACCESS_EXCLUSIVE));
    assert_false(pr_lock_blocks_readers(PR_EXCLUSIVE));
    assert_true(pr_lock_blocks_writers(PR_SHARE));
    assert_false(pr_lock_blocks_writers(PR_SHARE_UPDATE_EXCLUSIVE));
    assert_true(pr_lock_conflicts(PR_SHARE_UPDATE_EXCLUSIVE, PR_SHARE_UPDATE_EXCLUSIVE));
    assert_false(pr_lock_conflicts(PR_SHARE, PR_SHARE));
    assert_int_equal(pr_lock_from_server("ShareRowExclusiveLock"), PR_SHARE_ROW_EXCLUSIVE);
    assert_int_equal(pr_lock_from_server("nonsense"), PR_LOCK_NONE);
    assert_string_equal(pr_lock_name(PR_ACCESS_SHARE), "ACCESS SHARE");
}

static const struct { const char *sql; enum pr_lock lock; bool rewrite, scan; int builds; bool guessed; } blind[] = {
    {"ALTER TABLE t ADD COLUMN z int", PR_ACCESS_EXCLUSIVE, false, false, 0, true},
    {"ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()", PR_ACCESS_EXCLUSIVE, true, true, 0, true},
    {"ALTER TABLE t ADD COLUMN z timestamptz DEFAULT now()", PR_ACCESS_EXCLUSIVE, false, false, 0, true},
    {"ALTER TABLE t ADD COLUMN z int DEFAULT somebodys()", PR_ACCESS_EXCLUSIVE, true, true, 0, true},
    {"ALTER TABLE t ALTER c TYPE bigint", PR_ACCESS_EXCLUSIVE, true, true, 0, true},
    {"ALTER TABLE t ALTER c SET NOT NULL", PR_ACCESS_EXCLUSIVE, false, true, 0, true},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0)", PR_ACCESS_EXCLUSIVE, false, true, 0, true},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID", PR_ACCESS_EXCLUSIVE, false, false, 0, true},
    {"ALTER TABLE t VALIDATE CONSTRAINT c", PR_SHARE_UPDATE_EXCLUSIVE, false, true, 0, true},
    {"ALTER TABLE t ADD FOREIGN KEY (r) REFERENCES u (id)", PR_SHARE_ROW_EXCLUSIVE, false, true, 0, true},
    {"ALTER TABLE t ADD UNIQUE (x)", PR_ACCESS_EXCLUSIVE, false, true, 1, true},
    {"ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i", PR_ACCESS_EXCLUSIVE, false, true, 0, true},
    {"ALTER TABLE t SET (fillfactor = 70)", PR_SHARE_UPDATE_EXCLUSIVE, false, false, 0, true},
    {"ALTER TABLE t VALIDATE CONSTRAINT c, ALTER x SET DEFAULT 1", PR_ACCESS_EXCLUSIVE, false, true, 0, true},
    {"CREATE INDEX i ON t (x)", PR_SHARE, false, true, 1, true},
    {"CREATE INDEX CONCURRENTLY i ON t (x)", PR_SHARE_UPDATE_EXCLUSIVE, false, true, 1, true},
    {"REINDEX TABLE t", PR_SHARE, false, true, 1, true},
    {"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", PR_SHARE_ROW_EXCLUSIVE, false, false, 0, true},
    {"UPDATE t SET x = 1", PR_ROW_EXCLUSIVE, false, true, 0, true},
    {"TRUNCATE t", PR_ACCESS_EXCLUSIVE, true, false, 0, true},
    {"DROP TABLE t", PR_ACCESS_EXCLUSIVE, false, false, 0, true},
    {"VACUUM FULL t", PR_ACCESS_EXCLUSIVE, true, true, 0, true},
};

static void without_facts_the_worst_is_taken(void **state) {
    (void)state;
    for (size_t i = 0; i < PR_COUNT(blind); i++) {
        struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
        const struct pr_footprint *f = last(a, NULL, 0, PR_TX_EACH, blind[i].sql);
        const struct pr_effect *e = on(f, "t");
        if (e == NULL || e->lock != blind[i].lock || e->rewrite != blind[i].rewrite || e->scan != blind[i].scan ||
            e->index_builds != blind[i].builds || f->guessed != blind[i].guessed)
            fail_msg("%s: %s", blind[i].sql, e == NULL ? "no effect" : pr_lock_name(e->lock));
        assert_int_equal(e->rows, blind[i].rewrite && pr_starts(blind[i].sql, "TRUNCATE") ? 0 : -1);
        pr_arena_free(a);
    }
}

/* A script, and what its last statement must do to t. */
static const struct { const char *sql; enum pr_lock lock; bool rewrite, scan, own; } lives[] = {
    /* the safe recipe needs no facts: the script itself has proven it */
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;"
     "ALTER TABLE t ALTER x SET NOT NULL", PR_ACCESS_EXCLUSIVE, false, false, false},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID; ALTER TABLE t ALTER x SET NOT NULL",
     PR_ACCESS_EXCLUSIVE, false, true, false},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL AND y > 0); ALTER TABLE t ALTER x SET NOT NULL",
     PR_ACCESS_EXCLUSIVE, false, false, false},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL OR y > 0); ALTER TABLE t ALTER x SET NOT NULL",
     PR_ACCESS_EXCLUSIVE, false, true, false},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL); ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ALTER x SET NOT NULL",
     PR_ACCESS_EXCLUSIVE, false, true, false},
    {"ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL); ALTER TABLE t ALTER x SET NOT NULL, DROP CONSTRAINT c",
     PR_ACCESS_EXCLUSIVE, false, true, false},
    {"ALTER TABLE o ADD CONSTRAINT c CHECK (x IS NOT NULL); ALTER TABLE o RENAME TO t; ALTER TABLE t ALTER x SET NOT NULL",
     PR_ACCESS_EXCLUSIVE, false, false, false},
    /* a table of this run is nobody's */
    {"CREATE TABLE t (id int); ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()", PR_ACCESS_EXCLUSIVE, true, true, true},
    {"CREATE TABLE t (id int); CREATE INDEX i ON t (id)", PR_SHARE, false, true, true},
    {"CREATE TABLE t (id varchar(5)); ALTER TABLE t ALTER id TYPE varchar(9)", PR_ACCESS_EXCLUSIVE, false, false, true},
    {"CREATE TABLE t (id int); ALTER TABLE t ALTER id TYPE bigint", PR_ACCESS_EXCLUSIVE, true, true, true},
    {"ALTER TABLE t ADD COLUMN v varchar(5); ALTER TABLE t ALTER v TYPE text", PR_ACCESS_EXCLUSIVE, false, false, false},
    /* the time zone decides, and the script may set it */
    {"SET timezone = 'UTC'; ALTER TABLE t ADD COLUMN at timestamp; ALTER TABLE t ALTER at TYPE timestamptz",
     PR_ACCESS_EXCLUSIVE, false, false, false},
    {"SET timezone = 'Europe/Paris'; ALTER TABLE t ADD COLUMN at timestamp; ALTER TABLE t ALTER at TYPE timestamptz",
     PR_ACCESS_EXCLUSIVE, true, true, false},
    {"CREATE DOMAIN d AS int CHECK (VALUE > 0); ALTER TABLE t ADD COLUMN z d", PR_ACCESS_EXCLUSIVE, true, true, false},
    {"CREATE DOMAIN d AS int; ALTER TABLE t ADD COLUMN z d DEFAULT 5", PR_ACCESS_EXCLUSIVE, false, false, false},
};

static void later_statements_know_what_earlier_ones_did(void **state) {
    (void)state;
    for (size_t i = 0; i < PR_COUNT(lives); i++) {
        struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
        const struct pr_footprint *f = last(a, NULL, 0, PR_TX_ONE, lives[i].sql);
        const struct pr_effect *e = on(f, "t");
        if (e == NULL || e->lock != lives[i].lock || e->rewrite != lives[i].rewrite || e->scan != lives[i].scan ||
            e->own != lives[i].own)
            fail_msg("%s: %s%s%s%s", lives[i].sql, e == NULL ? "no effect" : pr_lock_name(e->lock),
                     e != NULL && e->rewrite ? " rewrite" : "", e != NULL && e->scan ? " scan" : "", e != NULL && e->own ? " own" : "");
        pr_arena_free(a);
    }
}

/* grammar: the oldest one that reads the statement; an older one must say that it does not. */
static const struct { const char *sql; int version; enum pr_tx_mode tx; const char *sqlstate; int grammar; } failing[] = {
    {"CREATE INDEX CONCURRENTLY i ON t (x)", 0, PR_TX_ONE, "25001"},
    {"CREATE INDEX CONCURRENTLY i ON t (x)", 0, PR_TX_EACH, NULL},
    {"CREATE INDEX CONCURRENTLY i ON t (x)", 0, PR_TX_OWN, NULL},
    {"BEGIN; CREATE INDEX CONCURRENTLY i ON t (x)", 0, PR_TX_OWN, "25001"},
    {"BEGIN; SELECT 1; COMMIT; CREATE INDEX CONCURRENTLY i ON t (x)", 0, PR_TX_OWN, NULL},
    {"VACUUM t", 0, PR_TX_ONE, "25001"},
    {"DROP INDEX CONCURRENTLY a, b", 0, PR_TX_EACH, "0A000"},
    {"CREATE TYPE e AS ENUM ('a'); CREATE TYPE e AS ENUM ('b')", 0, PR_TX_ONE, "42710"},
    {"ALTER TYPE e ADD VALUE 'c'; UPDATE t SET s = 'c'", 150000, PR_TX_ONE, "55P04"},
    {"ALTER TYPE e ADD VALUE 'c'; UPDATE t SET s = 'c'", 150000, PR_TX_EACH, NULL},
    {"CREATE TYPE e AS ENUM ('a'); ALTER TYPE e ADD VALUE 'c'; UPDATE t SET s = 'c'", 160000, PR_TX_ONE, "55P04"},
    {"CREATE TYPE e AS ENUM ('a'); ALTER TYPE e ADD VALUE 'c'; UPDATE t SET s = 'c'", 170000, PR_TX_ONE, NULL},
    {"ALTER TABLE t ADD CONSTRAINT n NOT NULL x", 170000, PR_TX_ONE, "42601", .grammar = 18},
    {"CREATE TABLE t (id int); ALTER TABLE t ADD COLUMN id int", 0, PR_TX_ONE, "42701"},
    {"CREATE TABLE t (id int); ALTER TABLE t DROP COLUMN x", 0, PR_TX_ONE, "42703"},
    {"CREATE TABLE t (id int); CREATE TABLE t (id int)", 0, PR_TX_ONE, "42P07"},
    {"CREATE TABLE t (id int); CREATE TABLE IF NOT EXISTS t (id int)", 0, PR_TX_ONE, NULL},
    {"CREATE TABLE t (id int primary key); ALTER TABLE t ADD PRIMARY KEY (id)", 0, PR_TX_ONE, "42P16"},
    {"CREATE TABLE t (a text); ALTER TABLE t ALTER a TYPE int", 0, PR_TX_ONE, "42804"},
    {"CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; ALTER TABLE t ALTER a TYPE bigint", 0, PR_TX_ONE, "0A000"},
    {"CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; DROP TABLE t", 0, PR_TX_ONE, "2BP01"},
    {"CREATE TABLE t (a int primary key); CREATE TABLE u (b int references t); DROP TABLE t", 0, PR_TX_ONE, "2BP01"},
    {"CREATE TABLE t (a int primary key); CREATE TABLE u (b int references t); TRUNCATE t", 0, PR_TX_ONE, "0A000"},
    {"CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int NOT NULL", 0, PR_TX_ONE, NULL},
    {"CREATE TABLE t (a int, LIKE t)", 0, PR_TX_EACH, "42P01"},
    {"CREATE TABLE t (a int) INHERITS (t)", 0, PR_TX_EACH, "42P01"},
    {"CREATE TABLE t PARTITION OF t DEFAULT", 0, PR_TX_EACH, "42P01"},
    {"LOCK TABLE t", 0, PR_TX_EACH, "25P01"},
};

static void certain_failures_are_foretold(void **state) {
    (void)state;
    for (size_t i = 0; i < PR_COUNT(failing); i++) {
        struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
        const struct pr_footprint *f = last(a, NULL, failing[i].version, failing[i].tx, failing[i].sql);
        const char *certain = f->certain_fail ? f->fails_sqlstate : NULL;
        if (failing[i].grammar > pr_grammar_major()) {
            if (!f->unjudged) fail_msg("%s: grammar %d reads it", failing[i].sql, pr_grammar_major());
            pr_arena_free(a);
            continue;
        }
        if (!pr_eq(certain, failing[i].sqlstate)) fail_msg("%s: %s", failing[i].sql, certain != NULL ? certain : "no failure");
        pr_arena_free(a);
    }
}

static void what_cannot_be_judged_says_so(void **state) {
    (void)state;
    static const char *const dark[] = {"DO $$ BEGIN EXECUTE current_query(); END $$", "DO LANGUAGE plperl 'x'", "CALL p()", "SELEC 1", "EXECUTE q"};
    for (size_t i = 0; i < PR_COUNT(dark); i++) {
        struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
        assert_true(last(a, NULL, 0, PR_TX_EACH, dark[i])->unjudged);
        pr_arena_free(a);
    }
}

/* A table in facts, by hand. */
static struct pr_facts *facts_of(struct pr_arena *a) {
    static const char *const path[] = {"public"}, *const all[] = {"public.t"}, *const x[] = {"x"}, *const both[] = {"x", "y"};
    struct pr_facts *f = PR_NEW(a, struct pr_facts);
    struct pr_rel *r = PR_NEW(a, struct pr_rel);
    *r = (struct pr_rel){.schema = "public", .name = "t", .kind = 'r', .persistence = 'p', .rows = 2400000, .rows_trusted = true,
                         .pages = 100000, .table_bytes = 800 << 20, .index_bytes = 100 << 20, .total_bytes = 900 << 20};
    r->cols = PR_NEW_ARRAY(a, struct pr_col, 2);
    r->cols[0] = (struct pr_col){.name = "x", .type = "integer", .type_schema = "pg_catalog", .position = 1, .not_null_valid = true};
    r->cols[1] = (struct pr_col){.name = "y", .type = "text", .type_schema = "pg_catalog", .position = 2, .not_null_valid = true};
    r->n_cols = 2;
    r->idxs = PR_NEW_ARRAY(a, struct pr_idx, 2);
    r->idxs[0] = (struct pr_idx){.name = "t_x", .method = "btree", .cols = x, .n_cols = 1, .mentions = x, .n_mentions = 1,
                                 .valid = true, .ready = true, .live = true, .default_order = true};
    r->idxs[1] = r->idxs[0];
    r->idxs[1].name = "t_xy";
    r->idxs[1].cols = r->idxs[1].mentions = both;
    r->idxs[1].n_cols = r->idxs[1].n_mentions = 2;
    r->n_idxs = 2;
    *f = (struct pr_facts){.version_num = 150000, .time_zone = "UTC", .search_path = path, .n_search_path = 1, .rels = r,
                           .n_rels = 1, .all_relations = all, .n_all_relations = 1, .whole = true};
    return f;
}

static void sizes_and_losses_come_from_facts(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_facts *facts = facts_of(a);
    const struct pr_footprint *f = last(a, facts, 150000, PR_TX_ONE, "ALTER TABLE t ALTER x TYPE bigint");
    const struct pr_effect *e = on(f, "t");
    assert_true(e != NULL && e->rewrite && e->index_builds == 2 && e->rows == 2400000 && !f->guessed);
    assert_string_equal(e->schema, "public");
    assert_int_equal(e->total_bytes, 900 << 20);
    int64_t low = 0, high = 0;
    assert_true(pr_effect_duration(e, NULL, &low, &high));
    assert_true(low > 5000000 && high > 4 * low);
    f = last(a, facts, 150000, PR_TX_ONE, "ALTER TABLE t DROP COLUMN x");
    assert_int_equal(f->n_lost, 2);
    assert_string_equal(f->lost[1].what, "index t_xy");
    assert_true(f->lost[1].silent && f->loses_data);
    assert_int_equal(facts->rels[0].n_idxs, 2);            /* the facts are as they were */
    assert_string_equal(facts->rels[0].cols[0].name, "x");
    f = last(a, facts, 150000, PR_TX_ONE, "DELETE FROM t");
    assert_true(f->dml && f->dml_rows == 2400000);
    f = last(a, facts, 150000, PR_TX_ONE, "DELETE FROM t WHERE y = 'a'");
    assert_true(f->dml && f->dml_rows == -1 && on(f, "t")->scan);
    f = last(a, facts, 150000, PR_TX_ONE, "DELETE FROM t WHERE x = 5");
    assert_false(on(f, "t")->scan);
    f = last(a, facts, 150000, PR_TX_ONE, "DELETE FROM t WHERE y LIKE 'a%' AND x = 5");
    assert_false(on(f, "t")->scan);
    f = last(a, facts, 150000, PR_TX_ONE, "DELETE FROM t WHERE y = 'a' OR x = 5");
    assert_true(on(f, "t")->scan);
    f = last(a, facts, 150000, PR_TX_ONE, "ALTER TABLE nothere ADD z int");
    assert_string_equal(f->fails_sqlstate, "42P01");
    f = last(a, facts, 150000, PR_TX_ONE, "ALTER TABLE t RENAME TO u; ALTER TABLE t ADD z int");
    assert_string_equal(f->fails_sqlstate, "42P01");
    pr_arena_free(a);
}

static void pending_events_stop_ddl(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_facts *facts = facts_of(a);
    static const char *const x[] = {"x"};
    struct pr_con fk = {.name = "fk", .type = 'f', .validated = true, .enforced = true, .deferrable = true, .cols = x, .n_cols = 1,
                        .ref_schema = "public", .ref_table = "t", .ref_cols = x, .n_ref_cols = 1,
                        .def = "FOREIGN KEY (x) REFERENCES t(x) DEFERRABLE INITIALLY DEFERRED"};
    facts->rels[0].cons = &fk;
    facts->rels[0].n_cons = 1;
    static const char sql[] = "INSERT INTO t (x) VALUES (1); ALTER TABLE t ADD COLUMN z int";
    assert_string_equal(last(a, facts, 0, PR_TX_ONE, sql)->fails_sqlstate, "55006");
    assert_null(last(a, facts, 0, PR_TX_EACH, sql)->fails_sqlstate);
    assert_null(last(a, facts, 0, PR_TX_ONE, "UPDATE t SET y = 'a'; ALTER TABLE t ADD COLUMN z int")->fails_sqlstate);
    pr_arena_free(a);
}

static void the_world_shows_itself_as_facts(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *w = pr_world_new(facts_of(a), 0, a);
    static const char sql[] = "CREATE TABLE u (id int PRIMARY KEY); ALTER TABLE t ADD COLUMN z text; CREATE INDEX i ON t (z);"
                              "DROP INDEX t_x; ALTER TABLE t RENAME COLUMN y TO yy";
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    assert_int_equal(pr_script_parse(sql, strlen(sql), a, &s, &e), PR_OK);
    struct pr_run_footprint run = {0};
    pr_footprint_script(w, &s, PR_TX_ONE, a, &run);
    const struct pr_facts *now = pr_world_facts(w);
    const struct pr_rel *t = pr_find_rel(now, "public", "t");
    assert_true(t != NULL && pr_find_rel(now, NULL, "u") != NULL);
    assert_true(pr_find_rel(now, NULL, "u")->is_new && !t->is_new);
    assert_true(pr_world_created(w, NULL, "u") && !pr_world_created(w, NULL, "t"));
    assert_non_null(pr_find_col(t, "z"));
    assert_non_null(pr_find_idx(t, "i"));
    assert_null(pr_find_idx(t, "t_x"));
    assert_string_equal(pr_find_idx(t, "t_xy")->cols[1], "yy");
    assert_int_equal(pr_world_version(w), 150000);
    assert_null(pr_world_facts(pr_world_new(NULL, 0, a)));
    pr_arena_free(a);
}

static void walk(struct pr_world *w, const char *sql, struct pr_arena *a) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    struct pr_run_footprint run = {0};
    assert_int_equal(pr_script_parse(sql, strlen(sql), a, &s, &e), PR_OK);
    pr_footprint_script(w, &s, PR_TX_EACH, a, &run);
}

/* One world on another: it sees what is below, and what it does is its own affair. */
static void a_world_on_another_leaves_it_alone(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *below = pr_world_new(facts_of(a), 0, a);
    walk(below, "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (p int REFERENCES parent); CREATE TYPE mood AS ENUM ('ok')", a);
    struct pr_world *on = pr_world_over(below, a);
    walk(on, "ALTER TABLE parent RENAME TO elder; ALTER TABLE t ADD COLUMN z int; DROP INDEX t_x; ALTER TYPE mood RENAME TO humour; CREATE TABLE u ()", a);
    const struct pr_facts *f = pr_world_facts(on), *g = pr_world_facts(below);
    assert_true(pr_find_rel(f, NULL, "parent") == NULL && pr_find_rel(g, NULL, "elder") == NULL);
    assert_string_equal(pr_find_rel(f, NULL, "child")->cons[0].ref_table, "elder");
    assert_string_equal(pr_find_rel(g, NULL, "child")->cons[0].ref_table, "parent");
    assert_true(pr_find_col(pr_find_rel(f, NULL, "t"), "z") != NULL && pr_find_col(pr_find_rel(g, NULL, "t"), "z") == NULL);
    assert_true(pr_find_index_rel(f, NULL, "t_x", NULL) == NULL && pr_find_index_rel(g, NULL, "t_x", NULL) != NULL);
    assert_true(pr_find_type(f, NULL, "mood") == NULL && pr_find_type(g, NULL, "humour") == NULL && pr_find_type(f, NULL, "humour") != NULL);

    /* the one below repeats it: nothing comes up a second time */
    walk(below, "ALTER TABLE parent RENAME TO elder; ALTER TABLE t ADD COLUMN z int; DROP INDEX t_x; ALTER TYPE mood RENAME TO humour; CREATE TABLE u ()", a);
    walk(on, "DROP TABLE u", a);
    assert_null(pr_find_rel(f, NULL, "u"));
    assert_int_equal(pr_world_whole(on)->n_rels + 1, pr_world_whole(below)->n_rels);
    pr_arena_free(a);
}

/* Without a search path a name alone means the newest of that name, whatever schema it has. */
static void names_without_a_path(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *w = pr_world_new(NULL, 0, a);
    walk(w, "CREATE TABLE a.u ()", a);
    assert_true(pr_world_created(w, NULL, "u") && pr_world_created(w, "a", "u") && !pr_world_created(w, "b", "u"));
    walk(w, "ALTER TABLE a.u SET SCHEMA b", a);
    assert_true(pr_world_created(w, NULL, "u") && !pr_world_created(w, "a", "u") && pr_world_created(w, "b", "u"));
    walk(w, "CREATE TABLE c.u (); DROP TABLE u", a);
    assert_true(pr_world_created(w, NULL, "u") && pr_world_created(w, "b", "u") && !pr_world_created(w, "c", "u"));
    walk(w, "CREATE INDEX i ON b.u (x); DROP INDEX b.i; CREATE TYPE a.y AS ENUM (); CREATE TABLE v (c y)", a);
    assert_false(pr_world_created(w, NULL, "i"));
    walk(w, "DROP TABLE u", a);
    assert_false(pr_world_created(w, NULL, "u") || pr_world_created(w, "b", "u"));
    pr_arena_free(a);
}

static void later_nothing_is_new(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *w = pr_world_new(facts_of(a), 0, a);
    walk(w, "CREATE TABLE u (id int PRIMARY KEY)", a);
    const int64_t rows = pr_find_rel(pr_world_facts(w), NULL, "t")->rows;
    assert_int_equal(pr_find_rel(pr_world_facts(w), NULL, "u")->rows, 0);
    pr_world_settle(w);
    assert_false(pr_world_created(w, NULL, "u"));
    assert_int_equal(pr_find_rel(pr_world_facts(w), NULL, "u")->rows, -1);
    assert_int_equal(pr_find_rel(pr_world_facts(w), NULL, "t")->rows, rows);
    pr_arena_free(a);
}

/* NOT VALID has no meaning for a table that has no rows yet. */
static void a_new_tables_constraints_are_valid(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *w = pr_world_new(facts_of(a), 0, a);
    walk(w, "CREATE TABLE p (id int PRIMARY KEY);"
            "CREATE TABLE u (a int, b int, CONSTRAINT c CHECK (a > 0) NOT VALID, CONSTRAINT f FOREIGN KEY (b) REFERENCES p NOT VALID);"
            "ALTER TABLE u ADD CONSTRAINT d CHECK (b > 0) NOT VALID", a);
    const struct pr_rel *u = pr_find_rel(pr_world_facts(w), NULL, "u");
    assert_true(pr_find_con(u, "c")->validated && pr_find_con(u, "f")->validated);
    assert_false(pr_find_con(u, "d")->validated);
    pr_arena_free(a);
}

static void durations_need_sizes(void **state) {
    (void)state;
    int64_t low = -7, high = -7;
    assert_false(pr_effect_duration(&(struct pr_effect){.scan = true, .rows = -1}, NULL, &low, &high));
    assert_int_equal(low, -7);
    assert_true(pr_effect_duration(&(struct pr_effect){.rows = -1}, NULL, &low, &high));
    assert_int_equal(high, 0);
    const struct pr_rates rates = {.scan_us_per_mrow = 100000, .index_us_per_mrow = 500000, .rewrite_us_per_mrow = 2000000};
    assert_true(pr_effect_duration(&(struct pr_effect){.scan = true, .index_builds = 2, .rows = 2000000}, &rates, &low, &high));
    assert_int_equal(low, 2000000);
    assert_int_equal(high, 9000000);
    assert_true(pr_effect_duration(&(struct pr_effect){.rewrite = true, .index_builds = 3, .rows = INT64_MAX}, NULL, &low, &high));
    assert_true(low > 0 && high >= low);
}

static void json_has_every_member(void **state) {
    (void)state;
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    json_t *j = pr_footprint_json(last(a, facts_of(a), 0, PR_TX_ONE, "ALTER TABLE t ADD COLUMN z int NOT NULL"));
    assert_string_equal(pr_get_str(j, "relation"), "t");
    assert_string_equal(pr_get_str(pr_get(j, "fails"), "sqlstate"), "23502");
    assert_true(pr_get_bool(pr_get(j, "fails"), "certain"));
    const json_t *e = json_array_get(pr_get(j, "effects"), 0);
    assert_string_equal(pr_get_str(e, "lock"), "ACCESS EXCLUSIVE");
    assert_true(pr_get_bool(e, "blocks_readers"));
    assert_int_equal(pr_get_int(e, "rows"), 2400000);
    json_decref(j);
    pr_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_conflict_as_documented),
        cmocka_unit_test(without_facts_the_worst_is_taken),
        cmocka_unit_test(later_statements_know_what_earlier_ones_did),
        cmocka_unit_test(certain_failures_are_foretold),
        cmocka_unit_test(what_cannot_be_judged_says_so),
        cmocka_unit_test(sizes_and_losses_come_from_facts),
        cmocka_unit_test(pending_events_stop_ddl),
        cmocka_unit_test(the_world_shows_itself_as_facts),
        cmocka_unit_test(a_world_on_another_leaves_it_alone),
        cmocka_unit_test(later_nothing_is_new), cmocka_unit_test(names_without_a_path),
        cmocka_unit_test(a_new_tables_constraints_are_valid),
        cmocka_unit_test(durations_need_sizes),
        cmocka_unit_test(json_has_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
