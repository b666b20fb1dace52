/* approvals.c: the text that a person signs, and the signed texts that are kept. What counts is what was signed: columns of
 * the ledger only find a row, and a row whose columns say otherwise than its text is passed over. */
#include "crypt/crypt.h"
#include "ledger/impl.h"

static void line(struct pr_buf *b, const char *key, const char *value) {
    pr_addf(b, "%s: %s\n", key, value == NULL ? "-" : pr_printable(b->a, value, 4096));
}

const char *pr_approval_text(struct pr_arena *a, const struct pr_approval_facts *f) {
    struct pr_buf b = {.a = a};
    line(&b, "format", "pgrail approval 1");
    line(&b, "system-id", f->system_id);
    line(&b, "database", f->database);
    line(&b, "environment", f->environment);
    line(&b, "migration", f->migration);
    line(&b, "sha256", f->sha256);
    line(&b, "direction", f->direction);
    line(&b, "statements", f->statements_sha256);
    line(&b, "fingerprint", f->fingerprint);
    line(&b, "rehearsal", pr_int_text(a, f->rehearsal_id));
    line(&b, "report", f->report_sha256);
    line(&b, "findings", f->findings_sha256);
    line(&b, "nonce", f->nonce);
    line(&b, "approved-at", f->approved_at);
    line(&b, "expires-at", f->expires_at);
    line(&b, "signer", f->signer);
    return pr_buf_text(&b);
}

const char *pr_approval_field(struct pr_arena *a, const char *statement, const char *key) {
    const size_t n = strlen(key);
    for (const char *p = statement; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
        if (strncmp(p, key, n) != 0 || p[n] != ':' || p[n + 1] != ' ') continue;
        const char *value = pr_dupn(a, p + n + 2, strcspn(p + n + 2, "\n"));
        return pr_eq(value, "-") ? NULL : value;
    }
    return NULL;
}

enum pr_code pr_ledger_put_approval(struct pr_ledger *l, struct pr_approval *p, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    p->digest = p->digest != NULL ? p->digest : pr_sha256_text(a, p->statement);
    const char *const params[] = {
        l->project, p->environment, p->migration, p->sha256, p->direction, pr_int_text(a, p->rehearsal_id), p->statement,
        pr_sha256_text(a, p->statement), p->signature, p->signer, p->approved_at, p->expires_at};
    PR_TRY(e, pr_store_run(l->store,
                           "INSERT INTO approval (project, environment, migration, sha256, direction, rehearsal_id, statement, digest,"
                           " signature, signer, approved_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", params,
                           (int)PR_COUNT(params), a, NULL, e));
    p->id = pr_store_last_id(l->store);
    return PR_OK;
}

/* The signed text says the same as the row by which it was found. */
static bool is_honest(const struct pr_approval *p, struct pr_arena *a) {
    return pr_eq(pr_approval_field(a, p->statement, "format"), "pgrail approval 1") &&
           pr_eq(pr_approval_field(a, p->statement, "environment"), p->environment) &&
           pr_eq(pr_approval_field(a, p->statement, "migration"), p->migration) &&
           pr_eq(pr_approval_field(a, p->statement, "sha256"), p->sha256) &&
           pr_eq(pr_approval_field(a, p->statement, "direction"), p->direction) &&
           pr_eq(pr_approval_field(a, p->statement, "rehearsal"), pr_int_text(a, p->rehearsal_id)) &&
           pr_eq(pr_approval_field(a, p->statement, "signer"), p->signer) &&
           pr_eq(pr_approval_field(a, p->statement, "approved-at"), p->approved_at) &&
           pr_eq(pr_approval_field(a, p->statement, "expires-at"), p->expires_at) && pr_eq(pr_sha256_text(a, p->statement), p->digest);
}

static enum pr_code take(const struct pr_store_rows *r, int i, struct pr_approval *p, struct pr_err *e) {
    *p = (struct pr_approval){
        .environment = PR_STORE_CELL(r, i, 1), .migration = PR_STORE_CELL(r, i, 2), .sha256 = PR_STORE_CELL(r, i, 3),
        .direction = PR_STORE_CELL(r, i, 4), .statement = PR_STORE_CELL(r, i, 6), .digest = PR_STORE_CELL(r, i, 7),
        .signature = PR_STORE_CELL(r, i, 8), .signer = PR_STORE_CELL(r, i, 9), .approved_at = PR_STORE_CELL(r, i, 10),
        .expires_at = PR_STORE_CELL(r, i, 11)};
    PR_TRY(e, pr_cell_int(r, i, 0, &p->id, e));
    return pr_cell_int(r, i, 5, &p->rehearsal_id, e);
}

enum pr_code pr_ledger_approvals(struct pr_ledger *l, const char *environment, const char *sha256, const char *direction,
                                 struct pr_arena *a, struct pr_approval **out, size_t *n, struct pr_err *e) {
    struct pr_store_rows r = {0};
    const char *const params[] = {l->project, environment, sha256, direction, pr_iso_time(a, pr_judge_us())};
    PR_TRY(e, pr_store_run(l->store,
                           "SELECT id, environment, migration, sha256, direction, rehearsal_id, statement, digest, signature, signer,"
                           " approved_at, expires_at FROM approval WHERE project = ? AND environment = ? AND sha256 = ? AND direction = ?"
                           " AND used_at IS NULL AND expires_at > ? ORDER BY id DESC", params, (int)PR_COUNT(params), a, &r, e));
    struct pr_approval *rows = PR_NEW_ARRAY(a, struct pr_approval, (size_t)r.n_rows);
    size_t kept = 0;
    for (int i = 0; i < r.n_rows; i++) {
        PR_TRY(e, take(&r, i, &rows[kept], e));
        kept += is_honest(&rows[kept], a);
    }
    *out = rows;
    *n = kept;
    return PR_OK;
}

enum pr_code pr_ledger_use_approval(struct pr_ledger *l, int64_t id, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    struct pr_store_rows r = {0};
    const char *const params[] = {pr_iso_time(a, pr_judge_us()), pr_int_text(a, id), l->project};
    PR_TRY(e, pr_store_run(l->store,
                           "UPDATE approval SET used_at = ?1 WHERE id = ?2 AND project = ?3 AND used_at IS NULL AND expires_at > ?1"
                           " RETURNING id", params, 3, a, &r, e));
    if (r.n_rows == 1) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "approval %" PRId64 " is used already, expired, or not of this project", id);
    return pr_hint(e, "an approval counts once: pgrail approve MIGRATION");
}
