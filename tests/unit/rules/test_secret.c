/* A password in a migration is found, and stands in no field of any finding; and BEGIN and COMMIT that do not belong together. */
#include <setjmp.h>

#include "judged.h"

#include <cmocka.h>

static const char canary[] = "canary-4711";

static bool shows(const struct pr_finding *f) {
    const char *const texts[] = {f->source, f->title, f->what, f->safe_way, f->safe_sql};
    for (size_t i = 0; i < PR_COUNT(texts); i++)
        if (texts[i] != NULL && strstr(texts[i], canary) != NULL) return true;
    return false;
}

static const struct { const char *sql; bool found; } cases[] = {
    {"CREATE ROLE x LOGIN PASSWORD 'canary-4711'", true},
    {"CREATE ROLE x SUPERUSER PASSWORD 'canary-4711'", true},
    {"ALTER ROLE x\n  PASSWORD\n  'canary-4711'", true},
    {"ALTER USER x ENCRYPTED PASSWORD $$canary-4711$$", true},
    {"DROP TABLE t; ALTER ROLE x PASSWORD 'canary-4711'; DROP TABLE r", true},
    {"CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'u', password 'canary-4711')", true},
    {"ALTER USER MAPPING FOR x SERVER s OPTIONS (SET password 'canary-4711')", true},
    {"CREATE SUBSCRIPTION s CONNECTION 'host=h password=canary-4711' PUBLICATION p WITH (create_slot = false)", true},
    {"ALTER SUBSCRIPTION s CONNECTION 'host=h password=canary-4711'", true},
    {"SELECT dblink('host=h password=canary-4711', 'SELECT 1')", true},
    {"INSERT INTO t (a) VALUES ('postgres://me:canary-4711@db/app')", true},
    {"ALTER ROLE x PASWORD 'canary-4711' PASSWORD", false},                /* does not parse: not judged, and not shown either */
    {"CREATE ROLE x PASSWORD NULL; DROP TABLE t", false},
    {"INSERT INTO t (a) VALUES ('password: none')", false},
    {"ALTER ROLE x PASSWORD 'canary-4711' /* canary-4711 */", true},
};

static void no_finding_shows_a_password(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        const struct pr_judged d = judged(a, (struct ask){.sql = cases[i].sql, .tx = PR_TX_ONE, .runner = "psql"});
        const bool is_found = found(&d, "secret-in-sql") != NULL;
        bool leaks = false;
        for (size_t k = 0; k < d.findings.n; k++) leaks = leaks || shows(&d.findings.items[k]);
        if (is_found == cases[i].found && !leaks) continue;
        print_error("%s: %s%s\n", cases[i].sql, is_found ? "found" : "not found", leaks ? ", and shown" : "");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static const struct { const char *sql; enum pr_tx_mode tx; enum pr_level level; /* COUNT = not found */ } balances[] = {
    {"BEGIN; ALTER TABLE t ADD COLUMN b int; COMMIT", PR_TX_OWN, PR_LEVEL_COUNT},
    {"BEGIN; ALTER TABLE t ADD COLUMN b int; ROLLBACK", PR_TX_OWN, PR_LEVEL_COUNT},
    {"BEGIN; ALTER TABLE t ADD COLUMN b int", PR_TX_OWN, PR_ERROR},
    {"BEGIN; SELECT 1; COMMIT; BEGIN; ALTER TABLE t ADD COLUMN b int", PR_TX_OWN, PR_ERROR},
    {"BEGIN; BEGIN; SELECT 1; COMMIT", PR_TX_OWN, PR_WARNING},
    {"SELECT 1; COMMIT", PR_TX_OWN, PR_WARNING},
    {"SELECT 1; COMMIT; SELECT 2", PR_TX_ONE, PR_ERROR},
    {"BEGIN; SELECT 1; COMMIT", PR_TX_ONE, PR_ERROR},
    {"SAVEPOINT s; SELECT 1; ROLLBACK TO s", PR_TX_ONE, PR_LEVEL_COUNT},
};

static void transactions_belong_together(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < PR_COUNT(balances); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        const struct pr_judged d = judged(a, (struct ask){.sql = balances[i].sql, .tx = balances[i].tx});
        const struct pr_finding *f = found(&d, "tx-unbalanced");
        if ((f != NULL ? f->level : PR_LEVEL_COUNT) == balances[i].level) continue;
        print_error("%s (%s): %s\n", balances[i].sql, pr_tx_mode_name(balances[i].tx), f != NULL ? f->title : "not found");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_finding_shows_a_password),
        cmocka_unit_test(transactions_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
