/* rehearse.h: runs a migration on a disposable copy of staging and says exactly what it did to others. See docs/rehearse.md.
 * The document has schema "pgrail.rehearsal/1" (docs/schema/rehearsal.json). */
#ifndef PR_REHEARSE_REHEARSE_H
#define PR_REHEARSE_REHEARSE_H

#include "ledger/ledger.h"
#include "policy/policy.h"
#include "project/project.h"
#include "rules/rules.h"

/* A backfill on the copy: not its statement at once, but as a backfill runs. Who knows how to do that hands it in. */
struct pr_filled_table { int64_t oid, changed; bool walked; };
struct pr_filled {
    const char *way, *why_way;             /* "strided", "key", "blocks" */
    const struct pr_filled_table *tables; size_t n_tables;
    bool whole;                            /* every row was visited */
    int64_t rows, read, changed, batches, rejects;             /* rows: of the table; read: visited */
    int64_t walk_us;
    int64_t heap_before, heap_after, indexes_before, indexes_after;
    int64_t updates, hot_updates;
    int64_t left;                          /* that the condition still holds for; -1 = not known */
};
/* Where it is to run, and who wants to know when the walk begins and ends: NULL where nobody does. ended: a foreground wrote meanwhile;
 * it has stopped when ended returns. */
struct pr_fill_place {
    struct pr_pg_where where;
    void (*began)(void *ctx);
    enum pr_code (*ended)(void *ctx, struct pr_err *e);
    void *ctx;
};
/* Errors DB, REFUSED, BAD_INPUT, ABORTED: it does not work, which the verdict tells; any other ends the rehearsal. */
typedef enum pr_code pr_fill_fn(void *ctx, const struct pr_fill_place *copy, struct pr_arena *a, struct pr_filled *out, struct pr_err *e);

/* A foreground for the time of the first up: scripts of pgbench, judged and read. */
struct pr_workload_script { const char *name, *text, *sha256; size_t len; int64_t weight; };      /* name: unlike the others', no folder in it */
struct pr_workload {
    const struct pr_workload_script *scripts; size_t n;
    const char *title;                     /* "reads.sql, writes.sql" */
    const char *program, *version;         /* path; "pgbench 15.18" */
    int64_t rate, clients, alone_ms;       /* rate: transactions a second, of all clients together */
};

struct pr_rehearse {
    const struct pr_config *config;
    const struct pr_environment *target;   /* that it is for: its facts are the yardstick; NULL = no target reachable */
    const struct pr_environment *staging;  /* that is cloned; NULL with dump */
    const char *dump;                      /* pg_dump file (custom, directory or plain SQL) for a throwaway cluster */
    const struct pr_migration *migration;
    int64_t sample_ms;                     /* sampler and canaries */
    bool force;                            /* rehearse although check found errors (said in the verdict) */
    const char *html;                      /* page to write, or NULL */
    const struct pr_talk *talk;
    pr_fill_fn *fill; void *fill_ctx;      /* the migration is a backfill; NULL = it is none */
    const struct pr_workload *workload;    /* NULL = none */
};

/* The whole rehearsal. doc gets the document (new reference) also when the verdict is "not ready"; passed says which.
 * Errors CONNECT, DB, TIMEOUT, INTERRUPTED (clone dropped), REFUSED (staging is production, or in use), BAD_INPUT (the workload fails by
 * itself), PROC. */
PR_NODISCARD enum pr_code pr_rehearse_run(const struct pr_rehearse *r, struct pr_arena *a, json_t **doc, bool *passed,
                                          struct pr_err *e);

/* Self-contained HTML of a rehearsal document: lock timeline as SVG, readable in print. */
const char *pr_rehearsal_html(const json_t *doc, struct pr_arena *a);

/* Drops clones that a dead pgrail left on staging (databases pgrail_clone_… with a marker comment and no owner alive).
 * Errors DB. */
PR_NODISCARD enum pr_code pr_rehearse_sweep(struct pr_pg *staging_maintenance, int *dropped, struct pr_err *e);

#endif
