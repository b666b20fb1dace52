/* test_approve.c: approve as a person calls it: what stands in its way, and what is signed in the end. A real key and a real ledger;
 * what ground and rehearse would have left there is put in by hand. */
#include "ops/ops.h"

#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypt/crypt.h"
#include "proc/proc.h"

struct world {
    struct pr_arena *a;
    const char *dir, *conf, *key;
    struct pr_ledger *l;
    struct pr_err e;
    struct pr_buf said;
    const struct pr_migration *m;
};

static const char *path(struct world *w, const char *name) { return pr_fmt(w->a, "%s/%s", w->dir, name); }

static void put(struct world *w, const char *name, const char *text) {
    if (pr_write_text(path(w, name), text, strlen(text), 0644, false, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

static void look(struct world *w) {
    struct pr_folder *f = NULL;
    if (pr_folder_read(path(w, "migrations"), w->dir, NULL, w->a, &f, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    if (pr_folder_find(f, "0001", &w->m, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    w->a = pr_arena_new((size_t)64 << 20);
    char whole[4096];
    char *dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-approve-XXXXXX"));
    if (dir == NULL || realpath(dir, whole) == NULL) return 1;
    w->dir = pr_dup(w->a, whole);
    w->said = (struct pr_buf){.a = w->a};
    setenv("PGRAIL_LEDGER", path(w, "ledger.db"), 1);
    setenv("PGRAIL_TEST_NOW", pr_fmt(w->a, "%" PRId64, pr_wall_us() / 1000000), 1);      /* stands still; ages are judged by the real clock too */
    w->conf = path(w, "pgrail.conf");
    w->key = path(w, "key");
    const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", w->key, NULL};
    struct pr_proc_done d = {0};
    if (pr_proc_run(&(struct pr_proc){.argv = argv, .timeout_ms = 20000}, w->a, &d, &w->e) != PR_OK || d.status != 0) return 1;
    const char *pub = NULL;
    size_t n = 0;
    if (pr_read_text(w->a, pr_fmt(w->a, "%s.pub", w->key), 4096, &pub, &n, &w->e) != PR_OK) return 1;
    put(w, "approvers", pr_fmt(w->a, "mara@x namespaces=\"pgrail\" %s", pub));
    put(w, "pgrail.conf", "[policy]\napprovers = approvers\n[environment production]\nservice = app\nprotected = yes\n");
    if (pr_mkdirs(path(w, "migrations"), 0755, &w->e) != PR_OK) return 1;
    put(w, "migrations/0001_a.up.sql", "CREATE INDEX CONCURRENTLY i ON t (x);\n-- \xe2\x80\xaehidden\n");
    put(w, "migrations/0001_a.down.sql", "DROP INDEX CONCURRENTLY i;\n");
    look(w);
    return pr_ledger_open(w->dir, &w->l, &w->e) == PR_OK ? 0 : 1;
}

static int drop(const char *name, const struct stat *st, int kind, struct FTW *f) { return remove(name); }

static int tear_down(void **state) {
    struct world *w = *state;
    pr_ledger_close(w->l);
    (void)nftw(w->dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    unsetenv("PGRAIL_LEDGER");
    unsetenv("PGRAIL_TEST_NOW");
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static void hear(void *ctx, enum pr_line kind, const char *text) {
    struct world *w = ctx;
    pr_addf(&w->said, "%s\n", text);
}

struct words { const char *const *items; size_t n, at; };

static bool next_word(void *ctx, const char **name, const char **value) {
    struct words *p = ctx;
    if (p->at >= p->n) return false;
    *name = p->items[p->at];
    *value = p->items[p->at + 1];
    p->at += 2;
    return true;
}

/* The operation with name, value pairs; the document is the caller's. */
static enum pr_code approve(struct world *w, const char *const *items, size_t n, json_t **doc) {
    const struct pr_op *op = pr_op_find("approve");
    struct pr_arg_src src = {.ctx = &(struct words){.items = items, .n = n}, .next = next_word};
    const struct pr_talk talk = {.ctx = w, .line = hear};
    struct pr_call c = {.a = w->a, .config_path = w->conf, .command = "pgrail approve", .talk = &talk};
    void *args = NULL;
    w->e = (struct pr_err){0};
    if (pr_bind(op, w->a, &src, &args, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    c.args = args;
    const enum pr_code code = op->run(&c, &w->e);
    *doc = c.doc;
    return code;
}

static void refused(struct world *w, enum pr_code want, const char *hint) {
    json_t *doc = NULL;
    const char *const words[] = {NULL, "0001", "key", w->key};
    const enum pr_code code = approve(w, words, 4, &doc);
    if (code != want || !pr_eq(w->e.hint, hint)) fail_msg("got %s: %s, hint \"%s\"", pr_code_info(code)->name, w->e.msg, w->e.hint);
    assert_null(doc);
}

static void ground(struct world *w, const char *taken_at) {
    struct pr_grounding g = {.environment = "production", .system_id = "77", .database = "app", .migration = "0001_a",
                             .sha256 = pr_migration_body_sha256(w->m, w->a), .fingerprint = "ff", .taken_at = taken_at};
    if (pr_ledger_put_grounding(w->l, &g, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

/* sign: what the up side shows; NULL = the document says nothing of reviews. */
static void rehearse_as(struct world *w, bool passed, const char *started_at, const char *sign, const char *of) {
    json_t *doc PR_CLEANUP(pr_json_freep) = json_pack("{s:s, s:[{s:s, s:s, s:i, s:i, s:s}]}", "schema", "pgrail.rehearsal/1", "findings", "level",
                                                       "error", "rule", "some-rule", "statement", 0, "line", 1, "title", "it blocks");
    if (sign != NULL)
        pr_set(doc, "review", json_pack("{s:{s:[{s:s, s:s?, s:i}]}, s:{s:[]}}", "up", "signs", "sign", sign, "of", of, "line", 1, "down", "signs"));
    struct pr_rehearsal r = {.environment = "production", .staging = "staging", .migration = "0001_a", .sha256 = w->m->sha256, .passed = passed,
                             .fingerprint = "ff", .report_sha256 = "rr", .doc = doc, .started_at = started_at, .elapsed_us = 2000000};
    if (pr_ledger_put_rehearsal(w->l, &r, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
}

static void rehearse(struct world *w, bool passed, const char *started_at) { rehearse_as(w, passed, started_at, "large", "t"); }

static const char *ago(struct world *w, int64_t hours) { return pr_iso_time(w->a, pr_wall_us() - hours * INT64_C(3600000000)); }

static void each_step_before_it_must_have_been_taken(void **state) {
    struct world *w = *state;
    refused(w, PR_ERR_NOT_GROUNDED, "pgrail ground 0001_a --env production");
    ground(w, ago(w, 50 * 24));
    refused(w, PR_ERR_STALE, "pgrail ground 0001_a --env production");
    ground(w, ago(w, 1));
    refused(w, PR_ERR_NOT_REHEARSED, "pgrail rehearse 0001_a --env production");
    rehearse(w, false, ago(w, 1));
    refused(w, PR_ERR_NOT_REHEARSED, "pgrail rehearse 0001_a --env production");
    rehearse(w, true, ago(w, 48));
    refused(w, PR_ERR_STALE, "pgrail rehearse 0001_a --env production");
    rehearse(w, true, ago(w, 1));
    put(w, "migrations/0001_a.down.sql", "DROP INDEX CONCURRENTLY IF EXISTS i;\n");
    look(w);
    refused(w, PR_ERR_NOT_GROUNDED, "pgrail ground 0001_a --env production");
    ground(w, ago(w, 1));
    refused(w, PR_ERR_NOT_REHEARSED, "pgrail rehearse 0001_a --env production");
    assert_non_null(strstr(w->e.msg, "not rehearsed since the file changed"));
}

static void what_is_signed_binds_what_was_shown(void **state) {
    struct world *w = *state;
    ground(w, ago(w, 1));
    rehearse(w, true, ago(w, 1));
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    const char *const words[] = {NULL, "0001", "key", w->key};
    if (approve(w, words, 4, &doc) != PR_OK) fail_msg("%s (%s)", w->e.msg, w->e.hint);
    assert_string_equal(pr_get_str(doc, "schema"), "pgrail.approve/1");
    assert_string_equal(pr_get_str(doc, "signer"), "mara@x");
    assert_string_equal(pr_get_str(doc, "expires_at"), ago(w, -24));
    assert_string_equal(pr_get_str(doc, "next"), "pgrail apply 0001_a --env production");
    assert_int_equal(pr_get_int(doc, "errors_accepted"), 1);
    const char *said = pr_buf_text(&w->said);
    assert_non_null(strstr(said, "CREATE INDEX CONCURRENTLY i ON t (x);"));
    assert_non_null(strstr(said, "\\u{202E}hidden"));            /* what a terminal would hide is shown */
    assert_non_null(strstr(said, "error some-rule, line 1: it blocks"));
    const char *text = pr_get_str(doc, "statement"), *statements = NULL;
    assert_int_equal(pr_side_statements_sha256(&w->m->up, w->a, &statements, &w->e), PR_OK);
    const char *const fields[][2] = {{"system-id", "77"}, {"database", "app"}, {"environment", "production"}, {"migration", "0001_a"},
                                     {"sha256", w->m->sha256}, {"direction", "up"}, {"statements", statements}, {"fingerprint", "ff"},
                                     {"report", "rr"}, {"findings", pr_sha256_text(w->a, "error some-rule 0\n")}, {"signer", "mara@x"}};
    for (size_t i = 0; i < PR_COUNT(fields); i++) assert_string_equal(pr_approval_field(w->a, text, fields[i][0]), fields[i][1]);
    struct pr_approval *kept = NULL;
    size_t n = 0;
    assert_int_equal(pr_ledger_approvals(w->l, "production", w->m->sha256, "up", w->a, &kept, &n, &w->e), PR_OK);
    assert_int_equal(n, 1);
    if (pr_verify_signature(path(w, "approvers"), kept[0].signer, kept[0].statement, kept[0].signature, w->a, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    assert_int_equal(pr_ledger_approvals(w->l, "production", w->m->sha256, "down", w->a, &kept, &n, &w->e), PR_OK);
    assert_int_equal(n, 0);
}

static void down_is_another_approval(void **state) {
    struct world *w = *state;
    ground(w, ago(w, 1));
    rehearse(w, true, ago(w, 1));
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    const char *const words[] = {NULL, "0001", "down", NULL, "key", w->key};
    if (approve(w, words, 6, &doc) != PR_OK) fail_msg("%s (%s)", w->e.msg, w->e.hint);
    assert_string_equal(pr_approval_field(w->a, pr_get_str(doc, "statement"), "direction"), "down");
    assert_null(pr_approval_field(w->a, pr_get_str(doc, "statement"), "fingerprint"));     /* the up has moved it */
    assert_string_equal(pr_get_str(doc, "next"), "pgrail rollback 0001_a --env production");
    assert_int_equal(unlink(path(w, "migrations/0001_a.down.sql")), 0);
    json_t *none = NULL;
    assert_int_equal(approve(w, words, 6, &none), PR_ERR_REFUSED);
    assert_null(none);
}

static void two_persons_are_two_keys(void **state) {
    struct world *w = *state;
    ground(w, ago(w, 1));
    rehearse(w, true, ago(w, 1));
    put(w, "pgrail.conf", "[policy]\napprovers = approvers\napprovals = 2\n[environment production]\nservice = app\nprotected = yes\n");
    const char *const words[] = {NULL, "0001", "key", w->key};
    for (int i = 0; i < 2; i++) {                              /* one person twice is one person */
        json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
        if (approve(w, words, 4, &doc) != PR_OK) fail_msg("%s (%s)", w->e.msg, w->e.hint);
        assert_int_equal(pr_get_int(doc, "persons"), 1);
        assert_int_equal(pr_get_int(doc, "persons_needed"), 2);
        assert_string_equal(pr_get_str(doc, "next"), "pgrail approve 0001_a --env production, by another person");
    }
}

static void a_stranger_cannot_approve(void **state) {
    struct world *w = *state;
    ground(w, ago(w, 1));
    rehearse(w, true, ago(w, 1));
    put(w, "approvers", "# nobody\n");
    json_t *doc = NULL;
    const char *const words[] = {NULL, "0001", "key", w->key};
    assert_int_equal(approve(w, words, 4, &doc), PR_ERR_NOT_APPROVED);
    put(w, "pgrail.conf", "[environment production]\nservice = app\nprotected = yes\n");
    assert_int_equal(approve(w, words, 4, &doc), PR_ERR_NOT_APPROVED);
    assert_string_equal(w->e.msg, "pgrail.conf names no approvers");
    assert_null(doc);
    struct pr_approval *kept = NULL;
    size_t n = 9;
    assert_int_equal(pr_ledger_approvals(w->l, "production", w->m->sha256, "up", w->a, &kept, &n, &w->e), PR_OK);
    assert_int_equal(n, 0);
}

/* Nobody is at a terminal here, so a mandatory one gets no further; that it is asked at one is tests/server/test_apply.py's. */
static void a_mandatory_review_needs_another_person_at_a_terminal(void **state) {
    struct world *w = *state;
    json_t *doc = NULL;
    const char *const words[] = {NULL, "0001", "key", w->key};
    ground(w, ago(w, 1));
    rehearse_as(w, true, ago(w, 1), NULL, NULL);
    refused(w, PR_ERR_STALE, "pgrail rehearse 0001_a --env production");
    rehearse_as(w, true, ago(w, 1), "loss", "t.x");
    assert_int_equal(approve(w, words, 4, &doc), PR_ERR_REFUSED);
    assert_non_null(strstr(pr_buf_text(&w->said), "review: mandatory, data is lost: t.x (line 1)\nthe header names no author"));
    put(w, "migrations/0001_a.up.sql", "-- author: Mara <mara@x>\nCREATE INDEX CONCURRENTLY i ON t (x);\n");
    look(w);
    ground(w, ago(w, 1));
    rehearse_as(w, true, ago(w, 1), "loss", "t.x");
    assert_int_equal(approve(w, words, 4, &doc), PR_ERR_NOT_APPROVED);
    assert_string_equal(w->e.msg, "mara@x wrote 0001_a, and data is lost: t.x (line 1): another person must approve");
    put(w, "pgrail.conf", "[policy]\napprovers = approvers\n[environment production]\nservice = app\nprotected = yes\n[review]\nloss = thorough\n");
    if (approve(w, words, 4, &doc) != PR_OK) fail_msg("%s (%s)", w->e.msg, w->e.hint);
    assert_string_equal(pr_get_str(pr_get(doc, "review"), "class"), "thorough");
    assert_null(pr_get_str(doc, "typed"));
    json_decref(doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_step_before_it_must_have_been_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_signed_binds_what_was_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(down_is_another_approval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_persons_are_two_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stranger_cannot_approve, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mandatory_review_needs_another_person_at_a_terminal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
