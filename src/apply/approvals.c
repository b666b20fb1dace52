/* approvals.c: which signatures stand. What counts is the signed text, after its signature has verified against the approvers'
 * file; the ledger's columns only find it. Every field that binds is held against what is so now. */
#include "apply/flight.h"

#include "crypt/crypt.h"

struct field { const char *key, *want, *what; bool moves; };

/* NULL when all agree; *moved: it does not stand because the world moved, not because it is for something else. */
static const char *disagreement(struct pr_flight *f, const char *text, bool *moved) {
    const struct pr_migration *m = f->ask->migration;
    const char *statements = NULL;
    struct pr_err ignored = {0};
    *moved = false;
    if (pr_side_statements_sha256(f->side, f->a, &statements, &ignored) != PR_OK) return "the statements cannot be read";
    const struct field fields[] = {
        {"format", "pgrail approval 1", "of another format", false},
        {"system-id", f->ident.system_id, "for another cluster", false},
        {"database", f->ident.database, "for another database", false},
        {"environment", f->ask->environment->name, "for another environment", false},
        {"migration", m->id, "for another migration", false},
        {"direction", f->direction, "for the other direction", false},
        {"sha256", m->sha256, "for other bytes", false},
        {"statements", statements, "for other statements", false},
        {"report", f->rehearsal.report_sha256, "for another rehearsal", true},
    };
    for (size_t i = 0; i < PR_COUNT(fields); i++) {
        if (pr_eq(pr_approval_field(f->a, text, fields[i].key), fields[i].want)) continue;
        *moved = fields[i].moves;
        return fields[i].what;
    }
    int64_t until = 0;
    *moved = true;
    if (pr_parse_iso_time(pr_approval_field(f->a, text, "expires-at"), &until, &ignored) != PR_OK || until <= pr_judge_us()) return "expired";
    int64_t since = 0;
    if (pr_parse_iso_time(pr_approval_field(f->a, text, "approved-at"), &since, &ignored) != PR_OK ||
        pr_too_old(since, pr_sat_mul(f->ask->config->approval_max_age_ms, 1000)))
        return "given too long ago, or dated in the future";
    const char *fingerprint = pr_approval_field(f->a, text, "fingerprint");
    if (!f->ask->down && f->first_step == 0 && fingerprint != NULL && !pr_eq(fingerprint, f->grounding.fingerprint)) return "for another shape of the schema";
    return NULL;
}

const char *pr_approval_mark(struct pr_arena *a, const struct pr_approval *p) {
    return pr_dupn(a, pr_sha256_text(a, p->statement), 32);
}

/* The target's own history says which approvals its runs used up, whatever the ledger says. */
static bool in_history(const struct pr_flight *f, const struct pr_approval *p) {
    const char *mark = pr_approval_mark(f->a, p);
    for (size_t i = 0; i < f->n_history; i++)
        if (f->history[i].run_id != NULL && strstr(f->history[i].run_id, mark) != NULL) return true;
    return false;
}

/* What needs another person's eyes was not seen by one. The way back is open to whoever is there, and what this run used up already
 * was weighed when it began. */
static const char *by_its_author(const struct pr_flight *f, const struct pr_approval *p) {
    const struct pr_reviewed *r = &f->judged.review;
    if (f->ask->down || p->used_at != NULL || r->review != PR_REVIEW_MANDATORY || !pr_is_author(f->a, f->ask->migration->author, p->signer)) return NULL;
    return pr_fmt(f->a, "%s wrote the migration, and %s%s%s: another person must approve", p->signer, r->why, r->of != NULL ? ": " : "", r->of != NULL ? r->of : "");
}

struct tally { struct pr_approval *items; size_t n, cap; bool moved; };

static void weigh(struct pr_flight *f, struct tally *t, const struct pr_approval *p) {
    bool moved = false;
    struct pr_err why = {0};
    const char *problem = disagreement(f, p->statement, &moved);
    const char *signer = pr_approval_field(f->a, p->statement, "signer");
    if (problem == NULL && (signer == NULL || !pr_eq(signer, p->signer))) problem = "signed by another name";
    if (problem == NULL && p->used_at == NULL && in_history(f, p)) problem = "used already, says the history of this database";
    if (problem == NULL) {
        problem = by_its_author(f, p);
        moved = false;
    }
    if (problem == NULL && pr_verify_signature(f->ask->config->approvers, signer, p->statement, p->signature, f->a, &why) != PR_OK) {
        problem = why.msg;
        moved = false;
    }
    for (size_t i = 0; i < t->n && problem == NULL; i++)
        if (pr_eq(t->items[i].signer, signer)) return;
    if (problem == NULL) {
        *PR_PUSH(f->a, t->items, t->n, t->cap) = *p;
        pr_check_line(f, "ok", "approval", pr_fmt(f->a, "%s, at %s, until %s", signer, p->approved_at, p->expires_at));
        return;
    }
    t->moved = t->moved || moved;
    pr_check_line(f, "warn", "approval", pr_fmt(f->a, "of %s does not stand: %s", p->signer, problem));
}

/* Those that this run used up already, before it died: they were given for it, and count until they expire. */
static void weigh_own(struct pr_flight *f, struct tally *t) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(f->row.detail, "approvals"), i, o) {
        /* Copied: the journal's detail is written anew before they are used. */
        const struct pr_approval p = {.id = pr_get_int(o, "id"), .used_at = "by this run", .statement = pr_dup(f->a, pr_get_str(o, "statement")),
                                      .signature = pr_dup(f->a, pr_get_str(o, "signature")), .signer = pr_dup(f->a, pr_get_str(o, "signer")),
                                      .approved_at = pr_dup(f->a, pr_get_str(o, "approved_at")), .expires_at = pr_dup(f->a, pr_get_str(o, "expires_at"))};
        if (p.statement != NULL && p.signature != NULL && p.signer != NULL) weigh(f, t, &p);
    }
}

enum pr_code pr_preflight_approvals(struct pr_flight *f, struct pr_err *e) {
    const struct pr_config *c = f->ask->config;
    struct tally t = {0};
    struct pr_approval *list = NULL;
    size_t n = 0;
    if (c->approvers == NULL) {
        (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "pgrail.conf names no approvers: nobody's signature can be verified");
        return pr_hint(e, "set approvers = FILE in [policy], an allowed_signers file");
    }
    PR_TRY(e, pr_ledger_approvals(f->ledger, f->ask->environment->name, f->ask->migration->sha256, f->direction, f->a, &list, &n, e));
    weigh_own(f, &t);
    for (size_t i = 0; i < n; i++) weigh(f, &t, &list[i]);
    f->approvals = t.items;
    f->n_approvals = t.n;
    const bool enough = (int64_t)t.n >= c->approvals;
    f->situation.approved = enough ? PR_YES : t.moved ? PR_STALE_YES : PR_NO;
    f->situation.findings_accepted = enough;     /* the signed rehearsal shows them */
    if (!enough) pr_check_line(f, "bad", "approval", pr_fmt(f->a, "%zu of %" PRId64 " that are needed", t.n, c->approvals));
    return PR_OK;
}
