/* What a rule's own proof cannot hold: who speaks when several could, and cases whose claim differs from that of the rule's examples. */
#include <setjmp.h>

#include "judged.h"

#include <cmocka.h>

static const char setup[] =
    "CREATE TABLE r (id bigint PRIMARY KEY); CREATE TABLE t (a int, b varchar(10), c int NOT NULL, CONSTRAINT a_set CHECK (a IS NOT NULL)); "
    "CREATE INDEX t_lower ON t (lower(b)); CREATE TABLE f (r_id bigint CONSTRAINT f_r REFERENCES r); "
    "CREATE TABLE p (k int, v int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)";

/* Rules that must speak, and one that must not; NULL = none. */
static const struct { const char *sql, *spoken, *silent; } rows[] = {
    /* of several subcommands each has its own share */
    {"ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE text", "alter-type-rewrite", "alter-type-metadata-only"},
    {"ALTER TABLE t ADD COLUMN x int DEFAULT 1, ADD COLUMN y bigserial", "add-column-serial", "add-column-volatile-default"},
    /* one harm, one finding */
    {"ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS IDENTITY UNIQUE", "add-column-identity", "add-column-inline-unique"},
    {"ALTER TABLE t ALTER a SET NOT NULL, DROP CONSTRAINT a_set", "set-not-null-with-drop-check", "set-not-null"},
    {"ALTER TABLE t ALTER a SET NOT NULL, DROP CONSTRAINT a_set", "set-not-null-with-drop-check", "drop-constraint"},
    {"BEGIN; ALTER TABLE t ADD CONSTRAINT x CHECK (c > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT x; COMMIT", "validate-same-tx", "statement-after-ael"},
    {"ALTER TABLE t ADD COLUMN x int NOT NULL", "add-column-not-null-no-default", "predicted-failure"},
    {"ALTER TABLE f ADD FOREIGN KEY (r_id) REFERENCES t (c)", "fk-target-not-unique", "predicted-failure"},
    /* the work on a partitioned table is that on its partitions */
    {"ALTER TABLE p ALTER v TYPE bigint", "alter-type-rewrite", NULL},
    {"ALTER TABLE p ALTER v SET NOT NULL", "set-not-null", NULL},
    {"CREATE INDEX p_v ON p (v)", "index-on-partitioned-parent", "index-not-concurrent"},
    {"CREATE INDEX p_v ON ONLY p (v)", NULL, "index-on-partitioned-parent"},
    /* other forms of what a rule is about */
    {"ALTER TABLE f DROP CONSTRAINT f_r", "fk-locks-referenced", "drop-constraint"},
    {"ALTER TABLE t DROP CONSTRAINT a_set", "drop-constraint", NULL},
    {"ALTER TABLE t ADD COLUMN x text REFERENCES r", "fk-type-mismatch", "predicted-failure"},
    {"ALTER TABLE t ADD COLUMN x bigint DEFAULT 1 REFERENCES r", "add-column-inline-fk", NULL},
    {"CREATE TABLE n (d date CHECK (d <= current_date))", "check-volatile", NULL},
    {"CREATE TABLE n (d date CHECK (d > '2000-01-01'))", NULL, "check-volatile"},
    {"DROP INDEX CONCURRENTLY t_lower, t_other", "dic-unsupported", NULL},
    /* metadata only */
    {"ALTER TABLE t ADD COLUMN x timestamptz NOT NULL DEFAULT now()", NULL, "add-column-volatile-default"},
    {"ALTER TABLE t ALTER c TYPE int", NULL, "alter-type-noop-rebuild"},
    {"SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY t_c ON t (c)", NULL, "cic-under-timeout"},      /* apply switches it off */
};

static void who_speaks(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_facts *facts = facts_of(a, setup, 150000, 5000000);
    for (size_t i = 0; i < facts->n_rels; i++)
        for (size_t k = 0; k < facts->rels[i].n_cons; k++)
            if (facts->rels[i].cons[k].type == 'c') facts->rels[i].cons[k].def = "CHECK ((a IS NOT NULL))";
    for (size_t i = 0; i < PR_COUNT(rows); i++) {
        const struct pr_judged d = judged(a, (struct ask){.sql = rows[i].sql, .facts = facts, .tx = PR_TX_OWN, .version = 150000});
        if (rows[i].spoken != NULL && found(&d, rows[i].spoken) == NULL) fail_msg("%s is silent: %s", rows[i].spoken, rows[i].sql);
        if (rows[i].silent != NULL && found(&d, rows[i].silent) != NULL) fail_msg("%s speaks: %s", rows[i].silent, rows[i].sql);
    }
}

static const char *safe_sql(struct pr_arena *a, const struct pr_facts *facts, const char *sql, const char *rule) {
    const struct pr_judged d = judged(a, (struct ask){.sql = sql, .facts = facts, .tx = PR_TX_OWN, .version = 150000});
    const struct pr_finding *f = found(&d, rule);
    assert_non_null(f);
    return f->safe_sql;
}

/* The safe way keeps what else the column says. */
static void safe_ways_keep_the_rest(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const struct pr_facts *facts = facts_of(a, setup, 150000, 5000000);
    assert_string_equal(safe_sql(a, facts, "ALTER TABLE t ADD x int NOT NULL DEFAULT 0 CHECK (x >= 0)", "add-column-inline-check"),
                        "ALTER TABLE t ADD COLUMN x int NOT NULL DEFAULT 0;\nALTER TABLE t ADD CONSTRAINT t_x_check CHECK (x >= 0) NOT VALID;\n"
                        "-- in a transaction of its own:\nALTER TABLE t VALIDATE CONSTRAINT t_x_check;");
    assert_string_equal(safe_sql(a, facts, "CREATE INDEX p_v ON p (v)", "index-on-partitioned-parent"),
                        "CREATE INDEX p_v ON ONLY p USING btree (v);\nCREATE INDEX CONCURRENTLY p1_p_v ON public.p1 USING btree (v);\n"
                        "ALTER INDEX p_v ATTACH PARTITION public.p1_p_v;");
    assert_string_equal(safe_sql(a, facts, "ALTER TABLE p ADD CONSTRAINT p_f FOREIGN KEY (v) REFERENCES r NOT VALID", "fk-partitioned-not-valid"),
                        "ALTER TABLE public.p1 ADD CONSTRAINT p_f FOREIGN KEY (v) REFERENCES r NOT VALID;\n-- each in a transaction of its own:\n"
                        "ALTER TABLE public.p1 VALIDATE CONSTRAINT p_f;\n-- and then, which reads nothing any more:\n"
                        "ALTER TABLE p ADD CONSTRAINT p_f FOREIGN KEY (v) REFERENCES r;");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_speaks), cmocka_unit_test(safe_ways_keep_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
