/* test_sign.c: signatures by the real ssh-keygen, with throwaway keys: good ones, and every way to forge one. */
#include "base/base.h"

#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "proc/proc.h"

struct world { struct pr_arena *a; const char *dir, *signers; struct pr_err e; };

static const char *path(struct world *w, const char *name) { return pr_fmt(w->a, "%s/%s", w->dir, name); }

static const char *run(struct world *w, const char *const *argv, const char *input) {
    struct pr_proc_done d = {0};
    const struct pr_proc p = {.argv = argv, .input = input, .input_len = input != NULL ? strlen(input) : 0, .timeout_ms = 20000};
    if (pr_proc_run(&p, w->a, &d, &w->e) != PR_OK || d.status != 0) fail_msg("%s: %s%s", argv[0], w->e.msg, d.err);
    return d.out;
}

static const char *make_key(struct world *w, const char *name, const char *type) {
    const char *key = path(w, name);
    (void)run(w, (const char *const[]){"ssh-keygen", "-q", "-t", type, "-N", "", "-C", "a comment", "-f", key, NULL}, NULL);
    return key;
}

static const char *public_line(struct world *w, const char *key) {
    const char *text = NULL;
    size_t n = 0;
    assert_int_equal(pr_read_text(w->a, pr_fmt(w->a, "%s.pub", key), 4096, &text, &n, &w->e), PR_OK);
    return text;
}

static void allow(struct world *w, const char *text) {
    assert_int_equal(pr_write_text(w->signers, text, strlen(text), 0644, false, &w->e), PR_OK);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->a = pr_arena_new((size_t)64 << 20);
    w->dir = mkdtemp(pr_dup(w->a, "/tmp/pgrail-sign-XXXXXX"));
    w->signers = path(w, "approvers");
    *state = w;
    return w->dir == NULL;
}

static int drop(const char *name, const struct stat *st, int kind, struct FTW *f) { return remove(name); }

static int tear_down(void **state) {
    struct world *w = *state;
    (void)nftw(w->dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    pr_arena_free(w->a);
    free(w);
    return 0;
}

static const char text[] = "format: pgrail approval 1\nsha256: aa\n";

static void signs_and_verifies(void **state) {
    struct world *w = *state;
    const char *key = make_key(w, "mara", "ed25519"), *signature = NULL, *signer = NULL;
    allow(w, pr_fmt(w->a, "# who may\njo@x namespaces=\"pgrail\" %s\nmara@x,mara@y namespaces=\"git,pgrail\" %s",
                    public_line(w, make_key(w, "jo", "ecdsa")), public_line(w, key)));
    if (pr_key_signer(w->signers, key, w->a, &signer, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    assert_string_equal(signer, "mara@x");
    if (pr_sign(key, text, w->a, &signature, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    if (pr_verify_signature(w->signers, signer, text, signature, w->a, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    signer = NULL;
    if (pr_find_signer(w->signers, text, signature, w->a, &signer, &w->e) != PR_OK) fail_msg("%s", w->e.msg);
    assert_string_equal(signer, "mara@x");
    /* Without KEY.pub the public half is asked of the key itself. */
    assert_int_equal(unlink(pr_fmt(w->a, "%s.pub", key)), 0);
    assert_int_equal(pr_key_signer(w->signers, key, w->a, &signer, &w->e), PR_OK);
    /* Nothing is left in the temporary folder. */
    assert_int_equal(access(path(w, "signature"), F_OK), -1);
}

static void refuse(struct world *w, const char *signer, const char *what, const char *signature) {
    w->e = (struct pr_err){0};
    assert_int_equal(pr_verify_signature(w->signers, signer, what, signature, w->a, &w->e), PR_ERR_NOT_APPROVED);
    assert_true(w->e.msg[0] != '\0' && w->e.hint[0] != '\0');
}

static void refuses_forgeries(void **state) {
    struct world *w = *state;
    const char *key = make_key(w, "mara", "ed25519"), *eve = make_key(w, "eve", "ed25519"), *signature = NULL, *forged = NULL, *signer = NULL;
    allow(w, pr_fmt(w->a, "mara namespaces=\"pgrail\" %sold valid-before=\"20200101\" %s", public_line(w, key), public_line(w, key)));
    assert_int_equal(pr_sign(key, text, w->a, &signature, &w->e), PR_OK);
    assert_int_equal(pr_sign(eve, text, w->a, &forged, &w->e), PR_OK);
    refuse(w, "mara", pr_fmt(w->a, "%s ", text), signature);   /* other text */
    refuse(w, "mara", "", signature);
    refuse(w, "mara", text, forged);                           /* another's key */
    refuse(w, "jo", text, signature);                          /* another's name */
    refuse(w, "old", text, signature);                         /* a key whose time is over */
    refuse(w, "mara", text, "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n");
    refuse(w, "mara", text, "");
    char *bent = pr_dup(w->a, signature);
    bent[strlen(bent) / 2] = bent[strlen(bent) / 2] == 'A' ? 'B' : 'A';
    refuse(w, "mara", text, bent);
    const char *const other[] = {"ssh-keygen", "-Y", "sign", "-n", "file", "-f", key, NULL};
    refuse(w, "mara", text, run(w, other, text));              /* signed for another purpose */
    assert_int_equal(pr_verify_signature(w->signers, "-oProxyCommand=x", text, signature, w->a, &w->e), PR_ERR_NOT_APPROVED);
    assert_int_equal(pr_verify_signature(NULL, "mara", text, signature, w->a, &w->e), PR_ERR_NOT_APPROVED);
    assert_int_equal(pr_verify_signature(path(w, "none"), "mara", text, signature, w->a, &w->e), PR_ERR_NOT_APPROVED);
    assert_int_equal(pr_find_signer(w->signers, text, forged, w->a, &signer, &w->e), PR_ERR_NOT_APPROVED);
    assert_int_equal(pr_key_signer(w->signers, eve, w->a, &signer, &w->e), PR_ERR_NOT_APPROVED);
    assert_non_null(strstr(w->e.hint, "a reviewed change adds"));
    allow(w, pr_fmt(w->a, "*@x namespaces=\"pgrail\" %s", public_line(w, eve)));
    assert_int_equal(pr_key_signer(w->signers, eve, w->a, &signer, &w->e), PR_ERR_NOT_APPROVED);
    assert_null(signer);
}

static void says_when_it_cannot_sign(void **state) {
    struct world *w = *state;
    const char *signature = NULL, *notkey = path(w, "notkey"), *home = getenv("HOME");
    assert_int_equal(pr_sign(path(w, "none"), text, w->a, &signature, &w->e), PR_ERR_PROC);
    assert_int_equal(pr_write_text(notkey, "hello", 5, 0600, false, &w->e), PR_OK);
    assert_int_equal(pr_sign(notkey, text, w->a, &signature, &w->e), PR_ERR_PROC);
    const char *was = home != NULL ? pr_dup(w->a, home) : NULL;
    setenv("HOME", w->dir, 1);                                 /* the first of ~/.ssh/id_… */
    assert_int_equal(pr_sign(NULL, text, w->a, &signature, &w->e), PR_ERR_PROC);
    assert_int_equal(pr_mkdirs(path(w, ".ssh"), 0700, &w->e), PR_OK);
    (void)make_key(w, ".ssh/id_ed25519", "ed25519");
    assert_int_equal(pr_sign(NULL, text, w->a, &signature, &w->e), PR_OK);
    if (was != NULL) setenv("HOME", was, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_and_verifies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_forgeries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_it_cannot_sign, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
