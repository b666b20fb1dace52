#include "ops/ops.h"

#include "crypt/crypt.h"
#include "policy/policy.h"
#include "rules/review.h"

/* approve: shows what will run and what the rehearsal found, and binds a person's signature to exactly that. It needs no
 * connection: everything that it binds was read by ground and rehearse, and apply holds it against the live database again. */

struct args { const char *migration, *env, *key; bool down; };

static const struct pr_param params[] = {
    {.name = "migration", PR_FIELD(PR_T_STR, struct args, migration), .required = true, .positional = true, .complete = "migration",
     .help = "Version, id or file."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Environment that it will run on [production]."},
    {.name = "down", PR_FIELD(PR_T_BOOL, struct args, down), .help = "Approve the down script, for a rollback."},
    {.name = "key", PR_FIELD(PR_T_PATH, struct args, key), .help = "SSH key to sign with; without it signing_key of pgrail.conf, then ssh's own."},
};

struct asked {
    struct pr_call *c;
    struct pr_context x;
    const struct pr_migration *m;
    const struct pr_side *side;
    const char *direction;
    struct pr_grounding grounding;
    struct pr_rehearsal rehearsal;
    bool has_grounding, has_rehearsal, of_other_bytes;
    int errors;
    struct pr_reviewed review;
    const char *typed;             /* by the person, to be let on; NULL = nothing was asked */
};

static void asked_done(struct asked *q) {
    json_decref(q->grounding.relations);
    json_decref(q->rehearsal.doc);
    pr_context_done(&q->x);
}

static bool is_old(const char *iso, int64_t limit_ms) {
    int64_t at = 0;
    struct pr_err ignored = {0};                               /* a time that cannot be read is as good as none */
    return pr_parse_iso_time(iso, &at, &ignored) != PR_OK || pr_too_old(at, pr_sat_mul(limit_ms, 1000));
}

static int count_errors(const json_t *doc) {
    size_t i = 0;
    json_t *o = NULL;
    int n = 0;
    json_array_foreach(pr_get(doc, "findings"), i, o) n += pr_eq(pr_get_str(o, "level"), "error");
    return n;
}

static enum pr_code recall(struct asked *q, struct pr_err *e) {
    struct pr_arena *a = q->c->a;
    const char *env = q->x.env->name;
    PR_TRY(e, pr_ledger_grounding(q->x.ledger, env, q->m->id, a, &q->grounding, &q->has_grounding, e));
    PR_TRY(e, pr_ledger_rehearsal(q->x.ledger, env, q->m->id, q->m->sha256, a, &q->rehearsal, &q->has_rehearsal, e));
    if (q->has_rehearsal) {
        q->errors = count_errors(q->rehearsal.doc);
        return PR_OK;
    }
    struct pr_rehearsal other = {0};
    PR_TRY(e, pr_ledger_rehearsal(q->x.ledger, env, q->m->id, NULL, a, &other, &q->of_other_bytes, e));
    json_decref(other.doc);
    return PR_OK;
}

/* The way back must not close by time: what a down undoes was grounded and rehearsed when it was applied, and apply looks at
 * the live schema again in any case. */
static bool too_old(const struct asked *q, const char *when, int64_t max_age_ms) {
    return pr_eq(q->direction, "up") && is_old(when, max_age_ms);
}

static enum pr_yes grounded(const struct asked *q) {
    /* Another text was grounded: it may name other relations. A rehearsal of exactly these bytes settles that: it refuses to run
     * when the live shape of what they touch is not the grounding's. */
    if (!q->has_grounding) return PR_NO;
    if (!q->has_rehearsal && !pr_eq(q->grounding.sha256, pr_migration_body_sha256(q->m, q->c->a))) return PR_NO;
    return too_old(q, q->grounding.taken_at, q->x.config->grounding_max_age_ms) ? PR_STALE_YES : PR_YES;
}

static enum pr_yes rehearsed(const struct asked *q) {
    if (!q->has_rehearsal) return q->of_other_bytes ? PR_YES : PR_NO;
    return too_old(q, q->rehearsal.started_at, q->x.config->rehearsal_max_age_ms) ? PR_STALE_YES : PR_YES;
}

static enum pr_code needs_person(const struct asked *q, bool *out, struct pr_err *e) {
    struct pr_run_row *rows = NULL;
    size_t n = 0;
    PR_TRY(e, pr_ledger_open_runs(q->x.ledger, q->x.env->name, q->c->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++) {
        *out = *out || (pr_eq(rows[i].state, "needs-person") && pr_eq(rows[i].migration, q->m->id));
        json_decref(rows[i].detail);
    }
    return PR_OK;
}

static enum pr_code rule(const struct asked *q, struct pr_err *e) {
    bool person = false;
    PR_TRY(e, needs_person(q, &person, e));
    const struct pr_situation s = {
        .is_protected = q->x.env->is_protected, .grounded = grounded(q), .rehearsed = rehearsed(q), .rehearsal_passed = q->rehearsal.passed,
        .bytes_same = q->has_rehearsal, .errors = q->errors, .findings_accepted = true, .needs_person = person && pr_eq(q->direction, "up")};
    const struct pr_ruling r = pr_may_approve(&s);
    if (r.code == PR_OK) return PR_OK;
    (void)PR_FAIL(e, r.code, "%s for %s: %s", q->m->id, q->x.env->name, r.reason);
    return pr_hint(e, "%s --env %s", pr_ruling_command(q->c->a, &r, q->m->id), q->x.env->name);
}

/* The signs are those that the rehearsal saw on the target; the class is what pgrail.conf makes of them now. */
static enum pr_code read_review(struct asked *q, struct pr_err *e) {
    if (pr_review_read(pr_get(pr_get(q->rehearsal.doc, "review"), q->direction), q->x.config, q->c->a, &q->review)) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_STALE, "%s for %s: rehearsal %" PRId64 " does not say how it is to be reviewed", q->m->id, q->x.env->name, q->rehearsal.id);
    return pr_hint(e, "pgrail rehearse %s --env %s", q->m->id, q->x.env->name);
}

/* Level, rule and statement of each finding that the person was shown. */
static const char *findings_digest(const struct asked *q) {
    struct pr_buf b = {.a = q->c->a};
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(q->rehearsal.doc, "findings"), i, o)
        pr_addf(&b, "%s %s %" PRId64 "\n", pr_get_str(o, "level"), pr_get_str(o, "rule"), pr_get_int(o, "statement"));
    return pr_sha256_text(q->c->a, pr_buf_text(&b));
}

static void show_script(const struct asked *q) {
    const struct pr_talk *t = q->c->talk;
    pr_say(t, PR_LINE_STEP, "%s, %s, on %s (database %s): %s", q->m->id, q->direction, q->x.env->name,
           pr_printable(q->c->a, q->grounding.database, 63), pr_tx_mode_name(pr_side_tx(q->side)));
    pr_say(t, PR_LINE_FACT, "%s, sha256 %s", q->side->path, pr_side_sha256(q->side, q->c->a));
    pr_say_code(t, q->c->a, pr_dupn(q->c->a, q->side->text, q->side->len), 0);
}

static void show_findings(const struct asked *q) {
    size_t i = 0;
    json_t *o = NULL;
    const json_t *all = pr_get(q->rehearsal.doc, "findings");
    if (json_array_size(all) == 0) pr_say(q->c->talk, PR_LINE_GOOD, "check found nothing");
    json_array_foreach(all, i, o) {
        const char *level = pr_get_str(o, "level");
        pr_say(q->c->talk, pr_eq(level, "error") ? PR_LINE_BAD : pr_eq(level, "warning") ? PR_LINE_WARN : PR_LINE_FACT, "%s %s, line %" PRId64 ": %s",
               level, pr_get_str(o, "rule"), pr_get_int(o, "line"), pr_printable(q->c->a, pr_get_str(o, "title"), 300));
    }
}

static void show_stops(const struct asked *q) {
    size_t i = 0;
    json_t *o = NULL;
    struct pr_arena *a = q->c->a;
    json_array_foreach(pr_get(pr_get(q->rehearsal.doc, "forecast"), "stops"), i, o)
        pr_say(q->c->talk, pr_get_int(o, "writers_us") > q->x.config->max_block_ms * 1000 ? PR_LINE_WARN : PR_LINE_FACT,
               "%s: %s, writers stopped %s, readers %s", pr_qualified(a, pr_get_str(o, "schema"), pr_get_str(o, "name")), pr_get_str(o, "lock"),
               pr_human_us(a, pr_get_int(o, "writers_us")), pr_human_us(a, pr_get_int(o, "readers_us")));
}

static void show_rehearsal(const struct asked *q) {
    struct pr_arena *a = q->c->a;
    int64_t at = 0;
    struct pr_err ignored = {0};
    const char *ago = pr_parse_iso_time(q->rehearsal.started_at, &at, &ignored) == PR_OK ? pr_ago(a, at) : q->rehearsal.started_at;
    pr_say(q->c->talk, PR_LINE_GOOD, "rehearsal %" PRId64 " passed, %s, on a copy of %s, in %s", q->rehearsal.id, ago, q->rehearsal.staging,
           pr_human_us(a, q->rehearsal.elapsed_us));
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(pr_get(q->rehearsal.doc, "verdict"), "notes"), i, o)
        pr_say(q->c->talk, PR_LINE_WARN, "%s", pr_printable(a, pr_get_str(o, "text") != NULL ? pr_get_str(o, "text") : "", 300));
    show_stops(q);
    show_findings(q);
}

/* ": items.note (line 3)" */
static const char *about(const struct asked *q) {
    const struct pr_reviewed *r = &q->review;
    struct pr_arena *a = q->c->a;
    return pr_fmt(a, "%s%s%s", r->of != NULL ? ": " : "", r->of != NULL ? pr_printable(a, r->of, 200) : "", r->line > 0 ? pr_fmt(a, " (line %d)", r->line) : "");
}

static void show_review(const struct asked *q) {
    const bool hard = q->review.review == PR_REVIEW_MANDATORY;
    pr_say(q->c->talk, hard ? PR_LINE_WARN : PR_LINE_FACT, "review: %s, %s%s", pr_review_name(q->review.review), q->review.why, about(q));
    if (q->m->author != NULL) pr_say(q->c->talk, PR_LINE_FACT, "written by %s", pr_printable(q->c->a, q->m->author, 200));
    else if (hard) pr_say(q->c->talk, PR_LINE_WARN, "the header names no author: that somebody else wrote it is not known");
}

/* A mandatory one: another person, who types the name of what is lost. Whoever is there at night may open the way back, and types it
 * too. */
static enum pr_code ask(struct asked *q, const char *signer, struct pr_err *e) {
    struct pr_arena *a = q->c->a;
    const struct pr_talk *t = q->c->talk;
    const char *env = q->x.env->name;
    if (q->review.review != PR_REVIEW_MANDATORY) return PR_OK;
    if (pr_eq(q->direction, "up") && pr_is_author(a, q->m->author, signer)) {
        (void)PR_FAIL(e, PR_ERR_NOT_APPROVED, "%s wrote %s, and %s%s: another person must approve", signer, q->m->id, q->review.why, about(q));
        return pr_hint(e, "pgrail approve %s --env %s, by another of %s", q->m->id, env, q->x.config->approvers);
    }
    if (t == NULL || t->confirm == NULL) return PR_FAIL(e, PR_ERR_REFUSED, "a mandatory review needs a person at a terminal, and there is none");
    const char *of = pr_review_subject(&q->review);
    q->typed = pr_printable(a, of != NULL ? of : q->m->id, 400);
    const char *page = pr_fmt(a, "\n\001h%s %s on %s\002\n  \001w%s%s\002\n\n", pr_eq(q->direction, "up") ? "Approve" : "Approve the way back of", q->m->id, env,
                              q->review.why, about(q));
    return t->confirm(t->ctx, page, pr_fmt(a, "Type %s to approve:", q->typed), q->typed, e);
}

/* Persons who have approved these bytes on this rehearsal and are still heard. */
static enum pr_code count_persons(const struct asked *q, int64_t *out, struct pr_err *e) {
    struct pr_approval *rows = NULL;
    size_t n = 0;
    int64_t persons = 0;
    PR_TRY(e, pr_ledger_approvals(q->x.ledger, q->x.env->name, q->m->sha256, q->direction, q->c->a, &rows, &n, e));
    for (size_t i = 0; i < n; i++) {
        bool again = rows[i].rehearsal_id != q->rehearsal.id;
        for (size_t j = 0; j < i && !again; j++) again = pr_eq(rows[i].signer, rows[j].signer) && rows[j].rehearsal_id == q->rehearsal.id;
        persons += !again;
    }
    *out = persons;
    return PR_OK;
}

static enum pr_code sign(const struct asked *q, const char *key, const char *signer, struct pr_approval *out, struct pr_err *e) {
    struct pr_arena *a = q->c->a;
    const struct pr_config *conf = q->x.config;
    const int64_t now = pr_wall_us();
    struct pr_approval_facts f = {
        .system_id = q->grounding.system_id, .database = q->grounding.database, .environment = q->x.env->name, .migration = q->m->id,
        .sha256 = q->m->sha256, .direction = q->direction, .fingerprint = pr_eq(q->direction, "up") ? q->grounding.fingerprint : NULL,
        .report_sha256 = q->rehearsal.report_sha256, .findings_sha256 = findings_digest(q), .nonce = pr_random_hex(a, 16),
        .approved_at = pr_iso_time(a, now), .expires_at = pr_iso_time(a, pr_sat_add(now, pr_sat_mul(conf->approval_max_age_ms, 1000))),
        .rehearsal_id = q->rehearsal.id, .signer = signer};
    PR_TRY(e, pr_side_statements_sha256(q->side, a, &f.statements_sha256, e));
    const char *text = pr_approval_text(a, &f), *signature = NULL;
    pr_say(q->c->talk, PR_LINE_STEP, "signing as %s until %s; ssh-keygen may ask for a touch or a passphrase", f.signer, f.expires_at);
    PR_TRY(e, pr_sign(key, text, a, &signature, e));
    PR_TRY(e, pr_verify_signature(conf->approvers, f.signer, text, signature, a, e));
    *out = (struct pr_approval){
        .environment = f.environment, .migration = f.migration, .sha256 = f.sha256, .direction = f.direction, .rehearsal_id = f.rehearsal_id,
        .statement = text, .digest = pr_sha256_text(a, text), .signature = signature, .signer = f.signer, .approved_at = f.approved_at,
        .expires_at = f.expires_at};
    return pr_ledger_put_approval(q->x.ledger, out, e);
}

static json_t *document(const struct asked *q, const struct pr_approval *p, int64_t persons) {
    json_t *doc = json_object();
    pr_set_str(doc, "schema", "pgrail.approve/1");
    pr_set_int(doc, "approval", p->id);
    pr_set_str(doc, "migration", p->migration);
    pr_set_str(doc, "environment", p->environment);
    pr_set_str(doc, "direction", p->direction);
    pr_set_str(doc, "sha256", p->sha256);
    pr_set_str(doc, "signer", p->signer);
    pr_set_str(doc, "approved_at", p->approved_at);
    pr_set_str(doc, "expires_at", p->expires_at);
    pr_set_int(doc, "rehearsal", p->rehearsal_id);
    pr_set_str(doc, "report_sha256", q->rehearsal.report_sha256);
    pr_set_int(doc, "errors_accepted", q->errors);
    pr_set(doc, "review", pr_review_json(&q->review));
    pr_set_str(doc, "typed", q->typed);
    pr_set_str(doc, "statement", p->statement);
    pr_set_int(doc, "persons", persons);
    pr_set_int(doc, "persons_needed", q->x.config->approvals);
    const char *verb = pr_eq(p->direction, "up") ? "apply" : "rollback";
    pr_set_str(doc, "next", persons >= q->x.config->approvals ? pr_fmt(q->c->a, "pgrail %s %s --env %s", verb, p->migration, p->environment)
                                                               : pr_fmt(q->c->a, "pgrail approve %s --env %s%s, by another person", p->migration,
                                                                        p->environment, pr_eq(p->direction, "up") ? "" : " --down"));
    return doc;
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct asked q PR_CLEANUP(asked_done) = {.c = c, .direction = in->down ? "down" : "up"};
    PR_TRY(e, pr_context_open(c, in->env, &q.x, e));
    PR_TRY(e, pr_context_target(c, &q.x, in->migration, &q.m, e));
    q.side = in->down ? &q.m->down : &q.m->up;
    if (q.side->path == NULL) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s has no %s script", q.m->id, q.direction);
        return pr_hint(e, in->down ? "without one a rollback is a restore, or a new migration: pgrail new NAME" : "write it, then pgrail check %s", q.m->id);
    }
    PR_TRY(e, recall(&q, e));
    PR_TRY(e, rule(&q, e));
    PR_TRY(e, read_review(&q, e));
    show_script(&q);
    show_rehearsal(&q);
    show_review(&q);
    struct pr_approval p = {0};
    const char *key = in->key != NULL ? in->key : q.x.config->signing_key, *signer = NULL;
    PR_TRY(e, pr_key_signer(q.x.config->approvers, key, c->a, &signer, e));
    PR_TRY(e, ask(&q, signer, e));
    PR_TRY(e, sign(&q, key, signer, &p, e));
    int64_t persons = 0;
    PR_TRY(e, count_persons(&q, &persons, e));
    pr_call_return(c, document(&q, &p, persons));
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    pr_addf(r->out, "\001gapproved\002  %s, %s, on %s, by %s, until %s\n", pr_get_str(doc, "migration"), pr_get_str(doc, "direction"),
            pr_get_str(doc, "environment"), pr_printable(r->a, pr_get_str(doc, "signer"), 100), pr_get_str(doc, "expires_at"));
    pr_addf(r->out, "sha256 %s, rehearsal %" PRId64 "; %" PRId64 " of %s\n", pr_get_str(doc, "sha256"), pr_get_int(doc, "rehearsal"),
            pr_get_int(doc, "persons"), pr_plural(r->a, pr_get_int(doc, "persons_needed"), "person"));
    if (pr_get_int(doc, "errors_accepted") > 0)
        pr_addf(r->out, "\001wwith it %s of level error accepted\002\n", pr_plural(r->a, pr_get_int(doc, "errors_accepted"), "finding"));
    pr_addf(r->out, "next: \001c%s\002\n", pr_get_str(doc, "next"));
}

PR_OP(approve) = {
    .name = "approve", .summary = "Show what will run and sign it",
    .detail = "Shows the script byte for byte, what the check and the rehearsal found, and signs a text that binds the bytes, the database, the "
              "environment, the rehearsal and the time, with ssh-keygen -Y sign. The signature is verified at once against the approvers of "
              "pgrail.conf. An approval counts once, expires, and is void when anything that it binds has moved. The review class of check "
              "([review] of pgrail.conf adjusts it) says what is asked before: of a mandatory one the author cannot be the one who approves, and "
              "the name of what is lost is typed at a terminal; for a way back (--down) it is typed too, by whoever is there.",
    .examples = (const char *const[]){"pgrail approve 0247", "pgrail approve 0247 --env production --key ~/.ssh/id_ed25519_sk", "pgrail approve 0247 --down", NULL},
    .capability = PR_APPROVE, .person_only = true, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.approve/1", .run = run, .render = render,
};
