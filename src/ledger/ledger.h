/* ledger.h: what happened before. Local state in SQLite ($XDG_STATE_HOME/pgrail/ledger.db, or PGRAIL_LEDGER), and the
 * history that lives in the target database (schema pgrail). Times are ISO text in UTC. Strings that are read live in the
 * caller's arena. Errors STORE of everything local, when nothing else is said. */
#ifndef PR_LEDGER_LEDGER_H
#define PR_LEDGER_LEDGER_H

#include "pg/pg.h"
#include "store/store.h"

struct pr_ledger;

/* project: the root folder of the project; rows of other projects are not seen. Errors STORE. */
PR_NODISCARD enum pr_code pr_ledger_open(const char *project, struct pr_ledger **out, struct pr_err *e);
void pr_ledger_close(struct pr_ledger *l);
void pr_ledger_closep(struct pr_ledger **l);

struct pr_grounding {
    int64_t id;
    const char *environment, *system_id, *database;
    const char *migration;         /* its id, or NULL for a grounding of named relations */
    const char *sha256;            /* of the migration when it was grounded, header line left out; NULL */
    const char *fingerprint;       /* of all relations together */
    json_t *relations;             /* object: "schema.name" → fingerprint; put borrows it, get gives a new reference */
    const char *taken_at;
};
PR_NODISCARD enum pr_code pr_ledger_put_grounding(struct pr_ledger *l, struct pr_grounding *g, struct pr_err *e);
/* The newest grounding of a migration on an environment; found false when there is none. */
PR_NODISCARD enum pr_code pr_ledger_grounding(struct pr_ledger *l, const char *environment, const char *migration,
                                              struct pr_arena *a, struct pr_grounding *out, bool *found, struct pr_err *e);

struct pr_rehearsal {
    int64_t id;
    const char *environment;       /* that it is for */
    const char *staging;           /* that was cloned, or "dump FILE" */
    const char *migration, *sha256;
    bool passed;
    const char *fingerprint;       /* of the touched relations before the run, on staging */
    const char *report_sha256;     /* of the document */
    json_t *doc;                   /* schema pgrail.rehearsal/1; put borrows it, get gives a new reference */
    const char *started_at;
    int64_t elapsed_us;
};
PR_NODISCARD enum pr_code pr_ledger_put_rehearsal(struct pr_ledger *l, struct pr_rehearsal *r, struct pr_err *e);
/* The newest rehearsal of exactly these bytes; sha256 NULL = of any bytes of that migration. */
PR_NODISCARD enum pr_code pr_ledger_rehearsal(struct pr_ledger *l, const char *environment, const char *migration,
                                              const char *sha256, struct pr_arena *a, struct pr_rehearsal *out, bool *found,
                                              struct pr_err *e);

struct pr_approval {
    int64_t id;
    const char *environment, *migration, *sha256;
    const char *direction;         /* "up" or "down" */
    int64_t rehearsal_id;
    const char *statement;         /* the exact text that was signed (see pr_approval_text) */
    const char *digest;            /* SHA-256 of statement */
    const char *signature;         /* ssh-keygen -Y sign's armoured text */
    const char *signer;            /* principal of the allowed_signers file */
    const char *approved_at, *expires_at, *used_at;
};
/* The canonical text that a person signs: format version, cluster system identifier, database, environment, migration id and
 * SHA-256, direction, ordered statements' SHA-256, schema fingerprint, rehearsal id and report hash, findings' digest, nonce,
 * times. One "key: value" a line, in the order of pr_approval_text: format, system-id, database, environment, migration, sha256,
 * direction, statements, fingerprint, rehearsal, report, findings, nonce, approved-at, expires-at, signer; "-" for NULL. */
struct pr_approval_facts {
    const char *system_id, *database, *environment, *migration, *sha256, *direction, *statements_sha256, *fingerprint,
        *report_sha256, *findings_sha256, *nonce, *approved_at, *expires_at, *signer;
    int64_t rehearsal_id;
};
const char *pr_approval_text(struct pr_arena *a, const struct pr_approval_facts *f);
/* Value of a key of such a text, or NULL. What apply trusts is this, after the signature has verified, never the row's columns. */
const char *pr_approval_field(struct pr_arena *a, const char *statement, const char *key);

PR_NODISCARD enum pr_code pr_ledger_put_approval(struct pr_ledger *l, struct pr_approval *p, struct pr_err *e);
/* Approvals of these bytes that are not used and not expired, newest first. Rows whose columns say otherwise than the signed text
 * are left out; the signature itself is the caller's to verify. */
PR_NODISCARD enum pr_code pr_ledger_approvals(struct pr_ledger *l, const char *environment, const char *sha256,
                                              const char *direction, struct pr_arena *a, struct pr_approval **out, size_t *n,
                                              struct pr_err *e);
/* Marks it used; refuses a second time. Errors NOT_APPROVED (used already, expired), STORE. */
PR_NODISCARD enum pr_code pr_ledger_use_approval(struct pr_ledger *l, int64_t id, struct pr_err *e);

/* key NULL: the first of ~/.ssh/id_ed25519_sk, id_ecdsa_sk, id_ed25519, id_ecdsa, id_rsa. Signs with `ssh-keygen -Y sign -n pgrail -f key` (an agent or a touch may be asked for), and verifies with `-Y verify`
 * against allowed_signers. Errors PROC (ssh-keygen missing or failing), NOT_APPROVED (signature does not verify). */
PR_NODISCARD enum pr_code pr_sign(const char *key, const char *text, struct pr_arena *a, const char **signature,
                                  struct pr_err *e);
PR_NODISCARD enum pr_code pr_verify_signature(const char *allowed_signers, const char *signer, const char *text,
                                              const char *signature, struct pr_arena *a, struct pr_err *e);
/* Principal in allowed_signers that a private key belongs to, before anything is signed: the text names its signer. key as for
 * pr_sign; its public half is read from KEY.pub, else asked of ssh-keygen. Errors PROC, NOT_APPROVED (hint: the line to add). */
PR_NODISCARD enum pr_code pr_key_signer(const char *allowed_signers, const char *key, struct pr_arena *a, const char **signer,
                                        struct pr_err *e);
/* Principal in allowed_signers whose key is the given key's public half (ssh-keygen -Y find-principals).
 * Errors NOT_APPROVED: the key is nobody's (hint: the line to add). */
PR_NODISCARD enum pr_code pr_find_signer(const char *allowed_signers, const char *text, const char *signature,
                                         struct pr_arena *a, const char **signer, struct pr_err *e);

/* The journal of runs (apply, rollback). An event is durable before its act: it and the new state are one transaction. */
struct pr_run_row {
    int64_t id;
    const char *environment, *migration, *sha256, *direction;
    const char *state;             /* names of apply/run.c's states */
    int64_t step, steps;           /* statement that is under way, 0-based, and how many there are */
    const char *step_sha256;
    int64_t backend_pid; const char *backend_start;
    const char *pre_fingerprint;
    const char *started_at, *changed_at;
    json_t *detail;                /* borrowed by open and step, a new reference from open_runs; what resume needs: invalid indexes before, approval id, rehearsal id … */
};
PR_NODISCARD enum pr_code pr_ledger_open_run(struct pr_ledger *l, struct pr_run_row *r, struct pr_err *e);
PR_NODISCARD enum pr_code pr_ledger_step_run(struct pr_ledger *l, const struct pr_run_row *r, const char *event,
                                             const char *note, struct pr_err *e);
/* Runs of an environment that have not ended (state neither "done" nor "failed"), oldest first. */
PR_NODISCARD enum pr_code pr_ledger_open_runs(struct pr_ledger *l, const char *environment, struct pr_arena *a,
                                              struct pr_run_row **out, size_t *n, struct pr_err *e);

/* History in the target: schema pgrail, table pgrail.history (one row per run that was proven, or undone) and
 * pgrail.lock (one row, for the row lock behind a pooler). */
struct pr_history_row {
    int64_t id;
    const char *version, *migration, *sha256, *direction, *applied_at, *applied_by, *approved_by, *pgrail_version;
    int64_t elapsed_us;
    const char *up_sha256, *down_sha256;
    const char *run_id;            /* unique over all machines (pr_random_hex): a second add of the same run does nothing */
};
/* Creates schema and tables when absent (needs CREATE on the database then only). Errors DB. In add, applied_at NULL = now,
 * applied_by NULL = session_user; applied_at is read back as ISO text in UTC. */
PR_NODISCARD enum pr_code pr_history_ensure(struct pr_pg *pg, struct pr_err *e);
PR_NODISCARD enum pr_code pr_history_add(struct pr_pg *pg, const struct pr_history_row *row, struct pr_err *e);
/* Rows in order; none (n 0) when the schema is not there. */
PR_NODISCARD enum pr_code pr_history_read(struct pr_pg *pg, struct pr_arena *a, struct pr_history_row **out, size_t *n,
                                          struct pr_err *e);
/* The row that says whether a migration is applied now: its newest row, when that is an "up"; else NULL. A backfill is no longer so when its
 * way back is newer, nor is a way back whose backfill was run once more. */
const struct pr_history_row *pr_history_applied(const struct pr_history_row *rows, size_t n, const char *version);

#endif
