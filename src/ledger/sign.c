/* sign.c: signatures by ssh-keygen -Y, so that hardware keys, agents and allowed_signers files work as people know them.
 * Source ssh-keygen(1), "-Y sign", "ALLOWED SIGNERS". */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/impl.h"
#include "proc/proc.h"

enum { SIGN_MS = 120000, VERIFY_MS = 15000 };      /* a touch, a PIN or a passphrase may be asked for */

static const char *first_line(struct pr_arena *a, const char *s) { return pr_printable(a, pr_dupn(a, s, strcspn(s, "\r\n")), 300); }

static enum pr_code keygen(const char *const *argv, const char *text, int timeout_ms, struct pr_arena *a, struct pr_proc_done *done,
                           struct pr_err *e) {
    const struct pr_proc p = {.argv = argv, .input = text, .input_len = strlen(text), .timeout_ms = timeout_ms};
    if (pr_proc_run(&p, a, done, e) == PR_OK) return PR_OK;
    return e->hint[0] == '\0' ? pr_hint(e, "apt-get install openssh-client") : e->code;
}

static const char *default_key(struct pr_arena *a) {
    static const char *const names[] = {"id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa", "id_rsa"};
    const char *home = getenv("HOME");
    for (size_t i = 0; home != NULL && i < PR_COUNT(names); i++) {
        const char *path = pr_fmt(a, "%s/.ssh/%s", home, names[i]);
        if (access(path, R_OK) == 0) return path;
    }
    return NULL;
}

enum pr_code pr_sign(const char *key, const char *text, struct pr_arena *a, const char **signature, struct pr_err *e) {
    const char *path = key != NULL ? key : default_key(a);
    if (path == NULL || access(path, R_OK) != 0) {
        (void)PR_FAIL(e, PR_ERR_PROC, "no SSH key to sign with%s%s", path != NULL ? ": " : "", path != NULL ? path : "");
        return pr_hint(e, "ssh-keygen -t ed25519-sk makes one that asks for a touch; name it with --key or signing_key");
    }
    struct pr_proc_done d = {0};
    PR_TRY(e, keygen((const char *const[]){"ssh-keygen", "-Y", "sign", "-n", "pgrail", "-f", path, NULL}, text, SIGN_MS, a, &d, e));
    if (d.status != 0 || !pr_starts(d.out, "-----BEGIN SSH SIGNATURE-----")) {
        (void)PR_FAIL(e, PR_ERR_PROC, "ssh-keygen did not sign: %s", first_line(a, d.err));
        return pr_hint(e, "ssh-keygen -Y sign -n pgrail -f %s must work by itself", path);
    }
    *signature = d.out;
    return PR_OK;
}

/* A folder of our own for the signature, which ssh-keygen reads from a file only. */
struct scratch { char dir[128], file[160]; };

static void scratch_done(struct scratch *s) {
    if (s->file[0] != '\0') (void)unlink(s->file);
    if (s->dir[0] != '\0') (void)rmdir(s->dir);
}

static enum pr_code scratch_open(struct scratch *s, const char *signature, struct pr_err *e) {
    const char *tmp = getenv("TMPDIR");
    char dir[sizeof s->dir];
    const int n = snprintf(dir, sizeof dir, "%s/pgrail-sig-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof dir) return PR_FAIL(e, PR_ERR_PROC, "TMPDIR is too long");
    if (mkdtemp(dir) == NULL) return PR_FAIL(e, PR_ERR_PROC, "no temporary folder: %s", strerror(errno));
    memcpy(s->dir, dir, sizeof dir);
    (void)snprintf(s->file, sizeof s->file, "%s/signature", s->dir);
    return pr_write_text(s->file, signature, strlen(signature), 0600, true, e);
}

static enum pr_code check_signers_file(const char *allowed_signers, struct pr_err *e) {
    if (allowed_signers == NULL) {
        (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "pgrail.conf names no approvers");
        return pr_hint(e, "set approvers = FILE in [policy]; one line each: NAME namespaces=\"pgrail\" ssh-ed25519 AAAA…");
    }
    if (access(allowed_signers, R_OK) == 0) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "%s: %s", allowed_signers, strerror(errno));
    return pr_hint(e, "the file lists who may approve, one line each: NAME namespaces=\"pgrail\" ssh-ed25519 AAAA…");
}

enum pr_code pr_verify_signature(const char *allowed_signers, const char *signer, const char *text, const char *signature,
                                 struct pr_arena *a, struct pr_err *e) {
    PR_TRY(e, check_signers_file(allowed_signers, e));
    if (signer == NULL || signer[0] == '\0' || signer[0] == '-') return PR_FAIL(e, PR_ERR_NOT_APPROVED, "the approval names no signer");
    struct scratch s PR_CLEANUP(scratch_done) = {0};
    PR_TRY(e, scratch_open(&s, signature, e));
    struct pr_proc_done d = {0};
    const char *const argv[] = {"ssh-keygen", "-Y", "verify", "-f", allowed_signers, "-I", signer, "-n", "pgrail", "-s", s.file, NULL};
    PR_TRY(e, keygen(argv, text, VERIFY_MS, a, &d, e));
    if (d.status == 0) return PR_OK;
    const char *why = d.err[0] != '\0' ? d.err : d.out;
    (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "the signature of %s does not verify: %s", pr_printable(a, signer, 80), first_line(a, why));
    return pr_hint(e, "pgrail approve MIGRATION, by a person of %s", allowed_signers);
}

enum pr_code pr_find_signer(const char *allowed_signers, const char *text, const char *signature, struct pr_arena *a,
                            const char **signer, struct pr_err *e) {
    PR_TRY(e, check_signers_file(allowed_signers, e));
    struct scratch s PR_CLEANUP(scratch_done) = {0};
    PR_TRY(e, scratch_open(&s, signature, e));
    struct pr_proc_done d = {0};
    PR_TRY(e, keygen((const char *const[]){"ssh-keygen", "-Y", "find-principals", "-f", allowed_signers, "-s", s.file, NULL}, text, VERIFY_MS,
                     a, &d, e));
    const char *found = pr_dupn(a, d.out, strcspn(d.out, ",\r\n"));
    if (d.status != 0 || found[0] == '\0' || strpbrk(found, "*?!") != NULL) {
        (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "the key is nobody's in %s", allowed_signers);
        return pr_hint(e, "add a line: NAME namespaces=\"pgrail\" and the key's public half");
    }
    *signer = found;
    return PR_OK;
}
