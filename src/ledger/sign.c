/* sign.c: signatures by ssh-keygen -Y, so that hardware keys, agents and allowed_signers files work as people know them.
 * Source ssh-keygen(1), "-Y sign", "ALLOWED SIGNERS". */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/impl.h"
#include "proc/proc.h"

enum { SIGN_MS = 120000, VERIFY_MS = 15000 };      /* a touch, a PIN or a passphrase may be asked for */

static const char *first_line(struct pr_arena *a, const char *s) { return pr_printable(a, pr_dupn(a, s, strcspn(s, "\r\n")), 300); }

static enum pr_code keygen(const char *const *argv, const char *text, int timeout_ms, bool asks, struct pr_arena *a,
                           struct pr_proc_done *done, struct pr_err *e) {
    const struct pr_proc p = {.argv = argv, .input = text, .input_len = strlen(text), .timeout_ms = timeout_ms, .interactive = asks};
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

static enum pr_code find_key(const char *key, struct pr_arena *a, const char **out, struct pr_err *e) {
    const char *path = key != NULL ? key : default_key(a);
    if (path == NULL || access(path, R_OK) != 0) {
        (void)PR_FAIL(e, PR_ERR_PROC, "no SSH key to sign with%s%s", path != NULL ? ": " : "", path != NULL ? path : "");
        return pr_hint(e, "ssh-keygen -t ed25519-sk makes one that asks for a touch; name it with --key or signing_key");
    }
    *out = path;
    return PR_OK;
}

enum pr_code pr_sign(const char *key, const char *text, struct pr_arena *a, const char **signature, struct pr_err *e) {
    const char *path = NULL;
    PR_TRY(e, find_key(key, a, &path, e));
    struct pr_proc_done d = {0};
    PR_TRY(e, keygen((const char *const[]){"ssh-keygen", "-Y", "sign", "-n", "pgrail", "-f", path, NULL}, text, SIGN_MS, true, a, &d, e));
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
    PR_TRY(e, keygen(argv, text, VERIFY_MS, false, a, &d, e));
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
                     false, a, &d, e));
    const char *found = pr_dupn(a, d.out, strcspn(d.out, ",\r\n"));
    if (d.status != 0 || found[0] == '\0' || strpbrk(found, "*?!") != NULL) {
        (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "the key is nobody's in %s", allowed_signers);
        return pr_hint(e, "add a line: NAME namespaces=\"pgrail\" and the key's public half");
    }
    *signer = found;
    return PR_OK;
}

/* The base64 word of a public key line: "ssh-ed25519 AAAA… comment". NULL when it is none. */
static const char *key_word(struct pr_arena *a, const char *line) {
    const size_t type = strcspn(line, " \t\r\n");
    const char *word = line + type + strspn(line + type, " \t");
    const size_t n = strcspn(word, " \t\r\n");
    return n < 40 || !pr_starts(word, "AAAA") ? NULL : pr_dupn(a, word, n);
}

static enum pr_code public_half(const char *path, struct pr_arena *a, const char **out, struct pr_err *e) {
    const char *pub = pr_ends(path, ".pub") ? path : pr_fmt(a, "%s.pub", path), *text = NULL;
    size_t n = 0;
    struct pr_err ignored = {0};                               /* a key without its .pub is asked for it below */
    if (pr_read_text(a, pub, 1 << 16, &text, &n, &ignored) != PR_OK) {
        struct pr_proc_done d = {0};
        PR_TRY(e, keygen((const char *const[]){"ssh-keygen", "-y", "-f", path, NULL}, "", SIGN_MS, true, a, &d, e));
        if (d.status != 0) return PR_FAIL(e, PR_ERR_PROC, "ssh-keygen cannot read the key %s: %s", path, first_line(a, d.err));
        text = d.out;
    }
    *out = key_word(a, text);
    return *out != NULL ? PR_OK : PR_FAIL(e, PR_ERR_PROC, "%s: is no public SSH key", pub);
}

/* Does the word stand in the line by itself? */
static bool has_word(const char *line, size_t len, const char *word) {
    const size_t n = strlen(word);
    for (const char *p = memmem(line, len, word, n); p != NULL; p = memmem(p + 1, len - (size_t)(p + 1 - line), word, n)) {
        const bool left = p > line && (p[-1] == ' ' || p[-1] == '\t');
        const bool right = p + n == line + len || strchr(" \t\r", p[n]) != NULL;
        if (left && right) return true;
    }
    return false;
}

enum pr_code pr_key_signer(const char *allowed_signers, const char *key, struct pr_arena *a, const char **signer, struct pr_err *e) {
    PR_TRY(e, check_signers_file(allowed_signers, e));
    const char *path = NULL, *word = NULL, *text = NULL;
    size_t n = 0;
    PR_TRY(e, find_key(key, a, &path, e));
    PR_TRY(e, public_half(path, a, &word, e));
    PR_TRY(e, pr_read_text(a, allowed_signers, 1 << 20, &text, &n, e));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        const size_t len = strcspn(line, "\n");
        if (line[0] == '#' || !has_word(line, len, word)) continue;
        const bool quoted = line[0] == '"';
        const char *name = pr_dupn(a, line + quoted, strcspn(line + quoted, quoted ? ",\"" : ", \t"));
        if (name[0] == '\0' || strpbrk(name, "*?!") != NULL) continue;
        *signer = name;
        return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "the key %s is nobody's in %s", path, allowed_signers);
    return pr_hint(e, "a reviewed change adds: NAME namespaces=\"pgrail\" and the line of %s.pub", path);
}
