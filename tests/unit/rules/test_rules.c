/* Each rule against its own proof, without a server: what is bad is found, what is good is not. What the server does with the
 * same examples is tests/server/test_rules.py. */
#include <glob.h>
#include <setjmp.h>

#include "catalog/orphans.h"
#include "judged.h"
#include "project/config.h"

#include <cmocka.h>

static const int versions[] = {130000, 140002, 150000, 170000, 180000};

static bool applies(const struct pr_rule *r, int version) {
    const int major = version / 10000;
    if (r->pg_from > pr_grammar_major()) return false;                  /* its statements are not text to this grammar */
    return (r->pg_from == 0 || major >= r->pg_from) && (r->pg_to == 0 || major <= r->pg_to) && (r->version_to == 0 || version <= r->version_to);
}

static struct pr_dep *view_on(struct pr_arena *a, const char *column) {
    const char **mentions = PR_NEW_ARRAY(a, const char *, 1);
    mentions[0] = column;
    struct pr_dep *dep = PR_NEW(a, struct pr_dep);
    *dep = (struct pr_dep){.kind = "view", .schema = "public", .name = "v", .mentions = mentions, .n_mentions = 1};
    return dep;
}

static struct pr_col *named_columns(struct pr_arena *a, const char *const *names, size_t n) {
    struct pr_col *cols = PR_NEW_ARRAY(a, struct pr_col, n);
    for (size_t i = 0; i < n; i++) cols[i] = (struct pr_col){.name = names[i], .type = "integer", .type_schema = "pg_catalog", .position = (int)i + 1, .not_null_valid = true};
    return cols;
}

/* What the footprint's world does not follow, for the rules of dropping, partitions and functions. */
static void touch_up_more(const struct pr_rule *rule, struct pr_facts *f, struct pr_arena *a) {
    static const char *const typed[] = {"public.t"}, *const of_mood[] = {"public.t.a"}, *const view_cols[] = {"a", "b"};
    static struct pr_grantee reader[] = {{.schema = "public", .role = "pgrail_proof_reader", .kind = 'r', .has = 2, .of = 2, .privileges = "INSERT, SELECT"}};
    const bool composite = pr_eq(rule->id, "composite-alter"), drop_type = pr_eq(rule->id, "drop-type");
    for (size_t i = 0; i < f->n_types; i++) {
        if (!(composite && pr_eq(f->types[i].name, "pair")) && !(drop_type && pr_eq(f->types[i].name, "mood"))) continue;
        f->types[i].used_by = composite ? typed : of_mood;
        f->types[i].n_used_by = 1;
    }
    static const char *const r_id[] = {"r_id"}, *const id[] = {"id"};
    static const struct pr_ref ref = {.basis = PR_REF_ASKED, .schema = "public", .table = "t", .ref_schema = "public", .ref_table = "r", .cols = r_id, .ref_cols = id, .n_cols = 1};
    static const struct pr_orphans lost = {.ref = &ref, .rows = 9};
    static const struct pr_col_more used_up = {.seq_last = 2147483647};
    if (pr_eq(rule->id, "orphan-rows")) {
        f->orphans = &lost;
        f->n_orphans = 1;
    }
    if (pr_eq(rule->id, "standby-conflict")) f->standbys = 1;
    if (pr_eq(rule->id, "pooler-session-settings")) f->tx_pooled = true;
    if (pr_eq(rule->id, "publication-new-table")) f->publishes_all = true;
    if (pr_eq(rule->id, "partition-fanout")) f->max_locks = 40;
    f->role = "postgres";
    if (pr_eq(rule->id, "new-table-no-grants")) {
        f->grantees = reader;
        f->n_grantees = 1;
    }
    if (composite) {                                        /* a table OF a type is not followed */
        struct pr_rel *rels = PR_NEW_ARRAY(a, struct pr_rel, f->n_rels + 1);
        for (size_t i = 0; i < f->n_rels; i++) rels[i] = f->rels[i];
        rels[f->n_rels++] = (struct pr_rel){.schema = "public", .name = "t", .kind = 'r', .persistence = 'p', .rows = 1000, .rows_trusted = true, .pages = 10};
        f->rels = rels;
    }
    for (size_t i = 0; i < f->n_rels && pr_eq(rule->id, "drop-column-plpgsql"); i++)                  /* the server knows where it found it */
        for (size_t k = 0; k < f->rels[i].n_trgs; k++) f->rels[i].trgs[k].function = "public.fill";
    for (size_t i = 0; i < f->n_rels; i++) {
        struct pr_rel *r = &f->rels[i];
        if (pr_eq(rule->id, "detach-pending") && pr_eq(r->name, "p1")) r->detach_pending = true;
        if (pr_eq(rule->id, "column-limit") && pr_eq(r->name, "t")) r->dropped_cols = 1598;
        if (pr_eq(rule->id, "not-owner")) r->owner = pr_eq(r->name, "u") ? "pgrail_proof_reader" : "postgres";
        if (pr_eq(rule->id, "managed-by-extension") && pr_eq(r->name, "t")) r->managed_by = "timescaledb";
        for (size_t k = 0; k < r->n_cols && pr_eq(rule->id, "int-exhaustion"); k++) r->cols[k].more = pr_eq(r->cols[k].name, "id") ? &used_up : NULL;
        if (pr_eq(rule->id, "sequence-not-reset") && r->n_cols > 0 && pr_eq(r->cols[0].name, "id")) r->cols[0].default_sql = "nextval('t_id_seq'::regclass)";
        for (size_t k = 0; k < r->n_cons && pr_eq(rule->id, "pending-trigger-events"); k++)
            if (r->cons[k].type == 'f') {
                r->cons[k].deferrable = true;
                r->cons[k].def = "FOREIGN KEY (r_id) REFERENCES r(id) DEFERRABLE INITIALLY DEFERRED";
            }
        if ((pr_eq(rule->id, "policy-change") || pr_eq(rule->id, "rls-force")) && pr_eq(r->name, "t")) r->row_security = true;
        if (!pr_eq(rule->id, "replace-view-columns") || r->kind != 'v') continue;
        r->cols = named_columns(a, view_cols, PR_COUNT(view_cols));
        r->n_cols = PR_COUNT(view_cols);
    }
}

/* What the footprint's world does not follow: facts that only the catalog has. */
static void touch_up(const struct pr_rule *rule, struct pr_facts *f, struct pr_arena *a) {
    static const char *const used_by[] = {"public.t.a"};
    touch_up_more(rule, f, a);
    if (pr_starts(rule->id, "refresh-matview")) f->whole = false;          /* the columns of a query, and so the view, are not known */
    for (size_t i = 0; i < f->n_types && pr_eq(rule->id, "domain-alter-validate"); i++) {
        f->types[i].used_by = used_by;
        f->types[i].n_used_by = 1;
    }
    for (size_t i = 0; i < f->n_rels; i++) {
        struct pr_rel *r = &f->rels[i];
        if (pr_eq(rule->id, "replica-identity")) {
            r->published = true;
            r->replica_identity = 'd';
        }
        if ((pr_eq(rule->id, "cic-if-not-exists") || pr_eq(rule->id, "invalid-index-present")) && r->n_idxs > 0) r->idxs[0].valid = false;
        for (size_t k = 0; k < r->n_idxs && pr_eq(rule->id, "drop-used-index"); k++) r->idxs[k].scans = 7;
        for (size_t k = 0; k < r->n_cons && r->kind == 'r'; k++)
            if (r->cons[k].type == 'c' && r->cons[k].n_cols == 1 && r->cons[k].def == NULL) r->cons[k].def = pr_fmt(a, "CHECK ((%s IS NOT NULL))", r->cons[k].cols[0]);
        const bool seen = pr_eq(rule->id, "drop-cascade") || pr_eq(rule->id, "drop-column-dependents");
        if (seen && pr_eq(r->name, "t")) {
            r->deps = view_on(a, pr_eq(rule->id, "drop-cascade") ? "a" : "b");
            r->n_deps = 1;
        }
    }
}

static int wrong;
static void say_wrong(const struct pr_rule *r, const char *what, const char *sql, int version) {
    wrong++;
    print_error("%s (%d): %s: %s\n", r->id, version / 10000, what, sql);
}

/* The project that the examples of a rule are judged in. */
static const struct pr_config *project_of(const struct pr_rule *r, struct pr_arena *a) {
    if (r->conventions == NULL) return NULL;
    struct pr_config *config = NULL;
    struct pr_err e = {0};
    if (pr_config_read("pgrail.conf", "/r/pgrail.conf", pr_fmt(a, "[conventions]\n%s\n", r->conventions), a, &config, &e) != PR_OK) PR_BUG(e.msg);
    return config;
}

static void judge_proof(const struct pr_rule *r, int version, bool with_facts) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_facts *facts = NULL;
    if (with_facts) {
        facts = facts_of(a, r->setup, version, 5000000);
        touch_up(r, facts, a);
    }
    struct ask q = {.facts = facts, .tx = r->own_tx ? PR_TX_EACH : PR_TX_ONE, .runner = r->runner, .version = version, .config = project_of(r, a)};
    for (size_t i = 0; r->bad[i] != NULL; i++) {
        q.sql = r->bad[i];
        const struct pr_judged d = judged(a, q);
        const bool is_found = found(&d, r->id) != NULL;
        if (with_facts || !r->needs_facts) {
            if (!is_found) say_wrong(r, with_facts ? "bad is not found" : "bad is not found without facts", q.sql, version);
        } else if (is_found) {
            say_wrong(r, "needs facts, and speaks without them", q.sql, version);
        }
    }
    for (size_t i = 0; r->good[i] != NULL; i++) {
        q.sql = r->good[i];
        const struct pr_judged d = judged(a, q);
        if (with_facts && found(&d, r->id) != NULL) say_wrong(r, "good is found", q.sql, version);
    }
}

static void every_bad_is_found_and_no_good_is(void **state) {
    (void)state;
    wrong = 0;
    for (size_t i = 0; i < pr_n_rules; i++)
        for (size_t v = 0; v < PR_COUNT(versions); v++)
            if (applies(pr_rules[i], versions[v])) {
                judge_proof(pr_rules[i], versions[v], true);
                judge_proof(pr_rules[i], versions[v], false);
            }
    assert_int_equal(wrong, 0);
}

/* A convention is asked for, or nobody hears of it; and a down script gives back what was there. */
static void conventions_are_silent_until_asked_for(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    size_t n = 0;
    for (size_t i = 0; i < pr_n_rules; i++) {
        const struct pr_rule *r = pr_rules[i];
        if (r->conventions == NULL) continue;
        n++;
        struct ask q = {.facts = facts_of(a, r->setup, 150000, 5000000), .tx = PR_TX_ONE, .version = 150000};
        for (size_t k = 0; r->bad[k] != NULL; k++) {
            q.sql = r->bad[k];
            q.config = NULL;
            q.is_down = false;
            const struct pr_judged unasked = judged(a, q);
            assert_null(found(&unasked, r->id));
            q.config = project_of(r, a);
            q.is_down = true;
            const struct pr_judged down = judged(a, q);
            assert_null(found(&down, r->id));
        }
    }
    assert_int_equal(n, 10);
}

static void every_file_is_a_rule_of_its_name(void **state) {
    (void)state;
    glob_t g = {0};
    assert_int_equal(glob(PR_SOURCE_ROOT "/src/rules/r_*.c", 0, NULL, &g), 0);
    assert_int_equal(g.gl_pathc, pr_n_rules);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        const char *file = strrchr(g.gl_pathv[i], '/') + 3;
        const char *id = pr_rules[i]->id;
        assert_int_equal(strlen(file), strlen(id) + 2);
        for (size_t k = 0; id[k] != '\0'; k++) assert_int_equal(id[k] == '-' ? '_' : id[k], file[k]);
    }
    globfree(&g);
    assert_true(pr_n_rules >= 25);
}

static void every_rule_says_all_that_it_must(void **state) {
    (void)state;
    bool families[PR_F_REPLICATION + 1] = {false};
    for (size_t i = 0; i < pr_n_rules; i++) {
        const struct pr_rule *r = pr_rules[i];
        assert_true(r->title != NULL && r->why != NULL && r->safe_way != NULL && r->source != NULL && r->setup != NULL);
        assert_true(r->bad[0] != NULL && r->good[0] != NULL && r->check != NULL);
        if (pr_ends(r->title, ".") || !pr_ends(r->why, ".") || !pr_ends(r->safe_way, ".")) fail_msg("%s: a title without a period, sentences with one", r->id);
        assert_ptr_equal(pr_rule_find(r->id), r);
        /* a rule that claims nothing proves nothing */
        assert_true(r->claim.lock != PR_LOCK_NONE || r->claim.fails != NULL || r->claim.query != NULL);
        assert_int_equal(r->claim.query != NULL, r->claim.answer != NULL);
        families[r->family] = true;
    }
    for (size_t f = 0; f < PR_COUNT(families); f++) assert_true(families[f]);
    assert_null(pr_rule_find("no-such-rule"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_is_found_and_no_good_is),
        cmocka_unit_test(conventions_are_silent_until_asked_for),
        cmocka_unit_test(every_file_is_a_rule_of_its_name),
        cmocka_unit_test(every_rule_says_all_that_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
