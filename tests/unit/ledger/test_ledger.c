/* test_ledger.c: what the local state remembers, and that it does not believe its own columns. */
#include "base/base.h"

#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypt/crypt.h"
#include "ledger/impl.h"

struct world { struct pr_arena *a; const char *dir; struct pr_ledger *l; struct pr_err e; };

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->a = pr_arena_new((size_t)64 << 20);
    w->dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-ledger-XXXXXX"));
    setenv("XDG_STATE_HOME", w->dir, 1);
    unsetenv("PGRAIL_LEDGER");
    *state = w;
    return w->dir == NULL || pr_ledger_open("/project/one", &w->l, &w->e) != PR_OK;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *f) { return remove(path); }

static int tear_down(void **state) {
    struct world *w = *state;
    pr_ledger_close(w->l);
    (void)nftw(w->dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    unsetenv("PGRAIL_TEST_NOW");
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static void ok(struct world *w, enum pr_code code) {
    if (code != PR_OK) fail_msg("%s", w->e.msg);
}

static void groundings(void **state) {
    struct world *w = *state;
    bool found = true;
    struct pr_grounding g = {0};
    assert_int_equal(access(pr_fmt(w->a, "%s/pgrail/ledger.db", w->dir), R_OK), 0);
    ok(w, pr_ledger_grounding(w->l, "production", "0001_a", w->a, &g, &found, &w->e));
    assert_false(found);
    json_t *relations = json_pack("{s:s}", "public.t", "ffff");
    struct pr_grounding put = {.environment = "production", .system_id = "77", .database = "app", .migration = "0001_a", .sha256 = "aa",
                               .fingerprint = "f1", .relations = relations, .taken_at = "2026-01-01T00:00:00Z"};
    ok(w, pr_ledger_put_grounding(w->l, &put, &w->e));
    put.fingerprint = "f2";
    ok(w, pr_ledger_put_grounding(w->l, &put, &w->e));
    put.migration = NULL;
    put.fingerprint = "named";
    ok(w, pr_ledger_put_grounding(w->l, &put, &w->e));
    ok(w, pr_ledger_grounding(w->l, "production", "0001_a", w->a, &g, &found, &w->e));
    assert_true(found);
    assert_string_equal(g.fingerprint, "f2");
    assert_string_equal(pr_get_str(g.relations, "public.t"), "ffff");
    assert_string_equal(g.taken_at, "2026-01-01T00:00:00Z");
    json_decref(g.relations);
    ok(w, pr_ledger_grounding(w->l, "production", NULL, w->a, &g, &found, &w->e));
    assert_string_equal(g.fingerprint, "named");
    json_decref(g.relations);
    ok(w, pr_ledger_grounding(w->l, "staging", "0001_a", w->a, &g, &found, &w->e));
    assert_false(found);
    json_decref(relations);
    struct pr_ledger *other PR_CLEANUP(pr_ledger_closep) = NULL;
    ok(w, pr_ledger_open("/project/two", &other, &w->e));
    ok(w, pr_ledger_grounding(other, "production", "0001_a", w->a, &g, &found, &w->e));
    assert_false(found);
}

static void rehearsals(void **state) {
    struct world *w = *state;
    json_t *doc = json_pack("{s:s}", "schema", "pgrail.rehearsal/1");
    struct pr_rehearsal put = {.environment = "production", .staging = "staging", .migration = "0001_a", .sha256 = "aa", .passed = true,
                               .fingerprint = "f", .report_sha256 = "rr", .doc = doc, .started_at = "2026-01-01T00:00:00Z", .elapsed_us = 41};
    ok(w, pr_ledger_put_rehearsal(w->l, &put, &w->e));
    const int64_t first = put.id;
    put.sha256 = "bb";
    put.passed = false;
    ok(w, pr_ledger_put_rehearsal(w->l, &put, &w->e));
    json_decref(doc);
    struct pr_rehearsal r = {0};
    bool found = false;
    ok(w, pr_ledger_rehearsal(w->l, "production", "0001_a", "aa", w->a, &r, &found, &w->e));
    assert_true(found && r.passed && r.id == first && r.elapsed_us == 41);
    assert_string_equal(pr_get_str(r.doc, "schema"), "pgrail.rehearsal/1");
    json_decref(r.doc);
    ok(w, pr_ledger_rehearsal(w->l, "production", "0001_a", NULL, w->a, &r, &found, &w->e));
    assert_true(found && !r.passed);
    json_decref(r.doc);
    ok(w, pr_ledger_rehearsal(w->l, "production", "0001_a", "cc", w->a, &r, &found, &w->e));
    assert_false(found);
}

static struct pr_approval approval(struct world *w, const char *sha256, const char *expires_at) {
    const struct pr_approval_facts f = {
        .system_id = "77", .database = "app", .environment = "production", .migration = "0001_a", .sha256 = sha256, .direction = "up",
        .statements_sha256 = "ss", .fingerprint = "ff", .report_sha256 = "rr", .findings_sha256 = "gg", .nonce = pr_random_hex(w->a, 16),
        .approved_at = "2026-01-01T00:00:00Z", .expires_at = expires_at, .signer = "mara", .rehearsal_id = 3};
    return (struct pr_approval){.environment = f.environment, .migration = f.migration, .sha256 = sha256, .direction = "up", .rehearsal_id = 3,
                                .statement = pr_approval_text(w->a, &f), .signature = "sig", .signer = "mara",
                                .approved_at = f.approved_at, .expires_at = expires_at};
}

static size_t count(struct world *w, const char *sha256) {
    struct pr_approval *all = NULL;
    size_t n = 0;
    ok(w, pr_ledger_approvals(w->l, "production", sha256, "up", w->a, &all, &n, &w->e));
    return n;
}

static void approvals_count_once_and_expire(void **state) {
    struct world *w = *state;
    setenv("PGRAIL_TEST_NOW", "4102444800", 1);                /* 2100-01-01T00:00:00Z: a later clock counts */
    struct pr_approval p = approval(w, "aa", "2100-01-02T00:00:00Z");
    ok(w, pr_ledger_put_approval(w->l, &p, &w->e));
    assert_int_equal(count(w, "aa"), 1);
    assert_int_equal(count(w, "bb"), 0);
    ok(w, pr_ledger_use_approval(w->l, p.id, &w->e));
    assert_int_equal(count(w, "aa"), 0);
    assert_int_equal(pr_ledger_use_approval(w->l, p.id, &w->e), PR_ERR_NOT_APPROVED);
    struct pr_approval q = approval(w, "aa", "2100-01-02T00:00:00Z");
    ok(w, pr_ledger_put_approval(w->l, &q, &w->e));
    assert_int_equal(count(w, "aa"), 1);
    setenv("PGRAIL_TEST_NOW", "4102617600", 1);                /* two days later */
    assert_int_equal(count(w, "aa"), 0);
    assert_int_equal(pr_ledger_use_approval(w->l, q.id, &w->e), PR_ERR_NOT_APPROVED);
    assert_int_equal(pr_ledger_put_approval(w->l, &q, &w->e), PR_ERR_STORE);       /* the same text is the same approval */
}

static void believes_the_signed_text_alone(void **state) {
    struct world *w = *state;
    setenv("PGRAIL_TEST_NOW", "4102444800", 1);
    struct pr_approval p = approval(w, "aa", "2100-01-02T00:00:00Z");
    ok(w, pr_ledger_put_approval(w->l, &p, &w->e));
    static const char *const lies[] = {"sha256 = 'bb'", "migration = '0002_b'", "expires_at = '2030-01-01T00:00:00Z'", "signer = 'me'",
                                       "rehearsal_id = 9", "digest = 'x'"};
    for (size_t i = 0; i < PR_COUNT(lies); i++) {
        struct pr_store_rows r = {0};
        ok(w, pr_store_run(w->l->store, "SAVEPOINT lie", NULL, 0, w->a, NULL, &w->e));
        ok(w, pr_store_run(w->l->store, pr_fmt(w->a, "UPDATE approval SET %s", lies[i]), NULL, 0, w->a, &r, &w->e));
        if (count(w, i == 0 ? "bb" : "aa") != 0) fail_msg("believed: %s", lies[i]);
        ok(w, pr_store_run(w->l->store, "ROLLBACK TO lie", NULL, 0, w->a, NULL, &w->e));
        ok(w, pr_store_run(w->l->store, "RELEASE lie", NULL, 0, w->a, NULL, &w->e));
    }
    assert_int_equal(count(w, "aa"), 1);
}

/* The text is signed by people's keys: its form may never change without a new format line. */
static void the_text_is_canonical(void **state) {
    struct world *w = *state;
    struct pr_approval_facts f = {
        .system_id = "77", .database = "a\nsigner: eve", .environment = "production", .migration = "0001_a", .sha256 = "aa", .direction = "up",
        .statements_sha256 = "ss", .fingerprint = NULL, .report_sha256 = "rr", .findings_sha256 = "gg", .nonce = "nn",
        .approved_at = "t1", .expires_at = "t2", .signer = "mara", .rehearsal_id = 3};
    const char *text = pr_approval_text(w->a, &f);
    assert_string_equal(text,
        "format: pgrail approval 1\nsystem-id: 77\ndatabase: a\\x0Asigner: eve\nenvironment: production\nmigration: 0001_a\nsha256: aa\n"
        "direction: up\nstatements: ss\nfingerprint: -\nrehearsal: 3\nreport: rr\nfindings: gg\nnonce: nn\napproved-at: t1\n"
        "expires-at: t2\nsigner: mara\n");
    assert_string_equal(pr_approval_field(w->a, text, "signer"), "mara");
    assert_null(pr_approval_field(w->a, text, "fingerprint"));
    assert_null(pr_approval_field(w->a, text, "nothing"));
}

static void journals_runs(void **state) {
    struct world *w = *state;
    json_t *detail = json_pack("{s:i}", "approval", 4);
    struct pr_run_row r = {.environment = "production", .migration = "0001_a", .sha256 = "aa", .direction = "up", .state = "planned",
                           .steps = 2, .backend_pid = 99, .backend_start = "b", .pre_fingerprint = "p", .detail = detail};
    ok(w, pr_ledger_open_run(w->l, &r, &w->e));
    r.state = "running";
    r.step = 1;
    r.step_sha256 = "s1";
    ok(w, pr_ledger_step_run(w->l, &r, "start-step", "note", &w->e));
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    ok(w, pr_ledger_open_runs(w->l, "production", w->a, &rows, &n, &w->e));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].state, "running");
    assert_int_equal(rows[0].step, 1);
    assert_int_equal(rows[0].backend_pid, 99);
    assert_int_equal(pr_get_int(rows[0].detail, "approval"), 4);
    json_decref(rows[0].detail);
    struct pr_run_row gone = r;
    gone.id = 1000;
    assert_int_equal(pr_ledger_step_run(w->l, &gone, "x", NULL, &w->e), PR_ERR_STORE);
    r.state = "done";
    ok(w, pr_ledger_step_run(w->l, &r, "proven", NULL, &w->e));
    ok(w, pr_ledger_open_runs(w->l, "production", w->a, &rows, &n, &w->e));
    assert_int_equal(n, 0);
    struct pr_store_rows events = {0};
    ok(w, pr_store_run(w->l->store, "SELECT event, state FROM run_event ORDER BY id", NULL, 0, w->a, &events, &w->e));
    assert_int_equal(events.n_rows, 3);
    assert_string_equal(PR_STORE_CELL(&events, 1, 0), "start-step");
    assert_string_equal(PR_STORE_CELL(&events, 2, 1), "done");
    json_decref(detail);
}

static void says_where_it_cannot_be(void **state) {
    struct world *w = *state;
    struct pr_ledger *l = NULL;
    setenv("PGRAIL_LEDGER", "/proc/nowhere/ledger.db", 1);
    const enum pr_code code = pr_ledger_open("/p", &l, &w->e);
    unsetenv("PGRAIL_LEDGER");
    assert_int_not_equal(code, PR_OK);
    assert_null(l);
}

static void applied_is_the_newest_row(void **state) {
    const struct pr_history_row rows[] = {{.version = "1", .direction = "up"}, {.version = "2", .direction = "up"},
                                          {.version = "1", .direction = "down"}, {.version = "2", .direction = "down"},
                                          {.version = "2", .direction = "up"}};
    assert_null(pr_history_applied(rows, PR_COUNT(rows), "1"));
    assert_ptr_equal(pr_history_applied(rows, PR_COUNT(rows), "2"), &rows[4]);
    assert_null(pr_history_applied(rows, PR_COUNT(rows), "3"));
    assert_ptr_equal(pr_history_applied(rows, 2, "1"), &rows[0]);
}

static void a_way_back_undoes_a_backfill(void **state) {
    const struct pr_history_row rows[] = {{.version = "7", .direction = "up"}, {.version = "7.backfill", .direction = "up"}, {.version = "8.backfill", .direction = "up"},
                                          {.version = "7.down.backfill", .direction = "up"}, {.version = "7.backfill", .direction = "up"}};
    assert_ptr_equal(pr_history_applied(rows, 3, "7.backfill"), &rows[1]);
    assert_null(pr_history_applied(rows, 3, "7.down.backfill"));
    assert_null(pr_history_applied(rows, 4, "7.backfill"));
    assert_ptr_equal(pr_history_applied(rows, 4, "7.down.backfill"), &rows[3]);
    assert_ptr_equal(pr_history_applied(rows, 4, "8.backfill"), &rows[2]);
    assert_ptr_equal(pr_history_applied(rows, 5, "7.backfill"), &rows[4]);
    assert_null(pr_history_applied(rows, 5, "7.down.backfill"));
    assert_ptr_equal(pr_history_applied(rows, 5, "7"), &rows[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(groundings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rehearsals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(approvals_count_once_and_expire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(believes_the_signed_text_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_text_is_canonical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(journals_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_where_it_cannot_be, set_up, tear_down),
        cmocka_unit_test(applied_is_the_newest_row),
        cmocka_unit_test(a_way_back_undoes_a_backfill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
